# SPDX-License-Identifier: BSD-3-Clause
"""VLANs: tagged endpoints behind a trunk, and an underlay that is in a VLAN."""
import socket

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.site import OPEN, workers
from lab.traffic import Iperf, expect_ping
from lab.trunk import Trunk, vlan_of

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether

N = 50
ALL = "ff:ff:ff:ff:ff:ff"


class End:
    """An endpoint: behind the trunk in a VLAN or in none, or alone behind a port of its own."""

    def __init__(self, name, network, number, vlan=0, port="trunk"):
        self.name, self.network, self.vlan, self.port = name, network, vlan, port
        self.mac = f"02:00:00:00:00:{number:02x}"
        self.ip, self.ip6 = f"10.0.0.{number}", f"fd00::{number:x}"

    def endpoint_object(self):
        o = {"name": self.name, "network": self.network, "port": self.port, "mac": self.mac,
             "addresses": [self.ip, self.ip6], "labels": {"app": self.name}}
        return {**o, "vlan": self.vlan} if self.vlan else o

    def eth(self, dst, vlan=None):
        vlan = self.vlan if vlan is None else vlan
        frame = Ether(src=self.mac, dst=dst)
        return frame / Dot1Q(vlan=vlan) if vlan else frame

    def udp(self, to, load=b"over the trunk", vlan=None, port=7000):
        return self.eth(to.mac, vlan) / IP(src=self.ip, dst=to.ip) / UDP(sport=port, dport=7) / load


class Rig:
    """
    Behind the trunk: a in VLAN 7 and b in VLAN 9 of network blue, c in VLAN 8 of network red with the same address
    as a. Behind ports of their own: web in blue, db in red.
    """

    def __init__(self, lab, more=(), **options):
        self.a, self.b = End("a", "blue", 5, 7), End("b", "blue", 6, 9)
        self.c = End("c", "red", 5, 8)
        self.web, self.db = End("web", "blue", 10, port="web"), End("db", "red", 10, port="db")
        self.ends = [self.a, self.b, self.c, self.web, self.db, *more]
        self.node = lab.namespace("au-vnode")
        self.ns = {name: lab.namespace(f"au-v{name}") for name in ("trunk", "web", "db")}
        self.daemon = lab.daemon("a", {
            "workers": workers(),
            "ports": [{"name": name, "role": "access", "tap": {"name": "eth0", "netns": f"/run/netns/{ns.name}"},
                       **options.get(name, {})} for name, ns in self.ns.items()],
            "networks": [{"name": name, "vni": vni, "encap": "vxlan", "policy_default": OPEN,
                          "subnets": [{"prefix": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True},
                                      {"prefix": "fd00::/64"}]} for name, vni in (("blue", 100), ("red", 200))],
            "endpoints": [e.endpoint_object() for e in self.ends],
        }, self.node)
        self.daemon.start()
        for ns in self.ns.values():
            ns.run("ip", "link", "set", "eth0", "up")
        self.wires = {name: Trunk(ns) for name, ns in self.ns.items()}
        self.trunk = self.wires["trunk"]

    def drops(self, reason):
        return next((r["count"] for r in self.daemon.call("drops.list") if r["reason"] == reason), 0)

    def arrivals(self, where, load, n):
        """[(VLAN, frame)] of the frames with that load; waits for n, and a little for more."""
        def mine(frames):
            return [f for f in frames if load in f]
        frames = self.wires[where].frames(5, lambda got: len(mine(got)) >= n) + self.wires[where].frames(0.2)
        return [(vlan_of(f), f) for f in mine(frames)]

    def expect_arrivals(self, where, load, n, vlan, what):
        got = self.arrivals(where, load, n)
        expect_equal((len(got), {v for v, _ in got}), (n, {vlan} if n else set()), f"{what}: frames and their VLANs")
        return [f for _, f in got]

    def expect_dropped(self, reason, frames, what, wire=None):
        before = self.drops(reason)
        for frame in frames:
            (wire or self.trunk).send(frame)
        wait_until(lambda: self.drops(reason) >= before + len(frames),
                   lambda: f"{what}: {self.drops(reason) - before} of {len(frames)} are {reason}: "
                           f"{self.daemon.call('drops.list')}")
        expect_equal(self.drops(reason) - before, len(frames), what)


@test
def each_vlan_of_a_trunk_is_its_own_network(lab):
    """Two tenants have the same addresses behind one port. Each reaches its own peer, and hears it with its tag."""
    rig = Rig(lab)
    for end, peer, other in ((rig.a, rig.web, "db"), (rig.c, rig.db, "web")):
        there, back = f"from {end.name}.".encode(), f"to {end.name}.".encode()
        for _ in range(N):
            rig.trunk.send(end.udp(peer, there))
        frames = rig.expect_arrivals(peer.port, there, N, 0, f"{end.name} to {peer.name}")
        expect_equal(bytes(frames[0]), bytes(end.udp(peer, there, vlan=0)), "the frame, without its tag")
        for _ in range(N):
            rig.wires[peer.port].send(peer.udp(end, back))
        frames = rig.expect_arrivals("trunk", back, N, end.vlan, f"{peer.name} to {end.name}")
        expect_equal(frames[0][:12] + frames[0][16:], bytes(peer.udp(end, back)), "the frame, besides its tag")
        expect_equal(len(rig.arrivals(other, there, 0)), 0, "frames at the other tenant's")
    rig.daemon.expect_sum()


@test
def two_vlans_of_one_network_reach_each_other_through_the_trunk(lab):
    rig = Rig(lab)
    for _ in range(N):
        rig.trunk.send(rig.a.udp(rig.b, b"a to b"))
    rig.expect_arrivals("trunk", b"a to b", N, 9, "a to b")
    rig.daemon.expect_sum()


@test
def untagged_and_priority_tagged_frames_are_the_ports_own_network(lab):
    plain = End("plain", "red", 20)
    rig = Rig(lab, [plain])
    for _ in range(N):
        rig.trunk.send(plain.udp(rig.db, b"untagged"))
        rig.trunk.send(plain.eth(rig.db.mac) / Dot1Q(vlan=0, prio=5) / IP(src=plain.ip, dst=rig.db.ip) /
                       UDP(sport=7000, dport=7) / b"untagged")
    rig.expect_arrivals("db", b"untagged", 2 * N, 0, "plain to db")
    rig.wires["db"].send(rig.db.udp(plain, b"and back"))
    rig.expect_arrivals("trunk", b"and back", 1, 0, "db to plain")
    rig.daemon.expect_sum()


@test
def frames_of_no_endpoints_vlan_are_counted(lab):
    rig = Rig(lab)
    rig.expect_dropped("vlan_unknown", [rig.a.udp(rig.web, vlan=10)] * N, "unknown VLAN")
    rig.expect_dropped("vlan_unknown", [rig.a.udp(rig.web, vlan=4095)] * N, "the reserved VLAN")
    rig.expect_dropped("port_unbound", [rig.a.udp(rig.web, vlan=0)] * N, "no tag, where all are tagged")
    two = Ether(src=rig.a.mac, dst=rig.web.mac) / Dot1Q(vlan=7) / Dot1Q(vlan=7) / IP(src=rig.a.ip, dst=rig.web.ip)
    rig.expect_dropped("eth_vlan_unexpected", [two / UDP()] * N, "two tags")
    outer = Ether(src=rig.a.mac, dst=rig.web.mac) / Dot1AD(vlan=7) / IP(src=rig.a.ip, dst=rig.web.ip)
    rig.expect_dropped("eth_vlan_unexpected", [outer / UDP()] * N, "a provider's tag")
    rig.expect_dropped("eth_vlan_unexpected", [rig.web.udp(rig.a, vlan=7)] * N, "a tag at a port without",
                       rig.wires["web"])
    expect("VLAN 10" in str(rig.daemon.call("drops.recent", {"reason": "vlan_unknown"})), "the sample names the VLAN")
    expect_equal(rig.arrivals("web", b"over the trunk", 0), [], "frames at web")


@test
def nobody_speaks_for_an_endpoint_of_another_vlan(lab):
    """Also not on a connection that stands: b has a's network, and sends a's frames with its own tag."""
    rig = Rig(lab)
    rig.trunk.send(rig.a.udp(rig.web, b"a itself"))
    rig.expect_arrivals("web", b"a itself", 1, 0, "a to web")
    rig.expect_dropped("spoofed", [rig.a.udp(rig.web, b"not a", vlan=9)] * N, "a's frames in VLAN 9")
    rig.expect_dropped("spoofed", [rig.a.udp(rig.web, b"not a", port=7001, vlan=9)] * N, "a new connection")
    expect_equal(rig.arrivals("web", b"not a", 0), [], "frames at web")
    said = rig.daemon.call("drops.recent", {"reason": "spoofed"})[0]["detail"]
    expect("VLAN 9" in said and "VLAN 7" in said, f"the sample says both VLANs: {said}")


@test
def answers_of_the_node_have_the_tag_of_the_question(lab):
    rig = Rig(lab, web={"mtu": 1000})
    a, web = rig.a, rig.web

    def ask(question, layer):
        """The first frame with that layer that comes back after the question, and its VLAN."""
        rig.trunk.send(question)
        frames = [Ether(f) for f in rig.trunk.frames(15, lambda got: any(layer in Ether(f) for f in got))]
        found = [f for f in frames if layer in f]
        expect(found, f"no {layer.__name__} among {frames}, drops: {rig.daemon.drops()}")
        expect_equal(found[0][Dot1Q].vlan if Dot1Q in found[0] else None, 7, f"VLAN of {found[0]!r}")
        return found[0]

    arp = ask(a.eth(ALL) / ARP(hwsrc=a.mac, psrc=a.ip, pdst=web.ip), ARP)
    expect_equal((arp[ARP].op, arp[ARP].hwsrc, arp[ARP].psrc), (2, web.mac, web.ip), "ARP")
    nd = ask(a.eth("33:33:ff:00:00:0a") / IPv6(src=a.ip6, dst="ff02::1:ff00:a") / ICMPv6ND_NS(tgt=web.ip6) /
             ICMPv6NDOptSrcLLAddr(lladdr=a.mac), ICMPv6ND_NA)
    expect_equal(nd[IPv6].src, web.ip6, "neighbour advertisement")
    icmp = ask(a.eth(web.mac) / IP(src=a.ip, dst=web.ip, flags="DF") / UDP(sport=1, dport=7) / bytes(1200), ICMP)
    expect_equal((icmp[ICMP].type, icmp[ICMP].code, icmp[ICMP].nexthopmtu), (3, 4, 1000), "fragmentation needed")
    dhcp = ask(a.eth(ALL) / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) /
               BOOTP(chaddr=bytes.fromhex(a.mac.replace(":", ""))) / DHCP(options=[("message-type", 1), "end"]), BOOTP)
    expect_equal(dhcp[BOOTP].yiaddr, a.ip, "DHCP")
    rig.daemon.expect_sum()


@test
def changes_are_announced_in_every_vlan_of_the_network(lab):
    """By the daemon, and by an endpoint itself: never where it came from, never in another network."""
    rig = Rig(lab)
    for wire in rig.wires.values():
        wire.frames(0.3)
    rig.daemon.call("endpoints.set", {**rig.web.endpoint_object(), "mac": "02:00:00:00:00:aa"})

    def heard(frames):
        return {vlan_of(f) for f in frames if b"\x08\x06" in f[12:18] and socket.inet_aton(rig.web.ip) in f}
    expect_equal(heard(rig.trunk.frames(2, lambda got: heard(got) >= {7, 9}) + rig.trunk.frames(0.3)), {7, 9},
                 "VLANs that are told about web")
    rig.trunk.frames(1.5)  # it is told twice
    rig.trunk.send(rig.a.eth(ALL) / ARP(hwsrc=rig.a.mac, psrc=rig.a.ip, pdst=rig.a.ip))
    wanted = socket.inet_aton(rig.a.ip)
    got = {vlan_of(f) for f in rig.trunk.frames(1) if b"\x08\x06" in f[12:18] and wanted in f}
    expect_equal(got, {9}, "VLANs that are told about a")
    expect(any(wanted in f for f in rig.wires["web"].frames(1)), "web is not told about a")
    expect(not any(wanted in f for f in rig.wires["db"].frames(0.3)), "db is told about a")


@test
def a_vlan_is_given_to_another_network_while_it_runs(lab):
    rig = Rig(lab)
    rig.trunk.send(rig.a.udp(rig.web, b"in blue"))
    rig.expect_arrivals("web", b"in blue", 1, 0, "a to web")
    rig.daemon.call("txn.apply", {"operations": [
        {"method": "endpoints.del", "params": {"name": "c"}},
        {"method": "endpoints.set", "params": {**rig.a.endpoint_object(), "network": "red"}}]})
    # The port is cleared of what waits in it: a moment later it goes on.
    wait_until(lambda: (rig.trunk.send(rig.a.udp(rig.db, b"in red")), rig.arrivals("db", b"in red", 1))[1],
               "a does not reach db", 10)
    expect_equal(rig.arrivals("web", b"in red", 0), [], "frames at web")
    rig.trunk.send(rig.b.udp(rig.web, b"as before"))
    rig.expect_arrivals("web", b"as before", 1, 0, "b to web")


@test
def what_cannot_be_is_refused_with_its_reason(lab):
    rig = Rig(lab)
    for params, field, words in (
            ({**rig.b.endpoint_object(), "vlan": 8}, "network", "in each VLAN"),
            ({**rig.b.endpoint_object(), "vlan": 4095}, "vlan", ""),
            ({**rig.b.endpoint_object(), "vlan": 0}, "vlan", "")):
        try:
            rig.daemon.call("endpoints.set", params)
        except Refused as e:
            expect_equal(e.error["data"]["path"], field, f"field of {e.error}")
            expect(words in e.error["data"].get("hint", "") + e.error["message"], f"{words} is not in {e.error}")
            continue
        raise AssertionError(f"{params} was taken")
    try:
        rig.daemon.call("ports.set", {**rig.daemon.call("ports.get", {"name": "web"}), "vlan": 7})
    except Refused as e:
        expect_equal(e.error["data"]["path"], "vlan", f"field of {e.error}")
        return
    raise AssertionError("an access port got a VLAN")


def uplink_object(node, site, vlan):
    port = next(p for p in node.config(site.nodes, site.network)["ports"] if p["name"] == "uplink")
    return {**port, "vlan": vlan} if vlan else port


def put_underlay_into(site, vlan):
    """While it runs."""
    for node in site.sluices:
        node.daemon.call("ports.set", uplink_object(node, site, vlan))


def start_underlay_in(site, vlan):
    """Both daemons anew, so that they know no neighbour."""
    for node in site.sluices:
        config = node.config(site.nodes, site.network)
        config["ports"][0] = uplink_object(node, site, vlan)
        node.daemon.stop()
        node.daemon.rewrite(config)
    tap = Trunk(site.b.ns, "up0")
    for daemon in site.daemons:
        daemon.start()
    return tap


def expect_reach(site, what):
    wait_until(lambda: site.a1.ns.popen("ping", "-c", "1", "-W", "1", site.b1.ip, stdout=-3).wait() == 0,
               f"the workloads do not reach each other {what}", 20)


@test
def an_underlay_in_a_vlan_carries_tunnels_arp_and_nothing_else(lab):
    """Every frame on the wire has the tag. What comes without it, or with another one, is dropped."""
    site = lab.sluice_site(n_workloads=1)
    tap = start_underlay_in(site, 100)
    expect_reach(site, "in VLAN 100")
    expect_ping(site.a1, site.b1.ip)
    expect_ping(site.b1, site.a1.ip6)
    frames = tap.frames(0.3)
    expect(len(frames) > 4, f"{len(frames)} frames were seen")
    expect_equal({vlan_of(f) for f in frames}, {100}, "VLANs on the wire")
    kinds = {bytes(f[16:18]) for f in frames}
    expect(kinds >= {b"\x08\x00", b"\x08\x06"}, f"EtherTypes on the wire: {kinds}")
    Iperf(site.a1, site.b1).expect_tcp()
    inner = next(f for f in frames if f[16:18] == b"\x08\x00")
    mac = site.a.daemon.call("ports.get", {"name": "uplink"})["mac_now"]
    from_b = bytes.fromhex(mac.replace(":", "")) + inner[6:12]
    before = site.a.daemon.drop("vlan_unknown")
    for _ in range(N):
        tap.send(from_b + inner[16:])
        tap.send(from_b + b"\x81\x00\x00\x65" + inner[16:])
    wait_until(lambda: site.a.daemon.drop("vlan_unknown") >= before + 2 * N,
               lambda: f"{site.a.daemon.drop('vlan_unknown') - before} of {2 * N} are counted")
    expect_equal(site.a.daemon.drop("vlan_unknown") - before, 2 * N, "vlan_unknown")
    for daemon in site.daemons:
        daemon.expect_sum()


@test
def an_underlay_goes_into_a_vlan_and_out_of_it_while_it_runs(lab):
    site = lab.sluice_site(n_workloads=1)
    for vlan in (100, 200, None):
        put_underlay_into(site, vlan)
        expect_reach(site, f"in VLAN {vlan}")
    site.a.daemon.call("ports.set", uplink_object(site.a, site, 300))
    done = site.a1.ns.popen("ping", "-c", "3", "-W", "1", site.b1.ip, stdout=-3).wait()
    expect(done != 0, "the nodes are in two VLANs and reach each other")
