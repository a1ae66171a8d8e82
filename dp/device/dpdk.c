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
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "af_packet_guard.h"
#include "device_outside.h"
#include "dpdk.h"
#include "dp/eal/driver_log.h"
#include "dp/eal/memif_guard.h"
#include "privilege.h"

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
	return ret == 0 ? sl_dpdk_set_up(d, e) : ret;
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
