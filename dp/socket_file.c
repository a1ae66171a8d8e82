/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "socket_file.h"

/*
 * A datagram socket finds out without being heard: the kernel refuses it by type where a stream or
 * packet socket is open, and for want of a peer where none is. Connecting for real would reach the
 * other program, and a memif server does not survive a client that leaves at once.
 */
static int ask(const struct sockaddr_un *sun, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sun, len) == 0 || errno == EPROTOTYPE ||
		errno == EAGAIN)
		ret = 1;
	else
		ret = errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
	close(fd);
	return ret;
}

int sl_socket_in_use(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	return ask(&sun, sizeof(sun));
}

int sl_socket_name_in_use(const char *name)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	if (len >= sizeof(sun.sun_path) - 1)
		return -ENAMETOOLONG;
	memcpy(sun.sun_path + 1, name, len);
	return ask(&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len));
}
