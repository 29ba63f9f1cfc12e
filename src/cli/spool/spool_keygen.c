/* `cathgate spool keygen`: the key pair that the spool is sealed with. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/durable.h"
#include "cathgate/spool/key.h"
#include "cathgate/tls/key_file.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/daemon_user.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"

struct request {
	const char *config, *key, *user, *group;
	bool is_post_quantum, is_public;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("key", "FILE", OPTIONS_TEXT, struct request, key),
	OPTIONS_ROW("post-quantum", NULL, OPTIONS_FLAG, struct request, is_post_quantum),
	OPTIONS_ROW("public", NULL, OPTIONS_FLAG, struct request, is_public),
	OPTIONS_ROW("user", "NAME", OPTIONS_TEXT, struct request, user),
	OPTIONS_ROW("group", "NAME", OPTIONS_TEXT, struct request, group),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate spool keygen",
	.about = "Makes the key that the spool's objects are sealed with, FILE "
		 "(tls/spool.key beside the configuration unless given), and its public "
		 "half, FILE.pub. --post-quantum: one whose objects a quantum computer "
		 "doesn't open, either. --public: prints the public half of the key that "
		 "is there. More: man cathgate-spool\n",
	.rows = rows,
	.hint = "The file is named so: --key FILE",
};

static const char *folder_of(const char *path)
{
	char *copy = keep_format("%s", path);

	return dirname(copy);
}

MUST_USE static int put(const char *path, const char *text,
			const struct durable_owner *owner)
{
	int error;

	if (durable_create(path, text, strlen(text), owner) == 0)
		return 0;
	error = errno;
	if (error == EEXIST)
		complain("%s is there already, and is left as it is: name another with "
			 "--key",
			 path);
	else
		complain("%s: %s; %s", path, strerror(error), complain_cure(error));
	return -1;
}

static int write_pair(const char *path, const struct spool_key_text *text,
		      const struct daemon_user *user)
{
	struct durable_owner private = daemon_user_key(user),
			     public = daemon_user_file(user);
	const char *public_path = keep_format("%s.pub", path);

	private.mode = 0400;
	if (put(path, text->private_half, &private) != 0)
		return -1;
	if (put(public_path, text->public_half, &public) == 0)
		return 0;
	(void)!durable_remove(path); /* the failure is told already */
	return -1;
}

/* As the configuration would name it. */
static const char *named(const char *path, const char *config)
{
	char *whole = realpath(path, NULL), *folder = realpath(folder_of(config), NULL);
	size_t length = folder ? strlen(folder) : 0;
	const char *result = keep_format("%s", whole ? whole : path);

	free(whole);
	if (folder && strncmp(result, folder, length) == 0 && result[length] == '/')
		result += length + 1;
	free(folder);
	return result;
}

static void print_steps(const struct request *request, const struct spool_key_text *text)
{
	const char *name = named(request->key, request->config);
	char id[2 * SPOOL_KEY_ID_SIZE + 1];

	digest_hex(text->key.id, sizeof(text->key.id), id);
	printf("%s and %s.pub are made; the key's id is %s. Now:\n"
	       "  1. Write into %s, and then: cathgate reload\n"
	       "         spool: { mode = \"fallback\"; key = \"%s\"; };\n"
	       "     Is there a key already? Name both, the new one first:\n"
	       "         key = [ \"%s\", \"THE-OLD-ONE\" ];\n"
	       "     and take the old one away when nothing waits for it any more.\n"
	       "  2. Keep a copy of it off this machine (cathgate backup has it):\n"
	       "     without it nobody can open what is in the spool.\n",
	       request->key, request->key, id, request->config, name, name);
}

/* Of the key that is there. */
static int print_public(const char *path)
{
	struct config_file file = { .path = keep_format("%s", path) };
	struct config_faults faults = { 0 };
	struct evp_pkey_st *key = tls_key_load(&file, &faults);
	struct spool_key_text text;
	int status = CLI_USAGE;

	gateway_config_complain(&faults);
	config_faults_clear(&faults);
	if (!key)
		return CLI_USAGE;
	if (spool_key_public_text(key, &text) != 0)
		complain("%s holds no key of the spool's kind (" SPOOL_KINDS ")", path);
	else if (fputs(text.public_half, stdout) < 0 || fflush(stdout) != 0)
		complain("the public half can't be written");
	else
		status = CLI_GOOD;
	tls_key_free(key);
	return status;
}

int spool_keygen_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	int status = options_read(&options, argc, argv, &request);
	struct spool_key_text text;
	struct daemon_user user;

	if (status >= 0)
		return status;
	if (!request.key)
		request.key = keep_format("%s/tls/spool.key", folder_of(request.config));
	if (request.is_public &&
	    (request.is_post_quantum || request.user || request.group)) {
		complain("--public prints what is there: it takes --key alone");
		return CLI_USAGE;
	}
	if (request.is_public)
		return print_public(request.key);
	if (daemon_user_find(request.user, request.group, &user) < 0)
		return CLI_USAGE;
	if (spool_key_new(request.is_post_quantum ? SPOOL_SUITE_XWING
						  : SPOOL_SUITE_X25519,
			  &text) != 0) {
		complain("this machine's OpenSSL %s",
			 request.is_post_quantum
				 ? "makes no ML-KEM-768 key with its seed, which OpenSSL "
				   "3.5 does"
				 : "can't make an X25519 key");
		return CLI_USAGE;
	}
	status = write_pair(request.key, &text, &user) == 0 ? CLI_GOOD : CLI_USAGE;
	if (status == CLI_GOOD)
		print_steps(&request, &text);
	explicit_bzero(&text, sizeof(text));
	return status;
}
