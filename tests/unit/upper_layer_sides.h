/*
 * Both sides of an association as tapes: what a peer says is written beforehand, what it
 * hears is looked at afterwards. Each test begins with two that have said nothing.
 */
#ifndef CATHGATE_TESTS_UPPER_LAYER_SIDES_H
#define CATHGATE_TESTS_UPPER_LAYER_SIDES_H

#include "cathgate/dicom/upper_layer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "pdu_builder.h"

#define PRIVATE_SYNTAX "2.25.99.1"
#define PACS_UID       "1.2.276.0.99.2"
#define NEVER	       ((size_t)-1)

/* One side of an association with its tape. */
struct side {
	struct pdu says, hears;
	size_t told, step; /* given to the reader so far; at most so much at once */
	ssize_t end;	   /* what follows: 0 the peer closes, -1 the waiter gives up */
	size_t deaf_after; /* bytes; then each write fails */
	unsigned writes;
	int sockets[2]; /* for DCMTK to set options on */
	struct transport transport;
	struct ul_association *ul;
};

static inline ssize_t side_read(void *context, void *buffer, size_t size)
{
	struct side *side = context;
	size_t left = side->says.size - side->told;

	if (left == 0) {
		errno = EINTR; /* a stale one must not make DCMTK try for ever */
		return side->end;
	}
	size = size < left ? size : left;
	size = size < side->step ? size : side->step;
	memcpy(buffer, side->says.bytes + side->told, size);
	side->told += size;
	return (ssize_t)size;
}

static inline int side_write(void *context, const void *bytes, size_t size)
{
	struct side *side = context;
	size_t room = side->deaf_after - side->hears.size;

	side->writes++;
	if (side->deaf_after != NEVER && size > room) {
		put(&side->hears, bytes, room);
		errno = EINTR;
		return -1;
	}
	put(&side->hears, bytes, size);
	return 0;
}

static inline ssize_t side_peek(void *context, void *buffer, size_t size)
{
	struct side *side = context;

	if (side->told == side->says.size) {
		errno = EAGAIN;
		return side->end;
	}
	assert_true(size >= 1);
	memcpy(buffer, side->says.bytes + side->told, 1);
	return 1;
}

static inline void side_open(struct side *side)
{
	side->says.size = side->hears.size = side->told = 0;
	side->step = 1000;
	side->end = 0;
	side->deaf_after = NEVER;
	side->writes = 0;
	side->ul = NULL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, side->sockets), 0);
	side->transport = (struct transport){ .fd = side->sockets[0],
					      .context = side,
					      .read = side_read,
					      .write = side_write,
					      .peek = side_peek };
}

static inline void side_close(struct side *side)
{
	ul_free(side->ul);
	side->ul = NULL;
	close(side->sockets[0]);
	close(side->sockets[1]);
}

static inline void forget(struct side *side)
{
	side->hears.size = 0;
	side->writes = 0;
}

static struct side modality, pacs;

static inline int setup(void **state)
{
	(void)state;
	side_open(&modality);
	side_open(&pacs);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	side_close(&modality);
	side_close(&pacs);
	return 0;
}

/* The request that most tests begin with. */

static const char *const xa_syntaxes[] = { EXPLICIT_LE, IMPLICIT_LE };
static const char *const private_syntaxes[] = { PRIVATE_SYNTAX, IMPLICIT_LE };
static const char *const echo_syntaxes[] = { IMPLICIT_LE };

static inline void put_contexts(struct pdu *pdu)
{
	put_context(pdu, 1, XA_IMAGE, xa_syntaxes, 2);
	put_context(pdu, 7, PRIVATE_CLASS, private_syntaxes, 2);
	put_context(pdu, 3, VERIFICATION, echo_syntaxes, 1);
}

static struct pdu request;

static inline void build_request(uint32_t maximum, void (*more)(struct pdu *))
{
	size_t start, information;

	request.size = 0;
	start = open_associate(&request, 0x01, "CATHGATE", "CATHLAB3");
	put_contexts(&request);
	information = open_user_information(&request, maximum);
	if (more)
		more(&request);
	close_item(&request, information);
	close_pdu(&request, start);
}

static inline struct ul_association *accept_request(void)
{
	const char *detail = NULL;
	uint8_t *mended;
	size_t size;

	assert_int_equal(
		ul_mend_request(request.bytes, request.size, &mended, &size, &detail),
		UL_REQUEST_OK);
	modality.ul = ul_accept(&modality.transport, mended, size, 131072, &detail);
	free(mended);
	if (!modality.ul)
		fail_msg("%s", detail);
	return modality.ul;
}

static inline void answer_all(struct ul_association *in)
{
	assert_int_equal(ul_answer(in, 1, UL_ACCEPTED, EXPLICIT_LE), 0);
	assert_int_equal(ul_answer(in, 7, UL_ACCEPTED, PRIVATE_SYNTAX), 0);
	assert_int_equal(ul_answer(in, 3, UL_ABSTRACT_SYNTAX_NOT_SUPPORTED, NULL), 0);
}

static inline struct ul_association *establish_in(uint32_t maximum)
{
	struct ul_association *in;

	build_request(maximum, NULL);
	in = accept_request();
	answer_all(in);
	assert_int_equal(ul_acknowledge(in, NULL), 0);
	forget(&modality);
	return in;
}

static inline void build_answer(uint32_t maximum, void (*more)(struct pdu *))
{
	size_t start = open_associate(&pacs.says, 0x02, "PACS", "CATHLAB3"), information;

	put_context_answer(&pacs.says, 1, 0, EXPLICIT_LE);
	put_context_answer(&pacs.says, 7, 0, PRIVATE_SYNTAX);
	put_context_answer(&pacs.says, 3, 3, IMPLICIT_LE);
	information = open_item(&pacs.says, 0x50);
	put_u32_item(&pacs.says, 0x51, maximum);
	put_item(&pacs.says, 0x52, PACS_UID);
	put_item(&pacs.says, 0x55, "PACS_9");
	if (more)
		more(&pacs.says);
	close_item(&pacs.says, information);
	close_pdu(&pacs.says, start);
}

static inline enum ul_connect_fault propose(const struct ul_association *like,
					    bool identity, struct ul_rejection *rejection)
{
	static const bool all[UL_CONTEXT_IDS] = { [0 ... UL_CONTEXT_IDS - 1] = true };
	const struct ul_proposer how = { .like = like,
					 .propose = all,
					 .calling = { "CATHLAB3" },
					 .called = { "PACS" },
					 .max_pdu = 131072,
					 .pass_user_identity = identity };
	struct ul_rejection none;

	return ul_connect(&pacs.transport, &how, &pacs.ul, rejection ? rejection : &none);
}

/* Both sides, the PACS with that maximum. */
static inline void establish_both(uint32_t maximum)
{
	build_request(16384, NULL);
	build_answer(maximum, NULL);
	assert_int_equal(propose(accept_request(), false, NULL), UL_CONNECT_OK);
	answer_all(modality.ul);
	assert_int_equal(ul_acknowledge(modality.ul, pacs.ul), 0);
}

static inline const uint8_t *find_bytes(const struct pdu *in, const void *bytes,
					size_t size)
{
	return memmem(in->bytes, in->size, bytes, size);
}

static inline uint32_t offered_maximum(const struct pdu *pdu)
{
	const uint8_t *at = find_bytes(pdu, "\x51\0\0\4", 4);

	assert_non_null(at);
	return (uint32_t)at[4] << 24 | (uint32_t)at[5] << 16 | (uint32_t)at[6] << 8 |
	       at[7];
}

static inline bool says_text(const struct pdu *pdu, const char *text)
{
	return find_bytes(pdu, text, strlen(text)) != NULL;
}

#define BYTES(text) text, sizeof(text) - 1
#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
