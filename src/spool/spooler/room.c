/* Whether the spool has room for another object. */
#include "internal.h"

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define FULL_MARGIN	   20 /* so much of a limit is to be free again: one part in 20 */
#define FILES_LEAST	   100 /* the gateway's other files want some */
#define TELL_FULL_EVERY_MS 60000

/* Why there is no room; NULL: there is. Once full, the spool is so until there is room
 * for more than one object: else each that leaves it would let another in, and end as an
 * alert. */
static const char *lack_of_room(const struct spooler *spooler)
{
	const struct config_spool *config = &spooler->config->spool;
	uint64_t most = (uint64_t)config->max_bytes;
	uint64_t least_free = (uint64_t)config->min_free_bytes;
	uint64_t least_files = FILES_LEAST;

	if (spooler->was_full) {
		most -= most / FULL_MARGIN;
		least_free += least_free / FULL_MARGIN;
		least_files += least_files / FULL_MARGIN;
	}
	if (spooler->index.all_bytes >= most)
		return "it holds spool.max_bytes";
	if (spool_folder_room(&spooler->folder) < least_free)
		return "less than spool.min_free_bytes is free on its disk";
	if (spool_folder_files(&spooler->folder) < least_files)
		return "its disk has hardly an inode left";
	return NULL;
}

bool room_is_lacking(struct spooler *spooler)
{
	const char *lack = lack_of_room(spooler);
	bool is_full = lack != NULL;

	if (is_full && !spooler->is_full_told && clock_ms() >= spooler->tell_full_ms) {
		spooler_alert(spooler, REASON_SPOOL_FULL,
			      "the spool takes no more objects: %s", lack);
		spooler->is_full_told = true;
		spooler->tell_full_ms = clock_ms() + TELL_FULL_EVERY_MS;
	}
	if (is_full == spooler->was_full)
		return is_full;
	if (!is_full) {
		log_info("the spool takes objects again");
		spooler->is_full_told = false;
	}
	store_tell_all(spooler);
	spooler->was_full = is_full;
	return is_full;
}
