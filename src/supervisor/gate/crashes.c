#include "supervisor/gate/gate.h"

#include <stdio.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"

static struct suspect suspect_of(const struct place *place)
{
	if (place->was_held)
		return (struct suspect){ .modality = place->modality };
	return (struct suspect){ .is_address = true, .address = place->address };
}

static void name_suspect(const struct gate *gate, const struct place *place,
			 char ret[VISITORS_NAME_SIZE])
{
	if (place->was_held)
		snprintf(ret, VISITORS_NAME_SIZE, "%s",
			 gate->settings->config->modalities[place->modality].name);
	else
		visitors_name(&place->address, ret);
}

static void raise_alert(const struct gate *gate, const struct place *place, int signal)
{
	char text[sizeof(((struct audit_record *)0)->detail)];
	char name[VISITORS_NAME_SIZE], until[UTC_TEXT_SIZE], held[80];

	name_suspect(gate, place, name);
	utc_date_minutes(time(NULL) + HELD_BACK_MS / 1000, until);
	if (!place->was_held && place->visit.is_known)
		snprintf(held, sizeof(held),
			 "it is not held back, since a modality uses it, too");
	else
		snprintf(held, sizeof(held), "held back until %.20s UTC, or a reload",
			 until);
	snprintf(text, sizeof(text),
		 "%s %.64s: %d of its processes died of a signal within a minute, the "
		 "last of %d: %s; report this with the log",
		 place->was_held ? "modality" : "address", name, HELD_BACK_CRASHES,
		 signal, held);
	log_warning("%s", text);
	auditing_tell(gate->auditing, AUDIT_ALERT, AUDIT_RAISED, REASON_INTERNAL, text);
}

void crash_note(struct gate *gate, const struct place *place, int signal)
{
	struct suspect suspect = suspect_of(place);

	forking_suspect(gate->forking);
	if (place->is_courier)
		return; /* the spooler counts how often an object brings that about */
	if (place->was_held && place->modality == NOWHERE)
		return; /* its entry is gone */
	if (held_back_crashed(&gate->held_back, &suspect, clock_ms()))
		raise_alert(gate, place, signal);
}

bool crash_holds_modality(const struct gate *gate, size_t modality)
{
	struct suspect suspect = { .modality = modality };

	return held_back_holds(&gate->held_back, &suspect, clock_ms());
}

bool crash_holds_address(const struct gate *gate, const struct address *address)
{
	struct suspect suspect = { .is_address = true, .address = *address };

	return held_back_holds(&gate->held_back, &suspect, clock_ms());
}
