# SPDX-License-Identifier: BSD-3-Clause
"""Every field of the headers that sluice puts in front of a packet, as tshark's dissectors read it."""
import logging

from lab import fields
from lab.capture import (DB_IP, DB_IP6, DB_MAC, PEER_MAC, WEB_IP, WEB_IP6, WEB_MAC, CaptureNode,
                         expect_tshark_content, read_pcap)
from lab.devices import DEVICES, OUTER, PREFIX
from lab.expect import expect, expect_bytes, expect_equal, test, wait_until

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402

FLOWS = 8
# Of the sender, declared: the number of one that the node has chosen by itself is not sent. As large as it may be.
IDENTITY = {"vxlan": 1001, "ipip": 1001, "vxlan-gbp": 0xfedc, "geneve": 0xfedcba}
TOS = (0, 0xb8 | 2, 1, 3)  # plain; expedited, ECN capable in either way; congestion experienced


def inner_frames():
    """Each flow twice: they differ in ports, families, protocols and their class."""
    frames = []
    for n in range(FLOWS):
        tos = TOS[n % len(TOS)]
        ip = IP(src=WEB_IP, dst=DB_IP, tos=tos) if n % 2 else IPv6(src=WEB_IP6, dst=DB_IP6, tc=tos)
        l4 = UDP(sport=1000 + n, dport=53) if n % 4 < 2 else TCP(sport=1000 + n, dport=80, flags="S")
        frames += [bytes(Ether(src=WEB_MAC, dst=DB_MAC) / ip / l4 / bytes(31 + n))] * 2
    return frames


def tos_of(frame):
    return frame[15] if frame[12:14] == b"\x08\x00" else (frame[14] & 15) << 4 | frame[15] >> 4


def capture(lab, encap, family, computed):
    """A node that has sent the frames to the other one."""
    frames = inner_frames()
    node = CaptureNode(lab, web=frames)
    config = node.daemon.config
    config["node"]["tunnel_addresses"] = [own for own, _ in OUTER.values()]
    config["ports"][0]["addresses"] = [f"{OUTER[f][0]}/{PREFIX[f]}" for f in OUTER]
    config["networks"][0]["encap"] = encap
    config["nodes"] = [{"name": "b", "address": OUTER[family][1]}]
    if computed:
        config["nodes"][0]["udp6_checksum"] = "compute"
    config["identities"] = [{"id": IDENTITY[encap], "labels": {"app": "web"}}]
    config["neighbors"] = [{"port": "uplink", "address": OUTER[family][1], "mac": PEER_MAC}]
    node.daemon.rewrite(config)
    return node.play(), frames


def frames_to_peer(node, n):
    """Not what the node reports of its own addresses to multicast ones."""
    def left():
        return [f for f in read_pcap(node.path("uplink")) if f[:6] == bytes.fromhex(PEER_MAC.replace(":", ""))]
    wait_until(lambda: len(left()) >= n, lambda: f"{len(left())} of {n} frames left: {node.daemon.drops()}")
    expect_equal(len(left()), n, "frames to the other node")
    return left()


def expect_entropy(encap, family, packets):
    """Packets of one flow look alike, and different flows do not: RFC 7348 section 5, RFC 6438 section 3."""
    fields_of = {"udp.srcport": encap != "ipip", "ipv6.flow": family == "ipv6"}
    for field in (name for name, there in fields_of.items() if there):
        values = [next(header[field] for _, header in headers if field in header) for headers in packets]
        expect_equal(values[::2], values[1::2], f"{field} of two packets of a flow")
        expect(len(set(values)) >= FLOWS - 2, f"{FLOWS} flows have {field} {sorted(set(values))}")
        if field == "udp.srcport":
            expect(all(49152 <= int(v) <= 65535 for v in values), f"{field} outside of 49152 to 65535: {values}")


def are_as_tshark_reads_them(encap, family, computed=False):
    def check(lab):
        node, frames = capture(lab, encap, family, computed)
        sent = frames_to_peer(node, len(frames))
        expect_tshark_content(node.path("uplink"))
        packets = fields.read(node.path("uplink"), f"!arp && !icmpv6 && eth.dst == {PEER_MAC}")
        expect_equal(len(packets), len(frames), "packets that tshark reads")
        skip = fields.outer_len(encap, family)
        for n, (frame, raw, headers) in enumerate(zip(frames, sent, packets)):
            wanted = fields.outer(encap, family, frame, tos_of(frame), IDENTITY[encap], computed)
            fields.expect_outer(headers, wanted, f"packet {n}")
            expect_bytes(raw[skip:], frame[14:] if encap == "ipip" else frame, f"packet {n}: what is inside")
        expect_entropy(encap, family, packets)
    name = f"fields_of_{encap.replace('-', '_')}_over_{family}{'_with_a_checksum' if computed else ''}"
    check.__name__ = f"{name}_are_as_tshark_reads_them"
    return test(check)


COMBINATIONS = [(encap, family) for encap in DEVICES for family in OUTER]
globals().update((check.__name__, check) for check in [
    *(are_as_tshark_reads_them(encap, family) for encap, family in COMBINATIONS),
    *(are_as_tshark_reads_them(encap, "ipv6", True) for encap in DEVICES if encap != "ipip")])
