# SPDX-License-Identifier: BSD-3-Clause
"""sluice and Open vSwitch's userspace datapath."""
from lab.devices import OUTER, VNI, inner_mtu
from lab.encaps import expect_answers
from lab.expect import expect, expect_equal, test
from lab.foreign import Foreign, Near
from lab.net import link
from lab.ovs import TUNNEL, WORKLOAD
from lab.site import Node
from lab.traffic import Iperf, Ping, expect_tcp


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
            expect_answers(source, address, count=3)
            expect_answers(source, address, "-s", "4000", count=3)
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


# Its userspace datapath takes no group policy in VXLAN.
globals().update((carries.__name__, carries) for carries in (
    carries_through_ovs(encap, family) for encap in ("vxlan", "geneve") for family in OUTER))

A1, B1 = 1001, 1002  # identities
IDENTITIES = [{"id": A1, "labels": {"app": "a1"}}, {"id": B1, "labels": {"app": "b1"}}]
# class, type, bytes: the identity; three others, together 252 bytes with their headers; one that is critical.
OPTIONS = ((0xff01, 1, 4), (0x0103, 0x10, 100), (0x0104, 0x11, 124), (0x0105, 0x12, 8), (0x0106, 0x81, 4))


def geneve_site(lab):
    a, b = ovs_site(lab, "geneve", "ipv4")
    for workload in (a.a1, b.b1):  # leaves room for options
        workload.ns.run("ip", "link", "set", "eth0", "mtu", "1280")
    b.ovs.options(*OPTIONS)
    a.start(identities=IDENTITIES)
    return a, b


def to_tunnel(identity, *fields, match="", priority=100):
    """A rule: packets of the workload get that identity, and these other options."""
    sets = [f"set_field:{value}->tun_metadata{n}" for n, value in ((0, identity), *fields)]
    return f"priority={priority},in_port={WORKLOAD}{match},actions={','.join(sets)},output:{TUNNEL}"


@test
def geneve_options_of_open_vswitch_and_of_sluice_are_understood(lab):
    a, b = geneve_site(lab)
    others = [(n, "0x" + "ab" * OPTIONS[n][2]) for n in (1, 2, 3)]
    # What the node itself answers for a1 has the gateway's identity.
    answers = [f"priority=90,in_port={TUNNEL},tun_metadata0=3,{what},actions=output:{WORKLOAD}"
               for what in ("arp", "icmp6,icmp_type=136")]
    b.ovs.rules(to_tunnel(B1, *others), f"priority=100,in_port={TUNNEL},tun_metadata0={A1},actions=output:{WORKLOAD}",
                *answers, f"priority=50,in_port={TUNNEL},actions=drop")
    for address in (a.a1.ip, a.a1.ip6):
        expect_answers(b.b1, address, "-s", "1000", count=3)
    b.ovs.rules(to_tunnel(B1, others[-1]))  # the rest goes with less: 252 bytes are a fifth of a packet
    expect_traffic(a.a1, b.b1)
    known = b.ovs.packets("tun_metadata0=0x3e9")
    expect(known > 1000, f"Open vSwitch has read a1's identity in {known} packets")
    expect_equal(b.ovs.packets("actions=drop"), 0, "packets without the sender's identity")
    expect_equal(a.daemon.drop("geneve_option"), 0, "options dropped")


@test
def a_critical_geneve_option_that_is_unknown_is_a_counted_drop(lab):
    a, b = geneve_site(lab)
    b.ovs.rules(to_tunnel(B1), f"priority=100,in_port={TUNNEL},actions=output:{WORKLOAD}")
    expect_answers(b.b1, a.a1.ip)
    b.ovs.rules(to_tunnel(B1, (4, 7), match=",icmp", priority=200))
    sent, received, _ = Ping(b.b1, a.a1.ip, 20, 0.02, "-w", "1").result()
    expect_equal(received, 0, "answers to packets with an option that must be understood")
    a.daemon.wait_drop("geneve_option", sent - 1)
    expect_equal(a.daemon.drop("geneve_option"), sent, "packets with a critical option")
    expect_tcp(b.b1, a.a1)


@test
def an_identity_of_open_vswitch_that_is_not_the_senders_is_a_counted_drop(lab):
    a, b = geneve_site(lab)
    b.ovs.rules(to_tunnel(A1), f"priority=100,in_port={TUNNEL},actions=output:{WORKLOAD}")
    sent, received, _ = Ping(b.b1, a.a1.ip, 20, 0.02, "-w", "1").result()
    expect_equal(received, 0, "answers to packets with another one's identity")
    a.daemon.wait_drop("identity_mismatch", sent - 1)
    expect_equal(a.daemon.drop("identity_mismatch"), sent, "packets with another one's identity")
    b.ovs.rules(to_tunnel(B1))
    expect_answers(b.b1, a.a1.ip)
