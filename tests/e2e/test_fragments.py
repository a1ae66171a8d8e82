# SPDX-License-Identifier: BSD-3-Clause
"""Fragments: of real kernels, in any order, on any worker, and of many at once."""
import contextlib
import os
import random
import select
import socket

from lab.expect import Skip, expect, expect_equal, test, wait_until
from lab.site import VNI
from lab.traffic import Ping, family, new_port
from lab.wire import Wire

from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

LARGE = 20000  # bytes of a datagram, which takes 14 or 15 fragments
SEED = 18


def with_two_workers(site):
    """Starts the daemons of a site again: two workers, and two queues of each port."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Skip("needs two cores for two workers")
    for node in site.sluices:
        node.daemon.stop()
        config = node.config(site.nodes, site.network)
        config["workers"]["cores"] = cores[:2]
        for port in config["ports"]:
            port.update(queues=2, devargs=port["devargs"] + ",qpairs=2")
        node.daemon = site.lab.daemon(f"{node.name}-two", config, node.ns).start()
        node.daemon.wait_announced()
    return site


def expect_datagram(source, target, address, size=LARGE):
    """A datagram goes there, and the same bytes come back."""
    port, sent = new_port(), random.Random(SEED).randbytes(size)
    with source.ns.socket(family(address), socket.SOCK_DGRAM) as near, \
            target.ns.socket(family(address), socket.SOCK_DGRAM) as far:
        far.bind((address, port))
        far.settimeout(5)
        near.settimeout(5)
        near.sendto(sent, (address, port))
        got, asker = far.recvfrom(65536)
        expect(got == sent, f"{source.name} to {address}: other bytes arrived")
        far.sendto(got, asker)
        expect(near.recvfrom(65536)[0] == sent, f"{address} to {source.name}: other bytes came back")


def expect_all_pairs(site, pairs):
    for source, target in pairs:
        for address in (target.ip, target.ip6):
            Ping(source, address, 5, 0.02, "-s", "8000").expect_all()
            for size in (1423, LARGE, 65507 - 20):
                expect_datagram(source, target, address, size)
    for daemon in site.daemons:
        found = {r: n for r, n in daemon.drops().items() if "fragment" in r or "truncated" in r}
        expect_equal(found, {}, f"fragments that {daemon.name} dropped")


@test
def large_pings_and_datagrams_of_both_families_pass_to_a_kernel_and_to_a_neighbour(lab):
    site = lab.kernel_site()
    expect_all_pairs(site, [(site.a1, site.b1), (site.b1, site.a1), (site.a1, site.a2)])


@test
def large_pings_and_datagrams_pass_ports_of_two_queues_on_two_workers(lab):
    site = with_two_workers(lab.sluice_site())
    expect_all_pairs(site, [(site.a1, site.b1), (site.b2, site.a2), (site.a1, site.a2)])


def pieces_of(source, target, v6, number, port):
    """The fragments of a datagram of LARGE bytes, and its bytes."""
    data = random.Random(SEED + number).randbytes(LARGE)
    udp = UDP(sport=1000 + number, dport=port) / Raw(data)
    if v6:
        whole = IPv6(src=source.ip6, dst=target.ip6) / IPv6ExtHdrFragment(id=number) / udp
        made = fragment6(whole, 1400)
    else:
        made = fragment(IP(src=source.ip, dst=target.ip, id=number) / udp, 1376)
    expect(len(made) > 10, f"only {len(made)} fragments")
    return [Ether(src=source.mac, dst=target.mac) / f for f in made], data


def receive(sock, n, seconds=10):
    got = []
    while len(got) < n and select.select([sock], [], [], seconds)[0]:
        got.append(sock.recv(65536))
    return got


@contextlib.contextmanager
def receiver(target, v6):
    with target.ns.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        s.bind((target.ip6 if v6 else target.ip, 0))
        yield s, s.getsockname()[1]


def shuffled(frames, order, rng):
    frames = list(frames)
    if order == "last first":
        frames.reverse()
    elif order == "any":
        rng.shuffle(frames)
    return frames


@test
def fragments_of_a_workload_arrive_whole_in_any_order(lab):
    """Its kernel sends them in order, so they are sent by hand. The receiving kernel puts them
    together."""
    site = with_two_workers(lab.sluice_site())
    rng = random.Random(SEED)
    with Wire(site.a1.ns, "eth0") as wire:
        for target in (site.b1, site.a2):
            for v6 in (False, True):
                with receiver(target, v6) as (sock, port):
                    sent = []
                    for n, order in enumerate(("in order", "last first", "any", "any"), 1):
                        frames, data = pieces_of(site.a1, target, v6, n, port)
                        for f in shuffled(frames, order, rng):
                            wire.send(f)
                        sent.append(data)
                    got = receive(sock, len(sent))
                    expect_equal(sorted(got) == sorted(sent), True, f"{len(got)} of {len(sent)} datagrams to {port}")
    expect_equal([d.drop("fragment_unknown") for d in site.daemons], [0, 0], "fragments dropped")


@test
def fragments_that_come_by_tunnel_arrive_whole_in_any_order_on_any_worker(lab):
    """A peer gives each fragment a source port of its own, so the two queues of the underlay port,
    and its two workers, share each datagram."""
    site = with_two_workers(lab.kernel_site(n_workloads=1))
    a, a1, b1 = site.a, site.a1, site.b1
    mac = a.daemon.call("ports.get", {"name": "uplink"})["mac_now"]
    rng = random.Random(SEED)

    def tunnelled(frame):
        return (Ether(src="02:00:00:00:0d:01", dst=mac) / IP(src=site.b.address, dst=a.address, flags="DF") /
                UDP(sport=rng.randrange(30000, 60000), dport=4789, chksum=0) / VXLAN(flags=8, vni=VNI) / frame)

    with Wire(site.b.ns, "up0") as wire:
        for v6 in (False, True):
            with receiver(a1, v6) as (sock, port):
                sent = []
                for n in range(1, 21):
                    frames, data = pieces_of(b1, a1, v6, n, port)
                    for f in shuffled(frames, ("last first", "any")[n % 2], rng):
                        wire.send(tunnelled(f))
                    sent.append(data)
                got = receive(sock, len(sent))
                expect_equal(sorted(got) == sorted(sent), True, f"{len(got)} of {len(sent)} datagrams")
    expect(all(w["packets"] > 100 for w in a.daemon.call("stats.get")["workers"]), "both workers had some")
    expect_equal(a.daemon.drop("fragment_unknown"), 0, "fragments dropped")


@test
def what_a_first_fragment_may_not_do_later_ones_may_not_either(lab):
    site = lab.kernel_site(policy_default={"ingress": "allow", "egress": "deny"})
    a, a1 = site.a, site.a1
    sent = 0
    with Wire(a1.ns, "eth0") as wire:
        for target in (site.b1, site.a2):
            for v6 in (False, True):
                with receiver(target, v6) as (sock, port):
                    frames, _ = pieces_of(a1, target, v6, 1, port)
                    for f in frames:
                        wire.send(f)
                    sent += len(frames)
                    expect_equal(receive(sock, 1, 0.5), [], "denied datagrams")
    wait_until(lambda: a.daemon.drop("policy_egress") + a.daemon.drop("fragment_unknown") >= sent, "all are dropped")
    expect_equal((a.daemon.drop("policy_egress"), a.daemon.drop("fragment_unknown")), (4, sent - 4), "drops")


@test
def a_workload_that_floods_with_later_fragments_leaves_its_neighbours_their_places(lab):
    """Both are in one network: the port that has most waiting gives way."""
    site = lab.kernel_site()
    a1, a2, b1 = site.a1, site.a2, site.b1
    with Wire(a1.ns, "eth0") as mean, Wire(a2.ns, "eth0") as wire, receiver(b1, False) as (sock, port):
        alone = bytes(pieces_of(a1, b1, False, 1, port)[0][3])
        sent = []
        for n in range(1, 6):
            frames, data = pieces_of(a2, b1, False, n, port)
            for f in [bytes(f) for f in reversed(frames)]:
                for _ in range(20):
                    mean.send(alone)
                wire.send(f)
            sent.append(data)
        got = receive(sock, len(sent))
    expect_equal(sorted(got) == sorted(sent), True, f"{len(got)} of {len(sent)} datagrams")
    expect(site.a.daemon.drop("fragment_unknown") > 1000, "the flood was none")
