# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces, the veth pairs between them, and the workloads in them. All names are of this
process, so that two runs do not meet; each namespace goes, with what is in it, when its with-block
ends."""
import json
import os
import re
import subprocess
import time

from bench.measuring.daemon import Failure, anywhere

NETWORK = "10.0.0.0/16"
DEVICE = "eth0"
# What `ethtool -k` says of a workload's interface, and must say for a row to count (None: either;
# it is the kernel's default for that kind of interface).
OFFLOADS = {"tx-checksumming": "on", "tcp-segmentation-offload": "on",
            "generic-segmentation-offload": "on", "generic-receive-offload": None,
            "tx-udp-segmentation": None}
REACH_SECONDS = 30


def run(*command, text=None):
    """Output of a command."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                          timeout=120, preexec_fn=anywhere)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Space:
    """A network namespace without IPv6, which would send by itself."""

    def __init__(self, name):
        self.name = f"slb-{os.getpid()}-{name}"
        self.path = f"/run/netns/{self.name}"
        self._made = False

    def __enter__(self):
        try:
            self._made = True
            run("ip", "netns", "add", self.name)
            self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                     "net.ipv6.conf.default.disable_ipv6=1")
            self.ip("link set lo up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._made:
            subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)

    def within(self):
        """Words in front of a command that runs in it."""
        return ("nsenter", f"--net={self.path}", "--")

    def run(self, *command):
        return run(*self.within(), *command)

    def ip(self, *lines):
        """Lines of `ip -batch`."""
        return run("ip", "-n", self.name, "-batch", "-", text="\n".join(lines) + "\n")

    def popen(self, *command, **options):
        return subprocess.Popen((*self.within(), *command), stdin=subprocess.DEVNULL, text=True,
                                preexec_fn=anywhere, **options)


def veth(here, name, there, peer=DEVICE):
    """A veth pair with its ends down."""
    here.ip(f"link add {name} type veth peer name {peer} netns {there.name}")


def plain(space, device):
    """What DPDK's driver of packet sockets needs: it can handle neither unfinished checksums nor
    segments to cut."""
    space.run("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")


class Workload:
    """A namespace with one interface, as a container has it."""

    def __init__(self, number, name, space):
        self.name, self.space = name, space
        self.mac = f"02:00:00:00:00:{number:02x}"
        self.address = f"10.0.0.{number}"

    def configure(self, mtu):
        """Its interface, once that is there."""
        self.space.ip(f"link set {DEVICE} address {self.mac} mtu {mtu}", f"link set {DEVICE} up",
                      f"address add {self.address}/{NETWORK.split('/')[1]} dev {DEVICE}")

    def offloads(self):
        """Name -> "on" or "off", as ethtool says it of the interface."""
        said = self.space.run("ethtool", "-k", DEVICE)
        found = {name: re.search(rf"^{name}: (on|off)", said, re.MULTILINE) for name in OFFLOADS}
        return {name: match.group(1) if match else "absent" for name, match in found.items()}


class Pair:
    """The two workloads, and who is between them."""

    def __init__(self, web, db, daemons=(), underlay=None):
        """`underlay`: the namespace and the interface that send what web's node sends to db's."""
        self.web, self.db, self.daemons, self._underlay = web, db, list(daemons), underlay

    def wait_until_reached(self):
        until = time.monotonic() + REACH_SECONDS
        while True:
            try:
                self.web.space.run("ping", "-n", "-c", "1", "-W", "1", self.db.address)
                return
            except Failure as failure:
                if time.monotonic() > until:
                    raise Failure(f"db is not reached from web: {self.account() or failure}") from None

    def account(self):
        """What the daemons dropped and said, for a failure's text."""
        return "; ".join(f"drops: {daemon.drops()}; log: {daemon.log()[-500:]}"
                         for daemon in self.daemons)

    def underlay_sent(self):
        """Bytes and packets that the underlay's interface carried to db's node; a super-packet is
        one. None: there is no such interface."""
        if not self._underlay:
            return None
        space, name = self._underlay
        said = json.loads(space.run("ip", "-j", "-s", "link", "show", "dev", name))[0]["stats64"]
        return said["tx"]["bytes"], said["tx"]["packets"]

    def offloads(self):
        return {end.name: end.offloads() for end in (self.web, self.db)}

    def drops(self):
        """What the daemons dropped, in words. Some is the kernel's own: TCP that is sent faster than
        a port takes it loses packets everywhere."""
        return "; ".join(f"{count} {reason}" for daemon in self.daemons
                         for reason, count in sorted(daemon.drops().items()))

    def check(self, flows=True):
        """Traffic of a row is allowed and followed: a policy that denies some, or a table without
        its connections, says that something else was measured. `flows`: whether there must be some;
        without traffic they age."""
        for daemon in self.daemons:
            drops = daemon.drops()
            bad = {reason: count for reason, count in drops.items()
                   if reason.startswith(("policy_", "offload_malformed"))}
            if bad:
                raise Failure(f"packets of the workloads were dropped: {bad}")
            if flows and daemon.stats()["flows"]["used"] < 2:
                raise Failure("the flow table has no connection: state was not in use")
