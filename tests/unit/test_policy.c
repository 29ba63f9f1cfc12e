/*
 * Goal: an association fits one entry in all or gets the reason of the first test that
 * the closest entry fails; entries that one association could fit are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cathgate/policy/policy.h"

#define HEX64(digit)                                                                  \
	digit digit digit digit digit digit digit digit digit digit digit digit digit \
		digit digit digit
#define A HEX64("aaaa")
#define B HEX64("bbbb")
#define C HEX64("cccc")

#define TLS "tls: { certificate = \"c\"; key = \"k\"; ca = \"a\"; }; "
#define HEAD                                                             \
	"audit: { file = \"/a\"; };\n"                                   \
	"destinations = ( { name = \"pacs\"; host = \"::1\"; port = 1; " \
	"called_ae_title = \"P\"; " TLS "} );\n"
#define TLS_LISTENER   "{ address = \"127.0.0.1\"; port = 0; " TLS "}"
#define PLAIN_LISTENER "{ address = \"127.0.0.1\"; port = 0; tls = \"none\"; }"

/* An entry, by the AE titles it holds, those it may call, and all the rest. */
#define ENTRY(name, calling, called, rest)                     \
	"{ name = \"" name "\"; ae_titles = [ " calling " ]; " \
	"called_ae_titles = [ " called " ]; destination = \"pacs\"; " rest " }"

static const char *const allowlist[] = {
	ENTRY("digest", "\"ONE\", \"UNO\"", "\"GATE\"",
	      "certificate: { sha256 = [ \"" A "\" ]; }; "
	      "addresses = [ \"10.1.0.0/16\", \"2001:db8::/32\" ];"),
	ENTRY("key", "\"TWO\"", "\"GATE\"",
	      "certificate: { public_key_sha256 = [ \"" B "\", \"" C "\" ]; };"),
	ENTRY("names", "\"THREE\"", "\"GATE\"",
	      "certificate: { dns = [ \"three.example\", \"3.example\" ]; "
	      "uri = [ \"urn:three\" ]; common_name = [ \"Three\" ]; };"),
	ENTRY("plain", "\"FOUR\"", "\"GATE\"", "certificate = \"none\";"),
	ENTRY("first", "\"TWIN\"", "\"GATE\"",
	      "certificate: { sha256 = [ \"" A "\" ]; };"),
	ENTRY("second", "\"TWIN\"", "\"DOOR\"",
	      "certificate: { sha256 = [ \"" B "\" ]; }; "
	      "sop_classes = [ \"1.2.3\", \"1.2.4\" ]; "
	      "move_originators = [ \"MOVER\" ]; addresses = [ \"10.0.0.0/8\" ];"),
};

static const char *no_uid(const char *name)
{
	(void)name;
	return NULL;
}

static bool always_storage(const char *uid)
{
	(void)uid;
	return true;
}

static struct config *load(const char *text)
{
	static const struct config_sop_classes sop_classes = { no_uid, always_storage };
	char path[] = "/tmp/cathgate-policy-XXXXXX";
	struct config_faults faults = { 0 };
	struct config *config = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	if (config_load(path, &sop_classes, &config, &faults) < 0)
		print_error("%s\n", faults.items[0].text);
	unlink(path);
	config_faults_clear(&faults);
	assert_non_null(config);
	return config;
}

static struct config *load_allowlist(void)
{
	static const char head[] = HEAD "listen = ( " TLS_LISTENER ", " PLAIN_LISTENER
					" );\nmodalities = (\n";
	char text[8192];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", head);

	for (size_t i = 0; i < sizeof(allowlist) / sizeof(allowlist[0]); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 i > 0 ? ",\n" : "", allowlist[i]);
	snprintf(text + used, sizeof(text) - used, " );\n");
	return load(text);
}

/* What a peer shows; a certificate with no digest stands for none at all. */
struct peer {
	const char *sha256, *public_key_sha256, *dns, *uri, *common_name;
	bool vouches_for_itself;
};

struct row {
	const char *calling, *called, *address;
	struct peer peer;
	const char *entry; /* the one that fits; NULL: */
	enum reason reason;
};

#define NO_PEER                \
	{                      \
		.sha256 = NULL \
	}
#define WITH_A                                      \
	{                                           \
		.sha256 = A, .public_key_sha256 = A \
	}
#define WITH_B                                      \
	{                                           \
		.sha256 = B, .public_key_sha256 = B \
	}
#define WITH_C_KEY                                  \
	{                                           \
		.sha256 = A, .public_key_sha256 = C \
	}

static const struct row rows[] = {
	/* digest and address */
	{ "ONE", "GATE", "10.1.2.3", WITH_A, "digest", 0 },
	{ "UNO", "GATE", "2001:db8::7", WITH_A, "digest", 0 },
	{ "ONE", "GATE", "10.2.2.3", WITH_A, NULL, REASON_ADDRESS_NOT_ALLOWED },
	{ "ONE", "GATE", "2001:db9::7", WITH_A, NULL, REASON_ADDRESS_NOT_ALLOWED },
	{ "ONE", "DOOR", "10.2.2.3", WITH_A, NULL, REASON_CALLED_AE_UNKNOWN },
	{ "ONE", "DOOR", "10.2.2.3", WITH_B, NULL, REASON_AE_CERTIFICATE_MISMATCH },
	{ "ONE", "GATE", "10.1.2.3", WITH_B, NULL, REASON_AE_CERTIFICATE_MISMATCH },
	{ "one", "GATE", "10.1.2.3", WITH_A, NULL, REASON_AE_UNKNOWN },
	{ "", "GATE", "10.1.2.3", WITH_A, NULL, REASON_AE_UNKNOWN },
	{ "ONE", "", "10.1.2.3", WITH_A, NULL, REASON_CALLED_AE_UNKNOWN },
	/* another's AE title with one's own good certificate */
	{ "TWO", "GATE", "10.1.2.3", WITH_A, NULL, REASON_AE_CERTIFICATE_MISMATCH },
	/* public key */
	{ "TWO", "GATE", "192.0.2.1", WITH_B, "key", 0 },
	{ "TWO", "GATE", "192.0.2.1", WITH_C_KEY, "key", 0 },
	/* names add up */
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, "3.EXAMPLE", "urn:three", "Three", false },
	  "names",
	  0 },
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, "3.example", "urn:THREE", "Three", false },
	  NULL,
	  REASON_AE_CERTIFICATE_MISMATCH },
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, "3.example", "urn:three", "three", false },
	  NULL,
	  REASON_AE_CERTIFICATE_MISMATCH },
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, "x.3.example", "urn:three", "Three", false },
	  NULL,
	  REASON_AE_CERTIFICATE_MISMATCH },
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, "*.example", "urn:three", "Three", false },
	  NULL,
	  REASON_AE_CERTIFICATE_MISMATCH },
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, NULL, "urn:three", "Three", false },
	  NULL,
	  REASON_AE_CERTIFICATE_MISMATCH },
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, "3.example", NULL, NULL, false },
	  NULL,
	  REASON_AE_CERTIFICATE_MISMATCH },
	/* names that nobody known has written; a digest or a key needs no CA */
	{ "THREE",
	  "GATE",
	  "::1",
	  { A, A, "3.EXAMPLE", "urn:three", "Three", true },
	  NULL,
	  REASON_AE_CERTIFICATE_MISMATCH },
	{ "ONE", "GATE", "10.1.2.3", { A, A, .vouches_for_itself = true }, "digest", 0 },
	{ "TWO", "GATE", "192.0.2.1", { B, B, .vouches_for_itself = true }, "key", 0 },
	/* plain entries and plain peers fit only each other */
	{ "FOUR", "GATE", "127.0.0.1", NO_PEER, "plain", 0 },
	{ "FOUR", "GATE", "127.0.0.1", WITH_A, NULL, REASON_AE_CERTIFICATE_MISMATCH },
	{ "ONE", "GATE", "10.1.2.3", NO_PEER, NULL, REASON_AE_CERTIFICATE_MISMATCH },
	{ "THREE", "GATE", "127.0.0.1", NO_PEER, NULL, REASON_AE_CERTIFICATE_MISMATCH },
	/* two entries with one AE title: the closest one gives the reason */
	{ "TWIN", "GATE", "192.0.2.1", WITH_A, "first", 0 },
	{ "TWIN", "DOOR", "10.9.9.9", WITH_B, "second", 0 },
	{ "TWIN", "DOOR", "192.0.2.1", WITH_B, NULL, REASON_ADDRESS_NOT_ALLOWED },
	{ "TWIN", "GATE", "10.9.9.9", WITH_B, NULL, REASON_CALLED_AE_UNKNOWN },
	{ "TWIN", "DOOR", "10.9.9.9", WITH_C_KEY, NULL, REASON_CALLED_AE_UNKNOWN },
};

static struct ae_title title(const char *text)
{
	struct ae_title result = { 0 };

	snprintf(result.text, sizeof(result.text), "%s", text);
	return result;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

static void expect_row(const struct config *config, const struct row *row)
{
	const struct peer *shown = &row->peer;
	struct tls_peer peer = { .dns = { (char *)shown->dns },
				 .uri = { (char *)shown->uri },
				 .dns_count = shown->dns != NULL,
				 .uri_count = shown->uri != NULL,
				 .vouches_for_itself = shown->vouches_for_itself };
	struct policy_claim claim = { .calling = title(row->calling),
				      .called = title(row->called) };
	const struct config_modality *entry;
	enum reason reason = REASON_NONE;
	struct address_range address;

	copy(peer.certificate_sha256, sizeof(peer.certificate_sha256), shown->sha256);
	copy(peer.public_key_sha256, sizeof(peer.public_key_sha256),
	     shown->public_key_sha256);
	copy(peer.common_name, sizeof(peer.common_name), shown->common_name);
	assert_int_equal(address_range_parse(row->address, &address), 0);
	claim.address = address.network;
	claim.certificate = shown->sha256 != NULL ? &peer : NULL;
	entry = policy_admit(config, &claim, &reason);
	if (reason != row->reason || (entry != NULL) != (row->entry != NULL) ||
	    (entry != NULL && strcmp(entry->name, row->entry) != 0))
		fail_msg("%s calls %s from %s: entry %s, reason %s", row->calling,
			 row->called, row->address, entry != NULL ? entry->name : "none",
			 reason != REASON_NONE ? reason_name(reason) : "none");
}

static void an_association_fits_one_entry_in_all(void **state)
{
	struct config *config = load_allowlist();
	struct config_faults faults = { 0 };

	(void)state;
	policy_check(config, &faults);
	assert_int_equal(faults.count, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_row(config, &rows[i]);
	config_free(config);
}

static void an_entry_that_binds_nothing_fits_nobody(void **state)
{
	struct ae_title gate = title("GATE"), one = title("ONE");
	struct config_modality entry = { .ae_titles = { &one, 1 },
					 .called_ae_titles = { &gate, 1 } };
	struct config config = { .modalities = &entry, .modality_count = 1 };
	struct tls_peer peer = { .certificate_sha256 = A };
	struct policy_claim claim = { .certificate = &peer,
				      .calling = one,
				      .called = gate };
	enum reason reason = REASON_NONE;

	(void)state;
	assert_null(policy_admit(&config, &claim, &reason));
	assert_int_equal(reason, REASON_AE_CERTIFICATE_MISMATCH);
}

static void sop_classes_and_move_originators_are_judged(void **state)
{
	struct config *config = load_allowlist();
	const struct config_modality *any = &config->modalities[0];
	const struct config_modality *some = &config->modalities[5];
	struct ae_title mover = title("MOVER"), other = title("OTHER"), none = title("");

	(void)state;
	assert_int_equal(policy_sop_class(any, "1.2.9", true), REASON_NONE);
	assert_int_equal(policy_sop_class(any, "1.2.9", false),
			 REASON_SOP_CLASS_NOT_ALLOWED);
	assert_int_equal(policy_sop_class(some, "1.2.4", true), REASON_NONE);
	assert_int_equal(policy_sop_class(some, "1.2.9", true),
			 REASON_SOP_CLASS_NOT_ALLOWED);
	assert_int_equal(policy_sop_class(some, "", true), REASON_SOP_CLASS_NOT_ALLOWED);
	assert_int_equal(policy_move_originator(any, NULL), REASON_NONE);
	assert_int_equal(policy_move_originator(any, &mover), REASON_MOVE_ORIGINATOR);
	assert_int_equal(policy_move_originator(some, &mover), REASON_NONE);
	assert_int_equal(policy_move_originator(some, &other), REASON_MOVE_ORIGINATOR);
	assert_int_equal(policy_move_originator(some, &none), REASON_MOVE_ORIGINATOR);
	config_free(config);
}

struct pair {
	const char *first, *second; /* what stands behind their AE titles */
	bool is_fault;
};

#define SHA(value)  "certificate: { sha256 = [ \"" value "\" ]; };"
#define KEY(value)  "certificate: { public_key_sha256 = [ \"" value "\" ]; };"
#define NAME(value) "certificate: { common_name = [ \"" value "\" ]; };"
#define DNS(value)  "certificate: { dns = [ \"" value "\" ]; };"
#define URI(value)  "certificate: { uri = [ \"" value "\" ]; };"

static const struct pair pairs[] = {
	{ SHA(A), SHA(A), true },
	{ SHA(A), SHA(B), false },
	{ SHA(A), KEY(B), true },
	{ KEY(A), KEY(B), false },
	{ KEY(A), KEY(A), true },
	{ NAME("a"), NAME("b"), false },
	{ NAME("a"), NAME("a"), true },
	{ NAME("a"), DNS("b"), true },
	{ DNS("a.example"), DNS("b.example"), true },
	{ URI("urn:a"), URI("urn:b"), true },
	{ SHA(A) "addresses = [ \"10.0.0.0/8\" ];",
	  SHA(A) "addresses = [ \"10.1.0.0/16\" ];", true },
	{ SHA(A) "addresses = [ \"10.0.0.0/16\" ];",
	  SHA(A) "addresses = [ \"10.1.0.0/16\" ];", false },
	{ SHA(A) "addresses = [ \"10.0.0.0/16\" ];", SHA(A), true },
	{ "certificate = \"none\";", SHA(A), false },
	{ "certificate = \"none\";", "certificate = \"none\";", true },
};

static char *two_entries(const char *first, const char *second, const char *calling,
			 const char *called)
{
	char *text;

	assert_true(asprintf(&text,
			     "%slisten = ( %s, %s );\nmodalities = (\n"
			     "{ name = \"one\"; ae_titles = [ \"X\", \"AE\" ]; "
			     "called_ae_titles = [ \"GATE\" ]; destination = \"pacs\"; "
			     "%s },\n"
			     "{ name = \"two\"; ae_titles = [ \"%s\" ]; "
			     "called_ae_titles = [ \"%s\" ]; destination = \"pacs\"; "
			     "%s } );",
			     HEAD, TLS_LISTENER, PLAIN_LISTENER, first, calling, called,
			     second) > 0);
	return text;
}

/* How many faults two entries have; the first one's text into `ret`, "" for none. */
static size_t check(const char *text, char ret[1024])
{
	struct config *config = load(text);
	struct config_faults faults = { 0 };
	size_t count;

	policy_check(config, &faults);
	count = faults.error_count;
	copy(ret, 1024, count > 0 ? faults.items[0].text : "");
	config_faults_clear(&faults);
	config_free(config);
	return count;
}

static void entries_that_one_association_could_fit_are_refused(void **state)
{
	char said[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *text = two_entries(pairs[i].first, pairs[i].second, "AE", "GATE");

		if (check(text, said) != (pairs[i].is_fault ? 1 : 0))
			fail_msg("%s\n%s\n%s", pairs[i].first, pairs[i].second, said);
		if (pairs[i].is_fault) {
			assert_non_null(strstr(said, ":6: modalities[1]: \"two\" and "
						     "\"one\" ("));
			assert_non_null(strstr(said, ":5) could both fit"));
			assert_non_null(strstr(said, "\"AE\" calling \"GATE\""));
		}
		free(text);
	}
}

static void different_ae_titles_separate_entries(void **state)
{
	char *other_calling = two_entries(SHA(A), SHA(A), "OTHER", "GATE");
	char *other_called = two_entries(SHA(A), SHA(A), "AE", "OTHER");
	char said[1024];

	(void)state;
	assert_int_equal(check(other_calling, said), 0);
	assert_int_equal(check(other_called, said), 0);
	free(other_calling);
	free(other_called);
}

static void entries_that_no_listener_serves_are_refused(void **state)
{
	char said[1024];

	(void)state;
	assert_int_equal(
		check(HEAD "listen = ( " TLS_LISTENER
			   " );\nmodalities = ( " ENTRY("one", "\"AE\"", "\"GATE\"",
							"certificate = \"none\";") " );",
		      said),
		1);
	assert_non_null(strstr(said, "no listener has tls = \"none\""));
	assert_int_equal(check(HEAD "listen = ( " PLAIN_LISTENER
				    " );\nmodalities = ( " ENTRY(
					    "one", "\"AE\"", "\"GATE\"", SHA(A)) " );",
			       said),
			 1);
	assert_non_null(strstr(said, "no listener has TLS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_association_fits_one_entry_in_all),
		cmocka_unit_test(an_entry_that_binds_nothing_fits_nobody),
		cmocka_unit_test(sop_classes_and_move_originators_are_judged),
		cmocka_unit_test(entries_that_one_association_could_fit_are_refused),
		cmocka_unit_test(different_ae_titles_separate_entries),
		cmocka_unit_test(entries_that_no_listener_serves_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
