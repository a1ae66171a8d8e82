/* SPDX-License-Identifier: BSD-3-Clause */
/* Dropped packets are counted under their reason, and sampled. */
#include "verdict.h"

#include "pipelines/parse/outer_dp.h"
#include "sluice/encap.h"
#include "sluice/super.h"

/* Where a packet came from, as far as it is known. */
struct drop_origin {
	uint32_t origin, network;
	uint32_t before; /* bytes of removed outer headers in front of the packet */
	bool outer;	 /* it has, or had, outer headers */
};

/* i is below SL_BURST_MAX. The remainder is free, because the shift computes it anyway. */
static bool has_bit(uint64_t bits, unsigned int i)
{
	return bits >> i % SL_BURST_MAX & 1;
}

static bool is_decapped(const struct sl_burst *b, unsigned int i)
{
	return has_bit(b->decapped, i);
}

/* The source address of a packet that still has its outer headers. Nothing else
 * is known about it. */
static uint32_t outer_source(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

	if (m->data_len < SL_OUTER_L4 + 4)
		return 0;
	/* of an IPv6 address, its end */
	return sl_load32(p + (sl_load_be16(p + 12) == 0x86dd ? 34 : 26));
}

/*
 * The Ethernet header was made when the outer headers were removed, and written over them: what is in
 * front of it is not whole.
 */
static bool is_made_up(const struct rte_mbuf *m)
{
	static const uint8_t zero[12];

	return m->data_len >= sizeof(zero) &&
	       memcmp(rte_pktmbuf_mtod(m, const void *), zero, sizeof(zero)) == 0;
}

/* This is all that is computed for each dropped packet. */
static inline unsigned int culprit_of(const struct sl_trip *t, unsigned int i)
{
	const struct sl_burst *b = t->b;

	if (!t->underlay)
		return b->in_port;
	if (is_decapped(b, i))
		return sl_culprit_hash(b->meta[i].origin, b->meta[i].network);
	return sl_culprit_hash(outer_source(b->pkt[i]), 0);
}

uint32_t sl_verdict_removed(const struct sl_trip *t, unsigned int i)
{
	const struct sl_burst *b = t->b;
	const struct sl_meta *m = &b->meta[i];

	if (!t->underlay || !is_decapped(b, i))
		return 0;
	if (has_bit(b->closer, i))
		return m->removed_half * 2u;
	return SL_OUTER_L4 + (uint32_t)sl_encaps[m->encap]->header_len;
}

static struct drop_origin source_of(const struct sl_trip *t, unsigned int i)
{
	const struct sl_burst *b = t->b;
	const struct sl_meta *m = &b->meta[i];

	/* The network that the port had at that time. If the packet has waited, the port may
	 * have another network now. */
	if (!t->underlay)
		return (struct drop_origin){.origin = b->in_port,
			.network = b->verdict[i] != SL_DROP_PORT_UNBOUND ? m->network : 0};
	if (!is_decapped(b, i))
		return (struct drop_origin){.origin = b->in_port, .outer = true};
	if (is_made_up(b->pkt[i]))
		return (struct drop_origin){.origin = m->origin, .network = m->network};
	return (struct drop_origin){.origin = m->origin,
		.network = m->network,
		.before = sl_verdict_removed(t, i),
		.outer = true};
}

static uint32_t detail_of(const struct sl_burst *b, unsigned int i, enum sl_drop reason)
{
	switch (reason) {
	case SL_DROP_POLICY_INGRESS:
	case SL_DROP_POLICY_EGRESS:
	case SL_DROP_OFFLOAD_MALFORMED:
	case SL_DROP_IDENTITY_MISMATCH:
		return b->meta[i].detail;
	case SL_DROP_MTU_EXCEEDED:
		return b->meta[i].act.mtu;
	default:
		return 0;
	}
}

/* The packet could not be handed up; at that point it has the outer headers of its way out. */
static bool is_encapsulated(const struct sl_trip *t, unsigned int i, enum sl_drop reason)
{
	return reason == SL_DROP_UPCALL_FULL && (!t->underlay || is_decapped(t->b, i));
}

static __rte_cold __rte_noinline void take_sample(const struct sl_trip *t, unsigned int i,
	enum sl_drop reason, unsigned int culprit, bool audited)
{
	const struct sl_burst *b = t->b;
	const struct drop_origin from = source_of(t, i);
	bool encapsulated = is_encapsulated(t, i, reason);
	struct sl_sample s = {.len = sl_super_frame_len(b->pkt[i]),
		.origin = from.origin,
		.network = from.network,
		.detail = detail_of(b, i, reason),
		.in_port = b->in_port,
		.out_port = SL_PORT_NONE,
		.reason = (uint8_t)reason,
		.culprit = (uint16_t)culprit,
		.audited = audited,
		.outer = from.outer || encapsulated,
		.commit = t->world->commit};

	sl_sample_take(&t->w->samples, &s, b->pkt[i], encapsulated ? 0 : from.before);
}

void sl_verdict_sample_audited(const struct sl_trip *t, unsigned int i, enum sl_drop reason)
{
	unsigned int culprit = culprit_of(t, i);

	if (sl_sample_due(&t->w->samples, reason, culprit, t->tick / SL_TICKS_PER_SECOND))
		take_sample(t, i, reason, culprit, true);
}

void sl_verdict_count_drop(const struct sl_trip *t, unsigned int i)
{
	enum sl_drop reason = t->b->verdict[i];
	unsigned int culprit = culprit_of(t, i);

	sl_drop_count(&t->w->counters, reason, t->b->in_port, 1);
	if (unlikely(sl_sample_due(&t->w->samples, reason, culprit, t->tick / SL_TICKS_PER_SECOND)))
		take_sample(t, i, reason, culprit, false);
}

void sl_verdict_count_segments(const struct sl_trip *t)
{
	const struct sl_burst *b = t->b;

	for (unsigned int i = 0; i < b->n; i++) {
		uint32_t more = b->verdict[i] != SL_SENT ? sl_super_segments(b->pkt[i]) - 1 : 0;

		if (more == 0)
			continue;
		if (b->verdict[i] == SL_CONSUMED) {
			sl_count(&t->w->counters.consumed, more);
			continue;
		}
		sl_drop_count(&t->w->counters, b->verdict[i], b->in_port, more);
		sl_sample_skip(&t->w->samples, b->verdict[i], culprit_of(t, i), more);
	}
}
