/*
 * How fast `cathgate audit verify` is beside SHA-256 itself: a log of realistic lines is
 * made, then in turn verified by the program and hashed, as many bytes, in blocks of
 * 1 MiB with OpenSSL's EVP. Prints the medians and their ratio.
 *
 *     verify_speed CATHGATE DIRECTORY MIB long|short ROUNDS
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <openssl/evp.h>

#include "cathgate/base/clock.h"
#include "log_maker.h"

#define MIB	   1048576
#define ROUNDS_MAX 500
#define RECORDS	   1000 /* between checkpoints */

extern char **environ;

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

/* Returns the file's size. */
static size_t make_log(const char *path, const char *key, size_t size, bool is_long,
		       double *ret_line_size)
{
	static struct log_maker maker;
	size_t written = 0;
	FILE *log = fopen(path, "we"), *public_key = fopen(key, "we");
	if (!log || !public_key || log_maker_open(&maker, NULL))
		fail(path);
	if (fwrite(maker.public_pem, 1, strlen(maker.public_pem), public_key) == 0 ||
	    fclose(public_key))
		fail(key);
	while (written < size) {
		for (int i = 0; i < RECORDS; i++) {
			if (log_maker_instance(&maker, is_long))
				fail("a line");
		}
		if (log_maker_checkpoint(&maker, true) ||
		    fwrite(maker.bytes, 1, maker.size, log) != maker.size)
			fail(path);
		written += maker.size;
		maker.size = 0;
		maker.lines = 0;
	}
	if (fclose(log))
		fail(path);
	*ret_line_size = (double)written / (double)maker.tree.size;
	log_maker_close(&maker);
	return written;
}

static double verify(char *cathgate, char *key, char *path)
{
	char *arguments[] = { cathgate, "audit", "verify", "--quiet",
			      "--key",	key,	 path,	   NULL };
	pid_t child;
	int status;
	int64_t start_us = clock_us();
	if (posix_spawn(&child, cathgate, NULL, NULL, arguments, environ) ||
	    waitpid(child, &status, 0) != child || status != 0) {
		fprintf(stderr, "%s does not verify %s\n", cathgate, path);
		exit(2);
	}
	return (double)(clock_us() - start_us);
}

static double hash(const char *block, size_t size)
{
	unsigned char result[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int64_t start_us = clock_us();
	if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		fail("EVP");
	for (size_t left = size; left > 0;) {
		size_t part = left < MIB ? left : MIB;
		if (EVP_DigestUpdate(context, block, part) != 1)
			fail("EVP");
		left -= part;
	}
	if (EVP_DigestFinal_ex(context, result, NULL) != 1)
		fail("EVP");
	EVP_MD_CTX_free(context);
	return (double)(clock_us() - start_us);
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;
	return (first > second) - (first < second);
}

static double median(const double *values, size_t count)
{
	double sorted[ROUNDS_MAX];
	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted[count / 2];
}

int main(int argc, char **argv)
{
	static char block[MIB];
	double verified[ROUNDS_MAX], hashed[ROUNDS_MAX], line_size;
	char path[4096], key[4200];
	if (argc != 6)
		fail("usage: verify_speed CATHGATE DIRECTORY MIB long|short ROUNDS");
	size_t rounds = strtoul(argv[5], NULL, 10);
	if (rounds == 0 || rounds > ROUNDS_MAX)
		fail("ROUNDS");
	snprintf(path, sizeof(path), "%s/verify_speed.jsonl", argv[2]);
	snprintf(key, sizeof(key), "%s.pub", path);
	size_t size = make_log(path, key, strtoul(argv[3], NULL, 10) * MIB,
			       strcmp(argv[4], "long") == 0, &line_size);
	memset(block, 'x', sizeof(block));
	verify(argv[1], key, path); /* and so the file is in memory */
	for (size_t i = 0; i < rounds; i++) {
		hashed[i] = hash(block, size);
		verified[i] = verify(argv[1], key, path);
	}
	printf("%zu MiB, %.0f bytes a line: verify %.0f MB/s, SHA-256 %.0f MB/s, "
	       "ratio %.2f\n",
	       size / MIB, line_size, (double)size / median(verified, rounds),
	       (double)size / median(hashed, rounds),
	       median(hashed, rounds) / median(verified, rounds));
	unlink(path);
	unlink(key);
	return 0;
}
