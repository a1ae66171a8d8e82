/* SPDX-License-Identifier: BSD-3-Clause */
#include "for_node.h"

#include <netinet/icmp6.h>

#include "dp/lib/addr_map.h"
#include "dp/lib/pkt.h"
#include "sluice/link_local.h"

#define ND_TARGET 8u /* offset of the target in a solicitation: RFC 4861 section 4.3 */

uint32_t sl_local6(const struct sl_world *w, const struct sl_mac *own, const uint8_t addr[16])
{
	const struct sl_ip link_local = sl_ip_link_local(own);
	struct sl_ip ip;

	memcpy(ip.b, addr, sizeof(ip.b));
	if (sl_ip_equal(&ip, &link_local))
		return SL_LOCAL_ADDRESS;
	if (w->local_addr == NULL || sl_ip_is_v4(&ip)) /* an IPv4 address in an IPv6 packet */
		return 0;
	return sl_addr_map_find(w->local_addr, &ip);
}

static bool is_broadcast_arp_request(const struct rte_mbuf *m, const struct sl_meta *md)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t request[2] = {0, 1};
	uint8_t buf[6];
	const uint8_t *p = sl_pkt_read(m, 0, 6, buf);

	if (p == NULL || memcmp(p, broadcast, sizeof(broadcast)) != 0)
		return false;
	p = sl_pkt_read(m, md->l3_off + 6u, 2, buf);
	return p != NULL && memcmp(p, request, sizeof(request)) == 0;
}

/* RFC 2464 section 7: the frame's group is that of the IP address. Parse has checked the message. */
static bool is_to_its_group(const struct rte_mbuf *m, const struct sl_key6 *k)
{
	uint8_t buf[6];
	const uint8_t *mac = sl_pkt_read(m, 0, sizeof(buf), buf);

	return mac != NULL && k->dst[0] == 0xff && mac[0] == 0x33 && mac[1] == 0x33 &&
	       memcmp(mac + 2, k->dst + 12, 4) == 0;
}

static bool nd_concerns_node(const struct sl_world *w, const struct sl_mac *own,
	const struct rte_mbuf *m, const struct sl_meta *md, const struct sl_key6 *k)
{
	uint8_t buf[ND_TARGET + 16];
	const uint8_t *icmp;

	if (!is_to_its_group(m, k))
		return false;
	icmp = sl_pkt_read(m, md->l4_off, sizeof(buf), buf);
	if (icmp == NULL)
		return false;
	if (icmp[0] == ND_NEIGHBOR_ADVERT)
		return true;
	return icmp[0] == ND_NEIGHBOR_SOLICIT &&
	       (sl_local6(w, own, icmp + ND_TARGET) & SL_LOCAL_ADDRESS) != 0;
}

bool sl_group_concerns_node(const struct sl_world *w, const struct sl_mac *own,
	const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *md = &b->meta[i];

	if ((md->flags & SL_P_ARP) != 0)
		return is_broadcast_arp_request(b->pkt[i], md);
	return (md->flags & SL_P_ND) != 0 && nd_concerns_node(w, own, b->pkt[i], md, &b->key6[i]);
}
