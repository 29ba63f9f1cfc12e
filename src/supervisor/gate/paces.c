#include "supervisor/gate/gate.h"

/* An equal part of a limit that so many share: never 0, which would be no limit. */
static int64_t part_of(int64_t all, unsigned count)
{
	int64_t part = all / (count ? count : 1);

	return all == 0 ? 0 : part > 0 ? part : 1;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The smaller of its shares counts: of its entry's limit, or of its address's. */
struct association_pace pace_of(const struct gate *gate, const struct place *place)
{
	static const struct config_modality none;
	const struct config *config = gate->settings->config;
	const struct config_limits *limits = &config->limits;
	const struct config_modality *entry =
		place->modality == NOWHERE ? &none : &config->modalities[place->modality];
	unsigned of_entry = places_held_for(&gate->places, place->modality);
	unsigned of_address = places_held_at(&gate->places, &place->address);

	return (struct association_pace){
		.bytes_per_second = smaller(
			part_of(entry->max_bytes_per_second, of_entry),
			part_of(limits->max_bytes_per_address_per_second, of_address)),
		.instances_per_minute = smaller(
			part_of(entry->max_instances_per_minute, of_entry),
			part_of(limits->instances_per_address_per_minute, of_address)),
	};
}

static void say_pace(const struct gate *gate, const struct place *place)
{
	struct association_notice notice = { .kind = ASSOCIATION_PACE,
					     .pace = pace_of(gate, place) };

	place_say(place, &notice);
}

void paces_say(struct gate *gate)
{
	for (const struct place *p = gate->places.first; p; p = p->next)
		if (p->state == PLACE_HELD)
			say_pace(gate, p);
}

void paces_share_anew(struct gate *gate, const struct place *place)
{
	const struct config *config = gate->settings->config;
	const struct config_limits *limits = &config->limits;
	const struct config_modality *entry =
		place->modality == NOWHERE ? NULL : &config->modalities[place->modality];
	bool by_address = limits->max_bytes_per_address_per_second != 0 ||
			  limits->instances_per_address_per_minute != 0;
	bool by_entry = entry && (entry->max_bytes_per_second != 0 ||
				  entry->max_instances_per_minute != 0);

	if (!by_address && !by_entry)
		return;
	for (const struct place *p = gate->places.first; p; p = p->next)
		if (p->state == PLACE_HELD &&
		    ((by_entry && p->modality == place->modality) ||
		     (by_address && address_equal(&p->address, &place->address))))
			say_pace(gate, p);
}
