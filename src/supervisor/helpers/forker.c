#include "supervisor/helpers/forker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/association/association.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/digest.h"
#include "cathgate/base/log.h"
#include "cathgate/courier/courier.h"
#include "cathgate/dicom/upper_layer.h"
#include "cathgate/process/process.h"
#include "cathgate/sandbox/sandbox.h"
#include "cathgate/spool/sealed.h"
#include "supervisor/settings/settings.h"

#define FILE_OVERHEAD ((rlim_t)1 << 20) /* header and command set, with room to spare */
#define FILE_LEAST    ((rlim_t)1 << 30)

static const struct role association = { .name = "cathgated-assoc" };
static const struct role courier = { .name = "cathgated-deliv" };

struct forker {
	int channel;
	pid_t supervisor;
	const struct config *config;
	struct tls_context **servers, **clients;
	struct spool_public spool; /* suite 0: there is none */
	struct sandbox_program *own, *association, *courier;
};

/* OpenSSL reads its configuration file at its first use, and the C library the time zone.
 * An association's process opens no files. */
static void init_libraries(void)
{
	tzset();
	digest_free(digest_new());
	spool_init();
	ul_init();
}

/* The one file that an association's process writes to is an object of the spool. One
 * that has been taken over can't fill the disk with it. (Its standard error may be a
 * file, too, and is not to end early.) */
static void limit_files(const struct config *config)
{
	rlim_t most = (rlim_t)config->limits.max_object_bytes;
	struct rlimit limit;

	most += most / SPOOL_SEGMENT_SIZE * SPOOL_TAG_SIZE + FILE_OVERHEAD;
	if (most < FILE_LEAST)
		most = FILE_LEAST;
	limit = (struct rlimit){ most, most };
	signal(SIGXFSZ, SIG_IGN); /* EFBIG instead */
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		log_warning("the size of files can't be limited: %s", strerror(errno));
}

MUST_USE static int prepare(struct forker *forker, const uint8_t *more, size_t size)
{
	const struct config *config = forker->config;

	forker->servers = calloc(config->listen_count + 1, sizeof(*forker->servers));
	forker->clients = calloc(config->destination_count + 1, sizeof(*forker->clients));
	if (!forker->servers || !forker->clients)
		return -1;
	init_libraries();
	if (size < sizeof(forker->spool))
		return -1;
	memcpy(&forker->spool, more, sizeof(forker->spool));
	more += sizeof(forker->spool);
	size -= sizeof(forker->spool);
	if (settings_take_tls(config, more, size, forker->servers, forker->clients) != 0)
		return -1;
	limit_files(config);
	forker->own = sandbox_prepare(SANDBOX_FORKER);
	forker->association = sandbox_prepare(SANDBOX_ASSOCIATION);
	forker->courier = sandbox_prepare(SANDBOX_COURIER);
	return forker->own && forker->association && forker->courier
		       ? sandbox_enter(forker->own, NULL, 0)
		       : -1;
}

static void forget(struct forker *forker)
{
	for (size_t i = 0; forker->servers && i < forker->config->listen_count; i++)
		tls_context_free(forker->servers[i]);
	for (size_t i = 0; forker->clients && i < forker->config->destination_count; i++)
		tls_context_free(forker->clients[i]);
	sandbox_free(forker->own);
	sandbox_free(forker->association);
	sandbox_free(forker->courier);
	free(forker->servers);
	free(forker->clients);
}

/* The process ends in here. */
__attribute__((noreturn)) static void become_association(struct forker *forker,
							 const struct forker_order *order,
							 const int *came, size_t count)
{
	struct association_start start = {
		.config = forker->config,
		.server = forker->servers[order->listener],
		.clients = forker->clients,
		.socket = came[FORKER_SOCKET],
		.supervisor = came[FORKER_NOTICES],
		.auditor = came[FORKER_AUDITOR],
		.signer = count > FORKER_SIGNER ? came[FORKER_SIGNER] : -1,
		.peer = order->peer,
		.accepted_ms = order->accepted_ms,
		.spool = forker->spool.suite ? &forker->spool : NULL,
		.sandbox = forker->association,
	};

	memcpy(start.id, order->id, sizeof(start.id));
	role_exit(association_run(&start));
}

__attribute__((noreturn)) static void become_courier(struct forker *forker,
						     const struct forker_order *order,
						     const int *came)
{
	struct courier_start start = {
		.config = forker->config,
		.destination = &forker->config->destinations[order->destination],
		.client = forker->clients[order->destination],
		.supervisor = came[FORKER_COURIER_NOTICES],
		.auditor = came[FORKER_COURIER_AUDITOR],
		.spooler = came[FORKER_COURIER_SPOOLER],
		.keeper = came[FORKER_COURIER_KEEPER],
		.sandbox = forker->courier,
	};

	memcpy(start.id, order->id, sizeof(start.id));
	role_exit(courier_run(&start));
}

/* Whether it can be, with what came along. */
static bool is_sound(const struct forker *forker, const struct forker_order *order,
		     size_t count)
{
	if (order->is_courier)
		return order->destination < forker->config->destination_count &&
		       count == FORKER_COURIER_DESCRIPTORS;
	return order->listener < forker->config->listen_count &&
	       count == (forker->servers[order->listener] ? FORKER_DESCRIPTORS
							  : FORKER_SIGNER);
}

MUST_USE static struct forker_answer fork_one(struct forker *forker,
					      const struct forker_order *order,
					      const int *came, size_t count)
{
	pid_t pid;

	if (!is_sound(forker, order, count))
		return (struct forker_answer){ .error = EINVAL };
	pid = role_fork(order->is_courier ? &courier : &association, forker->supervisor,
			came, count);
	if (pid == 0 && order->is_courier)
		become_courier(forker, order, came);
	if (pid == 0)
		become_association(forker, order, came, count);
	return pid > 0 ? (struct forker_answer){ .pid = pid }
		       : (struct forker_answer){ .error = errno };
}

MUST_USE static int answer(const struct forker *forker, const struct forker_answer *what)
{
	return send(forker->channel, what, sizeof(*what), MSG_NOSIGNAL) ==
			       (ssize_t)sizeof(*what)
		       ? 0
		       : -1;
}

/* One order: 0, or -1 when the supervisor is gone. */
MUST_USE static int obey(struct forker *forker)
{
	struct forker_order order;
	struct forker_answer made;
	int came[FORKER_DESCRIPTORS];
	size_t count;
	ssize_t size = descriptors_receive(forker->channel, &order, sizeof(order), came,
					   FORKER_DESCRIPTORS, &count, 0);

	if (size != (ssize_t)sizeof(order))
		return -1;
	made = fork_one(forker, &order, came, count);
	for (size_t i = 0; i < count; i++)
		close(came[i]);
	return answer(forker, &made);
}

int forker_run(int channel, const struct config *config, const uint8_t *more, size_t size)
{
	static const struct forker_answer ready = { .pid = FORKER_READY };
	struct forker forker = { .channel = channel,
				 .supervisor = getppid(),
				 .config = config };
	int status = 1;

	if (prepare(&forker, more, size) != 0) {
		log_error("the forker can't begin: no memory, or no sandbox");
	} else if (answer(&forker, &ready) == 0) {
		while (obey(&forker) == 0)
			continue;
		status = 0;
	}
	forget(&forker);
	return status;
}
