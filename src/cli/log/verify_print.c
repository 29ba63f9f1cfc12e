#include "verify_print.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "cli/kit/complain.h"
#include "cli/kit/shown.h"

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

const char *verify_print_cure(const struct verify_set *set)
{
	switch (set->fault.kind) {
	case LOG_VERIFY_OTHER_KEY:
		return "If the gateway's key was changed, give the public halves of the "
		       "old "
		       "key and of the new\none: --key OLD.pub --key NEW.pub. If it "
		       "wasn't, "
		       "somebody else signed this.\n";
	case LOG_VERIFY_UNSIGNED:
		return "What was written before the gateway had a key stays unsigned: "
		       "verify "
		       "these files apart,\nwithout --key.\n";
	default:
		return "";
	}
}

static void print_fault(const struct verify_set *set)
{
	const struct log_verify_fault *fault = &set->fault;
	printf("DOES NOT HOLD: ");
	shown_text(stdout, set->faulty);
	if (set->faulty_file)
		printf(": line %" PRIu64, fault->line);
	if (set->faulty_file && fault->has_seq)
		printf(" (seq %" PRIu64 ")", fault->seq);
	printf(": %s: ", log_verify_kind_name(fault->kind));
	shown_text(stdout, fault->why);
	puts(".");
	fputs(verify_print_cure(set), stdout);
	if (!set->faulty_file)
		return;
	/* That line may fit those before it: it was rewritten together with its hash. */
	uint64_t over = set->faulty_file->scan.lines + 1 - fault->line;
	uint64_t before = fault->line > set->faulty_file->scan.lines ? set->lines
								     : set->lines - over;
	printf("What stands before it, %" PRIu64 " line%s, fits together; of what stands "
	       "behind it nothing is said.\n",
	       before, plural(before));
}

static void print_files(const struct verify_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct verify_file *file = &set->files[i];
		const struct log_verify_file *scan = &file->scan;
		printf("  %-11s ", i == 0 ? "files" : "");
		shown_text(stdout, file->path);
		if (scan->lines > 0) {
			printf(": lines %" PRIu64 " to %" PRIu64 ", ", scan->first_seq,
			       scan->first_seq + scan->lines - 1);
			shown_text(stdout, scan->first_time);
			printf(" to ");
			shown_text(stdout, scan->last_time);
			printf("\n");
		} else {
			printf(": empty\n");
		}
		if (!file->has_unacknowledged)
			continue;
		printf("  %-11s it was closed after a failed sync; what stands behind "
		       "line %" PRIu64 " (%" PRIu64
		       " whole line%s) was never acknowledged, and the next file goes on "
		       "from there\n",
		       "", scan->chain.next_seq - 1, file->unacknowledged,
		       plural(file->unacknowledged));
	}
}

static void print_notes(const struct verify_set *set)
{
	for (size_t i = 0; i < set->note_count; i++) {
		const struct verify_note *note = &set->notes[i];
		if (!note->file)
			continue;
		printf("  %-11s ", "held to");
		shown_text(stdout, note->path);
		printf(": over the first %" PRIu64 " line%s of ", note->checkpoint.size,
		       plural(note->checkpoint.size));
		shown_text(stdout, base_of(note->file->path));
		printf("\n");
	}
}

/* A checkpoint beside the log doesn't count: it can be changed with the log. */
static bool has_kept_note(const struct verify_set *set)
{
	for (size_t i = 0; i < set->note_count; i++) {
		if (!set->notes[i].is_beside)
			return true;
	}
	return false;
}

static void print_trust(const struct verify_set *set)
{
	uint64_t behind = set->lines_behind_checkpoint;
	uint64_t first = set->count > 0 && set->files[0].scan.lines > 0
				 ? set->files[0].scan.first_seq
				 : 0;
	if (first > 0)
		printf("The %" PRIu64 " line%s before number %" PRIu64
		       " %s in none of these files.\n",
		       first, plural(first), first, first == 1 ? "is" : "are");
	if (set->key_count == 0) {
		printf("No key was given (--key): this shows that the lines fit one "
		       "another, as a checksum\ndoes. Whoever could write the log could "
		       "have made all of it anew.\n");
		return;
	}
	if (behind > 0)
		printf("The last %" PRIu64 " line%s behind the last signed checkpoint "
		       "%s vouched for by the chain alone.\n",
		       behind, plural(behind), behind == 1 ? "is" : "are");
	if (!has_kept_note(set))
		printf("No checkpoint kept elsewhere was given (--checkpoint): lines cut "
		       "off behind a signed\none would not be noticed.\n");
}

static bool is_partly_signed(const struct verify_set *set)
{
	return set->key_count > 0 && set->lines_behind_checkpoint > 0;
}

void verify_print_text(const struct verify_set *set)
{
	char hash[DIGEST_HEX_SIZE];
	if (set->fault.kind) {
		print_fault(set);
		return;
	}
	digest_hex(set->head.last_hash, DIGEST_SIZE, hash);
	printf("The log holds%s: no line%s was changed, removed, added or moved.\n",
	       is_partly_signed(set) ? " up to its last signed checkpoint" : "",
	       is_partly_signed(set) ? " before that" : "");
	print_files(set);
	printf("  %-11s %" PRIu64 ", %" PRIu64 " bytes\n", "lines", set->lines,
	       set->bytes);
	printf("  %-11s %s\n", "head hash", hash);
	printf("  %-11s %" PRIu64 "%s\n", "checkpoints", set->checkpoints,
	       set->checkpoints == 0 ? ""
	       : set->key_count == 0 ? ", whose signatures were not looked at"
	       : set->key_count > 1  ? ", each signed by one of the keys"
				     : ", each signed by the key");
	for (size_t i = 0; i < set->key_count; i++)
		printf("  %-11s %s\n", "key", verifying_key_name(set->keys[i]));
	print_notes(set);
	print_trust(set);
}

static json_t *file_as_json(const struct verify_file *file)
{
	const struct log_verify_file *scan = &file->scan;
	json_t *object =
		json_pack("{s:s, s:I, s:I, s:I}", "file", file->path, "lines",
			  (json_int_t)scan->lines, "bytes", (json_int_t)scan->size,
			  "checkpoints", (json_int_t)scan->checkpoints);
	if (object && scan->lines > 0)
		json_object_update_new(
			object, json_pack("{s:I, s:I, s:o*, s:o*}", "first_seq",
					  (json_int_t)scan->first_seq, "last_seq",
					  (json_int_t)(scan->first_seq + scan->lines - 1),
					  "first_time", json_string(scan->first_time),
					  "last_time", json_string(scan->last_time)));
	if (object && file->has_unacknowledged)
		json_object_set_new(object, "unacknowledged",
				    json_integer((json_int_t)file->unacknowledged));
	return object;
}

static json_t *fault_as_json(const struct verify_set *set)
{
	const struct log_verify_fault *fault = &set->fault;
	json_t *object =
		json_pack("{s:s, s:s, s:s}", "kind", log_verify_kind_name(fault->kind),
			  "file", set->faulty, "why", fault->why);
	if (object && set->faulty_file)
		json_object_update_new(
			object,
			json_pack("{s:I, s:I, s:o*}", "line", (json_int_t)fault->line,
				  "offset", (json_int_t)fault->offset, "seq",
				  fault->has_seq ? json_integer((json_int_t)fault->seq)
						 : NULL));
	return object;
}

void verify_print_json(const struct verify_set *set, bool holds)
{
	char hash[DIGEST_HEX_SIZE];
	digest_hex(set->head.last_hash, DIGEST_SIZE, hash);
	json_t *files = json_array(), *keys = json_array(), *notes = json_array();
	for (size_t i = 0; i < set->count; i++) {
		if (set->files[i].is_scanned)
			json_array_append_new(files, file_as_json(&set->files[i]));
	}
	for (size_t i = 0; i < set->key_count; i++)
		json_array_append_new(keys,
				      json_string(verifying_key_name(set->keys[i])));
	for (size_t i = 0; i < set->note_count; i++) {
		if (!set->notes[i].file)
			continue;
		json_array_append_new(
			notes,
			json_pack("{s:s, s:s, s:I}", "file", set->notes[i].path, "origin",
				  set->notes[i].checkpoint.origin, "size",
				  (json_int_t)set->notes[i].checkpoint.size));
	}
	json_t *object = json_pack(
		"{s:b, s:o, s:I, s:I, s:s, s:I, s:I, s:o, s:o}", "holds", holds, "files",
		files, "lines", (json_int_t)set->lines, "bytes", (json_int_t)set->bytes,
		"head_hash", hash, "checkpoints", (json_int_t)set->checkpoints,
		"lines_behind_checkpoint", (json_int_t)set->lines_behind_checkpoint,
		"keys", keys, "held_to", notes);
	if (object && set->fault.kind)
		json_object_set_new(object, "fault", fault_as_json(set));
	if (object && json_dumpf(object, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	json_decref(object);
}

size_t verify_print_lacking(const struct verify_set *set)
{
	size_t lacking = 0;
	for (size_t i = 0; i < set->note_count; i++) {
		const struct verify_note *note = &set->notes[i];
		uint64_t first_seq = 0;
		if (note->file)
			continue;
		lacking++;
		if (checkpoint_first_seq(note->checkpoint.origin, &first_seq))
			complain("%s: this checkpoint, of %s, is none of an audit log",
				 note->path, note->checkpoint.origin);
		else
			complain("%s: this checkpoint is of the file that begins with "
				 "line %" PRIu64 " (%s), which was not given; name it as "
				 "well",
				 note->path, first_seq, note->checkpoint.origin);
	}
	return lacking;
}
