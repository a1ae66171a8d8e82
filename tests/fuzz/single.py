# SPDX-License-Identifier: BSD-3-Clause
"""One network, one worker: packets that leave must be well-formed and go to the right receiver."""
import ipaddress

import mutate
from lab.capture import (DB_IP, DB_IP6, DB_MAC, LOCAL, REMOTE, WEB_MAC, CaptureNode, is_announcement,
                         read_pcap)
from lab.expect import expect
from lab.site import VNI
from stir import expect_accounted, stir


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


def expect_for_web(frames):
    """Only its own frames, and what endpoints announce to all; advertisements answer whatever MAC of a host has
    asked from a link-local address."""
    mac = bytes.fromhex(WEB_MAC.replace(":", ""))
    for f in frames:
        advertisement = f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136 and not f[0] & 1
        expect(f[:6] == mac or advertisement or announces_db(f), f"a frame for another left by web: {f.hex()}")
    expect(len(frames) > 100, f"only {len(frames)} frames reached web: the mutations are too wild")


def play(lab, seed, count):
    """(totals, reasons that dropped)"""
    web = mutate.access_frames(seed, count // 2)
    uplink = mutate.uplink_frames(seed, count - count // 2)
    node = CaptureNode(lab, web=web, uplink=uplink)
    node.daemon.start()
    stir(node.daemon, count)
    totals, drops = expect_accounted(node.daemon, count)
    node.daemon.stop()
    expect_tunnel_packets(read_pcap(node.path("uplink")))
    expect_for_web(read_pcap(node.path("web")))
    return totals, set(drops)
