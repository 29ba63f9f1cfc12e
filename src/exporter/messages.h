/*
 * DICOM audit messages (PS3.15 A.5), made from the lines of the audit log and written
 * into the files of the directory that audit.messages names.
 *
 * The exporter gives every line, in the log's order, each at least once. Around a crash
 * some come again: from messages_needed_seq of the last saved position on. What the files
 * hold already must not be written twice; the messages find that out from their own
 * files. A number alone names no line there: after a broken chain they begin anew, and
 * lines that were never durable are written anew under the same numbers. A line's `hash`
 * names it.
 */
#ifndef CATHGATE_EXPORTER_MESSAGES_H
#define CATHGATE_EXPORTER_MESSAGES_H

#include <jansson.h>
#include <stdint.h>

#include "cathgate/config/config.h"
#include "position.h"

struct messages;

/* Opens what config->audit.messages names (it does name one). *ret_resume: where
 * in the log they are as far as their own files tell, without marks where these tell
 * nothing; asked only where there is no position of the exporter's own. NULL after
 * logging; it is tried again later, and only the first failure of a row is logged. */
struct messages *messages_open(const struct config *config, struct position *ret_resume);

/* Takes the next line of the log, whole and parsed; keeps no reference to it. 0; or -1:
 * nothing of it was taken, the same line comes again later. The first failure of a row is
 * logged, with its cure, and so is that it works again. */
int messages_take(struct messages *messages, const json_t *line, uint64_t seq);

/* The next line isn't the one after the last: a file of the log is gone, or a new chain
 * begins, `seq` being its first line's number. Associations that are open there may never
 * hear of their end. */
void messages_gap(struct messages *messages, uint64_t seq);

/* Makes durable what was written; called before the position is saved. 0; -1 as above. */
int messages_flush(struct messages *messages);

/* The first line that must be given again after a restart: the first one of the oldest
 * association whose message isn't written yet; UINT64_MAX when there is none. */
uint64_t messages_needed_seq(const struct messages *messages);

void messages_close(struct messages *messages);

#endif
