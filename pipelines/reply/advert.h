/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that tell which MAC has an address: ARP (RFC 826), neighbour advertisements (RFC 4861),
 * and announcements, which are sent without a request: gratuitous ARP (RFC 5227 section 3) or an
 * unsolicited advertisement (RFC 4861 section 7.2.6).
 * Threads: pure functions on the caller's buffer; workers and control.
 */
#ifndef SL_ADVERT_H
#define SL_ADVERT_H

#include "sluice/types.h"

#define SL_ARP_LEN	    42u /* Ethernet, ARP of IPv4 */
#define SL_ADVERT_LEN	    86u /* Ethernet, IPv6, advertisement, one option */
#define SL_ANNOUNCEMENT_MAX SL_ADVERT_LEN

struct sl_advert {
	uint8_t target[16];
	struct sl_mac mac; /* of the target; also the frame's source */
	struct sl_mac to_mac;
	uint8_t to[16];
	uint8_t flags; /* ND_NA_FLAG_*, first byte */
};

/* Writes SL_ADVERT_LEN bytes, with checksum. */
void sl_advert_write(void *frame, const struct sl_advert *a);

/* The addresses of an ARP frame (RFC 826), untagged. */
struct sl_arp_frame {
	uint16_t op;	  /* RTE_ARP_OP_* */
	struct sl_mac to; /* the Ethernet destination */
	struct sl_mac sender, target;
	uint32_t sender_be, target_be;
};

/* Writes SL_ARP_LEN bytes. */
void sl_arp_write(void *frame, const struct sl_arp_frame *a);

/* Writes "mac has ip", to everybody on the link. Returns the frame's length. */
unsigned int sl_announcement_write(void *frame, const struct sl_ip *ip, const struct sl_mac *mac);

#endif
