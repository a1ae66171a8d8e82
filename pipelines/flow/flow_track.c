/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>

#include "flow_internal.h"

bool sl_flow_is_opener(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return (sl_flow_index(t, f) & 1) == sl_conn_opener(sl_flow_conn(t, f));
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/*
 * TCP in the handshake: both directions. ICMP: always, for the type of each packet is checked
 * against its direction. Others: only replies can change a new connection, so a stream one way is
 * not slowed down. CLOSING asks for none: only SYN, FIN and RST matter then, and lookup shows those
 * anyway.
 */
uint16_t sl_flow_track_flags(
	const struct sl_conn *c, enum sl_conn_state state, unsigned int direction)
{
	uint8_t proto = sl_conn_proto(c);

	if (state == SL_CONN_PROGRAMMED)
		return 0;
	if (is_icmp(proto))
		return SL_ACT_TRACK;
	if (state != SL_CONN_NEW)
		return 0;
	if (proto == IPPROTO_TCP || direction != sl_conn_opener(c))
		return SL_ACT_TRACK;
	return 0;
}

static uint8_t tcp_seen(uint8_t flags, bool reply, uint8_t before)
{
	uint8_t now = reply ? SL_SEEN_REPLY : SL_SEEN_ORIG;

	if (flags & SL_TCP_RST)
		now |= SL_SEEN_RST;
	if (flags & SL_TCP_FIN)
		now |= reply ? SL_SEEN_FIN_REPLY : SL_SEEN_FIN_ORIG;
	if (flags & SL_TCP_SYN) {
		if (reply && flags & SL_TCP_ACK)
			now |= SL_SEEN_SYNACK;
		if (!reply && !(flags & SL_TCP_ACK))
			now |= SL_SEEN_SYN;
	} else if (!reply && flags & SL_TCP_ACK && before & SL_SEEN_SYNACK) {
		now |= SL_SEEN_ACKED;
	}
	return now;
}

static enum sl_conn_state state_of(uint8_t proto, uint8_t seen)
{
	const uint8_t both = SL_SEEN_ORIG | SL_SEEN_REPLY;
	const uint8_t fins = SL_SEEN_FIN_ORIG | SL_SEEN_FIN_REPLY;

	if (proto == IPPROTO_TCP) {
		if (seen & SL_SEEN_RST || (seen & fins) == fins)
			return SL_CONN_CLOSING;
		if (seen & SL_SEEN_SYN)
			return seen & SL_SEEN_ACKED ? SL_CONN_ESTABLISHED : SL_CONN_NEW;
	}
	return (seen & both) == both ? SL_CONN_ESTABLISHED : SL_CONN_NEW;
}

static void enter(struct sl_flow_table *t, struct sl_conn *c, enum sl_conn_state state)
{
	struct sl_flow *f = &t->entry[2 * (c - t->conn)];

	atomic_store_explicit(&c->state, (uint8_t)state, memory_order_relaxed);
	for (unsigned int d = 0; d < 2; d++)
		sl_flow_write_flags(&f[d], sl_flow_track_flags(c, state, d));
}

/*
 * Bring the state to where `seen` says it is; it never goes back. Who finds the pair taken leaves
 * that to whoever has it: sequential consistency of seen and lock makes one of the two see the
 * other's doing.
 */
static void settle(struct sl_flow_table *t, unsigned int worker, struct sl_conn *c)
{
	for (;;) {
		enum sl_conn_state to = state_of(sl_conn_proto(c), atomic_load(&c->seen));
		uint8_t unlocked = 0;

		if (to <= (enum sl_conn_state)atomic_load(&c->state))
			return;
		if (!atomic_compare_exchange_strong(&c->lock, &unlocked, (uint8_t)(worker + 1)))
			return;
		/* Under the lock it cannot be removed or reopened any more: look again. */
		to = state_of(sl_conn_proto(c), atomic_load(&c->seen));
		if (to > (enum sl_conn_state)atomic_load(&c->state))
			enter(t, c, to);
		atomic_store(&c->lock, 0);
	}
}

/* Requests one way, replies the other; a key alone does not tell them apart when id and type are
 * equal. */
static bool icmp_fits(const struct sl_meta *m, bool reply)
{
	return reply == !!(m->flags & SL_P_ICMP_ECHO_REPLY);
}

bool sl_flow_track(
	struct sl_flow_table *t, unsigned int worker, struct sl_flow *f, const struct sl_meta *m)
{
	struct sl_conn *c = sl_flow_conn(t, f);
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);
	bool reply = !sl_flow_is_opener(t, f);
	uint8_t before = atomic_load_explicit(&c->seen, memory_order_relaxed), now;

	if (state == SL_CONN_PROGRAMMED || state == SL_CONN_FREE)
		return true;
	if (is_icmp(sl_conn_proto(c)) && !icmp_fits(m, reply))
		return false;
	if (sl_conn_proto(c) == IPPROTO_TCP)
		now = tcp_seen(m->tcp_flags, reply, before);
	else
		now = reply ? SL_SEEN_REPLY : SL_SEEN_ORIG;
	if ((now & ~before) != 0)
		atomic_fetch_or(&c->seen, now);
	settle(t, worker, c);
	return true;
}

bool sl_flow_reopens(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m)
{
	const uint8_t flags = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN | SL_TCP_RST;
	const struct sl_conn *c = sl_flow_conn(t, f);

	return m->flags & SL_P_TCP && (m->tcp_flags & flags) == SL_TCP_SYN &&
	       atomic_load_explicit(&c->state, memory_order_acquire) == SL_CONN_CLOSING;
}
