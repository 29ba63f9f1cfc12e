/* Makes DICOM audit messages of lines of an audit log, as the exporter does, for tests
 * that need more kinds or more of them than a gateway has reason to write.
 *
 *	export_lines DIRECTORY [LINES-AT-ONCE] <audit.jsonl
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/messages.h"

static struct ae_title called[] = { { "CATHGATE" } };
static struct config_modality modality = { .name = "angio",
					   .called_ae_titles = { called, 1 } };
static struct config_destination destinations[] = {
	{ .name = "pacs", .host = "pacs.test", .called_ae_title = { "PACS" } },
	{ .name = "plain",
	  .host = "127.0.0.1",
	  .called_ae_title = { "PLAIN" },
	  .calling_ae_title = { "GATE" },
	  .tls = { .none = true } },
};

int main(int argc, char **argv)
{
	struct config config = {
		.gateway_name = "test",
		.modalities = &modality,
		.modality_count = 1,
		.destinations = destinations,
		.destination_count = 2,
		.audit = { .file = { .path = "/var/log/cathgate/audit.jsonl" },
			   .messages = { .path = argc > 1 ? argv[1] : "" } },
	};
	unsigned long at_once = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
	struct position resume;
	struct messages *messages = messages_open(&config, &resume);
	char *text = NULL;
	size_t room = 0;
	ssize_t size;
	int result = messages ? 0 : -1;

	for (unsigned long i = 1; result == 0 && (size = getline(&text, &room, stdin)) > 0;
	     i++) {
		json_t *line = json_loadb(text, (size_t)size, 0, NULL);
		uint64_t seq = (uint64_t)json_integer_value(json_object_get(line, "seq"));

		if (!line || messages_take(messages, line, seq) != 0 ||
		    (i % at_once == 0 && messages_flush(messages) != 0))
			result = -1;
		json_decref(line);
	}
	if (result == 0)
		result = messages_flush(messages);
	messages_close(messages);
	free(text);
	return result == 0 ? 0 : 1;
}
