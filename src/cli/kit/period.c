#include "period.h"

#include <stddef.h>

#include "complain.h"
#include "moment.h"

static int read_text(const char *text, bool utc, enum moment_edge edge, int64_t *ret)
{
	if (!text || moment_read(text, utc, edge, ret) == 0)
		return 0;
	complain("%s: no time; write as in 2026-01-31, 2026-01-31T12:00, "
		 "2026-01-31T12:00:00Z, yesterday, today, now, -7d or \"2 hours ago\"",
		 text);
	return -1;
}

int period_read(struct period *period, bool utc)
{
	period->since = MOMENT_NONE;
	period->until = INT64_MAX;
	if (read_text(period->since_text, utc, MOMENT_START, &period->since) ||
	    read_text(period->until_text, utc, MOMENT_END, &period->until))
		return -1;
	if (period->since < period->until)
		return 0;
	complain("--since must come before --until");
	return -1;
}

bool period_holds(const struct period *period, int64_t moment)
{
	if (moment == MOMENT_NONE)
		return period->since == MOMENT_NONE && period->until == INT64_MAX;
	return moment >= period->since && moment < period->until;
}
