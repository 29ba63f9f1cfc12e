#include "pseudonym.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cathgate/base/base64.h"

#define KEY_TEXT_SIZE BASE64_LENGTH(32)

static const char malformed[] =
	"is not 32 bytes in base64; make one with: openssl rand -base64 32";

static const char *key_parse(const char *text, size_t size, uint8_t ret[32])
{
	if (size == KEY_TEXT_SIZE + 1 && text[KEY_TEXT_SIZE] == '\n')
		size--;
	return base64_decode(text, size, ret, 32) ? malformed : NULL;
}

/* Returns what is wrong, or NULL. */
static const char *key_read(const struct config_file *file, uint8_t ret[32])
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT
			       ? "does not exist; make one with: openssl rand "
				 "-base64 32, and let only the gateway's user read it"
			       : "can't be read; let the gateway's user read it";
	struct stat status;
	char text[KEY_TEXT_SIZE + 3] = { 0 }; /* a newline, one byte too many, a NUL */
	const char *error = NULL;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	if (fstat(fd, &status) || size < 0)
		error = "can't be read";
	else if (!file->credential && (status.st_mode & 077))
		error = "can be read by others than its owner; write: chmod 600";
	else
		error = key_parse(text, (size_t)size, ret);
	OPENSSL_cleanse(text, sizeof(text));
	close(fd);
	return error;
}

int pseudonym_open(const struct config_audit *audit, struct pseudonym *ret,
		   const char **ret_error)
{
	struct pseudonym pseudonym = { .mode = audit->patient_id };
	if (audit->pseudonym_key.path) {
		const char *error = key_read(&audit->pseudonym_key, pseudonym.key);
		if (error) {
			*ret_error = error;
			return -1;
		}
		pseudonym.has_key = true;
	}
	*ret = pseudonym;
	OPENSSL_cleanse(&pseudonym, sizeof(pseudonym));
	return 0;
}

void pseudonym_close(struct pseudonym *pseudonym)
{
	OPENSSL_cleanse(pseudonym, sizeof(*pseudonym));
}

void pseudonym_apply(const struct pseudonym *pseudonym, struct audit_record *record)
{
	uint8_t code[DIGEST_SIZE];
	char hex[DIGEST_HEX_SIZE] = "";
	if (pseudonym->mode == CONFIG_PATIENT_CLEAR)
		return;
	if (pseudonym->mode == CONFIG_PATIENT_PSEUDONYM && pseudonym->has_key &&
	    record->patient_id[0] &&
	    digest_hmac_sha256(pseudonym->key, sizeof(pseudonym->key), record->patient_id,
			       strlen(record->patient_id), code) == 0)
		digest_hex(code, sizeof(code), hex);
	OPENSSL_cleanse(record->patient_id, sizeof(record->patient_id));
	memcpy(record->patient_id, hex, sizeof(hex));
}

int audit_pseudonym(const struct config_file *key, const char *patient_id,
		    char ret[DIGEST_HEX_SIZE], const char **ret_error)
{
	struct config_audit audit = { .pseudonym_key = *key,
				      .patient_id = CONFIG_PATIENT_PSEUDONYM };
	struct pseudonym pseudonym;
	struct audit_record record;
	if (strlen(patient_id) >= sizeof(record.patient_id)) {
		*ret_error = "fits no patient ID that long";
		return -1;
	}
	if (pseudonym_open(&audit, &pseudonym, ret_error))
		return -1;
	audit_record_init(&record);
	strcpy(record.patient_id, patient_id);
	pseudonym_apply(&pseudonym, &record);
	pseudonym_close(&pseudonym);
	memcpy(ret, record.patient_id, DIGEST_HEX_SIZE);
	return 0;
}
