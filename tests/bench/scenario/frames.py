# SPDX-License-Identifier: BSD-3-Clause
"""Addresses and inner frames of the benchmark, and the pcap files they are replayed from."""
import ipaddress
import struct

FIRST_SOURCE_PORT = 10000
SERVICE_PORT = 80
VNI = 100

LOCAL_TUNNEL = "192.0.2.1"
REMOTE_TUNNEL = "192.0.2.2"
LOCAL_MAC = "02:aa:00:00:00:01"
REMOTE_MAC = "02:aa:00:00:00:02"

# Bytes of a frame without its checksum. IMIX: seven small ones, four middling, one full.
SIZES = {"64": (64,), "imix": (64,) * 7 + (594,) * 4 + (1514,), "1500": (1514,)}
CHECKSUM = 4


def lengths(size):
    """Bytes of the frames of a named size, or of a number in text."""
    return SIZES.get(size) or (int(size),)


def mac_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def ip_bytes(text):
    return ipaddress.IPv4Address(text).packed


def numbered_ip(base, i):
    return str(ipaddress.IPv4Address(base) + i)


def numbered_mac(prefix, i):
    return ":".join(f"{byte:02x}" for byte in (2, prefix, *struct.pack("!I", i)))


def mac_text(value):
    return ":".join(f"{byte:02x}" for byte in value.to_bytes(6, "big"))


def local(i):
    """Name, MAC and address of the i-th end on this node."""
    return f"local-{i}", numbered_mac(1, i), numbered_ip("10.1.0.1", i)


def remote(i):
    """Name, MAC and address of the i-th end that local ones talk with."""
    return f"remote-{i}", numbered_mac(2, i), numbered_ip("10.2.0.1", i)


def bystander(i):
    """Name, MAC and address of the i-th endpoint that has no traffic."""
    return f"other-{i}", numbered_mac(3, i), numbered_ip("10.64.0.1", i)


def node_address(i):
    """Tunnel address of the i-th other node; only the first is on the underlay's own link."""
    return REMOTE_TUNNEL if i == 0 else numbered_ip("198.18.0.0", i)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, payload_len, flags=0, protocol=17):
    """An IPv4 header; the addresses are text."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + payload_len, 0, flags, 64, protocol, 0,
                         ip_bytes(source), ip_bytes(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def udp_frame(source, destination, ports, length, mark):
    """Ethernet, IPv4, UDP. `source` and `destination` are (name, MAC, address)."""
    payload = struct.pack("!I", mark).ljust(length - 42, b"\0")
    udp_len = 8 + len(payload)
    pseudo = ip_bytes(source[2]) + ip_bytes(destination[2]) + struct.pack("!HH", 17, udp_len)
    udp = struct.pack("!HHH", *ports, udp_len)
    udp += struct.pack("!H", checksum(pseudo + udp + b"\0\0" + payload) or 0xFFFF)
    return (mac_bytes(destination[1]) + mac_bytes(source[1]) + b"\x08\x00" +
            ipv4(source[2], destination[2], udp_len) + udp + payload)


def write_pcap(path, frames):
    """Returns how many frames it wrote."""
    count = 0
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
            count += 1
    return count


def read_pcap(path, limit=-1):
    """The whole frames among the first `limit` bytes."""
    with open(path, "rb") as file:
        data = file.read(limit)
    frames, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        if at + 16 + length > len(data):
            break
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames
