# SPDX-License-Identifier: BSD-3-Clause
"""
Several networks with the same MACs and addresses on two workers, through restarts and ports that change hands. Each
payload says which network it was put into, and by which way. Seen from outside, nothing leaves into another one.
"""
import ipaddress
import os
import random
import re
import struct

import mutate
from lab.capture import (DB_IP, DB_IP6, DB_MAC, LOCAL, PEER_MAC, REMOTE, UPLINK_MAC, WEB_IP, WEB_IP6,
                         WEB_MAC, read_pcap, write_pcap)
from lab.expect import expect, expect_equal, wait_until
from lab.site import OPEN, workers
from stir import expect_accounted, stir
from templates import Side, tunnel_header, underlay_frames, workload_frames

NAMES = ("red", "blue", "green", "gold")
WEB, DB = (WEB_MAC, WEB_IP, WEB_IP6), (DB_MAC, DB_IP, DB_IP6)
APP = ("02:00:00:00:00:07", "10.0.0.7", "fd00::7")
UPLINK_QUEUES = 2
PORTS_MAX = 32
# Where they are right, the packet's VNI is the one behind them: EtherType and IHL, protocol, port, VXLAN.
WHERE_VNI_IS = ((12, 15), (23, 24), (36, 38), (42, 50))
NEIGHBOR = {"port": "uplink", "address": REMOTE, "mac": PEER_MAC}


# Templates are made once, with placeholders for the parts that differ. Checksums stay right,
# because all tags, and all addresses, have the same sum.
TAG, VNI = b"\x5aTAGTAG\xa5", 0x5A5A5A
OWN, STRANGER = ("02:5a:5a:5a:5a:5a", "10.100.1.100", "fd00::100:100"), (DB_MAC, "10.101.1.99", "fd00::101:ff")
WAYS = {"web": ((WEB, DB), (WEB, APP), (WEB, OWN), (WEB, STRANGER)), "app": ((APP, WEB), (APP, DB)),
        "tunnel": ((DB, WEB), (DB, APP), (OWN, WEB))}


def make_templates():
    made = {way: [f for src, dst in sides for f in workload_frames(Side(src, dst, TAG, VNI))]
            for way, sides in WAYS.items()}
    return {**made, "outer": underlay_frames(Side(DB, WEB, TAG, VNI), VNI)}


def packed(who):
    mac, ip, ip6 = who
    return (bytes.fromhex(mac.replace(":", "")), ipaddress.ip_address(ip).packed,
            ipaddress.ip_address(ip6).packed)


class Tenant:
    """A network. All have workloads web and app here and db elsewhere, alike; `own` is elsewhere and has a MAC
    and addresses that no other network has."""

    def __init__(self, r, index):
        self.name, self.vni = NAMES[index], r.randrange(1 << 20, 1 << 24)
        self.tag_here, self.tag_there = (self.tag(r) for _ in range(2))
        self.own_mac = b"\x02" + r.randbytes(5)
        self.own = (self.own_mac.hex(":"), f"10.{100 - index}.1.{100 + index}",
                    f"fd00::{0x100 - index:x}:{0x100 + index:x}")
        self.marks = {self.tag_here, self.tag_there, self.own_mac}
        self.templates, self.header, self.outer = {}, tunnel_header(self.vni), []

    @staticmethod
    def tag(r):
        """Eight bytes with the sum of TAG."""
        a, b = r.randbytes(2), r.randbytes(2)
        words = struct.unpack(">4H", TAG)
        rest = (sum(words) - sum(struct.unpack(">2H", a + b))) % 0xFFFF
        c = r.randrange(rest + 1) if rest else 0
        return a + struct.pack(">2H", c, rest - c) + b

    def prepare(self, made, other):
        """What differs in its place. Tunnels that a workload makes, and addresses it asks for, are others'."""
        swaps = [*zip(packed(OWN), packed(self.own)), *zip(packed(STRANGER)[1:], packed(other.own)[1:])]

        def mine(frame, tag, vni):
            for place, value in (*swaps, (TAG, tag), (VNI.to_bytes(3, "big"), vni.to_bytes(3, "big"))):
                frame = frame.replace(place, value)
            return frame

        for way in WAYS:
            tag = self.tag_there if way == "tunnel" else self.tag_here
            self.templates[way] = [mine(f, tag, other.vni) for f in made[way]]
        self.outer = [mine(f, self.tag_there, self.vni) for f in made["outer"]]

    def network(self):
        return {"name": self.name, "vni": self.vni, "encap": "vxlan", "policy_default": OPEN}

    def elsewhere(self):
        return [endpoint(self, "db", DB, node="b"), endpoint(self, "own", self.own, node="b")]


def endpoint(tenant, app, who, **where):
    mac, *addresses = who
    return {"name": f"{tenant.name}-{app}", "network": tenant.name, "mac": mac, "addresses": addresses,
            "labels": {"app": app}, **where}


def fillers(n):
    """Ports for all numbers that are left, so that a new port gets the number of a removed one."""
    return [{"name": f"filler{i}", "role": "access", "devargs": f"net_null{i},no-rx=1", "descriptors": 64}
            for i in range(PORTS_MAX - n)]


class Plant:
    """The node, and which tenant has which of its ports."""

    def __init__(self, lab, seed, least):
        """least: in a round that ends by itself, at least this many packets with a mark must leave
        by each way out."""
        self.lab, self.r, self.least = lab, random.Random(f"{seed} tenants"), least
        self.tenants = [Tenant(self.r, i) for i in range(len(NAMES))]
        made = make_templates()
        for i, t in enumerate(self.tenants):
            t.prepare(made, self.tenants[i - 1])
        self.by_vni = {t.vni: t for t in self.tenants}
        self.by_mark = {mark: t for t in self.tenants for mark in t.marks}
        self.any_mark = re.compile(b"|".join(re.escape(m) for m in self.by_mark), re.DOTALL)
        self.any_vni = re.compile(b"|".join(re.escape(v.to_bytes(3, "big")) for v in self.by_vni),
                                  re.DOTALL)
        pairs = [(t, app) for t in self.tenants for app in ("web", "app")]
        self.ports = {f"p{i}": pair for i, pair in enumerate(pairs)}
        self.found = None  # the configuration that the last start came up with
        self.daemon = lab.daemon("a", self.config(), None, state=True)

    # The configuration.

    def path(self, port, way, queue=0):
        return self.lab.file(f"{port}-{way}{queue}.pcap")

    def devargs(self, port, queues=1):
        number = 0 if port == "uplink" else 1 + int(port[1:])
        files = [f"{way}_pcap={self.path(port, name, q)}"
                 for way, name in (("rx", "in"), ("tx", "out")) for q in range(queues)]
        return ",".join([f"net_pcap{number}", *files])

    def access(self, port):
        """Its port and its endpoint, as they are now."""
        tenant, app = self.ports[port]
        who = WEB if app == "web" else APP
        return ({"name": port, "role": "access", "devargs": self.devargs(port)},
                endpoint(tenant, app, who, port=port))

    def uplink(self):
        return {"name": "uplink", "role": "underlay", "devargs": self.devargs("uplink", UPLINK_QUEUES),
                "queues": UPLINK_QUEUES, "mac": UPLINK_MAC, "addresses": [f"{LOCAL}/24"], "mtu": 1500}

    def config(self):
        accesses = [self.access(p) for p in self.ports]
        return {
            "node": {"name": "a", "tunnel_addresses": [LOCAL]},
            "workers": {**workers(), "packet_buffers": 2048, "cores": sorted(os.sched_getaffinity(0))[-2:]},
            "ports": [self.uplink(), *(port for port, _ in accesses), *fillers(1 + len(accesses))],
            "networks": [t.network() for t in self.tenants],
            "nodes": [{"name": "b", "address": REMOTE}],
            "neighbors": [NEIGHBOR],
            "endpoints": [*(e for _, e in accesses), *(e for t in self.tenants for e in t.elsewhere())],
        }

    def changes(self, turn):
        """Over four turns: a network's MTU, a remote endpoint away and back, the MTU again."""
        t = self.tenants[turn // 4 % len(self.tenants)]
        own = t.elsewhere()[-1]
        return ((("networks.set", {**t.network(), "mtu": 1400}),),
                (("endpoints.del", {"name": own["name"]}),),
                (("endpoints.add", own),),
                (("networks.set", t.network()),))[turn % 4]

    # What goes in.

    def uplink_frame(self):
        """However broken the packet is, it belongs to its tenant or to none: no other VNI is in its
        outer headers."""
        while True:
            t = self.r.choice(self.tenants)
            frame = mutate.uplink_frame(self.r, t.header, t.templates["tunnel"], t.outer)
            if all(frame[a:b] == t.header[a:b] for a, b in WHERE_VNI_IS) or not self.foreign_vni(frame, t):
                return frame

    def foreign_vni(self, frame, tenant):
        return any(self.by_vni[int.from_bytes(v, "big")] is not tenant
                   for v in self.any_vni.findall(frame))

    def fill(self, count, ports):
        """Write count packets for the uplink and these ports; the others have none."""
        queues = [("uplink", q) for q in range(UPLINK_QUEUES)]
        for port, queue in queues:
            frames = [self.uplink_frame() for _ in range(count // 2 // UPLINK_QUEUES)]
            write_pcap(self.path(port, "in", queue), frames)
        for port in ports:
            tenant, app = self.ports[port]
            frames = [mutate.mutate(self.r, self.r.choice(tenant.templates[app]))
                      for _ in range(count // 2 // len(ports))]
            write_pcap(self.path(port, "in"), frames)
        return (count // 2 // UPLINK_QUEUES) * UPLINK_QUEUES + (count // 2 // len(ports)) * len(ports)

    # What comes out.

    def foreign(self, frame, own):
        """Marks in the frame that are not among these."""
        return {self.by_mark[m].name for m in self.any_mark.findall(frame) if m not in own}

    def expect_at_home(self, port, least):
        """Frames that left by an access port have only marks of its network."""
        tenant, app = self.ports[port]
        marked = 0
        for f in read_pcap(self.path(port, "out")):
            strangers = self.foreign(f, tenant.marks)
            expect(not strangers, f"a packet of {strangers} left by {port} to {tenant.name}'s {app}: {f.hex()}")
            marked += self.any_mark.search(f) is not None
        expect(marked >= least, f"only {marked} packets with a mark left by {port} to {tenant.name}'s {app}")

    def expect_tunnelled(self, least):
        """Tunnel packets that left by the uplink have the marks of their VNI; other packets have no
        mark of a local workload."""
        marked = {t.name: 0 for t in self.tenants}
        outside = {t.tag_there for t in self.tenants} | {t.own_mac for t in self.tenants}
        for queue in range(UPLINK_QUEUES):
            for f in read_pcap(self.path("uplink", "out", queue)):
                tunnel = f[12:14] == b"\x08\x00" and f[23] == 17 and f[36:38] == b"\x12\xb5"
                vni = int.from_bytes(f[46:49], "big")
                expect(not tunnel or vni in self.by_vni, f"a packet of no network left: {f.hex()}")
                own = self.by_vni[vni].marks if tunnel else outside
                strangers = self.foreign(f, own)
                where = f"{self.by_vni[vni].name}'s tunnel" if tunnel else "no tunnel"
                expect(not strangers, f"a packet of {strangers} left in {where}: {f.hex()}")
                if tunnel:
                    marked[self.by_vni[vni].name] += self.any_mark.search(f) is not None
        for name, n in marked.items():
            expect(n >= least, f"only {n} packets with a mark left in {name}'s tunnel")

    # What happens.

    def pull_out(self, ports):
        """Removes the uplink and these ports, with their endpoints."""
        self.daemon.apply(
            *(("endpoints.del", {"name": self.access(p)[1]["name"]}) for p in ports),
            *(("ports.del", {"name": p}) for p in ports),
            ("neighbors.del", {k: NEIGHBOR[k] for k in ("port", "address")}),
            ("ports.del", {"name": "uplink"}))

    def are_closed(self, ports):
        """Whether the daemon has no file of these ports, nor of the uplink."""
        files = {self.path(p, way, q) for p in (*ports, "uplink") for way in ("in", "out") for q in range(UPLINK_QUEUES)}
        fds = f"/proc/{self.daemon.process.pid}/fd"
        return not any(os.path.realpath(f"{fds}/{fd}") in files for fd in os.listdir(fds))

    def plug_in(self, ports):
        """All in one call. A device that is still being closed would open later than the others,
        and packets sent to it in the meantime would be lost."""
        wait_until(lambda: self.are_closed(ports), "devices stay open", 60)
        self.daemon.apply(
            ("ports.add", self.uplink()), ("neighbors.add", NEIGHBOR),
            *(("ports.add", self.access(p)[0]) for p in ports),
            *(("endpoints.add", self.access(p)[1]) for p in ports))

    def hand_over(self):
        """Two tenants get each other's ports while the flow table still has entries of both."""
        a, b = self.r.sample(self.tenants, 2)
        ports = [p for p, (t, _) in self.ports.items() if t in (a, b)]
        self.pull_out(ports)
        self.expect_tunnelled(self.least)
        for p in ports:
            self.expect_at_home(p, self.least)
        self.ports.update({p: (b if t is a else a, app)
                           for p, (t, app) in self.ports.items() if p in ports})
        return ports

    def whole_round(self, count, hand_over):
        """All packets since a start, and of ports that changed hands in the meantime; (totals,
        drops)."""
        n = self.fill(count, self.ports)
        self.daemon.start()
        self.found = self.daemon.call("config.get")
        stir(self.daemon, n, self.changes)
        result = expect_accounted(self.daemon, n)
        if hand_over:
            ports = self.hand_over()
            n += self.fill(count, ports)
            self.plug_in(ports)
            stir(self.daemon, n, self.changes)
            result = expect_accounted(self.daemon, n)
        self.daemon.stop()
        self.expect_tunnelled(self.least)
        for port in self.ports:
            self.expect_at_home(port, self.least)
        return result

    def killed_round(self, count):
        """Killed halfway. The state is the state of the last answer."""
        n = self.fill(count, self.ports)
        self.daemon.start()
        stir(self.daemon, n // 2, self.changes)
        desired = self.daemon.call("config.get")
        self.daemon.kill()
        self.expect_tunnelled(0)
        for port in self.ports:
            self.expect_at_home(port, 0)
        return desired


def play(lab, seed, count):
    """(totals, reasons that dropped): over the rounds that were not killed"""
    share = count // 4
    plant = Plant(lab, seed, share // 3000)
    first, drops = plant.whole_round(share, True)
    desired = plant.killed_round(share)
    last, more = plant.whole_round(share, False)
    expect_equal(plant.found, desired, "state after a kill")
    return {k: first[k] + last[k] for k in first}, set(drops) | set(more)
