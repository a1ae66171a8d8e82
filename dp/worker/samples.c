/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_errno.h>

#include "samples.h"
#include "sluice/super.h"

int sl_samples_init(struct sl_samples *s, const char *name, unsigned int id, int socket,
	const _Atomic(uint32_t) *tick, const struct sl_counters *counters)
{
	char ring[RTE_RING_NAMESIZE];

	memset(s, 0, sizeof(*s));
	s->tick = tick;
	s->counters = counters;
	snprintf(ring, sizeof(ring), "sl_%s_%u", name, id);
	s->ring = rte_ring_create_elem(ring, sizeof(struct sl_sample), SL_SAMPLE_RING, socket,
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (s->ring == NULL)
		return rte_errno != 0 ? -rte_errno : -ENOMEM;
	return 0;
}

void sl_samples_fini(struct sl_samples *s)
{
	rte_ring_free(s->ring);
	s->ring = NULL;
}

static uint16_t copy(const struct rte_mbuf *m, uint32_t before, uint8_t *to)
{
	uint32_t front = RTE_MIN(before, (uint32_t)SL_SAMPLE_BYTES), n;
	const uint8_t *from;

	if (front > m->data_off)
		front = 0;
	n = RTE_MIN(m->pkt_len, SL_SAMPLE_BYTES - front);
	memcpy(to, (const uint8_t *)m->buf_addr + m->data_off - front, front);
	from = rte_pktmbuf_read(m, 0, n, to + front);
	if (from == NULL)
		return (uint16_t)front;
	if (from != to + front)
		memcpy(to + front, from, n);
	return (uint16_t)(front + n);
}

void sl_sample_take(
	struct sl_samples *s, struct sl_sample *sample, const struct rte_mbuf *m, uint32_t before)
{
	struct sl_sample_budget *b = sl_sample_budget(s, sample->reason, sample->culprit);

	sample->n_bytes = m != NULL ? copy(m, before, sample->bytes) : 0;
	sample->skipped = b->skipped;
	if (rte_ring_sp_enqueue_elem(s->ring, sample, sizeof(*sample)) == 0) {
		b->skipped = 0;
		return;
	}
	b->skipped++;
	__atomic_store_n(&s->lost, s->lost + 1, __ATOMIC_RELAXED);
}

void sl_drop_late(struct sl_counters *c, struct sl_samples *s, struct sl_sample *sample,
	const struct rte_mbuf *m)
{
	uint16_t port = sample->out_port != SL_PORT_NONE ? sample->out_port : sample->in_port;
	uint32_t packets = sl_super_segments(m);

	sl_drop_count(c, sample->reason, port, packets);
	sample->culprit = sample->in_port < SL_PORTS_MAX
				  ? sample->in_port
				  : (uint16_t)(SL_PORTS_MAX + m->port % SL_SAMPLE_SENDERS);
	sample->len = sl_super_frame_len(m);
	if (sl_sample_due(s, sample->reason, sample->culprit, sl_samples_second(s)))
		sl_sample_take(s, sample, m, 0);
	sl_sample_skip(s, sample->reason, sample->culprit, packets - 1);
}
