# SPDX-License-Identifier: BSD-3-Clause
"""802.1Q of a Linux kernel in a virtual machine: as an underlay, and as a workload with a trunk."""
from lab import devices
from lab.encaps import expect_answers
from lab.expect import expect_equal, test, wait_until
from lab.foreign import Foreign, Near
from lab.net import link
from lab.site import OPEN, workers
from lab.traffic import expect_no_ping

STAYS_TOGETHER = True  # for tests/e2e/run: one machine boots for all
TAG = 4  # bytes


@test
def an_underlay_port_in_a_vlan_meets_the_kernels(lab):
    peer, b = lab.kernel_peer(), Foreign("ipv6")
    mtu = devices.inner_mtu("geneve", "ipv6", 1500 - TAG)
    a = Near(lab, "geneve", "ipv6", b, mtu=mtu)
    peer.connect(a.ns)
    peer.ip("link add link eth0 name eth0.7 type vlan id 7", "link set eth0.7 up")
    peer.address("eth0.7", *(f"{far}/{devices.PREFIX[f]}" for f, (_, far) in devices.OUTER.items()))
    w = b.workload
    peer.ip(*devices.make("geneve", "ipv6", devices.OUTER["ipv6"][::-1], f"{w.ip}/24", f"{w.ip6}/64"),
            f"link set tun0 mtu {mtu}")
    ports = a.config()["ports"]
    ports[0]["vlan"] = 7
    a.start(ports=ports)
    for there, here in ((w.ip, a.a1.ip), (w.ip6, a.a1.ip6)):
        expect_answers(a.a1, there, count=3)
        expect_answers(a.a1, there, "-s", "4000", count=3)
        peer.expect_ping(here)


class End:
    """A workload in a namespace: its network's number is in its addresses."""

    def __init__(self, lab, node, number):
        self.name, self.number = f"a{number}", number
        self.mac, self.ip, self.ip6 = f"02:00:00:00:01:0{number}", f"10.{number}.0.11", f"fd00:{number}::11"
        self.ns = lab.namespace(self.name, ipv6=True)
        link(node, self.name, self.ns, "eth0")
        self.ns.run("ip", "link", "set", "eth0", "address", self.mac)
        self.ns.run("ip", "addr", "add", f"{self.ip}/24", "dev", "eth0")
        self.ns.run("ip", "addr", "add", f"{self.ip6}/64", "dev", "eth0", "nodad")


@test
def a_trunk_of_the_kernel_has_a_network_for_each_vlan(lab):
    peer, node = lab.kernel_peer(), lab.namespace("node")
    peer.connect(node)
    ends = [End(lab, node, n) for n in (7, 8)]
    for n in (7, 8, 9):
        peer.ip(f"link add link eth0 name eth0.{n} type vlan id {n}", f"link set eth0.{n} up",
                f"addr add 10.{n}.0.21/24 dev eth0.{n}", f"addr add fd00:{n}::21/64 dev eth0.{n} nodad")
    daemon = lab.daemon("node", {
        "workers": workers(),
        "ports": [{"name": "trunk", "role": "access", "devargs": "net_af_packet0,iface=up0"},
                  *({"name": e.name, "role": "access", "devargs": f"net_af_packet{e.number},iface={e.name}"}
                    for e in ends)],
        "networks": [{"name": f"n{n}", "vni": n, "encap": "vxlan", "policy_default": OPEN} for n in (7, 8)],
        "endpoints": [
            *({"name": e.name, "network": f"n{e.number}", "port": e.name, "mac": e.mac, "addresses": [e.ip, e.ip6]}
              for e in ends),
            *({"name": f"t{n}", "network": f"n{n}", "port": "trunk", "vlan": n, "mac": peer.macs[0],
               "addresses": [f"10.{n}.0.21", f"fd00:{n}::21"]} for n in (7, 8))],
    }, node).start()
    for e in ends:
        for there, here in ((f"10.{e.number}.0.21", e.ip), (f"fd00:{e.number}::21", e.ip6)):
            expect_answers(e, there, count=3)
            expect_answers(e, there, "-s", "4000", count=3)
            peer.expect_ping(here)
    ends[0].ns.run("ip", "route", "add", "10.8.0.0/24", "dev", "eth0")
    expect_no_ping(ends[0], "10.8.0.21")
    unknown = daemon.drop("vlan_unknown")
    peer.call("ping -n -q -c 3 -i 0.1 -W 1 -I eth0.9 10.9.0.11")
    wait_until(lambda: daemon.drop("vlan_unknown") > unknown, "packets of a VLAN without an endpoint are not counted")
    sent = daemon.port("trunk")["rx_packets"]
    expect_equal(daemon.drop("spoofed"), 0, f"packets of {sent} that are in the wrong network")
