/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Empties a port of packets that were sent under an older configuration. Such packets wait
 * in three places:
 *
 * To leave. The driver determines what a device keeps of the packets it was given (enum
 * sl_port_keeps). A device that keeps some until it is closed is closed and opened again, if it was
 * given any packet at all.
 *
 * Received. The workers take what is in a receive queue under a configuration in which no object
 * uses the port. That configuration is published after sl_port_hold and before sl_port_empty. A
 * poll that found nothing shows that all was taken. A queue that is never found empty is done once
 * as many packets were taken as a queue holds. A queue that is polled only when its descriptor says
 * so is empty when its descriptor says so. The first poll counted may have begun before the
 * mark was set, hence two. (net_tap looks into its queue only after a signal that it gets for each
 * frame. The signal goes to the control thread, which has slept between the change and the mark,
 * and so has received it.)
 *
 * In workers' hands. A worker flushes its transmit buffers before it reports a quiescent state,
 * and packets that the control thread injects leave in the turn that finds them. So a grace period
 * after the change there are none, whichever workers have the queues by then. Packets that went
 * into the device in that time are counted by then. Only then is the number of packets given to
 * the device known.
 */
#include <rte_cycles.h>

#include "engine_state.h"

enum {
	READY_WAIT_MS = 8, /* of the 10 ms that the control thread may delay other work */
	RX_QUEUE_MAX = 32768,
	LOOK_TICKS = SL_TICKS_PER_SECOND / 2,
};

static struct sl_port *published(const struct sl_engine *g, uint16_t id)
{
	const struct sl_port *p = id < g->n_slots ? g->port[id] : NULL;

	if (p == NULL || (p->state != SL_PORT_PUBLISHED && p->state != SL_PORT_REOPENING))
		return NULL;
	return (struct sl_port *)(uintptr_t)p;
}

/* With a device or, for the moment, without. */
static struct sl_port *in_service(struct sl_engine *g, uint16_t id)
{
	if (id < g->n_slots && g->port[id]->state == SL_PORT_SHUT)
		return g->port[id];
	return published(g, id);
}

static uint64_t given(const struct sl_port *p)
{
	uint64_t n = 0;

	for (unsigned int w = 0; w < p->engine->n_workers; w++)
		n += sl_counter_read(&p->engine->worker[w]->counters.port[p->id]->n.tx_packets);
	return n;
}

static bool needs_reopening(const struct sl_port *p)
{
	return p->dev != NULL && p->dev->keeps == SL_KEEPS_UNTIL_CLOSED &&
	       given(p) != p->given_when_open;
}

/* Drop the packets that wait to leave, if that is possible without closing the device. */
static void clear(struct sl_port *p)
{
	if (p->dev != NULL && p->dev->keeps == SL_KEEPS_CLEARABLE)
		sl_port_recall(p, p->driver->clear(p->dev));
}

void sl_port_recall_as(struct sl_port *p, unsigned int n, enum sl_drop why)
{
	struct sl_counters *c = p->engine->control;
	struct sl_samples *s = &p->engine->control_samples;
	struct sl_sample sample = {.reason = (uint8_t)why,
		.culprit = p->id,
		.origin = SL_SAMPLE_NOWHERE,
		.detail = n, /* the device has them, and their contents cannot be read */
		.in_port = SL_PORT_NONE,
		.out_port = p->id};

	if (n == 0)
		return;
	sl_count(&c->generated, n);
	sl_drop_count(c, why, p->id, n);
	c->port[p->id]->sample[why].skipped += n - 1;
	if (sl_sample_due(s, why, p->id, sl_samples_second(s)))
		sl_sample_take(s, &sample, NULL, 0);
	sl_count(&c->port[p->id]->n.tx_dropped, n);
	sl_count(&c->port[p->id]->n.tx_recalled, n);
}

void sl_port_recall(struct sl_port *p, unsigned int n)
{
	sl_port_recall_as(p, n, SL_DROP_STALE);
}

static void set_held(struct sl_port *p, bool held)
{
	p->held = held;
	sl_port_view(p);
}

static void mark(struct sl_port *p)
{
	for (unsigned int q = 0; q < p->n_rxq; q++)
		p->mark[q] = (struct sl_rxq_mark){
			sl_counter_read(&p->rxq[q].dry), sl_counter_read(&p->rxq[q].packets)};
	p->emptying = SL_EMPTYING_DRAIN;
	sl_port_set_add(&p->engine->draining, p->id);
}

static bool is_drained(const struct sl_port *p)
{
	for (unsigned int q = 0; q < p->n_rxq; q++)
		if (!sl_port_is_unready(p, q) &&
			sl_counter_read(&p->rxq[q].dry) < p->mark[q].dry + 2 &&
			sl_counter_read(&p->rxq[q].packets) < p->mark[q].packets + RX_QUEUE_MAX)
			return false;
	return true;
}

static void grace_over(void *port);

static void wait_a_grace(struct sl_port *p)
{
	p->n_graces++;
	sl_rcu_retire(p->engine->rcu, grace_over, p);
}

/* Once the port is empty: a port that is shut is released when it has opened. */
static void release(struct sl_port *p)
{
	if (p->state != SL_PORT_PUBLISHED || p->emptying != SL_EMPTYING_DONE)
		return;
	p->emptying = SL_EMPTYING_RELEASE;
	wait_a_grace(p);
}

void sl_port_opened(struct sl_port *p)
{
	p->given_when_open = given(p);
	sl_queues_resume(p->engine, p);
	if (!p->awaits_release)
		release(p);
}

void sl_port_part(struct sl_port *p)
{
	if (p->state != SL_PORT_PUBLISHED)
		return;
	p->held = true;
	p->emptying = SL_EMPTYING_GRACE;
	sl_port_view(p);
	sl_queues_pause(p->engine, p, SL_PORT_REOPENING);
	wait_a_grace(p);
}

/* By now the device is closed, or has nothing from before the change. */
static void grace_over(void *port)
{
	struct sl_port *p = port;

	if (--p->n_graces > 0 || published(p->engine, p->id) == NULL)
		return;
	if (p->state == SL_PORT_REOPENING) {
		sl_port_shut(p);
	} else if (p->emptying == SL_EMPTYING_GRACE && needs_reopening(p)) {
		sl_queues_pause(p->engine, p, SL_PORT_REOPENING);
		wait_a_grace(p);
	} else if (p->emptying == SL_EMPTYING_GRACE) {
		clear(p);
		mark(p);
	} else if (p->emptying == SL_EMPTYING_RELEASE) {
		p->emptying = SL_EMPTYING_NOT;
		set_held(p, false);
	}
}

void sl_port_hold(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = published(g, id);

	if (p != NULL && g->running && !p->held)
		set_held(p, true);
}

static void empty(struct sl_port *p)
{
	if (p->state != SL_PORT_PUBLISHED || !p->engine->running)
		return;
	sl_port_hold(p->engine, p->id);
	p->emptying = SL_EMPTYING_GRACE;
	if (needs_reopening(p))
		sl_queues_pause(p->engine, p, SL_PORT_REOPENING);
	wait_a_grace(p);
}

void sl_port_empty(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = in_service(g, id);

	if (p == NULL)
		return;
	p->awaits_release = true;
	empty(p);
}

bool sl_port_is_empty(const struct sl_engine *g, uint16_t id)
{
	const struct sl_port *p = published(g, id);

	return p == NULL || p->emptying == SL_EMPTYING_NOT || p->emptying == SL_EMPTYING_DONE;
}

void sl_port_release(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = in_service(g, id);

	if (p == NULL)
		return;
	p->awaits_release = false;
	release(p);
}

void sl_ports_poll(struct sl_engine *g)
{
	SL_PORT_SET_EACH (i, &g->draining) {
		struct sl_port *p = g->port[i];

		if (p->emptying == SL_EMPTYING_DRAIN && is_drained(p))
			p->emptying = SL_EMPTYING_DONE;
		if (p->emptying == SL_EMPTYING_DRAIN)
			sl_port_ring(p);
		else
			sl_port_set_del(&g->draining, i);
	}
}

static bool is_about_to_open(const struct sl_port *p)
{
	return p->state == SL_PORT_SHUT && p->standing.condition == SL_PORT_IS_OPENING;
}

static bool any_held(const struct sl_engine *g)
{
	for (uint16_t i = 0; i < g->n_slots; i++) {
		const struct sl_port *p = published(g, i);

		if ((p != NULL && p->emptying != SL_EMPTYING_NOT) || is_about_to_open(g->port[i]))
			return true;
	}
	return false;
}

void sl_ports_wait_ready(struct sl_engine *g, void (*turn)(void *ctx), void *ctx)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000 * READY_WAIT_MS;

	turn(ctx);
	while (any_held(g) && rte_rdtsc() < until) {
		rte_delay_us_sleep(50);
		sl_rcu_poll(g->rcu);
		sl_ports_jobs(g);
		sl_ports_poll(g);
		sl_ports_open(g);
		turn(ctx);
	}
}

/*
 * Packets that a device got before it was known that it cannot send are dropped when it can send
 * again, before new ones are added.
 */
void sl_port_revive(struct sl_port *p)
{
	if (p->driver->revive != NULL)
		p->driver->revive(p->dev);
	if (p->emptying == SL_EMPTYING_NOT && needs_reopening(p))
		empty(p);
}

static void strand(void *port)
{
	struct sl_port *p = port;

	if (p->state == SL_PORT_PUBLISHED && p->fault != SL_KEEP)
		clear(p);
}

void sl_port_strand(struct sl_port *p)
{
	if (p->dev->keeps == SL_KEEPS_CLEARABLE)
		sl_rcu_retire(p->engine->rcu, strand, p);
}

void sl_ports_look(struct sl_engine *g, uint32_t tick)
{
	if (tick - g->looked < LOOK_TICKS)
		return;
	g->looked = tick;
	for (unsigned int i = 0; i < g->n_slots; i++) {
		struct sl_port *p = g->port[i];

		if (p->state == SL_PORT_PUBLISHED && p->driver->expire != NULL)
			sl_port_recall(p, p->driver->expire(p->dev, given(p), p->fault == SL_KEEP));
	}
}
