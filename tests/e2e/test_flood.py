# SPDX-License-Identifier: BSD-3-Clause
"""
Flooded networks: frames for everybody reach every port and node of the network once, and hosts that are no endpoints
are learned, are reached, and can take nothing of an endpoint's.
"""
import time

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.site import Site
from lab.trunk import Trunk

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Ether

N = 40
ALL = "ff:ff:ff:ff:ff:ff"
HOST, OTHER = "02:00:00:00:77:01", "02:00:00:00:77:02"
HOST_IP = "10.0.0.77"
OPEN_NETWORK = {"flood": True}


def udp(src, src_ip, dst, dst_ip, load):
    return Ether(src=src, dst=dst) / IP(src=src_ip, dst=dst_ip) / UDP(sport=7000, dport=7) / load


class Flooded:
    def __init__(self, lab, **network):
        self.site = Site(lab, ("sluice", "sluice"), flood=True, **network)
        self.names = ("a1", "a2", "b1", "b2")
        self.wires = {n: Trunk(getattr(self.site, n).ns) for n in self.names}
        for name in self.names:  # its kernel answers nothing: the frames here are the test's
            getattr(self.site, name).ns.run("ip", "link", "set", "eth0", "promisc", "on")
        self.a, self.b = self.site.daemons

    def got(self, name, load, n):
        def mine(frames):
            return [f for f in frames if load in f]
        wire = self.wires[name]
        return len(mine(wire.frames(3 if n else 0.3, lambda all_: len(mine(all_)) >= n) + wire.frames(0.2)))

    def expect_at(self, load, what, **counts):
        expect_equal({n: self.got(n, load, counts.get(n, 0)) for n in self.names},
                     {n: counts.get(n, 0) for n in self.names}, what)

    def send(self, name, frame, n=N):
        for _ in range(n):
            self.wires[name].send(frame)

    def drops(self, daemon, reason):
        return next((r["count"] for r in daemon.call("drops.list") if r["reason"] == reason), 0)

    def macs(self, daemon):
        return {m["mac"]: m["at"] for m in daemon.call("macs.list")}

    def expect_sums(self):
        for d in self.site.daemons:
            d.expect_sum()


@test
def broadcast_and_multicast_reach_each_port_of_both_nodes_once(lab):
    f = Flooded(lab)
    a1 = f.site.a1
    for mac, ip, load in ((ALL, "255.255.255.255", b"to all."), ("01:00:5e:01:02:03", "239.1.2.3", b"to a group.")):
        f.send("a1", udp(a1.mac, a1.ip, mac, ip, load))
        f.expect_at(load, "copies", a2=N, b1=N, b2=N, a1=0)
    f.expect_sums()


@test
def a_network_that_is_not_flooded_drops_them_and_learns_nothing(lab):
    site = Site(lab, ("sluice", "sluice"))
    wire = Trunk(site.a1.ns)
    for _ in range(N):
        wire.send(udp(site.a1.mac, site.a1.ip, ALL, "255.255.255.255", b"to all."))
        wire.send(udp(HOST, HOST_IP, site.b1.mac, site.b1.ip, b"from nobody."))
    def drops(reason):
        return next((r["count"] for r in site.daemons[0].call("drops.list") if r["reason"] == reason), 0)
    wait_until(lambda: drops("spoofed") >= N and drops("multicast") >= N,
               lambda: f"not dropped: {site.daemons[0].call('drops.list')}")
    expect_equal(site.daemons[0].call("macs.list"), [], "learned MACs")


@test
def a_host_that_is_no_endpoint_is_learned_and_reached(lab):
    """Behind a1: its first frame to b1 teaches both nodes where it is, and the replies go there alone."""
    f = Flooded(lab)
    b1 = f.site.b1
    f.send("b1", udp(b1.mac, b1.ip, HOST, HOST_IP, b"to whom?"))
    f.expect_at(b"to whom?", "copies of frames to an unknown MAC", a1=N, a2=N, b2=N)
    f.send("a1", udp(HOST, HOST_IP, b1.mac, b1.ip, b"here I am."))
    f.expect_at(b"here I am.", "frames of the host", b1=N)
    expect_equal((f.macs(f.a), f.macs(f.b)), ({HOST: "a1"}, {HOST: "a"}), "learned MACs at a and b")
    f.send("b1", udp(b1.mac, b1.ip, HOST, HOST_IP, b"to you."))
    f.expect_at(b"to you.", "frames to the host", a1=N)
    f.expect_sums()


@test
def hosts_find_each_other_by_arp_and_talk(lab):
    """The kernels of a1 and b1 take MACs and addresses that no endpoint has."""
    site = Site(lab, ("sluice", "sluice"), flood=True)
    for w, mac, ip in ((site.a1, HOST, HOST_IP), (site.b1, OTHER, "10.0.0.78")):
        w.ns.run("ip", "link", "set", "eth0", "address", mac)
        w.ns.run("ip", "addr", "flush", "dev", "eth0")
        w.ns.run("ip", "addr", "add", f"{ip}/24", "dev", "eth0")
    site.a1.ns.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "10.0.0.78")
    site.a1.ns.run("ping", "-c", "3", "-i", "0.2", "-W", "2", site.b2.ip)
    site.a2.ns.run("ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_IP)
    for d in site.daemons:
        d.expect_sum()


@test
def what_is_an_endpoints_cannot_be_taken(lab):
    f = Flooded(lab)
    a2, b1 = f.site.a2, f.site.b1
    before = f.drops(f.a, "spoofed")
    frames = [udp(a2.mac, HOST_IP, b1.mac, b1.ip, b"a2's MAC."),
              udp(HOST, a2.ip, b1.mac, b1.ip, b"a2's address."),
              udp(b1.mac, HOST_IP, ALL, "255.255.255.255", b"b1's MAC."),
              Ether(src=HOST, dst=ALL) / ARP(op=2, hwsrc=HOST, psrc=b1.ip, hwdst=ALL, pdst=b1.ip) / b"b1 is here.",
              Ether(src=HOST, dst=a2.mac) / ARP(op=2, hwsrc=HOST, psrc=b1.ip, hwdst=a2.mac, pdst=a2.ip) / b"b1, really."]
    for frame in frames:
        f.send("a1", frame)
    wait_until(lambda: f.drops(f.a, "spoofed") - before >= N * len(frames),
               lambda: f"{f.drops(f.a, 'spoofed') - before} dropped: {f.a.call('drops.list')}")
    for load in (b"a2's MAC.", b"a2's address.", b"b1's MAC.", b"b1 is here.", b"b1, really."):
        f.expect_at(load, "what arrived of it")
    f.expect_sums()


@test
def a_port_floods_no_more_than_the_rate(lab):
    f = Flooded(lab, flood_rate=20)
    a1 = f.site.a1
    f.send("a1", udp(a1.mac, a1.ip, ALL, "255.255.255.255", b"storm."), 200)
    wait_until(lambda: f.drops(f.a, "flood_rate") >= 140, lambda: f"{f.a.call('drops.list')}")
    passed = f.got("a2", b"storm.", 200)
    expect(passed <= 60, f"{passed} frames passed within at most two or three seconds")
    # What the workload's own stack sends to everybody meets the same limit.
    expect(f.drops(f.a, "flood_rate") >= 200 - passed, f"{passed} of 200 passed: {f.a.call('drops.list')}")
    others = {n: f.got(n, b"storm.", passed) for n in ("b1", "b2")}
    expect_equal(others, {"b1": passed, "b2": passed}, "copies")
    expect_equal(f.got("a1", b"storm.", 0), 0, "copies back to the sender")
    f.expect_sums()


@test
def moves_are_reported_and_old_macs_are_forgotten(lab):
    f = Flooded(lab, mac_ageing=2)
    b1 = f.site.b1
    f.send("a1", udp(HOST, HOST_IP, b1.mac, b1.ip, b"first here."), 1)
    wait_until(lambda: f.macs(f.a) == {HOST: "a1"}, lambda: f"{f.macs(f.a)}")
    f.send("a2", udp(HOST, HOST_IP, b1.mac, b1.ip, b"then there."), 1)
    wait_until(lambda: f.macs(f.a) == {HOST: "a2"}, lambda: f"{f.macs(f.a)}")
    wait_until(lambda: any(n["code"] == "mac_moved" and HOST in n["message"] for n in f.a.call("notices.list")),
               lambda: f"{f.a.call('notices.list')}")
    wait_until(lambda: f.macs(f.a) == {} and f.macs(f.b) == {}, lambda: f"{f.macs(f.a)}, {f.macs(f.b)}", 12)


@test
def a_port_learns_so_many_macs_and_no_more(lab):
    f = Flooded(lab)
    b1 = f.site.b1
    for i in range(300):
        f.send("a1", udp(f"02:00:00:01:{i >> 8:02x}:{i & 255:02x}", HOST_IP, b1.mac, b1.ip, b"many."), 1)
        if i % 50 == 0:
            time.sleep(0.05)
    wait_until(lambda: len(f.macs(f.a)) == 256, lambda: f"{len(f.macs(f.a))} MACs")
    expect_equal(f.got("b1", b"many.", 300), 300, "frames, of learned MACs and others")
    f.expect_sums()


@test
def policy_knows_such_hosts_as_the_world(lab):
    """b1 takes nothing unasked, so neither a host's frames nor broadcast reach it; b2 has no policy of its own."""
    f = Flooded(lab)
    f.b.call("policies.add", {"name": "closed", "network": "blue", "direction": "ingress", "action": "deny",
                              "subject": {"labels": {"app": "b1"}}, "peers": [{"entity": "any"}]})
    b1, b2, a1 = f.site.b1, f.site.b2, f.site.a1
    f.send("a1", udp(HOST, HOST_IP, b1.mac, b1.ip, b"let me in."))
    f.expect_at(b"let me in.", "at the closed endpoint")
    f.send("a1", udp(HOST, HOST_IP, b2.mac, b2.ip, b"hello b2."))
    f.expect_at(b"hello b2.", "at the open one", b2=N)
    f.send("a1", udp(a1.mac, a1.ip, ALL, "255.255.255.255", b"to all."))
    f.expect_at(b"to all.", "broadcast", a2=N, b2=N)
    f.send("b1", udp(b1.mac, b1.ip, HOST, HOST_IP, b"I ask."))
    f.expect_at(b"I ask.", "what b1 asks the host", a1=N)
    f.send("a1", Ether(src=HOST, dst=b1.mac) / IP(src=HOST_IP, dst=b1.ip) / UDP(sport=7, dport=7000) / b"I answer.")
    f.expect_at(b"I answer.", "the host's answer", b1=N)
    f.expect_sums()


@test
def flood_is_turned_on_and_off_while_it_runs(lab):
    f = Flooded(lab)
    a1 = f.site.a1
    network = dict(f.site.network)
    for on in (False, True):
        for d in f.site.daemons:
            d.call("networks.set", {**network, "flood": on})
        load = b"now on." if on else b"now off."
        f.send("a1", udp(a1.mac, a1.ip, ALL, "255.255.255.255", load))
        n = N if on else 0
        f.expect_at(load, f"flood {on}", a2=n, b1=n, b2=n)
    f.a.call("endpoints.del", {"name": "a2"})
    f.send("a1", udp(a1.mac, a1.ip, ALL, "255.255.255.255", b"without a2."))
    f.expect_at(b"without a2.", "after a2 is gone", b1=N, b2=N)
    f.expect_sums()


@test
def encapsulations_that_carry_no_frames_are_refused(lab):
    daemon = Site(lab, ("sluice", "sluice")).daemons[0]
    for change in ({"encap": "ipip"}, {"encap": "none"}, {"accepts": ["ipip"]}):
        try:
            daemon.call("networks.add", {"name": "red", "vni": 9, "flood": True, **change})
        except Refused as refused:
            expect("flood" in str(refused), f"the error names the field: {refused}")
        else:
            raise AssertionError(f"flood with {change} was accepted")
