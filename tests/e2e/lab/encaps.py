# SPDX-License-Identifier: BSD-3-Clause
"""
Two nodes whose underlay has both address families, and what tests of encapsulations need: what is on the wire, and
streams of numbered datagrams that are counted at both ends.
"""
import re
import socket
import struct
import threading
import time

from .expect import expect, wait_until
from .net import link, run
from .site import OPEN, VNI, Node, SluiceNode

PORTS = {"vxlan": 4789, "vxlan-gbp": 4789, "geneve": 6081}


def address6(index):
    return f"2001:db8:ff::{index}"


class DualNode(SluiceNode):
    """A sluice node with a tunnel address of each family. `known_as` is what other nodes say of it beside its
    addresses, `first` the family of its `address` there."""

    def __init__(self, lab, name, index, n_workloads, first="ipv4", known_as=None, self_fields=None):
        super().__init__(lab, name, index, n_workloads)
        self.address6, self.first = address6(index), first
        self.known_as, self.self_fields = known_as or {}, self_fields or {}

    def node_object(self, **changes):
        own = (self.address, self.address6)
        address, other = own if self.first == "ipv4" else own[::-1]
        return {"name": self.name, "address": address, "addresses": [other], **self.known_as,
                **changes}

    def config(self, nodes, network):
        config = super().config(nodes, network)
        config["node"].update(tunnel_addresses=[self.address, self.address6], **self.self_fields)
        config["ports"][0]["addresses"].append(f"{self.address6}/64")
        config["nodes"] = [n.node_object() for n in nodes if n is not self]
        return config


class KernelGbpNode(Node):
    """
    Linux without a bridge: its VXLAN device is its one workload's interface. Options are words of `ip link add`.
    """

    def __init__(self, lab, name, index, family="ipv4", options=(), **known_as):
        super().__init__(lab, name, index, 0)
        self.address6, self.family, self.options = address6(index), family, options
        self.known_as = known_as
        self.ns.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0",
                    "net.ipv6.conf.default.disable_ipv6=0")
        self.workloads = [DeviceWorkload(self)]

    def node_object(self, **changes):
        address = self.address if self.family == "ipv4" else self.address6
        return {"name": self.name, "address": address, **self.known_as, **changes}

    def bring_up(self, other, _mtu):
        run, w = self.ns.run, self.workloads[0]
        run("ip", "addr", "add", f"{self.address}/24", "dev", "up0")
        run("ip", "addr", "add", f"{self.address6}/64", "dev", "up0", "nodad")
        ends = (self.address, other.address) if self.family == "ipv4" else (
            self.address6, other.address6)
        run("ip", "link", "add", "vx0", "address", w.mac, "type", "vxlan", "id", str(VNI), "dstport",
            "4789", "local", ends[0], "remote", ends[1], "dev", "up0", *self.options)
        run("ip", "link", "set", "vx0", "mtu", "1430", "up")
        run("ip", "addr", "add", f"{w.ip}/24", "dev", "vx0")
        run("ip", "addr", "add", f"{w.ip6}/64", "dev", "vx0", "nodad")

    def mark(self, number):
        """Every packet of the workload carries this as its group policy id."""
        run = self.ns.run
        run("nft", "add", "table", "inet", "marks")
        run("nft", "flush", "table", "inet", "marks")
        run("nft", "add", "chain", "inet", "marks", "out", "{ type filter hook output priority 0; }")
        run("nft", "add", "rule", "inet", "marks", "out", "oifname", "vx0", "meta", "mark", "set",
            str(number))

    def note_marks(self, number):
        """Counts packets that come in with this mark."""
        run = self.ns.run
        run("nft", "add", "table", "inet", "seen")
        run("nft", "add", "chain", "inet", "seen", "in", "{ type filter hook input priority 0; }")
        run("nft", "add", "rule", "inet", "seen", "in", "iifname", "vx0", "meta", "mark", str(number),
            "counter")

    def marked(self):
        text = self.ns.run("nft", "list", "table", "inet", "seen")
        return int(text.split("packets ")[1].split()[0])


class DeviceWorkload:
    """The one workload of a KernelGbpNode, in the node's own namespace."""

    def __init__(self, node):
        self.name, self.node, self.ns = f"{node.name}1", node, node.ns
        self.mac = f"02:00:00:00:0{node.index}:01"
        self.ip, self.ip6 = f"10.0.0.{node.index * 10 + 1}", f"fd00:100::{node.index}:1"

    @property
    def labels(self):
        return {"app": self.name}

    def endpoint_object(self, _seen_from):
        return {"name": self.name, "network": "blue", "mac": self.mac, "node": self.node.name,
                "addresses": [self.ip, self.ip6], "labels": self.labels}


class DualSite:
    """Nodes a and b. `a` is a DualNode, `b` a DualNode or a kernel node."""

    def __init__(self, lab, a, b, extra=None, workload_mtu=1420, plain=True, **network):
        self.lab, self.a, self.b, self.nodes = lab, a, b, [a, b]
        if plain:
            link(a.ns, "up0", b.ns, "up0")
        else:
            link_with_offloads(a.ns, b.ns)
        self.network = {"name": "blue", "vni": VNI, "encap": "vxlan", "policy_default": OPEN,
                        **network}
        for node, other in ((a, b), (b, a)):
            node.bring_up(other, workload_mtu)
        self.sluices = [n for n in self.nodes if isinstance(n, SluiceNode)]
        for node in self.sluices:
            config = {**node.config(self.nodes, self.network), **(extra or {})}
            node.daemon = lab.daemon(node.name, config, node.ns)
            node.daemon.start()

    @property
    def a1(self):
        return self.a.workloads[0]

    @property
    def b1(self):
        return self.b.workloads[0]

    def set_network(self, **changes):
        self.network = {**self.network, **changes}
        for node in self.sluices:
            node.daemon.call("networks.set", self.network)

    def set_nodes(self, **changes):
        """What each node says of the other."""
        for node, other in ((self.a, self.b), (self.b, self.a)):
            if node in self.sluices:
                node.daemon.call("nodes.set", other.node_object(**changes))


def link_with_offloads(a, b):
    run("ip", "link", "add", "up0", "netns", a.name, "type", "veth", "peer", "name", "up0", "netns", b.name)
    for ns in (a, b):
        ns.run("ip", "link", "set", "up0", "up")


def dual_site(lab, n_workloads=1, a=None, b=None, **options):
    return DualSite(lab, DualNode(lab, "a", 1, n_workloads, **(a or {})),
                    DualNode(lab, "b", 2, n_workloads, **(b or {})), **options)


def expect_answers(source, address, *options, count=5):
    """So many pings are answered, however late: a busy machine may take its time."""
    done = source.ns.popen("ping", "-n", "-q", "-c", str(count), "-i", "0.02", "-w", "10", *options, address,
                           stdout=-1, stderr=-1, text=True)
    text = done.communicate()[0]
    m = re.search(r"(\d+) received", text)
    expect(m and int(m.group(1)) >= count, f"ping from {source.name} to {address}: {text.strip()}")


class Wire:
    """What both nodes of a site receive from the underlay: {("ipv4", 17, 4789): 12}. What a daemon sends is
    invisible to other sockets of its own interface."""

    def __init__(self, site):
        self._socks = []
        for node in site.nodes:
            sock = node.ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
            sock.bind(("up0", 3))
            sock.setblocking(False)
            self._socks.append(sock)
        self.frames = []

    def read(self):
        for sock in self._socks:
            while True:
                try:
                    self.frames.append(sock.recv(65536))
                except BlockingIOError:
                    break
        return self

    def tunnel_checksums(self):
        """Whether UDP checksums over IPv6 are zero."""
        return {f[60:62] == b"\0\0" for f in self.read().frames
                if f[12:14] == b"\x86\xdd" and f[20] == 17}

    def kinds(self):
        count = {}
        for f in self.read().frames:
            kind = kind_of(f)
            if kind:
                count[kind] = count.get(kind, 0) + 1
        return count

    def tunnels(self):
        """The kinds that are no ICMP of the nodes themselves, and no multicast report of a kernel."""
        return {k for k in self.kinds() if k[1] not in (0, 1, 58)}

    def close(self):
        for sock in self._socks:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def kind_of(frame):
    """(family, protocol, UDP destination port or 0) of a frame; None: no IP."""
    ethertype = frame[12:14]
    if ethertype == b"\x08\x00":
        at, proto, family = 14 + (frame[14] & 15) * 4, frame[23], "ipv4"
    elif ethertype == b"\x86\xdd":
        at, proto, family = 54, frame[20], "ipv6"
    else:
        return None
    port = struct.unpack_from(">H", frame, at + 2)[0] if proto == 17 else 0
    return family, proto, port


class Stream:
    """Numbered datagrams from one workload to another at a steady rate, counted at both ends."""

    def __init__(self, source, to, port, per_second=500):
        self.what = f"datagrams {source.name} -> {to.name}"
        self.near = source.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far = to.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.far.bind((to.ip, port))
        self.far.settimeout(0.5)
        self.to, self.gap = (to.ip, port), 1 / per_second
        self.sent, self.got, self._stop = 0, set(), threading.Event()
        self.threads = [threading.Thread(target=t) for t in (self._send, self._receive)]
        for t in self.threads:
            t.start()

    def _send(self):
        due = time.monotonic()
        while not self._stop.is_set():
            self.near.sendto(struct.pack(">I", self.sent) + bytes(60), self.to)
            self.sent += 1
            due += self.gap
            time.sleep(max(0, due - time.monotonic()))

    def _receive(self):
        while not (self._stop.is_set() and not self.threads[0].is_alive()):
            self._take()
        while len(self.got) < self.sent and self._take():
            pass

    def _take(self):
        """False: nothing has come for a while."""
        try:
            self.got.add(struct.unpack(">I", self.far.recv(2048)[:4])[0])
        except TimeoutError:
            return False
        return True

    def wait(self, n, seconds=20):
        """Waits until n more datagrams are sent."""
        aim = self.sent + n
        wait_until(lambda: self.sent >= aim, f"{self.what}: the sender stands still", seconds)

    def end(self):
        """(sent, arrived)"""
        self._stop.set()
        for t in self.threads:
            t.join()
        self.near.close()
        self.far.close()
        return self.sent, len(self.got)
