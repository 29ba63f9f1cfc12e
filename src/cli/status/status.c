/* `cathgate status`: asks the gateway that runs here. */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cathgate/config/config.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/observer/observer.h"

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/options.h"
#include "status_print.h"

#define ANSWER_SECONDS 5

struct request {
	const char *config, *socket;
	bool as_json;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	OPTIONS_ROW("socket", "PATH", OPTIONS_TEXT, struct request, socket),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate status",
	.about = "What the gateway does now: associations, destinations, certificates, "
		 "the\naudit log. Exit status 1 when it doesn't serve. More: man "
		 "cathgate-status\n",
	.rows = rows,
};

/* The usual one for a user who can't read the configuration. The caller frees it. */
static char *socket_path(const char *config)
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

/* The descriptor that the answer comes in; -1 with errno, EPERM when we may not know. */
static int receive_answer(int socket)
{
	char word;
	int fd;

	if (descriptor_receive(socket, &word, sizeof(word), &fd, 0) < 0)
		return -1;
	errno = EPERM;
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

static char *ask_gateway(const char *path)
{
	int socket = connect_to(path), fd = socket < 0 ? -1 : receive_answer(socket);
	char *answer = fd < 0 ? NULL : read_all(fd);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (socket >= 0)
		close(socket);
	errno = error;
	return answer;
}

static void complain_silence(const char *path)
{
	const char *cure = "is cathgated running, with this control.socket? "
			   "systemctl status cathgated says more";

	if (errno == EACCES || errno == EPERM)
		cure = "ask as root, or as a member of the gateway's group";
	complain("%s: %s: %s", path, strerror(errno), cure);
}

static int show_answer(const char *answer, bool as_json)
{
	json_t *status = json_loads(answer, 0, NULL);
	const char *state = json_string_value(json_object_get(status, "state"));
	int result = state && strcmp(state, "serving") == 0 ? CLI_GOOD : CLI_WRONG;

	if (!status) {
		complain("the gateway's answer is no JSON: are both of one version?");
		return CLI_USAGE;
	}
	if (as_json)
		puts(answer);
	else
		status_print(status, stdout);
	json_decref(status);
	return result;
}

int status_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	int status = options_read(&options, argc, argv, &request);
	char *path, *answer;

	if (status >= 0)
		return status;
	path = request.socket ? strdup(request.socket) : socket_path(request.config);
	answer = path ? ask_gateway(path) : NULL;
	if (answer) {
		status = show_answer(answer, request.as_json);
	} else {
		complain_silence(path ? path : "the socket");
		status = CLI_USAGE;
	}
	free(answer);
	free(path);
	return status;
}
