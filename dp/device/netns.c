/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "netns.h"

static bool is_namespace(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

/* Whatever is at the path, opening it does not wait, and has no effect on it. */
static int open_path(const char *path, char *why, size_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), error = errno;

	if (fd < 0) {
		snprintf(why, size, "network namespace %s: %s", path, strerror(error));
		return -error;
	}
	if (is_namespace(fd))
		return fd;
	close(fd);
	snprintf(why, size, "%s is no network namespace", path);
	return -EINVAL;
}

bool sl_netns_find(const char *path, struct sl_netns *ns, char *why, size_t size)
{
	int fd = open(path, O_PATH | O_CLOEXEC), error = errno;
	struct stat st;
	bool found = false;

	if (fd < 0) {
		snprintf(why, size, "network namespace %s: %s", path, strerror(error));
		return false;
	}
	if (is_namespace(fd) && fstat(fd, &st) == 0) {
		*ns = (struct sl_netns){st.st_dev, st.st_ino};
		found = true;
	} else {
		snprintf(why, size, "%s is no network namespace", path);
	}
	close(fd);
	return found;
}

int sl_netns_enter(const char *path, struct sl_netns *ns, char *why, size_t size)
{
	int fd = open_path(path, why, size), back, error;
	struct stat st;

	if (fd < 0)
		return fd;
	back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	error = errno;
	if (back >= 0 && fstat(fd, &st) == 0 && setns(fd, CLONE_NEWNET) == 0) {
		*ns = (struct sl_netns){st.st_dev, st.st_ino};
		close(fd);
		return back;
	}
	error = back >= 0 ? errno : error;
	if (back >= 0)
		close(back);
	close(fd);
	snprintf(why, size, "network namespace %s: %s", path,
		error == EINVAL ? "it is a namespace of another kind" : strerror(error));
	return -error;
}

void sl_netns_leave(int back)
{
	if (setns(back, CLONE_NEWNET) != 0) {
		fprintf(stderr, "sluiced: cannot leave a network namespace: %s\n", strerror(errno));
		abort();
	}
	close(back);
}
