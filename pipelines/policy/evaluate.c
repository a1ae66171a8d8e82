/* SPDX-License-Identifier: BSD-3-Clause */
#include "set.h"

#define MANY_SELECTORS 8 /* selectors of one identity: with fewer, probing is always cheaper */

/* A query matches at most one prefix of each length. */
struct met {
	unsigned int n;
	uint32_t peer[129];
};

static void meet_prefixes(const struct sl_policy_dir *d, const struct sl_ip *ip, struct met *m)
{
	bool v4 = sl_ip_is_v4(ip);

	m->n = 0;
	for (unsigned int k = 0; k < d->n_len[v4]; k++) {
		unsigned int len = d->len[v4][k];
		struct sl_ip masked = sl_ip_masked(ip, len);
		struct sl_pmap_key key = sl_prefix_key(&masked, len);
		void *number = sl_pmap_find(d->prefixes, &key);

		if (number != NULL)
			m->peer[m->n++] = (uint32_t)(uintptr_t)number;
	}
}

static const struct sl_rule_list *group_find(const struct sl_group *g, uint32_t peer)
{
	uint32_t i = sl_group_hash(peer) & g->mask;

	for (; g->slot[i].list != NULL; i = (i + 1) & g->mask)
		if (g->slot[i].peer == peer)
			return g->slot[i].list;
	return NULL;
}

static bool excepted(const struct sl_rule_list *l, const struct sl_ip *ip)
{
	for (uint32_t i = 0; i < l->n_except; i++)
		if (l->except[i].len <= 128 && sl_prefix_contains(&l->except[i], ip))
			return true;
	return false;
}

static void visit_entities(
	const struct sl_group *g, const struct sl_policy_query *q, sl_list_visit fn, void *ctx)
{
	if (g->any != NULL)
		fn(g->any, ctx);
	if (g->host != NULL && q->peer == SL_IDENTITY_HOST)
		fn(g->host, ctx);
	if (g->world != NULL && !q->peer_is_endpoint)
		fn(g->world, ctx);
}

static void visit_prefixes(const struct sl_group *g, const struct sl_policy_query *q,
	const struct met *met, sl_list_visit fn, void *ctx)
{
	for (unsigned int k = 0; k < met->n; k++) {
		const struct sl_rule_list *l = group_find(g, met->peer[k]);

		for (; l != NULL; l = l->next)
			if (!excepted(l, &q->peer_addr))
				fn(l, ctx);
	}
}

static bool is_among(const uint32_t *sorted, size_t n, uint32_t number)
{
	while (n > 1) {
		size_t half = n / 2;

		if (sorted[half] <= number) {
			sorted += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return n == 1 && *sorted == number;
}

/*
 * The peer's selectors probe the group. For a peer with many selectors and a small group, it is the
 * other way round: each list of the group is checked. So no query costs more than a look at each
 * list of the subject.
 */
static void visit_selectors(
	const struct sl_group *g, const struct sl_numbers *p, sl_list_visit fn, void *ctx)
{
	if (p->n > MANY_SELECTORS && p->n / 4 > g->mask) {
		for (uint32_t i = 0; i <= g->mask; i++)
			if (g->slot[i].list != NULL && is_among(p->at, p->n, g->slot[i].peer))
				fn(g->slot[i].list, ctx);
		return;
	}
	for (uint32_t i = 0; i < p->n; i++) {
		const struct sl_rule_list *l = group_find(g, p->at[i]);

		if (l != NULL)
			fn(l, ctx);
	}
}

/* One query's way through the set. */
struct tour {
	const struct sl_policy_dir *d;
	const struct sl_policy_query *q;
	const struct sl_numbers *subjects, *peers;
	sl_list_visit fn;
	void *ctx;
	bool met_known;
	struct met met;
};

static void visit_group(struct tour *t, uint32_t number)
{
	const struct sl_group *g = sl_pages_get(t->d->groups, number);

	visit_entities(g, t->q, t->fn, t->ctx);
	if (t->peers != NULL && g->n > 0)
		visit_selectors(g, t->peers, t->fn, t->ctx);
	if (g->n_prefixes == 0)
		return;
	if (!t->met_known)
		meet_prefixes(t->d, &t->q->peer_addr, &t->met);
	t->met_known = true;
	visit_prefixes(g, t->q, &t->met, t->fn, t->ctx);
}

/* As with peers: for a subject with many selectors, each group of a small network is checked. */
static void visit_net(struct tour *t, const struct sl_net *n)
{
	const struct sl_numbers *s = t->subjects;
	uint32_t group;

	if (s->n > MANY_SELECTORS && s->n / 4 > n->mask) {
		for (uint32_t i = 0; i <= n->mask; i++)
			if (n->slot[i].group != 0 && is_among(s->at, s->n, n->slot[i].subject))
				visit_group(t, n->slot[i].group);
		return;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		group = sl_net_find(n, s->at[i]);
		if (group != 0)
			visit_group(t, group);
	}
}

void sl_policy_visit(
	const struct sl_policy_dir *d, const struct sl_policy_query *q, sl_list_visit fn, void *ctx)
{
	const struct sl_net *net;
	struct tour t; /* not zeroed: most of it is seldom needed */

	t.subjects = sl_pages_get(d->subject, q->subject);
	if (t.subjects == NULL)
		return;
	t.d = d;
	t.q = q;
	t.peers = sl_pages_get(d->peer, q->peer);
	t.fn = fn;
	t.ctx = ctx;
	t.met_known = false;
	net = sl_pages_get(d->nets, q->network);
	if (net != NULL)
		visit_net(&t, net);
	if (d->every != NULL)
		visit_net(&t, d->every);
}

/* The lowest matching rank that is at least `from`. */
struct rank_search {
	const struct sl_policy_query *q;
	uint64_t from, best;
};

static const struct sl_port_segment *segment_of(
	const struct sl_port_index *x, const struct sl_policy_query *q)
{
	const struct sl_port_map *m = x->maps;
	const struct sl_port_segment *s;
	uint32_t n;

	while (m->proto != 0 && m->proto != q->proto)
		m++;
	s = &x->segments[m->first];
	for (n = m->n; n > 1;) { /* the last that starts at or before the port is in s[0..n-1] */
		uint32_t half = n / 2;

		if (s[half].start <= q->dport) {
			s += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return s;
}

static void search_list(const struct sl_rule_list *l, void *ctx)
{
	struct rank_search *s = ctx;
	const struct sl_port_entry *e = l->entry, *end = e + l->n;

	if (l->ports != NULL) {
		const struct sl_port_segment *seg = segment_of(l->ports, s->q);

		for (unsigned int tier = 0; tier < SL_TIERS; tier++)
			if (seg->winner[tier] >= s->from && seg->winner[tier] < s->best)
				s->best = seg->winner[tier];
		return;
	}
	for (; e < end && e->rank < s->best; e++)
		if (e->rank >= s->from && sl_port_fits(e, s->q))
			s->best = e->rank;
}

static struct sl_verdict verdict_of(uint64_t rank)
{
	return (struct sl_verdict){
		.kind = sl_rank_action(rank) == SL_RULE_DENY ? SL_VERDICT_DENY : SL_VERDICT_ALLOW,
		.policy = sl_rank_slot(rank),
	};
}

static struct sl_verdict judge(const struct sl_policy_dir *d, const struct sl_policy_query *q)
{
	struct rank_search s = {.q = q, .from = 0};

	for (;;) {
		s.best = SL_RANK_NONE;
		sl_policy_visit(d, q, search_list, &s);
		if (s.best == SL_RANK_NONE)
			return (struct sl_verdict){.kind = SL_VERDICT_NONE};
		if (sl_rank_action(s.best) != SL_RULE_PASS)
			return verdict_of(s.best);
		s.from = sl_rank_tier_end(s.best);
	}
}

struct sl_verdict sl_policy_evaluate(
	const struct sl_policy_set *set, enum sl_direction dir, const struct sl_policy_query *q)
{
	if (set == NULL)
		return (struct sl_verdict){.kind = SL_VERDICT_NONE};
	return judge(&set->dir[dir], q);
}
