#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_ask.h"
#include "cli/kit/shown.h"

#include "status_print.h"

#define ROWS_USUAL 24
/* Another screen, which the one before comes back from; no cursor. */
#define ENTER	   "\033[?1049h\033[?25l"
#define LEAVE	   "\033[?25h\033[?1049l"
#define HOME	   "\033[H"
#define LINE_REST  "\033[K"
#define BELOW_REST "\033[J"

struct watch {
	const char *path;
	unsigned seconds;
	int signals;
	bool has_keys; /* standard input is a terminal */
	struct termios before;
};

static bool is_drawable(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

static int catch_signals(void)
{
	sigset_t caught;

	sigemptyset(&caught);
	sigaddset(&caught, SIGINT);
	sigaddset(&caught, SIGTERM);
	sigaddset(&caught, SIGHUP);
	sigaddset(&caught, SIGQUIT);
	sigaddset(&caught, SIGTSTP); /* the terminal would stay as it is drawn now */
	sigaddset(&caught, SIGWINCH);
	return sigprocmask(SIG_BLOCK, &caught, NULL) == 0
		       ? signalfd(-1, &caught, SFD_CLOEXEC)
		       : -1;
}

/* Single keys, unseen. */
static void take_keys(struct watch *watch)
{
	struct termios now;

	watch->has_keys = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp() &&
			  tcgetattr(STDIN_FILENO, &watch->before) == 0;
	if (!watch->has_keys)
		return;
	now = watch->before;
	now.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

static void print_frame(const struct watch *watch, FILE *to)
{
	json_t *status = gateway_status(watch->path);
	int error = errno;
	time_t now = time(NULL);
	struct tm fields;
	char clock[16] = "";

	if (localtime_r(&now, &fields))
		(void)!strftime(clock, sizeof(clock), "%T", &fields);
	fprintf(to, "%s, every %u s; q ends\n", clock, watch->seconds);
	if (status) {
		status_print(status, shown_in_colour(stdout), to);
	} else {
		fputs("\nThe gateway doesn't answer; asking again.\n", to);
		shown_wrapped(to, "  ", watch->path, 80);
		shown_wrapped(to, "  ", strerror(error), 80);
		shown_wrapped(to, "  ", gateway_cure(error, NULL), 80);
	}
	json_decref(status);
}

/* What has room: the last row says how much is left out. */
static void draw(const char *frame)
{
	struct winsize size = { 0 };
	unsigned rows, lines = 0, row = 1;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
		size.ws_row = ROWS_USUAL;
	rows = size.ws_row;
	for (const char *at = frame; *at; at++)
		lines += *at == '\n';
	fputs(HOME, stdout);
	for (const char *at = frame; *at && (row < rows || lines == row); row++) {
		size_t length = strcspn(at, "\n");

		fwrite(at, 1, length, stdout);
		fputs(row < rows ? LINE_REST "\n" : LINE_REST, stdout);
		at += length + (at[length] == '\n');
	}
	if (lines > rows)
		printf("  … and %u more lines", lines - rows + 1);
	fputs(LINE_REST BELOW_REST, stdout);
	fflush(stdout);
}

static void show(const struct watch *watch)
{
	char *frame = NULL;
	size_t size;
	FILE *to = open_memstream(&frame, &size);

	if (!to)
		return; /* the next one, perhaps */
	print_frame(watch, to);
	if (fclose(to) == 0)
		draw(frame);
	free(frame);
}

/* Whether somebody wants it to end. */
static bool is_ended_by_signal(const struct watch *watch)
{
	struct signalfd_siginfo signal;

	return read(watch->signals, &signal, sizeof(signal)) == sizeof(signal) &&
	       signal.ssi_signo != SIGWINCH && signal.ssi_signo != SIGTSTP;
}

static bool is_ended_by_key(struct watch *watch)
{
	char key;
	ssize_t count = read(STDIN_FILENO, &key, 1);

	if (count <= 0)
		watch->has_keys = false; /* the terminal is gone */
	return count <= 0 || key == 'q' || key == 'Q';
}

/* Returns whether it goes on. */
static bool wait_for_next(struct watch *watch)
{
	struct pollfd fds[] = {
		{ .fd = watch->signals, .events = POLLIN },
		{ .fd = watch->has_keys ? STDIN_FILENO : -1, .events = POLLIN },
	};

	if (poll(fds, 2, (int)watch->seconds * 1000) < 0)
		return errno == EINTR;
	if (fds[0].revents && is_ended_by_signal(watch))
		return false;
	return !fds[1].revents || !is_ended_by_key(watch);
}

int watch_run(const char *path, unsigned seconds)
{
	struct watch watch = { .path = path, .seconds = seconds };

	if (!is_drawable()) {
		complain("--watch needs a terminal to draw on; for programs there is "
			 "--json");
		return CLI_USAGE;
	}
	watch.signals = catch_signals();
	if (watch.signals < 0) {
		complain("--watch: %s", strerror(errno));
		return CLI_USAGE;
	}
	take_keys(&watch);
	fputs(ENTER, stdout);
	do
		show(&watch);
	while (!ferror(stdout) && wait_for_next(&watch));
	fputs(LEAVE, stdout);
	fflush(stdout);
	if (watch.has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &watch.before);
	close(watch.signals);
	return CLI_GOOD;
}
