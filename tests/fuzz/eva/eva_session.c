/*
 * What the process of an association, a courier or the spooler says to the auditor: two
 * messages, one after the other, each the head alone or with any record, or of another
 * size, to a session that is new or renewed, and may move to another channel between them
 * (session_take), and what the auditor then writes of it (session_last_records). OpenSSL,
 * which makes the pseudonym, is not analysed.
 *
 * Eva sources: src/audit/auditor/session.c src/audit/auditor/delivery.c
 * Eva sources: src/audit/format/record.c src/audit/format/pseudonym.c
 * Eva options: -eva-auto-loop-unroll 100
 * Eva alarm: pseudonym.c:pseudonym_apply 1: record_is_sound has found the text's end
 * Eva alarm: session.c:take_begin 1: so it has in both records
 * Eva alarm: delivery.c:delivery_is_begun 1: the same
 * Eva alarm: delivery.c:delivery_begin_fault 1: so it has in the record's destination
 * Eva alarm: delivery.c:delivery_submit_fault 1: the same
 */
#include "eva.h"
#include "audit/auditor/session.h"

#include <string.h>

void OPENSSL_cleanse(void *bytes, size_t size)
{
	memset(bytes, 0, size);
}

int digest_hmac_sha256(const uint8_t *key, size_t key_size, const void *bytes,
		       size_t size, uint8_t ret[DIGEST_SIZE])
{
	eva_read(key, key_size);
	eva_read(bytes, size);
	Frama_C_make_unknown((char *)ret, DIGEST_SIZE);
	return Frama_C_nondet(0, -1);
}

void digest_hex(const uint8_t *bytes, size_t size, char *ret)
{
	eva_read(bytes, size);
	for (size_t i = 0; i < 2 * size; i++)
		ret[i] = 'f';
	ret[2 * size] = '\0';
}

static void say(struct session *session, const struct pseudonym *pseudonym,
		const char **fault)
{
	static struct message_said said;
	static struct audit_record record;
	bool has_submitted;
	size_t size = Frama_C_size_t_interval(0, sizeof(said) + 1);

	Frama_C_make_unknown((char *)&said, sizeof(said));
	*fault = session_take(session, pseudonym, &said, size, &has_submitted, &record);
}

int main(void)
{
	static struct message_control_head address = { .destination = "pacs" };
	static struct pseudonym pseudonym;
	static struct audit_record last[SESSION_LAST_RECORDS];
	struct session *session;
	const char *fault;

	address.kind = Frama_C_nondet(MESSAGE_OPEN, MESSAGE_OPEN_COURIER);
	if (Frama_C_nondet(false, true))
		address.kind = MESSAGE_OPEN_SPOOLER;
	session = session_new(3, &address);
	if (!session)
		return 0;
	pseudonym.mode = (enum config_patient_id)Frama_C_interval(
		CONFIG_PATIENT_PSEUDONYM, CONFIG_PATIENT_CLEAR);
	pseudonym.has_key = Frama_C_nondet(false, true);
	session->is_renewed = Frama_C_nondet(false, true);
	say(session, &pseudonym, &fault);
	if (Frama_C_nondet(false, true))
		session_move(session, 4);
	if (!fault)
		say(session, &pseudonym, &fault);
	(void)session_last_records(session, fault, last);
	session_free(session);
	Frama_C_show_each_end();
	return 0;
}
