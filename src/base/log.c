#include "cathgate/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cathgate/base/visible.h"

static struct {
	bool prefixed; /* sd-daemon(3) level prefixes */
	bool debug;
	char context[64];
} state;

/* JOURNAL_STREAM names the device and inode of the journal's socket (systemd.exec(5)):
 * standard error may have been redirected since. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

void log_open(bool plain)
{
	state.prefixed = !plain && stderr_is_journal();
	state.debug = getenv("CATHGATE_DEBUG") != NULL;
}

void log_context(const char *name)
{
	snprintf(state.context, sizeof(state.context), "%s", name ? name : "");
}

/* Lines are lost when their reader has stalled. A process that waited for it would miss
 * deadlines, and the supervisor would serve nobody. */
static void write_line(const char *line, size_t size)
{
	struct pollfd output = { .fd = STDERR_FILENO, .events = POLLOUT };
	static unsigned lost;
	char note[64];

	if (poll(&output, 1, 0) <= 0 || !(output.revents & POLLOUT)) {
		lost++;
		return;
	}
	if (lost > 0) {
		int length = snprintf(note, sizeof(note), "%scathgated: %u lines lost\n",
				      state.prefixed ? "<4>" : "", lost);

		lost = 0;
		write_line(note, (size_t)length);
	}
	/* A socket (the journal's) could still be too full; a pipe has a page free. */
	if (send(STDERR_FILENO, line, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno == ENOTSOCK && write(STDERR_FILENO, line, size) < 0)
		return; /* a failure to log can't be logged */
}

/* One write for one line, so that lines of several processes don't mix. */
__attribute__((format(printf, 3, 0))) static void put_message(int level, const char *word,
							      const char *format,
							      va_list arguments)
{
	char raw[900], message[900], line[1100];
	int size;

	vsnprintf(raw, sizeof(raw), format, arguments);
	visible_copy(message, sizeof(message), raw, strlen(raw));
	if (state.prefixed)
		size = snprintf(line, sizeof(line), "<%d>%s%s%s\n", level, state.context,
				state.context[0] ? ": " : "", message);
	else
		size = snprintf(line, sizeof(line), "cathgated[%d]: %s%s%s%s%s\n",
				getpid(), word, word[0] ? ": " : "", state.context,
				state.context[0] ? ": " : "", message);
	write_line(line, (size_t)size);
}

static void add_piece(char *line, size_t size, size_t *used, const char *piece)
{
	while (*piece && *used + 1 < size) /* the line's end has its place */
		line[(*used)++] = *piece++;
}

static void add_number(char *line, size_t size, size_t *used, unsigned number)
{
	char digits[12];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	add_piece(line, size, used, at);
}

/* printf may allocate, so a handler has this. */
void log_pieces(enum log_pieces verb, const char *first, ...)
{
	bool is_bug = verb == LOG_PIECES_BUG;
	char line[512];
	size_t used = 0;
	va_list more;

	if (state.prefixed) {
		add_piece(line, sizeof(line), &used, is_bug ? "<2>" : "<4>");
	} else {
		add_piece(line, sizeof(line), &used, "cathgated[");
		add_number(line, sizeof(line), &used, (unsigned)getpid());
		add_piece(line, sizeof(line), &used,
			  is_bug ? "]: bug: " : "]: warning: ");
	}
	if (state.context[0]) {
		add_piece(line, sizeof(line), &used, state.context);
		add_piece(line, sizeof(line), &used, ": ");
	}
	va_start(more, first);
	for (const char *piece = first; piece; piece = va_arg(more, const char *))
		add_piece(line, sizeof(line), &used, piece);
	va_end(more);
	line[used++] = '\n';
	write_line(line, used);
}

#define VERB(name, level, word)                              \
	void name(const char *format, ...)                   \
	{                                                    \
		va_list arguments;                           \
                                                             \
		va_start(arguments, format);                 \
		put_message(level, word, format, arguments); \
		va_end(arguments);                           \
	}

VERB(log_error, 3, "error")
VERB(log_warning, 4, "warning")
VERB(log_info, 6, "")
VERB(log_bug, 2, "bug")

void log_debug(const char *format, ...)
{
	va_list arguments;

	if (!state.debug)
		return;
	va_start(arguments, format);
	put_message(7, "debug", format, arguments);
	va_end(arguments);
}
