#include "patient.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/record.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"

/* Reads a line of standard input, without its newline and a carriage return before it,
 * which no ID may hold (PS3.5 6.2, LO). -1 when there is no line, when it is too long, or
 * when it holds a NUL, which no patient ID does. */
static int read_line(char ret[PATIENT_ID_SIZE])
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size = getline(&line, &room, stdin);
	if (size > 0 && line[size - 1] == '\n')
		line[--size] = '\0';
	if (size > 0 && line[size - 1] == '\r')
		line[--size] = '\0';
	int result = size >= 0 && size <= PATIENT_ID_MAX && strlen(line) == (size_t)size
			     ? 0
			     : -1;
	if (result == 0)
		memcpy(ret, line, (size_t)size + 1);
	if (line)
		explicit_bzero(line, room);
	free(line);
	return result;
}

/* The gateway drops the spaces around the ID in a data set, too. */
static void trim(char *id)
{
	size_t spaces = strspn(id, " "), length = strlen(id);
	while (length > spaces && id[length - 1] == ' ')
		length--;
	memmove(id, id + spaces, length - spaces);
	id[length - spaces] = '\0';
}

int patient_read_id(const char *given, char ret[PATIENT_ID_SIZE])
{
	bool is_from_stdin = strcmp(given, "-") == 0;
	if (is_from_stdin ? read_line(ret) : strlen(given) > PATIENT_ID_MAX) {
		complain("this is no patient ID: it is longer than 256 bytes, or nothing "
			 "came");
		return -1;
	}
	if (!is_from_stdin)
		strcpy(ret, given);
	trim(ret);
	if (ret[0])
		return 0;
	complain("this ID is empty: a log holds nothing for it");
	return -1;
}

char *patient_find_key(const char *config)
{
	struct config_faults faults = { .count = 0 };
	char *path = NULL;
	if (config_audit_pseudonym_key(config ? config : CATHGATE_CONFIG, &path, &faults))
		gateway_config_complain(&faults);
	config_faults_clear(&faults);
	return path;
}

int patient_pseudonym(const char *key, const char *id, char ret[DIGEST_HEX_SIZE])
{
	struct config_file file = { .path = key };
	const char *error = NULL;
	if (audit_pseudonym(&file, id, ret, &error) == 0)
		return 0;
	complain("%s: the pseudonym key %s", key, error);
	return -1;
}

static bool is_pseudonym(const char *text)
{
	return strlen(text) == DIGEST_HEX_SIZE - 1 &&
	       strspn(text, "0123456789abcdef") == DIGEST_HEX_SIZE - 1;
}

/* Whether it can be read, and names no pseudonym key. */
static bool has_no_pseudonyms(const char *config)
{
	struct config_faults faults = { .count = 0 };
	char *key = NULL, *file = NULL;
	bool result = config_audit_pseudonym_key(config, &key, &faults) != 0 &&
		      config_audit_file(config, &file, &faults) == 0;
	config_faults_clear(&faults);
	free(key);
	free(file);
	return result;
}

/* Whether the gateway now writes IDs as they are. */
static bool writes_clear(const char *config)
{
	struct config_faults faults = { .count = 0 };
	char *text = NULL;
	bool result = config_audit_patient_id(config, &text, &faults) == 0 &&
		      strcmp(text, "clear") == 0;
	config_faults_clear(&faults);
	free(text);
	return result;
}

static int find_pseudonym(const char *config, struct patient *patient)
{
	char *key = patient_find_key(config);
	int result = key ? patient_pseudonym(key, patient->id, patient->pseudonym) : -1;
	patient->is_clear_alone = result && writes_clear(config);
	if (patient->is_clear_alone)
		complain("so the ID is looked for in clear alone, as this gateway writes "
			 "it: lines of another time may have its pseudonym, which a user "
			 "who may read that key finds");
	else if (result)
		complain("the log has pseudonyms in the place of patient IDs: give the "
			 "pseudonym itself, or run this as a user who may read that key "
			 "(cathgate audit pseudonym prints it)");
	free(key);
	return patient->is_clear_alone ? 0 : result;
}

int patient_find(const char *given, const char *config, struct patient *ret,
		 struct options_texts *ret_texts)
{
	*ret = (struct patient){ .count = 0 };
	config = config ? config : CATHGATE_CONFIG;
	if (patient_read_id(given, ret->id))
		return -1;
	ret->texts[ret->count++] = ret->id;
	/* The log may have IDs in clear from another time: both are looked for. */
	if (!is_pseudonym(ret->id) && !has_no_pseudonyms(config)) {
		if (find_pseudonym(config, ret))
			return -1;
		if (!ret->is_clear_alone)
			ret->texts[ret->count++] = ret->pseudonym;
	}
	*ret_texts = (struct options_texts){ ret->texts, ret->count };
	return 0;
}

void patient_complain_none(const struct patient *patient)
{
	complain(
		"the log has no instance of that patient%s",
		patient->is_clear_alone ? " in clear; its pseudonym was not looked for"
		: patient->count > 1 || is_pseudonym(patient->id)
			? "; an ID counts byte for byte as the modality sends it"
			: " in clear, and the configuration names no pseudonym key: with "
			  "patient_id = \"omit\" the log holds nothing of patients");
}
