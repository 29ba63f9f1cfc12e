/*
 * A role's filter, made by libseccomp and kept as the bytes that the kernel loads. What
 * costs time happens once, in the supervisor; a child only loads.
 */
#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"
#include "table.h"

#define CALLS_MAX 1024

static bool is_in_a_row(enum sandbox_role role, int call)
{
	for (size_t i = 0; i < table_absent_count; i++)
		if (table_absent[i].call == call && table_absent[i].roles & 1U << role)
			return true;
	return table_grants(role, call) || sandbox_is_deadly(call);
}

MUST_USE static int add_rule(scmp_filter_ctx filter, uint32_t answer,
			     const struct table_may *may)
{
	int result;

	if (may->call < 0)
		return 0;
	result = seccomp_rule_add_array(filter, answer, may->call, may->count, may->when);
	return result == -EEXIST ? 0 : result;
}

/* Where the rest is granted already, a row that grants would be none. */
MUST_USE static int add_granted(scmp_filter_ctx filter, enum sandbox_role role)
{
	int result = 0;

	for (size_t i = 0; i < table_may_count && result == 0; i++)
		if (table_may[i].roles & 1U << role)
			result = add_rule(filter, SCMP_ACT_ALLOW, &table_may[i]);
	return result;
}

/* All calls that libseccomp has a name for, but for those in a row. */
MUST_USE static int add_all_known(scmp_filter_ctx filter, enum sandbox_role role)
{
	int result = 0;

	for (int call = 0; call < CALLS_MAX && result == 0; call++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

		if (name && !is_in_a_row(role, call) && call != TABLE_END)
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
		free(name);
	}
	return result;
}

MUST_USE static int add_deadly(scmp_filter_ctx filter, enum sandbox_role role)
{
	int result = 0;

	for (size_t i = 0; i < table_deadly_count && result == 0; i++) {
		const struct table_may may = { .call = table_deadly[i].call };
		bool is_absent = false;

		for (size_t j = 0; j < table_absent_count; j++)
			is_absent |= table_absent[j].call == may.call &&
				     table_absent[j].roles & 1U << role;
		if (!is_absent && !table_grants(role, may.call))
			result = add_rule(filter, SCMP_ACT_TRAP, &may);
	}
	return result;
}

MUST_USE static int add_rows(scmp_filter_ctx filter, enum sandbox_role role)
{
	enum table_kind kind = table_kind(role);
	int result = 0;

	if (kind == TABLE_INHERITED)
		result = add_deadly(filter, role);
	else
		result = add_granted(filter, role);
	if (result == 0 && kind == TABLE_OPEN)
		result = add_all_known(filter, role);
	for (size_t i = 0; i < table_absent_count && result == 0; i++) {
		const struct table_may may = { .call = table_absent[i].call };

		if (table_absent[i].roles & 1U << role)
			result = add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), &may);
	}
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, TABLE_END, 0);
	return result;
}

/* The calls stand in a tree: the kernel caches which are granted on no condition, and
 * runs the filter for the others alone. */
static scmp_filter_ctx make_filter(enum sandbox_role role)
{
	bool is_inherited = table_kind(role) == TABLE_INHERITED;
	scmp_filter_ctx filter =
		seccomp_init(is_inherited ? SCMP_ACT_ALLOW : SCMP_ACT_TRAP);

	if (filter &&
	    seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ==
		    0 &&
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
	    add_rows(filter, role) == 0)
		return filter;
	seccomp_release(filter);
	return NULL;
}

MUST_USE static int export_filter(scmp_filter_ctx filter, struct sandbox_program *program)
{
	int fd = memfd_create("cathgate-filter", MFD_CLOEXEC);
	size_t size = 0;

	if (fd >= 0 && seccomp_export_bpf(filter, fd) == 0)
		program->filter = (void *)memory_file_read(fd, &size);
	program->count = size / sizeof(*program->filter);
	if (fd >= 0)
		close(fd);
	return program->filter ? 0 : -1;
}

struct sandbox_program *sandbox_prepare(enum sandbox_role role)
{
	struct sandbox_program *program = calloc(1, sizeof(*program));
	scmp_filter_ctx filter = program ? make_filter(role) : NULL;
	const char *lack = sandbox_lacks_seccomp();

	if (program)
		program->role = role;
	if (filter && export_filter(filter, program) == 0) {
		seccomp_release(filter);
		return program;
	}
	log_error("the %s's sandbox can't be made: %s", table_role_name(role),
		  lack ? lack : "no memory");
	seccomp_release(filter);
	sandbox_free(program);
	return NULL;
}

void sandbox_free(struct sandbox_program *program)
{
	if (!program)
		return;
	free(program->filter);
	free(program);
}

const struct sock_filter *sandbox_filter(const struct sandbox_program *program,
					 size_t *ret_count)
{
	*ret_count = program->count;
	return program->filter;
}
