# SPDX-License-Identifier: BSD-3-Clause
"""Every encapsulation over both families, byte by byte: good outer headers around whatever is inside, and what leaves."""
import ipaddress
import struct

from lab.capture import LOCAL, PEER_MAC, REMOTE, UPLINK_MAC
from lab.expect import expect
from mutate import checksum

LOCAL6, REMOTE6 = "2001:db8::1", "2001:db8::2"
UDP_PORT = {"vxlan": 4789, "vxlan-gbp": 4789, "geneve": 6081}
IDENTITY = 777  # declared, of the remote endpoints; the wire may claim others
IP4, IP6 = b"\x08\x00", b"\x86\xdd"
MACS = bytes.fromhex(UPLINK_MAC.replace(":", "")) + bytes.fromhex(PEER_MAC.replace(":", ""))


def packed(ip):
    return ipaddress.ip_address(ip).packed


def from_underlay(frame):
    """A workload's frame as the fabric brings it: with the MACs of the underlay."""
    return MACS + frame[12:]


def ip4(proto, load, src=REMOTE, dst=LOCAL):
    h = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(load), 0, 0x4000, 64, proto, 0) + packed(src) + packed(dst)
    return MACS + IP4 + h[:10] + struct.pack(">H", checksum(h)) + h[12:] + load


def ip6(proto, load, src=REMOTE6, dst=LOCAL6):
    return MACS + IP6 + struct.pack(">IHBB", 6 << 28, len(load), proto, 64) + packed(src) + packed(dst) + load


def vxlan(_r, vni):
    return struct.pack(">II", 8 << 24, vni << 8)


def gbp(r, vni):
    """With the right group, a lie, none, and bits that say what was done."""
    group = r.choice((IDENTITY, IDENTITY, IDENTITY + 1, 0))
    return struct.pack(">BBHI", 0x88 if group else 8, r.choice((0, 0, 0x08, 0x40)), group, vni << 8)


def geneve(r, vni):
    """Options: none, the identity, a lie, unknown ones, a critical one, as many as there may be."""
    def option(kind, data, cls=0x0101):
        return struct.pack(">HBB", cls, kind, len(data) // 4) + data

    options, flags = r.choice((
        (b"", 0), (option(1, IDENTITY.to_bytes(4, "big"), 0xFF01), 0), (option(1, bytes((0, 0, 9, 9)), 0xFF01), 0),
        (option(3, bytes(8)), 0), (option(0x83, bytes(4)), 0x40), (option(7, bytes(124)) + option(8, bytes(120)), 0)))
    return struct.pack(">BBHI", len(options) // 4, flags, 0x6558, vni << 8) + options


OWN = {"vxlan": vxlan, "vxlan-gbp": gbp, "geneve": geneve}


def udp(r, port, load, src, dst):
    """Over IPv6 without a checksum, or with a right one, or with a wrong one."""
    h = struct.pack(">HHH", r.randrange(49152, 65536), port, 8 + len(load))
    total = 0
    if ":" in src and r.random() < 0.4:
        pseudo = packed(src) + packed(dst) + struct.pack(">II", 8 + len(load), 17)
        total = checksum(pseudo + h + b"\0\0" + load + bytes(len(load) % 2)) or 0xFFFF
        total ^= 0x0101 if r.random() < 0.2 else 0
    return h + struct.pack(">H", total) + load


def wrap(r, encap, vni, inner, src, dst):
    """inner is a frame; IP-in-IP and no encapsulation leave its Ethernet header out."""
    make = ip6 if ":" in src else ip4
    if encap == "none":
        return from_underlay(inner)
    if encap == "ipip":
        return make(41 if inner[12:14] == IP6 else 4, inner[14:], src, dst)
    return make(17, udp(r, UDP_PORT[encap], OWN[encap](r, vni) + inner, src, dst), src, dst)


def is_alike(a, b):
    """Whether b is to the same protocol and port as a, without extension headers that a has not."""
    ports = 34 if a[12:14] == IP4 else 54
    return a[12:15] == b[12:15] and a[ports - 11 : ports - 10] == b[ports - 11 : ports - 10] and (
        a[20:21] == b[20:21]) and a[ports : ports + 4] == b[ports : ports + 4]


def untagged(frame):
    """(VLAN or 0, the frame without its tag)"""
    if frame[12:14] != b"\x81\x00":
        return 0, frame
    return int.from_bytes(frame[14:16], "big") & 0xFFF, frame[:12] + frame[16:]


def outer_of(frame):
    """(protocol, source, destination, bytes behind) of the outer IP header of a frame that left; None: it is no IP packet."""
    if frame[12:14] == IP4:
        size = 4 * (frame[14] & 15)
        return frame[23], frame[26:30], frame[30:34], frame[14 + size :]
    if frame[12:14] == IP6:
        return frame[20], frame[22:38], frame[38:54], frame[54:]
    return None


def expect_outer(frame):
    """Lengths and checksums of what the node has put around a packet."""
    size = len(frame) - 14
    if frame[12:14] == IP4:
        good = (frame[14] == 0x45 and int.from_bytes(frame[16:18], "big") == size and checksum(frame[14:34]) == 0)
        at = 34
    else:
        good, at = frame[14] >> 4 == 6 and int.from_bytes(frame[18:20], "big") == size - 40, 54
    proto = outer_of(frame)[0]
    if proto == 17:
        good = good and int.from_bytes(frame[at + 4 : at + 6], "big") == len(frame) - at
    expect(good, f"a malformed tunnel packet left: {frame.hex()}")


def tunnel_of(frame, here, there):
    """("ipip", 0) or ("udp", VNI) of a frame that a node there takes for a tunnel packet of one here; None: it is none."""
    found = outer_of(frame)
    if found is None or found[1] not in here or found[2] not in there:
        return None
    proto, _, _, load = found
    if proto in (4, 41):
        return "ipip", 0
    if proto == 17 and len(load) >= 16 and int.from_bytes(load[2:4], "big") in UDP_PORT.values():
        return "udp", int.from_bytes(load[12:15], "big")
    return None
