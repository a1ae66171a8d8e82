# SPDX-License-Identifier: BSD-3-Clause
"""What leaves for the outside: the packet without a tunnel, from the node's own address."""
import struct

from bench.scenario.frames import LOCAL_MAC, REMOTE_MAC, checksum, ip_bytes, local_tunnel, mac_bytes

FIRST_PORT = 1024


def flaw(out, inner):
    """`inner`: the same packet with its sender's own address and port. None: nothing is wrong."""
    ip6 = inner[12:14] == b"\x86\xdd"
    source, target, l4 = (22, 38, 54) if ip6 else (26, 30, 34)
    node = local_tunnel(":" if ip6 else "")
    checks = [
        ("length", len(out), len(inner)),
        ("Ethernet", out[:14], mac_bytes(REMOTE_MAC) + mac_bytes(LOCAL_MAC) + inner[12:14]),
        # Fields of IPv6 end at its addresses; IPv4 has a checksum in front of them.
        ("IP header", out[14:source if ip6 else 24], inner[14:source if ip6 else 24]),
        ("IPv4 checksum", 0 if ip6 else checksum(out[14:34]), 0),
        ("source address", out[source:target], ip_bytes(node)),
        ("target address and port", (out[target:l4], out[l4 + 2:l4 + 4]),
         (inner[target:l4], inner[l4 + 2:l4 + 4])),
        ("UDP checksum", udp_sum(out, source, l4), 0),
        ("contents", out[l4 + 8:], inner[l4 + 8:]),
    ]
    for what, found, expected in checks:
        if found != expected:
            return f"{what}: {found!r} instead of {expected!r}"
    port = struct.unpack_from("!H", out, l4)[0]
    return None if port >= FIRST_PORT else f"source port {port} is below {FIRST_PORT}"


def udp_sum(frame, addresses, l4):
    """0 when the checksum is right."""
    return checksum(frame[addresses:l4] + struct.pack("!HH", 17, len(frame) - l4) + frame[l4:])
