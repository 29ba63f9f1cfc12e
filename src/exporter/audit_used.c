#include "cathgate/exporter/audit_used.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_message.h"
#include "cathgate/base/clock.h"
#include "cathgate/base/durable.h"
#include "message_file.h"

/* The user who logged in, even where sudo has made that user root. */
static const char *user_name(void)
{
	const char *before = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *user = getpwuid(getuid());

	return before && before[0] ? before : user ? user->pw_name : "unknown";
}

static void put_message(struct text *to, const struct audit_log_used *used)
{
	char time[UTC_TEXT_SIZE], process[128];
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

/* The file gets the directory's owner. All is done by the directory's descriptor, so that
 * its owner can't make root write elsewhere. */
static int write_note(int directory, const char *name, const struct text *text)
{
	struct durable_owner owner = { (uid_t)-1, (gid_t)-1, 0640 };
	struct stat status;

	if (fstat(directory, &status) != 0)
		return -1;
	if (geteuid() == 0) {
		owner.user = status.st_uid;
		owner.group = status.st_gid;
	}
	return durable_create_at(directory, name, text->bytes, text->size, &owner);
}

int audit_log_used_note(const struct audit_log_used *used)
{
	char time[UTC_TEXT_SIZE], name[96];
	struct text text = { 0 };
	int directory, result, error;

	directory = durable_open_folder(used->messages);
	if (directory < 0)
		return -1;
	clock_utc(time);
	snprintf(name, sizeof(name), "cathgate-used-%s-%d.log", time, (int)getpid());
	message_file_put_head(&text);
	put_message(&text, used);
	result = write_note(directory, name, &text);
	error = errno;
	text_free(&text);
	close(directory);
	errno = error;
	return result;
}
