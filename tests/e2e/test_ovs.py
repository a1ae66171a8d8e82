# SPDX-License-Identifier: BSD-3-Clause
"""sluice and Open vSwitch's userspace datapath."""
from lab.devices import VNI, inner_mtu
from lab.expect import expect, test
from lab.foreign import Foreign, Near
from lab.net import link
from lab.ovs import TUNNEL, WORKLOAD
from lab.site import Node
from lab.traffic import Iperf, expect_ping, expect_tcp


class OvsNode(Node):
    """Node b."""

    def __init__(self, lab, a, encap, family):
        super().__init__(lab, "b", 2, 1)
        link(a.ns, "up0", self.ns, "up0")
        self.b1 = self.workloads[0]
        self.b1.connect("b1", inner_mtu(encap, family))
        self.ovs = lab.ovs(self.ns).start()
        self.ovs.tunnel(encap, family, VNI)


def ovs_site(lab, encap, family):
    a = Near(lab, encap, family, Foreign(family))
    return a, OvsNode(lab, a, encap, family)


def expect_traffic(a1, b1):
    for source, target in ((a1, b1), (b1, a1)):
        for address in (target.ip, target.ip6):
            expect_ping(source, address, 3)
            expect_ping(source, address, 3, "-s", "4000")
            expect_tcp(source, target, address=address)
        Iperf(source, target).expect_tcp()


def carries_through_ovs(encap, family):
    def carries(lab):
        a, b = ovs_site(lab, encap, family)
        b.ovs.rules(f"in_port={WORKLOAD},actions=output:{TUNNEL}", f"in_port={TUNNEL},actions=output:{WORKLOAD}")
        a.start()
        expect_traffic(a.a1, b.b1)
    carries.__name__ = f"{encap.replace('-', '_')}_over_{family}_meets_open_vswitch"
    return test(carries)


globals().update((carries.__name__, carries) for carries in (
    carries_through_ovs(encap, family) for encap, family in (("vxlan", "ipv4"),)))
