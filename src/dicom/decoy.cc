#include "decoy.h"

#include <climits>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What DCMTK might do with it besides, as to close it, fails and harms nothing. */
static constexpr int no_descriptor = INT_MAX;

static bool is_wanted;

decoy::decoy()
{
	is_wanted = true;
}

decoy::~decoy()
{
	is_wanted = false;
}

extern "C" int socket(int domain, int type, int protocol) noexcept
{
	if (!is_wanted)
		return static_cast<int>(syscall(SYS_socket, domain, type, protocol));
	is_wanted = false;
	return no_descriptor;
}

extern "C" int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return fd == no_descriptor
		       ? 0
		       : static_cast<int>(syscall(SYS_connect, fd, address, size));
}

/* DCMTK also asks that a connection doesn't linger, which is how each begins. */
static bool is_needless(int fd, int level, int name, const void *value)
{
	return fd == no_descriptor || (level == SOL_SOCKET && name == SO_LINGER &&
				       !static_cast<const linger *>(value)->l_onoff);
}

extern "C" int setsockopt(int fd, int level, int name, const void *value,
			  socklen_t size) noexcept
{
	return is_needless(fd, level, name, value)
		       ? 0
		       : static_cast<int>(
				 syscall(SYS_setsockopt, fd, level, name, value, size));
}
