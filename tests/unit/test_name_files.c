/* Goal: the resolver reaches what is in /etc but what has our keys: a key's file, the
 * file behind a link that names one, and the file with a token's PIN, however the URI
 * names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/helpers/name_files.h"

/* Two files that each Debian has in /etc, outside any folder of it. */
#define SECRET "/etc/passwd"
#define OTHER  "/etc/group"

enum seen { SEES_OTHER = 1, SEES_SECRET = 2 };

static bool can_read(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file >= 0)
		close(file);
	return file >= 0;
}

static int look(const struct config *config)
{
	struct sandbox_program *program = sandbox_prepare(SANDBOX_RESOLVER);
	int status;
	pid_t child;

	assert_non_null(program);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (name_files_enter(program, config) != 0)
			_exit(99);
		_exit((can_read(OTHER) ? SEES_OTHER : 0) |
		      (can_read(SECRET) ? SEES_SECRET : 0));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	sandbox_free(program);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* With such a key of a listener, of a destination, and of the audit log's signatures. */
static void assert_hidden(const char *path, bool in_token)
{
	struct config_file key = { .path = path, .in_token = in_token };
	struct config_files keys = { .items = &key, .count = 1 };
	struct config_listen listen = { .tls = { .key = keys } };
	struct config_destination destination = { .tls = { .key = keys } };
	struct config config = { .path = "/etc/cathgate/cathgate.conf" };

	config.listen = &listen;
	config.listen_count = 1;
	assert_int_equal(look(&config), SEES_OTHER);
	config.listen_count = 0;
	config.destinations = &destination;
	config.destination_count = 1;
	assert_int_equal(look(&config), SEES_OTHER);
	if (in_token)
		return;
	config.destination_count = 0;
	config.audit.signing_key = key;
	assert_int_equal(look(&config), SEES_OTHER);
}

static void keys_are_out_of_reach(void **state)
{
	struct config config = { .path = "/etc/cathgate/cathgate.conf" };
	char folder[] = "/tmp/test-name-files-XXXXXX", link[64], uri[128];

	(void)state;
	if (sandbox_lacks_seccomp() || sandbox_lacks_landlock() || sandbox_is_widened())
		skip();
	assert_int_equal(look(&config), SEES_OTHER | SEES_SECRET);
	assert_non_null(mkdtemp(folder));
	snprintf(link, sizeof(link), "%s/key", folder);
	assert_int_equal(symlink(SECRET, link), 0);

	assert_hidden(SECRET, false);
	assert_hidden(link, false);
	assert_hidden("pkcs11:token=gate;object=tls?pin-source=" SECRET, true);
	assert_hidden("pkcs11:object=tls?pin-source=file:" SECRET "&module-name=p11",
		      true);
	snprintf(uri, sizeof(uri), "pkcs11:object=tls?pin-source=file://%s", link);
	assert_hidden(uri, true);
	unlink(link);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_out_of_reach),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
