/* SPDX-License-Identifier: BSD-3-Clause */
/* Where fields of TCP (RFC 9293) and UDP (RFC 768) headers are, and their checksums. Threads: any. */
#ifndef SL_DP_TRANSPORT_H
#define SL_DP_TRANSPORT_H

#include "dp/lib/sum.h"

enum {
	SL_PROTO_TCP = 6,
	SL_PROTO_UDP = 17,
	SL_PROTO_IPIP = 4,
	SL_PROTO_IPV6 = 41,

	SL_TCP_HEADER = 20, /* bytes, without options */
	SL_TCP_SEQ = 4,
	SL_TCP_ACK = 8,
	SL_TCP_OFFSET =
		12, /* its upper 4 bits are the header's length; the next byte has the flags */
	SL_TCP_FLAGS = 13,
	SL_TCP_WINDOW = 14,
	SL_TCP_SUM = 16,
	SL_TCP_URGENT = 18,

	SL_TCP_FIN = 0x01,
	SL_TCP_PSH = 0x08,
	SL_TCP_IS_ACK = 0x10,
	SL_TCP_CWR = 0x80,

	SL_UDP_HEADER = 8,
	SL_UDP_LENGTH = 4,
	SL_UDP_SUM = 6,
};

/* The checksum to store. 0 would mean that there is none. */
static inline uint16_t sl_udp_sum(uint64_t sum)
{
	uint16_t v = (uint16_t)~sl_sum_fold64(sum);

	return v != 0 ? v : UINT16_MAX;
}

#endif
