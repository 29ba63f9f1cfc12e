#include "probe.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/net/addresses.h"
#include "cathgate/net/net.h"
#include "cathgate/outbound/outbound.h"
#include "cli/kit/keep.h"

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
	enum probe_step next;	   /* the first that was not told of yet */
	const char *missed, *cure; /* of the addresses that could not be connected to */
	struct net_addresses addresses;
	struct sockaddr_storage reached;
	struct outbound outbound;
};

static void tell_finding(struct walk *walk, const struct probe_finding *finding)
{
	walk->probe->tell(walk->probe->tell_context, finding);
	walk->next = finding->step + 1;
}

static void skip_to(struct walk *walk, enum probe_step step, const char *why)
{
	while (walk->next < step)
		tell_finding(walk, &(struct probe_finding){ .step = walk->next,
							    .result = PROBE_SKIPPED,
							    .what = why });
}

static void step_passed(struct walk *walk, enum probe_step step, const char *what,
			const struct tls_peer *peer)
{
	tell_finding(walk, &(struct probe_finding){ .step = step,
						    .result = PROBE_PASSED,
						    .what = what,
						    .peer = peer });
}

/* Always false, as the walk's next step is not reached. */
static bool step_failed(struct walk *walk, enum probe_step step, enum reason reason,
			const char *what, const char *cure)
{
	skip_to(walk, step, "not judged: what comes below failed first");
	tell_finding(walk, &(struct probe_finding){ .step = step,
						    .result = PROBE_FAILED,
						    .reason = reason,
						    .what = what,
						    .cure = cure });
	skip_to(walk, PROBE_STEP_COUNT, "not reached");
	return false;
}

static int64_t connect_end_ms(const struct walk *walk)
{
	return clock_ms() + (int64_t)walk->probe->config->limits.connect_seconds * 1000;
}

static bool has_timed_out(const struct walk *walk)
{
	return walk->outbound.leg.interrupted != REASON_NONE;
}

static bool walk_name(struct walk *walk)
{
	struct net_addresses *addresses = &walk->addresses;
	const struct config_destination *destination = walk->probe->destination;
	const char *host = destination->host, *all = "";
	int error = net_look_up_within(host, destination->port,
				       walk->probe->config->limits.connect_seconds,
				       addresses);

	if (error != 0)
		return step_failed(
			walk, PROBE_NAME, REASON_DESTINATION_UNREACHABLE,
			keep_format("the name %s has no address: %s", host,
				    gai_strerror(error)),
			keep_format(
				"correct %s, or write the PACS's address there; or mend "
				"the name service of this machine (see: getent hosts %s)",
				probe_line_of(walk->probe, "host"), host));
	for (size_t i = 0; i < addresses->count; i++) {
		char text[ADDRESS_TEXT_SIZE];

		address_text(&addresses->items[i], text);
		all = keep_format("%s%s%s", all, all[0] ? ", " : "", text);
	}
	step_passed(walk, PROBE_NAME, keep_format("%s is %s", host, all), NULL);
	return true;
}

static const char *connection_cure(const struct walk *walk, int error)
{
	if (error == ECONNREFUSED)
		return keep_format("the machine is there, but nothing listens on that "
				   "port: is the PACS running, and is %s right?",
				   probe_line_of(walk->probe, "port"));
	if (error == ECANCELED)
		return keep_format(
			"nothing answers: a firewall between here and there, the "
			"machine is off, or %s is wrong",
			probe_line_of(walk->probe, "host"));
	return keep_format("this machine has no way there: see its network (ip route get "
			   "ADDRESS), and %s",
			   probe_line_of(walk->probe, "host"));
}

/* The tool has no dialler: it opens its connections by itself. */
MUST_USE static int dial(void *context, struct leg *leg, size_t number,
			 struct outbound_call *ret)
{
	const struct walk *walk = context;

	(void)leg;
	*ret = (struct outbound_call){ .fd = -1,
				       .signer = -1, /* it has the keys itself */
				       .error = ENXIO,
				       .count = walk->addresses.count };
	if (number >= ret->count)
		return 0;
	ret->address = walk->addresses.items[number];
	ret->fd = net_begin_connect(&ret->address);
	ret->error = ret->fd < 0 ? errno : 0;
	return 0;
}

static void note_missed(void *context, const char *address, int error)
{
	struct walk *walk = context;

	walk->cure = connection_cure(walk, error);
	walk->missed = keep_format(
		"%s%s%s: %s", walk->missed, walk->missed[0] ? "; " : "", address,
		error == ECANCELED ? "no answer in time" : strerror(error));
}

/* False after telling why. */
static bool walk_connection(struct walk *walk, struct outbound_call *ret)
{
	socklen_t size = sizeof(walk->reached);
	struct sink_failure failure;
	char text[ADDRESS_TEXT_SIZE];

	if (outbound_dial(&walk->outbound, connect_end_ms(walk), ret, &failure) != 0)
		return step_failed(walk, PROBE_CONNECTION, REASON_DESTINATION_UNREACHABLE,
				   walk->missed, walk->cure);
	getpeername(ret->fd, (struct sockaddr *)&walk->reached, &size);
	address_text(&walk->reached, text);
	step_passed(walk, PROBE_CONNECTION, keep_format("to %s", text), NULL);
	return true;
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

static bool tls_step_failed(struct walk *walk, enum reason reason, const char *detail,
			    const struct tls_shown *shown)
{
	const char *what = shown && shown->sha256[0]
				   ? keep_format("%s; it showed the certificate sha256 "
						 "%s (%s)",
						 detail, shown->sha256, shown->subject)
				   : keep_format("%s", detail);
	const struct config_tls *tls = &walk->probe->destination->tls;
	enum probe_step step;
	const char *cure = probe_tls_cure(walk->probe, reason, detail, &step);

	if (walk->next == PROBE_TLS &&
	    (step == PROBE_SERVER_NAME || step == PROBE_CERTIFICATE))
		step_passed(walk, PROBE_TLS, "the PACS speaks TLS", NULL);
	if (step == PROBE_CERTIFICATE && name_had_passed(detail))
		step_passed(walk, PROBE_SERVER_NAME,
			    keep_format("the certificate is for %s", tls->server_name),
			    NULL);
	if (step < walk->next)
		step = walk->next;
	return step_failed(walk, step, reason, what, cure);
}

/* Whether a handshake succeeds without the post-quantum key exchange, where one with it
 * was met with silence or a hang-up. */
static bool answers_classic(struct walk *walk, enum reason reason)
{
	struct outbound *outbound = &walk->outbound;
	struct outbound_setup setup = { .context = walk->probe->classic,
					.owner = { .context = walk },
					.dial = dial };
	struct outbound_way way = outbound->way;
	struct sink_failure ignored;
	int64_t end_ms = connect_end_ms(walk);
	struct outbound_call call;
	bool good;

	if (!setup.context || (!has_timed_out(walk) && reason != REASON_DESTINATION_LOST))
		return false;
	walk->addresses =
		(struct net_addresses){ .items = { walk->reached }, .count = 1 };
	outbound_init(outbound, &setup, &way);
	good = outbound_dial(outbound, end_ms, &call, &ignored) == 0 &&
	       outbound_secure(outbound, &call, end_ms, &ignored) == 0;
	leg_close(&outbound->leg);
	return good;
}

static bool tls_failed_to(struct walk *walk, const struct sink_failure *failure)
{
	bool timed_out = has_timed_out(walk);

	if (!walk->probe->context)
		return step_failed(walk, PROBE_TLS, REASON_INTERNAL, "no memory", "");
	if (answers_classic(walk, failure->reason))
		return step_failed(walk, PROBE_TLS, failure->reason,
				   "no answer to a ClientHello of more than one packet",
				   probe_classic_cure(walk->probe));
	if (!timed_out)
		return tls_step_failed(walk, failure->reason, failure->detail,
				       &failure->shown);
	return step_failed(walk, PROBE_TLS, REASON_DESTINATION_TIMEOUT,
			   "no end of the TLS handshake in time",
			   keep_format("is %s the PACS's port for TLS? A port for DICOM "
				       "without TLS is often silent like this",
				       probe_line_of(walk->probe, "port")));
}

static void tell_of_peer(void *context, const struct tls_peer *peer)
{
	struct walk *walk = context;
	const char *name = walk->probe->destination->tls.server_name;

	step_passed(walk, PROBE_TLS, protection_of(peer), peer);
	step_passed(walk, PROBE_SERVER_NAME,
		    keep_format("the certificate is for %s", name), NULL);
	step_passed(walk, PROBE_CERTIFICATE,
		    keep_format("%s, issued by %s, good from %s to %s", peer->subject,
				peer->issuer, date_of(peer->begins), date_of(peer->ends)),
		    peer);
}

static bool walk_tls(struct walk *walk, const struct outbound_call *call)
{
	struct sink_failure failure;

	if (outbound_secure(&walk->outbound, call, connect_end_ms(walk), &failure) != 0)
		return tls_failed_to(walk, &failure);
	if (!walk->probe->context)
		skip_to(walk, PROBE_ASSOCIATION,
			"tls = \"none\": neither encrypted nor proved who it is");
	return true;
}

/* In TLS 1.3 a server that refuses our certificate is heard at the first read only. */
static bool peer_lost(struct walk *walk, enum probe_step step, const char *how)
{
	struct transport *carrier = &walk->outbound.leg.carrier;
	struct tls_failure failure;
	char byte;

	if (has_timed_out(walk))
		return step_failed(walk, step, REASON_DESTINATION_TIMEOUT,
				   "no answer in time",
				   keep_format("is %s the PACS's port for DICOM? Is it "
					       "overloaded? See its log",
					       probe_line_of(walk->probe, "port")));
	carrier->peek(carrier->context, &byte, 1);
	if (tls_failed(carrier, &failure))
		return tls_step_failed(walk, failure.reason, failure.detail, NULL);
	return step_failed(
		walk, step, REASON_DESTINATION_LOST, how,
		"see the PACS's log at this time; many hang up so on a sender "
		"that they don't know by its address, certificate or AE title");
}

/* OpenSSL doesn't tell which of two was shown. */
static const char *list_own(const struct probe *probe)
{
	const struct config_files *files = &probe->destination->tls.certificate;
	const char *all = "";

	for (size_t i = 0; i < files->count; i++)
		all = keep_listed(all, " or ", files->items[i].path);
	return all;
}

static void own_certificate_taken(struct walk *walk)
{
	if (walk->next == PROBE_OWN_CERTIFICATE)
		step_passed(walk, PROBE_OWN_CERTIFICATE,
			    keep_format("the PACS took %s", list_own(walk->probe)), NULL);
}

static void association_passed(struct walk *walk)
{
	const struct probe *probe = walk->probe;
	struct ul_implementation who;

	own_certificate_taken(walk);
	ul_implementation(walk->outbound.leg.ul, &who);
	step_passed(walk, PROBE_ASSOCIATION,
		    keep_format("%s called %s; there is %s%s%s", probe->calling.text,
				probe->destination->called_ae_title.text,
				who.version[0] ? who.version : "a program",
				who.uid[0] ? ", implementation " : "", who.uid),
		    NULL);
}

static bool association_rejected(struct walk *walk, struct ul_rejection how)
{
	const struct probe *probe = walk->probe;
	const char *meaning, *cure;

	own_certificate_taken(walk);
	cure = probe_rejection_cure(probe, how.source, how.reason, &meaning);
	return step_failed(walk, PROBE_ASSOCIATION, REASON_DESTINATION_REJECTED,
			   keep_format("%s called %s, and the PACS rejected it: %s "
				       "(result %u, source %u, reason %u)",
				       probe->calling.text,
				       probe->destination->called_ae_title.text, meaning,
				       how.result, how.source, how.reason),
			   cure);
}

static bool walk_association(struct walk *walk)
{
	struct sink_failure failure;

	switch (outbound_propose(&walk->outbound, connect_end_ms(walk), &failure)) {
	case UL_CONNECT_OK:
		association_passed(walk);
		return true;
	case UL_CONNECT_REJECTED:
		return association_rejected(walk, failure.rejection);
	case UL_CONNECT_ABORTED:
		own_certificate_taken(walk);
		return peer_lost(walk, PROBE_ASSOCIATION, "the PACS aborted");
	case UL_CONNECT_PROTOCOL:
		return step_failed(walk, PROBE_ASSOCIATION, REASON_DESTINATION_PROTOCOL,
				   "what answered speaks no DICOM, or breaks its rules",
				   keep_format("is %s the PACS's port for DICOM?",
					       probe_line_of(walk->probe, "port")));
	case UL_CONNECT_LOST:
		break;
	}
	return peer_lost(walk, PROBE_ASSOCIATION,
			 "the PACS hung up without an answer to the request");
}

/* The C-ECHO-RSP's status; -1 when there was none that the gateway would believe. */
static int exchange_echo(struct outbound *outbound, struct sink_failure *ret)
{
	static struct command_message request = { .context = UL_ECHO_CONTEXT }, response;
	const char *detail;

	request.size = command_echo(1, request.bytes);
	if (command_parse(request.bytes, request.size, &request.command, &detail) != 0 ||
	    outbound_command(outbound, &request, ret) != 0 ||
	    outbound_response(outbound, &response, ret) != 0)
		return -1;
	return response.command.status;
}

static bool walk_echo(struct walk *walk)
{
	const struct ul_association *ul = walk->outbound.leg.ul;
	struct sink_failure failure = { .reason = REASON_NONE };
	int status;

	if (!ul_context_transfer_syntax(ul, UL_ECHO_CONTEXT))
		return step_failed(
			walk, PROBE_ECHO, REASON_DESTINATION_CONTEXT,
			keep_format(
				"the PACS accepts no C-ECHO (Verification): result %u",
				ul_context_result(ul, UL_ECHO_CONTEXT)),
			"images may go through all the same: they are other SOP "
			"classes. Ask the PACS's administrator to enable Verification "
			"for this sender");
	status = exchange_echo(&walk->outbound, &failure);
	if (status < 0 && failure.reason == REASON_DESTINATION_PROTOCOL)
		return step_failed(walk, PROBE_ECHO, failure.reason,
				   keep_format("the PACS did not answer the C-ECHO as "
					       "DICOM wants: %s",
					       failure.detail),
				   "see the PACS's log; the gateway would not believe "
				   "such an answer to an image either");
	if (status < 0)
		return peer_lost(walk, PROBE_ECHO,
				 "the PACS gave no answer to the C-ECHO");
	if (status != STATUS_SUCCESS)
		return step_failed(
			walk, PROBE_ECHO, REASON_DESTINATION_STATUS,
			keep_format("the PACS answered the C-ECHO with status %04X",
				    (unsigned)status),
			"look the status up in the PACS's conformance statement and "
			"its log");
	step_passed(walk, PROBE_ECHO, "the PACS answered: success", NULL);
	outbound_release(&walk->outbound);
	return true;
}

static void set_up_outbound(struct walk *walk)
{
	const struct probe *probe = walk->probe;
	const struct config_limits *limits = &probe->config->limits;
	struct outbound_setup setup = {
		.context = probe->context,
		.proposal = { .max_pdu = limits->max_pdu_bytes },
		.response_seconds = limits->response_seconds,
		.owner = { .context = walk },
		.dial = dial,
		.met = tell_of_peer,
		.missed = note_missed,
	};
	struct outbound_way way;

	outbound_way_of(probe->destination, &way);
	way.calling = probe->calling;
	outbound_init(&walk->outbound, &setup, &way);
}

bool probe_run(const struct probe *probe)
{
	struct walk walk = { .probe = probe, .missed = "", .cure = "" };
	struct outbound_call call;
	bool good = false;

	if (!walk_name(&walk))
		return false;
	set_up_outbound(&walk);
	if (walk_connection(&walk, &call) && walk_tls(&walk, &call) &&
	    walk_association(&walk))
		good = walk_echo(&walk);
	leg_close(&walk.outbound.leg);
	return good;
}
