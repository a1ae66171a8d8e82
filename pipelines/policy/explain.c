/* SPDX-License-Identifier: BSD-3-Clause */
#include "set.h"

#include <errno.h>
#include <stdlib.h>

struct candidate {
	uint64_t rank;
	bool fits;
};

struct gathering {
	const struct sl_policy_query *q;
	struct sl_vec found; /* struct candidate */
	bool out_of_memory;
};

static void gather(const struct sl_rule_list *l, void *ctx)
{
	struct gathering *g = ctx;

	for (uint32_t i = 0; i < l->n; i++) {
		struct candidate *c = sl_vec_push(&g->found);

		if (c == NULL) {
			g->out_of_memory = true;
			return;
		}
		c->rank = l->entry[i].rank;
		c->fits = sl_port_fits(&l->entry[i], g->q);
	}
}

/* By rank; of equal ranks, those that match first. */
static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (int)y->fits - (int)x->fits;
}

/* The state of the walk through the rules. */
struct course {
	bool decided;
	uint64_t skip_below; /* ranks that a pass skips */
};

static enum sl_policy_fate follow(struct course *c, const struct candidate *cand)
{
	if (c->decided)
		return SL_FATE_TOO_LATE;
	if (cand->rank < c->skip_below)
		return SL_FATE_SKIPPED;
	if (!cand->fits)
		return SL_FATE_OTHER_PORTS;
	if (sl_rank_action(cand->rank) == SL_RULE_PASS) {
		c->skip_below = sl_rank_tier_end(cand->rank);
		return SL_FATE_PASSED;
	}
	c->decided = true;
	return SL_FATE_DECIDED;
}

int sl_policy_explain(const struct sl_policy_set *set, enum sl_direction dir,
	const struct sl_policy_query *q, struct sl_policy_step **steps, size_t *n_steps)
{
	struct gathering g = {.q = q, .found = SL_VEC_OF(struct candidate)};
	struct course course = {.decided = false};
	const struct candidate *c;
	size_t n = 0;

	*steps = NULL;
	*n_steps = 0;
	if (set == NULL)
		return 0;
	sl_policy_visit(&set->dir[dir], q, gather, &g);
	c = g.found.at;
	if (g.found.n > 0) {
		qsort(g.found.at, g.found.n, sizeof(*c), compare);
		*steps = calloc(g.found.n, sizeof(**steps));
	}
	if (g.out_of_memory || (g.found.n > 0 && *steps == NULL)) {
		sl_vec_fini(&g.found);
		free(*steps);
		*steps = NULL;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < g.found.n; i++) {
		if (i > 0 && c[i].rank == c[i - 1].rank)
			continue;
		(*steps)[n++] = (struct sl_policy_step){
			.policy = sl_rank_slot(c[i].rank),
			.tier = (enum sl_tier)sl_rank_tier(c[i].rank),
			.priority = sl_rank_priority(c[i].rank),
			.action = sl_rank_action(c[i].rank),
			.fate = follow(&course, &c[i]),
		};
	}
	*n_steps = n;
	sl_vec_fini(&g.found);
	return 0;
}
