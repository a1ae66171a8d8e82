/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors: they belong to the connection of the packet they quote, and go to who sent that.
 *
 * Who may tell of it: whoever the quoted packet has reached. That is its receiver, and any router
 * or host behind the port or node that it went out to, whose address need not be known here:
 * routers have none in a network. So an error with an address of nobody passes where it comes from
 * the place that the connection's packets go to, and is spoofed anywhere else. An endpoint of the
 * network at another place has not seen the packet as far as this node knows, but may, as itself:
 * what policy says of its ICMP decides.
 *
 * What is quoted must be a connection of the network that is allowed as things stand. Of TCP it
 * must be a segment that may be under way, unless the connection's own other end says so: ports
 * alone are guessed easily (RFC 5927 section 4.1). UDP has nothing else to go by.
 */
#include <netinet/in.h>
#include <rte_ether.h>

#include "dp/pmap.h"
#include "judge.h"
#include "pipelines/parse/parse_dp.h"
#include "sluice/encap.h"

/* The entry that serves the direction of the quoted packet; NULL: of no connection known here. */
static struct sl_flow *quoted_flow(const struct sl_trip *t, unsigned int i, struct sl_quoted *q)
{
	switch (sl_parse_quoted(t->b, i, q)) {
	case 4:
		return sl_flow_find4(t->p->flows, &q->k4);
	case 6:
		return sl_flow_find6(t->p->flows, &q->k6);
	default:
		return NULL;
	}
}

/* The connection that the error is about, with what is done to its packets in *act; NULL: of none
 * that it may be about. */
static struct sl_flow *related(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_quoted *q, struct sl_action *act)
{
	struct sl_flow *f = quoted_flow(t, i, q);

	if (f == NULL || !sl_ip_equal(&q->src, &e->dst_ip))
		return NULL;
	/* What is denied, by policy (its entry does not hold) or by hand, gets no errors either. */
	if (!sl_flow_holds(t, i, f, act) || act->kind == SL_ACT_DROP)
		return NULL;
	if (sl_ip_equal(&q->dst, &e->src_ip) || q->proto != IPPROTO_TCP)
		return f;
	return sl_flow_has_under_way(t->p->flows, f, q->seq) ? f : NULL;
}

/* Does packet i come from where the action sends to? */
static bool comes_from_there(const struct sl_trip *t, unsigned int i, const struct sl_action *act)
{
	uint32_t origin = t->b->meta[i].origin;

	if (act->kind == SL_ACT_TUNNEL)
		return origin == (SL_ORIGIN_NODE | act->out / SL_ENCAP_COUNT);
	return origin == act->out;
}

/*
 * A router's frame has the MAC of the workload behind whose port it is: that forwards it. What MACs
 * there are behind another node is that node's business.
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

/* An endpoint elsewhere than the connection's packets go to. */
static enum sl_drop ask_policy(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	struct sl_judgement j = sl_judge(t, i, e, false);

	if (j.reason == SL_KEEP)
		return SL_KEEP;
	sl_judgement_tell(t, i, &j);
	return j.audited ? SL_KEEP : j.reason;
}

enum sl_drop sl_icmp_error(const struct sl_trip *t, unsigned int i)
{
	struct sl_quoted q = {0};
	struct sl_action act = {0};
	struct sl_ends ends;
	enum sl_drop sender = sl_classify_sender(t, i, &ends), drop;
	bool nobody = ends.src == NULL;

	/* Somebody's address, but not from there. */
	if (sender != SL_KEEP && !nobody)
		return sender;
	drop = sl_classify_receiver(t, i, &ends);
	if (drop == SL_KEEP && related(t, i, &ends, &q, &act) == NULL)
		drop = SL_DROP_ICMP_UNRELATED;
	if (nobody && (drop != SL_KEEP || !comes_from_there(t, i, &act) ||
			      !has_mac_of_receiver(t, i, &q)))
		return SL_DROP_SPOOFED;
	if (drop == SL_KEEP && !comes_from_there(t, i, &act))
		drop = ask_policy(t, i, &ends);
	if (drop == SL_KEEP)
		t->b->meta[i].act =
			sl_way_to(t, i, ends.dst, nobody ? SL_IDENTITY_WORLD : ends.src->identity);
	return drop;
}
