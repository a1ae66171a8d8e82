# SPDX-License-Identifier: BSD-3-Clause
"""Workloads that set themselves up: the kernel's own router discovery, and DHCP clients that nobody here wrote."""
import json
import os
import re
import signal
import socket
import subprocess

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.site import OPEN, workers
from lab.traffic import Ping
from lab.wire import Wire

GATEWAY_MAC = "02:00:5e:00:02:01"
ROUTER = "fe80::5eff:fe00:201"  # the link-local address of that MAC
SUBNET4 = {"prefix": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True, "dns": ["10.0.0.53", "10.0.0.54"],
           "search": ["svc.example.org", "example.org"]}
SUBNET6 = {"prefix": "fd00:1::/64", "gateway": "fd00:1::1", "dhcp": True, "dns": ["fd00:1::53"],
           "search": ["svc.example.org"]}
NETWORK = {"name": "blue", "vni": 100, "encap": "vxlan", "mtu": 1400, "policy_default": OPEN,
           "subnets": [SUBNET4, SUBNET6]}
# Prints what the client got, as its documentation says: udhcpc and dhclient run it with an environment.
SCRIPT = """#!/bin/sh
env | grep -vE '^(PATH|PWD|SHLVL|_|HOME)=' >>{file}
echo '--' >>{file}
exit 0
"""


class Workload:
    """A namespace whose eth0 is a TAP that sluice makes. Nobody gives it an address."""

    def __init__(self, lab, name, number):
        self.lab, self.name = lab, name
        self.mac = f"02:00:00:00:00:0{number}"
        self.ip, self.ip6 = f"10.0.0.{number}", f"fd00:1::ff:fe00:{number}"  # the second is made of the MAC
        self.ns = lab.namespace(f"au-{name}", ipv6=True)
        self.file = lab.file(f"{name}.env")

    def port_object(self):
        return {"name": self.name, "role": "access", "mac": self.mac,
                "tap": {"name": "eth0", "netns": f"/run/netns/{self.ns.name}"}}

    def endpoint_object(self):
        return {"name": self.name, "network": "blue", "port": self.name, "mac": self.mac,
                "addresses": [self.ip, self.ip6], "labels": {"app": self.name}}

    def script(self):
        path = self.lab.file(f"{self.name}.script")
        with open(path, "w", encoding="ascii") as f:
            f.write(SCRIPT.format(file=self.file))
        os.chmod(path, 0o755)
        return path

    def told(self):
        """The variables of the last call of the script."""
        with open(self.file, encoding="ascii") as f:
            last = f.read().split("--\n")[-2]
        return dict(line.split("=", 1) for line in last.splitlines() if "=" in line)

    def udhcpc(self, *options):
        """(exit status, output) of busybox's client."""
        done = subprocess.run(
            self.ns.command("busybox", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "3", "-T", "1", "-s",
                            self.script(), *options), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def dhclient(self, *options):
        done = subprocess.run(
            self.ns.command("dhclient", "-1", "-v", "-lf", self.lab.file(f"{self.name}.leases"), "-pf",
                            self.lab.file(f"{self.name}.pid"), "-sf", self.script(), *options, "eth0"),
            capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def kill_dhclient(self):
        path = self.lab.file(f"{self.name}.pid")
        if os.path.exists(path):
            with open(path, encoding="ascii") as f:
                os.kill(int(f.read()), 15)

    def addresses(self, family="-4"):
        shown = json.loads(self.ns.run("ip", "-j", family, "addr", "show", "dev", "eth0"))
        return [a["local"] for a in shown[0]["addr_info"] if a["scope"] == "global"]


class Rig:
    def __init__(self, lab, network=None, names=("web", "db")):
        self.node = lab.namespace("au-node")
        self.workloads = [Workload(lab, name, i + 5) for i, name in enumerate(names)]
        self.daemon = lab.daemon("a", {
            "workers": workers(), "ports": [w.port_object() for w in self.workloads],
            "networks": [network or NETWORK], "endpoints": [w.endpoint_object() for w in self.workloads],
        }, self.node)
        self.daemon.start()
        self.web = self.workloads[0]

    def drops(self, reason):
        return next((r["count"] for r in self.daemon.call("drops.list") if r["reason"] == reason), 0)


@test
def busybox_gets_its_endpoints_address_and_all_settings_by_dhcp(lab):
    rig = Rig(lab)
    status, text = rig.web.udhcpc("-O", "search", "-O", "mtu")
    expect(status == 0, text)
    got = rig.web.told()
    want = {"ip": "10.0.0.5", "subnet": "255.255.255.0", "router": "10.0.0.1", "dns": "10.0.0.53 10.0.0.54",
            "mtu": "1400", "lease": "3600", "serverid": "10.0.0.1"}
    expect_equal({k: got.get(k) for k in want}, want, f"what udhcpc got: {got}")
    expect_equal(got.get("search"), "svc.example.org example.org", f"search list: {got}")


@test
def a_client_renews_its_lease_by_unicast_to_the_gateway(lab):
    """It has its address by then, asks for the gateway's MAC, and sends from a socket of its own."""
    rig = Rig(lab)
    client = rig.web.ns.popen("busybox", "udhcpc", "-i", "eth0", "-f", "-s", rig.web.script(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    try:
        wait_until(lambda: os.path.exists(rig.web.file) and "ip=10.0.0.5" in open(rig.web.file, encoding="ascii").read(),
                   "no lease", 20)
        rig.web.ns.run("ip", "addr", "add", "10.0.0.5/24", "dev", "eth0")
        os.unlink(rig.web.file)
        client.send_signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(rig.web.file), "the lease is not renewed", 20)
        expect_equal((rig.web.told().get("ip"), rig.web.told().get("serverid")), ("10.0.0.5", "10.0.0.1"), "renewed")
        neighbors = rig.web.ns.run("ip", "neigh", "show", "10.0.0.1")
        expect(GATEWAY_MAC in neighbors, f"the client has not asked for the gateway: {neighbors}")
    finally:
        client.kill()
        client.communicate()
    refused = rig.daemon.call("drops.recent", {"reason": "gateway_protocol"})
    expect_equal([r for r in refused if r["protocol"] == "udp"], [], "messages that the gateway has refused")


@test
def isc_dhclient_gets_the_same_and_renews_it_by_broadcast(lab):
    rig = Rig(lab)
    for turn in ("a new lease", "the old lease again"):
        status, text = rig.web.dhclient("-4")
        rig.web.kill_dhclient()
        expect(status == 0 and "DHCPACK of 10.0.0.5" in text, f"{turn}: {text}")
        got = rig.web.told()
        want = {"new_ip_address": "10.0.0.5", "new_subnet_mask": "255.255.255.0", "new_routers": "10.0.0.1",
                "new_domain_name_servers": "10.0.0.53 10.0.0.54", "new_interface_mtu": "1400"}
        expect_equal({k: got.get(k) for k in want}, want, f"{turn}: what dhclient got: {got}")


@test
def an_address_that_is_not_the_endpoints_is_refused(lab):
    """The client asks for the address of its neighbour, as after a move: it is refused, and gets its own."""
    rig = Rig(lab)
    status, text = rig.web.udhcpc("-r", "10.0.0.6")
    expect(status == 0, text)
    expect_equal(rig.web.told().get("ip"), "10.0.0.5", "address")


@test
def a_foreign_client_hears_nothing_and_is_counted(lab):
    rig = Rig(lab)
    rig.web.ns.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:77")
    status, text = rig.web.udhcpc()
    expect(status != 0 and "no lease" in text, text)
    expect(rig.drops("dhcp_foreign") >= 3, f"dhcp_foreign: {rig.drops('dhcp_foreign')}")
    row = rig.daemon.call("drops.recent", {"reason": "dhcp_foreign"})
    expect(row, "drops.recent has no sample of dhcp_foreign")


@test
def without_dhcp_in_the_subnet_nobody_answers(lab):
    rig = Rig(lab, {**NETWORK, "subnets": [{**SUBNET4, "dhcp": False}, SUBNET6]})
    status, text = rig.web.udhcpc()
    expect(status != 0, text)
    # Switched on while it runs, it is served at once.
    rig.daemon.call("networks.set", NETWORK)
    status, text = rig.web.udhcpc()
    expect(status == 0, text)


def up6(w):
    w.ns.run("sysctl", "-qw", "net.ipv6.conf.eth0.addr_gen_mode=0")
    w.ns.run("ip", "link", "set", "eth0", "down")
    w.ns.run("ip", "link", "set", "eth0", "up")


def wait_settled(w):
    """An interface does not use an address before it knows that nobody else has it."""
    wait_until(lambda: "inet6" in w.ns.run("ip", "-6", "addr", "show", "dev", "eth0") and
               "tentative" not in w.ns.run("ip", "-6", "addr", "show", "dev", "eth0"), f"{w.name}: tentative", 15)


@test
def the_kernel_sets_itself_up_by_router_discovery(lab):
    """Address, default route and MTU of a plain Linux interface; then it reaches its neighbour."""
    rig = Rig(lab)
    for w in rig.workloads:
        up6(w)
    for w in rig.workloads:
        wait_until(lambda w=w: w.ip6 in w.addresses("-6"), lambda w=w: f"{w.name} has {w.addresses('-6')}", 15)
        routes = w.ns.run("ip", "-6", "route", "show", "default")
        expect(f"via {ROUTER} dev eth0 proto ra" in routes, routes)
        expect_equal(w.ns.run("sysctl", "-n", "net.ipv6.conf.eth0.mtu").strip(), "1400", "MTU")
        wait_settled(w)
    Ping(rig.web, rig.workloads[1].ip6, 5, 0.1).expect_all()


@test
def changes_are_told_unasked(lab):
    """An endpoint that is new behind an interface that is up, and another name server for all of them."""
    from scapy.all import Ether, ICMPv6ND_RA, ICMPv6NDOptRDNSS
    rig = Rig(lab)
    rig.daemon.call("endpoints.del", {"name": "web"})
    rig.web.ns.run("sysctl", "-qw", "net.ipv6.conf.eth0.router_solicitations=0")
    up6(rig.web)
    wait_settled(rig.web)

    def servers(frame):
        return Ether(frame)[ICMPv6NDOptRDNSS].dns if ICMPv6ND_RA in Ether(frame) else None
    with Wire(rig.web.ns, "eth0") as wire:
        rig.daemon.call("endpoints.add", rig.web.endpoint_object())
        expect_equal(servers(wire.until(servers)[-1]), ["fd00:1::53"], "name servers, for a new endpoint")
        rig.daemon.call("networks.set", {**NETWORK, "subnets": [SUBNET4, {**SUBNET6, "dns": ["fd00:1::99"]}]})
        expect_equal(servers(wire.until(lambda f: servers(f) and "fd00:1::99" in servers(f))[-1]), ["fd00:1::99"],
                     "name servers, after a change")
    wait_until(lambda: rig.web.ip6 in rig.web.addresses("-6"), "no address", 5)
    rig.daemon.expect_sum()


@test
def rdisc6_reads_every_option(lab):
    rig = Rig(lab)
    up6(rig.web)
    wait_until(lambda: rig.web.ip6 in rig.web.addresses("-6"), "no address", 15)
    text = rig.web.ns.run("rdisc6", "-1", "eth0")
    for line in (r"Stateful address conf\.\s*: +No", r"Stateful other conf\.\s*: +Yes", r"Router lifetime\s*: +1800",
                 r"Prefix\s*: fd00:1::/64", r"On-link\s*: +Yes", r"Autonomous address conf\.: +Yes",
                 r"Source link-layer address: 02:00:5E:00:02:01", r"MTU\s*: +1400", r"Recursive DNS server\s*: fd00:1::53",
                 r"DNS search list\s*: svc\.example\.org", rf"from {ROUTER}"):
        expect(re.search(line, text), f"no line {line} in\n{text}")


@test
def a_workload_makes_no_address_that_is_not_its_endpoints(lab):
    """Its packets would be dropped: so the prefix is on the link, and not for making addresses."""
    rig = Rig(lab)
    endpoint = rig.web.endpoint_object()
    rig.daemon.call("endpoints.set", {**endpoint, "addresses": ["10.0.0.5", "fd00:1::5"]})
    up6(rig.web)
    wait_until(lambda: "default" in rig.web.ns.run("ip", "-6", "route"), "no default route", 15)
    expect_equal(rig.web.addresses("-6"), [], "addresses")
    expect("fd00:1::/64" in rig.web.ns.run("ip", "-6", "route"), "the prefix is not on the link")


@test
def isc_dhclient_gets_name_servers_by_stateless_dhcpv6(lab):
    rig = Rig(lab)
    up6(rig.web)
    wait_settled(rig.web)
    status, text = rig.web.dhclient("-6", "-S")
    expect(status == 0, text)
    got = rig.web.told()
    expect_equal(got.get("new_dhcp6_name_servers"), "fd00:1::53", f"what dhclient got: {got}")
    expect_equal(got.get("new_dhcp6_domain_search"), "svc.example.org.", f"what dhclient got: {got}")


@test
def nobody_is_told_about_a_subnet_whose_advertisements_are_off(lab):
    rig = Rig(lab, {**NETWORK, "subnets": [SUBNET4, {**SUBNET6, "ra": False}]})
    up6(rig.web)
    wait_settled(rig.web)
    before = rig.drops("multicast")
    done = subprocess.run(rig.web.ns.command("rdisc6", "-1", "-r", "2", "-w", "500", "eth0"), capture_output=True,
                          text=True, check=False)
    expect(done.returncode != 0, done.stdout)
    expect(rig.drops("multicast") > before, "the solicitations are not counted")


def discover(mac, **more):
    from scapy.all import BOOTP, DHCP, IP, UDP, Ether
    fields = {"chaddr": bytes.fromhex(mac.replace(":", "")), "xid": 7, **more}
    return (Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / IP(src="0.0.0.0", dst="255.255.255.255") /
            UDP(sport=68, dport=67) / BOOTP(**fields) / DHCP(options=[("message-type", "discover"), "end"]))


@test
def relays_liars_and_cut_options_get_no_answer(lab):
    """Each of N messages is counted under its reason, and no frame comes back."""
    rig = Rig(lab, {**NETWORK, "subnets": [SUBNET4, {**SUBNET6, "ra": False}]})
    mac, n = rig.web.mac, 20
    rig.web.ns.run("ip", "link", "set", "eth0", "up")
    good = discover(mac)
    bad = {
        "relay": discover(mac, giaddr="10.0.0.9"),
        "another client's MAC": discover(mac, chaddr=bytes.fromhex("020000000006")),
        "an answer": discover(mac, op=2),
        "an option longer than the message": bytes(good)[:-4] + b"\x35\xff\x01\xff",
        "no message type": bytes(good)[:-4] + b"\xff\x00\x00\x00",
    }
    with Wire(rig.web.ns, "eth0") as wire:
        for what, frame in bad.items():
            before, sent = rig.drops("dhcp_malformed"), rig.daemon.port("web")["tx_packets"]
            for _ in range(n):
                wire.send(frame)
            wait_until(lambda: rig.drops("dhcp_malformed") >= before + n,
                       lambda what=what: f"{what}: {rig.drops('dhcp_malformed') - before} of {n} counted")
            expect_equal(rig.drops("dhcp_malformed"), before + n, what)
            expect_equal(rig.daemon.port("web")["tx_packets"], sent, f"{what}: answers")
        wire.send(good)
        wire.until(lambda f: f[12:14] == b"\x08\x00" and f[23] == socket.IPPROTO_UDP and f[36:38] == b"\x00\x44")
    rig.daemon.expect_sum()


@test
def settings_that_cannot_be_are_refused_with_their_reason(lab):
    rig = Rig(lab)
    for number, more, field, words in (
            (0, {"gateway": None}, "subnets[0].dhcp", "has no gateway"),
            (0, {"dns": ["fd00:1::53"]}, "subnets[0].dns[0]", "two address families"),
            (1, {"dns": ["ff02::1"]}, "subnets[1].dns[0]", "ff02::1"),
            (0, {"dns": [f"10.0.0.{i}" for i in range(50, 59)]}, "subnets[0].dns", "8"),
            (0, {"search": ["no space"]}, "subnets[0].search[0]", "is no domain name"),
            (0, {"search": ["-a.org"]}, "subnets[0].search[0]", "is no domain name"),
            (0, {"search": ["a..org"]}, "subnets[0].search[0]", "is no domain name"),
            (0, {"search": ["x" * 64 + ".org"]}, "subnets[0].search[0]", "is no domain name"),
            (0, {"search": [".".join(["y" * 60] * 3), ".".join(["z" * 60] * 3)]}, "subnets[0].search[1]", "too long")):
        subnets = [dict(SUBNET4), dict(SUBNET6)]
        subnets[number].update(more)
        subnets[number] = {k: v for k, v in subnets[number].items() if v is not None}
        try:
            rig.daemon.call("networks.set", {**NETWORK, "subnets": subnets})
        except Refused as e:
            expect_equal(e.error["data"]["path"], field, f"field of {e.error}")
            expect(words in e.error["message"], f"{words} is not in {e.error}")
            continue
        raise AssertionError(f"{more} was taken")
    expect_equal(rig.daemon.call("networks.get", {"name": "blue"})["subnets"][0]["search"],
                 ["svc.example.org", "example.org"], "search list")
