#include "tail_row.h"

#include <inttypes.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "cli/kit/moment.h"
#include "cli/kit/shown.h"

enum {
	WIDTH_TIME = 24,
	WIDTH_SEQ = 7,
	WIDTH_EVENT = 11,
	WIDTH_OUTCOME = 11,
	WIDTH_WHO = 12
};

void tail_row_head(FILE *to)
{
	fprintf(to, "%-*s %*s %-*s %-*s %-*s WHAT\n", WIDTH_TIME, "TIME", WIDTH_SEQ,
		"SEQ", WIDTH_EVENT, "EVENT", WIDTH_OUTCOME, "OUTCOME", WIDTH_WHO, "WHO");
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

/* The modality that the line is about, or as much as is known of it. An AE title that was
 * not let in proves nothing, and stands in quotes. */
static void put_who(FILE *to, const json_t *line)
{
	const char *modality = members_text(line, "modality");
	const char *calling = members_text(line, "calling_ae");
	const char *peer = members_text(line, "peer");
	if (modality[0] || !calling[0]) {
		shown_column(to,
			     modality[0] ? modality
			     : peer[0]	 ? peer
					 : "-",
			     WIDTH_WHO);
		return;
	}
	fputc('"', to);
	size_t shown = shown_text(to, calling) + 2;
	fprintf(to, "\"%*s", shown < WIDTH_WHO ? (int)(WIDTH_WHO - shown) : 0, "");
}

/* As much of a line that is no JSON as fits, so that a reader sees what it may be. */
static void print_unreadable(FILE *to, const struct log_reader_line *line)
{
	size_t size = line->size < 160 ? line->size : 160;
	fprintf(to, "%-*s %*" PRIu64 " not readable: ", WIDTH_TIME, "-", WIDTH_SEQ,
		line->seq);
	shown_bytes_of(to, line->text, size);
	fputs(size < line->size ? "…\n" : "\n", to);
}

void tail_row_print(FILE *to, const struct log_reader_line *line,
		    const struct tail_style *style)
{
	char time[MOMENT_SIZE];
	json_t *read = members_read(line->text, line->size);
	if (!read) {
		print_unreadable(to, line);
		return;
	}
	const char *outcome = members_text(read, "outcome");
	const char *colour = style->colour ? shown_colour_of(outcome) : "";
	moment_show(moment_of_line(read), style->utc, time);
	fprintf(to, "%-*s %*" PRIu64 " ", WIDTH_TIME, time, WIDTH_SEQ, line->seq);
	shown_column(to, members_text(read, "event"), WIDTH_EVENT);
	fprintf(to, " %s", colour);
	shown_column(to, outcome[0] ? outcome : "-", WIDTH_OUTCOME);
	fprintf(to, "%s ", colour[0] ? SHOWN_PLAIN : "");
	put_who(to, read);
	put_reason(to, read);
	put_parties(to, read);
	put_text(to, "to ", read, "destination");
	put_object(to, read);
	put_checkpoint(to, read);
	fputc('\n', to);
	json_decref(read);
}
