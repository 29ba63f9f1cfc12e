#include "secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"

static int read_file(const char *file, bool is_new, char ret[PKI_PASSPHRASE_SIZE])
{
	size_t size, least = is_new ? PKI_PASSPHRASE_LEAST : 1;
	char *text;

	/* It can be a pipe: --passphrase-file <(…). */
	if (durable_read_fd(open(file, O_RDONLY | O_CLOEXEC), PKI_PASSPHRASE_SIZE - 1,
			    &text, &size) < 0)
		return complain_file(file);
	size = strcspn(text, "\r\n");
	memcpy(ret, text, size);
	ret[size] = '\0';
	explicit_bzero(text, size);
	free(text);
	if (size >= least)
		return 0;
	complain("%s: its first line is no passphrase; write %d to %d bytes there", file,
		 is_new ? PKI_PASSPHRASE_LEAST : 1, PKI_PASSPHRASE_SIZE - 2);
	return -1;
}

int secret_read(const char *file, bool is_new, char ret[PKI_PASSPHRASE_SIZE])
{
	if (file)
		return read_file(file, is_new, ret);
	if (!isatty(STDIN_FILENO)) {
		complain("there is nobody to ask for the passphrase: give "
			 "--passphrase-file FILE%s",
			 is_new ? ", or --recipient CERTIFICATE" : ", or --key FILE");
		return -1;
	}
	if (pki_passphrase_ask(is_new ? "Passphrase for the backup (12 characters at "
					"least): "
				      : "Passphrase of the backup: ",
			       is_new, ret) == 0)
		return 0;
	complain("no passphrase: nothing was written");
	return -1;
}
