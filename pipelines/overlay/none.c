/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No encapsulation: a packet leaves as it is, with the Ethernet header of the underlay's next hop in
 * place of its own. Nothing is received this way: such packets have no tunnel.
 */
#include <stdio.h>

#include "outer.h"

static int none_build(struct sl_tunnel *t, const struct sl_tunnel_params *p)
{
	uint8_t *eth = t->hdr + SL_TUNNEL_HDR_MAX - SL_ETH_LEN;

	t->family = sl_ip_is_v4(&p->next_hop) ? SL_FAMILY_IP4 : SL_FAMILY_IP6;
	t->hdr_len = SL_ETH_LEN;
	memcpy(eth, p->next_hop_mac.b, 6);
	memcpy(eth + 6, p->local_mac.b, 6);
	return 0;
}

static inline enum sl_drop push_one(
	struct rte_mbuf *m, const struct sl_meta *md, const struct sl_tunnel *t)
{
	uint16_t type_be = sl_be16((md->flags & SL_P_IP6) != 0 ? SL_ETH_TYPE_IP6 : SL_ETH_TYPE_IP4);
	enum sl_drop drop;
	uint8_t *eth = sl_outer_replace_ethernet(m, md, SL_ETH_LEN, &drop);

	if (unlikely(eth == NULL))
		return drop;
	memcpy(eth, t->hdr + SL_TUNNEL_HDR_MAX - SL_ETH_LEN, SL_ETH_LEN - 2);
	memcpy(eth + SL_ETH_LEN - 2, &type_be, sizeof(type_be));
	return SL_KEEP;
}

static unsigned int none_push(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_meta *md = &b->meta[i];

		b->verdict[i] = (uint8_t)push_one(b->pkt[i], md, t != NULL ? t : md->tunnel);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

static void none_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++)
		b->verdict[idx[k]] = SL_DROP_TUNNEL_MALFORMED;
}

static bool none_parse(const uint8_t *hdr, uint32_t len, struct sl_tunnel_header *h)
{
	(void)hdr;
	(void)len;
	*h = (struct sl_tunnel_header){0};
	return false;
}

static void none_explain(const uint8_t *hdr, uint32_t len, char *text, size_t size)
{
	(void)hdr;
	snprintf(text, size, "%u bytes without a tunnel", len);
}

const struct sl_encap sl_encap_none = {
	.id = SL_ENCAP_NONE,
	.build = none_build,
	.push = none_push,
	.pop = none_pop,
	.parse = none_parse,
	.explain = none_explain,
};
