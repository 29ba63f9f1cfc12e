#include "textfile.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"

static const struct family families[] = {
	{ "cathgate_up", SERIES_GAUGE,
	  "1 while the gateway runs; 0 when it was told to stop." },
	{ "cathgate_ready", SERIES_GAUGE, "1 while connections are taken." },
	{ "cathgate_build_info", SERIES_GAUGE, "The program that wrote this." },
	{ "cathgate_start_time_seconds", SERIES_GAUGE, "When the gateway was started." },
	{ "cathgate_written_timestamp_seconds", SERIES_GAUGE,
	  "When this was written: every 15 seconds while the gateway runs." },
	{ "cathgate_associations_open", SERIES_GAUGE,
	  "Associations that are open, by modality." },
	{ "cathgate_handshakes_open", SERIES_GAUGE,
	  "Connections that have not authenticated yet." },
	{ "cathgate_turned_away_total", SERIES_COUNTER,
	  "Connections that a limit closed at accept." },
	{ "cathgate_alert_commands_total", SERIES_COUNTER,
	  "Runs of alerts.command, by outcome: done, failed (the alert is tried again), "
	  "dropped (it was the last try)." },
	{ "cathgate_handshake_seconds", SERIES_HISTOGRAM,
	  "From accept until the certificate is proved." },
	{ "cathgate_first_byte_seconds", SERIES_HISTOGRAM,
	  "From the first byte of a C-STORE in until its first byte out." },
	{ "cathgate_audit_sync_seconds", SERIES_HISTOGRAM,
	  "How long the audit log's way to its disk took." },
	{ "cathgate_audit_ready", SERIES_GAUGE,
	  "1 while the audit log can be written; else nothing is acknowledged." },
	{ "cathgate_audit_short_of_room", SERIES_GAUGE,
	  "1 while so little is free for the audit log that refusals are only counted." },
	{ "cathgate_audit_sequence", SERIES_GAUGE,
	  "Number of the audit log's last line." },
	{ "cathgate_audit_last_checkpoint_timestamp_seconds", SERIES_GAUGE,
	  "When the audit log's last checkpoint was written." },
	{ "cathgate_expiry_timestamp_seconds", SERIES_GAUGE,
	  "End of each certificate and CRL; days left: (this - time()) / 86400." },
	{ "cathgate_destination_last_success_timestamp_seconds", SERIES_GAUGE,
	  "When a destination last took an instance; 0: not known." },
	{ "cathgate_destination_last_failure_timestamp_seconds", SERIES_GAUGE,
	  "When something last failed because of a destination; 0: not known." },
	{ "cathgate_spool_ready", SERIES_GAUGE,
	  "1 while spooler and spool keeper are there." },
	{ "cathgate_spool_full", SERIES_GAUGE, "1 while the spool takes no objects." },
	{ "cathgate_spool_used_bytes", SERIES_GAUGE, "Bytes of the spool's files." },
	{ "cathgate_spool_max_bytes", SERIES_GAUGE,
	  "What they may come to: spool.max_bytes." },
	{ "cathgate_spool_free_bytes", SERIES_GAUGE, "Free on the spool's disk." },
	{ "cathgate_spool_objects", SERIES_GAUGE,
	  "Objects in the spool, by destination and state: queued, held, dead." },
	{ "cathgate_spool_bytes", SERIES_GAUGE,
	  "Bytes of the objects that are queued, by destination." },
	{ "cathgate_spool_oldest_seconds", SERIES_GAUGE,
	  "For how long the oldest object that is queued has waited; 0: none is." },
	{ "cathgate_spool_couriers", SERIES_GAUGE,
	  "Processes that deliver from the spool, by destination." },
	{ "cathgate_spool_delivered_bytes_total", SERIES_COUNTER,
	  "Bytes delivered from the spool, by destination." },
	{ "cathgate_spool_last_delivery_timestamp_seconds", SERIES_GAUGE,
	  "When an object of the spool was delivered last; 0: not known." },
	{ "cathgate_modality_last_instance_timestamp_seconds", SERIES_GAUGE,
	  "When an instance of a modality was last forwarded or spooled; 0: not known." },
	{ "cathgate_last_reload_successful", SERIES_GAUGE,
	  "0 while the configuration, or a file that has changed, is refused." },
};

int textfile_open(struct textfile *textfile, const char *path)
{
	*textfile = (struct textfile){ .path = path };
	textfile->gauges = series_new(families, sizeof(families) / sizeof(families[0]));
	return textfile->gauges ? 0 : -1;
}

void textfile_close(struct textfile *textfile)
{
	series_free(textfile->gauges);
	textfile->gauges = NULL;
}

static void put_state(struct series *to, const struct snapshot *snapshot, bool is_up)
{
	const struct observer_head *head = &snapshot->head;

	series_add(to, "cathgate_up", is_up, NULL);
	series_add(to, "cathgate_ready",
		   is_up && head->is_ready && head->is_auditor_ready &&
			   head->is_keeper_ready && !head->is_stopping,
		   NULL);
	series_add(to, "cathgate_build_info", 1, "version", CATHGATE_VERSION, NULL);
	series_add(to, "cathgate_start_time_seconds", (double)head->started, NULL);
	series_add(to, "cathgate_written_timestamp_seconds", (double)time(NULL), NULL);
	series_add(to, "cathgate_audit_ready",
		   is_up && head->is_auditor_ready && !head->is_log_stuck, NULL);
	series_add(to, "cathgate_audit_short_of_room", is_up && head->log_lacks_room,
		   NULL);
	series_add(to, "cathgate_handshakes_open", is_up ? head->handshaking : 0, NULL);
	series_add(to, "cathgate_turned_away_total", (double)head->turned_away, NULL);
	series_add(to, "cathgate_alert_commands_total", (double)head->alerts.done,
		   "outcome", "done", NULL);
	series_add(to, "cathgate_alert_commands_total", (double)head->alerts.failed,
		   "outcome", "failed", NULL);
	series_add(to, "cathgate_alert_commands_total", (double)head->alerts.dropped,
		   "outcome", "dropped", NULL);
	series_put(to, "cathgate_handshake_seconds", &head->handshake, NULL);
	series_put(to, "cathgate_first_byte_seconds", &head->first_byte, NULL);
	series_put(to, "cathgate_audit_sync_seconds", &head->sync, NULL);
}

static void put_open(struct series *to, const struct snapshot *snapshot, bool is_up)
{
	const struct observer_head *head = &snapshot->head;

	for (uint32_t i = 0; i < head->modality_count; i++)
		series_add(to, "cathgate_associations_open", 0, "modality",
			   snapshot->modalities[i].text, NULL);
	for (uint32_t i = 0; is_up && i < head->association_count; i++)
		series_add(to, "cathgate_associations_open", 1, "modality",
			   snapshot->associations[i].modality, NULL);
}

static void put_ends(struct series *to, const struct snapshot *snapshot)
{
	static const char *const owners[] = { "gateway", "modality", "destination" };

	for (uint32_t i = 0; i < snapshot->head.end_count; i++) {
		const struct observer_end *end = &snapshot->ends[i];

		series_add(to, "cathgate_expiry_timestamp_seconds", (double)end->until,
			   "of", end->is_crl ? "crl" : "certificate", "owner",
			   owners[end->owner], "name", end->name, NULL);
	}
}

static void put_backlog(struct series *to, const struct spooler_figures *figures)
{
	const char *name = figures->destination;
	int64_t waits = figures->oldest ? time(NULL) - figures->oldest : 0;

	series_set(to, "cathgate_spool_objects", (double)figures->objects, "destination",
		   name, "state", "queued", NULL);
	series_set(to, "cathgate_spool_objects", (double)figures->held, "destination",
		   name, "state", "held", NULL);
	series_set(to, "cathgate_spool_objects", (double)figures->dead, "destination",
		   name, "state", "dead", NULL);
	series_set(to, "cathgate_spool_bytes", (double)figures->bytes, "destination",
		   name, NULL);
	series_set(to, "cathgate_spool_oldest_seconds", waits > 0 ? (double)waits : 0,
		   "destination", name, NULL);
	series_set(to, "cathgate_spool_couriers", figures->couriers, "destination", name,
		   NULL);
	series_set(to, "cathgate_spool_delivered_bytes_total",
		   (double)figures->done_bytes, "destination", name, NULL);
	series_set(to, "cathgate_spool_last_delivery_timestamp_seconds",
		   (double)figures->delivered, "destination", name, NULL);
}

static void put_spool(struct series *to, const struct snapshot *snapshot, bool is_up)
{
	const struct observer_spool *spool = &snapshot->head.spool;

	if (!spool->is_there)
		return;
	series_add(to, "cathgate_spool_ready", is_up && spool->missing_seconds == 0,
		   NULL);
	series_add(to, "cathgate_spool_full", is_up && spool->is_full, NULL);
	series_add(to, "cathgate_spool_used_bytes", (double)spool->used, NULL);
	series_add(to, "cathgate_spool_max_bytes", (double)spool->most, NULL);
	if (spool->room != UINT64_MAX)
		series_add(to, "cathgate_spool_free_bytes", (double)spool->room, NULL);
	for (uint32_t i = 0; i < snapshot->head.spool_count; i++)
		put_backlog(to, &snapshot->spool[i]);
}

static void put_modalities(struct series *to, const struct snapshot *snapshot,
			   const struct tally *tally)
{
	for (uint32_t i = 0; i < snapshot->head.modality_count; i++) {
		const char *name = snapshot->modalities[i].text;
		const struct modality *known = modalities_find(&tally->modalities, name);

		series_set(to, "cathgate_modality_last_instance_timestamp_seconds",
			   known ? (double)utc_seconds(known->last_instance) : 0,
			   "modality", name, NULL);
	}
}

static void put_log(struct series *to, const struct snapshot *snapshot,
		    const struct tally *tally)
{
	if (tally->has_sequence)
		series_add(to, "cathgate_audit_sequence", (double)tally->sequence, NULL);
	if (tally->last_checkpoint[0])
		series_add(to, "cathgate_audit_last_checkpoint_timestamp_seconds",
			   (double)utc_seconds(tally->last_checkpoint), NULL);
	series_add(to, "cathgate_last_reload_successful",
		   !observer_is_refusing(&snapshot->head), NULL);
	for (uint32_t i = 0; i < snapshot->head.destination_count; i++) {
		const char *name = snapshot->destinations[i].text;
		const struct tally_destination *known = tally_find(tally, name);

		if (!known)
			continue;
		series_add(to, "cathgate_destination_last_success_timestamp_seconds",
			   (double)utc_seconds(known->last_success), "destination", name,
			   NULL);
		series_add(to, "cathgate_destination_last_failure_timestamp_seconds",
			   (double)utc_seconds(known->last_failure.time), "destination",
			   name, NULL);
	}
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), wanted = strlen(suffix);

	return length > wanted && strcmp(text + length - wanted, suffix) == 0;
}

/* Without a sync: the file may be lost in a crash, and a disk that hangs must not hold up
 * the observer. */
static int replace_file(const char *path, const struct series *gauges,
			const struct series *counters)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0644 };
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int result = -1;

	if (!to)
		return -1;
	series_write(gauges, to);
	series_write(counters, to);
	if (fclose(to) == 0)
		result = durable_put(path, DURABLE_REPLACE_UNSYNCED, text, size, &own);
	free(text);
	return result;
}

void textfile_write(struct textfile *textfile, const struct snapshot *snapshot,
		    struct tally *tally, bool is_up)
{
	struct series *gauges = textfile->gauges;

	if (!textfile->path || !snapshot->memory)
		return;
	series_clear(gauges);
	put_state(gauges, snapshot, is_up);
	put_open(gauges, snapshot, is_up);
	put_ends(gauges, snapshot);
	put_spool(gauges, snapshot, is_up);
	put_modalities(gauges, snapshot, tally);
	put_log(gauges, snapshot, tally);
	tally_handshakes(tally, snapshot->head.handshakes);
	if (replace_file(textfile->path, gauges, tally->counters) == 0) {
		if (textfile->is_failing)
			log_info("%s can be written again", textfile->path);
		textfile->is_failing = false;
		return;
	}
	if (!textfile->is_failing)
		log_error("metrics.textfile %s can't be written: %s; %s", textfile->path,
			  strerror(errno),
			  errno == EROFS
				  ? "name its folder in ReadWritePaths= of the "
				    "unit (systemctl edit cathgated.service), "
				    "and restart"
				  : "let the gateway's user write into its folder");
	textfile->is_failing = true;
}

void observer_check(const struct config *config, struct config_faults *faults)
{
	const struct config_file *file = &config->metrics.textfile;
	char *copy = file->path ? strdup(file->path) : NULL;
	const char *folder = copy ? dirname(copy) : NULL;
	bool is_folder;
	struct stat status;

	errno = ENOTDIR;
	is_folder = folder && stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
	if (folder && (!is_folder || access(folder, W_OK | X_OK) != 0))
		config_fault_add(faults, CONFIG_WARNING, &file->place,
				 "no file can be written in %s: %s; "
				 "until then there are no metrics: make the folder, or "
				 "let the gateway's user write there (setfacl -m "
				 "u:cathgate:rwx %s)",
				 folder, strerror(errno), folder);
	else if (folder && stat(file->path, &status) == 0 && !S_ISREG(status.st_mode))
		config_fault_add(faults, CONFIG_WARNING, &file->place,
				 "%s is there already, and no file; "
				 "write the name of one, as in cathgate.prom",
				 file->path);
	else if (folder && !has_suffix(file->path, ".prom"))
		config_fault_add(faults, CONFIG_WARNING, &file->place,
				 "node_exporter reads only files whose "
				 "name ends in .prom; write cathgate.prom");
	free(copy);
}
