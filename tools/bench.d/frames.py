# SPDX-License-Identifier: BSD-3-Clause
"""Frames of the benchmark and the pcap files they are replayed from."""
import ipaddress
import struct

CLIENTS = 64
SERVERS = 64
FIRST_SOURCE_PORT = 10000
VXLAN_PORT = 4789
VNI = 100
FRAME_LEN = 64

LOCAL_TUNNEL = "192.0.2.1"
REMOTE_TUNNEL = "192.0.2.2"
LOCAL_MAC = "02:aa:00:00:00:01"
REMOTE_MAC = "02:aa:00:00:00:02"


def mac_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def ip_bytes(text):
    return ipaddress.IPv4Address(text).packed


def client(i):
    """Name, MAC and address of the i-th sender."""
    return f"client-{i}", f"02:01:00:00:00:{i:02x}", f"10.1.0.{i + 1}"


def server(i):
    """Name, MAC and address of the i-th receiver."""
    return f"server-{i}", f"02:02:00:00:00:{i:02x}", f"10.2.0.{i + 1}"


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, payload_len, flags=0):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + payload_len, 0, flags, 64, 17, 0,
                         ip_bytes(source), ip_bytes(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def inner_frame(flow):
    """The one packet of a flow: Ethernet, IPv4, UDP to port 80, 64 bytes in all."""
    _, source_mac, source = client(flow % CLIENTS)
    _, destination_mac, destination = server(flow // CLIENTS % SERVERS)
    source_port = FIRST_SOURCE_PORT + flow // (CLIENTS * SERVERS)
    payload = struct.pack("!I", flow).ljust(FRAME_LEN - 42, b"\0")
    length = 8 + len(payload)
    pseudo = ip_bytes(source) + ip_bytes(destination) + struct.pack("!HH", 17, length)
    udp = struct.pack("!HHH", source_port, 80, length)
    udp += struct.pack("!H", checksum(pseudo + udp + b"\0\0" + payload) or 0xFFFF)
    return (mac_bytes(destination_mac) + mac_bytes(source_mac) + b"\x08\x00" +
            ipv4(source, destination, length) + udp + payload)


def vxlan_frame(flow):
    """The same, as the remote node sends it here."""
    inner = inner_frame(flow)
    length = 16 + len(inner)
    return (mac_bytes(LOCAL_MAC) + mac_bytes(REMOTE_MAC) + b"\x08\x00" +
            ipv4(REMOTE_TUNNEL, LOCAL_TUNNEL, length, 0x4000) +
            struct.pack("!HHHH", 0xC000 | flow * 0x9E5 & 0x3FFF, VXLAN_PORT, length, 0) +
            struct.pack("!II", 0x08000000, VNI << 8) + inner)


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    frames, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


def flaw_of_encapsulated(frame, inner):
    """What is wrong with a frame that should be `inner` on its way to node-b; None: nothing."""
    expected_len = 50 + len(inner)
    if len(frame) != expected_len:
        return f"{len(frame)} bytes instead of {expected_len}"
    ip, udp, vxlan = frame[14:34], frame[34:42], frame[42:50]
    checks = [
        ("outer Ethernet", frame[:14], mac_bytes(REMOTE_MAC) + mac_bytes(LOCAL_MAC) + b"\x08\x00"),
        ("outer version and header length", ip[:1], b"\x45"),
        ("outer total length", ip[2:4], struct.pack("!H", expected_len - 14)),
        ("outer protocol", ip[9:10], b"\x11"),
        ("outer IPv4 checksum", checksum(ip), 0),
        ("outer addresses", ip[12:], ip_bytes(LOCAL_TUNNEL) + ip_bytes(REMOTE_TUNNEL)),
        ("outer UDP destination port", udp[2:4], struct.pack("!H", VXLAN_PORT)),
        ("outer UDP source port in the dynamic range", udp[0] >= 0xC0, True),
        ("outer UDP length", udp[4:6], struct.pack("!H", expected_len - 34)),
        ("outer UDP checksum", udp[6:8], b"\0\0"),
        ("VXLAN header", vxlan, struct.pack("!II", 0x08000000, VNI << 8)),
        ("inner frame", frame[50:], inner),
    ]
    for what, found, expected in checks:
        if found != expected:
            return f"{what}: {found!r} instead of {expected!r}"
    return None


def flaw_of_decapsulated(frame, inner):
    return None if frame == inner else f"{frame.hex()} instead of {inner.hex()}"
