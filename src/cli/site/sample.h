/*
 * Configurations made from the sample, conf/cathgate.conf, so that a site's own has the
 * same comments and there is one text to maintain. The sample is part of the program.
 */
#pragma once

#include "cathgate/base/must_use.h"

extern const char sample_text[];

/* Where each key is explained: the installed sample's path, or else the manual page. */
const char *sample_place(void);

/* What to write into it. Nothing is judged here. */
struct sample_values {
	const char *name, *address, *port;
	const char *host, *pacs_port, *called_ae_title, *server_name;
	const char *calling_ae_title; /* "": the modality's own */
	const char *audit_file;
	int has_socket; /* systemd's, in the place of address and port */
	int has_crl;	/* of the modalities' CA */
	int has_plain;	/* the PACS speaks no TLS */
};

/* The text, kept; NULL when the sample was edited so that it doesn't fit any more, which
 * a test would notice. */
MUST_USE const char *sample_fill(const struct sample_values *values);

/* A text between quotes, as the configuration has it; kept. */
const char *sample_quote(const char *text);
