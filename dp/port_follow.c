/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port follows its device. Who tells what becomes of it is a column of the drivers' table
 * (device.h): rtnetlink for kernel interfaces, the driver's own events for all else that can change
 * outside of this process. Either only says that there is something to look at; what is done
 * depends on what is true when it is looked at, so that events may be lost, late or many. Besides,
 * everything is looked at once a tick.
 *
 *   seen                                      done
 *   the interface of that name is another     the device is closed, and opened again on that one
 *   one than when the device was opened
 *   there is none of that name; the driver    the device is closed; tried again when something of
 *   says that the device has gone             the kind is told, and in growing steps of time
 *   the link is down                          nothing goes in; what waits to leave is thrown away
 *   another MTU, another MAC                  they are the port's, if it was not given its own
 *   other queues than before are served       those are transmitted by, and no others
 *
 * An interface is known by its name: that is what the configuration says, and what is found after a
 * restart. One that was renamed, or moved to another network namespace, is gone for its port.
 */
#include <rte_cycles.h>
#include <rte_eth_vhost.h>
#include <rte_ethdev.h>
#include <rte_string_fns.h>

#include "engine_internal.h"

enum {
	TRY_MS = 100, /* after the first failure; twice that after the second */
	TRY_MOST_MS = 5000,
	CONNECT_S = 2,		    /* in which a connection comes about, if it does */
	VHOST_EVENTS = 2 * 128 + 2, /* of all queues that a guest can have, in both directions */
};

void sl_port_stands(struct sl_port *p, enum sl_port_condition c, const char *why)
{
	struct sl_port_standing *s = &p->standing;

	if (s->condition == c && strncmp(s->why, why, sizeof(s->why) - 1) == 0 &&
		s->since.tv_sec != 0)
		return;
	if (s->condition != c || s->since.tv_sec == 0)
		clock_gettime(CLOCK_REALTIME, &s->since);
	s->condition = c;
	rte_strscpy(s->why, why, sizeof(s->why));
	p->engine->changed |= 1u << p->id;
}

/* The link's fault is said before that of emptying: it is what an operator can mend. */
void sl_port_view(struct sl_port *p)
{
	enum sl_drop refuse = p->fault != SL_KEEP ? p->fault
			      : p->held		  ? SL_DROP_PORT_GONE
						  : SL_KEEP;
	struct sl_port_dp *new;

	if (p->dp->refuse == refuse)
		return;
	new = malloc(sizeof(*new));
	if (new == NULL)
		abort();
	*new = *p->dp;
	new->refuse = (uint8_t)refuse;
	sl_queues_replace(p->engine, p, new);
}

static uint64_t after_ms(unsigned int ms)
{
	return rte_rdtsc() + rte_get_tsc_hz() / 1000 * ms;
}

/* What the driver tells, in a thread of its own. */
static int hear(uint16_t dev, enum rte_eth_event_type type, void *port, void *ret)
{
	struct sl_port *p = port;
	uint32_t told = SL_TOLD_CHANGED;
	struct rte_eth_link link = {0};

	(void)ret;
	if (type == RTE_ETH_EVENT_INTR_RMV)
		told |= SL_TOLD_REMOVED;
	else if (type == RTE_ETH_EVENT_INTR_LSC && rte_eth_link_get_nowait(dev, &link) == 0 &&
		 link.link_status == RTE_ETH_LINK_DOWN)
		told |= SL_TOLD_FELL;
	atomic_fetch_or(&p->told, told);
	return 0;
}

static const enum rte_eth_event_type heard[] = {
	RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_QUEUE_STATE};

void sl_port_listen(struct sl_port *p)
{
	atomic_store(&p->told, SL_TOLD_CHANGED);
	for (unsigned int i = 0; i < RTE_DIM(heard); i++)
		(void)rte_eth_dev_callback_register(p->dev, heard[i], hear, p);
}

void sl_port_ignore(struct sl_port *p)
{
	if (p->dev == RTE_MAX_ETHPORTS)
		return;
	for (unsigned int i = 0; i < RTE_DIM(heard); i++)
		while (rte_eth_dev_callback_unregister(p->dev, heard[i], hear, p) == -EAGAIN)
			rte_pause(); /* it is running, and takes no time */
}

/* The device is of no use any more. */
static void lose(struct sl_port *p, const char *why)
{
	p->fault = SL_DROP_PORT_MISSING;
	p->n_tries = 0;
	sl_port_stands(p, SL_PORT_IS_MISSING, why);
	sl_port_view(p);
	sl_port_part(p);
}

static void fall(struct sl_port *p, const char *why)
{
	bool fell = p->fault == SL_KEEP;

	p->fault = SL_DROP_PORT_DOWN;
	sl_port_stands(p, SL_PORT_IS_DOWN, why);
	sl_port_view(p);
	if (fell)
		sl_port_strand(p);
}

static void rise(struct sl_port *p)
{
	if (p->fault != SL_KEEP) {
		p->fault = SL_KEEP;
		sl_port_revive(p);
	}
	sl_port_view(p);
	sl_port_stands(p, SL_PORT_IS_UP, "");
}

static void follow_addresses(struct sl_port *p, const struct sl_interface *i)
{
	uint16_t mtu = sl_port_mtu_in_force(p, i->mtu);
	bool new_mac = !p->has_mac && i->has_mac && !sl_mac_equal(&i->mac, &p->dp->mac);
	struct sl_port_dp *new;

	if (mtu == p->dp->mtu && !new_mac)
		return;
	new = malloc(sizeof(*new));
	if (new == NULL)
		abort();
	*new = *p->dp;
	new->mtu = mtu;
	if (new_mac)
		new->mac = i->mac;
	sl_queues_replace(p->engine, p, new);
	p->engine->changed |= 1u << p->id;
}

static void look_at_interface(struct sl_port *p)
{
	const char *name = p->outside.iface;
	struct sl_interface i;
	char why[96];

	if (!sl_interface_ask(name, &i))
		return;
	if (p->outside.makes && sl_tap_is_attached(p)) {
		p->was_deleted = false; /* it was moved, not deleted */
		/* In a workload's namespace, where it cannot be asked for? */
		if (i.index != p->ifindex) {
			rise(p);
			return;
		}
	} else if (p->outside.makes) {
		i.index = 0;
	}
	if (i.index == 0) {
		snprintf(why, sizeof(why), "interface %s does not exist", name);
		lose(p, why);
	} else if (i.index != p->ifindex || p->was_deleted || sl_af_packet_is_cut_off(p)) {
		snprintf(why, sizeof(why), "interface %s was made again", name);
		lose(p, why);
	} else {
		follow_addresses(p, &i);
		snprintf(why, sizeof(why), "interface %s %s", name,
			i.up ? "has no carrier" : "is down");
		if (i.up && i.carrier)
			rise(p);
		else
			fall(p, why);
	}
}

/* Which queues the guest has enabled: net_vhost tells of changes only. */
static void follow_queues(struct sl_port *p, bool fell)
{
	struct rte_eth_vhost_queue_event ev;
	uint64_t live = fell ? 0 : p->live_txq;
	struct sl_port_dp *new;

	for (unsigned int i = 0; i < VHOST_EVENTS; i++) {
		if (rte_eth_vhost_get_queue_event(p->dev, &ev) != 0)
			break;
		if (ev.rx || ev.queue_id >= 64)
			continue;
		live &= ~(UINT64_C(1) << ev.queue_id);
		live |= (uint64_t)ev.enable << ev.queue_id;
	}
	if (live == p->live_txq)
		return;
	p->live_txq = live;
	new = malloc(sizeof(*new));
	if (new == NULL)
		abort();
	*new = *p->dp;
	sl_port_deal_txq(p, new);
	sl_queues_replace(p->engine, p, new);
}

static void look_at_link(struct sl_port *p, uint32_t told)
{
	uint64_t used = p->dp->n_txq >= 64 ? UINT64_MAX : (UINT64_C(1) << p->dp->n_txq) - 1;
	const char *path = p->outside.path;
	struct rte_eth_link link = {0};
	char why[200];
	bool late, up = rte_eth_link_get_nowait(p->dev, &link) != 0 ||
			link.link_status == RTE_ETH_LINK_UP;

	if ((told & SL_TOLD_REMOVED) != 0) {
		snprintf(why, sizeof(why), "device %s has gone", p->device);
		lose(p, why);
		return;
	}
	if (p->picks_txq)
		follow_queues(p, (told & SL_TOLD_FELL) != 0);
	if (path[0] == '\0' || p->outside.follow != SL_FOLLOW_DRIVER)
		snprintf(why, sizeof(why), "the link of device %s is down", p->device);
	else if (!up)
		snprintf(why, sizeof(why), "nobody is connected to %s", path);
	else
		snprintf(why, sizeof(why), "who is connected to %s has no queue that receives",
			path);
	late = rte_rdtsc() - p->opened > rte_get_tsc_hz() * CONNECT_S;
	/* Such a driver does not connect again. */
	if (!up && p->outside.connects && p->was_up) {
		lose(p, why);
	} else if (!up && p->outside.connects && late) {
		fall(p, why);
		sl_port_part(p);
	} else if (!up || (p->picks_txq && (p->live_txq & used) == 0)) {
		fall(p, why);
	} else {
		rise(p);
	}
	p->was_up |= up;
}

static void look(struct sl_port *p)
{
	uint32_t told = atomic_exchange(&p->told, 0);

	switch (p->outside.follow) {
	case SL_FOLLOW_INTERFACE:
		if (p->outside.iface[0] != '\0') {
			look_at_interface(p);
			break;
		}
		/* fallthrough */
	case SL_FOLLOW_NONE:
		rise(p);
		break;
	case SL_FOLLOW_DRIVER:
		look_at_link(p, told);
		break;
	}
}

void sl_ports_follow(struct sl_engine *g, bool all)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		struct sl_port *p = &g->port[i];

		if (p->state == SL_PORT_PUBLISHED &&
			(all || atomic_load_explicit(&p->told, memory_order_relaxed) != 0))
			look(p);
	}
}

static void note_gone(void *engine, int index)
{
	struct sl_engine *g = engine;

	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (g->port[i].outside.follow == SL_FOLLOW_INTERFACE && g->port[i].ifindex == index)
			g->port[i].was_deleted = true;
}

/*
 * Those that wait for an interface need not wait for their time. What failed has to: opening takes
 * long, and some drivers change the interface when they try.
 */
static void hurry(struct sl_engine *g)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		struct sl_port *p = &g->port[i];

		if (p->state == SL_PORT_SHUT && p->outside.follow == SL_FOLLOW_INTERFACE &&
			p->standing.condition == SL_PORT_IS_MISSING)
			p->due = 0;
	}
}

void sl_engine_follow(struct sl_engine *g)
{
	if (sl_interface_watch_read(g->watch, note_gone, g))
		hurry(g);
	sl_ports_follow(g, true);
}

int sl_engine_fd(const struct sl_engine *g)
{
	return sl_interface_watch_fd(g->watch);
}

void sl_port_shut(struct sl_port *p)
{
	sl_port_close_device(p);
	p->state = SL_PORT_SHUT;
	p->due = 0;
	p->n_tries = 0;
	p->was_up = false;
	if (p->standing.condition == SL_PORT_IS_CLOSING)
		sl_port_stands(p, SL_PORT_IS_OPENING, "its device is about to be opened");
	sl_port_take_wish(p);
}

static void try_later(struct sl_port *p)
{
	unsigned int ms = TRY_MS << RTE_MIN(p->n_tries, 6u);

	p->n_tries++;
	p->due = after_ms(RTE_MIN(ms, (unsigned int)TRY_MOST_MS));
}

static void open(struct sl_port *p)
{
	bool first = !p->was_open;
	struct sl_err e = {0};
	char why[200];
	int place;

	if (sl_outside_is_absent(&p->outside, why, sizeof(why))) {
		p->fault = SL_DROP_PORT_MISSING;
		sl_port_view(p);
		sl_port_stands(p, SL_PORT_IS_MISSING, why);
		try_later(p);
		return;
	}
	place = sl_port_place(p, &e);
	if (place > 0) {
		sl_port_stands(p, SL_PORT_IS_OPENING, "another port still has its device open");
		return;
	}
	if (place < 0 || sl_port_open(p, &e) != 0) {
		p->fault = SL_DROP_PORT_MISSING;
		sl_port_view(p);
		sl_port_stands(p, SL_PORT_IS_FAILED, e.message);
		try_later(p);
		return;
	}
	if (first)
		sl_queues_deal(p->engine, p);
	p->n_tries = 0;
	p->fault = SL_KEEP;
	p->dp->refuse = p->held ? SL_DROP_PORT_GONE : SL_KEEP; /* no worker has seen it */
	p->engine->changed |= 1u << p->id;
	sl_port_opened(p);
	look(p);
}

void sl_ports_open(struct sl_engine *g)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		struct sl_port *p = &g->port[i];

		if (p->state == SL_PORT_SHUT && rte_rdtsc() >= p->due)
			open(p);
	}
}

uint32_t sl_ports_changed(struct sl_engine *g)
{
	uint32_t changed = g->changed;

	g->changed = 0;
	return changed;
}
