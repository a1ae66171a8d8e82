# SPDX-License-Identifier: BSD-3-Clause
"""One network, one worker: packets that leave must be well-formed and go to the right receiver."""
import ipaddress

import mutate
from lab.capture import (DB_IP, DB_IP6, DB_MAC, LOCAL, REMOTE, WEB_MAC, CaptureNode, is_announcement,
                         read_pcap)
from lab.expect import expect
from lab.site import VNI
from stir import expect_accounted, stir
from templates import GATEWAY, GATEWAY_MAC, POD


def expect_tunnel_packets(frames):
    """Packets that left by the underlay are tunnel packets and answers with right lengths and
    checksums."""
    seen = 0
    for f in frames:
        if f[12:14] != b"\x08\x00" or f[23] != 17:
            continue
        seen += 1
        total, udp = int.from_bytes(f[16:18], "big"), int.from_bytes(f[38:40], "big")
        good = (f[14] == 0x45 and total == len(f) - 14 and udp == total - 20 and
                mutate.checksum(f[14:34]) == 0 and f[36:38] == b"\x12\xb5" and
                int.from_bytes(f[46:49], "big") == VNI)
        expect(good, f"a malformed tunnel packet left for {REMOTE} from {LOCAL}: {f.hex()}")
    expect(seen > 100, f"only {seen} packets left by tunnel: the mutations are too wild")


def announces_db(f):
    """What the table says of it, to everybody; not what the sender wrote."""
    mac = bytes.fromhex(DB_MAC.replace(":", ""))
    address = f[38:42] == ipaddress.ip_address(DB_IP).packed or f[62:78] == ipaddress.ip_address(DB_IP6).packed
    return is_announcement(f) and f[6:12] == mac and address and mac in f[14:]


# The network serves DHCP and advertises a router; a VLAN of port web is a part of it.
SUBNETS = [{"prefix": "10.0.0.0/24", "gateway": GATEWAY, "dhcp": True, "dns": ["10.0.0.53"], "search": ["example.org"]},
           {"prefix": "fd00::/64", "gateway": "fd00::1", "dhcp": True, "dns": ["fd00::53"]}]
POD_OBJECT = {"name": "pod", "network": "blue", "port": "web", "vlan": 5, "mac": POD[0], "addresses": [POD[1], "fd00::21"]}


POD_MAC = bytes.fromhex(POD[0].replace(":", ""))


def answers_dhcp(f):
    """To a client that wants its answer as a broadcast."""
    return f[:6] == b"\xff" * 6 and f[6:12] == bytes.fromhex(GATEWAY_MAC.replace(":", "")) and f[34:38] == b"\0\x43\0\x44"


def expect_for_web(frames):
    """Only its own frames, and what endpoints announce to all; advertisements answer whatever MAC of a host has
    asked from a link-local address."""
    mac = bytes.fromhex(WEB_MAC.replace(":", ""))
    for f in frames:
        advertisement = f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136 and not f[0] & 1
        if f[12:16] == b"\x81\x00\x00\x05":
            f = f[:12] + f[16:]
            expect(is_announcement(f) or f[:6] in (b"\xff" * 6, POD_MAC), f"a frame for another left in VLAN 5: {f.hex()}")
            continue
        expect(f[:6] == mac or advertisement or announces_db(f) or answers_dhcp(f), f"a frame for another left by web: {f.hex()}")
    expect(len(frames) > 100, f"only {len(frames)} frames reached web: the mutations are too wild")


def play(lab, seed, count):
    """(totals, reasons that dropped)"""
    web = mutate.access_frames(seed, count // 2)
    uplink = mutate.uplink_frames(seed, count - count // 2)
    node = CaptureNode(lab, web=web, uplink=uplink, subnets=SUBNETS)
    config = node.daemon.config
    node.daemon.rewrite({**config, "endpoints": config["endpoints"] + [POD_OBJECT]})
    node.daemon.start()
    stir(node.daemon, count)
    totals, drops = expect_accounted(node.daemon, count)
    node.daemon.stop()
    expect_tunnel_packets(read_pcap(node.path("uplink")))
    expect_for_web(read_pcap(node.path("web")))
    return totals, set(drops)
