# SPDX-License-Identifier: BSD-3-Clause
"""Encapsulations as the benchmark sends and checks them. One is a class and its line in ENCAPS.

`wrap` makes what another node would send here; `flaw` says what is wrong with what this node sent
there (None: nothing). Written from the RFCs, not from what the switch does.
"""
import struct

from bench.scenario.frames import (LOCAL_MAC, LOCAL_TUNNEL, REMOTE_MAC, VNI, checksum, ip_bytes,
                                   ipv4, mac_bytes)


class Vxlan:
    """RFC 7348 over IPv4."""
    name = "vxlan"
    port = 4789
    header_len = 8
    outer_len = 14 + 20 + 8 + 8

    def header(self):
        return struct.pack("!II", 0x08000000, VNI << 8)

    def wrap(self, inner, flow, node):
        length = 8 + self.header_len + len(inner)
        return (mac_bytes(LOCAL_MAC) + mac_bytes(REMOTE_MAC) + b"\x08\x00" +
                ipv4(node, LOCAL_TUNNEL, length, 0x4000) +
                struct.pack("!HHHH", 0xC000 | flow * 0x9E5 & 0x3FFF, self.port, length, 0) +
                self.header() + inner)

    def flaw(self, frame, inner, node):
        expected_len = self.outer_len + len(inner)
        if len(frame) != expected_len:
            return f"{len(frame)} bytes instead of {expected_len}"
        ip, udp, header = frame[14:34], frame[34:42], frame[42:self.outer_len]
        checks = [
            ("outer Ethernet", frame[:14],
             mac_bytes(REMOTE_MAC) + mac_bytes(LOCAL_MAC) + b"\x08\x00"),
            ("outer version and header length", ip[:1], b"\x45"),
            ("outer total length", ip[2:4], struct.pack("!H", expected_len - 14)),
            ("outer protocol", ip[9:10], b"\x11"),
            ("outer IPv4 checksum", checksum(ip), 0),
            ("outer addresses", ip[12:], ip_bytes(LOCAL_TUNNEL) + ip_bytes(node)),
            ("outer UDP destination port", udp[2:4], struct.pack("!H", self.port)),
            ("outer UDP length", udp[4:6], struct.pack("!H", expected_len - 34)),
            ("outer UDP checksum", udp[6:8], b"\0\0"),
            (f"{self.name} header", header, self.header()),
            ("inner frame", frame[self.outer_len:], inner),
        ]
        for what, found, expected in checks:
            if found != expected:
                return f"{what}: {found!r} instead of {expected!r}"
        return None


ENCAPS = {encap.name: encap for encap in (Vxlan(),)}
