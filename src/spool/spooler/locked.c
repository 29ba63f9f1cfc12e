/* Keys that are away: no object that was sealed for one can be delivered. The first of
 * them that is tried shows it, one alert says so, and the others wait with it. */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/digest.h"

#define KEY_ID_AT 16 /* in an object's file: docs/SPOOL.md */

/* Which of the keys that are away the file's object needs: its number from 1 on; 0: none
 * that is known. */
static uint8_t find(const struct spooler *spooler, const uint8_t id[SPOOL_KEY_ID_SIZE])
{
	for (size_t i = 0; i < spooler->locked_count; i++)
		if (memcmp(spooler->locked[i].id, id, SPOOL_KEY_ID_SIZE) == 0)
			return (uint8_t)(i + 1);
	return 0;
}

static uint8_t add(struct spooler *spooler, const struct object *object,
		   const uint8_t id[SPOOL_KEY_ID_SIZE])
{
	char hex[2 * SPOOL_KEY_ID_SIZE + 1];

	/* Whoever has taken over an association can name any number of keys. */
	if (spooler->locked_count == LOCKED_KEYS_MAX)
		return 0;
	memcpy(spooler->locked[spooler->locked_count++].id, id, SPOOL_KEY_ID_SIZE);
	digest_hex(id, SPOOL_KEY_ID_SIZE, hex);
	spooler_alert(spooler, REASON_SPOOL_UNAVAILABLE,
		      "no key in spool.key has the id %s, so the spool's objects that "
		      "were sealed for that key wait until it is there again; "
		      "%016llx is one",
		      hex, (unsigned long long)object->name.sequence);
	return (uint8_t)spooler->locked_count;
}

MUST_USE static int read_id(int file, uint8_t ret[SPOOL_KEY_ID_SIZE])
{
	return pread(file, ret, SPOOL_KEY_ID_SIZE, KEY_ID_AT) == SPOOL_KEY_ID_SIZE ? 0
										   : -1;
}

void locked_note(struct spooler *spooler, struct object *object)
{
	uint8_t id[SPOOL_KEY_ID_SIZE];
	int file = store_read(spooler, object);

	object->again_ms = clock_ms() + spooler->config->spool.retry_max_seconds * 1000LL;
	object->locked = 0;
	if (file < 0)
		return;
	if (read_id(file, id) == 0) {
		object->locked = find(spooler, id);
		if (object->locked == 0)
			object->locked = add(spooler, object, id);
	}
	close(file);
	if (object->locked != 0)
		spooler->locked[object->locked - 1].again_ms = object->again_ms;
}

bool locked_waits(const struct spooler *spooler, struct object *object, int file)
{
	uint8_t id[SPOOL_KEY_ID_SIZE];
	int64_t again_ms;

	if (object->locked != 0 && object->again_ms == 0)
		return false; /* an operator wants it tried */
	if (object->locked == 0 && file >= 0 && spooler->locked_count > 0 &&
	    read_id(file, id) == 0)
		object->locked = find(spooler, id);
	if (object->locked == 0)
		return false;
	again_ms = spooler->locked[object->locked - 1].again_ms;
	if (again_ms <= clock_ms())
		return false;
	object->again_ms = again_ms;
	return true;
}
