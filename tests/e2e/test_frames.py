# SPDX-License-Identifier: BSD-3-Clause
"""
Frames on the underlay's wire that are for this node, and those that are not. Each test ends with a frame that is
answered or delivered: what stands before it and is not has been refused, for packets keep their order.
"""
import socket

from lab.expect import expect, expect_equal, test
from lab.site import VNI
from lab.traffic import expect_ping, new_port
from lab.wire import Wire

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vxlan import VXLAN

ANOTHER = "02:00:00:00:0c:01"  # a host that is not there
PEER = "02:00:00:00:0d:01"  # who we say we are
PEER_IP = "192.0.2.77"


class Underlay:
    """Node a is sluice; the test is a host on its link, beside node b, which is Linux."""

    def __init__(self, lab):
        self.site = lab.kernel_site(n_workloads=1)
        self.daemon = self.site.a.daemon
        self.mac = self.daemon.call("ports.get", {"name": "uplink"})["mac_now"]
        self.wire = Wire(self.site.b.ns, "up0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.__exit__()

    def ping(self, number, mac=None, source_mac=PEER, source=PEER_IP):
        self.wire.send(Ether(src=source_mac, dst=mac or self.mac) /
                       IP(src=source, dst=self.site.a.address) / ICMP(id=number) / b"are you there")

    def replies(self, last):
        """The Ethernet frames of the echo replies up to that number."""
        def number(data):
            frame = Ether(data)
            return frame[ICMP].id if ICMP in frame and frame[ICMP].type == 0 else None

        frames = self.wire.until(lambda data: number(data) == last)
        return [Ether(f) for f in frames if number(f) is not None]


@test
def only_pings_to_the_own_mac_are_answered_and_from_it(lab):
    with Underlay(lab) as u:
        for i, mac in enumerate((ANOTHER, "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01")):
            u.ping(i + 1, mac)
        u.ping(9)
        replies = u.replies(9)
        expect_equal([f[ICMP].id for f in replies], [9], "pings answered")
        expect_equal((replies[0].src, replies[0].dst), (u.mac, PEER), "from and to")
        expect_equal(u.daemon.drop("underlay_not_local"), 1, "frames to another host")


@test
def pings_that_could_not_be_answered_to_one_host_are_not(lab):
    with Underlay(lab) as u:
        u.ping(1, source_mac="ff:ff:ff:ff:ff:ff")
        u.ping(2, source_mac="01:00:5e:00:00:01")
        u.ping(3, source_mac="00:00:00:00:00:00")
        u.ping(4, source_mac=u.mac)
        u.ping(5, source=u.site.a.address)
        u.ping(6, source="192.0.2.255")
        u.ping(9)
        expect_equal([f[ICMP].id for f in u.replies(9)], [9], "pings answered")
        expect_equal(u.daemon.drop("underlay_sender"), 6, "pings from nobody")


@test
def tunnel_packets_to_another_mac_are_not_delivered(lab):
    with Underlay(lab) as u:
        a1, b1, port = u.site.a1, u.site.b1, new_port()

        def tunnelled(mac, text):
            return (Ether(src=PEER, dst=mac) / IP(src=u.site.b.address, dst=u.site.a.address) /
                    UDP(sport=50000, dport=4789, chksum=0) / VXLAN(flags=8, vni=VNI) /
                    Ether(src=b1.mac, dst=a1.mac) / IP(src=b1.ip, dst=a1.ip) /
                    UDP(sport=port, dport=port) / text)

        with a1.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((a1.ip, port))
            s.settimeout(5)
            for mac in (ANOTHER, u.mac[:-1] + format(int(u.mac[-1], 16) ^ 1, "x")):
                u.wire.send(tunnelled(mac, b"for another"))
            u.wire.send(tunnelled(u.mac, b"for us"))
            expect_equal(s.recv(100), b"for us", "the first datagram delivered")
            # And on the connection, which is now known.
            u.wire.send(tunnelled(ANOTHER, b"for another"))
            u.wire.send(tunnelled(u.mac, b"for us again"))
            expect_equal(s.recv(100), b"for us again", "the second datagram delivered")
        expect_equal(u.daemon.drop("underlay_not_local"), 3, "frames to another host")


@test
def arp_requests_are_answered_by_broadcast_and_to_the_own_mac_only(lab):
    with Underlay(lab) as u:
        def ask(mac, sender):
            u.wire.send(Ether(src=PEER, dst=mac) / ARP(op=1, hwsrc=PEER, psrc=sender,
                                                       pdst=u.site.a.address))

        def answered(data):
            frame = Ether(data)
            return frame[ARP].pdst if ARP in frame and frame[ARP].op == 2 else None

        ask(ANOTHER, "192.0.2.71")
        ask("01:00:5e:00:00:01", "192.0.2.72")
        ask("ff:ff:ff:ff:ff:ff", "192.0.2.73")
        ask(u.mac, "192.0.2.74")
        frames = u.wire.until(lambda data: answered(data) == "192.0.2.74")
        answers = [Ether(f) for f in frames if answered(f)]
        expect_equal([f[ARP].pdst for f in answers], ["192.0.2.73", "192.0.2.74"], "answers")
        expect(all(f.src == u.mac and f[ARP].hwsrc == u.mac for f in answers), "another MAC answers")
        expect_ping(u.site.b1, u.site.a1.ip)
