/*
 * The log as it is being written: its live file, and where its chain has come to. The
 * live file is given up for a new one when an operator moved it away, when another
 * program changed it (then it is moved aside), after a failed sync, and by rotation. The
 * chain goes on in the new file from its last durable line, and a finding says there what
 * happened.
 *
 * The note beside the live file is written after the lines that it covers are durable. A
 * note that can't be written stops nothing.
 */
#pragma once

#include "log_file.h"
#include "recovery.h"

enum live_log_finding_kind {
	/* From before this auditor: goes into the `start` line if that comes first ... */
	LIVE_LOG_FOUND,	 /* ... else into an alert */
	LIVE_LOG_TAKEN,	 /* ... else stands in the program's log alone */
	LIVE_LOG_BROKEN, /* ... and into an alert in any case */
	/* Since then: goes into an alert before any other line. */
	LIVE_LOG_HAPPENED
};

struct live_log_finding {
	enum live_log_finding_kind kind;
	char text[ASIDE_FINDING_SIZE];
};

#define LIVE_LOG_FINDINGS_MAX 4

struct live_log {
	const struct config_audit *audit;
	struct signing_key *key; /* NULL: checkpoints are not signed */
	struct log_file file;
	time_t found_time;  /* the last line's when it was opened; 0 without any */
	struct log_end end; /* behind the last durable line; the writer moves it on */
	bool is_failed;	    /* its sync failed, and it couldn't be given up yet */
	char failure[64];   /* why */
	/* Still to be written in the log. */
	struct live_log_finding findings[LIVE_LOG_FINDINGS_MAX];
	size_t finding_count;
	/* The last checkpoint, if its note is still to be written. */
	struct checkpoint note;
	bool is_note_due, has_said_note;
	/* The last checkpoint of a closed file whose note is still to be written, and the
	 * path of that note; or "". */
	struct checkpoint late;
	char late_note[LOG_NAME_SIZE];
	bool has_said_rotation;
	/* The note beside the log is that of a file that is gone, and gets this name when
	 * the next note is written; or "". Until then it tells the next auditor that
	 * there were lines, should this one die. */
	char gone_note[LOG_NAME_SIZE];
};

/* 0; -1 after logging what is wrong and its cure. `audit` must outlive it. */
MUST_USE int live_log_open(const struct config_audit *audit, int wait_ms,
			   struct live_log *ret);
void live_log_close(struct live_log *log);

/* Makes sure that the live file is at its path, as it was left; if it isn't, makes a new
 * one. -1 with errno when that can't be done now. */
MUST_USE int live_log_prepare(struct live_log *log);

/* Gives the live file up for good: a sync failed with that errno, and what the disk holds
 * is not known. -1 when that has to wait; live_log_prepare tries again. */
int live_log_give_up(struct live_log *log, int error);

/* Forgets the findings, which are durable in the log now. */
void live_log_told(struct live_log *log);

/* Whether a note is still to be written. */
bool live_log_has_note(const struct live_log *log);
/* Writes the notes that are due. -1 when one couldn't be written: it stays due. */
int live_log_put_note(struct live_log *log);

/* Renames the live file, whose last line is a durable checkpoint, and begins another. -1
 * when the log goes on as it is; the first time in a row that is logged. */
MUST_USE int live_log_rotate(struct live_log *log);
