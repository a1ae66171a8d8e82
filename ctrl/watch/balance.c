/* SPDX-License-Identifier: BSD-3-Clause */
#include "balance.h"

/*
 * The least reduction of the distance between two workers that is worth a move, as a share of a
 * core. A move costs both workers some cold cache lines, and a smaller gain is lost in the noise of
 * the loads.
 */
#define WORTH	  0.02
#define STEPS_MAX 64 /* of one plan: the next plan continues */
#define SWAPS_MAX 8  /* of those: the search compares all pairs of queues */

/* A queue moves to a worker, and another queue (or none) moves the other way. */
struct balance_step {
	struct sl_balance_queue *there, *back;
	unsigned int to;
	double gain;
};

static bool is_far(
	const struct sl_balance *b, const struct sl_balance_queue *q, unsigned int worker)
{
	return q->node >= 0 && b->node[worker] >= 0 && q->node != b->node[worker];
}

static bool may_go(const struct sl_balance *b, const struct sl_balance_queue *q, unsigned int to)
{
	return !q->pinned && q->to != to && (!is_far(b, q, to) || is_far(b, q, q->to));
}

/*
 * How much a move of `load` between two workers reduces the distance between them. The distance d
 * becomes |d - 2 load|, which is less only for 0 < load < d.
 */
static double gain_of(double distance, double load)
{
	double left = distance - 2 * load;

	return load > 0 ? distance - (left < 0 ? -left : left) : 0;
}

static void consider(struct balance_step *best, struct balance_step s)
{
	if (s.gain > best->gain + 1e-9)
		*best = s;
}

static void consider_swaps(struct sl_balance *b, struct sl_balance_queue *q, unsigned int to,
	struct balance_step *best)
{
	double distance = b->after[q->to] - b->after[to];

	for (unsigned int i = 0; i < b->n_queues; i++) {
		struct sl_balance_queue *r = &b->queue[i];

		if (r->to == to && may_go(b, r, q->to))
			consider(best, (struct balance_step){
					       q, r, to, gain_of(distance, q->load - r->load)});
	}
}

static void consider_all(struct sl_balance *b, bool swaps, struct balance_step *best)
{
	for (unsigned int i = 0; i < b->n_queues; i++) {
		struct sl_balance_queue *q = &b->queue[i];

		for (unsigned int w = 0; w < b->n_workers && q->load > 0; w++) {
			double distance = b->after[q->to] - b->after[w];

			if (!may_go(b, q, w) || distance <= 0)
				continue;
			if (swaps)
				consider_swaps(b, q, w, best);
			else
				consider(best, (struct balance_step){
						       q, NULL, w, gain_of(distance, q->load)});
		}
	}
}

/*
 * A swap moves two queues, and the search for one takes long: it is used only when nothing else
 * helps.
 */
static struct balance_step best_step(struct sl_balance *b, bool may_swap)
{
	struct balance_step best = {.gain = WORTH};

	consider_all(b, false, &best);
	if (best.there == NULL && may_swap)
		consider_all(b, true, &best);
	return best;
}

static void go(struct sl_balance *b, struct sl_balance_queue *q, unsigned int to)
{
	b->after[q->to] -= q->load;
	b->after[to] += q->load;
	q->to = (uint16_t)to;
}

unsigned int sl_balance_plan(struct sl_balance *b)
{
	unsigned int moves = 0, swaps = 0;

	for (unsigned int w = 0; w < b->n_workers; w++)
		b->before[w] = 0;
	for (unsigned int i = 0; i < b->n_queues; i++) {
		b->queue[i].to = b->queue[i].worker;
		b->before[b->queue[i].worker] += b->queue[i].load;
	}
	for (unsigned int w = 0; w < b->n_workers; w++)
		b->after[w] = b->before[w];
	/*
	 * Each step reduces the sum of the squares of the loads, so the loop ends. STEPS_MAX ends
	 * it earlier.
	 */
	for (unsigned int n = 0; n < STEPS_MAX; n++) {
		struct balance_step s = best_step(b, swaps < SWAPS_MAX);
		unsigned int from;

		if (s.there == NULL)
			break;
		from = s.there->to;
		go(b, s.there, s.to);
		if (s.back != NULL) {
			go(b, s.back, from);
			swaps++;
		}
	}
	for (unsigned int i = 0; i < b->n_queues; i++)
		moves += b->queue[i].to != b->queue[i].worker;
	return moves;
}

double sl_balance_spread(const double *load, unsigned int n_workers)
{
	double least = load[0], most = load[0];

	for (unsigned int w = 1; w < n_workers; w++) {
		least = load[w] < least ? load[w] : least;
		most = load[w] > most ? load[w] : most;
	}
	return most - least;
}
