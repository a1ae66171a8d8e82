# SPDX-License-Identifier: BSD-3-Clause
"""The other ends of the sample driver's ports, and the frames of the sample encapsulation."""
import os
import select
import socket
import time

# First: it tells scapy to say nothing about interfaces.
from lab.capture import DB_IP, DB_MAC, LOCAL, PEER_MAC, REMOTE, UPLINK_MAC, WEB_IP, WEB_MAC
from lab.expect import Failure
from lab.site import VNI

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

GPE_PORT = 4790


class End:
    """A unix datagram socket that a port of the sample driver exchanges frames with."""

    def __init__(self, folder, name, number):
        self.local, self.peer = (os.path.join(folder, f"{name}.{end}") for end in ("port", "peer"))
        self.devargs = f"datagram{number},local={self.local},peer={self.peer}"
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(self.peer)

    def send(self, frame):
        self._sock.sendto(bytes(frame), self.local)

    def receive(self, wanted, what, seconds=20):
        """The first frame for which wanted() is true. Others, which the node sends unasked, are skipped."""
        end = time.monotonic() + seconds
        while select.select([self._sock], [], [], max(0, end - time.monotonic()))[0]:
            frame = self._sock.recv(65536)
            if wanted(frame):
                return frame
        raise Failure(f"{what} did not come")

    def close(self):
        self._sock.close()
        os.unlink(self.peer)


def request():
    """From web to db."""
    return bytes(Ether(src=WEB_MAC, dst=DB_MAC) / IP(src=WEB_IP, dst=DB_IP) / UDP(sport=1000, dport=2000) / b"sluice")


def reply():
    """From db to web."""
    return bytes(Ether(src=DB_MAC, dst=WEB_MAC) / IP(src=DB_IP, dst=WEB_IP) / UDP(sport=2000, dport=1000) / b"ecluse")


def header(version=0):
    """VXLAN-GPE with a VNI and an Ethernet frame inside."""
    return bytes([0x0c | version << 4, 0, 0, 3]) + (VNI << 8).to_bytes(4, "big")


def tunnel(inner, version=0):
    """A tunnel packet from the other node."""
    outer = IP(src=REMOTE, dst=LOCAL) / UDP(sport=50000, dport=GPE_PORT, chksum=0)
    return bytes(Ether(src=PEER_MAC, dst=UPLINK_MAC) / outer / (header(version) + inner))


def is_tunnel(frame):
    packet = Ether(frame)
    return UDP in packet and packet[UDP].dport == GPE_PORT


def tunnel_payload(frame):
    """What is behind the outer UDP header."""
    return bytes(Ether(frame)[UDP].payload)
