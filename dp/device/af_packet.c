/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_af_packet reports an MTU limit of 1500, whatever the MTU of the kernel's interface. The real
 * limits are that interface's MTU and the slots of the ring that it shares with the kernel.
 */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_kvargs.h>
#include <rte_string_fns.h>

#include "dpdk.h"

enum {
	FRAMESZ_DEFAULT = 2048,
	/* the kernel's header before each frame, Ethernet and one VLAN tag, rounded up */
	SLOT_OVERHEAD = 104,
};

static int read_framesz(const char *key, const char *value, void *framesz)
{
	(void)key;
	*(uint32_t *)framesz = (uint32_t)strtoul(value, NULL, 10);
	return 0;
}

uint32_t sl_af_packet_framesz(const char *devargs)
{
	const char *args = strchr(devargs, ',');
	struct rte_kvargs *kv = rte_kvargs_parse(args != NULL ? args + 1 : "", NULL);
	uint32_t framesz = FRAMESZ_DEFAULT;

	if (kv == NULL)
		return framesz;
	rte_kvargs_process(kv, "framesz", read_framesz, &framesz);
	rte_kvargs_free(kv);
	return framesz;
}

static int ask(const char *iface, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	rte_strscpy(ifr->ifr_name, iface, sizeof(ifr->ifr_name));
	ret = ioctl(fd, request, ifr) == 0 ? 0 : -errno;
	close(fd);
	return ret;
}

static int interface_mtu(const char *iface, unsigned long request, int *mtu)
{
	struct ifreq ifr = {.ifr_mtu = *mtu};
	int ret = ask(iface, request, &ifr);

	*mtu = ifr.ifr_mtu;
	return ret;
}

static unsigned int mtu_of(const char *iface)
{
	int mtu = 0;

	return interface_mtu(iface, SIOCGIFMTU, &mtu) == 0 && mtu > 0 ? (unsigned int)mtu : 0;
}

int sl_af_packet_mtu_set(const struct sl_port_device *d, unsigned int mtu, struct sl_err *e)
{
	const char *iface = d->outside.iface;
	uint32_t framesz = sl_dpdk_of(d)->framesz;
	unsigned int now = mtu_of(iface);
	int wanted = (int)mtu, ret;

	if (mtu + SLOT_OVERHEAD > framesz) {
		ret = sl_err_set(e, SL_ERR_DEVICE, "mtu",
			"port %s: the ring slots of %s (framesz=%u) hold an MTU of at most %d",
			d->name, d->device, framesz, (int)framesz - SLOT_OVERHEAD);
		sl_err_hint(e, "give the devargs framesz=%u and blocksz=%u",
			rte_align32pow2(mtu + SLOT_OVERHEAD),
			RTE_MAX(4096u, rte_align32pow2(mtu + SLOT_OVERHEAD)));
		return ret;
	}
	if (now == mtu)
		return 0;
	ret = interface_mtu(iface, SIOCSIFMTU, &wanted);
	if (ret == 0 || now > mtu) /* a larger MTU of the kernel's interface is harmless */
		return 0;
	ret = sl_err_set(e, SL_ERR_DEVICE, "mtu",
		"port %s: interface %s has an MTU of %u and does not take %u: %s", d->name, iface,
		now, mtu, strerror(-ret));
	sl_err_hint(e, "ip link set %s mtu %u", iface, mtu);
	return ret;
}
