#include "log_trace.h"

#include <unistd.h>

#define CHUNK_SIZE 4096
#define HASH_START 0xcbf29ce484222325

/* FNV-1a. It guards against accidents only: a reader proves nothing. */
static uint64_t hash_on(uint64_t hash, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return hash;
}

void log_trace_add(struct log_trace *trace, const char *line, size_t size, off_t end,
		   uint64_t number)
{
	trace->newest = (trace->newest + 1) % LOG_TRACE_LINES;
	trace->lines[trace->newest] = (struct log_trace_line){
		.end = end,
		.number = number,
		.hash = hash_on(HASH_START, line, size),
		.size = size,
	};
	if (trace->count < LOG_TRACE_LINES)
		trace->count++;
}

static bool stands(const struct log_trace_line *line, int fd)
{
	char bytes[CHUNK_SIZE];
	uint64_t hash = HASH_START;
	off_t at = line->end - (off_t)line->size - 1;
	for (size_t left = line->size + 1; left > 0;) {
		ssize_t got = pread(fd, bytes, left < CHUNK_SIZE ? left : CHUNK_SIZE, at);
		if (got <= 0)
			return false;
		at += got;
		left -= (size_t)got;
		hash = hash_on(hash, bytes, (size_t)got - (left == 0));
		if (left == 0 && bytes[got - 1] != '\n')
			return false;
	}
	return hash == line->hash;
}

const struct log_trace_line *log_trace_find(const struct log_trace *trace, int fd)
{
	for (size_t age = 0; age < trace->count; age++) {
		const struct log_trace_line *line =
			&trace->lines[(trace->newest + LOG_TRACE_LINES - age) %
				      LOG_TRACE_LINES];
		if (stands(line, fd))
			return line;
	}
	return NULL;
}

bool log_trace_newest_stands(const struct log_trace *trace, int fd)
{
	return trace->count > 0 && stands(&trace->lines[trace->newest], fd);
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
