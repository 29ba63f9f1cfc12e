/* `cathgate spool export`: objects as DICOM files (PS3.10). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cathgate/dicom/part10.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"
#include "item.h"
#include "ring.h"
#include "taking.h"

struct export
{
	struct taking taking; /* first */
	const char *to, *note;
	bool is_folder;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("to", "PATH", OPTIONS_TEXT, struct export, to),
	SELECTION_ROWS(struct export, taking.selection),
	OPTIONS_ROW("note", "TEXT", OPTIONS_TEXT, struct export, note),
	OPTIONS_ROW("yes", NULL, OPTIONS_FLAG, struct export, taking.is_yes),
	TAKING_KEY_ROWS(struct export, taking),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate spool export",
	.behind = "[OBJECT…]",
	.about =
		"Writes objects of the spool into DICOM files: one into the file PATH, "
		"or any number into the folder PATH. They stay in the spool. Asks first, "
		"unless --yes. With --file the operands are files, as of a copy of the "
		"spool's folder, and no gateway has to run. " SELECTION_FORMS PERIOD_FORMS
		"TEXT is for the audit log, as is who asks. More: man cathgate-spool\n",
	.rows = rows,
	.most = SIZE_MAX,
};

/* Under its number: of a file, that its name begins with. */
static const char *file_name(const struct export *export, const struct taken *taken)
{
	const char *base = durable_base(taken->name);
	int length = (int)strcspn(base, ".");

	if (!export->is_folder)
		return export->to;
	return keep_format("%s/%.*s.dcm", export->to, length, base);
}

/* What of the plaintext is data set, into the file. NULL; or why it fails. */
static const char *write_data(const struct taken *taken, int fd)
{
	uint64_t left = taken->metadata.command_size; /* to be passed over */
	bool is_last = false;

	while (!is_last) {
		const uint8_t *bytes;
		size_t size, passed;
		enum spool_fault fault =
			spool_opener_next(taken->opener, &bytes, &size, &is_last);

		if (fault != SPOOL_GOOD)
			return ring_why(fault);
		passed = left < size ? (size_t)left : size;
		left -= passed;
		if (durable_write(fd, bytes + passed, size - passed) != 0)
			return strerror(errno);
	}
	return NULL;
}

static const char *write_head(const struct taken *taken, int fd)
{
	const struct spool_metadata *metadata = &taken->metadata;
	struct part10 part10 = { .has_meta = true };
	uint8_t head[PART10_WRITTEN_MAX];
	int size;

	memcpy(part10.sop_class, metadata->sop_class, sizeof(part10.sop_class));
	memcpy(part10.sop_instance, metadata->sop_instance, sizeof(part10.sop_instance));
	memcpy(part10.transfer_syntax, metadata->transfer_syntax,
	       sizeof(part10.transfer_syntax));
	size = part10_write(&part10, head);
	if (size < 0)
		return "its SOP class, SOP instance or transfer syntax isn't known";
	return durable_write(fd, head, (size_t)size) == 0 ? NULL : strerror(errno);
}

/* The record is durable before the file has its name. *ret_is_lost: no other will do. */
static const char *record(const struct export *export, const struct reach *reach,
			  const struct taken *taken, bool *ret_is_lost)
{
	int error =
		taken->item ? taking_ask(reach, taken, SPOOL_EXPORTED, export->note) : 0;

	*ret_is_lost = reach_is_lost(error);
	return error == 0 ? NULL : reach_why(error);
}

static bool export_one(struct taking *taking, const struct reach *reach,
		       struct taken *taken)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0600 };
	const struct export *export = (const struct export *)taking;
	const char *path = file_name(export, taken), *why = taken->why;
	struct durable_draft draft;
	bool is_lost = false;

	if (!why && access(path, F_OK) == 0)
		why = keep_format("%s is there already", path);
	if (!why && durable_begin(path, DURABLE_CREATE, &draft) != 0)
		why = keep_format("%s: %s", path, strerror(errno));
	if (why)
		return taking_fail(taking, taken, why);
	why = write_head(taken, draft.fd);
	if (!why)
		why = write_data(taken, draft.fd);
	if (!why)
		why = record(export, reach, taken, &is_lost);
	if (why)
		durable_abandon(&draft);
	else if (durable_finish(&draft, &own) != 0)
		why = keep_format("%s: %s", path, strerror(errno));
	if (why) {
		taking_fail(taking, taken, why);
		return !is_lost;
	}
	shown_text(stdout, path);
	putchar('\n');
	taking->done++;
	return true;
}

/* -1 to go on. */
static int check_place(struct export *export, size_t count)
{
	struct stat status;

	if (!export->to) {
		complain("write where to: --to FOLDER, or of one object --to FILE");
		return CLI_USAGE;
	}
	export->is_folder = stat(export->to, &status) == 0 && S_ISDIR(status.st_mode);
	if (export->is_folder ||
	    (count == 1 && export->to[strlen(export->to) - 1] != '/'))
		return -1;
	complain("%s is no folder: make it, with a mode that keeps others out (mkdir -m "
		 "700)",
		 export->to);
	return CLI_USAGE;
}

int spool_export_main(int argc, char **argv)
{
	struct export export = { .taking = { .config = CATHGATE_CONFIG,
					     .states = SELECTION_HERE,
					     .must_be_given = true,
					     .asks = "Export",
					     .behind =
						     ", with patients' data, unencrypted",
					     .take = export_one } };
	int status = options_read(&options, argc, argv, &export);
	size_t count;

	if (status >= 0)
		return status;
	count = (size_t)(argc - optind);
	if (check_place(&export, count) >= 0)
		return CLI_USAGE;
	if (export.taking.are_files)
		complain("what is exported from files stands in no audit log");
	return taking_run(&export.taking, argv + optind, count);
}
