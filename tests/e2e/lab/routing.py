# SPDX-License-Identifier: BSD-3-Clause
"""
Two nodes, a and b, and workloads in subnets with gateways: a1 and b1 in one subnet of network blue, a2 and b2 in
one each, and r1 and r2 in network red.
"""
from .net import link
from .site import OPEN, workers

GATEWAY_MAC = "02:00:5e:00:02:01"
MTU = 1450

# name: (node, network, subnet, host)
WORKLOADS = {
    "a1": ("a", "blue", 1, 5), "b1": ("b", "blue", 1, 6),
    "a2": ("a", "blue", 2, 5), "b2": ("b", "blue", 3, 5),
    "r1": ("a", "red", 9, 5), "r2": ("b", "red", 9, 6),
}
SUBNETS = {"blue": (1, 2, 3), "red": (9,)}
VNI = {"blue": 100, "red": 101}


def gateway(subnet):
    return f"10.0.{subnet}.1"


def gateway6(subnet):
    return f"fd00:{subnet}::1"


def prefixes(network):
    """The networks' subnets in one prefix for each family."""
    return ("10.0.0.0/21", "fd00::/26") if network == "blue" else ("10.0.9.0/24", "fd00:9::/64")


class RoutedWorkload:
    """A namespace with an address of each family in its subnet, and the gateways as default routes."""

    def __init__(self, lab, name):
        self.name = name
        self.node, self.network, self.subnet, host = WORKLOADS[name]
        self.ip, self.ip6 = f"10.0.{self.subnet}.{host}", f"fd00:{self.subnet}::{host}"
        self.gateway, self.gateway6 = gateway(self.subnet), gateway6(self.subnet)
        self.mac = f"02:00:00:00:0{self.subnet}:0{host}"
        self.ns = lab.namespace(f"rt-{name}", ipv6=True)
        self.ns.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        # These tests count answers, and the kernel limits its own.
        self.ns.run("sysctl", "-qw", "net.ipv4.icmp_ratemask=0")

    def connect(self, node_ns):
        run = self.ns.run
        link(node_ns, self.name, self.ns, "eth0", MTU)
        run("ip", "link", "set", "eth0", "address", self.mac)
        run("ip", "addr", "add", f"{self.ip}/24", "dev", "eth0")
        run("ip", "addr", "add", f"{self.ip6}/64", "dev", "eth0", "nodad")
        run("ip", "route", "add", "default", "via", self.gateway)
        run("ip", "-6", "route", "replace", "default", "via", self.gateway6)

    def endpoint(self, node):
        where = {"port": self.name} if node == self.node else {"node": self.node}
        return {"name": self.name, "network": self.network, "mac": self.mac, "addresses": [self.ip, self.ip6],
                "labels": {"app": self.name}, **where}


class RoutingSite:
    """Both daemons by name: site.a, site.b; workloads: site.a1. more: fields of both networks; encap: that of blue."""

    def __init__(self, lab, names=tuple(WORKLOADS), routes=(), encap="vxlan", **more):
        self.nodes = {n: lab.namespace(f"rt-{n}") for n in "ab"}
        link(self.nodes["a"], "up0", self.nodes["b"], "up0", 1600)
        self.workloads = [RoutedWorkload(lab, n) for n in names]
        for w in self.workloads:
            w.connect(self.nodes[w.node])
            setattr(self, w.name, w)
        for i, node in enumerate("ab"):
            daemon = lab.daemon(f"rt-{node}", self.config(i, node, list(routes), encap, more), self.nodes[node])
            setattr(self, node, daemon)
            daemon.start()

    def config(self, index, node, routes, encap, more):
        address = {"a": "192.0.2.1", "b": "192.0.2.2"}
        other = "ab"[1 - index]
        here = [w for w in self.workloads if w.node == node]
        return {
            "node": {"name": node, "tunnel_addresses": [address[node]]},
            "workers": workers(index),
            "ports": [{"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0",
                       "addresses": [f"{address[node]}/24"]}] +
                     [{"name": w.name, "role": "access", "devargs": f"net_af_packet{i + 1},iface={w.name}"}
                      for i, w in enumerate(here)],
            "networks": [{"name": n, "vni": VNI[n], "encap": encap if n == "blue" else "vxlan", "policy_default": OPEN,
                          "subnets": [s for k in SUBNETS[n]
                                      for s in ({"prefix": f"10.0.{k}.0/24", "gateway": gateway(k)},
                                                {"prefix": f"fd00:{k}::/64", "gateway": gateway6(k)})],
                          **more} for n in SUBNETS],
            "nodes": [{"name": other, "address": address[other]}],
            "endpoints": [w.endpoint(node) for w in self.workloads],
            "routes": routes,
        }

    def everywhere(self, method, params):
        for d in (self.a, self.b):
            d.call(method, params)


def route(network, prefix, *targets, **more):
    r = {"network": network, "prefix": prefix, **more}
    if targets:
        r["targets"] = list(targets)
    return r


def crossing(**more):
    """Routes between both networks, in both families."""
    return [route(n, p, {"network": o}, **more) for n, o in (("blue", "red"), ("red", "blue"))
            for p in prefixes(o)]
