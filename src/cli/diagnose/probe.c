#include "probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/dicom/command.h"
#include "cathgate/net/net.h"
#include "cathgate/dicom/upper_layer.h"
#include "cli/kit/keep.h"

#define ADDRESSES_MAX 8

static const char *const words[] = {
	[PROBE_NAME] = "name",
	[PROBE_CONNECTION] = "connection",
	[PROBE_TLS] = "tls",
	[PROBE_SERVER_NAME] = "server-name",
	[PROBE_CERTIFICATE] = "certificate",
	[PROBE_OWN_CERTIFICATE] = "own-certificate",
	[PROBE_ASSOCIATION] = "association",
	[PROBE_ECHO] = "echo",
};

const char *probe_step_name(enum probe_step step)
{
	return words[step];
}

/* A walk under way. */
struct walk {
	const struct probe *probe;
	enum probe_step next; /* that nobody was told of yet */
	bool failed;
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	size_t address_count, reached; /* the last: by a connection */
	int64_t end_ms;
	bool timed_out;
	struct waiter waiter;
	struct transport carrier;
	struct tls_peer peer;
	struct ul_association *ul;
};

static void tell(struct walk *walk, const struct probe_finding *finding)
{
	walk->probe->tell(walk->probe->tell_context, finding);
	walk->next = finding->step + 1;
}

static void skip_to(struct walk *walk, enum probe_step step, const char *why)
{
	while (walk->next < step)
		tell(walk, &(struct probe_finding){ .step = walk->next,
						    .result = PROBE_SKIPPED,
						    .what = why });
}

static void passed(struct walk *walk, enum probe_step step, const char *what)
{
	bool shows_peer = walk->probe->context != NULL &&
			  (step == PROBE_TLS || step == PROBE_CERTIFICATE);

	tell(walk, &(struct probe_finding){ .step = step,
					    .result = PROBE_PASSED,
					    .what = what,
					    .peer = shows_peer ? &walk->peer : NULL });
}

static bool failed(struct walk *walk, enum probe_step step, enum reason reason,
		   const char *what, const char *cure)
{
	skip_to(walk, step, "not judged: what comes below failed first");
	tell(walk, &(struct probe_finding){ .step = step,
					    .result = PROBE_FAILED,
					    .reason = reason,
					    .what = what,
					    .cure = cure });
	skip_to(walk, PROBE_STEP_COUNT, "not reached");
	return false;
}

static int wait_for(void *context, int fd, short events)
{
	struct walk *walk = context;
	struct pollfd one = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = walk->end_ms - clock_ms();
		int count = left > 0 ? poll(&one, 1, (int)left) : 0;

		if (count > 0)
			return 0;
		if (count < 0 && errno == EINTR)
			continue;
		walk->timed_out = count == 0;
		return -1;
	}
}

static void give_seconds(struct walk *walk, unsigned seconds)
{
	walk->timed_out = false;
	walk->end_ms = clock_ms() + (int64_t)seconds * 1000;
}

static const char *place_of(const struct walk *walk, const char *key)
{
	struct config_place place = config_place_of(
		walk->probe->config, &walk->probe->destination->place, key);

	return keep_format("`%s` (line %d of %s)", key, place.line, place.file);
}

/* Looks the name up, but not for longer than a connection may take. What is still under
 * way then writes to memory that stays. */
static int look_up(const struct walk *walk, struct addrinfo **ret)
{
	static struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	static char port[8];
	static struct gaicb request;
	struct gaicb *list[] = { &request };
	struct timespec most = { .tv_sec = walk->probe->config->limits.connect_seconds };

	snprintf(port, sizeof(port), "%u", walk->probe->destination->port);
	request = (struct gaicb){ .ar_name = walk->probe->destination->host,
				  .ar_service = port,
				  .ar_request = &hints };
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0)
		return EAI_AGAIN;
	for (int error; (error = gai_error(&request)) == EAI_INPROGRESS;)
		if (gai_suspend((const struct gaicb *const *)list, 1, &most) == EAI_AGAIN)
			return EAI_AGAIN;
	*ret = request.ar_result;
	return gai_error(&request);
}

static bool walk_name(struct walk *walk)
{
	const char *host = walk->probe->destination->host, *all = "";
	struct addrinfo *list = NULL;
	int error = look_up(walk, &list);

	for (struct addrinfo *a = error == 0 ? list : NULL; a; a = a->ai_next) {
		char text[ADDRESS_TEXT_SIZE];

		if (walk->address_count == ADDRESSES_MAX ||
		    (a->ai_family != AF_INET && a->ai_family != AF_INET6))
			continue;
		memcpy(&walk->addresses[walk->address_count], a->ai_addr, a->ai_addrlen);
		address_text(&walk->addresses[walk->address_count++], text);
		all = keep_format("%s%s%s", all, all[0] ? ", " : "", text);
	}
	if (error == 0)
		freeaddrinfo(list);
	if (walk->address_count > 0) {
		passed(walk, PROBE_NAME, keep_format("%s is %s", host, all));
		return true;
	}
	return failed(
		walk, PROBE_NAME, REASON_DESTINATION_UNREACHABLE,
		keep_format("the name %s has no address: %s", host,
			    error != 0 ? gai_strerror(error) : "none"),
		keep_format("correct %s, or write the PACS's address there; or mend "
			    "the name service of this machine (see: getent hosts %s)",
			    place_of(walk, "host"), host));
}

static const char *connection_cure(const struct walk *walk, int error)
{
	if (error == ECONNREFUSED)
		return keep_format("the machine is there, but nothing listens on that "
				   "port: is the PACS running, and is %s right?",
				   place_of(walk, "port"));
	if (error == ECANCELED)
		return keep_format(
			"nothing answers: a firewall between here and there, the "
			"machine is off, or %s is wrong",
			place_of(walk, "host"));
	return keep_format("this machine has no way there: see its network (ip route get "
			   "ADDRESS), and %s",
			   place_of(walk, "host"));
}

/* The socket; -1 after telling why. */
static int walk_connection(struct walk *walk)
{
	const char *what = "", *cure = "";
	unsigned seconds = walk->probe->config->limits.connect_seconds;
	int64_t end_ms = clock_ms() + (int64_t)seconds * 1000;

	for (size_t i = 0; i < walk->address_count; i++) {
		int64_t now_ms = clock_ms();
		char text[ADDRESS_TEXT_SIZE];
		int fd;

		walk->timed_out = false;
		walk->end_ms =
			now_ms + (end_ms - now_ms) / (int64_t)(walk->address_count - i);
		address_text(&walk->addresses[i], text);
		fd = net_connect(&walk->addresses[i], &walk->waiter);
		if (fd >= 0) {
			walk->reached = i;
			passed(walk, PROBE_CONNECTION, keep_format("to %s", text));
			return fd;
		}
		cure = connection_cure(walk, errno);
		what = keep_format("%s%s%s: %s", what, what[0] ? "; " : "", text,
				   errno == ECANCELED ? "no answer in time"
						      : strerror(errno));
	}
	failed(walk, PROBE_CONNECTION, REASON_DESTINATION_UNREACHABLE, what, cure);
	return -1;
}

static const char *date_of(time_t time)
{
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&time, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return keep_copy(text, strlen(text));
}

static const char *protection_of(const struct tls_peer *peer)
{
	return keep_format("%s, %s%s%s", peer->version, peer->cipher,
			   peer->group[0] ? ", " : "", peer->group);
}

/* What comes after the destination's own certificate is judged in this order: the chain
 * up to a CA, the name, then dates and revocation. */
static bool name_had_passed(const char *detail)
{
	return strncmp(detail, "tls-expired:", 12) == 0 ||
	       strncmp(detail, "tls-not-yet-valid:", 18) == 0 ||
	       strncmp(detail, "tls-revoked:", 12) == 0 ||
	       strncmp(detail, "tls-crl-", 8) == 0;
}

static bool tls_failed_at(struct walk *walk, const struct tls_failure *failure)
{
	const struct config_tls *tls = &walk->probe->destination->tls;
	enum probe_step step;
	const char *cure = probe_tls_cure(walk->probe, failure, &step);

	if (walk->next == PROBE_TLS &&
	    (step == PROBE_SERVER_NAME || step == PROBE_CERTIFICATE))
		tell(walk, &(struct probe_finding){ .step = PROBE_TLS,
						    .result = PROBE_PASSED,
						    .what = "the PACS speaks TLS" });
	if (step == PROBE_CERTIFICATE && name_had_passed(failure->detail))
		passed(walk, PROBE_SERVER_NAME,
		       keep_format("the certificate is for %s", tls->server_name));
	if (step < walk->next)
		step = walk->next;
	return failed(walk, step, failure->reason, keep_format("%s", failure->detail),
		      cure);
}

/* Whether a handshake succeeds without the post-quantum key exchange, where one with it
 * was met with silence or a hang-up. */
static bool answers_classic(struct walk *walk, const struct tls_failure *failure)
{
	struct tls_context *classic = walk->probe->classic;
	struct transport carrier = { 0 };
	struct tls_failure ignored;
	struct tls_peer peer = { 0 };
	int fd;

	if (!classic || (failure->reason != REASON_NONE &&
			 failure->reason != REASON_DESTINATION_LOST))
		return false;
	give_seconds(walk, walk->probe->config->limits.connect_seconds);
	fd = net_connect(&walk->addresses[walk->reached], &walk->waiter);
	if (fd < 0)
		return false;
	if (tls_connect(classic, fd, &walk->waiter, &carrier, &peer, &ignored) != 0) {
		net_close(fd);
		return false;
	}
	tls_peer_clear(&peer);
	transport_close(&carrier);
	return true;
}

static bool tls_timed_out(struct walk *walk)
{
	return failed(walk, PROBE_TLS, REASON_DESTINATION_TIMEOUT,
		      "no end of the TLS handshake in time",
		      keep_format("is %s the PACS's port for TLS? A port for DICOM "
				  "without TLS is often silent like this",
				  place_of(walk, "port")));
}

static bool walk_tls(struct walk *walk, int fd)
{
	const struct config_destination *destination = walk->probe->destination;
	struct tls_failure failure;

	give_seconds(walk, walk->probe->config->limits.connect_seconds);
	if (!walk->probe->context) {
		if (transport_plain(fd, &walk->waiter, &walk->carrier) != 0) {
			net_close(fd);
			return failed(walk, PROBE_TLS, REASON_INTERNAL, "no memory", "");
		}
		skip_to(walk, PROBE_ASSOCIATION,
			"tls = \"none\": neither encrypted nor proved who it is");
		return true;
	}
	if (tls_connect(walk->probe->context, fd, &walk->waiter, &walk->carrier,
			&walk->peer, &failure) != 0) {
		net_close(fd);
		if (answers_classic(walk, &failure))
			return failed(
				walk, PROBE_TLS,
				failure.reason != REASON_NONE
					? failure.reason
					: REASON_DESTINATION_TIMEOUT,
				"no answer to a ClientHello of more than one packet",
				probe_classic_cure(walk->probe));
		return failure.reason != REASON_NONE ? tls_failed_at(walk, &failure)
						     : tls_timed_out(walk);
	}
	passed(walk, PROBE_TLS, protection_of(&walk->peer));
	passed(walk, PROBE_SERVER_NAME,
	       keep_format("the certificate is for %s", destination->tls.server_name));
	passed(walk, PROBE_CERTIFICATE,
	       keep_format("%s, issued by %s, good from %s to %s", walk->peer.subject,
			   walk->peer.issuer, date_of(walk->peer.begins),
			   date_of(walk->peer.ends)));
	return true;
}

/* In TLS 1.3 a server that refuses our certificate is heard at the first read only. */
static bool lost(struct walk *walk, enum probe_step step, const char *how,
		 enum reason reason)
{
	struct tls_failure failure;
	char byte;

	if (walk->timed_out)
		return failed(walk, step, REASON_DESTINATION_TIMEOUT, "no answer in time",
			      keep_format("is %s the PACS's port for DICOM? Is it "
					  "overloaded? See its log",
					  place_of(walk, "port")));
	walk->carrier.peek(walk->carrier.context, &byte, 1);
	if (tls_failed(&walk->carrier, &failure))
		return tls_failed_at(walk, &failure);
	return failed(walk, step, reason, how,
		      "see the PACS's log at this time; many hang up so on a sender that "
		      "they don't know by its address, certificate or AE title");
}

static void own_certificate_taken(struct walk *walk)
{
	if (walk->next == PROBE_OWN_CERTIFICATE)
		passed(walk, PROBE_OWN_CERTIFICATE,
		       keep_format("the PACS took %s",
				   walk->probe->destination->tls.certificate.path));
}

static bool walk_association(struct walk *walk)
{
	const struct probe *probe = walk->probe;
	struct ul_proposer how = { .calling = probe->calling,
				   .called = probe->destination->called_ae_title,
				   .max_pdu = probe->config->limits.max_pdu_bytes };
	struct ul_implementation who;
	struct ul_rejection rejection;
	const char *meaning, *cure;

	give_seconds(walk, probe->config->limits.connect_seconds);
	switch (ul_connect(&walk->carrier, &how, &walk->ul, &rejection)) {
	case UL_CONNECT_OK:
		own_certificate_taken(walk);
		ul_implementation(walk->ul, &who);
		passed(walk, PROBE_ASSOCIATION,
		       keep_format("%s called %s; there is %s%s%s", how.calling.text,
				   how.called.text,
				   who.version[0] ? who.version : "a program",
				   who.uid[0] ? ", implementation " : "", who.uid));
		return true;
	case UL_CONNECT_REJECTED:
		own_certificate_taken(walk);
		cure = probe_rejection_cure(probe, rejection.source, rejection.reason,
					    &meaning);
		return failed(walk, PROBE_ASSOCIATION, REASON_DESTINATION_REJECTED,
			      keep_format("%s called %s, and the PACS rejected it: %s "
					  "(result %u, source %u, reason %u)",
					  how.calling.text, how.called.text, meaning,
					  rejection.result, rejection.source,
					  rejection.reason),
			      cure);
	case UL_CONNECT_ABORTED:
		own_certificate_taken(walk);
		return lost(walk, PROBE_ASSOCIATION, "the PACS aborted",
			    REASON_DESTINATION_LOST);
	case UL_CONNECT_PROTOCOL:
		return failed(walk, PROBE_ASSOCIATION, REASON_DESTINATION_PROTOCOL,
			      "what answered speaks no DICOM, or breaks its rules",
			      keep_format("is %s the PACS's port for DICOM?",
					  place_of(walk, "port")));
	case UL_CONNECT_LOST:
		break;
	}
	return lost(walk, PROBE_ASSOCIATION,
		    "the PACS hung up without an answer to the request",
		    REASON_DESTINATION_LOST);
}

/* The C-ECHO-RSP's status; -1 when there was none. */
static int echo(struct walk *walk)
{
	uint8_t bytes[COMMAND_SET_MAX], request[COMMAND_ECHO_MAX];
	struct command_set response;
	const char *detail;
	size_t size = 0;
	struct ul_pdv pdv = { .context = UL_ECHO_CONTEXT,
			      .command = true,
			      .last = true,
			      .data = request,
			      .size = command_echo(1, request) };

	if (ul_write(walk->ul, &pdv) != 0)
		return -1;
	do {
		if (ul_read(walk->ul, &pdv) != UL_PDV || !pdv.command ||
		    pdv.size > sizeof(bytes) - size)
			return -1;
		memcpy(bytes + size, pdv.data, pdv.size);
		size += pdv.size;
	} while (!pdv.last);
	if (command_parse(bytes, size, &response, &detail) != 0 || response.fault ||
	    response.field != COMMAND_C_ECHO_RSP || !response.has_status)
		return -1;
	return response.status;
}

static bool walk_echo(struct walk *walk)
{
	int status;

	if (!ul_context_transfer_syntax(walk->ul, UL_ECHO_CONTEXT))
		return failed(walk, PROBE_ECHO, REASON_DESTINATION_CONTEXT,
			      keep_format("the PACS accepts no C-ECHO (Verification): "
					  "result %u",
					  ul_context_result(walk->ul, UL_ECHO_CONTEXT)),
			      "images may go through all the same: they are other SOP "
			      "classes. Ask the PACS's administrator to enable "
			      "Verification for this sender");
	give_seconds(walk, walk->probe->config->limits.response_seconds);
	status = echo(walk);
	if (status < 0)
		return lost(walk, PROBE_ECHO, "the PACS gave no answer to the C-ECHO",
			    REASON_DESTINATION_LOST);
	if (status != STATUS_SUCCESS)
		return failed(
			walk, PROBE_ECHO, REASON_DESTINATION_STATUS,
			keep_format("the PACS answered the C-ECHO with status %04X",
				    (unsigned)status),
			"look the status up in the PACS's conformance statement and "
			"its log");
	passed(walk, PROBE_ECHO, "the PACS answered: success");
	give_seconds(walk, 5);
	(void)!ul_release(walk->ul); /* the echo was the proof */
	return true;
}

bool probe_run(const struct probe *probe)
{
	struct walk walk = { .probe = probe };
	bool good = false;
	int fd;

	walk.waiter = (struct waiter){ .wait = wait_for, .context = &walk };
	if (walk_name(&walk) && (fd = walk_connection(&walk)) >= 0 &&
	    walk_tls(&walk, fd) && walk_association(&walk))
		good = walk_echo(&walk);
	ul_free(walk.ul);
	transport_close(&walk.carrier);
	tls_peer_clear(&walk.peer);
	return good;
}
