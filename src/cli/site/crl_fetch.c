/*
 * `cathgate crl fetch`: curl fetches, with nobody's rights, and what it brings replaces a
 * file only after it has been proved. A gateway that runs finds the file changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/child.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "crl_judge.h"
#include "crl_list.h"
#include "site.h"

#define CRL_MAX (32 * 1024 * 1024)
#define CURL	"/usr/bin/curl"

struct request {
	const char *config;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config,
		    .help = "The gateway's configuration; crl.conf is beside it"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate crl fetch",
	.about = "Fetches the CRLs that crl.conf names, and replaces each file by one "
		 "that is proved.\n",
	.rows = rows,
	.hint = "crl.conf names the CRLs",
};

/* Copies at most `most` bytes; -1 when there are more, or with errno. */
static int copy(int from, int to, size_t most)
{
	char bytes[65536];
	ssize_t size;

	while ((size = read(from, bytes, sizeof(bytes))) != 0) {
		if (size < 0 && errno == EINTR)
			continue;
		if (size > 0 && (size_t)size > most)
			errno = EFBIG;
		if (size < 0 || (size_t)size > most ||
		    durable_write(to, bytes, (size_t)size) < 0)
			return -1;
		most -= (size_t)size;
	}
	return 0;
}

/* What was fetched, and what is to be judged. A folder of our own in /tmp holds them. */
struct scratch {
	char folder[sizeof("/tmp/cathgate-crl-XXXXXX")];
	const char *fetched, *candidate;
};

static int scratch_open(struct scratch *scratch)
{
	strcpy(scratch->folder, "/tmp/cathgate-crl-XXXXXX");
	if (!mkdtemp(scratch->folder))
		return complain_file("/tmp");
	scratch->fetched = keep_format("%s/fetched", scratch->folder);
	scratch->candidate = keep_format("%s/candidate.crl", scratch->folder);
	return 0;
}

static void scratch_close(const struct scratch *scratch)
{
	unlink(scratch->fetched);
	unlink(scratch->candidate);
	rmdir(scratch->folder);
}

static int run_curl(const char *url, int to)
{
	const char *command[] = { CURL,
				  "--disable",
				  "--fail",
				  "--silent",
				  "--show-error",
				  "--location",
				  "--max-redirs",
				  "3",
				  "--proto",
				  "=http,https",
				  "--connect-timeout",
				  "20",
				  "--max-time",
				  "120",
				  "--url",
				  url,
				  NULL };
	int ends[2], copied = -1, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return complain_file("a pipe");
	pid = child_start(&(struct child){ .command = command,
					   .folder = -1,
					   .in = -1,
					   .out = ends[1],
					   .is_nobody = true });
	close(ends[1]);
	if (pid > 0)
		copied = copy(ends[0], to, CRL_MAX);
	if (pid > 0 && copied < 0)
		complain("%s: %s", url,
			 errno == EFBIG ? "is longer than any CRL (32 MiB)"
					: strerror(errno));
	close(ends[0]); /* curl ends, if it hasn't */
	if (pid < 0)
		return -1;
	status = child_wait(pid);
	if (copied < 0)
		return -1;
	if (status == 0)
		return 0;
	complain("%s could not be fetched%s", url,
		 status == 127 ? ": apt-get install curl" : "");
	return -1;
}

static int fetch(const char *url, const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), result;

	if (to < 0)
		return complain_file(path);
	result = run_curl(url, to);
	close(to);
	return result;
}

/* The CRL in PEM, whatever form it came in. */
static int make_text(const struct crl_source *source, const char *fetched,
		     struct pki_crl **ret, struct pki_text *ret_text)
{
	const char *error = NULL;
	struct pki_crl *crl = pki_crl_read(fetched, &error);

	if (!crl)
		complain("%s %s; %s stays", source->url, error, source->path);
	else if (pki_crl_text(crl, ret_text) < 0)
		complain_openssl();
	else {
		*ret = crl;
		return 0;
	}
	pki_crl_free(crl);
	return -1;
}

static const char *fault_of(const struct crl_source *source, const struct config *config,
			    const char *candidate, const struct pki_crl *crl,
			    const struct pki_text *text)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0600 };
	const char *error = NULL, *fault;
	struct pki_crl *old = pki_crl_read(source->path, &error);

	if (old && pki_crl_is_older(crl, old))
		fault = "is older than the one that is there; ask who publishes it";
	else if (durable_create(candidate, text->bytes, text->size, &own) < 0)
		fault = strerror(errno);
	else
		fault = crl_judge(config, candidate, source->path);
	if (!fault && old && pki_crl_is_of_others(crl, old))
		fault = "speaks of other certificates of that CA than the one that is "
			"there (issuingDistributionPoint), so that some would be "
			"refused; give the URL of the full one, or, if this is meant, "
			"move that file away first";
	pki_crl_free(old);
	return fault;
}

/* As the file that is there, or as the configuration: of its group, and no secret. */
static struct durable_owner owner_of(const char *path, const struct site *site)
{
	struct durable_owner owner = daemon_user_file(&site->user);
	struct stat status;

	if (stat(path, &status) == 0 && geteuid() == 0)
		owner = (struct durable_owner){ status.st_uid, status.st_gid,
						status.st_mode & 0777 };
	return owner;
}

static int write_text(const struct crl_source *source, const struct site *site,
		      const struct pki_text *text)
{
	struct durable_owner owner = owner_of(source->path, site);
	char *old = NULL;
	size_t size = 0;
	bool is_same = durable_read(source->path, CRL_MAX, &old, &size) == 0 &&
		       size == text->size && memcmp(old, text->bytes, size) == 0;

	free(old);
	if (is_same) {
		printf("%s is as it was\n", source->path);
		return 0;
	}
	if (durable_replace(source->path, text->bytes, text->size, &owner) < 0)
		return complain_file(source->path);
	printf("%s is new\n", source->path);
	return 0;
}

static int renew(const struct crl_source *source, const struct site *site)
{
	struct pki_text text = { 0 };
	struct pki_crl *crl = NULL;
	struct scratch scratch;
	const char *fault;
	int result = -1;

	if (scratch_open(&scratch) < 0)
		return -1;
	if (fetch(source->url, scratch.fetched) == 0 &&
	    make_text(source, scratch.fetched, &crl, &text) == 0) {
		fault = fault_of(source, site->config, scratch.candidate, crl, &text);
		if (fault)
			complain("%s: %s; %s stays as it is", source->url, fault,
				 source->path);
		else
			result = write_text(source, site, &text);
	}
	pki_text_free(&text);
	pki_crl_free(crl);
	scratch_close(&scratch);
	return result;
}

int crl_fetch_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	int status = options_read(&options, argc, argv, &request);
	struct crl_source *sources;
	struct site site;
	size_t count;

	if (status >= 0)
		return status;
	if (site_open(&site, request.config, false) < 0)
		return CLI_USAGE;
	signal(SIGPIPE, SIG_IGN);
	status = CLI_USAGE;
	if (crl_list_read(site.folder, &sources, &count) == 0) {
		status = CLI_GOOD;
		for (size_t i = 0; i < count; i++)
			if (renew(&sources[i], &site) < 0)
				status = CLI_WRONG;
	}
	site_close(&site);
	return status;
}
