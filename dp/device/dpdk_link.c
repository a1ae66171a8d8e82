/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The link of a DPDK device. A column of the drivers' table (device.h) has the source of
 * information: rtnetlink for kernel interfaces, the driver's own events for everything else that
 * can change outside this process. An interface is identified by its name, because the
 * configuration has the name, and it stays valid after a restart. So an interface that was renamed,
 * or moved to another network namespace, has disappeared for its port.
 */
#include <rte_cycles.h>
#include <rte_eth_vhost.h>

#include "dpdk.h"
#include "interface.h"

enum {
	/* a connection is established within this time, or not at all */
	CONNECT_S = 2,
	VHOST_EVENTS = 2 * 128 + 2, /* for all queues that a guest can have, in both directions */
};

/* Called by the driver, in a thread of its own. */
static int hear(uint16_t id, enum rte_eth_event_type type, void *device, void *ret)
{
	struct sl_port_device *d = device;
	uint32_t told = SL_TOLD_CHANGED;
	struct rte_eth_link link = {0};

	(void)ret;
	if (d->picks_txq) /* net_vhost */
		sl_vhost_follow(d, type == RTE_ETH_EVENT_INTR_LSC);
	if (type == RTE_ETH_EVENT_INTR_RMV)
		told |= SL_TOLD_REMOVED;
	else if (type == RTE_ETH_EVENT_INTR_LSC && rte_eth_link_get_nowait(id, &link) == 0 &&
		 link.link_status == RTE_ETH_LINK_DOWN)
		told |= SL_TOLD_FELL;
	sl_port_device_tell(d, told);
	return 0;
}

static const enum rte_eth_event_type heard[] = {
	RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_QUEUE_STATE};

void sl_dpdk_listen(struct sl_port_device *d)
{
	for (unsigned int i = 0; i < RTE_DIM(heard); i++)
		(void)rte_eth_dev_callback_register(sl_dpdk_of(d)->id, heard[i], hear, d);
}

void sl_dpdk_ignore(struct sl_port_device *d)
{
	uint16_t id = sl_dpdk_of(d)->id;

	if (id == RTE_MAX_ETHPORTS)
		return;
	for (unsigned int i = 0; i < RTE_DIM(heard); i++)
		while (rte_eth_dev_callback_unregister(id, heard[i], hear, d) == -EAGAIN)
			rte_pause(); /* it is running, and will end at once */
}

static void describe(struct sl_port_link *l, const struct sl_interface *i)
{
	l->mtu = i->mtu;
	l->has_mac = i->has_mac;
	l->mac = i->mac;
}

static void look_at_interface(const struct sl_port_device *d, struct sl_port_link *l)
{
	const char *name = d->outside.iface;
	bool made_here = d->outside.makes && sl_tap_is_attached(d);
	struct sl_interface i;

	if (!sl_interface_ask(name, &i))
		return;
	/* It may have moved into a workload's namespace, where its state cannot be read. */
	if (made_here && i.index != d->ifindex) {
		l->state = SL_LINK_UP;
		return;
	}
	if (d->outside.makes && !made_here)
		i.index = 0;
	if (i.index == 0) {
		l->state = SL_LINK_LOST;
		snprintf(l->why, sizeof(l->why), "interface %s does not exist", name);
	} else if (i.index != d->ifindex || (d->was_deleted && !made_here) ||
		   sl_af_packet_is_cut_off(d)) {
		l->state = SL_LINK_LOST;
		snprintf(l->why, sizeof(l->why), "interface %s was made again", name);
	} else {
		describe(l, &i);
		l->state = i.up && i.carrier ? SL_LINK_UP : SL_LINK_DOWN;
		snprintf(l->why, sizeof(l->why), "interface %s %s", name,
			i.up ? "has no carrier" : "is down");
	}
}

/* Tracks which queues the guest has enabled: net_vhost reports only changes. */
static void follow_queues(struct sl_port_device *d, bool fell, struct sl_port_link *l)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	struct rte_eth_vhost_queue_event ev;
	uint64_t live = fell ? 0 : x->live_txq;

	for (unsigned int i = 0; i < VHOST_EVENTS; i++) {
		if (rte_eth_vhost_get_queue_event(x->id, &ev) != 0)
			break;
		if (ev.rx || ev.queue_id >= 64)
			continue;
		live &= ~(UINT64_C(1) << ev.queue_id);
		live |= (uint64_t)ev.enable << ev.queue_id;
	}
	l->txq_changed = live != x->live_txq;
	x->live_txq = live;
}

static bool any_txq_served(const struct sl_port_device *d)
{
	for (unsigned int q = 0; q < d->n_txq; q++)
		if (sl_dpdk_serves_txq(d, q))
			return true;
	return false;
}

static void say_why(const struct sl_port_device *d, bool up, struct sl_port_link *l)
{
	const char *path = d->outside.path;

	if (path[0] == '\0')
		snprintf(l->why, sizeof(l->why), "the link of device %s is down", d->device);
	else if (!up)
		snprintf(l->why, sizeof(l->why), "nobody is connected to %s", path);
	else
		snprintf(l->why, sizeof(l->why),
			"who is connected to %s has no queue that receives", path);
}

static void look_at_link(struct sl_port_device *d, uint32_t told, struct sl_port_link *l)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	struct rte_eth_link link = {0};
	bool late, up = rte_eth_link_get_nowait(x->id, &link) != 0 ||
			link.link_status == RTE_ETH_LINK_UP;

	if ((told & SL_TOLD_REMOVED) != 0) {
		l->state = SL_LINK_LOST;
		snprintf(l->why, sizeof(l->why), "device %s has gone", d->device);
		return;
	}
	if (d->picks_txq) {
		follow_queues(d, (told & SL_TOLD_FELL) != 0, l);
		sl_vhost_note_takes(d);
	}
	say_why(d, up, l);
	late = rte_rdtsc() - x->opened > rte_get_tsc_hz() * CONNECT_S;
	if (!up && d->outside.connects && x->was_up)
		l->state = SL_LINK_LOST; /* this driver does not connect again */
	else if (!up && d->outside.connects && late)
		l->state = SL_LINK_STUCK;
	else if (!up || !any_txq_served(d))
		l->state = SL_LINK_DOWN;
	else
		l->state = SL_LINK_UP;
	x->was_up |= up;
}

void sl_dpdk_link(struct sl_port_device *d, uint32_t told, struct sl_port_link *l)
{
	enum sl_device_follow follow = d->outside.follow;

	if (follow == SL_FOLLOW_DRIVER)
		look_at_link(d, told, l);
	else if (follow == SL_FOLLOW_INTERFACE && d->outside.iface[0] != '\0')
		look_at_interface(d, l);
	else
		l->state = SL_LINK_UP;
}

bool sl_dpdk_serves_txq(const struct sl_port_device *d, unsigned int queue)
{
	return !d->picks_txq || (sl_dpdk_of(d)->live_txq >> queue & 1) != 0;
}
