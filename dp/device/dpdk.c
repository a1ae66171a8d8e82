/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's devices as a port driver: any device string that no other driver serves. A process has at
 * most RTE_MAX_ETHPORTS of them (32 in Debian's build), however many ports there are.
 *
 * Opening and closing run in the device helper while the control thread goes on. From the
 * source of DPDK 22.11:
 * - rte_dev_probe and rte_dev_remove change lists of devices without a lock (device arguments,
 *   buses). Only the helper calls them, one at a time.
 * - rte_eth_dev_configure, _start, _stop, _close and queue setup are for one thread a device. The
 *   control thread does not use a device until it is open, and stops using it before it is closed.
 * - rte_eth_dev_callback_register, memory zones, memory pools, rings and the heap have internal
 *   locks: both threads may use them at any time.
 * - rte_devargs_parse and rte_kvargs_parse touch their arguments only.
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
	return true; /* the last in the list */
}

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	struct rte_devargs da = {0};
	bool known = rte_devargs_parse(&da, devargs) == 0;

	/* rte_devargs_reset, which is not stable yet, would free da.data. It is unset
	 * when parsing failed. */
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

/* What the driver may have tried to lock into memory: AF_XDP locks the pool. */
static uint64_t pool_bytes(const struct rte_mempool *m)
{
	return m == NULL ? 0 : (uint64_t)m->size * (m->header_size + m->elt_size + m->trailer_size);
}

/*
 * A driver's code says little: for many drivers -1 is the only one, and does not mean
 * EPERM. A privilege that is known to be missing comes first, then the driver's own message
 * since the step began.
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

/* The driver's text: the port's, or more. */
static int probe_device(const struct sl_port_device *d)
{
	bool vhost = strcmp(d->outside.driver, "net_vhost") == 0;
	char *text = vhost ? sl_vhost_devargs(d) : strdup(d->devargs);
	int ret = text != NULL ? rte_dev_probe(text) : -ENOMEM;

	free(text);
	return ret;
}

static int probe(const struct sl_port_device *d, uint16_t *id, struct sl_err *e)
{
	int ret = sl_port_driver_room(d->driver, rte_eth_dev_count_total(), d->name, d->device, e);

	if (ret != 0)
		return ret;
	sl_driver_log_mark();
	ret = probe_device(d);
	if (ret == -EEXIST) /* the same PCI device in another notation */
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
	sl_dpdk_wake_open(d);
	if (sl_dpdk_is(d, "net_af_xdp"))
		sl_af_xdp_attach(d);
	ret = af_packet ? sl_af_packet_attach(d, e) : 0;
	if (ret != 0)
		return ret;
	x->opened = rte_rdtsc();
	if (sl_dpdk_is(d, "net_memif") && !d->outside.connects)
		note_memif_server(d);
	sl_dpdk_listen(d);
	if (!sl_dpdk_is(d, "net_vhost"))
		return 0;
	ret = sl_vhost_admit(d);
	return ret == 0 ? 0 : sl_dpdk_error(d, "devargs", "does not start", ret, e);
}

static void forget(const struct sl_dpdk *x)
{
	struct sl_dpdk **at = &first_open;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
}

/* Adds what the device still held to its losses, if the driver tells. */
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
		sl_memif_wait_accepted();
	count_lost(d);
	if (sl_dpdk_is(d, "net_af_xdp"))
		sl_af_xdp_attach(d); /* also for a device that did not start */
	sl_af_packet_detach(d);
	if (x->id != RTE_MAX_ETHPORTS && rte_eth_dev_info_get(x->id, &info) == 0) {
		rte_eth_dev_stop(x->id);
		rte_eth_dev_close(x->id);
		rte_dev_remove(info.device);
	}
	sl_af_xdp_detach(d);
	sl_dpdk_wake_close(d);
	forget(x);
	rte_free(x);
	d->own = NULL;
}

/*
 * Like rte_eth_rx_burst and rte_eth_tx_burst, without callbacks, which are never set
 * here. The functions are looked up for each burst, because some drivers change them
 * while they recover a NIC.
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
	(void)sl_af_packet_missed(d); /* before the kernel's 32 bits overflow */
	return sl_af_packet_unblock(d, turned_away, tick);
}

static unsigned int weed(struct sl_port_device *d, uint32_t tick)
{
	return sl_dpdk_of(d)->rings != NULL ? sl_af_packet_weed(d, tick) : 0;
}

const struct sl_port_driver sl_dpdk_driver = {
	.name = "dpdk",
	.most = RTE_MAX_ETHPORTS,
	.serves = serves,
	.parse = parse,
	.outside = sl_device_outside,
	.open = open,
	.start = start,
	.close = close,
	.receive = receive,
	.transmit = transmit,
	.arm = sl_dpdk_arm,
	.ready_fd = sl_dpdk_ready_fd,
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
