#include "known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#include "cathgate/base/memory_file.h"

void known_read(struct known *known, struct association *association)
{
	size_t size = 0;
	char *text = NULL;
	int file = -1;

	known_clear(known);
	known->usual = &association->config->spool.accept;
	if (spool_client_accepted(&association->spool.client, &file) == SPOOL_TAKEN &&
	    file >= 0)
		text = (char *)memory_file_read(file, &size);
	if (file >= 0)
		close(file);
	if (text && size > 0 && text[size - 1] == '\n') {
		text[size - 1] = '\0';
		known->text = text;
	} else {
		free(text);
	}
}

void known_clear(struct known *known)
{
	free(known->text);
	*known = (struct known){ .text = NULL };
}

int known_says(const struct known *known, const char *abstract_syntax,
	       const char *transfer_syntax)
{
	char wanted[2 * UL_UID_SIZE + 2];
	size_t size = (size_t)snprintf(wanted, sizeof(wanted), " %s %s", abstract_syntax,
				       transfer_syntax);
	const char *line = known->text;

	while (line) {
		const char *end = strchrnul(line, '\n');

		if ((size_t)(end - line) == size + 1 &&
		    memcmp(line + 1, wanted, size) == 0)
			return line[0] == '+' ? 1 : -1;
		line = *end ? end + 1 : NULL;
	}
	return 0;
}

static bool is_usual(const struct known *known, const char *transfer_syntax)
{
	const struct config_strings *usual = known->usual;

	if (!usual || usual->count == 0)
		return true;
	for (size_t i = 0; i < usual->count; i++)
		if (strcmp(usual->items[i], transfer_syntax) == 0)
			return true;
	return false;
}

const char *known_choose(const struct known *known, const struct ul_association *in,
			 size_t proposal, const char *abstract_syntax)
{
	const char *syntax, *possible = NULL;

	for (size_t i = 0; (syntax = ul_proposal_transfer_syntax(in, proposal, i)); i++) {
		int says = known_says(known, abstract_syntax, syntax);

		if (says > 0)
			return syntax;
		if (says == 0 && !possible && is_usual(known, syntax))
			possible = syntax;
	}
	return possible;
}
