/* SPDX-License-Identifier: BSD-3-Clause */
#include "rebalance.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "ctrl/model/conf.h"

/*
 * Loads must be uneven for this long, so that two looks share no measurement: one look may have met
 * a burst.
 */
#define UNEVEN_TICKS ((SL_REBALANCE_WINDOW_S + 1) * SL_TICKS_PER_SECOND)
#define PAUSE_LOOKS  2 /* after a move, until flows and caches are steady */

static void read_queues(const struct sl_engine *g, struct sl_ports_sample *s)
{
	s->n_ports = sl_ports_end(g);
	s->queue = calloc(s->n_ports, sizeof(*s->queue));
	if (s->queue == NULL)
		s->n_ports = 0;
	for (uint16_t p = 0; p < s->n_ports; p++)
		for (uint16_t q = 0; q < SL_QUEUES_MAX; q++) {
			struct sl_queue_load l;

			sl_queue_load(g, p, q, &l);
			s->queue[p][q] = (struct sl_queue_sample){l.packets, l.cycles};
		}
}

/* Starts to measure again. */
static void forget(struct sl_rebalance *r)
{
	for (unsigned int i = 0; i < r->n_samples; i++)
		free(r->sample[i].queue);
	r->n_samples = 0;
}

void sl_rebalance_fini(struct sl_rebalance *r)
{
	forget(r);
}

void sl_rebalance_sample(struct sl_rebalance *r, struct sl_engine *g)
{
	uint32_t tick = sl_engine_tick(g);

	if (r->n_samples > 0 && tick - r->tick[r->n_samples - 1] < SL_TICKS_PER_SECOND)
		return;
	if (r->n_samples == SL_REBALANCE_WINDOW_S + 1) {
		free(r->sample[0].queue);
		memmove(&r->tick[0], &r->tick[1], SL_REBALANCE_WINDOW_S * sizeof(r->tick[0]));
		memmove(&r->sample[0], &r->sample[1], SL_REBALANCE_WINDOW_S * sizeof(r->sample[0]));
		r->n_samples--;
	}
	r->tick[r->n_samples] = tick;
	read_queues(g, &r->sample[r->n_samples]);
	r->n_samples++;
}

/* The counters of a queue in the window; zero when the port is not the same as at the start. */
static struct sl_queue_sample in_window(const struct sl_rebalance *r, uint16_t port, uint16_t queue)
{
	const struct sl_queue_sample *old, *new;

	if (r->n_samples < 2)
		return (struct sl_queue_sample){0};
	if (port >= r->sample[0].n_ports || port >= r->sample[r->n_samples - 1].n_ports)
		return (struct sl_queue_sample){0};
	old = &r->sample[0].queue[port][queue];
	new = &r->sample[r->n_samples - 1].queue[port][queue];
	if (new->packets < old->packets || new->cycles < old->cycles)
		return (struct sl_queue_sample){0};
	return (struct sl_queue_sample){new->packets - old->packets, new->cycles - old->cycles};
}

static double window_seconds(const struct sl_rebalance *r)
{
	return (double)(r->tick[r->n_samples - 1] - r->tick[0]) / SL_TICKS_PER_SECOND;
}

double sl_rebalance_rate(const struct sl_rebalance *r, uint16_t port, uint16_t queue)
{
	if (r->n_samples < 2)
		return 0;
	return (double)in_window(r, port, queue).packets / window_seconds(r);
}

static double load_of(const struct sl_rebalance *r, uint16_t port, uint16_t queue)
{
	if (r->n_samples < 2)
		return 0;
	return (double)in_window(r, port, queue).cycles /
	       ((double)rte_get_tsc_hz() * window_seconds(r));
}

unsigned int sl_rebalance_plan(
	const struct sl_rebalance *r, const struct sl_engine *g, struct sl_balance *b)
{
	b->n_queues = 0;
	b->n_workers = sl_engine_n_workers(g);
	for (unsigned int w = 0; w < b->n_workers; w++)
		b->node[w] = sl_engine_worker_numa(g, w);
	for (uint16_t p = 0; p < sl_ports_end(g); p++) {
		struct sl_port_queues q;

		sl_port_queues(g, p, &q);
		for (uint16_t i = 0; i < q.n; i++)
			if (q.worker[i] >= 0 && b->n_queues < SL_BALANCE_QUEUES)
				b->queue[b->n_queues++] = (struct sl_balance_queue){.port = p,
					.queue = i,
					.worker = (uint16_t)q.worker[i],
					.node = (int16_t)q.numa,
					.pinned = q.pinned[i],
					.load = load_of(r, p, i)};
	}
	return sl_balance_plan(b);
}

int sl_rebalance_apply(
	struct sl_rebalance *r, struct sl_engine *g, const struct sl_balance *b, struct sl_err *e)
{
	struct sl_queue_move m[SL_BALANCE_QUEUES];
	unsigned int n = 0;
	int ret;

	for (unsigned int i = 0; i < b->n_queues; i++) {
		const struct sl_balance_queue *q = &b->queue[i];

		if (q->to != q->worker)
			m[n++] = (struct sl_queue_move){q->port, q->queue, q->to};
	}
	ret = n > 0 ? sl_queues_move(g, m, n, e) : 0;
	if (ret == 0) {
		forget(r); /* a queue's cost at one worker says little about the next worker */
		r->uneven_since = 0;
	}
	return ret;
}

/* Whether the gain is worth moving queues unasked. */
static bool is_worth_moving(const struct sl_balance *b, double threshold)
{
	double before = sl_balance_spread(b->before, b->n_workers);
	double after = sl_balance_spread(b->after, b->n_workers);

	return before >= threshold && before - after >= threshold / 2;
}

bool sl_rebalance_look(struct sl_rebalance *r, struct sl_engine *g,
	const struct sl_rebalance_conf *conf, struct sl_balance *b)
{
	uint32_t tick = sl_engine_tick(g);

	if (!conf->automatic || tick - r->look_tick < conf->interval_s * SL_TICKS_PER_SECOND)
		return false;
	r->look_tick = tick;
	if (r->n_samples <= SL_REBALANCE_WINDOW_S)
		return false;
	if (r->pause > 0) {
		r->pause--;
		return false;
	}
	sl_rebalance_plan(r, g, b);
	if (!is_worth_moving(b, conf->threshold_percent / 100.0)) {
		r->uneven_since = 0;
		return false;
	}
	if (r->uneven_since == 0)
		r->uneven_since = tick;
	if (tick - r->uneven_since < UNEVEN_TICKS || sl_rebalance_apply(r, g, b, NULL) != 0)
		return false;
	r->pause = PAUSE_LOOKS;
	return true;
}

void sl_rebalance_tick(struct sl_rebalance *r, struct sl_engine *g,
	const struct sl_rebalance_conf *conf, void (*log)(const char *line))
{
	struct sl_balance b;
	char text[160];

	sl_rebalance_sample(r, g);
	if (!sl_rebalance_look(r, g, conf, &b))
		return;
	snprintf(text, sizeof(text),
		"receive queues have moved: the workers' loads differed by %.0f %% of a core, and "
		"should by %.0f %% now",
		100 * sl_balance_spread(b.before, b.n_workers),
		100 * sl_balance_spread(b.after, b.n_workers));
	log(text);
}
