/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sentences about drops that name ports, nodes, endpoints and policies, in the order of the list of
 * reasons.
 */
#include "dp/lib/pmap.h"
#include "drop_facts.h"
#include "pipelines/context/world.h"
#include "pipelines/reply/setup_dp.h"
#include "sluice/burst.h"
#include "sluice/super.h"
#include "pipelines/route/route_dp.h"

static void announce_rate(const struct sl_drop_facts *f)
{
	char buf[SL_DROP_ORIGIN_LEN];

	sl_drop_say(f, "%s announces more often than is passed on",
		sl_drop_origin_words(f, f->origin, buf));
}

static void say_destination(const struct sl_drop_facts *f)
{
	char buf[SL_DROP_ORIGIN_LEN];

	sl_drop_say(f, "on the way to endpoint %s at %s", sl_drop_endpoint_name(f, f->dst),
		sl_drop_origin_words(f, f->dst->origin, buf));
}

/* For a packet whose way out is in its sample, or follows from its destination. */
static void way_out(const struct sl_drop_facts *f)
{
	char buf[SL_DROP_ORIGIN_LEN];
	uint32_t node = f->v.has_outer ? sl_drop_node_at(f, &f->v.outer_destination) : 0;
	struct sl_drop_texts t;

	if (node != 0)
		sl_drop_say(
			f, "on the way to %s", sl_drop_origin_words(f, SL_ORIGIN_NODE | node, buf));
	else if (f->dst != NULL)
		say_destination(f);
	else if (f->v.has_outer)
		sl_drop_say(f, "on the way to %s", sl_format_ip(&f->v.outer_destination, t.ip));
	if (f->e->out_port[0] != '\0')
		sl_drop_say(f, "%sby port %s", f->e->detail[0] != '\0' ? " " : "", f->e->out_port);
}

static void unbound(const struct sl_drop_facts *f)
{
	sl_drop_say(f, "port %s carries no endpoint", f->e->port);
}

/* The sender's MAC in an ARP message, besides the Ethernet header. */
static bool arp_mac(const struct sl_drop_facts *f, struct sl_mac *mac)
{
	if (f->v.ethertype != SL_DROP_ETH_ARP || !sl_drop_has(&f->v.l3, 0, 28))
		return false;
	memcpy(mac->b, f->v.l3.p + 8, sizeof(mac->b));
	return true;
}

/* True when the sender's endpoint has another MAC than this. */
static bool say_other_mac(
	const struct sl_drop_facts *f, bool goes_on, const char *what, const struct sl_mac *mac)
{
	struct sl_drop_texts t;

	if (sl_mac_equal(&f->src->mac, mac))
		return false;
	sl_drop_say(f, "%s%s: it is %s, endpoint %s has %s", goes_on ? "; " : "", what,
		sl_format_mac(mac, t.mac), sl_drop_endpoint_name(f, f->src),
		sl_format_mac(&f->src->mac, t.mac2));
	return true;
}

static void spoofed(const struct sl_drop_facts *f)
{
	const struct sl_endpoint *ep = f->src;
	char buf[SL_DROP_ORIGIN_LEN];
	struct sl_mac in_arp;
	bool wrong = false;
	struct sl_drop_texts t;

	if (!f->v.has_addresses)
		return;
	sl_format_ip(&f->v.source, t.ip);
	if (ep == NULL) {
		sl_drop_say(f, "address: no endpoint of network %s has %s", f->e->network, t.ip);
		return;
	}
	if (ep->origin != f->origin) {
		sl_drop_say(f, "%s: it came by %s",
			(ep->origin | f->origin) & SL_ORIGIN_NODE ? "node" : "port",
			sl_drop_origin_words(f, f->origin, buf));
		sl_drop_say(f, ", %s belongs to endpoint %s at %s", t.ip,
			sl_drop_endpoint_name(f, ep), sl_drop_origin_words(f, ep->origin, buf));
		wrong = true;
	}
	wrong |= say_other_mac(f, wrong, "MAC", &f->v.source_mac);
	if (arp_mac(f, &in_arp))
		wrong |= say_other_mac(f, wrong, "MAC in ARP", &in_arp);
	if (!wrong)
		sl_drop_say(f, "all of it agrees with endpoint %s now, which was set after",
			sl_drop_endpoint_name(f, ep));
}

static void identity(const struct sl_drop_facts *f)
{
	char buf[SL_DROP_ORIGIN_LEN];

	sl_drop_say(f, "a packet of %s carries identity %u",
		sl_drop_origin_words(f, f->origin, buf), f->s->detail);
	if (f->src != NULL)
		sl_drop_say(f, "; endpoint %s has %u here", sl_drop_endpoint_name(f, f->src),
			f->src->identity);
}

static void unanswered(const struct sl_drop_facts *f)
{
	struct sl_drop_part target = {0};
	struct sl_ip ip = f->v.destination;
	char buf[SL_DROP_ORIGIN_LEN];
	const struct sl_endpoint *ep = f->dst;
	struct sl_pmap_key key;
	struct sl_drop_texts t;

	if (f->v.ethertype == SL_DROP_ETH_IP6 && sl_drop_has(&f->v.l4, 8, 16)) {
		target.p = f->v.l4.p + 8;
		memcpy(ip.b, target.p, sizeof(ip.b));
		key = sl_pmap_addr_key(f->s->network, &ip);
		ep = f->net != NULL ? sl_pmap_find(f->world->endpoints, &key) : NULL;
	}
	sl_format_ip(&ip, t.ip);
	if (ep == NULL)
		sl_drop_say(
			f, "asks for %s, which no endpoint of network %s has", t.ip, f->e->network);
	else
		sl_drop_say(f, "asks for %s; endpoint %s is at %s", t.ip,
			sl_drop_endpoint_name(f, ep), sl_drop_origin_words(f, ep->origin, buf));
}

static void destination_unknown(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	sl_drop_say(f, "no endpoint of network %s has %s", f->e->network,
		sl_format_ip(&f->v.destination, t.ip));
}

static void expired(const struct sl_drop_facts *f)
{
	sl_drop_say(f, "a gateway of network %s has no hop left for it", f->e->network);
}

static void blackhole(const struct sl_drop_facts *f)
{
	const struct sl_route_dp *r = sl_route_of(f->world, f->s->network, &f->v.destination);
	char prefix[SL_PREFIX_STR_LEN];

	if (r != NULL && r->kind == SL_ROUTE_BLACKHOLE)
		sl_drop_say(f, "route %s of network %s is a blackhole",
			sl_format_prefix(&r->prefix, prefix), f->e->network);
}

static void gateway(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	sl_drop_say(f, "%s is a gateway of network %s, and answers ping only",
		sl_format_ip(&f->v.destination, t.ip), f->e->network);
}

static void exhausted(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	sl_drop_say(f, "network %s has no translated port left for %s", f->e->network,
		sl_format_ip(&f->v.destination, t.ip));
}

static void hairpin(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	sl_drop_say(f, "%s is this node's, and network %s leaves it by translation only",
		sl_format_ip(&f->v.destination, t.ip), f->e->network);
}

static void tunnel_like(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	sl_drop_say(f, "%s is a node, which takes protocol %u from here for a tunnel packet",
		sl_format_ip(&f->v.destination, t.ip), f->v.proto);
}

static void destination_mac(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	if (f->dst != NULL)
		sl_drop_say(f, "to MAC %s; endpoint %s, which has %s, has MAC %s",
			sl_format_mac(&f->v.destination_mac, t.mac),
			sl_drop_endpoint_name(f, f->dst), sl_format_ip(&f->v.destination, t.ip),
			sl_format_mac(&f->dst->mac, t.mac2));
}

static void destination_remote(const struct sl_drop_facts *f)
{
	char from[SL_DROP_ORIGIN_LEN], at[SL_DROP_ORIGIN_LEN];

	if (f->dst != NULL)
		sl_drop_say(f, "%s sent it here; endpoint %s is at %s",
			sl_drop_origin_words(f, f->origin, from), sl_drop_endpoint_name(f, f->dst),
			sl_drop_origin_words(f, f->dst->origin, at));
}

static void mtu(const struct sl_drop_facts *f)
{
	sl_drop_say(f, "IP packet of %u bytes, %u fit", sl_drop_behind_ethernet(f), f->s->detail);
	if (f->dst == NULL)
		return;
	sl_drop_say(f, " ");
	say_destination(f);
}

static void policy(const struct sl_drop_facts *f)
{
	const char *dir = f->s->reason == SL_DROP_POLICY_INGRESS ? "ingress" : "egress";

	if (f->s->detail == 0)
		sl_drop_say(f, "no %s policy matched, and the %s default of network %s is deny",
			dir, dir, f->e->network);
	else
		sl_drop_say(f, "%s policy %s", dir, f->e->policy);
}

static void flow_deny(const struct sl_drop_facts *f)
{
	sl_drop_say(f, "an entry that flows.add put there");
}

static void offload(const struct sl_drop_facts *f)
{
	uint32_t d = f->s->detail;
	const char *checksum = d & SL_DETAIL_TCP   ? "TCP checksum"
			       : d & SL_DETAIL_UDP ? "UDP checksum"
						   : "no checksum";

	if (d & SL_DETAIL_BROKEN) {
		sl_drop_say(f, "its virtio-net header does not fit its length");
		return;
	}
	sl_drop_say(f, "described as: %s to finish, transport header at byte %u", checksum,
		d >> SL_DETAIL_L4_SHIFT & SL_DETAIL_L4);
	if (d & (SL_DETAIL_TCP_SEG | SL_DETAIL_UDP_SEG))
		sl_drop_say(f, ", %s segments of %u bytes", d & SL_DETAIL_TCP_SEG ? "TCP" : "UDP",
			d & SL_DETAIL_SIZE);
}

static void opener(const struct sl_drop_facts *f)
{
	if (f->src != NULL)
		sl_drop_say(f, "a new connection of endpoint %s", sl_drop_endpoint_name(f, f->src));
}

static void stale(const struct sl_drop_facts *f)
{
	if (f->s->n_bytes > 0)
		way_out(f);
	else
		sl_drop_say(f,
			"%u packets that waited in the device of port %s; what was in them is not "
			"known",
			f->s->detail, f->e->out_port);
}

static void dhcp_foreign(const struct sl_drop_facts *f)
{
	struct sl_pmap_key key = sl_client_key(f->s->network, f->origin, &f->v.source_mac);
	const struct sl_endpoint *ep = sl_pmap_find(f->world->clients, &key);
	char buf[SL_DROP_ORIGIN_LEN];
	struct sl_drop_texts t;

	if (ep != NULL)
		sl_drop_say(f, "endpoint %s has no address in a subnet that serves DHCP",
			sl_drop_endpoint_name(f, ep));
	else
		sl_drop_say(f, "no endpoint at %s in network %s has MAC %s",
			sl_drop_origin_words(f, f->origin, buf), f->e->network,
			sl_format_mac(&f->v.source_mac, t.mac));
}

static sl_drop_sentence *const sentence[SL_DROP_COUNT] = {
	[SL_DROP_DHCP_FOREIGN] = dhcp_foreign,
	[SL_DROP_ANNOUNCE_RATE] = announce_rate,
	[SL_DROP_NEIGHBOR_UNRESOLVED] = way_out,
	[SL_DROP_NEIGHBOR_QUEUE_FULL] = way_out,
	[SL_DROP_ROUTE_NONE] = way_out,
	[SL_DROP_PORT_UNBOUND] = unbound,
	[SL_DROP_SPOOFED] = spoofed,
	[SL_DROP_IDENTITY_MISMATCH] = identity,
	[SL_DROP_ARP_UNANSWERED] = unanswered,
	[SL_DROP_DESTINATION_UNKNOWN] = destination_unknown,
	[SL_DROP_DESTINATION_MAC] = destination_mac,
	[SL_DROP_DESTINATION_REMOTE] = destination_remote,
	[SL_DROP_TTL_EXCEEDED] = expired,
	[SL_DROP_ROUTE_BLACKHOLE] = blackhole,
	[SL_DROP_GATEWAY_PROTOCOL] = gateway,
	[SL_DROP_NAT_EXHAUSTED] = exhausted,
	[SL_DROP_NAT_HAIRPIN] = hairpin,
	[SL_DROP_NAT_TUNNEL] = tunnel_like,
	[SL_DROP_PORT_GONE] = way_out,
	[SL_DROP_MTU_EXCEEDED] = mtu,
	[SL_DROP_HEADROOM] = way_out,
	[SL_DROP_POLICY_INGRESS] = policy,
	[SL_DROP_POLICY_EGRESS] = policy,
	[SL_DROP_FLOW_DENY] = flow_deny,
	[SL_DROP_OFFLOAD_MALFORMED] = offload,
	[SL_DROP_FLOW_TABLE_FULL] = opener,
	[SL_DROP_FLOW_SHARE] = opener,
	[SL_DROP_TX_FULL] = way_out,
	[SL_DROP_TX_NO_BUFFER] = way_out,
	[SL_DROP_PORT_DOWN] = way_out,
	[SL_DROP_PORT_MISSING] = way_out,
	[SL_DROP_PORT_REFUSED] = stale,
	[SL_DROP_STALE] = stale,
	[SL_DROP_UPCALL_FULL] = way_out,
};

bool sl_drop_say_objects(const struct sl_drop_facts *f)
{
	if (sentence[f->s->reason] == NULL)
		return false;
	sentence[f->s->reason](f);
	return true;
}
