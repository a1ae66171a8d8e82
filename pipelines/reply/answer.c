/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"

#include <rte_ether.h>

#include "pipelines/key/key_dp.h"
#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/route/route_dp.h"
#include "pipelines/verdict/verdict.h"
#include "pipelines/way/way.h"
#include "reply_state.h"

static const struct rte_ether_hdr *frame_of(const struct sl_trip *t, unsigned int i)
{
	return rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
}

struct rte_mbuf *sl_answer_begin(
	const struct sl_trip *t, unsigned int i, uint16_t n, uint8_t **body)
{
	const struct rte_ether_hdr *from = frame_of(t, i);
	struct rte_mbuf *m = sl_packet_new(t->w);
	struct rte_ether_hdr *eth;

	if (m == NULL)
		return NULL;
	eth = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*eth) + n));
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	eth->dst_addr = from->src_addr;
	eth->src_addr = from->dst_addr;
	eth->ether_type = rte_cpu_to_be_16(
		t->b->meta[i].flags & SL_P_IP4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	*body = (uint8_t *)(eth + 1);
	return m;
}

/* Send m, an answer to packet i, into the tunnel as a burst of its own. */
static enum sl_drop send_into_tunnel(
	const struct sl_trip *t, unsigned int i, struct rte_mbuf *m, const struct sl_action *act)
{
	struct sl_burst *one = &t->p->replies[t->w->id]->burst;
	static const uint8_t first = 0;

	one->n = 1;
	one->pkt[0] = m;
	one->verdict[0] = SL_KEEP;
	one->meta[0] = t->b->meta[i];
	one->meta[0].act = *act;
	one->meta[0].l3_off = sizeof(struct rte_ether_hdr);
	one->meta[0].l3_len = (uint16_t)(rte_pktmbuf_pkt_len(m) - sizeof(struct rte_ether_hdr));
	one->meta[0].tos = 0;
	sl_encap(t->w, t->world, one, &first, 1);
	return one->verdict[0];
}

void sl_answer_send(const struct sl_trip *t, unsigned int i, struct rte_mbuf *m)
{
	struct sl_action act = sl_way_back(t, i);
	enum sl_drop verdict = SL_SENT;

	sl_count(&t->w->counters.generated, 1);
	if (act.kind == SL_ACT_PORT)
		sl_tx_put(t->w, (uint16_t)act.out, m);
	else if (act.kind == SL_ACT_TUNNEL)
		verdict = send_into_tunnel(t, i, m, &act);
	else
		verdict = act.reason;
	if (verdict != SL_SENT)
		sl_verdict_drop_generated(t, m, t->b->meta[i].network, verdict);
}

bool sl_answer_is_of_gateway(const struct sl_trip *t, unsigned int i)
{
	const struct sl_network *net = &t->world->networks[t->b->meta[i].network];

	return net->has_gateways &&
	       memcmp(net->gateway_mac.b, frame_of(t, i)->dst_addr.addr_bytes, 6) == 0;
}

struct sl_ip sl_answer_source(const struct sl_trip *t, unsigned int i)
{
	struct sl_ip src, dst, gateway;

	sl_key_addresses(t->b, i, &src, &dst);
	if (sl_answer_is_of_gateway(t, i) &&
		sl_gateway_of(t->world, t->b->meta[i].network, &src, &gateway))
		return gateway;
	return dst;
}

bool sl_answer_may_err(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];

	if (m->flags & (SL_P_ICMP_ERROR | SL_P_FRAGMENT_LATER | SL_P_MULTICAST | SL_P_ARP))
		return false;
	return sl_icmp_rate_allows(&t->p->replies[t->w->id]->icmp_rate, t->tick, m->network);
}
