# SPDX-License-Identifier: BSD-3-Clause
"""Sends frames on a link by hand, and receives the answers."""
import select
import socket
import time

from .expect import Failure

_ETH_P_ALL = 3
_OUTGOING = 4  # packet type: sent from here


class Wire:
    """A packet socket on a namespace's end of a link. The kernel there sends and answers too: look
    for your own frames."""

    def __init__(self, ns, dev):
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.bind((dev, _ETH_P_ALL))

    def send(self, frame):
        self.sock.send(bytes(frame))

    def until(self, last, seconds=5.0):
        """The frames that came in, in order, up to the first for which last() is true."""
        frames, end = [], time.monotonic() + seconds
        while not frames or not last(frames[-1]):
            if not select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure(f"the awaited frame did not come, {len(frames)} others did")
            data, address = self.sock.recvfrom(65536)
            if address[2] != _OUTGOING:
                frames.append(data)
        return frames

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
