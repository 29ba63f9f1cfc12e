/*
 * How fast each association may send: its share of what its entry may, and its address.
 */
#include "supervisor/internal.h"

/* Of what is shared by so many, what each gets: never 0, which is no limit. */
static int64_t part_of(int64_t all, unsigned count)
{
	int64_t part = all / (count ? count : 1);

	return all == 0 ? 0 : part > 0 ? part : 1;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Each gets an equal share of both: the smaller one counts. */
struct association_pace pace_of(const struct server *server, const struct child *child)
{
	static const struct config_modality none;
	const struct config *config = server->setup.config;
	const struct config_limits *limits = &config->limits;
	const struct config_modality *entry =
		child->modality == NOWHERE ? &none : &config->modalities[child->modality];
	unsigned of_entry = children_placed_for(server, child->modality);
	unsigned of_address = children_at(server, &child->address);

	return (struct association_pace){
		.bytes_per_second = smaller(
			part_of(entry->max_bytes_per_second, of_entry),
			part_of(limits->max_bytes_per_address_per_second, of_address)),
		.instances_per_minute = smaller(
			part_of(entry->max_instances_per_minute, of_entry),
			part_of(limits->instances_per_address_per_minute, of_address)),
	};
}

void pace_tell(const struct server *server, struct child *child)
{
	struct association_notice word = { .kind = ASSOCIATION_PACE,
					   .pace = pace_of(server, child) };

	child_say(child, &word);
}

void paces_share_anew(struct server *server, const struct child *child)
{
	const struct config *config = server->setup.config;
	const struct config_limits *limits = &config->limits;
	const struct config_modality *entry =
		child->modality == NOWHERE ? NULL : &config->modalities[child->modality];
	bool by_address = limits->max_bytes_per_address_per_second != 0 ||
			  limits->instances_per_address_per_minute != 0;
	bool by_entry = entry && (entry->max_bytes_per_second != 0 ||
				  entry->max_instances_per_minute != 0);

	if (!by_address && !by_entry)
		return;
	for (struct child *c = server->first; c; c = c->next)
		if (c->state == CHILD_PLACED &&
		    ((by_entry && c->modality == child->modality) ||
		     (by_address && address_equal(&c->address, &child->address))))
			pace_tell(server, c);
}
