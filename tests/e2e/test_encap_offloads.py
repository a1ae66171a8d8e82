# SPDX-License-Identifier: BSD-3-Clause
"""
Super-segments in every encapsulation over both underlay families: workloads behind TAPs with all offloads on, and an
underlay interface that takes super-packets.
"""
import itertools

from lab.encaps import PORTS, DualNode, DualSite, expect_answers
from lab.expect import expect, test
from lab.traffic import Iperf
from test_encaps_routed import SUBNETS
from test_offloads import TapWorkload, send_file, uplink

FAMILIES = ("ipv4", "ipv6")
MTU = 1400


class SmallTapWorkload(TapWorkload):
    """Its packets fit every encapsulation."""

    def port_object(self):
        return {**super().port_object(), "mtu": MTU}


class DualTapNode(DualNode):
    settings = {}

    def __init__(self, lab, name, index, workload):
        super().__init__(lab, name, index, 0)
        self.workloads = [workload(lab, self, 1)]

    def bring_up(self, _other, _workload_mtu):
        pass

    def config(self, nodes, network):
        config = super().config(nodes, network)
        config["ports"][0].pop("devargs")
        config["ports"][0]["interface"] = "up0"
        return config


class RoutedTapWorkload(SmallTapWorkload):
    """Its peer is in another subnet."""

    def __init__(self, lab, node, number):
        super().__init__(lab, node, number)
        self.ip, self.ip6 = f"10.0.{node.index}.1{number}", f"fd00:{node.index}::1{number}"

    def set_address(self):
        super().set_address()
        self.ns.run("ip", "route", "add", "default", "via", f"10.0.{self.node.index}.1")
        self.ns.run("ip", "-6", "route", "replace", "default", "via", f"fd00:{self.node.index}::1")


def offload_site(lab, workload=SmallTapWorkload, **network):
    nodes = DualTapNode(lab, "a", 1, workload), DualTapNode(lab, "b", 2, workload)
    site = DualSite(lab, *nodes, plain=False, **network)
    for w in (site.a1, site.b1):
        w.set_address()
    return site


def each_way(site):
    """Each encapsulation and family, in use."""
    for encap, family in itertools.product(PORTS, FAMILIES):
        site.set_network(encap=encap)
        site.set_nodes(encaps=[{"encap": encap, "family": family}])
        expect_answers(site.a1, site.b1.ip)
        yield f"{encap} over {family}"


@test
def bytes_of_super_segments_arrive_by_each_encapsulation_and_underlay(lab):
    site = offload_site(lab)
    for _ in each_way(site):
        for client, server in ((site.a1, site.b1), (site.b1, site.a1)):
            send_file(client, server, server.ip)
            send_file(client, server, server.ip6)


@test
def iperf_with_super_segments_crosses_each_encapsulation_and_underlay(lab):
    site = offload_site(lab)
    for what in each_way(site):
        before = uplink(site.a.daemon, "tx_packets", "tx_bytes")
        Iperf(site.a1, site.b1).expect_tcp()
        packets, size = (n - m for n, m in zip(uplink(site.a.daemon, "tx_packets", "tx_bytes"), before))
        expect(size / packets < MTU + 120, f"{what}: packets of {size / packets:.0f} bytes are counted whole")
        Iperf(site.b1, site.a1, "-u", "-b", "20M", "-l", "1200").expect_udp(20)


@test
def super_segments_cross_ip_in_ip_over_both_underlays(lab):
    site = offload_site(lab, RoutedTapWorkload, encap="ipip", subnets=SUBNETS)
    for family in FAMILIES:
        site.set_nodes(encaps=[{"encap": "ipip", "family": family}])
        expect_answers(site.a1, site.b1.ip)
        for client, server in ((site.a1, site.b1), (site.b1, site.a1)):
            send_file(client, server, server.ip)
            send_file(client, server, server.ip6)
        Iperf(site.a1, site.b1).expect_tcp()
