/* Goal: real peers over TCP: DCMTK's tools on either side, and both sides of the adapter
 * joined to a relay that leaves an object's bytes as they came. */
#include "cathgate/dicom/command.h"
#include "cathgate/net/net.h"
#include "cathgate/dicom/upper_layer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pdu_builder.h"

#define PATIENCE_MS   60000
#define OBJECT_PIXELS 3000000
#define OBJECT_MAX    (OBJECT_PIXELS + 4096)

static int wait_patiently(void *context, int fd, short events)
{
	struct pollfd watched = { .fd = fd, .events = events };

	(void)context;
	return poll(&watched, 1, PATIENCE_MS) == 1 ? 0 : -1;
}

static const struct waiter waiter = { .wait = wait_patiently };

/* Starts a tool without its noise. */
static pid_t start(char *const arguments[], int input)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGTERM); /* also when a test fails */
		dup2(input >= 0 ? input : null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	return pid;
}

static int exit_status(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

static void take_connection(int listener, struct transport *ret)
{
	int fd;

	assert_int_equal(wait_patiently(NULL, listener, POLLIN), 0);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(net_tune(fd), 0);
	assert_int_equal(transport_plain(fd, &waiter, ret), 0);
}

static int connect_to(const struct sockaddr_storage *to)
{
	int fd = net_begin_connect(to);

	assert_true(fd >= 0);
	assert_int_equal(net_await_connected(fd, &waiter), 0);
	return fd;
}

/* Starts storescp on a connection, as inetd(8) does: so it needs no port, which another
 * process could take first. */
static pid_t start_storescp(char *const arguments[], struct transport *ret)
{
	int listener = net_listen("127.0.0.1", 0), near, far;
	struct sockaddr_storage to = { .ss_family = AF_INET };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
	pid_t storescp;

	assert_true(listener >= 0);
	v4->sin_port = htons(net_port(listener));
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	near = connect_to(&to);
	assert_int_equal(transport_plain(near, &waiter, ret), 0);
	assert_int_equal(wait_patiently(NULL, listener, POLLIN), 0);
	far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(far >= 0);
	storescp = start(arguments, far);
	close(far);
	close(listener);
	return storescp;
}

static struct ul_association *accept_association(struct transport *transport)
{
	struct ul_association *in;
	const char *detail = NULL;
	uint8_t *request;
	size_t size;

	assert_int_equal(ul_read_request(transport, &request, &size, &detail),
			 UL_REQUEST_OK);
	in = ul_accept(transport, request, size, 131072, &detail);
	free(request);
	assert_non_null(in);
	return in;
}

/* Reads one command set whole. */
static void read_command(struct ul_association *from, struct command_set *ret,
			 uint8_t *ret_context)
{
	uint8_t bytes[4096];
	size_t size = 0;
	const char *detail;
	struct ul_pdv pdv;

	do {
		assert_int_equal(ul_read(from, &pdv), UL_PDV);
		assert_true(pdv.command && size + pdv.size <= sizeof(bytes));
		memcpy(bytes + size, pdv.data, pdv.size);
		size += pdv.size;
	} while (!pdv.last);
	assert_int_equal(command_parse(bytes, size, ret, &detail), 0);
	*ret_context = pdv.context;
}

static void an_echo_is_answered(void **state)
{
	int listener = net_listen("127.0.0.1", 0);
	char port[8];
	char *arguments[] = { "echoscu",  "-aet",      "CATHLAB3", "-aec",
			      "CATHGATE", "127.0.0.1", port,	   NULL };
	uint8_t response[COMMAND_RESPONSE_MAX], context;
	struct transport transport;
	struct ul_association *in;
	struct command_set command;
	struct ul_pdv pdv;
	pid_t echoscu;

	(void)state;
	snprintf(port, sizeof(port), "%u", net_port(listener));
	echoscu = start(arguments, -1);
	take_connection(listener, &transport);
	in = accept_association(&transport);
	assert_int_equal(ul_proposal_count(in), 1);
	assert_int_equal(ul_answer(in, 1, UL_ACCEPTED, IMPLICIT_LE), 0);
	assert_int_equal(ul_acknowledge(in, NULL), 0);

	read_command(in, &command, &context);
	assert_int_equal(command.field, COMMAND_C_ECHO_RQ);
	pdv = (struct ul_pdv){
		.context = context, .command = true, .last = true, .data = response
	};
	pdv.size = command_response(&command, STATUS_SUCCESS, NULL, response);
	assert_int_equal(ul_write(in, &pdv), 0);
	assert_int_equal(ul_read(in, &pdv), UL_RELEASE);
	assert_int_equal(ul_release_response(in), 0);
	ul_free(in);
	transport_close(&transport);
	close(listener);
	assert_int_equal(exit_status(echoscu), 0);
}

static void a_peer_on_ipv6_is_taken(void **state)
{
	int listener = net_listen("::1", 0);
	struct sockaddr_storage to = { .ss_family = AF_INET6 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to;
	static const char *const syntaxes[] = { IMPLICIT_LE };
	struct transport near, far;
	struct ul_association *in;
	static struct pdu request;
	size_t begin;
	int fd;

	(void)state;
	if (listener < 0)
		skip();
	v6->sin6_addr = in6addr_loopback;
	v6->sin6_port = htons(net_port(listener));
	fd = connect_to(&to);
	assert_int_equal(transport_plain(fd, &waiter, &far), 0);
	take_connection(listener, &near);

	begin = open_associate(&request, 0x01, "CATHGATE", "CATHLAB3");
	put_context(&request, 1, VERIFICATION, syntaxes, 1);
	close_item(&request, open_user_information(&request, 16384));
	close_pdu(&request, begin);
	assert_int_equal(far.write(far.context, request.bytes, request.size), 0);
	in = accept_association(&near);
	assert_int_equal(ul_peek(in), UL_PDU_NONE);
	transport_close(&far);
	assert_int_equal(wait_patiently(NULL, near.fd, POLLIN), 0);
	assert_int_equal(ul_peek(in), UL_PDU_CLOSED);
	ul_free(in);
	transport_close(&near);
	close(listener);
}

/*
 * The relay.
 */

struct relay {
	struct transport near, far;
	struct ul_association *in, *out;
	uint8_t *data; /* the data set's bytes as they passed */
	size_t data_size;
};

static void put_element(FILE *file, unsigned group, unsigned element, const char *vr,
			const void *value, size_t size)
{
	bool is_long =
		strcmp(vr, "OB") == 0 || strcmp(vr, "OW") == 0 || strcmp(vr, "UN") == 0;
	uint8_t head[12] = { (uint8_t)group,   (uint8_t)(group >> 8),
			     (uint8_t)element, (uint8_t)(element >> 8),
			     (uint8_t)vr[0],   (uint8_t)vr[1] };

	if (is_long) {
		for (int i = 0; i < 4; i++)
			head[8 + i] = (uint8_t)(size >> (8 * i));
	} else {
		head[6] = (uint8_t)size;
		head[7] = (uint8_t)(size >> 8);
	}
	fwrite(head, 1, is_long ? 12 : 8, file);
	fwrite(value, 1, size, file);
}

/* Even, with a NUL if need be: PS3.5 9.4. */
static void put_uid_element(FILE *file, unsigned group, unsigned element, const char *uid)
{
	put_element(file, group, element, "UI", uid, (strlen(uid) + 1) & ~(size_t)1);
}

/* A Part 10 file with a private element and noise for pixels. */
static void write_object(const char *path)
{
	static const uint8_t preamble[128];
	static const uint8_t length[] = { 118, 0, 0, 0 };
	static uint8_t pixels[OBJECT_PIXELS];
	FILE *file = fopen(path, "wb");
	uint32_t noise = 1;

	assert_non_null(file);
	for (size_t i = 0; i < sizeof(pixels); i++) {
		noise = noise * 1664525 + 1013904223;
		pixels[i] = (uint8_t)(noise >> 24);
	}
	fwrite(preamble, 1, sizeof(preamble), file);
	fputs("DICM", file);
	put_element(file, 0x0002, 0x0000, "UL", length, 4);
	put_element(file, 0x0002, 0x0001, "OB", "\0\1", 2);
	put_uid_element(file, 0x0002, 0x0002, XA_IMAGE);
	put_uid_element(file, 0x0002, 0x0003, "2.25.4711");
	put_uid_element(file, 0x0002, 0x0010, EXPLICIT_LE);
	put_uid_element(file, 0x0002, 0x0012, MODALITY_UID);
	put_uid_element(file, 0x0008, 0x0016, XA_IMAGE);
	put_uid_element(file, 0x0008, 0x0018, "2.25.4711");
	put_element(file, 0x0009, 0x0010, "LO", "CATHGATE TEST ", 14);
	put_element(file, 0x0009, 0x1001, "UN", "\1\2\3\4\5\6", 6);
	put_element(file, 0x7fe0, 0x0010, "OW", pixels, sizeof(pixels));
	assert_int_equal(fclose(file), 0);
}

static void relay_negotiate(struct relay *relay)
{
	static const bool all[UL_CONTEXT_IDS] = { [0 ... UL_CONTEXT_IDS - 1] = true };
	struct ul_proposer how = { .propose = all,
				   .called = { "PACS" },
				   .max_pdu = 131072 };
	struct ul_rejection rejection;
	struct ul_requestor requestor;
	struct ul_proposal proposal;

	relay->in = accept_association(&relay->near);
	ul_requestor(relay->in, &requestor);
	how.like = relay->in;
	how.calling = requestor.calling;
	assert_int_equal(ul_connect(&relay->far, &how, &relay->out, &rejection),
			 UL_CONNECT_OK);
	for (size_t i = 0; i < ul_proposal_count(relay->in); i++) {
		ul_proposal(relay->in, i, &proposal);
		assert_int_equal(
			ul_answer(relay->in, proposal.id,
				  ul_context_result(relay->out, proposal.id),
				  ul_context_transfer_syntax(relay->out, proposal.id)),
			0);
	}
	assert_int_equal(ul_acknowledge(relay->in, relay->out), 0);
}

/* Passes one message from one side to the other: its command set, and its data set if it
 * has one. `pdv` is its first. */
static void relay_message(struct relay *relay, struct ul_association *from,
			  struct ul_association *to, struct ul_pdv pdv, bool has_data_set)
{
	for (;;) {
		if (!pdv.command) {
			assert_true(relay->data_size + pdv.size <= OBJECT_MAX);
			memcpy(relay->data + relay->data_size, pdv.data, pdv.size);
			relay->data_size += pdv.size;
		}
		assert_int_equal(ul_write(to, &pdv), 0);
		if (pdv.last && (!pdv.command || !has_data_set))
			return;
		assert_int_equal(ul_read(from, &pdv), UL_PDV);
	}
}

static void relay_until_released(struct relay *relay)
{
	struct ul_pdv pdv;

	while (ul_read(relay->in, &pdv) == UL_PDV) {
		relay_message(relay, relay->in, relay->out, pdv, true);
		assert_int_equal(ul_read(relay->out, &pdv), UL_PDV);
		relay_message(relay, relay->out, relay->in, pdv, false);
	}
	assert_int_equal(ul_read(relay->in, &pdv), UL_RELEASE);
	assert_int_equal(ul_release(relay->out), 0);
	assert_int_equal(ul_release_response(relay->in), 0);
}

/* The one file in the folder ends in these bytes, and begins with as many more as a
 * file's head takes; both are removed. */
static void expect_stored(const char *folder, const uint8_t *data, size_t size)
{
	static uint8_t stored[OBJECT_MAX];
	DIR *entries = opendir(folder);
	struct dirent *entry;
	unsigned files = 0;

	assert_non_null(entries);
	while ((entry = readdir(entries))) {
		char path[512];
		size_t count;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		files++;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file = fopen(path, "rb");
		assert_non_null(file);
		count = fread(stored, 1, sizeof(stored), file);
		fclose(file);
		unlink(path);
		assert_in_range(count, size + 132, size + 1024);
		assert_memory_equal(stored + count - size, data, size);
	}
	closedir(entries);
	assert_int_equal(files, 1);
	rmdir(folder);
}

static void relay_one_object(char *sender_maximum, char *receiver_maximum)
{
	char folder[] = "/tmp/cathgate-relay-XXXXXX", object[64];
	char near_port[8];
	char *storescp_arguments[] = { "storescp",	 "--inetd", "+B",   "-pdu",
				       receiver_maximum, "-od",	    folder, NULL };
	char *storescu_arguments[] = {
		"storescu", "--max-send-pdu", sender_maximum, "-aet", "CATHLAB3", "-aec",
		"CATHGATE", "127.0.0.1",      near_port,      object, NULL
	};
	struct relay relay = { .data = malloc(OBJECT_MAX) };
	int listener = net_listen("127.0.0.1", 0);
	pid_t storescp, storescu;

	assert_non_null(relay.data);
	assert_non_null(mkdtemp(folder));
	snprintf(object, sizeof(object), "%s.dcm", folder);
	write_object(object);
	snprintf(near_port, sizeof(near_port), "%u", net_port(listener));
	storescp = start_storescp(storescp_arguments, &relay.far);
	storescu = start(storescu_arguments, -1);
	take_connection(listener, &relay.near);
	relay_negotiate(&relay);
	relay_until_released(&relay);

	ul_free(relay.in);
	ul_free(relay.out);
	transport_close(&relay.near);
	transport_close(&relay.far);
	close(listener);
	assert_int_equal(exit_status(storescu), 0);
	stop(storescp);
	assert_true(relay.data_size > OBJECT_PIXELS);
	expect_stored(folder, relay.data, relay.data_size);
	unlink(object);
	free(relay.data);
}

static void an_object_passes_unchanged(void **state)
{
	(void)state;
	relay_one_object("131072", "131072");
}

static void an_object_passes_in_small_pieces(void **state)
{
	(void)state;
	relay_one_object("4097", "4096");
}

static void an_object_is_cut_for_a_small_receiver(void **state)
{
	(void)state;
	relay_one_object("131072", "4096");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_echo_is_answered),
		cmocka_unit_test(a_peer_on_ipv6_is_taken),
		cmocka_unit_test(an_object_passes_unchanged),
		cmocka_unit_test(an_object_passes_in_small_pieces),
		cmocka_unit_test(an_object_is_cut_for_a_small_receiver),
	};

	ul_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
