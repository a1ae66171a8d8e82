# SPDX-License-Identifier: BSD-3-Clause
"""
Two nodes, a and b, on one underlay link, with workloads a1, a2 and b1, b2 on one overlay network. Node a is
sluice; b is sluice too, or the Linux kernel's own VXLAN device and bridge.
"""
import os
import shutil
import tempfile

from .daemon import Daemon
from .devices import VNI
from .expect import Failure
from .guest import Guest
from .net import Namespace, link
from .ovs import Ovs
from .peer import KernelPeer

WORKLOAD_MTU = 1450
OPEN = {"ingress": "allow", "egress": "allow"}


class Workload:
    """A namespace with one interface, as a container has it."""

    def __init__(self, lab, node, number):
        self.name, self.node = f"{node.name}{number}", node
        self.mac = f"02:00:00:00:0{node.index}:0{number}"
        self.ip = f"10.0.0.{node.index * 10 + number}"
        self.ip6 = f"fd00:100::{node.index}:{number}"
        self.ns = lab.namespace(self.name, ipv6=True)

    def connect(self, dev, mtu=WORKLOAD_MTU):
        """A link to `dev` in the node's namespace."""
        run = self.ns.run
        link(self.node.ns, dev, self.ns, "eth0", mtu)
        run("ip", "link", "set", "eth0", "address", self.mac)
        run("ip", "addr", "add", f"{self.ip}/24", "dev", "eth0")
        run("ip", "addr", "add", f"{self.ip6}/64", "dev", "eth0", "nodad")

    @property
    def labels(self):
        return {"app": self.name}

    def port_object(self):
        """Its access port at its node; the devices of one daemon are numbered by the workload."""
        return {
            "name": self.name, "role": "access",
            "devargs": f"net_af_packet{int(self.name[1:])},iface={self.name}",
        }

    def endpoint_object(self, seen_from):
        where = {"port": self.name} if seen_from is self.node else {"node": self.node.name}
        return {
            "name": self.name, "network": "blue", "mac": self.mac,
            "addresses": [self.ip, self.ip6], "labels": self.labels, **where,
        }


class Node:
    """The common part of both kinds of node: a namespace, an underlay address, workloads."""

    def __init__(self, lab, name, index, n_workloads):
        self.name, self.index = name, index
        self.address = f"192.0.2.{index}"
        self.ns = lab.namespace(f"node-{name}")
        self.workloads = [Workload(lab, self, i + 1) for i in range(n_workloads)]


class KernelNode(Node):
    """Linux: a VXLAN device and the workloads' links in one bridge."""

    def bring_up(self, other, workload_mtu):
        run = self.ns.run
        run("ip", "addr", "add", f"{self.address}/24", "dev", "up0")
        run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        run("ip", "link", "add", "vxlan100", "type", "vxlan", "id", str(VNI), "dstport", "4789",
            "local", self.address, "remote", other.address, "dev", "up0")
        run("ip", "link", "set", "vxlan100", "master", "br0", "up")
        run("ip", "link", "set", "br0", "up")
        for w in self.workloads:
            w.connect(w.name, workload_mtu)
            run("ip", "link", "set", w.name, "master", "br0")


class SluiceNode(Node):
    """sluiced on the namespace's ends of the links."""

    def __init__(self, lab, name, index, n_workloads):
        super().__init__(lab, name, index, n_workloads)
        self.lab = lab
        self.daemon = None

    def bring_up(self, _other, workload_mtu):
        for w in self.workloads:
            w.connect(w.name, workload_mtu)

    def config(self, nodes, network):
        ports = [{"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0",
                  "addresses": [f"{self.address}/24"]}]
        return {
            "node": {"name": self.name, "tunnel_addresses": [self.address]},
            "workers": workers(self.index),
            "ports": ports + [w.port_object() for w in self.workloads],
            "networks": [network],
            "nodes": [{"name": n.name, "address": n.address} for n in nodes if n is not self],
            "endpoints": [w.endpoint_object(self) for n in nodes for w in n.workloads],
        }

    def start(self, nodes, network, state=False):
        self.daemon = self.lab.daemon(self.name, self.config(nodes, network), self.ns, state)
        self.daemon.start()


def workers(index=0):
    """Small, because the ends of the traffic share the machine."""
    cores = sorted(os.sched_getaffinity(0))
    return {"cores": [cores[-1 - index % len(cores)]], "idle": "adaptive", "hugepages": "off",
            "memory_mb": 512, "max_flows": 65536, "packet_buffers": 4096}


class Site:
    """Both nodes, running, and their workloads by name: site.a1, site.b2."""

    def __init__(self, lab, kinds, n_workloads=2, workload_mtu=WORKLOAD_MTU, state=False, **network):
        make = {"sluice": SluiceNode, "kernel": KernelNode}
        self.lab = lab
        self.nodes = [make[k](lab, n, i + 1, n_workloads)
                      for i, (n, k) in enumerate(zip("ab", kinds))]
        self.a, self.b = self.nodes
        link(self.a.ns, "up0", self.b.ns, "up0")
        self.network = {"name": "blue", "vni": VNI, "encap": "vxlan", "policy_default": OPEN,
                        "subnets": [{"prefix": "10.0.0.0/24"}, {"prefix": "fd00:100::/64"}],
                        **network}
        self.a.bring_up(self.b, workload_mtu)
        self.b.bring_up(self.a, workload_mtu)
        for node in self.sluices:
            node.start(self.nodes, self.network, state)

    @property
    def sluices(self):
        return [n for n in self.nodes if isinstance(n, SluiceNode)]

    @property
    def daemons(self):
        return [n.daemon for n in self.sluices]

    def __getattr__(self, name):
        for node in self.__dict__.get("nodes", []):
            for w in node.workloads:
                if w.name == name:
                    return w
        raise AttributeError(name)

    def add_everywhere(self, method, params):
        for d in self.daemons:
            d.call(method, params)


class Lab:
    """Everything that one test has made; finish() checks the daemons and removes everything."""

    def __init__(self, build, isolated):
        self.build = build
        self.sluiced = os.path.join(build, "sluiced")
        self.sluicectl = os.path.join(build, "sluicectl")
        self.isolated = isolated
        self.directory = tempfile.mkdtemp(prefix="sl-", dir="/run" if isolated else None)
        self.namespaces, self.daemons, self.guests = [], [], []

    def file(self, name):
        return os.path.join(self.directory, name)

    def namespace(self, name, ipv6=False):
        ns = Namespace(name, ipv6)
        self.namespaces.append(ns)
        return ns

    def daemon(self, name, config, ns=None, state=False):
        d = Daemon(self.sluiced, self.directory, name, config, ns, state)
        self.daemons.append(d)
        return d

    def guest(self, *args, **options):
        """A virtual machine, not started; killed when the test ends."""
        g = Guest(self, *args, **options)
        self.guests.append(g)
        return g

    def ovs(self, ns):
        """Open vSwitch in a namespace, not started; ended with the test."""
        switch = Ovs(self, ns)
        self.guests.append(switch)
        return switch

    def kernel_peer(self):
        """Linux in a virtual machine, booted by the first test that asks for it."""
        peer = KernelPeer(self)
        self.guests.append(peer)
        return peer

    def kernel_site(self, **options):
        return Site(self, ("sluice", "kernel"), **options)

    def sluice_site(self, **options):
        return Site(self, ("sluice", "sluice"), **options)

    def describe(self):
        return "\n".join(d.describe() for d in self.daemons)

    def judge(self):
        """Checked after every test: no daemon died, each packet is accounted for, each daemon ends
        cleanly."""
        for d in self.daemons:
            if d.process is None:
                continue
            d.expect_no_report()
            if not d.running:
                raise Failure(f"{d.name} ended by itself, exit {d.process.returncode}")
            d.expect_sum()
        for d in self.daemons:
            d.stop()

    def close(self):
        for end in self.daemons + self.guests:
            end.kill()
        for ns in self.namespaces:
            ns.close()
        shutil.rmtree(self.directory)
