/* Goal: what DCMTK gets to parse is a whole and consistent A-ASSOCIATE-RQ. What is wrong
 * costs its context or its item alone; what could mean two things costs the request, and
 * each such fault is told apart. None costs memory or a wait. */
#include "cathgate/dicom/upper_layer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pdu_builder.h"

static const char *const two_syntaxes[] = { EXPLICIT_LE, IMPLICIT_LE };

static void put_good_context(struct pdu *pdu)
{
	put_context(pdu, 1, XA_IMAGE, two_syntaxes, 2);
}

static void put_good_user_information(struct pdu *pdu)
{
	close_item(pdu, open_user_information(pdu, 16384));
}

/* Items whose lengths are right, but for what the case is about. */

static void no_context(struct pdu *pdu)
{
	put_good_user_information(pdu);
}

static void even_id(struct pdu *pdu)
{
	put_context(pdu, 2, XA_IMAGE, two_syntaxes, 2);
	put_good_user_information(pdu);
}

static void same_id_twice(struct pdu *pdu)
{
	put_good_context(pdu);
	put_good_context(pdu);
	put_good_user_information(pdu);
}

static void no_transfer_syntax(struct pdu *pdu)
{
	put_context(pdu, 1, XA_IMAGE, two_syntaxes, 0);
	put_good_user_information(pdu);
}

static void no_abstract_syntax(struct pdu *pdu)
{
	size_t item = open_item(pdu, 0x20);

	put_u32(pdu, 0x01000000);
	put_item(pdu, 0x40, IMPLICIT_LE);
	close_item(pdu, item);
	put_good_user_information(pdu);
}

static void two_abstract_syntaxes(struct pdu *pdu)
{
	size_t item = open_item(pdu, 0x20);

	put_u32(pdu, 0x01000000);
	put_item(pdu, 0x30, XA_IMAGE);
	put_item(pdu, 0x30, VERIFICATION);
	put_item(pdu, 0x40, IMPLICIT_LE);
	close_item(pdu, item);
	put_good_user_information(pdu);
}

static void short_context(struct pdu *pdu)
{
	size_t item = open_item(pdu, 0x20);

	put_u8(pdu, 1);
	close_item(pdu, item);
	put_good_user_information(pdu);
}

static void syntax_leads_out_of_context(struct pdu *pdu)
{
	size_t item = open_item(pdu, 0x20);

	put_u32(pdu, 0x01000000);
	put_item(pdu, 0x30, XA_IMAGE);
	put_u8(pdu, 0x40);
	put_u8(pdu, 0);
	put_u16(pdu, 200);
	put_text(pdu, IMPLICIT_LE);
	close_item(pdu, item);
	put_good_user_information(pdu);
}

#define UID_64 "1.2.3456789012345678901234567890123456789012345678901234567890.1"

static void long_uid(struct pdu *pdu)
{
	put_context(pdu, 1, UID_64 "0", two_syntaxes, 2);
	put_good_user_information(pdu);
}

static void empty_uid(struct pdu *pdu)
{
	put_context(pdu, 1, "", two_syntaxes, 2);
	put_good_user_information(pdu);
}

static void uid_of_letters(struct pdu *pdu)
{
	put_context(pdu, 1, "1.2.x", two_syntaxes, 2);
	put_good_user_information(pdu);
}

static void one_of_two_contexts(struct pdu *pdu)
{
	put_context(pdu, 3, "1.2.x", two_syntaxes, 1);
	put_good_context(pdu);
	put_good_user_information(pdu);
}

static void transfer_syntaxes(struct pdu *pdu)
{
	static const char *const syntaxes[] = { "1.2.x", EXPLICIT_LE, UID_64 "0", "",
						IMPLICIT_LE };

	put_context(pdu, 1, XA_IMAGE, syntaxes, 5);
	put_good_user_information(pdu);
}

static void no_good_transfer_syntax(struct pdu *pdu)
{
	static const char *const syntaxes[] = { "1.2.x", UID_64 "0" };

	put_context(pdu, 1, XA_IMAGE, syntaxes, 2);
	put_good_user_information(pdu);
}

static void padded_uids(struct pdu *pdu)
{
	static const char *const syntaxes[] = { EXPLICIT_LE " ", UID_64 " " };

	put_context(pdu, 1, XA_IMAGE " ", syntaxes, 2);
	put_good_user_information(pdu);
}

static void unknown_syntax_item(struct pdu *pdu)
{
	size_t item = open_item(pdu, 0x20);

	put_u32(pdu, 0x01ffffff);
	put_item(pdu, 0x77, "what is this");
	put_item(pdu, 0x40, IMPLICIT_LE);
	put_item(pdu, 0x30, XA_IMAGE);
	close_item(pdu, item);
	put_good_user_information(pdu);
}

/* As long as an item can be, and what it lacks makes it longer. */
static void context_that_grows(struct pdu *pdu)
{
	size_t item = open_item(pdu, 0x20);

	put_u32(pdu, 0x01000000);
	for (size_t left = 65531; left > 0;) {
		char uid[] = UID_64;

		if (left < 4 + 64)
			uid[left - 4] = '\0';
		else if (left < 4 + 64 + 5)
			uid[60] = '\0';
		put_item(pdu, 0x40, uid);
		left -= 4 + strlen(uid);
	}
	close_item(pdu, item);
	put_good_user_information(pdu);
}

static void context_answer(struct pdu *pdu)
{
	put_good_context(pdu);
	put_context_answer(pdu, 3, 0, IMPLICIT_LE);
	put_good_user_information(pdu);
}

static void second_application_context(struct pdu *pdu)
{
	put_item(pdu, 0x10, APPLICATION_CONTEXT);
	put_good_context(pdu);
	put_good_user_information(pdu);
}

static void no_user_information(struct pdu *pdu)
{
	put_good_context(pdu);
}

static void two_user_informations(struct pdu *pdu)
{
	put_good_context(pdu);
	put_good_user_information(pdu);
	put_good_user_information(pdu);
}

static void application_context_of_letters(struct pdu *pdu)
{
	pdu->size -= 4 + strlen(APPLICATION_CONTEXT);
	put_item(pdu, 0x10, "DICOM");
	put_good_context(pdu);
	put_good_user_information(pdu);
}

static void padded_application_context(struct pdu *pdu)
{
	pdu->size -= 4 + strlen(APPLICATION_CONTEXT);
	put_item(pdu, 0x10, APPLICATION_CONTEXT " ");
	put_good_context(pdu);
	put_good_user_information(pdu);
}

static void no_maximum_length(struct pdu *pdu)
{
	put_good_context(pdu);
	put_item(pdu, 0x50, "");
}

static void maximum_length_of(struct pdu *pdu, uint32_t maximum)
{
	put_good_context(pdu);
	close_item(pdu, open_user_information(pdu, maximum));
}

static void maximum_too_small(struct pdu *pdu)
{
	maximum_length_of(pdu, 13);
}

static void maximum_smallest(struct pdu *pdu)
{
	maximum_length_of(pdu, 14);
}

static void maximum_unlimited(struct pdu *pdu)
{
	maximum_length_of(pdu, 0);
}

/* A good request with one more user item; the case fills it. */
static size_t open_good_user_information(struct pdu *pdu)
{
	put_good_context(pdu);
	return open_user_information(pdu, 16384);
}

static void raw_user_item(struct pdu *pdu, unsigned type, const char *bytes, size_t size)
{
	size_t information = open_good_user_information(pdu);
	size_t item = open_item(pdu, type);

	put(pdu, bytes, size);
	close_item(pdu, item);
	close_item(pdu, information);
}

#define RAW(name, type, bytes)                                      \
	static void name(struct pdu *pdu)                           \
	{                                                           \
		raw_user_item(pdu, type, bytes, sizeof(bytes) - 1); \
	}

RAW(maximum_of_three_bytes, 0x51, "\0\1\2")
RAW(second_maximum, 0x51, "\0\0\x40\0")
RAW(second_implementation, 0x52, "1.2.3")
RAW(empty_implementation, 0x52, "")
RAW(role_of_letters, 0x54,
    "\0\3"
    "1.x"
    "\1\1")
RAW(extended_of_letters, 0x56,
    "\0\3"
    "1.x"
    "\1\1")
RAW(padded_role, 0x54,
    "\0\4"
    "1.2 "
    "\0\1")
RAW(padded_extended, 0x56,
    "\0\4"
    "1.2\0"
    "\5\6")
RAW(window, 0x53, "\0\1\0\1")
RAW(window_of_three_bytes, 0x53, "\0\1\0")
RAW(role_without_roles, 0x54,
    "\0\3"
    "1.2")
RAW(role_with_long_uid, 0x54,
    "\0\x9"
    "1.2"
    "\1\1")
RAW(version_too_long, 0x55,
    "12345678901234567890123456789012345678901234567890123456789012345")
RAW(version_of_17, 0x55, "12345678901234567")
RAW(extended_with_long_uid, 0x56,
    "\0\x20"
    "1.2.3")
RAW(extended, 0x56,
    "\0\5"
    "1.2.3"
    "\2\0\0\1\0\0")
RAW(common_extended, 0x57,
    "\0\5"
    "1.2.3"
    "\0\3"
    "1.2"
    "\0\0")
RAW(common_extended_cut, 0x57,
    "\0\5"
    "1.2.3"
    "\0\3"
    "1.2"
    "\0\x8")
RAW(identity, 0x58,
    "\1\1\0\3"
    "joe"
    "\0\0")
RAW(identity_with_passcode, 0x58,
    "\2\0\0\3"
    "joe"
    "\0\2"
    "pw")
RAW(identity_with_stray_field, 0x58,
    "\1\1\0\3"
    "joe"
    "\0\2"
    "pw")
RAW(identity_cut, 0x58,
    "\1\1\0\3"
    "joe"
    "\0\4")
RAW(identity_with_remainder, 0x58,
    "\1\1\0\3"
    "joe"
    "\0\0"
    "x")
RAW(identity_of_nothing, 0x58, "")
RAW(identity_answer, 0x59, "\0\0")
RAW(unknown_user_item, 0x5f, "what is this")

static void two_identities(struct pdu *pdu)
{
	size_t information = open_good_user_information(pdu);

	put_user_identity(pdu, 1, "joe", "");
	put_user_identity(pdu, 2, "joe", "pw");
	close_item(pdu, information);
}

static void user_item_leads_out(struct pdu *pdu)
{
	size_t information = open_good_user_information(pdu);

	put_u8(pdu, 0x53);
	put_u8(pdu, 0);
	put_u16(pdu, 4);
	close_item(pdu, information);
	put_u32(pdu, 0);
}

static void item_leads_out(struct pdu *pdu)
{
	put_good_context(pdu);
	put_good_user_information(pdu);
	put_u8(pdu, 0x42);
	put_u8(pdu, 0);
	put_u16(pdu, 1);
}

static void stray_bytes(struct pdu *pdu)
{
	put_good_context(pdu);
	put_good_user_information(pdu);
	put_u16(pdu, 0);
}

static void good(struct pdu *pdu)
{
	put_good_context(pdu);
	put_good_user_information(pdu);
}

static void good_in_another_order(struct pdu *pdu)
{
	put_good_user_information(pdu);
	put_item(pdu, 0x42, "an unknown item");
	put_context(pdu, 255, PRIVATE_CLASS, two_syntaxes, 1);
	put_context(pdu, 1, UID_64, two_syntaxes, 2);
}

static void good_with_role(struct pdu *pdu)
{
	size_t information = open_good_user_information(pdu);

	put_role(pdu, XA_IMAGE, 0, 1);
	close_item(pdu, information);
}

static void good_and_large(struct pdu *pdu)
{
	const char *syntaxes[60];

	for (size_t i = 0; i < 60; i++)
		syntaxes[i] = UID_64;
	for (unsigned id = 1; id < 256; id += 2)
		put_context(pdu, id, UID_64, syntaxes, 60);
	put_good_user_information(pdu);
}

#define APPLICATION "10=" APPLICATION_CONTEXT " "
#define CONTEXT	    "[1 40=" EXPLICIT_LE " 40=" IMPLICIT_LE " 30=" XA_IMAGE " ] "
#define USER	    "( 51=00004000 52=" MODALITY_UID " 55=MODALITY_7 "
#define REFUSED	    APPLICATION "[1 40=" EXPLICIT_LE " 40=" IMPLICIT_LE " 30= ] "
#define GOOD	    APPLICATION CONTEXT USER ")"

static const struct request_case {
	const char *name;
	void (*items)(struct pdu *pdu);
	const char
		*becomes; /* how what DCMTK gets begins; NULL: the request is refused */
	const char *says; /* part of the detail then */
} cases[] = {
	{ "good", good, GOOD, NULL },
	{ "another order", good_in_another_order,
	  APPLICATION "[255 40=" EXPLICIT_LE " 30=" PRIVATE_CLASS " ] [1 ", NULL },
	{ "role", good_with_role, APPLICATION CONTEXT USER "54=" XA_IMAGE "+2 )", NULL },
	{ "128 contexts of 60 syntaxes", good_and_large, APPLICATION "[1 40=", NULL },
	{ "maximum 0", maximum_unlimited, APPLICATION CONTEXT "( 51=00000000 ", NULL },
	{ "maximum 14", maximum_smallest, APPLICATION CONTEXT "( 51=0000000e ", NULL },
	{ "window", window, GOOD, NULL },
	{ "version of 17", version_of_17, GOOD, NULL },
	{ "extended negotiation", extended, APPLICATION CONTEXT USER "56=1.2.3+6 )",
	  NULL },
	{ "common extended negotiation", common_extended, GOOD, NULL },
	{ "user identity", identity, APPLICATION CONTEXT USER "58=", NULL },
	{ "passcode", identity_with_passcode, APPLICATION CONTEXT USER "58=", NULL },
	{ "unknown user item", unknown_user_item, GOOD, NULL },

	/* one context is refused */
	{ "even id", even_id,
	  APPLICATION "[2 40=" EXPLICIT_LE " 40=" IMPLICIT_LE " 30= ]", NULL },
	{ "no transfer syntax", no_transfer_syntax,
	  APPLICATION "[1 30=" XA_IMAGE " 40= ] ", NULL },
	{ "no good transfer syntax", no_good_transfer_syntax,
	  APPLICATION "[1 30=" XA_IMAGE " 40= ] ", NULL },
	{ "some transfer syntaxes", transfer_syntaxes, GOOD, NULL },
	{ "no abstract syntax", no_abstract_syntax,
	  APPLICATION "[1 40=" IMPLICIT_LE " 30= ] ", NULL },
	{ "two abstract syntaxes", two_abstract_syntaxes,
	  APPLICATION "[1 40=" IMPLICIT_LE " 30= ] ", NULL },
	{ "UID of 65", long_uid, REFUSED, NULL },
	{ "empty UID", empty_uid, REFUSED, NULL },
	{ "UID of letters", uid_of_letters, REFUSED, NULL },
	{ "one of two contexts", one_of_two_contexts,
	  APPLICATION "[3 40=" EXPLICIT_LE " 30= ] " CONTEXT, NULL },

	/* left out */
	{ "padded UIDs", padded_uids,
	  APPLICATION "[1 40=" EXPLICIT_LE " 40=" UID_64 " 30=" XA_IMAGE " ] ", NULL },
	{ "unknown item in a context", unknown_syntax_item,
	  APPLICATION "[1 40=" IMPLICIT_LE " 30=" XA_IMAGE " ] ", NULL },
	{ "context answer", context_answer, GOOD, NULL },
	{ "two application contexts", second_application_context, GOOD, NULL },
	{ "padded role", padded_role, APPLICATION CONTEXT USER "54=1.2+2 )", NULL },
	{ "padded extended", padded_extended, APPLICATION CONTEXT USER "56=1.2+2 )",
	  NULL },
	{ "application context of letters", application_context_of_letters,
	  CONTEXT USER ")", NULL },
	{ "padded application context", padded_application_context, GOOD, NULL },
	{ "no user information", no_user_information, APPLICATION CONTEXT "( )", NULL },
	{ "two user informations", two_user_informations, GOOD, NULL },
	{ "no maximum", no_maximum_length, APPLICATION CONTEXT "( )", NULL },
	{ "two maxima", second_maximum, GOOD, NULL },
	{ "maximum of 3 bytes", maximum_of_three_bytes, GOOD, NULL },
	{ "two implementations", second_implementation, GOOD, NULL },
	{ "empty implementation", empty_implementation, GOOD, NULL },
	{ "window of 3 bytes", window_of_three_bytes, GOOD, NULL },
	{ "role without roles", role_without_roles, GOOD, NULL },
	{ "role, long UID", role_with_long_uid, GOOD, NULL },
	{ "role, letters", role_of_letters, GOOD, NULL },
	{ "version of 65", version_too_long, GOOD, NULL },
	{ "extended, long UID", extended_with_long_uid, GOOD, NULL },
	{ "extended, letters", extended_of_letters, GOOD, NULL },
	{ "common extended, cut", common_extended_cut, GOOD, NULL },
	{ "identity answer", identity_answer, GOOD, NULL },

	/* the request is refused */
	{ "no context", no_context, NULL, "no presentation context" },
	{ "same id", same_id_twice, NULL, "same id" },
	{ "short context", short_context, NULL, "shorter than its head" },
	{ "syntax out of context", syntax_leads_out_of_context, NULL,
	  "longer than its pres" },
	{ "context that grows", context_that_grows, NULL, "context is too long" },
	{ "maximum 13", maximum_too_small, NULL, "no room" },
	{ "identity, cut", identity_cut, NULL, "user identity do not add up" },
	{ "identity, remainder", identity_with_remainder, NULL,
	  "user identity do not add up" },
	{ "identity, stray field", identity_with_stray_field, NULL, "secondary field" },
	{ "identity of nothing", identity_of_nothing, NULL, "shorter than its head" },
	{ "two identities", two_identities, NULL, "two user identities" },
	{ "user item leads out", user_item_leads_out, NULL,
	  "longer than the user inform" },
	{ "item leads out", item_leads_out, NULL, "longer than the request" },
	{ "stray bytes", stray_bytes, NULL, "longer than the request" },
};

static void build(struct pdu *pdu, const struct request_case *c)
{
	size_t start;

	pdu->size = 0;
	start = open_associate(pdu, 0x01, "CATHGATE", "CATHLAB3");
	c->items(pdu);
	close_pdu(pdu, start);
}

/* A copy without room behind it, so that the sanitizer sees a byte too many. */
static enum ul_request_fault mend(const uint8_t *bytes, size_t size, uint8_t **ret,
				  size_t *ret_size, const char **detail)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	enum ul_request_fault fault;

	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, bytes, size);
	*detail = NULL;
	*ret = NULL;
	*ret_size = 0;
	fault = ul_mend_request(copy, size, ret, ret_size, detail);
	free(copy);
	return fault;
}

static enum ul_request_fault check(const uint8_t *bytes, size_t size, const char **detail)
{
	uint8_t *mended;
	size_t mended_size;
	enum ul_request_fault fault = mend(bytes, size, &mended, &mended_size, detail);

	free(mended);
	return fault;
}

static size_t describe_items(const uint8_t *items, size_t size, char *text, size_t at,
			     size_t room)
{
	for (size_t i = 0; i + 4 <= size;) {
		size_t length = (size_t)items[i + 2] << 8 | items[i + 3];
		const uint8_t *body = items + i + 4;

		assert_true(i + 4 + length <= size);
		if (items[i] == 0x20) {
			at += (size_t)snprintf(text + at, room - at, "[%u ", body[0]);
			at = describe_items(body + 4, length - 4, text, at, room);
			at += (size_t)snprintf(text + at, room - at, "] ");
		} else if (items[i] == 0x50) {
			at += (size_t)snprintf(text + at, room - at, "( ");
			at = describe_items(body, length, text, at, room);
			at += (size_t)snprintf(text + at, room - at, ")");
		} else if (items[i] == 0x51) {
			at += (size_t)snprintf(text + at, room - at,
					       "51=%02x%02x%02x%02x ", body[0], body[1],
					       body[2], body[3]);
		} else if (items[i] == 0x54 || items[i] == 0x56) {
			/* its class, and how much else */
			at += (size_t)snprintf(text + at, room - at, "%x=%.*s+%zu ",
					       items[i], body[1], (const char *)body + 2,
					       length - 2 - body[1]);
		} else {
			at += (size_t)snprintf(text + at, room - at, "%x=%.*s ", items[i],
					       (int)length, (const char *)body);
		}
		i += 4 + length;
	}
	return at;
}

static void check_mended(const struct request_case *c, const uint8_t *mended, size_t size)
{
	static char text[1024 * 1024];
	const char *detail;
	uint8_t *again;
	size_t again_size;

	text[0] = '\0';
	describe_items(mended + 74, size - 74, text, 0, sizeof(text));
	if (strncmp(text, c->becomes, strlen(c->becomes)) != 0)
		fail_msg("%s: became %.500s", c->name, text);
	assert_int_equal(mend(mended, size, &again, &again_size, &detail), UL_REQUEST_OK);
	assert_int_equal(again_size, size);
	free(again);
}

static void each_case_is_mended_or_its_fault_named(void **state)
{
	static struct pdu pdu;
	const char *detail;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum ul_request_fault fault;
		uint8_t *mended;
		size_t size;

		build(&pdu, &cases[i]);
		fault = mend(pdu.bytes, pdu.size, &mended, &size, &detail);
		if (cases[i].becomes && fault != UL_REQUEST_OK)
			fail_msg("%s: refused: %s", cases[i].name, detail);
		if (cases[i].becomes)
			check_mended(&cases[i], mended, size);
		else if (fault != UL_REQUEST_MALFORMED || !strstr(detail, cases[i].says))
			fail_msg("%s: fault %d, %s", cases[i].name, (int)fault,
				 detail ? detail : "no detail");
		free(mended);
	}
}

static void a_cut_request_is_never_good(void **state)
{
	static const struct request_case bare = { .items = no_user_information };
	static struct pdu pdu;
	const char *detail;
	size_t bare_size;

	(void)state;
	build(&pdu, &bare);
	bare_size = pdu.size;
	build(&pdu, &cases[0]);
	for (size_t size = 0; size < pdu.size; size++) {
		assert_int_not_equal(check(pdu.bytes, size, &detail), UL_REQUEST_OK);
		assert_non_null(detail);
	}
	/* Likewise with a head that says so, but for one without user information. */
	for (size_t size = 6; size < pdu.size; size++) {
		static struct pdu honest;

		honest = pdu;
		honest.size = size;
		close_pdu(&honest, 0);
		assert_int_equal(check(honest.bytes, size, &detail),
				 size == bare_size ? UL_REQUEST_OK
						   : UL_REQUEST_MALFORMED);
	}
}

/* Any byte may be anything: no crash, and the sanitizers stay silent. */
static void any_byte_may_be_wrong(void **state)
{
	static struct pdu pdu;
	const char *detail;

	(void)state;
	build(&pdu, &cases[11]); /* a user identity */
	for (size_t i = 0; i < pdu.size; i++) {
		uint8_t kept = pdu.bytes[i];

		for (unsigned value = 0; value < 256; value++) {
			pdu.bytes[i] = (uint8_t)value;
			check(pdu.bytes, pdu.size, &detail);
		}
		pdu.bytes[i] = kept;
	}
}

/* A stream in memory that gives a few bytes at a time, then closes or fails. */
struct tape {
	const uint8_t *at;
	size_t left, step;
	ssize_t end;
};

static ssize_t tape_read(void *context, void *buffer, size_t size)
{
	struct tape *tape = context;

	if (tape->left == 0) {
		errno = ECANCELED;
		return tape->end;
	}
	if (size > tape->step)
		size = tape->step;
	if (size > tape->left)
		size = tape->left;
	memcpy(buffer, tape->at, size);
	tape->at += size;
	tape->left -= size;
	return (ssize_t)size;
}

static enum ul_request_fault read_from(struct tape *tape, uint8_t **ret, size_t *ret_size,
				       const char **detail)
{
	struct transport transport = { .fd = -1, .context = tape, .read = tape_read };

	*ret = NULL;
	*detail = NULL;
	return ul_read_request(&transport, ret, ret_size, detail);
}

static void a_request_is_read_in_any_pieces(void **state)
{
	static struct pdu pdu;

	(void)state;
	build(&pdu, &cases[0]);
	put_text(&pdu, "what follows stays in the stream");
	for (size_t step = 1; step < 80; step++) {
		struct tape tape = { pdu.bytes, pdu.size, step, 0 };
		const char *detail;
		uint8_t *request;
		size_t size = 0;

		assert_int_equal(read_from(&tape, &request, &size, &detail),
				 UL_REQUEST_OK);
		assert_int_equal(tape.left, 32);
		assert_int_equal(size, pdu.size - 32);
		free(request);
	}
}

static void a_lost_request_is_lost(void **state)
{
	static struct pdu pdu;

	(void)state;
	build(&pdu, &cases[0]);
	for (size_t size = 0; size < pdu.size; size++) {
		struct tape tape = { pdu.bytes, size, 50, size % 2 ? 0 : -1 };
		const char *detail;
		uint8_t *request;
		size_t request_size;

		assert_int_equal(read_from(&tape, &request, &request_size, &detail),
				 UL_REQUEST_LOST);
		assert_non_null(detail);
		assert_null(request);
	}
}

static void the_first_bytes_decide(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum ul_request_fault fault;
		size_t taken;
	} heads[] = {
		{ "GET / HTTP/1.1\r\n", 16, UL_REQUEST_NOT_DICOM, 1 },
		{ "\x16\x03\x01\x02\0\1", 6, UL_REQUEST_NOT_DICOM, 1 },
		{ "\x04\0\0\0\0\4", 6, UL_REQUEST_NOT_DICOM, 1 },
		{ "\0", 1, UL_REQUEST_NOT_DICOM, 1 },
		{ "\x07\0\0\0\0\4\0\0\0\0", 10, UL_REQUEST_ABORTED, 1 },
		{ "\x01\0\xff\xff\xff\xff", 6, UL_REQUEST_MALFORMED, 6 },
		{ "\x01\0\0\x0c\0\0", 6, UL_REQUEST_MALFORMED, 6 },
		{ "\x01\0\0\0\0\x43", 6, UL_REQUEST_MALFORMED, 6 },
		{ "\x01\0\0\0\0\0", 6, UL_REQUEST_MALFORMED, 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct tape tape = { (const uint8_t *)heads[i].bytes, heads[i].size, 1,
				     0 };
		const char *detail;
		uint8_t *request;
		size_t size;

		assert_int_equal(read_from(&tape, &request, &size, &detail),
				 heads[i].fault);
		assert_int_equal(heads[i].size - tape.left, heads[i].taken);
		assert_non_null(detail);
		assert_null(request);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_is_mended_or_its_fault_named),
		cmocka_unit_test(a_cut_request_is_never_good),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(a_request_is_read_in_any_pieces),
		cmocka_unit_test(a_lost_request_is_lost),
		cmocka_unit_test(the_first_bytes_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
