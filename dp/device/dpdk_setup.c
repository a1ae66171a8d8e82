/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets up a DPDK device that was just probed: its queues, buffers, MTU and address. */
#include <net/if.h>

#include <rte_string_fns.h>

#include "dpdk.h"
#include "dp/eal/driver_log.h"
#include "interface.h"
#include "dp/eal/numa_node.h"

enum {
	/* RFC 791: every IPv4 node forwards packets of this size */
	MTU_MIN = 68,
	DATA_ROOM_MAX = UINT16_MAX & ~63, /* of an mbuf, headroom included */
};

static int check_queues(
	const struct sl_port_device *d, const struct rte_eth_dev_info *info, struct sl_err *e)
{
	int ret;

	if (d->n_rxq > info->max_rx_queues) {
		ret = sl_err_set(e, SL_ERR_DEVICE, "queues",
			"port %s: device %s has at most %u receive queues, %u are asked for",
			d->name, d->device, info->max_rx_queues, d->n_rxq);
		if (sl_dpdk_is(d, "net_af_packet"))
			sl_err_hint(e, "give the devargs qpairs=%u", d->n_rxq);
		return ret;
	}
	/* The kernel distributes packets to all queues: those in a queue that is not
	 * polled would be lost. */
	if (sl_dpdk_is(d, "net_af_packet") && d->n_rxq < info->max_rx_queues) {
		ret = sl_err_set(e, SL_ERR_DEVICE, "queues",
			"port %s: device %s has qpairs=%u, of which only %u would be received from",
			d->name, d->device, info->max_rx_queues, d->n_rxq);
		sl_err_hint(e, "set queues to %u", info->max_rx_queues);
		return ret;
	}
	if (info->max_tx_queues == 0)
		return sl_dpdk_error(d, "devargs", "cannot transmit", -ENOTSUP, e);
	return 0;
}

static int configure(struct sl_port_device *d, const struct rte_eth_dev_info *info,
	uint64_t offloads, struct sl_err *e)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	bool vhost = sl_dpdk_is(d, "net_vhost");
	const uint64_t rss = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
	struct rte_eth_conf conf = {0};
	int ret;

	sl_driver_log_mark();
	if (d->n_rxq > 1 && (info->flow_type_rss_offloads & rss) != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & rss;
	}
	conf.txmode.offloads = offloads;
	x->interrupts = d->may_block && sl_dpdk_has_interrupts(d, info);
	conf.intr_conf.rxq = x->interrupts;
	if (vhost)
		sl_vhost_configure(d, &conf);
	ret = rte_eth_dev_configure(x->id, d->n_rxq, d->n_txq, &conf);
	if (ret < 0 && x->interrupts && !vhost) {
		/* such as virtio behind uio, with one interrupt for all: workers ask by the clock */
		x->interrupts = false;
		conf.intr_conf.rxq = 0;
		ret = rte_eth_dev_configure(x->id, d->n_rxq, d->n_txq, &conf);
	}
	if (vhost)
		sl_vhost_configured(d);
	return ret < 0 ? sl_dpdk_error(d, "devargs", "cannot be configured", ret, e) : 0;
}

int sl_dpdk_set_mtu(struct sl_port_device *d, unsigned int mtu, struct sl_err *e)
{
	const unsigned int most = DATA_ROOM_MAX - RTE_PKTMBUF_HEADROOM - SL_L2_OVERHEAD;
	uint16_t id = sl_dpdk_of(d)->id;
	struct rte_eth_dev_info info;
	int ret;

	if (mtu < MTU_MIN || mtu > most)
		return sl_err_set(e, SL_ERR_PARAMS, "mtu", "port %s: an MTU is %d to %u", d->name,
			MTU_MIN, most);
	if (sl_dpdk_is(d, "net_af_packet"))
		return sl_af_packet_mtu_set(d, mtu, e);
	sl_driver_log_mark();
	ret = rte_eth_dev_set_mtu(id, (uint16_t)mtu);
	if (ret == 0 || ret == -ENOTSUP) /* the device has no MTU: the engine's counts */
		return 0;
	if (ret == -EBUSY)
		return sl_err_set(e, SL_ERR_DEVICE, "mtu",
			"port %s: device %s changes its MTU only while stopped: remove the port "
			"and add it with the new one",
			d->name, d->device);
	ret = sl_dpdk_error(d, "mtu", "does not take the MTU", ret, e);
	if (rte_eth_dev_info_get(id, &info) == 0 && info.max_mtu != UINT16_MAX)
		sl_err_hint(e, "the device takes %u to %u", info.min_mtu, info.max_mtu);
	return ret;
}

/* The largest packet that the device, as opened, can send and receive. */
static unsigned int mtu_limit(const struct sl_port_device *d)
{
	if (sl_dpdk_is(d, "net_af_packet"))
		return sl_dpdk_of(d)->framesz - SL_L2_OVERHEAD;
	if (d->pool == NULL) /* its minimum size */
		return RTE_MBUF_DEFAULT_DATAROOM - SL_L2_OVERHEAD;
	return rte_pktmbuf_data_room_size(d->pool) - RTE_PKTMBUF_HEADROOM - SL_L2_OVERHEAD;
}

static int set_up_mtu(struct sl_port_device *d, struct sl_err *e)
{
	int ret = rte_eth_dev_get_mtu(sl_dpdk_of(d)->id, &d->mtu);
	struct sl_interface i;

	if (ret < 0)
		return sl_dpdk_error(d, "mtu", "does not tell its MTU", ret, e);
	if (d->mtu_asked != 0)
		ret = sl_dpdk_set_mtu(d, d->mtu_asked, e);
	if (d->outside.iface[0] != '\0' && sl_interface_ask(d->outside.iface, &i))
		d->kernel_mtu = i.mtu;
	d->mtu_limit = mtu_limit(d);
	return ret;
}

/*
 * A device that refuses an address keeps its own. Because it is promiscuous, it receives frames to
 * the requested address too. An interface that was created again may have another address; the port
 * then gets it. An address that a driver makes up is kept from the first time.
 */
static void set_up_mac(struct sl_port_device *d)
{
	struct rte_ether_addr addr = {0};

	memcpy(addr.addr_bytes, d->mac_asked.b, sizeof(addr.addr_bytes));
	if (d->has_mac)
		(void)rte_eth_dev_default_mac_addr_set(sl_dpdk_of(d)->id, &addr);
	else if (!d->keeps_mac || d->outside.iface[0] != '\0')
		(void)rte_eth_macaddr_get(sl_dpdk_of(d)->id, &addr);
	memcpy(d->mac.b, addr.addr_bytes, sizeof(d->mac.b));
}

/* Each frame arrives whole, in one buffer: no device is set up to scatter. */
static unsigned int room_for(const struct sl_port_device *d, unsigned int mtu)
{
	unsigned int data = RTE_MAX(mtu + SL_L2_OVERHEAD, sl_dpdk_of(d)->framesz);

	data = RTE_MAX(data, (unsigned int)RTE_MBUF_DEFAULT_DATAROOM);
	return RTE_MIN(
		RTE_ALIGN_CEIL(RTE_PKTMBUF_HEADROOM + data, 64u), (unsigned int)DATA_ROOM_MAX);
}

static int set_up_queues(
	struct sl_port_device *d, const struct rte_eth_dev_info *info, struct sl_err *e)
{
	unsigned int socket = (unsigned int)sl_numa_socket("device rings", d->numa);
	uint16_t id = sl_dpdk_of(d)->id, n_rxd = d->n_desc, n_txd = d->n_desc;
	int ret;

	sl_driver_log_mark();
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(id, &n_rxd, &n_txd);
	if (ret < 0)
		return sl_dpdk_error(d, "", "refuses its number of descriptors", ret, e);
	ret = sl_port_device_pool(
		d, room_for(d, sl_port_device_mtu(d, d->kernel_mtu)), n_rxd, n_txd, e);
	for (uint16_t q = 0; q < d->n_rxq && ret == 0; q++) {
		ret = rte_eth_rx_queue_setup(id, q, n_rxd, socket, NULL, d->pool);
		if (ret < 0)
			return sl_dpdk_error(d, "queues", "refuses a receive queue", ret, e);
	}
	for (uint16_t q = 0; q < d->n_txq && ret == 0; q++) {
		struct rte_eth_txconf conf = info->default_txconf;

		/*
		 * None besides the device's. Packets of any port's pool leave by any other port:
		 * fast free would return them to the wrong pool.
		 */
		conf.offloads = 0;
		ret = rte_eth_tx_queue_setup(id, q, n_txd, socket, &conf);
		if (ret < 0)
			return sl_dpdk_error(d, "queues", "refuses a transmit queue", ret, e);
	}
	d->mtu_limit = mtu_limit(d);
	return ret;
}

/* Notes the interface that the device is on. */
static void note_interface(struct sl_port_device *d, const struct rte_eth_dev_info *info)
{
	struct sl_outside *o = &d->outside;

	if (o->follow != SL_FOLLOW_INTERFACE || !o->makes)
		return;
	d->ifindex = (int)info->if_index;
	if (o->iface[0] == '\0' && if_indextoname(info->if_index, o->iface) == NULL)
		o->iface[0] = '\0';
	sl_tap_attach(d);
}

static bool is_one_of(const char *driver, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(driver, names[i]) == 0)
			return true;
	return false;
}

/*
 * Drivers differ in what they keep of packets that they have accepted:
 * - net_tap writes into the kernel, which refuses packets to an interface that is down. net_pcap
 *   and net_null keep nothing.
 * - net_vhost, net_memif and net_virtio_user put packets into the memory of the connected peer,
 *   which delivers them. Another peer has other memory, and without a peer no packet is accepted.
 * - net_af_packet keeps what the kernel does not accept: af_packet_rings.c.
 * - All others (net_af_xdp, NICs) may keep some until the device is closed.
 *
 * Some drivers copy each packet that is not from the port's own pool. All others pass on its
 * buffer, and their transmit queues hold it until it is sent.
 */
static void note_kind(struct sl_port_device *d)
{
	static const char *const keep_nothing[] = {"net_tap", "net_tun", "net_vhost", "net_memif",
		"net_virtio_user", "net_pcap", "net_null"};
	static const char *const copy[] = {"net_af_packet", "net_af_xdp", "net_tap", "net_tun",
		"net_vhost", "net_memif", "net_pcap", "net_null"};

	d->keeps_buffers = !is_one_of(d->driver_name, copy, RTE_DIM(copy));
	d->picks_txq = sl_dpdk_is(d, "net_vhost");
	d->keeps = SL_KEEPS_UNTIL_CLOSED;
	if (is_one_of(d->driver_name, keep_nothing, RTE_DIM(keep_nothing)))
		d->keeps = SL_KEEPS_NOTHING;
	else if (sl_dpdk_is(d, "net_af_packet"))
		d->keeps = SL_KEEPS_CLEARABLE;
	if (sl_dpdk_is(d, "net_af_packet"))
		sl_dpdk_of(d)->framesz = sl_af_packet_framesz(d->devargs);
}

static void name_queues(struct sl_port_device *d, uint64_t offloads)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	const struct rte_eth_fp_ops *its = &rte_eth_fp_ops[x->id];
	bool guest = sl_dpdk_is(d, "net_vhost") && d->offloads_in;
	const struct sl_dpdk_queue any = {
		.ops = its, .id = x->id, .tso = x->tso, .guest = &x->guest};

	x->ops.rx_pkt_burst = guest ? sl_vhost_receive : sl_dpdk_wake_receive;
	x->ops.tx_pkt_burst = sl_vhost_transmit;
	x->ops.rxq.data = x->rx_arg;
	x->ops.txq.data = x->tx_arg;
	for (uint16_t q = 0; q < d->n_rxq; q++) {
		x->rx[q] = any;
		x->rx[q].index = q;
		x->rx[q].ops = guest || x->interrupts ? &x->ops : its;
		d->rxq[q] = x->rx_arg[q] = &x->rx[q];
	}
	for (uint16_t q = 0; q < d->n_txq; q++) {
		x->tx[q] = any;
		x->tx[q].index = q;
		x->tx[q].header_checksums = (offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
		x->tx[q].ops = guest ? &x->ops : its;
		d->txq[q] = x->tx_arg[q] = &x->tx[q];
	}
}

int sl_dpdk_set_up(struct sl_port_device *d, struct sl_err *e)
{
	uint16_t id = sl_dpdk_of(d)->id;
	struct rte_eth_dev_info info;
	uint64_t offloads;
	int ret = rte_eth_dev_info_get(id, &info);

	if (ret < 0)
		return sl_dpdk_error(d, "devargs", "does not describe itself", ret, e);
	rte_strscpy(d->driver_name, info.driver_name, sizeof(d->driver_name));
	d->tag = id;
	d->numa = sl_numa_of_device(id);
	note_kind(d);
	note_interface(d, &info);
	ret = check_queues(d, &info, e);
	if (ret != 0)
		return ret;
	d->n_txq = (uint16_t)RTE_MIN(d->n_workers, info.max_tx_queues);
	offloads = sl_dpdk_offloads(d, &info);
	if ((d->takes & ~SL_TAKES_CHAIN) != 0)
		d->transmit = sl_dpdk_transmit_prepared;
	ret = configure(d, &info, offloads, e);
	name_queues(d, offloads);
	if (ret == 0)
		ret = set_up_mtu(d, e);
	if (ret != 0)
		return ret;
	set_up_mac(d);
	return set_up_queues(d, &info, e);
}
