#include "prove_search.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/chain.h"
#include "cathgate/audit/members.h"
#include "cli/kit/complain.h"

#define RECORDS_MAX 1000 /* of one object; a log with more is a strange one */

struct walk {
	struct prove_search *search;
	struct digest *digest;
	struct chain chain;
	uint64_t last_number;
	bool passed_over; /* something that is no line, or isn't the next one */
};

static int add_file(struct prove_search *search, const char *path)
{
	struct prove_file *files =
		reallocarray(search->files, search->file_count + 1, sizeof(*files));
	if (!files)
		return -1;
	search->files = files;
	char *copy = strdup(path);
	if (!copy)
		return -1;
	files[search->file_count++] = (struct prove_file){ .path = copy };
	return 0;
}

static struct prove_file *last_file(const struct prove_search *search)
{
	return &search->files[search->file_count - 1];
}

static void break_chain(struct prove_file *file, uint64_t number, const char *why)
{
	if (file->broken_at > 0)
		return;
	file->broken_at = number;
	file->why = why;
}

/* Notes whether a file's chain holds up to this line. Its first line may follow on
 * another file, which isn't looked at here; only line number 0 follows on nothing. */
static void follow_chain(struct walk *walk, const struct log_reader_line *line,
			 const struct chain_line *read)
{
	struct prove_file *file = last_file(walk->search);
	bool is_first = file->lines == 0 && line->number == 1;
	if (file->lines == 0 && !is_first)
		break_chain(file, 1, "it is no line of an audit log");
	else if (!read)
		break_chain(file, line->number, "it has no hash");
	else if (!read->is_sound)
		break_chain(file, line->number, "its hash is not that of its bytes");
	else if ((!is_first || read->seq == 0) && !chain_follows(&walk->chain, read))
		break_chain(file, line->number, "it doesn't follow the line before it");
	else if (walk->passed_over && !is_first)
		break_chain(file, line->number,
			    "what stands before it is no line of an audit log");
	if (read)
		walk->chain = chain_behind(read);
	walk->passed_over = false;
	file->lines = line->number;
}

static bool has_bytes(const json_t *line, const struct prove_object *object)
{
	return strcmp(members_text(line, "sha256"), object->sha256) == 0 &&
	       members_number(line, "bytes") == object->bytes;
}

static bool has_instance(const json_t *line, const struct prove_object *object)
{
	const char *instance = members_text(line, "sop_instance");
	return instance[0] && (strcmp(instance, object->sop_instance) == 0 ||
			       strcmp(instance, object->meta_instance) == 0);
}

/* Few lines are about the object: the others need not be parsed. */
static bool may_be_about(const struct log_reader_line *line,
			 const struct prove_object *object)
{
	const char *const texts[] = { object->sha256, object->sop_instance,
				      object->meta_instance };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i][0] &&
		    memmem(line->text, line->size, texts[i], strlen(texts[i])))
			return true;
	}
	return false;
}

static int add_record(struct prove_search *search, struct prove_record record)
{
	if (search->record_count == RECORDS_MAX) {
		search->more_records++;
		json_decref(record.line);
		return 0;
	}
	struct prove_record *records =
		reallocarray(search->records, search->record_count + 1, sizeof(*records));
	if (!records) {
		json_decref(record.line);
		return -1;
	}
	search->records = records;
	records[search->record_count++] = record;
	return 0;
}

static int judge_line(struct walk *walk, const struct log_reader_line *line,
		      const struct chain_line *read)
{
	const struct prove_object *object = walk->search->object;
	json_t *members =
		may_be_about(line, object) ? members_read(line->text, line->size) : NULL;
	const char *event = members_text(members, "event");
	bool same_bytes = members && has_bytes(members, object);
	bool is_delivery = strcmp(event, "delivery") == 0;
	if ((strcmp(event, "instance") != 0 && !is_delivery) ||
	    (!same_bytes && !has_instance(members, object))) {
		json_decref(members);
		return 0;
	}
	return add_record(
		walk->search,
		(struct prove_record){
			.file = walk->search->file_count - 1,
			.number = line->number,
			.seq = line->seq,
			.line = members,
			.is_delivery = is_delivery,
			.has_hash = read != NULL,
			.is_sound = read && read->is_sound,
			.same_bytes = same_bytes,
			.same_syntax = !object->transfer_syntax[0] ||
				       strcmp(members_text(members, "transfer_syntax"),
					      object->transfer_syntax) == 0,
		});
}

static int take_line(struct walk *walk, const struct log_reader_line *line)
{
	struct prove_search *search = walk->search;
	struct chain_line read;
	bool is_other = search->file_count == 0 ||
			strcmp(last_file(search)->path, line->file) != 0 ||
			line->number <= walk->last_number;
	if (is_other) {
		walk->chain = (struct chain){ .next_seq = 0 };
		walk->passed_over = false;
		if (add_file(search, line->file))
			return -1;
	}
	walk->last_number = line->number;
	const struct chain_line *chained =
		chain_read(walk->digest, line->text, line->size, &read) ? NULL : &read;
	follow_chain(walk, line, chained);
	return judge_line(walk, line, chained);
}

int prove_search_run(struct prove_search *search, const struct prove_object *object,
		     struct log_source *source)
{
	struct walk walk = { .search = search, .digest = digest_new() };
	struct log_reader_line line;
	enum log_reader_result result = LOG_READER_END;
	bool has_memory = walk.digest != NULL;
	*search = (struct prove_search){ .object = object };
	while (has_memory &&
	       (result = log_source_next(source, &line)) != LOG_READER_END &&
	       result != LOG_READER_FAILED) {
		if (result == LOG_READER_GAP)
			walk.passed_over = true;
		else
			has_memory = take_line(&walk, &line) == 0;
	}
	if (!has_memory)
		complain_memory();
	digest_free(walk.digest);
	return has_memory && result == LOG_READER_END ? 0 : -1;
}

void prove_search_close(struct prove_search *search)
{
	for (size_t i = 0; i < search->record_count; i++)
		json_decref(search->records[i].line);
	for (size_t i = 0; i < search->file_count; i++)
		free(search->files[i].path);
	free(search->records);
	free(search->files);
	*search = (struct prove_search){ .object = NULL };
}

bool prove_search_is_sound(const struct prove_search *search,
			   const struct prove_record *record)
{
	return record->same_bytes && record->same_syntax && record->is_sound &&
	       search->files[record->file].broken_at == 0;
}

bool prove_search_is_proof(const struct prove_search *search,
			   const struct prove_record *record)
{
	return !record->is_delivery && prove_search_is_sound(search, record);
}
