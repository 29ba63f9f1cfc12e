/*
 * Messages from and to the modality (PS3.7 6.3), and the services that they belong to.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"

struct association;

/* Reads the whole command set of a request, whose first PDV is about to come: 1. 0 when
 * the modality asks for release instead; -1 with the ending. What came
 * may have been only the rest of a data set that its command had not announced: then 1,
 * association->request has context 0, and services_perform does nothing. */
MUST_USE int services_read_request(struct association *association);
/* Performs the request that has been read, and answers it: 0; or -1 with the ending. */
MUST_USE int services_perform(struct association *association);
/* Whether there is a service for contexts of this abstract syntax. */
bool services_has(const char *abstract_syntax);
