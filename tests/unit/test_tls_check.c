/*
 * Goal: whatever is wrong with certificates, keys, CAs and CRLs is told before anybody
 * connects, with file, line and cure; what is right is not complained about.
 */
#include "tls_session.h"

#define ERROR	 CONFIG_ERROR
#define CALENDAR CONFIG_CALENDAR
#define WARNING	 CONFIG_WARNING

#define LISTENER(ours, kind, text)     \
	{                              \
		true, ours, kind, text \
	}
#define DESTINATION(ours, kind, text)   \
	{                               \
		false, ours, kind, text \
	}

static const struct fault_case {
	bool server;
	struct setting setting;
	enum config_fault_kind kind;
	const char *text; /* part of it */
} fault_cases[] = {
	LISTENER(OURS(.certificate = "missing"), ERROR,
		 "cathgate.conf:7: tls.certificate: can't open "),
	LISTENER(OURS(.certificate = "text"), ERROR, "certificate 1 can't be read"),
	LISTENER(OURS(.certificate = "gateway+text", .key = "gateway"), ERROR,
		 "certificate 2 can't be read"),
	LISTENER(OURS(.certificate = "der", .key = "gateway"), ERROR, "in DER form"),
	LISTENER(OURS(.key = "text"), ERROR, "holds no private key"),
	LISTENER(OURS(.key = "locked"), ERROR, "encrypted with a passphrase"),
	LISTENER(OURS(.key = "open"), ERROR, "(mode 0640); chmod 0400 it"),
	LISTENER(OURS(.key = "link"), ERROR, "(mode 0640); chmod 0400 it"),
	LISTENER(OURS(.key = "client"), ERROR, "isn't the key of the certificate"),
	LISTENER(OURS(.certificate = "client"), ERROR, "isn't for a TLS server"),
	DESTINATION(OURS(.certificate = "gateway"), ERROR, "isn't for a TLS client"),
	LISTENER(OURS(.certificate = "weak"), ERROR, "weak key (1024 bits)"),
	LISTENER(OURS(.certificate = "p224"), ERROR, "weak key (224 bits)"),
	LISTENER(OURS(.certificate = "sha1"), ERROR, "is signed with SHA1"),
	LISTENER(OURS(.certificate = "gateway+other", .key = "gateway"), ERROR,
		 "CN=other didn't sign the one before it"),
	LISTENER(OURS(.certificate = "brainpool"), ERROR, "on the curve brainpoolP256r1"),
	DESTINATION(OURS(.certificate = "mail"), ERROR, "isn't for a TLS client"),
	LISTENER(OURS(.certificate = "any"), WARNING, "is for any purpose, but doesn't"),
	LISTENER(OURS(.certificate = "any-no-sign"), ERROR, "isn't for a TLS server"),
	DESTINATION(OURS(.certificate = "brainpool-client"), ERROR,
		    "has a key on the curve brainpoolP256r1, which not every TLS"),
	DESTINATION(OURS(.certificate = "by-angio+angio", .key = "by-angio"), ERROR,
		    "CN=angio isn't a CA's (basicConstraints CA:TRUE), but signed"),
	LISTENER(OURS(.certificate = "gateway-old"), CALENDAR,
		 "CN=gateway-old expired on"),
	LISTENER(OURS(.certificate = "gateway-new"), CALENDAR, "isn't valid before"),
	LISTENER(OURS(.certificate = "gateway-soon"), WARNING, "expires on"),
	LISTENER(OURS(.ca = "old-root"), CALENDAR, "CN=old-root expired on"),
	LISTENER(OURS(.ca = "root+angio"), WARNING,
		 "CN=angio isn't a CA's (basicConstraints CA:TRUE), and no entry names"),
	/* Nobody could be let in. */
	LISTENER(OURS(.ca = "angio"), ERROR, "put there the CA that signed it, or name"),
	LISTENER(OURS(.ca = "brainpool", .named = "brainpool"), ERROR,
		 "has a key on the curve brainpoolP256r1"),
	/* What each handshake would refuse. */
	LISTENER(OURS(.ca = "root+server-ca"), WARNING,
		 "CN=server-ca is of a CA that may not sign for TLS clients"),
	LISTENER(OURS(.ca = "server-root"), ERROR, "may not sign for TLS clients"),
	DESTINATION(OURS(.ca = "client-root"), ERROR, "may not sign for TLS servers"),
	LISTENER(OURS(.ca = "root+strange-ca"), WARNING,
		 "CN=strange-ca holds a critical extension that isn't known"),
	LISTENER(OURS(.ca = "flat-root+below"), WARNING,
		 "CN=below stands below a CA that allows fewer"),
	LISTENER(OURS(.ca = "server-alone"), ERROR, "isn't for a TLS client"),
	LISTENER(OURS(.ca = "root+server-alone"), WARNING, "isn't for a TLS client"),
	LISTENER(OURS(.ca = "enciphers"), ERROR, "isn't for a TLS client"),
	LISTENER(OURS(.ca = "root+gateway", .named = "gateway"), WARNING,
		 "CN=gateway isn't for a TLS client"),
	LISTENER(OURS(.ca = "strange", .named = "strange"), ERROR,
		 "CN=strange holds a critical extension"),
	DESTINATION(OURS(.ca = "alone"), ERROR, "CN=alone isn't for a TLS server"),
	LISTENER(OURS(.ca = "root+sha1", .named = "sha1"), WARNING,
		 "CN=sha1 is signed with less than SHA-256"),
	LISTENER(OURS(.ca = "root+inter", .crl = { "inter" }), ERROR,
		 "there is no CRL of CN=root"),
	LISTENER(OURS(.ca = "root+sure-ca", .crl = { "root" }), ERROR,
		 "there is no CRL of CN=sure-ca"),
	LISTENER(OURS(.ca = "root+other", .crl = { "root" }), WARNING,
		 "if it is a device's own certificate, it needs none"),
	LISTENER(OURS(.ca = "vain"), WARNING, "can make certificates for any name"),
	LISTENER(OURS(.ca = "inter"), ERROR, "the CA that signed CN=inter isn't"),
	LISTENER(OURS(.crl = { "missing" }), ERROR, "tls.crl: can't open"),
	LISTENER(OURS(.crl = { "forged" }), ERROR,
		 "wasn't signed by the CA of that name"),
	LISTENER(OURS(.crl = { "root", "other" }), ERROR,
		 "the CRL of CN=other is of a CA"),
	LISTENER(OURS(.ca = "root+inter", .crl = { "root" }), ERROR,
		 "there is no CRL of CN=inter"),
	LISTENER(OURS(.crl = { "endless" }), ERROR, "has no nextUpdate"),
	LISTENER(OURS(.crl = { "root", "delta" }), ERROR, "is a delta CRL"),
	LISTENER(OURS(.crl = { "root", "critical" }), ERROR,
		 "holds a critical extension"),
	LISTENER(OURS(.crl = { "root", "indirect" }), ERROR, "is an indirect one"),
	LISTENER(OURS(.crl = { "root", "attributes" }), ERROR,
		 "is about attribute certificates only"),
	LISTENER(OURS(.crl = { "root", "reasons" }), ERROR, "for some reasons only"),
	LISTENER(OURS(.crl = { "cas" }), ERROR, "is about CAs' certificates only"),
	LISTENER(OURS(.ca = "root+inter", .crl = { "users", "inter" }), ERROR,
		 "says nothing of CN=inter"),
	LISTENER(OURS(.crl = { "point" }), WARNING, "name its distribution point"),
	LISTENER(OURS(.crl = { "stale" }), CALENDAR, "went stale on"),
	LISTENER(OURS(.crl = { "long", "stale" }), CALENDAR, "went stale on"),
	LISTENER(OURS(.crl = { "users-stale", "cas" }), CALENDAR, "went stale on"),
	LISTENER(OURS(.crl = { "users", "stale" }), CALENDAR, "went stale on"),
	LISTENER(OURS(.crl = { "later" }), CALENDAR, "isn't valid before"),
	LISTENER(OURS(.crl = { "clean", "later" }), WARNING,
		 "the one before it stays in force until then"),
	LISTENER(OURS(.crl = { "soon" }), WARNING, "goes stale on"),
};

static void test_each_fault_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(fault_cases); i++) {
		const struct fault_case *wanted = &fault_cases[i];
		struct config_faults faults = { 0 };
		struct tls_context *context = NULL;
		int rc = load(&wanted->setting, wanted->server, &context, &faults);
		bool found = false;

		for (size_t f = 0; f < faults.count; f++)
			found = found ||
				(faults.items[f].kind == wanted->kind &&
				 strstr(faults.items[f].text, wanted->text) != NULL);
		if (!found)
			fail_msg("case %zu: not \"%s\" but \"%s\"", i, wanted->text,
				 faults.count > 0 ? faults.items[0].text : "nothing");
		assert_int_equal(rc, wanted->kind == CONFIG_ERROR ? -1 : 0);
		assert_true((context != NULL) == (rc == 0));
		tls_context_free(context);
		config_faults_clear(&faults);
	}
}

static void test_good_ones_have_no_faults(void **state)
{
	static const struct setting good[] = {
		{ 0 },
		{ .key = "open", .certificate = "gateway", .credential = true },
		{ .ca = "root+inter", .crl = { "root", "inter" } },
		{ .ca = "root+alone" },
		{ .ca = "root+alone", .crl = { "root" } },
		{ .ca = "root+by-other", .named = "by-other", .crl = { "root" } },
		{ .crl = { "ahead" } },
		{ .crl = { "der" } },
		{ .crl = { "stale", "root" } },
		{ .crl = { "users" } },
		{ .crl = { "users", "cas" } },
		{ .crl = { "point", "root" } },
		{ .ca = "root+inter", .crl = { "cas", "inter" } },
		{ .certificate = "p384" },
		{ .certificate = "p521" },
		{ .certificate = "gateway+root", .key = "gateway" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		struct config_faults faults = { 0 };
		struct tls_context *context = NULL;

		load(&good[i], true, &context, &faults);
		if (faults.count > 0)
			fail_msg("case %zu: %s", i, faults.items[0].text);
		assert_non_null(context);
		tls_context_free(context);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_fault_is_named),
		cmocka_unit_test(test_good_ones_have_no_faults),
	};

	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
