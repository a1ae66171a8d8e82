# SPDX-License-Identifier: BSD-3-Clause
"""Source translation in its corners: fragments, ICMP errors of both families, traceroute, shared addresses."""
import errno
import re
import socket

from lab.expect import expect, expect_equal, test
from lab.net import link
from lab.outside import NAT, ON_LINK, ON_LINK6, SERVER, SERVER6, TO_WORLD, End, nat_site
from lab.traffic import Iperf, expect_ping, expect_tcp

FAR, FAR6 = "198.51.100.99", "2001:db8:7::99"


def add_far_server(site):
    """A server behind one more router: that of the link."""
    far = site.lab.namespace("ou-far", ipv6=True)
    link(site.ns, "to-far", far, "eth0")
    for ns, device, ip, ip6 in ((site.ns, "to-far", "203.0.113.1/24", "2001:db8:9::1/64"),
                                (far, "eth0", "203.0.113.2/24", "2001:db8:9::2/64")):
        ns.run("ip", "addr", "add", ip, "dev", device)
        ns.run("ip", "addr", "add", ip6, "dev", device, "nodad")
    for ip in (f"{FAR}/32", f"{FAR6}/128"):
        far.run("ip", "addr", "add", ip, "dev", "lo")
    far.run("ip", "route", "add", "default", "via", "203.0.113.1")
    far.run("ip", "-6", "route", "add", "default", "via", "2001:db8:9::1")
    site.ns.run("ip", "route", "add", FAR, "via", "203.0.113.2")
    site.ns.run("ip", "-6", "route", "add", FAR6, "via", "2001:db8:9::2")
    for ns in (site.ns, far):
        ns.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratemask=0",
               "net.ipv6.icmp.ratelimit=0")
    return far


def hops(ns, address, *options):
    text = ns.run("traceroute", "-6" if ":" in address else "-4", "-n", "-q", "1", "-w", "2", "-m", "6", *options,
                  address)
    return [m[1] for m in re.finditer(r"^ *\d+ +(\S+)", text, re.MULTILINE)]


@test
def traceroute_of_a_real_stack_shows_the_routers_behind_a_translation(lab):
    site = nat_site(lab)
    add_far_server(site)
    expect_ping(site.a.web, FAR)
    expect_ping(site.a.web6, FAR6)
    for options in ((), ("-I",), ("-T", "-p", "80")):
        expect_equal(hops(site.a.web_ns, FAR, *options), ["10.0.0.1", ON_LINK, FAR], f"hops {options}")
        expect_equal(hops(site.a.web_ns, FAR6, *options), ["fd00:10::1", ON_LINK6, FAR6], f"hops {options}")
    site.a.daemon.expect_sum()


@test
def a_smaller_mtu_behind_a_translation_is_found(lab):
    site = nat_site(lab)
    far = add_far_server(site)
    for ns, device in ((site.ns, "to-far"), (far, "eth0")):
        ns.run("ip", "link", "set", device, "mtu", "1300")
    for address in (FAR, FAR6):
        text = site.a.web_ns.run("tracepath", "-n", "-m", "5", address)
        expect("pmtu 1300" in text and "reached" in text, text)
    for end in (End(far, "far", FAR), End(far, "far", FAR6)):
        near = site.a.web6 if ":" in end.ip else site.a.web
        Iperf(near, end).expect_tcp()
    site.a.daemon.expect_sum()


@test
def a_refused_datagram_is_told_to_the_workload_in_both_families(lab):
    site = nat_site(lab)
    for kind, address in ((socket.AF_INET, SERVER), (socket.AF_INET6, SERVER6)):
        s = site.a.web_ns.socket(kind, socket.SOCK_DGRAM)
        s.settimeout(1)
        s.connect((address, 9))
        for _ in range(5):
            try:
                s.send(b"x")
                s.recv(10)
            except ConnectionRefusedError:
                break
            except (socket.timeout, TimeoutError):
                continue
        else:
            raise AssertionError(f"no ICMP error arrived from {address}: {site.a.daemon.drops()}")
        s.close()


@test
def fragments_are_translated_in_both_directions(lab):
    site = nat_site(lab)
    a = site.a
    for near, address in ((a.web, SERVER), (a.web6, SERVER6)):
        expect_ping(near, address, 5, "-s", "4000")
    for kind, near, address in ((socket.AF_INET, a.web, SERVER), (socket.AF_INET6, a.web6, SERVER6)):
        far = site.ns.socket(kind, socket.SOCK_DGRAM)
        far.bind((address, 0))
        far.settimeout(5)
        s = near.ns.socket(kind, socket.SOCK_DGRAM)
        s.settimeout(5)
        for size in (3000, 9000):
            s.sendto(bytes(range(250)) * (size // 250), (address, far.getsockname()[1]))
            data, source = far.recvfrom(10000)
            expect_equal(data, bytes(range(250)) * (size // 250), f"{size} bytes to {address}")
            expect(source[0] in (a.address, a.address6), f"not translated: {source}")
            far.sendto(data[::-1], source)
            expect_equal(s.recv(10000), data[::-1], f"{size} bytes from {address}")
        s.close()
        far.close()
    a.daemon.expect_sum()


@test
def a_workload_is_told_at_once_that_its_nodes_own_address_is_not_reached_by_translation(lab):
    site = nat_site(lab)
    a = site.a
    for kind, address in ((socket.AF_INET, a.address), (socket.AF_INET6, a.address6)):
        before = a.daemon.drop("nat_hairpin")
        s = a.web_ns.socket(kind, socket.SOCK_STREAM)
        s.settimeout(3)
        try:
            s.connect((address, 80))
        except OSError as e:
            expect(e.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH), f"connect to {address}: {e}")
        else:
            raise AssertionError(f"{address} was reached")
        s.close()
        a.daemon.wait_drop("nat_hairpin", before)
    a.daemon.expect_sum()


def add_red(site):
    """A workload of another network with the same address as web, and the same way out."""
    a = site.a
    ns = site.lab.namespace("ou-red", ipv6=True)
    net = {**a.network(), "name": "red", "vni": 200}
    a.daemon.call("networks.add", net)
    a.daemon.call("ports.add", {"name": "red", "role": "access", "mac": "02:00:00:00:09:05",
                                "tap": {"name": "eth0", "netns": f"/run/netns/{ns.name}"}})
    a.daemon.call("endpoints.add", {"name": "red", "network": "red", "mac": "02:00:00:00:09:05", "port": "red",
                                    "addresses": [a.web.ip, a.web6.ip], "labels": {"app": "web"}})
    a.daemon.call("policies.add", {**TO_WORLD, "name": "red-to-world", "network": "red"})
    ns.run("ip", "addr", "add", f"{a.web.ip}/24", "dev", "eth0")
    ns.run("ip", "link", "set", "eth0", "mtu", "1400")
    ns.run("ip", "route", "add", "default", "via", "10.0.0.1")
    return End(ns, "red", a.web.ip)


@test
def two_networks_share_an_address_and_neither_takes_the_others_ports_or_packets(lab):
    site = nat_site(lab, outside={**NAT, "ports": "40000-40063"})
    red = add_red(site)
    expect_ping(red, SERVER)
    expect_tcp(red, site.server)
    expect_tcp(site.a.web, site.server)
    far = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.bind((SERVER, 0))
    far.settimeout(2)
    sources = {}
    for end in (site.a.web, red):  # each opens from the same address and port, as many as there are ports
        sources[end.name] = set()
        for port in range(5000, 5064):
            s = end.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((end.ip, port))
            s.settimeout(2)
            s.sendto(end.name.encode(), far.getsockname())
            try:
                far.settimeout(0.05)
                data, source = far.recvfrom(100)
            except (socket.timeout, TimeoutError):
                continue
            finally:
                s.close()
            expect_equal(data, end.name.encode(), "who has sent it")
            sources[end.name].add(source)
    blue_ports, red_ports = sources[site.a.web.name], sources["red"]
    expect(not blue_ports & red_ports, f"one source for two networks: {blue_ports & red_ports}")
    expect_equal(len(blue_ports), 32, "ports of the network that took all it could")
    expect(len(red_ports) >= 4, f"the other network found {len(red_ports)} ports")
    expect(site.a.daemon.drop("nat_exhausted") >= 64 - 32, "not counted")
    far.close()
    one, other = (e.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) for e in (site.a.web, red))
    server = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((SERVER, 0))
    server.settimeout(2)
    for s, text in ((one, b"blue"), (other, b"red")):
        s.settimeout(2)
        s.bind((site.a.web.ip, 6000))
        s.sendto(text, server.getsockname())
        data, source = server.recvfrom(10)
        server.sendto(b"to " + data, source)
    expect_equal((one.recv(10), other.recv(10)), (b"to blue", b"to red"), "answers")
    site.a.daemon.expect_sum()
