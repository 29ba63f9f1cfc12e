#include "written.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "<?cathgate line=\""
/* As many lines are kept to compare with. Messages of earlier lines are written twice, so
 * that memory doesn't run out. */
#define LINES_MAX (1024 * 1024)

void written_mark(struct text *to, const struct written_line *line, unsigned part)
{
	char mark[256];
	int size = snprintf(mark, sizeof(mark),
			    MARK "%" PRIu64 "\" part=\"%u\" hash=\"%s\" again=\"%" PRIu64
				 "\"?>",
			    line->seq, part, line->hash, line->again);

	text_add(to, mark, (size_t)size);
}

/* The mark at the end of a message, which a NUL ends. */
static int read_mark(const char *message, size_t size, struct written_line *ret)
{
	const char *mark = memmem(message, size, MARK, strlen(MARK));
	struct written_line line = { 0 };
	unsigned part;
	int end = 0;

	if (!mark)
		return -1;
	if (sscanf(mark,
		   MARK "%" SCNu64 "\" part=\"%u\" hash=\"%64[0-9a-f]\" again=\"%" SCNu64
			"\"?>%n",
		   &line.seq, &part, line.hash, &line.again, &end) != 4 ||
	    mark + end != message + size)
		return -1;
	line.parts = part + 1;
	*ret = line;
	return 0;
}

static void add_line(struct written *written, size_t *room,
		     const struct written_line *line)
{
	struct written_line *last =
		written->count > 0 ? &written->lines[written->count - 1] : NULL;

	if (last && last->seq == line->seq && strcmp(last->hash, line->hash) == 0) {
		*last = *line;
		return;
	}
	/* A new chain begins, or lines were lost and written anew: those before them are
	 * of no use. */
	if (last && line->seq <= last->seq)
		written->count = 0;
	if (written->count == *room) {
		*room = *room ? 2 * *room : 256;
		written->lines =
			memory_resize(written->lines, *room, sizeof(*written->lines));
	}
	written->lines[written->count++] = *line;
}

/* All marks of one file, in its order. */
static int load_file(const struct message_files *files, uint64_t number,
		     struct written *ret)
{
	int fd = message_files_read(files, number);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	struct written_line line;
	char *message = NULL;
	size_t room = 0, lines_room = 0;
	ssize_t size;
	int error;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = 0;
	while ((size = getline(&message, &room, file)) > 0) {
		if (message[size - 1] == '\n')
			message[--size] = '\0';
		if (read_mark(message, (size_t)size, &line) == 0)
			add_line(ret, &lines_room, &line);
	}
	error = ferror(file) ? errno : 0;
	free(message);
	fclose(file);
	errno = error;
	return error ? -1 : 0;
}

/* Puts the lines of an earlier file before those known. False when their numbers belong
 * to another chain, or there are enough. */
static bool prepend(struct written *written, struct written *earlier)
{
	size_t count = earlier->count + written->count, known = written->count;

	if (earlier->count == 0)
		return true;
	if (known > 0 && earlier->lines[earlier->count - 1].seq == written->lines[0].seq)
		earlier->count--, count--; /* one line's messages, in two files */
	if ((known > 0 && earlier->count > 0 &&
	     earlier->lines[earlier->count - 1].seq > written->lines[0].seq) ||
	    count > LINES_MAX)
		return false;
	earlier->lines =
		memory_resize(earlier->lines, count + 1, sizeof(*earlier->lines));
	if (known > 0)
		memcpy(earlier->lines + earlier->count, written->lines,
		       known * sizeof(*written->lines));
	free(written->lines);
	*written = (struct written){ earlier->lines, count };
	earlier->lines = NULL;
	return true;
}

int written_load(const struct message_files *files, uint64_t from_seq,
		 struct written *ret)
{
	struct written written = { 0 };
	uint64_t *numbers;
	size_t count;
	int result = 0;

	if (message_files_list(files, &numbers, &count) != 0)
		return -1;
	while (count > 0 && result == 0 &&
	       !(written.count > 0 && written.lines[0].seq <= from_seq)) {
		struct written earlier = { 0 };
		bool more;

		result = load_file(files, numbers[--count], &earlier);
		more = result == 0 && prepend(&written, &earlier);
		free(earlier.lines);
		if (!more)
			break;
	}
	free(numbers);
	if (result == 0)
		*ret = written;
	else
		free(written.lines);
	return result;
}

void written_free(struct written *written)
{
	free(written->lines);
	*written = (struct written){ 0 };
}

static int compare_seq(const void *key, const void *item)
{
	uint64_t seq = *(const uint64_t *)key;
	const struct written_line *line = item;

	return seq < line->seq ? -1 : seq > line->seq;
}

const struct written_line *written_find(const struct written *written, uint64_t seq)
{
	return written->count == 0 ? NULL
				   : bsearch(&seq, written->lines, written->count,
					     sizeof(*written->lines), compare_seq);
}
