#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/merkle_tree.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/log_source.h"

#define LINES	 "lines.jsonl"
#define PROOFS	 "proofs.txt"
#define UNPROVED "unproved.jsonl"

/* One file of the log, while its lines are read. */
struct reading {
	const struct verify_file *file;
	uint64_t end;	  /* lines of the file that were acknowledged */
	uint64_t covered; /* lines that its last checkpoint covers */
	uint8_t (*leaves)[DIGEST_SIZE];
	size_t *wanted; /* indices of covered lines that fit */
	size_t wanted_count, wanted_room;
};

static FILE *file_of(struct export *export, FILE **file, const char *name)
{
	if (!*file)
		*file = staging_create(export->staging, name);
	return *file;
}

static int note_wanted(struct reading *reading, size_t index)
{
	if (reading->wanted_count == reading->wanted_room) {
		size_t room = reading->wanted_room ? 2 * reading->wanted_room : 64;
		size_t *wanted = reallocarray(reading->wanted, room, sizeof(*wanted));
		if (!wanted)
			return complain_memory();
		reading->wanted = wanted;
		reading->wanted_room = room;
	}
	reading->wanted[reading->wanted_count++] = index;
	return 0;
}

static void count_proved(struct export *export, uint64_t seq)
{
	if (export->proved_count > 0 && seq != export->last_seq + 1)
		export->has_gaps = true;
	export->last_seq = seq;
	export->proved_count++;
}

/* Ends the list of lines that are held: `are_proved`, or not. */
static int release_held(struct export *export, bool are_proved)
{
	FILE *to = are_proved ? file_of(export, &export->lines, LINES)
			      : file_of(export, &export->unproved, UNPROVED);
	if (!to || fflush(export->held.file))
		return -1;
	fwrite(export->held.text, 1, export->held.size, to);
	for (uint64_t i = export->held.count; i > 0 && are_proved; i--) {
		fputs("next\n", export->proofs);
		count_proved(export, export->held.last_seq + 1 - i);
	}
	export->unproved_count += are_proved ? 0 : export->held.count;
	export->held.count = 0;
	rewind(export->held.file);
	return 0;
}

/* A line that is under no checkpoint. */
static int hold_line(struct export *export, const struct log_reader_line *line)
{
	if (export->held.count > 0 && line->seq != export->held.last_seq + 1 &&
	    release_held(export, false))
		return -1;
	if (!export->held.file)
		export->held.file =
			open_memstream(&export->held.text, &export->held.size);
	if (!export->held.file)
		return complain_memory();
	fwrite(line->text, 1, line->size, export->held.file);
	fputc('\n', export->held.file);
	export->held.last_seq = line->seq;
	export->held.count++;
	return 0;
}

static int take_line(struct export *export, struct reading *reading, size_t index,
		     const struct log_reader_line *line)
{
	if (!line_filter_fits(export->filter, line))
		return 0;
	if (index >= reading->covered)
		return hold_line(export, line);
	if (export->held.count > 0 &&
	    release_held(export, line->seq == export->held.last_seq + 1))
		return -1;
	fwrite(line->text, 1, line->size, export->lines);
	fputc('\n', export->lines);
	count_proved(export, line->seq);
	return note_wanted(reading, index);
}

static int complain_changed(const struct reading *reading)
{
	complain("%s was changed while it was read: verify the log (cathgate audit "
		 "verify)",
		 reading->file->path);
	return -1;
}

/* The next line of the file, which must be the chain's line `seq`. */
static int read_line(struct reading *reading, FILE *from, struct digest *digest,
		     uint64_t seq, char **buffer, size_t *room, ssize_t *ret_size,
		     struct chain_line *ret)
{
	ssize_t size = getline(buffer, room, from);
	if (size < 0 && ferror(from)) {
		log_source_complain(reading->file->path);
		return -1;
	}
	if (size < 1 || (*buffer)[size - 1] != '\n' ||
	    chain_read(digest, *buffer, (size_t)size - 1, ret) || !ret->is_sound ||
	    ret->seq != seq)
		return complain_changed(reading);
	*ret_size = size - 1;
	return 0;
}

static int read_lines(struct export *export, struct reading *reading, FILE *from,
		      struct digest *digest)
{
	const struct log_verify_file *scan = &reading->file->scan;
	struct chain_line chain_line;
	char *text = NULL;
	size_t room = 0;
	ssize_t size = 0;
	int result = 0;
	for (size_t i = 0; i < scan->lines && result == 0; i++) {
		uint64_t seq = scan->first_seq + i;
		result = read_line(reading, from, digest, seq, &text, &room, &size,
				   &chain_line);
		const struct log_reader_line line = { .text = text,
						      .size = (size_t)size,
						      .seq = seq };
		if (result == 0 && i < reading->covered)
			memcpy(reading->leaves[i], chain_line.hash, DIGEST_SIZE);
		if (result == 0 && i < reading->end)
			result = take_line(export, reading, i, &line);
	}
	free(text);
	return result;
}

static void write_proof(FILE *to, const struct merkle_tree *tree, const char *checkpoint,
			size_t index)
{
	const uint8_t *path[MERKLE_PATH_MAX];
	char hex[DIGEST_HEX_SIZE];
	size_t count = merkle_tree_path(tree, index, path);
	fprintf(to, "%s %zu", checkpoint, index);
	for (size_t i = 0; i < count; i++) {
		digest_hex(path[i], DIGEST_SIZE, hex);
		fprintf(to, " %s", hex);
	}
	fputc('\n', to);
}

static int write_checkpoint(struct export *export, const struct checkpoint *checkpoint,
			    const char *name)
{
	char note[CHECKPOINT_TEXT_SIZE];
	size_t size = checkpoint_note(checkpoint, note);
	FILE *file = staging_create(export->staging, name);
	if (!file)
		return -1;
	fwrite(note, 1, size, file);
	export->checkpoint_count++;
	return staging_finish(export->staging, name, file);
}

/* The proofs of the lines that were taken from this file. */
static int prove_lines(struct export *export, const struct reading *reading)
{
	const struct log_verify_file *scan = &reading->file->scan;
	const char *name = keep_format("checkpoint-%" PRIu64 ".note", scan->first_seq);
	if (write_checkpoint(export, &scan->last_checkpoint, name))
		return -1;
	struct merkle_tree *tree =
		merkle_tree_new(reading->leaves, (size_t)reading->covered);
	if (!tree)
		return complain_memory();
	bool is_that = memcmp(merkle_tree_root(tree), scan->last_checkpoint.root,
			      DIGEST_SIZE) == 0;
	for (size_t i = 0; i < reading->wanted_count; i++) {
		size_t index = reading->wanted[i];
		if (i + 1 < reading->wanted_count && reading->wanted[i + 1] == index + 1)
			fputs("next\n", export->proofs);
		else
			write_proof(export->proofs, tree, name, index);
	}
	merkle_tree_free(tree);
	return is_that ? 0 : complain_changed(reading);
}

/* `next`: the file behind it, or NULL. */
static struct reading begin_reading(const struct verify_file *file,
				    const struct verify_file *next)
{
	const struct log_verify_file *scan = &file->scan;
	struct reading reading = { .file = file, .end = scan->lines };
	if (file->has_unacknowledged && next && scan->lines > 0)
		reading.end = next->first.seq - scan->first_seq;
	if (scan->checkpoints > 0)
		reading.covered = scan->last_checkpoint.size;
	return reading;
}

static int export_file(struct export *export, const struct verify_file *file,
		       const struct verify_file *next)
{
	struct reading reading = begin_reading(file, next);
	struct digest *digest = digest_new();
	int fd = dup(file->fd);
	FILE *from = fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? fdopen(fd, "r") : NULL;
	int result = -1;
	if (reading.covered > 0)
		reading.leaves = reallocarray(NULL, (size_t)reading.covered,
					      sizeof(*reading.leaves));
	if (!from)
		log_source_complain(file->path);
	else if (!digest || (reading.covered > 0 && !reading.leaves))
		complain_memory();
	else
		result = read_lines(export, &reading, from, digest);
	if (result == 0 && reading.wanted_count > 0)
		result = prove_lines(export, &reading);
	if (from)
		fclose(from);
	else if (fd >= 0)
		close(fd);
	digest_free(digest);
	free(reading.leaves);
	free(reading.wanted);
	return result;
}

static int finish(struct export *export, FILE *file, const char *name)
{
	return file ? staging_finish(export->staging, name, file) : 0;
}

int export_lines(struct export *export, const struct verify_set *set)
{
	int result = 0;
	/* These two there always are. */
	if (!file_of(export, &export->lines, LINES) ||
	    !file_of(export, &export->proofs, PROOFS))
		result = -1;
	for (size_t i = 0; i < set->count && result == 0; i++)
		result = export_file(export, &set->files[i],
				     i + 1 < set->count ? &set->files[i + 1] : NULL);
	if (result == 0 && export->held.count > 0)
		result = release_held(export, false);
	if (export->held.file)
		fclose(export->held.file);
	free(export->held.text);
	if (finish(export, export->lines, LINES) ||
	    finish(export, export->proofs, PROOFS) ||
	    finish(export, export->unproved, UNPROVED))
		result = -1;
	return result;
}
