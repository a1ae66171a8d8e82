/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_pause.h>

#include "flow_internal.h"

#define TRIES \
	1000 /* a worker writes an entry in some tens of cycles; one that sleeps amid it is not \
		waited for */

/* What the entry protocol protects, as one consistent copy; generation 0 when it would not hold
 * still. */
static void read_entry(const struct sl_flow *f, struct sl_flow_view *v, unsigned int side)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		uint32_t seq = atomic_load_explicit(&f->seq, memory_order_acquire);

		v->generation[side] = atomic_load_explicit(&f->generation, memory_order_acquire);
		v->origin[side] = sl_flow_load32(&f->origin) & ~SL_FLOW_IP6;
		v->act[side] = sl_flow_load_act(f);
		if ((seq & 1) == 0 && atomic_load_explicit(&f->seq, memory_order_relaxed) == seq)
			return;
		rte_pause();
	}
	v->generation[side] = 0;
}

static uint32_t ticks_since(uint32_t then, uint32_t tick)
{
	return (int32_t)(tick - then) > 0 ? tick - then : 0;
}

static uint32_t age_ticks(const struct sl_conn *c, uint32_t tick)
{
	if (sl_conn_form(c) & SL_FORM_SHARED)
		return 0;
	return ticks_since(__atomic_load_n(&c->created, __ATOMIC_RELAXED), tick);
}

static struct sl_key6 opening_key(const struct sl_flow_table *t, uint32_t pair, unsigned int opener)
{
	struct sl_key6 k = sl_flow_pair_key(t, pair);

	return opener == 0 ? k : sl_key6_reverse(&k);
}

static void copy_pair(const struct sl_flow_table *t, uint32_t pair, enum sl_conn_state state,
	uint32_t tick, struct sl_flow_view *v)
{
	const struct sl_conn *c = &t->conn[pair];
	unsigned int opener = sl_conn_opener(c);

	*v = (struct sl_flow_view){.pair = pair,
		.key = opening_key(t, pair, opener),
		.v4 = sl_conn_is_ip4(c),
		.picked = sl_conn_form(c) & SL_FORM_PICKED,
		.state = state,
		.age_ticks = age_ticks(c, tick),
		.idle_ticks = sl_flow_idle(t, pair, tick),
		.identity_src = __atomic_load_n(&c->identity_src, __ATOMIC_RELAXED),
		.identity_dst = __atomic_load_n(&c->identity_dst, __ATOMIC_RELAXED)};
	if (state == SL_CONN_PROGRAMMED) {
		v->program = c->program;
		v->target = c->target;
		v->idle_timeout = c->idle_timeout;
		v->policy_ingress = v->policy_egress = UINT32_MAX;
	} else {
		v->policy_ingress = __atomic_load_n(&c->policy_ingress, __ATOMIC_RELAXED);
		v->policy_egress = __atomic_load_n(&c->policy_egress, __ATOMIC_RELAXED);
	}
	for (unsigned int side = 0; side < 2; side++) {
		const struct sl_flow *f = &t->entry[2 * pair + (side ^ opener)];

		read_entry(f, v, side);
		v->packets[side] = sl_counter_read(&sl_flow_counts_in(t, f)->packets);
		v->bytes[side] = sl_counter_read(&sl_flow_counts_in(t, f)->bytes);
	}
}

uint32_t sl_flow_view_end(const struct sl_flow_table *t)
{
	return sl_flow_pairs_high(t) + 1;
}

bool sl_flow_view_next(
	struct sl_flow_table *t, uint32_t from, uint32_t tick, struct sl_flow_view *view)
{
	return sl_flow_view_before(t, from, sl_flow_view_end(t), tick, view);
}

bool sl_flow_view_before(struct sl_flow_table *t, uint32_t from, uint32_t end, uint32_t tick,
	struct sl_flow_view *view)
{
	end = RTE_MIN(end, sl_flow_view_end(t));
	for (uint32_t pair = RTE_MAX(from, 1u); pair < end; pair++) {
		const struct sl_conn *c = &t->conn[pair];
		enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);

		/* Only this thread removes, so what is in use stays so; a failed install may vanish
		 * again. */
		if (state == SL_CONN_FREE)
			continue;
		copy_pair(t, pair, state, tick, view);
		if (atomic_load_explicit(&c->state, memory_order_acquire) != SL_CONN_FREE)
			return true;
	}
	return false;
}

bool sl_flow_glance_before(
	const struct sl_flow_table *t, uint32_t from, uint32_t end, struct sl_flow_glance *g)
{
	uint32_t stop = RTE_MIN(end, sl_flow_pairs_high(t) + 1);

	for (uint32_t pair = RTE_MAX(from, 1u); pair < stop; pair++) {
		const struct sl_conn *c = &t->conn[pair];
		enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);
		uint32_t net_proto;

		if (state == SL_CONN_FREE)
			continue;
		net_proto = __atomic_load_n(&c->rest.net_proto, __ATOMIC_RELAXED);
		*g = (struct sl_flow_glance){.pair = pair,
			.network = net_proto >> 8 & (SL_KEY_FRAGMENT - 1),
			.state = state};
		if (state == SL_CONN_PROGRAMMED) {
			g->program = c->program;
			g->target = c->target;
		}
		return true;
	}
	return false;
}
