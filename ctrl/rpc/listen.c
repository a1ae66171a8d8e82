/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket's file, and the rights of its users. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dp/device/socket_file.h"
#include "server_internal.h"

#define SOCKET_MODE 0660
#define BACKLOG	    128
#define OWN_DIR	    "/run/sluice" /* the only directory that is made when it is missing */
#define GROUPS_FEW  64

static int bad_path(struct sl_err *e, const char *path, const char *what)
{
	return sl_err_set(e, SL_ERR_UNSUPPORTED, NULL, "socket %s: %s", path, what);
}

/* Not inlined: otherwise GCC 12 with sanitizers assumes that path may be NULL, and warns. */
static __attribute__((noinline)) int failed(struct sl_err *e, const char *path, const char *doing)
{
	int err = errno;

	sl_err_set(e, SL_ERR_UNSUPPORTED, NULL, "socket %s: %s: %s", path, doing, strerror(err));
	if (err == EACCES || err == EROFS)
		sl_err_hint(e, "its directory has to be open to the user of sluiced (chown); "
			       "systemd: RuntimeDirectory=sluice; or choose another with --socket");
	return -err;
}

static int fill_address(const char *path, struct sockaddr_un *sun, struct sl_err *e)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (path[0] == '\0')
		return bad_path(e, path, "the path is empty");
	if (strlen(path) >= sizeof(sun->sun_path))
		return sl_err_set(e, SL_ERR_LIMIT, NULL,
			"socket %s: the path is longer than %zu bytes", path,
			sizeof(sun->sun_path) - 1);
	memcpy(sun->sun_path, path, strlen(path));
	return 0;
}

static int check_directory(const char *path, bool only_looks, struct sl_err *e)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (slash == NULL || slash == path)
		return 0;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	if (stat(dir, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0 : bad_path(e, path, "its directory is no directory");
	if (errno == ENOENT && strcmp(dir, OWN_DIR) == 0 &&
		(only_looks ? access("/run", W_OK) : mkdir(dir, 0755)) == 0)
		return 0;
	if (failed(e, path, "its directory") != -EACCES)
		sl_err_hint(e, "create %s, or choose another path with --socket", dir);
	return -ENOENT;
}

/* Makes sure that nothing is at the path that must not be replaced. */
static int clear_path(const char *path, bool only_looks, struct sl_err *e)
{
	struct stat st;
	int ret;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : failed(e, path, "cannot look at it");
	if (S_ISLNK(st.st_mode))
		return bad_path(e, path, "it is a symbolic link, which is not followed");
	if (!S_ISSOCK(st.st_mode))
		return bad_path(e, path, "a file that is no socket is in the way");
	ret = sl_socket_in_use(path);
	if (ret > 0) {
		bad_path(e, path, "another program listens there");
		sl_err_hint(e, "stop the other sluiced, or choose another path with --socket");
		return -EADDRINUSE;
	}
	if (ret < 0) {
		errno = -ret;
		return failed(e, path, "cannot tell whether another program listens there");
	}
	return only_looks || unlink(path) == 0 || errno == ENOENT
		       ? 0
		       : failed(e, path, "cannot remove the stale socket");
}

/*
 * Binds with the final mode: a later chmod by path could change a file that others have put there.
 */
static int bind_with_mode(int fd, const struct sockaddr_un *sun)
{
	mode_t mask = umask(0);
	int ret = fchmod(fd, SOCKET_MODE);

	if (ret == 0)
		ret = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(mask);
	return ret;
}

/* Looks at the file that bind made, before others can replace it. */
static int look_at(const char *path, struct stat *st)
{
	if (lstat(path, st) != 0)
		return -1;
	if (S_ISSOCK(st->st_mode) && st->st_uid == geteuid())
		return 0;
	errno = EEXIST;
	return -1;
}

static int check_writable(const char *path, struct sl_err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)] = ".";

	if (slash != NULL)
		snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return access(dir, W_OK | X_OK) == 0 || errno == ENOENT ? 0
								: failed(e, path, "its directory");
}

int sl_server_look(const char *path, struct sl_err *e)
{
	struct sockaddr_un sun;
	int ret = fill_address(path, &sun, e);

	if (ret == 0)
		ret = check_directory(path, true, e);
	if (ret == 0)
		ret = check_writable(path, e);
	return ret == 0 ? clear_path(path, true, e) : ret;
}

int sl_server_listen(const char *path, struct stat *st, struct sl_err *e)
{
	struct sockaddr_un sun;
	int fd, ret = fill_address(path, &sun, e);

	if (ret == 0)
		ret = check_directory(path, false, e);
	if (ret == 0)
		ret = clear_path(path, false, e);
	if (ret != 0)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(e, path, "socket");
	if (bind_with_mode(fd, &sun) != 0) {
		ret = failed(e, path, "bind");
		goto close_fd;
	}
	if (look_at(path, st) != 0) {
		ret = failed(e, path, "what was made there is gone");
		goto close_fd;
	}
	if (listen(fd, BACKLOG) == 0)
		return fd;
	ret = failed(e, path, "listen");
	unlink(path);
close_fd:
	close(fd);
	return ret;
}

static bool contains(const gid_t *groups, size_t n, gid_t gid)
{
	for (size_t i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool peer_in_group(int fd, gid_t gid)
{
	gid_t few[GROUPS_FEW], *many;
	socklen_t len = sizeof(few);
	bool found;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &len) == 0)
		return contains(few, len / sizeof(few[0]), gid);
	if (errno != ERANGE)
		return false;
	many = malloc(len); /* the kernel said how much it needs */
	if (many == NULL)
		return false;
	found = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &len) == 0 &&
		contains(many, len / sizeof(*many), gid);
	free(many);
	return found;
}

enum sl_rpc_right sl_server_peer(
	int fd, const char *path, const struct stat *file, struct ucred *peer)
{
	socklen_t len = sizeof(*peer);
	struct stat st;

	*peer = (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) != 0)
		return SL_RPC_READ;
	if (peer->uid == 0)
		return SL_RPC_ROOT;
	if (peer->uid == geteuid())
		return SL_RPC_WRITE;
	/*
	 * Asked each time: an administrator may give the socket to another group while the daemon
	 * runs. A user who puts another file there makes nobody a member.
	 */
	if (lstat(path, &st) != 0 || st.st_dev != file->st_dev || st.st_ino != file->st_ino)
		return SL_RPC_READ;
	return peer->gid == st.st_gid || peer_in_group(fd, st.st_gid) ? SL_RPC_WRITE : SL_RPC_READ;
}
