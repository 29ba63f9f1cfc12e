#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH     40
#define BAR_FROM_SIZE (32u << 20)

struct progress progress_start(uint64_t total_bytes)
{
	return (struct progress){
		.total = total_bytes,
		.shown = total_bytes >= BAR_FROM_SIZE && isatty(STDERR_FILENO) ? 0 : -1,
	};
}

void progress_move(void *progress, uint64_t bytes)
{
	struct progress *bar = progress;

	bar->done += bytes;
	if (bar->shown < 0)
		return;
	/* A log that is written to grows meanwhile. */
	int percent = bar->done >= bar->total ? 100 : (int)(bar->done * 100 / bar->total);
	if (percent == bar->shown)
		return;
	bar->shown = percent;
	int filled = percent * BAR_WIDTH / 100;
	fprintf(stderr, "\r[%.*s%*s] %3d %%", filled,
		"========================================", BAR_WIDTH - filled, "",
		percent);
}

void progress_end(const struct progress *progress)
{
	if (progress->shown >= 0)
		fprintf(stderr, "\r%*s\r", BAR_WIDTH + 8, "");
}
