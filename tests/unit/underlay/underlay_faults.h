/* SPDX-License-Identifier: BSD-3-Clause */
/* Underlay configurations that can never work, each with what sluice says of it. For
 * test_underlay_rules.c. */
#ifndef SL_TESTS_UNDERLAY_FAULTS_H
#define SL_TESTS_UNDERLAY_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#define UPLINK(more)                                                                     \
	"{\"name\":\"uplink\",\"role\":\"underlay\",\"devargs\":\"net_af_packet0,iface=" \
	"up0\"" more "}"
#define ADDRESSES(a) ",\"mtu\":1600,\"addresses\":[" a "]"
#define WEB                                                                            \
	"{\"name\":\"web\",\"role\":\"access\",\"devargs\":\"net_af_packet1,iface=sl-" \
	"web\"}"
#define UP_RIGHT      UPLINK(ADDRESSES("\"192.0.2.1/24\""))
#define NODE(name, a) "{\"name\":\"" name "\",\"address\":\"" a "\"}"
#define B	      NODE("b", "192.0.2.2")
#define ROUTE(p, v)   "{\"prefix\":\"" p "\",\"via\":\"" v "\"}"
#define TARGETS(t)    "{\"prefix\":\"198.51.100.0/24\",\"targets\":[" t "]}"
#define INTO(net, p, to) \
	"{\"network\":\"" net "\",\"prefix\":\"" p "\",\"targets\":[{\"network\":\"" to "\"}]}"
#define NEIGHBOR(a) "{\"port\":\"uplink\",\"address\":\"" a "\",\"mac\":\"02:00:00:00:0b:01\"}"
#define BLUE(more)  "{\"name\":\"blue\",\"vni\":100" more "}"
#define SELF(a)	    "{\"name\":\"a\",\"tunnel_addresses\":[" a "]}"
#define EP(name, where, ip)                                                                   \
	"{\"name\":\"" name "\",\"network\":\"blue\"," where ",\"mac\":\"02:00:00:00:00:05\"" \
	",\"addresses\":[\"" ip "\"]}"

#define POLICY(peers)                                                                         \
	"{\"name\":\"p\",\"network\":\"blue\",\"direction\":\"ingress\",\"action\":\"deny\"," \
	"\"subject\":{\"labels\":{\"a\":\"b\"}},\"peers\":" peers "}"

/* Sections that replace those of a configuration that works. NULL: that section stays. */
struct fault {
	const char *code; /* of the notice, from the state directory at least; NULL: none has it */
	bool refused;
	const char *word; /* in the message */
	const char *ports, *nodes, *routes, *neighbors, *networks, *node, *endpoints, *policies;
};

static const struct fault faults[] = {
	/* This node's own address. */
	{"node_own_address", true, "own", .nodes = "[" B "," NODE("me", "192.0.2.1") "]"},
	{"node_own_address", true, "own", .nodes = "[" NODE("b", "192.0.2.1") "]"},
	{"node_own_address", true, "own", .node = SELF("\"203.0.113.1\""),
		.nodes = "[" NODE("b", "203.0.113.1") "]"},
	{"node_own_address", true, "own",
		.ports = "[" UPLINK(ADDRESSES("\"192.0.2.1/24\",\"192.0.2.2/24\"")) "," WEB "]"},
	{"neighbor_own_address", true, "own", .neighbors = "[" NEIGHBOR("192.0.2.1") "]"},
	{"route_own_gateway", true, "own", .routes = "[" ROUTE("198.51.100.0/24", "192.0.2.1") "]"},
	{"route_own_gateway", true, "own", .node = SELF("\"203.0.113.1\""),
		.routes = "[" ROUTE("198.51.100.0/24", "203.0.113.1") "]"},
	{"node_own_name", false, "own name", .nodes = "[" B "," NODE("a", "192.0.2.3") "]"},
	{NULL, true, "192.0.2.2", .nodes = "[" B "," NODE("c", "192.0.2.2") "]"},
	{NULL, true, "192.0.2.1",
		.ports = "[" UP_RIGHT ",{\"name\":\"up1\",\"role\":\"underlay\",\"devargs\":"
			 "\"net_null7\",\"addresses\":[\"192.0.2.1/25\"]}," WEB "]"},
	/* IPv6: the node's only tunnel address is IPv4. */
	{"node_unreachable", false, "no tunnel address",
		.ports = "[" UPLINK(ADDRESSES("\"192.0.2.1/24\",\"2001:db8::1/64\"")) "," WEB "]",
		.nodes = "[" NODE("b", "2001:db8::2") "]"},
	{"route_own_gateway", true, "link-local",
		.routes = "[" ROUTE("2001:db8:1::/48", "fe80::1") "]"},
	{"route_own_gateway", true, "own",
		.routes = "[" TARGETS("{\"via\":\"192.0.2.3\"},{\"via\":\"192.0.2.1\"}") "]"},
	{"route_gateway", false, "192.168.0.1",
		.routes = "[" TARGETS("{\"via\":\"192.0.2.3\"},{\"via\":\"192.168.0.1\"}") "]"},
	{"neighbor_off_link", false, "2001:db8::2", .neighbors = "[" NEIGHBOR("2001:db8::2") "]"},
	{"tunnel_address", false, "outside", .node = SELF("\"192.0.2.1\",\"2001:db8::1\"")},
	/* Addresses that no port answers. */
	{"tunnel_address", false, "no port has it", .node = SELF("\"192.0.2.9\"")},
	{"tunnel_address", false, "outside", .node = SELF("\"198.51.100.1\"")},
	{"tunnel_address", false, "broadcast", .node = SELF("\"192.0.2.255\"")},
	{"port_no_address", false, "uplink", .ports = "[" UPLINK("") "," WEB "]"},
	{"no_tunnel_address", false, "db", .node = ""},
	/* Nothing leads there. */
	{"route_gateway", false, "192.168.0.1",
		.routes = "[" ROUTE("198.51.100.0/24", "192.168.0.1") "]"},
	{"route_gateway", false, "broadcast",
		.routes = "[" ROUTE("198.51.100.0/24", "192.0.2.255") "]"},
	{"route_gateway", false, "link",
		.ports = "[" UP_RIGHT ",{\"name\":\"up1\",\"role\":\"underlay\",\"devargs\":"
			 "\"net_null7\"}," WEB "]",
		.routes = "[{\"prefix\":\"198.51.100.0/24\",\"via\":\"192.0.2.9\",\"port\":"
			  "\"up1\"}]"},
	{"node_unreachable", false, "no route", .nodes = "[" NODE("b", "198.51.100.2") "]"},
	{"node_unreachable", false, "gateways", .nodes = "[" NODE("b", "198.51.100.2") "]",
		.routes = "[" ROUTE("198.51.100.0/24", "192.168.0.1") "]"},
	{"node_unreachable", false, "broadcast", .nodes = "[" NODE("b", "192.0.2.255") "]"},
	{"node_unreachable", false, "network", .nodes = "[" NODE("b", "192.0.2.0") "]"},
	{"neighbor_off_link", false, "198.51.100.2", .neighbors = "[" NEIGHBOR("198.51.100.2") "]"},
	{"neighbor_off_link", false, "broadcast", .neighbors = "[" NEIGHBOR("192.0.2.255") "]"},
	{"neighbor_own_mac", false, "our own port",
		.ports = "[" UPLINK(ADDRESSES("\"192.0.2.1/24\"") ",\"mac\":\"02:00:00:00:0b:"
								  "01\"") "," WEB "]",
		.neighbors = "[" NEIGHBOR("192.0.2.2") "]"},
	{"route_prefix", true, "host", .routes = "[" ROUTE("224.0.0.0/4", "192.0.2.2") "]"},
	{"route_prefix", true, "host", .routes = "[" ROUTE("127.0.0.0/8", "192.0.2.2") "]"},
	{"route_prefix", true, "host", .routes = "[" ROUTE("0.0.0.0/8", "192.0.2.2") "]"},
	{"route_prefix", true, "host", .routes = "[" ROUTE("255.255.255.255/32", "192.0.2.2") "]"},
	{"network_subnet", true, "host",
		.networks = "[" BLUE(",\"subnets\":[{\"prefix\":\"10.0.0.0/24\"},{\"prefix\":"
				     "\"ff00::/8\"}]") "]"},
	{"network_subnet", true, "two address families",
		.networks = "[" BLUE(",\"subnets\":[{\"prefix\":\"10.0.0.0/24\"},{\"prefix\":"
				     "\"::/0\",\"gateway\":\"10.1.0.1\"}]") "]"},
	{"subnet_family", true, "is in none of the subnets",
		.networks = "[" BLUE(",\"subnets\":[{\"prefix\":\"::/0\"}]") "]"},
	{"subnet_family", true, "is in none of the subnets",
		.networks = "[" BLUE(",\"subnets\":[{\"prefix\":\"10.0.0.4/31\"},"
				     "{\"prefix\":\"::/64\"}]") "]"},
	/* Routes of networks. */
	{"route_one_sided", false, "which has no route that names network \"blue\"",
		.networks = "[" BLUE("") ",{\"name\":\"red\",\"vni\":200}]",
		.routes = "[" INTO("blue", "10.8.0.0/16", "red") "]"},
	{"route_one_sided", false, "which has no route that names network \"blue\"",
		.networks = "[" BLUE(
			"") ",{\"name\":\"red\",\"vni\":200},{\"name\":\"tan\",\"vni\":300}]",
		.routes = "[" INTO("blue", "10.8.0.0/16", "red") "," INTO(
			"red", "10.9.0.0/16", "tan") "," INTO("tan", "10.7.0.0/16", "red") "]"},
	/* Policies. */
	{"policy_cidr", false, "peers[1] of policy \"p\" is for 10.9.0.0/16",
		.policies =
			"[" POLICY("[{\"cidr\":\"10.0.0.0/16\"},{\"cidr\":\"10.9.0.0/16\"}]") "]"},
	{"policy_cidr", false, "is for 10.9.0.0/16",
		.networks = "[" BLUE(",\"subnets\":[{\"prefix\":\"10.0.0.0/24\"}]") "]",
		.policies =
			"[" POLICY("[{\"cidr\":\"10.0.0.0/8\"},{\"cidr\":\"10.9.0.0/16\"}]") "]"},
	{"policy_cidr", false, "its networks have no subnet",
		.policies =
			"[{\"name\":\"p\",\"network\":\"*\",\"direction\":\"ingress\",\"action\":"
			"\"deny\",\"subject\":{\"labels\":{\"a\":\"b\"}},\"peers\":[{\"cidr\":"
			"\"192.0.2.0/24\"}]}]"},
	{"policy_cidr", false, "no route",
		.routes = "[{\"network\":\"blue\",\"prefix\":\"10.9.0.0/16\",\"blackhole\":true}]",
		.policies = "[" POLICY("[{\"cidr\":\"10.9.0.0/16\"}]") "]"},
	{"policy_world", false, "no way", .policies = "[" POLICY("[{\"entity\":\"world\"}]") "]"},
	/* Ways out. */
	{"outside_gateway", false, "no subnet with a gateway",
		.networks = "[" BLUE(",\"outside\":{\"via\":\"nat\"}") "]"},
	{"outside_address", false, "is translated",
		.networks = "[" BLUE(
			",\"outside\":{\"via\":\"nat\"},\"subnets\":[{\"prefix\":\"10.0.0.0/"
			"24\"},{\"prefix\":\"fd00::/64\",\"gateway\":\"fd00::1\"}]") "]"},
	/* Devices. */
	{"port_device", true, "interface up0",
		.ports = "[" UP_RIGHT ",{\"name\":\"web\",\"role\":\"access\",\"devargs\":"
			 "\"net_af_packet1,iface=up0\"}]"},
	{"port_device", true, "interface up0",
		.ports = "[" UP_RIGHT ",{\"name\":\"web\",\"role\":\"access\",\"devargs\":"
			 "\"net_af_xdp3,start_queue=1,iface=up0\"}]"},
	{"port_device", true, "device net_af_packet0",
		.ports = "[" UP_RIGHT ",{\"name\":\"web\",\"role\":\"access\",\"devargs\":"
			 "\"net_af_packet0,iface=web\"}]"},
	{"port_device", true, "device",
		.ports = "[" UP_RIGHT ",{\"name\":\"web\",\"role\":\"access\",\"devargs\":"
			 "\"0000:0A:00.0\"},{\"name\":\"w2\",\"role\":\"access\",\"devargs\":"
			 "\"pci:0a:00.0,x=1\"}]"},
	{"port_device", true, "memif",
		.ports = "[" UP_RIGHT ",{\"name\":\"web\",\"role\":\"access\",\"devargs\":"
			 "\"net_memif0,socket=/run/m,id=2\"},{\"name\":\"w2\",\"role\":\"access\","
			 "\"devargs\":\"net_memif1,id=2,socket=/run/m\"}]"},
#define ACCESS(name, devargs) \
	"{\"name\":\"" name "\",\"role\":\"access\",\"devargs\":\"" devargs "\"}"
#define DEVICES(a, b) .ports = "[" UP_RIGHT "," ACCESS("web", a) "," ACCESS("w2", b) "]"
	{"port_device", true, "memif socket and id /run/memif.sock, 0",
		DEVICES("net_memif0", "net_memif1")},
	{"port_device", true, "memif socket and id /run/m, 0",
		DEVICES("net_memif0,socket=/run/m", "net_memif1,id=0,socket=/run/m")},
	{"port_device", true, "interface e0",
		DEVICES("net_af_xdp0,iface=e0,start_queue=0", "net_af_xdp1,iface=e0")},
	{"port_device", true, "interface e0",
		DEVICES("net_af_xdp0,iface=e0,queue_count=3",
			"net_af_xdp1,iface=e0,start_queue=2")},
	{"port_device", true, "file /tmp/a.pcap",
		DEVICES("net_pcap0,tx_pcap=/tmp/a.pcap", "net_pcap1,tx_pcap=/tmp/a.pcap")},
	{"port_device", true, "file /tmp/a.pcap",
		DEVICES("net_pcap0,rx_pcap=/tmp/a.pcap", "net_pcap1,tx_pcap=/tmp/a.pcap")},
	{"port_device", true, "interface e0",
		DEVICES("net_tap0,iface=t0,remote=e0", "net_af_packet1,iface=e0")},
	{"port_device", true, "interface e0",
		DEVICES("net_pcap0,iface=e0", "vdev:net_af_packet1,iface=e0")},
	{"port_device", true, "on socket /run/v",
		DEVICES("net_vhost0,iface=/run/v", "net_vhost1,queues=2,iface=/run/v")},
	{"port_same_prefix", false, "prefix",
		.ports = "[" UP_RIGHT ",{\"name\":\"up1\",\"role\":\"underlay\",\"devargs\":"
			 "\"net_null7\",\"addresses\":[\"192.0.2.7/24\"]}," WEB "]"},
	/* Sizes. */
	{"node_mtu", true, "576",
		.nodes = "[{\"name\":\"b\",\"address\":\"192.0.2.2\",\"mtu\":100}]"},
	{"node_mtu", true, "575",
		.nodes = "[{\"name\":\"b\",\"address\":\"192.0.2.2\",\"mtu\":625}]"},
	{"port_mtu", true, "576",
		.ports = "[" UPLINK(",\"mtu\":100,\"addresses\":[\"192.0.2.1/24\"]") "," WEB "]"},
	{"network_mtu", false, "mtu 1600 of underlay port \"uplink\" less 50",
		.networks = "[" BLUE(",\"mtu\":1551") "]"},
	{"network_mtu", false, "mtu 1500 of node \"b\" less 50",
		.networks = "[" BLUE(",\"mtu\":1451") "]",
		.nodes = "[{\"name\":\"b\",\"address\":\"192.0.2.2\",\"mtu\":1500}]"},
	{"network_mtu_ipv6", false, "1280 bytes pass", .networks = "[" BLUE(",\"mtu\":1200") "]",
		.endpoints = "[" EP("web", "\"port\":\"web\"", "fd00::5") "]"},
	/* The way is too narrow for IPv6, whatever the network says. */
	{"network_mtu_ipv6", false, "1279 bytes fit the way to node \"b\"",
		.nodes = "[{\"name\":\"b\",\"address\":\"192.0.2.2\",\"mtu\":1329}]",
		.endpoints = "[" EP("db", "\"node\":\"b\"", "fd00::6") "]"},
	{"network_mtu_ipv6", false, "1279 bytes fit the way to port \"web\"",
		.ports = "[" UP_RIGHT ",{\"name\":\"web\",\"role\":\"access\",\"devargs\":\"net_"
			 "null1\",\"mtu\":1279}]",
		.endpoints = "[" EP("web", "\"port\":\"web\"", "fd00::5") "]"},
	/* Prefixes of two families. */
	{NULL, true, "two address families",
		.policies = "[{\"name\":\"p\",\"network\":\"*\",\"direction\":\"ingress\","
			    "\"subject\":{\"labels\":{"
			    "\"a\":\"b\"}},\"action\":\"allow\",\"peers\":[{\"cidr\":\"::/"
			    "0\",\"except\":[\"10.0.0.0/8\"]}]}]"},
	/* Policies refer to networks as endpoints do. */
	{"network_mtu_ipv6", false, "1280", .networks = "[" BLUE(",\"mtu\":1279") "]",
		.policies = "[{\"name\":\"p\",\"network\":\"blue\",\"direction\":\"egress\","
			    "\"subject\":{\"labels\":{\"a\":\"b\"}},\"action\":\"deny\"}]",
		.endpoints = "[" EP("web", "\"port\":\"web\"", "fd00::5") "]"},
};
#define N_FAULTS (sizeof(faults) / sizeof(faults[0]))

#endif
