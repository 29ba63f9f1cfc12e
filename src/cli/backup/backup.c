/*
 * `cathgate backup FILE`: what makes this machine this gateway, in one sealed file. tar
 * reads it, OpenSSL seals what tar writes, and nothing lies about in clear meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/kit/child.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "cathgate/base/utc.h"
#include "cli/kit/shown.h"
#include "cli/kit/staging.h"
#include "cli/site/site.h"
#include "contents.h"
#include "credentials.h"
#include "log_links.h"
#include "secret.h"

#define RECIPIENTS_MAX 16
#define WORDS_MAX      512
#define TAR_CHANGED    1 /* a file that grew, as the log does */

struct request {
	const char *file, *passphrase_file;
	struct options_texts recipients;
	bool with_log, with_credentials;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("passphrase-file", "FILE", OPTIONS_TEXT, struct request,
		    passphrase_file,
		    .help = "Its first line is the passphrase; else it is asked for"),
	OPTIONS_ROW("recipient", "CERTIFICATE", OPTIONS_TEXTS, struct request, recipients,
		    .help = "Instead of a passphrase: whose private key opens it (RSA or "
			    "EC; may be repeated)"),
	OPTIONS_ROW("with-log", NULL, OPTIONS_FLAG, struct request, with_log,
		    .help = "Also the audit log"),
	OPTIONS_ROW("with-credentials", NULL, OPTIONS_FLAG, struct request,
		    with_credentials,
		    .help = "Also, readable on another machine, the keys that systemd "
			    "encrypts for this one"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate backup",
	.behind = "FILE",
	.about = "Configuration, keys, the units' drop-ins and the firewall in one "
		 "encrypted file,\nfor cathgate restore; or for openssl cms -decrypt and "
		 "tar.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "One backup is one file",
};

struct backup {
	const struct request *request;
	struct site site;
	struct pki_certificate *recipients[RECIPIENTS_MAX];
	char passphrase[PKI_PASSPHRASE_SIZE];
	struct hidden extras, links; /* the manifest and credentials; the log */
	off_t log_size, most;	     /* of the log; of the file that is written */
	const char *words[WORDS_MAX + 1];
	size_t word_count;
};

static int read_recipients(struct backup *backup)
{
	const struct options_texts *asked = &backup->request->recipients;
	const char *error = NULL;

	if (asked->count > RECIPIENTS_MAX) {
		complain("more than %d recipients: leave some out", RECIPIENTS_MAX);
		return -1;
	}
	for (size_t i = 0; i < asked->count; i++) {
		backup->recipients[i] = pki_certificate_read(asked->items[i], &error);
		if (!backup->recipients[i]) {
			complain("%s %s", asked->items[i], error);
			return -1;
		}
	}
	return 0;
}

static int read_secret(struct backup *backup)
{
	const struct request *request = backup->request;

	if (request->recipients.count > 0 && request->passphrase_file) {
		complain("a passphrase or recipients: leave one of the two out");
		return -1;
	}
	if (request->recipients.count > 0)
		return read_recipients(backup);
	return secret_read(request->passphrase_file, true, backup->passphrase);
}

/* The group by which the gateway reads the configuration. */
static const char *group_of(const char *path)
{
	const struct group *group;
	struct stat status;

	if (stat(path, &status) < 0 || status.st_gid == 0)
		return "";
	group = getgrgid(status.st_gid);
	return group ? keep_format("%s", group->gr_name) : "";
}

static int make_extras(struct backup *backup)
{
	const char *const *names = contents_credentials(backup->site.config);
	char made[UTC_TEXT_SIZE];
	struct contents_manifest manifest = {
		.gateway = backup->site.config->gateway_name,
		.made = made,
		.version = CATHGATE_VERSION,
		.group = group_of(CATHGATE_CONFIG),
		.log = backup->request->with_log ? backup->site.config->audit.file.path
						 : "",
	};

	utc_text_seconds(time(NULL), made);
	/* In memory alone, since keys may be in it. */
	if (hidden_open(&backup->extras, "/run") < 0 ||
	    contents_write_manifest(backup->extras.folder, &manifest) < 0)
		return -1;
	if (backup->request->with_credentials && names[0])
		return credentials_take(backup->extras.folder, names);
	return 0;
}

static void add_word(struct backup *backup, const char *word)
{
	if (backup->word_count < WORDS_MAX)
		backup->words[backup->word_count] = word;
	backup->word_count++;
}

static void add_path(struct backup *backup, const char *path)
{
	if (faccessat(AT_FDCWD, keep_format("/%s", path), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		add_word(backup, path);
}

/* Sorted by name a note of the log comes before its file, which then has all that the
 * note covers. */
static int make_command(struct backup *backup)
{
	const char *const *names = contents_credentials(backup->site.config);
	static const char *const first[] = {
		"/usr/bin/tar",
		"--create",
		"--gzip",
		"--file=-",
		"--sort=name",
		"--anchored",
		"--exclude=" CONTENTS_SITE "/.lock",
		"--warning=no-file-changed",
	};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		add_word(backup, first[i]);
	if (backup->links.folder >= 0)
		add_word(backup, CONTENTS_LOG); /* where tar is started */
	add_word(backup, keep_format("--directory=%s", backup->extras.path));
	add_word(backup, CONTENTS_MANIFEST);
	if (backup->request->with_credentials && names[0])
		add_word(backup, CONTENTS_CREDENTIALS);
	add_word(backup, "--directory=/");
	for (size_t i = 0; i < contents_place_count; i++)
		add_path(backup, contents_places[i].path);
	for (size_t i = 0; names[i]; i++)
		add_path(backup, keep_format(CONTENTS_STORE "/%s", names[i]));
	if (backup->word_count <= WORDS_MAX)
		return 0;
	complain("the configuration names too many credentials for one backup");
	return -1;
}

/* No more is written than a restore reads: a long log would fill the disk before it is
 * known how long the file is, and the gateway acknowledges nothing on a full disk. */
static int seal_bounded(struct backup *backup, int from, int to)
{
	const struct request *request = backup->request;
	bool has_recipients = request->recipients.count > 0;
	struct rlimit before, bound;
	int sealed = -1, error;

	if (getrlimit(RLIMIT_FSIZE, &before) < 0)
		return -1;
	bound = before;
	if (bound.rlim_cur > (rlim_t)PKI_SEALED_MAX)
		bound.rlim_cur = (rlim_t)PKI_SEALED_MAX;
	backup->most = (off_t)bound.rlim_cur;
	signal(SIGXFSZ, SIG_IGN); /* EFBIG instead */
	if (setrlimit(RLIMIT_FSIZE, &bound) == 0)
		sealed = pki_seal(from, to, has_recipients ? NULL : backup->passphrase,
				  backup->recipients, request->recipients.count);
	error = errno;
	(void)!setrlimit(RLIMIT_FSIZE, &before);
	errno = error;
	return sealed;
}

static void complain_long(const struct backup *backup)
{
	char text[SHOWN_SIZE_SIZE];

	shown_size(backup->most, text);
	complain("it would be longer than %s, which is the most that %s, so nothing is "
		 "written: leave --with-log out, in a timer's command as well, and copy "
		 "the audit log by itself",
		 text,
		 backup->most == PKI_SEALED_MAX ? "a restore reads"
						: "this process may write (ulimit -f)");
}

/* tar writes, OpenSSL reads. */
static int seal(struct backup *backup, int to, off_t *ret_size)
{
	bool has_log = backup->links.folder >= 0;
	int ends[2], sealed, error, tar;
	struct stat status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return complain_file("a pipe");
	pid = child_start(&(struct child){ .command = backup->words,
					   .folder = backup->links.folder,
					   .in = -1,
					   .out = ends[1] });
	close(ends[1]);
	sealed = pid < 0 ? -1 : seal_bounded(backup, ends[0], to);
	error = errno;
	if (sealed < 0 && pid > 0)
		kill(pid, SIGKILL); /* or it complains that nobody reads */
	close(ends[0]);
	if (pid < 0)
		return -1;
	tar = child_wait(pid);
	if (fstat(to, &status) < 0)
		return complain_file(backup->request->file);
	*ret_size = status.st_size;
	if (sealed < 0 && error == EFBIG)
		complain_long(backup);
	else if (sealed < 0)
		complain("%s: %s", backup->request->file,
			 error ? strerror(error)
			       : keep_format("OpenSSL refuses to seal it: %s",
					     pki_failure()));
	else if (tar != 0 && !(tar == TAR_CHANGED && has_log))
		complain("tar could not read everything");
	else
		return 0;
	return -1;
}

/* The log may be compressed to less: but where so little is free, the gateway needs it.
 */
static int judge_room(const struct backup *backup, int fd)
{
	off_t needed =
		backup->log_size < PKI_SEALED_MAX ? backup->log_size : PKI_SEALED_MAX;
	char free_text[SHOWN_SIZE_SIZE], log_text[SHOWN_SIZE_SIZE];
	struct statvfs room;
	off_t available;

	if (fstatvfs(fd, &room) < 0)
		return complain_file(backup->request->file);
	available = (off_t)(room.f_bavail * room.f_frsize);
	if (available >= needed)
		return 0;
	shown_size(available, free_text);
	shown_size(backup->log_size, log_text);
	complain("the audit log has %s, and on the disk of %s only %s are free: name a "
		 "file on another one, or leave --with-log out",
		 log_text, backup->request->file, free_text);
	return -1;
}

static int write_file(struct backup *backup, off_t *ret_size)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0600 };
	const char *file = backup->request->file;
	struct durable_draft draft;

	if (access(file, F_OK) == 0) {
		complain("%s is there already, and is not overwritten; name another",
			 file);
		return -1;
	}
	if (durable_begin(file, DURABLE_CREATE, &draft) < 0)
		return complain_file(file);
	if (judge_room(backup, draft.fd) < 0 || seal(backup, draft.fd, ret_size) < 0) {
		durable_abandon(&draft);
		return -1;
	}
	return durable_finish(&draft, &own) < 0 ? complain_file(file) : 0;
}

static void print_end(const struct backup *backup, off_t size)
{
	const struct config *config = backup->site.config;
	const char *const *names = contents_credentials(config);
	const char *const *elsewhere = contents_elsewhere(config);
	char text[SHOWN_SIZE_SIZE];

	shown_size(size, text);
	printf("%s is written (%s)%s.\n", backup->request->file, text,
	       backup->request->with_log ? ", with the audit log"
					 : ", without the audit log");
	for (; *elsewhere; elsewhere++)
		printf((*elsewhere)[0] == '/'
			       ? "It has not %s, which the configuration names: keep a "
				 "copy of that, too.\n"
			       : "It has not the key %s, which stays in its token: its "
				 "maker says how to have a second one.\n",
		       *elsewhere);
	for (; !backup->request->with_credentials && *names; names++)
		if (credentials_has(*names))
			printf("The key %s in it is of use on this machine alone: "
			       "--with-credentials makes it readable.\n",
			       *names);
}

static int back_up(struct backup *backup)
{
	off_t size = 0;

	/* As long as the lock is held, no other command changes what is read. */
	if (site_open(&backup->site, CATHGATE_CONFIG, true) < 0)
		return CLI_USAGE;
	if (make_extras(backup) < 0 ||
	    (backup->request->with_log &&
	     log_links_make(&backup->links, backup->site.config->audit.file.path,
			    &backup->log_size) < 0))
		return CLI_USAGE;
	if (make_command(backup) < 0 || write_file(backup, &size) < 0)
		return CLI_USAGE;
	print_end(backup, size);
	return CLI_GOOD;
}

int backup_main(int argc, char **argv)
{
	struct request request = { 0 };
	struct backup backup = { .request = &request,
				 .site = { .lock = -1 },
				 .extras = HIDDEN_NONE,
				 .links = HIDDEN_NONE };
	int status = options_read(&options, argc, argv, &request);
	sigset_t before;

	if (status >= 0)
		return status;
	request.file = argv[optind];
	if (geteuid() != 0) {
		complain("the keys are root's and the service's to read; run this as "
			 "root");
		return CLI_USAGE;
	}
	if (read_secret(&backup) < 0)
		return CLI_USAGE;
	staging_hold_signals(&before);
	status = back_up(&backup);
	explicit_bzero(backup.passphrase, sizeof(backup.passphrase));
	for (size_t i = 0; i < RECIPIENTS_MAX; i++)
		pki_certificate_free(backup.recipients[i]);
	hidden_close(&backup.links);
	hidden_close(&backup.extras);
	site_close(&backup.site);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
