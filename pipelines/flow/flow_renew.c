/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/lib/pkt.h"
#include "flow_internal.h"

uint64_t sl_flow_peek(const struct sl_flow *f, struct sl_action *act)
{
	uint32_t begun = sl_seq_begin_read(&f->seq);
	uint64_t generation = atomic_load_explicit(&f->generation, memory_order_acquire);

	*act = sl_flow_load_act(f);
	return !sl_seq_is_writing(begun) && sl_seq_is_unchanged(&f->seq, begun) ? generation : 0;
}

uint64_t sl_flow_read(const struct sl_flow *f, struct sl_meta *m, const uint8_t *frame)
{
	uint32_t begun = sl_seq_begin_read(&f->seq);
	uint64_t generation = atomic_load_explicit(&f->generation, memory_order_acquire);
	uint64_t differs = sl_seq_load32(&f->origin) ^ sl_flow_origin(m);

	differs |= sl_seq_load64(f->macs) ^ sl_load64(frame);
	differs |= sl_seq_load32(f->macs + 8) ^ sl_load32(frame + 8);
	m->act = sl_flow_load_act(f);
	if (differs != 0 || sl_seq_is_writing(begun) || !sl_seq_is_unchanged(&f->seq, begun))
		return 0;
	return generation;
}

void sl_flow_renew(struct sl_flow *f, uint64_t from, uint64_t to)
{
	atomic_compare_exchange_strong_explicit(
		&f->generation, &from, to, memory_order_release, memory_order_relaxed);
}
