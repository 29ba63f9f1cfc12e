/*
 * A gateway's configuration as the tool finds it, with its private CA where it has one.
 * A run of the tool that may change it holds a lock: no other run does at that time.
 *
 * The CA keeps no index: ca/ca.crl (and its copy for the gateway, tls/modalities.crl)
 * says what is revoked, and ca/certificates holds a copy of each certificate that any
 * modality was given or showed, under its SHA-256. A certificate belongs to the entry
 * that its URI or its SHA-256 stands in.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/pki/pki.h"
#include "cathgate/tls/tls.h"
#include "cli/kit/daemon_user.h"

/* How a certificate came to be, so that the next one for that modality can be made so. */
struct site_made {
	bool legacy, rsa, pem; /* as the options of `cathgate modality add` */
	bool request;	       /* its key is the device's secret */
};

struct site_certificate {
	struct pki_certificate *certificate;
	struct pki_facts facts;
	time_t revoked;	      /* 0: it isn't */
	struct timespec kept; /* when the copy was made */
	bool is_ours;	      /* of the private CA */
	struct site_made made;
};

struct site {
	const char *config_path, *folder;
	struct config *config;
	struct daemon_user user;    /* its group is that of the configuration's file */
	struct pki_certificate *ca; /* NULL: the site has none of its own */
	struct pki_key *ca_key;
	struct pki_crl *crl;
	struct site_certificate *known; /* the newest first */
	size_t known_count;
	struct tls_judge **judges; /* one for each listener, NULL until it is needed */
	size_t judge_count;
	int lock;
};

/* 0, or -1 with a message. `may_change`: the lock is taken, and the CA's key must be
 * readable. */
MUST_USE int site_open(struct site *site, const char *config_path, bool may_change);
void site_close(struct site *site);

/* Reads the configuration once more, after a change. -1 with its errors; `site` then
 * keeps what it had. */
MUST_USE int site_reread(struct site *site);
/* The same as if the file `more` stood in modalities.d, too. */
MUST_USE int site_reread_with(struct site *site, const char *more);
/* Takes the configuration over in the place of the one before. */
void site_adopt(struct site *site, struct config *config);

/* NULL when there is no such entry. */
const struct config_modality *site_entry(const struct site *site, const char *name);
/* modalities.d/NAME.conf, and its path while the modality is revoked. Kept. */
const char *site_entry_path(const struct site *site, const char *name);
const char *site_revoked_path(const struct site *site, const char *name);

/* Keeps a copy of the certificate, with how it was made. -1 with a message. */
MUST_USE int site_keep(struct site *site, const struct pki_certificate *certificate,
		       const struct site_made *made);
/* Removes the copy, if it was made since site_open. `certificate` may be NULL. */
void site_forget(const struct site *site, const struct pki_certificate *certificate);

/* Writes the next CRL with those of the given ones that are ours, for so many days (0: as
 * long as the CA is). -1 with a message. */
MUST_USE int site_revoke(struct site *site,
			 const struct pki_certificate *const *certificates, size_t count,
			 enum pki_reason reason, unsigned days);
/* The same for all certificates that the entry is bound to but the one with that SHA-256
 * (NULL: all). What another CA has issued can't be revoked here, and is passed over. */
MUST_USE int site_revoke_bound(struct site *site, const struct config_modality *entry,
			       const char *but, enum pki_reason reason);
/* Notes the certificates that the entry is bound to, and their keys, as shut out. -1 with
 * a message. */
MUST_USE int site_note_revoked(struct site *site, const struct config_modality *entry);
/* 0; or -1 with a message, where the certificate or its key was shut out. */
MUST_USE int site_must_not_be_revoked(const struct site *site,
				      const struct pki_certificate *certificate);

/* Takes one line that begins or refuses an association (cathgate/audit/members.h). True:
 * it was the last one that is wanted. It prints nothing: progress is shown meanwhile. */
typedef bool site_log_take(void *context, const json_t *line);
/* Gives the lines that begin or refuse an association which the gateway's log has since
 * then (in microseconds). -1 with a message. */
MUST_USE int site_log_each(const struct site *site, int64_t since, site_log_take *take,
			   void *context);
/* Whether the gateway has seen the certificate in a handshake, which proves that the
 * modality has its key. `known` (or NULL) says since when it can have. -1 with a message
 * where the log can't tell. */
MUST_USE int site_was_shown(const struct site *site, const char *sha256,
			    const struct site_certificate *known);

/* Whether a listener of the gateway reads the CRL; else there is a message. */
bool site_reads_crl(const struct site *site);

/* The listener with TLS that accepts the first certificate of a PEM text ("": the first
 * listener there is), *ret then having no reason; or one that would but for a lack that
 * passes (no CRL in force, a first date to come), with the reason. NULL, with the reason,
 * where each refuses it for good. */
MUST_USE const struct config_listen *site_listener_for(const struct site *site,
						       const char *pem,
						       struct tls_failure *ret);

/* Whether a listener still takes a certificate that the entry fits; *ret says why not:
 * tls-revoked, or tls-untrusted for one of an earlier private CA. (A copy of another CA's
 * lacks the intermediate CAs that its owner shows.) One that has expired, or isn't valid
 * yet, is taken: its dates say so. */
bool site_takes(const struct site *site, const struct config_modality *entry,
		const struct site_certificate *known, enum reason *ret);
/* The listeners' trust is read anew when it is asked for next. */
void site_forget_trust(struct site *site);

/* Has the gateway reload where `wanted`, and says what came of it; else says how to. The
 * exit status. */
MUST_USE int site_reload(const struct site *site, bool wanted);

/* "2026-01-31", kept. */
const char *site_date(time_t time);
