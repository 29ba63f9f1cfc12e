/*
 * A whole association's process, from the A-ASSOCIATE-RQ to the end, over a script of
 * what the modality and the PACS send (script.h). The transports are in memory and the
 * clock is the script's; the auditor takes every record. CMakeLists.txt says which
 * functions are put in the place of the program's.
 *
 * Beside crashes, leaks and endless loops it looks for broken promises: a success or
 * warning without a durable record of a forwarded instance, a bug that the program itself
 * reports, and an end without a last word.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "association/internal.h"
#include "cathgate/audit/client.h"
#include "fuzz.h"
#include "script.h"

/* DCMTK forgets an item of the user information that it finds broken. The process that
 * leaks it serves one association only. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libdcmnet.so";
}

#define CALLS_MAX   200000
#define RESPONSE_TO 0x8000

static struct {
	struct script script;
	int fds[SCRIPT_SIDES];
	bool is_forced[SCRIPT_SIDES]; /* it may read though the other's turn has come */
	int64_t now_us;
	unsigned calls;
	unsigned forwarded, told; /* instances recorded as such; successes said */
	bool has_last_word;
} world;

/* A loop that never waits is an endless one: each call below counts. */
static void count_call(void)
{
	FUZZ_REQUIRE(++world.calls < CALLS_MAX);
}

/*
 * What the two sides send. A side's bytes are there when their turn has come, or when the
 * process waits for nothing else.
 */

static struct script_step *step_for(enum script_side side)
{
	struct script_step *next = script_next(&world.script);

	if (next && next->seconds == 0 && next->side == side)
		return next;
	if (next && !world.is_forced[side])
		return NULL;
	return script_next_of(&world.script, side);
}

/* The script has ended, or this side has nothing more to say: its connection ends. */
static bool has_ended(enum script_side side)
{
	return !script_next(&world.script) ||
	       (world.is_forced[side] && !script_next_of(&world.script, side));
}

static bool is_readable(enum script_side side)
{
	return step_for(side) || has_ended(side);
}

/* As recv(2): 0 at the end, -1 with EAGAIN. */
static ssize_t take(enum script_side side, void *buffer, size_t size, bool is_peek)
{
	struct script_step *step = step_for(side);
	size_t left;

	if (!step && has_ended(side))
		return 0;
	if (!step) {
		errno = EAGAIN;
		return -1;
	}
	if (step->is_close)
		return 0;
	left = step->size - step->used;
	if (size > left)
		size = left;
	memcpy(buffer, step->bytes + step->used, size);
	if (is_peek)
		return (ssize_t)size;
	step->used += size;
	step->is_over = step->used == step->size;
	if (step->is_over)
		world.is_forced[side] = false;
	return (ssize_t)size;
}

/*
 * The transports.
 */

struct stream {
	enum script_side side;
	int fd;
	const struct waiter *waiter;
	uint64_t taken;
};

static ssize_t stream_read(void *context, void *buffer, size_t size)
{
	struct stream *stream = context;

	for (;;) {
		ssize_t count;

		count_call();
		count = take(stream->side, buffer, size, false);
		if (count > 0)
			stream->taken += (uint64_t)count;
		if (count >= 0 || errno != EAGAIN)
			return count;
		if (stream->waiter->wait(stream->waiter->context, stream->fd, POLLIN) !=
		    0) {
			errno = ECANCELED;
			return -1;
		}
	}
}

static ssize_t stream_peek(void *context, void *buffer, size_t size)
{
	struct stream *stream = context;

	count_call();
	return take(stream->side, buffer, size, true);
}

static uint64_t stream_taken(void *context)
{
	struct stream *stream = context;

	return stream->taken;
}

/* The status of a C-STORE-RSP in a PDU, or -1. The gateway writes a response in one. */
static int status_of(const uint8_t *pdu, size_t size)
{
	unsigned command = 0;
	int status = -1;

	if (size < 12 || pdu[0] != 0x04 || !(pdu[11] & 1))
		return -1;
	for (size_t at = 12; at + 8 <= size;) {
		size_t length = pdu[at + 4] | (size_t)pdu[at + 5] << 8;
		unsigned element = pdu[at + 2] | (unsigned)pdu[at + 3] << 8;

		if (at + 8 + length > size)
			break;
		if (element == 0x0100 && length == 2)
			command = pdu[at + 8] | (unsigned)pdu[at + 9] << 8;
		if (element == 0x0900 && length == 2)
			status = pdu[at + 8] | pdu[at + 9] << 8;
		at += 8 + length;
	}
	return command == (0x0001 | RESPONSE_TO) ? status : -1;
}

/* PS3.7 C: success, and warnings. */
static bool is_success(int status)
{
	return status == 0 || status == 1 || status == 0x0107 || status == 0x0116 ||
	       (status >= 0xb000 && status <= 0xbfff);
}

static int stream_write(void *context, const void *bytes, size_t size)
{
	struct stream *stream = context;

	count_call();
	if (stream->side == SCRIPT_MODALITY && is_success(status_of(bytes, size)))
		FUZZ_REQUIRE(++world.told <= world.forwarded);
	return 0;
}

static void stream_close(void *context)
{
	struct stream *stream = context;

	close(stream->fd);
	free(stream);
}

int __wrap_transport_plain(int fd, const struct waiter *waiter, struct transport *ret);
int __wrap_transport_plain(int fd, const struct waiter *waiter, struct transport *ret)
{
	struct stream *stream = malloc(sizeof(*stream));

	FUZZ_REQUIRE(stream != NULL);
	*stream = (struct stream){ .side = fd == world.fds[SCRIPT_PACS] ? SCRIPT_PACS
									: SCRIPT_MODALITY,
				   .fd = fd,
				   .waiter = waiter };
	*ret = (struct transport){ .fd = fd,
				   .context = stream,
				   .read = stream_read,
				   .write = stream_write,
				   .peek = stream_peek,
				   .taken = stream_taken,
				   .close = stream_close };
	return 0;
}

/* DCMTK sets options of the socket that it is given. */
static int new_fd(void)
{
	int pair[2];

	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	close(pair[1]);
	return pair[0];
}

/* The destination has one address, which can always be connected to. */
int __wrap_supervision_dial(void *context, struct leg *leg, size_t number,
			    struct outbound_call *ret);
int __wrap_supervision_dial(void *context, struct leg *leg, size_t number,
			    struct outbound_call *ret)
{
	(void)context;
	(void)leg;
	count_call();
	*ret = (struct outbound_call){
		.fd = -1, .signer = -1, .error = ENXIO, .count = 1
	};
	if (number == 0)
		ret->fd = world.fds[SCRIPT_PACS] = new_fd();
	return 0;
}

int __wrap_net_tune(int fd);
int __wrap_net_tune(int fd)
{
	(void)fd;
	return 0;
}

/*
 * Time passes where the script says so, and where there is nothing else to wait for.
 */

int64_t __wrap_clock_us(void);
int64_t __wrap_clock_us(void)
{
	return world.now_us;
}

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
	return world.now_us / 1000;
}

static int side_of(int fd)
{
	for (int side = 0; side < SCRIPT_SIDES; side++)
		if (fd >= 0 && fd == world.fds[side])
			return side;
	return -1;
}

static int look_at(struct pollfd *fds, nfds_t count)
{
	int ready = 0;

	for (nfds_t i = 0; i < count; i++) {
		int side = side_of(fds[i].fd);

		fds[i].revents = 0;
		if (side < 0)
			continue;
		fds[i].revents = fds[i].events & POLLOUT;
		if (is_readable((enum script_side)side))
			fds[i].revents |= fds[i].events & POLLIN;
		if (has_ended((enum script_side)side))
			fds[i].revents |= fds[i].events & POLLRDHUP;
		ready += fds[i].revents != 0;
	}
	return ready;
}

static void force_one(const struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++) {
		int side = side_of(fds[i].fd);

		if (side >= 0 && fds[i].events & (POLLIN | POLLRDHUP)) {
			world.is_forced[side] = true;
			return;
		}
	}
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct script_step *step = script_next(&world.script);
	int ready = look_at(fds, count);

	count_call();
	if (ready > 0 || timeout == 0)
		return ready;
	if (step && step->seconds > 0) {
		world.now_us += step->seconds * INT64_C(1000000);
		step->is_over = true;
		if (timeout > 0 && step->seconds * INT64_C(1000) >= timeout)
			return 0;
	}
	force_one(fds, count);
	ready = look_at(fds, count);
	if (ready == 0)
		world.now_us += (timeout > 0 ? timeout : 1000) * INT64_C(1000);
	return ready;
}

/*
 * The supervisor grants every place, the auditor takes every record.
 */

int __wrap_supervision_ask_place(struct association *association, enum reason *ret_reason,
				 uint8_t *ret_rejection_reason);
int __wrap_supervision_ask_place(struct association *association, enum reason *ret_reason,
				 uint8_t *ret_rejection_reason)
{
	(void)ret_reason;
	(void)ret_rejection_reason;
	association->supervision.has_place = true;
	return 0;
}

int __wrap_supervision_listen(struct association *association);
int __wrap_supervision_listen(struct association *association)
{
	(void)association;
	return 0;
}

int __wrap_audit_begin(int channel, const struct audit_record *instance);
int __wrap_audit_begin(int channel, const struct audit_record *instance)
{
	(void)channel;
	FUZZ_REQUIRE(instance->event == AUDIT_INSTANCE && !world.has_last_word);
	return 0;
}

int __wrap_audit_last_fragment(int channel);
int __wrap_audit_last_fragment(int channel)
{
	(void)channel;
	return 0;
}

enum audit_taken __wrap_audit_submit(int channel, const struct audit_record *record,
				     int timeout_ms);
enum audit_taken __wrap_audit_submit(int channel, const struct audit_record *record,
				     int timeout_ms)
{
	(void)channel;
	(void)timeout_ms;
	FUZZ_REQUIRE(!world.has_last_word);
	FUZZ_REQUIRE(memchr(record->detail, 0, sizeof(record->detail)) != NULL);
	if (record->event == AUDIT_INSTANCE && record->outcome == AUDIT_FORWARDED) {
		FUZZ_REQUIRE(is_success(record->status) && record->sha256[0]);
		world.forwarded++;
	}
	if (record->event == AUDIT_ASSOCIATION && record->outcome != AUDIT_ACCEPTED)
		world.has_last_word = true;
	return AUDIT_DURABLE;
}

void __wrap_log_bug(const char *format, ...);
void __wrap_log_bug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}

void __wrap_log_error(const char *format, ...);
void __wrap_log_error(const char *format, ...)
{
	(void)format;
}

void __wrap_log_warning(const char *format, ...);
void __wrap_log_warning(const char *format, ...)
{
	(void)format;
}

void __wrap_log_info(const char *format, ...);
void __wrap_log_info(const char *format, ...)
{
	(void)format;
}

/* One entry, which fits script.c's A-ASSOCIATE-RQ. */
static const struct config *configuration(unsigned flags)
{
	static struct ae_title modality = { "MODALITY" }, pacs = { "PACS" };
	static struct config_modality entry = { .name = "angio",
						.ae_titles = { &modality, 1 },
						.called_ae_titles = { &pacs, 1 },
						.certificate = { .none = true },
						.idle_seconds = 60,
						.max_associations = 4 };
	static struct config_destination destination = {
		.name = "pacs", .host = "127.0.0.1", .port = 104, .tls = { .none = true }
	};
	static struct config config = {
		.gateway_name = "fuzz",
		.modalities = &entry,
		.modality_count = 1,
		.destinations = &destination,
		.destination_count = 1,
		.limits = { .max_object_bytes = 65536,
			    .handshake_seconds = 10,
			    .associate_seconds = 10,
			    .idle_seconds = 60,
			    .store_seconds = 60,
			    .min_bytes_per_second = 1,
			    .connect_seconds = 10,
			    .response_seconds = 30,
			    .grace_seconds = 10 },
	};

	strcpy(destination.called_ae_title.text, "ARCHIVE");
	entry.echo = flags & 1 ? CONFIG_ECHO_DESTINATION : CONFIG_ECHO_GATEWAY;
	entry.user_identity_pass = flags & 2;
	config.limits.max_pdu_bytes = flags & 4 ? 4096 : 131072;
	return &config;
}

/* The first byte chooses the configuration, the rest is the script. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static bool has_begun;
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr = { 0x0100007f } };
	struct association_start start = { .clients = (struct tls_context *[]){ NULL } };

	if (size < 1)
		return 0;
	if (!has_begun)
		ul_init();
	has_begun = true;
	memset(&world, 0, sizeof(world));
	world.now_us = 1000000;
	script_read(bytes + 1, size - 1, &world.script);
	world.fds[SCRIPT_PACS] = -1;
	world.fds[SCRIPT_MODALITY] = start.socket = new_fd();
	start.config = configuration(bytes[0]);
	start.supervisor = new_fd();
	start.auditor = new_fd();
	start.accepted_ms = world.now_us / 1000;
	memcpy(&start.peer, &peer, sizeof(peer));
	memcpy(start.id, "0123456789abcdef", sizeof(start.id));
	FUZZ_REQUIRE(association_run(&start) == 0);
	FUZZ_REQUIRE(world.has_last_word);
	script_clear(&world.script);
	return 0;
}
