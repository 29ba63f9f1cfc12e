/* The supervisor's side of the control channel. */
#include "spool/client/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"

static struct spool_opened opened_of(enum spool_message kind, const char *id,
				     const char *modality, const char *destination)
{
	struct spool_opened opened = { .kind = kind };

	snprintf(opened.id, sizeof(opened.id), "%s", id);
	snprintf(opened.modality, sizeof(opened.modality), "%s", modality);
	snprintf(opened.destination, sizeof(opened.destination), "%s", destination);
	return opened;
}

int spooler_open_association(int control, const char *id, const char *modality,
			     const char *destination)
{
	const struct spool_opened opened =
		opened_of(SPOOL_OPENS_ASSOCIATION, id, modality, destination);

	return descriptors_open(control, &opened, sizeof(opened));
}

int spooler_open_courier(int control, const char *destination)
{
	const struct spool_opened opened =
		opened_of(SPOOL_OPENS_COURIER, "", "", destination);

	return descriptors_open(control, &opened, sizeof(opened));
}

int spooler_bring_keeper(int control, int channel)
{
	const struct spool_opened opened = opened_of(SPOOL_BRINGS_KEEPER, "", "", "");

	return descriptors_send(control, &opened, sizeof(opened), &channel, 1,
				MSG_DONTWAIT);
}

int spooler_bring_auditor(int control, int channel)
{
	const struct spool_opened opened = opened_of(SPOOL_BRINGS_AUDITOR, "", "", "");

	return descriptors_send(control, &opened, sizeof(opened), &channel, 1,
				MSG_DONTWAIT);
}

void spooler_hear(int control, struct spooler_word *ret)
{
	ssize_t size = recv(control, ret, sizeof(*ret), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
		ret->kind = SPOOLER_NOTHING;
		return;
	}
	if (size != (ssize_t)sizeof(*ret) || ret->kind <= SPOOLER_NOTHING ||
	    ret->kind >= SPOOLER_GONE || ret->reason >= REASON_COUNT) {
		ret->kind = SPOOLER_GONE;
		return;
	}
	ret->destination[sizeof(ret->destination) - 1] = '\0';
	ret->text[sizeof(ret->text) - 1] = '\0';
	ret->figures.destination[sizeof(ret->figures.destination) - 1] = '\0';
}
