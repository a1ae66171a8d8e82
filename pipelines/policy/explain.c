/* SPDX-License-Identifier: BSD-3-Clause */
#include "set.h"

#include <errno.h>
#include <stdlib.h>

struct candidate {
	uint32_t rank;
	enum sl_port_fit fit;
};

struct gathering {
	const struct sl_policy_dir *d;
	const struct sl_policy_query *q;
	struct sl_vec found; /* struct candidate */
	bool out_of_memory;
};

static void gather(const struct sl_rule_list *l, void *ctx)
{
	struct gathering *g = ctx;

	for (uint32_t i = l->first; i < l->first + l->n; i++) {
		struct candidate *c = sl_vec_push(&g->found);

		if (c == NULL) {
			g->out_of_memory = true;
			return;
		}
		c->rank = g->d->entries[i].rank;
		c->fit = sl_port_fit(&g->d->entries[i], g->q);
	}
}

/* By rank, what certainly fits first, then what may. */
static int compare(const void *a, const void *b)
{
	static const int order[] = {[SL_PORT_FITS] = 0, [SL_PORT_MAYBE] = 1, [SL_PORT_MISS] = 2};
	const struct candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return order[x->fit] - order[y->fit];
}

/* How far the rules have come. */
struct course {
	bool decided;
	uint32_t skip_below;  /* ranks a pass jumps over */
	uint32_t doubt_below; /* ranks a pass may have jumped over: allows do not decide there */
};

static enum sl_policy_fate follow(
	struct course *c, const struct sl_policy_dir *d, const struct candidate *cand)
{
	const struct sl_rule *r = &d->rules[cand->rank];

	if (c->decided)
		return SL_FATE_TOO_LATE;
	if (cand->rank < c->skip_below)
		return SL_FATE_SKIPPED;
	if (cand->fit == SL_PORT_MISS)
		return SL_FATE_OTHER_PORTS;
	if (r->action == SL_RULE_DENY) {
		c->decided = true;
		return SL_FATE_DECIDED;
	}
	if (cand->fit == SL_PORT_MAYBE) {
		if (r->action == SL_RULE_PASS)
			c->doubt_below = d->tier_end[r->tier];
		return SL_FATE_PORTS_UNKNOWN;
	}
	if (r->action == SL_RULE_PASS || cand->rank < c->doubt_below) {
		c->skip_below = d->tier_end[r->tier];
		return r->action == SL_RULE_PASS ? SL_FATE_PASSED : SL_FATE_IN_DOUBT;
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
	g.d = &set->dir[dir];
	sl_policy_visit(g.d, q, gather, &g);
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
		const struct sl_rule *r = &g.d->rules[c[i].rank];

		if (i > 0 && c[i].rank == c[i - 1].rank)
			continue;
		(*steps)[n++] = (struct sl_policy_step){
			.policy = r->slot,
			.tier = (enum sl_tier)r->tier,
			.priority = r->priority,
			.action = (enum sl_rule_action)r->action,
			.fate = follow(&course, g.d, &c[i]),
		};
	}
	*n_steps = n;
	sl_vec_fini(&g.found);
	return 0;
}
