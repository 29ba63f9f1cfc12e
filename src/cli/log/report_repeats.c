#include "report_repeats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SEEN_WORDS     (8 * 1024 * 1024 / sizeof(uint64_t))
#define NO_STUDY_WORDS (1024 * 1024 / sizeof(uint64_t))
#define MULTIPLIER     0x9e3779b97f4a7c15 /* 2^64 over the golden ratio */
#define BITS	       4		  /* of each print; all in one cache line */
#define LINE_WORDS     8
#define NEAR	       (INT64_C(24) * 3600 * 1000000)

uint64_t report_repeats_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * MULTIPLIER;
	return hash ^ hash >> 32;
}

/* Never 0. The seed is random, so that no peer can choose UIDs with the same print. */
static uint64_t print_of(const struct report_repeats *repeats, const char *instance)
{
	size_t size = strlen(instance);
	uint64_t hash = report_repeats_mix(repeats->seed, size), word;
	for (; size >= sizeof(word); instance += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, instance, sizeof(word));
		hash = report_repeats_mix(hash, word);
	}
	word = 0;
	memcpy(&word, instance, size);
	hash = report_repeats_mix(report_repeats_mix(hash, word), repeats->seed);
	return hash ? hash : 1;
}

/* Whether all of the print's bits are set. Sets them too where `adds`. */
static bool has_bits(uint64_t *words, size_t count, uint64_t print, bool adds)
{
	uint64_t *line = words + print % (count / LINE_WORDS) * LINE_WORDS;
	uint64_t bits = report_repeats_mix(print, MULTIPLIER);
	bool has_all = true;
	for (size_t i = 0; i < BITS; i++, bits >>= 9) {
		uint64_t bit = UINT64_C(1) << (bits & 63);
		uint64_t *word = &line[bits >> 6 & (LINE_WORDS - 1)];
		has_all &= (*word & bit) != 0;
		if (adds)
			*word |= bit;
	}
	return has_all;
}

static size_t slot_of(const struct report_prints *prints, uint64_t print)
{
	size_t at = print & (prints->room - 1);
	while (prints->slots[at] && prints->slots[at] != print)
		at = (at + 1) & (prints->room - 1);
	return at;
}

static bool has_print(const struct report_prints *prints, uint64_t print)
{
	return prints->count > 0 && prints->slots[slot_of(prints, print)] == print;
}

static int add_print(struct report_prints *prints, uint64_t print)
{
	if (2 * (prints->count + 1) > prints->room) {
		struct report_prints larger = { .room = prints->room ? 2 * prints->room
								     : 64 };
		larger.slots = calloc(larger.room, sizeof(*larger.slots));
		if (!larger.slots)
			return -1;
		for (size_t i = 0; i < prints->room; i++) {
			if (prints->slots[i])
				larger.slots[slot_of(&larger, prints->slots[i])] =
					prints->slots[i];
		}
		larger.count = prints->count;
		free(prints->slots);
		*prints = larger;
	}
	size_t slot = slot_of(prints, print);
	prints->count += prints->slots[slot] == 0;
	prints->slots[slot] = print;
	return 0;
}

int report_repeats_open(struct report_repeats *repeats, bool for_study)
{
	*repeats = (struct report_repeats){ .seen = NULL };
	if (getrandom(&repeats->seed, sizeof(repeats->seed), 0) !=
	    (ssize_t)sizeof(repeats->seed))
		repeats->seed = MULTIPLIER;
	repeats->seen = malloc(SEEN_WORDS * sizeof(uint64_t));
	if (for_study)
		repeats->no_study = malloc(NO_STUDY_WORDS * sizeof(uint64_t));
	if (!repeats->seen || (for_study && !repeats->no_study)) {
		report_repeats_close(repeats);
		return -1;
	}
	/* Every page is touched at once, so that the log doesn't decide how much memory a
	 * report needs. */
	explicit_bzero(repeats->seen, SEEN_WORDS * sizeof(uint64_t));
	if (for_study)
		explicit_bzero(repeats->no_study, NO_STUDY_WORDS * sizeof(uint64_t));
	return 0;
}

void report_repeats_close(struct report_repeats *repeats)
{
	free(repeats->seen);
	free(repeats->no_study);
	free(repeats->repeated.slots);
	free(repeats->of_study.slots);
	*repeats = (struct report_repeats){ .seen = NULL };
}

int report_repeats_note(struct report_repeats *repeats, const char *instance,
			enum report_repeats_line line)
{
	uint64_t print = print_of(repeats, instance);
	if (line == REPORT_REPEATS_NO_STUDY && repeats->no_study)
		has_bits(repeats->no_study, NO_STUDY_WORDS, print, true);
	if (line == REPORT_REPEATS_OF_STUDY && add_print(&repeats->of_study, print))
		return -1;
	return has_bits(repeats->seen, SEEN_WORDS, print, true)
		       ? add_print(&repeats->repeated, print)
		       : 0;
}

void report_repeats_note_study(struct report_repeats *repeats, int64_t moment,
			       const char *modality)
{
	if (!repeats->has_study) {
		repeats->has_study = true;
		repeats->first = repeats->last = moment;
		snprintf(repeats->modality, sizeof(repeats->modality), "%s", modality);
	}
	repeats->has_others |= strcmp(repeats->modality, modality) != 0;
	if (moment < repeats->first)
		repeats->first = moment;
	if (moment > repeats->last)
		repeats->last = moment;
}

/* Where several modalities sent the study, the sums of any modality count. */
bool report_repeats_is_near(const struct report_repeats *repeats, int64_t moment,
			    const char *modality)
{
	return repeats->has_study && moment >= repeats->first - NEAR &&
	       moment <= repeats->last + NEAR &&
	       (repeats->has_others || strcmp(repeats->modality, modality) == 0);
}

bool report_repeats_has(const struct report_repeats *repeats, const char *instance)
{
	return has_print(&repeats->repeated, print_of(repeats, instance));
}

bool report_repeats_concerns(const struct report_repeats *repeats, const char *instance)
{
	uint64_t print = print_of(repeats, instance);
	return has_print(&repeats->of_study, print) ||
	       (repeats->no_study &&
		has_bits(repeats->no_study, NO_STUDY_WORDS, print, false));
}
