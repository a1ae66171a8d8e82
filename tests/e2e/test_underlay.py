# SPDX-License-Identifier: BSD-3-Clause
"""What other hosts on the underlay's link can do to a node, and what a node reports about its
underlay."""
import socket
import struct
import threading
import time

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import OPEN, workers

NODE_MAC, PEER_MAC, EVIL_MAC = "02:00:00:00:0a:01", "02:00:00:00:0b:01", "02:00:00:00:0e:01"
NODE_IP, PEER_IP, EVIL_IP = "192.0.2.1", "192.0.2.2", "192.0.2.66"
REQUEST, REPLY = 1, 2
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def arp(op, sender_mac, sender, target, to=BROADCAST, target_mac="00:00:00:00:00:00"):
    return (mac_bytes(to) + mac_bytes(sender_mac) + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, op) +
            mac_bytes(sender_mac) + socket.inet_aton(sender) + mac_bytes(target_mac) +
            socket.inet_aton(target))


class Wire:
    """A raw socket in a namespace: the frames that its interface receives, from now on."""

    def __init__(self, ns, dev="eth0"):
        self.socket = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((dev, 3))
        self.socket.settimeout(0.05)

    def send(self, frame):
        self.socket.send(frame)

    def frames(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                data, address = self.socket.recvfrom(65536)
            except (socket.timeout, TimeoutError):
                continue
            if address[2] != socket.PACKET_OUTGOING:
                yield data

    def close(self):
        self.socket.close()


class Segment:
    """Our node, the real next hop and a hostile host, whose kernels have their addresses, on one bridge."""

    def __init__(self, lab):
        self.node, self.switch = lab.namespace("node"), lab.namespace("switch")
        self.hosts = {}
        self.switch.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.switch.run("ip", "link", "set", "br0", "up")
        self._plug(self.node, "up0", "p0", NODE_MAC)
        for name, mac, ip in (("peer", PEER_MAC, PEER_IP), ("evil", EVIL_MAC, EVIL_IP)):
            ns = lab.namespace(name)
            self._plug(ns, "eth0", "p-" + name, mac)
            ns.run("ip", "addr", "add", f"{ip}/24", "dev", "eth0")
            self.hosts[name] = ns
        web = lab.namespace("web")
        link(self.node, "web", web, "eth0")
        web.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:05")
        web.run("ip", "addr", "add", "10.0.0.5/24", "dev", "eth0")
        self.web = web

    def _plug(self, ns, dev, port, mac):
        link(ns, dev, self.switch, port)
        ns.run("ip", "link", "set", dev, "address", mac)
        self.switch.run("ip", "link", "set", port, "master", "br0")

    @property
    def peer(self):
        return self.hosts["peer"]

    @property
    def evil(self):
        return self.hosts["evil"]

    def config(self, **more):
        return {
            "node": {"name": "a", "tunnel_addresses": [NODE_IP]}, "workers": workers(),
            "ports": [{"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0",
                       "addresses": [f"{NODE_IP}/24"]},
                      {"name": "web", "role": "access", "devargs": "net_af_packet1,iface=web"}],
            "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}],
            "nodes": [{"name": "b", "address": PEER_IP}],
            "endpoints": [{"name": "web", "network": "blue", "port": "web",
                           "mac": "02:00:00:00:00:05", "addresses": ["10.0.0.5"]},
                          {"name": "db", "network": "blue", "node": "b",
                           "mac": "02:00:00:00:00:06", "addresses": ["10.0.0.6"]}],
            **more,
        }


def neighbor(daemon):
    for n in daemon.call("neighbors.state"):
        if n["address"] == PEER_IP:
            return n
    return {}


def codes(daemon):
    return [n["code"] for n in daemon.call("notices.list")]


def ask_from_workload(segment):
    """Packets for the endpoint behind the next hop; nobody answers them."""
    s = segment.web.socket(socket.AF_INET, socket.SOCK_DGRAM)
    segment.web.run("ip", "neigh", "replace", "10.0.0.6", "lladdr", "02:00:00:00:00:06", "dev", "eth0")
    s.sendto(b"hello", ("10.0.0.6", 9))
    s.close()


def resolved(lab):
    segment = Segment(lab)
    daemon = lab.daemon("a", segment.config(), segment.node).start()
    ask_from_workload(segment)
    wait_until(lambda: neighbor(daemon).get("mac") == PEER_MAC,
               lambda: f"the next hop is not resolved: {daemon.call('neighbors.state')}", 10)
    return segment, daemon


def tunnel_packets(wire, seconds):
    return sum(1 for f in wire.frames(seconds) if f[12:14] == b"\x08\x00" and f[36:38] == b"\x12\xb5")


@test
def a_hostile_host_does_not_take_over_the_next_hop(lab):
    segment, daemon = resolved(lab)
    wire, listening = Wire(segment.evil), Wire(segment.evil)
    claims = (
        arp(REQUEST, EVIL_MAC, PEER_IP, PEER_IP),
        arp(REPLY, EVIL_MAC, PEER_IP, PEER_IP),
        arp(REPLY, EVIL_MAC, PEER_IP, NODE_IP, NODE_MAC, NODE_MAC),
        arp(REQUEST, EVIL_MAC, PEER_IP, NODE_IP, NODE_MAC),
        arp(REQUEST, EVIL_MAC, PEER_IP, "192.0.2.77"),
    )
    stop = threading.Event()

    def attack():
        while not stop.wait(0.05):
            for frame in claims:
                wire.send(frame)

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        wait_until(lambda: neighbor(daemon)["attempts"] > 0,
                   lambda: f"no attempt was noticed: {neighbor(daemon)}", 10)
        for _ in range(10):
            ask_from_workload(segment)
        expect_equal(tunnel_packets(listening, 2), 0, "tunnel packets at the hostile host")
        n = neighbor(daemon)
        expect_equal((n["mac"], n["flips"], n["last_other_mac"]), (PEER_MAC, 0, EVIL_MAC), "the next hop")
        expect("claim" in n["problem"], f"neighbors.state says nothing: {n}")
        expect("next_hop_contested" in codes(daemon), f"no notice: {codes(daemon)}")
    finally:
        stop.set()
        attacker.join()
        wire.close()
        listening.close()
    log = daemon.log_tail(1000)
    expect_equal(log.count(f"{EVIL_MAC} claimed to be it"), 1, "lines in the log about the claims")


@test
def a_next_hop_that_has_really_moved_is_followed(lab):
    segment, daemon = resolved(lab)
    wire = Wire(segment.peer)
    moved = "02:00:00:00:0b:99"
    segment.peer.run("ip", "link", "set", "eth0", "address", moved)
    wire.send(arp(REQUEST, moved, PEER_IP, PEER_IP))
    wait_until(lambda: neighbor(daemon).get("mac") == moved,
               lambda: f"the old MAC is still used: {neighbor(daemon)}", 15)
    expect_equal(neighbor(daemon)["flips"], 1, "flips")
    expect(f"moved from {PEER_MAC} to {moved}" in daemon.log_tail(), "the log says nothing")
    wire.close()


@test
def strangers_and_impostors_leave_no_entry(lab):
    segment, daemon = resolved(lab)
    wire = Wire(segment.evil)
    for i in range(100, 110):
        wire.send(arp(REQUEST, EVIL_MAC, f"192.0.2.{i}", NODE_IP))
        wire.send(arp(REPLY, EVIL_MAC, f"192.0.2.{i}", NODE_IP, NODE_MAC, NODE_MAC))
    wire.send(arp(REQUEST, EVIL_MAC, NODE_IP, NODE_IP))
    wait_until(lambda: "address_conflict" in codes(daemon),
               lambda: f"no notice of the conflict: {codes(daemon)}", 10)
    expect_equal([n["address"] for n in daemon.call("neighbors.state")], [PEER_IP], "entries")
    expect(f"{EVIL_MAC} claims it" in daemon.log_tail(), "the conflict is not in the log")
    expect(any(f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2" for f in wire.frames(1)),
           "an honest question for our address has no answer")
    wire.close()


def vxlan(source):
    inner = (mac_bytes("02:00:00:00:00:05") + mac_bytes("02:00:00:00:00:06") + b"\x08\x00" +
             ip4("10.0.0.6", "10.0.0.5", struct.pack("!HHHH", 1, 2, 12, 0) + b"evil"))
    payload = struct.pack("!II", 0x08000000, 100 << 8) + inner
    outer = ip4(source, NODE_IP, struct.pack("!HHHH", 50000, 4789, 8 + len(payload), 0) + payload)
    return mac_bytes(NODE_MAC) + mac_bytes(EVIL_MAC) + b"\x08\x00" + outer


def ip4(source, destination, payload):
    def header(checksum):
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, 17,
                           checksum) + socket.inet_aton(source) + socket.inet_aton(destination)

    words = sum(struct.unpack("!10H", header(0)))
    words = (words & 0xffff) + (words >> 16)
    return header(~((words & 0xffff) + (words >> 16)) & 0xffff) + payload


@test
def a_tunnel_packet_from_our_own_address_is_dropped_after_a_renumbering(lab):
    """In the state directory, node b has the address that the file gives to this node."""
    segment = Segment(lab)
    before = segment.config()
    daemon = lab.daemon("a", before, segment.node, state=True).start()
    daemon.stop()
    after = {**before, "node": {"name": "a", "tunnel_addresses": [NODE_IP, PEER_IP]}}
    daemon = lab.daemon("a", after, segment.node, state=True).start()
    expect("node_own_address" in codes(daemon), f"no notice: {codes(daemon)}")
    expect(PEER_IP in daemon.log_tail(), "the log does not name the address")
    path = daemon.call("nodes.paths")[0]
    expect("own" in path["problem"] and not path["reachable"], f"nodes.paths: {path}")
    evil, web = Wire(segment.evil), Wire(segment.web)
    for source in (NODE_IP, PEER_IP):
        seen = daemon.drop("tunnel_sender_unknown")
        evil.send(vxlan(source))
        daemon.wait_drop("tunnel_sender_unknown", seen)
    expect(not any(b"evil" in f for f in web.frames(0.5)), "a workload received it")
    for s in (evil, web):
        s.close()
    daemon.call("nodes.set", {"name": "b", "address": "192.0.2.3"})
    expect("node_own_address" not in codes(daemon), "the notice stays")


@test
def what_is_wrong_with_the_underlay_is_said_and_the_saying_ends(lab):
    segment = Segment(lab)
    config = segment.config(nodes=[], endpoints=[])
    config["networks"][0]["mtu"] = 1500
    daemon = lab.daemon("a", config, segment.node).start()
    expect_equal(codes(daemon), [], "notices of a right configuration")
    daemon.call("nodes.add", {"name": "b", "address": "198.51.100.2"})
    expect_equal(codes(daemon), ["node_unreachable"], "notices of a node without endpoints")
    daemon.call("endpoints.add", {"name": "db", "network": config["networks"][0]["name"], "node": "b",
                                  "mac": "02:00:00:00:00:66", "addresses": ["10.0.0.66"]})
    expect_equal(sorted(codes(daemon)), ["network_mtu", "node_unreachable"], "notices")
    arithmetic = [n["message"] for n in daemon.call("notices.list") if n["code"] == "network_mtu"][0]
    expect("1450" in arithmetic and "less 50" in arithmetic, arithmetic)
    expect("no route" in daemon.call("nodes.paths")[0]["problem"], "nodes.paths does not say why")
    wait_until(lambda: "notice: nodes \"b\"" in daemon.log_tail(),
               lambda: f"not in the log: {daemon.log_tail()}", 10)
    daemon.call("routes.add", {"prefix": "198.51.100.0/24", "via": PEER_IP})
    expect_equal(codes(daemon), ["network_mtu"], "notices once there is a route")
    wait_until(lambda: "no longer: nodes \"b\"" in daemon.log_tail(),
               lambda: f"the end is not in the log: {daemon.log_tail()}", 10)
    try:
        daemon.call("nodes.add", {"name": "me", "address": NODE_IP})
    except Refused as e:
        expect("own" in e.error["message"], e.error["message"])
    else:
        expect(False, "nodes.add took this node's own address")
