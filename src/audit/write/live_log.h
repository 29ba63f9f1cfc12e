/*
 * The log as it is being written: its live file, where that has come to, and what becomes
 * of it: followed by a new one when an operator moves it away, moved aside when somebody
 * else has changed it, given up after a failed sync, rotated. In each case the chain goes
 * on in a new file from its last durable line, and what happened is kept to be told
 * there.
 *
 * The note beside it is written behind the log, never ahead, and what hinders it stops
 * nothing.
 */
#ifndef AUDIT_LIVE_LOG_H
#define AUDIT_LIVE_LOG_H

#include "log_file.h"
#include "recovery.h"

enum live_log_words {
	LIVE_LOG_FOUND,	 /* at the start: belongs into the `start` line, or an alert */
	LIVE_LOG_TAKEN,	 /* the same, but without a `start` line left to the program's log
			  */
	LIVE_LOG_BROKEN, /* as what was found, and an alert in any case */
	LIVE_LOG_HAPPENED /* in use: an alert, before anything else */
};

struct live_log_word {
	enum live_log_words kind;
	char text[ASIDE_WORDS_SIZE];
};

#define LIVE_LOG_WORDS_MAX 4

struct live_log {
	const struct config_audit *audit;
	struct signing_key *key; /* NULL: checkpoints are not signed */
	struct log_file file;
	time_t found_time;  /* the last line's when it was opened; 0 without any */
	struct log_end end; /* behind the last durable line; the writer moves it on */
	bool is_failed;	    /* its sync failed, and it couldn't be given up yet */
	char failure[64];   /* why */
	/* What is still to be told in the log. */
	struct live_log_word words[LIVE_LOG_WORDS_MAX];
	size_t word_count;
	/* The last checkpoint, where its note is still to be written. */
	struct checkpoint note;
	bool is_note_due, has_said_note;
	/* That of a file that is closed, where it is still to be written: and its path,
	 * or "". */
	struct checkpoint late;
	char late_note[LOG_NAME_SIZE];
	bool has_said_rotation;
	/* The note beside the log is still that of a file that is gone, and gets this
	 * name when the next is written; or "". Until then it tells, should we die, that
	 * there were lines. */
	char gone_note[LOG_NAME_SIZE];
};

/* 0; -1 after logging what is wrong and its cure. `audit` must outlive it. */
int live_log_open(const struct config_audit *audit, int wait_ms, struct live_log *ret);
void live_log_close(struct live_log *log);

/* Whether the live file can be appended to: it is at its path, as it was left; where not,
 * after making a new one. -1 with errno: not now. */
int live_log_prepare(struct live_log *log);

/* What is in the live file is not known, for that errno: it is given up for good. -1 when
 * that has to wait; live_log_prepare tries again. */
int live_log_give_up(struct live_log *log, int error);

/* The words are durable in the log. */
void live_log_told(struct live_log *log);

/* Whether a note is still to be written. */
bool live_log_has_note(const struct live_log *log);
/* Writes what is. -1 when it couldn't be: it stays due. */
int live_log_put_note(struct live_log *log);

/* Renames the live file, whose last line is a durable checkpoint, and begins another. -1
 * after logging, once: the log goes on as it is. */
int live_log_rotate(struct live_log *log);

#endif
