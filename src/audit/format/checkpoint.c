#include "cathgate/audit/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "cathgate/base/base64.h"
#include "checkpoint_key.h"
#include "decimal.h"

#define ORIGIN_PREFIX "cathgate/"
/* U+2014, with which a signature line of a signed note begins. */
#define EM_DASH	    "\xE2\x80\x94 "
#define ROOT_LENGTH BASE64_LENGTH(DIGEST_SIZE)
#define NODE_MAX    (CHECKPOINT_ORIGIN_SIZE - sizeof(ORIGIN_PREFIX) - 21)
#define TEXT_FORMAT "%s\n%" PRIu64 "\n%s\n"

void checkpoint_origin(const char *node, uint64_t first_seq,
		       char ret[CHECKPOINT_ORIGIN_SIZE])
{
	char name[NODE_MAX + 1];
	size_t length = strnlen(node, NODE_MAX);
	for (size_t i = 0; i < length; i++)
		name[i] =
			node[i] > ' ' && node[i] < 0x7F && node[i] != '+' ? node[i] : '-';
	name[length] = '\0';
	snprintf(ret, CHECKPOINT_ORIGIN_SIZE, ORIGIN_PREFIX "%s/%" PRIu64, name,
		 first_seq);
}

/* A number that fills the text. */
static int read_whole_number(const char *text, size_t length, uint64_t *ret)
{
	uint64_t number;
	if (decimal_read(text, text + length, &number) != text + length)
		return -1;
	*ret = number;
	return 0;
}

int checkpoint_first_seq(const char *origin, uint64_t *ret)
{
	const char *slash = strrchr(origin, '/');
	if (!slash || strncmp(origin, ORIGIN_PREFIX, sizeof(ORIGIN_PREFIX) - 1) != 0 ||
	    slash < origin + sizeof(ORIGIN_PREFIX) - 1)
		return -1;
	return read_whole_number(slash + 1, strlen(slash + 1), ret);
}

/* The text that is signed. */
static size_t put_signed_text(const struct checkpoint *checkpoint,
			      char ret[CHECKPOINT_TEXT_SIZE])
{
	char root[ROOT_LENGTH + 1];
	base64_encode(checkpoint->root, sizeof(checkpoint->root), root);
	return (size_t)snprintf(ret, CHECKPOINT_TEXT_SIZE, TEXT_FORMAT,
				checkpoint->origin, checkpoint->size, root);
}

int checkpoint_sign(struct checkpoint *checkpoint, const struct signing_key *key)
{
	char text[CHECKPOINT_TEXT_SIZE];
	uint8_t signature[CHECKPOINT_SIGNED_SIZE];
	checkpoint->key[0] = checkpoint->signature[0] = '\0';
	if (!key)
		return 0;
	size_t size = put_signed_text(checkpoint, text);
	if (checkpoint_key_sign(key, checkpoint->origin, text, size, signature))
		return -1;
	base64_encode(signature, sizeof(signature), checkpoint->signature);
	memcpy(checkpoint->key, signing_key_name(key), sizeof(checkpoint->key));
	return 0;
}

enum checkpoint_verdict checkpoint_verify(const struct checkpoint *checkpoint,
					  const struct verifying_key *key)
{
	char text[CHECKPOINT_TEXT_SIZE];
	uint8_t signature[CHECKPOINT_SIGNED_SIZE];
	if (!checkpoint->signature[0])
		return CHECKPOINT_UNSIGNED;
	if (checkpoint->key[0] && strcmp(checkpoint->key, verifying_key_name(key)) != 0)
		return CHECKPOINT_OTHER_KEY;
	if (base64_decode(checkpoint->signature, strlen(checkpoint->signature), signature,
			  sizeof(signature)))
		return CHECKPOINT_FORGED;
	size_t size = put_signed_text(checkpoint, text);
	return checkpoint_key_verify(key, checkpoint->origin, text, size, signature);
}

enum checkpoint_verdict checkpoint_verify_own(const struct checkpoint *checkpoint,
					      const struct signing_key *key)
{
	return checkpoint_verify(checkpoint, signing_key_public(key));
}

size_t checkpoint_note(const struct checkpoint *checkpoint,
		       char ret[CHECKPOINT_TEXT_SIZE])
{
	size_t size = put_signed_text(checkpoint, ret);
	ret[size++] = '\n';
	ret[size] = '\0';
	if (checkpoint->signature[0])
		size += (size_t)snprintf(ret + size, CHECKPOINT_TEXT_SIZE - size,
					 EM_DASH "%s %s\n", checkpoint->origin,
					 checkpoint->signature);
	return size;
}

/* Cuts the next line off; NULL when there is no whole one. */
static const char *next_line(const char **at, const char *end, size_t *ret_length)
{
	const char *line = *at;
	const char *newline = memchr(line, '\n', (size_t)(end - line));
	if (!newline)
		return NULL;
	*ret_length = (size_t)(newline - line);
	*at = newline + 1;
	return line;
}

static bool is_origin(const char *text, size_t length)
{
	if (length == 0 || length >= CHECKPOINT_ORIGIN_SIZE)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7F || text[i] == '+')
			return false;
	}
	return true;
}

static int read_signature(const char *line, size_t length, struct checkpoint *checkpoint)
{
	size_t origin_length = strlen(checkpoint->origin);
	size_t before = sizeof(EM_DASH) - 1 + origin_length + 1;
	if (length != before + CHECKPOINT_SIGNATURE_SIZE - 1 ||
	    memcmp(line, EM_DASH, sizeof(EM_DASH) - 1) != 0 ||
	    memcmp(line + sizeof(EM_DASH) - 1, checkpoint->origin, origin_length) != 0 ||
	    line[before - 1] != ' ')
		return -1;
	memcpy(checkpoint->signature, line + before, CHECKPOINT_SIGNATURE_SIZE - 1);
	return 0;
}

int checkpoint_read_note(const char *text, size_t size, struct checkpoint *ret)
{
	struct checkpoint read = { .size = 0 };
	const char *end = text + size, *line;
	size_t length;
	line = next_line(&text, end, &length);
	if (!line || !is_origin(line, length))
		return -1;
	memcpy(read.origin, line, length);
	line = next_line(&text, end, &length);
	if (!line || read_whole_number(line, length, &read.size))
		return -1;
	line = next_line(&text, end, &length);
	if (!line || base64_decode(line, length, read.root, sizeof(read.root)))
		return -1;
	line = next_line(&text, end, &length);
	if (!line || length != 0)
		return -1;
	line = next_line(&text, end, &length);
	if (line && read_signature(line, length, &read))
		return -1;
	if (text != end)
		return -1;
	*ret = read;
	return 0;
}

size_t checkpoint_members(const struct checkpoint *checkpoint,
			  char ret[CHECKPOINT_TEXT_SIZE])
{
	char root[ROOT_LENGTH + 1];
	char origin[2 * CHECKPOINT_ORIGIN_SIZE], *to = origin;
	for (const char *at = checkpoint->origin; *at; at++) {
		if (*at == '"' || *at == '\\')
			*to++ = '\\';
		*to++ = *at;
	}
	*to = '\0';
	base64_encode(checkpoint->root, sizeof(checkpoint->root), root);
	int size = snprintf(ret, CHECKPOINT_TEXT_SIZE,
			    ",\"origin\":\"%s\",\"size\":%" PRIu64 ",\"root\":\"%s\"",
			    origin, checkpoint->size, root);
	if (checkpoint->signature[0])
		size += snprintf(ret + size, CHECKPOINT_TEXT_SIZE - (size_t)size,
				 ",\"key\":\"%s\",\"signature\":\"%s\"", checkpoint->key,
				 checkpoint->signature);
	return (size_t)size;
}

/* A member that is text of at most `room` - 1 bytes; absent is "" . */
static int read_text(const json_t *line, const char *name, char *ret, size_t room)
{
	const json_t *member = json_object_get(line, name);
	if (!member)
		return 0;
	if (!json_is_string(member) || json_string_length(member) >= room)
		return -1;
	memcpy(ret, json_string_value(member), json_string_length(member) + 1);
	return 0;
}

static bool is_key_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == DIGEST_HEX_SIZE - 1 &&
	       name[DIGEST_HEX_SIZE - 1] == '\0';
}

static int read_members(const json_t *line, struct checkpoint *ret)
{
	char event[16] = "", root[ROOT_LENGTH + 1] = "";
	const json_t *size = json_object_get(line, "size");
	if (read_text(line, "event", event, sizeof(event)) ||
	    strcmp(event, "checkpoint") != 0 || !json_is_integer(size) ||
	    json_integer_value(size) < 0 ||
	    read_text(line, "origin", ret->origin, sizeof(ret->origin)) ||
	    read_text(line, "key", ret->key, sizeof(ret->key)) ||
	    read_text(line, "signature", ret->signature, sizeof(ret->signature)) ||
	    read_text(line, "root", root, sizeof(root)))
		return -1;
	ret->size = (uint64_t)json_integer_value(size);
	if (!is_origin(ret->origin, strlen(ret->origin)) ||
	    (ret->key[0] && !is_key_name(ret->key)))
		return -1;
	return base64_decode(root, strlen(root), ret->root, sizeof(ret->root));
}

int checkpoint_read_line(const char *line, size_t size, struct checkpoint *ret)
{
	struct checkpoint read = { .size = 0 };
	json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
	int result = object ? read_members(object, &read) : -1;
	json_decref(object);
	if (result == 0)
		*ret = read;
	return result;
}
