/* SPDX-License-Identifier: BSD-3-Clause */
/* VXLAN, RFC 7348. */
#include <netinet/in.h>
#include <stdio.h>

#include "udp_tunnel.h"

#define VXLAN_PORT   4789
#define VXLAN_FLAG_I 0x08
#define INNER_MIN    14u /* an Ethernet header */

struct vxlan_hdr {
	uint8_t flags, reserved[3];
	uint32_t vni_be; /* upper 24 bits */
} __rte_packed;
_Static_assert(sizeof(struct vxlan_hdr) == 8, "as on the wire");

static int vxlan_build(struct sl_tunnel *t, const struct sl_tunnel_params *p)
{
	static const struct vxlan_hdr own = {.flags = VXLAN_FLAG_I};

	return sl_udp_build(t, p, VXLAN_PORT, &own, sizeof(own));
}

static __rte_always_inline void patch(void *own, const struct sl_meta *md)
{
	((struct vxlan_hdr *)own)->vni_be = sl_be32(md->act.vni << 8);
}

/* Reserved bits are ignored on receipt: RFC 7348 section 5. */
static __rte_always_inline bool parse(const uint8_t *own, struct sl_tunnel_header *h)
{
	h->vni = sl_be32(sl_load32(own + 4)) >> 8;
	h->identity = SL_IDENTITY_UNKNOWN;
	h->len = sizeof(struct vxlan_hdr);
	h->applied = h->inner_ip = false;
	return (own[0] & VXLAN_FLAG_I) != 0;
}

static unsigned int vxlan_push(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	return sl_udp_push(b, idx, n, t, sizeof(struct vxlan_hdr), patch);
}

static void vxlan_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	sl_udp_pop(b, idx, n, sizeof(struct vxlan_hdr), INNER_MIN, parse);
}

static bool vxlan_parse(const uint8_t *hdr, uint32_t len, struct sl_tunnel_header *h)
{
	return len >= sizeof(struct vxlan_hdr) && parse(hdr, h);
}

static void vxlan_explain(const uint8_t *hdr, uint32_t len, char *text, size_t size)
{
	snprintf(text, size, "VXLAN flags 0x%02x, %u bytes from the VXLAN header on", hdr[0], len);
}

const struct sl_encap sl_encap_vxlan = {
	.id = SL_ENCAP_VXLAN,
	.ip_proto = IPPROTO_UDP,
	.udp_port = VXLAN_PORT,
	.header_len = SL_UDP_LEN + sizeof(struct vxlan_hdr),
	.carries_network = true,
	.inner_ethernet = true,
	.tx_tunnel = RTE_MBUF_F_TX_TUNNEL_VXLAN,
	.build = vxlan_build,
	.push = vxlan_push,
	.pop = vxlan_pop,
	.parse = vxlan_parse,
	.explain = vxlan_explain,
};
