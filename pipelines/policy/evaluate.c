/* SPDX-License-Identifier: BSD-3-Clause */
#include "set.h"

#define MANY_SELECTORS 8 /* of one peer: below, probing is always cheaper */

/* A query meets at most one prefix of each length. */
struct met {
	unsigned int n;
	uint32_t peer[129];
};

static uint32_t prefix_find(
	const struct sl_prefix_table *t, const struct sl_ip *masked, uint32_t len)
{
	uint32_t i = sl_prefix_hash(masked, len) & t->mask;

	for (; t->slot[i].peer != SL_NONE; i = (i + 1) & t->mask)
		if (t->slot[i].len == len && sl_ip_equal(&t->slot[i].ip, masked))
			return t->slot[i].peer;
	return SL_NONE;
}

static void meet_prefixes(const struct sl_prefix_table *t, const struct sl_ip *ip, struct met *m)
{
	bool v4 = sl_ip_is_v4(ip);

	m->n = 0;
	for (unsigned int k = 0; k < t->n_len[v4]; k++) {
		unsigned int len = t->len[v4][k];
		struct sl_ip masked = sl_ip_masked(ip, len);
		uint32_t peer = prefix_find(t, &masked, len);

		if (peer != SL_NONE)
			m->peer[m->n++] = peer;
	}
}

static uint32_t group_find(const struct sl_policy_dir *d, const struct sl_group *g, uint32_t peer)
{
	const struct sl_group_slot *slot = d->slots + g->slots;
	uint32_t i = sl_group_hash(peer) & g->mask;

	for (; slot[i].list != SL_NONE; i = (i + 1) & g->mask)
		if (slot[i].peer == peer)
			return slot[i].list;
	return SL_NONE;
}

static bool excepted(
	const struct sl_policy_dir *d, const struct sl_rule_list *l, const struct sl_ip *ip)
{
	for (uint32_t i = 0; i < l->n_except; i++)
		if (sl_prefix_takes(&d->excepts[l->except + i], ip))
			return true;
	return false;
}

static void visit_entities(const struct sl_policy_dir *d, const struct sl_group *g,
	const struct sl_policy_query *q, sl_list_visit fn, void *ctx)
{
	if (g->any != SL_NONE)
		fn(&d->lists[g->any], ctx);
	if (g->host != SL_NONE && q->peer == SL_IDENTITY_HOST)
		fn(&d->lists[g->host], ctx);
	if (g->world != SL_NONE && !q->peer_is_endpoint)
		fn(&d->lists[g->world], ctx);
}

static void visit_prefixes(const struct sl_policy_dir *d, const struct sl_group *g,
	const struct sl_policy_query *q, const struct met *met, sl_list_visit fn, void *ctx)
{
	for (unsigned int k = 0; k < met->n; k++) {
		uint32_t list = group_find(d, g, met->peer[k]);

		for (; list != SL_NONE; list = d->lists[list].next)
			if (!excepted(d, &d->lists[list], &q->peer_addr))
				fn(&d->lists[list], ctx);
	}
}

/* What an identity is listed with, ascending. */
struct numbers {
	const uint32_t *at;
	uint32_t n;
};

static struct numbers numbers_of(const struct sl_id_lists *l, uint16_t id)
{
	if (id >= l->n)
		return (struct numbers){.n = 0};
	return (struct numbers){l->item + l->start[id], l->start[id + 1] - l->start[id]};
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
 * The peer's selectors probe the group; a small group is held against a peer of many selectors
 * instead, so that no query costs more than a look at each list of the subject.
 */
static void visit_selectors(const struct sl_policy_dir *d, const struct sl_group *g,
	const struct numbers *p, sl_list_visit fn, void *ctx)
{
	const struct sl_group_slot *slot = d->slots + g->slots;

	if (p->n > MANY_SELECTORS && p->n / 4 > g->mask) {
		for (uint32_t i = 0; i <= g->mask; i++)
			if (slot[i].list != SL_NONE && is_among(p->at, p->n, slot[i].peer))
				fn(&d->lists[slot[i].list], ctx);
		return;
	}
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t list = group_find(d, g, p->at[i]);

		if (list != SL_NONE)
			fn(&d->lists[list], ctx);
	}
}

void sl_policy_visit(
	const struct sl_policy_dir *d, const struct sl_policy_query *q, sl_list_visit fn, void *ctx)
{
	struct numbers groups = numbers_of(&d->subject, q->subject);
	struct numbers peers = numbers_of(&d->peer, q->peer);
	struct met met;
	bool met_known = false;

	for (uint32_t i = 0; i < groups.n; i++) {
		const struct sl_group *g = &d->groups[groups.at[i]];

		visit_entities(d, g, q, fn, ctx);
		visit_selectors(d, g, &peers, fn, ctx);
		if (!g->has_prefixes)
			continue;
		if (!met_known)
			meet_prefixes(&d->prefixes, &q->peer_addr, &met);
		met_known = true;
		visit_prefixes(d, g, q, &met, fn, ctx);
	}
}

/* The lowest rank that matches, not below `from`. */
struct search {
	const struct sl_policy_dir *d;
	const struct sl_policy_query *q;
	uint32_t from, best;
};

static const struct sl_port_segment *segment_of(
	const struct sl_policy_dir *d, uint32_t map, const struct sl_policy_query *q)
{
	const struct sl_port_map *m = &d->maps[map];
	const struct sl_port_segment *s;
	uint32_t n;

	while (m->proto != 0 && m->proto != q->proto)
		m++;
	s = &d->segments[m->first];
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
	struct search *s = ctx;
	const struct sl_port_entry *e = s->d->entries + l->first, *end = e + l->n;

	if (l->ports != SL_NONE) {
		const struct sl_port_segment *seg = segment_of(s->d, l->ports, s->q);

		for (unsigned int tier = 0; tier < SL_TIERS; tier++)
			if (seg->winner[tier] >= s->from && seg->winner[tier] < s->best)
				s->best = seg->winner[tier];
		return;
	}
	for (; e < end && e->rank < s->best; e++)
		if (e->rank >= s->from && sl_port_fit(e, s->q) == SL_PORT_FITS)
			s->best = e->rank;
}

static struct sl_verdict verdict_of(const struct sl_rule *r)
{
	return (struct sl_verdict){
		.kind = r->action == SL_RULE_DENY ? SL_VERDICT_DENY : SL_VERDICT_ALLOW,
		.policy = r->slot,
	};
}

static struct sl_verdict judge(const struct sl_policy_dir *d, const struct sl_policy_query *q)
{
	struct search s = {.d = d, .q = q, .from = 0};
	const struct sl_rule *r;

	for (;;) {
		s.best = SL_NONE;
		sl_policy_visit(d, q, search_list, &s);
		if (s.best == SL_NONE)
			return (struct sl_verdict){.kind = SL_VERDICT_NONE};
		r = &d->rules[s.best];
		if (r->action != SL_RULE_PASS)
			return verdict_of(r);
		s.from = d->tier_end[r->tier];
	}
}

/*
 * A later fragment shows no ports, and must never pass where its whole packet would not. A rule
 * with ports may or may not have matched the whole packet, so:
 * - a deny counts as matching;
 * - an allow counts as not matching;
 * - a pass counts as both. If it matched, the rest of its tier is skipped; if not, the tier goes
 * on. Denies behind it still deny (it may not have matched); an allow behind it ends only the case
 * where it did not match, so the tiers below must agree: the allow acts like a pass.
 */
struct lowest {
	const struct sl_policy_dir *d;
	const struct sl_policy_query *q;
	uint32_t deny[SL_TIERS], allow[SL_TIERS], pass[SL_TIERS], maybe_pass[SL_TIERS];
};

static void lower(uint32_t *lowest, uint32_t rank)
{
	if (rank < *lowest)
		*lowest = rank;
}

static void search_portless(const struct sl_rule_list *l, void *ctx)
{
	struct lowest *w = ctx;

	for (uint32_t i = l->first; i < l->first + l->n; i++) {
		const struct sl_port_entry *e = &w->d->entries[i];
		const struct sl_rule *r = &w->d->rules[e->rank];
		enum sl_port_fit fit = sl_port_fit(e, w->q);

		if (fit == SL_PORT_MISS)
			continue;
		if (r->action == SL_RULE_DENY)
			lower(&w->deny[r->tier], e->rank);
		else if (r->action == SL_RULE_ALLOW && fit == SL_PORT_FITS)
			lower(&w->allow[r->tier], e->rank);
		else if (r->action == SL_RULE_PASS)
			lower(fit == SL_PORT_FITS ? &w->pass[r->tier] : &w->maybe_pass[r->tier],
				e->rank);
	}
}

static struct sl_verdict judge_portless(
	const struct sl_policy_dir *d, const struct sl_policy_query *q)
{
	struct lowest w = {.d = d, .q = q};

	memset(w.deny, 0xff, sizeof(w.deny)); /* SL_NONE all over */
	memset(w.allow, 0xff, sizeof(w.allow));
	memset(w.pass, 0xff, sizeof(w.pass));
	memset(w.maybe_pass, 0xff, sizeof(w.maybe_pass));
	sl_policy_visit(d, q, search_portless, &w);
	for (unsigned int tier = 0; tier < SL_TIERS; tier++) {
		if (w.deny[tier] < w.allow[tier] && w.deny[tier] < w.pass[tier])
			return verdict_of(&d->rules[w.deny[tier]]);
		if (w.allow[tier] < w.pass[tier] && w.allow[tier] < w.maybe_pass[tier])
			return verdict_of(&d->rules[w.allow[tier]]);
	}
	return (struct sl_verdict){.kind = SL_VERDICT_NONE};
}

struct sl_verdict sl_policy_evaluate(
	const struct sl_policy_set *set, enum sl_direction dir, const struct sl_policy_query *q)
{
	if (set == NULL)
		return (struct sl_verdict){.kind = SL_VERDICT_NONE};
	return q->ports_known ? judge(&set->dir[dir], q) : judge_portless(&set->dir[dir], q);
}
