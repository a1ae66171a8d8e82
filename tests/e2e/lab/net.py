# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces, the links between them, and commands and sockets inside them."""
import ctypes
import os
import socket
import subprocess

from .expect import Failure

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace; closed by Lab."""

    def __init__(self, name, ipv6=False):
        self.name = name
        run("ip", "netns", "add", name)
        self._fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        self.run("ip", "link", "set", "lo", "up")
        if not ipv6:
            self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            self.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")

    def close(self):
        os.close(self._fd)
        run("ip", "netns", "del", self.name)

    def command(self, *command):
        return ("nsenter", f"--net=/run/netns/{self.name}", "--") + command

    def run(self, *command):
        return run(*self.command(*command))

    def popen(self, *command, **options):
        return subprocess.Popen(self.command(*command), **options)

    def socket(self, *args):
        """A socket that lives in the namespace, for use in this process."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _setns(self._fd)
            return socket.socket(*args)
        finally:
            _setns(home)
            os.close(home)

    def plain_device(self, dev):
        """Switches offloads off: af_packet can handle neither unfinished checksums nor segments to
        cut."""
        self.run("ethtool", "-K", dev, "tx", "off", "tso", "off", "gso", "off", "gro", "off")


def link(ns_a, dev_a, ns_b, dev_b, mtu=1500):
    """A veth pair with both ends up, without offloads, as af_packet needs it."""
    run(
        "ip", "link", "add", dev_a, "netns", ns_a.name, "mtu", str(mtu), "type", "veth",
        "peer", "name", dev_b, "netns", ns_b.name, "mtu", str(mtu),
    )
    for ns, dev in ((ns_a, dev_a), (ns_b, dev_b)):
        ns.plain_device(dev)
        ns.run("ip", "link", "set", dev, "up")
