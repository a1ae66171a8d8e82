/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum (RFC 1071): ones-complement sums of 16-bit words. A sum may use words in
 * either byte order, if all of them have the same one; the result is in that order.
 * Threads: pure functions on the caller's bytes.
 */
#ifndef SL_DP_CHECKSUM_H
#define SL_DP_CHECKSUM_H

#include <stdbool.h>

#include "pkt.h"

/* Fold a sum of up to 65,536 words to 16 bits. */
static inline uint32_t sl_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Does a sum of 16-bit words, added up 32 bits at a time, fold to all ones? */
static inline bool sl_sum_is_ones(uint64_t sum)
{
	uint32_t s;

	sum += sum << 32 | sum >> 32; /* the upper half has both halves and the carry */
	s = (uint32_t)(sum >> 32);
	s += s << 16 | s >> 16;
	return s >> 16 == 0xffff;
}

/* The checksum after one word that it covers went from old to new: RFC 1624 equation 3. */
static inline uint16_t sl_checksum_update(uint16_t sum, uint16_t old, uint16_t new)
{
	return (uint16_t)~sl_sum_fold((uint16_t)~sum + (uint16_t)~old + new);
}

/* The 32-bit words of an IPv4 header without options, added up. */
static inline uint64_t sl_ip4_sum(const uint8_t *ip)
{
	uint64_t a = sl_load64(ip), sum = a + sl_load64(ip + 8);

	sum += sum < a;
	return (sum & UINT32_MAX) + (sum >> 32) + sl_load32(ip + 16);
}

/* Checks an IPv4 header of len bytes, a multiple of 4 and at least 20. */
static inline bool sl_ip4_checksum_ok(const uint8_t *ip, uint32_t len)
{
	uint64_t sum = sl_ip4_sum(ip);

	for (uint32_t i = 20; i < len; i += 4)
		sum += sl_load32(ip + i);
	return sl_sum_is_ones(sum);
}

/* The sum of the first len bytes, an even number, as words in host order. */
static inline uint32_t sl_sum_words(const void *bytes, uint32_t len)
{
	const uint8_t *p = bytes;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i += 2)
		sum += sl_load_be16(p + i);
	return sl_sum_fold(sum);
}

#endif
