#include "log_trace.h"

#include <unistd.h>

#define HASHED_MAX 256

/* FNV-1a. It guards against accidents only: a reader proves nothing. */
static uint64_t hash_of(const char *bytes, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return hash;
}

void log_trace_add(struct log_trace *trace, const char *line, size_t size, off_t end,
		   uint64_t number)
{
	size_t hashed = size < HASHED_MAX ? size : HASHED_MAX;
	trace->newest = (trace->newest + 1) % LOG_TRACE_LINES;
	trace->lines[trace->newest] = (struct log_trace_line){
		.end = end,
		.number = number,
		.hash = hash_of(line + size - hashed, hashed),
		.hashed = hashed,
	};
	if (trace->count < LOG_TRACE_LINES)
		trace->count++;
}

static bool stands(const struct log_trace_line *line, int fd)
{
	char bytes[HASHED_MAX + 1];
	size_t size = line->hashed + 1;
	return pread(fd, bytes, size, line->end - (off_t)size) == (ssize_t)size &&
	       bytes[line->hashed] == '\n' && hash_of(bytes, line->hashed) == line->hash;
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

bool log_trace_cut(struct log_trace *trace, const struct log_trace_line *line)
{
	size_t before = trace->count;
	while (trace->count > 0 && &trace->lines[trace->newest] != line) {
		trace->newest = (trace->newest + LOG_TRACE_LINES - 1) % LOG_TRACE_LINES;
		trace->count--;
	}
	return trace->count < before;
}
