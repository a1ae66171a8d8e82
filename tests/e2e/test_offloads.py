# SPDX-License-Identifier: BSD-3-Clause
"""
A workload with all its offloads on, behind a TAP, and a workload of a kernel VXLAN node. Its super-segments leave
by underlay devices that know nothing of them, and by kernel interfaces.
"""
import hashlib
import os
import socket
import threading

from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link, run
from lab.site import VNI, WORKLOAD_MTU, KernelNode, Node, SluiceNode, Workload, OPEN
from lab.traffic import Iperf, expect_ping, expect_udp, family, new_port

SIZE = 20_000_000
SETTINGS = {"tso": False, "uso": False, "checksum": False, "udp_gso": False, "gro": False}


class TapWorkload(Workload):
    def port_object(self):
        return {"name": self.name, "role": "access", "mac": self.mac, "mtu": WORKLOAD_MTU,
                "tap": {"name": "eth0", "netns": f"/run/netns/{self.ns.name}"}, "offloads": self.node.settings}

    def set_address(self):
        self.ns.run("ip", "link", "set", "eth0", "up")
        self.ns.run("ip", "addr", "replace", f"{self.ip}/24", "dev", "eth0")
        self.ns.run("ip", "addr", "replace", f"{self.ip6}/64", "dev", "eth0", "nodad")


class TapNode(SluiceNode):
    def __init__(self, lab, name, index, underlay, settings):
        Node.__init__(self, lab, name, index, 0)
        self.lab, self.daemon, self.settings = lab, None, settings
        self.underlay = underlay[index - 1] if isinstance(underlay, list) else underlay
        self.workloads = [TapWorkload(lab, self, 1)]

    def bring_up(self, _other, _workload_mtu):
        pass

    def config(self, nodes, network):
        config = super().config(nodes, network)
        config["ports"][0].pop("devargs")
        config["ports"][0].update(self.underlay, offloads=self.settings)
        return config


class Site:
    """Node a is sluice with a TAP, node b the kernel, or sluice with a TAP too."""

    def __init__(self, lab, underlay, other="kernel", plain=False, **settings):
        b = KernelNode(lab, "b", 2, 1) if other == "kernel" else TapNode(lab, "b", 2, underlay, settings)
        self.a, self.b = TapNode(lab, "a", 1, underlay, settings), b
        nodes = [self.a, self.b]
        if plain:
            link(self.a.ns, "up0", self.b.ns, "up0")
        else:
            run("ip", "link", "add", "up0", "netns", self.a.ns.name, "type", "veth", "peer", "name", "up0",
                "netns", self.b.ns.name)
            for node in nodes:
                node.ns.run("ip", "link", "set", "up0", "up")
        network = {"name": "blue", "vni": VNI, "encap": "vxlan", "policy_default": OPEN,
                   "subnets": [{"prefix": "10.0.0.0/24"}, {"prefix": "fd00:100::/64"}]}
        b.bring_up(self.a, WORKLOAD_MTU)
        if other == "kernel" and not plain:
            b.workloads[0].ns.run("ethtool", "-K", "eth0", "tx", "on", "tso", "on", "gso", "on", "gro", "on")
        for node in nodes:
            if isinstance(node, TapNode):
                node.start(nodes, network)
                node.workloads[0].set_address()
        self.a1, self.b1 = self.a.workloads[0], b.workloads[0]
        for d in self.daemons:
            wait_until(lambda daemon=d: any(n["state"] == "reachable" for n in daemon.call("neighbors.state")),
                       lambda daemon=d: f"{daemon.name} does not know its neighbor", 10)

    @property
    def daemons(self):
        return [n.daemon for n in (self.a, self.b) if isinstance(n, TapNode)]


def send_file(client, server, address):
    """Sends known bytes and returns whether the other side has got exactly them."""
    data = os.urandom(1 << 20) * (SIZE >> 20)
    listener = server.ns.socket(family(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = new_port()
    listener.bind((address, port))
    listener.listen(1)
    listener.settimeout(10)
    got = hashlib.sha256()

    def receive():
        with listener.accept()[0] as s:
            s.settimeout(10)
            while piece := s.recv(1 << 18):
                got.update(piece)
    thread = threading.Thread(target=receive)
    thread.start()
    with client.ns.socket(family(address), socket.SOCK_STREAM) as s:
        s.settimeout(10)
        s.connect((address, port))
        s.sendall(data)
    thread.join(30)
    listener.close()
    expect_equal(got.hexdigest(), hashlib.sha256(data).hexdigest(), f"the bytes from {client.name} to {address}")


def expect_offloads_untouched(workload):
    features = workload.ns.run("ethtool", "-k", "eth0")
    for feature in ("tx-checksumming: on", "tcp-segmentation-offload: on"):
        expect(feature in features, f"{workload.name} has not '{feature}':\n{features}")


def uplink(daemon, *counters):
    row = next(r for r in daemon.call("stats.get")["ports"] if r["name"] == "uplink")
    return [row[c] for c in counters]


class Ends:
    """What one node sends is what the other receives, in packets and bytes as they are on a wire.
    Where the other node's interface has lost some in front of sluice (rx_missed), it is less."""

    def __init__(self, site):
        self.pairs = [(site.a.daemon, site.b.daemon), (site.b.daemon, site.a.daemon)]
        self.before = self.read()

    def read(self):
        return [uplink(one, "tx_packets", "tx_bytes") + uplink(two, "rx_packets", "rx_bytes", "rx_missed")
                for one, two in self.pairs]

    def since(self):
        """Without what the first node sent before the other one ran."""
        return [[now - then for now, then in zip(*rows)] for rows in zip(self.read(), self.before)]

    def expect_equal(self):
        def agree(sent, sent_bytes, received, received_bytes, missed):
            if missed > 0:
                return received < sent and received_bytes < sent_bytes
            return (sent, sent_bytes) == (received, received_bytes)

        def equal():
            return all(agree(*row) for row in self.since())
        wait_until(equal, lambda: f"sent and received packets and bytes differ: {self.since()}", 10)
        for packets, size, *_ in self.since():
            expect(packets > 2 * SIZE / WORKLOAD_MTU, f"only {packets} packets for two files")
            expect(size / packets <= WORKLOAD_MTU + 64, f"{size} bytes in {packets} packets")


def carries(site):
    for one, two in ((site.a1, site.b1), (site.b1, site.a1)):
        expect_ping(one, two.ip)
        expect_udp(one, two)
        send_file(one, two, two.ip)
        send_file(one, two, two.ip6)
    rates = [Iperf(site.a1, site.b1).expect_tcp(), Iperf(site.a1, site.b1, "-R").expect_tcp()]
    for d in site.daemons:
        d.expect_sum()
        drops = {r["reason"]: r["count"] for r in d.call("drops.list") if r["count"] > 0}
        for reason in ("tx_no_buffer", "headroom", "offload_malformed", "ip4_checksum", "mtu_exceeded"):
            expect(reason not in drops, f"{d.name} has dropped: {drops}")
    return rates


@test
def a_tap_reaches_a_kernel_node_over_a_device_without_offloads(lab):
    site = Site(lab, {"devargs": "net_af_packet0,iface=up0"}, plain=True)
    expect_offloads_untouched(site.a1)
    print("    Mbit/s to and from the kernel's node:", carries(site))


@test
def a_tap_reaches_a_kernel_node_over_an_interface_with_its_offloads(lab):
    site = Site(lab, {"interface": "up0"})
    expect_offloads_untouched(site.a1)
    print("    Mbit/s to and from the kernel's node:", carries(site))


@test
def taps_of_two_nodes_reach_each_other_over_an_interface_with_its_offloads(lab):
    site = Site(lab, {"interface": "up0"}, other="sluice")
    expect_offloads_untouched(site.a1)
    expect_offloads_untouched(site.b1)
    ends = Ends(site)
    print("    Mbit/s there and back:", carries(site))
    ends.expect_equal()


@test
def taps_of_two_nodes_reach_each_other_with_the_offloads_of_an_older_kernel(lab):
    """Linux 6.1, Debian 12: no UDP super-packets in virtio-net headers."""
    site = Site(lab, {"interface": "up0"}, other="sluice", uso=False, udp_gso=False)
    for name, want in (("uplink", {"tso", "checksum", "gro"}), ("a1", {"tso", "checksum", "gro"})):
        row = next(p for p in site.a.daemon.call("ports.list") if p["name"] == name)
        expect_equal(set(row["offloads_now"]), want, f"offloads of port {name}")
    ends = Ends(site)
    print("    Mbit/s there and back:", carries(site))
    ends.expect_equal()


@test
def taps_of_two_nodes_reach_each_other_over_a_device_without_offloads(lab):
    site = Site(lab, {"devargs": "net_af_packet0,iface=up0"}, other="sluice", plain=True)
    print("    Mbit/s there and back:", carries(site))


@test
def taps_of_two_nodes_reach_each_other_over_memif(lab):
    path = lab.file("wire.sock")
    ends = [{"devargs": f"net_memif0,role={role},socket={path},socket-abstract=no"} for role in ("server", "client")]
    site = Site(lab, ends, other="sluice", plain=True)
    print("    Mbit/s there and back:", carries(site))


@test
def taps_of_two_nodes_reach_each_other_with_all_offloads_off(lab):
    site = Site(lab, {"interface": "up0"}, other="sluice", **SETTINGS)
    print("    Mbit/s there and back:", carries(site))
