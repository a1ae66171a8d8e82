/* SPDX-License-Identifier: BSD-3-Clause */
/* VXLAN with a group policy, draft-smith-vxlan-group-policy: the group is the sender's identity. */
#include <netinet/in.h>
#include <stdio.h>

#include "udp_tunnel.h"

#define VXLAN_PORT 4789
#define FLAG_G	   0x80 /* there is a group */
#define FLAG_I	   0x08 /* the VNI is there */
#define FLAG_A	   0x08 /* of the second byte: policy has been applied */
#define GROUP_MAX  0xffffu
#define INNER_MIN  14u /* an Ethernet header */

struct gbp_hdr {
	uint8_t flags, more_flags;
	uint16_t group_be;
	uint32_t vni_be; /* upper 24 bits */
} __rte_packed;
_Static_assert(sizeof(struct gbp_hdr) == 8, "as on the wire");

static int gbp_build(struct sl_tunnel *t, const struct sl_tunnel_params *p)
{
	static const struct gbp_hdr own = {.flags = FLAG_I};

	return sl_udp_build(t, p, VXLAN_PORT, &own, sizeof(own));
}

/*
 * The A bit stays clear: the receiver's policy is still to be applied. The D bit (do not learn the
 * sender's address) too. An identity that no group can hold is not cut short.
 */
static __rte_always_inline void patch(void *own, const struct sl_meta *md)
{
	uint32_t id = md->act.identity, group = id <= GROUP_MAX ? id : SL_IDENTITY_UNKNOWN;
	uint32_t words[2] = {
		sl_be32((group != 0 ? (uint32_t)(FLAG_G | FLAG_I) : FLAG_I) << 24 | group),
		sl_be32(md->act.vni << 8)};

	memcpy(own, words, sizeof(words));
}

/* Without the G bit there is no group, and these bits are reserved: ignored. */
static __rte_always_inline bool parse(const uint8_t *own, struct sl_tunnel_header *h)
{
	bool group = (own[0] & FLAG_G) != 0;

	h->vni = sl_be32(sl_load32(own + 4)) >> 8;
	h->identity = group ? sl_load_be16(own + 2) : SL_IDENTITY_UNKNOWN;
	h->applied = group && (own[1] & FLAG_A) != 0;
	h->inner_ip = false;
	h->len = sizeof(struct gbp_hdr);
	return (own[0] & FLAG_I) != 0;
}

static unsigned int gbp_push(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	return sl_udp_push(b, idx, n, t, sizeof(struct gbp_hdr), patch);
}

static void gbp_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	sl_udp_pop_all(b, idx, n, sizeof(struct gbp_hdr), INNER_MIN, parse, true);
}

static bool gbp_parse(const uint8_t *hdr, uint32_t len, struct sl_tunnel_header *h)
{
	return len >= sizeof(struct gbp_hdr) && parse(hdr, h);
}

static uint32_t gbp_said(const uint8_t *hdr)
{
	uint32_t applied = (hdr[1] & FLAG_A) != 0 ? SL_CAME_APPLIED : 0;

	if ((hdr[0] & FLAG_G) == 0)
		return (uint32_t)SL_IDENTITY_UNKNOWN << SL_CAME_CARRIED_SHIFT;
	return (uint32_t)sl_load_be16(hdr + 2) << SL_CAME_CARRIED_SHIFT | applied;
}

static void gbp_explain(const uint8_t *hdr, uint32_t len, char *text, size_t size)
{
	snprintf(text, size, "VXLAN-GBP flags 0x%02x, %u bytes from the VXLAN header on", hdr[0],
		len);
}

const struct sl_encap sl_encap_vxlan_gbp = {
	.id = SL_ENCAP_VXLAN_GBP,
	.ip_proto = IPPROTO_UDP,
	.udp_port = VXLAN_PORT,
	.wire = &sl_encap_vxlan,
	.header_len = SL_UDP_LEN + sizeof(struct gbp_hdr),
	.carries_identity = true,
	.carries_network = true,
	.inner_ethernet = true,
	.tx_tunnel = RTE_MBUF_F_TX_TUNNEL_VXLAN,
	.build = gbp_build,
	.push = gbp_push,
	.pop = gbp_pop,
	.parse = gbp_parse,
	.said = gbp_said,
	.explain = gbp_explain,
};
