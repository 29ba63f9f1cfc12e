/*
 * crl.conf, beside the configuration: which CRLs to fetch, and where to. A line is
 *
 *	URL FILE
 *
 * with a file's path as in the configuration; # begins a comment.
 */
#pragma once

#include <stddef.h>

#include "cathgate/base/must_use.h"

struct crl_source {
	const char *url, *path; /* kept, as the list */
};

/* The list of `folder`/crl.conf. -1 with a message. */
MUST_USE int crl_list_read(const char *folder, struct crl_source **ret,
			   size_t *ret_count);
