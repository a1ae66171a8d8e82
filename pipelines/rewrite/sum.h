/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ones' complement sums (RFC 1071) and differences (RFC 1624). All words are in the packet's byte
 * order: such a sum does not depend on it.
 * Threads: pure functions.
 */
#ifndef SL_REWRITE_SUM_H
#define SL_REWRITE_SUM_H

#include <stdint.h>

#include "dp/lib/pkt.h"
#include "sluice/types.h"

/* Of at most 65536 words. */
static inline uint16_t sl_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* What replacing one word by another adds to a sum that has it. */
static inline uint32_t sl_sum_change16(uint16_t from, uint16_t to)
{
	return (uint32_t)(uint16_t)~from + to;
}

static inline uint32_t sl_sum_change32(uint32_t from, uint32_t to)
{
	return sl_sum_change16((uint16_t)from, (uint16_t)to) +
	       sl_sum_change16((uint16_t)(from >> 16), (uint16_t)(to >> 16));
}

static inline uint32_t sl_sum_change_ip6(const uint8_t *from, const uint8_t *to)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < 16; i += 4)
		sum += sl_sum_change32(sl_load32(from + i), sl_load32(to + i));
	return sum;
}

static inline void sl_store16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* Two sums that are folded: one step is enough. */
static inline uint16_t sl_sum_add(uint16_t a, uint16_t b)
{
	uint32_t sum = (uint32_t)a + b;

	return (uint16_t)(sum + (sum >> 16));
}

/*
 * A checksum, which is the complement of its sum. The difference is folded. So this is the complement
 * of ~checksum + difference; of both zeros it gives the same one.
 */
static inline uint16_t sl_sum_changed16(uint16_t checksum, uint16_t difference)
{
	return (uint16_t)(checksum - difference - (checksum < difference));
}

/* The same; the difference is not folded. */
static inline uint16_t sl_sum_changed(uint16_t checksum, uint32_t difference)
{
	return (uint16_t)~sl_sum_fold((uint16_t)~checksum + difference);
}

/*
 * Either of 0 and 0xffff is right where something that is covered is not 0. Of UDP, 0 means that
 * there is none (RFC 768). Of ICMP everything may be 0, and then only 0xffff is right.
 */
static inline uint16_t sl_sum_not_zero(uint16_t checksum)
{
	return checksum != 0 ? checksum : UINT16_MAX;
}

#endif
