/* SPDX-License-Identifier: BSD-3-Clause */
/* VXLAN-GPE, draft-ietf-nvo3-vxlan-gpe, over IPv4, with Ethernet frames inside. */
#include <netinet/in.h>
#include <stdio.h>

#include "udp_tunnel.h"

#define GPE_PORT      4790
#define FLAG_I	      0x08 /* the VNI is there */
#define FLAG_P	      0x04 /* the next protocol is there */
#define VERSION_BITS  0x30
#define NEXT_ETHERNET 3
#define INNER_MIN     14u /* an Ethernet header */

struct gpe_hdr {
	uint8_t flags, reserved[2], next;
	uint32_t vni_be; /* upper 24 bits */
} __rte_packed;
_Static_assert(sizeof(struct gpe_hdr) == 8, "as on the wire");

static int gpe_build(struct sl_tunnel *t, const struct sl_tunnel_params *p)
{
	static const struct gpe_hdr own = {.flags = FLAG_I | FLAG_P, .next = NEXT_ETHERNET};

	return sl_udp_build(t, p, GPE_PORT, &own, sizeof(own));
}

static __rte_always_inline void patch(void *own, const struct sl_meta *md)
{
	((struct gpe_hdr *)own)->vni_be = sl_be32(md->act.vni << 8);
}

static __rte_always_inline bool parse(const uint8_t *own, struct sl_tunnel_header *h)
{
	h->vni = sl_be32(sl_load32(own + 4)) >> 8;
	h->identity = SL_IDENTITY_UNKNOWN;
	h->len = sizeof(struct gpe_hdr);
	return (own[0] & (FLAG_I | FLAG_P)) == (FLAG_I | FLAG_P) && own[3] == NEXT_ETHERNET;
}

static unsigned int gpe_push(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	return sl_udp_push(b, idx, n, t, sizeof(struct gpe_hdr), patch);
}

/* The headers are off; they are still in the buffer, in front of the inner packet. */
static inline bool is_known_version(const struct rte_mbuf *m)
{
	const struct gpe_hdr *own = rte_pktmbuf_mtod(m, const struct gpe_hdr *) - 1;

	return (own->flags & VERSION_BITS) == 0;
}

/* "If a receiver does not support the version indicated it MUST drop the packet." */
static void gpe_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	sl_udp_pop(b, idx, n, sizeof(struct gpe_hdr), INNER_MIN, parse);
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];

		if (unlikely(b->verdict[i] == SL_KEEP && !is_known_version(b->pkt[i])))
			b->verdict[i] = SL_DROP_TUNNEL_VERSION;
	}
}

static bool gpe_parse(const uint8_t *hdr, uint32_t len, struct sl_tunnel_header *h)
{
	return len >= sizeof(struct gpe_hdr) && parse(hdr, h);
}

static void gpe_explain(const uint8_t *hdr, uint32_t len, char *text, size_t size)
{
	snprintf(text, size, "VXLAN-GPE flags 0x%02x, %u bytes from the VXLAN-GPE header on",
		hdr[0], len);
}

const struct sl_encap sl_encap_vxlan_gpe = {
	.id = SL_ENCAP_VXLAN_GPE,
	.ip_proto = IPPROTO_UDP,
	.udp_port = GPE_PORT,
	.header_len = SL_UDP_LEN + sizeof(struct gpe_hdr),
	.carries_network = true,
	.inner_ethernet = true,
	.build = gpe_build,
	.push = gpe_push,
	.pop = gpe_pop,
	.parse = gpe_parse,
	.explain = gpe_explain,
};
