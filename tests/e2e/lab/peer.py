# SPDX-License-Identifier: BSD-3-Clause
"""
A Linux kernel that has what this machine's may lack: geneve, ipip, ip6_tunnel, sit, 802.1Q, bonding. It runs in a
virtual machine whose interfaces are TAPs here. One machine serves all tests of a run, one after the other: each gets
the machine's interfaces in a fresh network namespace of the guest.
"""
import atexit
import fcntl
import json
import os
import re
import socket
import struct

from .expect import Failure, expect
from .guest import Machine
from .net import run

MODULES = ("geneve", "ipip", "ip6_tunnel", "sit", "vxlan", "8021q", "bonding", "bridge", "veth")
PROGRAMS = ("ip", "ping", "iperf3", "ethtool")
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
BOOTS = 2  # an emulated kernel now and then gives up on a machine that is busy
_MACS = ("02:00:00:00:0e:01", "02:00:00:00:0e:02")
BREAK = "\\n"  # for printf in the guest
_SPACE = "t"  # name of the guest's namespace


def _open_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return fd


class KernelMachine(Machine):
    """Booted once, with an interface for each MAC."""

    modules, programs = MODULES, PROGRAMS
    memory_mb = 192

    def __init__(self, build):
        super().__init__(build, "kernel")
        self.taps = [f"slk{os.getpid() % 100000}-{i}" for i in range(len(_MACS))]
        self._fds = []

    def _open_files(self):
        return self._fds

    def _devices(self):
        words = ["-machine", "q35"]
        for i, (fd, mac) in enumerate(zip(self._fds, _MACS)):
            # The guest finishes checksums and cuts by itself, as a machine with another NIC does.
            words += ["-netdev", f"tap,id=net{i},fd={fd}",
                      "-device", f"virtio-net-pci,netdev=net{i},mac={mac},csum=off,guest_csum=off,gso=off"]
        return words

    def launch(self):
        self._fds = [_open_tap(name) for name in self.taps]
        try:
            return super().launch()
        finally:
            for fd in self._fds:
                os.close(fd)

    def wait(self):
        super().wait()
        self.run("sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0")
        return self


_machine = None  # of this process


def _kernel_machine(build):
    global _machine  # pylint: disable=global-statement
    for attempt in range(BOOTS):
        if _machine is not None and _machine.running:
            break
        _machine = KernelMachine(build)
        atexit.register(_machine.kill)
        try:
            _machine.start()
        except Failure:
            _machine.kill()
            if attempt == BOOTS - 1:
                raise
    return _machine


class KernelPeer:
    """The machine, for one test. Its interface i is `eth<i>` there, and a TAP of the name given for it in a namespace
    here. run() is a shell's line in the guest's namespace of this test."""

    def __init__(self, lab):
        self.name, self.macs = "kernel", _MACS
        self.machine = _kernel_machine(lab.build)
        self._iperf = 5200  # the last port that a server had
        self._out = []  # (namespace here, name there, name of the TAP when it is at rest)
        self.machine.run(f"ip netns add {_SPACE} && ip -n {_SPACE} link set lo up && "
                         f"ip netns exec {_SPACE} sysctl -qw net.ipv6.conf.default.accept_dad=0")

    def connect(self, ns, dev="up0", number=0, mtu=1500):
        """Interface `number` becomes the other end of `dev` in `ns`."""
        tap = self.machine.taps[number]
        run("ip", "link", "set", tap, "netns", ns.name, "name", dev)
        self._out.append((ns, dev, tap))
        ns.run("ip", "link", "set", dev, "mtu", str(mtu), "up")
        self.machine.run(f"ip link set eth{number} netns {_SPACE} && ip -n {_SPACE} link set eth{number} mtu {mtu} up")

    def call(self, line, seconds=60):
        """(exit status, what it printed)"""
        quoted = line.replace("'", "'\\''")
        return self.machine.call(f"ip netns exec {_SPACE} sh -c '. /own/names; {quoted}'", seconds)

    def run(self, line, seconds=60):
        status, text = self.call(line, seconds)
        expect(status == 0, f"guest {self.name}: {line}: exit {status}: {text.strip()}")
        return text

    def ip(self, *lines, space=None):
        """Several of iproute2's commands, without the word `ip`; in another namespace of the guest when it is named.
        One process does them all, because starting one takes long there."""
        self.run(f"printf '{BREAK.join(lines)}{BREAK}' | ip {f'-n {space} ' if space else ''}-b -")

    def address(self, dev, *addresses):
        """Addresses with their prefix lengths."""
        self.ip(*(f"addr add {a} dev {dev}{' nodad' if ':' in a else ''}" for a in addresses))

    def expect_ping(self, address, count=3, size=56):
        """So many are answered, however late: the guest is slow on a busy machine."""
        text = self.run(f"ping -n -q -c {count} -i 0.1 -w 20 -s {size} {address}")
        got = re.search(r"(\d+) received", text)
        expect(got and int(got[1]) >= count, f"guest {self.name}: ping {address}: {text.strip()}")

    def serve(self, port=5000, program="cat"):
        """What comes over TCP goes through the program, and back."""
        self.run(f"nc -ll -p {port} -e {program} >/dev/null 2>&1 </dev/null & until {self._listens(port)}; do sleep 0.1; done")

    def _listens(self, port):
        return f"grep -q :{port:04X}.*:0000.0A /proc/net/tcp /proc/net/tcp6"

    def iperf(self, client, address, *options, seconds=1):
        """An iperf3 run from a workload here to a server in the guest; the end of its report."""
        self._iperf += 1  # a server that goes on closes its port for a moment after each run
        port = str(self._iperf)
        self.run(f"iperf3 -s -1 -D -p {port} && until {self._listens(self._iperf)}; do sleep 0.1; done")
        text = client.ns.run("iperf3", "-c", address, "-p", port, "-t", str(seconds), "-J",
                             "--connect-timeout", "5000", *options)
        return json.loads(text)["end"]

    def rest(self):
        """Takes the interfaces back, for the next test."""
        self.machine.run(f"for p in $(ip netns pids {_SPACE}); do kill -9 $p; done; ip -all netns del")
        # The kernel gives interfaces back some time after their namespace is gone.
        self.machine.run("for i in $(seq 100); do ip -o link | grep -c ': eth' | "
                         f"grep -qx {len(self.machine.taps)} && break; sleep 0.1; done")
        for ns, dev, tap in self._out:
            ns.run("ip", "link", "set", dev, "down")
            ns.run("ip", "link", "set", dev, "netns", str(os.getpid()), "name", tap)

    def kill(self):
        """As Lab ends everything: a machine that does not answer is not used again."""
        if not self.machine.running:
            return
        try:
            self.rest()
        except Failure:
            self.machine.kill()


def echoed(source, address, data, port=5000, seconds=20):
    """Whether a program in `source` here gets the bytes back that it sends to serve()'s port."""
    import threading  # pylint: disable=import-outside-toplevel
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    got = bytearray()
    with source.ns.socket(kind, socket.SOCK_STREAM) as s:
        s.settimeout(seconds)
        s.connect((address, port))
        sender = threading.Thread(target=s.sendall, args=(data,))
        sender.start()
        while len(got) < len(data):
            part = s.recv(1 << 18)
            if not part:
                break
            got += part
        sender.join(seconds)
    return bytes(got) == data
