/*
 * Answers that are judged when they are given, so that none is found to be wrong after
 * the last: certificates and CRLs as cathgated will judge them, folders by looking.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/tls/tls.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/shown.h"
#include "setup.h"
#include "site.h"

#define TRUST_MAX   (16UL * 1024 * 1024)
#define WIDTH_USUAL 80
#define COPY_HEAD   "/proc/self/fd/"

const char *setup_next(const char **list)
{
	size_t length = strcspn(*list, "\n");
	const char *item = keep_copy(*list, length);

	if (length == 0)
		return NULL;
	*list += length + ((*list)[length] == '\n');
	return item;
}

/* The files as cathgated will have them: PEM, in memory. */
struct copies {
	int fds[32];
	size_t count;
};

static const char *copy_of(struct copies *copies, const char *bytes, size_t size)
{
	int fd = memfd_create("setup", MFD_CLOEXEC);

	if (fd < 0 || copies->count == sizeof(copies->fds) / sizeof(copies->fds[0]) ||
	    durable_write(fd, bytes, size) < 0) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	copies->fds[copies->count++] = fd;
	return keep_format(COPY_HEAD "%d", fd);
}

static void close_copies(struct copies *copies)
{
	while (copies->count > 0)
		close(copies->fds[--copies->count]);
}

/* NULL where it can't be read. */
static const char *copy_certificates(struct copies *copies, const char *path)
{
	struct pki_certificate *certificate;
	struct pki_text text;
	const char *copy = NULL, *error;
	char *bytes;
	size_t size;

	if (durable_read(path, TRUST_MAX, &bytes, &size) < 0)
		return NULL;
	if (strstr(bytes, "-----BEGIN ")) {
		copy = copy_of(copies, bytes, size);
		free(bytes);
		return copy;
	}
	free(bytes);
	certificate = pki_certificate_read(path, &error);
	if (certificate && pki_certificate_write(certificate, &text) == 0) {
		copy = copy_of(copies, text.bytes, text.size);
		pki_text_free(&text);
	}
	pki_certificate_free(certificate);
	return copy;
}

static const char *copy_crl(struct copies *copies, const char *path)
{
	const char *copy = NULL;
	char *bytes;
	size_t size;

	if (durable_read(path, TRUST_MAX, &bytes, &size) < 0)
		return NULL;
	copy = copy_of(copies, bytes, size);
	free(bytes);
	return copy;
}

/* The administrator gave another path than that of the copy. */
static const char *without_copies(const char *text)
{
	const char *at;

	if (strncmp(text, COPY_HEAD, strlen(COPY_HEAD)) == 0) {
		text += strcspn(text, ": ");
		text += strspn(text, ": ");
	}
	while ((at = strstr(text, COPY_HEAD))) {
		const char *end = at + strlen(COPY_HEAD);

		text = keep_format("%.*sthe file of the CA%s", (int)(at - text), text,
				   end + strspn(end, "0123456789"));
	}
	return text;
}

/* The first fault that is no mere warning. */
static const char *first_fault(const struct config_tls *tls, bool server)
{
	struct config_faults faults = { 0 };
	const char *fault = NULL;

	if (tls_trust_check(tls, server, &faults) < 0)
		fault = "can't be judged: memory is short";
	for (size_t i = 0; i < faults.count && !fault; i++)
		if (faults.items[i].kind != CONFIG_WARNING)
			fault = keep_format("won't do: %s",
					    without_copies(faults.items[i].text));
	config_faults_clear(&faults);
	return fault;
}

/* `crls` may be "". */
static const char *judge_trust(const char *ca, const char *crls, bool server)
{
	struct config_file items[32];
	struct copies copies = { .count = 0 };
	struct config_tls tls = {
		.min_version = 12,
		.server_name = "localhost", /* any: only `ca` and `crl` are judged */
		.ca.path = copy_certificates(&copies, ca),
		.crl.items = items,
	};
	const char *fault = tls.ca.path ? NULL : "can't be read", *crl;

	while (!fault && (crl = setup_next(&crls))) {
		struct config_file file = { .path = copy_crl(&copies, crl) };

		if (!file.path)
			fault = "is one too many, or can't be read";
		else
			items[tls.crl.count++] = file;
	}
	if (!fault)
		fault = first_fault(&tls, server);
	close_copies(&copies);
	return fault;
}

static void print_note(const char *text)
{
	size_t width = shown_width(stdout);

	shown_wrapped(stdout, "Note: ", text, width > 0 ? width : WIDTH_USUAL);
}

/* A file that holds neither a CA nor what signed itself: the PACS's own certificate, with
 * the CA's forgotten. One that signed itself is all that there is. */
static const char *judge_kind(const char *path)
{
	struct pki_certificate *certificate, *first = NULL;
	struct pki_facts facts, own = { .is_ca = false };
	const char *error, *fault = NULL;
	bool has_anchor = false;

	for (size_t i = 0; (certificate = pki_certificate_read_at(path, i)); i++) {
		if (pki_certificate_facts(certificate, &facts) == 0 &&
		    (facts.is_ca || pki_is_issued_by(certificate, certificate)))
			has_anchor = true;
		pki_certificate_free(certificate);
	}
	first = pki_certificate_read(path, &error);
	if (!first || pki_certificate_facts(first, &own) < 0)
		fault = "can't be read";
	else if (own.is_ca)
		fault = NULL;
	else if (pki_is_issued_by(first, first))
		print_note(keep_format(
			"%s is no CA's: it is a certificate that has signed itself (%s). "
			"The gateway will take the PACS that has its key, and must get "
			"the next one before %s.",
			path, own.subject, site_date(own.not_after)));
	else if (!has_anchor)
		fault = keep_format("is no CA's certificate, but one that a CA has made "
				    "for %s; give the certificate of that CA, %s",
				    own.subject, own.issuer);
	pki_certificate_free(first);
	return fault;
}

static const char *judge_pacs_ca(const char *path)
{
	const char *fault;

	if (strcmp(path, "none") == 0)
		return NULL;
	fault = judge_kind(path);
	return fault ? fault : judge_trust(path, "", false);
}

static const char *judge_modality_crl(const struct question *answers)
{
	const char *ca = answers[SETUP_MODALITY_CA].value;

	if (answers[SETUP_MODALITY_CRL].value[0] == '\0')
		return NULL;
	if (ca[0] == '\0')
		return "is of no use without the CA that signed it: give that with "
		       "--modality-ca";
	return judge_trust(ca, answers[SETUP_MODALITY_CRL].value, true);
}

const char *setup_judge(const struct question *answers, enum setup_question which)
{
	const char *value = answers[which].value;

	switch (which) {
	case SETUP_PACS_CA:
		return judge_pacs_ca(value);
	case SETUP_MODALITY_CA:
		return value[0] != '\0' ? judge_trust(value, "", true) : NULL;
	case SETUP_MODALITY_CRL:
		return judge_modality_crl(answers);
	default:
		return NULL;
	}
}

static const char *above(const char *path)
{
	size_t length = strlen(path);
	const char *base;

	while (length > 1 && path[length - 1] == '/')
		length--;
	path = keep_copy(path, length);
	base = durable_base(path);
	return base == path	  ? "."
	       : base == path + 1 ? "/"
				  : keep_copy(path, (size_t)(base - path) - 1);
}

bool setup_can_write(const char *option, const char *path, bool ours)
{
	struct stat status;
	bool is_there = stat(path, &status) == 0;

	if (is_there && !S_ISDIR(status.st_mode)) {
		complain("%s: %s is no folder; name another", option, path);
		return false;
	}
	if (!is_there && errno == ENOENT)
		path = above(path);
	if ((is_there && !ours) || access(path, W_OK | X_OK) == 0)
		return true;
	complain("%s: can't write in %s: %s; %s, or name another", option, path,
		 strerror(errno), complain_cure(errno));
	return false;
}
