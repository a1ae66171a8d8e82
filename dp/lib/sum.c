/* SPDX-License-Identifier: BSD-3-Clause */
#include "sum.h"

uint32_t sl_sum_packet(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint64_t sum = 0;
	uint32_t done = 0;

	for (; m != NULL && off >= m->data_len; m = m->next)
		off -= m->data_len;
	for (; m != NULL && done < len; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(len - done, m->data_len - off);
		uint16_t part =
			(uint16_t)sl_sum_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);

		/* After an odd number of bytes, a buffer's bytes are the other halves of words. */
		sum += (done & 1) != 0 ? __builtin_bswap16(part) : part;
		done += n;
	}
	return sl_sum_fold64(sum);
}
