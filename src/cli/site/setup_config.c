/* The configuration of a gateway that is set up: the sample, with the answers in it. */
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "sample.h"
#include "setup.h"
#include "setup_socket.h"

int setup_write_config(const struct setup_plan *plan, const struct staging *to)
{
	const struct question *answers = plan->answers;
	const struct sample_values values = {
		.name = answers[SETUP_NAME].value,
		.address = answers[SETUP_ADDRESS].value,
		.port = answers[SETUP_PORT].value,
		.host = answers[SETUP_PACS_HOST].value,
		.pacs_port = answers[SETUP_PACS_PORT].value,
		.called_ae_title = answers[SETUP_PACS_AE_TITLE].value,
		.server_name = answers[SETUP_PACS_SERVER_NAME].value,
		.calling_ae_title = answers[SETUP_CALLING_AE_TITLE].value,
		.audit_file =
			keep_format("%s/audit.jsonl", answers[SETUP_LOG_DIRECTORY].value),
		.has_socket = setup_has_socket(plan),
		.has_crl = answers[SETUP_MODALITY_CA].value[0] == '\0' ||
			   answers[SETUP_MODALITY_CRL].value[0] != '\0',
		.has_plain = strcmp(answers[SETUP_PACS_CA].value, "none") == 0,
	};
	struct durable_owner owner = daemon_user_file(&plan->user);
	const char *text = sample_fill(&values);

	if (!text) {
		complain("the sample configuration doesn't fit setup");
		return -1;
	}
	return staging_write(to, SETUP_CONFIG, text, strlen(text), &owner);
}
