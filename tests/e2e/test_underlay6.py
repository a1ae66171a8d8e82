# SPDX-License-Identifier: BSD-3-Clause
"""A node on an IPv6 underlay: neighbour discovery, its own addresses, routers, and what other hosts do."""
import json
import socket
import struct
import time

from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import OPEN, workers

NODE_MAC, PEER_MAC, EVIL_MAC = "02:00:00:00:0a:01", "02:00:00:00:0b:01", "02:00:00:00:0e:01"
NODE_IP, PEER_IP, EVIL_IP, ROUTER_IP = "2001:db8::1", "2001:db8::2", "2001:db8::66", "2001:db8::fe"
LINK_LOCAL = "fe80::ff:fe00:a01"
FAR = "2001:db8:9::2"


class Segment6:
    """Our node on a bridge with another node and a hostile host. Both are the kernel's, with its IPv6."""

    def __init__(self, lab, snooping=False, **config):
        self.node, self.switch = lab.namespace("node6"), lab.namespace("switch6", ipv6=snooping)
        more = ("mcast_querier", "1", "mcast_startup_query_interval", "100", "mcast_query_interval", "500",
                "mcast_membership_interval", "26000") if snooping else ()
        self.switch.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "01"[snooping], *more)
        self.switch.run("ip", "link", "set", "br0", "up")
        self.plug(self.node, "up0", "p0", NODE_MAC)
        self.hosts = {}
        for name, mac, ip in (("peer", PEER_MAC, PEER_IP), ("evil", EVIL_MAC, EVIL_IP)):
            ns = lab.namespace(name + "6", ipv6=True)
            self.plug(ns, "eth0", "p-" + name, mac)
            ns.run("ip", "addr", "add", f"{ip}/64", "dev", "eth0", "nodad")
            self.hosts[name] = ns
        self.web = lab.namespace("web6")
        link(self.node, "web", self.web, "eth0")
        self.web.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:05")
        self.web.run("ip", "addr", "add", "10.0.0.5/24", "dev", "eth0")
        self.web.run("ip", "neigh", "replace", "10.0.0.6", "lladdr", "02:00:00:00:00:06", "dev", "eth0")
        self.sock = self.web.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.daemon = lab.daemon("a", {**self.config(), **config}, self.node)
        self.daemon.start()

    def plug(self, ns, dev, port, mac):
        link(ns, dev, self.switch, port)
        ns.run("ip", "link", "set", dev, "down")  # so that the link-local address follows the MAC
        ns.run("ip", "link", "set", dev, "address", mac, "up")
        self.switch.run("ip", "link", "set", port, "master", "br0")

    @staticmethod
    def config():
        return {
            "node": {"name": "a", "tunnel_addresses": [NODE_IP]}, "workers": workers(),
            "ports": [{"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0",
                       "addresses": [f"{NODE_IP}/64"]},
                      {"name": "web", "role": "access", "devargs": "net_af_packet1,iface=web"}],
            "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}],
            "nodes": [{"name": "b", "address": PEER_IP}],
            "endpoints": [{"name": "web", "network": "blue", "port": "web",
                           "mac": "02:00:00:00:00:05", "addresses": ["10.0.0.5"]},
                          {"name": "db", "network": "blue", "node": "b",
                           "mac": "02:00:00:00:00:06", "addresses": ["10.0.0.6"]}],
        }

    @property
    def peer(self):
        return self.hosts["peer"]

    @property
    def evil(self):
        return self.hosts["evil"]

    def neighbor(self, address=PEER_IP):
        for n in self.daemon.call("neighbors.state"):
            if n["address"] == address:
                return n
        return {}

    def wait_neighbor(self, what, seconds=10, **want):
        def there():
            n = self.neighbor()
            return n if all(n.get(k) == v for k, v in want.items()) else None

        return wait_until(there, lambda: f"{what}: {self.daemon.call('neighbors.state')}", seconds)

    def path(self):
        return self.daemon.call("nodes.paths")[0]


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def checksum6(src, dst, body):
    data = (socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) +
            struct.pack("!II", len(body), socket.IPPROTO_ICMPV6) + body)
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def icmp6(src_mac, dst_mac, src, dst, body, hops=255):
    """A frame; body: ICMPv6 with a zero checksum."""
    body = body[:2] + struct.pack("!H", checksum6(src, dst, body)) + body[4:]
    return (mac_bytes(dst_mac) + mac_bytes(src_mac) + struct.pack("!HIHBB", 0x86dd, 6 << 28, len(body), 58, hops) +
            socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + body)


def advertisement(target, mac, flags=0x20):
    return (struct.pack("!BBHI", 136, 0, 0, flags << 24) + socket.inet_pton(socket.AF_INET6, target) +
            b"\x02\x01" + mac_bytes(mac))


def raw(ns, dev="eth0"):
    s = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((dev, 0x86dd))
    return s


def ping(ns, address, n=3):
    ns.run("ping", "-n", "-i", "0.05", "-W", "2", "-c", str(n), address)


@test
def own_ip6_addresses_answer_solicitations_and_pings(lab):
    """Those of the configuration, and the link-local one of the port's MAC. The kernel asks by multicast."""
    s = Segment6(lab)
    ping(s.peer, NODE_IP)
    ping(s.peer, f"{LINK_LOCAL}%eth0")
    for address in (NODE_IP, LINK_LOCAL):
        line = s.peer.run("ip", "-6", "neigh", "show", address, "dev", "eth0")
        expect(NODE_MAC in line, f"the kernel's neighbour entry: {line}")
    nobody = s.peer.popen("ping", "-n", "-c", "1", "-W", "1", "2001:db8::77")
    expect(nobody.wait() != 0, "an address of nobody is answered")


@test
def an_ip6_next_hop_is_resolved_and_probed(lab):
    s = Segment6(lab)
    n = s.wait_neighbor("the next hop is not resolved", mac=PEER_MAC, state="reachable")
    expect_equal(s.path()["resolved"], True, "the path")
    expect_equal(s.path()["next_hop"], PEER_IP, "the next hop")
    # The kernel does not answer any more: the entry is asked for when it is 30 seconds old, and fails.
    s.switch.run("ip", "link", "set", "p-peer", "down")
    n = s.wait_neighbor("the loss is not noticed", 45, state="failed")
    expect_equal(s.path()["state"], "unresolved", f"the path of {n}")
    expect("neighbor discovery" in s.path()["problem"], s.path()["problem"])
    s.switch.run("ip", "link", "set", "p-peer", "up")
    wait_until(lambda: s.sock.sendto(b"x", ("10.0.0.6", 9)) and s.neighbor().get("state") == "reachable",
               lambda: f"it does not come back: {s.neighbor()}", 15)


@test
def a_next_hop_that_moves_is_followed_and_a_claim_is_not(lab):
    """An unsolicited advertisement is a reason to ask the holder. It counts only when he is gone."""
    s = Segment6(lab)
    s.wait_neighbor("the next hop is not resolved", mac=PEER_MAC, state="reachable")
    wire = raw(s.evil)
    wire.send(icmp6(EVIL_MAC, "33:33:00:00:00:01", PEER_IP, "ff02::1", advertisement(PEER_IP, EVIL_MAC)))
    wire.send(icmp6(EVIL_MAC, NODE_MAC, PEER_IP, NODE_IP, advertisement(PEER_IP, EVIL_MAC, 0x60)))
    n = s.wait_neighbor("the claim is not noted", attempts=1)
    expect_equal(n["mac"], PEER_MAC, "the MAC after a false claim")
    # Now the address moves to the other host for real; its kernel announces it.
    s.peer.run("ip", "addr", "del", f"{PEER_IP}/64", "dev", "eth0")
    s.evil.run("ip", "addr", "add", f"{PEER_IP}/64", "dev", "eth0", "nodad")

    def moved():
        wire.send(icmp6(EVIL_MAC, "33:33:00:00:00:01", PEER_IP, "ff02::1", advertisement(PEER_IP, EVIL_MAC)))
        n = s.neighbor()
        return n.get("mac") == EVIL_MAC and n["state"] == "reachable"

    wait_until(moved, lambda: f"the move is not followed: {s.neighbor()}", 20)
    wire.close()


@test
def a_duplicate_of_an_own_address_is_reported(lab):
    """The kernel's duplicate address detection asks; the node answers, and the kernel gives the address up."""
    s = Segment6(lab)
    s.evil.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1", "net.ipv6.conf.eth0.dad_transmits=1")
    s.evil.run("ip", "addr", "add", f"{NODE_IP}/64", "dev", "eth0")
    wait_until(lambda: "dadfailed" in s.evil.run("ip", "-6", "addr", "show", "dev", "eth0"),
               "the kernel has not noticed that the address is taken", 10)
    wire = raw(s.evil)
    wire.send(icmp6(EVIL_MAC, NODE_MAC, NODE_IP, NODE_IP, advertisement(NODE_IP, EVIL_MAC)))
    wire.close()
    wait_until(lambda: "address_conflict" in [n["code"] for n in s.daemon.call("notices.list")],
               lambda: f"no notice of the conflict: {s.daemon.call('notices.list')}", 10)
    ping(s.peer, NODE_IP)


@test
def router_advertisements_change_nothing(lab):
    s = Segment6(lab)
    s.wait_neighbor("the next hop is not resolved", mac=PEER_MAC, state="reachable")
    before = s.daemon.drop("multicast")
    wire, n = raw(s.evil), 20
    body = (struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) +
            struct.pack("!BBBBIII16s", 3, 4, 64, 0xc0, 86400, 86400, 0,
                        socket.inet_pton(socket.AF_INET6, "2001:db8:bad::")))
    for _ in range(n):
        wire.send(icmp6(EVIL_MAC, "33:33:00:00:00:01", "fe80::ff:fe00:e01", "ff02::1", body))
    wire.close()
    wait_until(lambda: s.daemon.drop("multicast") - before >= n, "the advertisements are not counted")
    expect_equal(s.path()["next_hop"], PEER_IP, "the next hop")


def routed(lab, via, **more):
    """Node b is behind the router: the peer's kernel."""
    s = Segment6(lab, routes=[{"prefix": "2001:db8:9::/48", "via": via, **more}],
                 nodes=[{"name": "b", "address": FAR}])
    wait_until(lambda: s.path()["resolved"], lambda: f"not resolved: {s.path()}", 10)
    return s


@test
def a_router_is_found_by_its_global_and_by_its_link_local_address(lab):
    s = routed(lab, PEER_IP)
    expect_equal(s.path()["next_hop"], PEER_IP, "the next hop")
    s.daemon.call("routes.set", {"prefix": "2001:db8:9::/48", "via": "fe80::ff:fe00:b01", "port": "uplink"})
    wait_until(lambda: s.path()["next_hop"] == "fe80::ff:fe00:b01" and s.path()["resolved"],
               lambda: f"not resolved: {s.path()}", 10)
    expect_equal(s.neighbor("fe80::ff:fe00:b01")["mac"], PEER_MAC, "its MAC")
    expect_equal([n["code"] for n in s.daemon.call("notices.list")], [], "notices")


class Routed6:
    """A node with one workload, a router, and behind that another node: the kernel's VXLAN device, which may
    come later, or sluice. host: the node's uplink has a host TAP, and the kernel has addresses and routes."""

    def __init__(self, lab, host=False, peer="kernel", checksum="zero"):
        self.lab, self.host, self.checksum = lab, host, checksum
        self.node, self.router, self.peer = (lab.namespace(n + "6", ipv6=True) for n in ("node", "router", "peer"))
        self.web, self.db = lab.namespace("web6"), lab.namespace("db6")
        link(self.node, "up0", self.router, "left")
        link(self.router, "right", self.peer, "up0")
        for ns, dev, address in ((self.router, "left", f"{ROUTER_IP}/64"), (self.router, "right", "2001:db8:9::fe/64")):
            ns.run("ip", "addr", "add", address, "dev", dev, "nodad")
        self.router.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv6.icmp.ratelimit=0")
        self.workload(self.node, self.web, 5, 6)
        self.daemon = lab.daemon("a", self.config("a", NODE_IP, ROUTER_IP, FAR, "web"), self.node).start()
        self.sock = self.web.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far = None
        if peer == "sluice":
            self.workload(self.peer, self.db, 6, 5)
            self.far = lab.daemon("b", self.config("b", FAR, "2001:db8:9::fe", NODE_IP, "db"), self.peer).start()
        else:
            self.peer.run("ip", "addr", "add", f"{FAR}/64", "dev", "up0", "nodad")
            self.peer.run("ip", "-6", "route", "add", "default", "via", "2001:db8:9::fe")
        if host:
            wait_until(lambda: NODE_IP in self.node.run("ip", "-6", "addr", "show", "dev", "up0h"), "no TAP")
            self.node.run("ip", "-6", "route", "add", "2001:db8:9::/64", "via", ROUTER_IP, "dev", "up0h")
        wait_until(lambda: self.path()["resolved"], lambda: f"not resolved: {self.path()}", 15)

    @staticmethod
    def workload(node, ns, n, other):
        dev = "web" if n == 5 else "db"
        link(node, dev, ns, "eth0")
        ns.run("ip", "link", "set", "eth0", "address", f"02:00:00:00:00:0{n}")
        ns.run("ip", "link", "set", "eth0", "mtu", "1400")
        ns.run("ip", "addr", "add", f"10.0.0.{n}/24", "dev", "eth0")
        ns.run("ip", "neigh", "replace", f"10.0.0.{other}", "lladdr", f"02:00:00:00:00:0{other}", "dev", "eth0")

    def config(self, name, own, router, other, workload):
        index = 0 if name == "a" else 1
        places = {"web": ("a", 5), "db": ("b", 6)}
        port = {"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0", "addresses": [f"{own}/64"]}
        routes = [{"prefix": "::/0", "via": router}]
        if self.host:
            port.update(host_tap={"name": "up0h"})
            routes = []
        return {
            "node": {"name": name, "tunnel_addresses": [own]}, "workers": workers(index),
            "ports": [port, {"name": workload, "role": "access", "devargs": f"net_af_packet1,iface={workload}"}],
            "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}],
            "routes": routes,
            "nodes": [{"name": "b" if name == "a" else "a", "address": other, "udp6_checksum": self.checksum}],
            "endpoints": [{"name": w, "network": "blue", "mac": f"02:00:00:00:00:0{n}", "addresses": [f"10.0.0.{n}"],
                           **({"port": w} if at == name else {"node": at})} for w, (at, n) in places.items()],
        }

    def listen(self):
        run = self.peer.run
        run("ip", "link", "add", "vx", "address", "02:00:00:00:00:06", "type", "vxlan", "id", "100",
            "dstport", "4789", "local", FAR, "remote", NODE_IP, "dev", "up0", "udp6zerocsumrx")
        run("ip", "link", "set", "vx", "mtu", "1400", "up")
        run("ip", "addr", "add", "10.0.0.6/24", "dev", "vx")
        run("ip", "neigh", "replace", "10.0.0.5", "lladdr", "02:00:00:00:00:05", "dev", "vx")

    def send(self, size=32):
        self.sock.sendto(bytes(size), ("10.0.0.6", 9))

    def path(self):
        return self.daemon.call("nodes.paths")[0]

    def wait_state(self, state, send=lambda: None, seconds=20):
        def there():
            send()
            return self.path()["state"] == state

        wait_until(there, lambda: f"the state does not become {state}: {self.path()}", seconds)
        return self.path()


@test
def a_tunnel_over_ip6_crosses_a_router_to_the_kernels_vxlan(lab):
    way = Routed6(lab)
    way.listen()
    n = 50
    ping(way.web, "10.0.0.6", n)
    path = way.wait_state("heard")
    expect_equal([path["tx_packets"], path["tx_bytes"]], [n, n * 98], "sent into the tunnel")
    count = json.loads(way.peer.run("ip", "-s", "-j", "link", "show", "vx"))[0]["stats64"]
    expect_equal([count["rx"]["packets"], count["tx"]["packets"]], [path["tx_packets"], path["rx_packets"]],
                 "the peer's own count")
    expect_equal(path["next_hop"], ROUTER_IP, "the next hop")


@test
def icmp6_errors_about_tunnel_packets_are_shown_with_their_sender(lab):
    """The kernel drops a packet without checksum to a port that nobody has without an error."""
    way = Routed6(lab, checksum="compute")
    path = way.wait_state("unreachable", way.send)
    expect_equal([path["error"], path["error_type"], path["error_code"], path["error_from"]],
                 ["port unreachable", 1, 4, FAR], "the error")
    way.router.run("ip", "-6", "route", "add", "prohibit", f"{FAR}/128")
    wait_until(lambda: way.send() or way.path()["error_from"] != FAR, "no error of the router")
    expect_equal([way.path()["error"], way.path()["error_from"]], ["administratively prohibited", ROUTER_IP],
                 "the router's error")
    way.router.run("ip", "-6", "route", "del", "prohibit", f"{FAR}/128")
    way.router.run("ip", "link", "set", "right", "mtu", "1280")
    way.listen()
    ping(way.web, "10.0.0.6")
    wait_until(lambda: way.send(1300) or way.path().get("error_mtu"), lambda: f"no MTU: {way.path()}")
    expect_equal([way.path()["error"], way.path()["error_mtu"]], ["packet too big", 1280], "the MTU")
    expect_equal(way.daemon.drop("underlay_protocol"), 0, "errors that count as noise")


@test
def two_nodes_talk_over_ip6_through_a_router(lab):
    way = Routed6(lab, peer="sluice")
    n = 100
    ping(way.web, "10.0.0.6", n)
    near, far = way.daemon.call("nodes.paths")[0], way.far.call("nodes.paths")[0]
    expect_equal([near["tx_packets"], near["rx_packets"]], [n, n], "the near node's count")
    expect_equal([far["rx_packets"], far["tx_packets"]], [n, n], "the far node's count")
    expect_equal([near["next_hop"], far["next_hop"]], [ROUTER_IP, "2001:db8:9::fe"], "next hops")


@test
def with_a_host_tap_the_kernel_has_ip6_routes_and_neighbours(lab):
    way = Routed6(lab, host=True)
    way.listen()
    ping(way.node, ROUTER_IP)  # the host's own traffic
    ping(way.web, "10.0.0.6")
    expect_equal(way.path()["next_hop"], ROUTER_IP, "the next hop")
    router = json.loads(way.router.run("ip", "-j", "-6", "addr", "show", "dev", "left"))[0]["addr_info"]
    link_local = next(a["local"] for a in router if a["scope"] == "link")
    way.node.run("ip", "-6", "route", "replace", "2001:db8:9::/64", "via", link_local, "dev", "up0h")
    wait_until(lambda: way.path()["next_hop"] == link_local and way.path()["resolved"],
               lambda: f"the kernel's new route is not taken: {way.path()}", 10)
    ping(way.web, "10.0.0.6")


@test
def two_of_three_solicitations_may_be_lost(lab):
    """The table asks three times, so the next hop is found, and stays over its probe after 30 seconds."""
    s = Segment6(lab)
    s.wait_neighbor("the next hop is not resolved", mac=PEER_MAC, state="reachable")
    s.peer.run("nft", "add", "table", "ip6", "loss")
    s.peer.run("nft", "add", "chain", "ip6", "loss", "in", "{ type filter hook input priority 0; }")
    s.peer.run("nft", "add", "rule", "ip6", "loss", "in", "icmpv6", "type", "nd-neighbor-solicit",
               "numgen", "inc", "mod", "3", "!=", "2", "counter", "drop")
    states = set()

    def probed():
        n = s.neighbor()
        states.add(n["state"])
        return "probe" in states and n["state"] == "reachable"

    wait_until(probed, lambda: f"it was not probed: {s.neighbor()}", 45)
    expect("failed" not in states and "incomplete" not in states, f"states: {states}")
    lost = json.loads(s.peer.run("nft", "-j", "list", "chain", "ip6", "loss", "in"))
    counter = next(e["counter"] for r in lost["nftables"] for e in r.get("rule", {}).get("expr", []) if "counter" in e)
    expect(counter["packets"] >= 2, f"solicitations that were lost: {counter}")


@test
def a_switch_that_filters_groups_passes_solicitations(lab):
    """Its querier is on, so it forwards groups only to ports that have reported them."""
    s = Segment6(lab, snooping=True)

    def groups(port):
        mdb = json.loads(s.switch.run("bridge", "-j", "mdb", "show", "dev", "br0"))
        return {e["grp"] for b in mdb for e in b.get("mdb", []) if e["port"] == port}

    wait_until(lambda: {"ff02::1:ff00:1", "ff02::1:ff00:a01"} <= groups("p0"),
               lambda: f"the switch does not know the node's groups: {groups('p0')}", 15)
    time.sleep(11)  # until the bridge trusts its own querier
    s.peer.run("ip", "-6", "neigh", "flush", "dev", "eth0")
    ping(s.peer, NODE_IP)
    ping(s.peer, f"{LINK_LOCAL}%eth0")
    expect("ff02::1:ff00:77" not in groups("p0"), "a group of nobody")
