/* `cathgate spool show`: what an object's sealed metadata say. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/digest.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/moment.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"
#include "item.h"
#include "taking.h"

struct show {
	struct taking taking; /* first */
	bool as_json, with_patient;
	json_t *list;
};

static const struct options_row rows[] = {
	SELECTION_ROWS(struct show, taking.selection),
	OPTIONS_ROW("patient", NULL, OPTIONS_FLAG, struct show, with_patient),
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct show, as_json),
	TAKING_KEY_ROWS(struct show, taking),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate spool show",
	.behind = "[OBJECT…]",
	.about = "What is known of objects in the spool; with --patient also whose they "
		 "are. With --file the operands are files, as of a copy of the spool's "
		 "folder, and no gateway has to run. " SELECTION_FORMS PERIOD_FORMS
		 "More: man cathgate-spool\n",
	.rows = rows,
	.most = SIZE_MAX,
};

static void print_text(const char *head, const char *text)
{
	if (!text[0])
		return;
	printf("  %-16s ", head);
	shown_text(stdout, text);
	putchar('\n');
}

static void print_item(const struct spool_item *item)
{
	struct item_texts texts;

	if (!item)
		return;
	item_text(item, &texts);
	print_text("state", selection_state(item->state));
	print_text("", texts.what);
	print_text("came", texts.came);
}

static void print_metadata(const struct spool_metadata *metadata, bool with_patient)
{
	char size[SHOWN_SIZE_SIZE], sha256[DIGEST_HEX_SIZE], sealed[MOMENT_SIZE];

	shown_size((int64_t)metadata->data_size, size);
	digest_hex(metadata->sha256, sizeof(metadata->sha256), sha256);
	moment_show(metadata->sealed_us, false, sealed);
	print_text("destination", metadata->destination);
	print_text("modality", metadata->modality);
	print_text("calling AE title", metadata->calling_ae);
	print_text("called AE title", metadata->called_ae);
	print_text("association", metadata->association);
	print_text("SOP class", metadata->sop_class);
	print_text("SOP instance", metadata->sop_instance);
	print_text("study", metadata->study);
	if (with_patient)
		print_text("patient ID", metadata->patient_id);
	print_text("transfer syntax", metadata->transfer_syntax);
	printf("  %-16s %s (%" PRIu64 " bytes)\n", "data set", size, metadata->data_size);
	print_text("SHA-256", sha256);
	print_text("sealed", sealed);
	if (metadata->sop_instance[0]) {
		printf("  %-16s cathgate audit tail -n all --sop-instance ", "audit log");
		shown_text(stdout, metadata->sop_instance);
		putchar('\n');
	}
}

static json_t *text_json(const char *text)
{
	return text[0] ? shown_json(text) : json_null();
}

static void add_metadata(json_t *object, const struct spool_metadata *metadata,
			 bool with_patient)
{
	char sha256[DIGEST_HEX_SIZE], sealed[MOMENT_SIZE];

	digest_hex(metadata->sha256, sizeof(metadata->sha256), sha256);
	moment_write(metadata->sealed_us, sealed);
	json_object_update_new(
		object, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:s,s:s}",
				  "destination", text_json(metadata->destination),
				  "modality", text_json(metadata->modality),
				  "association", text_json(metadata->association),
				  "calling_ae", text_json(metadata->calling_ae),
				  "called_ae", text_json(metadata->called_ae),
				  "sop_class", text_json(metadata->sop_class),
				  "sop_instance", text_json(metadata->sop_instance),
				  "study", text_json(metadata->study), "transfer_syntax",
				  text_json(metadata->transfer_syntax), "bytes",
				  (json_int_t)metadata->data_size, "command_bytes",
				  (json_int_t)metadata->command_size, "sha256", sha256,
				  "sealed", sealed));
	if (with_patient)
		json_object_set_new(object, "patient_id",
				    text_json(metadata->patient_id));
}

static void add_json(struct show *show, const struct taken *taken)
{
	json_t *object = taken->item
				 ? item_json(taken->item)
				 : json_pack("{s:o}", "file", shown_json(taken->name));

	if (taken->opener)
		add_metadata(object, &taken->metadata, show->with_patient);
	else
		json_object_set_new(object, "fault", shown_json(taken->why));
	json_array_append_new(show->list, object);
}

static bool show_one(struct taking *taking, const struct reach *reach,
		     struct taken *taken)
{
	struct show *show = (struct show *)taking;

	(void)reach;
	if (show->as_json) {
		add_json(show, taken);
	} else {
		if (taking->done + taking->failed > 0)
			putchar('\n');
		shown_text(stdout, taken->name);
		putchar('\n');
		print_item(taken->item);
	}
	if (!taken->opener)
		return taking_fail(taking, taken, taken->why);
	if (!show->as_json)
		print_metadata(&taken->metadata, show->with_patient);
	taking->done++;
	return true;
}

int spool_show_main(int argc, char **argv)
{
	struct show show = { .taking = { .config = CATHGATE_CONFIG,
					 .states = SELECTION_HERE,
					 .must_be_given = true,
					 .take = show_one } };
	int status = options_read(&options, argc, argv, &show);

	if (status >= 0)
		return status;
	show.list = json_array();
	status = taking_run(&show.taking, argv + optind, (size_t)(argc - optind));
	if (show.as_json && status != CLI_USAGE) {
		json_dumpf(show.list, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(show.list);
	return status;
}
