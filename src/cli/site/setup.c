/* `cathgate setup`: from nothing to a gateway that only lacks its first modality. */
#include "setup.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/config/config.h"
#include "cli/kit/complain.h"
#include "cli/kit/cli.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "key_kind.h"
#include "sample.h"
#include "setup_socket.h"
#include "cli/kit/staging.h"

#define DAYS_USUAL 825

static const struct question questions[SETUP_QUESTIONS] = {
	[SETUP_NAME] = { .option = "name",
			 .what = "NAME",
			 .ask = "Name of this gateway",
			 .help = "The gateway's own name stands in every line of the "
				 "audit log.",
			 .judge = judge_name },
	[SETUP_HOSTS] = { .option = "host",
			  .what = "NAME,ADDRESS,…",
			  .ask = "Host names and addresses of this gateway",
			  .help = "Modalities reach this gateway under a host name or an "
				  "address. All that may be "
				  "used must stand in its certificate; put commas "
				  "between several.",
			  .judge = judge_hosts },
	[SETUP_ADDRESS] = { .option = "listen",
			    .what = "ADDRESS",
			    .ask = "Address to listen on",
			    .help = "Where modalities connect: an address of this "
				    "machine, or 0.0.0.0 for all of them.",
			    .usual = "0.0.0.0",
			    .judge = judge_address },
	[SETUP_PORT] = { .option = "port",
			 .what = "PORT",
			 .ask = "Port to listen on",
			 .help = "2762 is the port that DICOM has for TLS.",
			 .usual = "2762",
			 .judge = judge_port },
	[SETUP_PACS_HOST] = { .option = "pacs-host",
			      .what = "HOST",
			      .ask = "Host of the PACS",
			      .help = "The PACS is the archive that gets the images. Its "
				      "administrators know host, port, AE title and CA.",
			      .judge = judge_host },
	[SETUP_PACS_PORT] = { .option = "pacs-port",
			      .what = "PORT",
			      .ask = "Port of the PACS for TLS",
			      .help = "The port on which the PACS takes DICOM over TLS.",
			      .usual = "2762",
			      .judge = judge_port },
	[SETUP_PACS_AE_TITLE] = { .option = "pacs-ae-title",
				  .what = "TITLE",
				  .ask = "AE title of the PACS",
				  .help = "An AE title is the name of a DICOM program: "
					  "up to 16 characters, and case counts.",
				  .judge = judge_ae_title },
	[SETUP_PACS_CA] = { .option = "pacs-ca",
			    .what = "FILE",
			    .ask = "File with the CA certificate",
			    .help = "The certificate of the CA that signed the PACS's "
				    "certificate, so that the gateway knows it. "
				    "Write \"none\" if the PACS speaks no TLS: images "
				    "then go to it unencrypted.",
			    .judge = judge_certificate },
	[SETUP_PACS_SERVER_NAME] = { .option = "pacs-server-name",
				     .what = "NAME",
				     .ask = "Name in the PACS's certificate",
				     .help = "The gateway only sends to a PACS whose "
					     "certificate has this name.",
				     .judge = judge_host },
	[SETUP_CALLING_AE_TITLE] = { .option = "calling-ae-title",
				     .what = "TITLE",
				     .ask = "AE title towards the PACS",
				     .help = "The gateway calls the PACS by the AE title "
					     "of the modality that sends, which the "
					     "PACS then must know; or always by one of "
					     "its "
					     "own, which you give here.",
				     .judge = judge_ae_title,
				     .is_optional = true },
	[SETUP_MODALITY_CA] = { .option = "modality-ca",
				.what = "FILE",
				.ask = "File with the hospital's CA for modalities",
				.help = "Modalities prove who they are by certificates. "
					"Leave this empty and the gateway gets a "
					"private CA that makes them, or name the CA that "
					"your hospital has for devices.",
				.judge = judge_certificate,
				.is_optional = true },
	[SETUP_MODALITY_CRL] = { .option = "modality-crl",
				 .what = "FILE",
				 .ask = "File with the CRL of that CA",
				 .help = "The CA's list of revoked certificates (CRL), "
					 "and "
					 "those of the CAs above it. Without one, a "
					 "modality "
					 "whose certificate the CA has revoked can go "
					 "on. "
					 "cathgate-crl(1) says how to have it fetched.",
				 .judge = judge_crl,
				 .is_optional = true,
				 .is_list = true },
	[SETUP_ORGANIZATION] = { .option = "organization",
				 .what = "TEXT",
				 .purpose = "O in certificates and requests",
				 .judge = judge_text,
				 .is_optional = true },
	[SETUP_LOG_DIRECTORY] = { .option = "log-directory",
				  .what = "FOLDER",
				  .purpose = "Folder of the audit log",
				  .usual = "/var/log/cathgate",
				  .judge = judge_path },
};

struct request {
	struct question answers[SETUP_QUESTIONS];
	const char *directory, *user, *group;
	enum pki_algorithm algorithm;
	unsigned days;
	bool wants_requests, is_sure;
};

static bool take_answer(void *field, const char *value)
{
	return question_set(field, value);
}

/* -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct request *ret)
{
	static const struct options_row others[] = {
		OPTIONS_ROW("directory", "FOLDER", OPTIONS_TEXT, struct request,
			    directory,
			    .help = "Where it goes (" SETUP_DIRECTORY_USUAL ")"),
		OPTIONS_ROW("user", "USER", OPTIONS_TEXT, struct request, user),
		OPTIONS_ROW("group", "GROUP", OPTIONS_TEXT, struct request, group,
			    .help = "Who runs the gateway (cathgate)"),
		OPTIONS_ROW("rsa", "[=BITS]", OPTIONS_OTHER, struct request, algorithm,
			    .help = "RSA keys (2048 bits) for devices that know no other",
			    .take = key_kind_take_rsa),
		OPTIONS_ROW("requests", NULL, OPTIONS_FLAG, struct request,
			    wants_requests,
			    .help = "Also requests (.csr) for the hospital's CA to sign"),
		OPTIONS_ROW("days", "DAYS", OPTIONS_DAYS, struct request, days,
			    .help = "Life of the gateway's certificates (825)"),
		OPTIONS_ROW("yes", NULL, OPTIONS_FLAG, struct request, is_sure,
			    .help = "Ask nothing: take what is usual"),
		{ 0 },
	};
	struct options_row rows[SETUP_QUESTIONS + sizeof(others) / sizeof(others[0])];
	const struct options options = {
		.command = "cathgate setup",
		.about = "Writes a configuration with its keys and certificates; asks "
			 "for what no option says.\n",
		.rows = rows,
		.hint = "Everything is said by options",
	};

	for (size_t i = 0; i < SETUP_QUESTIONS; i++) {
		const struct question *question = &questions[i];

		rows[i] = (struct options_row){
			.name = question->option,
			.value = question->what,
			.kind = OPTIONS_OTHER,
			.offset =
				offsetof(struct request, answers) + i * sizeof(*question),
			.help = question->ask ? question->ask : question->purpose,
			.take = take_answer,
			.is_repeated = question->is_list,
		};
	}
	memcpy(rows + SETUP_QUESTIONS, others, sizeof(others));
	return options_read(&options, argc, argv, ret);
}

/* Some usual answers follow from this machine's name. */
static void guess_names(struct question *answers)
{
	char host[256] = "";
	size_t label;

	if (gethostname(host, sizeof(host) - 1) < 0 || judge_host(host))
		return;
	label = strcspn(host, ".");
	answers[SETUP_HOSTS].usual = keep_format("%s", host);
	answers[SETUP_NAME].usual =
		keep_format("%.*s", label < 63 ? (int)label : 63, host);
}

/* Whether there is somebody to ask it, and a reason. */
static bool is_asked(const struct question *answers, size_t which)
{
	if (which == SETUP_PACS_SERVER_NAME)
		return strcmp(answers[SETUP_PACS_CA].value, "none") != 0;
	return which != SETUP_MODALITY_CRL || answers[SETUP_MODALITY_CA].value[0] != '\0';
}

/* A wrong answer is asked for again, where there is somebody to ask. */
static int settle_answer(struct question *answers, size_t which, bool may_ask)
{
	for (;;) {
		const char *fault;

		if (questions_settle(&answers[which], 1,
				     may_ask && is_asked(answers, which)) < 0)
			return -1;
		fault = setup_judge(answers, which);
		if (!fault)
			return 0;
		complain("--%s: \"%s\" %s", answers[which].option, answers[which].value,
			 fault);
		if (!may_ask || !answers[which].ask)
			return -1;
		answers[which].value = NULL;
	}
}

/* One after the other, because some usual answers follow from earlier answers. */
static int settle_answers(struct question *answers, bool may_ask)
{
	guess_names(answers);
	if (!may_ask) {
		/* What is missing is named all at once. */
		answers[SETUP_PACS_SERVER_NAME].usual =
			answers[SETUP_PACS_HOST].value ? answers[SETUP_PACS_HOST].value
						       : "localhost";
		if (questions_settle(answers, SETUP_QUESTIONS, false) < 0)
			return -1;
	}
	for (size_t i = 0; i < SETUP_QUESTIONS; i++) {
		if (i == SETUP_PACS_SERVER_NAME)
			answers[i].usual = answers[SETUP_PACS_HOST].value;
		if (settle_answer(answers, i, may_ask) < 0)
			return -1;
	}
	return 0;
}

static bool lacks_some(const struct question *answers)
{
	for (size_t i = 0; i < SETUP_QUESTIONS; i++)
		if (!answers[i].value && !answers[i].usual && !answers[i].is_optional &&
		    i != SETUP_NAME && i != SETUP_HOSTS && i != SETUP_PACS_SERVER_NAME)
			return true;
	return false;
}

/* The audit log's folder is the daemon's own. *ret_made: it wasn't there before. */
static int make_log_folder(const struct setup_plan *plan, bool *ret_made)
{
	const char *path = plan->answers[SETUP_LOG_DIRECTORY].value;
	struct durable_owner owner = { plan->user.uid, plan->user.gid, 0750 };

	*ret_made = durable_folder(path, &owner) == 0;
	if (*ret_made || errno == EEXIST)
		return 0;
	complain("the audit log's folder %s can't be made: %s; %s, or name "
		 "another with --log-directory",
		 path, strerror(errno), complain_cure(errno));
	return -1;
}

/* The socket's unit and the folder, or neither. */
static int commit_all(const struct setup_plan *plan, struct staging *staging)
{
	struct setup_socket socket;

	if (setup_socket_write(plan, &socket) < 0)
		return CLI_WRONG;
	if (staging_commit(staging, SETUP_CONFIG) < 0) {
		setup_socket_undo(&socket);
		return CLI_WRONG;
	}
	setup_socket_settle(plan, &socket);
	return CLI_GOOD;
}

static int write_all(const struct setup_plan *plan)
{
	struct durable_owner owner = daemon_user_folder(&plan->user);
	struct staging staging;
	bool made_log = false;
	int status = CLI_USAGE;

	if (staging_open(&staging, plan->directory, &owner) < 0)
		return CLI_USAGE;
	staging.replaces_last = plan->has_sample;
	if (make_log_folder(plan, &made_log) == 0 &&
	    setup_write_keys(plan, &staging) == 0 &&
	    setup_write_config(plan, &staging) == 0) {
		const char *path = keep_format("%s/" SETUP_CONFIG, staging.path);

		if (daemon_user_check(&plan->user, path) != 0)
			complain("so nothing was written");
		else
			status = commit_all(plan, &staging);
	}
	if (status != CLI_GOOD && made_log)
		rmdir(plan->answers[SETUP_LOG_DIRECTORY].value);
	staging_close(&staging);
	return status;
}

static int plan_make(struct request *request, struct setup_plan *ret)
{
	struct setup_plan plan = {
		.answers = request->answers,
		.directory = request->directory,
		.algorithm = request->algorithm,
		.wants_requests = request->wants_requests,
		.days = request->days,
	};
	size_t length = strlen(request->directory);
	char *current;

	while (length > 1 && request->directory[length - 1] == '/')
		length--;
	plan.directory = keep_copy(request->directory, length);
	if (plan.directory[0] != '/') {
		current = getcwd(NULL, 0);
		plan.directory =
			keep_format("%s/%s", current ? current : "", plan.directory);
		free(current);
	}
	if (daemon_user_find(request->user, request->group, &plan.user) < 0)
		return -1;
	*ret = plan;
	return 0;
}

/* The sample, which a package may have put there, doesn't count as a configuration. */
static bool is_configured(struct setup_plan *plan)
{
	const char *path = keep_format("%s/" SETUP_CONFIG, plan->directory);
	size_t size = strlen(sample_text), found_size;
	char *found;

	if (access(path, F_OK) < 0)
		return false;
	if (durable_read(path, size, &found, &found_size) < 0)
		return true;
	plan->has_sample = found_size == size && memcmp(found, sample_text, size) == 0;
	free(found);
	return !plan->has_sample;
}

/* What an earlier gateway left, as a purge of the package does: no key of it is
 * overwritten, and entries of modalities would count at once. NULL when there is nothing.
 */
static const char *find_earlier(const struct setup_plan *plan)
{
	static const char *const keys[] = { SETUP_CA_KEY, "tls/gateway.key",
					    "tls/gateway-client.key", "tls/audit.key",
					    "tls/pseudonym.key" };
	const char *pattern =
		keep_format("%s/" CONFIG_MODALITIES_FOLDER "/*.conf", plan->directory);
	const char *found = NULL;
	glob_t entries;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (access(keep_format("%s/%s", plan->directory, keys[i]), F_OK) == 0)
			found = keep_listed(found ? found : "", ", ", keys[i]);
	if (glob(pattern, GLOB_NOSORT, NULL, &entries) == 0) {
		found = keep_listed(found ? found : "", ", ",
				    entries.gl_pathv[0] + strlen(plan->directory) + 1);
		globfree(&entries);
	}
	return found;
}

/* mv would put the folder into another that has the name already. */
static const char *free_name(const struct setup_plan *plan)
{
	const char *name = keep_format("%s.earlier", plan->directory);

	for (int i = 2; access(name, F_OK) == 0 && i < 1000; i++)
		name = keep_format("%s.earlier-%d", plan->directory, i);
	return name;
}

static bool is_free(struct setup_plan *plan)
{
	const char *earlier;

	if (is_configured(plan)) {
		complain("%s/" SETUP_CONFIG " is there already, and is not overwritten: "
			 "edit it, or name another folder with --directory",
			 plan->directory);
		return false;
	}
	earlier = find_earlier(plan);
	if (!earlier)
		return true;
	complain("%s is there already in %s: an earlier gateway's, without "
		 "its " SETUP_CONFIG ". To go on with it, put that file back, from the "
		 "backup. To begin anew, with "
		 "other keys and nobody let in, move it aside: mv %s %s",
		 earlier, plan->directory, plan->directory, free_name(plan));
	return false;
}

/* Before the first question, where one is asked. */
static bool has_places(struct setup_plan *plan)
{
	struct question *log = &plan->answers[SETUP_LOG_DIRECTORY];

	return questions_settle(log, 1, false) == 0 &&
	       setup_can_write("--directory", plan->directory, true) &&
	       setup_can_write("--log-directory", log->value, false);
}

static int ask_and_write(struct setup_plan *plan, bool may_ask)
{
	if (!may_ask && settle_answers(plan->answers, false) < 0)
		return CLI_USAGE;
	if (!has_places(plan))
		return CLI_USAGE;
	if (may_ask && settle_answers(plan->answers, true) < 0)
		return CLI_USAGE;
	if (may_ask &&
	    !question_confirm(keep_format("Write all this to %s?", plan->directory))) {
		complain("nothing was written");
		return CLI_USAGE;
	}
	return write_all(plan);
}

int setup_main(int argc, char **argv)
{
	struct request request = { .directory = SETUP_DIRECTORY_USUAL,
				   .days = DAYS_USUAL };
	struct setup_plan plan;
	bool may_ask;
	int status;

	memcpy(request.answers, questions, sizeof(questions));
	status = read_options(argc, argv, &request);
	if (status >= 0)
		return status;
	if (plan_make(&request, &plan) < 0)
		return CLI_USAGE;
	if (!is_free(&plan))
		return CLI_WRONG;
	may_ask = !request.is_sure && lacks_some(request.answers) && questions_can_ask();
	status = ask_and_write(&plan, may_ask);
	if (status == CLI_GOOD)
		setup_print_next(&plan);
	else if (may_ask)
		setup_print_again(&plan, request.user, request.group);
	return status;
}
