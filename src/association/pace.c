#include "pace.h"

#include "cathgate/base/clock.h"

void pace_start(struct pace *pace, const struct config_limits *limits)
{
	pace->slot_us = (int64_t)limits->store_seconds * 1000000 / PACE_SLOTS;
	pace->waited_us = 0;
	for (unsigned i = 0; i < PACE_SLOTS; i++)
		pace->bytes[i] = 0;
	pace->slot = pace->slots_seen = 0;
	pace->minimum_bytes =
		(int64_t)limits->min_bytes_per_second * limits->store_seconds;
	pace->is_judged = true;
}

void pace_stop(struct pace *pace)
{
	pace->is_judged = false;
}

static bool is_too_slow(const struct pace *pace)
{
	int64_t sum = 0;

	if (pace->slots_seen < PACE_SLOTS)
		return false;
	for (unsigned i = 0; i < PACE_SLOTS; i++)
		sum += pace->bytes[i];
	return sum < pace->minimum_bytes;
}

/* Only time spent waiting for the modality moves the window on: what the destination
 * holds up is not the modality's fault. */
bool pace_waited(struct pace *pace, int64_t us)
{
	bool slow = false;

	if (!pace->is_judged)
		return false;
	pace->waited_us += us;
	while (pace->waited_us >= pace->slot_us) {
		pace->waited_us -= pace->slot_us;
		pace->slots_seen++;
		slow = slow || is_too_slow(pace);
		pace->slot = (pace->slot + 1) % PACE_SLOTS;
		pace->bytes[pace->slot] = 0;
	}
	return slow;
}

/* Instances in a minute are counted as time: each takes up its share of the minute, and
 * what a silent modality saves up is a quarter of one. */
#define MINUTE_US     60000000
#define TURNS_LEFT_US (MINUTE_US / 4)

static void limit_turns(struct pace *pace, int64_t instances_per_minute)
{
	int64_t turn_us = instances_per_minute ? MINUTE_US / instances_per_minute : 0;

	/* A new association may send its first instance at once. The quarter of a minute
	 * that a silent modality saves up is not given to it. */
	if (pace->turn_us == 0) {
		pace->turns_left_us = turn_us;
		pace->turns_us = clock_us();
	} else {
		/* Another share: as many are left as were. */
		pace->turns_left_us = pace->turns_left_us * turn_us / pace->turn_us;
	}
	pace->turn_us = turn_us;
}

void pace_limit(struct pace *pace, const struct association_pace *fastest)
{
	/* What came while there was no limit is not held against the modality. */
	if (pace->bytes_per_second == 0) {
		pace->allowance_bytes = fastest->bytes_per_second;
		pace->allowance_us = clock_us();
	}
	pace->bytes_per_second = fastest->bytes_per_second;
	limit_turns(pace, fastest->instances_per_minute);
}

void pace_unlimit(struct pace *pace)
{
	pace->bytes_per_second = 0;
}

void pace_came(struct pace *pace, int64_t bytes, uint64_t taken)
{
	pace->allowance_bytes -= (int64_t)(taken - pace->charged_bytes);
	pace->charged_bytes = taken;
	pace->bytes[pace->slot] += bytes;
}

static void refill_allowance(struct pace *pace)
{
	int64_t now_us = clock_us(), rate = pace->bytes_per_second;
	int64_t passed_us = now_us - pace->allowance_us;

	if (passed_us > 1000000)
		passed_us = 1000000; /* what was not used for a second is forfeit */
	pace->allowance_us = now_us;
	pace->allowance_bytes += rate * passed_us / 1000000;
	if (pace->allowance_bytes > rate)
		pace->allowance_bytes = rate;
}

int64_t pace_byte_wait_ms(struct pace *pace)
{
	if (pace->bytes_per_second <= 0)
		return 0;
	refill_allowance(pace);
	return pace->allowance_bytes > 0
		       ? 0
		       : 1 - pace->allowance_bytes * 1000 / pace->bytes_per_second;
}

int64_t pace_turn_wait_ms(struct pace *pace)
{
	int64_t turn_us = pace->turn_us, now_us;
	int64_t most_us = turn_us > TURNS_LEFT_US ? turn_us : TURNS_LEFT_US;

	if (turn_us == 0)
		return 0;
	now_us = clock_us();
	pace->turns_left_us += now_us - pace->turns_us;
	pace->turns_us = now_us;
	if (pace->turns_left_us > most_us)
		pace->turns_left_us = most_us;
	return pace->turns_left_us >= turn_us
		       ? 0
		       : (turn_us - pace->turns_left_us) / 1000 + 1;
}

void pace_take_turn(struct pace *pace)
{
	pace->turns_left_us -= pace->turn_us;
}
