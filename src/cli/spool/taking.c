#include "taking.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/confirm.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/progress.h"
#include "cli/kit/shown.h"
#include "item.h"
#include "ring.h"

#define LOGIN_SIZE 16
/* An object costs about as much as so many bytes, however small it is. */
#define WEIGHT 65536

bool taking_fail(struct taking *taking, const struct taken *taken, const char *why)
{
	complain("%s%s: %s", taken->item ? "object " : "", taken->name, why);
	taking->failed++;
	return true;
}

/* Who has logged in, also behind sudo. */
static const char *asker(void)
{
	char *text = NULL, *end;
	const struct passwd *user;
	unsigned long uid = getuid();
	size_t size;
	int file = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);

	if (durable_read_fd(file, LOGIN_SIZE, &text, &size) == 0) {
		unsigned long login = strtoul(text, &end, 10);

		if (end != text && login != (uid_t)-1)
			uid = login;
		free(text);
	}
	user = getpwuid((uid_t)uid);
	return user ? keep_format("%s", user->pw_name) : keep_format("uid %lu", uid);
}

int taking_ask(const struct reach *reach, const struct taken *taken,
	       enum spool_operation operation, const char *note)
{
	static const char *who;
	struct spool_request request;
	uint32_t count;
	int file;

	if (!who)
		who = asker();
	memset(&request, 0, sizeof(request));
	request.operation = operation;
	request.filter.object = taken->item->object;
	request.knows_metadata = taken->opener != NULL;
	if (taken->opener)
		request.metadata = taken->metadata;
	snprintf(request.detail, sizeof(request.detail), "by %s%s%s", who,
		 note ? ": " : "", note ? note : "");
	if (spool_operator_ask(reach->socket, &request, &count, &file) != 0)
		return errno;
	if (file >= 0)
		close(file);
	return 0;
}

/* Opens it, and has it done. */
static bool take(struct taking *taking, const struct reach *reach,
		 const struct ring *ring, struct taken *taken, int fd)
{
	const char *destination = taken->item ? taken->item->destination : "";
	bool goes_on;

	taken->why = ring_unlock(ring, fd, destination, &taken->opener, &taken->metadata);
	goes_on = taking->take(taking, reach, taken);
	spool_opener_free(taken->opener);
	taken->opener = NULL;
	explicit_bzero(&taken->metadata, sizeof(taken->metadata));
	return goes_on;
}

static int status_of(const struct taking *taking)
{
	return taking->failed > 0 ? CLI_WRONG : CLI_GOOD;
}

/*
 * Of files.
 */

static int take_files(struct taking *taking, char *const *paths, size_t count)
{
	struct config *config = NULL;
	struct ring ring;
	bool goes_on = true;

	if (taking->keys.count == 0) {
		config = gateway_config_load(taking->config, false);
		if (!config)
			return CLI_USAGE;
	}
	if (ring_open(&ring, config, &taking->keys) != 0) {
		config_free(config);
		return CLI_USAGE;
	}
	if (taking->selection.destination)
		ring_add_destination(&ring, taking->selection.destination);
	for (size_t i = 0; goes_on && i < count; i++) {
		struct taken taken = { .name = paths[i] };
		int fd = durable_open_regular(paths[i]);

		if (fd < 0)
			taking_fail(taking, &taken, strerror(errno));
		else
			goes_on = take(taking, NULL, &ring, &taken, fd);
		if (fd >= 0)
			close(fd);
	}
	ring_close(&ring);
	config_free(config);
	return status_of(taking);
}

static int check_files(const struct taking *taking, size_t count)
{
	struct selection rest = taking->selection;

	rest.destination = NULL;
	if (count == 0)
		complain("--file: name the files");
	else if (selection_is_given(&rest))
		complain("--file: the files are named; only --destination says more of "
			 "them");
	else if (taking->keys.count > 0 && !taking->selection.destination)
		complain("--file with --key: write --destination, too: an object opens "
			 "only with the name of what it is for");
	else
		return -1;
	return CLI_USAGE;
}

/*
 * Of the spooler.
 */

/* The file, or -1 with errno. */
MUST_USE static int read_object(const struct reach *reach, uint64_t object)
{
	struct spool_request request;
	uint32_t count;
	int file;

	memset(&request, 0, sizeof(request));
	request.operation = SPOOL_READS;
	request.filter.object = object;
	return spool_operator_ask(reach->socket, &request, &count, &file) == 0 ? file
									       : -1;
}

static bool take_item(struct taking *taking, const struct reach *reach,
		      const struct ring *ring, const struct spool_item *item)
{
	char number[ITEM_NUMBER_SIZE];
	struct taken taken = { .name = number, .item = item };
	bool goes_on;
	int fd;

	item_number(item->object, number);
	fd = read_object(reach, item->object);
	if (fd < 0) {
		int error = errno;

		if (taking->may_be_gone && error == ENOENT)
			taking->done++;
		else
			taking_fail(taking, &taken, reach_why(error));
		return !reach_is_lost(error);
	}
	goes_on = take(taking, reach, ring, &taken, fd);
	close(fd);
	return goes_on;
}

/* -1 to go on, else the exit status. */
MUST_USE static int ask_first(const struct taking *taking, const struct spool_item *items,
			      size_t count)
{
	bool is_selected = selection_is_given(&taking->selection);
	const char *what = taking->asks	 ? taking->asks
			   : is_selected ? taking->asks_selected
					 : NULL;
	char size[SHOWN_SIZE_SIZE];
	uint64_t bytes = 0;

	if (!what)
		return -1;
	for (size_t i = 0; i < count; i++)
		bytes += items[i].bytes;
	shown_size((int64_t)bytes, size);
	return confirm(taking->is_yes, keep_format("%s %zu object%s (%s)%s", what, count,
						   count == 1 ? "" : "s", size,
						   taking->behind ? taking->behind : ""));
}

static void take_items(struct taking *taking, const struct reach *reach,
		       const struct ring *ring, const struct spool_item *items,
		       size_t count)
{
	struct progress progress;
	bool goes_on = true;
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += items[i].bytes + WEIGHT;
	progress = progress_start(total);
	for (size_t i = 0; goes_on && i < count; i++) {
		goes_on = take_item(taking, reach, ring, &items[i]);
		progress_move(&progress, items[i].bytes + WEIGHT);
	}
	progress_end(&progress);
}

static int take_of_spooler(struct taking *taking, char *const *numbers, size_t count)
{
	struct spool_item *items = NULL;
	size_t item_count = 0;
	struct reach reach;
	struct ring ring;
	int status = CLI_USAGE;

	if (reach_open(&reach, taking->config) != 0)
		return CLI_USAGE;
	if (selection_find(&taking->selection, &reach, numbers, count, taking->states,
			   &items, &item_count, &taking->failed) == 0) {
		status = -1;
		if (item_count > 0)
			status = ask_first(taking, items, item_count);
		else if (taking->failed == 0)
			complain("the spool has no such object");
	}
	if (status < 0 && item_count > 0 &&
	    ring_open(&ring, reach.config, &taking->keys) != 0) {
		status = CLI_USAGE;
	} else if (status < 0 && item_count > 0) {
		take_items(taking, &reach, &ring, items, item_count);
		ring_close(&ring);
	}
	free(items);
	reach_close(&reach);
	return status < 0 ? status_of(taking) : status;
}

int taking_run(struct taking *taking, char *const *operands, size_t count)
{
	if (taking->are_files) {
		int status = check_files(taking, count);

		return status >= 0 ? status : take_files(taking, operands, count);
	}
	if (taking->must_be_given && count == 0 &&
	    !selection_is_given(&taking->selection)) {
		complain("say which: OBJECT, as cathgate spool list shows it, or what "
			 "they are of, as --state dead");
		return CLI_USAGE;
	}
	return take_of_spooler(taking, operands, count);
}
