#include "position.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/durable.h"

#define HEAD	   "cathgate exported 1\n"
#define TAIL	   "end\n" /* without it the file is torn */
#define LOG_SUFFIX ".jsonl"
#define NO_HASH	   "-" /* of a line that has none: somebody made it by hand */

/* Each line: a number of up to 20 digits, a hash. */
#define FILE_SIZE ((POSITION_MARKS + 4) * (DIGEST_HEX_SIZE + 32))

char *position_path(const char *log_path, const char *suffix)
{
	size_t stem = strlen(log_path), end = strlen(LOG_SUFFIX);
	char *path;

	if (stem > end && strcmp(log_path + stem - end, LOG_SUFFIX) == 0)
		stem -= end;
	if (asprintf(&path, "%.*s.exported%s", (int)stem, log_path, suffix) < 0)
		return NULL;
	return path;
}

static bool is_hash(const char *text)
{
	return text[0] && text[strspn(text, "0123456789abcdef")] == '\0';
}

static int parse(char *text, struct position *ret)
{
	struct position position = { 0 };
	char *rest, *line = strtok_r(text, "\n", &rest);
	int end = 0;

	if (!line ||
	    sscanf(line, "restart %" SCNu64 "%n", &position.restart, &end) != 1 ||
	    line[end] != '\0')
		return -1;
	while ((line = strtok_r(NULL, "\n", &rest))) {
		struct position_mark *mark = &position.marks[position.count];

		end = 0;
		if (position.count == POSITION_MARKS ||
		    sscanf(line, "%" SCNu64 " %64s%n", &mark->seq, mark->hash, &end) !=
			    2 ||
		    line[end] != '\0' ||
		    !(is_hash(mark->hash) || strcmp(mark->hash, NO_HASH) == 0))
			return -1;
		position.count++;
	}
	/* The exporter never goes on further than behind the newest exported line. */
	if (position.count == 0 || position.restart > position.marks[0].seq + 1)
		return -1;
	*ret = position;
	return 0;
}

enum position_result position_load(const char *path, struct position *ret)
{
	char text[FILE_SIZE];
	const size_t head = strlen(HEAD), tail = strlen(TAIL);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t size;
	int error;

	if (fd < 0)
		return errno == ENOENT ? POSITION_NONE : POSITION_FAILED;
	size = read(fd, text, sizeof(text) - 1);
	error = errno;
	close(fd);
	if (size < 0) {
		errno = error;
		return POSITION_FAILED;
	}
	if ((size_t)size < head + tail || memchr(text, '\0', (size_t)size) ||
	    memcmp(text, HEAD, head) != 0 ||
	    memcmp(text + size - tail, TAIL, tail) != 0 ||
	    text[(size_t)size - tail - 1] != '\n')
		return POSITION_LOST;
	text[(size_t)size - tail] = '\0';
	return parse(text + head, ret) == 0 ? POSITION_KNOWN : POSITION_LOST;
}

static size_t write_text(const struct position *position, char text[FILE_SIZE])
{
	size_t used = (size_t)snprintf(text, FILE_SIZE, HEAD "restart %" PRIu64 "\n",
				       position->restart);

	for (size_t i = 0; i < position->count; i++)
		used += (size_t)snprintf(text + used, FILE_SIZE - used,
					 "%" PRIu64 " %s\n", position->marks[i].seq,
					 position->marks[i].hash);
	return used + (size_t)snprintf(text + used, FILE_SIZE - used, TAIL);
}

int position_save(const char *path, const struct position *position)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0640 };
	char text[FILE_SIZE];
	size_t size = write_text(position, text);

	return durable_put(path, DURABLE_REPLACE_OWN_SOON, text, size, &own);
}

void position_mark_of(const json_t *line, uint64_t seq, struct position_mark *ret)
{
	const char *hash = members_text(line, "hash");

	*ret = (struct position_mark){ .seq = seq, .hash = NO_HASH };
	if (is_hash(hash) && strlen(hash) < sizeof(ret->hash))
		snprintf(ret->hash, sizeof(ret->hash), "%s", hash);
}

bool position_mark_equals(const struct position_mark *a, const struct position_mark *b)
{
	return a->seq == b->seq && strcmp(a->hash, b->hash) == 0;
}

void position_add(struct position *position, const struct position_mark *mark)
{
	if (position->count < POSITION_MARKS)
		position->count++;
	memmove(&position->marks[1], &position->marks[0],
		(position->count - 1) * sizeof(*mark));
	position->marks[0] = *mark;
}
