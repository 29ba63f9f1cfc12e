/* DICOM audit messages: which lines of the log become which, and that none is lost or
 * written twice whenever the exporter ends. Whether they fit the standard's schema is
 * integration/97's to show. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/exporter/audit_used.h"
#include "exporter/messages.h"

#define HEAD_SIZE 512

struct fixture {
	char directory[64];
	struct config config;
	struct messages *messages;
	struct position resume; /* as messages_open said */
};

static struct ae_title called[] = { { "CATHGATE" } };
static struct config_modality modality = { .name = "angio",
					   .called_ae_titles = { called, 1 } };
static struct config_destination destination = { .name = "pacs",
						 .host = "pacs.test",
						 .called_ae_title = { "PACS" } };

static void open_messages(struct fixture *fixture)
{
	fixture->messages = messages_open(&fixture->config, &fixture->resume);
	assert_non_null(fixture->messages);
}

static void close_messages(struct fixture *fixture)
{
	messages_close(fixture->messages);
	fixture->messages = NULL;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	snprintf(fixture->directory, sizeof(fixture->directory),
		 "/tmp/cathgate-messages-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	fixture->config = (struct config){
		.gateway_name = "cathlab-3",
		.modalities = &modality,
		.modality_count = 1,
		.destinations = &destination,
		.destination_count = 1,
		.audit = { .file = { .path = "/var/log/cathgate/audit.jsonl" },
			   .messages = { .path = fixture->directory } },
	};
	*state = fixture;
	open_messages(fixture);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_message_file(const struct dirent *entry)
{
	return strncmp(entry->d_name, "cathgate-", 9) == 0;
}

static void empty_directory(const struct fixture *fixture)
{
	struct dirent **entries;
	int count = scandir(fixture->directory, &entries, is_message_file, by_name);

	for (int i = 0; i < count; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", fixture->directory,
			 entries[i]->d_name);
		unlink(path);
		free(entries[i]);
	}
	free(entries);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	messages_close(fixture->messages);
	empty_directory(fixture);
	rmdir(fixture->directory);
	free(fixture);
	return 0;
}

/* All files one behind the other, without their first lines where these are no messages;
 * freed by the caller. */
static char *read_files(const struct fixture *fixture, int *ret_count)
{
	struct dirent **entries;
	int count = scandir(fixture->directory, &entries, is_message_file, by_name);
	char *text = calloc(1, 1);
	size_t size = 0;

	for (int i = 0; i < count; i++) {
		char path[512];
		struct stat status;

		snprintf(path, sizeof(path), "%s/%s", fixture->directory,
			 entries[i]->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0 && fstat(fd, &status) == 0);
		text = realloc(text, size + (size_t)status.st_size + 1);
		assert_int_equal(read(fd, text + size, (size_t)status.st_size),
				 status.st_size);
		if (status.st_size >= HEAD_SIZE && text[size] == '#') {
			assert_int_equal(text[size + HEAD_SIZE - 1], '\n');
			memmove(text + size, text + size + HEAD_SIZE,
				(size_t)status.st_size - HEAD_SIZE);
			size -= HEAD_SIZE;
		}
		size += (size_t)status.st_size;
		close(fd);
		free(entries[i]);
	}
	free(entries);
	text[size] = '\0';
	if (ret_count)
		*ret_count = count;
	return text;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		count++;
	return count;
}

/* A line of the log, ' for ". The hash is the number's unless `members` has one. */
static json_t *line_of(uint64_t seq, const char *members)
{
	char text[8192];
	json_error_t error;
	int size = snprintf(text, sizeof(text),
			    "{'seq':%llu,'time':'2026-01-31T12:00:00.%06lluZ',"
			    "'node':'cathlab-3',%s,'hash':'%064llx'}",
			    (unsigned long long)seq, (unsigned long long)seq % 1000000,
			    members, (unsigned long long)seq + 0xabc);

	for (int i = 0; i < size; i++)
		text[i] = (char)(text[i] == '\'' ? '"' : text[i]);
	json_t *line = json_loadb(text, (size_t)size, 0, &error);
	if (!line)
		fail_msg("%s: %s", text, error.text);
	return line;
}

static void take(struct fixture *fixture, uint64_t seq, const char *members)
{
	json_t *line = line_of(seq, members);

	assert_int_equal(messages_take(fixture->messages, line, seq), 0);
	json_decref(line);
}

#define PARTIES                                                                    \
	"'association':'00112233445566aa','peer':'192.0.2.7:40123','certificate':" \
	"'c0ffee','subject':'CN=angio','tls':{'version':'TLSv1.3'},'modality':"    \
	"'angio','calling_ae':'CATHLAB3','called_ae':'CATHGATE','destination':'pacs'"
#define INSTANCE(outcome, patient, study, sop_class)                                     \
	"'event':'instance','outcome':'" outcome "'," PARTIES ",'sop_class':'" sop_class \
	"','sop_instance':'1.2.3','study':'" study "','patient':'" patient               \
	"','total_ms':1500"
#define DELIVERY(outcome, patient, study)                                            \
	"'event':'delivery','outcome':'" outcome                                     \
	"','association':'00112233445566aa','modality':'angio','calling_ae':"        \
	"'CATHLAB3','called_ae':'CATHGATE','destination':'pacs','sop_class':"        \
	"'1.2.840.1','sop_instance':'1.2.3','study':'" study "','patient':'" patient \
	"','total_ms':1500"
#define RELEASED "'event':'association','outcome':'released'," PARTIES

static char *told(struct fixture *fixture)
{
	assert_int_equal(messages_flush(fixture->messages), 0);
	return read_files(fixture, NULL);
}

#define ASSERT_HAS(text, part)                                 \
	do {                                                   \
		if (!strstr((text), (part)))                   \
			fail_msg("no %s in:\n%s", part, text); \
	} while (0)

static void start_and_stop_are_activity_and_network_entry(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0, "'event':'start'");
	take(fixture, 1, "'event':'stop'");
	char *text = told(fixture), *end = strchr(text, '\n');
	assert_int_equal(count_of(text, "\n"), 4);
	*end = '\0';
	assert_string_equal(
		text,
		"<85>1 2026-01-31T12:00:00.000000Z cathlab-3 cathgated - IHE+RFC-3881 - "
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage>"
		"<EventIdentification EventActionCode=\"E\" "
		"EventDateTime=\"2026-01-31T12:00:00.000000Z\" "
		"EventOutcomeIndicator=\"0\">"
		"<EventID csd-code=\"110100\" codeSystemName=\"DCM\" "
		"originalText=\"Application Activity\"/>"
		"<EventTypeCode csd-code=\"110120\" codeSystemName=\"DCM\" "
		"originalText=\"Application Start\"/></EventIdentification>"
		"<ActiveParticipant UserID=\"cathlab-3\" "
		"AlternativeUserID=\"AETITLES=CATHGATE\" UserIsRequestor=\"false\" "
		"NetworkAccessPointID=\"cathlab-3\" NetworkAccessPointTypeCode=\"1\">"
		"<RoleIDCode csd-code=\"110150\" codeSystemName=\"DCM\" "
		"originalText=\"Application\"/></ActiveParticipant>"
		"<AuditSourceIdentification AuditSourceID=\"cathlab-3\">"
		"<AuditSourceTypeCode csd-code=\"4\"/></AuditSourceIdentification>"
		"</AuditMessage><?cathgate line=\"0\" part=\"0\" "
		"hash=\"0000000000000000000000000000000000000000000000000000000000000abc"
		"\" again=\"0\"?>");
	ASSERT_HAS(end + 1, "csd-code=\"110108\"");
	ASSERT_HAS(end + 1, "csd-code=\"110124\"");
	ASSERT_HAS(end + 1, "csd-code=\"110125\"");
	ASSERT_HAS(end + 1, "csd-code=\"110121\"");
	free(text);
}

static void an_association_is_told_once(void **state)
{
	struct fixture *fixture = *state;
	uint64_t seq = 7;

	take(fixture, seq++, INSTANCE("forwarded", "p1", "1.2", "1.2.840.1"));
	take(fixture, seq++, INSTANCE("forwarded", "p1", "1.2", "1.2.840.1"));
	take(fixture, seq++, INSTANCE("forwarded", "p1", "1.2", "1.2.840.2"));
	take(fixture, seq++, INSTANCE("forwarded", "p1", "1.9", "1.2.840.1"));
	assert_int_equal(messages_needed_seq(fixture->messages), 7);
	take(fixture, seq++, RELEASED);
	char *text = told(fixture);
	assert_int_equal(messages_needed_seq(fixture->messages), UINT64_MAX);

	assert_int_equal(count_of(text, "\n"), 3);
	assert_int_equal(count_of(text, "csd-code=\"110102\""), 1);
	ASSERT_HAS(text, "EventDateTime=\"2026-01-31T11:59:58.500007Z\"");
	assert_int_equal(count_of(text, "EventActionCode=\"C\""), 1);
	assert_int_equal(count_of(text, "EventActionCode=\"R\""), 1);
	const char *inbound = strstr(text, "EventActionCode=\"C\"");
	ASSERT_HAS(inbound,
		   "UserID=\"angio\" AlternativeUserID=\"AETITLES=CATHLAB3\" "
		   "UserIsRequestor=\"true\" NetworkAccessPointID=\"192.0.2.7\" "
		   "NetworkAccessPointTypeCode=\"2\"><RoleIDCode csd-code=\"110153\"");
	const char *outbound = strstr(text, "EventActionCode=\"R\"");
	ASSERT_HAS(outbound,
		   "UserID=\"pacs\" AlternativeUserID=\"AETITLES=PACS\" "
		   "UserIsRequestor=\"false\" NetworkAccessPointID=\"pacs.test\" "
		   "NetworkAccessPointTypeCode=\"1\"><RoleIDCode csd-code=\"110152\"");
	ASSERT_HAS(outbound, "<SOPClass UID=\"1.2.840.1\" NumberOfInstances=\"2\"/>"
			     "<SOPClass UID=\"1.2.840.2\" NumberOfInstances=\"1\"/>"
			     "<ParticipantObjectContainsStudy/><Encrypted>true");
	assert_int_equal(count_of(outbound, "ParticipantObjectID=\"p1\""), 1);
	ASSERT_HAS(outbound, "<ParticipantObjectName>Pseudonym of the Patient ID<");
	ASSERT_HAS(text, " cathgated 00112233445566aa IHE+RFC-3881 - ");
	free(text);
}

static void success_failure_and_patients_are_split(void **state)
{
	struct fixture *fixture = *state;
	uint64_t seq = 0;

	take(fixture, seq++, INSTANCE("forwarded", "p1", "1.2", "1.2.840.1"));
	take(fixture, seq++, INSTANCE("forwarded", "p2", "1.3", "1.2.840.1"));
	take(fixture, seq++,
	     INSTANCE("failed", "p1", "1.2", "1.2.840.1") ",'reason':'destination-lost'");
	take(fixture, seq++,
	     INSTANCE("failed", "p1", "1.2", "1.2.840.2") ",'reason':'destination-lost'");
	take(fixture, seq++,
	     INSTANCE("failed", "p1", "1.2", "1.2.840.1") ",'reason':'too-slow'");
	take(fixture, seq++,
	     INSTANCE("unconfirmed", "p1", "1.2",
		      "1.2.840.1") ",'reason':'destination-timeout'");
	take(fixture, seq++, "'event':'association','outcome':'aborted'," PARTIES);
	char *text = told(fixture);

	/* Each patient's begin; p1: in and out, well and not, unconfirmed; p2: in, out.
	 */
	assert_int_equal(count_of(text, "\n"), 2 + 5 + 2);
	assert_int_equal(count_of(text, "csd-code=\"110102\""), 2);
	assert_int_equal(count_of(text, "EventOutcomeIndicator=\"4\""), 3);
	assert_int_equal(count_of(text, "<84>1 "), 3);
	ASSERT_HAS(text, "not taken by the receiver (destination-lost: 2, too-slow: 1)");
	ASSERT_HAS(text, "the receiver may hold them (destination-timeout: 1)");
	ASSERT_HAS(text, "(destination-lost: 2, too-slow: 1, destination-timeout: 1)<");
	free(text);
}

/* What came in is told with its association's end; what went out, when it did. */
static void a_spooled_instance_is_told_where_it_is(void **state)
{
	struct fixture *fixture = *state;
	uint64_t seq = 7;

	take(fixture, seq++, INSTANCE("spooled", "p1", "1.2", "1.2.840.1"));
	take(fixture, seq++, INSTANCE("spooled", "p1", "1.2", "1.2.840.1"));
	/* The modality was told of a failure. */
	take(fixture, seq++,
	     INSTANCE("failed", "p1", "1.2",
		      "1.2.840.1") ",'reason':'audit-unavailable'");
	take(fixture, seq++, RELEASED);
	char *text = told(fixture);
	assert_int_equal(count_of(text, "\n"), 4);
	assert_int_equal(count_of(text, "EventActionCode=\"C\""), 2);
	ASSERT_HAS(text, "EventOutcomeIndicator=\"4\"");
	assert_int_equal(count_of(text, "EventActionCode=\"R\""), 1);
	assert_int_equal(count_of(text, "NumberOfInstances=\"2\""), 0);
	ASSERT_HAS(text, "not taken by the receiver (audit-unavailable: 1)");
	free(text);

	uint64_t first = seq;
	take(fixture, seq++,
	     DELIVERY("failed", "p1", "1.2") ",'reason':'destination-unreachable'");
	take(fixture, seq++, DELIVERY("forwarded", "p1", "1.2"));
	take(fixture, seq++, DELIVERY("forwarded", "p1", "1.2"));
	take(fixture, seq++, DELIVERY("queued", "p1", "1.2"));
	take(fixture, seq++, DELIVERY("held", "p1", "1.2"));
	take(fixture, seq++, DELIVERY("exported", "p1", "1.2"));
	text = told(fixture);
	assert_int_equal(count_of(text, "\n"), 4 + 1);
	ASSERT_HAS(strstr(text, "line=\"10\""), "csd-code=\"110102\"");
	assert_int_equal(messages_needed_seq(fixture->messages), first);
	free(text);
	take(fixture, seq++,
	     "'event':'checkpoint','time':'2026-01-31T12:01:00.000000Z','size':1");
	text = told(fixture);
	assert_int_equal(messages_needed_seq(fixture->messages), UINT64_MAX);
	char *rest = strstr(text, "line=\"11\"");
	assert_int_equal(count_of(text, "\n"), 4 + 1 + 3);
	assert_int_equal(count_of(rest, "EventActionCode=\"C\""), 0);
	ASSERT_HAS(rest, "not taken by the receiver (destination-unreachable: 1)");
	ASSERT_HAS(rest, "<SOPClass UID=\"1.2.840.1\" NumberOfInstances=\"2\"/>");
	ASSERT_HAS(rest, " cathgated 00112233445566aa IHE+RFC-3881 - ");
	ASSERT_HAS(rest, "UserID=\"pacs\" AlternativeUserID=\"AETITLES=PACS\" "
			 "UserIsRequestor=\"false\"");
	free(text);
}

static void what_nobody_delivers_is_told(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0, DELIVERY("dead", "p1", "1.2") ",'reason':'destination-status'");
	take(fixture, 1,
	     DELIVERY("given-up", "p1", "1.2") ",'reason':'destination-lost'");
	take(fixture, 2, DELIVERY("dropped", "p1", "1.2"));
	take(fixture, 3, "'event':'stop'");
	char *text = told(fixture);
	assert_int_equal(count_of(text, "csd-code=\"110102\""), 0);
	assert_int_equal(count_of(text, "csd-code=\"110104\""), 2);
	assert_int_equal(count_of(text, "EventOutcomeIndicator=\"8\""), 2);
	ASSERT_HAS(text,
		   "not tried any more (destination-lost: 1, destination-status: 1)");
	ASSERT_HAS(text, "removed by an operator before the receiver had them<");
	free(text);
}

/* One courier's objects aren't told as another's. */
static void destinations_are_told_apart(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0, DELIVERY("forwarded", "p1", "1.2"));
	take(fixture, 1, DELIVERY("forwarded", "p1", "1.2") ",'destination':'archive'");
	take(fixture, 2, INSTANCE("forwarded", "p1", "1.2", "1.2.840.1"));
	take(fixture, 3, RELEASED); /* of the association by which they came */
	char *text = told(fixture);
	assert_int_equal(count_of(text, "\n"), 3 + 2);
	free(text);
	take(fixture, 4, "'event':'start'");
	text = told(fixture);
	assert_int_equal(count_of(text, "EventActionCode=\"R\""), 3);
	ASSERT_HAS(text, "UserID=\"archive\" UserIsRequestor=\"false\"");
	free(text);
}

static void an_association_without_instances_is_not_told(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0, "'event':'association','outcome':'accepted'," PARTIES);
	take(fixture, 1, RELEASED);
	take(fixture, 2,
	     "'event':'association','outcome':'refused','reason':"
	     "'destination-unreachable'," PARTIES);
	char *text = told(fixture);
	assert_string_equal(text, "");
	free(text);
}

static void what_has_no_end_is_told_all_the_same(void **state)
{
	static const char *const enders[] = {
		"'event':'start'",
		"'event':'checkpoint','time':'2026-01-31T13:00:00.000000Z'",
	};
	struct fixture *fixture = *state;
	uint64_t seq = 0;

	for (size_t i = 0; i < 3; i++) {
		take(fixture, seq++, INSTANCE("forwarded", "p1", "1.2", "1.2.840.1"));
		if (i == 2) {
			messages_gap(fixture->messages, seq + 5);
			seq += 5;
		}
		take(fixture, seq++, i == 2 ? "'event':'reload'" : enders[i]);
		char *text = told(fixture);
		assert_int_equal(count_of(text, "csd-code=\"110104\""), 2 * (i + 1));
		free(text);
	}
}

static void lines_are_told_as_what_they_are(void **state)
{
#define REFUSED(reason) \
	"'event':'association','outcome':'refused','reason':'" reason "'," PARTIES
	static const struct {
		const char *line, *type, *outcome;
	} cases[] = {
		{ REFUSED("tls-no-certificate"), "110126", "4" },
		{ REFUSED("tls-revoked"), "110126", "8" },
		{ REFUSED("not-tls"), "110126", "4" },
		{ REFUSED("handshake-timeout"), "110126", "4" },
		{ REFUSED("ae-unknown"), "110126", "4" },
		{ REFUSED("ae-certificate-mismatch"), "110126", "8" },
		{ REFUSED("called-ae-unknown"), "110126", "4" },
		{ REFUSED("address-not-allowed"), "110126", "4" },
		{ REFUSED("destination-tls"), "110126", "8" },
		{ REFUSED("sop-class-not-allowed"), "110132", "4" },
		{ INSTANCE("refused", "p", "1.2",
			   "1.2.3") ",'reason':'sop-class-not-allowed'",
		  "110132", "4" },
		{ INSTANCE("refused", "p", "1.2", "1.2.3") ",'reason':'limit-object'",
		  "110132", "4" },
		{ INSTANCE("refused", "p", "1.2", "1.2.3") ",'reason':'tls-expired'",
		  "110126", "4" },
		{ "'event':'alert','outcome':'raised','reason':'audit-unavailable'",
		  "110133", "8" },
		{ "'event':'alert','outcome':'raised','reason':'audit-broken'", "110132",
		  "12" },
		{ "'event':'alert','outcome':'raised','reason':'internal'", "110132",
		  "12" },
		{ "'event':'alert','outcome':'raised','reason':'tls-expired'", "110129",
		  "4" },
		{ "'event':'alert','outcome':'raised','reason':'spool-full'", "110129",
		  "8" },
		{ "'event':'delivery','outcome':'held','reason':'destination-tls'",
		  "110126", "8" },
		{ "'event':'delivery','outcome':'held','reason':'destination-name'",
		  "110126", "8" },
		{ "'event':'delivery','outcome':'held','reason':'spool-corrupt'",
		  "110132", "8" },
		{ "'event':'reload','outcome':'done'", "110131", "0" },
		{ "'event':'reload','outcome':'refused'", "110131", "4" },
		{ "'event':'retention','outcome':'removed'", "110129", "0" },
	};
	struct fixture *fixture = *state;
	char *before = told(fixture);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char wanted[200];
		take(fixture, i, cases[i].line);
		char *text = told(fixture), *added = text + strlen(before);
		assert_int_equal(count_of(added, "\n"), 1);
		snprintf(wanted, sizeof(wanted),
			 "EventOutcomeIndicator=\"%s\"><EventID "
			 "csd-code=\"110113\"",
			 cases[i].outcome);
		ASSERT_HAS(added, wanted);
		snprintf(wanted, sizeof(wanted), "<EventTypeCode csd-code=\"%s\"",
			 cases[i].type);
		ASSERT_HAS(added, wanted);
		ASSERT_HAS(added, "<ParticipantObjectDetail type=\"Alert Description\" "
				  "value=\"");
		assert_int_equal(
			strncmp(added, cases[i].outcome[0] == '0' ? "<85>" : "<84>", 4),
			0);
		free(before);
		before = text;
	}
	free(before);
}

static void a_checkpoint_carries_its_note(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0,
	     "'event':'checkpoint','origin':'o/n/0','size':5,'root':'cm9vdA==',"
	     "'key':'00','signature':'c2ln'");
	char *text = told(fixture);
	ASSERT_HAS(text, "csd-code=\"110101\"");
	ASSERT_HAS(text, "ParticipantObjectID=\"file:///var/log/cathgate/audit.jsonl\"");
	/* printf 'o/n/0\n5\ncm9vdA==\n\n— o/n/0 c2ln\n' | base64 */
	ASSERT_HAS(text, "type=\"C2SP tlog-checkpoint\" "
			 "value=\"by9uLzAKNQpjbTl2ZEE9PQoK4oCUIG8vbi8wIGMybG4K\"");
	free(text);
}

static void what_was_shown_is_no_identity(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0,
	     "'event':'association','outcome':'refused','reason':'tls-untrusted',"
	     "'peer':'192.0.2.7:1','shown_certificate':'0ff1ce','shown_subject':'CN=x'");
	char *text = told(fixture);
	ASSERT_HAS(text, "UserID=\"192.0.2.7\"");
	/* printf 'association refused: tls-untrusted; shown, not proved: subject CN=x; '\
	 * 'shown, not proved: certificate sha256 0ff1ce' | base64 -w 0 */
	ASSERT_HAS(text,
		   "value=\"YXNzb2NpYXRpb24gcmVmdXNlZDogdGxzLXVudHJ1c3RlZDsgc2hvd24sIG5v"
		   "dCBwcm92ZWQ6IHN1YmplY3QgQ049eDsgc2hvd24sIG5vdCBwcm92ZWQ6IGNlcnRpZmlj"
		   "YXRlIHNoYTI1NiAwZmYxY2U=\"");
	free(text);
}

static void what_a_peer_sent_is_escaped(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0,
	     "'event':'association','outcome':'refused','reason':'ae-unknown',"
	     "'peer':'[2001:db8::1]:104','calling_ae':"
	     "'<&>\\\"\\u0027\\u001b\\u0085\\n\\u00e9\\uffff'");
	char *text = told(fixture);
	ASSERT_HAS(text, "AETITLES=&lt;&amp;&gt;&quot;&apos;\\u001b\\u0085\\u000a"
			 "\xc3\xa9\\uffff\"");
	ASSERT_HAS(text, "NetworkAccessPointID=\"2001:db8::1\" "
			 "NetworkAccessPointTypeCode=\"2\"");
	assert_int_equal(count_of(text, "\n"), 1);
	free(text);
}

static void a_node_of_any_name_is_a_host_name(void **state)
{
	struct fixture *fixture = *state;
	json_t *line = json_pack("{s:s,s:s,s:s}", "time", "2026-01-31T12:00:00.000000Z",
				 "node", "Lab 3 \xc3\xa9", "event", "start");

	assert_int_equal(messages_take(fixture->messages, line, 0), 0);
	json_decref(line);
	char *text = told(fixture);
	ASSERT_HAS(text, "Z Lab-3--- cathgated - IHE");
	ASSERT_HAS(text, "AuditSourceID=\"Lab 3 \xc3\xa9\"");
	free(text);
}

static void many_studies_are_several_messages(void **state)
{
	struct fixture *fixture = *state;
	char members[2048];
	unsigned long sum = 0;

	for (unsigned i = 0; i < 900; i++) {
		snprintf(members, sizeof(members),
			 INSTANCE("forwarded", "p", "%s%u", "1.2.3"),
			 "1.2.840.99999999999999999999999999999999999999999.", i);
		take(fixture, i, members);
	}
	take(fixture, 900, RELEASED);
	char *text = told(fixture), *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) && *line;) {
		assert_true(strlen(line) <= 32768);
		if (!strstr(line, "EventActionCode=\"R\""))
			continue;
		assert_int_equal(count_of(line, "ParticipantObjectID=\"p\""), 1);
		sum += count_of(line, "NumberOfInstances=\"1\"");
	}
	assert_int_equal(sum, 900);
	free(text);
}

static void too_much_is_not_gathered(void **state)
{
	struct fixture *fixture = *state;
	char members[2048];

	for (unsigned i = 0; i < 1500; i++) {
		snprintf(members, sizeof(members),
			 INSTANCE("forwarded", "p", "1.%u", "1.2"), i);
		take(fixture, i, members);
	}
	assert_true(messages_needed_seq(fixture->messages) > 1000);
	take(fixture, 1500, RELEASED);
	char *text = told(fixture);
	assert_int_equal(count_of(text, "csd-code=\"110102\""), 2);
	free(text);
}

/*
 * Ends and restarts. A log of interleaved associations, some without an end, with all
 * that tells of everything at once.
 */

#define LOG_LINES 240

static json_t *log_of(const char *hash_suffix, uint64_t seq)
{
	static const char *const outcomes[] = { "forwarded", "failed", "refused",
						"unconfirmed" };
	static const char *const of_deliveries[] = { "forwarded", "failed", "queued",
						     "dead" };
	unsigned association = (unsigned)(seq % 5);
	char members[1024];

	if (seq % 97 == 0)
		snprintf(members, sizeof(members), "'event':'start'");
	else if (seq % 41 == 40)
		snprintf(members, sizeof(members), "'event':'checkpoint','size':%u",
			 (unsigned)seq);
	else if (seq % 17 == 16)
		snprintf(members, sizeof(members),
			 "'event':'association','outcome':'released','association':'a%u'",
			 association);
	else
		snprintf(members, sizeof(members),
			 "'event':'%s','outcome':'%s','association':'a%u','study':"
			 "'1.%u','patient':'p%u','sop_class':'1.2.%u','destination':'"
			 "pacs'",
			 seq % 3 ? "instance" : "delivery",
			 (seq % 3 ? outcomes : of_deliveries)[seq % 11 % 4], association,
			 (unsigned)(seq % 3), association % 2, (unsigned)(seq % 2));
	json_t *line = line_of(seq, members);
	char text[80];
	snprintf(text, sizeof(text), "2026-01-31T%02u:%02u:00.%06uZ",
		 10 + (unsigned)seq / 60, (unsigned)seq % 60 / 7, (unsigned)seq);
	json_object_set_new(line, "time", json_string(text));
	if (hash_suffix) {
		snprintf(text, sizeof(text), "%s%s",
			 json_string_value(json_object_get(line, "hash")) + 1,
			 hash_suffix);
		json_object_set_new(line, "hash", json_string(text));
	}
	return line;
}

static void take_log(struct fixture *fixture, const char *hash_suffix, uint64_t from,
		     uint64_t to)
{
	for (uint64_t seq = from; seq < to; seq++) {
		json_t *line = log_of(hash_suffix, seq);
		assert_int_equal(messages_take(fixture->messages, line, seq), 0);
		json_decref(line);
	}
}

static char *uninterrupted(struct fixture *fixture)
{
	take_log(fixture, NULL, 0, LOG_LINES);
	char *text = told(fixture);
	close_messages(fixture);
	empty_directory(fixture);
	return text;
}

static void a_restart_writes_nothing_twice(void **state)
{
	struct fixture *fixture = *state;
	char *expected = uninterrupted(fixture);

	for (uint64_t end = 0; end <= LOG_LINES; end += 11) {
		open_messages(fixture);
		take_log(fixture, NULL, 0, end);
		assert_int_equal(messages_flush(fixture->messages), 0);
		uint64_t needed = messages_needed_seq(fixture->messages);
		close_messages(fixture);

		open_messages(fixture);
		assert_true(fixture->resume.restart <= end);
		take_log(fixture, NULL, needed < end ? needed : end, LOG_LINES);
		char *text = told(fixture);
		assert_string_equal(text, expected);
		free(text);

		/* The position is lost as well: the files alone tell. */
		close_messages(fixture);
		open_messages(fixture);
		take_log(fixture, NULL, fixture->resume.restart, LOG_LINES);
		text = told(fixture);
		assert_string_equal(text, expected);
		free(text);
		close_messages(fixture);
		empty_directory(fixture);
	}
	free(expected);
}

static void a_torn_file_is_mended(void **state)
{
	struct fixture *fixture = *state;
	char *expected = uninterrupted(fixture);
	size_t size = strlen(expected);

	for (size_t cut = 0; cut < size; cut += 3001) {
		char path[512];

		snprintf(path, sizeof(path), "%s/cathgate-%020d.log", fixture->directory,
			 0);
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
		assert_int_equal(write(fd, expected, cut), cut);
		close(fd);
		open_messages(fixture);
		take_log(fixture, NULL, fixture->resume.restart, LOG_LINES);
		char *text = told(fixture);
		assert_string_equal(text, expected);
		free(text);
		close_messages(fixture);
	}
	free(expected);
}

/* With the machine's power the log lost its last lines, of which messages were written
 * already, and others came under the same numbers. */
static void lines_written_anew_are_told(void **state)
{
	struct fixture *fixture = *state;

	close_messages(fixture);
	for (uint64_t lost = 100; lost < 140; lost += 7) {
		open_messages(fixture);
		take_log(fixture, NULL, 0, 150);
		char *before = told(fixture);
		close_messages(fixture);
		open_messages(fixture);
		/* The exporter found the last line that it knew at `lost`. */
		take_log(fixture, NULL, 60, lost);
		take_log(fixture, "f", lost, LOG_LINES);
		char *text = told(fixture);
		assert_int_equal(strncmp(text, before, strlen(before)), 0);
		for (uint64_t seq = lost; seq < LOG_LINES; seq++) {
			char wanted[96];
			if (seq % 41 != 40)
				continue;
			snprintf(wanted, sizeof(wanted),
				 "line=\"%llu\" part=\"0\" hash=\"0",
				 (unsigned long long)seq);
			assert_int_equal(count_of(text + strlen(before), wanted), 1);
		}
		free(before);
		free(text);
		close_messages(fixture);
		empty_directory(fixture);
	}
}

static void a_new_chain_is_told_from_its_first_line(void **state)
{
	struct fixture *fixture = *state;

	take_log(fixture, NULL, 0, 200);
	char *before = told(fixture);
	messages_gap(fixture->messages, 0);
	take_log(fixture, "f", 0, 50);
	char *text = told(fixture);
	ASSERT_HAS(text + strlen(before), "line=\"0\" part=\"");
	free(before);
	close_messages(fixture);
	open_messages(fixture);
	take_log(fixture, "f", 0, 50); /* again, after a restart */
	before = told(fixture);
	assert_string_equal(before, text);
	free(before);
	close_messages(fixture);
	open_messages(fixture);
	messages_gap(fixture->messages, 0);
	take_log(fixture, "e", 0, 50); /* and another one, found at a restart */
	before = told(fixture);
	assert_true(strlen(before) > strlen(text));
	ASSERT_HAS(before + strlen(text), "line=\"0\" part=\"");
	free(before);
	free(text);
}

static void files_are_rotated_and_old_ones_removed(void **state)
{
	struct fixture *fixture = *state;
	int count;
	uint64_t seq = 0;

	for (int i = 0; i < 20; i++) {
		for (int j = 0; j < 900; j++)
			take(fixture, seq++, "'event':'start'");
		assert_int_equal(messages_flush(fixture->messages), 0);
	}
	free(read_files(fixture, &count));
	assert_true(count >= 2);
	close_messages(fixture);

	char path[512];
	struct timespec old[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
	snprintf(path, sizeof(path), "%s/cathgate-%020d.log", fixture->directory, 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	open_messages(fixture);
	take(fixture, seq++, "'event':'start'");
	assert_int_equal(messages_flush(fixture->messages), 0);
	assert_int_equal(access(path, F_OK), 0); /* keep_days = 0 */
	close_messages(fixture);
	fixture->config.audit.keep_days = 30;
	open_messages(fixture);
	take(fixture, seq++, "'event':'start'");
	char *text = told(fixture);
	assert_int_not_equal(access(path, F_OK), 0);
	ASSERT_HAS(text, "line=\"18001\"");
	free(text);
}

static void a_full_disk_loses_nothing(void **state)
{
	struct fixture *fixture = *state;
	char *expected = uninterrupted(fixture);
	struct rlimit before, limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	for (rlim_t size = 1; size < strlen(expected); size = size * 3 + 1) {
		open_messages(fixture);
		take_log(fixture, NULL, 0, 100);
		limit = (struct rlimit){ size, before.rlim_max };
		setrlimit(RLIMIT_FSIZE, &limit);
		int result = messages_flush(fixture->messages);
		setrlimit(RLIMIT_FSIZE, &before);
		char *text = read_files(fixture, NULL);
		assert_int_equal(strlen(text) == 0, result != 0);
		free(text);
		take_log(fixture, NULL, 100, LOG_LINES);
		text = told(fixture);
		assert_string_equal(text, expected);
		free(text);
		close_messages(fixture);
		empty_directory(fixture);
	}
	free(expected);
}

static void a_removed_file_is_followed_by_another(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 0, "'event':'start'");
	free(told(fixture));
	empty_directory(fixture);
	take(fixture, 1, "'event':'stop'");
	char *text = told(fixture);
	assert_int_equal(count_of(text, "\n"), 2);
	free(text);
}

static void two_gateways_never_share_a_directory(void **state)
{
	struct fixture *fixture = *state;
	struct position resume;

	assert_null(messages_open(&fixture->config, &resume));
}

static void who_reads_the_log_is_told(void **state)
{
	struct fixture *fixture = *state;

	struct audit_log_used used = { .log = "/var/log/audit log.jsonl",
				       .messages = fixture->directory,
				       .node = "cathlab-3",
				       .program = "cathgate audit" };

	assert_int_equal(audit_log_used_note(&used), 0);
	char *text = read_files(fixture, NULL);
	assert_int_equal(count_of(text, "\n"), 1);
	assert_int_equal(text[0], '<');
	ASSERT_HAS(text, "csd-code=\"110101\"");
	ASSERT_HAS(text, "UserIsRequestor=\"true\"");
	ASSERT_HAS(text, "UserID=\"cathgate audit[");
	ASSERT_HAS(text, "ParticipantObjectID=\"file:///var/log/audit%20log.jsonl\"");
	ASSERT_HAS(text, "<ParticipantObjectName>Security Audit Log</");
	free(text);
	used.messages = "/nonexistent";
	assert_int_equal(audit_log_used_note(&used), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(start_and_stop_are_activity_and_network_entry),
		TEST(an_association_is_told_once),
		TEST(success_failure_and_patients_are_split),
		TEST(an_association_without_instances_is_not_told),
		TEST(what_has_no_end_is_told_all_the_same),
		TEST(lines_are_told_as_what_they_are),
		TEST(a_checkpoint_carries_its_note),
		TEST(what_was_shown_is_no_identity),
		TEST(what_a_peer_sent_is_escaped),
		TEST(a_node_of_any_name_is_a_host_name),
		TEST(a_spooled_instance_is_told_where_it_is),
		TEST(what_nobody_delivers_is_told),
		TEST(destinations_are_told_apart),
		TEST(many_studies_are_several_messages),
		TEST(too_much_is_not_gathered),
		TEST(a_restart_writes_nothing_twice),
		TEST(a_torn_file_is_mended),
		TEST(lines_written_anew_are_told),
		TEST(a_new_chain_is_told_from_its_first_line),
		TEST(files_are_rotated_and_old_ones_removed),
		TEST(a_full_disk_loses_nothing),
		TEST(a_removed_file_is_followed_by_another),
		TEST(two_gateways_never_share_a_directory),
		TEST(who_reads_the_log_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
