/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>

#include "flow_internal.h"
#include "flow_window.h"

static inline bool is_opener(const struct sl_flow *f, const struct sl_conn *c)
{
	return sl_flow_is_orig(f) == (sl_conn_opener(c) == 0);
}

bool sl_flow_is_opener(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return is_opener(f, sl_flow_conn_in(t, f));
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/*
 * TCP in the handshake: both directions. ICMP: always, because the type of each packet is checked
 * against its direction. Others: only replies can change a new connection, so a one-way stream is
 * not slowed down. CLOSING needs no flag: only SYN, FIN and RST matter then, and lookup shows those
 * anyway. After a reset no packet passes.
 */
uint8_t sl_flow_track_flags(
	const struct sl_conn *c, enum sl_conn_state state, unsigned int direction)
{
	uint8_t proto = sl_conn_proto(c);

	if (state == SL_CONN_PROGRAMMED)
		return 0;
	if (is_icmp(proto))
		return SL_ACT_TRACK;
	if (state == SL_CONN_RESET)
		return SL_ACT_TRACK;
	if (state != SL_CONN_NEW)
		return 0;
	if (proto == IPPROTO_TCP || direction != sl_conn_opener(c))
		return SL_ACT_TRACK;
	return 0;
}

/* A TCP packet of an existing connection. */
struct tcp_look {
	/* own, peer: the last earlier segment of each direction */
	struct sl_segment now, own, peer;
	unsigned int scale; /* of the peer's window */
	bool reply, picked;
	uint8_t before; /* SL_SEEN_* */
};

/* RFC 7323 section 2.2: windows are scaled when both SYNs said so. */
static unsigned int scale_of(const struct sl_conn *c, unsigned int entry, bool picked)
{
	unsigned int scales = atomic_load_explicit(&c->scales, memory_order_relaxed);
	unsigned int s[2] = {scales & 15, scales >> 4 & 15};

	if (picked) /* its SYNs were not seen: assume the largest scale */
		return SL_TCP_SCALE_MAX;
	if (s[0] == SL_TCP_SCALE_NONE || s[1] == SL_TCP_SCALE_NONE)
		return 0;
	return s[entry];
}

static void note_scale(struct sl_conn *c, unsigned int entry, unsigned int scale)
{
	uint32_t old = atomic_load_explicit(&c->scales, memory_order_relaxed), now;

	if ((old >> 4 * entry & 15) == scale)
		return;

	do
		now = (old & ~(15u << 4 * entry)) | scale << 4 * entry;
	while (!atomic_compare_exchange_weak(&c->scales, &old, now));
}

static struct tcp_look look(const struct sl_flow_table *t, const struct sl_conn *c,
	struct sl_flow *f, const struct sl_burst *b, unsigned int i)
{
	struct sl_flow *other = sl_flow_other(f);
	bool picked = sl_conn_form(c) & SL_FORM_PICKED;

	return (struct tcp_look){.now = sl_segment_of(b, i),
		.own = sl_window_last(&sl_flow_counts_in(t, f)->last),
		.peer = sl_window_last(&sl_flow_counts_in(t, other)->last),
		.scale = scale_of(c, !sl_flow_is_orig(other), picked),
		.reply = !is_opener(f, c),
		.picked = picked,
		.before = atomic_load_explicit(&c->seen, memory_order_relaxed)};
}

/* The bit for the answer to a SYN. */
static uint8_t synack_seen(const struct tcp_look *l)
{
	bool believed =
		sl_segment_acknowledges(&l->now, &l->peer) || (l->picked && l->peer.flags == 0);

	return l->reply && believed && !(l->before & SL_SEEN_ACKED) ? SL_SEEN_REPLY | SL_SEEN_SYNACK
								    : 0;
}

/* SL_SEEN_* that the packet adds; 0 when the other end would not accept it. */
static uint8_t tcp_seen(const struct tcp_look *l)
{
	uint8_t side = l->reply ? SL_SEEN_REPLY : SL_SEEN_ORIG;

	if (l->now.flags & SL_TCP_RST)
		return sl_segment_resets(&l->now, &l->own, &l->peer, l->scale) ? side | SL_SEEN_RST
									       : 0;
	if (l->now.flags & SL_TCP_SYN)
		return synack_seen(l);
	if (l->now.flags & SL_TCP_FIN) {
		/* For a connection that was just picked up, the peer's window is not known yet. */
		if (!sl_segment_in_window(&l->now, &l->peer, l->scale) &&
			!(l->picked && l->peer.flags == 0))
			return 0;
		return side | (l->reply ? SL_SEEN_FIN_REPLY : SL_SEEN_FIN_ORIG);
	}
	if (!l->reply && l->before & SL_SEEN_SYNACK && sl_segment_acknowledges(&l->now, &l->peer))
		return side | SL_SEEN_ACKED;
	return side;
}

/* A SYN without ACK counts until it is answered, if it is from the opener. */
static uint8_t opening_seen(const struct sl_conn *c, const struct sl_flow *f)
{
	const uint8_t answered = SL_SEEN_SYNACK | SL_SEEN_ACKED;
	uint8_t before = atomic_load_explicit(&c->seen, memory_order_relaxed);

	if (!is_opener(f, c) || sl_conn_form(c) & SL_FORM_PICKED || before & answered)
		return 0;
	return SL_SEEN_ORIG | SL_SEEN_SYN;
}

/* Remember the segment of a tracked packet. sl_flow_serve remembers all others. */
static void note(
	const struct sl_flow_table *t, struct sl_flow *f, const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];

	if (m->tcp_flags & SL_TCP_SYN)
		note_scale(sl_flow_conn_in(t, f), !sl_flow_is_orig(f), sl_segment_scale(b, i));
	if (b->pkt[i]->data_len >= m->l4_off + 20u)
		sl_window_note(&sl_flow_counts_in(t, f)->last, m,
			rte_pktmbuf_mtod(b->pkt[i], const uint8_t *));
}

/*
 * True for a late segment that the opener sent before its SYN. It is not remembered, because the
 * peer's answer must be compared with the SYN.
 */
static bool awaits_answer(const struct sl_conn *c, const struct sl_flow *f, const struct sl_meta *m)
{
	uint8_t seen = atomic_load_explicit(&c->seen, memory_order_relaxed);

	return !(m->tcp_flags & SL_TCP_SYN) && is_opener(f, c) && seen & SL_SEEN_SYN &&
	       !(seen & SL_SEEN_SYNACK);
}

static uint8_t track_tcp(struct sl_flow_table *t, struct sl_conn *c, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	struct tcp_look l;
	uint8_t seen;

	if (sl_tcp_is_syn(m)) {
		seen = opening_seen(c, f);
	} else {
		l = look(t, c, f, b, i);
		seen = tcp_seen(&l);
	}
	if (seen != 0 && !(m->tcp_flags & SL_TCP_RST) && !awaits_answer(c, f, m))
		note(t, f, b, i);
	return seen;
}

static enum sl_conn_state state_of(uint8_t proto, uint8_t seen)
{
	const uint8_t both = SL_SEEN_ORIG | SL_SEEN_REPLY;
	const uint8_t fins = SL_SEEN_FIN_ORIG | SL_SEEN_FIN_REPLY;

	if (proto == IPPROTO_TCP) {
		if (seen & SL_SEEN_RST)
			return SL_CONN_RESET;
		if ((seen & fins) == fins)
			return SL_CONN_CLOSING;
		if (seen & SL_SEEN_SYN)
			return seen & SL_SEEN_ACKED ? SL_CONN_ESTABLISHED : SL_CONN_NEW;
	}
	return (seen & both) == both ? SL_CONN_ESTABLISHED : SL_CONN_NEW;
}

static void enter(
	struct sl_flow_table *t, unsigned int worker, struct sl_conn *c, enum sl_conn_state state)
{
	struct sl_flow *f = &t->entry[2 * (c - t->conn)];

	sl_share_follow(&t->share, c, state, sl_flow_count_free(t, worker));
	atomic_store_explicit(&c->state, (uint8_t)state, memory_order_relaxed);
	for (unsigned int d = 0; d < 2; d++)
		sl_flow_write_flags(&f[d], sl_flow_track_flags(c, state, d));
}

/*
 * Advance the state to the one that `seen` implies; it never goes back. A worker that finds the
 * pair locked leaves the update to the worker that holds the lock: that one reads `seen` again
 * after it has unlocked the pair. seen and lock are sequentially consistent, so one of the two sees
 * what the other has done.
 */
static void advance_state(struct sl_flow_table *t, unsigned int worker, struct sl_conn *c)
{
	for (;;) {
		enum sl_conn_state to = state_of(sl_conn_proto(c), atomic_load(&c->seen));
		uint8_t unlocked = 0;

		if (to <= (enum sl_conn_state)atomic_load(&c->state))
			return;
		if (!atomic_compare_exchange_strong(&c->lock, &unlocked, (uint8_t)(worker + 1)))
			return;
		/* Under the lock it cannot be removed or reopened: read again. */
		to = state_of(sl_conn_proto(c), atomic_load(&c->seen));
		if (to > (enum sl_conn_state)atomic_load(&c->state))
			enter(t, worker, c, to);
		atomic_store(&c->lock, 0);
	}
}

bool sl_flow_end(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f)
{
	struct sl_conn *c = sl_flow_conn_in(t, f);
	enum sl_conn_state state;

	if (!sl_conn_trylock(c, (uint8_t)(worker + 1)))
		return false;
	state = atomic_load_explicit(&c->state, memory_order_relaxed);
	if (state != SL_CONN_FREE && state != SL_CONN_PROGRAMMED && state != SL_CONN_RESET) {
		atomic_fetch_or(&c->seen, SL_SEEN_RST);
		enter(t, worker, c, SL_CONN_RESET);
	}
	sl_conn_unlock(c);
	return true;
}

/* Requests go one way, replies the other. A key alone does not distinguish them when id
 * and type are equal. */
static bool icmp_fits(const struct sl_meta *m, bool reply)
{
	return reply == !!(m->flags & SL_P_ICMP_ECHO_REPLY);
}

/* After a reset neither end has the connection. The reset itself may be repeated, because it
 * may have been lost. */
static bool is_reset(enum sl_conn_state state, const struct sl_meta *m)
{
	return state == SL_CONN_RESET && (m->tcp_flags & SL_TCP_RST) == 0;
}

enum sl_drop sl_flow_track(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	struct sl_conn *c = sl_flow_conn_in(t, f);
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);
	bool reply = !is_opener(f, c);
	uint8_t now;

	if (state == SL_CONN_PROGRAMMED || state == SL_CONN_FREE)
		return SL_KEEP;
	if (is_icmp(sl_conn_proto(c)) && !icmp_fits(m, reply))
		return SL_DROP_ICMP_UNRELATED;
	if (is_reset(state, m))
		return SL_DROP_TCP_NO_CONNECTION;
	if (sl_conn_proto(c) == IPPROTO_TCP)
		now = track_tcp(t, c, f, b, i);
	else
		now = reply ? SL_SEEN_REPLY : SL_SEEN_ORIG;
	if ((now & ~atomic_load_explicit(&c->seen, memory_order_relaxed)) != 0)
		atomic_fetch_or(&c->seen, now);
	advance_state(t, worker, c);
	return SL_KEEP;
}

enum sl_drop sl_flow_serve(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i, uint32_t tick)
{
	const struct sl_meta *m = &b->meta[i];
	struct sl_flow_counts *c = sl_flow_counts_in(t, f);

	sl_flow_count(c, f, rte_pktmbuf_pkt_len(b->pkt[i]), tick);
	sl_flow_count_more(c, b->pkt[i]);
	if (m->act.flags & SL_ACT_TRACK || m->tcp_flags & SL_TCP_CONTROL)
		return sl_flow_track(t, worker, f, b, i);
	if (m->tcp_flags != 0)
		sl_window_note(&c->last, m, rte_pktmbuf_mtod(b->pkt[i], const uint8_t *));
	return SL_KEEP;
}

enum sl_drop sl_flow_serve_resolved(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i, uint32_t tick)
{
	struct sl_flow_counts *c = sl_flow_counts_in(t, f);

	sl_flow_count(c, f, rte_pktmbuf_pkt_len(b->pkt[i]), tick);
	sl_flow_count_more(c, b->pkt[i]);
	return sl_flow_track(t, worker, f, b, i);
}

bool sl_flow_reopens(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m)
{
	return sl_tcp_is_syn(m) && sl_conn_has_closed(sl_flow_conn_in(t, f));
}

bool sl_flow_opens(const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m)
{
	const struct sl_conn *c = sl_flow_conn_in(t, f);

	if (!sl_tcp_is_syn(m) ||
		atomic_load_explicit(&c->state, memory_order_acquire) == SL_CONN_PROGRAMMED)
		return false;
	return sl_conn_has_closed(c) || !is_opener(f, c) || sl_conn_form(c) & SL_FORM_PICKED;
}

bool sl_flow_is_picked(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return sl_conn_form(sl_flow_conn_in(t, f)) & SL_FORM_PICKED;
}

bool sl_flow_has_under_way(const struct sl_flow_table *t, struct sl_flow *f, uint32_t seq)
{
	const struct sl_conn *c = sl_flow_conn_in(t, f);
	struct sl_flow *other = sl_flow_other(f);
	struct sl_segment own = sl_window_last(&sl_flow_counts_in(t, f)->last);
	struct sl_segment peer = sl_window_last(&sl_flow_counts_in(t, other)->last);
	bool picked = sl_conn_form(c) & SL_FORM_PICKED;

	return sl_sequence_under_way(
		seq, &own, &peer, scale_of(c, !sl_flow_is_orig(other), picked));
}
