# SPDX-License-Identifier: BSD-3-Clause
"""IP-in-IP between two sluice nodes: workloads of two subnets, who reach each other through their gateways."""
from lab.encaps import DualNode, DualSite, Stream, Wire, expect_answers
from lab.expect import expect, expect_equal, test
from lab.site import Workload
from lab.traffic import Iperf, expect_tcp, expect_udp, new_port

FAMILIES = ("ipv4", "ipv6")
SUBNETS = [{"prefix": f"{net}", "gateway": f"{gateway}"} for n in (1, 2) for net, gateway in
           ((f"10.0.{n}.0/24", f"10.0.{n}.1"), (f"fd00:{n}::/64", f"fd00:{n}::1"))]


class RoutedWorkload(Workload):
    def __init__(self, lab, node, number):
        super().__init__(lab, node, number)
        self.ip, self.ip6 = f"10.0.{node.index}.1{number}", f"fd00:{node.index}::1{number}"

    def connect(self, dev, mtu=1400):
        super().connect(dev, mtu)
        self.ns.run("ip", "route", "add", "default", "via", f"10.0.{self.node.index}.1")
        self.ns.run("ip", "-6", "route", "replace", "default", "via", f"fd00:{self.node.index}::1")


class RoutedNode(DualNode):
    def __init__(self, lab, name, index):
        super().__init__(lab, name, index, 0)
        self.workloads = [RoutedWorkload(lab, self, 1)]


def routed_site(lab, encap):
    return DualSite(lab, RoutedNode(lab, "a", 1), RoutedNode(lab, "b", 2), encap=encap, subnets=SUBNETS)


def expect_both_families(a, b):
    expect_answers(a, b.ip)
    expect_answers(b, a.ip6)
    expect_tcp(a, b)
    expect_tcp(b, a, address=a.ip6)
    expect_udp(a, b)


@test
def ip_in_ip_carries_both_families_over_both_underlays(lab):
    site = routed_site(lab, "ipip")
    for family in FAMILIES:
        site.set_nodes(encaps=[{"encap": "ipip", "family": family}])
        expect_answers(site.a1, site.b1.ip)
        with Wire(site) as wire:
            expect_both_families(site.a1, site.b1)
            expect_equal(wire.tunnels(), {(family, 4, 0), (family, 41, 0)}, f"ipip over {family}")
        path = site.a.daemon.call("nodes.paths")[0]
        expect_equal(path["inner_mtu"], 1480 if family == "ipv4" else 1460, "inner_mtu")


@test
def iperf_crosses_ip_in_ip_over_both_underlays(lab):
    site = routed_site(lab, "ipip")
    for family in FAMILIES:
        site.set_nodes(encaps=[{"encap": "ipip", "family": family}])
        Iperf(site.a1, site.b1).expect_tcp()
        Iperf(site.b1, site.a1, "-u", "-b", "10M", "-l", "1200").expect_udp(20)


@test
def a_network_changes_to_ip_in_ip_and_back_without_loss(lab):
    site = routed_site(lab, "vxlan")
    expect_both_families(site.a1, site.b1)
    streams = [Stream(site.a1, site.b1, new_port()), Stream(site.b1, site.a1, new_port())]
    with Wire(site) as wire:
        for step in ({"accepts": ["ipip"]}, {"encap": "ipip", "accepts": ["vxlan"]},
                     {"encap": "vxlan", "accepts": ["ipip"]}, {"accepts": []}):
            site.network = {**site.network, **step}
            for node in site.sluices:
                node.daemon.call("networks.set", site.network)
                for s in streams:
                    s.wait(60)
        kinds = wire.tunnels()
    for s in streams:
        sent, arrived = s.end()
        expect(sent > 300, f"{s.what}: only {sent} were sent")
        expect_equal(arrived, sent, f"{s.what}: arrived")
    expect_equal(kinds, {("ipv4", 17, 4789), ("ipv4", 4, 0)}, "what was on the wire")
