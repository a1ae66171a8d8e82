/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port follows its device. The device's driver reports the state of the link
 * (sl_port_driver.link). rtnetlink, or the driver's own thread, only signals that there is
 * something to check. The action depends on the state at the time of the check, so events may be
 * lost, late or numerous. In addition, every port is checked every two seconds, and those whose link is
 * down once a tick, up to a number.
 *
 *   state                                     action
 *   what it stood for has disappeared, or     the device is closed, and opened again on the new
 *   was replaced                              one; tried again at events of that kind, and in
 *                                             growing steps of time
 *   what it stood for was renamed             nothing goes in, until it has its name again
 *   the link is down                          nothing goes in; packets that wait are dropped
 *   another MTU, another MAC                  the port gets them, unless its own were configured
 *   the set of served queues has changed      packets leave only by queues that are served
 */
#include <rte_cycles.h>
#include <rte_string_fns.h>

#include "dp/device/device_outside.h"
#include "engine_state.h"

enum {
	TRY_MS = 100, /* after the first failure; twice that after the second */
	TRY_MOST_MS = 5000,
	LOOK_MOST_MS = 400, /* while there is nothing to open: to look costs a few system calls */
	DOWN_A_TICK = 16,
	UP_TICKS = 2 * SL_TICKS_PER_SECOND,
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
	sl_port_set_add(&p->engine->changed, p->id);
}

static struct sl_port_dp *copy_of(const struct sl_port_dp *dp)
{
	struct sl_port_dp *new = malloc(sizeof(*new));

	if (new == NULL)
		abort();
	*new = *dp;
	return new;
}

/* The link's fault goes before that of emptying, because an operator can mend it. */
void sl_port_view(struct sl_port *p)
{
	enum sl_drop refuse = p->fault != SL_KEEP ? p->fault
			      : p->held		  ? SL_DROP_PORT_GONE
						  : SL_KEEP;
	struct sl_port_dp *new;

	if (p->dp->refuse == refuse)
		return;
	new = copy_of(p->dp);
	new->refuse = (uint8_t)refuse;
	sl_queues_replace(p->engine, p, new);
}

static uint64_t after_ms(unsigned int ms)
{
	return rte_rdtsc() + rte_get_tsc_hz() / 1000 * ms;
}

/* The device is no longer usable. */
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

/* The device stays open: what it stands for exists, and may get its name back. */
static void go_away(struct sl_port *p, const char *why)
{
	p->fault = SL_DROP_PORT_MISSING;
	sl_port_stands(p, SL_PORT_IS_MISSING, why);
	sl_port_view(p);
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

static void follow_addresses(struct sl_port *p, const struct sl_port_link *l)
{
	uint16_t mtu = sl_port_device_mtu(p->dev, l->mtu);
	bool new_mac = !p->has_mac && l->has_mac && !sl_mac_equal(&l->mac, &p->dp->mac);
	struct sl_port_dp *new;

	if (l->mtu == 0 || (mtu == p->dp->mtu && !new_mac))
		return;
	new = copy_of(p->dp);
	new->mtu = mtu;
	if (new_mac)
		new->mac = l->mac;
	sl_queues_replace(p->engine, p, new);
	sl_port_set_add(&p->engine->changed, p->id);
}

static void follow_queues(struct sl_port *p)
{
	struct sl_port_dp *new = copy_of(p->dp);

	sl_port_deal_txq(p, new);
	sl_queues_replace(p->engine, p, new);
}

/* Another guest may take other offloads. */
static void follow_takes(struct sl_port *p)
{
	struct sl_port_dp *new;

	if (p->dev->takes == p->dp->takes && p->dev->merge == p->dp->merge)
		return;
	new = copy_of(p->dp);
	new->takes = p->dev->takes;
	new->merge = p->dev->merge;
	sl_queues_replace(p->engine, p, new);
	sl_port_set_add(&p->engine->changed, p->id);
}

static void act(struct sl_port *p, const struct sl_port_link *l)
{
	switch (l->state) {
	case SL_LINK_UNKNOWN:
		break;
	case SL_LINK_UP:
		rise(p);
		break;
	case SL_LINK_DOWN:
		fall(p, l->why);
		break;
	case SL_LINK_STUCK:
		fall(p, l->why);
		sl_port_part(p);
		break;
	case SL_LINK_AWAY:
		go_away(p, l->why);
		break;
	case SL_LINK_LOST:
		lose(p, l->why);
		break;
	}
}

static void look(struct sl_port *p)
{
	uint32_t told = atomic_exchange(&p->dev->told, 0);
	struct sl_port_link l = {.state = SL_LINK_UP};

	if (p->driver->link != NULL) {
		l.state = SL_LINK_UNKNOWN;
		p->driver->link(p->dev, told, &l);
	}
	if (l.txq_changed)
		follow_queues(p);
	follow_takes(p);
	if (l.state == SL_LINK_UP || l.state == SL_LINK_DOWN)
		follow_addresses(p, &l);
	act(p, &l);
}

void sl_ports_follow(struct sl_engine *g)
{
	if (!sl_port_devices_told())
		return;
	for (unsigned int i = 0; i < g->n_slots; i++) {
		struct sl_port *p = g->port[i];

		if (p->state == SL_PORT_PUBLISHED &&
			atomic_load_explicit(&p->dev->told, memory_order_relaxed) != 0)
			look(p);
	}
}

/* To ask a device costs system calls. Each of those that are up has its turn every two seconds. */
void sl_ports_follow_tick(struct sl_engine *g, uint32_t tick)
{
	unsigned int n_down = 0, from = g->follow_next;

	for (unsigned int k = 0; k < g->n_slots; k++) {
		unsigned int i = (from + k) % g->n_slots;
		struct sl_port *p = g->port[i];
		bool down = p->fault != SL_KEEP && n_down < DOWN_A_TICK;

		if (p->state != SL_PORT_PUBLISHED || (!down && i % UP_TICKS != tick % UP_TICKS))
			continue;
		if (down && ++n_down == DOWN_A_TICK)
			g->follow_next = i + 1;
		look(p);
	}
}

static void note_heard(void *engine, int index, const char *name, bool gone)
{
	struct sl_engine *g = engine;

	for (unsigned int i = 0; i < g->n_slots; i++) {
		struct sl_port_device *d = g->port[i]->dev;

		if (d == NULL || d->outside.follow != SL_FOLLOW_INTERFACE)
			continue;
		if (index == 0 || d->ifindex == index || strcmp(d->outside.iface, name) == 0)
			sl_port_device_tell(d, SL_TOLD_CHANGED);
		d->was_deleted |= gone && d->ifindex == index;
	}
}

/*
 * Ports that wait for an interface are tried before their time. Ports that failed must wait:
 * opening takes long, and some drivers change the interface when they try.
 */
static void hurry(struct sl_engine *g)
{
	for (unsigned int i = 0; i < g->n_slots; i++) {
		struct sl_port *p = g->port[i];

		if (p->state == SL_PORT_SHUT && p->outside.follow == SL_FOLLOW_INTERFACE &&
			p->standing.condition == SL_PORT_IS_MISSING)
			p->due = 0;
	}
}

bool sl_ports_hear(struct sl_engine *g)
{
	bool heard = sl_interface_watch_read(g->watch, note_heard, g);

	if (heard)
		hurry(g);
	return heard;
}

void sl_port_shut(struct sl_port *p)
{
	if (p->dev != NULL)
		sl_port_begin_close(p);
	else if (p->job == NULL)
		sl_port_closed(p);
}

void sl_port_closed(struct sl_port *p)
{
	if (p->job != NULL)
		return; /* another interface of that kind is */
	if (p->state == SL_PORT_REOPENING)
		p->emptying = SL_EMPTYING_DONE;
	p->state = SL_PORT_SHUT;
	sl_port_set_add(&p->engine->shut, p->id);
	p->due = 0;
	p->n_tries = 0;
	if (p->standing.condition == SL_PORT_IS_CLOSING)
		sl_port_stands(p, SL_PORT_IS_OPENING, "its device is about to be opened");
	sl_port_take_wish(p);
}

static void try_later(struct sl_port *p, unsigned int most_ms)
{
	unsigned int ms = TRY_MS << RTE_MIN(p->n_tries, 6u);

	p->n_tries++;
	p->due = after_ms(RTE_MIN(ms, most_ms));
}

static void open(struct sl_port *p)
{
	struct sl_err e = {0};
	char why[200];
	int ret;

	if (sl_outside_is_absent(&p->outside, why, sizeof(why))) {
		p->fault = SL_DROP_PORT_MISSING;
		sl_port_view(p);
		sl_port_stands(p, SL_PORT_IS_MISSING, why);
		try_later(p, LOOK_MOST_MS);
		return;
	}
	ret = sl_port_check_device(p, &e);
	if (ret > 0) {
		sl_port_stands(p, SL_PORT_IS_OPENING, "another port still has its device open");
		return;
	}
	p->is_first = !p->was_open;
	if (ret < 0 || sl_port_begin_open(p, &e) != 0)
		sl_port_tried(p, -ENODEV, &e);
}

void sl_port_tried(struct sl_port *p, int ret, const struct sl_err *e)
{
	if (ret != 0) {
		p->fault = SL_DROP_PORT_MISSING;
		sl_port_view(p);
		sl_port_stands(p, SL_PORT_IS_FAILED, e->message);
		try_later(p, TRY_MOST_MS);
		return;
	}
	if (p->is_first)
		sl_queues_deal(p->engine, p);
	p->n_tries = 0;
	p->fault = SL_KEEP;
	p->dp->refuse = p->held ? SL_DROP_PORT_GONE : SL_KEEP; /* no worker has seen it */
	sl_port_set_add(&p->engine->changed, p->id);
	sl_port_opened(p);
	look(p);
}

void sl_ports_open(struct sl_engine *g)
{
	SL_PORT_SET_EACH (i, &g->shut) {
		struct sl_port *p = g->port[i];

		if (p->awaited_epoch != 0)
			sl_port_ask_again(p);
		else if (p->state != SL_PORT_SHUT)
			sl_port_set_del(&g->shut, i);
		else if (p->job == NULL && rte_rdtsc() >= p->due)
			open(p);
	}
}

void sl_ports_changed(struct sl_engine *g, struct sl_port_set *changed)
{
	*changed = g->changed;
	g->changed = (struct sl_port_set){0};
}
