#include "cathgate/audit_used.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_message.h"
#include "cathgate/clock.h"
#include "message_file.h"

/* The name of who logged in, where sudo has made somebody else of him. */
static const char *user_name(void)
{
	const char *before = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *user = getpwuid(getuid());

	return before && before[0] ? before : user ? user->pw_name : "unknown";
}

static void put_message(struct text *to, const struct audit_log_used *used)
{
	char time[CLOCK_UTC_SIZE], process[128];
	const struct audit_source source = { .time = time, .node = used->node };
	const struct audit_event event = {
		.id = &AUDIT_LOG_USED,
		.action = 'R',
		.time = time,
	};
	const struct audit_participant person = {
		.user_id = user_name(),
		.is_requestor = true,
		.address = used->node,
	};
	const struct audit_participant tool = {
		.user_id = process,
		.role = &AUDIT_ROLE_APPLICATION,
		.address = used->node,
	};

	clock_utc(time);
	snprintf(process, sizeof(process), "%.100s[%d]", used->program, (int)getpid());
	audit_message_open(to, &source, &event);
	audit_message_participant(to, &person);
	audit_message_participant(to, &tool);
	audit_message_source(to, &source);
	audit_message_log(to, used->log, NULL, NULL);
	audit_message_close(to);
	text_put(to, "\n");
}

/* Whole before it has the name that rsyslog looks for, and the directory's owner's. */
static int write_file(int directory, const char *hidden, const char *name,
		      const struct text *text)
{
	struct stat status;
	int error = 0;
	int fd = openat(directory, hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		return -1;
	errno = ENOSPC; /* of a short write */
	if (write(fd, text->bytes, text->size) != (ssize_t)text->size ||
	    fchmod(fd, 0640) != 0 || fstat(directory, &status) != 0 ||
	    (geteuid() == 0 && fchown(fd, status.st_uid, status.st_gid) != 0) ||
	    fsync(fd) != 0 || renameat(directory, hidden, directory, name) != 0 ||
	    fsync(directory) != 0)
		error = errno;
	close(fd);
	if (error)
		unlinkat(directory, hidden, 0);
	errno = error;
	return error ? -1 : 0;
}

int audit_log_used_note(const struct audit_log_used *used)
{
	char time[CLOCK_UTC_SIZE], hidden[96];
	struct text text = { 0 };
	int directory, result, error;

	directory = open(used->messages, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -1;
	clock_utc(time);
	/* Behind the dot: the name. */
	snprintf(hidden, sizeof(hidden), ".cathgate-used-%s-%d.log", time, (int)getpid());
	message_file_put_head(&text);
	put_message(&text, used);
	result = write_file(directory, hidden, hidden + 1, &text);
	error = errno;
	text_free(&text);
	close(directory);
	errno = error;
	return result;
}
