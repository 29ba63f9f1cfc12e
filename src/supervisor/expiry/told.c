/*
 * Beside the audit log: which ends have been told of, and what others showed last. Lost,
 * it costs a second alert; so what can't be read is passed over.
 */
#include "supervisor/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/durable.h"
#include "cathgate/base/log.h"

#define LINE_MAX_BYTES 1200
#define ITEMS_MAX      4096
#define AGAIN_MS       60000
#define EVERY_MS       1000 /* from one scribe's beginning to the next one's */

static const char *const owners[] = { [WARNINGS_OWN] = "own",
				      [WARNINGS_MODALITY] = "modality",
				      [WARNINGS_DESTINATION] = "destination" };

#define OWNER_COUNT (sizeof(owners) / sizeof(owners[0]))

static void take_line(struct warnings *warnings, const char *line)
{
	long long until, seen;
	char owner[16];
	int told, at = 0;

	if (sscanf(line, "%15s %lld %d %lld %n", owner, &until, &told, &seen, &at) != 4 ||
	    at == 0 || line[at] == '\0')
		return;
	for (unsigned i = 0; i < OWNER_COUNT; i++) {
		struct warning *item;

		if (strcmp(owner, owners[i]) != 0 ||
		    warnings_find(warnings, i, line + at, (time_t)until))
			continue;
		item = warnings_add(warnings, i, line + at, (time_t)until);
		if (!item)
			return;
		item->told = told;
		item->seen = (time_t)seen;
	}
}

void told_read(struct warnings *warnings)
{
	FILE *file = fopen(warnings->path, "re");
	char line[LINE_MAX_BYTES];

	if (!file) {
		if (errno != ENOENT)
			log_warning("%s: %s: warnings may come twice", warnings->path,
				    strerror(errno));
		return;
	}
	while (warnings->count < ITEMS_MAX && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		take_line(warnings, line);
	}
	fclose(file);
}

static void put_all(FILE *to, const struct warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++) {
		const struct warning *item = &warnings->items[i];

		if (!strchr(item->name, '\n') &&
		    (item->owner != WARNINGS_OWN || item->told != TOLD_NOTHING))
			fprintf(to, "%s %lld %d %lld %s\n", owners[item->owner],
				(long long)item->until, item->told, (long long)item->seen,
				item->name);
	}
}

/* In the process of its own: whole, or not at all. */
static int write_file(const struct warnings *warnings)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0640 };
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return -1;
	put_all(to, warnings);
	if (fclose(to) != 0)
		return -1;
	return durable_put(warnings->path, DURABLE_REPLACE_OWN_SOON, text, size, &own);
}

void told_write(struct server *server)
{
	const int keep[] = { STDERR_FILENO };
	struct warnings *warnings = server->warnings;
	pid_t pid = process_fork(server, PROCESS_SCRIBE, keep, 1);

	warnings->written_ms = clock_ms();
	warnings->save_ms = warnings->written_ms + AGAIN_MS;
	if (pid == 0) {
		if (write_file(warnings) == 0)
			_exit(0);
		log_warning("%s: %s: warnings may come twice", warnings->path,
			    strerror(errno));
		_exit(1);
	}
	if (pid < 0)
		return;
	warnings->scribe = pid;
	warnings->is_unsaved = false;
}

bool told_reaped(struct server *server, pid_t pid, int status)
{
	struct warnings *warnings = server->warnings;

	if (!warnings || pid != warnings->scribe)
		return false;
	warnings->scribe = 0;
	if (status == 0)
		warnings->save_ms = warnings->written_ms + EVERY_MS;
	else
		warnings->is_unsaved = true;
	return true;
}
