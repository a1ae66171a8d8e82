# SPDX-License-Identifier: BSD-3-Clause
"""
Every encapsulation over both families, gateways, routes, translation, a trunk, several next hops and self-configuration at
once, on two workers, while all of it changes. Payloads say where they are from: nothing leaves into another network.
"""
import os
import random
import re

import mutate
import outer
from lab.capture import LOCAL, PEER_MAC, REMOTE, UPLINK_MAC, read_pcap, write_pcap
from lab.expect import expect
from lab.site import OPEN, workers
from stir import expect_accounted, stir
from templates import GATEWAY_MAC, Side, underlay_frames, workload_frames
from tenants import TAG, VNI, Tenant, packed

QUEUES = 2
SECOND_VLAN = 40  # of the second underlay port
SERVER, SERVER6 = "198.51.100.7", "2001:db8:7::7"
LOCALS = (LOCAL, outer.LOCAL6)
# Nodes by name: its tunnel address, the own one that answers it, and what is said of it.
NODES = {
    "b": (REMOTE, LOCAL, {"addresses": [outer.REMOTE6]}),
    "c": ("2001:db8::3", outer.LOCAL6, {"identity_trust": "claim", "udp6_checksum": "compute"}),
    "d": ("203.0.113.2", LOCAL, {"identity_trust": "ignore"}),
}
NETWORKS = {
    "plain": {"encap": "vxlan", "outside": {"via": "nat"}},
    "group": {"encap": "vxlan-gbp", "outside": {"via": "nat"}, "reject": True},
    "gen": {"encap": "geneve", "outside": {"via": "node", "node": "b"}},
    "far": {"encap": "vxlan", "accepts": ["geneve"], "reject": True},
    "pairs": {"encap": "ipip", "outside": {"via": "nat"}},
    "routed": {"encap": "none"},
}
PART = {"far": 9, "routed": 20}  # of the address; other networks have the same ones
JOINED = {"gen", "far"}          # by routes that name each other
BARE = {"plain", "group", "pairs", "routed"}  # leave without a tunnel


def basics(side):
    """The frames that each way is tried with; workload_frames has the odd ones."""
    return workload_frames(side)[::4]


def addresses(part, subnet, host):
    return f"10.{part}.{subnet}.{host}", f"fd00:{part:x}:{subnet}::{host:x}"


def gateway(part, subnet):
    return GATEWAY_MAC, *addresses(part, subnet, 1)


def people(index, part):
    """(web, pod, those on other nodes): MAC and addresses of each."""
    pod = (f"02:00:00:00:00:{0x20 + index:02x}", *addresses(part, 2, 21))
    return (("02:00:00:00:00:05", *addresses(part, 0, 5)), pod,
            *((f"02:00:00:00:00:{6 + k:02x}", *addresses(part, 0, 6 + k)) for k in range(len(NODES))))


def make_templates():
    """Frames of the first network, once: scapy is slow. Other networks' differ in places."""
    web, pod, *remote = people(0, 0)
    routed = [(GATEWAY_MAC, *to) for to in (
        pod[1:], gateway(0, 2)[1:], (LOCAL, outer.LOCAL6), ("10.66.0.1", "fd66::1"),
        ("10.77.0.1", "fd77::1"), ("10.88.0.1", "fd88::1"), addresses(9, 0, 5), addresses(20, 0, 5))]
    world = (GATEWAY_MAC, SERVER, SERVER6)
    made = {"web": workload_frames(Side(web, remote[0], TAG, VNI)) + workload_frames(Side(web, world, TAG, VNI)), "pod": []}
    # Translated, these could pass for the node's own tunnel packets.
    made["web"] += workload_frames(Side(web, (GATEWAY_MAC, REMOTE, outer.REMOTE6), TAG, VNI))
    for to in (*routed, *remote[1:], gateway(0, 0)):
        made["web"] += basics(Side(web, to, TAG, VNI))
    for to in ((GATEWAY_MAC, *web[1:]), (GATEWAY_MAC, *remote[2][1:]), world):
        made["pod"] += basics(Side(pod, to, TAG, VNI))
    for who in remote:
        made[who[0]] = basics(Side(who, web, TAG, VNI)) + basics(Side((GATEWAY_MAC, *who[1:]), pod, TAG, VNI))
    made[remote[0][0]] += workload_frames(Side(remote[0], web, TAG, VNI)) + basics(Side(world, web, TAG, VNI))
    return made


class Network:
    def __init__(self, r, index, name):
        self.name, self.index, self.fields, self.vni = name, index, NETWORKS[name], r.randrange(1 << 20, 1 << 24)
        self.encap, self.part = self.fields["encap"], PART.get(name, 0)
        self.here, self.there = Tenant.tag(r), Tenant.tag(r)
        self.web, self.pod, *remote = people(index, self.part)
        self.remote = dict(zip(NODES, remote))
        self.made = {}

    def prepare(self, made, other):
        """other: whose number is in the tunnel packets that its workloads make."""
        own, first = people(self.index, self.part), people(0, 0)
        gateways = [(gateway(0, k), gateway(self.part, k)) for k in (0, 2)]
        swaps = [s for a, b in (*zip(first, own), *gateways) for s in zip(packed(a), packed(b)) if s[0] != s[1]]

        def mine(frame, tag):
            for place, value in (*swaps, (TAG, tag), (VNI.to_bytes(3, "big"), other.vni.to_bytes(3, "big"))):
                frame = frame.replace(place, value)
            frame = bytearray(frame)
            mutate.mend(frame)
            return bytes(frame)

        vlan = b"\x81\x00" + (self.index + 1).to_bytes(2, "big")
        self.made = {"web": [mine(f, self.here) for f in made["web"]],
                     "pod": [f[:12] + vlan + f[12:] for f in (mine(f, self.here) for f in made["pod"])],
                     **{n: [mine(f, self.there) for f in made[who[0]]] for n, who in self.remote.items()}}

    def network_object(self):
        return {"name": self.name, "vni": self.vni, "policy_default": OPEN, **self.fields, "subnets": [
            {"prefix": p, "gateway": g, "dhcp": True, "dns": [g]}
            for k in (0, 2) for g, p in ((f"10.{self.part}.{k}.1", f"10.{self.part}.{k}.0/24"),
                                         (f"fd00:{self.part:x}:{k}::1", f"fd00:{self.part:x}:{k}::/64"))]}

    def endpoint(self, app, who, **where):
        mac, *addresses = who
        return {"name": f"{self.name}-{app}", "network": self.name, "mac": mac, "addresses": addresses,
                "labels": {"app": app}, **where}

    def endpoints(self):
        return [self.endpoint("web", self.web, port=f"web-{self.name}"),
                self.endpoint("pod", self.pod, port="trunk", vlan=self.index + 1),
                *(self.endpoint(n, who, node=n) for n, who in self.remote.items())]

    def routes(self):
        web = {"endpoint": f"{self.name}-web"}
        made = {"10.66.0.0/16": {"blackhole": True}, "fd66::/16": {"blackhole": True}}
        for prefix in ("10.77.0.0/16", "fd77::/16"):
            made[prefix] = {"targets": [web, {"endpoint": f"{self.name}-b", "weight": 3}]}
        if self.encap != "none":
            made.update({p: {"targets": [{"node": "b"}, {"node": "c"}]} for p in ("10.88.0.0/16", "fd88::/16")})
        return [{"network": self.name, "prefix": p, **what} for p, what in made.items()]


def joining():
    return [{"network": n, "prefix": p, "targets": [{"network": o}]}
            for n, o, p in (("gen", "far", "10.9.0.0/16"), ("gen", "far", "fd00:9::/32"), ("far", "gen", "10.0.0.0/16"),
                            ("far", "gen", "fd00::/32"))]


def reversed_ports(frame):
    """A packet from the server, as the answer to the one that the node has sent there: ports change their places."""
    at = 34 if frame[12:14] == outer.IP4 else 54
    if len(frame) < at + 4 or frame[23 if at == 34 else 20] not in (6, 17):
        return frame
    return frame[:at] + frame[at + 2 : at + 4] + frame[at : at + 2] + frame[at + 4 :]


class Plant:
    def __init__(self, lab, seed):
        self.lab, self.r = lab, random.Random(f"{seed} ways")
        self.networks = {name: Network(self.r, i, name) for i, name in enumerate(NETWORKS)}
        every = list(self.networks.values())
        made = make_templates()
        for i, n in enumerate(every):
            n.prepare(made, every[i - 1])
        self.out = Tenant.tag(self.r)
        self.world = self.make_world()
        # The world's: behind extension headers it is no tunnel packet, and may answer a translated connection.
        self.odd = underlay_frames(Side(every[0].remote["b"], every[0].web, self.out), every[0].vni)
        self.by_mark = {m: n.name for n in every for m in (n.here, n.there)} | {self.out: "outside"}
        self.any_mark = re.compile(b"|".join(re.escape(m) for m in self.by_mark), re.DOTALL)
        self.by_vni = {n.vni: n for n in every}
        self.any_vni = re.compile(b"|".join(re.escape(v.to_bytes(3, "big")) for v in self.by_vni), re.DOTALL)
        self.daemon = lab.daemon("a", self.config())

    def make_world(self):
        """What a server sends to translated addresses, and to workloads that have real ones."""
        frames = workload_frames(Side((PEER_MAC, SERVER, SERVER6), (UPLINK_MAC, LOCAL, outer.LOCAL6), self.out))
        frames += [reversed_ports(f) for f in frames]
        routed = self.networks["routed"]
        for who in (routed.web, routed.pod, routed.remote["b"]):
            frames += [outer.from_underlay(f) for f in basics(Side((PEER_MAC, SERVER, SERVER6), who, self.out))]
        return frames

    # The configuration.

    def path(self, port, way, queue=0):
        return self.lab.file(f"{port}-{way}{queue}.pcap")

    def ports(self):
        return ["uplink", "second", "trunk", *(f"web-{n}" for n in self.networks)]

    def queues(self, port):
        return QUEUES if port in ("uplink", "second") else 1

    def devargs(self, port):
        files = [f"{way}_pcap={self.path(port, name, q)}"
                 for way, name in (("rx", "in"), ("tx", "out")) for q in range(self.queues(port))]
        return ",".join([f"net_pcap{self.ports().index(port)}", *files])

    def config(self):
        uplinks = [
            {"name": "uplink", "addresses": [f"{LOCAL}/24", f"{outer.LOCAL6}/64"]},
            {"name": "second", "addresses": ["198.18.0.1/24", "2001:db8:18::1/64"], "vlan": SECOND_VLAN}]
        hops = {"uplink": (REMOTE, outer.REMOTE6, "2001:db8::3"), "second": ("198.18.0.2", "2001:db8:18::2")}
        return {
            "node": {"name": "a", "tunnel_addresses": list(LOCALS)},
            "workers": {**workers(), "packet_buffers": 2048, "cores": sorted(os.sched_getaffinity(0))[-2:]},
            "ports": [{"role": "underlay", "devargs": self.devargs(u["name"]), "queues": QUEUES, "mac": UPLINK_MAC,
                       "mtu": 1500, **u} for u in uplinks] +
                     [{"name": p, "role": "access", "devargs": self.devargs(p)} for p in self.ports()[2:]],
            "networks": [n.network_object() for n in self.networks.values()],
            "nodes": [self.node_object(name) for name in NODES],
            "neighbors": [{"port": p, "address": a, "mac": PEER_MAC} for p, hs in hops.items() for a in hs],
            "identities": [{"id": outer.IDENTITY, "labels": {"app": "b"}}],
            "routes": [{"prefix": "203.0.113.0/24", "targets": [{"via": REMOTE}, {"via": "198.18.0.2", "weight": 2}]},
                       {"prefix": "198.51.100.0/24", "targets": [{"via": REMOTE}, {"via": "198.18.0.2"}]},
                       {"prefix": "2001:db8:7::/64", "via": outer.REMOTE6}, *joining(),
                       *(route for n in self.networks.values() for route in n.routes())],
            "endpoints": [e for n in self.networks.values() for e in n.endpoints()],
        }

    @staticmethod
    def node_object(name, **more):
        address, _, fields = NODES[name]
        return {"name": name, "address": address, **fields, **more}

    def changes(self, turn):
        """Over four turns: all that decides where packets go is changed, and back."""
        plain, group, gen = (self.networks[n].network_object() for n in ("plain", "group", "gen"))
        by_geneve = [{"encap": "geneve", "family": "ipv6"}, {"encap": "vxlan"}]
        without = {k: v for k, v in group.items() if k != "outside"}
        cross, gone = joining()[0], self.networks["routed"].endpoints()[1]
        return ((("networks.set", {**plain, "encap": "geneve", "accepts": ["vxlan", "vxlan-gbp"]}),
                 ("nodes.set", self.node_object("b", identity_trust="claim")), ("routes.del", {k: cross[k] for k in ("network", "prefix")})),
                (("nodes.set", self.node_object("b", encaps=by_geneve)), ("networks.set", without),
                 ("networks.set", {**gen, "mtu": 1300}), ("endpoints.del", {"name": gone["name"]})),
                (("routes.add", cross), ("endpoints.add", gone), ("networks.set", group), ("networks.set", gen)),
                (("nodes.set", self.node_object("b")), ("networks.set", plain)))[turn % 4]

    # What goes in.

    def tunnelled(self):
        n = self.r.choice(list(self.networks.values()))
        node = self.r.choice(list(NODES))
        src, dst, _ = NODES[node]
        if node == "b" and self.r.random() < 0.3:
            src, dst = outer.REMOTE6, outer.LOCAL6
        encap = n.encap if n.encap in ("ipip", "none") or self.r.random() < 0.8 else self.r.choice(list(outer.OWN))
        inner, broken = self.r.choice(n.made[node]), self.r.random()
        if broken < 0.7:
            return n, outer.wrap(self.r, encap, n.vni, mutate.mutate(self.r, inner), src, dst)
        good = outer.wrap(self.r, encap, n.vni, inner, src, dst)
        bad = mutate.mutate(self.r, good)
        return n, bad if outer.is_alike(good, bad) else bad.replace(n.there, self.out)  # the world's, for all who see it

    def uplink_frame(self):
        """However broken the packet is, it belongs to its network or to none."""
        while True:
            pick = self.r.random()
            if pick < 0.3:
                return mutate.mutate(self.r, self.r.choice(self.world))
            if pick < 0.4:
                return mutate.mutate(self.r, self.r.choice(self.odd))
            n, frame = self.tunnelled()
            if all(self.by_vni[int.from_bytes(v, "big")] is n for v in self.any_vni.findall(frame[:120])):
                return frame[: mutate.FRAME_MAX]

    def fill(self, count):
        access, share = self.ports()[2:], count // 2
        total = 0
        for port in self.ports():
            for queue in range(self.queues(port)):
                n = share // (2 * QUEUES) if port in ("uplink", "second") else share // len(access)
                write_pcap(self.path(port, "in", queue), [self.frame(port) for _ in range(n)])
                total += n
        return total

    def frame(self, port):
        if port == "uplink":
            return self.uplink_frame()
        if port == "second":
            frame = self.uplink_frame()
            return frame[:12] + b"\x81\x00" + SECOND_VLAN.to_bytes(2, "big") + frame[12:]
        name = self.r.choice(list(self.networks)) if port == "trunk" else port[4:]
        return mutate.mutate(self.r, self.r.choice(self.networks[name].made["pod" if port == "trunk" else "web"]))

    # What comes out.

    def expect_only(self, frame, names, where):
        strangers = {self.by_mark[m] for m in self.any_mark.findall(frame)} - names
        expect(not strangers, f"a packet of {strangers} left by {where}: {frame.hex()}")

    @staticmethod
    def joined(name):
        return JOINED if name in JOINED else {name}

    def expect_at_home(self, least):
        arrived = dict.fromkeys(self.networks, 0)
        by_vlan = {n.index + 1: n for n in self.networks.values()}
        for port in self.ports()[2:]:
            for frame in read_pcap(self.path(port, "out")):
                vlan, plain = untag(port, frame)
                expect(port != "trunk" or vlan in by_vlan, f"a frame of no network left by the trunk: {frame.hex()}")
                name = by_vlan[vlan].name if port == "trunk" else port[4:]
                # A tunnel packet with broken outer headers is marked as the world's.
                self.expect_only(plain, self.joined(name) | {"outside"}, f"{port}, {name}")
                arrived[name] += self.any_mark.search(plain) is not None
        expect(min(arrived.values()) >= least, f"too few packets arrived: {arrived}")

    def expect_underlay(self, least):
        left = dict.fromkeys([*self.networks, "bare"], 0)
        here = {outer.packed(a) for a in LOCALS}
        there = {outer.packed(a) for a in (outer.REMOTE6, *(n[0] for n in NODES.values()))}
        for port, queue in ((p, q) for p in ("uplink", "second") for q in range(QUEUES)):
            for frame in read_pcap(self.path(port, "out", queue)):
                vlan, frame = outer.untagged(frame) if port == "second" else (0, frame)
                expect(vlan == (SECOND_VLAN if port == "second" else 0), f"VLAN {vlan} left by {port}: {frame.hex()}")
                name = self.expect_left(frame, outer.tunnel_of(frame, here, there))
                left[name] += self.any_mark.search(frame) is not None
        del left["routed"]  # it has no tunnel
        expect(min(left.values()) >= least, f"too few packets left: {left}")

    def expect_left(self, frame, tunnel):
        if tunnel is None:
            self.expect_only(frame, BARE | {"outside"}, "no tunnel")
            return "bare"
        expect(tunnel[0] == "ipip" or tunnel[1] in self.by_vni, f"a tunnel packet of no network left: {frame.hex()}")
        outer.expect_outer(frame)
        name = "pairs" if tunnel[0] == "ipip" else self.by_vni[tunnel[1]].name
        self.expect_only(frame, self.joined(name) | {"outside"}, f"{name}'s tunnel")
        return name


def untag(port, frame):
    return outer.untagged(frame) if port == "trunk" else (0, frame)


def play(lab, seed, count):
    """(totals, reasons that dropped)"""
    plant = Plant(lab, seed)
    n = plant.fill(count)
    plant.daemon.start()
    stir(plant.daemon, n, plant.changes)
    result = expect_accounted(plant.daemon, n)
    plant.daemon.stop()
    plant.expect_underlay(count // 1000)
    plant.expect_at_home(count // 1000)
    return result[0], set(result[1])
