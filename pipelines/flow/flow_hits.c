/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_hits.h"

#include <rte_mbuf.h>

#include "dp/lib/pkt.h"
#include "flow_window.h"
#include "flow_plain.h"

/* Copies a record. False: the entry has changed since, or the miss path answers the packet. */
static inline bool take_record(const struct sl_flow_table *t, struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	struct sl_rewrite *r = &b->rewrite[i];

	return sl_flow_record_in(t, m->flow, &m->act, r) && !sl_rewrite_expires(b->pkt[i], m, r);
}

/* Returns true when the state machine is to see packet i. */
static inline bool note_segment(
	const struct sl_flow_table *t, const struct sl_burst *b, const struct sl_meta *m)
{
	if (m->act.flags & SL_ACT_TRACK || m->tcp_flags & SL_TCP_CONTROL)
		return true;
	if (m->tcp_flags != 0)
		sl_window_note(&sl_flow_counts_in(t, m->flow)->last, m,
			rte_pktmbuf_mtod(b->pkt[m - b->meta], const uint8_t *));
	return false;
}

static void finish_hit(struct sl_flow_table *t, struct sl_burst *b, unsigned int i,
	struct sl_flow_pass *pass, unsigned int *n)
{
	const struct sl_meta *m = &b->meta[i];

	if (m->act.flags & SL_ACT_REWRITE) {
		if (unlikely(!take_record(t, b, i))) {
			pass->miss[pass->n_miss++] = (uint8_t)i;
			return;
		}
		pass->rewrites |= UINT64_C(1) << i;
	}
	if (note_segment(t, b, m)) {
		pass->track[(*n)++] = (uint8_t)i;
		b->verdict[i] = (uint8_t)sl_flow_track(t, pass->worker, m->flow, b, i);
	}
}

/*
 * Packets of established connections that will leave: no stage reads them from now on, but the one
 * that sends them. What is not as simple as that goes to track.
 */
static __rte_noinline void rewrite_plain(
	const struct sl_flow_table *t, struct sl_burst *b, struct sl_flow_pass *pass)
{
	const uintptr_t beside = (uintptr_t)t->rewrite - (uintptr_t)t->entry;
	const unsigned int n = pass->n_plain;
	uint64_t rewritten = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = pass->plain[k];
		const struct sl_meta *m = &b->meta[i];

		/* As in the lookup: its address once. */
		__asm__("" : "+r"(m));
		switch (sl_rewrite_plain(b->pkt[i], m, beside)) {
		case SL_PLAIN_ROUTED:
			break;
		case SL_PLAIN_TRANSLATED:
			rewritten |= UINT64_C(1) << i;
			break;
		case SL_PLAIN_NOT:
			pass->track[pass->n_track++] = (uint8_t)i;
			continue;
		}
		if (m->tcp_flags != 0)
			sl_window_note(&sl_flow_counts_in(t, m->flow)->last, m,
				rte_pktmbuf_mtod(b->pkt[i], const uint8_t *));
	}
	pass->rewritten = rewritten;
}

/* Of a packet without the common headers, more has to be looked at. */
static __rte_noinline void leave_walked(struct sl_flow_pass *pass)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < pass->n_plain; k++) {
		if (pass->walked >> pass->plain[k] & 1)
			pass->track[pass->n_track++] = pass->plain[k];
		else
			pass->plain[n++] = pass->plain[k];
	}
	pass->n_plain = n;
}

void sl_flow_finish_hits(struct sl_flow_table *t, struct sl_burst *b, struct sl_flow_pass *pass)
{
	unsigned int n = 0, of;

	if (unlikely(pass->walked != 0))
		leave_walked(pass);
	if (pass->n_plain > 0)
		rewrite_plain(t, b, pass);
	of = pass->n_track;
	for (unsigned int k = 0; k < of; k++)
		finish_hit(t, b, pass->track[k], pass, &n);
	pass->n_track = n;
}
