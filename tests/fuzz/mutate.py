# SPDX-License-Identifier: BSD-3-Clause
"""Turns templates into hostile frames, in plain Python: the seed decides all of it."""
import random
import struct

from templates import DB, WEB, tunnel_header, underlay_frames, workload_frames

INTERESTING16 = (0, 1, 2, 4, 7, 8, 15, 19, 20, 39, 40, 67, 68, 127, 255, 256, 1279, 1500, 0x3FFF,
                 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
EXTENSIONS = (0, 43, 44, 51, 60, 135, 59, 139, 253)  # next-header numbers, known and not
FRAME_MAX = 1600
FRAME_MIN = 1  # a capture cannot hold less


def flip_bit(r, d):
    at = r.randrange(len(d))
    d[at] ^= 1 << r.randrange(8)


def set_byte(r, d):
    d[r.randrange(len(d))] = r.choice((0, 1, 0x0F, 0x40, 0x45, 0x60, 0x7F, 0x80, 0xFF))


def set_word(r, d):
    """Where length, offset and type fields are: the first words of each header."""
    at = r.randrange(0, max(1, min(len(d) - 1, 120)))
    value = r.choice(INTERESTING16 + (len(d), len(d) - 14, len(d) - 13, len(d) - 15))
    d[at : at + 2] = struct.pack(">H", value & 0xFFFF)[: len(d[at : at + 2])]


def scramble(r, d):
    at = r.randrange(len(d))
    n = min(r.randrange(1, 16), len(d) - at)
    d[at : at + n] = r.randbytes(n)


def truncate(r, d):
    del d[r.randrange(FRAME_MIN, len(d) + 1) :]


def extend(r, d):
    d += r.randbytes(r.randrange(1, 64))


def cut_out(r, d):
    at = r.randrange(len(d))
    del d[at : at + r.randrange(1, 12)]
    if not d:
        d.append(0)


def repeat(r, d):
    at = r.randrange(len(d))
    d[at:at] = d[at : at + r.randrange(1, 40)]


def ip_length(r, d):
    """The total or payload length of an untagged IP packet, off by a little or by a lot."""
    if len(d) < 34:
        return
    at = 16 if d[12:14] == b"\x08\x00" else 18
    old = struct.unpack_from(">H", d, at)[0]
    struct.pack_into(">H", d, at, (old + r.choice((-20, -8, -1, 1, 8, 20, 0x8000))) & 0xFFFF)


def header_length(r, d):
    if len(d) > 46:
        at = r.choice((14, 46))  # IHL, and the data offset of TCP behind 20 bytes of IPv4
        d[at] = r.choice((d[at] & 0xF0, d[at] & 0x0F)) | r.randrange(256) & r.choice((0x0F, 0xF0))


def extension_headers(r, d):
    """A random chain between IPv6 and its payload, lengths right or wrong."""
    if len(d) < 54 or d[12:14] != b"\x86\xdd":
        return
    chain, following = b"", d[20]
    for _ in range(r.randrange(1, 12)):
        size = r.choice((0, 0, 0, 1, 2, 31, 255)) if r.random() < 0.2 else 0
        chain = bytes((following, size)) + r.randbytes(6 + (8 * size if size < 3 else 0)) + chain
        following = r.choice(EXTENSIONS)
    d[20] = following
    d[54:54] = chain
    if r.random() < 0.8:
        struct.pack_into(">H", d, 18, (len(d) - 54) & 0xFFFF)


def other_ports(r, d):
    """A new connection: a good packet with ports of its own."""
    if len(d) > 38:
        at = 34 if d[12:14] == b"\x08\x00" else 54
        d[at : at + 2] = r.randbytes(2)[: len(d[at : at + 2])]


MUTATIONS = (flip_bit, flip_bit, set_byte, set_word, set_word, scramble, truncate, extend, cut_out,
             repeat, ip_length, header_length, extension_headers, other_ports)


def mutate(r, frame):
    d = bytearray(frame)
    for _ in range(r.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        r.choice(MUTATIONS)(r, d)
    if r.random() < 0.8:
        mend(d)
    return bytes(d[:FRAME_MAX])


def mend(d):
    """Sets the right IPv4 header checksum, so that the check of the other fault is reached."""
    size = 4 * (d[14] & 0x0F) if len(d) > 14 and d[12:14] == b"\x08\x00" else 0
    if size < 20 or len(d) < 14 + size:
        return
    struct.pack_into(">H", d, 24, 0)
    struct.pack_into(">H", d, 24, checksum(bytes(d[14 : 14 + size])))


def checksum(header):
    s = sum(struct.unpack(f">{len(header) // 2}H", header))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


def tunnelled(header, inner):
    """Makes the outer headers right, so that the checks of a broken inner frame are reached."""
    h = bytearray(header)
    struct.pack_into(">H", h, 16, len(inner) + 36)
    struct.pack_into(">H", h, 38, len(inner) + 16)
    struct.pack_into(">H", h, 24, 0)
    struct.pack_into(">H", h, 24, checksum(bytes(h[14:34])))
    return bytes(h) + inner


def access_frames(seed, n):
    r, templates = random.Random(f"{seed} access"), workload_frames(WEB)
    return [mutate(r, r.choice(templates)) for _ in range(n)]


def uplink_frame(r, header, inner, outer):
    """Mostly frames that are broken inside good outer headers, some with broken outer headers, some
    of another kind."""
    pick = r.random()
    if pick < 0.6:
        return tunnelled(header, mutate(r, r.choice(inner)))
    if pick < 0.8:
        return mutate(r, tunnelled(header, r.choice(inner)))
    return mutate(r, r.choice(outer))


def uplink_frames(seed, n):
    r = random.Random(f"{seed} uplink")
    header, inner, outer = tunnel_header(), workload_frames(DB), underlay_frames()
    return [uplink_frame(r, header, inner, outer) for _ in range(n)]
