#include "supervisor/helpers/auditing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define STATE_BYTE 'S' /* brings the auditor's /proc/PID/stat */
#define ROOM_MS	   2000

/* The state tells a disk that doesn't answer from an auditor that hangs. Only the auditor
 * itself may open it: its memory is closed to the supervisor, and under ProtectProc= so
 * is its entry. */
void auditing_show_state(int channel)
{
	char byte = STATE_BYTE;
	int stat = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	if (stat < 0)
		return;
	/* An auditor that is gone is noticed elsewhere. */
	(void)!descriptors_send(channel, &byte, sizeof(byte), &stat, 1, 0);
	close(stat);
}

/* proc(5): the state is the first letter behind the name, which is in parentheses. */
bool auditing_waits_for_disk(const struct auditing *auditing)
{
	char text[256];
	ssize_t size = -1;
	char *end;

	if (auditing->state >= 0)
		size = pread(auditing->state, text, sizeof(text) - 1, 0);
	if (size <= 0)
		return false;
	text[size] = '\0';
	end = strrchr(text, ')');
	return end && strncmp(end, ") D", 3) == 0;
}

void auditing_forget_state(struct auditing *auditing)
{
	if (auditing->state >= 0)
		close(auditing->state);
	auditing->state = -1;
}

static enum auditing_event take_reply(struct auditing *auditing, char reply)
{
	switch (reply) {
	case AUDIT_READY:
		helper_became_ready(auditing->helper);
		auditing->log_is_stuck = auditing->log_lacks_room = false;
		return AUDITING_READY;
	case AUDIT_ALIVE:
		return AUDITING_ALIVE;
	case AUDIT_FULL:
		auditing->log_is_stuck = true;
		log_error("the audit log can't be written: nothing is acknowledged until "
			  "it can");
		break;
	case AUDIT_WELL:
		auditing->log_is_stuck = false;
		log_info("the audit log can be written again");
		break;
	case AUDIT_SHORT_OF_ROOM:
	case AUDIT_ROOM:
		auditing->log_lacks_room = reply == AUDIT_SHORT_OF_ROOM;
		break;
	default:
		break;
	}
	return AUDITING_NOTHING;
}

enum auditing_event auditing_hear(struct auditing *auditing, struct audit_figures *ret)
{
	char reply = '\0';
	int descriptor;
	/* One byte, or the figures. */
	ssize_t size = descriptor_receive(auditing->helper->channel, ret, sizeof(*ret),
					  &descriptor, MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return AUDITING_NOTHING;
	if (size == 1)
		memcpy(&reply, ret, 1);
	if (size == 1 && reply == STATE_BYTE) {
		auditing_forget_state(auditing);
		auditing->state = descriptor;
		return AUDITING_NOTHING;
	}
	if (descriptor >= 0)
		close(descriptor); /* nothing else comes with one */
	if (size == 1)
		return take_reply(auditing, reply);
	if (size == (ssize_t)sizeof(*ret))
		return AUDITING_FIGURES;
	helper_hang_up(auditing->helper);
	return AUDITING_NOTHING;
}

static bool waits_for_room(const struct auditing *auditing)
{
	struct pollfd channel = { .fd = auditing->helper->channel, .events = POLLOUT };

	return errno == EAGAIN && auditing->waits_until_told &&
	       poll(&channel, 1, ROOM_MS) > 0;
}

bool auditing_try(const struct auditing *auditing, const char *peer,
		  enum audit_event event, enum audit_outcome outcome, enum reason reason,
		  const char *detail)
{
	int channel = auditing->helper->channel;
	struct audit_record record;

	audit_record_init(&record);
	record.event = event;
	record.outcome = outcome;
	record.reason = reason;
	snprintf(record.detail, sizeof(record.detail), "%s", detail);
	return channel >= 0 &&
	       (audit_tell(channel, peer, &record) == 0 ||
		(waits_for_room(auditing) && audit_tell(channel, peer, &record) == 0));
}

void auditing_tell(const struct auditing *auditing, enum audit_event event,
		   enum audit_outcome outcome, enum reason reason, const char *detail)
{
	if (!auditing_try(auditing, NULL, event, outcome, reason, detail))
		log_error("the auditor could not be told: %s", detail);
}
