/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens and closes the device of a port. */
#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "device_helper.h"
#include "device_path.h"
#include "engine_state.h"
#include "dp/eal/numa_node.h"

enum { DESC_DEFAULT = 1024 };

/* What workers see of a port that never had a device. */
static struct sl_port_dp *placeholder(const struct sl_port *p)
{
	struct sl_port_dp *dp = calloc(1, sizeof(*dp));

	if (dp == NULL)
		return NULL;
	*dp = (struct sl_port_dp){.id = p->id,
		.epoch = p->epoch,
		.n_txq = 1,
		.tag = SL_TAG_OF_PORT(p->id),
		.underlay = p->underlay,
		.vlan = p->vlan,
		.refuse = SL_DROP_PORT_MISSING,
		.mac = p->mac_asked,
		.mtu = (uint16_t)(p->mtu_asked != 0 ? p->mtu_asked : RTE_ETHER_MTU)};
	return dp;
}

int sl_port_ask(struct sl_port *p, const struct sl_port_params *params, struct sl_err *e)
{
	p->numa = SOCKET_ID_ANY;
	p->driver_name[0] = '\0';
	p->was_open = false;
	p->n_rxq = (uint16_t)params->n_rxq;
	p->n_desc = params->n_desc != 0 ? (uint16_t)params->n_desc : DESC_DEFAULT;
	p->underlay = params->underlay;
	p->vlan = params->vlan;
	p->has_mac = params->has_mac;
	p->mac_asked = params->has_mac ? params->mac : (struct sl_mac){0};
	p->mtu_asked = params->mtu;
	p->offloads_asked = params->offloads;
	p->mtu_own = RTE_ETHER_MTU;
	for (unsigned int q = 0; q < SL_QUEUES_MAX; q++) {
		p->rxq_wanted[q] = q < params->n_rxq ? params->rxq_worker[q] : -1;
		p->rxq_worker[q] = -1;
	}
	p->driver = sl_port_driver_of(params->devargs);
	sl_port_outside(params->devargs, &p->outside);
	p->devargs = strdup(params->devargs);
	if (p->dp == NULL)
		p->dp = placeholder(p);
	if (p->devargs == NULL || p->dp == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	return 0;
}

void sl_port_outside(const char *devargs, struct sl_outside *o)
{
	const struct sl_port_driver *driver = sl_port_driver_of(devargs);

	*o = (struct sl_outside){.follow = SL_FOLLOW_NONE};
	if (driver->outside != NULL)
		driver->outside(devargs, o);
}

static void free_device(struct sl_port_device *d)
{
	free(d->devargs);
	free(d);
}

/* Copies all that the driver needs to know about the port to memory that is not the port's. */
static struct sl_port_device *new_device(const struct sl_port *p)
{
	struct sl_port_device *d = calloc(1, sizeof(*d));
	const struct sl_engine *g = p->engine;

	if (d == NULL)
		return NULL;
	*d = (struct sl_port_device){.driver = p->driver,
		.port = p->id,
		.n_rxq = p->n_rxq,
		.n_desc = p->n_desc,
		.n_workers = (uint16_t)g->n_workers,
		.mtu_asked = p->mtu_asked,
		.underlay = p->underlay,
		.offloads_asked = p->offloads_asked,
		.n_buffers = g->mbufs != 0 ? g->mbufs : SL_PORT_BUFFERS_DEFAULT,
		.has_mac = p->has_mac,
		.keeps_mac = p->was_open && !p->has_mac,
		.mac_asked = p->has_mac ? p->mac_asked : p->dp->mac,
		.may_block = g->n_workers > 0 && g->worker[0]->idle == SL_IDLE_ADAPTIVE,
		.may_replace_pool = sl_pool_may_replace(g, p->epoch),
		.outside = p->outside,
		.numa = SOCKET_ID_ANY,
		.tag = SL_TAG_OF_PORT(p->id),
		.pool = p->pool,
		.told = SL_TOLD_CHANGED};
	rte_strscpy(d->name, p->name, sizeof(d->name));
	rte_strscpy(d->device, p->device, sizeof(d->device));
	d->devargs = strdup(p->devargs);
	if (d->devargs != NULL)
		return d;
	free(d);
	return NULL;
}

int sl_port_make_rxq(struct sl_port *p, struct sl_err *e)
{
	rte_free(p->rxq);
	p->rxq = rte_zmalloc_socket("rxq", p->n_rxq * sizeof(*p->rxq), RTE_CACHE_LINE_SIZE,
		sl_numa_socket("queues", p->numa));
	return p->rxq != NULL ? 0 : sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
}

static bool is_served(const struct sl_port_device *d, unsigned int queue)
{
	return !d->picks_txq || d->driver->serves_txq(d, queue);
}

void sl_port_deal_txq(struct sl_port *p, struct sl_port_dp *dp)
{
	const struct sl_port_device *d = p->dev;
	uint16_t live[SL_WORKERS_MAX], n = 0;

	for (uint16_t q = 0; q < d->n_txq; q++)
		if (is_served(d, q))
			live[n++] = q;
	for (unsigned int w = 0; w < p->engine->n_workers; w++) {
		uint16_t q = n > 0 ? live[w % n] : 0;

		dp->txq[w] =
			(struct sl_txq){d->txq[q], p->txq_lock != NULL ? &p->txq_lock[q] : NULL};
	}
}

/*
 * One queue for each worker if the device has as many. Otherwise workers share them in turn, under
 * locks. If the other end may stop serving some of them, locks are there from the start.
 */
static int make_locks(struct sl_port *p)
{
	const struct sl_port_device *d = p->dev;
	unsigned int workers = p->engine->n_workers;

	if (d->n_txq >= workers && (!d->picks_txq || workers == 1))
		return 0;
	p->txq_lock = calloc(d->n_txq, sizeof(*p->txq_lock));
	if (p->txq_lock == NULL)
		return -ENOMEM;
	for (unsigned int q = 0; q < d->n_txq; q++)
		rte_spinlock_init(&p->txq_lock[q]);
	return 0;
}

static struct sl_port_dp *make_dp(struct sl_port *p)
{
	const struct sl_port_device *d = p->dev;
	struct sl_port_dp *dp = calloc(1, sizeof(*dp));

	if (dp == NULL || make_locks(p) != 0) {
		free(dp);
		return NULL;
	}
	*dp = (struct sl_port_dp){.id = p->id,
		.epoch = p->epoch,
		.n_txq = d->n_txq,
		.tag = d->tag,
		.underlay = p->underlay,
		.vlan = p->vlan,
		.refuse = SL_DROP_PORT_MISSING,
		.mac = d->mac,
		.offloads_in = d->offloads_in,
		.merge = d->merge,
		.takes = d->takes,
		.pool = d->pool,
		.mtu = sl_port_device_mtu(d, d->kernel_mtu),
		.transmit = d->transmit != NULL ? d->transmit : d->driver->transmit};
	sl_port_deal_txq(p, dp);
	return dp;
}

/* The device's pool becomes the port's. */
static void adopt_pool(struct sl_port *p)
{
	if (p->pool != p->dev->pool)
		sl_pool_bury(p->engine, p->pool, p->epoch);
	p->pool = p->dev->pool;
}

/* Another MTU was requested while the device was being opened. */
static void follow_mtu(const struct sl_port *p, struct sl_port_device *d)
{
	if (d->mtu_asked == p->mtu_asked)
		return;
	d->mtu_asked = p->mtu_asked;
	if (d->mtu_asked != 0 && d->driver->set_mtu != NULL)
		(void)d->driver->set_mtu(d, d->mtu_asked, NULL);
}

/* The device is open: its results become the port's. */
static int adopt(struct sl_port *p, struct sl_port_device *d, struct sl_err *e)
{
	struct sl_port_dp *dp;
	int ret;

	p->dev = d;
	p->numa = d->numa;
	p->outside = d->outside;
	p->mtu_own = d->mtu;
	follow_mtu(p, d);
	rte_strscpy(p->driver_name, d->driver_name, sizeof(p->driver_name));
	ret = p->was_open ? 0 : sl_port_make_rxq(p, e); /* only now is the NUMA node known */
	dp = ret == 0 ? make_dp(p) : NULL;
	if (dp == NULL) {
		p->dev = NULL;
		free(p->txq_lock);
		p->txq_lock = NULL;
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	}
	if (p->state == SL_PORT_ADDING)
		free(p->dp); /* no worker has seen it; if workers see it, it is freed
		              * when dp is published */
	p->dp = dp;
	adopt_pool(p);
	sl_device_opened(p);
	p->was_open = true;
	if (d->notice[0] != '\0')
		sl_engine_notice(p->engine, "port %s %s", p->name, d->notice);
	return 0;
}

int sl_port_begin_open(struct sl_port *p, struct sl_err *e)
{
	struct sl_port_device *d;
	struct sl_interface iface;
	uint32_t absent;
	int ret = sl_device_check(p, p->devargs, &absent, e);

	if (ret != 0)
		return ret;
	d = new_device(p);
	if (d == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	/* Before opening: if the interface is created again meanwhile, the first check notices. */
	d->ifindex = sl_interface_ask(p->outside.iface, &iface) ? iface.index : 0;
	p->job = sl_device_helper_begin(p->engine->helper, d, p, true);
	p->job->absent = absent;
	return 0;
}

static void close_device(struct sl_port *p, struct sl_port_device *d)
{
	sl_device_close_begin(p, &d->kept);
	p->job = sl_device_helper_begin(p->engine->helper, d, p, false);
}

/* Workers no longer use the device. The pool stays the port's. */
void sl_port_begin_close(struct sl_port *p)
{
	sl_port_stats_closing(p);
	close_device(p, p->dev);
	p->dev = NULL;
	free(p->txq_lock);
	p->txq_lock = NULL;
}

/* It is open, and the port does not have it. */
static void give_back(struct sl_port *p, struct sl_port_device *d)
{
	if (d->pool != p->pool) /* no worker has had a buffer of it, the device may have */
		sl_pool_bury(p->engine, d->pool, p->epoch);
	sl_device_opened(p);
	close_device(p, d);
}

static int end_open(struct sl_port *p, const struct sl_device_job *j, struct sl_err *e)
{
	int ret = j->ret;

	if (ret != 0) {
		*e = j->err;
		free_device(j->device);
		sl_device_unmake(p, p->devargs, j->absent);
		return ret;
	}
	ret = adopt(p, j->device, e);
	if (ret != 0)
		give_back(p, j->device);
	return ret;
}

/* The device is no longer wanted. */
static void discard(struct sl_port *p, const struct sl_device_job *j)
{
	if (j->ret != 0) {
		free_device(j->device);
		sl_device_unmake(p, p->devargs, j->absent);
		return;
	}
	give_back(p, j->device);
}

static void end_close(struct sl_port *p, const struct sl_device_job *j)
{
	sl_port_stats_closed(p, j->device);
	free_device(j->device);
}

static void end(struct sl_port *p, const struct sl_device_job *j)
{
	bool unwanted = p->state == SL_PORT_CLOSING || p->wish != NULL;
	struct sl_err e = {0};
	int ret = 0;

	p->job = NULL;
	if (!j->opens)
		end_close(p, j);
	else if (unwanted)
		discard(p, j);
	else
		ret = end_open(p, j, &e);
	if (p->state == SL_PORT_CLOSING && p->is_unused)
		sl_port_close(p);
	else if (p->state == SL_PORT_ADDING && j->opens) {
		p->open_ret = ret;
		p->open_err = e;
	} else if (p->state == SL_PORT_REOPENING || (p->state == SL_PORT_SHUT && p->wish != NULL))
		sl_port_closed(p);
	else if (p->state == SL_PORT_SHUT && j->opens)
		sl_port_tried(p, ret, &e);
}

void sl_ports_jobs(struct sl_engine *g)
{
	struct sl_device_job *j;

	while ((j = sl_device_helper_next(g->helper)) != NULL) {
		end(j->port, j);
		free(j);
	}
}

void sl_port_wait(struct sl_port *p)
{
	struct sl_device_job *j;

	while ((j = p->job) != NULL) {
		sl_device_helper_wait(p->engine->helper, j);
		end(p, j);
		free(j);
	}
}

/* The device is closed first; this function is called again when that is done. */
void sl_port_close(struct sl_port *p)
{
	p->is_unused = true;
	if (p->job != NULL)
		return;
	if (p->dev != NULL) {
		sl_port_begin_close(p);
		return;
	}
	sl_pool_bury(p->engine, p->pool, p->epoch);
	rte_free(p->rxq);
	free(p->dp);
	free(p->devargs);
	free(p->wish);
	*p = (struct sl_port){.engine = p->engine, .id = p->id};
}
