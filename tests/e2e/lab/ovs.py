# SPDX-License-Identifier: BSD-3-Clause
"""
Open vSwitch's userspace datapath as node b: one bridge with the underlay's interface and the tunnel's address, one
with the workload and the tunnel. Packets pass where a rule of OpenFlow says so.
"""
import os
import re
import shutil
import subprocess

from .devices import OUTER, PREFIX
from .expect import Failure, expect, wait_until

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
INNER, OUTSIDE = "br-int", "br-phy"
WORKLOAD, TUNNEL = 1, 2  # port numbers in rules
_KINDS = {"vxlan": ("vxlan",), "vxlan-gbp": ("vxlan", "options:exts=gbp"), "geneve": ("geneve",)}


class Ovs:
    """Its two programs, in a namespace that has the underlay's `up0` and the workload's `b1`."""

    def __init__(self, lab, ns):
        self.ns, self.directory = ns, lab.file("ovs")
        self._children = []
        self._env = dict(os.environ, OVS_RUNDIR=self.directory, OVS_LOGDIR=self.directory, OVS_DBDIR=self.directory)
        self._log = None

    def _path(self, name):
        return os.path.join(self.directory, name)

    def start(self):
        for program in ("ovs-vswitchd", "ovsdb-server"):
            expect(shutil.which(program), f"{program} is missing (Debian package openvswitch-switch: tools/lib/packages)")
        os.mkdir(self.directory)
        self._log = open(self._path("log"), "ab")  # pylint: disable=consider-using-with
        self.run("ovsdb-tool", "create", self._path("conf.db"), SCHEMA)
        self._launch("ovsdb-server", f"--remote=punix:{self._path('db.sock')}",
                     f"--unixctl={self._path('db.ctl')}", self._path("conf.db"))
        wait_until(lambda: os.path.exists(self._path("db.sock")), "OVS's database does not start", 20)
        self.vsctl("--no-wait", "init")
        self._launch("ovs-vswitchd", f"--unixctl={self._path('switch.ctl')}", f"unix:{self._path('db.sock')}")
        wait_until(lambda: os.path.exists(self._path("switch.ctl")), self.log, 20)
        for bridge in (INNER, OUTSIDE):
            self.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev", "fail-mode=secure")
        self._port(OUTSIDE, "up0", "mtu_request=1500")
        self.run("ovs-ofctl", "add-flow", OUTSIDE, "actions=NORMAL")
        # The kernel sees what comes to up0 too. It is not to answer there for the bridge's addresses.
        self.ns.run("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1", f"net.ipv6.conf.{OUTSIDE}.disable_ipv6=0")
        for family, (_, own) in OUTER.items():
            nodad = ("nodad",) if family == "ipv6" else ()
            self.ns.run("ip", "address", "add", f"{own}/{PREFIX[family]}", "dev", OUTSIDE, *nodad)
        self.ns.run("ip", "link", "set", OUTSIDE, "up")
        self._port(INNER, "b1", f"ofport_request={WORKLOAD}")
        return self

    def _launch(self, *words):
        self._children.append(self.ns.popen(*words, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                            env=self._env))

    def run(self, *words):
        done = subprocess.run(self.ns.command(*words), capture_output=True, text=True, check=False, env=self._env)
        if done.returncode != 0:
            raise Failure(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}; {self.log()}")
        return done.stdout

    def log(self):
        with open(self._path("log"), encoding="utf-8", errors="replace") as f:
            return "OVS says: " + "".join(f.readlines()[-8:])

    def vsctl(self, *words):
        return self.run("ovs-vsctl", "-t", "20", f"--db=unix:{self._path('db.sock')}", *words)

    def _port(self, bridge, name, *settings):
        self.vsctl("add-port", bridge, name, "--", "set", "Interface", name, *settings)
        said = self.vsctl("get", "Interface", name, "error").strip()
        expect(said in ("[]", '""'), f"OVS: port {name}: {said}")

    def tunnel(self, encap, family, key, *settings):
        kind, *more = _KINDS[encap]
        own, far = OUTER[family][::-1]
        self._port(INNER, "tun0", f"ofport_request={TUNNEL}", f"type={kind}", f'options:remote_ip="{far}"',
                   f'options:local_ip="{own}"', f"options:key={key}", *more, *settings)

    def options(self, *options):
        """Geneve options that rules may set and match, as tun_metadata0 and so on: (class, type, bytes)."""
        maps = ",".join(f"{{class={c},type={t},len={n}}}->tun_metadata{i}" for i, (c, t, n) in enumerate(options))
        self.run("ovs-ofctl", "add-tlv-map", INNER, maps)

    def rules(self, *rules):
        for rule in rules:
            self.run("ovs-ofctl", "add-flow", INNER, rule)

    def packets(self, word):
        """Packets that took the rules whose text has the word in it."""
        lines = self.run("ovs-ofctl", "--no-names", "dump-flows", INNER).splitlines()
        return sum(int(re.search(r"n_packets=(\d+)", line)[1]) for line in lines if word in line)

    def kill(self):
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children = []
        if self._log:
            self._log.close()
            self._log = None
