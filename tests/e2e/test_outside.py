# SPDX-License-Identifier: BSD-3-Clause
"""Ways out of a network: translation, the host, an egress node; and what comes back."""
import re
import signal
import socket
import subprocess
import time

from lab.document import ROOT, Shell
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link, run
from lab.site import workers
from lab.traffic import Iperf, expect_no_ping, expect_no_tcp, expect_ping, expect_tcp, expect_udp

DENY = {"ingress": "deny", "egress": "deny"}
TO_WORLD = {"name": "to-world", "network": "blue", "direction": "egress", "subject": {"labels": {"app": "web"}},
            "peers": [{"entity": "world"}], "action": "allow"}
TO_SERVER = {"name": "to-server", "network": "blue", "direction": "egress", "subject": {"labels": {"app": "web"}},
             "peers": [{"cidr": "198.51.100.0/24"}, {"cidr": "2001:db8:7::/64"}], "action": "allow"}
FROM_WORLD = {"name": "from-world", "network": "blue", "direction": "ingress", "subject": {"labels": {"app": "web"}},
              "peers": [{"entity": "world"}], "action": "allow"}
NAT = {"via": "nat"}
SERVER, SERVER6 = "198.51.100.7", "2001:db8:7::7"
ON_LINK, ON_LINK6 = "192.0.2.100", "2001:db8::100"


class End:
    def __init__(self, ns, name, ip):
        self.ns, self.name, self.ip = ns, name, ip


class Outside:
    """
    An underlay with a server on it, which is also the router to a second address of the server. The server
    knows no workload's address. Nodes are added one by one.
    """

    def __init__(self, lab):
        self.lab = lab
        self.ns = lab.namespace("ou-wire", ipv6=True)
        self.ns.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.ns.run("ip", "link", "set", "br0", "up")
        for ip in (f"{ON_LINK}/24", f"{ON_LINK6}/64"):
            self.ns.run("ip", "addr", "add", ip, "dev", "br0", *(("nodad",) if ":" in ip else ()))
        for ip in (f"{SERVER}/32", f"{SERVER6}/128"):
            self.ns.run("ip", "addr", "add", ip, "dev", "lo")
        self.near = End(self.ns, "server on the link", ON_LINK)
        self.server = End(self.ns, "server", SERVER)
        self.server6 = End(self.ns, "server", SERVER6)
        self.nodes = []

    def add(self, name, **how):
        node = Node(self, name, len(self.nodes) + 1, **how)
        self.nodes.append(node)
        return node

    def start(self):
        for n in self.nodes:
            n.start()
        return self


class Node:
    """A node with a workload. outside: of the network there. host: the network's host endpoint."""

    def __init__(self, site, name, index, outside=None, policies=(TO_WORLD,), host=False, host_tap=False, more=None):
        self.site, self.name, self.index, self.outside = site, name, index, outside
        self.policies, self.has_host, self.host_tap, self.more = policies, host, host_tap, more or {}
        self.ns = site.lab.namespace(f"ou-{name}", ipv6=True)
        self.web_ns = site.lab.namespace(f"ou-web-{name}", ipv6=True)
        self.address, self.address6 = f"192.0.2.{index}", f"2001:db8::{index}"
        self.mac = f"02:00:00:00:0{index}:05"
        self.web = End(self.web_ns, f"web-{name}", f"10.0.0.{index * 10}")
        self.web6 = End(self.web_ns, f"web-{name}", f"fd00:10::{index}0")
        self.host = End(self.ns, f"host {name}", f"10.0.0.{index * 10 + 1}")
        link(self.ns, "up0", site.ns, f"to-{name}")
        site.ns.run("ip", "link", "set", f"to-{name}", "master", "br0")
        self.daemon = None

    def network(self):
        net = {"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": DENY,
               "subnets": [{"prefix": "10.0.0.0/24", "gateway": "10.0.0.1"},
                           {"prefix": "fd00:10::/64", "gateway": "fd00:10::1"}]}
        if self.outside:
            net["outside"] = self.outside
        return {**net, **self.more}

    def endpoints(self, seen_from):
        here = seen_from is self
        web = {"name": f"web-{self.name}", "network": "blue", "mac": self.mac,
               "addresses": [self.web.ip, self.web6.ip], "labels": {"app": "web"}}
        found = [{**web, "port": "web"} if here else {**web, "node": self.name}]
        if self.has_host:
            host = {"name": f"host-{self.name}", "network": "blue", "mac": f"02:00:00:00:0{self.index}:10",
                    "addresses": [self.host.ip, f"fd00:10::{self.index}1"], "host": {"name": "blue-h"}}
            found.append(host if here else {**host, "node": self.name})
        return found

    def config(self):
        nodes = self.site.nodes
        uplink = {"name": "uplink", "role": "underlay", "devargs": "net_af_packet0,iface=up0",
                  "addresses": [f"{self.address}/24", f"{self.address6}/64"]}
        if self.host_tap:
            uplink["host_tap"] = {"name": "up0h"}
        return {
            "node": {"name": self.name, "tunnel_addresses": [self.address]}, "workers": workers(self.index),
            "ports": [uplink, {"name": "web", "role": "access", "mac": self.mac,
                               "tap": {"name": "eth0", "netns": f"/run/netns/{self.web_ns.name}"}}],
            "networks": [self.network()],
            "routes": [{"prefix": "198.51.100.0/24", "via": ON_LINK}, {"prefix": "2001:db8:7::/64", "via": ON_LINK6}],
            "nodes": [{"name": n.name, "address": n.address} for n in nodes if n is not self],
            "endpoints": [e for n in nodes for e in n.endpoints(self)],
            "policies": list(self.policies),
        }

    def start(self):
        self.daemon = self.site.lab.daemon(self.name, self.config(), self.ns).start()
        self.configure_web()

    def configure_web(self):
        """Its interface is new after each start of the daemon."""
        run_web = self.web_ns.run
        run_web("ip", "addr", "add", f"{self.web.ip}/24", "dev", "eth0")
        run_web("ip", "addr", "add", f"{self.web6.ip}/64", "dev", "eth0", "nodad")
        run_web("ip", "link", "set", "eth0", "mtu", "1400")
        run_web("ip", "route", "add", "default", "via", "10.0.0.1")
        run_web("ip", "-6", "route", "replace", "default", "via", "fd00:10::1")


def expect_echo(client, server):
    """A datagram and its answer, of either family."""
    kind = socket.AF_INET6 if ":" in server.ip else socket.AF_INET
    near, far = client.ns.socket(kind, socket.SOCK_DGRAM), server.ns.socket(kind, socket.SOCK_DGRAM)
    far.bind((server.ip, 0))
    for s in (near, far):
        s.settimeout(5)
    near.connect((server.ip, far.getsockname()[1]))
    near.send(b"question")
    data, source = far.recvfrom(100)
    far.sendto(data + b"!", source)
    expect_equal(near.recv(100), b"question!", f"answer to {client.name}")
    near.close()
    far.close()
    return source[0]


def nat_site(lab, **how):
    site = Outside(lab)
    site.a = site.add("a", outside=how.pop("outside", NAT), **how)
    return site.start()


def sources_of(ns, command):
    """Runs a command while the server's link is watched: the source addresses of what arrived."""
    seen = ns.popen("tcpdump", "-lnni", "br0", "-c", "2000", "ip or ip6", stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, text=True)
    for line in seen.stderr:
        if "listening" in line:
            break
    try:
        command()
        time.sleep(0.3)
    finally:
        seen.terminate()
        text = seen.communicate()[0]
    return text


@test
def a_workload_reaches_a_server_by_translation(lab):
    site = nat_site(lab)
    a = site.a
    for ip in (SERVER, ON_LINK):
        expect_ping(a.web, ip)
    for ip in (SERVER6, ON_LINK6):
        expect_ping(a.web6, ip)
    for client, server in ((a.web, site.server), (a.web6, site.server6), (a.web, site.near)):
        expect_tcp(client, server)
        expect(expect_echo(client, server) in (a.address, a.address6), "the source is not this node")
    text = sources_of(site.ns, lambda: expect_ping(a.web, SERVER))
    expect(f"IP {a.address} > {SERVER}" in text, f"not from the node's address: {text[:500]}")
    expect("10.0.0." not in text, f"a workload's address is on the wire: {text[:500]}")
    rows = [f for f in a.daemon.call("flows.list")["flows"] if f["destination"] == SERVER]
    expect(rows and all("rewritten" in f for f in rows), f"flows do not say both tuples: {rows[:2]}")
    a.daemon.expect_sum()


@test
def the_world_is_denied_by_default_and_allowed_by_entity_or_cidr(lab):
    site = nat_site(lab, policies=())
    a = site.a
    expect_no_ping(a.web, SERVER)
    a.daemon.wait_drop("policy_egress")
    expect_no_tcp(a.web, site.server)
    a.daemon.call("policies.add", TO_SERVER)
    expect_tcp(a.web, site.server)
    expect_tcp(a.web6, site.server6)
    expect_no_ping(a.web, ON_LINK)  # not in the prefix
    a.daemon.call("policies.del", {"name": "to-server"})
    expect_no_ping(a.web, SERVER)
    a.daemon.call("policies.add", TO_WORLD)
    expect_ping(a.web, ON_LINK)


@test
def nobody_outside_reaches_a_workload_or_opens_a_connection(lab):
    site = nat_site(lab, policies=(TO_WORLD, FROM_WORLD))
    a = site.a
    expect_ping(a.web, SERVER)
    expect_ping(site.near, a.address)  # the node's own ping goes on
    before = a.daemon.drop("nat_unknown")
    s = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for port in range(2000, 2050):
        s.sendto(b"x", (a.address, port))
    s.close()
    wait_until(lambda: a.daemon.drop("nat_unknown") == before + 50, lambda: f"{a.daemon.drops()}", 3)
    site.ns.run("ip", "route", "add", "10.0.0.0/24", "via", a.address)
    expect_no_ping(site.near, a.web.ip)
    a.daemon.expect_sum()


@test
def traceroute_and_icmp_errors_pass_translated(lab):
    site = nat_site(lab)
    a = site.a
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((SERVER, 9))
    for _ in range(5):  # nobody listens: ICMP port unreachable
        try:
            s.send(b"x")
            s.settimeout(1)
            s.recv(10)
        except ConnectionRefusedError:
            break
        except (socket.timeout, TimeoutError):
            continue
    else:
        raise AssertionError(f"no ICMP error arrived: {a.daemon.drops()}")
    s.close()


@test
def exhaustion_is_a_named_drop_and_ends_with_the_connections(lab):
    site = nat_site(lab, outside={**NAT, "ports": "40000-40003"})
    a = site.a
    held = []
    for _ in range(4):
        s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((SERVER, 53))
        s.send(b"x")
        held.append(s)
    time.sleep(0.2)
    expect_equal(a.daemon.drop("nat_exhausted"), 0, "nat_exhausted")
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((SERVER, 53))
    s.send(b"x")
    a.daemon.wait_drop("nat_exhausted")
    s.connect((SERVER, 54))  # another remote port has ports of its own
    before = a.daemon.drop("nat_exhausted")
    s.send(b"x")
    time.sleep(0.2)
    expect_equal(a.daemon.drop("nat_exhausted"), before, "nat_exhausted")
    wait_until(lambda: any(n["code"] == "nat_exhausted" for n in a.daemon.call("notices.list")),
               lambda: f"no notice: {a.daemon.call('notices.list')}", 5)
    for s in held:
        s.close()
    for flow in a.daemon.call("flows.list")["flows"]:
        if flow["destination_port"] == 53:
            a.daemon.call("flows.del", {k: flow[k] for k in ("network", "source", "destination", "source_port",
                                                             "destination_port", "protocol")})
    time.sleep(0.5)
    before = a.daemon.drop("nat_exhausted")
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((SERVER, 53))
    s.send(b"x")
    time.sleep(0.3)
    expect_equal(a.daemon.drop("nat_exhausted"), before, "nat_exhausted after the connections ended")


@test
def a_connection_with_its_own_port_goes_on_after_a_restart(lab):
    site = nat_site(lab)
    a = site.a
    server = site.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind((SERVER, 0))
    server.listen(1)
    client = a.web_ns.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(server.getsockname())
    peer, address = server.accept()
    expect_equal(address, (a.address, client.getsockname()[1]), "the translated source")
    a.daemon.stop()
    a.daemon.start()
    a.configure_web()
    client.settimeout(10)
    peer.settimeout(10)
    client.send(b"after")
    expect_equal(peer.recv(10), b"after", "data after the restart")
    peer.send(b"back")
    expect_equal(client.recv(10), b"back", "data back")
    for s in (client, peer, server):
        s.close()


@test
def a_workload_reaches_a_server_by_an_egress_node(lab):
    site = Outside(lab)
    a = site.add("a", outside={"via": "node", "node": "b"})
    b = site.add("b", outside=NAT)
    site.start()
    expect_ping(a.web, SERVER)
    expect_tcp(a.web, site.server)
    expect_echo(a.web, site.server)
    expect_ping(a.web6, SERVER6)
    text = sources_of(site.ns, lambda: expect_ping(a.web, SERVER))
    expect(f"IP {b.address} > {SERVER}" in text, f"not from the egress node: {text[:500]}")
    a.daemon.call("policies.del", {"name": "to-world"})
    expect_no_ping(a.web, SERVER)
    a.daemon.wait_drop("policy_egress")
    for n in site.nodes:
        n.daemon.expect_sum()


@test
def a_workload_reaches_a_server_by_the_host_and_back(lab):
    site = Outside(lab)
    a = site.add("a", outside={"via": "host", "endpoint": "host-a"}, host=True, policies=(TO_WORLD, FROM_WORLD))
    site.start()
    link(a.ns, "wan", site.ns, "to-wan")
    site.ns.run("ip", "addr", "add", "203.0.113.2/24", "dev", "to-wan")
    a.ns.run("ip", "addr", "add", "203.0.113.1/24", "dev", "wan")
    a.ns.run("ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.2")
    a.ns.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    site.ns.run("ip", "route", "add", "10.0.0.0/24", "via", "203.0.113.1")
    wait_until(lambda: a.host.ip in a.ns.run("ip", "-4", "addr", "show", "dev", "blue-h"),
               lambda: f"no address: {a.ns.run('ip', 'addr')}", 10)
    expect_ping(a.web, SERVER)
    expect_tcp(a.web, site.server)
    far = End(site.ns, "server", SERVER)
    expect_ping(far, a.web.ip)  # the world opens
    expect_tcp(far, a.web)
    a.daemon.call("policies.del", {"name": "from-world"})
    expect_no_ping(far, a.web.ip)
    a.daemon.wait_drop("policy_ingress")
    a.daemon.expect_sum()


@test
def with_a_host_tap_the_kernel_keeps_what_is_not_a_workloads(lab):
    site = nat_site(lab, host_tap=True)
    a = site.a
    wait_until(lambda: a.address in a.ns.run("ip", "-4", "addr", "show", "dev", "up0h"),
               lambda: f"no address: {a.ns.run('ip', 'addr')}", 10)
    host = End(a.ns, "host", a.address)
    expect_ping(a.web, ON_LINK)
    expect_tcp(a.web, site.near)
    expect_tcp(site.near, host)
    expect_tcp(host, site.near)
    expect_ping(host, ON_LINK)
    a.ns.run("ip", "route", "add", "203.0.113.0/24", "via", ON_LINK, "dev", "up0h")
    site.ns.run("ip", "addr", "add", "203.0.113.9/32", "dev", "lo")
    expect_ping(a.web, "203.0.113.9")  # a route that only the kernel has
    a.daemon.expect_sum()


@test
def a_network_without_encapsulation_is_on_the_underlay_as_it_is(lab):
    site = Outside(lab)
    between = {"name": "between", "network": "blue", "direction": "ingress", "subject": {"labels": {"app": "web"}},
               "peers": [{"labels": {"app": "web"}}], "action": "allow"}
    out = {"name": "out", "network": "blue", "direction": "egress", "subject": {"labels": {"app": "web"}},
           "action": "allow"}
    a, b = (site.add(n, more={"encap": "none"}, policies=(out, FROM_WORLD, between)) for n in "ab")
    site.start()
    for n in (a, b):
        site.ns.run("ip", "route", "add", f"{n.web.ip}/32", "via", n.address)
        site.ns.run("ip", "-6", "route", "add", f"{n.web6.ip}/128", "via", n.address6)
    expect_ping(a.web, SERVER)
    expect_ping(a.web6, SERVER6)
    expect_tcp(a.web, site.server)
    expect_tcp(a.web, site.near)
    expect_equal(expect_echo(a.web, site.server), a.web.ip, "the source that the server sees")
    expect_ping(site.server, a.web.ip)  # the world opens
    expect_tcp(site.near, a.web)
    expect_ping(a.web, b.web.ip)
    expect_tcp(a.web, b.web)
    expect_tcp(b.web, a.web)
    a.daemon.call("policies.del", {"name": "from-world"})
    expect_no_ping(site.near, a.web.ip)
    a.daemon.wait_drop("policy_ingress")
    a.daemon.call("policies.del", {"name": "out"})
    expect_no_ping(a.web, SERVER)
    for n in site.nodes:
        n.daemon.expect_sum()


@test
def the_runbook_of_exhausted_translation_does_what_it_shows(lab):
    shell = Shell(lab)
    try:
        run_blocks, _ = shell.follow("docs/runbooks/nat-exhausted.md")
        expect(run_blocks > 5, f"only {run_blocks} command blocks were found")
    finally:
        shell.close()


@test
def the_reasons_of_the_runbook_of_asymmetric_routes_are_what_is_dropped(lab):
    """The host answers for a network that leaves by translation, and another node's answers come here."""
    with open(ROOT / "docs" / "runbooks" / "asymmetric-routes.md", encoding="utf-8") as f:
        reasons = re.findall(r"^\| `(\w+)` \|", f.read(), re.MULTILINE)
    site = Outside(lab)
    a = site.add("a", outside=NAT, host=True)
    b = site.add("b", outside=NAT)
    site.start()
    seen = set()
    # an answer to a workload's own address
    site.ns.run("ip", "route", "add", a.web.ip, "via", a.address)
    expect_no_ping(site.near, a.web.ip)
    # the host's TAP sends as somebody outside, and the network does not lead there
    wait_until(lambda: a.host.ip in a.ns.run("ip", "-4", "addr", "show", "dev", "blue-h"),
               lambda: f"no address: {a.ns.run('ip', 'addr')}", 10)
    a.ns.run("ip", "addr", "add", "203.0.113.50/32", "dev", "blue-h")
    expect_no_ping(End(a.ns, "host", a.host.ip), a.web.ip)
    subprocess.run(a.ns.command("ping", "-c", "1", "-W", "1", "-I", "203.0.113.50", a.web.ip), capture_output=True,
                   check=False)
    # a connection that b translates, and an answer that is sent to a
    s = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"answer", (a.address, 50000))
    s.close()
    for reason in ("underlay_not_local", "spoofed", "nat_unknown"):
        a.daemon.wait_drop(reason)
        seen.add(reason)
    expect(seen <= set(reasons), f"the runbook does not know {seen - set(reasons)}")
    expect_equal(b.daemon.drop("nat_unknown"), 0, "nat_unknown at the other node")


@test
def answers_that_are_too_large_for_the_network_are_told_to_their_sender(lab):
    site = nat_site(lab, more={"mtu": 1300})
    Iperf(site.a.web, site.server, "-R").expect_tcp()
    Iperf(site.a.web, site.server).expect_tcp()
    site.a.daemon.expect_sum()


@test
def one_command_explains_each_way_out(lab):
    site = Outside(lab)
    a = site.add("a", outside=NAT, host=True)
    site.add("b")
    site.start()

    def explained():
        return a.daemon.call("policies.explain", {"source": "web-a", "destination_address": SERVER, "protocol": "tcp",
                                                  "port": 443})

    def change(outside):
        net = a.network()
        net.pop("outside", None)
        a.daemon.call("networks.set", {**net, **outside})
    for outside, via in (({"outside": NAT}, "outside by translation"),
                         ({"outside": {"via": "host", "endpoint": "host-a"}}, "outside by host host-a"),
                         ({"outside": {"via": "node", "node": "b"}}, "outside by node b"),
                         ({"encap": "none"}, "the underlay, without encapsulation")):
        change(outside)
        got = explained()
        expect_equal((got["way"]["kind"], got["way"]["via"]), ("routed", via), f"way of {outside}")
        expect_equal(got["verdict"], "allow", f"verdict with {outside}")
    change({})
    expect_equal(explained()["way"]["kind"], "unreachable", "without a way out")
    a.daemon.call("policies.del", {"name": "to-world"})
    change({"outside": NAT})
    expect_equal(explained()["verdict"], "deny", "without a policy")


@test
def packets_of_one_burst_that_open_a_connection_have_one_source(lab):
    """The daemon is stopped while they come, so that a worker finds all in one burst."""
    site = nat_site(lab)
    a = site.a
    expect_ping(a.web, SERVER)
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.bind((SERVER, 0))
    far.settimeout(3)
    s.bind(("10.0.0.10", 600))  # below the range: its port is another one outside
    a.daemon.process.send_signal(signal.SIGSTOP)
    for _ in range(20):
        s.sendto(b"x", far.getsockname())
    a.daemon.process.send_signal(signal.SIGCONT)
    sources = {far.recvfrom(10)[1] for _ in range(20)}
    expect_equal(len(sources), 1, f"sources of one connection, {sources}")
    s.close()
    far.close()
