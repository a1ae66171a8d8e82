# SPDX-License-Identifier: BSD-3-Clause
"""A node whose ports are capture files: input and output, byte for byte."""
import logging
import struct
import subprocess

from .expect import expect, wait_until
from .site import OPEN, VNI, workers

logging.getLogger("scapy").setLevel(logging.ERROR)  # it tells which interfaces have no address

UPLINK_MAC, PEER_MAC = "02:00:00:00:0a:01", "02:00:00:00:0b:01"
WEB_MAC, DB_MAC = "02:00:00:00:00:05", "02:00:00:00:00:06"
WEB_IP, DB_IP, WEB_IP6, DB_IP6 = "10.0.0.5", "10.0.0.6", "fd00::5", "fd00::6"
LOCAL, REMOTE = "192.0.2.1", "192.0.2.2"

_FILE = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")


def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(_FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            frame = bytes(frame)
            f.write(_RECORD.pack(0, 0, len(frame), len(frame)) + frame)


def read_pcap(path):
    with open(path, "rb") as f:
        data = f.read()
    frames, at = [], _FILE.size
    while at + _RECORD.size <= len(data):
        size = _RECORD.unpack_from(data, at)[2]
        at += _RECORD.size
        if at + size > len(data):
            break
        frames.append(data[at : at + size])
        at += size
    return frames


def capture_config(uplink, web, **network):
    """Node with workload web here and db behind node b; uplink and web are devargs."""
    return {
        "node": {"name": "a", "tunnel_addresses": [LOCAL]},
        "workers": workers(),
        "ports": [
            {"name": "uplink", "role": "underlay", "devargs": uplink, "mac": UPLINK_MAC,
             "addresses": [f"{LOCAL}/24"], "mtu": 1500},
            {"name": "web", "role": "access", "devargs": web},
        ],
        "networks": [{"name": "blue", "vni": VNI, "encap": "vxlan", "policy_default": OPEN,
                      **network}],
        "nodes": [{"name": "b", "address": REMOTE}],
        "neighbors": [{"port": "uplink", "address": REMOTE, "mac": PEER_MAC}],
        "endpoints": [
            {"name": "web", "network": "blue", "port": "web", "mac": WEB_MAC,
             "addresses": [WEB_IP, WEB_IP6], "labels": {"app": "web"}},
            {"name": "db", "network": "blue", "node": "b", "mac": DB_MAC,
             "addresses": [DB_IP, DB_IP6], "labels": {"app": "db"}},
        ],
    }


def is_announcement(frame):
    """True for a gratuitous ARP or unsolicited advertisement: from a workload and passed on, or of
    a changed endpoint."""
    if frame[12:14] == b"\x08\x06":
        return frame[0] & 1 and frame[28:32] == frame[38:42]
    return frame[:6] == b"\x33\x33\x00\x00\x00\x01" and frame[20] == 58 and frame[54] == 136


class CaptureNode:
    """Plays frames into both ports. sent(port) is the output of a port, without announcements, once
    all frames are accounted for."""

    def __init__(self, lab, web=(), uplink=(), **network):
        self.lab, self.n = lab, len(web) + len(uplink)
        devargs = {}
        for i, (port, frames) in enumerate((("uplink", uplink), ("web", web))):
            write_pcap(lab.file(f"{port}-in.pcap"), frames)
            devargs[port] = (f"net_pcap{i},rx_pcap={lab.file(f'{port}-in.pcap')},"
                             f"tx_pcap={self.path(port)}")
        self.daemon = lab.daemon("a", capture_config(devargs["uplink"], devargs["web"], **network))

    def path(self, port):
        return self.lab.file(f"{port}-out.pcap")

    def play(self):
        self.daemon.start()
        self.daemon.wait_received(self.n)
        self.daemon.expect_sum()
        return self

    def sent(self, port, n):
        """The n frames that left by the port; the file follows the counters at once."""
        def left():
            return [f for f in read_pcap(self.path(port)) if not is_announcement(f)]

        wait_until(lambda: len(left()) >= n,
                   lambda: f"{len(left())} of {n} frames left by {port}, drops: {self.daemon.drops()}", 3)
        frames = left()
        expect(len(frames) == n, f"{len(frames)} frames left by {port}, wanted {n}")
        return frames


BAD = ("_ws.malformed or ip.checksum.status == 0 or udp.checksum.status == 0 or "
       "tcp.checksum.status == 0 or icmp.checksum.status == 0 or icmpv6.checksum.status == 0")
CHECKS = tuple(
    word for layer in ("ip", "udp", "tcp") for word in ("-o", f"{layer}.check_checksum:TRUE"))


def tshark(path, *options):
    done = subprocess.run(("tshark", "-n", "-r", path) + CHECKS + options, capture_output=True,
                          text=True, check=False)
    expect(done.returncode == 0, f"tshark {path}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def expect_tshark_content(path):
    """tshark finds nothing malformed and no wrong checksum."""
    bad = tshark(path, "-Y", BAD)
    expect(not bad, "tshark complains:\n" + "\n".join(bad))
