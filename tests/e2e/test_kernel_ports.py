# SPDX-License-Identifier: BSD-3-Clause
"""Ports on TAPs that sluice makes and on kernel interfaces that exist. No workload's offloads are touched."""
import json
import socket
import time

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import run
from lab.site import OPEN, workers
from lab.traffic import Iperf, Ping, expect_ping, expect_tcp, expect_udp
from lab.workloads import Wire

BLUE = {"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}
SOL_PACKET, PACKET_FANOUT = 263, 18  # linux/if_packet.h
MACS = {"web": "02:00:00:00:00:05", "db": "02:00:00:00:00:06"}
IPS = {"web": "10.0.0.5", "db": "10.0.0.6"}


class Workload:
    """A namespace whose eth0 is a TAP, or a veth whose other end is the port's interface."""

    def __init__(self, lab, name, kind, node, mtu=1500, **port):
        self.name, self.kind, self.node, self.mtu = name, kind, node, mtu
        self.mac, self.ip = MACS[name], IPS[name]
        self.ns = lab.namespace(f"kp-{name}")
        self.more = port
        if kind == "interface":
            self.make_link()

    def make_link(self):
        run("ip", "link", "add", f"sl-{self.name}", "netns", self.node.name, "mtu", str(self.mtu), "type", "veth",
            "peer", "name", "eth0", "netns", self.ns.name, "mtu", str(self.mtu))
        self.node.run("ip", "link", "set", f"sl-{self.name}", "up")
        self.ns.run("ip", "link", "set", "eth0", "address", self.mac, "up")

    def port_object(self):
        port = {"name": self.name, "role": "access", **self.more}
        if self.kind == "interface":
            return {**port, "interface": f"sl-{self.name}"}
        return {**port, "mac": self.mac, "tap": {"name": "eth0", "netns": f"/run/netns/{self.ns.name}"}}

    def endpoint_object(self):
        return {"name": self.name, "network": "blue", "port": self.name, "mac": self.mac, "addresses": [self.ip],
                "labels": {"app": self.name}}

    def set_address(self):
        self.ns.run("ip", "addr", "replace", f"{self.ip}/24", "dev", "eth0")


class Rig:
    def __init__(self, lab, web, db, state=False, mtu=1500, **port):
        self.lab = lab
        self.node = lab.namespace("kp-node")
        self.web, self.db = (Workload(lab, n, k, self.node, mtu, **port) for n, k in (("web", web), ("db", db)))
        self.config = {"workers": workers(), "ports": [w.port_object() for w in self.both], "networks": [BLUE],
                       "endpoints": [w.endpoint_object() for w in self.both]}
        self.daemon = lab.daemon("a", self.config, self.node, state)
        self.daemon.start()
        for w in self.both:
            w.set_address()

    @property
    def both(self):
        return (self.web, self.db)

    def row(self, name="db"):
        return next(p for p in self.daemon.call("ports.list") if p["name"] == name)

    def wait_state(self, state, reason="", name="db", seconds=15):
        now = {}

        def is_so():
            now.update(self.row(name))
            return now["state"] == state and reason in now["state_reason"]
        wait_until(is_so, lambda: f"port {name} is not {state} ({reason}): {now}", seconds)

    def carries(self, bulk=True):
        Ping(self.web, self.db.ip, 5, 0.2).expect_all()
        Ping(self.db, self.web.ip, 5, 0.2).expect_all()
        expect_tcp(self.web, self.db)
        expect_udp(self.web, self.db)
        if bulk:
            Iperf(self.web, self.db).expect_tcp()
            Iperf(self.web, self.db, "-R").expect_tcp()
        self.daemon.expect_sum()


def refused(daemon, method, params, message, field=None):
    try:
        daemon.call(method, params)
    except Refused as e:
        expect(message in e.error["message"], f"{method} {json.dumps(params)}: {e.error}")
        if field:
            expect_equal(e.error["data"]["path"], field, f"field of {e.error}")
        return e.error
    raise AssertionError(f"{method} {json.dumps(params)} was taken")


@test
def two_taps_carry_traffic_with_their_offloads_untouched(lab):
    rig = Rig(lab, "tap", "tap")
    rig.carries()
    for w in rig.both:
        row = rig.row(w.name)
        expect_equal((row["driver"], row["state"], row["mac_now"]), ("tap", "up", w.mac), "the port")


@test
def two_interfaces_carry_traffic_with_their_offloads_untouched(lab):
    rig = Rig(lab, "interface", "interface")
    rig.carries()
    expect_equal(rig.row()["driver"], "interface", "driver")


@test
def a_tap_and_an_interface_carry_traffic(lab):
    Rig(lab, "tap", "interface").carries()


def follows_its_tap(rig):
    """Taken down, renamed and deleted from inside of the namespace."""
    ip = lambda *words: rig.db.ns.run("ip", *words)  # noqa: E731
    ip("link", "set", "eth0", "down")
    rig.wait_state("down", "interface eth0 is down")
    ip("link", "set", "eth0", "name", "eth7")
    rig.wait_state("missing", "interface eth0 was renamed: it is eth7 now")
    ip("link", "set", "eth7", "name", "eth0")
    rig.wait_state("down", "interface eth0 is down")
    ip("link", "set", "eth0", "up")
    rig.wait_state("up")
    rig.db.set_address()
    rig.carries(bulk=False)
    ip("link", "del", "eth0")
    wait_until(lambda: "eth0" in rig.db.ns.run("ip", "-br", "link"), "the tap was not made again", 15)
    rig.wait_state("up")
    expect_equal(rig.row()["mac_now"], rig.db.mac, "MAC of the tap that was made again")
    rig.db.set_address()
    rig.carries(bulk=False)


@test
def a_tap_is_followed_inside_of_its_namespace(lab):
    follows_its_tap(Rig(lab, "tap", "tap"))


@test
def a_tap_that_its_workload_deletes_is_made_again_at_once(lab):
    rig = Rig(lab, "tap", "tap")
    began = time.monotonic()
    for _ in range(5):
        rig.db.ns.run("ip", "link", "del", "eth0")
        wait_until(lambda: "eth0" in rig.db.ns.run("ip", "-br", "link"), "the tap was not made again", 15)
    took = time.monotonic() - began
    expect(took < 4, f"five times took {took:.1f} s")


@test
def a_tap_follows_its_namespace(lab):
    rig = Rig(lab, "tap", "tap")
    path = f"/run/netns/{rig.db.ns.name}"
    rig.db.ns.close()
    lab.namespaces.remove(rig.db.ns)
    rig.wait_state("missing", path)
    rig.db.ns = lab.namespace(rig.db.ns.name)
    rig.wait_state("up")
    rig.db.set_address()
    rig.carries(bulk=False)


@test
def a_tap_goes_with_its_port_and_comes_back_with_the_daemon(lab):
    rig = Rig(lab, "tap", "interface", state=True)
    links = lambda: rig.web.ns.run("ip", "-br", "link")  # noqa: E731
    rig.daemon.stop()
    expect("eth0" not in links(), f"the tap outlives the daemon: {links()}")
    rig.daemon.start()
    rig.web.set_address()
    rig.wait_state("up", name="web")
    rig.carries(bulk=False)
    rig.daemon.call("endpoints.del", {"name": "web"})
    rig.daemon.call("ports.del", {"name": "web"})
    wait_until(lambda: "eth0" not in links(), "the tap outlives its port")


@test
def a_tap_waits_for_its_namespace_when_the_daemon_starts(lab):
    rig = Rig(lab, "tap", "tap")
    rig.daemon.stop()
    rig.db.ns.close()
    lab.namespaces.remove(rig.db.ns)
    rig.daemon.start()
    rig.wait_state("missing", "No such file or directory")
    rig.db.ns = lab.namespace(rig.db.ns.name)
    rig.wait_state("up")
    for w in rig.both:
        w.set_address()
    rig.carries(bulk=False)


@test
def an_interface_is_followed(lab):
    rig = Rig(lab, "tap", "interface")
    ip = lambda *words: rig.node.run("ip", *words)  # noqa: E731
    ip("link", "set", "sl-db", "down")
    rig.wait_state("down", "interface sl-db is down")
    ip("link", "set", "sl-db", "name", "other")
    rig.wait_state("missing", "interface sl-db was renamed: it is other now")
    ip("link", "set", "other", "name", "sl-db")
    rig.wait_state("down", "interface sl-db is down")
    ip("link", "set", "sl-db", "up")
    rig.wait_state("up")
    rig.carries(bulk=False)
    ip("link", "set", "sl-db", "mtu", "1400")
    wait_until(lambda: rig.row()["mtu_now"] == 1400, "the MTU is not followed")
    ip("link", "del", "sl-db")
    rig.wait_state("missing", "interface sl-db does not exist")
    rig.db.make_link()
    rig.db.set_address()
    rig.wait_state("up")
    rig.carries(bulk=False)


@test
def several_queues_carry_traffic(lab):
    rig = Rig(lab, "tap", "interface", queues=4)
    rig.carries()
    Iperf(rig.web, rig.db, "-P", "8").expect_tcp()


@test
def several_queues_of_one_program_are_not_in_the_way_of_another(lab):
    rig = Rig(lab, "interface", "interface", queues=2)
    rig.daemon.stop()
    others = []
    for number in range(8):  # as another program on this host may use them
        s = rig.node.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind(("lo", 3))
        s.setsockopt(SOL_PACKET, PACKET_FANOUT, number)
        others.append(s)
    rig.daemon.start()
    rig.carries(bulk=False)
    for s in others:
        s.close()


@test
def packets_of_a_large_mtu_pass_whole(lab):
    rig = Rig(lab, "tap", "interface", mtu=9000)
    rig.daemon.call("ports.set", {**rig.web.port_object(), "mtu": 9000})
    wait_until(lambda: "mtu 9000" in rig.web.ns.run("ip", "link", "show", "eth0"), "the tap's MTU")
    expect_ping(rig.web, rig.db.ip, 5, "-s", "8900", "-M", "do")
    expect_ping(rig.db, rig.web.ip, 5, "-s", "8900", "-M", "do")
    rig.carries()


@test
def offloads_can_be_switched_off(lab):
    rig = Rig(lab, "tap", "tap", offloads={"checksum": False})
    expect_equal(rig.row()["offloads_now"], [], "offloads of a port without any")
    rig.carries()
    rig.daemon.call("ports.set", {**rig.db.port_object(), "offloads": {"uso": False, "gro": False}})
    rig.wait_state("up")
    expect_equal(rig.row()["offloads_now"], ["checksum", "tso"], "offloads of a port without two")
    rig.db.set_address()
    rig.carries()


@test
def what_cannot_be_a_port_is_refused_with_the_reason(lab):
    rig = Rig(lab, "tap", "interface")
    add = lambda **port: {"name": "x", "role": "access", **port}  # noqa: E731
    netns = f"/run/netns/{rig.web.ns.name}"
    fifo = lab.file("fifo")
    run("mkfifo", fifo)
    for port, message, field in (
            ({}, "neither devargs nor interface nor tap", None),
            ({"interface": "a", "devargs": "net_null0"}, "both devargs and interface", "interface"),
            ({"interface": "a", "tap": {"name": "b"}}, "both interface and tap", "tap"),
            ({"devargs": "tap=eth0"}, "no DPDK device", "devargs"),
            ({"devargs": "interface=eth0"}, "no DPDK device", "devargs"),
            ({"interface": "a/b"}, "no name of a kernel interface", "interface"),
            ({"interface": "sixteen-bytes-ok"}, "", "interface"),
            ({"tap": {"name": ".."}}, "no name of a kernel interface", "tap.name"),
            ({"tap": {"name": "tap%d"}}, "no name of a kernel interface", "tap.name"),
            ({"tap": {"netns": netns}}, "", "tap.name"),
            ({"tap": {"name": "e", "netns": "web"}}, "no absolute path", "tap.netns"),
            ({"tap": {"name": "e", "netns": "/" + "x" * 107}}, "", "tap.netns"),
            ({"tap": {"name": "e", "netns": "/etc/passwd"}}, "no network namespace", "tap.netns"),
            ({"tap": {"name": "e", "netns": fifo}}, "no network namespace", "tap.netns"),
            ({"tap": {"name": "e", "netns": "/proc/self/ns/mnt"}}, "namespace of another kind", "tap.netns"),
            ({"tap": {"name": "lo"}}, "an interface lo exists already", "tap.name"),
            ({"tap": {"name": "eth0", "netns": netns}}, "both on interface eth0", "tap"),
            ({"interface": "sl-db"}, "both on interface sl-db", "interface"),
            ({"devargs": "net_af_packet7,iface=sl-db"}, "both on interface sl-db", "devargs"),
            ({"tap": {"name": "sl-db"}}, "both on interface sl-db", "tap"),
            ({"interface": "a", "offloads": {"tso": 1}}, "", "offloads.tso")):
        refused(rig.daemon, "ports.add", add(**port), message, field)
    expect_equal(len(rig.daemon.call("ports.list")), 2, "ports")
    rig.carries(bulk=False)


@test
def a_vlan_tag_that_the_kernel_takes_out_is_seen(lab):
    """The kernel moves a frame's tag beside the frame. A frame of a VLAN must not pass as one of none."""
    from scapy.all import IP, UDP, Dot1Q, Ether
    rig = Rig(lab, "interface", "tap")
    web, db = Wire(rig.web.ns), Wire(rig.db.ns)
    frame = lambda vlan: (Ether(src=rig.web.mac, dst=rig.db.mac) / Dot1Q(vlan=vlan) /  # noqa: E731
                          IP(src=rig.web.ip, dst=rig.db.ip) / UDP(sport=7, dport=7) / b"tagged")
    for _ in range(10):
        web.send(frame(5))
    wait_until(lambda: rig.daemon.drop("eth_vlan_unexpected") == 10, lambda: f"not dropped: {rig.daemon.drops()}")
    expect_equal(db.count(0.3, b"tagged"), 0, "frames of VLAN 5 that arrived")
    for _ in range(10):
        web.send(frame(0))
    expect_equal(db.count(1, b"tagged"), 10, "frames with a priority tag that arrived")
