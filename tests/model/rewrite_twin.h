/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow twin of the rewrite: a packet as a list of what it says. To rewrite it is to change the
 * list, and to make the packet anew with every checksum computed over all bytes.
 * Threads: one.
 * Ownership: the caller's buffers.
 */
#ifndef SL_TESTS_REWRITE_TWIN_H
#define SL_TESTS_REWRITE_TWIN_H

#include "sluice/rewrite.h"
#include "tests/lib/packet.h"

#define TWIN_MAX 4096

enum twin_part { TWIN_WHOLE, TWIN_FIRST, TWIN_LATER }; /* fragments */

struct twin {
	bool ip4;
	uint8_t proto;
	uint8_t icmp; /* type */
	uint8_t hops;
	enum twin_part part;
	uint8_t options;  /* IPv4: words; IPv6: extension headers in front of the fragment header */
	bool unfinished;  /* the checksum field has the sum of the pseudo header */
	bool no_checksum; /* UDP */
	uint16_t payload;
	uint64_t seed; /* of the payload */
	/* Added to the payload, so that a checksum takes a value that is rare. */
	uint16_t extra;
	uint8_t macs[12];
	struct sl_ip src, dst;
	uint16_t sport, dport; /* of an echo: its identifier is sport */
	/* ICMP errors: the quoted packet, and how much of it is there. */
	const struct twin *quoted;
	uint16_t quoted_len;
	/* of the quoted packet: its CRC32c is left as it was in this packet; NULL: it is right */
	const struct twin *crc_of;
};

/* Make the packet. Returns its length. l4: offset of the transport header. */
uint32_t twin_make(const struct twin *t, uint8_t *frame, uint32_t *l4);
/* The same without Ethernet, whole, even if the packet is a fragment. */
uint32_t twin_make_ip(const struct twin *t, uint8_t *ip, uint32_t *l4);
/* The offset of the checksum in the transport header; 0: none. */
uint32_t twin_checksum_at(const struct twin *t);
/* Sets extra, so that the checksum is 0. */
void twin_force_zero(struct twin *t);
/* What a packet becomes that is rewritten by a record. */
struct twin twin_rewritten(const struct twin *t, const struct sl_rewrite *r);

#endif
