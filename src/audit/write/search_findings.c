#include "search.h"

#include <inttypes.h>
#include <stdio.h>

#include "cathgate/base/log.h"

void search_tell(const struct search *search)
{
	char clause[ASIDE_FINDING_SIZE];
	char *findings = search->ret->findings;
	aside_untold_torn(search->path, search->last_time, findings);
	aside_add_clause(findings, search->missing);
	if (search->lacks_note) {
		char note[LOG_NAME_SIZE];
		log_name(note, search->path, ".checkpoint");
		snprintf(clause, sizeof(clause), "%.60s is missing", log_name_base(note));
		aside_add_clause(findings, clause);
	}
	if (search->unvouched == 0)
		return;
	snprintf(search->ret->taken, sizeof(search->ret->taken),
		 "lines before this under no checkpoint%s: %" PRIu64,
		 search->key ? " signed with the key in use" : "", search->unvouched);
	log_warning("%s: %s", search->path, search->ret->taken);
}
