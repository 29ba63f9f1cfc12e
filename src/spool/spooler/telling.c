/* What the supervisor is told. */
#include "internal.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "cathgate/base/log.h"

void spooler_tell(const struct spooler *spooler, const struct spooler_word *word)
{
	if (send(spooler->control, word, sizeof(*word), MSG_NOSIGNAL) < 0)
		log_debug("the supervisor is gone");
}

void spooler_alert(const struct spooler *spooler, enum reason reason, const char *format,
		   ...)
{
	struct spooler_word word = { .kind = SPOOLER_ALERTS, .reason = reason };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(word.text, sizeof(word.text), format, arguments);
	va_end(arguments);
	log_warning("%s", word.text);
	spooler_tell(spooler, &word);
}

bool has_hung_up(int channel)
{
	struct pollfd polled = { .fd = channel };

	return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLHUP | POLLERR)) != 0;
}
