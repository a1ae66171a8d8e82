/* SPDX-License-Identifier: BSD-3-Clause */
/* A dropped packet in words: what is known of it, and what in it gave the reason. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

#include "dp/pmap.h"
#include "dp/u32map.h"
#include "drop_view.h"
#include "dp/addr_map.h"
#include "dp/checksum.h"
#include "pipelines/world.h"
#include "recent.h"
#include "ctrl/shape/shape.h"
#include "sluice/burst.h"
#include "sluice/encap.h"

/* All that a sentence is made from. */
struct facts {
	const struct sl_sample *s;
	const struct sl_world *world;
	const struct sl_drop_names *names;
	struct sl_drop_view v;
	const struct sl_network *net;  /* NULL: not known */
	const struct sl_endpoint *src; /* has the source address; NULL: nobody */
	const struct sl_endpoint *dst; /* likewise */
	uint32_t origin;
	struct sl_recent_entry *e;
};

/* Texts of one sentence; valid until the buffers are used again. */
struct texts {
	char ip[SL_IP_STR_LEN], ip2[SL_IP_STR_LEN], mac[SL_MAC_STR_LEN], mac2[SL_MAC_STR_LEN];
};

static void say(const struct facts *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends; cut where the room ends. */
static void say(const struct facts *f, const char *fmt, ...)
{
	size_t len = strlen(f->e->detail);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->e->detail + len, SL_RECENT_DETAIL - len, fmt, ap);
	va_end(ap);
}

static void keep(char to[SL_NAME_LEN], const char *name)
{
	snprintf(to, SL_NAME_LEN, "%s", name);
}

static const char *origin_name(const struct facts *f, uint32_t origin)
{
	if (origin == SL_SAMPLE_NOWHERE)
		return "";
	if (origin & SL_ORIGIN_NODE)
		return f->names->node(f->names->ctx, origin & ~SL_ORIGIN_NODE);
	return f->names->port(f->names->ctx, (uint16_t)origin);
}

static const char *endpoint_name(const struct facts *f, const struct sl_endpoint *ep)
{
	return f->names->endpoint(f->names->ctx, ep->id);
}

/* "port web", "node b" */
static const char *place(const struct facts *f, uint32_t origin, char buf[SL_NAME_LEN + 8])
{
	snprintf(buf, SL_NAME_LEN + 8, "%s %s", origin & SL_ORIGIN_NODE ? "node" : "port",
		origin_name(f, origin));
	return buf;
}

/* Reasons in the order of the list; each says what in the packet gave it. */

static void eth_truncated(const struct facts *f)
{
	say(f, "the frame has %u bytes", f->s->len);
}

static void eth_type(const struct facts *f)
{
	if (f->v.ethertype < 0x600)
		say(f, "LLC frame, length field %u", f->v.ethertype);
	else
		say(f, "EtherType 0x%04x", f->v.ethertype);
}

static void vlan(const struct facts *f)
{
	say(f, "%u VLAN tag%s, the first with VLAN %u", f->v.n_tags, f->v.n_tags == 1 ? "" : "s",
		f->v.vlan);
}

static uint32_t behind_ethernet(const struct facts *f)
{
	uint32_t eth = (uint32_t)(f->v.l3.p - f->v.frame.p);

	return f->v.l3.p != NULL && f->s->len > eth ? f->s->len - eth : 0;
}

static void ip4(const struct facts *f)
{
	const struct sl_drop_part *ip = &f->v.l3;

	say(f, "version %u, header length %u, total length %u; %u bytes behind Ethernet",
		sl_drop_byte(ip, 0) >> 4, (sl_drop_byte(ip, 0) & 15) * 4, sl_drop_word(ip, 2),
		behind_ethernet(f));
}

static void ip6(const struct facts *f)
{
	const struct sl_drop_part *ip = &f->v.l3;

	say(f, "version %u, payload length %u, next header %u; %u bytes behind Ethernet",
		sl_drop_byte(ip, 0) >> 4, sl_drop_word(ip, 4), sl_drop_byte(ip, 6),
		behind_ethernet(f));
}

/* True when the header is right. *want: what its checksum should be. */
static bool checksum_right(const struct sl_drop_part *ip, uint32_t *want)
{
	uint32_t len = (sl_drop_byte(ip, 0) & 15) * 4, sum = 0;

	if (!sl_drop_has(ip, 0, len))
		return true; /* not all there to be seen */
	for (uint32_t i = 0; i < len; i += 2)
		sum += i == 10 ? 0 : sl_drop_word(ip, i);
	*want = ~sl_sum_fold(sum) & 0xffff;
	return *want == sl_drop_word(ip, 10);
}

static void ip4_checksum(const struct facts *f)
{
	uint32_t want;

	if (f->v.has_outer && !checksum_right(&f->v.outer_ip, &want))
		say(f, "outer header: it has 0x%04x, 0x%04x is right",
			sl_drop_word(&f->v.outer_ip, 10), want);
	else if (!checksum_right(&f->v.l3, &want))
		say(f, "it has 0x%04x, 0x%04x is right", sl_drop_word(&f->v.l3, 10), want);
}

static void ip_ttl(const struct facts *f)
{
	bool v4 = f->v.ethertype == SL_DROP_ETH_IP4;

	say(f, "%s %u", v4 ? "TTL" : "hop limit", sl_drop_byte(&f->v.l3, v4 ? 8 : 7));
}

static void source_route(const struct facts *f)
{
	if (f->v.ethertype == SL_DROP_ETH_IP4)
		say(f, "IPv4 options in a header of %u bytes, the first of type %u",
			(sl_drop_byte(&f->v.l3, 0) & 15) * 4, sl_drop_byte(&f->v.l3, 20));
	else
		say(f, "IPv6 with a routing header");
}

static void addresses(const struct facts *f)
{
	struct texts t;

	if (f->v.has_addresses)
		say(f, "from %s to %s", sl_format_ip(&f->v.source, t.ip),
			sl_format_ip(&f->v.destination, t.ip2));
}

static void l4_truncated(const struct facts *f)
{
	bool v4 = f->v.ethertype == SL_DROP_ETH_IP4;

	say(f, "protocol %u in an IP packet of %u bytes", f->v.proto,
		v4 ? sl_drop_word(&f->v.l3, 2) : sl_drop_word(&f->v.l3, 4) + 40);
}

static void l4_malformed(const struct facts *f)
{
	if (f->v.proto == IPPROTO_UDP)
		say(f, "UDP length %u, destination port %u", sl_drop_word(&f->v.l4, 4),
			sl_drop_word(&f->v.l4, 2));
	else if (f->v.proto == IPPROTO_TCP)
		say(f, "TCP header length %u, ports %u and %u",
			(sl_drop_byte(&f->v.l4, 12) >> 4) * 4, sl_drop_word(&f->v.l4, 0),
			sl_drop_word(&f->v.l4, 2));
	else
		say(f, "protocol %u, first bytes 0x%04x 0x%04x", f->v.proto,
			sl_drop_word(&f->v.l4, 0), sl_drop_word(&f->v.l4, 2));
}

static void tcp_flags(const struct facts *f)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
	uint32_t flags = sl_drop_byte(&f->v.l4, 13);

	if (!sl_drop_has(&f->v.l4, 13, 1))
		return;
	say(f, "TCP flags:");
	for (unsigned int i = 0; i < 6; i++)
		if (flags & 1u << i)
			say(f, " %s", names[i]);
	if ((flags & 0x3f) == 0)
		say(f, " none");
}

static void icmp(const struct facts *f)
{
	say(f, "%s type %u, code %u", f->v.proto == IPPROTO_ICMP ? "ICMP" : "ICMPv6",
		sl_drop_byte(&f->v.l4, 0), sl_drop_byte(&f->v.l4, 1));
}

static void arp(const struct facts *f)
{
	const struct sl_drop_part *a = &f->v.l3;

	say(f, "hardware type %u, protocol 0x%04x, address lengths %u and %u, operation %u",
		sl_drop_word(a, 0), sl_drop_word(a, 2), sl_drop_byte(a, 4), sl_drop_byte(a, 5),
		sl_drop_word(a, 6));
}

static void nd(const struct facts *f)
{
	icmp(f);
	say(f, ", hop limit %u", sl_drop_byte(&f->v.l3, 7));
}

static void fragment_of(const struct facts *f, const struct sl_drop_part *ip)
{
	uint32_t word = sl_drop_word(ip, 6);

	say(f, "identification %u, offset %u, %s", sl_drop_word(ip, 4), (word & 0x1fff) * 8,
		word & 0x2000 ? "more follow" : "the last one");
}

static void fragment(const struct facts *f)
{
	if (f->v.ethertype == SL_DROP_ETH_IP4)
		fragment_of(f, &f->v.l3);
	else
		say(f, "IPv6 fragment of protocol %u", f->v.proto);
}

static void tunnel_fragment(const struct facts *f)
{
	fragment_of(f, f->v.has_outer ? &f->v.outer_ip : &f->v.l3);
}

static void frame_to(const struct facts *f)
{
	struct texts t;

	say(f, "to MAC %s", sl_format_mac(&f->v.destination_mac, t.mac));
	if (f->v.has_addresses)
		say(f, ", address %s", sl_format_ip(&f->v.destination, t.ip));
}

/* A tunnel packet's own destination stands in its outer header. */
static void not_local(const struct facts *f)
{
	const uint8_t *mac = f->s->bytes;
	struct texts t;
	struct sl_mac to;

	if (!f->v.has_outer) {
		frame_to(f);
		return;
	}
	memcpy(to.b, mac, sizeof(to.b)); /* there are outer headers: it is there */
	say(f, "to MAC %s, address %s", sl_format_mac(&to, t.mac),
		sl_format_ip(&f->v.outer_destination, t.ip));
}

static void underlay_protocol(const struct facts *f)
{
	if (f->v.has_ports && f->v.proto != IPPROTO_ICMP)
		say(f, "protocol %u to port %u", f->v.proto, f->v.destination_port);
	else if (f->v.proto == IPPROTO_ICMP)
		icmp(f);
	else
		say(f, "protocol %u", f->v.proto);
}

/* The quoted packet is behind 8 bytes of ICMP header; its destination 16 bytes into that. */
static void tunnel_error(const struct facts *f)
{
	const uint32_t at = 8 + 16;

	icmp(f);
	if (sl_drop_has(&f->v.l4, at, 4))
		say(f, ", about a tunnel packet to %u.%u.%u.%u", sl_drop_byte(&f->v.l4, at),
			sl_drop_byte(&f->v.l4, at + 1), sl_drop_byte(&f->v.l4, at + 2),
			sl_drop_byte(&f->v.l4, at + 3));
}

static void announce_rate(const struct facts *f)
{
	char buf[SL_NAME_LEN + 8];

	say(f, "%s announces more often than is passed on", place(f, f->origin, buf));
}

static void underlay_sender(const struct facts *f)
{
	struct texts t;

	say(f, "from MAC %s", sl_format_mac(&f->v.source_mac, t.mac));
	if (f->v.has_addresses)
		say(f, ", address %s", sl_format_ip(&f->v.source, t.ip));
}

static void sender_unknown(const struct facts *f)
{
	struct texts t;

	if (f->v.has_outer)
		say(f, "no node has the address %s", sl_format_ip(&f->v.outer_source, t.ip));
}

static void tunnel_malformed(const struct facts *f)
{
	const struct sl_drop_part *own = &f->v.tunnel;
	char text[128];

	if (sl_drop_has(own, 0, 1)) {
		sl_encaps[f->v.encap]->explain(own->p, own->len, text, sizeof(text));
		say(f, "%s", text);
	} else {
		say(f, "nothing behind the UDP header");
	}
}

static void network_unknown(const struct facts *f)
{
	if (f->v.has_vni)
		say(f, "no network of this node has VNI %u", f->v.vni);
}

static void ecn(const struct facts *f)
{
	uint32_t inner = f->v.ethertype == SL_DROP_ETH_IP4 ? sl_drop_byte(&f->v.l3, 1) & 3
							   : sl_drop_word(&f->v.l3, 0) >> 4 & 3;

	say(f, "outer ECN %u, inner ECN %u", sl_drop_byte(&f->v.outer_ip, 1) & 3, inner);
}

static uint32_t node_at(const struct facts *f, const struct sl_ip *ip)
{
	if (f->world->node_by_addr == NULL)
		return 0;
	return sl_addr_map_find(f->world->node_by_addr, ip);
}

/* Of a packet that has its way out written on it, or whose destination says it. */
static void way_out(const struct facts *f)
{
	char buf[SL_NAME_LEN + 8];
	uint32_t node = f->v.has_outer ? node_at(f, &f->v.outer_destination) : 0;
	struct texts t;

	if (node != 0)
		say(f, "on the way to %s", place(f, SL_ORIGIN_NODE | node, buf));
	else if (f->dst != NULL)
		say(f, "on the way to endpoint %s at %s", endpoint_name(f, f->dst),
			place(f, f->dst->origin, buf));
	else if (f->v.has_outer)
		say(f, "on the way to %s", sl_format_ip(&f->v.outer_destination, t.ip));
	if (f->e->out_port[0] != '\0')
		say(f, "%sby port %s", f->e->detail[0] != '\0' ? " " : "", f->e->out_port);
}

static void unbound(const struct facts *f)
{
	say(f, "port %s carries no endpoint", f->e->port);
}

/* What the sender says of itself beside the Ethernet header: in ARP. */
static bool arp_mac(const struct facts *f, struct sl_mac *mac)
{
	if (f->v.ethertype != SL_DROP_ETH_ARP || !sl_drop_has(&f->v.l3, 0, 28))
		return false;
	memcpy(mac->b, f->v.l3.p + 8, sizeof(mac->b));
	return true;
}

static void spoofed(const struct facts *f)
{
	const struct sl_endpoint *ep = f->src;
	char buf[SL_NAME_LEN + 8];
	struct sl_mac told;
	bool wrong = false;
	struct texts t;

	if (!f->v.has_addresses)
		return;
	sl_format_ip(&f->v.source, t.ip);
	if (ep == NULL) {
		say(f, "address: no endpoint of network %s has %s", f->e->network, t.ip);
		return;
	}
	if (ep->origin != f->origin) {
		say(f, "%s: it came by %s",
			(ep->origin | f->origin) & SL_ORIGIN_NODE ? "node" : "port",
			place(f, f->origin, buf));
		say(f, ", %s belongs to endpoint %s at %s", t.ip, endpoint_name(f, ep),
			place(f, ep->origin, buf));
		wrong = true;
	}
	if (!sl_mac_equal(&ep->mac, &f->v.source_mac)) {
		say(f, "%sMAC: it is %s, endpoint %s has %s", wrong ? "; " : "",
			sl_format_mac(&f->v.source_mac, t.mac), endpoint_name(f, ep),
			sl_format_mac(&ep->mac, t.mac2));
		wrong = true;
	}
	if (arp_mac(f, &told) && !sl_mac_equal(&ep->mac, &told)) {
		say(f, "%sMAC in ARP: it is %s, endpoint %s has %s", wrong ? "; " : "",
			sl_format_mac(&told, t.mac), endpoint_name(f, ep),
			sl_format_mac(&ep->mac, t.mac2));
		wrong = true;
	}
	if (!wrong)
		say(f, "all of it agrees with endpoint %s now, which was set after",
			endpoint_name(f, ep));
}

static void unanswered(const struct facts *f)
{
	struct sl_drop_part target = {0};
	struct sl_ip ip = f->v.destination;
	char buf[SL_NAME_LEN + 8];
	const struct sl_endpoint *ep = f->dst;
	struct sl_pmap_key key;
	struct texts t;

	if (f->v.ethertype == SL_DROP_ETH_IP6 && sl_drop_has(&f->v.l4, 8, 16)) {
		target.p = f->v.l4.p + 8;
		memcpy(ip.b, target.p, sizeof(ip.b));
		key = sl_pmap_addr_key(f->s->network, &ip);
		ep = f->net != NULL ? sl_pmap_find(f->world->endpoints, &key) : NULL;
	}
	sl_format_ip(&ip, t.ip);
	if (ep == NULL)
		say(f, "asks for %s, which no endpoint of network %s has", t.ip, f->e->network);
	else
		say(f, "asks for %s; endpoint %s is at %s", t.ip, endpoint_name(f, ep),
			place(f, ep->origin, buf));
}

static void destination_unknown(const struct facts *f)
{
	struct texts t;

	say(f, "no endpoint of network %s has %s", f->e->network,
		sl_format_ip(&f->v.destination, t.ip));
}

static void destination_mac(const struct facts *f)
{
	struct texts t;

	if (f->dst != NULL)
		say(f, "to MAC %s; endpoint %s, which has %s, has MAC %s",
			sl_format_mac(&f->v.destination_mac, t.mac), endpoint_name(f, f->dst),
			sl_format_ip(&f->v.destination, t.ip), sl_format_mac(&f->dst->mac, t.mac2));
}

static void destination_remote(const struct facts *f)
{
	char from[SL_NAME_LEN + 8], at[SL_NAME_LEN + 8];

	if (f->dst != NULL)
		say(f, "%s sent it here; endpoint %s is at %s", place(f, f->origin, from),
			endpoint_name(f, f->dst), place(f, f->dst->origin, at));
}

static void mtu(const struct facts *f)
{
	char buf[SL_NAME_LEN + 8];

	say(f, "IP packet of %u bytes, %u fit", behind_ethernet(f), f->s->detail);
	if (f->dst != NULL)
		say(f, " on the way to endpoint %s at %s", endpoint_name(f, f->dst),
			place(f, f->dst->origin, buf));
}

static void policy(const struct facts *f)
{
	const char *dir = f->s->reason == SL_DROP_POLICY_INGRESS ? "ingress" : "egress";

	if (f->s->detail == 0)
		say(f, "no %s policy matched, and the %s default of network %s is deny", dir, dir,
			f->e->network);
	else
		say(f, "%s policy %s", dir, f->e->policy);
}

static void flow_deny(const struct facts *f)
{
	say(f, "an entry that flows.add put there");
}

static void opener(const struct facts *f)
{
	if (f->src != NULL)
		say(f, "a new connection of endpoint %s", endpoint_name(f, f->src));
}

static void stale(const struct facts *f)
{
	if (f->s->n_bytes > 0)
		way_out(f);
	else
		say(f,
			"%u packets that waited in the device of port %s; what was in them is not "
			"known",
			f->s->detail, f->e->out_port);
}

static void (*const sentence[SL_DROP_COUNT])(const struct facts *f) = {
	[SL_DROP_ETH_TRUNCATED] = eth_truncated,
	[SL_DROP_ETH_TYPE_UNKNOWN] = eth_type,
	[SL_DROP_ETH_VLAN_DEPTH] = vlan,
	[SL_DROP_ETH_VLAN_UNEXPECTED] = vlan,
	[SL_DROP_IP4_TRUNCATED] = ip4,
	[SL_DROP_IP4_MALFORMED] = ip4,
	[SL_DROP_IP4_CHECKSUM] = ip4_checksum,
	[SL_DROP_IP6_TRUNCATED] = ip6,
	[SL_DROP_IP6_MALFORMED] = ip6,
	[SL_DROP_IP6_EXT_CHAIN] = ip6,
	[SL_DROP_IP_TTL] = ip_ttl,
	[SL_DROP_IP_SOURCE_ROUTE] = source_route,
	[SL_DROP_IP_ADDRESS] = addresses,
	[SL_DROP_L4_TRUNCATED] = l4_truncated,
	[SL_DROP_L4_MALFORMED] = l4_malformed,
	[SL_DROP_TCP_FLAGS] = tcp_flags,
	[SL_DROP_ICMP_ROUTER] = icmp,
	[SL_DROP_ARP_MALFORMED] = arp,
	[SL_DROP_ND_MALFORMED] = nd,
	[SL_DROP_FRAGMENT_OVERLAP] = fragment,
	[SL_DROP_FRAGMENT_UNKNOWN] = fragment,
	[SL_DROP_UNDERLAY_NOT_LOCAL] = not_local,
	[SL_DROP_UNDERLAY_PROTOCOL] = underlay_protocol,
	[SL_DROP_UNDERLAY_SENDER] = underlay_sender,
	[SL_DROP_TUNNEL_ERROR] = tunnel_error,
	[SL_DROP_ANNOUNCE_RATE] = announce_rate,
	[SL_DROP_TUNNEL_FRAGMENT] = tunnel_fragment,
	[SL_DROP_TUNNEL_SENDER_UNKNOWN] = sender_unknown,
	[SL_DROP_TUNNEL_MALFORMED] = tunnel_malformed,
	[SL_DROP_TUNNEL_NETWORK_UNKNOWN] = network_unknown,
	[SL_DROP_TUNNEL_ECN] = ecn,
	[SL_DROP_NEIGHBOR_UNRESOLVED] = way_out,
	[SL_DROP_NEIGHBOR_QUEUE_FULL] = way_out,
	[SL_DROP_ROUTE_NONE] = way_out,
	[SL_DROP_PORT_UNBOUND] = unbound,
	[SL_DROP_SPOOFED] = spoofed,
	[SL_DROP_MULTICAST] = frame_to,
	[SL_DROP_ARP_UNANSWERED] = unanswered,
	[SL_DROP_DESTINATION_UNKNOWN] = destination_unknown,
	[SL_DROP_DESTINATION_MAC] = destination_mac,
	[SL_DROP_DESTINATION_REMOTE] = destination_remote,
	[SL_DROP_PORT_GONE] = way_out,
	[SL_DROP_MTU_EXCEEDED] = mtu,
	[SL_DROP_HEADROOM] = way_out,
	[SL_DROP_POLICY_INGRESS] = policy,
	[SL_DROP_POLICY_EGRESS] = policy,
	[SL_DROP_FLOW_DENY] = flow_deny,
	[SL_DROP_TCP_NO_CONNECTION] = tcp_flags,
	[SL_DROP_FLOW_TABLE_FULL] = opener,
	[SL_DROP_FLOW_SHARE] = opener,
	[SL_DROP_ICMP_UNRELATED] = icmp,
	[SL_DROP_TX_FULL] = way_out,
	[SL_DROP_PORT_DOWN] = way_out,
	[SL_DROP_PORT_MISSING] = way_out,
	[SL_DROP_PORT_REFUSED] = stale,
	[SL_DROP_STALE] = stale,
	[SL_DROP_UPCALL_FULL] = way_out,
};

/* Where it came from. Of a tunnel packet that was refused early, its own word is all there is. */
static uint32_t find_origin(const struct facts *f)
{
	uint32_t node;

	if (f->s->origin == SL_SAMPLE_NOWHERE || f->s->origin & SL_ORIGIN_NODE || !f->s->outer ||
		!f->v.has_outer || f->s->reason == SL_DROP_UPCALL_FULL)
		return f->s->origin;
	node = node_at(f, &f->v.outer_source);
	return node != 0 ? SL_ORIGIN_NODE | node : f->s->origin;
}

static uint32_t find_network(const struct facts *f)
{
	uint32_t id = f->s->network;

	if (id == 0 && f->v.has_vni && f->world->vni_to_network != NULL)
		id = sl_u32map_find(f->world->vni_to_network, f->v.vni);
	if (id == 0 && !f->v.has_outer && f->s->in_port < SL_PORTS_MAX)
		id = f->world->port_network[f->s->in_port];
	return id < f->world->n_networks && f->world->networks[id].present ? id : 0;
}

static const struct sl_endpoint *find_endpoint(
	const struct facts *f, uint32_t network, const struct sl_ip *ip)
{
	struct sl_pmap_key key = sl_pmap_addr_key(network, ip);

	if (network == 0 || !f->v.has_addresses)
		return NULL;
	return sl_pmap_find(f->world->endpoints, &key);
}

static bool is_sender(const struct facts *f)
{
	return f->src != NULL && sl_mac_equal(&f->src->mac, &f->v.source_mac) &&
	       (f->origin == SL_SAMPLE_NOWHERE || f->origin == f->src->origin);
}

static void fill_packet(struct sl_recent_entry *e, const struct sl_drop_view *v)
{
	e->has_macs = v->has_macs;
	e->source_mac = v->source_mac;
	e->destination_mac = v->destination_mac;
	e->ethertype = v->ethertype;
	e->has_addresses = v->has_addresses;
	e->source = v->source;
	e->destination = v->destination;
	e->is_arp = v->ethertype == SL_DROP_ETH_ARP;
	e->proto = v->proto;
	e->has_ports = v->has_ports;
	e->source_port = v->source_port;
	e->destination_port = v->destination_port;
	e->has_outer = v->has_outer;
	e->outer_source = v->outer_source;
	e->outer_destination = v->outer_destination;
	e->has_vni = v->has_vni;
	e->vni = v->vni;
}

static void fill_names(struct facts *f, uint32_t network)
{
	struct sl_recent_entry *e = f->e;
	const struct sl_drop_names *n = f->names;
	bool judged =
		f->s->reason == SL_DROP_POLICY_INGRESS || f->s->reason == SL_DROP_POLICY_EGRESS;

	keep(e->network, f->net != NULL ? n->network(n->ctx, f->net->id) : "");
	keep(e->from, origin_name(f, f->origin));
	if (f->s->in_port != SL_PORT_NONE)
		keep(e->port, n->port(n->ctx, f->s->in_port));
	if (f->s->out_port != SL_PORT_NONE)
		keep(e->out_port, n->port(n->ctx, f->s->out_port));
	if (judged)
		keep(e->policy, n->policy(n->ctx, f->s->detail));
	f->src = find_endpoint(f, network, &f->v.source);
	f->dst = find_endpoint(f, network, &f->v.destination);
	if (is_sender(f))
		keep(e->endpoint, endpoint_name(f, f->src));
	if (f->dst != NULL)
		keep(e->to, endpoint_name(f, f->dst));
}

void sl_drop_explain(struct sl_recent_entry *e, const struct sl_sample *s,
	const struct sl_world *world, const struct sl_drop_names *names)
{
	struct facts f = {.s = s, .world = world, .names = names, .e = e};
	uint32_t network;

	memset(e, 0, sizeof(*e));
	e->reason = s->reason;
	e->culprit = s->culprit;
	e->audited = s->audited;
	e->lost = s->skipped;
	e->length = s->len;
	sl_drop_view_read(&f.v, s);
	f.origin = find_origin(&f);
	network = find_network(&f);
	f.net = network != 0 ? &world->networks[network] : NULL;
	fill_packet(e, &f.v);
	fill_names(&f, network);
	if (sentence[s->reason] != NULL)
		sentence[s->reason](&f);
}
