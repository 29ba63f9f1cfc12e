/*
 * The files of the messages' directory: cathgate-FIRSTSEQ.log, numbers with 20 digits so
 * that their names sort. The newest one is appended to, and a new one is begun when it is
 * full. A file is removed when nothing was added to it for audit.keep_days.
 *
 * cathgate.lock in the directory is locked while it is open, so that two exporters never
 * write at once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "text.h"

#define MESSAGE_FILE_MAX (16 * 1024 * 1024)

struct message_files {
	char *path;    /* the directory's */
	int directory; /* its descriptor */
	int lock;
	int fd;		    /* of the newest file; -1 until there is one */
	uint64_t number;    /* in its name */
	off_t size;	    /* whole lines only */
	unsigned keep_days; /* 0: for ever */
	const char *log;    /* log_clock_time() of it judges their age; NULL: time() */
	int64_t cleaned_ms; /* when old files were last looked for */
};

/* Makes the directory (0750) if there is none, locks it, and cuts off a torn last line of
 * the newest file, which was never durable. `audit` must outlive it. 0; -1 with errno. */
MUST_USE int message_files_open(const struct config_audit *audit,
				struct message_files *ret);
void message_files_close(struct message_files *files);

/* Appends whole lines, durably. `seq` names a new file, if one is begun. 0; or -1 with
 * errno: nothing of it counts, and the same bytes are to be given again. */
MUST_USE int message_files_append(struct message_files *files, uint64_t seq,
				  const char *bytes, size_t size);

/* The numbers of the files that there are, ascending. The caller frees *ret. 0; -1 with
 * errno. */
MUST_USE int message_files_list(const struct message_files *files, uint64_t **ret,
				size_t *ret_count);
/* Opens one of them for reading. -1 with errno. */
MUST_USE int message_files_read(const struct message_files *files, uint64_t number);

/* Writes the line that each file begins with, which is no message and begins with `#`:
 * 512 octets. rsyslog's imfile notes that it has read so many before it hands on what it
 * has read; killed then, it would leave out a file's first message. The line also tells a
 * file from another in the same inode. */
void message_file_put_head(struct text *to);
