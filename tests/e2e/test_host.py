# SPDX-License-Identifier: BSD-3-Clause
"""The host on the same wire: host TAPs of underlay ports, and endpoints that are the host."""
import json
import os
import shutil
import subprocess
import time

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import run
from lab.site import workers
from lab.traffic import Iperf, expect_no_ping, expect_tcp

DENY = {"ingress": "deny", "egress": "deny"}
HOST_OUT = {"name": "host-out", "network": "blue", "direction": "egress", "subject": {"entity": "host"},
            "action": "allow"}
HOST_IN = {"name": "host-in", "network": "blue", "direction": "ingress", "subject": {"entity": "host"},
           "peers": [{"labels": {"app": "web"}}], "action": "allow"}
WEB_OUT = {"name": "web-out", "network": "blue", "direction": "egress", "subject": {"labels": {"app": "web"}},
           "action": "allow"}
WEB_IN = {"name": "web-in", "network": "blue", "direction": "ingress", "subject": {"labels": {"app": "web"}},
          "peers": [{"entity": "host"}], "action": "allow"}
POLICIES = [HOST_OUT, HOST_IN, WEB_OUT, WEB_IN]


class End:
    """Somewhere that a ping or a connection starts or ends: a namespace and an address."""

    def __init__(self, ns, name, ip):
        self.ns, self.name, self.ip = ns, name, ip


def expect_ping(end, ip):
    """Five answers in five seconds: a busy machine may hold one back for longer than ping waits for its last."""
    done = subprocess.run(end.ns.command("ping", "-c", "5", "-i", "0.05", "-w", "5", ip), capture_output=True,
                          text=True, check=False)
    expect(done.returncode == 0, f"ping from {end.name} to {ip}: {done.stdout}{done.stderr}")


class Node:
    """A node with a workload on a TAP, a host endpoint, and an underlay port with a host TAP."""

    def __init__(self, lab, name, index, kind, own):
        self.lab, self.name, self.index, self.kind, self.own = lab, name, index, kind, own
        self.ns = lab.namespace(f"ho-{name}", ipv6=True)
        self.web_ns = lab.namespace(f"ho-web-{name}", ipv6=True)
        self.address, self.mac = f"192.0.2.{index}", f"02:00:00:00:0{index}:01"
        self.host = End(self.ns, f"host {name}", f"10.0.0.{index * 10}")
        self.web = End(self.web_ns, f"web {name}", f"10.0.0.{index * 10 + 1}")
        self.wire_end = End(self.ns, f"wire of {name}", self.address)
        self.daemon = None

    def ip6(self, n):
        return f"fd00:10::{self.index}{n}"

    def uplink(self):
        port = {"name": "uplink", "role": "underlay", "host_tap": {"name": "up0h"}}
        if not self.own:
            port["addresses"] = [f"{self.address}/24"]
        if self.kind == "interface":
            return {**port, "interface": "up0"}
        if self.kind == "memif":
            role = "server" if self.index == 1 else "client"
            return {**port, "devargs": f"net_memif0,role={role},socket={self.lab.file('wire.sock')},socket-abstract=no"}
        return {**port, "devargs": "net_af_packet0,iface=up0"}

    def endpoints(self, seen_from):
        here = seen_from is self
        web = {"name": f"web-{self.name}", "network": "blue", "mac": f"02:00:00:00:0{self.index}:05",
               "addresses": [self.web.ip, self.ip6(1)], "labels": {"app": "web"}}
        host = {"name": f"host-{self.name}", "network": "blue", "mac": f"02:00:00:00:0{self.index}:10",
                "addresses": [self.host.ip, self.ip6(0)], "host": {"name": "blue-h"}}
        return [{**web, "port": "web"} if here else {**web, "node": self.name},
                host if here else {**host, "node": self.name}]

    def start(self, nodes, policies):
        web = {"name": "web", "role": "access", "mac": f"02:00:00:00:0{self.index}:05",
               "tap": {"name": "eth0", "netns": f"/run/netns/{self.web_ns.name}"}}
        config = {
            "node": {"name": self.name, "tunnel_addresses": [self.address]}, "workers": workers(self.index),
            "ports": [self.uplink(), web],
            "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "mtu": 1400, "policy_default": DENY,
                          "subnets": [{"prefix": "10.0.0.0/24"}, {"prefix": "fd00:10::/64"}]}],
            "nodes": [{"name": n.name, "address": n.address} for n in nodes if n is not self],
            "endpoints": [e for n in nodes for e in n.endpoints(self)],
            "policies": policies,
        }
        self.daemon = self.lab.daemon(self.name, config, self.ns).start()
        if self.own:
            self.ns.run("ip", "addr", "add", f"{self.address}/24", "dev", "up0h")
        self.web_ns.run("ip", "addr", "add", f"{self.web.ip}/24", "dev", "eth0")
        self.web_ns.run("ip", "addr", "add", f"{self.ip6(1)}/64", "dev", "eth0", "nodad")
        self.web_ns.run("ip", "link", "set", "eth0", "mtu", "1400")
        self.web_ns.run("ip", "route", "add", "default", "dev", "eth0")

    def wait_addresses(self):
        self.wait_carrier()
        for dev, ip in (("up0h", self.address), ("blue-h", self.host.ip)):
            wait_until(lambda d=dev, i=ip: i in self.ns.run("ip", "-4", "addr", "show", "dev", d),
                       lambda d=dev: f"no address: {self.ns.run('ip', 'addr')}", 10)

    def link(self, dev):
        return json.loads(self.ns.run("ip", "-j", "link", "show", "dev", dev))[0]

    def wait_carrier(self):
        """The kernel takes up to a second from a carrier to a queue that sends."""
        wait_until(lambda: self.link("up0h")["operstate"] in ("UP", "UNKNOWN"),
                   lambda: f"no carrier: {self.link('up0h')}", 10)


class Site:
    """own: the host's own tools give the addresses, and not the configuration."""

    def __init__(self, lab, kind="interface", policies=None, own=False):
        self.a, self.b = (Node(lab, n, i, kind, own) for n, i in (("a", 1), ("b", 2)))
        run("ip", "link", "add", "up0", "netns", self.a.ns.name, "type", "veth",
            "peer", "name", "up0", "netns", self.b.ns.name)
        for n in self.both:
            n.ns.run("ip", "link", "set", "up0", "address", n.mac, "up")
        for n in self.both:
            n.start(self.both, POLICIES if policies is None else policies)
        for n in self.both:
            n.wait_addresses()

    @property
    def both(self):
        return (self.a, self.b)



def pings(end, ip, n=3):
    done = subprocess.run(end.ns.command("ping", "-c", str(n), "-i", "0.2", "-W", "5", ip), capture_output=True,
                          text=True, check=False)
    return done.stdout


def a_host_talks_over_its_tap(lab, kind):
    site = Site(lab, kind)
    web_to_web = {"name": "webs", "network": "blue", "direction": "ingress", "subject": {"labels": {"app": "web"}},
                  "action": "allow"}
    for n in site.both:
        n.daemon.call("policies.add", web_to_web)
    for one, other in ((site.a, site.b), (site.b, site.a)):
        expect_ping(one.wire_end, other.address)
        out = pings(one.wire_end, other.address)
        expect("DUP" not in out, f"a packet came twice: {out}")
        expect_tcp(one.wire_end, other.wire_end)
        expect_ping(one.web, other.web.ip)
        expect_tcp(one.web, other.web)
    # the tunnels' next hop is the kernel's
    expect_equal([n["state"] for n in site.a.daemon.call("neighbors.state")], ["reachable"], "next hops")
    for n in site.both:
        n.daemon.expect_sum()
    # a workload never reaches the host's wire
    expect_no_ping(site.a.web, site.b.address)
    expect_no_ping(site.a.web, site.a.address)


@test
def a_host_talks_over_its_tap_while_tunnels_run_on_an_interface(lab):
    a_host_talks_over_its_tap(lab, "interface")


@test
def a_host_talks_over_its_tap_while_tunnels_run_on_a_dpdk_device(lab):
    a_host_talks_over_its_tap(lab, "devargs")


@test
def a_host_talks_over_its_tap_while_tunnels_run_on_a_memif(lab):
    a_host_talks_over_its_tap(lab, "memif")


@test
def segments_of_any_size_from_the_wire_reach_the_host(lab):
    """A kernel at the other end of the veth sends super-segments and unfinished checksums."""
    node, peer = Node(lab, "a", 1, "interface", False), lab.namespace("ho-peer")
    run("ip", "link", "add", "up0", "netns", node.ns.name, "type", "veth", "peer", "name", "up0", "netns", peer.name)
    node.ns.run("ip", "link", "set", "up0", "address", node.mac, "up")
    peer.run("ip", "addr", "add", "192.0.2.2/24", "dev", "up0")
    peer.run("ip", "link", "set", "up0", "up")
    node.start([node], POLICIES)
    node.wait_addresses()
    far = End(peer, "a kernel", "192.0.2.2")
    expect_ping(far, node.address)
    Iperf(far, node.wire_end).expect_tcp()
    Iperf(far, node.wire_end, "-R").expect_tcp()
    node.daemon.expect_sum()


@test
def hosts_and_workloads_talk_under_policy(lab):
    site = Site(lab)
    a, b = site.both
    for host, web in ((a.host, a.web), (a.host, b.web), (b.host, a.web)):
        expect_ping(host, web.ip)
        expect_ping(web, host.ip)
        expect_tcp(host, web)
        expect_tcp(web, host)
    expect_ping(a.host, a.ip6(1))
    expect_ping(a.host, b.ip6(1))
    expect_ping(b.web, a.ip6(0))
    flows = a.daemon.call("flows.list")["flows"]
    text = json.dumps(flows)
    expect(any(1 in (f.get("source_identity"), f.get("destination_identity")) for f in flows),
           f"no flow has identity 1: {text[:2000]}")
    for n in site.both:
        row = next(e for e in n.daemon.call("endpoints.list") if e["name"] == f"host-{n.name}")
        expect_equal((row["identity"], row["state"]), (1, "up"), "the host endpoint")
        other = next(e for e in n.daemon.call("endpoints.list") if e.get("node") and "host" in e)
        expect_equal(other["identity"], 1, "the other node's host")
        expect(n.daemon.port(f"host/host-{n.name}")["rx_packets"] > 0, "its port counts nothing")
        n.daemon.expect_sum()


@test
def hosts_are_denied_by_default(lab):
    site = Site(lab, policies=[HOST_OUT, WEB_OUT])
    a, b = site.both
    expect_no_ping(a.host, a.web.ip)
    a.daemon.wait_drop("policy_ingress")
    expect_no_ping(b.web, a.host.ip)
    seen = a.daemon.drop("policy_ingress")
    expect(seen > 1, f"the far host's packets were not denied here: {a.daemon.drops()}")
    a.daemon.call("policies.del", {"name": "host-out"})
    before = a.daemon.drop("policy_egress")
    expect_no_ping(a.host, a.web.ip)
    a.daemon.wait_drop("policy_egress", before)
    for p in (HOST_OUT, WEB_IN):
        a.daemon.call("policies.add", p)
    expect_ping(a.host, a.web.ip)


@test
def a_host_that_takes_another_address_is_dropped_as_spoofed(lab):
    site = Site(lab)
    site.a.ns.run("ip", "addr", "add", "10.0.0.77/32", "dev", "blue-h")
    done = subprocess.run(site.a.ns.command("ping", "-c", "2", "-i", "0.2", "-W", "1", "-I", "10.0.0.77", site.a.web.ip),
                          capture_output=True, check=False)
    expect(done.returncode != 0, "a host endpoint sends from any address")
    site.a.daemon.wait_drop("spoofed")


@test
def the_host_keeps_its_addresses_over_a_restart(lab):
    site = Site(lab)
    a, b = site.both
    a.ns.run("ip", "addr", "add", "192.0.2.101/24", "dev", "up0h")
    a.ns.run("ip", "route", "add", "198.51.100.0/24", "via", b.address, "dev", "up0h")
    expect_ping(b.wire_end, "192.0.2.101")
    index = a.link("up0h")["ifindex"]
    a.daemon.stop()
    shown = a.ns.run("ip", "-4", "addr", "show", "dev", "up0h")
    expect(a.address in shown and "192.0.2.101" in shown, f"addresses are gone: {shown}")
    expect("NO-CARRIER" in a.link("up0h")["flags"], "the TAP has a carrier, and no wire")
    a.daemon.start()
    a.wait_carrier()
    expect_equal(a.link("up0h")["ifindex"], index, "the interface")
    expect_ping(b.wire_end, "192.0.2.101")
    expect_tcp(b.wire_end, a.wire_end)
    expect("198.51.100.0/24" in a.ns.run("ip", "route"), "the route is gone")
    a.daemon.kill()
    expect(a.address in a.ns.run("ip", "-4", "addr", "show", "dev", "up0h"), "addresses went with a killed daemon")
    a.daemon.start()
    a.wait_carrier()
    expect_tcp(b.wire_end, a.wire_end)
    expect_ping(a.host, b.web.ip)


@test
def a_host_tap_follows_its_wire(lab):
    site = Site(lab)
    a = site.a
    expect_equal(a.link("up0h")["address"], a.mac, "the TAP's MAC")
    a.ns.run("ip", "link", "set", "up0", "mtu", "1300")
    wait_until(lambda: a.link("up0h")["mtu"] == 1300, lambda: f"MTU: {a.link('up0h')}", 10)
    a.ns.run("ip", "link", "set", "up0", "address", "02:00:00:00:01:99")
    wait_until(lambda: a.link("up0h")["address"] == "02:00:00:00:01:99", lambda: f"MAC: {a.link('up0h')}", 10)
    site.b.ns.run("ip", "link", "set", "up0", "down")
    wait_until(lambda: "NO-CARRIER" in a.link("up0h")["flags"], lambda: f"carrier: {a.link('up0h')}", 10)
    site.b.ns.run("ip", "link", "set", "up0", "up")
    a.wait_carrier()
    expect_ping(a.wire_end, site.b.address)


@test
def tunnels_take_the_ways_that_the_host_has(lab):
    """Node b has a second address behind a router, which is b itself."""
    site = Site(lab)
    a, b = site.both
    a.daemon.call("nodes.add", {"name": "c", "address": "198.51.100.7"})

    def path():
        return next(p for p in a.daemon.call("nodes.paths") if p["name"] == "c")
    expect(not path()["reachable"], f"reached without a route: {path()}")
    expect("host" in path()["problem"], f"no reason: {path()}")
    a.ns.run("ip", "route", "add", "198.51.100.0/24", "via", b.address)
    wait_until(lambda: path()["reachable"], lambda: f"the route is not taken up: {path()}", 5)
    expect_equal(path()["next_hop"], b.address, "next hop")
    wait_until(lambda: path()["resolved"], lambda: f"the next hop has no MAC: {path()}", 5)
    a.ns.run("ip", "route", "del", "198.51.100.0/24")
    wait_until(lambda: not path()["reachable"], lambda: f"the route is still used: {path()}", 5)


@test
def a_next_hop_that_moves_is_followed_by_the_kernels_word(lab):
    site = Site(lab)
    a, b = site.both
    expect_ping(a.host, b.web.ip)
    a.ns.run("ip", "neigh", "replace", b.address, "lladdr", "02:00:00:00:0e:0e", "dev", "up0h", "nud", "permanent")

    def mac():
        return next(n["mac"] for n in a.daemon.call("neighbors.state") if n["address"] == b.address)
    wait_until(lambda: mac() == "02:00:00:00:0e:0e", lambda: f"not followed: {mac()}", 5)
    a.ns.run("ip", "neigh", "del", b.address, "dev", "up0h")
    a.ns.run("ip", "neigh", "flush", "dev", "up0h")
    expect_ping(a.wire_end, b.address)
    wait_until(lambda: mac() == b.mac, lambda: f"not followed back: {mac()}", 10)
    expect_ping(a.host, b.web.ip)


@test
def addresses_may_be_the_hosts_own(lab):
    site = Site(lab, own=True)
    a, b = site.both
    expect_ping(a.wire_end, b.address)
    wait_until(lambda: a.daemon.call("nodes.paths")[0]["resolved"], lambda: f"{a.daemon.call('nodes.paths')}", 5)
    expect_ping(a.host, b.web.ip)
    expect_tcp(a.host, b.web)
    expect_equal([n for n in a.daemon.call("notices.list") if n["code"] != "node_unreachable"], [], "notices")


def refused(daemon, method, params, message, path):
    try:
        daemon.call(method, params)
    except Refused as e:
        expect(message in e.error["message"], f"{method}: {e.error}")
        expect_equal(e.error["data"]["path"], path, f"path of {e.error}")
        expect(e.error["data"].get("hint"), f"no hint: {e.error}")
        return
    raise AssertionError(f"{method} {json.dumps(params)} was taken")


@test
def what_cannot_be_is_refused_with_a_hint(lab):
    site = Site(lab)
    daemon = site.a.daemon
    endpoint = {"name": "x", "network": "blue", "mac": "02:00:00:00:00:99", "addresses": ["10.0.0.99"]}
    refused(daemon, "ports.add", {"name": "p", "role": "access", "tap": {"name": "t"}, "host_tap": {"name": "th"}},
            "only underlay ports", "host_tap")
    refused(daemon, "endpoints.add", {**endpoint, "host": {"name": "x-h"}, "port": "web"}, "both a port and a host",
            "host")
    refused(daemon, "endpoints.add", {**endpoint, "host": {"name": "a/b"}}, "no name of a kernel interface",
            "host.name")
    refused(daemon, "endpoints.add", {**endpoint, "host": {"name": "x-h"}, "labels": {"app": "x"}},
            "no labels", "labels")
    refused(daemon, "endpoints.add", {**endpoint, "host": {"name": "up0h"}}, "up0h", "host.name")
    refused(daemon, "endpoints.add", {**endpoint, "host": {"name": "blue-h"}}, "blue-h", "host.name")
    refused(daemon, "ports.add", {"name": "u2", "role": "underlay", "tap": {"name": "t"},
                                  "host_tap": {"name": "up0h"}}, "up0h", "host_tap.name")
    refused(daemon, "policies.add", {**HOST_OUT, "name": "y", "subject": {}}, "subject", "subject.labels")
    site.a.ns.run("ip", "link", "add", "other", "type", "veth", "peer", "name", "other-p")
    refused(daemon, "ports.add", {"name": "u2", "role": "underlay", "tap": {"name": "t"},
                                  "host_tap": {"name": "other"}}, "other", "host_tap.name")


@test
def what_is_no_longer_wanted_goes(lab):
    site = Site(lab)
    a = site.a
    a.daemon.call("endpoints.del", {"name": "host-a"})
    wait_until(lambda: "blue-h" not in a.ns.run("ip", "link"), "the host endpoint's TAP stays", 10)
    uplink = a.uplink()
    del uplink["host_tap"]
    a.daemon.call("ports.set", uplink)
    wait_until(lambda: "up0h" not in a.ns.run("ip", "link"), "the host TAP stays", 10)
    expect("sluice" not in a.ns.run("tc", "filter", "show", "dev", "up0", "ingress"), "the NIC is still mute")
    expect_ping(site.b.wire_end, a.address)  # sluice answers, as without a host TAP
    a.daemon.expect_sum()


FALLBACK = os.path.join(os.path.dirname(__file__), "..", "..", "tools", "host-fallback")


@test
def without_sluice_the_host_goes_on_on_its_nic_and_back(lab):
    site = Site(lab)
    a, b = site.both
    a.ns.run("ip", "addr", "add", "192.0.2.101/24", "dev", "up0h")
    a.ns.run("ip", "route", "add", "198.51.100.0/24", "via", b.address, "dev", "up0h")
    # as a router advertisement makes it
    a.ns.run("ip", "-6", "route", "add", "fd00:9::/64", "via", "fe80::99", "dev", "up0h", "expires", "600")
    expect_ping(b.wire_end, a.address)
    a.daemon.stop()
    a.ns.run(FALLBACK, "to-nic", "up0", "up0h")
    expect("fd00:9::/64 via fe80::99" in a.ns.run("ip", "-6", "route", "show", "dev", "up0"), "the IPv6 route stays")
    for ip in (a.address, "192.0.2.101"):
        expect_ping(b.wire_end, ip)
    expect_tcp(b.wire_end, a.wire_end)
    expect("198.51.100.0/24 via 192.0.2.2 dev up0 " in a.ns.run("ip", "route"), a.ns.run("ip", "route"))
    a.ns.run(FALLBACK, "to-tap", "up0", "up0h")
    expect("198.51.100.0/24 via 192.0.2.2 dev up0h" in a.ns.run("ip", "route"), a.ns.run("ip", "route"))
    a.daemon.start()
    a.wait_carrier()
    for ip in (a.address, "192.0.2.101"):
        expect_ping(b.wire_end, ip)
    out = pings(b.wire_end, a.address)
    expect("DUP" not in out, f"a packet came twice: {out}")
    expect_ping(a.host, b.web.ip)


class Bird:
    """A BFD speaker on the host TAP."""

    def __init__(self, node, peer):
        self.ctl = node.lab.file(f"bird-{node.name}.ctl")
        self.node, self.log = node, node.lab.file(f"bird-{node.name}.log")
        path = node.lab.file(f"bird-{node.name}.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"log \"{self.log}\" all;\nrouter id {node.address};\nprotocol device {{}}\n"
                    "protocol bfd { interface \"up0h\" { interval 200 ms; multiplier 5; }; "
                    f"neighbor {peer.address} dev \"up0h\" local {node.address}; }}\n")
        self.process = node.ns.popen("bird", "-f", "-c", path, "-s", self.ctl,
                                     "-P", node.lab.file(f"bird-{node.name}.pid"))

    def sessions(self):
        done = subprocess.run(["birdc", "-s", self.ctl, "show", "bfd", "sessions"], capture_output=True, text=True,
                              check=False)
        return done.stdout

    def is_up(self):
        return " Up " in self.sessions()

    def changes(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@test
def a_bfd_session_of_the_hosts_comes_up_stays_up_and_comes_back(lab):
    expect(shutil.which("bird"), "bird is not installed: apt-get install bird2")
    site = Site(lab)
    birds = [Bird(site.a, site.b), Bird(site.b, site.a)]
    try:
        for b in birds:
            wait_until(b.is_up, lambda b=b: f"no session: {b.sessions()}", 20)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            out = pings(site.a.host, site.b.web.ip)
            expect(" 0% packet loss" in out, f"tunnels do not run beside the session: {out}")
            expect(all(b.is_up() for b in birds), f"the session fell: {birds[0].sessions()}")
        site.a.daemon.stop()
        wait_until(lambda: not birds[1].is_up(), "the session is up without a node", 10)
        site.a.daemon.start()
        for b in birds:
            wait_until(b.is_up, lambda b=b: f"no session after the restart: {b.sessions()}", 30)
    finally:
        for b in birds:
            b.stop()


@test
def dhcp_of_the_host_crosses_the_wire(lab):
    """Broadcasts from no address: udhcpc on one host, udhcpd on the other."""
    busybox = shutil.which("busybox")
    expect(busybox, "busybox is not installed")
    site = Site(lab)
    a, b = site.both
    conf, script, got = (lab.file(n) for n in ("udhcpd.conf", "udhcpc.sh", "lease"))
    with open(conf, "w", encoding="utf-8") as f:
        f.write(f"start 192.0.2.200\nend 192.0.2.200\ninterface up0h\nlease_file {lab.file('leases')}\n"
                f"pidfile {lab.file('udhcpd.pid')}\noption subnet 255.255.255.0\n")
    with open(lab.file("leases"), "w", encoding="utf-8"):
        pass
    with open(script, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip\" >{got}\nexit 0\n")
    os.chmod(script, 0o755)
    server = b.ns.popen(busybox, "udhcpd", "-f", conf, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        a.ns.run(busybox, "udhcpc", "-i", "up0h", "-q", "-n", "-t", "10", "-T", "1", "-s", script)
    finally:
        server.terminate()
        server.wait(10)
    with open(got, encoding="utf-8") as f:
        expect_equal(f.read().strip(), "192.0.2.200", "the lease")
