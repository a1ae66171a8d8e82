# SPDX-License-Identifier: BSD-3-Clause
"""Frames from the outside: priority tags, fragments that reach two workers, errors of routers."""
import os
import select
import socket

from lab.capture import CaptureNode, DB_IP6, DB_MAC, WEB_IP6, WEB_MAC
from lab.expect import Skip, expect, expect_equal, test, wait_until
from lab.site import VNI
from lab.traffic import expect_ping, new_port
from lab.wire import Wire

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

ROUTER = "10.99.0.1"  # an address that no endpoint has


@test
def priority_tagged_frames_of_a_workload_are_answered_by_a_kernel_peer(lab):
    site = lab.kernel_site(n_workloads=1)
    a1, b1 = site.a1, site.b1
    with Wire(a1.ns, "eth0") as wire:
        for n, tag in enumerate((Dot1Q(vlan=0, prio=5), Dot1Q(vlan=0), Dot1AD(vlan=0, prio=3))):
            wire.send(Ether(src=a1.mac, dst="ff:ff:ff:ff:ff:ff") / tag / ARP(psrc=a1.ip, hwsrc=a1.mac, pdst=b1.ip))
            wire.until(lambda d: ARP in Ether(d) and Ether(d)[ARP].op == 2)
            wire.send(Ether(src=a1.mac, dst=b1.mac) / tag / IP(src=a1.ip, dst=b1.ip) / ICMP(id=100 + n) / b"tagged")
            wire.until(lambda d: ICMP in Ether(d) and Ether(d)[ICMP].type == 0 and Ether(d)[ICMP].id == 100 + n)
        wire.send(Ether(src=a1.mac, dst=b1.mac) / Dot1Q(vlan=7) / IP(src=a1.ip, dst=b1.ip) / ICMP(id=7))
        wait_until(lambda: site.a.daemon.drop("eth_vlan_unexpected") == 1, "the frame in VLAN 7 is refused")


@test
def fragments_of_one_datagram_leave_the_tunnel_by_one_port(lab):
    frames = []
    for i in range(8):
        for first in (True, False):
            frames.append(Ether(src=WEB_MAC, dst=DB_MAC) / IPv6(src=WEB_IP6, dst=DB_IP6) /
                          IPv6ExtHdrFragment(id=i, m=int(first), offset=0 if first else 150, nh=17) /
                          (UDP(sport=1000 + i, dport=2222, len=2008, chksum=1) / bytes(1192) if first
                           else Raw(bytes(808))))
    frames.reverse()  # later ones first: they wait for those
    node = CaptureNode(lab, web=frames).play()
    sent = [Ether(f) for f in node.sent("uplink", len(frames))]
    ports = {f[VXLAN].payload[IPv6ExtHdrFragment].id: set() for f in sent}
    for f in sent:
        ports[f[VXLAN].payload[IPv6ExtHdrFragment].id].add(f[UDP].sport)
    expect_equal([len(p) for p in ports.values()], [1] * 8, "outer ports of each datagram")
    expect_equal(node.daemon.drop("fragment_unknown"), 0, "fragments dropped")


def two_workers():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Skip("needs two cores for two workers")
    return {"cores": cores[:2], "idle": "adaptive", "hugepages": "off", "memory_mb": 512, "max_flows": 65536,
            "packet_buffers": 4096}


def tunnelled(site, port, inner):
    mac = site.a.daemon.call("ports.get", {"name": "uplink"})["mac_now"]
    peer = "02:00:00:00:0d:01"
    return (Ether(src=peer, dst=mac) / IP(src=site.b.address, dst=site.a.address, flags="DF") /
            UDP(sport=port, dport=4789, chksum=0) / VXLAN(flags=8, vni=VNI) / Raw(bytes(inner)))


@test
def fragments_that_meet_two_workers_all_arrive(lab):
    """A peer that gives each fragment another source port: half of the datagrams reach both
    workers."""
    site = lab.kernel_site(n_workloads=1)
    a, a1, b1 = site.a, site.a1, site.b1
    a.daemon.stop()
    config = a.config(site.nodes, site.network)
    config["workers"] = two_workers()
    config["ports"][0]["queues"] = 2
    config["ports"][0]["devargs"] += ",qpairs=2"
    a.daemon = lab.daemon("two", config, a.ns).start()
    n, got = 200, {}
    eth = Ether(src=b1.mac, dst=a1.mac)
    with Wire(site.b.ns, "up0") as out, Wire(a1.ns, "eth0") as inside:
        inside.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        frames = []
        for i in range(n):
            ip = IP(src=b1.ip, dst=a1.ip, id=i + 1, proto=17)
            first = eth / ip.copy() / UDP(sport=1000 + i, dport=9, len=1208) / bytes(592)
            later = eth / ip.copy() / Raw(bytes(608))
            first[IP].flags, later[IP].frag = "MF", 75
            pair = [tunnelled(site, 50000 + i, first), tunnelled(site, 40000 + 7 * i, later)]
            frames += [bytes(f) for f in (pair if i % 4 else reversed(pair))]
        for f in frames:
            out.send(f)

        def arrived():
            while select.select([inside.sock], [], [], 0)[0]:
                data = inside.sock.recvfrom(65536)[0]
                frame = Ether(data)
                if IP in frame and frame[IP].src == b1.ip and frame[IP].proto == 17:
                    got.setdefault(frame[IP].id, set()).add(frame[IP].frag)
            return sum(len(f) for f in got.values()) == 2 * n

        wait_until(arrived, "all fragments arrive")
    expect(all(w["packets"] > n / 10 for w in a.daemon.call("stats.get")["workers"]), "both workers had some")
    expect_equal(a.daemon.drop("fragment_unknown"), 0, "fragments dropped")


@test
def error_of_a_router_behind_a_peer_reaches_the_sender(lab):
    site = lab.kernel_site(n_workloads=1)
    a1, b1 = site.a1, site.b1
    port = new_port()
    with a1.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, Wire(site.b.ns, "up0") as out:
        s.connect((b1.ip, port))
        s.settimeout(5)
        own = s.getsockname()[1]
        # In flight, not answered: b1's kernel says nothing about what it drops.
        b1.ns.run("ip", "link", "set", "eth0", "down")
        s.send(b"where to?")
        wait_until(lambda: site.a.daemon.call("flows.list"), "the connection is known")
        quoted = IP(src=a1.ip, dst=b1.ip) / UDP(sport=own, dport=port) / b"where to?"
        wrong = IP(src=a1.ip, dst=b1.ip) / UDP(sport=own, dport=port + 1) / b"where to?"
        for q in (wrong, quoted):
            out.send(tunnelled(site, 50000, Ether(src="02:00:00:00:0e:01", dst=a1.mac) / IP(src=ROUTER, dst=a1.ip) /
                               ICMP(type=3, code=3) / Raw(bytes(q))))
        try:
            s.recv(1)
            raise AssertionError("no error came")
        except ConnectionRefusedError:
            pass
        expect_equal(site.a.daemon.drop("spoofed"), 1, "the error about nothing")


@test
def a_gateway_outside_the_nodes_own_32_is_on_the_link_of_the_port_that_its_route_names(lab):
    """The kernel peer is its own gateway, with an address that none of node a's prefixes has."""
    site = lab.kernel_site(n_workloads=1)
    a, a1, b1 = site.a, site.a1, site.b1
    a.daemon.stop()
    site.b.ns.run("ip", "addr", "add", "169.254.1.1/32", "dev", "up0")
    config = a.config(site.nodes, site.network)
    config["ports"][0]["addresses"] = [f"{a.address}/32"]
    route = {"prefix": f"{site.b.address}/32", "via": "169.254.1.1", "port": "uplink"}
    config["routes"] = [route]
    a.daemon = lab.daemon("onlink", config, a.ns, state=True).start()
    expect_ping(a1, b1.ip)
    expect_ping(a1, b1.ip6)
    hop = a.daemon.call("nodes.paths")[0]
    expect_equal((hop["reachable"], hop["next_hop"]), (True, "169.254.1.1"), "the way to node b")
    # Over the socket, and from the state directory.
    a.daemon.call("routes.del", {"prefix": route["prefix"]})
    expect(not a.daemon.call("nodes.paths")[0]["reachable"], "without a route node b is not reachable")
    a.daemon.call("routes.add", {"prefix": route["prefix"], "via": site.b.address})
    expect(not a.daemon.call("nodes.paths")[0]["reachable"], "a gateway on no link leads nowhere")
    a.daemon.call("routes.set", route)
    expect_ping(a1, b1.ip)
    a.daemon.stop()
    a.daemon.start()
    expect_ping(a1, b1.ip)
