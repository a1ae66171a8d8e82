/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_pause.h>

#include "flow_internal.h"

/* A worker writes an entry in some tens of cycles. A worker that is preempted while it writes is
 * not waited for. */
#define TRIES 1000

/* Copies the fields that the entry protocol protects, consistently. Generation 0 when the
 * entry kept changing. */
static void read_entry(const struct sl_flow *f, struct sl_flow_view *v, unsigned int side)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		uint32_t begun = sl_seq_begin_read(&f->seq);

		v->generation[side] = atomic_load_explicit(&f->generation, memory_order_acquire);
		v->origin[side] = sl_seq_load32(&f->origin) & ~SL_FLOW_IP6;
		v->act[side] = sl_flow_load_act(f);
		if (!sl_seq_is_writing(begun) && sl_seq_is_unchanged(&f->seq, begun))
			return;
		rte_pause();
	}
	v->generation[side] = 0;
}

static uint32_t ticks_since(uint32_t then, uint32_t tick)
{
	return (int32_t)(tick - then) > 0 ? tick - then : 0;
}

static struct sl_key6 opening_key(const struct sl_flow_table *t, uint32_t pair, unsigned int opener)
{
	struct sl_key4 k4;

	if (!sl_conn_is_ip4(&t->conn[pair]))
		return sl_flow_entry_key6(t, 2 * pair + opener);
	k4 = sl_flow_entry_key4(&t->entry[2 * pair + opener]);
	return sl_key6_from4(&k4);
}

static void copy_program(const struct sl_flow_table *t, uint32_t pair, struct sl_flow_view *v)
{
	struct sl_conn_program p = sl_conn_program(&t->conn[pair]);

	v->program = (uint8_t)p.kind;
	v->target = p.target;
	v->idle_timeout = t->cold[pair].idle_timeout;
}

static void copy_slots(const struct sl_conn *c, struct sl_flow_view *v)
{
	struct sl_conn_slots slots = sl_conn_slots(c);

	v->policy_ingress = slots.ingress;
	v->policy_egress = slots.egress;
}

static void copy_pair(const struct sl_flow_table *t, uint32_t pair, enum sl_conn_state state,
	uint32_t tick, struct sl_flow_view *v)
{
	const struct sl_conn *c = &t->conn[pair];
	struct sl_conn_identities identities = sl_conn_identities(c);
	unsigned int opener = sl_conn_opener(c);

	*v = (struct sl_flow_view){.pair = pair,
		.key = opening_key(t, pair, opener),
		.v4 = sl_conn_is_ip4(c),
		.picked = sl_conn_form(c) & SL_FORM_PICKED,
		.state = state,
		.age_ticks = ticks_since(
			__atomic_load_n(&t->cold[pair].created, __ATOMIC_RELAXED), tick),
		.idle_ticks = sl_flow_idle(t, pair, tick),
		.identity_src = identities.opener,
		.identity_dst = identities.peer,
		.policy_ingress = SL_FLOW_NOT_JUDGED,
		.policy_egress = SL_FLOW_NOT_JUDGED};
	if (state == SL_CONN_PROGRAMMED)
		copy_program(t, pair, v);
	else
		copy_slots(c, v);
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

		/* Only this thread removes pairs, so a pair in use stays. A failed
		 * install may disappear. */
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
		net_proto = sl_conn_net_proto(c);
		*g = (struct sl_flow_glance){
			.pair = pair, .network = sl_key_network(net_proto), .state = state};
		if (state == SL_CONN_PROGRAMMED) {
			struct sl_conn_program p = sl_conn_program(c);

			g->program = (uint8_t)p.kind;
			g->target = p.target;
		}
		return true;
	}
	return false;
}
