/* What `cathgate setup` says at its end: what comes next, or how to try again. */
#include <stdio.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/shown.h"
#include "setup.h"

#define WIDTH_USUAL 80

static void print_paragraph(const char *text)
{
	size_t width = shown_width(stdout);

	putchar('\n');
	shown_wrapped(stdout, "", text, width > 0 ? width : WIDTH_USUAL);
}

static const char *request_steps(const struct setup_plan *plan)
{
	if (plan->wants_requests)
		return "Have the hospital's CA sign tls/gateway.csr and "
		       "tls/gateway-client.csr, and put what comes back in the place of "
		       "the .crt files of that name: the keys stay.";
	if (plan->answers[SETUP_MODALITY_CA].value[0] != '\0')
		return "The gateway's certificates are signed by nobody yet: have the "
		       "hospital's CA make some for its keys, and put them in the place "
		       "of tls/gateway.crt and tls/gateway-client.crt.";
	return keep_format("The PACS must know the CA that signed the gateway's "
			   "certificate, %s/" SETUP_MODALITIES_CA
			   "; or set up with --requests for a certificate of the "
			   "hospital's.",
			   plan->directory);
}

void setup_print_next(const struct setup_plan *plan)
{
	const char *option =
		strcmp(plan->directory, SETUP_DIRECTORY_USUAL) == 0
			? ""
			: keep_format(" --config %s/" SETUP_CONFIG, plan->directory);
	bool has_own_ca = plan->answers[SETUP_MODALITY_CA].value[0] == '\0';

	print_paragraph(keep_format("%s is written, and good.", plan->directory));
	if (strcmp(plan->answers[SETUP_PACS_CA].value, "none") != 0)
		print_paragraph(request_steps(plan));
	print_paragraph(keep_format(
		"Keep a copy of it off this machine, and as safe as the machine: without "
		"tls/pseudonym.key nobody can tell which patient an audit line is "
		"about%s",
		has_own_ca ? ", and who has ca/ca.key can make modalities. The list of "
			     "revoked certificates (CRL) is good for as long as the CA, "
			     "ten years; cathgate modality crl makes a new one."
			   : "."));
	if (!has_own_ca && plan->answers[SETUP_MODALITY_CRL].value[0] == '\0')
		print_paragraph("The gateway has no CRL of the hospital's CA: a modality "
				"whose certificate that CA revokes can go on. See "
				"cathgate-crl(1).");
	printf("\nNext, for each modality, its name and its AE title:\n"
	       "  cathgate modality add angio-3 --ae-title CATHLAB3%s%s\n"
	       "A page for the PACS's team, with what they have to enter there:\n"
	       "  cathgate destination page pacs%s\n"
	       "Then start it:\n"
	       "  systemctl enable --now cathgated\n",
	       has_own_ca ? "" : " --certificate FILE", option, option);
}

/* For a shell. */
static const char *quoted(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=.,:/@%";
	const char *result = "'", *quote;

	if (text[0] != '\0' && strspn(text, plain) == strlen(text))
		return text;
	for (; (quote = strchr(text, '\'')); text = quote + 1)
		result = keep_format("%s%.*s'\\''", result, (int)(quote - text), text);
	return keep_format("%s%s'", result, text);
}

static void print_option(const char *name, const char *value)
{
	fprintf(stderr, " \\\n    --%s ", name);
	shown_message(stderr, quoted(value));
}

void setup_print_again(const struct setup_plan *plan, const char *user, const char *group)
{
	static const char *const sizes[] = {
		[PKI_RSA_2048] = "2048", [PKI_RSA_3072] = "3072", [PKI_RSA_4096] = "4096"
	};

	complain("no answer is lost: correct what is wrong, here as well, and run");
	fprintf(stderr, "  cathgate setup");
	print_option("directory", plan->directory);
	for (size_t i = 0; i < SETUP_QUESTIONS; i++) {
		const struct question *answer = &plan->answers[i];
		const char *list = answer->value ? answer->value : "", *item;

		while ((item = setup_next(&list)))
			print_option(answer->option, item);
	}
	if (user)
		print_option("user", user);
	if (group)
		print_option("group", group);
	if (plan->algorithm != PKI_EC_P256)
		fprintf(stderr, " \\\n    --rsa=%s", sizes[plan->algorithm]);
	if (plan->wants_requests)
		fprintf(stderr, " \\\n    --requests");
	fprintf(stderr, " \\\n    --days %u\n", plan->days);
}
