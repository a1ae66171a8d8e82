# SPDX-License-Identifier: BSD-3-Clause
"""Ports on TAPs that sluice makes and on kernel interfaces that exist. No workload's offloads are touched."""
import json

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import run
from lab.site import OPEN, workers
from lab.traffic import Iperf, expect_ping, expect_tcp, expect_udp

BLUE = {"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}
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
        expect_ping(self.web, self.db.ip)
        expect_ping(self.db, self.web.ip)
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
