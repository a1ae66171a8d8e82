# SPDX-License-Identifier: BSD-3-Clause
"""Encapsulations as the benchmark sends and checks them. One is an object and its line in ENCAPS.

`wrap` makes what another node would send here; `flaw` says what is wrong with what this node sent
there (None: nothing). Outer headers are of the family of the other node's address. Written from
the RFCs, not from what the switch does.
"""
import struct

from bench.scenario import frames
from bench.scenario.frames import (FROM_LOCAL, FROM_REMOTE, LOCAL_MAC, REMOTE_MAC, VNI, checksum,
                                   ip_bytes, ip_header, mac_bytes)

ETHERNET = 14
TYPES = {4: b"\x08\x00", 6: b"\x86\xdd"}


class Encapsulation:
    """What all have in common: Ethernet, IP, and what the others put behind these."""
    name = "?"

    def carried(self, frame):
        """What of the inner frame is in the tunnel."""
        return frame

    def protocol(self, frame):
        raise NotImplementedError

    def between(self, source_port, identity, length):
        """Headers between IP and what is carried, of that length."""
        raise NotImplementedError

    def wrap(self, inner, flow, node):
        carried = self.carried(inner)
        between = self.between(0xC000 | flow * 0x9E5 & 0x3FFF, FROM_REMOTE, len(carried))
        header = ip_header(node, frames.local_tunnel(node), len(between) + len(carried), 0x4000,
                           self.protocol(inner))
        return (mac_bytes(LOCAL_MAC) + mac_bytes(REMOTE_MAC) + TYPES[header[0] >> 4] + header +
                between + carried)

    def checks(self, own, inner):
        """(what, found, expected) of the headers between: `own` is what was found there."""
        raise NotImplementedError

    def flaw(self, frame, inner, node):
        carried = self.carried(inner)
        ip_len = 40 if ":" in node else 20
        own_at = ETHERNET + ip_len
        inner_at = own_at + len(self.between(0, 0, 0))
        expected_len = inner_at + len(carried)
        if len(frame) != expected_len:
            return f"{len(frame)} bytes instead of {expected_len}"
        ip, addresses = frame[ETHERNET:own_at], ip_bytes(frames.local_tunnel(node)) + ip_bytes(node)
        checks = [("outer Ethernet", frame[:ETHERNET], mac_bytes(REMOTE_MAC) + mac_bytes(LOCAL_MAC) +
                   TYPES[6 if ip_len == 40 else 4])]
        if ip_len == 20:
            checks += [("outer version and header length", ip[:1], b"\x45"),
                       ("outer total length", ip[2:4], struct.pack("!H", expected_len - ETHERNET)),
                       ("outer protocol", ip[9], self.protocol(inner)),
                       ("outer IPv4 checksum", checksum(ip), 0), ("outer addresses", ip[12:], addresses)]
        else:
            checks += [("outer version", ip[0] >> 4, 6),
                       ("outer payload length", ip[4:6], struct.pack("!H", expected_len - own_at)),
                       ("outer protocol", ip[6], self.protocol(inner)),
                       ("outer addresses", ip[8:], addresses)]
        checks += self.checks(frame[own_at:inner_at], carried)
        for what, found, expected in checks:
            if found != expected:
                return f"{what}: {found!r} instead of {expected!r}"
        return inner_flaw(frame[inner_at:], carried)


def inner_flaw(found, expected):
    return None if found == expected else f"inner frame: {found.hex()} instead of {expected.hex()}"


class UdpTunnel(Encapsulation):
    """UDP with a checksum of zero, over IPv6 too: RFC 6935."""

    def __init__(self, name, port, header):
        """`header`: function of the sender's identity."""
        self.name, self.port, self.header = name, port, header

    def protocol(self, _):
        return 17

    def between(self, source_port, identity, length):
        header = self.header(identity)
        return struct.pack("!HHHH", source_port, self.port, 8 + len(header) + length, 0) + header

    def checks(self, own, inner):
        header = self.header(FROM_LOCAL)
        return [("outer UDP destination port", own[2:4], struct.pack("!H", self.port)),
                ("outer UDP length", own[4:6], struct.pack("!H", len(own) + len(inner))),
                ("outer UDP checksum", own[6:8], b"\0\0"),
                (f"{self.name} header", own[8:], header)]


class IpInIp(Encapsulation):
    """RFC 2003, 2473 and 4213: no Ethernet inside."""
    name = "ipip"

    def carried(self, frame):
        return frame[ETHERNET:]

    def protocol(self, frame):
        return 4 if frame[12:14] == TYPES[4] else 41

    def between(self, source_port, identity, length):
        return b""

    def checks(self, own, inner):
        return []


def vxlan(_):
    """RFC 7348."""
    return struct.pack("!II", 0x08000000, VNI << 8)


def vxlan_gbp(identity):
    """draft-smith-vxlan-group-policy: the group is the sender's identity."""
    return struct.pack("!II", 0x88000000 | identity, VNI << 8)


def geneve(identity):
    """RFC 8926, with the identity in an option."""
    return struct.pack("!BBHIHBBI", 2, 0, 0x6558, VNI << 8, 0xFF01, 1, 1, identity)


ENCAPS = {encap.name: encap for encap in (
    UdpTunnel("vxlan", 4789, vxlan), UdpTunnel("vxlan-gbp", 4789, vxlan_gbp),
    UdpTunnel("geneve", 6081, geneve), IpInIp())}
