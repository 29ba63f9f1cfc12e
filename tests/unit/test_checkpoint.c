/* Goal: a checkpoint's text, note and members are byte for byte as the format has them;
 * its signature is one that openssl alone can check; and nothing else passes. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/base/base64.h"
#include "cathgate/audit/checkpoint.h"

static char directory[64];

static int remove_one(const char *path, const struct stat *status, int kind,
		      struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/test-checkpoint-XXXXXX");
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void base64_is_strict(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *bytes; /* NULL: refused */
	} cases[] = {
		{ "Zg==", 1, "f" },	   { "Zm8=", 2, "fo" },	 { "Zm9v", 3, "foo" },
		{ "Zm9vYg==", 4, "foob" }, { "Zh==", 1, NULL },	 { "Zm9=", 2, NULL },
		{ "Zg=", 1, NULL },	   { "Zg", 1, NULL },	 { "Zg==\n", 1, NULL },
		{ " Zg==", 1, NULL },	   { "Zm9v", 2, NULL },	 { "Zm8=", 3, NULL },
		{ "Zm9vZg==", 3, NULL },   { "Z===", 1, NULL },	 { "====", 1, NULL },
		{ "Zm-v", 3, NULL },	   { "Zm\nv", 3, NULL }, { "Zg==Zg==", 4, NULL },
		{ "\nZm9", 3, NULL },	   { "", 1, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[8] = "xxxxxxx";
		int result = base64_decode(cases[i].text, strlen(cases[i].text), bytes,
					   cases[i].size);
		if (result != (cases[i].bytes ? 0 : -1))
			fail_msg("%s: %d", cases[i].text, result);
		assert_memory_equal(bytes, cases[i].bytes ? cases[i].bytes : "xxxxxxx",
				    cases[i].size);
		assert_int_equal(bytes[cases[i].size], 'x');
	}
}

static void an_origin_fits_into_a_note(void **state)
{
	static const struct {
		const char *node;
		uint64_t first;
		const char *origin;
	} cases[] = {
		{ "cathlab-3", 0, "cathgate/cathlab-3/0" },
		{ "lab 3+4", 17, "cathgate/lab-3-4/17" },
		{ "caf\xC3\xA9\n\x7F", 1, "cathgate/caf----/1" },
		{ "a/b", 999999999999999999, "cathgate/a/b/999999999999999999" },
		{ "\"\\", 5, "cathgate/\"\\/5" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char origin[CHECKPOINT_ORIGIN_SIZE];
		uint64_t first = 0;
		checkpoint_origin(cases[i].node, cases[i].first, origin);
		assert_string_equal(origin, cases[i].origin);
		assert_int_equal(checkpoint_first_seq(origin, &first), 0);
		assert_int_equal(first, cases[i].first);
	}
	char node[400], origin[CHECKPOINT_ORIGIN_SIZE];
	uint64_t first = 0;
	memset(node, 'n', sizeof(node));
	node[sizeof(node) - 1] = '\0';
	checkpoint_origin(node, UINT64_MAX, origin);
	assert_int_equal(strlen(origin), CHECKPOINT_ORIGIN_SIZE - 1);
	assert_string_equal(strrchr(origin, '/'), "/18446744073709551615");
	static const char *const others[] = { "",
					      "cathgate",
					      "cathgate/5",
					      "cathgate/n/",
					      "cathgate/n/x",
					      "cathgate/n/01",
					      "other/n/5",
					      "cathgate/n/-1",
					      "cathgate/n/5 " };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(checkpoint_first_seq(others[i], &first), -1);
	assert_int_equal(first, 0);
}

#define ROOT	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define TEXT	"cathgate/cathlab-3/100\n42\n" ROOT "\n"
#define HEAD	"{\"seq\":142,\"time\":\"t\",\"node\":\"cathlab-3\",\"event\":\"checkpoint\""
#define EM_DASH "\xE2\x80\x94 "

static struct checkpoint example(void)
{
	struct checkpoint checkpoint = { .size = 42 };
	checkpoint_origin("cathlab-3", 100, checkpoint.origin);
	for (uint8_t i = 0; i < DIGEST_SIZE; i++)
		checkpoint.root[i] = i;
	return checkpoint;
}

static struct signing_key *open_signing(const char *path, const char **ret_error)
{
	struct config_file file = { .path = path };
	*ret_error = NULL;
	return signing_key_open(&file, ret_error);
}

static void make_keys(const char *path, struct signing_key **ret_signing,
		      struct verifying_key **ret_verifying)
{
	const char *error = "";
	char public_path[64];
	snprintf(public_path, sizeof(public_path), "%s.pub", path);
	unlink(path);
	unlink(public_path);
	if (signing_key_make(path, &error))
		fail_msg("%s", error);
	*ret_signing = open_signing(path, &error);
	assert_non_null(*ret_signing);
	*ret_verifying = verifying_key_open(public_path, &error);
	assert_non_null(*ret_verifying);
}

static void without_a_key_it_is_a_text(void **state)
{
	struct checkpoint checkpoint = example(), read;
	char note[CHECKPOINT_TEXT_SIZE], members[CHECKPOINT_TEXT_SIZE], line[2048];
	(void)state;
	assert_int_equal(checkpoint_sign(&checkpoint, NULL), 0);
	assert_int_equal(checkpoint_note(&checkpoint, note), strlen(TEXT "\n"));
	assert_string_equal(note, TEXT "\n");
	assert_int_equal(checkpoint_read_note(note, strlen(note), &read), 0);
	assert_memory_equal(&read, &checkpoint, sizeof(read));
	size_t size = checkpoint_members(&checkpoint, members);
	assert_int_equal(size, strlen(members));
	assert_string_equal(members, ",\"origin\":\"cathgate/cathlab-3/100\",\"size\":42,"
				     "\"root\":\"" ROOT "\"");
	size = (size_t)snprintf(line, sizeof(line), HEAD "%s}", members);
	assert_int_equal(checkpoint_read_line(line, size, &read), 0);
	assert_memory_equal(&read, &checkpoint, sizeof(read));
}

static void a_signed_one_comes_back_from_note_and_line(void **state)
{
	struct checkpoint checkpoint = example(), read;
	struct signing_key *signing;
	struct verifying_key *verifying;
	char note[CHECKPOINT_TEXT_SIZE], members[CHECKPOINT_TEXT_SIZE], expected[2048],
		line[2048];
	(void)state;
	make_keys("key", &signing, &verifying);
	assert_int_equal(checkpoint_sign(&checkpoint, signing), 0);
	assert_string_equal(checkpoint.key, verifying_key_name(verifying));
	assert_int_equal(strlen(checkpoint.signature), 92);

	size_t size = checkpoint_note(&checkpoint, note);
	snprintf(expected, sizeof(expected),
		 TEXT "\n" EM_DASH "cathgate/cathlab-3/100 %s\n", checkpoint.signature);
	assert_int_equal(size, strlen(expected));
	assert_string_equal(note, expected);
	assert_int_equal(checkpoint_read_note(note, size, &read), 0);
	assert_string_equal(read.key, "");
	assert_int_equal(checkpoint_verify(&read, verifying), CHECKPOINT_HOLDS);

	checkpoint_members(&checkpoint, members);
	snprintf(expected, sizeof(expected),
		 ",\"origin\":\"cathgate/cathlab-3/100\",\"size\":42,\"root\":\"" ROOT
		 "\",\"key\":\"%s\",\"signature\":\"%s\"",
		 checkpoint.key, checkpoint.signature);
	assert_string_equal(members, expected);
	size = (size_t)snprintf(line, sizeof(line), HEAD "%s}", members);
	assert_int_equal(checkpoint_read_line(line, size, &read), 0);
	assert_memory_equal(&read, &checkpoint, sizeof(read));
	assert_int_equal(checkpoint_verify(&read, verifying), CHECKPOINT_HOLDS);
	signing_key_free(signing);
	verifying_key_free(verifying);
}

static void the_longest_one_fits(void **state)
{
	struct checkpoint checkpoint = { .size = 999999999999999999 }, read;
	struct signing_key *signing;
	struct verifying_key *verifying;
	char node[400], note[CHECKPOINT_TEXT_SIZE], members[CHECKPOINT_TEXT_SIZE],
		line[2048];
	(void)state;
	memset(node, '"', sizeof(node));
	node[sizeof(node) - 1] = '\0';
	checkpoint_origin(node, UINT64_MAX, checkpoint.origin);
	make_keys("key", &signing, &verifying);
	assert_int_equal(checkpoint_sign(&checkpoint, signing), 0);
	size_t size = checkpoint_note(&checkpoint, note);
	assert_int_equal(size, strlen(note));
	assert_int_equal(checkpoint_read_note(note, size, &read), 0);
	assert_int_equal(checkpoint_verify(&read, verifying), CHECKPOINT_HOLDS);
	size = checkpoint_members(&checkpoint, members);
	assert_int_equal(size, strlen(members));
	size = (size_t)snprintf(line, sizeof(line), HEAD "%s}", members);
	assert_int_equal(checkpoint_read_line(line, size, &read), 0);
	assert_int_equal(checkpoint_verify(&read, verifying), CHECKPOINT_HOLDS);
	signing_key_free(signing);
	verifying_key_free(verifying);
}

static void only_what_was_signed_verifies(void **state)
{
	struct checkpoint good = example(), bad;
	struct signing_key *signing, *other_signing;
	struct verifying_key *verifying, *other;
	(void)state;
	make_keys("key", &signing, &verifying);
	make_keys("other", &other_signing, &other);
	bad = good;
	assert_int_equal(checkpoint_verify(&bad, verifying), CHECKPOINT_UNSIGNED);
	assert_int_equal(checkpoint_sign(&good, signing), 0);
	assert_int_equal(checkpoint_verify(&good, other), CHECKPOINT_OTHER_KEY);
	bad = good;
	bad.size++;
	assert_int_equal(checkpoint_verify(&bad, verifying), CHECKPOINT_FORGED);
	bad = good;
	bad.root[31] ^= 1;
	assert_int_equal(checkpoint_verify(&bad, verifying), CHECKPOINT_FORGED);
	bad = good;
	strcpy(bad.key, verifying_key_name(other));
	assert_int_equal(checkpoint_verify(&bad, verifying), CHECKPOINT_OTHER_KEY);
	/* It doesn't say whose it is, as a note doesn't: its key id does. */
	bad = good;
	bad.key[0] = '\0';
	assert_int_equal(checkpoint_verify(&bad, other), CHECKPOINT_OTHER_KEY);
	bad = good;
	bad.signature[90] = '=';
	assert_int_equal(checkpoint_verify(&bad, verifying), CHECKPOINT_FORGED);
	bad = good;
	bad.signature[40] = bad.signature[40] == 'A' ? 'B' : 'A';
	assert_int_equal(checkpoint_verify(&bad, verifying), CHECKPOINT_FORGED);
	/* The origin is the key's name: another one has another key id. */
	bad = good;
	bad.origin[9] = 'k';
	assert_int_equal(checkpoint_verify(&bad, verifying), CHECKPOINT_OTHER_KEY);
	signing_key_free(signing);
	signing_key_free(other_signing);
	verifying_key_free(verifying);
	verifying_key_free(other);
}

static void malformed_notes_are_refused(void **state)
{
	static const char signature[] =
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAA=";
	static const char *const before[] = {
		"",
		"\n",
		TEXT,
		"cathgate/n/1\n42\n" ROOT "\n",
		TEXT "x\n",
		"cathgate/n/1\n\n" ROOT "\n\n",
		"cathgate/n/1\n042\n" ROOT "\n\n",
		"cathgate/n/1\n-1\n" ROOT "\n\n",
		"cathgate/n/1\n42 \n" ROOT "\n\n",
		"cathgate/n/1\n1000000000000000000\n" ROOT "\n\n",
		"cathgate/n/1\n42\n" ROOT "=\n\n",
		"cathgate/n/1\n42\n\n\n",
		"\n42\n" ROOT "\n\n",
		"cath gate/n/1\n42\n" ROOT "\n\n",
		"cathgate/n+/1\n42\n" ROOT "\n\n",
		"cathgate/n/1\r\n42\r\n" ROOT "\r\n\r\n",
		TEXT "\nx",
		TEXT "\n\n",
		TEXT "\n" EM_DASH "cathgate/cathlab-3/100 \n",
	};
	static const char *const head[] = { EM_DASH "cathgate/cathlab-3/101 ",
					    EM_DASH "cathgate/cathlab-3/100  ",
					    "- cathgate/cathlab-3/100 ",
					    EM_DASH "cathgate/cathlab-3/100x" };
	struct checkpoint read = { .size = 4711 };
	char note[2048];
	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		if (checkpoint_read_note(before[i], strlen(before[i]), &read) == 0)
			fail_msg("taken for a note: %s", before[i]);
	}
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
		int size =
			snprintf(note, sizeof(note), TEXT "\n%s%s\n", head[i], signature);
		if (checkpoint_read_note(note, (size_t)size, &read) == 0)
			fail_msg("taken for a note: %s", note);
	}
	assert_int_equal(read.size, 4711);
	int size = snprintf(note, sizeof(note),
			    TEXT "\n" EM_DASH "cathgate/cathlab-3/100 %s\n", signature);
	assert_int_equal(checkpoint_read_note(note, (size_t)size - 1, &read), -1);
	assert_int_equal(checkpoint_read_note(note, (size_t)size, &read), 0);
}

static void other_lines_are_no_checkpoints(void **state)
{
#define REST "\"origin\":\"cathgate/n/1\",\"size\":1,\"root\":\"" ROOT "\"}"
	static const char *const lines[] = {
		"",
		"{}",
		"[]",
		"{\"event\":\"start\"," REST,
		"{\"event\":\"checkpoint\"}",
		"{\"event\":\"checkpoint\",\"event\":\"checkpoint\"," REST,
		"{\"event\":\"checkpoint\"," REST "x",
		"{\"event\":[\"checkpoint\"]," REST,
		"{\"event\":\"checkpoint\",\"key\":1," REST,
		"{\"event\":\"checkpoint\",\"origin\":\"\",\"size\":1,\"root\":\"" ROOT
		"\"}",
		"{\"event\":\"checkpoint\",\"origin\":\"a\\nb\",\"size\":1,\"root\":"
		"\"" ROOT "\"}",
		"{\"event\":\"checkpoint\",\"origin\":\"a\",\"size\":-1,\"root\":\"" ROOT
		"\"}",
		"{\"event\":\"checkpoint\",\"origin\":\"a\",\"size\":1.0,\"root\":\"" ROOT
		"\"}",
		"{\"event\":\"checkpoint\",\"origin\":\"a\",\"size\":1,\"root\":\"AA=="
		"\"}",
		"{\"event\":\"checkpoint\",\"origin\":\"a\",\"size\":1}",
	};
	struct checkpoint read = { .size = 4711 };
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (checkpoint_read_line(lines[i], strlen(lines[i]), &read) == 0)
			fail_msg("taken for a checkpoint: %s", lines[i]);
	}
	assert_int_equal(read.size, 4711);
	const char good[] = "{\"event\":\"checkpoint\"," REST;
	assert_int_equal(checkpoint_read_line(good, sizeof(good) - 1, &read), 0);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void openssl_alone_checks_a_signature(void **state)
{
	struct checkpoint checkpoint = example();
	struct signing_key *signing;
	struct verifying_key *verifying;
	uint8_t signature[68];
	(void)state;
	make_keys("key", &signing, &verifying);
	assert_int_equal(checkpoint_sign(&checkpoint, signing), 0);
	assert_int_equal(base64_decode(checkpoint.signature, 92, signature, 68), 0);
	write_file("text", TEXT, strlen(TEXT));
	write_file("signature", signature + 4, 64);
	assert_int_equal(system("openssl pkeyutl -verify -pubin -inkey key.pub -rawin "
				"-in text -sigfile signature >/dev/null"),
			 0);
	write_file("text", "x" TEXT, strlen(TEXT) + 1);
	assert_int_not_equal(system("openssl pkeyutl -verify -pubin -inkey key.pub "
				    "-rawin -in text -sigfile signature >/dev/null 2>&1"),
			     0);
	/* The key's name, and the four bytes before the signature (C2SP signed note). */
	char command[512], name[DIGEST_HEX_SIZE];
	snprintf(
		command, sizeof(command),
		"openssl pkey -pubin -in key.pub -outform DER | sha256sum | cut -c1-64 "
		">name; { printf 'cathgate/cathlab-3/100\\n\\001'; openssl pkey -pubin "
		"-in key.pub -outform DER | tail -c 32; } | openssl dgst -sha256 -binary "
		"| head -c 4 >id");
	assert_int_equal(system(command), 0);
	FILE *file = fopen("name", "re");
	assert_non_null(file);
	assert_non_null(fgets(name, sizeof(name), file));
	fclose(file);
	assert_string_equal(name, checkpoint.key);
	uint8_t id[4];
	file = fopen("id", "re");
	assert_non_null(file);
	assert_int_equal(fread(id, 1, 4, file), 4);
	fclose(file);
	assert_memory_equal(id, signature, 4);
	signing_key_free(signing);
	verifying_key_free(verifying);
}

static void a_pair_is_made_for_its_owner_only(void **state)
{
	struct signing_key *signing;
	struct verifying_key *verifying;
	struct stat status;
	const char *error = NULL;
	(void)state;
	mode_t mask = umask(0);
	make_keys("key", &signing, &verifying);
	umask(mask);
	assert_int_equal(stat("key", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat("key.pub", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	signing_key_free(signing);
	verifying_key_free(verifying);

	assert_int_equal(signing_key_make("key", &error), -1);
	assert_non_null(strstr(error, "not overwritten"));
	/* A public half that is there is somebody's: neither is touched. */
	unlink("key");
	assert_int_equal(signing_key_make("key", &error), -1);
	assert_int_equal(access("key", F_OK), -1);
	assert_int_equal(access("key.pub", F_OK), 0);
	assert_int_equal(signing_key_make("missing/key", &error), -1);
	assert_non_null(strstr(error, "directory"));
}

static void only_private_ed25519_keys_sign(void **state)
{
	static const struct {
		const char *make, *error;
	} cases[] = {
		{ "true", "does not exist" },
		{ "openssl genpkey -algorithm ed25519 -out k && chmod 640 k",
		  "chmod 600" },
		{ "openssl genpkey -algorithm ed25519 -out k && chmod 604 k",
		  "chmod 600" },
		{ "openssl genpkey -algorithm ed448 -out k", "no Ed25519" },
		{ "openssl genpkey -algorithm x25519 -out k", "no Ed25519" },
		{ "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k",
		  "no Ed25519" },
		{ "openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out k",
		  "passphrase" },
		{ "openssl genpkey -algorithm ed25519 -outform DER -out k",
		  "no Ed25519" },
		{ "openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out k; "
		  "chmod 600 k",
		  "no Ed25519" },
		{ "touch k", "no Ed25519" },
		{ "echo rubbish >k", "no Ed25519" },
		{ "mkdir k", "no file" },
	};
	const char *error;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char command[256];
		snprintf(command, sizeof(command), "rm -rf k; umask 077; %s",
			 cases[i].make);
		assert_int_equal(system(command), 0);
		assert_null(open_signing("k", &error));
		if (!error || !strstr(error, cases[i].error))
			fail_msg("%s: %s", cases[i].make, error);
	}
	assert_int_equal(system("rm -rf k; openssl genpkey -algorithm ed25519 -out k && "
				"chmod 440 k"),
			 0);
	/* systemd shows credentials so. */
	struct config_file credential = { .path = "k", .credential = true };
	struct signing_key *key = signing_key_open(&credential, &error);
	assert_non_null(key);
	signing_key_free(key);
}

static void only_public_ed25519_keys_verify(void **state)
{
	static const struct {
		const char *make, *error;
	} cases[] = {
		{ "true", "does not exist" },
		{ "openssl genpkey -algorithm ed25519 -out k", ".pub" },
		{ "openssl genpkey -algorithm ed448 | openssl pkey -pubout -out k",
		  "no public Ed25519" },
		{ "touch k", "no public Ed25519" },
		{ "mkdir k", "no public Ed25519" },
	};
	const char *error;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char command[256];
		snprintf(command, sizeof(command), "rm -rf k; %s", cases[i].make);
		assert_int_equal(system(command), 0);
		error = NULL;
		assert_null(verifying_key_open("k", &error));
		if (!error || !strstr(error, cases[i].error))
			fail_msg("%s: %s", cases[i].make, error);
	}
	/* One that openssl made. */
	assert_int_equal(system("rm -rf k; openssl genpkey -algorithm ed25519 | openssl "
				"pkey -pubout -out k"),
			 0);
	struct verifying_key *key = verifying_key_open("k", &error);
	assert_non_null(key);
	verifying_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(an_origin_fits_into_a_note),
		cmocka_unit_test(without_a_key_it_is_a_text),
		cmocka_unit_test(a_signed_one_comes_back_from_note_and_line),
		cmocka_unit_test(the_longest_one_fits),
		cmocka_unit_test(only_what_was_signed_verifies),
		cmocka_unit_test(malformed_notes_are_refused),
		cmocka_unit_test(other_lines_are_no_checkpoints),
		cmocka_unit_test(openssl_alone_checks_a_signature),
		cmocka_unit_test(a_pair_is_made_for_its_owner_only),
		cmocka_unit_test(only_private_ed25519_keys_sign),
		cmocka_unit_test(only_public_ed25519_keys_verify),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
