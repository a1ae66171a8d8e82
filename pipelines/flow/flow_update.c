/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_internal.h"
#include "flow_window.h"

/* From here on the entry is current for no packet. Later stores have release order. */
static uint32_t begin_write(struct sl_flow *f)
{
	atomic_store_explicit(&f->generation, 0, memory_order_relaxed);
	return sl_seq_begin_write(&f->seq);
}

/* Write one direction, except its counters. The caller holds the pair. */
static void write_side(const struct sl_flow_table *t, struct sl_flow *f,
	const struct sl_flow_side *s, const struct sl_rewrite *r, uint8_t flags,
	uint64_t generation)
{
	uint32_t family = sl_conn_is_ip4(sl_flow_conn_in(t, f)) ? 0 : SL_FLOW_IP6;
	uint32_t origin = s->origin | family, begun;
	struct sl_action act = s->act;

	act.flags = (uint8_t)((act.flags & ~(SL_ACT_TRACK | SL_ACT_REWRITE)) | flags);
	begun = begin_write(f);
	if (unlikely(r != NULL)) {
		sl_flow_write_rewrite(t, f, r);
		act.flags |= SL_ACT_REWRITE;
	}
	sl_seq_store32(&f->origin, &origin);
	sl_seq_store64(f->macs, s->macs);
	sl_seq_store32(f->macs + 8, s->macs + 8);
	sl_seq_store64(&f->act, &act);
	sl_seq_store64((uint8_t *)&f->act + 8, (const uint8_t *)&act + 8);
	atomic_store_explicit(&f->generation, generation, memory_order_release);
	sl_seq_end_write(&f->seq, begun);
}

/* One word, which cannot be torn, so the entry stays current meanwhile. */
void sl_flow_write_flags(struct sl_flow *f, uint8_t flags)
{
	struct sl_action act = sl_flow_load_act(f);
	uint8_t wanted = (uint8_t)((act.flags & ~SL_ACT_TRACK) | flags);

	if (act.flags == wanted)
		return;
	act.flags = wanted;
	sl_seq_store64((uint8_t *)&f->act + 8, (const uint8_t *)&act + 8);
}

void sl_flow_forget(struct sl_flow *f)
{
	sl_seq_end_write(&f->seq, begin_write(f));
}

/* A direction that belongs to a programmed entry stays current for no packet. */
void sl_flow_write_sides(const struct sl_flow_table *t, struct sl_flow *f,
	const struct sl_flow_install *in, unsigned int first, uint64_t generation)
{
	const struct sl_conn *c = sl_flow_conn_in(t, f);
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_relaxed);

	for (unsigned int d = 0; d < 2; d++)
		if (sl_conn_owns(c, d))
			write_side(t, &f[d], &in->side[d ^ first], in->rewrite[d ^ first],
				sl_flow_track_flags(c, state, d), generation);
}

/* Read by the control thread at any time, word by word. */
void sl_flow_write_judgement(struct sl_conn *c, const struct sl_flow_install *in)
{
	sl_conn_set_identities(c, in->identity_src, in->identity_dst);
	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_PROGRAMMED)
		return;
	sl_conn_set_self(c, in->self);
	sl_conn_set_slots(c, in->policy_ingress, in->policy_egress);
}

/* For a connection that is resolved again. A programmed entry has no owner. */
static void note_owner(struct sl_flow_table *t, struct sl_conn *c, const struct sl_flow_install *in)
{
	if (atomic_load_explicit(&c->state, memory_order_relaxed) != SL_CONN_PROGRAMMED)
		sl_share_bill(&t->share, c, in, UINT32_MAX);
}

static struct sl_flow *first_of_pair(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return &t->entry[sl_flow_index_in(t, f) & ~1u];
}

bool sl_flow_update(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in)
{
	struct sl_conn *c = sl_flow_conn_in(t, f);

	if (!sl_conn_trylock(c, (uint8_t)(worker + 1)))
		return false;
	sl_flow_write_judgement(c, in);
	note_owner(t, c, in);
	sl_flow_write_sides(t, first_of_pair(t, f), in, 0, in->generation);
	sl_conn_unlock(c);
	return true;
}

void sl_flow_reset_counts(const struct sl_flow_table *t, struct sl_flow *f, uint32_t tick)
{
	struct sl_flow_counts *c = sl_flow_counts_in(t, f);

	__atomic_store_n(&c->packets, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, 0, __ATOMIC_RELAXED);
	sl_window_clear(&c->last);
	__atomic_store_n(&f->last_seen, tick, __ATOMIC_RELAXED);
}

bool sl_flow_reopen(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in)
{
	struct sl_conn *c = sl_flow_conn_in(t, f);
	struct sl_flow *pair = first_of_pair(t, f);

	if (!sl_conn_trylock(c, (uint8_t)(worker + 1)))
		return false;
	/* Another worker may have reopened it since the caller looked. */
	if (!sl_conn_has_closed(c)) {
		sl_conn_unlock(c);
		return false;
	}
	sl_conn_set_opener(c, (unsigned int)(f - pair));
	/* The new connection has no answer yet. */
	sl_share_follow(&t->share, c, SL_CONN_NEW, UINT32_MAX);
	atomic_store_explicit(&c->state, SL_CONN_NEW, memory_order_relaxed);
	note_owner(t, c, in);
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	atomic_fetch_and(&c->scales, ~UINT32_C(0xff));
	__atomic_store_n(&sl_flow_cold_in(t, c)->created, in->tick, __ATOMIC_RELAXED);
	sl_flow_reset_counts(t, &pair[0], in->tick);
	sl_flow_reset_counts(t, &pair[1], in->tick);
	sl_flow_write_judgement(c, in);
	sl_flow_write_sides(t, pair, in, 0, in->generation);
	sl_conn_unlock(c);
	return true;
}
