#include "supervisor/gate/held_back.h"

#define CRASHES (HELD_BACK_AT_ONCE * HELD_BACK_CRASHES)

static bool is_same(const struct suspect *a, const struct suspect *b)
{
	return a->is_address == b->is_address &&
	       (a->is_address ? address_equal(&a->address, &b->address)
			      : a->modality == b->modality);
}

/* Of the suspect, and not older than that. */
static bool counts(const struct held_back_row *row, const struct suspect *suspect,
		   int64_t now_ms, int64_t within_ms)
{
	return row->at_ms != 0 && now_ms - row->at_ms < within_ms &&
	       is_same(&row->suspect, suspect);
}

static void put_in_oldest(struct held_back_row *rows, size_t count,
			  const struct suspect *suspect, int64_t now_ms)
{
	struct held_back_row *oldest = rows;

	for (size_t i = 1; i < count; i++)
		if (rows[i].at_ms < oldest->at_ms)
			oldest = &rows[i];
	*oldest = (struct held_back_row){ .suspect = *suspect, .at_ms = now_ms };
}

bool held_back_crashed(struct held_back *held, const struct suspect *suspect,
		       int64_t now_ms)
{
	unsigned crashes = 0;

	if (held_back_holds(held, suspect, now_ms))
		return false; /* it was let in before */
	put_in_oldest(held->crashes, CRASHES, suspect, now_ms);
	for (size_t i = 0; i < CRASHES; i++)
		crashes +=
			counts(&held->crashes[i], suspect, now_ms, HELD_BACK_WITHIN_MS);
	if (crashes < HELD_BACK_CRASHES)
		return false;
	put_in_oldest(held->held, HELD_BACK_AT_ONCE, suspect, now_ms);
	return true;
}

bool held_back_holds(const struct held_back *held, const struct suspect *suspect,
		     int64_t now_ms)
{
	for (size_t i = 0; i < HELD_BACK_AT_ONCE; i++)
		if (counts(&held->held[i], suspect, now_ms, HELD_BACK_MS))
			return true;
	return false;
}
