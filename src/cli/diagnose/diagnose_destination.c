/*
 * `cathgate diagnose --destination`: tells of each step of the way as it is walked.
 */
#include "diagnose.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/dicom/upper_layer.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/moment.h"
#include "probe.h"
#include "cli/kit/shown.h"

struct telling {
	const struct diagnose *how;
	json_t *steps; /* NULL: told as text */
};

static const char *const heads[] = {
	[PROBE_NAME] = "name",
	[PROBE_CONNECTION] = "connection",
	[PROBE_TLS] = "TLS",
	[PROBE_SERVER_NAME] = "server name",
	[PROBE_CERTIFICATE] = "its certificate",
	[PROBE_OWN_CERTIFICATE] = "our certificate",
	[PROBE_ASSOCIATION] = "association",
	[PROBE_ECHO] = "C-ECHO",
};

static const char *const result_names[] = {
	[PROBE_PASSED] = "passed",
	[PROBE_FAILED] = "failed",
	[PROBE_SKIPPED] = "skipped",
};

static json_t *peer_json(const struct probe_finding *finding)
{
	const struct tls_peer *peer = finding->peer;
	char begins[MOMENT_SIZE], ends[MOMENT_SIZE];

	if (finding->step == PROBE_TLS)
		return json_pack("{s:s, s:s, s:s}", "version", peer->version, "cipher",
				 peer->cipher, "group", peer->group);
	moment_write((int64_t)peer->begins * 1000000, begins);
	moment_write((int64_t)peer->ends * 1000000, ends);
	return json_pack("{s:s, s:o*, s:o*, s:s, s:s}", "sha256",
			 peer->certificate_sha256, "subject", json_string(peer->subject),
			 "issuer", json_string(peer->issuer), "begins", begins, "ends",
			 ends);
}

static json_t *step_json(const struct probe_finding *finding)
{
	bool has_failed = finding->result == PROBE_FAILED;
	bool has_cure = finding->cure && finding->cure[0];
	json_t *step = json_pack(
		"{s:s, s:s, s:o*, s:o*, s:o*}", "step", probe_step_name(finding->step),
		"result", result_names[finding->result], "reason",
		has_failed ? json_string(reason_name(finding->reason)) : NULL, "detail",
		json_string(finding->what), "cure",
		has_cure ? json_string(finding->cure) : NULL);

	if (finding->peer)
		json_object_update_new(step, peer_json(finding));
	return step;
}

static void print_step(const struct probe_finding *finding)
{
	static const char *const marks[] = {
		[PROBE_PASSED] = "ok",
		[PROBE_FAILED] = "FAILED",
		[PROBE_SKIPPED] = "-",
	};

	diagnose_print(keep_format("  %-7s %-16s ", marks[finding->result],
				   heads[finding->step]),
		       finding->what);
	if (finding->result == PROBE_FAILED) {
		diagnose_print("          Reason: ", reason_name(finding->reason));
		if (finding->cure[0])
			diagnose_print("          To do:  ", finding->cure);
	}
	fflush(stdout);
}

static void tell_finding(void *context, const struct probe_finding *finding)
{
	const struct telling *telling = context;

	if (telling->steps)
		json_array_append_new(telling->steps, step_json(finding));
	else
		print_step(finding);
}

/* The AE title that the destination is called by: its own, or a modality's, passed on. */
static struct ae_title calling_title(const struct diagnose *how,
				     const struct config *config,
				     const struct config_destination *destination)
{
	size_t index = (size_t)(destination - config->destinations);
	struct ae_title title = { "CATHGATE" };

	if (how->calling.text[0])
		return how->calling;
	if (destination->calling_ae_title.text[0])
		return destination->calling_ae_title;
	for (size_t i = 0; i < config->modality_count; i++)
		if (config->modalities[i].destination == index)
			return config->modalities[i].ae_titles.items[0];
	return title;
}

static bool can_read(const struct config_file *file)
{
	if (file->in_token) {
		complain("%s: the key that the destination knows the gateway by stays in "
			 "a token, which the gateway alone asks: send an object, and see "
			 "cathgate status, or cathgate diagnose, for what came of the "
			 "gateway's own call",
			 file->path);
		return false;
	}
	if (!file->path || access(file->path, R_OK) == 0)
		return true;
	complain("%s can't be read: %s", file->path, strerror(errno));
	if (file->credential) {
		const char *name = strrchr(file->path, '/') + 1;

		complain("line %d of %s names it as a credential, which systemd shows to "
			 "the service only: run this as root while cathgated runs, or "
			 "with its file: systemd-run --pipe --wait "
			 "--property=LoadCredential=%s:FILE cathgate diagnose "
			 "--destination NAME "
			 "(or LoadCredentialEncrypted=%s:/etc/credstore.encrypted/%s)",
			 file->place.line, file->place.file, name, name, name);
	} else {
		complain("the destination is called with the gateway's own key: run this "
			 "as root, or as the user that cathgated runs as");
	}
	return false;
}

static bool can_read_all(const struct config_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		if (!can_read(&files->items[i]))
			return false;
	return true;
}

/* CLI_GOOD with the contexts (both NULL for plain), or another exit status. */
static int open_contexts(const struct config_destination *destination,
			 struct probe *probe)
{
	struct config_tls classic = destination->tls;
	struct config_faults faults = { .count = 0 };
	int status = CLI_GOOD;

	if (destination->tls.none)
		return CLI_GOOD;
	if (!can_read_all(&destination->tls.key) ||
	    !can_read_all(&destination->tls.certificate) ||
	    !can_read(&destination->tls.ca))
		return CLI_USAGE;
	classic.key_exchange = CONFIG_KEY_EXCHANGE_CLASSIC;
	if (tls_client_new(&destination->tls, NULL, NULL, &probe->context, &faults) != 0)
		status = CLI_WRONG;
	for (size_t i = 0; i < faults.count; i++)
		if (status != CLI_GOOD || faults.items[i].kind == CONFIG_CALENDAR)
			complain("%s", faults.items[i].text);
	config_faults_clear(&faults);
	/* The classic context has the same faults: they aren't told again. */
	if (status == CLI_GOOD && !tls_context_is_classic(probe->context) &&
	    tls_client_new(&classic, NULL, NULL, &probe->classic, &faults) != 0)
		status = CLI_WRONG;
	config_faults_clear(&faults);
	return status;
}

static void print_head(const struct config_destination *destination,
		       const struct ae_title *calling)
{
	diagnose_print("", keep_format("Destination %s: %s port %u, %s calls %s%s",
				       destination->name, destination->host,
				       destination->port, calling->text,
				       destination->called_ae_title.text,
				       destination->tls.none ? ", without TLS" : ""));
}

static int walk_steps(const struct diagnose *how, struct probe *probe)
{
	struct telling telling = { .how = how };
	bool good;

	if (how->as_json)
		telling.steps = json_array();
	else
		print_head(probe->destination, &probe->calling);
	probe->tell = tell_finding;
	probe->tell_context = &telling;
	good = probe_run(probe);
	if (how->as_json) {
		json_t *all = json_pack(
			"{sssssssssbsosi}", "destination", probe->destination->name,
			"host", probe->destination->host, "calling_ae",
			probe->calling.text, "called_ae",
			probe->destination->called_ae_title.text, "good", good, "steps",
			telling.steps, "port", probe->destination->port);

		diagnose_print_json(all);
	} else if (good) {
		printf("All steps passed: the gateway can send there.\n");
	}
	return good ? CLI_GOOD : CLI_WRONG;
}

int diagnose_destination(const struct diagnose *how)
{
	struct config *config = diagnose_config(how);
	struct probe probe = { .config = config };
	int status = CLI_USAGE;

	if (!config)
		return CLI_USAGE;
	probe.destination = gateway_config_destination(config, how->destination);
	if (probe.destination) {
		probe.calling = calling_title(how, config, probe.destination);
		status = open_contexts(probe.destination, &probe);
		if (status == CLI_GOOD) {
			ul_init();
			status = walk_steps(how, &probe);
		}
		tls_context_free(probe.context);
		tls_context_free(probe.classic);
	}
	config_free(config);
	return status;
}
