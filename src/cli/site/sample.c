#include "sample.h"

#include <stdlib.h>
#include <string.h>

#include "cli/kit/keep.h"

const char *sample_place(void)
{
	const char *place = "cathgate.conf(5)";
	char *own = realpath("/proc/self/exe", NULL), *sample = NULL;

	if (own)
		sample = realpath(keep_format("%.*s" CATHGATE_SAMPLE,
					      (int)(strrchr(own, '/') + 1 - own), own),
				  NULL);
	if (sample)
		place = keep_format("%s", sample);
	free(sample);
	free(own);
	return place;
}

/* Replaces a text that stands in the sample exactly once. */
struct edit {
	const char *from;
	const char *to;
};

const char *sample_quote(const char *text)
{
	char *quoted = keep_format("\"%*s\"", 2 * (int)strlen(text), "");
	char *to = quoted + 1;

	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to++ = '"';
	*to = '\0';
	return quoted;
}

/* A comment behind the replaced text stays in its column, where there is room. */
static const char *align_comment(const char *rest, long grown, int *ret_spaces)
{
	size_t spaces = strspn(rest, " ");
	long wanted;

	*ret_spaces = 0;
	if (spaces < 2 || strncmp(rest + spaces, "//", 2) != 0)
		return rest;
	wanted = (long)spaces - grown;
	*ret_spaces = wanted < 2 ? 2 : (int)wanted;
	return rest + spaces;
}

static const char *apply_edit(const char *text, const struct edit *edit)
{
	const char *at = strstr(text, edit->from), *rest;
	int spaces = 0;

	if (!at || strstr(at + 1, edit->from))
		return NULL;
	rest = at + strlen(edit->from);
	rest = align_comment(rest, (long)strlen(edit->to) - (long)strlen(edit->from),
			     &spaces);
	return keep_format("%.*s%s%*s%s", (int)(at - text), text, edit->to, spaces, "",
			   rest);
}

/* Replaces from the begin of one mark up to the end of the other behind it. */
static const char *cut_out(const char *text, const char *first, const char *last,
			   const char *instead)
{
	const char *begin = strstr(text, first);
	const char *end = begin ? strstr(begin, last) : NULL;

	if (!end)
		return NULL;
	return keep_format("%.*s%s%s", (int)(begin - text), text, instead,
			   end + strlen(last));
}

static const char *fill_destination(const char *text, const struct sample_values *values)
{
	const char *calling =
		values->calling_ae_title[0] == '\0'
			? "//calling_ae_title = \"CATHGATE\";"
			: keep_format("calling_ae_title = %s;",
				      sample_quote(values->calling_ae_title));
	const struct edit edits[] = {
		{ "\n    host = \"pacs.hospital.example\";",
		  keep_format("\n    host = %s;", sample_quote(values->host)) },
		{ "\n    port = 2762;",
		  keep_format("\n    port = %s;", values->pacs_port) },
		{ "called_ae_title = \"PACS\";",
		  keep_format("called_ae_title = %s;",
			      sample_quote(values->called_ae_title)) },
		{ "calling_ae_title = \"CATHGATE\";", calling },
		{ "server_name = \"pacs.hospital.example\";",
		  keep_format("server_name = %s;", sample_quote(values->server_name)) },
		{ "crl = \"tls/pacs.crl\";", "//crl = \"tls/pacs.crl\";" },
	};

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]) && text; i++)
		text = apply_edit(text, &edits[i]);
	if (text && values->has_plain)
		text = cut_out(text,
			       "    tls: { certificate = \"tls/gateway-client.crt\";",
			       "public_key_sha256 = [ \"…\" ];\n",
			       "    tls = \"none\"; }                             "
			       "// the PACS speaks none: images go\n"
			       "                                                "
			       "// unencrypted, and nothing proves\n"
			       "                                                "
			       "// that it is the PACS\n");
	return text;
}

const char *sample_fill(const struct sample_values *values)
{
	const struct edit edits[] = {
		{ "name = \"cathlab-3\";",
		  keep_format("name = %s;", sample_quote(values->name)) },
		{ "{ socket = \"dicom-tls\";",
		  values->has_socket
			  ? "{ socket = \"dicom-tls\";"
			  : keep_format("{ address = %s; port = %s;",
					sample_quote(values->address), values->port) },
		{ "file = \"/var/log/cathgate/audit.jsonl\";",
		  keep_format("file = %s;", sample_quote(values->audit_file)) },
	};
	const char *text =
		cut_out(sample_text, "modalities = (", "\n);\n",
			keep_format("//\n// Here they stand there alone. Each key of an "
				    "entry is explained in\n// %s\n",
				    sample_place()));

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]) && text; i++)
		text = apply_edit(text, &edits[i]);
	if (text && !values->has_crl)
		text = cut_out(text, "           crl = \"tls/modalities.crl\";",
			       "each CA of the chain is needed\n",
			       "           //crl = \"tls/modalities.crl\";      "
			       "// optional: a file or a list; one for\n"
			       "                                                "
			       "// each CA of the chain is needed\n");
	return text ? fill_destination(text, values) : NULL;
}
