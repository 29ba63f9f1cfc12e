/*
 * `cathgate restore FILE`: what `cathgate backup` has sealed comes back, on this machine
 * or on another, after it has been proved; all of it or nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/log_reader.h"
#include "cathgate/base/clock.h"
#include "cathgate/base/utc.h"
#include "cathgate/config/config.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"
#include "cli/site/questions.h"
#include "cli/kit/staging.h"
#include "cli/kit/staging_tree.h"
#include "credentials.h"
#include "log_carry.h"
#include "place.h"
#include "proof.h"
#include "secret.h"
#include "staged.h"

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct request {
	const char *file, *passphrase_file, *key;
	bool without_log, unchecked, is_sure;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("passphrase-file", "FILE", OPTIONS_TEXT, struct request,
		    passphrase_file,
		    .help = "Its first line is the passphrase, of the key where there is "
			    "one; else it is asked for"),
	OPTIONS_ROW("key", "FILE", OPTIONS_TEXT, struct request, key,
		    .help = "The private key of a recipient, instead of a passphrase"),
	OPTIONS_ROW("without-log", NULL, OPTIONS_FLAG, struct request, without_log,
		    .help = "The audit log that is there stays, whatever the backup has"),
	OPTIONS_ROW("unchecked", NULL, OPTIONS_FLAG, struct request, unchecked,
		    .help = "Also a configuration that the check refuses, for you to "
			    "mend"),
	OPTIONS_ROW("yes", NULL, OPTIONS_FLAG, struct request, is_sure,
		    .help = "Don't ask before anything is replaced"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate restore",
	.behind = "FILE",
	.about = "Proves what cathgate backup has written, and puts it in place of what "
		 "is there,\nwhich is kept beside it.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "One backup is one file",
};

struct opener {
	char passphrase[PKI_PASSPHRASE_SIZE];
	struct pki_key *key;
};

static int read_opener(struct opener *opener, const struct request *request)
{
	const char *error = NULL;

	if ((request->passphrase_file || !request->key) &&
	    secret_read(request->passphrase_file, false, opener->passphrase) < 0)
		return -1;
	if (!request->key)
		return 0;
	opener->key = pki_key_unlock(request->key,
				     request->passphrase_file ? opener->passphrase : NULL,
				     &error);
	if (!opener->key)
		complain("%s %s", request->key, error);
	return opener->key ? 0 : -1;
}

static int prove(const struct staged *staged, const struct request *request)
{
	struct daemon_user user;

	if (daemon_user_find(NULL, NULL, &user) < 0 ||
	    (staged->log.folder >= 0 && (proof_log(staged) < 0 || log_carry(staged) < 0)))
		return -1;
	if (request->unchecked) {
		if (credentials_stage(staged->etc.folder, &user) < 0)
			complain("that key has to be made anew");
		return 0;
	}
	return credentials_stage(staged->etc.folder, &user) < 0 ||
			       proof_config(staged, &user) < 0
		       ? -1
		       : 0;
}

static int plan_credentials(struct places *places, const struct staged *staged)
{
	int folder = openat(staged->etc.folder, CONTENTS_STORE, OPEN_FOLDER), result = 0;
	DIR *stream = folder >= 0 ? staging_tree_list(folder) : NULL;
	const struct dirent *entry;

	while (result == 0 && stream && (entry = readdir(stream))) {
		const char *path = keep_format(CONTENTS_STORE "/%s", entry->d_name);

		if (entry->d_name[0] != '.')
			result = places_add(places, staged->etc.folder, path,
					    keep_format("/%s", path), false);
	}
	if (stream)
		closedir(stream);
	if (folder >= 0)
		close(folder);
	return result;
}

/* The gateway's own folder goes last: a machine without it starts nothing. */
static int plan(struct places *places, const struct staged *staged)
{
	const char *log = staged->manifest.log;
	int result = plan_credentials(places, staged);

	if (result == 0 && staged->log.folder >= 0)
		result = places_add(places, staged->log.folder, CONTENTS_LOG,
				    keep_copy(log, (size_t)(durable_base(log) - log) - 1),
				    false);
	for (size_t i = 0; result == 0 && i < contents_place_count; i++)
		result = places_add(places, staged->etc.folder, contents_places[i].path,
				    keep_format("/%s", contents_places[i].path),
				    contents_places[i].is_unit);
	return result;
}

static bool has(const struct places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->items[i].has_new && strcmp(places->items[i].path, path) == 0)
			return true;
	return false;
}

/* Whether there is one where the restored configuration has it; also when it doesn't
 * say. */
static bool has_log(void)
{
	struct config_faults faults = { 0 };
	char *log = NULL, **files = NULL;
	size_t count = 1;

	if (config_audit_file("/" CONTENTS_SITE "/cathgate.conf", &log, &faults) == 0 &&
	    log_reader_files(log, &files, &count) == 0)
		log_reader_files_free(files, count);
	else if (log && errno == ENOENT)
		count = 0;
	config_faults_clear(&faults);
	free(log);
	return count > 0;
}

static void print_next_steps(const struct places *places, const struct staged *staged)
{
	printf("\nRestored. What remains:\n");
	if (has(places, "/etc/nftables.conf"))
		printf("  nft -c -f /etc/nftables.conf && systemctl enable nftables && "
		       "systemctl restart nftables\n");
	if (access("/" CONTENTS_SITE "/crl.conf", F_OK) == 0)
		printf("  systemctl enable --now cathgate-crl.timer\n");
	printf("  systemctl start cathgated\n");
	if (access("/" CONTENTS_SITE "/rsyslog.conf", F_OK) == 0)
		printf("  systemctl enable --now cathgate-syslog\n");
	if (staged->log.folder >= 0)
		printf("  cathgate audit verify\n");
	else if (!has_log())
		printf("There is no audit log: a new chain begins at 0. Give the gateway "
		       "another `name`, so that\nnobody takes two logs for one.\n");
	printf("To undo it, put each NAME%s back. When all works, remove them: keys are "
	       "in them.\n",
	       places->aside);
}

static const char *aside_now(void)
{
	char text[UTC_TEXT_SIZE], stamp[UTC_TEXT_SIZE], *to = stamp;

	clock_utc(text);
	for (const char *from = text; *from; from++)
		if (*from != '-' && *from != ':')
			*to++ = *from;
	*to = '\0';
	return keep_format(".before-restore-%s", stamp);
}

/* What root is asked about: nothing that the backup says may hide a line of it. */
static void print_plan(const struct contents_manifest *manifest,
		       const struct places *places)
{
	fputs("Backup of gateway ", stdout);
	shown_text(stdout, manifest->gateway);
	fputs(", made ", stdout);
	shown_text(stdout, manifest->made);
	fputs(" by cathgate ", stdout);
	shown_text(stdout, manifest->version);
	fputs(":\n", stdout);
	places_print(places);
}

static volatile sig_atomic_t was_interrupted;

/* An answer that is waited for ends with the signal. One that is read only afterwards
 * finds the end of the input. */
static void interrupt(int number)
{
	int error = errno, nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)number;
	was_interrupted = 1;
	(void)!dup2(nothing, STDIN_FILENO);
	close(nothing);
	errno = error;
}

/* Whoever is asked may end it by Ctrl-C. It can't be left to the signal alone to end the
 * process: keys are staged. */
static bool is_confirmed(const sigset_t *signals)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupt },
			 before[3]; /* no SA_RESTART */
	sigset_t unheld;
	bool result;

	for (size_t i = 0; i < 3; i++)
		sigaction(numbers[i], &action, &before[i]);
	sigprocmask(SIG_SETMASK, signals, NULL);
	result = !was_interrupted && question_confirm("Restore it?") && !was_interrupted;
	staging_hold_signals(&unheld);
	for (size_t i = 0; i < 3; i++)
		sigaction(numbers[i], &before[i], NULL);
	if (!result)
		complain("%snothing was restored",
			 was_interrupted ? "interrupted: " : "");
	return result;
}

static int replace(const struct staged *staged, const struct request *request,
		   const sigset_t *signals)
{
	struct places places = { .aside = aside_now() };
	int status = CLI_USAGE;

	if (plan(&places, staged) == 0) {
		print_plan(&staged->manifest, &places);
		if (!request->is_sure && !questions_can_ask())
			complain("there is nobody to ask: say --yes");
		else if (!request->is_sure && !is_confirmed(signals))
			status = CLI_USAGE; /* which has been said */
		else if (staging_interrupted())
			complain("interrupted: nothing was restored");
		else if (places_commit(&places) == 0)
			status = CLI_GOOD;
	}
	if (status == CLI_GOOD) {
		if (system("systemctl daemon-reload 2>/dev/null") != 0)
			complain("systemctl daemon-reload failed: do it before the next "
				 "start");
		print_next_steps(&places, staged);
	}
	places_close(&places);
	return status;
}

/* `signals`: those that are held otherwise. */
static int restore(const struct request *request, const struct opener *opener,
		   const sigset_t *signals)
{
	struct staged staged;
	struct proof_locks locks;
	int status = CLI_WRONG;

	if (proof_stopped(&locks) < 0)
		return CLI_WRONG;
	if (staged_open(&staged, request->file, opener->passphrase, opener->key,
			!request->without_log) == 0 &&
	    prove(&staged, request) == 0)
		status = replace(&staged, request, signals);
	staged_close(&staged);
	proof_locks_release(&locks);
	return status;
}

int restore_main(int argc, char **argv)
{
	struct request request = { 0 };
	struct opener opener = { 0 };
	int status = options_read(&options, argc, argv, &request);
	sigset_t before;

	if (status >= 0)
		return status;
	request.file = argv[optind];
	if (geteuid() != 0) {
		complain("only root can give files their owners; run this as root");
		return CLI_USAGE;
	}
	status = CLI_USAGE;
	if (read_opener(&opener, &request) == 0) {
		staging_hold_signals(&before);
		status = restore(&request, &opener, &before);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	explicit_bzero(opener.passphrase, sizeof(opener.passphrase));
	pki_key_free(opener.key);
	return status;
}
