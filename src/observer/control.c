#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/observer/observer.h"

#define BACKLOG	   16
#define GROUPS_MAX 256

static int socket_address_of(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(ret->sun_path, path);
	return 0;
}

/* Whether another process listens there, or something else than a socket is there. */
static bool is_taken(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	bool is_dead = result != 0 && (errno == ECONNREFUSED || errno == ENOENT);
	struct stat status;

	if (fd >= 0)
		close(fd);
	if (is_dead && lstat(address->sun_path, &status) == 0)
		is_dead = S_ISSOCK(status.st_mode);
	errno = EADDRINUSE;
	return !is_dead;
}

static int listen_at_path(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0117);
	int result = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(mask);
	if (result == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	result = errno;
	close(fd);
	errno = result;
	return -1;
}

static bool folder_exists(const char *path)
{
	char *folder = strdup(path);
	bool exists = folder != NULL;

	if (folder) {
		*strrchr(folder, '/') = '\0';
		exists = access(folder, W_OK | X_OK) == 0;
	}
	free(folder);
	return exists;
}

bool observer_is_wanted(const struct config *config)
{
	return config->metrics.textfile.path || config->control.socket.path ||
	       folder_exists(OBSERVER_CONTROL_USUAL);
}

int control_open(const char *path)
{
	struct sockaddr_un address;
	const char *at = path ? path : OBSERVER_CONTROL_USUAL;
	int fd = -1;

	if (!path && !folder_exists(at))
		return -1;
	if (socket_address_of(at, &address) == 0 && !is_taken(&address)) {
		unlink(at);
		fd = listen_at_path(&address);
	}
	if (fd < 0)
		log_error("control.socket %s: %s: cathgate status has nobody to ask; "
			  "name another, in a folder that the gateway's user may write",
			  at, strerror(errno));
	return fd;
}

void control_close(int listener, const char *path)
{
	if (listener < 0)
		return;
	unlink(path ? path : OBSERVER_CONTROL_USUAL);
	close(listener);
}

static bool is_in_group(int client, gid_t first)
{
	gid_t groups[GROUPS_MAX];
	socklen_t size = sizeof(groups);

	if (first == getegid())
		return true;
	if (getsockopt(client, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++)
		if (groups[i] == getegid())
			return true;
	return false;
}

/* Root, our own user and our group may, whatever the mode of the socket has become. */
static bool may_know(int client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid() || is_in_group(client, peer.gid);
}

bool control_accept(int listener, int *ret_client)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client < 0)
		return false;
	if (!may_know(client)) {
		close(client);
		return false;
	}
	*ret_client = client;
	return true;
}

/* A memory file that can't be changed any more, read from its beginning. */
static int sealed_file_of(const char *text)
{
	int fd = memfd_create("cathgate-status", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t size = strlen(text);

	if (fd >= 0 && pwrite(fd, text, size, 0) == (ssize_t)size &&
	    fcntl(fd, F_ADD_SEALS,
		  F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void control_answer(int client, const char *answer)
{
	int fd = answer ? sealed_file_of(answer) : -1;
	char byte = 'S'; /* a descriptor travels with at least one */

	if (fd >= 0) {
		if (descriptors_send(client, &byte, sizeof(byte), &fd, 1, MSG_DONTWAIT) !=
		    0)
			log_debug("who asked for the status is gone: %s",
				  strerror(errno));
		close(fd);
	}
	close(client);
}
