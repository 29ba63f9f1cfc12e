#include "supervisor/figures.h"

void figures_add_handshake(struct figures *figures, int64_t us)
{
	figures->handshakes++;
	histogram_count(&figures->handshake, us);
}

void figures_add_association(struct figures *figures, struct association_figures *before,
			     const struct association_figures *now)
{
	if (now->instances < before->instances || now->bytes < before->bytes)
		return;
	histogram_add_since(&figures->first_byte, &before->first_byte, &now->first_byte);
	*before = *now;
	before->calling_ae.text[AE_TITLE_MAX] = '\0';
}

void figures_add_sync(struct figures *figures, const struct histogram *sync)
{
	/* A new auditor counts from nothing. */
	if (histogram_total(sync) < histogram_total(&figures->sync_told))
		figures->sync_told = (struct histogram){ 0 };
	histogram_add_since(&figures->sync, &figures->sync_told, sync);
	figures->sync_told = *sync;
}
