/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's devices as a port driver: any device string that no other driver serves. There are at most
 * RTE_MAX_ETHPORTS of them in a process (32 in Debian's build), however many ports there may be.
 *
 * Opening and closing run in the device helper while the control thread goes on. What DPDK 22.11
 * has to say about that, from its source:
 *   - rte_dev_probe and rte_dev_remove change lists of devices without a lock of their own (device
 *     arguments, buses). Only the helper calls them, one at a time.
 *   - rte_eth_dev_configure, _start, _stop, _close and queue setup are for one thread a device. The
 *     control thread knows nothing of a device until it is open, and nothing more once it is to be
 *     closed.
 *   - rte_eth_dev_callback_register, memory zones, memory pools, rings and the heap have locks
 *     inside: both threads may use them at any time.
 *   - rte_devargs_parse and rte_kvargs_parse touch their arguments only.
 */
#include <net/if.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "af_packet_guard.h"
#include "dpdk.h"
#include "driver_log.h"
#include "interface.h"
#include "memif_guard.h"
#include "numa_node.h"
#include "privilege.h"

enum {
	MTU_MIN = 68,			  /* RFC 791: every IPv4 module forwards that much */
	DATA_ROOM_MAX = UINT16_MAX & ~63, /* of an mbuf, headroom included */
};

static struct sl_dpdk *first_open;

struct sl_dpdk *sl_dpdk_first(void)
{
	return first_open;
}

static bool serves(const char *devargs)
{
	(void)devargs;
	return true; /* the last of the list */
}

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	struct rte_devargs da = {0};
	bool known = rte_devargs_parse(&da, devargs) == 0;

	/* da.data is what rte_devargs_reset frees, which is not stable yet; unset when parsing
	 * failed */
	if (!known || da.name[0] == '\0') {
		if (known)
			free(da.data);
		return sl_err_set(e, SL_ERR_DEVICE, "devargs",
			"port %s: no driver of this DPDK knows a device \"%s\"", port, devargs);
	}
	rte_strscpy(name, da.name, size);
	free(da.data);
	return 0;
}

/* What the driver may have wanted to lock into memory: AF_XDP takes the pool. */
static uint64_t pool_bytes(const struct rte_mempool *m)
{
	return m == NULL ? 0 : (uint64_t)m->size * (m->header_size + m->elt_size + m->trailer_size);
}

/*
 * A driver's code says little: -1 is many drivers' only one, and not EPERM. What is known to be
 * missing comes first, then the driver's own words since the step began.
 */
int sl_dpdk_error(const struct sl_port_device *d, const char *field, const char *what, int err,
	struct sl_err *e)
{
	const char *words = sl_driver_log_words();
	struct sl_lack lack;
	int ret;

	if (sl_privilege_lack(d->devargs, pool_bytes(d->pool), &lack)) {
		ret = sl_err_set(e, SL_ERR_DEVICE, field, "port %s: device %s %s: %s", d->name,
			d->device, what, lack.what);
		sl_err_hint(e, "%s", lack.hint);
		return ret;
	}
	if (words[0] == '\0')
		words = err == -1 ? "its driver says why on standard error" : strerror(-err);
	return sl_err_set(e, SL_ERR_DEVICE, field, "port %s: device %s %s: %s", d->name, d->device,
		what, words);
}

/* The device's first ethdev; one PCI device may have several, and only the first is used. */
static int find_ethdev(const struct sl_port_device *d, uint16_t *id)
{
	struct rte_dev_iterator it;
	uint16_t i;

	if (rte_eth_dev_get_port_by_name(d->device, id) == 0)
		return 0;
	RTE_ETH_FOREACH_MATCHING_DEV(i, d->devargs, &it)
	{
		rte_eth_iterator_cleanup(&it);
		*id = i;
		return 0;
	}
	return -ENODEV;
}

static int check_room(const struct sl_port_device *d, struct sl_err *e)
{
	int ret;

	if (rte_eth_dev_count_total() < RTE_MAX_ETHPORTS)
		return 0;
	ret = sl_err_set(e, SL_ERR_LIMIT, "devargs",
		"port %s: device %s: this DPDK opens at most %d devices, and all are in use",
		d->name, d->device, RTE_MAX_ETHPORTS);
	sl_err_hint(e, "remove a port that is a DPDK device");
	return ret;
}

static int probe(const struct sl_port_device *d, uint16_t *id, struct sl_err *e)
{
	int ret = check_room(d, e);

	if (ret != 0)
		return ret;
	sl_driver_log_mark();
	ret = rte_dev_probe(d->devargs);
	if (ret == -EEXIST) /* the same PCI device written in another way */
		return sl_err_set(e, SL_ERR_EXISTS, "devargs",
			"port %s: device %s is in use by another port", d->name, d->device);
	if (ret < 0)
		return sl_dpdk_error(d, "devargs", "cannot be opened", ret, e);
	ret = find_ethdev(d, id);
	if (ret < 0)
		return sl_dpdk_error(d, "devargs", "is no network device", ret, e);
	return 0;
}

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
	/* The kernel deals packets to all queues: those of one that nobody polls would be lost. */
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

static int configure(
	const struct sl_port_device *d, const struct rte_eth_dev_info *info, struct sl_err *e)
{
	const uint64_t rss = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
	struct rte_eth_conf conf = {0};
	int ret;

	sl_driver_log_mark();
	if (d->n_rxq > 1 && (info->flow_type_rss_offloads & rss) != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & rss;
	}
	ret = rte_eth_dev_configure(sl_dpdk_of(d)->id, d->n_rxq, d->n_txq, &conf);
	if (ret < 0)
		return sl_dpdk_error(d, "devargs", "cannot be configured", ret, e);
	return 0;
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
	if (ret == 0 || ret == -ENOTSUP) /* no such notion in the device: ours counts */
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

/* The largest packet that the device, as it was opened, can take and give. */
static unsigned int mtu_limit(const struct sl_port_device *d)
{
	if (sl_dpdk_is(d, "net_af_packet"))
		return sl_dpdk_of(d)->framesz - SL_L2_OVERHEAD;
	if (d->pool == NULL) /* the least that it will have */
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
 * A device that refuses an address keeps its own; being promiscuous, it hears the one asked for
 * too. An interface that was made again may have another one, and the port with it; what a driver
 * makes up stays as it was at first.
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

/* Frames arrive whole, in one buffer each: no device is asked to scatter. */
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

		/* Packets of any port's pool leave by any other: fast free would put them into the
		 * wrong one. */
		conf.offloads = 0;
		ret = rte_eth_tx_queue_setup(id, q, n_txd, socket, &conf);
		if (ret < 0)
			return sl_dpdk_error(d, "queues", "refuses a transmit queue", ret, e);
	}
	d->mtu_limit = mtu_limit(d);
	return ret;
}

/* The interface that the device turned out to be on. */
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
 *   - net_tap writes into the kernel, which refuses what is sent to an interface that is down.
 *     net_pcap and net_null keep nothing.
 *   - net_vhost, net_memif and net_virtio_user put packets into memory of the peer that is
 *     connected at that moment: with that they are delivered. Another peer has other memory, and
 *     nothing is accepted while there is none.
 *   - net_af_packet keeps what the kernel does not take: af_packet_rings.c.
 *   - Any other (net_af_xdp, NICs) may keep some, until it is closed.
 *
 * Some drivers copy each packet that is not of the port's own pool. All others hand its buffer on
 * as it is, and their transmit queues hold it until it is sent.
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

static void name_queues(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	const struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[x->id];

	for (uint16_t q = 0; q < d->n_rxq; q++) {
		x->rx[q] = (struct sl_dpdk_queue){ops, q};
		d->rxq[q] = &x->rx[q];
	}
	for (uint16_t q = 0; q < d->n_txq; q++) {
		x->tx[q] = (struct sl_dpdk_queue){ops, q};
		d->txq[q] = &x->tx[q];
	}
}

static int set_up(struct sl_port_device *d, struct sl_err *e)
{
	uint16_t id = sl_dpdk_of(d)->id;
	struct rte_eth_dev_info info;
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
	name_queues(d);
	ret = configure(d, &info, e);
	if (ret == 0)
		ret = set_up_mtu(d, e);
	if (ret != 0)
		return ret;
	set_up_mac(d);
	return set_up_queues(d, &info, e);
}

static int open(struct sl_port_device *d, struct sl_err *e)
{
	struct sl_dpdk *x = rte_zmalloc("dpdk device", sizeof(*x), RTE_CACHE_LINE_SIZE);
	int ret;

	if (x == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	x->id = RTE_MAX_ETHPORTS;
	x->tap_fd = -1;
	x->next = first_open;
	first_open = x;
	d->own = x;
	ret = probe(d, &x->id, e);
	return ret == 0 ? set_up(d, e) : ret;
}

static void note_memif_server(struct sl_port_device *d)
{
	sl_memif_note_server();
	if (!sl_memif_is_guarded())
		snprintf(d->notice, sizeof(d->notice),
			"is a memif server: a client that connects and leaves at once ends this "
			"process. Let the other side be the server");
}

static int start(struct sl_port_device *d, struct sl_err *e)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	bool af_packet = sl_dpdk_is(d, "net_af_packet");
	int ret = 0;

	sl_driver_log_mark();
	if (!af_packet) /* its sockets do that: af_packet_rings.c */
		ret = rte_eth_promiscuous_enable(x->id);
	if (ret < 0 && ret != -ENOTSUP)
		return sl_dpdk_error(d, "devargs", "does not become promiscuous", ret, e);
	if (af_packet)
		sl_af_packet_start_begin();
	ret = rte_eth_dev_start(x->id);
	sl_af_packet_start_end();
	if (ret < 0)
		return sl_dpdk_error(d, "devargs", "does not start", ret, e);
	if (sl_dpdk_is(d, "net_af_xdp"))
		sl_af_xdp_attach(d);
	ret = af_packet ? sl_af_packet_attach(d, e) : 0;
	if (ret != 0)
		return ret;
	x->opened = rte_rdtsc();
	if (sl_dpdk_is(d, "net_memif") && !d->outside.connects)
		note_memif_server(d);
	sl_dpdk_listen(d);
	return 0;
}

static void forget(const struct sl_dpdk *x)
{
	struct sl_dpdk **at = &first_open;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
}

/* What the device held is counted, where it tells. */
static void count_lost(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);

	if (x->opened == 0)
		return;
	sl_dpdk_lost(d, &d->lost);
	if (x->rings == NULL)
		return;
	d->lost.rx_missed += sl_af_packet_unread(d);
	d->n_thrown = sl_af_packet_clear(d);
}

static void close(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	struct rte_eth_dev_info info;

	if (x == NULL)
		return;
	sl_dpdk_ignore(d);
	if (d->kept.withdrawn)
		sl_memif_settle();
	count_lost(d);
	if (sl_dpdk_is(d, "net_af_xdp"))
		sl_af_xdp_attach(d); /* those of a device that did not start, too */
	sl_af_packet_detach(d);
	if (x->id != RTE_MAX_ETHPORTS && rte_eth_dev_info_get(x->id, &info) == 0) {
		rte_eth_dev_stop(x->id);
		rte_eth_dev_close(x->id);
		rte_dev_remove(info.device);
	}
	sl_af_xdp_detach(d);
	forget(x);
	rte_free(x);
	d->own = NULL;
}

/*
 * As rte_eth_rx_burst and rte_eth_tx_burst, but for their callbacks, which nobody sets here. The
 * functions are looked up anew for each burst: some drivers change them while they recover a NIC.
 */
static uint16_t receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	const struct sl_dpdk_queue *q = rxq;

	return q->ops->rx_pkt_burst(q->ops->rxq.data[q->index], pkt, n);
}

static uint16_t transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	const struct sl_dpdk_queue *q = txq;

	return q->ops->tx_pkt_burst(q->ops->txq.data[q->index], pkt, n);
}

static uint32_t speed(const struct sl_port_device *d)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(sl_dpdk_of(d)->id, &link) == 0 &&
			       link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN
		       ? link.link_speed
		       : 0;
}

static unsigned int expire(struct sl_port_device *d, uint64_t given, bool running)
{
	return sl_dpdk_of(d)->rings != NULL ? sl_af_packet_expire(d, given, running) : 0;
}

static unsigned int unblock(struct sl_port_device *d, uint64_t turned_away, uint32_t tick)
{
	if (sl_dpdk_of(d)->rings == NULL)
		return 0;
	(void)sl_af_packet_missed(d); /* before the kernel's 32 bits are full */
	return sl_af_packet_unblock(d, turned_away, tick);
}

static unsigned int weed(struct sl_port_device *d, uint32_t tick)
{
	return sl_dpdk_of(d)->rings != NULL ? sl_af_packet_weed(d, tick) : 0;
}

const struct sl_port_driver sl_dpdk_driver = {
	.name = "dpdk",
	.serves = serves,
	.parse = parse,
	.outside = sl_device_outside,
	.open = open,
	.start = start,
	.close = close,
	.receive = receive,
	.transmit = transmit,
	.link = sl_dpdk_link,
	.speed = speed,
	.interface = sl_dpdk_interface,
	.lost = sl_dpdk_lost,
	.set_mtu = sl_dpdk_set_mtu,
	.serves_txq = sl_dpdk_serves_txq,
	.clear = sl_af_packet_clear,
	.expire = expire,
	.unblock = unblock,
	.weed = weed,
	.revive = sl_af_packet_revive,
};
