# SPDX-License-Identifier: BSD-3-Clause
"""Sends frames on an interface as fast as the kernel takes them, and accounts for each."""
import ctypes
import errno
import os
import socket

_BATCH = 512
_libc = ctypes.CDLL(None, use_errno=True)


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class _Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint), ("iov", ctypes.POINTER(_Iovec)),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class _Mmsghdr(ctypes.Structure):
    _fields_ = [("hdr", _Msghdr), ("len", ctypes.c_uint)]


class Blast:
    """A packet socket on one end of a link. `sent` counts frames that the kernel took, `refused`
    frames that it said it had not taken. No other counter is expected to include refused frames."""

    def __init__(self, ns, dev, frame):
        self.sent = self.refused = 0
        self._sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sock.bind((dev, 0))
        self._frame = ctypes.create_string_buffer(bytes(frame), len(frame))
        self._iov = _Iovec(ctypes.addressof(self._frame), len(frame))
        self._batch = (_Mmsghdr * _BATCH)()
        for m in self._batch:
            m.hdr.iov = ctypes.pointer(self._iov)
            m.hdr.iovlen = 1

    def send(self, n):
        """Sends n frames; tries each once."""
        while n > 0:
            done = _libc.sendmmsg(self._sock.fileno(), self._batch, min(n, _BATCH), 0)
            if done > 0:
                self.sent += done
                n -= done
            elif ctypes.get_errno() == errno.ENOBUFS:
                self.refused += 1
                n -= 1
            else:
                raise OSError(ctypes.get_errno(), f"sendmmsg: {os.strerror(ctypes.get_errno())}")

    def close(self):
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
