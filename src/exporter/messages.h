/*
 * DICOM audit messages (PS3.15 A.5), made from the lines of the audit log and written
 * into the files of the directory that audit.messages names.
 *
 * The exporter gives every line, in the log's order, each at least once. After a crash
 * some come again: from messages_needed_seq of the last saved position on. Messages that
 * the files hold already are not written again. A line is known there by its number and
 * hash: after a broken chain numbers begin anew, and lines that were never durable are
 * written anew under the same numbers.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "cathgate/config/config.h"
#include "position.h"

struct messages;

/* Opens the directory that config->audit.messages names. *ret_resume: the position in the
 * log as far as the messages' own files tell, without marks if they tell nothing; for an
 * exporter that has no position of its own. NULL, the first time in a row after logging:
 * to be tried again later. */
MUST_USE struct messages *messages_open(const struct config *config,
					struct position *ret_resume);

/* Takes the next line of the log, whole and parsed; keeps no reference to it. 0; or -1:
 * nothing of it was taken, and the same line is to be given again later. The first
 * failure in a row is logged, with its cure, and so is its end. */
MUST_USE int messages_take(struct messages *messages, const json_t *line, uint64_t seq);

/* To be called when the next line, `seq`, isn't the one after the last: a file of the log
 * is gone, or a new chain begins. The ends of associations that are open may be lost. */
void messages_gap(struct messages *messages, uint64_t seq);

/* Makes durable what was taken; to be called before the position is saved. 0; -1 as
 * above. */
MUST_USE int messages_flush(struct messages *messages);

/* The first line that must be given again after a restart: the first one of the oldest
 * association or delivery whose message isn't written yet; UINT64_MAX when there is none.
 */
uint64_t messages_needed_seq(const struct messages *messages);

void messages_close(struct messages *messages);
