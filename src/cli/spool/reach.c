#include "reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/memory_file.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_ask.h"
#include "cli/kit/gateway_config.h"

#define PATIENCE_MS 2000
#define RETRY_MS    50

#define WITHOUT                                                                    \
	"; the spool's files can be read without it: cathgate spool show --file, " \
	"cathgate spool export --file"

static void complain_absence(const char *directory, const char *config)
{
	const char *trouble = gateway_trouble(config);

	complain("no spooler answers in %s: the gateway has to run for this%s%s%s",
		 directory, trouble ? ": " : " (systemctl start cathgated)",
		 trouble ? trouble : "", WITHOUT);
}

/* 0; or -1 with a message. */
MUST_USE static int check_user(const struct config *config, const char *path)
{
	const char *directory = config->spool.directory.path;
	struct stat status;
	int error;

	if (!config_has_spool(config)) {
		complain("%s has no spool: there is no spool.key; see cathgate spool "
			 "keygen",
			 path);
		return -1;
	}
	error = stat(directory, &status) == 0 ? 0 : errno;
	if (error == 0 && (geteuid() == 0 || status.st_uid == geteuid()))
		return 0;
	if (error == ENOENT)
		complain_absence(directory, path);
	else if (error == 0 || error == EACCES || error == EPERM)
		complain("the spool is root's and the service's user's alone, since it "
			 "holds patients' data: run this as root");
	else
		complain("%s: %s", directory, strerror(error));
	return -1;
}

/* A spooler that was just ended, as by a reload with another key, is soon followed by the
 * next. */
static int connect_patiently(const char *directory)
{
	int socket = spool_operator_connect(directory);

	for (int left_ms = PATIENCE_MS;
	     socket < 0 && (errno == ECONNREFUSED || errno == ENOENT) && left_ms > 0;
	     left_ms -= RETRY_MS) {
		nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
		socket = spool_operator_connect(directory);
	}
	return socket;
}

int reach_open(struct reach *reach, const char *config)
{
	*reach = (struct reach){ .config = gateway_config_load(config, false),
				 .socket = -1 };
	if (!reach->config || check_user(reach->config, config) != 0) {
		reach_close(reach);
		return -1;
	}
	reach->socket = connect_patiently(reach->config->spool.directory.path);
	if (reach->socket >= 0)
		return 0;
	if (errno == ECONNREFUSED || errno == ENOENT)
		complain_absence(reach->config->spool.directory.path, config);
	else
		complain_file(reach->config->spool.directory.path);
	reach_close(reach);
	return -1;
}

void reach_close(struct reach *reach)
{
	if (reach->socket >= 0)
		close(reach->socket);
	config_free(reach->config);
	*reach = (struct reach){ .socket = -1 };
}

int reach_list(const struct reach *reach, const struct spool_filter *filter,
	       struct spool_item **ret, size_t *ret_count)
{
	const struct spool_request request = { .operation = SPOOL_LISTS,
					       .filter = *filter };
	uint8_t *bytes = NULL;
	uint32_t count = 0;
	size_t size = 0;
	int file;

	if (spool_operator_ask(reach->socket, &request, &count, &file) != 0) {
		complain("the spooler gives no list: %s", reach_why(errno));
		return -1;
	}
	if (memory_file_is_sealed(file))
		bytes = memory_file_read(file, &size);
	if (file >= 0)
		close(file);
	if (count > 0 && (!bytes || size != count * sizeof(**ret))) {
		free(bytes);
		complain("the spooler's list can't be read: are cathgate and cathgated "
			 "of one version?");
		return -1;
	}
	*ret = (struct spool_item *)(void *)bytes;
	*ret_count = count;
	/* It is root's tool, and the spooler is not root. */
	for (size_t i = 0; i < count; i++) {
		(*ret)[i].destination[sizeof((*ret)[i].destination) - 1] = '\0';
		(*ret)[i].modality[sizeof((*ret)[i].modality) - 1] = '\0';
	}
	return 0;
}

const char *reach_why(int error)
{
	switch (error) {
	case ENOENT:
		return "there is none of that number, or it was delivered already";
	case EBUSY:
		return "it is on its way just now; ask again";
	case EINVAL:
		return "it is so already";
	case EAGAIN:
		return "no record can be written, so nothing is done: see cathgate "
		       "status for the audit log";
	case ECONNRESET:
	case EPIPE:
		return "the spooler has ended; ask again";
	case ETIMEDOUT:
		return "the spooler doesn't answer";
	default:
		return strerror(error);
	}
}

bool reach_is_lost(int error)
{
	return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT ||
	       error == EAGAIN;
}
