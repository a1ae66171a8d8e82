/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads the first bytes of a dropped packet. The bytes are untrusted: nothing is read beyond their
 * end, and fields that are missing or not plausible are not filled in. Threads: control; pure
 * functions. Pointers point into the sample.
 */
#ifndef SL_CTRL_WATCH_DROP_VIEW_H
#define SL_CTRL_WATCH_DROP_VIEW_H

#include "dp/worker/samples.h"

/* The bytes from the start of a header. */
struct sl_drop_part {
	const uint8_t *p; /* NULL: there is none */
	uint32_t len;	  /* bytes that may be read */
};

struct sl_drop_view {
	/* Underlay headers of a tunnel packet; for other packets, the packet's own headers. */
	bool has_outer, has_vni;
	uint8_t encap;			      /* enum sl_encap_id; when has_outer */
	struct sl_drop_part outer_ip, tunnel; /* tunnel: the encapsulation's own header */
	struct sl_ip outer_source, outer_destination;
	uint32_t vni;
	/* The workload's frame, or a frame from the underlay that carries no workload's frame. */
	struct sl_drop_part frame, l3, l4;
	bool has_macs, has_addresses, has_ports;
	struct sl_mac source_mac, destination_mac;
	uint16_t ethertype; /* after VLAN tags; 0: not there */
	uint16_t vlan;	    /* of the first tag */
	unsigned int n_tags;
	struct sl_ip source, destination; /* of ARP: sender and target */
	uint8_t proto;
	uint16_t source_port, destination_port; /* as in flow keys, in host order */
};

#define SL_DROP_ETH_IP4 0x0800
#define SL_DROP_ETH_IP6 0x86dd
#define SL_DROP_ETH_ARP 0x0806

void sl_drop_view_read(struct sl_drop_view *v, const struct sl_sample *s);

/* A big-endian field at an offset of a part; 0 beyond its end. */
uint32_t sl_drop_byte(const struct sl_drop_part *p, uint32_t off);
uint32_t sl_drop_word(const struct sl_drop_part *p, uint32_t off);
static inline bool sl_drop_has(const struct sl_drop_part *p, uint32_t off, uint32_t len)
{
	return p->p != NULL && off <= p->len && len <= p->len - off;
}

#endif
