/*
 * What a command takes on its command line, written once: a table of its options, from
 * which its usage text is made and by which its arguments are read (getopt_long).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"

/* What an option sets in the command's request. */
enum options_kind {
	OPTIONS_FLAG,  /* a bool */
	OPTIONS_TEXT,  /* a const char * */
	OPTIONS_TEXTS, /* a struct options_texts; the option may be repeated */
	OPTIONS_DAYS,  /* an unsigned, from 1 to OPTIONS_DAYS_MAX */
	OPTIONS_OTHER  /* `take` reads the value */
};

#define OPTIONS_DAYS_MAX 36500

struct options_texts {
	const char **items; /* kept until the tool ends */
	size_t count;
};

/* Says what is wrong with a value, and what to write instead; NULL when it is good. */
typedef const char *options_judge(const char *value);

struct options_row {
	const char *name;  /* without the dashes */
	const char *value; /* its name in the usage text; "[=NAME]" may be left out */
	enum options_kind kind;
	size_t offset;	  /* in the request */
	const char *help; /* NULL: that of the next row is for both, or none has any */
	options_judge *judge; /* of a text; NULL: any will do */
	/* False after saying what is wrong. `field` is in the request, at the offset. */
	bool (*take)(void *field, const char *value);
	char letter;	     /* of the option's short form; 0: it has none */
	bool is_repeated;    /* `take` may be called again; else that is an error */
	bool is_alternative; /* to the next row, in the usage text */
};

/* What a row needs, and .help = … and the like behind it. */
#define OPTIONS_ROW(option, argument, what, request, field, ...) \
	{                                                        \
		.name = option, .value = argument, .kind = what, \
		.offset = offsetof(request, field), __VA_ARGS__  \
	}

struct options {
	const char *command;  /* "cathgate audit tail" */
	const char *synopsis; /* behind the command; NULL: made from the rows, ... */
	const char *before, *behind; /* ... with what stands before and behind them */
	const char *about; /* ends with a newline; is wrapped where it is printed */
	const struct options_row *rows; /* end with an empty one; NULL: none */
	/* How many arguments are wanted beside the options; and a hint where there are
	 * more (NULL: none). */
	size_t least, most;
	const char *hint;
};

/* Reads the arguments; the first that is no option is argv[optind]. Prints the usage text
 * where it was asked for, or says what is wrong. -1 to go on, else the exit status. */
MUST_USE int options_read(const struct options *options, int argc, char **argv,
			  void *request);

/* What is wrong with a value for a row; NULL: nothing. And sets that value, which isn't
 * judged; a list has room for `room` of them. False after saying what is wrong. */
MUST_USE const char *options_fault(const struct options_row *row, const char *value);
MUST_USE bool options_set(const struct options_row *row, const char *value, size_t room,
			  void *request);

/* Prints the usage text to standard error and returns the exit status for that. */
MUST_USE int options_misused(const struct options *options);
