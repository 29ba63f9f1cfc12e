#include "prove_print.h"

#include <inttypes.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "cli/kit/moment.h"
#include "cli/kit/shown.h"

static const char *const verdict_names[] = {
	[PROVE_PROVED] = "proved",
	[PROVE_NOT_SOUND] = "log-does-not-hold",
	[PROVE_ONLY_DELIVERED] = "only-delivered",
	[PROVE_OTHER_SYNTAX] = "other-transfer-syntax",
	[PROVE_OTHER_BYTES] = "other-bytes",
	[PROVE_NOT_FOUND] = "not-found",
};

enum prove_verdict prove_verdict_of(const struct prove_search *search)
{
	enum prove_verdict verdict =
		search->record_count > 0 ? PROVE_OTHER_BYTES : PROVE_NOT_FOUND;
	for (size_t i = 0; i < search->record_count; i++) {
		const struct prove_record *record = &search->records[i];
		enum prove_verdict one =
			prove_search_is_proof(search, record)	? PROVE_PROVED
			: !record->same_bytes			? PROVE_OTHER_BYTES
			: !record->same_syntax			? PROVE_OTHER_SYNTAX
			: prove_search_is_sound(search, record) ? PROVE_ONLY_DELIVERED
								: PROVE_NOT_SOUND;
		verdict = one < verdict ? one : verdict;
	}
	return verdict;
}

/* "label     text", where there is a text. */
static void put_labelled(FILE *to, const char *label, const char *text)
{
	if (!text[0])
		return;
	fprintf(to, "  %-16s", label);
	shown_text(to, text);
	fputc('\n', to);
}

static void put_member(FILE *to, const char *label, const json_t *line, const char *name)
{
	put_labelled(to, label, members_text(line, name));
}

static void put_moment(FILE *to, const json_t *line, bool utc)
{
	char shown[MOMENT_SIZE];
	moment_show(moment_of_line(line), utc, shown);
	fprintf(to, "%s, in the log ", shown);
	shown_text(to, members_text(line, "time"));
}

static void put_time(FILE *to, const json_t *line, bool utc)
{
	fprintf(to, "  %-16s", "at");
	put_moment(to, line, utc);
	fputc('\n', to);
}

static bool is_taken(const struct prove_search *search, const struct prove_record *record)
{
	return strcmp(members_text(record->line, "outcome"), "forwarded") == 0 &&
	       prove_search_is_sound(search, record);
}

/* Whether an earlier record says that the same destination took it. */
static bool is_told(const struct prove_search *search, size_t record)
{
	const json_t *line = search->records[record].line;
	for (size_t i = 0; i < record; i++)
		if (is_taken(search, &search->records[i]) &&
		    strcmp(members_text(search->records[i].line, "destination"),
			   members_text(line, "destination")) == 0)
			return true;
	return false;
}

/* Which destinations have these bytes, and since when. */
static void put_taken(FILE *to, const struct prove_search *search, bool utc)
{
	bool has_any = false;
	for (size_t i = 0; i < search->record_count; i++) {
		const struct prove_record *record = &search->records[i];
		if (!is_taken(search, record) || is_told(search, i))
			continue;
		has_any = true;
		fprintf(to, "  %-16s", "taken by");
		shown_text(to, members_text(record->line, "destination"));
		fputs(record->is_delivery ? " from the spool, at " : ", at ", to);
		put_moment(to, record->line, utc);
		fputc('\n', to);
	}
	if (!has_any)
		put_labelled(to, "taken by", "no destination, as far as the log says");
}

static void put_outcome(FILE *to, const json_t *line)
{
	const char *destination = members_text(line, "destination");
	fprintf(to, "  %-16s", "outcome");
	shown_text(to, members_text(line, "outcome"));
	if (destination[0]) {
		fputs(", destination ", to);
		shown_text(to, destination);
	}
	static const char *const names[] = { "status", "reason", "detail" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (members_text(line, names[i])[0]) {
			fprintf(to, ", %s ", names[i]);
			shown_text(to, members_text(line, names[i]));
		}
	}
	fputc('\n', to);
}

/* "CATHLAB3 (angio-3)" */
static void put_sender(FILE *to, const json_t *line)
{
	const char *calling = members_text(line, "calling_ae");
	const char *modality = members_text(line, "modality");
	shown_text(to, calling[0] ? calling : "an unnamed sender");
	if (modality[0]) {
		fputs(" (", to);
		shown_text(to, modality);
		fputc(')', to);
	}
}

static void put_place(FILE *to, const struct prove_search *search,
		      const struct prove_record *record)
{
	fprintf(to, "  %-16s", "record");
	shown_text(to, search->files[record->file].path);
	fprintf(to, " line %" PRIu64 ", seq %" PRIu64 "; %s\n", record->number,
		record->seq,
		record->is_sound   ? "its own hash holds"
		: record->has_hash ? "its own hash DOES NOT HOLD: the line was changed"
				   : "it has NO HASH: nothing vouches for it");
}

/* What differs from the object, one line each. */
static void put_differences(FILE *to, const struct prove_object *object,
			    const struct prove_record *record)
{
	int64_t bytes = members_number(record->line, "bytes");
	const char *sha256 = members_text(record->line, "sha256");
	if (!record->same_bytes && !sha256[0] && record->is_delivery) {
		fprintf(to, "  %-16sthe record doesn't say of which bytes it is\n",
			"differs");
		return;
	}
	if (!record->same_bytes && !sha256[0])
		fprintf(to, "  %-16sthe data set never came whole then\n", "differs");
	else if (!record->same_bytes)
		fprintf(to, "  %-16sSHA-256 is %s here, %.64s in the log\n", "differs",
			object->sha256,
			strspn(sha256, "0123456789abcdef") == 64 ? sha256 : "another");
	if (bytes != object->bytes)
		fprintf(to, "  %-16slength is %" PRId64 " here, %" PRId64 " in the log\n",
			"differs", object->bytes, bytes);
	if (!record->same_syntax) {
		fprintf(to, "  %-16stransfer syntax is %s here, ", "differs",
			object->transfer_syntax);
		shown_text(to, members_text(record->line, "transfer_syntax"));
		fputs(" in the log\n", to);
	}
}

static void put_record(FILE *to, const struct prove_search *search,
		       const struct prove_record *record, bool utc)
{
	const struct prove_object *object = search->object;
	const char *instance = members_text(record->line, "sop_instance");
	fputs(record->same_bytes ? "\nthese bytes, "
				 : "\nother bytes of the SOP instance, ",
	      to);
	fputs(record->is_delivery ? "in the spool; once sent by " : "sent by ", to);
	put_sender(to, record->line);
	fputc('\n', to);
	put_time(to, record->line, utc);
	put_member(to, "from", record->line, "peer");
	put_member(to, "certificate", record->line, "certificate");
	put_outcome(to, record->line);
	if (strcmp(instance, object->sop_instance) != 0) {
		fprintf(to, "  %-16sthe command named SOP instance ", "note");
		shown_text(to, instance[0] ? instance : "none");
		fputc('\n', to);
	}
	put_place(to, search, record);
	put_differences(to, object, record);
}

static void put_files(FILE *to, const struct prove_search *search)
{
	for (size_t i = 0; i < search->file_count; i++) {
		const struct prove_file *file = &search->files[i];
		bool has_record = false;
		for (size_t j = 0; j < search->record_count; j++)
			has_record |= search->records[j].file == i;
		if (!has_record)
			continue;
		fputs("\n", to);
		shown_text(to, file->path);
		if (file->broken_at == 0)
			fprintf(to,
				": its chain of hashes holds, from line 1 to line "
				"%" PRIu64 "\n",
				file->lines);
		else
			fprintf(to,
				": its chain of hashes DOES NOT HOLD at line %" PRIu64
				": %s\n",
				file->broken_at, file->why);
	}
}

static const char *verdict_text(enum prove_verdict verdict)
{
	switch (verdict) {
	case PROVE_PROVED:
		return "proved: these bytes are those that ";
	case PROVE_NOT_SOUND:
		return "NOT PROVED: the log has these bytes, but the log itself does not "
		       "hold\n";
	case PROVE_ONLY_DELIVERED:
		return "NOT PROVED: the log has these bytes in the spool, but not how "
		       "they "
		       "came there. Name\n"
		       "the older files of the log, too\n";
	case PROVE_OTHER_SYNTAX:
		return "NOT PROVED: the bytes of the data set are those in the log, but "
		       "the file's meta\nheader says another transfer syntax: read so, "
		       "they are another object\n";
	case PROVE_OTHER_BYTES:
		return "NOT PROVED: the log knows the SOP instance, but its bytes "
		       "differ. Perhaps the PACS\n"
		       "encoded it anew; that can't be told from a change. No claim is "
		       "made\n";
	default:
		return "NOT PROVED: the log has neither these bytes nor their SOP "
		       "instance\n";
	}
}

void prove_print(FILE *to, const char *path, const struct prove_search *search, bool utc)
{
	const struct prove_object *object = search->object;
	enum prove_verdict verdict = prove_verdict_of(search);
	fputs(verdict_text(verdict), to);
	for (size_t i = 0; verdict == PROVE_PROVED && i < search->record_count; i++) {
		if (prove_search_is_proof(search, &search->records[i])) {
			put_sender(to, search->records[i].line);
			fputs(" sent\n", to);
			break;
		}
	}
	put_labelled(to, "object", path);
	put_labelled(to, "SOP instance", object->sop_instance);
	put_labelled(to, "transfer syntax", object->transfer_syntax);
	fprintf(to, "  %-16s%" PRId64 " bytes, SHA-256 %s\n", "data set", object->bytes,
		object->sha256);
	if (verdict == PROVE_PROVED || verdict == PROVE_ONLY_DELIVERED)
		put_taken(to, search, utc);
	for (size_t i = 0; i < search->record_count; i++)
		put_record(to, search, &search->records[i], utc);
	if (search->more_records > 0)
		fprintf(to, "\nand %" PRIu64 " more records\n", search->more_records);
	put_files(to, search);
	if (search->record_count > 0)
		fputs("That nobody wrote the whole log anew is proved by `cathgate audit "
		      "verify` alone,\n"
		      "with the public key and a checkpoint that was kept elsewhere.\n",
		      to);
}

static json_t *json_of_record(const struct prove_search *search,
			      const struct prove_record *record)
{
	return json_pack("{s:o*, s:I, s:I, s:b, s:b, s:b, s:s, s:O}", "file",
			 shown_json(search->files[record->file].path), "line",
			 (json_int_t)record->number, "seq", (json_int_t)record->seq,
			 "proves", prove_search_is_proof(search, record), "same_bytes",
			 record->same_bytes, "same_transfer_syntax", record->same_syntax,
			 "own_hash",
			 record->is_sound   ? "holds"
			 : record->has_hash ? "does-not-hold"
					    : "none",
			 "record", record->line);
}

static json_t *json_of_file(const struct prove_file *file)
{
	json_t *item =
		json_pack("{s:o*, s:I, s:b}", "file", shown_json(file->path), "lines",
			  (json_int_t)file->lines, "chain_holds", file->broken_at == 0);
	if (file->broken_at > 0) {
		json_object_set_new(item, "broken_at",
				    json_integer((json_int_t)file->broken_at));
		json_object_set_new(item, "why", json_string(file->why));
	}
	return item;
}

int prove_print_json(FILE *to, const char *path, const struct prove_search *search)
{
	const struct prove_object *object = search->object;
	enum prove_verdict verdict = prove_verdict_of(search);
	json_t *records = json_array(), *files = json_array();
	for (size_t i = 0; i < search->record_count; i++)
		json_array_append_new(records,
				      json_of_record(search, &search->records[i]));
	for (size_t i = 0; i < search->file_count; i++)
		json_array_append_new(files, json_of_file(&search->files[i]));
	json_t *whole = json_pack(
		"{s:o*, s:b, s:s, s:o*, s:o*, s:o*, s:I, s:s, s:o, s:I, s:o}", "object",
		shown_json(path), "proved", verdict == PROVE_PROVED, "verdict",
		verdict_names[verdict], "sop_instance", json_string(object->sop_instance),
		"sop_class", json_string(object->sop_class), "transfer_syntax",
		json_string(object->transfer_syntax), "bytes", (json_int_t)object->bytes,
		"sha256", object->sha256, "records", records, "more_records",
		(json_int_t)search->more_records, "files", files);
	int result = json_dumpf(whole, to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(whole);
	fputc('\n', to);
	return result;
}
