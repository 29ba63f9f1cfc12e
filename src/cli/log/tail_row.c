#include "tail_row.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "cli/kit/moment.h"
#include "cli/kit/shown.h"

enum { TIME, SEQ, EVENT, OUTCOME, WHO, WHAT, COLUMNS };

static const struct table_column columns[] = {
	[TIME] = { .head = "TIME" },
	[SEQ] = { .head = "SEQ", .width = 7, .is_number = true },
	[EVENT] = { .head = "EVENT", .width = 11 },
	[OUTCOME] = { .head = "OUTCOME", .width = 11 },
	[WHO] = { .head = "WHO", .width = 12 },
	[WHAT] = { .head = "WHAT", .flows = true },
};

#define TIME_WIDTH	       24 /* with its zone */
#define TIME_WIDTH_ON_TERMINAL 20
#define WHO_SIZE	       256
#define SEQ_SIZE	       24
#define UNREADABLE_SHOWN       160 /* bytes of a line that is no JSON */

void tail_row_open(struct table *table, FILE *to)
{
	table_open(table, to, columns, COLUMNS);
	table->widths[TIME] = table->terminal > 0 ? TIME_WIDTH_ON_TERMINAL : TIME_WIDTH;
	table_head(table);
}

/* A text member behind its label; nothing where the line has no such member. */
static void put_text(FILE *to, const char *before, const json_t *line, const char *name)
{
	const char *text = members_text(line, name);
	if (text[0]) {
		fprintf(to, " %s", before);
		shown_text(to, text);
	}
}

static void put_reason(FILE *to, const json_t *line)
{
	const char *reason = members_text(line, "reason");
	const char *detail = members_text(line, "detail");
	if (reason[0])
		put_text(to, "", line, "reason");
	if (detail[0]) {
		fprintf(to, reason[0] ? " (" : " ");
		shown_text(to, detail);
		fprintf(to, reason[0] ? ")" : "");
	}
}

static void put_object(FILE *to, const json_t *line)
{
	int64_t bytes = members_number(line, "bytes");
	int64_t total_ms = members_number(line, "total_ms");
	put_text(to, "instance ", line, "sop_instance");
	if (bytes >= 0) {
		char size[SHOWN_SIZE_SIZE];
		shown_size(bytes, size);
		fprintf(to, " %s", size);
	}
	put_text(to, "status ", line, "status");
	if (total_ms >= 0)
		fprintf(to, " in %" PRId64 " ms", total_ms);
}

static void put_parties(FILE *to, const json_t *line)
{
	const char *event = members_text(line, "event");
	if (strcmp(event, "association") != 0)
		return;
	put_text(to, "from ", line, "peer");
	put_text(to, "", line, "calling_ae");
	put_text(to, "calls ", line, "called_ae");
	const json_t *tls = json_object_get(line, "tls");
	put_text(to, "", tls, "version");
}

static void put_checkpoint(FILE *to, const json_t *line)
{
	int64_t size = members_number(line, "size");
	put_text(to, "", line, "origin");
	if (size >= 0)
		fprintf(to, " %" PRId64 " lines", size);
}

static void put_what(FILE *to, const json_t *line)
{
	put_reason(to, line);
	put_parties(to, line);
	put_text(to, "to ", line, "destination");
	put_object(to, line);
	put_checkpoint(to, line);
}

/* The modality that the line is about, or as much as is known of it. An AE title that was
 * not let in proves nothing, and stands in quotes. */
static const char *who_of(const json_t *line, char quoted[WHO_SIZE])
{
	const char *modality = members_text(line, "modality");
	const char *calling = members_text(line, "calling_ae");
	const char *peer = members_text(line, "peer");
	if (!modality[0] && calling[0])
		snprintf(quoted, WHO_SIZE, "\"%s\"", calling);
	return modality[0] ? modality : calling[0] ? quoted : peer[0] ? peer : "-";
}

/* As much of a line that is no JSON as fits, so that a reader sees what it may be. */
static void put_unreadable(FILE *to, const struct log_reader_line *line)
{
	size_t size = line->size < UNREADABLE_SHOWN ? line->size : UNREADABLE_SHOWN;
	fputs(" not readable: ", to);
	shown_bytes_of(to, line->text, size);
	fputs(size < line->size ? "…" : "", to);
}

/* Made visible already, and to be freed; NULL without memory. */
static char *what_of(const json_t *read, const struct log_reader_line *line)
{
	char *what = NULL;
	size_t size;
	FILE *to = open_memstream(&what, &size);
	if (!to)
		return NULL;
	if (read)
		put_what(to, read);
	else
		put_unreadable(to, line);
	if (fclose(to) == 0)
		return what;
	free(what);
	return NULL;
}

int tail_row_print(const struct table *table, const struct log_reader_line *line,
		   bool utc)
{
	char time[MOMENT_SIZE] = "-", seq[SEQ_SIZE], quoted[WHO_SIZE];
	json_t *read = members_read(line->text, line->size);
	char *what = what_of(read, line);
	const char *outcome = members_text(read, "outcome");
	if (!what) {
		json_decref(read);
		return -1;
	}
	snprintf(seq, sizeof(seq), "%" PRIu64, line->seq);
	if (read && table->terminal > 0)
		moment_say(moment_of_line(read), utc, time);
	else if (read)
		moment_show(moment_of_line(read), utc, time);
	const struct table_cell cells[COLUMNS] = {
		[TIME] = { .text = time },
		[SEQ] = { .text = seq },
		[EVENT] = { .text = members_text(read, "event") },
		[OUTCOME] = { .text = !read || outcome[0] ? outcome : "-",
			      .colour = shown_colour_of(outcome) },
		[WHO] = { .text = read ? who_of(read, quoted) : "" },
		/* Each part of it begins with a space. */
		[WHAT] = { .text = what + (what[0] == ' '), .is_shown = true },
	};
	table_row(table, cells);
	free(what);
	json_decref(read);
	return 0;
}
