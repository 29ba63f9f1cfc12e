/* What the files of `cathgate setup` share. */
#pragma once

#include <stdbool.h>

#include "cathgate/pki/pki.h"
#include "questions.h"
#include "cli/kit/daemon_user.h"
#include "cli/kit/known_certificate.h"
#include "cli/kit/staging.h"

enum setup_question {
	SETUP_NAME,
	SETUP_HOSTS,
	SETUP_ADDRESS,
	SETUP_PORT,
	SETUP_PACS_HOST,
	SETUP_PACS_PORT,
	SETUP_PACS_AE_TITLE,
	SETUP_PACS_CA,
	SETUP_PACS_SERVER_NAME,
	SETUP_CALLING_AE_TITLE,
	SETUP_MODALITY_CA,
	SETUP_MODALITY_CRL,
	SETUP_ORGANIZATION,
	SETUP_LOG_DIRECTORY,
	SETUP_QUESTIONS
};

struct setup_plan {
	struct question *answers; /* SETUP_QUESTIONS of them */
	const char *directory;	  /* absolute */
	struct daemon_user user;
	enum pki_algorithm algorithm;
	bool has_sample;     /* the untouched one, which may be overwritten */
	bool wants_requests; /* for the hospital's CA */
	unsigned days;	     /* of the gateway's own certificates */
};

#define SETUP_DIRECTORY_USUAL "/etc/cathgate"

/* Where things stand, below the directory. */
#define SETUP_CA_FOLDER	    "ca"
#define SETUP_CA_KEY	    "ca/ca.key"
#define SETUP_CA_CERT	    "ca/ca.crt"
#define SETUP_CA_CRL	    "ca/ca.crl"
#define SETUP_KNOWN	    KNOWN_CERTIFICATES
#define SETUP_REVOKED	    "ca/revoked"
#define SETUP_MODALITIES_CA "tls/modalities-ca.crt"
#define SETUP_CRL	    "tls/modalities.crl"
#define SETUP_CONFIG	    "cathgate.conf"
#define SETUP_SOCKET_NAME   "dicom-tls" /* in the unit and in the sample */
#define SETUP_LOCK	    ".lock"	/* held while a command changes the folder */

/* Begins a copy in SETUP_KNOWN: behind it stands how the certificate was made. */
#define SITE_MADE_WITH "Made with:"

/* What to do next; and, when nothing was written, the command with all answers. */
void setup_print_next(const struct setup_plan *plan);
void setup_print_again(const struct setup_plan *plan, const char *user,
		       const char *group);

/* What is wrong with an answer beside the earlier ones, which are judged already, and the
 * cure; NULL: nothing. What a file is, where that may be a surprise, is printed. Kept. */
MUST_USE const char *setup_judge(const struct question *answers,
				 enum setup_question which);
/* Whether the folder is there, or can be made; and, where it is `ours`, written in. Else
 * there is a message. */
MUST_USE bool setup_can_write(const char *option, const char *path, bool ours);
/* The items of a list of answers, one after the other; NULL at the end. Kept. */
const char *setup_next(const char **list);

/* Writes all but the configuration, or the configuration. 0, or -1 with a message. */
MUST_USE int setup_write_keys(const struct setup_plan *plan, const struct staging *to);
MUST_USE int setup_write_config(const struct setup_plan *plan, const struct staging *to);
