# SPDX-License-Identifier: BSD-3-Clause
"""The workload's end of a trunk: whole frames with their VLAN tags, which the kernel takes out of what it hands up."""
import select
import socket
import struct
import time

_ETH_P_ALL = 3
_OUTGOING = 4
_SOL_PACKET, _PACKET_AUXDATA = 263, 8
_VLAN_VALID = 0x10


class Trunk:
    def __init__(self, ns, dev="eth0"):
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind((dev, _ETH_P_ALL))

    def send(self, frame):
        self.sock.send(bytes(frame))

    def _frame(self):
        data, ancillary, _, address = self.sock.recvmsg(70000, 256)
        if address[2] == _OUTGOING:
            return None
        for level, kind, aux in ancillary:
            if level == _SOL_PACKET and kind == _PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", aux[:20])
                if status & _VLAN_VALID:
                    return data[:12] + struct.pack("!HH", tpid or 0x8100, tci) + data[12:]
        return data

    def frames(self, seconds, enough=lambda frames: False):
        """The frames that come in within that time, or until they are enough."""
        got, end = [], time.monotonic() + seconds
        while not enough(got):
            if not select.select([self.sock], [], [], max(0.0, end - time.monotonic()))[0]:
                break
            frame = self._frame()
            if frame is not None:
                got.append(frame)
        return got

    def close(self):
        self.sock.close()


def vlan_of(frame):
    """The VLAN of its tag; 0: it has none."""
    return int.from_bytes(frame[14:16], "big") & 0xfff if frame[12:14] == b"\x81\x00" else 0
