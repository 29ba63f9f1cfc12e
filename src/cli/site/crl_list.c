#include "crl_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"

#define FILE_MAX    65536
#define SOURCES_MAX 64
#define BLANKS	    " \t\r"

static const char *next_word(const char **line)
{
	const char *word = *line + strspn(*line, BLANKS);
	size_t length = strcspn(word, BLANKS);

	*line = word + length;
	return keep_copy(word, length);
}

static const char *fault_of(const char *url, const char *path, const char *rest)
{
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return "begins with no URL; write http://… or https://…, then the file";
	if (path[0] == '\0')
		return "names no file; write one behind the URL, as in "
		       "http://ca.hospital.example/devices.crl tls/hospital.crl";
	return rest[0] != '\0' ? "has more than a URL and a file; leave the rest out"
			       : NULL;
}

static int read_line(const char *line, const char *folder, const char *where,
		     struct crl_source *ret)
{
	const char *url = next_word(&line), *path = next_word(&line);
	const char *fault = fault_of(url, path, next_word(&line));

	if (fault) {
		complain("%s: the line %s", where, fault);
		return -1;
	}
	*ret = (struct crl_source){ url, path[0] == '/'
						 ? path
						 : keep_format("%s/%s", folder, path) };
	return 0;
}

int crl_list_read(const char *folder, struct crl_source **ret, size_t *ret_count)
{
	const char *file = keep_format("%s/crl.conf", folder);
	struct crl_source *sources = keep_bytes(SOURCES_MAX * sizeof(*sources));
	size_t count = 0, size;
	char *text, *at, *line;
	int result = 0;

	if (durable_read(file, FILE_MAX, &text, &size) < 0) {
		complain(
			"%s: %s; write into it, for each CRL, its URL and the file where "
			"it goes",
			file, strerror(errno));
		return -1;
	}
	at = text;
	for (unsigned number = 1; result == 0 && (line = strsep(&at, "\n")); number++) {
		line[strcspn(line, "#")] = '\0';
		if (line[strspn(line, BLANKS)] == '\0')
			continue;
		if (count == SOURCES_MAX) {
			complain("%s has more than %d CRLs", file, SOURCES_MAX);
			result = -1;
		} else {
			result = read_line(line, folder,
					   keep_format("%s:%u", file, number),
					   &sources[count++]);
		}
	}
	free(text);
	*ret = sources;
	*ret_count = count;
	return result;
}
