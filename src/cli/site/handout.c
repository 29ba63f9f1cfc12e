#include "handout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "setup.h"

#define PASSWORD_MAX 128

static int write_file(const struct handout *handout, const char *name, const char *ending,
		      struct pki_text *text)
{
	struct durable_owner own = daemon_user_none(0600);
	int result = staging_write(&handout->staging, keep_format("%s%s", name, ending),
				   text->bytes, text->size, &own);

	pki_text_free(text);
	return result;
}

/* The first line of the file that was named; else one that is made up. */
static int choose_password(struct handout *handout, char ret[PASSWORD_MAX])
{
	char *text;
	size_t size;

	if (!handout->asked->password_file) {
		if (pki_password_make(handout->password) < 0)
			return complain_openssl();
		strcpy(ret, handout->password);
		return 0;
	}
	/* It can be a pipe: --password-file <(…). */
	if (durable_read_fd(open(handout->asked->password_file, O_RDONLY | O_CLOEXEC),
			    PASSWORD_MAX - 1, &text, &size) < 0)
		return complain_file(handout->asked->password_file);
	size = strcspn(text, "\r\n");
	memcpy(ret, text, size);
	ret[size] = '\0';
	explicit_bzero(text, size);
	free(text);
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)ret[i] < 0x20 || (unsigned char)ret[i] > 0x7E)
			size = 0;
	if (size >= 8)
		return 0;
	complain("%s: its first line is no password; write 8 to 127 ASCII characters "
		 "there",
		 handout->asked->password_file);
	return -1;
}

static int write_pkcs12(struct handout *handout, const struct site *site,
			const struct pki_key *key)
{
	char password[PASSWORD_MAX];
	struct pki_text text;
	int result = choose_password(handout, password);

	if (result == 0 &&
	    pki_pkcs12_write(key, handout->certificate, site->ca, handout->asked->name,
			     password, handout->asked->legacy, &text) < 0)
		result = complain_openssl();
	else if (result == 0)
		result = write_file(handout, handout->asked->name, ".p12", &text);
	explicit_bzero(password, sizeof(password));
	return result;
}

static int write_certificate(const struct handout *handout, const char *name,
			     const struct pki_certificate *certificate)
{
	struct pki_text text;

	if (pki_certificate_write(certificate, &text) < 0)
		return complain_openssl();
	return write_file(handout, name, ".crt", &text);
}

static int issue_certificate(struct handout *handout, const struct site *site)
{
	const struct modality_options *asked = handout->asked;
	enum pki_algorithm algorithm =
		asked->legacy || asked->rsa ? PKI_RSA_2048 : PKI_EC_P256;
	struct pki_wish wish = { .role = PKI_CLIENT,
				 .common_name = asked->name,
				 .uri = handout->uri,
				 .days = asked->days ? asked->days
						     : MODALITY_DAYS_USUAL };
	const char *error = NULL;
	struct pki_key *key = asked->request ? pki_request_read(asked->request, &error)
					     : pki_key_new(algorithm);
	struct pki_text text;
	int result = -1;

	if (error)
		complain("%s %s", asked->request, error);
	else if (!key ||
		 !(handout->certificate = pki_issue(&wish, key, site->ca, site->ca_key)))
		complain_openssl();
	else
		result = 0;
	if (result == 0 && !asked->request)
		result = write_pkcs12(handout, site, key);
	if (result == 0 && (asked->pem || asked->request))
		result = write_certificate(handout, asked->name, handout->certificate);
	if (result == 0 && asked->pem && !asked->request)
		result = pki_key_write(key, &text) < 0
				 ? complain_openssl()
				 : write_file(handout, asked->name, ".key", &text);
	pki_key_free(key);
	return result;
}

static int read_own(struct handout *handout)
{
	const char *error = NULL;

	handout->certificate = pki_certificate_read(handout->asked->certificate, &error);
	if (handout->certificate)
		error = pki_certificate_fault(handout->certificate);
	if (!error)
		return 0;
	complain("%s %s", handout->asked->certificate, error);
	return -1;
}

int handout_make(struct handout *handout, const struct site *site)
{
	struct durable_owner own = daemon_user_none(0700);

	if (!handout->asked->certificate && !site->ca) {
		complain("this gateway has no CA of its own (%s/" SETUP_CA_CERT
			 "): have the hospital's make the modality's certificate, and "
			 "give it with --certificate",
			 site->folder);
		return -1;
	}
	if (staging_open(&handout->staging, handout->folder, &own) < 0)
		return -1;
	handout->is_open = true;
	if (handout->staging.within) {
		complain("%s is there already, and not empty; move it away, or name "
			 "another folder with --output",
			 handout->folder);
		return -1;
	}
	if ((handout->asked->certificate ? read_own(handout)
					 : issue_certificate(handout, site)) < 0)
		return -1;
	return site->ca ? write_certificate(handout, "ca", site->ca) : 0;
}

int handout_commit(struct handout *handout)
{
	return staging_commit(&handout->staging, NULL);
}

void handout_close(struct handout *handout)
{
	if (handout->is_open)
		staging_close(&handout->staging);
	pki_certificate_free(handout->certificate);
	explicit_bzero(handout->password, sizeof(handout->password));
}

void handout_print(const struct handout *handout)
{
	printf("Bring what is in %s to the modality; %s.txt there says what to do.\n",
	       handout->folder, handout->asked->name);
	if (!handout->asked->certificate && !handout->asked->request)
		printf("Delete the folder when the modality has it: it holds its key.\n");
	if (handout->password[0] != '\0')
		printf("Password of %s.p12, shown this once: %s\n", handout->asked->name,
		       handout->password);
}
