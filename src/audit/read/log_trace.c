#include "log_trace.h"

#include <string.h>
#include <unistd.h>

#define CHUNK_SIZE 4096
#define LANES	   4
#define STEP	   (LANES * sizeof(uint64_t)) /* CHUNK_SIZE is a multiple of it */
#define MULTIPLIER 0x9e3779b97f4a7c15

/* The hash guards against accidents only: a reader proves nothing. It takes four words at
 * once, since every line that is read is hashed. */
struct hash {
	uint64_t lanes[LANES], rest;
};

/* All pieces but the last are of a multiple of STEP bytes. */
static void hash_on(struct hash *hash, const char *bytes, size_t size)
{
	uint64_t words[LANES];
	for (; size >= STEP; bytes += STEP, size -= STEP) {
		memcpy(words, bytes, STEP);
		for (size_t i = 0; i < LANES; i++)
			hash->lanes[i] = (hash->lanes[i] ^ words[i]) * MULTIPLIER;
	}
	for (; size > 0; bytes++, size--)
		hash->rest = (hash->rest ^ (unsigned char)*bytes) * MULTIPLIER;
}

static uint64_t hash_end(const struct hash *hash)
{
	uint64_t all = hash->rest;
	for (size_t i = 0; i < LANES; i++)
		all = (all ^ all >> 29 ^ hash->lanes[i]) * MULTIPLIER;
	return all;
}

void log_trace_add(struct log_trace *trace, const char *line, size_t size, off_t end,
		   uint64_t number)
{
	struct hash hash = { .rest = 0 };
	hash_on(&hash, line, size);
	trace->newest = (trace->newest + 1) % LOG_TRACE_LINES;
	trace->lines[trace->newest] = (struct log_trace_line){
		.end = end,
		.number = number,
		.hash = hash_end(&hash),
		.size = size,
	};
	if (trace->count < LOG_TRACE_LINES)
		trace->count++;
}

/* False when the file ends before. */
static bool read_whole(int fd, char *bytes, size_t size, off_t at)
{
	while (size > 0) {
		ssize_t got = pread(fd, bytes, size, at);
		if (got <= 0)
			return false;
		bytes += got;
		at += got;
		size -= (size_t)got;
	}
	return true;
}

static bool line_stands(const struct log_trace_line *line, int fd)
{
	char bytes[CHUNK_SIZE];
	struct hash hash = { .rest = 0 };
	off_t at = line->end - (off_t)line->size - 1;
	for (size_t left = line->size + 1; left > 0;) {
		size_t size = left < CHUNK_SIZE ? left : CHUNK_SIZE;
		if (!read_whole(fd, bytes, size, at))
			return false;
		at += (off_t)size;
		left -= size;
		hash_on(&hash, bytes, size - (left == 0));
		if (left == 0 && bytes[size - 1] != '\n')
			return false;
	}
	return hash_end(&hash) == line->hash;
}

const struct log_trace_line *log_trace_find(const struct log_trace *trace, int fd)
{
	for (size_t age = 0; age < trace->count; age++) {
		const struct log_trace_line *line =
			&trace->lines[(trace->newest + LOG_TRACE_LINES - age) %
				      LOG_TRACE_LINES];
		if (line_stands(line, fd))
			return line;
	}
	return NULL;
}

bool log_trace_newest_stands(const struct log_trace *trace, int fd)
{
	return trace->count > 0 && line_stands(&trace->lines[trace->newest], fd);
}

bool log_trace_cut(struct log_trace *trace, const struct log_trace_line *line)
{
	size_t before = trace->count;
	while (trace->count > 0 && &trace->lines[trace->newest] != line) {
		trace->newest = (trace->newest + LOG_TRACE_LINES - 1) % LOG_TRACE_LINES;
		trace->count--;
	}
	return trace->count < before;
}
