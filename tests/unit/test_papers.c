/* Goal: an association is told of a new set with all that concerns it, or is told again
 * later: without the new trust it would keep the old, and a revoked peer with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "supervisor/gate/gate.h"
#include "tls/internal.h"

static unsigned made, fails_at; /* 0: never */

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);

int __wrap_memfd_create(const char *name, unsigned flags)
{
	if (++made != fails_at)
		return __real_memfd_create(name, flags);
	errno = EMFILE;
	return -1;
}

/* What came, a bit each; 0 when nothing did. */
static unsigned received(int channel)
{
	struct association_notice notice = { 0 };
	int came[ASSOCIATION_PAPER_COUNT];
	size_t count;
	ssize_t size = descriptors_receive(channel, &notice, sizeof(notice), came,
					   ASSOCIATION_PAPER_COUNT, &count, MSG_DONTWAIT);

	for (size_t i = 0; i < count; i++)
		close(came[i]);
	return size == (ssize_t)sizeof(notice) ? notice.papers : 0;
}

static void all_or_none_is_brought(void **state)
{
	struct tls_context context = { .ssl_ctx = SSL_CTX_new(TLS_server_method()),
				       .server = true };
	struct tls_context *contexts[] = { &context, &context };
	struct config_modality modality = { .name = "angio" };
	struct config_destination destination = { .name = "pacs", .host = "pacs.test" };
	struct config_listen listen[2] = { { .port = 1 }, { .port = 2 } };
	struct config config = { .modalities = &modality,
				 .modality_count = 1,
				 .destinations = &destination,
				 .destination_count = 1,
				 .listen = listen,
				 .listen_count = 2 };
	struct net_addresses addresses = { .count = 0 };
	struct settings settings = { .config = &config,
				     .servers = contexts,
				     .clients = contexts,
				     .addresses = &addresses };
	struct gate *gate = calloc(1, sizeof(*gate));
	struct place first = { .listener = 0 }, second = { .listener = 1 };
	int pair[2];

	(void)state;
	assert_non_null(gate);
	assert_non_null(context.ssl_ctx);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	gate->settings = &settings;
	gate->edition = 1;
	first.channel = second.channel = pair[0];
	assert_true(papers_bring(gate, &first));
	assert_int_equal(received(pair[1]), (1 << ASSOCIATION_PAPER_COUNT) - 1);
	fails_at = made + 1; /* the other listener's trust: the rest is there */
	assert_false(papers_bring(gate, &second));
	assert_int_equal(received(pair[1]), 0);
	assert_int_equal(second.edition, 0);
	assert_true(papers_bring(gate, &second));
	assert_int_equal(received(pair[1]), (1 << ASSOCIATION_PAPER_COUNT) - 1);
	assert_int_equal(second.edition, 1);
	papers_free(gate);
	SSL_CTX_free(context.ssl_ctx);
	close(pair[0]);
	close(pair[1]);
	free(gate);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_none_is_brought),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
