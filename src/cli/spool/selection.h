/*
 * Which objects of the spool a command is asked for: by their numbers, or by what is
 * known of them.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/spool/operator.h"
#include "cli/kit/options.h"
#include "cli/kit/period.h"
#include "reach.h"

struct selection {
	struct options_texts states;
	const char *study, *sop_instance, *modality, *destination;
	struct period period;
};

/* The rows of a command's table; `field` is the selection in its request. */
#define SELECTION_ROWS(request, field)                                                 \
	OPTIONS_ROW("state", "STATE", OPTIONS_TEXTS, request, field.states,            \
		    .judge = selection_judge_state),                                   \
		OPTIONS_ROW("study", "UID", OPTIONS_TEXT, request, field.study,        \
			    .judge = selection_judge_uid),                             \
		OPTIONS_ROW("sop-instance", "UID", OPTIONS_TEXT, request,              \
			    field.sop_instance, .judge = selection_judge_uid),         \
		OPTIONS_ROW("modality", "NAME", OPTIONS_TEXT, request, field.modality, \
			    .judge = selection_judge_name),                            \
		OPTIONS_ROW("destination", "NAME", OPTIONS_TEXT, request,              \
			    field.destination, .judge = selection_judge_name),         \
		PERIOD_ROWS(request, field.period)
/* For its usage text. */
#define SELECTION_FORMS                                                        \
	"OBJECT is a number as list shows it; STATE is queued, held, dead or " \
	"delivered. "

options_judge selection_judge_state, selection_judge_uid, selection_judge_name;

/* Whether anything but the numbers of objects is asked for. */
bool selection_is_given(const struct selection *selection);

/* The objects of these numbers, or, without any, those that fit: of `usual` states (a bit
 * for each) where none is asked for. The caller frees them. *ret_missing: how many of the
 * numbers there are none of, which was said. -1 after saying what is wrong. */
MUST_USE int selection_find(struct selection *selection, const struct reach *reach,
			    char *const *numbers, size_t number_count, uint32_t usual,
			    struct spool_item **ret, size_t *ret_count,
			    size_t *ret_missing);

#define SELECTION_HERE (1U << SPOOL_QUEUED | 1U << SPOOL_HELD | 1U << SPOOL_DEAD)

/* "queued", "held", "dead", "delivered". */
const char *selection_state(uint32_t state);
