# SPDX-License-Identifier: BSD-3-Clause
"""
A node of sluice, a, with workload a1, and one node b that is not sluice's, with workload b1. Whoever is b has one end
of the underlay link; a's end is `up0` in its namespace.
"""
from .devices import OUTER, PREFIX, inner_mtu
from .site import OPEN, VNI, Node, Workload, workers


class Addresses(Workload):
    """A workload whose place is not here."""

    def __init__(self, node, number):  # pylint: disable=super-init-not-called
        self.name, self.node = f"{node.name}{number}", node
        self.mac = f"02:00:00:00:0{node.index}:0{number}"
        self.ip = f"10.0.0.{node.index * 10 + number}"
        self.ip6 = f"fd00:100::{node.index}:{number}"


class Foreign:
    """The other node's objects. `far` has its name, index and tunnel addresses."""

    name, index = "b", 2

    def __init__(self, family):
        self.address = OUTER[family][1]
        self.workload = Addresses(self, 1)


class Near(Node):
    """Node a; start() needs up0 in its namespace. a1's interface is a veth without offloads, or a TAP of sluice's with
    all of them."""

    def __init__(self, lab, encap, family, b, tap=False, mtu=0, **network):
        super().__init__(lab, "a", 1, 1)
        self.lab, self.encap, self.family, self.b, self.tap = lab, encap, family, b, tap
        self.more, self.daemon = network, None
        self.a1, self.mtu = self.workloads[0], mtu or inner_mtu(encap, family)
        if not tap:
            self.a1.connect("a1", self.mtu)

    def _a1_port(self):
        if not self.tap:
            return self.a1.port_object()
        return {"name": "a1", "role": "access", "mac": self.a1.mac, "mtu": self.mtu,
                "tap": {"name": "eth0", "netns": f"/run/netns/{self.a1.ns.name}"}}

    def _subnets(self):
        """IP-in-IP is routed: the node answers for b1 with its gateway's MAC."""
        gateways = ({"gateway": "10.0.0.254"}, {"gateway": "fd00:100::fe"}) if self.encap == "ipip" else ({}, {})
        return [{"prefix": prefix, **gateway} for prefix, gateway in zip(("10.0.0.0/24", "fd00:100::/64"), gateways)]

    def b_object(self):
        return {"name": "b", "address": self.b.address}

    def config(self):
        tunnel = [own for own, _ in OUTER.values()]
        return {
            "node": {"name": "a", "tunnel_addresses": tunnel},
            "workers": workers(),
            "ports": [{"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0",
                       "addresses": [f"{OUTER[f][0]}/{PREFIX[f]}" for f in OUTER]}, self._a1_port()],
            "networks": [{"name": "blue", "vni": VNI, "encap": self.encap, "policy_default": OPEN,
                          "subnets": self._subnets(), **self.more}],
            "nodes": [self.b_object()],
            "endpoints": [self.a1.endpoint_object(self), self.b.workload.endpoint_object(self)],
        }

    def start(self, **changes):
        self.daemon = self.lab.daemon("a", self.config() | changes, self.ns).start()
        if self.tap:
            self.a1.ns.run("ip", "link", "set", "eth0", "up")
            self.a1.ns.run("ip", "addr", "replace", f"{self.a1.ip}/24", "dev", "eth0")
            self.a1.ns.run("ip", "addr", "replace", f"{self.a1.ip6}/64", "dev", "eth0", "nodad")
        return self
