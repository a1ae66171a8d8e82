/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences about drops that need only the packet's bytes, in the order of the list of reasons. */
#include <netinet/in.h>

#include "drop_facts.h"
#include "dp/lib/checksum.h"
#include "sluice/encap.h"

static void eth_truncated(const struct sl_drop_facts *f)
{
	sl_drop_say(f, "the frame has %u bytes", f->s->len);
}

static void eth_type(const struct sl_drop_facts *f)
{
	if (f->v.ethertype < 0x600)
		sl_drop_say(f, "LLC frame, length field %u", f->v.ethertype);
	else
		sl_drop_say(f, "EtherType 0x%04x", f->v.ethertype);
}

static void vlan(const struct sl_drop_facts *f)
{
	if (f->v.n_tags == 0)
		sl_drop_say(f, "no VLAN tag");
	else
		sl_drop_say(f, "%u VLAN tag%s, the first with VLAN %u", f->v.n_tags,
			f->v.n_tags == 1 ? "" : "s", f->v.vlan);
}

static void ip4(const struct sl_drop_facts *f)
{
	const struct sl_drop_part *ip = &f->v.l3;

	sl_drop_say(f, "version %u, header length %u, total length %u; %u bytes behind Ethernet",
		sl_drop_byte(ip, 0) >> 4, (sl_drop_byte(ip, 0) & 15) * 4, sl_drop_word(ip, 2),
		sl_drop_behind_ethernet(f));
}

static void ip6(const struct sl_drop_facts *f)
{
	const struct sl_drop_part *ip = &f->v.l3;

	sl_drop_say(f, "version %u, payload length %u, next header %u; %u bytes behind Ethernet",
		sl_drop_byte(ip, 0) >> 4, sl_drop_word(ip, 4), sl_drop_byte(ip, 6),
		sl_drop_behind_ethernet(f));
}

/* True when the checksum is right. *want: the right checksum. */
static bool checksum_right(const struct sl_drop_part *ip, uint32_t *want)
{
	uint32_t len = (sl_drop_byte(ip, 0) & 15) * 4, sum = 0;

	if (!sl_drop_has(ip, 0, len))
		return true; /* the sample has not all of it */
	for (uint32_t i = 0; i < len; i += 2)
		sum += i == 10 ? 0 : sl_drop_word(ip, i);
	*want = ~sl_sum_fold(sum) & 0xffff;
	return *want == sl_drop_word(ip, 10);
}

static void ip4_checksum(const struct sl_drop_facts *f)
{
	uint32_t want;

	if (f->v.has_outer && !checksum_right(&f->v.outer_ip, &want))
		sl_drop_say(f, "outer header: it has 0x%04x, 0x%04x is right",
			sl_drop_word(&f->v.outer_ip, 10), want);
	else if (!checksum_right(&f->v.l3, &want))
		sl_drop_say(f, "it has 0x%04x, 0x%04x is right", sl_drop_word(&f->v.l3, 10), want);
}

static void ip_ttl(const struct sl_drop_facts *f)
{
	bool v4 = f->v.ethertype == SL_DROP_ETH_IP4;

	sl_drop_say(f, "%s %u", v4 ? "TTL" : "hop limit", sl_drop_byte(&f->v.l3, v4 ? 8 : 7));
}

static void source_route(const struct sl_drop_facts *f)
{
	if (f->v.ethertype == SL_DROP_ETH_IP4)
		sl_drop_say(f, "IPv4 options in a header of %u bytes, the first of type %u",
			(sl_drop_byte(&f->v.l3, 0) & 15) * 4, sl_drop_byte(&f->v.l3, 20));
	else
		sl_drop_say(f, "IPv6 with a routing header");
}

static void addresses(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	if (f->v.has_addresses)
		sl_drop_say(f, "from %s to %s", sl_format_ip(&f->v.source, t.ip),
			sl_format_ip(&f->v.destination, t.ip2));
}

static void l4_truncated(const struct sl_drop_facts *f)
{
	bool v4 = f->v.ethertype == SL_DROP_ETH_IP4;

	sl_drop_say(f, "protocol %u in an IP packet of %u bytes", f->v.proto,
		v4 ? sl_drop_word(&f->v.l3, 2) : sl_drop_word(&f->v.l3, 4) + 40);
}

static void l4_malformed(const struct sl_drop_facts *f)
{
	if (f->v.proto == IPPROTO_UDP)
		sl_drop_say(f, "UDP length %u, destination port %u", sl_drop_word(&f->v.l4, 4),
			sl_drop_word(&f->v.l4, 2));
	else if (f->v.proto == IPPROTO_TCP)
		sl_drop_say(f, "TCP header length %u, ports %u and %u",
			(sl_drop_byte(&f->v.l4, 12) >> 4) * 4, sl_drop_word(&f->v.l4, 0),
			sl_drop_word(&f->v.l4, 2));
	else
		sl_drop_say(f, "protocol %u, first bytes 0x%04x 0x%04x", f->v.proto,
			sl_drop_word(&f->v.l4, 0), sl_drop_word(&f->v.l4, 2));
}

static void tcp_flags(const struct sl_drop_facts *f)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
	uint32_t flags = sl_drop_byte(&f->v.l4, 13);

	if (!sl_drop_has(&f->v.l4, 13, 1))
		return;
	sl_drop_say(f, "TCP flags:");
	for (unsigned int i = 0; i < 6; i++)
		if (flags & 1u << i)
			sl_drop_say(f, " %s", names[i]);
	if ((flags & 0x3f) == 0)
		sl_drop_say(f, " none");
}

static void icmp(const struct sl_drop_facts *f)
{
	sl_drop_say(f, "%s type %u, code %u", f->v.proto == IPPROTO_ICMP ? "ICMP" : "ICMPv6",
		sl_drop_byte(&f->v.l4, 0), sl_drop_byte(&f->v.l4, 1));
}

static void arp(const struct sl_drop_facts *f)
{
	const struct sl_drop_part *a = &f->v.l3;

	sl_drop_say(f, "hardware type %u, protocol 0x%04x, address lengths %u and %u, operation %u",
		sl_drop_word(a, 0), sl_drop_word(a, 2), sl_drop_byte(a, 4), sl_drop_byte(a, 5),
		sl_drop_word(a, 6));
}

static void nd(const struct sl_drop_facts *f)
{
	icmp(f);
	sl_drop_say(f, ", hop limit %u", sl_drop_byte(&f->v.l3, 7));
}

static void fragment_of(const struct sl_drop_facts *f, const struct sl_drop_part *ip)
{
	uint32_t word = sl_drop_word(ip, 6);

	sl_drop_say(f, "identification %u, offset %u, %s", sl_drop_word(ip, 4), (word & 0x1fff) * 8,
		word & 0x2000 ? "more follow" : "the last one");
}

static void fragment(const struct sl_drop_facts *f)
{
	if (f->v.ethertype == SL_DROP_ETH_IP4)
		fragment_of(f, &f->v.l3);
	else
		sl_drop_say(f, "IPv6 fragment of protocol %u", f->v.proto);
}

static void tunnel_fragment(const struct sl_drop_facts *f)
{
	fragment_of(f, f->v.has_outer ? &f->v.outer_ip : &f->v.l3);
}

/* ip NULL: not known. */
static void say_ends(const struct sl_drop_facts *f, const char *direction, const struct sl_mac *mac,
	const struct sl_ip *ip)
{
	struct sl_drop_texts t;

	sl_drop_say(f, "%s MAC %s", direction, sl_format_mac(mac, t.mac));
	if (ip != NULL)
		sl_drop_say(f, ", address %s", sl_format_ip(ip, t.ip));
}

static void frame_to(const struct sl_drop_facts *f)
{
	say_ends(f, "to", &f->v.destination_mac, f->v.has_addresses ? &f->v.destination : NULL);
}

/* A tunnel packet's destination is in its outer header. */
static void not_local(const struct sl_drop_facts *f)
{
	struct sl_mac to;

	if (!f->v.has_outer) {
		frame_to(f);
		return;
	}
	memcpy(to.b, f->s->bytes, sizeof(to.b)); /* there are outer headers, so there is a MAC */
	say_ends(f, "to", &to, &f->v.outer_destination);
}

static void underlay_sender(const struct sl_drop_facts *f)
{
	say_ends(f, "from", &f->v.source_mac, f->v.has_addresses ? &f->v.source : NULL);
}

static void underlay_protocol(const struct sl_drop_facts *f)
{
	if (f->v.has_ports && f->v.proto != IPPROTO_ICMP)
		sl_drop_say(f, "protocol %u to port %u", f->v.proto, f->v.destination_port);
	else if (f->v.proto == IPPROTO_ICMP)
		icmp(f);
	else
		sl_drop_say(f, "protocol %u", f->v.proto);
}

/* The quoted packet follows 8 bytes of ICMP header; its destination is at its byte 16. */
static void tunnel_error(const struct sl_drop_facts *f)
{
	const uint32_t at = 8 + 16;

	icmp(f);
	if (sl_drop_has(&f->v.l4, at, 4))
		sl_drop_say(f, ", about a tunnel packet to %u.%u.%u.%u", sl_drop_byte(&f->v.l4, at),
			sl_drop_byte(&f->v.l4, at + 1), sl_drop_byte(&f->v.l4, at + 2),
			sl_drop_byte(&f->v.l4, at + 3));
}

static void sender_unknown(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	if (f->v.has_outer)
		sl_drop_say(
			f, "no node has the address %s", sl_format_ip(&f->v.outer_source, t.ip));
}

static void tunnel_malformed(const struct sl_drop_facts *f)
{
	const struct sl_drop_part *own = &f->v.tunnel;
	char text[128];

	if (sl_drop_has(own, 0, 1)) {
		sl_encaps[f->v.encap]->explain(own->p, own->len, text, sizeof(text));
		sl_drop_say(f, "%s", text);
	} else {
		sl_drop_say(f, "nothing behind the UDP header");
	}
}

static void network_unknown(const struct sl_drop_facts *f)
{
	struct sl_drop_texts from, to;

	if (f->net != NULL)
		sl_drop_say(f, "network %s takes another encapsulation", f->e->network);
	else if (f->v.has_vni)
		sl_drop_say(f, "no network of this node has VNI %u", f->v.vni);
	else if (f->v.has_outer)
		sl_drop_say(f, "no network has IP-in-IP from %s to %s",
			sl_format_ip(&f->v.outer_source, from.ip),
			sl_format_ip(&f->v.outer_destination, to.ip));
}

static void tunnel_checksum(const struct sl_drop_facts *f)
{
	struct sl_drop_texts t;

	if (f->v.has_outer)
		sl_drop_say(f, "from %s", sl_format_ip(&f->v.outer_source, t.ip));
}

static void tunnel_nested(const struct sl_drop_facts *f)
{
	sl_drop_say(f, "the inner packet has protocol %u", f->v.proto);
}

/* What the explanation of a row says of its own header. */
static void own_header(const struct sl_drop_facts *f)
{
	const struct sl_drop_part *own = &f->v.tunnel;
	char text[192];

	if (!sl_drop_has(own, 0, 1))
		return;
	sl_encaps[f->v.encap]->explain(own->p, own->len, text, sizeof(text));
	sl_drop_say(f, "%s", text);
}

static void ecn(const struct sl_drop_facts *f)
{
	uint32_t inner = f->v.ethertype == SL_DROP_ETH_IP4 ? sl_drop_byte(&f->v.l3, 1) & 3
							   : sl_drop_word(&f->v.l3, 0) >> 4 & 3;

	bool ip6 = sl_drop_byte(&f->v.outer_ip, 0) >> 4 == 6;
	uint32_t outer =
		ip6 ? sl_drop_word(&f->v.outer_ip, 0) >> 4 : sl_drop_byte(&f->v.outer_ip, 1);

	/* Of a packet without Ethernet inside, the outer headers are not kept. */
	if (f->v.has_outer)
		sl_drop_say(f, "outer ECN %u, inner ECN %u", outer & 3, inner);
	else
		sl_drop_say(f, "inner ECN %u", inner);
}

static void dhcp_malformed(const struct sl_drop_facts *f)
{
	enum { OP = 8, RELAY = OP + 24 };
	const struct sl_drop_part *l4 = &f->v.l4;
	uint32_t relay;
	struct sl_drop_texts t;
	struct sl_ip ip;

	if (f->v.ethertype != SL_DROP_ETH_IP4) {
		sl_drop_say(f, "DHCPv6 message of type %u", sl_drop_byte(l4, OP));
		return;
	}
	relay = sl_drop_word(l4, RELAY) << 16 | sl_drop_word(l4, RELAY + 2);
	ip = sl_ip_from_v4(__builtin_bswap32(relay));
	if (relay != 0)
		sl_drop_say(f, "through the relay %s", sl_format_ip(&ip, t.ip));
	else
		sl_drop_say(f, "operation %u, hardware type %u, addresses of %u bytes",
			sl_drop_byte(l4, OP), sl_drop_byte(l4, OP + 1), sl_drop_byte(l4, OP + 2));
}

static sl_drop_sentence *const sentence[SL_DROP_COUNT] = {
	[SL_DROP_ETH_TRUNCATED] = eth_truncated,
	[SL_DROP_ETH_TYPE_UNKNOWN] = eth_type,
	[SL_DROP_ETH_VLAN_DEPTH] = vlan,
	[SL_DROP_ETH_VLAN_UNEXPECTED] = vlan,
	[SL_DROP_VLAN_UNKNOWN] = vlan,
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
	[SL_DROP_NAT_UNKNOWN] = underlay_protocol,
	[SL_DROP_UNDERLAY_SENDER] = underlay_sender,
	[SL_DROP_TUNNEL_ERROR] = tunnel_error,
	[SL_DROP_TUNNEL_FRAGMENT] = tunnel_fragment,
	[SL_DROP_TUNNEL_SENDER_UNKNOWN] = sender_unknown,
	[SL_DROP_TUNNEL_MALFORMED] = tunnel_malformed,
	[SL_DROP_TUNNEL_NETWORK_UNKNOWN] = network_unknown,
	[SL_DROP_TUNNEL_CHECKSUM] = tunnel_checksum,
	[SL_DROP_TUNNEL_NESTED] = tunnel_nested,
	[SL_DROP_GENEVE_OPTION] = own_header,
	[SL_DROP_TUNNEL_ECN] = ecn,
	[SL_DROP_MULTICAST] = frame_to,
	[SL_DROP_DHCP_MALFORMED] = dhcp_malformed,
	[SL_DROP_TCP_NO_CONNECTION] = tcp_flags,
	[SL_DROP_ICMP_UNRELATED] = icmp,
};

bool sl_drop_say_bytes(const struct sl_drop_facts *f)
{
	if (sentence[f->s->reason] == NULL)
		return false;
	sentence[f->s->reason](f);
	return true;
}
