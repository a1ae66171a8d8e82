/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ICMP error belongs to the connection of the packet it quotes, and goes to the
 * sender of that packet.
 *
 * Every host that the quoted packet has reached may send an error: its receiver, and any router or
 * host behind the port or node that the packet was sent to. Addresses of routers are not known
 * here, because routers are not endpoints of a network. So an error whose source address belongs to
 * no endpoint passes if it comes from the port or node that the connection's packets go to; from
 * elsewhere it is spoofed. An endpoint of the network behind another port or node should not have
 * seen the packet. Policy decides whether its ICMP error passes.
 *
 * The quoted packet must belong to a connection of the network that is allowed at present. A quoted
 * TCP segment must be one that may be in flight, unless the error comes from the connection's own
 * other end: ports alone are easy to guess (RFC 5927 section 4.1). UDP has nothing else to check.
 */
#include "icmp_error.h"

#include <netinet/in.h>
#include <rte_ether.h>

#include "dp/lib/pmap.h"
#include "judge.h"
#include "pipelines/flow/flow_dp.h"
#include "pipelines/nat/translate.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/way/way.h"
#include "crossing.h"
#include "refresh.h"
#include "sluice/encap.h"

/*
 * Between two networks of this node, the receiver has seen the packet in its own network. There its
 * replies have a key, not the packet itself: f is the entry for a reply.
 */
static struct sl_flow *by_reply(const struct sl_trip *t, struct sl_flow *f)
{
	uint8_t form;

	if (f == NULL)
		return NULL;
	form = atomic_load_explicit(&sl_flow_conn(t->p->flows, f)->form, memory_order_relaxed);
	return form & SL_FORM_TWO_KEYS ? sl_flow_other(f) : NULL;
}

/* The entry for the direction of the quoted packet; NULL when its connection is not known here. */
static struct sl_flow *quoted_flow(const struct sl_trip *t, unsigned int i, struct sl_quoted *q)
{
	struct sl_flow_table *flows = t->p->flows;
	struct sl_flow *f;
	struct sl_key4 k4;
	struct sl_key6 k6;

	switch (sl_parse_quoted(t->b, i, q)) {
	case 4:
		f = sl_flow_find4(flows, &q->k4);
		k4 = sl_key4_reverse(&q->k4);
		return f != NULL ? f : by_reply(t, sl_flow_find4(flows, &k4));
	case 6:
		f = sl_flow_find6(flows, &q->k6);
		k6 = sl_key6_reverse(&q->k6);
		return f != NULL ? f : by_reply(t, sl_flow_find6(flows, &k6));
	default:
		return NULL;
	}
}

/*
 * The entry of the quoted packet, and its action, if packet i may be an error about
 * it; otherwise NULL.
 */
static struct sl_flow *related(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_quoted *q, struct sl_action *act)
{
	struct sl_flow *f = quoted_flow(t, i, q);

	if (f == NULL || !sl_ip_equal(&q->src, &e->dst_ip))
		return NULL;
	/* A denied connection gets no errors: its entry does not hold, or its action is drop. */
	if (!sl_refresh_holds(t, i, f, act) || act->kind == SL_ACT_DROP)
		return NULL;
	if (sl_ip_equal(&q->dst, &e->src_ip) || q->proto != IPPROTO_TCP)
		return f;
	return sl_flow_has_under_way(t->p->flows, f, q->seq) ? f : NULL;
}

/* True when packet i comes from the port or node that the action sends to. */
static bool comes_from_there(const struct sl_trip *t, unsigned int i, const struct sl_action *act)
{
	uint32_t origin = t->b->meta[i].origin;

	/* Without a tunnel, any router may have sent it. */
	if (act->kind == SL_ACT_TUNNEL && origin == SL_ORIGIN_OUTSIDE)
		return sl_way_is_bare(t, act);
	if (act->kind == SL_ACT_TUNNEL)
		return origin == (SL_ORIGIN_NODE | sl_tunnel_node(act->out));
	return origin == act->out;
}

/*
 * A router behind a port forwards through the workload there, so its frame has the workload's MAC.
 * The other node checks the MACs behind it.
 */
static bool has_mac_of_receiver(const struct sl_trip *t, unsigned int i, const struct sl_quoted *q)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
	struct sl_pmap_key key = sl_pmap_addr_key(m->network, &q->dst);
	const struct sl_endpoint *to = sl_pmap_find(t->world->endpoints, &key);

	if (m->origin & SL_ORIGIN_NODE)
		return true;
	return to != NULL && memcmp(to->mac.b, eth->src_addr.addr_bytes, 6) == 0;
}

/* The sender is an endpoint, but not behind the port or node that the
 * connection's packets go to. */
static enum sl_drop ask_policy(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	struct sl_judgement j = sl_judge(t, i, e, false);

	if (j.reason == SL_KEEP)
		return SL_KEEP;
	sl_judgement_note(t, i, &j);
	return j.audited ? SL_KEEP : j.reason;
}

enum sl_drop sl_pass_icmp_error(const struct sl_trip *t, unsigned int i)
{
	struct sl_quoted q = {0};
	struct sl_action act = {0};
	struct sl_ends ends;
	struct sl_rewrite record;
	enum sl_drop sender = sl_ends_find_sender(t, i, &ends), drop;
	bool nobody = sender != SL_KEEP && ends.src == NULL;

	/* The address belongs to an endpoint, which has not sent the packet. */
	if (sender != SL_KEEP && !nobody)
		return sender;
	drop = sl_ends_find_receiver(t, i, &ends);
	if (drop == SL_KEEP && sl_is_translated(&ends))
		return nobody ? SL_DROP_SPOOFED : sl_translate_error_out(t, i, &ends);
	if (drop == SL_KEEP && related(t, i, &ends, &q, &act) == NULL)
		drop = SL_DROP_ICMP_UNRELATED;
	if (nobody && (drop != SL_KEEP || !comes_from_there(t, i, &act) ||
			      !has_mac_of_receiver(t, i, &q)))
		return SL_DROP_SPOOFED;
	if (drop == SL_KEEP && !comes_from_there(t, i, &act))
		drop = ask_policy(t, i, &ends);
	if (drop != SL_KEEP)
		return drop;
	t->b->meta[i].act = sl_way_out(t, i, &ends);
	if (sl_crossing_record(t, i, &ends, &record))
		sl_rewrite_set(t->b, i, &record);
	return SL_KEEP;
}
