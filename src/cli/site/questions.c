#include "questions.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/address.h"
#include "cathgate/base/ae_title.h"
#include "cathgate/pki/pki.h"
#include "cathgate/base/utf8.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/shown.h"

#define LINE_SIZE   1024
#define WIDTH_USUAL 80

const char *judge_port(const char *value)
{
	char *end;
	unsigned long port = strtoul(value, &end, 10);

	return isdigit((unsigned char)value[0]) && *end == '\0' && port >= 1 &&
			       port <= 65535
		       ? NULL
		       : "is no port; write a number from 1 to 65535";
}

const char *judge_address(const char *value)
{
	struct address_range range;

	return !strchr(value, '/') && address_range_parse(value, &range) == 0
		       ? NULL
		       : "is no numeric address; write one of this machine's, or 0.0.0.0 "
			 "for all of them";
}

static bool is_label(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_", text[i]))
			return false;
	return length > 0 && length <= 63 && text[0] != '-' && text[length - 1] != '-';
}

const char *judge_host(const char *value)
{
	const char *last = strrchr(value, '.');
	struct address_range range;
	size_t length;

	if (!strchr(value, '/') && address_range_parse(value, &range) == 0)
		return NULL;
	/* No name ends in a number (RFC 1123 2.1): this is a misspelt address. */
	last = last ? last + 1 : value;
	if (last[0] != '\0' && last[strspn(last, "0123456789")] == '\0')
		return "is no address; an IPv4 address is four numbers from 0 to 255, as "
		       "in 192.168.40.7";
	if (strlen(value) > 253)
		return "is too long for a host's name";
	for (const char *at = value;; at += length + 1) {
		length = strcspn(at, ".");
		if (!is_label(at, length))
			return "is no host; write its name, as in pacs.hospital.example, "
			       "or its numeric address, and neither port nor URL";
		if (at[length] == '\0')
			return NULL;
	}
}

const char *judge_hosts(const char *value)
{
	const char *fault = NULL;
	size_t count = 0;

	while (*value != '\0' && !fault) {
		size_t length = strcspn(value, ", ");
		const char *host = keep_copy(value, length);

		if (length > 0) {
			count++;
			fault = judge_host(host);
		}
		if (fault)
			return keep_format("doesn't do: \"%s\" %s", host, fault);
		value += length;
		value += strspn(value, ", ");
	}
	return count == 0 ? "names no host; write a name, as in gw.hospital.example, or "
			    "a numeric address"
	       : count > HOSTS_MAX ? "names too many hosts: 16 is the most"
				   : NULL;
}

const char *judge_ae_title(const char *value)
{
	struct ae_title title;

	return ae_title_parse(value, strlen(value), &title) == 0
		       ? NULL
		       : "is no AE title; write 1 to 16 ASCII characters without "
			 "backslash";
}

const char *judge_certificate(const char *value)
{
	const char *error;
	struct pki_certificate *certificate;

	if (strcmp(value, "none") == 0)
		return NULL;
	certificate = pki_certificate_read(value, &error);
	pki_certificate_free(certificate);
	return certificate ? NULL : error;
}

const char *judge_crl(const char *value)
{
	const char *error = NULL;

	pki_crl_free(pki_crl_read(value, &error));
	return error;
}

const char *judge_name(const char *value)
{
	size_t length = strlen(value);

	for (const char *at = value; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
			length = 0;
	return length > 0 && length <= 63 && isalnum((unsigned char)value[0])
		       ? NULL
		       : "is no name; write 1 to 63 letters, digits, dots, hyphens or "
			 "underscores, a letter or digit first";
}

const char *judge_path(const char *value)
{
	return value[0] == '/' ? NULL
			       : "is no absolute path; write one that begins with /";
}

const char *judge_text(const char *value)
{
	size_t size = strlen(value), length;
	uint32_t character;

	for (size_t i = 0; i < size; i += length) {
		length = utf8_read(value + i, size - i, &character);
		if (length == 0)
			return "isn't UTF-8; write it where the locale is, as with "
			       "LC_ALL=C.UTF-8, or in ASCII";
		if (utf8_is_control(character))
			return "holds control characters; leave them out";
	}
	return size >= 1 && size <= 64 ? NULL
				       : "is too long, or empty; write 1 to 64 bytes";
}

bool questions_can_ask(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

bool question_set(struct question *question, const char *value)
{
	const char *fault = question->is_optional && value[0] == '\0' ? NULL
			    : question->judge ? question->judge(value)
					      : NULL;

	if (fault) {
		complain("--%s: \"%s\" %s", question->option, value, fault);
		return false;
	}
	question->value = question->is_list && question->value
				  ? keep_listed(question->value, "\n", value)
				  : value;
	return true;
}

/* A line without its newline and the blanks around it; NULL at the end of the input. */
static const char *read_line(void)
{
	char line[LINE_SIZE];
	const char *begin = line;
	size_t length;

	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return NULL;
	length = strcspn(line, "\r\n");
	while (length > 0 && isspace((unsigned char)line[length - 1]))
		length--;
	line[length] = '\0';
	while (isspace((unsigned char)*begin))
		begin++;
	return keep_copy(begin, strlen(begin));
}

static void print_prompt(const struct question *question)
{
	if (question->usual && question->usual[0] != '\0')
		printf("%s [%s]: ", question->ask, question->usual);
	else
		printf("%s%s%s: ", question->value ? "Another one: " : "", question->ask,
		       question->is_optional ? " [none]" : "");
}

static int ask_question(struct question *question)
{
	size_t width = shown_width(stdout);

	putchar('\n');
	shown_wrapped(stdout, "", question->help, width > 0 ? width : WIDTH_USUAL);
	for (;;) {
		const char *line;

		print_prompt(question);
		line = read_line();
		if (!line) {
			printf("\n");
			complain("no answer: nothing was written");
			return -1;
		}
		if (question->is_optional && !question->usual &&
		    strcmp(line, "none") == 0)
			line = "";
		if (line[0] == '\0' && question->value)
			return 0; /* no further one */
		if (line[0] == '\0' && question->usual)
			line = question->usual;
		if (line[0] == '\0' && !question->is_optional)
			continue;
		if (question_set(question, line) &&
		    (!question->is_list || line[0] == '\0'))
			return 0;
	}
}

int questions_settle(struct question *questions, size_t count, bool may_ask)
{
	const char *missing = "";

	for (size_t i = 0; i < count; i++) {
		struct question *question = &questions[i];

		if (question->value)
			continue;
		if (may_ask && question->ask) {
			if (ask_question(question) < 0)
				return -1;
		} else if (question->usual) {
			if (!question_set(question, question->usual))
				return -1;
		} else if (question->is_optional) {
			question->value = "";
		} else {
			missing = keep_listed(
				missing, ", ",
				keep_format("--%s %s", question->option, question->what));
		}
	}
	if (*missing == '\0')
		return 0;
	complain("not said, and there is nobody to ask: give %s", missing);
	return -1;
}

bool question_confirm(const char *text)
{
	const char *line;

	printf("\n%s [Y/n]: ", text);
	line = read_line();
	return line && (line[0] == '\0' || line[0] == 'y' || line[0] == 'Y');
}
