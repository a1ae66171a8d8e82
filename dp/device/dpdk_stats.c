/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a DPDK device has lost. Drivers differ in where they count a lost packet, and several of
 * their counters do not mean what their names say:
 * - net_af_packet counts nothing. The kernel counts what does not fit into a socket's ring.
 * - net_af_xdp reports one of the two counters of a socket for lost packets.
 * - net_tap, net_tun and net_pcap drop a packet for which they find no buffer, and count it in
 *   rx_nombuf. With others that is the number of attempts, while the packet waits.
 * - net_pcap counts packets that it has accepted and not sent in oerrors.
 * - net_memif and net_vhost count nothing, and lose nothing: a packet that does not fit into the
 *   memory that they share with their peer was never sent.
 */
#include <net/if.h>

#include "dpdk.h"

void sl_dpdk_lost(const struct sl_port_device *d, struct sl_port_lost *l)
{
	struct rte_eth_stats s = {0};

	*l = (struct sl_port_lost){0};
	if (rte_eth_stats_get(sl_dpdk_of(d)->id, &s) == 0)
		*l = (struct sl_port_lost){.rx_missed = s.imissed,
			.rx_errors = s.ierrors,
			.rx_no_buffer = s.rx_nombuf};
	if (sl_dpdk_of(d)->rings != NULL)
		l->rx_missed = sl_af_packet_missed(d);
	else if (sl_dpdk_is(d, "net_af_xdp"))
		sl_af_xdp_lost(d, l);
	else if (sl_dpdk_is(d, "net_tap") || sl_dpdk_is(d, "net_tun") || sl_dpdk_is(d, "net_pcap"))
		l->rx_missed += s.rx_nombuf;
	if (sl_dpdk_is(d, "net_pcap"))
		l->refused = s.oerrors;
	for (uint16_t q = 0; q < d->n_txq; q++)
		l->refused +=
			atomic_load_explicit(&sl_dpdk_of(d)->tx[q].refused, memory_order_relaxed);
}

/* net_pcap does not report which interface it has opened, but its arguments name it. */
int sl_dpdk_interface(const struct sl_port_device *d)
{
	struct rte_eth_dev_info info;
	struct sl_device args;
	int index = 0;

	if (rte_eth_dev_info_get(sl_dpdk_of(d)->id, &info) == 0 && info.if_index != 0)
		return (int)info.if_index;
	if (sl_device_parse(&args, d->devargs, NULL) != 0)
		return 0;
	for (unsigned int i = 0; args.args != NULL && i < args.args->count && index == 0; i++) {
		enum sl_device_use use = sl_device_use(&args, args.args->pairs[i].key);

		if (use == SL_DEVICE_INTERFACE || use == SL_DEVICE_ECHO)
			index = (int)if_nametoindex(args.args->pairs[i].value);
	}
	sl_device_fini(&args);
	return index;
}
