#include "confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "complain.h"
#include "shown.h"

int confirm(bool is_yes, const char *what)
{
	char *line = NULL;
	size_t size = 0;
	bool agrees;

	if (is_yes)
		return -1;
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
		complain("%s? There is no terminal to ask that at: say --yes", what);
		return CLI_USAGE;
	}
	fflush(stdout);
	shown_message(stderr, what);
	fputs("? [y/N]: ", stderr);
	agrees = getline(&line, &size, stdin) > 0 && (line[0] == 'y' || line[0] == 'Y');
	free(line);
	if (agrees)
		return -1;
	complain("nothing was done");
	return CLI_WRONG;
}
