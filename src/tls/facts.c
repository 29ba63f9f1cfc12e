#include "internal.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#include "cathgate/base/utc.h"

time_t tls_time(const ASN1_TIME *time)
{
	struct tm tm;

	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return -1;
	return timegm(&tm);
}

bool tls_has_begun(time_t first, time_t now)
{
	return first <= now + TLS_CLOCK_SLACK;
}

bool tls_crl_is_in_force(X509_CRL *crl, time_t now)
{
	const ASN1_TIME *last = X509_CRL_get0_nextUpdate(crl);
	time_t first = tls_time(X509_CRL_get0_lastUpdate(crl));

	return first >= 0 && tls_has_begun(first, now) &&
	       (!last || tls_time(last) >= now);
}

void tls_date(time_t time, char ret[TLS_DATE_SIZE])
{
	char minutes[UTC_TEXT_SIZE];

	utc_date_minutes(time, minutes);
	snprintf(ret, TLS_DATE_SIZE, "%.16s UTC", minutes);
}

void tls_subject(const X509_NAME *name, char ret[TLS_SUBJECT_SIZE])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int length = 0;

	/* XN_FLAG_RFC2253 escapes all but ASCII, so no character is cut in half. */
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		length = BIO_read(bio, ret, TLS_SUBJECT_SIZE - 1);
	ret[length > 0 ? length : 0] = '\0';
	BIO_free(bio);
}

bool tls_is_self_signed(X509 *certificate)
{
	return X509_self_signed(certificate, 1) == 1;
}

bool tls_is_leaf(X509 *certificate)
{
	return X509_check_ca(certificate) == 0 && !tls_is_self_signed(certificate);
}
