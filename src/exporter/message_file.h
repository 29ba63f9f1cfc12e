/*
 * The files of the messages' directory: cathgate-FIRSTSEQ.log, numbers with 20 digits so
 * that their names sort. The newest one is appended to, and a new one is begun when it is
 * full; old ones go when nothing was added to them for audit.keep_days, never before.
 *
 * Whoever holds the directory has locked cathgate.lock in it: two exporters never write
 * at once.
 */
#ifndef CATHGATE_EXPORTER_MESSAGE_FILE_H
#define CATHGATE_EXPORTER_MESSAGE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
	const char *log;    /* by whose clock they grow old; NULL: by ours */
	int64_t cleaned_ms; /* when old files were last looked for */
};

/* Makes the directory (0750) where there is none, locks it, and cuts off a torn last line
 * of the newest file: who wrote it hadn't heard that it is durable. `audit` must outlive
 * it. 0; -1 with errno. */
int message_files_open(const struct config_audit *audit, struct message_files *ret);
void message_files_close(struct message_files *files);

/* Appends whole lines, durably. `seq` names a new file, if it comes to that. 0; or -1
 * with errno: nothing of it counts, and the same bytes are to be given again. */
int message_files_append(struct message_files *files, uint64_t seq, const char *bytes,
			 size_t size);

/* The numbers of the files that there are, ascending. The caller frees *ret. 0; -1 with
 * errno. */
int message_files_list(const struct message_files *files, uint64_t **ret,
		       size_t *ret_count);
/* Opens one of them for reading. */
int message_files_read(const struct message_files *files, uint64_t number);

/* The line that each file begins with, which is no message and begins with `#`: 512
 * octets. rsyslog's imfile writes down that it has read so many before it hands on what
 * it has read; killed then, it would leave out a file's first message. They tell a file
 * from another in the same inode, too. */
void message_file_put_head(struct text *to);

#endif
