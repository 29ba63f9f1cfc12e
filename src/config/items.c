#include "items.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/utf8.h"

#define NAME_MAX_BYTES	     63	 /* what an audit record has room for */
#define HOST_NAME_MAX_LENGTH 253 /* RFC 1035 2.3.4, without the last dot */
#define COMMON_NAME_MAX_BYTES \
	126		  /* one less than tls_peer has room for, so never a cut name */
#define UID_MAX_LENGTH 64 /* PS3.5 9.1 */

static bool keep_text(struct reader *reader, const char *text, void *ret)
{
	*(const char **)ret = arena_copy(reader->arena, text);
	return true;
}

static bool refuse_item(struct reader *reader, const struct config_place *place,
			const char *text, const char *why)
{
	reader_fault(reader, place, "\"%s\" %s", text, why);
	return false;
}

static bool is_printable(const char *text)
{
	size_t left = strlen(text), size;
	uint32_t character;

	for (; left > 0; text += size, left -= size) {
		size = utf8_read(text, left, &character);
		if (size == 0 || utf8_is_control(character))
			return false;
	}
	return true;
}

bool item_name(struct reader *reader, const struct config_place *place, const char *text,
	       void *ret)
{
	size_t length = strlen(text);

	if (length == 0 || length > NAME_MAX_BYTES || !is_printable(text) ||
	    text[0] == ' ' || text[length - 1] == ' ')
		return refuse_item(
			reader, place, text,
			"is no name; write 1 to 63 bytes of UTF-8 without control "
			"characters and without spaces around them");
	return keep_text(reader, text, ret);
}

bool item_gateway_name(struct reader *reader, const struct config_place *place,
		       const char *text, void *ret)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			length = 0;
	if (length == 0 || length > NAME_MAX_BYTES)
		return refuse_item(
			reader, place, text,
			"is no name for a gateway; write 1 to 63 letters, digits, "
			"dots, hyphens or underscores");
	return keep_text(reader, text, ret);
}

/* RFC 1123 2.1, and underscores, which real networks use. A last label of digits only
 * would be a mistyped IPv4 address. */
static bool is_host_name(const char *text)
{
	size_t length = strlen(text), label = 0;
	bool digits_only = true;

	if (length == 0 || length > HOST_NAME_MAX_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool at_end = i + 1 == length || text[i + 1] == '.';

		if (text[i] == '.') {
			if (label == 0 || i + 1 == length)
				return false;
			label = 0;
			digits_only = true;
			continue;
		}
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' &&
		    (text[i] != '-' || label == 0 || at_end))
			return false;
		if (!isdigit((unsigned char)text[i]))
			digits_only = false;
		if (++label > 63)
			return false;
	}
	return !digits_only;
}

static bool is_numeric_address(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET, text, &address) == 1 ||
	       inet_pton(AF_INET6, text, &address) == 1;
}

bool item_host(struct reader *reader, const struct config_place *place, const char *text,
	       void *ret)
{
	if (!is_host_name(text) && !is_numeric_address(text))
		return refuse_item(
			reader, place, text,
			"is neither the name of a host nor a numeric address; write "
			"one as in \"pacs.hospital.example\", \"192.168.40.10\" or "
			"\"2001:db8::10\"");
	return keep_text(reader, text, ret);
}

bool item_number_address(struct reader *reader, const struct config_place *place,
			 const char *text, void *ret)
{
	struct address_range range;

	if (strchr(text, '/') || address_range_parse(text, &range) < 0)
		return refuse_item(
			reader, place, text,
			"is no numeric address; write one of this machine's, or "
			"\"0.0.0.0\" or \"::\" for all of them");
	return keep_text(reader, text, ret);
}

bool item_dns(struct reader *reader, const struct config_place *place, const char *text,
	      void *ret)
{
	if (strchr(text, '*'))
		return refuse_item(
			reader, place, text,
			"is a wildcard, which binds nobody in particular; write the "
			"whole name that stands in the certificate");
	if (!is_host_name(text))
		return refuse_item(
			reader, place, text,
			"is no DNS name; write one as in \"angio-3.hospital.example\"");
	return keep_text(reader, text, ret);
}

bool item_uri(struct reader *reader, const struct config_place *place, const char *text,
	      void *ret)
{
	if (strchr(text, '*') || strchr(text, ' ') || !isalpha((unsigned char)text[0]) ||
	    !strchr(text, ':') || !is_printable(text))
		return refuse_item(
			reader, place, text,
			"is no whole URI; write it as it stands in the certificate, "
			"as in \"urn:example:angio-3\", without wildcards");
	return keep_text(reader, text, ret);
}

bool item_common_name(struct reader *reader, const struct config_place *place,
		      const char *text, void *ret)
{
	if (text[0] == '\0' || strlen(text) > COMMON_NAME_MAX_BYTES ||
	    strchr(text, '*') || !is_printable(text))
		return refuse_item(
			reader, place, text,
			"is no common name that can be matched; write it as it "
			"stands in the certificate, 1 to 126 bytes, without "
			"wildcards");
	return keep_text(reader, text, ret);
}

bool item_digest(struct reader *reader, const struct config_place *place,
		 const char *text, void *ret)
{
	bool colons = strchr(text, ':') != NULL;
	char hex[DIGEST_HEX_SIZE] = "";
	size_t count = 0;
	const char *at = text;

	for (; *at != '\0' && count < DIGEST_HEX_SIZE - 1; at++) {
		if (colons && (at - text) % 3 == 2) {
			if (*at != ':')
				break;
		} else if (isxdigit((unsigned char)*at)) {
			hex[count++] = (char)tolower((unsigned char)*at);
		} else {
			break;
		}
	}
	if (*at != '\0' || count != DIGEST_HEX_SIZE - 1)
		return refuse_item(
			reader, place, text,
			"is no SHA-256; write its 64 hexadecimal digits, with or "
			"without colons, as \"openssl x509 -noout -fingerprint "
			"-sha256\" prints them");
	return keep_text(reader, hex, ret);
}

/* PS3.5 9.1: components of digits without leading zeros, with dots between. */
static bool is_uid(const char *text)
{
	size_t length = strlen(text);

	if (length > UID_MAX_LENGTH || !strchr(text, '.'))
		return false;
	for (size_t i = 0; i < length; i++) {
		bool begins = i == 0 || text[i - 1] == '.';

		if (text[i] == '.' ? begins || i + 1 == length
				   : !isdigit((unsigned char)text[i]))
			return false;
		if (begins && text[i] == '0' && isdigit((unsigned char)text[i + 1]))
			return false;
	}
	return true;
}

bool item_sop_class(struct reader *reader, const struct config_place *place,
		    const char *text, void *ret)
{
	const char *uid = text;

	if (isdigit((unsigned char)text[0])) {
		if (!is_uid(text))
			return refuse_item(
				reader, place, text,
				"is no UID; write up to 64 digits and dots, as in "
				"\"1.2.840.10008.5.1.4.1.1.12.1\"");
	} else {
		uid = reader->sop_classes->uid_of_name(text);
		if (!uid)
			return refuse_item(
				reader, place, text,
				"is the name of no SOP class known here; write its "
				"UID, or its keyword in DICOM's part 6, as in "
				"\"XRayAngiographicImageStorage\"");
	}
	if (!reader->sop_classes->is_storage(uid))
		return refuse_item(
			reader, place, text,
			"is no storage class, and only those are relayed; remove it "
			"from the list");
	return keep_text(reader, uid, ret);
}

bool item_transfer_syntax(struct reader *reader, const struct config_place *place,
			  const char *text, void *ret)
{
	if (!is_uid(text))
		return refuse_item(reader, place, text,
				   "is no UID of a transfer syntax; write one as in "
				   "\"1.2.840.10008.1.2.1\"");
	return keep_text(reader, text, ret);
}

bool item_ae_title(struct reader *reader, const struct config_place *place,
		   const char *text, void *ret)
{
	if (ae_title_parse(text, strlen(text), ret) < 0)
		return refuse_item(
			reader, place, text,
			"is no AE title; write 1 to 16 ASCII characters without "
			"backslash and control characters");
	return true;
}

/* If bits behind the prefix are the only fault, the range without them; else NULL. */
static const char *mended_range(struct reader *reader, const char *text)
{
	const char *slash = strchr(text, '/');
	char mended[INET6_ADDRSTRLEN];
	struct address_range range;
	unsigned long bits, width;
	char *end;

	if (!slash || !isdigit((unsigned char)slash[1]))
		return NULL;
	bits = strtoul(slash + 1, &end, 10);
	if (address_range_parse(
		    arena_format(reader->arena, "%.*s", (int)(slash - text), text),
		    &range) < 0)
		return NULL;
	width = range.network.v6 ? 128 : 32;
	if (*end != '\0' || bits > width)
		return NULL;
	for (unsigned long i = bits; i < width; i++)
		range.network.bytes[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
	if (!inet_ntop(range.network.v6 ? AF_INET6 : AF_INET, range.network.bytes, mended,
		       sizeof(mended)))
		return NULL;
	return arena_format(reader->arena, "%s/%lu", mended, bits);
}

bool item_address_range(struct reader *reader, const struct config_place *place,
			const char *text, void *ret)
{
	const char *mended;

	if (address_range_parse(text, ret) == 0)
		return true;
	mended = mended_range(reader, text);
	if (!mended)
		return refuse_item(reader, place, text,
				   "is neither an address nor a range; write one as in "
				   "\"192.168.40.7\" or \"192.168.40.0/24\"");
	reader_fault(reader, place, "\"%s\" has bits behind its prefix; write \"%s\"",
		     text, mended);
	return false;
}

bool item_socket(struct reader *reader, const struct config_place *place,
		 const char *text, void *ret)
{
	size_t length = strlen(text);
	bool is_good = length > 0 && length <= 255;

	for (size_t i = 0; i < length; i++)
		is_good = is_good && text[i] > ' ' && text[i] < 0x7F && text[i] != ':';
	if (!is_good)
		return refuse_item(
			reader, place, text,
			"is no name of a socket; write what FileDescriptorName= says "
			"in the socket unit, as in \"dicom-tls\"");
	return keep_text(reader, text, ret);
}

static bool read_credential(struct reader *reader, const struct config_place *place,
			    const char *name, struct config_file *ret)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return refuse_item(
			reader, place, name,
			"is no name of a credential; write the name that stands in "
			"the unit's LoadCredential=");
	if (!folder || folder[0] == '\0') {
		reader_fault(reader, place,
			     "credential:%s needs systemd's CREDENTIALS_DIRECTORY, which "
			     "is not set; start the service with LoadCredential=%s:FILE, "
			     "or write the file's path",
			     name, name);
		return false;
	}
	*ret = (struct config_file){
		.path = arena_format(reader->arena, "%s/%s", folder, name),
		.credential = true,
		.place = *place,
	};
	return true;
}

bool item_word(struct reader *reader, const struct config_place *place, const char *text,
	       void *ret)
{
	if (text[0] == '\0')
		return refuse_item(reader, place, text,
				   "is no word of a command; remove it");
	return keep_text(reader, text, ret);
}

/* RFC 7512; and the URI of a TPM's persistent key, as tpm2-openssl has it. */
static const char *const token_schemes[] = { "pkcs11:", "handle:" };

bool item_key_file(struct reader *reader, const struct config_place *place,
		   const char *text, void *ret)
{
	size_t i = 0;

	while (i < 2 && strncmp(text, token_schemes[i], strlen(token_schemes[i])) != 0)
		i++;
	if (i == 2)
		return item_file(reader, place, text, ret);
	/* The PIN would be in each message that names the key. The text isn't shown. */
	if (strstr(text, "pin-value=")) {
		reader_fault(reader, place,
			     "the PIN of a token doesn't belong here: put it into a file "
			     "that only the service reads (chmod 0400), and write "
			     "pin-source=file:/THE/FILE instead of pin-value=...");
		return false;
	}
	*(struct config_file *)ret = (struct config_file){
		.path = arena_copy(reader->arena, text),
		.in_token = true,
		.place = *place,
	};
	return true;
}

bool item_file(struct reader *reader, const struct config_place *place, const char *text,
	       void *ret)
{
	static const char prefix[] = "credential:";

	if (strncmp(text, prefix, strlen(prefix)) == 0)
		return read_credential(reader, place, text + strlen(prefix), ret);
	if (text[0] == '\0')
		return refuse_item(reader, place, text,
				   "is no path; write the file's path");
	*(struct config_file *)ret = (struct config_file){
		.path = text[0] == '/' ? arena_copy(reader->arena, text)
				       : arena_format(reader->arena, "%s/%s",
						      reader->folder, text),
		.place = *place,
	};
	return true;
}
