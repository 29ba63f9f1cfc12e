#include "supervisor/settings/watch.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define SETTLE_MS     200   /* after the last event ... */
#define SETTLE_MAX_MS 2000  /* ... but no later than this after the first */
#define LOOK_MS	      60000 /* without an event */
#define PATIENCE_MS   30000 /* for files that don't fit yet ... */
#define TRY_MS	      1000  /* ... looked at that often */

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF)

/* What tells that a path leads to another file, or to other contents. */
struct look {
	dev_t device;
	ino_t inode;
	off_t size;
	mode_t mode;
	uid_t owner;
	struct timespec modified, changed;
};

struct watched {
	char *path;
	struct look look;
};

struct watch {
	int fd;	       /* inotify; -1: only looked at now and then */
	bool is_blind; /* in some folder, which the log says */
	bool lacks_memory;
	struct watched *files;
	size_t count;
	int64_t look_ms;	   /* when to look next */
	int64_t first_event_ms;	   /* since when files may be unsettled; 0: they aren't */
	int64_t patience_until_ms; /* for files that don't fit together; 0: they do */
	time_t turn; /* when the next certificate or CRL becomes valid; 0: all are */
};

static struct look look_at_file(const char *path)
{
	struct look look;
	struct stat status;

	memset(&look, 0, sizeof(look)); /* compared as bytes */
	if (stat(path, &status) != 0)
		return look;
	look.device = status.st_dev;
	look.inode = status.st_ino;
	look.size = status.st_size;
	look.mode = status.st_mode;
	look.owner = status.st_uid;
	look.modified = status.st_mtim;
	look.changed = status.st_ctim;
	return look;
}

static int add_directory(struct watch *watch, const char *path)
{
	char *copy = strdup(path);
	int rc = copy ? inotify_add_watch(watch->fd, dirname(copy), EVENTS | IN_ONLYDIR)
		      : -1;

	free(copy);
	return rc;
}

/* Watches the path's folder, and the folder that a symbolic link leads to. */
static void add_folders(struct watch *watch, const char *path)
{
	char *real = realpath(path, NULL);

	if (watch->fd >= 0 && add_directory(watch, path) < 0 && !watch->is_blind) {
		log_warning("%s: no inotify (%s): it is looked at once a minute; see "
			    "fs.inotify.max_user_watches",
			    path, strerror(errno));
		watch->is_blind = true;
	}
	if (watch->fd >= 0 && real && strcmp(real, path) != 0)
		add_directory(watch, real);
	free(real);
}

#define TICK_NS 10000000 /* a ctime is the kernel's last tick, so it may be early */

static bool changed_since(const struct look *look, const struct timespec *since)
{
	int64_t seconds = (int64_t)look->changed.tv_sec - since->tv_sec;

	return seconds * 1000000000 + look->changed.tv_nsec - since->tv_nsec + TICK_NS >=
	       0;
}

/* A credential doesn't change while the service runs; a key in a token has no file. */
static void add_watched(struct watch *watch, const struct config_file *file,
			const struct timespec *read_at)
{
	struct watched *files;
	char *path;

	if (!file->path || file->credential || file->in_token)
		return;
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->files[i].path, file->path) == 0)
			return;
	files = reallocarray(watch->files, watch->count + 1, sizeof(*files));
	path = strdup(file->path);
	if (files)
		watch->files = files;
	if (!files || !path) {
		watch->lacks_memory = true;
		free(path);
		return;
	}
	files += watch->count++;
	files->path = path;
	files->look = look_at_file(path);
	/* The file may have changed after it was read: then it is read once more. */
	if (changed_since(&files->look, read_at)) {
		memset(&files->look, 0, sizeof(files->look));
		watch->look_ms = clock_ms() + SETTLE_MS;
	}
	add_folders(watch, path);
}

static void add_files(struct watch *watch, const struct config_files *files,
		      const struct timespec *read_at)
{
	for (size_t i = 0; i < files->count; i++)
		add_watched(watch, &files->items[i], read_at);
}

static void add_tls(struct watch *watch, const struct config_tls *tls,
		    const struct tls_context *context, const struct timespec *read_at)
{
	time_t turn = context ? tls_context_turn(context) : 0;

	if (tls->none)
		return;
	if (turn != 0 && (watch->turn == 0 || turn < watch->turn))
		watch->turn = turn;
	add_files(watch, &tls->certificate, read_at);
	add_files(watch, &tls->key, read_at);
	add_watched(watch, &tls->ca, read_at);
	add_files(watch, &tls->crl, read_at);
}

static void add_all(struct watch *watch, const struct settings *settings)
{
	const struct config *config = settings->config;

	for (size_t i = 0; i < config->listen_count; i++)
		add_tls(watch, &config->listen[i].tls,
			settings->servers ? settings->servers[i] : NULL,
			&settings->read_at);
	for (size_t i = 0; i < config->destination_count; i++)
		add_tls(watch, &config->destinations[i].tls,
			settings->clients ? settings->clients[i] : NULL,
			&settings->read_at);
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->count; i++)
		free(watch->files[i].path);
	free(watch->files);
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch);
}

/* A file that the last watch had, too, is compared with what that saw, so that a change
 * in between is noticed. */
static void inherit(struct watch *watch, const struct watch *before)
{
	if (before)
		watch->look_ms = clock_ms() + SETTLE_MS;
	for (size_t i = 0; before && i < watch->count; i++)
		for (size_t j = 0; j < before->count; j++)
			if (strcmp(watch->files[i].path, before->files[j].path) == 0)
				watch->files[i].look = before->files[j].look;
}

/* The turn is a time of day, and the clock may be set meanwhile: looked up each time. */
static void look_in_turn(struct watch *watch)
{
	time_t left = watch->turn - time(NULL);
	int64_t turn_ms = clock_ms() + (left > 0 ? (int64_t)left * 1000 : 0);

	if (watch->turn != 0 && turn_ms < watch->look_ms)
		watch->look_ms = turn_ms;
}

int watch_renew(struct watch **watch, const struct settings *settings)
{
	struct watch *next = calloc(1, sizeof(*next));

	if (!next)
		return -1;
	next->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (next->fd < 0)
		log_warning("no inotify (%s): certificates and CRLs are looked at once a "
			    "minute; see fs.inotify.max_user_instances",
			    strerror(errno));
	next->look_ms = clock_ms() + LOOK_MS;
	add_all(next, settings);
	if (next->lacks_memory) {
		watch_free(next);
		return -1;
	}
	inherit(next, *watch);
	look_in_turn(next);
	watch_free(*watch);
	*watch = next;
	return 0;
}

int watch_descriptor(const struct watch *watch)
{
	return watch->fd;
}

int64_t watch_wait_ms(const struct watch *watch)
{
	int64_t left_ms = watch->look_ms - clock_ms();

	return left_ms > 0 ? left_ms : 0;
}

void watch_heard(struct watch *watch)
{
	char events[4096] __attribute__((aligned(8)));
	int64_t now_ms = clock_ms(), latest_ms;

	while (read(watch->fd, events, sizeof(events)) > 0)
		continue;
	if (watch->first_event_ms == 0)
		watch->first_event_ms = now_ms;
	latest_ms = watch->first_event_ms + SETTLE_MAX_MS;
	watch->look_ms = now_ms + SETTLE_MS < latest_ms ? now_ms + SETTLE_MS : latest_ms;
}

/* Whether any file has changed since the last look. */
static bool look_anew(struct watch *watch)
{
	bool changed = false;

	for (size_t i = 0; i < watch->count; i++) {
		struct look now = look_at_file(watch->files[i].path);

		if (memcmp(&now, &watch->files[i].look, sizeof(now)) == 0)
			continue;
		log_debug("%s has changed", watch->files[i].path);
		watch->files[i].look = now;
		changed = true;
	}
	return changed;
}

bool watch_is_last_try(const struct watch *watch)
{
	return watch->patience_until_ms != 0 && clock_ms() >= watch->patience_until_ms;
}

/* Only files that never fit together are worth an error. */
void watch_refused(struct watch *watch, bool was_last_try)
{
	if (was_last_try) {
		watch->patience_until_ms = 0;
		return;
	}
	if (watch->patience_until_ms == 0) {
		watch->patience_until_ms = clock_ms() + PATIENCE_MS;
		log_info("certificates, keys or CRLs have changed on disk, but don't fit "
			 "together yet: trying again for %d s",
			 PATIENCE_MS / 1000);
	}
	watch->look_ms = clock_ms() + TRY_MS;
}

bool watch_maintain(struct watch *watch)
{
	bool is_turn;

	if (clock_ms() < watch->look_ms)
		return false;
	watch->first_event_ms = 0;
	watch->look_ms = clock_ms() + LOOK_MS;
	is_turn = watch->turn != 0 && time(NULL) >= watch->turn;
	if (is_turn)
		watch->turn = 0;
	look_in_turn(watch);
	return look_anew(watch) || watch->patience_until_ms != 0 || is_turn;
}
