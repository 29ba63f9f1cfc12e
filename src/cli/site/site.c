#include "site.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/lock_file.h"
#include "cathgate/base/utc.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_ask.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/gateway_reload.h"
#include "cli/kit/keep.h"
#include "setup.h"

#define KNOWN_MAX (64UL * 1024)

int site_reread(struct site *site)
{
	return site_reread_with(site, NULL);
}

int site_reread_with(struct site *site, const char *more)
{
	struct config *config =
		gateway_config_load_with(site->config_path, more, NULL, NULL);

	if (!config)
		return -1;
	site_adopt(site, config);
	return 0;
}

void site_adopt(struct site *site, struct config *config)
{
	site_forget_trust(site);
	site->judge_count = config->listen_count;
	site->judges =
		keep_bytes((config->listen_count + 1) * sizeof(struct tls_judge *));
	config_free(site->config);
	site->config = config;
}

/* The folder itself can't be the lock: the gateway's group can open it, and could lock it
 * for ever. */
static int lock_folder(struct site *site)
{
	const char *path = keep_format("%s/" SETUP_LOCK, site->folder);

	site->lock = lock_file_take(path, 0);
	if (site->lock >= 0)
		return 0;
	if (errno == EWOULDBLOCK)
		complain("another cathgate modality is at work in %s; try again when it "
			 "has ended",
			 site->folder);
	else
		complain("%s: it can't be locked: %s; %s", path, strerror(errno),
			 geteuid() == 0 ? "if it is no file of root's, remove it"
					: "run this as root");
	return -1;
}

/* The private CA must be there whole, where the site has one. */
static int read_ca(struct site *site, bool may_change)
{
	const char *certificate = keep_format("%s/" SETUP_CA_CERT, site->folder);
	const char *key = keep_format("%s/" SETUP_CA_KEY, site->folder);
	const char *crl = keep_format("%s/" SETUP_CA_CRL, site->folder);
	const char *wrong = certificate, *error = NULL;

	if (access(certificate, F_OK) < 0 && errno == ENOENT)
		return 0;
	site->ca = pki_certificate_read(certificate, &error);
	if (!error)
		site->crl = pki_crl_read(wrong = crl, &error);
	if (!error && may_change)
		site->ca_key = pki_key_read(wrong = key, &error);
	if (!error && may_change && !pki_is_key_of(site->ca, site->ca_key)) {
		wrong = key;
		error = "isn't the key of ca.crt beside it; put back the two that were "
			"made together";
	}
	if (!error)
		return 0;
	complain("%s %s%s", wrong, error,
		 geteuid() == 0 ? "" : " (cathgate modality is for root)");
	return -1;
}

/* What site_keep has written before the certificate. A copy of an older version has
 * nothing there; its key tells a part. */
static struct site_made read_made(const char *path, const struct pki_facts *facts)
{
	struct site_made made = { .rsa = strncmp(facts->key, "RSA", 3) == 0 };
	char *bytes, *line;
	size_t size;

	if (durable_read(path, KNOWN_MAX, &bytes, &size) < 0)
		return made;
	line = strncmp(bytes, SITE_MADE_WITH, strlen(SITE_MADE_WITH)) == 0 ? bytes : NULL;
	if (line)
		line[strcspn(line, "\n")] = '\0';
	made.legacy = line && strstr(line, " legacy");
	made.pem = line && strstr(line, " pem");
	made.request = line && strstr(line, " request");
	free(bytes);
	return made;
}

static void read_known(struct site *site, const char *path)
{
	struct site_certificate known = { 0 };
	struct stat status;
	const char *error = "can't be taken apart";

	known.certificate = pki_certificate_read(path, &error);
	if (!known.certificate ||
	    pki_certificate_facts(known.certificate, &known.facts) < 0) {
		complain("%s %s; it is left out", path, error);
		pki_certificate_free(known.certificate);
		return;
	}
	known.made = read_made(path, &known.facts);
	known.is_ours = site->ca && pki_is_issued_by(known.certificate, site->ca);
	if (known.is_ours)
		known.revoked = pki_crl_revoked(site->crl, known.certificate);
	if (stat(path, &status) == 0)
		known.kept = status.st_mtim;
	site->known[site->known_count++] = known;
}

static int newest_first(const void *a, const void *b)
{
	const struct site_certificate *one = a, *other = b;

	if (one->facts.not_before != other->facts.not_before)
		return one->facts.not_before > other->facts.not_before ? -1 : 1;
	if (one->kept.tv_sec != other->kept.tv_sec)
		return one->kept.tv_sec > other->kept.tv_sec ? -1 : 1;
	if (one->kept.tv_nsec != other->kept.tv_nsec)
		return one->kept.tv_nsec > other->kept.tv_nsec ? -1 : 1;
	return strcmp(one->facts.sha256, other->facts.sha256);
}

static int is_certificate(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 4 &&
	       strcmp(entry->d_name + length - 4, ".crt") == 0;
}

static int read_all_known(struct site *site)
{
	const char *folder = keep_format("%s/" SETUP_KNOWN, site->folder);
	struct dirent **entries;
	int count = scandir(folder, &entries, is_certificate, NULL);

	if (count < 0)
		return 0;
	site->known = calloc((size_t)count + 1, sizeof(*site->known));
	for (int i = 0; i < count; i++) {
		if (site->known)
			read_known(site,
				   keep_format("%s/%s", folder, entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	if (!site->known)
		return complain_memory();
	qsort(site->known, site->known_count, sizeof(*site->known), newest_first);
	return 0;
}

int site_open(struct site *site, const char *config_path, bool may_change)
{
	const char *slash = strrchr(config_path, '/');
	struct stat status;

	*site = (struct site){ .config_path = config_path, .folder = ".", .lock = -1 };
	if (slash)
		site->folder =
			slash == config_path
				? "/"
				: keep_copy(config_path, (size_t)(slash - config_path));
	site->user = (struct daemon_user){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (stat(config_path, &status) < 0) {
		complain("%s: %s; %s", config_path, strerror(errno),
			 errno == EACCES ? complain_cure(EACCES)
					 : "make one with cathgate setup, or name yours "
					   "with --config");
		return -1;
	}
	if (geteuid() == 0)
		site->user.gid = status.st_gid;
	if ((may_change && lock_folder(site) < 0) || site_reread(site) < 0 ||
	    read_ca(site, may_change) < 0 || read_all_known(site) < 0) {
		site_close(site);
		return -1;
	}
	return 0;
}

void site_close(struct site *site)
{
	for (size_t i = 0; i < site->known_count; i++)
		pki_certificate_free(site->known[i].certificate);
	free(site->known);
	site_forget_trust(site);
	pki_crl_free(site->crl);
	pki_key_free(site->ca_key);
	pki_certificate_free(site->ca);
	config_free(site->config);
	if (site->lock >= 0)
		close(site->lock);
	*site = (struct site){ .lock = -1 };
}

const struct config_modality *site_entry(const struct site *site, const char *name)
{
	for (size_t i = 0; i < site->config->modality_count; i++)
		if (strcmp(site->config->modalities[i].name, name) == 0)
			return &site->config->modalities[i];
	return NULL;
}

const char *site_entry_path(const struct site *site, const char *name)
{
	return keep_format("%s/" CONFIG_MODALITIES_FOLDER "/%s.conf", site->folder, name);
}

const char *site_revoked_path(const struct site *site, const char *name)
{
	return keep_format("%s.revoked", site_entry_path(site, name));
}

const char *site_date(time_t time)
{
	char date[UTC_TEXT_SIZE];

	utc_date(time, date);
	return keep_format("%s", date);
}

/* Whether anybody answers where the configuration says. */
static bool is_running(const char *config)
{
	char *path = gateway_socket(config);
	char *answer = path ? gateway_ask(path, NULL) : NULL;
	bool is_there = answer != NULL;

	free(answer);
	free(path);
	return is_there;
}

int site_reload(const struct site *site, bool wanted)
{
	const char *config = site->config_path;
	bool is_usual = strcmp(config, CATHGATE_CONFIG) == 0;

	fflush(stdout);
	if (!wanted) {
		if (is_running(config))
			printf("It counts after: cathgate reload%s%s\n",
			       is_usual ? "" : " --config ", is_usual ? "" : config);
		else
			printf("It counts after: systemctl start cathgated\n");
		return CLI_GOOD;
	}
	if (gateway_reload(config, NULL) == CLI_GOOD)
		return CLI_GOOD;
	complain("what was written stays");
	return CLI_WRONG;
}
