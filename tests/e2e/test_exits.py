# SPDX-License-Identifier: BSD-3-Clause
"""Routes of a network to underlay ports: its packets leave as they are, and come back."""
import json

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.outside import FROM_WORLD, NAT, ON_LINK, ON_LINK6, SERVER, SERVER6, TO_WORLD, Outside, expect_echo, sources_of
from lab.traffic import Iperf, expect_no_ping, expect_no_tcp, expect_ping, expect_tcp
from test_offloads import send_file, uplink

BY_GATEWAY = [{"network": "blue", "prefix": "198.51.100.0/24", "targets": [{"port": "uplink", "via": ON_LINK}]},
              {"network": "blue", "prefix": "2001:db8:7::/64", "targets": [{"port": "uplink", "via": ON_LINK6}]}]
ON_THE_LINK = [{"network": "blue", "prefix": "192.0.2.0/24", "targets": [{"port": "uplink"}]},
               {"network": "blue", "prefix": "2001:db8::/64", "targets": [{"port": "uplink"}]}]


def site_with(lab, routes, policies=(TO_WORLD, FROM_WORLD), **how):
    site = Outside(lab)
    site.a = site.add("a", routes=routes, policies=policies, **how)
    site.start()
    lead_back(site, site.a, site.a)
    return site


def lead_back(site, workload, node):
    """The world reaches the workload by the node."""
    site.ns.run("ip", "route", "replace", f"{workload.web.ip}/32", "via", node.address)
    site.ns.run("ip", "-6", "route", "replace", f"{workload.web6.ip}/128", "via", node.address6)


@test
def a_route_to_a_port_leads_to_a_gateway_on_its_link_and_back(lab):
    site = site_with(lab, BY_GATEWAY)
    a = site.a
    expect_ping(a.web, SERVER)
    expect_ping(a.web6, SERVER6)
    expect_tcp(a.web, site.server)
    expect_tcp(a.web6, site.server6)
    expect_equal(expect_echo(a.web, site.server), a.web.ip, "the source that the server sees")
    expect_no_ping(a.web, ON_LINK)  # no route has it
    a.daemon.wait_drop("destination_unknown")
    expect_ping(site.server, a.web.ip, 5, "-I", SERVER)  # the world opens
    expect_no_ping(site.near, a.web.ip)  # no route leads to that sender
    a.daemon.wait_drop("spoofed")
    got = a.daemon.call("policies.explain", {"source": "web-a", "destination_address": SERVER, "protocol": "tcp",
                                             "port": 443})
    expect_equal((got["way"]["kind"], got["way"]["via"], got["verdict"]), ("routed", "port uplink", "allow"), "way")
    a.daemon.expect_sum()


@test
def a_route_to_a_port_alone_leads_to_whoever_is_on_its_link(lab):
    site = site_with(lab, ON_THE_LINK)
    a = site.a
    expect_ping(a.web, ON_LINK)
    expect_ping(a.web6, ON_LINK6)
    expect_tcp(a.web, site.near)
    expect_tcp(site.near, a.web)
    expect_no_ping(a.web, SERVER)
    a.daemon.call("policies.del", {"name": "from-world"})
    expect_no_tcp(site.near, a.web)
    a.daemon.wait_drop("policy_ingress")
    a.daemon.call("policies.del", {"name": "to-world"})
    expect_no_ping(a.web, ON_LINK)
    a.daemon.expect_sum()


@test
def routes_to_ports_come_and_go_and_are_there_after_a_restart(lab):
    site = site_with(lab, BY_GATEWAY)
    a = site.a
    key = {"network": "blue", "prefix": "198.51.100.0/24"}
    expect_ping(a.web, SERVER)
    a.daemon.call("routes.del", key)
    expect_no_ping(a.web, SERVER)
    a.daemon.wait_drop("destination_unknown")
    a.daemon.call("routes.add", {**key, "targets": [{"port": "uplink", "via": "192.0.2.77"}]})  # nobody is there
    expect_no_ping(a.web, SERVER)
    a.daemon.call("routes.set", BY_GATEWAY[0])
    expect_ping(a.web, SERVER)
    a.daemon.stop()
    a.daemon.start()
    a.configure_web()
    expect_ping(a.web, SERVER)
    a.daemon.expect_sum()


@test
def a_node_routes_by_its_port_for_the_workloads_of_others(lab):
    site = Outside(lab)
    to_a = [{**r, "targets": [{"node": "a"}]} for r in BY_GATEWAY]
    a = site.add("a", routes=BY_GATEWAY, policies=(TO_WORLD, FROM_WORLD))
    b = site.add("b", routes=to_a, policies=(TO_WORLD, FROM_WORLD))
    site.start()
    for n in (a, b):
        lead_back(site, n, a)
    expect_ping(b.web, SERVER)
    expect_tcp(b.web, site.server)
    expect_ping(b.web6, SERVER6)
    expect_ping(site.server, b.web.ip, 5, "-I", SERVER)
    text = sources_of(site.ns, lambda: expect_ping(b.web, SERVER))
    expect(f"IP {b.web.ip} > {SERVER}" in text, f"not as it is: {text[:500]}")
    for n in site.nodes:
        n.daemon.expect_sum()


@test
def networks_on_the_underlay_need_addresses_of_their_own(lab):
    site = site_with(lab, BY_GATEWAY)
    red = {"name": "red", "vni": 200, "subnets": [{"prefix": "10.0.0.0/16"}]}
    site.a.daemon.call("networks.add", red)
    route = {"network": "red", "prefix": "198.51.100.0/24", "targets": [{"port": "uplink", "via": ON_LINK}]}
    for method, params, words in (("routes.add", route, "overlaps one of network"),
                                  ("routes.add", {**route, "targets": [{"port": "web"}]}, "role access"),
                                  ("routes.add", {**route, "targets": [{"port": "uplink", "via": ON_LINK6}]},
                                   "different families")):
        try:
            site.a.daemon.call(method, params)
        except Refused as e:
            expect(words in str(e), f"{e} does not say {words}")
        else:
            raise AssertionError(f"{params} was taken")
    site.a.daemon.call("networks.set", {**red, "subnets": [{"prefix": "10.9.0.0/16"}]})
    site.a.daemon.call("routes.add", route)


def super_segments_pass(site):
    """The workload's TAP and the underlay's interface both take them."""
    a = site.a
    for near, far in ((a.web, site.server), (a.web6, site.server6)):
        send_file(near, far, far.ip)
        before = uplink(a.daemon, "tx_packets", "tx_bytes")
        Iperf(near, far).expect_tcp()
        packets, size = (n - m for n, m in zip(uplink(a.daemon, "tx_packets", "tx_bytes"), before))
        expect(size / packets < 1500, f"packets of {size / packets:.0f} bytes are counted whole")
        Iperf(near, far, "-R").expect_tcp()
        Iperf(near, far, "-u", "-b", "20M", "-l", "1200").expect_udp(20)
    a.daemon.expect_sum()


@test
def super_segments_leave_by_a_route_to_a_port(lab):
    site = site_with(lab, BY_GATEWAY + ON_THE_LINK, uplink={"interface": "up0"})
    super_segments_pass(site)
    send_file(site.server, site.a.web, site.a.web.ip)
    send_file(site.server6, site.a.web6, site.a.web6.ip)


@test
def super_segments_leave_without_encapsulation(lab):
    site = site_with(lab, [], uplink={"interface": "up0"}, more={"encap": "none"})
    super_segments_pass(site)
    send_file(site.server, site.a.web, site.a.web.ip)
    send_file(site.server6, site.a.web6, site.a.web6.ip)


@test
def super_segments_leave_translated(lab):
    super_segments_pass(site_with(lab, [], uplink={"interface": "up0"}, outside=NAT))


def add_second_router(site):
    """One more way to the server, by a router of its own on the link."""
    ns = site.lab.namespace("ou-r2")
    link(ns, "near", site.ns, "to-r2")
    link(ns, "far", site.ns, "to-r2-far")
    site.ns.run("ip", "link", "set", "to-r2", "master", "br0")
    site.ns.run("ip", "addr", "add", "203.0.113.1/24", "dev", "to-r2-far")
    ns.run("ip", "addr", "add", "192.0.2.101/24", "dev", "near")
    ns.run("ip", "addr", "add", "203.0.113.2/24", "dev", "far")
    ns.run("ip", "route", "add", SERVER, "via", "203.0.113.1")
    ns.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0",
           "net.ipv4.conf.near.send_redirects=0")
    for name in ("all", "br0", "to-r2-far"):
        site.ns.run("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")
    return ns


def packets_by(router):
    return json.loads(router.run("ip", "-j", "-s", "link", "show", "dev", "far"))[0]["stats64"]["tx"]["packets"]


def expect_spread(site):
    router = add_second_router(site)
    for n in site.nodes:
        n.start()
    lead_back(site, site.a, site.a)
    wait_until(lambda: all(n["state"] == "reachable" for n in site.a.daemon.call("neighbors.state")),
               lambda: f"{site.a.daemon.call('neighbors.state')}", 10)
    before = packets_by(router)
    for _ in range(32):
        expect_echo(site.a.web, site.server)
    share = packets_by(router) - before
    expect(4 <= share <= 28, f"{share} of 32 connections went by the second router")
    router.run("ip", "link", "set", "near", "down")
    wait_until(lambda: any(n["state"] not in ("reachable", "stale", "delay", "probe")
                           for n in site.a.daemon.call("neighbors.state")),
               lambda: f"{site.a.daemon.call('neighbors.state')}", 60)
    for _ in range(16):
        expect_echo(site.a.web, site.server)
    site.a.daemon.expect_sum()


TWO_GATEWAYS = {"targets": [{"via": ON_LINK}, {"via": "192.0.2.101"}]}


@test
def translated_connections_share_the_gateways_of_a_route_and_leave_a_lost_one(lab):
    site = Outside(lab)
    site.a = site.add("a", outside=NAT, policies=(TO_WORLD,), far=TWO_GATEWAYS)
    expect_spread(site)


@test
def packets_without_encapsulation_share_the_gateways_of_a_route_and_leave_a_lost_one(lab):
    site = Outside(lab)
    site.a = site.add("a", more={"encap": "none"}, policies=(TO_WORLD, FROM_WORLD), far=TWO_GATEWAYS)
    expect_spread(site)


@test
def gateways_on_two_ports_keep_sources_of_a_port_and_share_those_of_none(lab):
    site = Outside(lab)
    a = site.a = site.add("a", outside=NAT)
    site.start()
    router = lab.namespace("ou-r2")
    link(a.ns, "up1", router, "near")
    link(router, "far", site.ns, "to-r2-far")
    site.ns.run("ip", "addr", "add", "203.0.113.1/24", "dev", "to-r2-far")
    site.ns.run("ip", "route", "add", "192.0.3.0/24", "via", "203.0.113.2")
    router.run("ip", "addr", "add", "192.0.3.254/24", "dev", "near")
    router.run("ip", "addr", "add", "203.0.113.2/24", "dev", "far")
    router.run("ip", "route", "add", SERVER, "via", "203.0.113.1")
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    for name in ("all", "br0", "to-r2-far"):
        site.ns.run("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")
    a.daemon.call("ports.add", {"name": "second", "role": "underlay", "devargs": "net_af_packet5,iface=up1",
                                "addresses": ["192.0.3.1/24"]})
    a.daemon.call("routes.set", {"prefix": "198.51.100.0/24", "targets": [{"via": ON_LINK}, {"via": "192.0.3.254"}]})
    expect_ping(a.web, SERVER)
    sources = {expect_echo(a.web, site.server) for _ in range(16)}
    expect(len(sources) == 1 and sources <= {a.address, "192.0.3.1"}, f"sources of one workload: {sources}")
    own = "203.0.113.200"
    site.ns.run("ip", "route", "add", own, "via", a.address)
    a.daemon.call("networks.set", {**a.network(), "outside": {**NAT, "addresses": [own]}})
    before = packets_by(router)
    expect_equal({expect_echo(a.web, site.server) for _ in range(32)}, {own}, "sources")
    share = packets_by(router) - before
    expect(4 <= share <= 28, f"{share} of 32 connections went by the second port")
    a.daemon.expect_sum()
