#include "crl_judge.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "cathgate/tls/tls.h"
#include "cli/kit/keep.h"

/* One listener or destination. */
struct end {
	const struct config_tls *tls;
	bool is_server;
};

static bool is_same_file(const char *a, const char *b)
{
	struct stat of_a, of_b;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

/* The `crl` of an end with the candidate in the place of `path`. */
static struct config_files replaced(const struct config_files *crl, const char *candidate,
				    const char *path, bool *ret_found)
{
	struct config_file *items = keep_bytes((crl->count + 1) * sizeof(*items));
	struct config_files result = { .items = items, .count = crl->count };

	*ret_found = false;
	for (size_t i = 0; i < crl->count; i++) {
		items[i] = crl->items[i];
		if (is_same_file(items[i].path, path)) {
			items[i].path = candidate;
			*ret_found = true;
		}
	}
	if (!*ret_found)
		items[result.count++] = (struct config_file){ .path = candidate };
	return result;
}

/* How many errors there are, and what is said about the candidate (NULL: any file). */
static size_t check(const struct end *end, const struct config_tls *tls,
		    const char *candidate, const char **ret_fault)
{
	struct config_faults faults = { 0 };
	struct tls_context *context = NULL;
	const char *fault = NULL;
	size_t errors, length = candidate ? strlen(candidate) : 0;
	int made = end->is_server ? tls_server_new(tls, NULL, NULL, &context, &faults)
				  : tls_client_new(tls, NULL, NULL, &context, &faults);

	if (made == 0)
		tls_context_free(context);
	for (size_t i = 0; candidate && !fault && i < faults.count; i++) {
		const char *at = strstr(faults.items[i].text, candidate);

		if (faults.items[i].kind != CONFIG_WARNING && at)
			fault = keep_format("%s",
					    at + length + strspn(at + length, ": "));
	}
	errors = faults.error_count;
	config_faults_clear(&faults);
	*ret_fault = fault;
	return errors;
}

/* What the end would say of it; *ret_reads: the end reads that file. */
static const char *judge_at(const struct end *end, const char *candidate,
			    const char *path, bool *ret_reads)
{
	struct config_tls tls = *end->tls;
	const char *fault, *none;
	size_t errors;

	tls.crl = replaced(&end->tls->crl, candidate, path, ret_reads);
	errors = check(end, &tls, candidate, &fault);
	if (!fault && *ret_reads && errors > check(end, end->tls, NULL, &none))
		fault = "lacks a CRL that the file has had and that is needed";
	return fault;
}

static struct end end_at(const struct config *config, size_t at)
{
	if (at < config->listen_count)
		return (struct end){ &config->listen[at].tls, true };
	return (struct end){ &config->destinations[at - config->listen_count].tls,
			     false };
}

const char *crl_judge(const struct config *config, const char *candidate,
		      const char *path)
{
	size_t count = config->listen_count + config->destination_count;
	const char *first = NULL;
	bool is_read = false, has_taker = false;

	for (size_t i = 0; i < count; i++) {
		struct end end = end_at(config, i);
		const char *fault;
		bool reads;

		if (end.tls->none)
			continue;
		fault = judge_at(&end, candidate, path, &reads);
		if (reads && fault)
			return fault;
		is_read = is_read || reads;
		has_taker = has_taker || !fault;
		first = first ? first : fault;
	}
	if (is_read || has_taker)
		return NULL;
	return first ? first : "is of no use: the gateway has no connection with TLS";
}
