# SPDX-License-Identifier: BSD-3-Clause
"""sluice and the tunnel devices of a Linux kernel in a virtual machine."""
import os

from lab import devices
from lab.encaps import expect_answers
from lab.expect import expect, expect_equal, long_test, test, wait_until
from lab.foreign import Foreign, Near
from lab.net import link
from lab.peer import echoed
from lab.traffic import Listener, Ping


@long_test
def the_kernels_tunnel_devices_work_with_each_other(lab):
    """Without sluice: if this fails, the machine is what is wrong."""
    peer = lab.kernel_peer()
    peer.machine.run("ip netns add u")  # kept by the machine's own mounts
    peer.ip("link add v0 type veth peer name v1", "link set v1 netns u", "link set v0 up")
    peer.ip("link set v1 up", "link set lo up", space="u")
    for family, ends in devices.OUTER.items():
        for dev, own, space in (("v0", ends[1], None), ("v1", ends[0], "u")):
            peer.ip(f"addr add {own}/{devices.PREFIX[family]} dev {dev}{' nodad' if ':' in own else ''}", space=space)
        for encap in devices.DEVICES:
            peer.ip(*devices.make(encap, family, ends[::-1], "10.0.0.21/24", "fd00:100::2:1/64"))
            far = devices.make(encap, family, ends, "10.0.0.11/24", "fd00:100::1:1/64")
            peer.ip(*(line.replace(devices.MAC, "02:00:00:00:01:01") for line in far), space="u")
            peer.expect_ping("10.0.0.11", 1)
            peer.expect_ping("fd00:100::1:1", 1, 2000)
            for where in ("", "-n u "):
                peer.run(f"ip {where}link del tun0; ip {where}link del tun1 2>/dev/null; true")

STAYS_TOGETHER = True  # for tests/e2e/run: one machine boots for all


def kernel_site(lab, encap, family, checksum=False, **options):
    """Node a, and the kernel with a tunnel to it."""
    peer, b = lab.kernel_peer(), Foreign(family)
    a = Near(lab, encap, family, b, **options)
    peer.connect(a.ns)
    peer.address("eth0", *(f"{far}/{devices.PREFIX[f]}" for f, (_, far) in devices.OUTER.items()))
    w = b.workload
    peer.ip(*devices.make(encap, family, devices.OUTER[family][::-1], f"{w.ip}/24", f"{w.ip6}/64", checksum))
    return a.start(), peer, w


def meets_the_kernels(encap, family):
    def carries(lab):
        a, peer, b1 = kernel_site(lab, encap, family)
        peer.serve()
        for there, here in ((b1.ip, a.a1.ip), (b1.ip6, a.a1.ip6)):
            expect_answers(a.a1, there, count=3)
            peer.expect_ping(here)
            expect_answers(a.a1, there, "-s", "4000", count=3)
            expect(echoed(a.a1, there, os.urandom(300000)), f"TCP to {there}: other bytes came back")
            with Listener(a.a1, address=here) as listener:
                peer.run(f"dd if=/dev/zero bs=1k count=200 2>/dev/null | nc {here} {listener.port} & true")
                with listener.sock.accept()[0] as connection:
                    connection.settimeout(20)
                    expect_equal(len(read_all(connection)), 200 << 10, f"bytes from the kernel's {there}")
    carries.__name__ = f"{encap.replace('-', '_')}_over_{family}_meets_the_kernels"
    return test(carries)


def expect_streams(a, peer, address):
    """a1's kernel hands over segments of up to 64 KB; each leaves as packets that fit the underlay."""
    for options in ((), ("-R",)):
        end = peer.iperf(a.a1, address, *options)
        rate = end["sum_received"]["bits_per_second"] / 1e6
        expect(rate > 5, f"TCP to {address} {options}: only {rate:.1f} Mbit/s arrived")
    for options in ((), ("-R",)):
        end = peer.iperf(a.a1, address, "-u", "-b", "10M", "-l", "1200", *options)["sum"]
        expect(end["packets"] > 100, f"UDP to {address} {options}: only {end['packets']} packets")
        expect(end["lost_percent"] <= 1, f"UDP to {address} {options}: {end['lost_percent']:.2f} % lost")


def streams_meet_the_kernels(encap, family):
    def stream(lab):
        a, peer, b1 = kernel_site(lab, encap, family, tap=True)
        for address in (b1.ip, b1.ip6):
            expect_streams(a, peer, address)
        expect_equal(a.daemon.drop("mtu_exceeded"), 0, "packets that did not fit")
    stream.__name__ = f"streams_in_{encap.replace('-', '_')}_over_{family}_meet_the_kernels"
    return long_test(stream)


@test
def a_kernel_that_asks_for_udp_checksums_over_ipv6_gets_them(lab):
    """Linux's default: a checksum of zero over IPv6 is refused, and its own is there."""
    a, peer, b1 = kernel_site(lab, "geneve", "ipv6", checksum=True)
    Ping(a.a1, b1.ip, 3, 0.05, "-w", "1").result()
    refused = peer.run("grep Udp6InErrors /proc/net/snmp6").split()[1]
    expect(int(refused) > 0, "the kernel takes packets without a checksum")
    a.daemon.call("nodes.set", {**a.b_object(), "udp6_checksum": "compute"})
    expect_answers(a.a1, b1.ip)
    expect_answers(a.a1, b1.ip6, "-s", "4000", count=3)
    peer.serve()
    expect(echoed(a.a1, b1.ip, os.urandom(100000)), f"TCP to {b1.ip}: other bytes came back")


@test
def a_bond_of_the_kernel_fails_over_under_a_tunnel(lab):
    """Both interfaces of the bond are in one bridge, as at a switch, and so is sluice's."""
    peer, b = lab.kernel_peer(), Foreign("ipv4")
    a = Near(lab, "vxlan", "ipv4", b)
    switch = lab.namespace("switch")
    switch.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    switch.run("ip", "link", "set", "br0", "up")
    link(a.ns, "up0", switch, "sluice")
    for number, dev in enumerate(("kernel0", "kernel1")):
        peer.connect(switch, dev, number)
    for dev in ("sluice", "kernel0", "kernel1"):
        switch.run("ip", "link", "set", dev, "master", "br0")
    peer.ip("link add bond0 type bond mode active-backup miimon 50", "link set eth0 down", "link set eth1 down",
            "link set eth0 master bond0", "link set eth1 master bond0", "link set bond0 up",
            "addr add 192.0.2.2/24 dev bond0")
    w = b.workload
    peer.ip(*devices.make("vxlan", "ipv4", devices.OUTER["ipv4"][::-1], f"{w.ip}/24", f"{w.ip6}/64"))
    a.start()
    expect_answers(a.a1, w.ip)
    active = peer.run("cat /sys/class/net/bond0/bonding/active_slave").strip()
    peer.run(f"ip link set {active} down")
    wait_until(lambda: Ping(a.a1, w.ip, 3, 0.05).result()[1] == 3, "no ping after the bond has changed sides", 15)
    expect(peer.run("cat /sys/class/net/bond0/bonding/active_slave").strip() != active, "the bond has not changed")
    peer.expect_ping(a.a1.ip)


def read_all(connection):
    data = bytearray()
    while part := connection.recv(1 << 18):
        data += part
    return data


COMBINATIONS = [(encap, family) for encap in devices.DEVICES for family in devices.OUTER]
globals().update((made.__name__, made) for make in (meets_the_kernels, streams_meet_the_kernels)
                 for made in (make(encap, family) for encap, family in COMBINATIONS))
