/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "ctrl/shape/grow.h"
#include "purge.h"
#include "sluice/clock.h"

/* Pairs of the flow table to read between two looks at the clock: about 30 us. */
#define PAIRS_A_SLICE 8192u

struct sl_purge {
	struct sl_flow_table *flows;
	unsigned int
		n_refs; /* the applier's, and one of each set that waits for its grace period */
	struct sl_purge_set *now;  /* NULL: no walk is under way */
	uint32_t at;		   /* the pair where the walk continues */
	struct sl_purge_set *next; /* due, for the next walk; NULL: none */
};

/* A set that waits for its grace period. */
struct waiting {
	struct sl_purge *p;
	struct sl_purge_set *set;
};

static bool has_any(const struct sl_number_set *n)
{
	return n->n_words > 0;
}

static bool has(const struct sl_number_set *n, uint32_t id)
{
	return id / 64 < n->n_words && (n->word[id / 64] >> id % 64 & 1) != 0;
}

static void reserve(struct sl_number_set *n, size_t n_words)
{
	uint64_t *more = sl_grow(n->word, n_words, &n->max, sizeof(*more));

	if (more == NULL)
		abort();
	n->word = more;
	while (n->n_words < n_words)
		n->word[n->n_words++] = 0;
}

struct sl_purge_set *sl_purge_set_create(void)
{
	struct sl_purge_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	return s;
}

void sl_purge_set_free(struct sl_purge_set *s)
{
	if (s == NULL)
		return;
	for (unsigned int kind = 0; kind < SL_NUMBER_KINDS; kind++)
		free(s->number[kind].word);
	free(s);
}

void sl_purge_set_add(struct sl_purge_set *s, enum sl_number_kind kind, uint32_t id)
{
	reserve(&s->number[kind], id / 64 + 1);
	s->number[kind].word[id / 64] |= UINT64_C(1) << id % 64;
}

static void merge(struct sl_purge_set *into, const struct sl_purge_set *s)
{
	sl_port_set_merge(&into->ports, &s->ports);
	for (unsigned int kind = 0; kind < SL_NUMBER_KINDS; kind++) {
		const struct sl_number_set *n = &s->number[kind];

		reserve(&into->number[kind], n->n_words);
		for (size_t i = 0; i < n->n_words; i++)
			into->number[kind].word[i] |= n->word[i];
	}
}

struct sl_purge *sl_purge_create(struct sl_flow_table *flows)
{
	struct sl_purge *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->flows = flows;
	p->n_refs = 1;
	return p;
}

static void release(struct sl_purge *p)
{
	if (--p->n_refs == 0)
		free(p);
}

void sl_purge_destroy(struct sl_purge *p)
{
	if (p == NULL)
		return;
	sl_purge_set_free(p->now);
	sl_purge_set_free(p->next);
	p->now = p->next = NULL;
	p->flows = NULL; /* sets that become due are dropped */
	release(p);
}

static void become_due(void *arg)
{
	struct waiting *w = arg;
	struct sl_purge *p = w->p;

	if (p->flows != NULL && p->next == NULL) {
		p->next = w->set;
		w->set = NULL;
	} else if (p->flows != NULL) {
		merge(p->next, w->set);
	}
	sl_purge_set_free(w->set);
	free(w);
	release(p);
}

/* Only programmed entries name a port or a node. */
static bool may_be_named(const struct sl_purge *p, const struct sl_purge_set *s)
{
	return has_any(&s->number[SL_NUMBER_NETWORK]) ||
	       ((sl_port_set_any(&s->ports) || has_any(&s->number[SL_NUMBER_NODE])) &&
		       sl_flow_table_programmed(p->flows) > 0);
}

void sl_purge_after(struct sl_purge *p, struct sl_rcu *rcu, struct sl_purge_set *s)
{
	struct waiting *w;

	if (s == NULL || !may_be_named(p, s)) {
		sl_purge_set_free(s);
		return;
	}
	w = malloc(sizeof(*w));
	if (w == NULL)
		abort();
	*w = (struct waiting){p, s};
	p->n_refs++;
	sl_rcu_retire(rcu, become_due, w);
}

static bool names(const struct sl_purge_set *s, const struct sl_flow_glance *l)
{
	if (has(&s->number[SL_NUMBER_NETWORK], l->network) ||
		has(&s->number[SL_NUMBER_NETWORK], l->other_network))
		return true;
	if (l->state != SL_CONN_PROGRAMMED)
		return false;
	if (l->program == SL_PROGRAM_PORT)
		return sl_port_set_has(&s->ports, l->target);
	return l->program == SL_PROGRAM_NODE && has(&s->number[SL_NUMBER_NODE], l->target);
}

static void remove_pair(struct sl_flow_table *t, uint32_t pair)
{
	struct sl_flow_view v;

	if (sl_flow_view_next(t, pair, 0, &v) && v.pair == pair)
		sl_flow_del(t, &v.key, v.v4);
}

/* Reads 32 bytes of each connection; more of one with two keys. */
static void walk_slice(struct sl_purge *p, uint32_t end)
{
	struct sl_flow_glance l;

	while (sl_flow_glance_before(p->flows, p->at, end, &l)) {
		if (names(p->now, &l))
			remove_pair(p->flows, l.pair);
		p->at = l.pair + 1;
	}
	p->at = end;
}

/* False: no walk is under way, and nothing is due. */
static bool begin_walk(struct sl_purge *p)
{
	if (p->now == NULL) {
		p->now = p->next;
		p->next = NULL;
		p->at = 0;
	}
	return p->now != NULL;
}

bool sl_purge_turn(struct sl_purge *p, uint64_t cpu_ns)
{
	uint64_t from;

	if (!begin_walk(p))
		return true;
	from = sl_cpu_ns();
	do {
		if (p->at < sl_flow_view_end(p->flows) && may_be_named(p, p->now)) {
			walk_slice(p, p->at + PAIRS_A_SLICE);
			continue;
		}
		sl_purge_set_free(p->now);
		p->now = NULL;
		if (!begin_walk(p))
			return true;
	} while (sl_cpu_ns() - from < cpu_ns);
	return false;
}

static void finish(struct sl_purge *p)
{
	while (!sl_purge_turn(p, UINT64_MAX))
		;
}

void sl_purge_number(struct sl_purge *p, enum sl_number_kind kind, uint32_t id)
{
	if ((p->now != NULL && has(&p->now->number[kind], id)) ||
		(p->next != NULL && has(&p->next->number[kind], id)))
		finish(p);
}

bool sl_purge_looks_for_port(const struct sl_purge *p, uint16_t id)
{
	return (p->now != NULL && sl_port_set_has(&p->now->ports, id)) ||
	       (p->next != NULL && sl_port_set_has(&p->next->ports, id));
}

void sl_purge_port(struct sl_purge *p, uint16_t id)
{
	if (sl_purge_looks_for_port(p, id))
		finish(p);
}
