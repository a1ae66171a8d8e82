# SPDX-License-Identifier: BSD-3-Clause
"""nodes.paths tells whether packets to a node arrive, not only whether its next hop is known."""
import json
import socket
import struct

from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import OPEN, workers


class Routed:
    """A sluice node with one workload, a router, and behind that another node, whose kernel has the address
    and whose VXLAN device may come later."""
    MTU = 1500

    def __init__(self, lab):
        self.node, self.router, self.peer = (lab.namespace(n) for n in ("node", "router", "peer"))
        self.web = lab.namespace("web")
        link(self.node, "up0", self.router, "left")
        link(self.router, "right", self.peer, "up0")
        link(self.node, "web", self.web, "eth0")
        for ns, dev, address in ((self.router, "left", "192.0.2.254/24"),
                                 (self.router, "right", "198.51.100.254/24"),
                                 (self.peer, "up0", "198.51.100.2/24"), (self.web, "eth0", "10.0.0.5/24")):
            ns.run("ip", "addr", "add", address, "dev", dev)
        self.router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.router.run("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0")
        self.peer.run("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0")
        self.peer.run("ip", "route", "add", "default", "via", "198.51.100.254")
        self.web.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:05")
        self.web.run("ip", "neigh", "replace", "10.0.0.6", "lladdr", "02:00:00:00:00:06", "dev", "eth0")
        self._sock = self.web.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.daemon = lab.daemon("a", {
            "node": {"name": "a", "tunnel_addresses": ["192.0.2.1"]}, "workers": workers(),
            "ports": [{"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0",
                       "addresses": ["192.0.2.1/24"]},
                      {"name": "web", "role": "access", "devargs": "net_af_packet1,iface=web"}],
            "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}],
            "routes": [{"prefix": "198.51.100.0/24", "via": "192.0.2.254"}],
            "nodes": [{"name": "b", "address": "198.51.100.2"}],
            "endpoints": [{"name": "web", "network": "blue", "port": "web", "mac": "02:00:00:00:00:05",
                           "addresses": ["10.0.0.5"]},
                          {"name": "db", "network": "blue", "node": "b", "mac": "02:00:00:00:00:06",
                           "addresses": ["10.0.0.6"]}],
        }, self.node)
        self.daemon.start()

    def listen(self):
        """The peer's end of the tunnel, with a workload that answers pings."""
        run = self.peer.run
        run("ip", "link", "add", "vx", "address", "02:00:00:00:00:06", "type", "vxlan", "id", "100",
            "dstport", "4789", "local", "198.51.100.2", "remote", "192.0.2.1", "dev", "up0")
        run("ip", "link", "set", "vx", "mtu", "1400", "up")
        run("ip", "addr", "add", "10.0.0.6/24", "dev", "vx")
        run("ip", "neigh", "replace", "10.0.0.5", "lladdr", "02:00:00:00:00:05", "dev", "vx")

    def send(self, size=32):
        self._sock.sendto(bytes(size), ("10.0.0.6", 9))

    def path(self):
        return self.daemon.call("nodes.paths")[0]

    def wait_state(self, state, send=lambda: None, seconds=20):
        def there():
            send()
            return self.path()["state"] == state

        wait_until(there, lambda: f"the state does not become {state}: {self.path()}", seconds)
        return self.path()

    def ping(self, n=1):
        self.web.run("ping", "-n", "-i", "0.05", "-W", "2", "-c", str(n), "10.0.0.6")


@test
def what_goes_through_a_tunnel_is_counted(lab):
    """This includes the first packet, which waits for the next hop's MAC."""
    way = Routed(lab)
    way.listen()
    path = way.path()
    expect_equal([path["tx_packets"], path["rx_packets"], "heard_seconds" in path], [0, 0, False], "before")
    n = 50
    way.ping(n)
    path = wait_until(lambda: way.path() if way.path()["rx_packets"] >= n else None, "nothing came back")
    expect_equal(path["state"], "heard", "state")
    expect_equal(path["tx_packets"], n, "packets sent into the tunnel")
    expect_equal(path["tx_bytes"], n * 98, "their bytes")
    count = json.loads(way.peer.run("ip", "-s", "-j", "link", "show", "vx"))[0]["stats64"]
    received, sent = count["rx"]["packets"], count["tx"]["packets"]
    expect_equal([received, sent], [path["tx_packets"], path["rx_packets"]], "the peer's own count")
    expect_equal(path["heard_seconds"], 0, "seconds since it was heard")
    expect_equal([path["errors"], path["problem"]], [0, ""], "errors")


@test
def a_filtered_tunnel_is_silent_and_heard_again(lab):
    way = Routed(lab)
    way.listen()
    way.ping()
    way.wait_state("heard")
    way.router.run("ip", "route", "add", "blackhole", "198.51.100.2")
    path = way.wait_state("silent", way.send)
    expect(path["resolved"], "the next hop is there all the same")
    expect("none comes back" in path["problem"], f"problem: {path['problem']}")
    expect(path["heard_seconds"] >= 5, f"heard: {path}")
    way.router.run("ip", "route", "del", "blackhole", "198.51.100.2")
    way.ping()
    expect_equal(way.wait_state("heard")["problem"], "", "problem")
    log = way.daemon.log_tail()
    expect('node "b" (198.51.100.2) is silent' in log, log)
    expect('node "b" (198.51.100.2) is heard, was silent' in log, log)


@test
def a_closed_port_is_shown_as_unreachable(lab):
    way = Routed(lab)
    path = way.wait_state("unreachable", way.send)
    expect_equal([path["error"], path["error_type"], path["error_code"], path["error_from"]],
                 ["port unreachable", 3, 3, "198.51.100.2"], "the error")
    expect_equal(path["problem"], "198.51.100.2 says port unreachable", "problem")
    expect_equal(way.daemon.drop("tunnel_error"), path["errors"], "errors counted")
    expect_equal(way.daemon.drop("underlay_protocol"), 0, "errors that count as noise")
    way.listen()
    way.ping()
    expect_equal(way.wait_state("heard")["error"], "port unreachable", "the last error stays to be seen")


@test
def a_router_without_a_way_is_shown_as_unreachable(lab):
    way = Routed(lab)
    way.router.run("ip", "route", "add", "prohibit", "198.51.100.2")
    path = way.wait_state("unreachable", way.send)
    expect_equal([path["error"], path["error_from"]], ["administratively prohibited", "192.0.2.254"], "error")


@test
def forged_errors_do_not_make_a_node_unreachable_that_is_heard(lab):
    way = Routed(lab)
    way.listen()
    way.ping()
    raw = way.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    udp = struct.pack("!HHHH", 50000, 4789, 100, 0)
    quoted = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 120, 0, 0, 64, 17, 0, socket.inet_aton("192.0.2.1"),
                         socket.inet_aton("198.51.100.2")) + udp
    body = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
    total = sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total & 0xffff) + (total >> 16)
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    n = 40
    for _ in range(n):
        raw.sendto(body[:2] + struct.pack("!H", total) + body[4:], ("192.0.2.1", 0))
        way.ping()
        expect_equal(way.path()["state"], "heard", "state")
    wait_until(lambda: way.path()["errors"] == n, lambda: f"errors: {way.path()}")


@test
def a_link_that_carries_less_is_a_notice(lab):
    way = Routed(lab)
    way.listen()
    way.router.run("ip", "link", "set", "right", "mtu", "1300")
    way.ping()
    path = wait_until(lambda: (way.send(1400), way.path())[1] if way.path().get("error_mtu") else None or
                      way.send(1400), lambda: f"no error came: {way.path()}")
    expect_equal([path["error"], path["error_mtu"], path["error_from"]],
                 ["fragmentation needed", 1300, "192.0.2.254"], "error")
    expect_equal(path["problem"], "packets of up to 1500 bytes are sent, and a router says that only 1300 fit",
                 "problem")
    notices = [n for n in way.daemon.call("notices.list") if n["code"] == "node_mtu"]
    expect_equal([n["name"] for n in notices], ["b"], "notices")
    way.daemon.call("nodes.set", {"name": "b", "address": "198.51.100.2", "mtu": 1300})
    expect_equal(way.path()["problem"], "", "problem once the node has that MTU")


@test
def a_node_that_takes_anothers_place_starts_from_zero(lab):
    way = Routed(lab)
    way.listen()
    way.ping(5)
    way.wait_state("heard")
    way.daemon.apply(("endpoints.del", {"name": "db"}), ("nodes.del", {"name": "b"}))
    way.daemon.call("nodes.add", {"name": "c", "address": "198.51.100.3"})
    path = way.path()
    expect_equal([path["tx_packets"], path["rx_packets"], path["errors"]], [0, 0, 0], "counts of the new node")
    expect("heard_seconds" not in path, f"heard: {path}")
