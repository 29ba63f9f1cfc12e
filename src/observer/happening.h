/*
 * A line of the audit log as far as it is shown later: when, what, and who.
 */
#pragma once

#include <jansson.h>

/* Each text is cut to its room. */
struct happening {
	char time[32]; /* "": never */
	char outcome[24], reason[48], detail[256];
	char modality[64], calling_ae[24], peer[64];
};

void happening_note(struct happening *happening, const json_t *line);
