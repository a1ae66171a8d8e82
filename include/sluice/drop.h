/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every reason for which a packet does not leave: one line each. Counters, RPC names,
 * documentation, metrics and the test that provokes every reason all come from this list.
 * Threads: constants.
 */
#ifndef SLUICE_DROP_H
#define SLUICE_DROP_H

/* name (lower case in RPC), one-line meaning, runbook anchor in docs/drops.md */
#define SL_DROP_LIST(X)                                                                           \
	/* parse */                                                                               \
	X(ETH_TRUNCATED, "frame shorter than its Ethernet or VLAN header", "malformed")           \
	X(ETH_TYPE_UNKNOWN, "EtherType or LLC frame that sluice does not carry", "protocol")      \
	X(ETH_VLAN_DEPTH, "more than two VLAN tags", "protocol")                                  \
	X(ETH_VLAN_UNEXPECTED, "VLAN-tagged frame on a port that carries untagged ones", "vlan")  \
	X(IP4_TRUNCATED, "IPv4 header or its total length runs past the frame", "truncated")      \
	X(IP4_MALFORMED, "IPv4 version, header length or total length is wrong", "malformed")     \
	X(IP4_CHECKSUM, "IPv4 header checksum is wrong", "malformed")                             \
	X(IP6_TRUNCATED, "IPv6 header or its payload length runs past the frame", "truncated")    \
	X(IP6_MALFORMED, "IPv6 version or extension header is wrong", "malformed")                \
	X(IP6_EXT_CHAIN, "IPv6 extension header chain longer than the limit", "malformed")        \
	X(IP_TTL, "TTL or hop limit is 0", "malformed")                                           \
	X(IP_SOURCE_ROUTE, "source routing: IPv4 option or IPv6 routing header", "routers")       \
	X(IP_ADDRESS, "source or destination address that no unicast packet may have", "address") \
	X(L4_TRUNCATED, "transport header runs past the packet", "truncated")                     \
	X(L4_MALFORMED, "TCP, UDP, SCTP or ICMP header field is wrong", "malformed")              \
	X(TCP_FLAGS, "TCP flags that no real connection has", "malformed")                        \
	X(ICMP_ROUTER, "redirect, router advertisement or source quench from a workload",         \
		"routers")                                                                        \
	X(ARP_MALFORMED, "ARP with wrong lengths, types or addresses", "malformed")               \
	X(ND_MALFORMED, "neighbour discovery that RFC 4861 tells to discard", "malformed")        \
	X(FRAGMENT_OVERLAP, "fragment that would overwrite the transport header", "fragments")    \
	X(FRAGMENT_UNKNOWN, "later fragment whose first fragment was not let through",            \
		"fragments")                                                                      \
	X(OFFLOAD_MALFORMED, "what its sender asks a device to finish does not fit the packet",   \
		"offload")                                                                        \
	/* underlay and decap */                                                                  \
	X(UNDERLAY_NOT_LOCAL, "underlay packet to an address or MAC that is not this node's",     \
		"underlay")                                                                       \
	X(UNDERLAY_PROTOCOL, "underlay packet to this node that is no tunnel, plain ping or ARP", \
		"underlay")                                                                       \
	X(UNDERLAY_SENDER, "ping from a MAC or address that no neighbour can have", "underlay")   \
	X(TUNNEL_ERROR, "ICMP error about a tunnel packet of this node; noted in nodes.paths",    \
		"tunnel-error")                                                                   \
	X(TUNNEL_FRAGMENT, "fragmented tunnel packet; the underlay MTU is too small", "mtu")      \
	X(TUNNEL_SENDER_UNKNOWN, "tunnel packet from an address that is no configured node",      \
		"tunnel-sender")                                                                  \
	X(TUNNEL_MALFORMED, "tunnel header truncated, or a required bit is clear", "malformed")   \
	X(TUNNEL_CHECKSUM, "tunnel packet over IPv6 with a wrong UDP checksum", "malformed")      \
	X(TUNNEL_NESTED, "a tunnel packet inside of an IP-in-IP packet", "tunnel-nested")         \
	X(GENEVE_OPTION, "Geneve option that is critical and unknown, RFC 8926", "geneve-option") \
	X(TUNNEL_NETWORK_UNKNOWN, "VNI that no network of this node has", "tunnel-network")       \
	X(TUNNEL_ECN, "inner not ECN-capable but outer congestion-experienced, RFC 6040", "ecn")  \
	X(NEIGHBOR_UNRESOLVED, "next hop does not answer ARP", "neighbor")                        \
	X(NEIGHBOR_QUEUE_FULL, "too many packets wait for the next hop's ARP answer", "neighbor") \
	X(ROUTE_NONE, "no underlay route to the node", "underlay")                                \
	/* classify and forward */                                                                \
	X(VLAN_UNKNOWN, "VLAN that the port does not carry", "vlan")                              \
	X(PORT_UNBOUND, "access port that carries no endpoint", "unbound")                        \
	X(SPOOFED, "port or node, MAC and address do not agree with an endpoint", "spoofed")      \
	X(IDENTITY_MISMATCH, "tunnel packet that carries another identity than its sender's",     \
		"identity")                                                                       \
	X(MULTICAST, "broadcast or multicast that nothing here answers", "multicast")             \
	X(ARP_UNANSWERED, "ARP or neighbour solicitation for an address of no endpoint",          \
		"destination")                                                                    \
	X(DHCP_FOREIGN,                                                                           \
		"DHCP message from a MAC of no endpoint, or one that has no address to get",      \
		"dhcp")                                                                           \
	X(DHCP_MALFORMED, "DHCP message that no client sends, or that came through a relay",      \
		"dhcp")                                                                           \
	X(ANNOUNCE_RATE, "too many gratuitous ARPs or unsolicited advertisements", "announce")    \
	X(DESTINATION_UNKNOWN, "no endpoint or route of the network has the destination address", \
		"destination")                                                                    \
	X(DESTINATION_MAC, "destination MAC is not that of the destination's endpoint",           \
		"destination")                                                                    \
	X(DESTINATION_REMOTE, "tunnel packet for an endpoint that is not on this node", "loop")   \
	X(TTL_EXCEEDED, "TTL or hop limit fell to 0 at a gateway; the sender was told", "routes") \
	X(ROUTE_BLACKHOLE, "the network's route to the destination is a blackhole", "routes")     \
	X(GATEWAY_PROTOCOL, "packet to a gateway itself that is no plain ping", "routes")         \
	X(PORT_GONE, "the port the packet should leave by is gone, or being emptied", "port")     \
	X(PORT_DOWN, "the link of the port the packet should leave by is down", "port-state")     \
	X(PORT_MISSING, "the device of the port the packet should leave by is not there",         \
		"port-state")                                                                     \
	X(MTU_EXCEEDED, "larger than the way out carries; the sender was told", "mtu")            \
	X(HEADROOM, "no room in the buffer for the tunnel header", "internal")                    \
	/* the way out of a network */                                                            \
	X(NAT_EXHAUSTED, "no translated port is free for a connection to this destination",       \
		"nat-exhausted")                                                                  \
	X(NAT_UNKNOWN, "packet to a translated address that belongs to no connection from here",  \
		"outside")                                                                        \
	/* policy and flows */                                                                    \
	X(POLICY_INGRESS, "denied by an ingress policy or the network's ingress default",         \
		"policy")                                                                         \
	X(POLICY_EGRESS, "denied by an egress policy or the network's egress default", "policy")  \
	X(FLOW_DENY, "denied by a flow entry programmed over the socket", "policy")               \
	X(TCP_NO_CONNECTION, "TCP packet of a connection that is unknown here, or was reset",     \
		"no-connection")                                                                  \
	X(FLOW_TABLE_FULL, "the flow table is full", "capacity")                                  \
	X(FLOW_SHARE, "flow table is nearly full, and the opener has used its share",             \
		"flow-share")                                                                     \
	X(ICMP_UNRELATED, "ICMP error or reply that belongs to no connection known here",         \
		"policy")                                                                         \
	/* machine */                                                                             \
	X(TX_FULL, "the transmit queue of the output port is full", "transmit")                   \
	X(TX_NO_BUFFER, "no free buffer for what the output port takes only as a copy",           \
		"capacity")                                                                       \
	X(PORT_REFUSED, "the output port accepted it, but the device or peer then refused it",    \
		"refused")                                                                        \
	X(STALE, "its port, network, node or endpoint was removed while it waited", "stale")      \
	X(UPCALL_FULL, "the ring to the control thread is full", "capacity")

enum sl_drop {
	SL_KEEP = 0, /* not a drop: the packet is still on its way */
#define X(name, text, anchor) SL_DROP_##name,
	SL_DROP_LIST(X)
#undef X
		SL_DROP_COUNT,
	/* Verdicts that are not drops; pipelines/verdict/ describes what happens
	 * to such packets. */
	/* the burst no longer owns it: queued for transmit, handed up, or waiting */
	SL_SENT = 0xfe,
	SL_CONSUMED = 0xff, /* served here: counted as consumed and freed */
};

#endif
