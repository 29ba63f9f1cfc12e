#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cathgate/config/config.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/observer/observer.h"

#define ANSWER_SECONDS 5

char *ask_socket(const char *config)
{
	struct config_faults faults = { 0 };
	char *path = NULL;

	if (config_control_socket(config, &path, &faults) != 0)
		path = strdup(OBSERVER_CONTROL_USUAL);
	config_faults_clear(&faults);
	return path;
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
	text = calloc(1, (size_t)status.st_size + 1);
	if (text && pread(fd, text, (size_t)status.st_size, 0) == status.st_size)
		return text;
	free(text);
	return NULL;
}

json_t *ask_status(const char *path)
{
	int socket = connect_to(path), fd = socket < 0 ? -1 : receive_answer(socket);
	char *answer = fd < 0 ? NULL : read_all(fd);
	int error = errno;
	json_t *status = answer ? json_loads(answer, 0, NULL) : NULL;

	if (fd >= 0)
		close(fd);
	if (socket >= 0)
		close(socket);
	free(answer);
	errno = answer && !status ? EBADMSG : error;
	return status;
}

const char *ask_cure(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "ask as root, or as a member of the gateway's group";
	case EBADMSG:
		return "the answer is no JSON: are cathgate and cathgated of one "
		       "version?";
	default:
		return "is cathgated running, with this control.socket? "
		       "systemctl status cathgated says more";
	}
}
