/* Goal: what one side proposes and the other answers passes through exactly, but for what
 * must not. */
#include "upper_layer_sides.h"

static void more_roles(struct pdu *pdu)
{
	put_role(pdu, PRIVATE_CLASS, 0, 1);
	put_role(pdu, XA_IMAGE, 1, 1);
	put_user_identity(pdu, 2, "joe", "secret");
}

static void a_proposal_is_shown_as_it_came(void **state)
{
	struct ul_requestor requestor;
	struct ul_proposal proposal;
	struct ul_association *in;

	(void)state;
	build_request(16384, more_roles);
	in = accept_request();
	ul_requestor(in, &requestor);
	assert_string_equal(requestor.calling.text, "CATHLAB3");
	assert_string_equal(requestor.called.text, "CATHGATE");
	assert_string_equal(requestor.calling_text, "CATHLAB3");
	assert_string_equal(requestor.implementation_uid, MODALITY_UID);
	assert_string_equal(requestor.implementation_version, "MODALITY_7");
	assert_int_equal(requestor.user_identity, 2);

	assert_int_equal(ul_proposal_count(in), 3);
	ul_proposal(in, 0, &proposal);
	assert_int_equal(proposal.id, 1);
	assert_string_equal(proposal.abstract_syntax, XA_IMAGE);
	assert_false(proposal.scp_role_only);
	ul_proposal(in, 1, &proposal);
	assert_int_equal(proposal.id, 7);
	assert_string_equal(proposal.abstract_syntax, PRIVATE_CLASS);
	assert_true(proposal.scp_role_only);
	assert_int_equal(proposal.transfer_syntax_count, 2);
	assert_string_equal(ul_proposal_transfer_syntax(in, 1, 0), PRIVATE_SYNTAX);
	assert_string_equal(ul_proposal_transfer_syntax(in, 1, 1), IMPLICIT_LE);
	assert_null(ul_proposal_transfer_syntax(in, 1, 2));
	assert_int_equal(modality.hears.size, 0);
}

static void a_title_that_is_none_is_kept_for_the_records(void **state)
{
	struct ul_requestor requestor;
	struct ul_association *in;

	(void)state;
	build_request(16384, NULL);
	memcpy(request.bytes + 26, "  A\\B           ", 16);
	memcpy(request.bytes + 10, "                ", 16);
	in = accept_request();
	ul_requestor(in, &requestor);
	assert_string_equal(requestor.calling_text, "A\\B");
	assert_string_equal(requestor.calling.text, "");
	assert_string_equal(requestor.called_text, "");
	assert_string_equal(requestor.called.text, "");
}

static void an_answer_is_exact(void **state)
{
	static struct pdu expected;
	struct ul_association *in;
	size_t start, information;

	(void)state;
	build_request(16384, more_roles);
	in = accept_request();
	assert_int_equal(ul_answer(in, 9, UL_NO_REASON, NULL), -1);
	assert_int_equal(ul_answer(in, 1, UL_ACCEPTED, "1.2.3"), -1);
	assert_int_equal(ul_acknowledge(in, NULL), -1);
	assert_int_equal(modality.hears.size, 0);

	assert_int_equal(ul_answer(in, 1, UL_ACCEPTED, IMPLICIT_LE), 0);
	assert_int_equal(ul_answer(in, 7, UL_USER_REJECTION, NULL), 0);
	assert_int_equal(ul_answer(in, 3, UL_TRANSFER_SYNTAXES_NOT_SUPPORTED, NULL), 0);
	assert_int_equal(ul_acknowledge(in, NULL), 0);

	expected.size = 0;
	start = open_associate(&expected, 0x02, "CATHGATE", "CATHLAB3");
	put_context_answer(&expected, 1, 0, IMPLICIT_LE);
	put_context_answer(&expected, 7, 1, IMPLICIT_LE);
	put_context_answer(&expected, 3, 4, IMPLICIT_LE);
	information = open_item(&expected, 0x50);
	put_u32_item(&expected, 0x51, 131072);
	put_item(&expected, 0x52, "2.25.5753710948619639966414333522899309279");
	put_item(&expected, 0x55, "CATHGATE_0_1");
	close_item(&expected, information);
	close_pdu(&expected, start);
	assert_int_equal(modality.hears.size, expected.size);
	assert_memory_equal(modality.hears.bytes, expected.bytes, expected.size);

	assert_int_equal(ul_context_result(in, 1), UL_ACCEPTED);
	assert_string_equal(ul_context_transfer_syntax(in, 1), IMPLICIT_LE);
	assert_int_equal(ul_context_result(in, 7), UL_USER_REJECTION);
	assert_null(ul_context_abstract_syntax(in, 7));
	assert_int_equal(ul_context_result(in, 99), UL_NO_REASON);
}

/* The presentation contexts as bytes: from the first to the user information. */
static const uint8_t *contexts_of(const struct pdu *pdu, size_t *ret_size)
{
	size_t at = 74, begin;

	at += 4 + (size_t)(pdu->bytes[at + 2] << 8 | pdu->bytes[at + 3]);
	begin = at;
	while (pdu->bytes[at] == 0x20)
		at += 4 + (size_t)(pdu->bytes[at + 2] << 8 | pdu->bytes[at + 3]);
	*ret_size = at - begin;
	return pdu->bytes + begin;
}

static void proposals_arrive_identically(unsigned contexts, size_t syntaxes_each)
{
	const uint8_t *came, *went;
	size_t came_size, went_size, mended_size, start;
	const char *detail;
	uint8_t *mended;

	request.size = 0;
	start = open_associate(&request, 0x01, "CATHGATE", "CATHLAB3");
	for (unsigned i = 0; i < contexts; i++) {
		static char texts[60][UL_UID_SIZE];
		const char *syntaxes[60];
		char abstract_syntax[UL_UID_SIZE];

		for (size_t k = 0; k < syntaxes_each; k++) {
			snprintf(texts[k], UL_UID_SIZE, "1.2.840.10008.1.2.%u.%zu", i, k);
			syntaxes[k] = texts[k];
		}
		/* several contexts of one SOP class, ids from the top down */
		snprintf(abstract_syntax, sizeof(abstract_syntax), "2.25.1%020u.%u",
			 i / 3, i / 3);
		put_context(&request, 255 - 2 * i, abstract_syntax, syntaxes,
			    syntaxes_each);
	}
	close_item(&request, open_user_information(&request, 0));
	close_pdu(&request, start);

	start = open_associate(&pacs.says, 0x02, "PACS", "CATHLAB3");
	for (unsigned i = 0; i < contexts; i++) {
		char syntax[UL_UID_SIZE];

		snprintf(syntax, sizeof(syntax), "1.2.840.10008.1.2.%u.%zu", i,
			 syntaxes_each - 1);
		put_context_answer(&pacs.says, 255 - 2 * i, 0, syntax);
	}
	close_item(&pacs.says, open_user_information(&pacs.says, 0));
	close_pdu(&pacs.says, start);

	assert_int_equal(propose(accept_request(), false, NULL), UL_CONNECT_OK);
	assert_int_equal(ul_mend_request(pacs.hears.bytes, pacs.hears.size, &mended,
					 &mended_size, &detail),
			 UL_REQUEST_OK);
	free(mended);
	came = contexts_of(&request, &came_size);
	went = contexts_of(&pacs.hears, &went_size);
	assert_int_equal(came_size, went_size);
	assert_memory_equal(came, went, came_size);
	for (unsigned i = 0; i < contexts; i++) {
		char syntax[UL_UID_SIZE];

		snprintf(syntax, sizeof(syntax), "1.2.840.10008.1.2.%u.%zu", i,
			 syntaxes_each - 1);
		assert_string_equal(
			ul_context_transfer_syntax(pacs.ul, (uint8_t)(255 - 2 * i)),
			syntax);
	}
}

static void contexts_by_the_hundred_arrive_identically(void **state)
{
	(void)state;
	proposals_arrive_identically(128, 12);
}

static void syntaxes_by_the_dozen_arrive_identically(void **state)
{
	(void)state;
	proposals_arrive_identically(128, 60);
}

/* The even ones first, and the PACS accepts the odd ones. */
static struct ul_association *accept_every_id(void)
{
	size_t start;

	request.size = 0;
	start = open_associate(&request, 0x01, "CATHGATE", "CATHLAB3");
	for (unsigned i = 0; i < UL_CONTEXT_IDS; i++)
		put_context(&request, i * 2 % 256 + i / 128, XA_IMAGE, echo_syntaxes, 1);
	close_item(&request, open_user_information(&request, 0));
	close_pdu(&request, start);

	start = open_associate(&pacs.says, 0x02, "PACS", "CATHLAB3");
	for (unsigned id = 1; id < UL_CONTEXT_IDS; id += 2)
		put_context_answer(&pacs.says, id, 0, IMPLICIT_LE);
	close_item(&pacs.says, open_user_information(&pacs.says, 0));
	close_pdu(&pacs.says, start);
	return accept_request();
}

/* An even id is no id: it is answered here, and the PACS hears nothing of it. */
static void each_id_has_its_answer(void **state)
{
	static bool odd[UL_CONTEXT_IDS];
	const struct ul_proposer how = { .like = accept_every_id(),
					 .propose = odd,
					 .calling = { "CATHLAB3" },
					 .called = { "PACS" } };
	struct ul_rejection rejection;
	struct ul_proposal proposal;

	(void)state;
	assert_int_equal(ul_proposal_count(how.like), UL_CONTEXT_IDS);
	for (size_t i = 0; i < UL_CONTEXT_IDS; i++) {
		ul_proposal(how.like, i, &proposal);
		odd[proposal.id] = proposal.abstract_syntax[0] != '\0';
		assert_int_equal(odd[proposal.id], proposal.id % 2);
	}
	assert_int_equal(ul_connect(&pacs.transport, &how, &pacs.ul, &rejection),
			 UL_CONNECT_OK);
	for (unsigned id = 0; id < UL_CONTEXT_IDS; id++) {
		enum ul_result result = ul_context_result(pacs.ul, (uint8_t)id);

		assert_int_equal(result, id % 2 ? UL_ACCEPTED : UL_NO_REASON);
		assert_int_equal(ul_answer(modality.ul, (uint8_t)id, result,
					   id % 2 ? IMPLICIT_LE : NULL),
				 0);
	}
	assert_int_equal(ul_acknowledge(modality.ul, pacs.ul), 0);
	for (unsigned id = 0; id < UL_CONTEXT_IDS; id++) {
		const uint8_t head[] = { (uint8_t)id, 0, id % 2 ? 0 : 2, 0, 0x40 };

		assert_non_null(find_bytes(&modality.hears, head, sizeof(head)));
	}
}

static void what_is_not_proposed_stays_here(void **state)
{
	const bool some[UL_CONTEXT_IDS] = { [1] = true };
	struct ul_proposer how = { .propose = some,
				   .calling = { "CATHLAB3" },
				   .called = { "PACS" } };
	struct ul_rejection rejection;

	(void)state;
	build_request(16384, NULL);
	build_answer(16384, NULL);
	how.like = accept_request();
	assert_int_equal(ul_connect(&pacs.transport, &how, &pacs.ul, &rejection),
			 UL_CONNECT_OK);
	assert_true(says_text(&pacs.hears, XA_IMAGE));
	assert_false(says_text(&pacs.hears, PRIVATE_CLASS));
	assert_int_equal(offered_maximum(&pacs.hears), 4096); /* DCMTK's least */
	/* answered, but never asked */
	assert_int_equal(ul_context_result(pacs.ul, 7), UL_NO_REASON);
	assert_null(ul_context_transfer_syntax(pacs.ul, 7));
}

/* An acceptor that answers oddly. */
static void odd_answers_count_for_nothing(void **state)
{
	size_t start;

	(void)state;
	build_request(16384, NULL);
	start = open_associate(&pacs.says, 0x02, "PACS", "CATHLAB3");
	put_context_answer(&pacs.says, 1, 0, "1.2.840.10008.1.2.4.70"); /* not offered */
	put_context_answer(&pacs.says, 1, 0, EXPLICIT_LE);		/* again */
	put_context_answer(&pacs.says, 99, 0, EXPLICIT_LE);		/* not asked */
	put_context_answer(&pacs.says, 3, 77, IMPLICIT_LE);		/* no result */
	close_item(&pacs.says, open_user_information(&pacs.says, 0));
	close_pdu(&pacs.says, start);
	assert_int_equal(propose(accept_request(), false, NULL), UL_CONNECT_OK);
	assert_int_equal(ul_context_result(pacs.ul, 1), UL_NO_REASON);
	assert_int_equal(ul_context_result(pacs.ul, 3), UL_NO_REASON);
	assert_int_equal(ul_context_result(pacs.ul, 7), UL_NO_REASON);
	assert_int_equal(ul_context_result(pacs.ul, 99), UL_NO_REASON);
}

static void more_of_everything(struct pdu *pdu)
{
	put_role(pdu, XA_IMAGE, 1, 1);
	put_extended(pdu, XA_IMAGE, "\2\1\3\1\2\1");
	put_extended(pdu, "1.2.3.4", "nobody asked");
	put_user_identity(pdu, 1, "joe", "");
}

static void more_answers(struct pdu *pdu)
{
	size_t item;

	put_extended(pdu, XA_IMAGE, "\1\1\1");
	item = open_item(pdu, 0x59);
	put_field(pdu, "ticket");
	close_item(pdu, item);
}

static void each_side_sees_the_other(void **state)
{
	(void)state;
	build_request(16384, more_of_everything);
	build_answer(16384, more_answers);
	assert_int_equal(propose(accept_request(), true, NULL), UL_CONNECT_OK);
	assert_true(says_text(&pacs.hears, MODALITY_UID));
	assert_true(says_text(&pacs.hears, "MODALITY_7"));
	assert_true(says_text(&pacs.hears, XA_IMAGE "\2\1\3\1\2\1"));
	assert_false(says_text(&pacs.hears, "nobody asked"));
	assert_true(says_text(&pacs.hears, "joe"));
	assert_null(find_bytes(&pacs.hears, "\x54\0\0", 3)); /* no role */

	answer_all(modality.ul);
	assert_int_equal(ul_acknowledge(modality.ul, pacs.ul), 0);
	assert_true(says_text(&modality.hears, PACS_UID));
	assert_true(says_text(&modality.hears, "PACS_9"));
	assert_true(says_text(&modality.hears, XA_IMAGE "\1\1\1"));
	assert_true(says_text(&modality.hears, "ticket"));
	assert_null(find_bytes(&modality.hears, "\x54\0\0", 3));
}

static unsigned identity_type;

static void more_identity(struct pdu *pdu)
{
	put_user_identity(pdu, identity_type, "who", identity_type == 2 ? "secret" : "");
}

static void secrets_are_not_passed_on(void **state)
{
	static const bool passed[] = { [1] = true, [4] = true, [5] = true };

	for (unsigned type = 1; type <= 9; type++) {
		for (int pass = 0; pass < 2; pass++) {
			struct ul_requestor requestor;

			setup(state);
			identity_type = type;
			build_request(16384, more_identity);
			build_answer(16384, NULL);
			assert_int_equal(propose(accept_request(), pass, NULL),
					 UL_CONNECT_OK);
			assert_int_equal(says_text(&pacs.hears, "who"),
					 pass && type <= 5 && passed[type]);
			assert_false(says_text(&pacs.hears, "secret"));
			ul_requestor(modality.ul, &requestor);
			assert_int_equal(requestor.user_identity, type <= 5 ? type : 0);
			teardown(state);
		}
	}
	setup(state);
}

static void what_fits_in_is_never_split(void **state)
{
	static const struct {
		uint32_t pacs, offered;
	} maxima[] = {
		{ 0, 131066 },	  { 131072, 131066 }, { 4000000, 131066 },
		{ 16384, 16378 }, { 16385, 16378 },   { 4096, 4090 },
		{ 4095, 4096 },	  { 14, 4096 },
	};

	for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
		static uint8_t fragment[131072];
		struct ul_pdv pdv = { 1, false, true, fragment, maxima[i].offered - 6 };

		setup(state);
		establish_both(maxima[i].pacs);
		assert_int_equal(offered_maximum(&modality.hears), maxima[i].offered);
		forget(&pacs);
		assert_int_equal(ul_write(pacs.ul, &pdv), 0);
		if (maxima[i].pacs == 0 || maxima[i].pacs >= 4096)
			assert_int_equal(pacs.hears.size, 12 + pdv.size);
		teardown(state);
	}
	setup(state);
}

/* Whatever the proof lets pass, DCMTK takes, without a leak or a wrong byte. */
static void what_is_proved_is_taken(void **state)
{
	static const uint8_t values[] = { 0, 1, 2, 4, 5, 0x20, 0x40, 0x54, 0xff };

	(void)state;
	build_request(16384, more_of_everything);
	for (size_t i = 0; i < request.size; i++) {
		uint8_t kept = request.bytes[i];

		for (size_t v = 0; v < sizeof(values); v++) {
			const char *detail;
			uint8_t *mended;
			size_t size;

			request.bytes[i] = values[v];
			if (ul_mend_request(request.bytes, request.size, &mended, &size,
					    &detail) != UL_REQUEST_OK)
				continue;
			modality.ul = ul_accept(&modality.transport, mended, size, 16384,
						&detail);
			free(mended);
			if (!modality.ul && !strstr(detail, "rejected with 1/"))
				fail_msg("byte %zu, %02x: %s", i, values[v], detail);
			ul_free(modality.ul);
			modality.ul = NULL;
			forget(&modality);
		}
		request.bytes[i] = kept;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_proposal_is_shown_as_it_came),
		TEST(a_title_that_is_none_is_kept_for_the_records),
		TEST(an_answer_is_exact),
		TEST(contexts_by_the_hundred_arrive_identically),
		TEST(syntaxes_by_the_dozen_arrive_identically),
		TEST(each_id_has_its_answer),
		TEST(what_is_not_proposed_stays_here),
		TEST(odd_answers_count_for_nothing),
		TEST(each_side_sees_the_other),
		TEST(secrets_are_not_passed_on),
		TEST(what_fits_in_is_never_split),
		TEST(what_is_proved_is_taken),
	};

	ul_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
