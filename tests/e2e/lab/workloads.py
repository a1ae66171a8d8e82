# SPDX-License-Identifier: BSD-3-Clause
"""Two workloads, web and db, behind one node: their objects, and the frames on their links."""
import select
import socket
import time

from .expect import Skip, expect, expect_equal, wait_until
from .net import link
from .site import OPEN, workers

WEB_MAC, DB_MAC, RED_MAC = "02:00:00:00:00:05", "02:00:00:00:00:06", "02:00:00:00:00:99"
WEB, DB, RED, RED2 = "10.0.0.5", "10.0.0.6", "10.9.0.1", "10.9.0.2"
N = 50
SECRET = b"for the workload before"


def endpoint(name, network, port, mac, address):
    return {"name": name, "network": network, "port": port, "mac": mac, "addresses": [address],
            "labels": {"app": name}}


def ports(driver="net_af_packet"):
    return [{"name": "web", "role": "access", "devargs": "net_af_packet0,iface=sl-web"},
            {"name": "db", "role": "access", "devargs": f"{driver}1,iface=sl-db"}]


BLUE = {"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}
RED_NET = {"name": "red", "vni": 200, "encap": "vxlan", "policy_default": OPEN}
WEB_EP = endpoint("web", "blue", "web", WEB_MAC, WEB)
DB_EP = endpoint("db", "blue", "db", DB_MAC, DB)
RED_EP = endpoint("red", "red", "db", RED_MAC, RED)
RED2_EP = endpoint("red2", "red", "web", WEB_MAC, RED2)


class Wire:
    """A workload's end of its link: whole frames, in and out."""

    def __init__(self, ns, dev="eth0"):
        self.s = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.s.bind((dev, 3))
        self.n_old = 0  # frames with SECRET that it has seen

    def send(self, frame):
        self.s.send(bytes(frame))

    def count(self, seconds, what=SECRET):
        """The frames with these bytes that arrive within that time."""
        n, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.s], [], [], max(0.0, end - time.monotonic()))
            try:
                data, addr = self.s.recvfrom(65536) if ready else (b"", (0, 0, 4))
            except OSError:  # the interface went down
                continue
            if addr[2] != socket.PACKET_OUTGOING:
                n += what in data
                self.n_old += SECRET in data
        return n


def packet(src_mac=WEB_MAC, dst_mac=DB_MAC, src=WEB, dst=DB, load=SECRET):
    from scapy.all import IP, UDP, Ether
    return Ether(src=src_mac, dst=dst_mac) / IP(src=src, dst=dst) / UDP(sport=7, dport=7) / load


class Rig:
    """Workloads web and db behind one node; `driver` is that of port db."""

    def __init__(self, lab, driver="net_af_packet", networks=(BLUE, RED_NET), more=()):
        self.node = lab.namespace("node")
        self.web_ns, self.db_ns = lab.namespace("w-web"), lab.namespace("w-db")
        for name, ns, mac in (("web", self.web_ns, WEB_MAC), ("db", self.db_ns, DB_MAC)):
            self.connect(name, ns, mac)
        self.config = {"workers": workers(), "ports": ports(driver), "networks": list(networks),
                       "endpoints": [WEB_EP, DB_EP, *more]}
        self.daemon = lab.daemon("a", self.config, self.node)
        self.daemon.start()
        self.daemon.wait_announced()
        self.web, self.db = Wire(self.web_ns), Wire(self.db_ns)

    def connect(self, name, ns, mac):
        link(self.node, f"sl-{name}", ns, "eth0")
        ns.run("ip", "link", "set", "eth0", "address", mac)

    def send(self, n=N, **how):
        """Packets to db; all have been handled when this returns."""
        before = self.daemon.port("web")["rx_packets"]
        for _ in range(n):
            self.web.send(packet(**how))
        wait_until(lambda: self.daemon.port("web")["rx_packets"] >= before + n, "not received", 15)
        self.daemon.expect_sum()

    def db_is_reached(self):
        self.db.count(0.05)
        self.web.send(packet(load=b"anybody there?"))
        return self.db.count(0.3, b"anybody there?") > 0

    def fill(self, down=None):
        """Sends N packets for db that its device cannot send."""
        expect(self.db_is_reached(), "db is not reached at first")
        (down or self.down)()
        self.send()
        return self.daemon.port("db")

    def set_near_end(self, state):
        """The node's end of db's link."""
        self.node.run("ip", "link", "set", "sl-db", state)

    def down(self):
        self.db_ns.run("ip", "link", "set", "eth0", "down")

    def up(self):
        self.db_ns.run("ip", "link", "set", "eth0", "up")

    def nothing_old(self, seconds=0.5):
        """The next workload's first frame makes the port send; nothing else comes with it."""
        self.up()
        self.db.n_old = 0
        self.db.count(0.1)
        expect(self.red_is_reached(), "the next workload gets nothing at all")
        self.db.count(seconds)
        expect_equal(self.db.n_old, 0, "packets of the workload before")

    def red_is_reached(self):
        frame = packet(WEB_MAC, RED_MAC, RED2, RED, b"welcome")
        for _ in range(20):
            self.web.send(frame)
            if self.db.count(0.1, b"welcome"):
                return True
        return False


def xdp_rig(lab):
    try:
        return Rig(lab, "net_af_xdp")
    except Exception as e:
        raise Skip(f"no AF_XDP here: {e}") from e
