#include "gateway_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/config/config.h"
#include "cathgate/observer/observer.h"
#include "cathgate/supervisor/units.h"

#include "complain.h"
#include "keep.h"

#define ANSWER_SECONDS 5
#define ANSWER_MAX     (64L * 1024 * 1024) /* thousands of associations take a few */

char *gateway_socket_named(const char *config)
{
	struct config_faults faults = { 0 };
	char *path = NULL;

	(void)!config_control_socket(config, &path, &faults); /* it may name none */
	config_faults_clear(&faults);
	return path;
}

/* The usual one for a user who can't read the configuration. */
char *gateway_socket(const char *config)
{
	char *path = gateway_socket_named(config);

	return path ? path : strdup(OBSERVER_CONTROL_USUAL);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = ANSWER_SECONDS };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0) {
		int error = errno;

		close(fd);
		errno = error;
	}
	return -1;
}

/* The descriptor that the answer comes in; -1 with errno. The gateway hangs up on whom it
 * may not tell; on root it doesn't, unless it is ending. */
static int receive_answer(int socket)
{
	char word;
	int fd;

	if (descriptor_receive(socket, &word, sizeof(word), &fd, 0) < 0)
		return -1;
	errno = geteuid() == 0 ? ECONNRESET : EPERM;
	return fd;
}

static char *read_all(int fd)
{
	struct stat status;
	char *text = NULL;

	if (fstat(fd, &status) != 0)
		return NULL;
	/* Who answers may be anybody who could take the observer over. */
	errno = EBADMSG;
	if (!S_ISREG(status.st_mode) || status.st_size > ANSWER_MAX)
		return NULL;
	text = calloc(1, (size_t)status.st_size + 1);
	if (text && pread(fd, text, (size_t)status.st_size, 0) == status.st_size)
		return text;
	free(text);
	return NULL;
}

/* Who listens there. */
static int peer_of(int socket, struct ucred *ret)
{
	socklen_t size = sizeof(*ret);

	return ret ? getsockopt(socket, SOL_SOCKET, SO_PEERCRED, ret, &size) : 0;
}

char *gateway_ask(const char *path, struct ucred *ret_peer)
{
	int socket = connect_to(path);
	int fd = socket < 0 || peer_of(socket, ret_peer) != 0 ? -1
							      : receive_answer(socket);
	char *answer = fd < 0 ? NULL : read_all(fd);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (socket >= 0)
		close(socket);
	errno = error;
	return answer;
}

json_t *gateway_status(const char *path)
{
	char *answer = gateway_ask(path, NULL);
	int error = errno;
	json_t *status = answer ? json_loads(answer, 0, NULL) : NULL;

	errno = answer && !status ? EBADMSG : error;
	free(answer);
	return status;
}

const char *gateway_trouble(const char *config)
{
	const char *trouble = NULL;
	struct units units;
	char *text;

	if (!units_have_config(config))
		return NULL;
	units_ask(&units);
	text = units_trouble(&units);
	if (text)
		trouble = keep_format("%s", text);
	free(text);
	units_clear(&units);
	return trouble;
}

const char *gateway_cure(int error, const char *config)
{
	const char *trouble;

	if (error == EACCES || error == EPERM)
		return "ask as root, or as a member of the gateway's group";
	if (error == EBADMSG)
		return "the answer is no JSON: are cathgate and cathgated of one "
		       "version?";
	if (config && access(config, F_OK) != 0 && errno == ENOENT)
		return keep_format("there is no %s: this gateway is not configured yet; "
				   "begin with cathgate setup",
				   config);
	trouble = config ? gateway_trouble(config) : NULL;
	if (trouble)
		return keep_format("%s; systemctl status cathgated says more", trouble);
	return "is cathgated running, with this control.socket? systemctl status "
	       "cathgated says more";
}

void gateway_complain_silence(const char *path, const char *config)
{
	int error = errno;

	complain("%s: %s: %s", path, strerror(error), gateway_cure(error, config));
}
