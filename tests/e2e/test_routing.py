# SPDX-License-Identifier: BSD-3-Clause
"""Gateways, routes between subnets and networks, and what their senders are told."""
import re
import socket
import threading

from lab.expect import expect, expect_equal, test
from lab.net import link
from lab.routing import GATEWAY_MAC, RoutingSite, crossing, route
from lab.traffic import Iperf, expect_no_ping, expect_no_tcp, expect_ping, expect_tcp, expect_udp

DENY = {"ingress": "deny", "egress": "allow"}


def hops(source, address, *options):
    """The addresses that traceroute shows, in order."""
    family = "-6" if ":" in address else "-4"
    text = source.ns.run("traceroute", family, "-n", "-q", "1", "-w", "2", "-m", "5", *options, address)
    return [m[1] for m in re.finditer(r"^ *\d+ +(\S+)", text, re.MULTILINE)]


def ping_text(source, address, *options):
    """All that ping says of one packet."""
    done = source.ns.popen("ping", "-n", "-c", "1", "-W", "1", *options, address, stdout=-1, stderr=-2, text=True)
    return done.communicate()[0]


@test
def a_gateway_answers_arp_neighbour_discovery_and_ping_on_every_node(lab):
    site = RoutingSite(lab, ("a1", "b1"))
    for w in (site.a1, site.b1):
        expect_ping(w, w.gateway)
        expect_ping(w, w.gateway6)
        expect_ping(w, w.gateway, 2, "-s", "1400")
        for address in (w.gateway, w.gateway6):
            neighbour = w.ns.run("ip", "neigh", "show", address)
            expect(GATEWAY_MAC in neighbour, f"{w.name} knows its gateway as: {neighbour}")
    # RFC 4861: a router says that it is one.
    expect("router" in site.a1.ns.run("ip", "-6", "neigh", "show", site.a1.gateway6), "the gateway is no router")


@test
def subnets_of_one_node_are_routed_in_both_families(lab):
    site = RoutingSite(lab, ("a1", "a2"))
    reach(site.a1, site.a2)
    expect_equal(site.a.call("nodes.paths")[0]["tx_packets"], 0, "tunnel packets")


@test
def subnets_of_two_nodes_are_routed_in_both_families(lab):
    site = RoutingSite(lab, ("a1", "a2", "b1", "b2"))
    for source in (site.a1, site.a2):
        reach(source, site.b2)
    reach(site.b2, site.a1)
    reach(site.a1, site.b1)  # one subnet: switched
    Iperf(site.a1, site.b2).expect_tcp()
    Iperf(site.b2, site.a2, "-u", "-b", "10M", "-l", "1200").expect_udp()
    for daemon in (site.a, site.b):
        expect_equal(daemon.drop("spoofed"), 0, f"spoofed packets at {daemon.name}")


def reach(source, other):
    for address in (other.ip, other.ip6):
        expect_ping(source, address)
    expect_tcp(source, other)
    expect_udp(source, other)


@test
def a_gateway_lowers_the_ttl_once_and_traceroute_shows_it(lab):
    site = RoutingSite(lab, ("a1", "a2", "b2"))
    for other in (site.a2, site.b2):
        expect("ttl=63" in ping_text(site.a1, other.ip), "the TTL did not fall by one")
        expect("ttl=63" in ping_text(site.a1, other.ip6), "the hop limit did not fall by one")
        for options in ((), ("-I",), ("-T", "-p", "80")):
            expect_equal(hops(site.a1, other.ip, *options), [site.a1.gateway, other.ip], f"hops {options}")
            expect_equal(hops(site.a1, other.ip6, *options), [site.a1.gateway6, other.ip6], f"hops {options}")
    expect_equal(hops(site.a1, site.a1.gateway), [site.a1.gateway], "hops to the gateway")
    expect(site.a.drop("ttl_exceeded") >= 12, "TTLs that fell to 0 were not counted")


@test
def a_ttl_of_one_of_a_known_connection_is_answered(lab):
    site = RoutingSite(lab, ("a1", "b2"))
    expect_ping(site.a1, site.b2.ip)
    text = ping_text(site.a1, site.b2.ip, "-t", "1")
    expect("Time to live exceeded" in text and site.a1.gateway in text, text)
    text = ping_text(site.a1, site.b2.ip6, "-t", "1")
    expect("Time exceeded" in text and site.a1.gateway6 in text, text)


@test
def tracepath_shows_the_gateway_and_the_mtu(lab):
    site = RoutingSite(lab, ("a1", "b2"), mtu=1400)
    for address, gateway in ((site.b2.ip, site.a1.gateway), (site.b2.ip6, site.a1.gateway6)):
        text = site.a1.ns.run("tracepath", "-n", "-m", "4", address)
        expect(gateway in text and "pmtu 1400" in text and "reached" in text, text)


@test
def an_address_without_endpoint_or_route_is_unreachable(lab):
    site = RoutingSite(lab, ("a1", "a2"))
    for address, word in (("10.0.2.99", "Destination Host Unreachable"), ("10.77.0.1", "Destination Net Unreachable"),
                          ("fd00:2::99", "Address unreachable"), ("fd77::1", "No route")):
        text = ping_text(site.a1, address)
        expect(word in text, f"{address}: {text}")
    expect(site.a.drop("destination_unknown") >= 4, "not counted")


@test
def a_blackhole_swallows_what_no_longer_prefix_takes(lab):
    site = RoutingSite(lab, ("a1", "a2"), [route("blue", "10.0.0.0/8", blackhole=True),
                                           route("blue", "fd00::/8", blackhole=True)])
    expect_ping(site.a1, site.a2.ip)
    for address in ("10.77.0.1", "fd77::1"):
        text = ping_text(site.a1, address)
        expect("Unreachable" not in text and "100% packet loss" in text, text)
    site.a.wait_drop("route_blackhole")


@test
def a_prefix_behind_an_endpoint_is_reached_through_it_from_both_nodes(lab):
    routes = [route("blue", "10.50.0.0/16", {"endpoint": "a2"}), route("blue", "fd50::/64", {"endpoint": "a2"})]
    site = RoutingSite(lab, ("a1", "a2", "b1"), routes)
    site.a2.ns.run("ip", "addr", "add", "10.50.0.1/32", "dev", "lo")
    site.a2.ns.run("ip", "addr", "add", "fd50::1/128", "dev", "lo", "nodad")
    for source in (site.a1, site.b1):
        expect_ping(source, "10.50.0.1")
        expect_ping(source, "fd50::1")
    # Nobody else may use these addresses.
    site.b1.ns.run("ip", "addr", "add", "10.50.0.9/32", "dev", "eth0")
    expect("100% packet loss" in ping_text(site.b1, site.a1.ip, "-I", "10.50.0.9"), "a stolen address was let through")
    site.b.wait_drop("spoofed")
    site.everywhere("routes.del", {"network": "blue", "prefix": "10.50.0.0/16"})
    expect_no_ping(site.a1, "10.50.0.1")
    expect_ping(site.a1, "fd50::1")


@test
def two_networks_meet_only_where_both_have_a_route(lab):
    site = RoutingSite(lab)
    one_way = route("blue", "10.0.9.0/24", {"network": "red"})
    expect_no_ping(site.a1, site.r1.ip)
    site.everywhere("routes.add", one_way)
    expect_no_ping(site.a1, site.r1.ip)
    site.everywhere("routes.del", {"network": "blue", "prefix": "10.0.9.0/24"})
    for r in crossing():
        site.everywhere("routes.add", r)
    for red in (site.r1, site.r2):
        reach(site.a1, red)
        reach(red, site.b2)
    reach(site.a1, site.b2)
    Iperf(site.a1, site.r1).expect_tcp()
    expect_equal(hops(site.a1, site.r2.ip), [site.a1.gateway, site.r2.ip], "hops into red")
    site.everywhere("routes.del", {"network": "red", "prefix": "10.0.0.0/21"})
    expect_no_ping(site.a1, site.r1.ip)
    expect_no_ping(site.r2, site.a1.ip)
    expect_ping(site.a1, site.r1.ip6)


def policy(name, network, direction, subject, peer, action, **more):
    return {"name": name, "network": network, "direction": direction, "subject": {"labels": {"app": subject}},
            "peers": [peer], "action": action, **more}


@test
def policy_allows_and_denies_what_is_routed(lab):
    site = RoutingSite(lab, ("a1", "a2", "b2", "r1"), crossing(), policy_default=DENY)
    for other in (site.a2, site.b2, site.r1):
        expect_no_ping(site.a1, other.ip)
        expect_no_tcp(site.a1, other)
        site.everywhere("policies.add", policy(f"to-{other.name}", other.network, "ingress", other.name,
                                               {"labels": {"app": "a1"}}, "allow"))
        reach(site.a1, other)
        site.everywhere("policies.add", policy("stop", "blue", "egress", "a1", {"cidr": f"{other.ip}/32"}, "deny"))
        expect_no_ping(site.a1, other.ip)
        expect_ping(site.a1, other.ip6)
        site.everywhere("policies.del", {"name": "stop"})
    expect(site.a.drop("policy_ingress") > 0 and site.b.drop("policy_ingress") > 0, "denied nowhere")


@test
def a_network_that_rejects_tells_senders(lab):
    site = RoutingSite(lab, ("a1", "a2", "b2"), policy_default=DENY, reject=True)
    for other in (site.a2, site.b2):
        expect("Packet filtered" in ping_text(site.a1, other.ip), "ping of a denied address was not answered")
        expect("prohibited" in ping_text(site.a1, other.ip6), "ping of a denied address was not answered")
        for address in (other.ip, other.ip6):
            expect(is_refused(site.a1, address), f"TCP to {address} was not reset")


def is_refused(source, address):
    """Does connecting fail at once, by a reset?"""
    done = source.ns.popen("bash", "-c", f"timeout 2 bash -c '</dev/tcp/{address}/81'", stdout=-1, stderr=-2, text=True)
    text = done.communicate()[0]
    return "Connection refused" in text


@test
def a_policy_that_rejects_does_so_and_no_other_does(lab):
    site = RoutingSite(lab, ("a1", "a2"))
    site.a.call("policies.add", policy("quiet", "blue", "egress", "a1", {"cidr": "10.0.2.0/24"}, "deny", priority=9,
                                       ports=[{"protocol": "tcp", "port": 82}]))
    site.a.call("policies.add", policy("loud", "blue", "egress", "a1", {"cidr": "10.0.2.0/24"}, "deny", reject=True,
                                       ports=[{"protocol": "tcp", "port": 81}, {"protocol": "icmp"}]))
    expect("Packet filtered" in ping_text(site.a1, site.a2.ip), "ping was not answered")
    expect(is_refused(site.a1, site.a2.ip), "TCP was not reset")
    expect_no_tcp(site.a1, site.a2, 82)
    site.a.call("policies.set", policy("loud", "blue", "egress", "a1", {"cidr": "10.0.2.0/24"}, "deny",
                                       ports=[{"protocol": "tcp", "port": 81}, {"protocol": "icmp"}]))
    expect("100% packet loss" in ping_text(site.a1, site.a2.ip), "ping was let through")
    expect("filtered" not in ping_text(site.a1, site.a2.ip), "ping was answered")


@test
def connections_are_shared_by_weight_and_stay_when_targets_change(lab):
    both = [{"endpoint": "a2", "weight": 3}, {"endpoint": "b2"}]
    site = RoutingSite(lab, ("a1", "a2", "b2"), [route("blue", "10.50.0.1/32", *both)])
    for w in (site.a2, site.b2):
        w.ns.run("ip", "addr", "add", "10.50.0.1/32", "dev", "lo")
    servers = {w.name: udp_server(w) for w in (site.a2, site.b2)}
    clients = [udp_client(site.a1) for _ in range(200)]
    expect(ask(clients[0]) in servers, "no answer at all")
    first = [ask(c) for c in clients]
    expect(None not in first, f"{first.count(None)} of 200 connections got no answer")
    expect(110 <= first.count("a2") <= 180, f"a2, with three of four parts, got {first.count('a2')} of 200")
    site.everywhere("routes.set", route("blue", "10.50.0.1/32", *both, {"endpoint": "a1"}))
    site.everywhere("routes.set", route("blue", "10.50.0.1/32", {"endpoint": "b2", "weight": 9}, {"endpoint": "a2"}))
    expect_equal([ask(c) for c in clients], first, "where connections are after the change")
    site.everywhere("routes.set", route("blue", "10.50.0.1/32", {"endpoint": "b2"}))
    expect_equal([ask(c) for c in clients], ["b2"] * 200, "where connections are without a2")
    for s in servers.values():
        s.close()


def udp_server(w):
    """A thread that answers each packet with the workload's name."""
    s = w.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.50.0.1", 7777))

    def serve():
        try:
            while True:
                _, peer = s.recvfrom(100)
                s.sendto(w.name.encode(), peer)
        except OSError:
            pass
    threading.Thread(target=serve, daemon=True).start()
    return s


def udp_client(w):
    s = w.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("10.50.0.1", 7777))
    s.settimeout(0.5)
    return s


def ask(s):
    for _ in range(2):
        s.send(b"who")
        try:
            return s.recv(100).decode()
        except OSError:
            continue
    return None


@test
def a_host_behind_a_host_endpoint_is_the_world_for_policy(lab):
    site = RoutingSite(lab, ("a1", "b1"))
    node = site.nodes["a"]
    outside = lab.namespace("rt-out")
    link(node, "out0", outside, "eth0")
    node.run("ip", "addr", "add", "203.0.113.1/24", "dev", "out0")
    outside.run("ip", "addr", "add", "203.0.113.9/24", "dev", "eth0")
    outside.run("ip", "route", "add", "default", "via", "203.0.113.1")
    node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    host = {"name": "host-a", "network": "blue", "mac": "02:00:00:00:01:ee", "addresses": ["10.0.1.250"]}
    site.a.call("endpoints.add", {**host, "host": {"name": "blue0"}})
    site.b.call("endpoints.add", {**host, "host": {"name": "blue0"}, "node": "a"})
    site.everywhere("routes.add", route("blue", "0.0.0.0/0", {"host": "host-a"}))
    for subnet in ("10.0.1.0/24",):
        node.run("ip", "route", "replace", subnet, "dev", "blue0")
    for w in (site.a1, site.b1):
        expect_ping(w, "203.0.113.9")
        expect_equal(hops(w, "203.0.113.9")[-1], "203.0.113.9", "the last hop")
    site.everywhere("policies.add", policy("stop", "blue", "egress", "a1", {"entity": "world"}, "deny"))
    expect_no_ping(site.a1, "203.0.113.9")
    expect_ping(site.b1, "203.0.113.9")
    expect_ping(site.a1, site.b1.ip)


@test
def an_egress_node_routes_what_another_node_sends_it(lab):
    host = {"name": "host-b", "network": "blue", "mac": "02:00:00:00:01:ee", "addresses": ["10.0.1.250"]}
    site = RoutingSite(lab, ("a1", "b1"))
    site.b.call("endpoints.add", {**host, "host": {"name": "blue0"}})
    site.b.call("routes.add", route("blue", "198.51.100.0/24", {"host": "host-b"}))
    site.a.call("routes.add", route("blue", "198.51.100.0/24", {"node": "b"}))
    site.nodes["b"].run("ip", "addr", "add", "198.51.100.1/32", "dev", "lo")
    expect_ping(site.a1, "198.51.100.1")
    expect_equal(hops(site.a1, "198.51.100.1"), [site.a1.gateway, site.b1.gateway, "198.51.100.1"], "hops")
