/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/pkt.h"
#include "flow_internal.h"

uint64_t sl_flow_peek(const struct sl_flow *f, struct sl_action *act)
{
	uint32_t seq = atomic_load_explicit(&f->seq, memory_order_acquire);
	uint64_t generation = atomic_load_explicit(&f->generation, memory_order_acquire);
	uint32_t differs = seq & 1;

	*act = sl_flow_load_act(f);
	differs |= atomic_load_explicit(&f->seq, memory_order_relaxed) ^ seq;
	return differs == 0 ? generation : 0;
}

uint64_t sl_flow_read(const struct sl_flow *f, struct sl_meta *m, const uint8_t *frame)
{
	uint32_t seq = atomic_load_explicit(&f->seq, memory_order_acquire);
	uint64_t generation = atomic_load_explicit(&f->generation, memory_order_acquire);
	uint64_t differs = sl_flow_load32(&f->origin) ^ sl_flow_origin(m);

	differs |= sl_flow_load64(f->macs) ^ sl_load64(frame);
	differs |= sl_flow_load32(f->macs + 8) ^ sl_load32(frame + 8);
	m->act = sl_flow_load_act(f);
	differs |= seq & 1;
	differs |= atomic_load_explicit(&f->seq, memory_order_relaxed) ^ seq;
	return differs == 0 ? generation : 0;
}

void sl_flow_renew(struct sl_flow *f, uint64_t from, uint64_t to)
{
	atomic_compare_exchange_strong_explicit(
		&f->generation, &from, to, memory_order_release, memory_order_relaxed);
}
