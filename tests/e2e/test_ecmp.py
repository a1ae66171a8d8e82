# SPDX-License-Identifier: BSD-3-Clause
"""A node that is reached by several next hops: shares, losses, and what a failure moves."""
import json
import socket
import struct
import threading
import time

from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import OPEN, workers

SO_RCVBUFFORCE = 33  # root may have more than rmem_max


class Fabric:
    """Our node has two uplinks, each to a router of its own. Both routers lead to the other node, whose
    kernel's VXLAN device counts what arrives. The routers' interfaces count what each has carried."""

    def __init__(self, lab, family=4, weights=(1, 1), mtu=1500, kind="devargs"):
        self.family, self.lab = family, lab
        v6 = family == 6
        self.node, self.peer = lab.namespace("ec-node", ipv6=v6), lab.namespace("ec-peer", ipv6=v6)
        self.routers = [lab.namespace(f"ec-r{i}", ipv6=v6) for i in (0, 1)]
        self.web = lab.namespace("ec-web")
        self.own = "2001:db8:a::1" if v6 else "203.0.113.1"
        self.far = "2001:db8:b::2" if v6 else "203.0.113.2"
        for i, r in enumerate(self.routers):
            link(self.node, f"up{i}", r, "near", mtu)
            link(r, "far", self.peer, f"p{i}", mtu)
            self.address(r, self.net("near", i, 254), "near")
            self.address(r, self.net("far", i, 254), "far")
            self.address(self.peer, self.net("far", i, 2), f"p{i}")
            r.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1" if v6 else "net.ipv4.ip_forward=1")
            self.route(r, self.far, self.net("far", i, 2))
            self.route(r, self.own, self.net("near", i, 1))
        self.address(self.peer, self.far + ("/128" if v6 else "/32"), "lo")
        self.peer_routes()
        link(self.node, "web", self.web, "eth0")
        self.web.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:05")
        self.web.run("ip", "addr", "add", "10.0.0.5/24", "dev", "eth0")
        self.web.run("ip", "neigh", "replace", "10.0.0.6", "lladdr", "02:00:00:00:00:06", "dev", "eth0")
        self.vxlan()
        for i, r in enumerate(self.routers):  # kernels wait for their own link-local addresses
            r.run("ping", "-n", "-c", "1", "-w", "10", self.net("far", i, 2))
            r.run("ping", "-n", "-c", "1", "-w", "10", self.far)
        self.daemon = lab.daemon("a", self.config(weights, kind), self.node).start()
        wait_until(lambda: all(h["usable"] for h in self.hops()),
                   lambda: f"a next hop is not usable: {self.hops()}", 15)

    def net(self, side, i, host, plain=True):
        """An address of one of the four links."""
        if self.family == 6:
            text = f"2001:db8:{'1' if side == 'near' else '2'}{i}::{host:x}"
            return text if plain else text + "/64"
        text = f"{'192.0' if side == 'near' else '198.51'}.{2 + i}.{host}"
        return text if plain else text + "/24"

    def address(self, ns, address, dev):
        if "/" not in address:
            address += "/64" if self.family == 6 else "/24"
        more = ("nodad",) if self.family == 6 else ()
        ns.run("ip", "addr", "add", address, "dev", dev, *more)

    def route(self, ns, to, via):
        ns.run("ip", f"-{self.family}", "route", "add", to, "via", via)

    def peer_routes(self):
        self.peer.run("ip", f"-{self.family}", "route", "replace", self.own,
                      "nexthop", "via", self.net("far", 0, 254), "nexthop", "via", self.net("far", 1, 254))

    def vxlan(self):
        run = self.peer.run
        more = ("udp6zerocsumrx",) if self.family == 6 else ()
        run("ip", "link", "add", "vx", "address", "02:00:00:00:00:06", "type", "vxlan", "id", "100",
            "dstport", "4789", "local", self.far, "remote", self.own, *more)
        run("ip", "link", "set", "vx", "mtu", "1400", "up")
        run("ip", "addr", "add", "10.0.0.6/24", "dev", "vx")
        run("ip", "neigh", "replace", "10.0.0.5", "lladdr", "02:00:00:00:00:05", "dev", "vx")

    def config(self, weights, kind):
        def port(i):
            where = {"devargs": f"net_af_packet{i},iface=up{i}"} if kind == "devargs" else {"interface": f"up{i}"}
            return {"name": f"up{i}", "role": "underlay", "addresses": [self.net("near", i, 1, False)], **where}

        return {
            "node": {"name": "a", "tunnel_addresses": [self.own]}, "workers": workers(),
            "ports": [port(0), port(1), {"name": "web", "role": "access", "devargs": "net_af_packet2,iface=web"}],
            "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}],
            "routes": [self.targets(weights)],
            "nodes": [{"name": "b", "address": self.far}],
            "endpoints": [{"name": "web", "network": "blue", "port": "web", "mac": "02:00:00:00:00:05",
                           "addresses": ["10.0.0.5"]},
                          {"name": "db", "network": "blue", "node": "b", "mac": "02:00:00:00:00:06",
                           "addresses": ["10.0.0.6"]}],
        }

    def targets(self, weights):
        return {"prefix": self.far + ("/128" if self.family == 6 else "/32"),
                "targets": [{"via": self.net("near", i, 254), "weight": w} for i, w in enumerate(weights) if w]}

    def path(self):
        return self.daemon.call("nodes.paths")[0]

    def hops(self):
        return self.path().get("hops", [])

    def wait_usable(self, seconds, *usable):
        wait_until(lambda: [h["usable"] for h in self.hops()] == list(usable),
                   lambda: f"next hops: {self.hops()}", seconds)

    def carried(self):
        """Frames of tunnels that each router has got from the node."""
        return [Counter(r) for r in self.routers]


class Counter:
    """Counts tunnel packets that a router receives from the node, by outer source port."""

    def __init__(self, ns, dev="near"):
        self.ports = {}
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        self.sock.bind((dev, 3))
        self.sock.settimeout(0.05)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while True:
            try:
                data, address = self.sock.recvfrom(2048)
            except (socket.timeout, TimeoutError):
                if self.stop.is_set():
                    return
                continue
            if address[2] == socket.PACKET_OUTGOING:
                continue
            at = {b"\x08\x00": 34, b"\x86\xdd": 54}.get(data[12:14])
            if at and len(data) > at + 4 and data[at + 2:at + 4] == b"\x12\xb5":
                # the workload's UDP source port, behind outer UDP, VXLAN, Ethernet and IPv4
                port = struct.unpack("!H", data[at + 8 + 8 + 14 + 20:][:2])[0]
                self.ports[port] = self.ports.get(port, 0) + 1

    def end(self):
        self.stop.set()
        self.thread.join()
        self.sock.close()
        return self.ports


class Flows:
    """Many UDP flows of the workload to a socket of the peer that counts them."""

    def __init__(self, fabric, n=256):
        self.fabric = fabric
        self.far = fabric.peer.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        self.far.bind(("10.0.0.6", 7777))
        self.far.setblocking(False)
        self.near = []
        for i in range(n):
            s = fabric.web.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("10.0.0.5", 20000 + i))
            self.near.append(s)
        self.sent = 0

    def send(self):
        """One datagram of each flow, slowly enough for everybody."""
        for i, s in enumerate(self.near):
            s.sendto(b"x" * 32, ("10.0.0.6", 7777))
            if i % 32 == 31:
                time.sleep(0.004)
        self.sent += len(self.near)

    def arrived(self):
        n = 0
        while True:
            try:
                self.far.recv(100)
            except BlockingIOError:
                return n
            n += 1

    def round(self):
        """Sends once, and says which flow went by which router, and how many arrived."""
        counters = self.fabric.carried()
        time.sleep(0.1)
        self.send()
        time.sleep(0.4)
        by = [c.end() for c in counters]
        return by, self.arrived()

    def close(self):
        for s in self.near + [self.far]:
            s.close()


def shares(lab, family):
    f = Fabric(lab, family, weights=(1, 3))
    flows = Flows(f, 512)
    by, n = flows.round()
    expect_equal(n, 512, "datagrams that arrived")
    expect_equal(sorted(list(by[0]) + list(by[1])), list(range(20000, 20512)), "each flow by one router")
    part = len(by[0]) / 512
    expect(0.17 < part < 0.33, f"the router of weight 1 of 4 has {part:.2f} of the flows")
    expect_equal([h["flows"] for h in f.hops()], [64, 192], "parts of the flows")
    again, n = flows.round()
    expect_equal([set(a) for a in again], [set(b) for b in by], "each flow stays where it is")
    flows.close()


@test
def flows_are_shared_by_weight_over_ip4(lab):
    shares(lab, 4)


@test
def flows_are_shared_by_weight_over_ip6(lab):
    shares(lab, 6)


@test
def a_new_weight_moves_only_as_many_flows_as_it_must(lab):
    f = Fabric(lab, weights=(1, 1))
    flows = Flows(f, 512)
    before, _ = flows.round()
    f.daemon.call("routes.set", f.targets((1, 3)))
    wait_until(lambda: [h["flows"] for h in f.hops()] == [64, 192], lambda: f"{f.hops()}")
    after, n = flows.round()
    expect_equal(n + 512, flows.sent, "nothing is lost by the change")
    moved = set(before[1]) - set(after[1])
    expect_equal(moved, set(), "flows that left the router that got more")
    came = len(set(after[1]) - set(before[1]))
    expect(90 < came < 166, f"{came} of 512 flows moved; a quarter must")
    flows.close()


@test
def a_router_that_dies_loses_its_flows_to_the_other_and_gets_them_back(lab):
    """The node notices by neighbour discovery alone: the link stays up. 8 seconds at most."""
    f = Fabric(lab)
    flows = Flows(f)
    before, _ = flows.round()
    f.routers[1].run("ip", "link", "set", "near", "arp", "off")
    f.routers[1].run("ip", "addr", "flush", "dev", "near")
    f.peer.run("ip", "route", "replace", f.own, "via", f.net("far", 0, 254))
    start = time.monotonic()
    f.wait_usable(12, True, False)
    took = time.monotonic() - start
    expect(took < 10, f"the loss was noticed after {took:.1f} s")
    expect_equal([h["flows"] for h in f.hops()], [256, 0], "parts of the flows")
    during, n = flows.round()
    expect_equal([len(during[0]), n], [256, 256], "flows of the one that is left, and datagrams that arrived")
    f.address(f.routers[1], f.net("near", 1, 254), "near")
    f.routers[1].run("ip", "link", "set", "near", "arp", "on")
    f.route(f.routers[1], f.own, f.net("near", 1, 1))
    f.wait_usable(12, True, True)
    after, n = flows.round()
    expect_equal(n, 256, "datagrams that arrived")
    expect_equal([set(a) for a in after], [set(b) for b in before], "each flow is where it was")
    flows.close()


@test
def a_link_that_goes_down_moves_its_flows_at_once(lab):
    """A kernel interface says so. Flows of the other link lose nothing."""
    f = Fabric(lab, kind="interface")
    flows = Flows(f)
    before, n = flows.round()
    expect_equal(n, 256, "datagrams that arrived")
    f.routers[1].run("ip", "link", "set", "near", "down")
    f.peer.run("ip", "route", "replace", f.own, "via", f.net("far", 0, 254))
    counters = [Counter(f.routers[0])]
    start, rounds = time.monotonic(), 0
    n = 0
    while time.monotonic() - start < 3:
        flows.send()
        n += flows.arrived()
        rounds += 1
    time.sleep(0.3)
    got, n = counters[0].end(), n + flows.arrived()
    stayed = sum(got.get(p, 0) for p in before[0])
    expect_equal(stayed, rounds * len(before[0]), "datagrams of flows that were on the other link")
    lost = rounds * 256 - n
    expect(lost < rounds * len(before[1]) / 2, f"{lost} of {rounds * 256} datagrams were lost")
    expect_equal([h["usable"] for h in f.hops()], [True, False], "usable")
    expect("down" in f.hops()[1]["problem"], f"problem: {f.hops()[1]}")
    f.routers[1].run("ip", "link", "set", "near", "up")
    f.route(f.routers[1], f.own, f.net("near", 1, 1))
    f.wait_usable(12, True, True)
    after, n = flows.round()
    expect_equal([set(a) for a in after], [set(b) for b in before], "each flow is where it was")
    flows.close()


@test
def a_link_that_is_down_from_the_start_has_no_flows(lab):
    f = Fabric(lab, kind="interface")
    f.routers[1].run("ip", "link", "set", "near", "down")
    f.wait_usable(12, True, False)
    f.daemon.stop()
    f.daemon.start()
    f.wait_usable(12, True, False)
    expect_equal([h["flows"] for h in f.hops()], [256, 0], "parts of the flows")
    f.routers[1].run("ip", "link", "set", "near", "up")
    f.wait_usable(12, True, True)


@test
def targets_that_cannot_be_are_refused(lab):
    f = Fabric(lab)
    cases = (({"prefix": "198.18.0.0/15", "targets": [{"node": "b"}]}, "is a gateway"),
             ({"prefix": "198.18.0.0/15", "targets": [{"port": "up0"}]}, "needs via"),
             ({"prefix": "198.18.0.0/15", "targets": [{"via": "2001:db8::9"}]}, "another address family"),
             ({"prefix": "198.18.0.0/15", "targets": [{"via": "192.0.2.9", "port": "web"}]}, "role access"),
             ({"prefix": "198.18.0.0/15", "via": "192.0.2.9", "targets": [{"via": "192.0.2.8"}]}, "not both"),
             ({"prefix": "198.18.0.0/15", "targets": [{"via": "192.0.2.1"}]}, "own"))
    for params, words in cases:
        try:
            f.daemon.call("routes.add", params)
            answer = "taken"
        except Exception as e:  # noqa: the daemon's refusal
            answer = str(e)
        expect(words in answer, f"{json.dumps(params)}: {answer}")
