# SPDX-License-Identifier: BSD-3-Clause
"""Addresses and inner frames of the benchmark, and the pcap files they are replayed from."""
import ipaddress
import struct

FIRST_SOURCE_PORT = 10000
SERVICE_PORT = 80
VNI = 100

LOCAL_TUNNEL = "192.0.2.1"
REMOTE_TUNNEL = "192.0.2.2"
LOCAL_TUNNEL6 = "2001:db8::1"
REMOTE_TUNNEL6 = "2001:db8::2"
LOCAL_MAC = "02:aa:00:00:00:01"
REMOTE_MAC = "02:aa:00:00:00:02"
GATEWAY_MAC = "02:00:5e:00:02:01"  # of every subnet's gateway, on every node
# Identities of the ends here and elsewhere, where an encapsulation carries them.
FROM_LOCAL, FROM_REMOTE = 1001, 1002

# Bytes of a frame without its checksum. IMIX: seven small ones, four middling, one full.
SIZES = {"64": (64,), "imix": (64,) * 7 + (594,) * 4 + (1514,), "1500": (1514,)}
CHECKSUM = 4


def lengths(size):
    """Bytes of the frames of a named size, or of a number in text."""
    return SIZES.get(size) or (int(size),)


def mac_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def ip_bytes(text):
    return ipaddress.ip_address(text).packed


def numbered_ip(base, i):
    return str(ipaddress.ip_address(base) + i)


def numbered_mac(prefix, i):
    return ":".join(f"{byte:02x}" for byte in (2, prefix, *struct.pack("!I", i)))


def mac_text(value):
    return ":".join(f"{byte:02x}" for byte in value.to_bytes(6, "big"))


# First addresses of the ends, by family.
LOCALS = {"ipv4": "10.1.0.1", "ipv6": "fd00:1::1"}
REMOTES = {"ipv4": "10.2.0.1", "ipv6": "fd00:2::1"}
OUTSIDE = {"ipv4": "203.0.112.1", "ipv6": "2001:db8:f::1"}


def local(i, family="ipv4"):
    """Name, MAC and address of the i-th end on this node."""
    return f"local-{i}", numbered_mac(1, i), numbered_ip(LOCALS[family], i)


def remote(i, family="ipv4"):
    """Name, MAC and address of the i-th end that local ones talk with."""
    return f"remote-{i}", numbered_mac(2, i), numbered_ip(REMOTES[family], i)


def outside(i, family="ipv4"):
    """The same of the i-th one that is no endpoint: its MAC is the gateway's."""
    return f"outside-{i}", GATEWAY_MAC, numbered_ip(OUTSIDE[family], i)


def bystander(i):
    """Name, MAC and address of the i-th endpoint that has no traffic."""
    return f"other-{i}", numbered_mac(3, i), numbered_ip("10.64.0.1", i)


def node_address(i, family="ipv4"):
    """Tunnel address of the i-th other node; only the first is on the underlay's own link."""
    if family == "ipv6":
        return REMOTE_TUNNEL6 if i == 0 else numbered_ip("2001:db8:1::", i)
    return REMOTE_TUNNEL if i == 0 else numbered_ip("198.18.0.0", i)


def local_tunnel(node):
    """This node's tunnel address of the family of another one's."""
    return LOCAL_TUNNEL6 if ":" in node else LOCAL_TUNNEL


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_header(source, destination, payload_len, flags=0, protocol=17, ttl=64):
    """An IP header of the addresses' family; `flags` are IPv4's."""
    addresses = ip_bytes(source) + ip_bytes(destination)
    if len(addresses) == 32:
        return struct.pack("!IHBB", 6 << 28, payload_len, protocol, ttl) + addresses
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + payload_len, 0, flags, ttl, protocol, 0) + addresses
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def udp_frame(source, destination, ports, length, mark, ttl=64):
    """Ethernet, IP, UDP. `source` and `destination` are (name, MAC, address). With IPv6 the
    shortest frame is two bytes longer than 64."""
    addresses = ip_bytes(source[2]) + ip_bytes(destination[2])
    ip6 = len(addresses) == 32
    payload = struct.pack("!I", mark).ljust(length - (62 if ip6 else 42), b"\0")
    udp_len = 8 + len(payload)
    pseudo = addresses + struct.pack("!HH", 17, udp_len)
    udp = struct.pack("!HHH", *ports, udp_len)
    udp += struct.pack("!H", checksum(pseudo + udp + b"\0\0" + payload) or 0xFFFF)
    return (mac_bytes(destination[1]) + mac_bytes(source[1]) + (b"\x86\xdd" if ip6 else b"\x08\x00") +
            ip_header(source[2], destination[2], udp_len, ttl=ttl) + udp + payload)


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
