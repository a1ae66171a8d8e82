/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TAP is an interface that net_tap has created. A workload's TAP is moved into the workload's
 * network namespace, where rtnetlink does not show it. It exists while the driver's descriptor is
 * attached to it, whatever its namespace and name.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dpdk.h"

static bool is_tun(int fd)
{
	static const char device[] = "/dev/net/tun";
	char link[64], path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	return n == (ssize_t)sizeof(device) - 1 && memcmp(link, device, (size_t)n) == 0;
}

static bool is_attached_to(int fd, const char *name)
{
	struct ifreq ifr = {0};

	return is_tun(fd) && ioctl(fd, TUNGETIFF, &ifr) == 0 && strcmp(ifr.ifr_name, name) == 0;
}

void sl_tap_attach(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	x->tap_fd = -1;
	while (dir != NULL && x->tap_fd < 0 && (entry = readdir(dir)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && is_attached_to(fd, d->outside.iface))
			x->tap_fd = fd;
	}
	if (dir != NULL)
		closedir(dir);
}

bool sl_tap_is_attached(const struct sl_port_device *d)
{
	const struct sl_dpdk *x = sl_dpdk_of(d);
	struct ifreq ifr = {0};

	return x->tap_fd >= 0 && ioctl(x->tap_fd, TUNGETIFF, &ifr) == 0;
}
