/*
 * A backup, opened and unpacked in hidden folders of root's: beside /etc/cathgate, and
 * beside the audit log's folder for the log, since only there can a rename put them in
 * their places.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/pki/sealed.h"
#include "contents.h"
#include "hidden.h"

struct staged {
	struct hidden etc, log; /* `log`: HIDDEN_NONE where the log isn't restored */
	struct contents_manifest manifest;
};

/* Opens the whole file before it unpacks anything. What it holds is then judged, so that
 * no link in it leads elsewhere on the way to what is placed. -1 with a message;
 * staged_close in any case. */
MUST_USE int staged_open(struct staged *staged, const char *file, const char *passphrase,
			 const struct pki_key *key, bool with_log);
void staged_close(struct staged *staged);
