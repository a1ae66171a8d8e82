/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of packets that do not leave: one reason counted, and what is told of them. */
#include "forward_dp.h"

#include "dp/pkt.h"
#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/parse/outer_dp.h"

/* What is known of a packet that came in by a port. */
struct whence {
	uint32_t origin, network;
	uint32_t before; /* bytes of removed outer headers */
	uint8_t culprit;
	bool outer;
};

/* Before its outer headers were off: all there is to go by is its source address. */
static uint32_t sender_of(const struct rte_mbuf *m)
{
	return m->data_len >= SL_OUTER_L4 ? sl_load32(rte_pktmbuf_mtod_offset(m, const void *, 26))
					  : 0;
}

static struct whence whence_underlay(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	uint64_t bit = UINT64_C(1) << i;

	if (!(b->decapped & bit))
		return (struct whence){.origin = b->in_port,
			.culprit = (uint8_t)sl_culprit_hash(sender_of(b->pkt[i]), 0),
			.outer = true};
	return (struct whence){.origin = m->origin,
		.network = m->network,
		.before = (b->closer & bit ? m->outer_l4 : SL_OUTER_L4) +
			  (uint32_t)sl_encaps[m->encap]->header_len,
		.culprit = (uint8_t)sl_culprit_hash(m->origin, m->network),
		.outer = true};
}

static struct whence whence(const struct sl_trip *t, unsigned int i)
{
	const struct sl_burst *b = t->b;
	uint32_t network = t->world->port_network[b->in_port];

	if (t->underlay)
		return whence_underlay(b, i);
	return (struct whence){
		.origin = b->in_port, .network = network, .culprit = (uint8_t)b->in_port};
}

static uint32_t detail_of(const struct sl_burst *b, unsigned int i, enum sl_drop reason)
{
	switch (reason) {
	case SL_DROP_POLICY_INGRESS:
	case SL_DROP_POLICY_EGRESS:
		return b->meta[i].detail;
	case SL_DROP_MTU_EXCEEDED:
		return b->meta[i].act.mtu;
	default:
		return 0;
	}
}

/* Handed up in vain: the packet has the outer headers of its way out by then. */
static bool is_encapsulated(const struct sl_trip *t, unsigned int i, enum sl_drop reason)
{
	return reason == SL_DROP_UPCALL_FULL && (!t->underlay || t->b->decapped & UINT64_C(1) << i);
}

static __rte_cold __rte_noinline void tell(const struct sl_trip *t, unsigned int i,
	enum sl_drop reason, bool audited, const struct whence *from)
{
	const struct sl_burst *b = t->b;
	bool encapsulated = is_encapsulated(t, i, reason);
	struct sl_sample s = {.len = b->pkt[i]->pkt_len,
		.origin = from->origin,
		.network = from->network,
		.detail = detail_of(b, i, reason),
		.in_port = b->in_port,
		.out_port = SL_PORT_NONE,
		.reason = (uint8_t)reason,
		.culprit = from->culprit,
		.audited = audited,
		.outer = from->outer || encapsulated,
		.commit = t->world->commit};

	sl_sample_take(&t->w->samples, &s, b->pkt[i], encapsulated ? 0 : from->before);
}

void sl_refused_tell(const struct sl_trip *t, unsigned int i, enum sl_drop reason, bool audited)
{
	struct whence from = whence(t, i);

	if (sl_sample_due(&t->w->samples, reason, from.culprit, t->tick / SL_TICKS_PER_SECOND))
		tell(t, i, reason, audited, &from);
}

void sl_refused(const struct sl_trip *t, unsigned int i)
{
	enum sl_drop reason = t->b->verdict[i];

	sl_drop_count(&t->w->counters, reason, t->b->in_port, 1);
	sl_refused_tell(t, i, reason, false);
}
