/* SPDX-License-Identifier: BSD-3-Clause */
#include <net/if.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "af_packet_guard.h"
#include "driver_log.h"
#include "engine_internal.h"
#include "memif_guard.h"
#include "numa_node.h"
#include "privilege.h"

enum {
	DESC_DEFAULT = 1024,
	MTU_MIN = 68, /* RFC 791: every IPv4 module forwards that much */
	L2_OVERHEAD = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN,
	DATA_ROOM_MAX = UINT16_MAX & ~63, /* of an mbuf, headroom included */
	POOLS_BURIED_MAX = 4,
};

static bool is_driver(const struct sl_port *p, const char *driver)
{
	return strcmp(p->driver, driver) == 0;
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
static int device_error(
	const struct sl_port *p, const char *field, const char *what, int err, struct sl_err *e)
{
	const char *words = sl_driver_log_words();
	struct sl_lack lack;
	int ret;

	if (p->devargs != NULL && sl_privilege_lack(p->devargs, pool_bytes(p->pool), &lack)) {
		ret = sl_err_set(e, SL_ERR_DEVICE, field, "port %s: device %s %s: %s", p->name,
			p->device, what, lack.what);
		sl_err_hint(e, "%s", lack.hint);
		return ret;
	}
	if (words[0] == '\0')
		words = err == -1 ? "its driver says why on standard error" : strerror(-err);
	return sl_err_set(e, SL_ERR_DEVICE, field, "port %s: device %s %s: %s", p->name, p->device,
		what, words);
}

/* The device's first ethdev; one PCI device may have several, and only the first is used. */
static int find_ethdev(struct sl_port *p, const char *devargs)
{
	struct rte_dev_iterator it;
	uint16_t id;

	if (rte_eth_dev_get_port_by_name(p->device, &p->dev) == 0)
		return 0;
	RTE_ETH_FOREACH_MATCHING_DEV(id, devargs, &it)
	{
		rte_eth_iterator_cleanup(&it);
		p->dev = id;
		return 0;
	}
	return -ENODEV;
}

static int probe(struct sl_port *p, const char *devargs, struct sl_err *e)
{
	int ret = rte_dev_probe(devargs);

	if (ret == -EEXIST) /* the same PCI device written in another way */
		return sl_err_set(e, SL_ERR_EXISTS, "devargs",
			"port %s: device %s is in use by another port", p->name, p->device);
	if (ret < 0)
		return device_error(p, "devargs", "cannot be opened", ret, e);
	ret = find_ethdev(p, devargs);
	if (ret < 0)
		return device_error(p, "devargs", "is no network device", ret, e);
	return 0;
}

static int check_queues(
	const struct sl_port *p, const struct rte_eth_dev_info *info, struct sl_err *e)
{
	int ret;

	if (p->n_rxq > info->max_rx_queues) {
		ret = sl_err_set(e, SL_ERR_DEVICE, "queues",
			"port %s: device %s has at most %u receive queues, %u are asked for",
			p->name, p->device, info->max_rx_queues, p->n_rxq);
		if (is_driver(p, "net_af_packet"))
			sl_err_hint(e, "give the devargs qpairs=%u", p->n_rxq);
		return ret;
	}
	/* The kernel deals packets to all of them: those of a queue that nobody polls would be
	 * lost. */
	if (is_driver(p, "net_af_packet") && p->n_rxq < info->max_rx_queues) {
		ret = sl_err_set(e, SL_ERR_DEVICE, "queues",
			"port %s: device %s has qpairs=%u, of which only %u would be received from",
			p->name, p->device, info->max_rx_queues, p->n_rxq);
		sl_err_hint(e, "set queues to %u", info->max_rx_queues);
		return ret;
	}
	if (info->max_tx_queues == 0)
		return device_error(p, "devargs", "cannot transmit", -ENOTSUP, e);
	return 0;
}

static int configure(
	struct sl_port *p, const struct rte_eth_dev_info *info, uint16_t n_txq, struct sl_err *e)
{
	const uint64_t rss = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
	struct rte_eth_conf conf = {0};
	int ret;

	sl_driver_log_mark();
	if (p->n_rxq > 1 && (info->flow_type_rss_offloads & rss) != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & rss;
	}
	ret = rte_eth_dev_configure(p->dev, p->n_rxq, n_txq, &conf);
	if (ret < 0)
		return device_error(p, "devargs", "cannot be configured", ret, e);
	return 0;
}

int sl_port_mtu_set(struct sl_port *p, unsigned int mtu, struct sl_err *e)
{
	struct rte_eth_dev_info info;
	int ret;

	if (mtu < MTU_MIN || mtu + L2_OVERHEAD > DATA_ROOM_MAX - RTE_PKTMBUF_HEADROOM)
		return sl_err_set(e, SL_ERR_PARAMS, "mtu", "port %s: an MTU is %d to %d", p->name,
			MTU_MIN, DATA_ROOM_MAX - RTE_PKTMBUF_HEADROOM - L2_OVERHEAD);
	if (is_driver(p, "net_af_packet"))
		return sl_af_packet_mtu_set(p, mtu, e);
	sl_driver_log_mark();
	ret = rte_eth_dev_set_mtu(p->dev, (uint16_t)mtu);
	if (ret == 0 || ret == -ENOTSUP) /* no such notion in the device: ours counts */
		return 0;
	if (ret == -EBUSY)
		return sl_err_set(e, SL_ERR_DEVICE, "mtu",
			"port %s: device %s changes its MTU only while stopped: remove the port "
			"and add it with the new one",
			p->name, p->device);
	ret = device_error(p, "mtu", "does not take the MTU", ret, e);
	if (rte_eth_dev_info_get(p->dev, &info) == 0 && info.max_mtu != UINT16_MAX)
		sl_err_hint(e, "the device takes %u to %u", info.min_mtu, info.max_mtu);
	return ret;
}

/* The kernel's MTU of the interface that the device is on; 0: none, or not known. */
static unsigned int kernel_mtu(const struct sl_port *p)
{
	struct sl_interface i;

	if (p->outside.iface[0] == '\0' || !sl_interface_ask(p->outside.iface, &i))
		return 0;
	return i.mtu;
}

/* The largest packet that the device, as it was opened, can take and give. */
static unsigned int mtu_limit(const struct sl_port *p)
{
	if (is_driver(p, "net_af_packet"))
		return p->framesz - L2_OVERHEAD;
	if (p->pool == NULL) /* the least that it will have */
		return RTE_MBUF_DEFAULT_DATAROOM - L2_OVERHEAD;
	return rte_pktmbuf_data_room_size(p->pool) - RTE_PKTMBUF_HEADROOM - L2_OVERHEAD;
}

uint16_t sl_port_mtu_in_force(const struct sl_port *p, unsigned int kernel)
{
	unsigned int own = p->mtu_asked != 0 ? p->mtu_asked : p->mtu_own;

	if (kernel < MTU_MIN)
		return (uint16_t)own;
	if (p->mtu_asked == 0 && kernel <= mtu_limit(p))
		return (uint16_t)kernel;
	return (uint16_t)RTE_MIN(own, kernel);
}

static int settle_mtu(struct sl_port *p, struct sl_err *e)
{
	int ret = rte_eth_dev_get_mtu(p->dev, &p->mtu_own);

	if (ret < 0)
		return device_error(p, "mtu", "does not tell its MTU", ret, e);
	if (p->mtu_asked != 0)
		ret = sl_port_mtu_set(p, p->mtu_asked, e);
	if (ret == 0)
		p->dp->mtu = sl_port_mtu_in_force(p, kernel_mtu(p));
	return ret;
}

/*
 * A device that refuses an address keeps its own; being promiscuous, it hears the one asked for
 * too. An interface that was made again may have another one, and the port with it; what a driver
 * makes up stays as it was at first.
 */
static void settle_mac(const struct sl_port *p, const struct sl_port_dp *old, struct sl_mac *mac)
{
	struct rte_ether_addr addr = {0};

	if (p->has_mac) {
		memcpy(addr.addr_bytes, p->mac_asked.b, sizeof(addr.addr_bytes));
		(void)rte_eth_dev_default_mac_addr_set(p->dev, &addr);
	} else if (p->was_open && p->outside.iface[0] == '\0') {
		memcpy(addr.addr_bytes, old->mac.b, sizeof(addr.addr_bytes));
	} else {
		(void)rte_eth_macaddr_get(p->dev, &addr);
	}
	memcpy(mac->b, addr.addr_bytes, sizeof(mac->b));
}

/* Frames arrive whole, in one buffer each: no device is asked to scatter. */
static unsigned int room_for(const struct sl_port *p, unsigned int mtu)
{
	unsigned int data = RTE_MAX(mtu + L2_OVERHEAD, p->framesz);

	data = RTE_MAX(data, (unsigned int)RTE_MBUF_DEFAULT_DATAROOM);
	return RTE_MIN(
		RTE_ALIGN_CEIL(RTE_PKTMBUF_HEADROOM + data, 64u), (unsigned int)DATA_ROOM_MAX);
}

/* Enough that full rings and caches leave something to receive into. */
static unsigned int least_buffers(const struct sl_port *p, uint16_t n_rxd, uint16_t n_txd)
{
	unsigned int w = p->engine->n_workers;
	unsigned int rings = p->n_rxq * n_rxd + p->dp->n_txq * n_txd;

	return rings + (w + 1) * (SL_POOL_CACHE * 3 / 2 + SL_BURST_MAX);
}

/* Whole, or with twice what is the least: the device may keep some again when it is closed. */
static bool will_do(const struct rte_mempool *pool, unsigned int least, unsigned int room)
{
	return rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)pool) >= room &&
	       rte_mempool_avail_count(pool) >= RTE_MIN(least * 2, pool->size);
}

/*
 * A device may keep buffers for good when it is closed (af_xdp.c), and a workload can have its port
 * opened anew as often as it likes. Two rules bound the memory that this takes:
 *   - the pool is used again as long as enough of it is left;
 *   - at most POOLS_BURIED_MAX pools of a port wait for their buffers: it has no more than one
 *     besides, and is not opened while that is used up.
 */
static int retire_pool(struct sl_port *p, struct sl_err *e)
{
	int ret;

	if (p->pool == NULL)
		return 0;
	if (sl_pools_buried(p->engine, p->epoch) < POOLS_BURIED_MAX) {
		sl_pool_bury(p->engine, p->pool, p->epoch);
		p->pool = NULL;
		return 0;
	}
	ret = sl_err_set(e, SL_ERR_LIMIT, "",
		"port %s: device %s has not given back the buffers of %d pools: it gets no more",
		p->name, p->device, POOLS_BURIED_MAX + 1);
	sl_err_hint(e, "remove the port and add it again");
	return ret;
}

static int make_pool(struct sl_port *p, uint16_t n_rxd, uint16_t n_txd, struct sl_err *e)
{
	unsigned int least = least_buffers(p, n_rxd, n_txd), room = room_for(p, p->dp->mtu);
	unsigned int n =
		RTE_MAX(least, p->engine->mbufs != 0 ? p->engine->mbufs : SL_PORT_BUFFERS_DEFAULT);
	int ret;

	if (p->pool != NULL && will_do(p->pool, least, room))
		return 0;
	ret = retire_pool(p, e);
	if (ret != 0)
		return ret;
	p->pool = sl_pool_create(p->engine, n, room, sl_numa_socket("pool", p->numa));
	if (p->pool != NULL)
		return 0;
	ret = sl_err_set(e, SL_ERR_LIMIT, "",
		"port %s: no memory for %u packet buffers of %u bytes", p->name, n, room);
	sl_err_hint(e, "raise workers.memory_mb");
	return ret;
}

static int setup_queues(struct sl_port *p, const struct rte_eth_dev_info *info, struct sl_err *e)
{
	unsigned int socket = (unsigned int)sl_numa_socket("device rings", p->numa);
	uint16_t n_rxd = p->n_desc, n_txd = p->n_desc;
	int ret;

	sl_driver_log_mark();
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(p->dev, &n_rxd, &n_txd);
	if (ret < 0)
		return device_error(p, "", "refuses its number of descriptors", ret, e);
	ret = make_pool(p, n_rxd, n_txd, e);
	for (uint16_t q = 0; q < p->n_rxq && ret == 0; q++) {
		ret = rte_eth_rx_queue_setup(p->dev, q, n_rxd, socket, NULL, p->pool);
		if (ret < 0)
			return device_error(p, "queues", "refuses a receive queue", ret, e);
	}
	for (uint16_t q = 0; q < p->dp->n_txq && ret == 0; q++) {
		struct rte_eth_txconf conf = info->default_txconf;

		/* Packets of any port's pool leave by any other: fast free would put them into the
		 * wrong one. */
		conf.offloads = 0;
		ret = rte_eth_tx_queue_setup(p->dev, q, n_txd, socket, &conf);
		if (ret < 0)
			return device_error(p, "queues", "refuses a transmit queue", ret, e);
	}
	return ret;
}

/*
 * A queue a worker where the device has as many; otherwise shared in turn, under locks. Where the
 * other end may stop to serve some of them, locks are there from the start.
 */
static int make_locks(struct sl_port *p, unsigned int n)
{
	p->txq_lock = calloc(n, sizeof(*p->txq_lock));
	if (p->txq_lock == NULL)
		return -ENOMEM;
	for (unsigned int q = 0; q < n; q++)
		rte_spinlock_init(&p->txq_lock[q]);
	return 0;
}

void sl_port_deal_txq(struct sl_port *p, struct sl_port_dp *dp)
{
	uint16_t live[SL_WORKERS_MAX], n = 0;

	for (uint16_t q = 0; q < dp->n_txq; q++)
		if (!p->picks_txq || (p->live_txq >> q & 1) != 0)
			live[n++] = q;
	for (unsigned int w = 0; w < p->engine->n_workers; w++)
		dp->txq[w] = n > 0 ? live[w % n] : 0;
}

int sl_port_make_rxq(struct sl_port *p, struct sl_err *e)
{
	rte_free(p->rxq);
	p->rxq = rte_zmalloc_socket("rxq", p->n_rxq * sizeof(*p->rxq), RTE_CACHE_LINE_SIZE,
		sl_numa_socket("queues", p->numa));
	return p->rxq != NULL ? 0 : sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
}

static int make_dp(struct sl_port *p, const struct rte_eth_dev_info *info, struct sl_err *e)
{
	unsigned int workers = p->engine->n_workers;
	uint16_t n_txq = (uint16_t)RTE_MIN(workers, (unsigned int)info->max_tx_queues);

	p->dp = calloc(1, sizeof(*p->dp));
	p->picks_txq = is_driver(p, "net_vhost");
	p->live_txq = 0;
	if (p->dp == NULL ||
		((n_txq < workers || (p->picks_txq && workers > 1)) && make_locks(p, n_txq) != 0))
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	*p->dp = (struct sl_port_dp){.id = p->id,
		.dev = p->dev,
		.epoch = p->epoch,
		.n_txq = n_txq,
		.underlay = p->underlay,
		.refuse = SL_DROP_PORT_MISSING,
		.txq_lock = p->txq_lock};
	sl_port_deal_txq(p, p->dp);
	return 0;
}

static int start(struct sl_port *p, struct sl_err *e)
{
	int ret = 0;

	sl_driver_log_mark();
	if (!is_driver(p, "net_af_packet")) /* its sockets do that: af_packet_rings.c */
		ret = rte_eth_promiscuous_enable(p->dev);
	if (ret < 0 && ret != -ENOTSUP)
		return device_error(p, "devargs", "does not become promiscuous", ret, e);
	if (is_driver(p, "net_af_packet"))
		sl_af_packet_start_begin();
	ret = rte_eth_dev_start(p->dev);
	sl_af_packet_start_end();
	if (ret < 0)
		return device_error(p, "devargs", "does not start", ret, e);
	if (is_driver(p, "net_af_xdp"))
		sl_af_xdp_attach(p);
	return is_driver(p, "net_af_packet") ? sl_af_packet_attach(p, e) : 0;
}

/* The interface that the device turned out to be on. */
static void note_interface(struct sl_port *p, const struct rte_eth_dev_info *info)
{
	if (p->outside.follow != SL_FOLLOW_INTERFACE || !p->outside.makes)
		return;
	p->ifindex = (int)info->if_index;
	if (p->outside.iface[0] == '\0' && if_indextoname(info->if_index, p->outside.iface) == NULL)
		p->outside.iface[0] = '\0';
	sl_tap_attach(p);
}

static int bring_up(struct sl_port *p, const struct sl_port_dp *old, struct sl_err *e)
{
	struct rte_eth_dev_info info;
	int ret = rte_eth_dev_info_get(p->dev, &info);

	if (ret < 0)
		return device_error(p, "devargs", "does not describe itself", ret, e);
	rte_strscpy(p->driver, info.driver_name, sizeof(p->driver));
	p->numa = sl_numa_of_device(p->dev);
	note_interface(p, &info);
	ret = check_queues(p, &info, e);
	if (ret == 0 && !p->was_open) /* only now is the device's NUMA node known */
		ret = sl_port_make_rxq(p, e);
	if (ret == 0)
		ret = make_dp(p, &info, e);
	if (ret == 0)
		ret = configure(p, &info, p->dp->n_txq, e);
	if (ret == 0)
		ret = settle_mtu(p, e);
	if (ret != 0)
		return ret;
	settle_mac(p, old, &p->dp->mac);
	ret = setup_queues(p, &info, e);
	if (ret == 0 && sl_generator_named(p->devargs))
		ret = sl_port_generator_attach(p, p->devargs, e);
	return ret == 0 ? start(p, e) : ret;
}

static int open_device(struct sl_port *p, const struct sl_port_dp *old, struct sl_err *e)
{
	const char *devargs = p->devargs;
	char generator[sizeof(p->device) + 16];
	int ret;

	if (sl_generator_named(devargs)) {
		snprintf(generator, sizeof(generator), "%s,no-rx=1", p->device);
		devargs = generator;
	}
	sl_driver_log_mark();
	ret = probe(p, devargs, e);
	return ret == 0 ? bring_up(p, old, e) : ret;
}

/*
 * Workers know nothing of it any more. What it held is counted, where it tells. The pool stays the
 * port's.
 */
void sl_port_close_device(struct sl_port *p)
{
	struct rte_eth_dev_info info;
	struct sl_device_kept kept;

	sl_port_ignore(p);
	if (p->dev != RTE_MAX_ETHPORTS && is_driver(p, "net_memif") && sl_device_withdraw(p))
		sl_memif_settle();
	sl_device_close_begin(p, &kept);
	sl_port_stats_close(p);
	if (is_driver(p, "net_af_xdp"))
		sl_af_xdp_attach(p); /* those of a device that did not start, too */
	if (p->rings != NULL)
		sl_port_recall(p, sl_af_packet_clear(p));
	sl_af_packet_detach(p);
	if (p->dev != RTE_MAX_ETHPORTS && rte_eth_dev_info_get(p->dev, &info) == 0) {
		rte_eth_dev_stop(p->dev);
		sl_port_generator_detach(p);
		rte_eth_dev_close(p->dev);
		rte_dev_remove(info.device);
	}
	sl_device_close_end(&kept);
	sl_af_xdp_detach(p);
	p->dev = RTE_MAX_ETHPORTS;
	free(p->txq_lock);
	p->txq_lock = NULL;
}

/*
 * The device did not open, so no worker has had a buffer of a pool that was made for it: whatever
 * its driver has kept, that pool is free.
 */
static void close_unopened(struct sl_port *p, const struct rte_mempool *before)
{
	sl_port_close_device(p);
	if (p->pool == before)
		return;
	rte_mempool_free(p->pool);
	p->pool = NULL;
}

/* What workers see of a port that never had a device. */
static struct sl_port_dp *placeholder(const struct sl_port *p)
{
	struct sl_port_dp *dp = calloc(1, sizeof(*dp));

	if (dp == NULL)
		return NULL;
	*dp = (struct sl_port_dp){.id = p->id,
		.dev = RTE_MAX_ETHPORTS,
		.epoch = p->epoch,
		.n_txq = 1,
		.underlay = p->underlay,
		.refuse = SL_DROP_PORT_MISSING,
		.mac = p->mac_asked,
		.mtu = (uint16_t)(p->mtu_asked != 0 ? p->mtu_asked : RTE_ETHER_MTU)};
	return dp;
}

int sl_port_ask(struct sl_port *p, const struct sl_port_params *params, struct sl_err *e)
{
	p->dev = RTE_MAX_ETHPORTS;
	p->numa = SOCKET_ID_ANY;
	p->driver[0] = '\0';
	p->was_open = false;
	p->n_rxq = (uint16_t)params->n_rxq;
	p->n_desc = params->n_desc != 0 ? (uint16_t)params->n_desc : DESC_DEFAULT;
	p->underlay = params->underlay;
	p->has_mac = params->has_mac;
	p->mac_asked = params->has_mac ? params->mac : (struct sl_mac){0};
	p->mtu_asked = params->mtu;
	p->mtu_own = RTE_ETHER_MTU;
	for (unsigned int q = 0; q < SL_QUEUES_MAX; q++) {
		p->rxq_wanted[q] = q < params->n_rxq ? params->rxq_worker[q] : -1;
		p->rxq_worker[q] = -1;
	}
	sl_device_outside(params->devargs, &p->outside);
	p->devargs = strdup(params->devargs);
	if (p->dp == NULL)
		p->dp = placeholder(p);
	if (p->devargs == NULL || p->dp == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	return 0;
}

static void note_server(const struct sl_port *p)
{
	if (!is_driver(p, "net_memif") || p->outside.connects)
		return;
	sl_memif_note_server();
	if (!sl_memif_is_guarded())
		sl_engine_notice(p->engine,
			"port %s is a memif server: a client that connects and leaves at once ends "
			"this process. Let the other side be the server",
			p->name);
}

int sl_port_open(struct sl_port *p, struct sl_err *e)
{
	struct sl_port_dp *old = p->dp;
	const struct rte_mempool *pool = p->pool;
	struct sl_interface iface;
	uint32_t absent;
	int ret = sl_device_check(p, p->devargs, &absent, e);

	if (ret != 0)
		return ret;
	p->dp = NULL;
	p->was_deleted = false;
	/* Before: if it is made again meanwhile, that is seen at the first look. */
	p->ifindex = sl_interface_ask(p->outside.iface, &iface) ? iface.index : 0;
	ret = open_device(p, old, e);
	if (ret == 0) {
		sl_device_opened(p);
		sl_port_stats_open(p);
		note_server(p);
		sl_port_listen(p);
		p->was_open = true;
		p->opened = rte_rdtsc();
		if (p->state == SL_PORT_FREE)
			free(old); /* nobody has seen it */
		return 0;
	}
	close_unopened(p, pool);
	free(p->dp); /* nor that one; what workers see is the old one */
	p->dp = old;
	sl_device_unmake(p, p->devargs, absent);
	return ret;
}

void sl_port_close(struct sl_port *p)
{
	sl_port_close_device(p);
	sl_pool_bury(p->engine, p->pool, p->epoch);
	rte_free(p->rxq);
	free(p->dp);
	free(p->devargs);
	free(p->wish);
	*p = (struct sl_port){.engine = p->engine, .id = p->id};
}
