/* SPDX-License-Identifier: BSD-3-Clause */
/* The drop sample of every reason, in the words of drops.recent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dp/worker/counters.h"
#include "drop_scene.h"

/* The expected text of its sample, with every field. A reason without a line fails. */
static const char *const lines[SL_DROP_COUNT] = {
	[SL_DROP_ETH_TRUNCATED] =
		"port=web from=web network=blue macs=02:00:00:00:00:05 to=02:00:00:00:00:06 "
		"type=0 length=13 =the frame has 13 bytes",
	[SL_DROP_ETH_TYPE_UNKNOWN] =
		"port=web from=web network=blue macs=02:00:00:00:00:05 to=02:00:00:00:00:06 "
		"type=35020 length=64 =EtherType 0x88cc",
	[SL_DROP_ETH_VLAN_DEPTH] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=54 =3 VLAN tags, the first with VLAN 5",
	[SL_DROP_ETH_VLAN_UNEXPECTED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=46 =1 VLAN tag, the first with VLAN 5",
	[SL_DROP_VLAN_UNKNOWN] =
		"port=web from=web macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 "
		"ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 to=53 length=46 =1 VLAN tag, the "
		"first with VLAN 5",
	[SL_DROP_IP4_TRUNCATED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=92 =version 4, header length 20, total length 128; 78 bytes behind "
		"Ethernet",
	[SL_DROP_IP4_MALFORMED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 length=142 "
		"=version 4, header length 16, total length 128; 128 bytes behind Ethernet",
	[SL_DROP_IP4_CHECKSUM] =
		"port=uplink from=far network=blue receiver=db-1 vni=100 outer=192.0.2.2 "
		"to=192.0.2.1 macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=102 =outer header: it has 0xf791, "
		"0xf691 is right",
	[SL_DROP_IP6_TRUNCATED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=34525 ip=fd00::5 to=fd00::6 proto=17 ports=40000 to=53 "
		"length=112 =version 6, payload length 108, next header 17; 98 bytes behind "
		"Ethernet",
	[SL_DROP_IP6_MALFORMED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=34525 ip=fd00::5 to=fd00::6 proto=17 ports=40000 to=53 "
		"length=162 =version 5, payload length 108, next header 17; 148 bytes behind "
		"Ethernet",
	[SL_DROP_IP6_EXT_CHAIN] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=34525 ip=fd00::5 to=fd00::6 proto=60 length=158 "
		"=version 6, payload length 104, next header 60; 144 bytes behind Ethernet",
	[SL_DROP_IP_TTL] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=52 =TTL 0",
	[SL_DROP_IP_SOURCE_ROUTE] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=50 =IPv4 options in a header of 28 bytes, the first of type 131",
	[SL_DROP_IP_ADDRESS] =
		"port=web from=web network=blue receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=127.0.0.1 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=42 =from 127.0.0.1 to 10.0.0.6",
	[SL_DROP_L4_TRUNCATED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=6 ports=1 to=515 "
		"length=46 =protocol 6 in an IP packet of 32 bytes",
	[SL_DROP_L4_MALFORMED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=52 =UDP length 7, destination port 53",
	[SL_DROP_TCP_FLAGS] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=6 ports=40000 to=80 "
		"length=54 =TCP flags: FIN SYN",
	[SL_DROP_ICMP_ROUTER] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=1 ports=1281 to=0 "
		"length=70 =ICMP type 5, code 1",
	[SL_DROP_ARP_MALFORMED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=ff:ff:ff:ff:ff:ff type=2054 ip=10.0.0.5 to=10.0.0.6 length=42 =hardware type "
		"1, protocol 0x0800, address lengths 7 and 4, operation 1",
	[SL_DROP_ND_MALFORMED] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=33:33:ff:00:00:06 type=34525 ip=fd00::5 to=ff02::1:ff00:6 proto=58 "
		"ports=34560 to=0 length=86 =ICMPv6 type 135, code 0, hop limit 64",
	[SL_DROP_FRAGMENT_OVERLAP] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=6 length=98 "
		"=identification 77, offset 8, the last one",
	[SL_DROP_FRAGMENT_UNKNOWN] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 length=98 "
		"=identification 77, offset 800, the last one",
	[SL_DROP_OFFLOAD_MALFORMED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=142 =described as: UDP checksum to finish, transport header at byte "
		"34, TCP segments of 50 bytes",
	[SL_DROP_UNDERLAY_NOT_LOCAL] =
		"port=uplink from=far outer=192.0.2.2 to=192.0.2.99 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:0a:01 type=2048 ip=192.0.2.2 to=192.0.2.99 proto=17 ports=40000 "
		"to=4789 length=102 =to MAC 02:00:00:00:0a:01, address 192.0.2.99",
	[SL_DROP_UNDERLAY_PROTOCOL] =
		"port=uplink from=uplink macs=02:00:00:00:00:05 to=02:00:00:00:0a:01 type=2048 "
		"ip=192.0.2.2 to=192.0.2.1 proto=17 ports=40000 to=53 length=102 =protocol 17 to "
		"port 53",
	[SL_DROP_TUNNEL_ERROR] =
		"port=uplink from=uplink macs=02:00:00:00:0b:01 to=02:00:00:00:0a:01 type=2048 "
		"ip=192.0.2.2 to=192.0.2.1 proto=1 ports=771 to=0 length=70 =ICMP type 3, code 3, "
		"about a tunnel packet to 192.0.2.2",
	[SL_DROP_ANNOUNCE_RATE] =
		"port=web from=web network=blue sender=web-1 receiver=web-1 macs=02:00:00:00:00:05 "
		"to=ff:ff:ff:ff:ff:ff type=2054 ip=10.0.0.5 to=10.0.0.5 length=42 =port web "
		"announces more often than is passed on",
	[SL_DROP_UNDERLAY_SENDER] =
		"port=uplink from=uplink macs=ff:ff:ff:ff:ff:ff to=02:00:00:00:0a:01 type=2048 "
		"ip=192.0.2.2 to=192.0.2.1 proto=1 ports=0 to=2048 length=42 =from MAC "
		"ff:ff:ff:ff:ff:ff, address 192.0.2.2",
	[SL_DROP_TUNNEL_FRAGMENT] =
		"port=uplink from=far outer=192.0.2.2 to=192.0.2.1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:0a:01 type=2048 ip=192.0.2.2 to=192.0.2.1 proto=17 ports=40000 "
		"to=4789 length=106 =identification 0, offset 0, more follow",
	[SL_DROP_TUNNEL_SENDER_UNKNOWN] =
		"port=uplink from=uplink network=blue receiver=db-1 vni=100 outer=192.0.2.3 "
		"to=192.0.2.1 macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=102 =no node has the address "
		"192.0.2.3",
	[SL_DROP_TUNNEL_MALFORMED] =
		"port=uplink from=far outer=192.0.2.2 to=192.0.2.1 macs=02:00:00:00:0b:01 "
		"to=02:00:00:00:0a:01 type=2048 ip=192.0.2.2 to=192.0.2.1 proto=17 ports=50000 "
		"to=4789 length=102 =VXLAN flags 0x00, 60 bytes from the VXLAN header on",
	[SL_DROP_TUNNEL_NETWORK_UNKNOWN] =
		"port=uplink from=far vni=101 outer=192.0.2.2 to=192.0.2.1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=52 =no network of this node has VNI 101",
	[SL_DROP_TUNNEL_CHECKSUM] =
		"port=uplink from=far network=blue receiver=db-1 vni=100 outer=2001:db8::2 "
		"to=2001:db8::1 macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=122 =from 2001:db8::2",
	[SL_DROP_TUNNEL_NESTED] =
		"port=uplink from=far network=blue receiver=db-1 type=2048 ip=10.0.0.5 to=10.0.0.6 "
		"proto=4 length=52 =the inner packet has protocol 4",
	[SL_DROP_GENEVE_OPTION] =
		"port=uplink from=far network=blue receiver=db-1 vni=100 outer=192.0.2.2 "
		"to=192.0.2.1 macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=52 =Geneve version 0, flags 0x00, 8 "
		"bytes of options, protocol 0x6558, 68 bytes from the Geneve header on, critical "
		"option of class 0xff01, type 0x81",
	[SL_DROP_IDENTITY_MISMATCH] =
		"port=uplink from=far network=blue sender=far-1 receiver=web-1 vni=100 "
		"outer=192.0.2.2 to=192.0.2.1 macs=02:00:00:00:00:07 to=02:00:00:00:00:05 "
		"type=2048 ip=10.0.0.7 to=10.0.0.5 proto=17 ports=40000 to=53 length=52 =a packet "
		"of node far carries identity 1002; endpoint far-1 has 1003 here",
	[SL_DROP_TUNNEL_ECN] =
		"port=uplink from=far network=blue receiver=db-1 vni=100 outer=192.0.2.2 "
		"to=192.0.2.1 macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=52 =outer ECN 3, inner ECN 0",
	[SL_DROP_NEIGHBOR_UNRESOLVED] =
		"out=uplink network=blue sender=web-1 receiver=far-1 vni=100 outer=192.0.2.1 "
		"to=192.0.2.2 macs=02:00:00:00:00:05 to=02:00:00:00:00:07 type=2048 ip=10.0.0.5 "
		"to=10.0.0.7 proto=17 ports=40000 to=53 length=92 =on the way to node far by port "
		"uplink",
	[SL_DROP_NEIGHBOR_QUEUE_FULL] =
		"out=uplink network=blue sender=web-1 receiver=far-1 vni=100 outer=192.0.2.1 "
		"to=192.0.2.2 macs=02:00:00:00:00:05 to=02:00:00:00:00:07 type=2048 ip=10.0.0.5 "
		"to=10.0.0.7 proto=17 ports=40000 to=53 length=92 =on the way to node far by port "
		"uplink",
	[SL_DROP_ROUTE_NONE] =
		"port=web from=web network=blue sender=web-1 receiver=far-1 "
		"macs=02:00:00:00:00:05 to=02:00:00:00:00:07 type=2048 ip=10.0.0.5 to=10.0.0.7 "
		"proto=17 ports=40000 to=53 length=52 =on the way to endpoint far-1 at node far",
	[SL_DROP_PORT_UNBOUND] =
		"port=unbound from=unbound macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 "
		"ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 to=53 length=52 =port unbound "
		"carries no endpoint",
	[SL_DROP_SPOOFED] =
		"port=db from=db network=blue receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=52 =port: it came by port db, 10.0.0.5 belongs to endpoint web-1 at "
		"port web",
	[SL_DROP_MULTICAST] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=01:00:5e:00:00:fb type=2048 ip=10.0.0.5 to=224.0.0.251 proto=17 ports=40000 "
		"to=5353 length=42 =to MAC 01:00:5e:00:00:fb, address 224.0.0.251",
	[SL_DROP_FLOOD_RATE] = "port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
			       "to=ff:ff:ff:ff:ff:ff type=2048 ip=10.0.0.5 to=255.255.255.255 "
			       "proto=17 ports=40000 "
			       "to=53 length=42",
	[SL_DROP_DHCP_FOREIGN] =
		"port=web from=web network=blue macs=02:00:00:00:00:77 to=ff:ff:ff:ff:ff:ff "
		"type=2048 ip=0.0.0.0 to=255.255.255.255 proto=17 ports=68 to=67 length=286 =no "
		"endpoint at port web in network blue has MAC 02:00:00:00:00:77",
	[SL_DROP_DHCP_MALFORMED] =
		"port=web from=web network=blue macs=02:00:00:00:00:05 to=ff:ff:ff:ff:ff:ff "
		"type=2048 ip=0.0.0.0 to=255.255.255.255 proto=17 ports=68 to=67 length=286 "
		"=through the relay 1.0.0.0",
	[SL_DROP_ARP_UNANSWERED] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=ff:ff:ff:ff:ff:ff type=2054 ip=10.0.0.5 to=10.0.0.99 length=42 =asks for "
		"10.0.0.99, which no endpoint of network blue has",
	[SL_DROP_DESTINATION_UNKNOWN] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.99 proto=17 ports=40000 "
		"to=53 length=42 =no endpoint of network blue has 10.0.0.99",
	[SL_DROP_TTL_EXCEEDED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:5e:00:02:01 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=42 =a gateway of network blue has no hop left for it",
	[SL_DROP_ROUTE_BLACKHOLE] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=02:00:5e:00:02:01 type=2048 ip=10.0.0.5 to=10.66.0.1 proto=17 ports=40000 "
		"to=53 length=42 =route 10.66.0.0/16 of network blue is a blackhole",
	[SL_DROP_NAT_EXHAUSTED] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=02:00:5e:00:02:01 type=2048 ip=10.0.0.5 to=203.0.113.7 proto=17 ports=40000 "
		"to=53 length=42 =network blue has no translated port left for 203.0.113.7",
	[SL_DROP_NAT_HAIRPIN] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=02:00:5e:00:02:01 type=2048 ip=10.0.0.5 to=192.0.2.1 proto=17 ports=40000 "
		"to=53 length=42 =192.0.2.1 is this node's, and network blue leaves it by "
		"translation only",
	[SL_DROP_NAT_UNKNOWN] =
		"port=uplink from=uplink macs=02:00:00:00:0b:01 to=02:00:00:00:0a:01 type=2048 "
		"ip=203.0.113.7 to=192.0.2.9 proto=17 ports=40000 to=53 length=42 =protocol 17 to "
		"port 53",
	[SL_DROP_NAT_TUNNEL] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=02:00:5e:00:02:01 type=2048 ip=10.0.0.5 to=192.0.2.2 proto=17 ports=40000 "
		"to=53 length=42 =192.0.2.2 is a node, which takes protocol 17 from here for a "
		"tunnel packet",
	[SL_DROP_GATEWAY_PROTOCOL] =
		"port=web from=web network=blue sender=web-1 macs=02:00:00:00:00:05 "
		"to=02:00:5e:00:02:01 type=2048 ip=10.0.0.5 to=10.0.0.1 proto=17 ports=40000 "
		"to=53 length=42 =10.0.0.1 is a gateway of network blue, and answers ping only",
	[SL_DROP_DESTINATION_MAC] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:07 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=42 =to MAC 02:00:00:00:00:07; endpoint db-1, which has 10.0.0.6, "
		"has MAC 02:00:00:00:00:06",
	[SL_DROP_DESTINATION_REMOTE] =
		"port=uplink from=far network=blue sender=far-1 receiver=far-1 vni=100 "
		"outer=192.0.2.2 to=192.0.2.1 macs=02:00:00:00:00:07 to=02:00:00:00:00:07 "
		"type=2048 ip=10.0.0.7 to=10.0.0.7 proto=17 ports=40000 to=53 length=42 =node far "
		"sent it here; endpoint far-1 is at node far",
	[SL_DROP_PORT_GONE] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=52 =on the way to endpoint db-1 at port db",
	[SL_DROP_MTU_EXCEEDED] =
		"port=web from=web network=blue sender=web-1 receiver=far-1 "
		"macs=02:00:00:00:00:05 to=02:00:00:00:00:07 type=2048 ip=10.0.0.5 to=10.0.0.7 "
		"proto=17 ports=40000 to=53 length=1642 =IP packet of 1628 bytes, 1550 fit on the "
		"way to endpoint far-1 at node far",
	[SL_DROP_HEADROOM] =
		"port=web from=web network=blue sender=web-1 receiver=far-1 "
		"macs=02:00:00:00:00:05 to=02:00:00:00:00:07 type=2048 ip=10.0.0.5 to=10.0.0.7 "
		"proto=17 ports=40000 to=53 length=52 =on the way to endpoint far-1 at node far",
	[SL_DROP_POLICY_INGRESS] =
		"port=web from=web network=blue policy=default sender=web-1 receiver=db-1 "
		"macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 "
		"proto=17 ports=40000 to=53 length=52 =no ingress policy matched, and the ingress "
		"default of network blue is deny",
	[SL_DROP_POLICY_EGRESS] =
		"port=web from=web network=blue policy=default sender=web-1 receiver=db-1 "
		"macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 "
		"proto=17 ports=40000 to=53 length=52 =no egress policy matched, and the egress "
		"default of network blue is deny",
	[SL_DROP_FLOW_DENY] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=40000 "
		"to=53 length=52 =an entry that flows.add put there",
	[SL_DROP_TCP_NO_CONNECTION] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=6 ports=40000 to=80 "
		"length=64 =TCP flags: ACK",
	[SL_DROP_FLOW_TABLE_FULL] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=2049 to=53 "
		"length=42 =a new connection of endpoint web-1",
	[SL_DROP_FLOW_SHARE] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=17 ports=1537 to=53 "
		"length=42 =a new connection of endpoint web-1",
	[SL_DROP_ICMP_UNRELATED] =
		"port=web from=web network=blue sender=web-1 receiver=db-1 macs=02:00:00:00:00:05 "
		"to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 to=10.0.0.6 proto=1 ports=2048 to=5 "
		"length=98 =ICMP type 0, code 0",
	[SL_DROP_TX_FULL] =
		"out=uplink macs=02:00:00:00:0a:01 to=ff:ff:ff:ff:ff:ff type=2054 ip=192.0.2.1 "
		"to=192.0.2.2 length=42 =by port uplink",
	[SL_DROP_PORT_DOWN] =
		"out=db macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=52 =by port db",
	[SL_DROP_PORT_MISSING] =
		"out=db macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=52 =by port db",
	[SL_DROP_TX_NO_BUFFER] =
		"out=db macs=02:00:00:00:00:05 to=02:00:00:00:00:06 type=2048 ip=10.0.0.5 "
		"to=10.0.0.6 proto=17 ports=40000 to=53 length=52 =by port db",
	[SL_DROP_PORT_REFUSED] = "out=db type=0 length=0 =2 packets that waited in the device of "
				 "port db; what was in them "
				 "is not known",
	[SL_DROP_STALE] =
		"out=uplink network=blue sender=web-1 receiver=far-1 vni=100 outer=192.0.2.1 "
		"to=192.0.2.2 macs=02:00:00:00:00:05 to=02:00:00:00:00:07 type=2048 ip=10.0.0.5 "
		"to=10.0.0.7 proto=17 ports=40000 to=53 length=92 =on the way to node far by port "
		"uplink",
	[SL_DROP_UPCALL_FULL] =
		"port=web from=web network=blue sender=web-1 receiver=far-1 vni=100 "
		"outer=192.0.2.1 to=192.0.2.2 macs=02:00:00:00:00:05 to=02:00:00:00:00:07 "
		"type=2048 ip=10.0.0.5 to=10.0.0.7 proto=17 ports=40000 to=53 length=102 =on the "
		"way to node far",
};

bool sl_scene_is_told(struct scene *s, enum sl_drop reason)
{
	const char *line = sl_scene_told(s, reason);

	if (line != NULL && lines[reason] != NULL && strcmp(line, lines[reason]) == 0)
		return true;
	print_error("%s: told as\n  %s\nwanted\n  %s\n", sl_drop_name(reason),
		line != NULL ? line : "nothing", lines[reason] != NULL ? lines[reason] : "no line");
	return false;
}
