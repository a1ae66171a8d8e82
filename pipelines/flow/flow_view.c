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

/* IPv4 in mapped form. */
static struct sl_key6 key_of(const struct sl_flow_table *t, uint32_t index)
{
	struct sl_key4 k4;

	if (!sl_conn_is_ip4(&t->conn[index / 2]))
		return sl_flow_entry_key6(t, index);
	k4 = sl_flow_entry_key4(&t->entry[index]);
	return sl_key6_from4(&k4);
}

static void copy_keys(const struct sl_flow_table *t, unsigned int opener, struct sl_flow_view *v)
{
	const uint32_t index = 2 * v->pair + opener;
	struct sl_key6 reply;
	struct sl_rewrite r;

	v->key = v->becomes = key_of(t, index);
	v->two_keys = sl_conn_form(&t->conn[v->pair]) & SL_FORM_TWO_KEYS;
	if (v->two_keys) {
		reply = key_of(t, index ^ 1);
		v->becomes = sl_key6_reverse(&reply);
	}
	/* A record that changes meanwhile is listed another time. */
	v->routed = v->act[0].flags & SL_ACT_REWRITE &&
		    sl_flow_record(t, &t->entry[index], &v->act[0], &r) && r.what & SL_REWRITE_HOP;
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
	copy_keys(t, opener, v);
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

static uint32_t other_network(const struct sl_flow_table *t, uint32_t pair)
{
	if (!(sl_conn_form(&t->conn[pair]) & SL_FORM_TWO_KEYS))
		return sl_key_network(sl_conn_net_proto(&t->conn[pair]));
	return sl_key_network(key_of(t, 2 * pair + 1).net_proto);
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
		*g = (struct sl_flow_glance){.pair = pair,
			.network = sl_key_network(net_proto),
			.other_network = other_network(t, pair),
			.state = state};
		if (state == SL_CONN_PROGRAMMED) {
			struct sl_conn_program p = sl_conn_program(c);

			g->program = (uint8_t)p.kind;
			g->target = p.target;
		}
		return true;
	}
	return false;
}
