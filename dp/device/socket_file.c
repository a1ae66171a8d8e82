/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "socket_file.h"

/* A signal handler reads this, possibly during a change: used is false meanwhile. */
static struct {
	_Atomic(bool) used;
	dev_t dev;
	ino_t ino;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
} own[SL_SOCKET_OF_CONTROL + 1];

/*
 * A datagram socket can ask without being noticed. The kernel refuses it because of its type where
 * a stream or packet socket is open, and because of a missing peer where none is. A real connection
 * would reach the other program, and a memif server does not survive a client that leaves at once.
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

void sl_socket_own(unsigned int whose, const char *path, const struct stat *st)
{
	sl_socket_disown(whose);
	if (strlen(path) >= sizeof(own[whose].path))
		return;
	own[whose].dev = st->st_dev;
	own[whose].ino = st->st_ino;
	memcpy(own[whose].path, path, strlen(path) + 1);
	atomic_store(&own[whose].used, true);
}

void sl_socket_disown(unsigned int whose)
{
	atomic_store(&own[whose].used, false);
}

void sl_sockets_remove(void)
{
	struct stat st;

	for (unsigned int i = 0; i <= SL_SOCKET_OF_CONTROL; i++)
		if (atomic_load(&own[i].used) && lstat(own[i].path, &st) == 0 &&
			st.st_dev == own[i].dev && st.st_ino == own[i].ino)
			unlink(own[i].path);
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
