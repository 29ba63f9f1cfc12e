/*
 * Both ends for the tests of tls/: the gateway's, in the test itself, and a peer's, in a
 * child with OpenSSL of its own, over TCP.
 */
#ifndef TESTS_TLS_SESSION_H
#define TESTS_TLS_SESSION_H

#include "tls_pki.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/wait.h>

#include "cathgate/keeper/keeper.h"
#include "cathgate/net/net.h"
#include "cathgate/tls/tls.h"

#define PATIENCE_MS 600000 /* only a hang reaches it, even in an emulator */

/* What a configuration would say, by the names of files. */
struct setting {
	const char *certificate, *key,
		*ca; /* default: gateway or client, the same, root */
	const char *crl[2];
	const char *server_name, *pin;
	const char *named; /* a certificate whose SHA-256 an entry names */
	int min_version;
	bool credential;
};

#define DEFAULTS  \
	{         \
		0 \
	}
#define OURS(...)           \
	{                   \
		__VA_ARGS__ \
	}
#define THEIRS(...)         \
	{                   \
		__VA_ARGS__ \
	}

struct configured {
	struct config_tls tls;
	struct config_file crl[2], certificate, key;
	const char *pin, *named;
	char sha256[DIGEST_HEX_SIZE];
};

static inline struct config_file file_of(const char *name, const char *suffix,
					 const char *key)
{
	struct config_file file = { .path = path_of(name, suffix),
				    .place = { "cathgate.conf", 7, key } };

	return file;
}

static inline void configure(const struct setting *setting, bool server,
			     struct configured *ret)
{
	const char *own = setting->certificate != NULL ? setting->certificate
			  : server		       ? "gateway"
						       : "client";
	uint8_t digest[DIGEST_SIZE];

	*ret = (struct configured){ .pin = setting->pin };
	ret->tls.place = (struct config_place){ "cathgate.conf", 6, "tls" };
	ret->certificate = file_of(own, ".crt", "tls.certificate");
	ret->key = file_of(setting->key != NULL ? setting->key : own, ".key", "tls.key");
	ret->key.credential = setting->credential;
	ret->tls.certificate = (struct config_files){ &ret->certificate, 1 };
	ret->tls.key = (struct config_files){ &ret->key, 1 };
	ret->tls.ca =
		file_of(setting->ca != NULL ? setting->ca : "root", ".crt", "tls.ca");
	ret->tls.min_version = setting->min_version != 0 ? setting->min_version : 12;
	ret->tls.crl.items = ret->crl;
	for (size_t i = 0; i < LENGTH(setting->crl) && setting->crl[i] != NULL; i++)
		ret->crl[ret->tls.crl.count++] =
			file_of(setting->crl[i], ".crl", "tls.crl");
	if (!server)
		ret->tls.server_name = setting->server_name != NULL ? setting->server_name
								    : "pacs.example";
	ret->tls.public_key_sha256.items = &ret->pin;
	ret->tls.public_key_sha256.count = setting->pin != NULL;
	ret->named = ret->sha256;
	ret->tls.entries_sha256.items = &ret->named;
	ret->tls.entries_sha256.count = setting->named != NULL;
	if (setting->named != NULL) {
		X509_digest(find(setting->named)->made.certificate, EVP_sha256(), digest,
			    NULL);
		digest_hex(digest, sizeof(digest), ret->sha256);
	}
}

static inline int load(const struct setting *setting, bool server,
		       struct tls_context **ret, struct config_faults *faults)
{
	struct configured configured;

	configure(setting, server, &configured);
	return server ? tls_server_new(&configured.tls, NULL, NULL, ret, faults)
		      : tls_client_new(&configured.tls, NULL, NULL, ret, faults);
}

static inline struct tls_context *load_good(const struct setting *setting, bool server)
{
	struct config_faults faults = { 0 };
	struct tls_context *context = NULL;

	if (load(setting, server, &context, &faults) != 0)
		fail_msg("%s", faults.items[0].text);
	config_faults_clear(&faults);
	return context;
}

/* What tls_context_pack has packed; the caller frees it. */
static inline uint8_t *pack_context(const struct tls_context *context, size_t *ret_size)
{
	char *bytes = NULL;
	FILE *to = open_memstream(&bytes, ret_size);

	assert_non_null(to);
	assert_int_equal(tls_context_pack(context, to), 0);
	assert_int_equal(fclose(to), 0);
	return (uint8_t *)bytes;
}

/* The channel to a keeper, which ends with the test. */
static inline int keeper_of_test(void)
{
	static int control = -1;
	int pair[2];
	pid_t pid;

	if (control >= 0)
		return control;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		_exit(keeper_run(pair[1], NULL));
	}
	close(pair[1]);
	control = pair[0];
	return control;
}

static inline void have_kept(const struct config_file *file)
{
	struct config_faults faults = { 0 };
	EVP_PKEY *key = NULL;

	assert_int_equal(keeper_load(keeper_of_test(), file, &key, &faults), KEEPER_YES);
	EVP_PKEY_free(key);
	config_faults_clear(&faults);
}

/* The context as another process has it: the keeper has its keys. */
static inline struct tls_context *load_elsewhere(const struct setting *setting,
						 bool server)
{
	struct tls_context *here = load_good(setting, server), *there;
	struct configured configured;
	const uint8_t *at;
	uint8_t *bytes;
	size_t size;

	configure(setting, server, &configured);
	at = bytes = pack_context(here, &size);
	tls_context_free(here);
	there = tls_context_unpack(&configured.tls, server, &at, &size);
	assert_non_null(there);
	have_kept(&configured.key);
	assert_int_equal(size, 0);
	free(bytes);
	return there;
}

static inline int patient(void *context, int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	(void)context;
	return poll(&pollfd, 1, PATIENCE_MS) == 1 ? 0 : -1;
}

static inline int impatient(void *context, int fd, short events)
{
	(void)fd;
	(void)events;
	++*(int *)context;
	return -1;
}

static const struct waiter waiter = { patient, NULL };

struct peer {
	const char *certificate; /* NULL: none */
	const char *trust;	 /* NULL: believes anybody */
	const char *chain;	 /* sent after its own */
	int version;		 /* TLS1_2_VERSION…; 0: any */
	const char *ciphers, *groups;
	const char *raw; /* says this instead of TLS */
	bool silent;	 /* closes at once */
	int (*talk)(SSL *ssl);
};

/* Runs in the child: no assertions there, but an exit status. */
static inline int be_peer(const struct peer *peer, bool server, int fd)
{
	SSL_CTX *context =
		SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	char byte;
	SSL *ssl;
	int rc;

	if (peer->silent)
		return 0;
	if (peer->raw != NULL) {
		if (write(fd, peer->raw, strlen(peer->raw) + 1) < 0)
			return 2;
		while (read(fd, &byte, 1) > 0)
			continue;
		return 0;
	}
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context,
				      peer->version != 0 ? peer->version : TLS1_VERSION);
	SSL_CTX_set_max_proto_version(context, peer->version);
	if (peer->certificate != NULL) {
		SSL_CTX_use_certificate(context,
					find(peer->certificate)->made.certificate);
		SSL_CTX_use_PrivateKey(context, find(peer->certificate)->made.key);
	}
	if (peer->chain != NULL)
		SSL_CTX_add1_chain_cert(context, find(peer->chain)->made.certificate);
	if (peer->ciphers != NULL && SSL_CTX_set_cipher_list(context, peer->ciphers) != 1)
		return 3;
	if (peer->groups != NULL && SSL_CTX_set1_groups_list(context, peer->groups) != 1)
		return 4;
	if (peer->trust != NULL) {
		SSL_CTX_set_verify(
			context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		X509_STORE_add_cert(SSL_CTX_get_cert_store(context),
				    find(peer->trust)->made.certificate);
	} else if (server) {
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
		X509_STORE_add_cert(SSL_CTX_get_cert_store(context),
				    find("root")->made.certificate);
	}
	ssl = SSL_new(context);
	SSL_set_fd(ssl, fd);
	rc = server ? SSL_accept(ssl) : SSL_connect(ssl);
	if (peer->talk != NULL)
		return rc == 1 ? peer->talk(ssl) : 5;
	if (rc == 1)
		SSL_read(ssl, &byte, 1);
	return 0;
}

static inline void connect_pair(int ret[2])
{
	int listener = net_listen("127.0.0.1", 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(net_port(listener)) };

	assert_true(listener >= 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ret[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ret[1], (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(patient(NULL, listener, POLLIN), 0);
	ret[0] = accept(listener, NULL, NULL);
	assert_true(ret[0] >= 0);
	assert_int_equal(net_tune(ret[0]), 0);
	close(listener);
}

/* Our end of a connection to a new peer; `server`: whether we are. */
static inline int meet(const struct peer *peer, bool server, pid_t *ret_child)
{
	int pair[2];
	pid_t child;

	connect_pair(pair);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(pair[0]);
		alarm(PATIENCE_MS / 1000);
		_exit(be_peer(peer, !server, pair[1]));
	}
	close(pair[1]);
	*ret_child = child;
	return pair[0];
}

static inline void part(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the peer ended with status %x", (unsigned)status);
}

struct session {
	struct tls_context *context;
	bool is_server;
	struct transport transport;
	struct tls_peer peer;
	struct tls_failure failure;
	pid_t child;
};

static inline int shake(struct session *session, int fd, const struct waiter *with)
{
	struct keeper_grant grant = { .side = session->is_server ? SIGNER_SERVER
								 : SIGNER_CLIENT };
	int signer, rc;

	grant.key_count = tls_context_keys(session->context, grant.keys);
	signer = keeper_open(keeper_of_test(), &grant);
	assert_true(signer >= 0);
	rc = tls_handshake(session->context, fd, signer, with, &session->transport,
			   &session->peer, &session->failure);
	close(signer);
	return rc;
}

static inline void open_session(struct session *session, const struct setting *setting,
				bool server, const struct peer *peer)
{
	int fd;

	*session = (struct session){ .is_server = server };
	session->context = load_elsewhere(setting, server);
	fd = meet(peer, server, &session->child);
	if (shake(session, fd, &waiter) != 0)
		fail_msg("%s: %s", reason_name(session->failure.reason),
			 session->failure.detail);
}

static inline void close_session(struct session *session)
{
	transport_close(&session->transport);
	tls_peer_clear(&session->peer);
	tls_context_free(session->context);
	part(session->child);
}

static inline int answer_a_byte(SSL *ssl)
{
	char byte;

	return SSL_read(ssl, &byte, 1) == 1 && SSL_write(ssl, &byte, 1) == 1 ? 0 : 10;
}

static inline int read_until_error(SSL *ssl)
{
	char bytes[64];

	while (SSL_read(ssl, bytes, sizeof(bytes)) > 0)
		continue;
	return 0;
}

static inline void check_a_byte(struct session *session)
{
	char byte = 'x', back = 0;
	const struct transport *transport = &session->transport;

	assert_int_equal(transport->write(transport->context, &byte, 1), 0);
	assert_int_equal(transport->read(transport->context, &back, 1), 1);
	assert_int_equal(back, byte);
}

#endif
