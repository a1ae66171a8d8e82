/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_tap.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/if_tun.h>

#define PREFIX "host_tap="

bool sl_host_tap_is(const char *devargs)
{
	return strncmp(devargs, PREFIX, strlen(PREFIX)) == 0;
}

int sl_host_tap_take_over(const struct sl_port_device *d, int fd, struct ifreq *r, struct sl_err *e)
{
	struct ifreq now = {0};
	int ret;

	r->ifr_flags &= (short)~IFF_TUN_EXCL;
	if (ioctl(fd, TUNSETIFF, r) == 0 && ioctl(fd, TUNGETIFF, &now) == 0 &&
		(now.ifr_flags & IFF_PERSIST) != 0)
		return 0;
	ret = sl_err_set(e, SL_ERR_DEVICE, "tap.name", "port %s: interface %s exists, and is %s",
		d->name, d->devargs + strlen(PREFIX),
		errno == EBUSY ? "a TAP that another process uses" : "no TAP for the host");
	sl_err_hint(e, "choose another name, or remove the interface");
	return ret;
}
