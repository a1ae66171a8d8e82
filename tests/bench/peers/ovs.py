# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch with DPDK as a peer: the same files, rules and connection state, on the same core.

It runs in a network namespace of its own, because its tunnels need an address and a route of the
kernel's. Every one of its cache configurations is tried in each round; the best one counts.
"""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time

from bench.measuring import machine
from bench.measuring.daemon import Failure, anywhere
from bench.measuring.measure import CHECKED_PACKETS, compare
from bench.scenario import frames

VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
MEMORY_MB = 1024
BUFFERS_LIMIT = 200000  # that its pool has for one port, besides its own
CACHES = {  # emc-insert-inv-prob (0: none, 1: every flow), smc-enable
    "as it comes": ("100", "false"),
    "emc of every flow": ("1", "false"),
    "emc and smc": ("100", "true"),
    "emc of every flow, and smc": ("1", "true"),
    "smc alone": ("0", "true"),
}
CHANGE_SECONDS = 1.0
CHECKED_BYTES = 1 << 20
NUMBERS = {"input": 1, "output": 2, "tunnel": 3}  # of ports in rules, before the ports are there


def missing():
    """Why it cannot take part; None: it can."""
    for need in (VSWITCHD, SCHEMA):
        if not os.path.exists(need):
            return "OVS-DPDK is not installed (package openvswitch-switch-dpdk)"
    if not shutil.which("ip"):
        return "there is no ip command"
    return None


def can_do(scenario):
    """Whether it can do the same work."""
    return (scenario.direction in ("encap", "decap", "local") and scenario.encap == "vxlan" and
            scenario.family == scenario.inside == "ipv4" and not scenario.by_gateway and
            scenario.source == "pcap" and scenario.nodes == 1 and scenario.ports == 1 and
            scenario.workers == 1 and not scenario.attack and scenario.size == "64" and
            scenario.flows * scenario.turns <= BUFFERS_LIMIT)


class Ovs:
    """Its programs for as long as the with-block lasts. All files are below one directory."""

    def __init__(self, settings=()):
        """`settings`: more of its own, which it reads when it starts."""
        self._settings = settings
        self._directory = tempfile.mkdtemp(prefix="sluice-bench-ovs-")
        self._space = "sluice-bench-" + str(os.getpid())
        self._children = []
        self._out = ""
        self._env = dict(os.environ, OVS_RUNDIR=self._directory, OVS_LOGDIR=self._directory,
                         OVS_DBDIR=self._directory)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # The switch ends first: it still needs its database.
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        subprocess.run(["ip", "netns", "del", self._space], capture_output=True, check=False)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _path(self, name):
        return os.path.join(self._directory, name)

    def run(self, *command):
        """Output of a command in the namespace."""
        done = subprocess.run(["ip", "netns", "exec", self._space, *command], env=self._env,
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise Failure(f"OVS: {' '.join(command)}: {done.stderr.strip() or self.log()}")
        return done.stdout

    def log(self):
        with contextlib.suppress(OSError), open(self._path("switch.log"), encoding="utf-8",
                                                errors="replace") as log:
            return "".join(log.readlines()[-5:])
        return ""

    def _child(self, *command):
        with open(self._path("switch.log"), "ab") as log:
            self._children.append(subprocess.Popen(
                ["ip", "netns", "exec", self._space, *command], env=self._env, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, preexec_fn=anywhere))

    def _start(self):
        subprocess.run(["ip", "netns", "add", self._space], check=True)
        self.run("ip", "link", "set", "lo", "up")
        database, address = self._path("conf.db"), self._path("db.sock")
        self.run("ovsdb-tool", "create", database, SCHEMA)
        self._child("ovsdb-server", f"--remote=punix:{address}", "--no-chdir",
                    f"--unixctl={self._path('db.ctl')}", database)
        self._await(lambda: os.path.exists(address), "its database")
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".",
                   "other_config:dpdk-init=true", "other_config:dpdk-lcore-mask=0x1",
                   "other_config:pmd-cpu-mask=0x2", f"other_config:dpdk-socket-mem={MEMORY_MB}",
                   'other_config:dpdk-extra="--no-pci --in-memory --no-telemetry"', *self._settings)
        self._child(VSWITCHD, f"unix:{address}", "--no-chdir",
                    f"--unixctl={self._path('switch.ctl')}")
        self._await(lambda: glob.glob(self._path("switch.ctl")), "its switch")
        self._await(self._dpdk, "its DPDK")

    def _dpdk(self):
        return "true" in self.vsctl("get", "Open_vSwitch", ".", "dpdk_initialized")

    def _await(self, condition, what):
        until = time.monotonic() + 30
        while not condition():
            if time.monotonic() > until or any(c.poll() is not None for c in self._children):
                raise Failure(f"OVS: {what} did not start: {self.log()}")
            time.sleep(0.1)

    def vsctl(self, *arguments):
        return self.run("ovs-vsctl", f"--db=unix:{self._path('db.sock')}", *arguments)

    def appctl(self, *arguments):
        return self.run("ovs-appctl", "-t", self._path("switch.ctl"), *arguments)

    def pid(self):
        """Of the switch itself: `ip netns exec` becomes the program."""
        return self._children[-1].pid

    # Its configuration

    def build(self, scenario, source, sink):
        """Bridges and rules first. The input port comes last, because its packets come at once."""
        inner, outer = "br-int", "br-phy"
        own = (f'other_config:hwaddr="{frames.LOCAL_MAC}"',)
        for bridge, extra in ((inner, ()), (outer, own)):
            self.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev",
                       "fail-mode=secure", *extra)
        tunnel = scenario.direction != "local"
        if tunnel:
            self.run("ip", "address", "add", f"{frames.LOCAL_TUNNEL}/24", "dev", outer)
            self.run("ip", "link", "set", outer, "up")
            self._port(inner, "tunnel", f"type={scenario.encap}",
                       f"options:remote_ip={frames.REMOTE_TUNNEL}", f"options:key={frames.VNI}")
            self.appctl("tnl/neigh/set", outer, frames.REMOTE_TUNNEL, frames.REMOTE_MAC)
            self.run("ovs-ofctl", "add-flow", outer, "actions=NORMAL")
        where = {"encap": (inner, outer, "input", "tunnel"), "decap": (outer, inner, "tunnel",
                 "output"), "local": (inner, inner, "input", "output")}[scenario.direction]
        self._out = where[1]
        self._port(where[1], "output", "type=dpdk", f"options:dpdk-devargs={sink}")
        self._rules(scenario, *(NUMBERS[name] for name in where[2:]))
        self._port(where[0], "input", "type=dpdk", f"options:dpdk-devargs={source}")

    def _port(self, bridge, name, *settings):
        self.vsctl("add-port", bridge, name, "--", "set", "Interface", name,
                   f"ofport_request={NUMBERS[name]}", *settings)
        said = self.vsctl("get", "Interface", name, "error").strip()
        if said not in ("[]", '""'):
            raise Failure(f"OVS: port {name}: {said}")

    def _rules(self, scenario, come, go):
        """New connections to the service's port are committed, behind other rules; established ones
        pass. The same number of rules as sluice has for these ends."""
        lines = [f"table=0,in_port={come},ip,ct_state=-trk,actions=ct(table=1,zone=1)",
                 f"table=1,priority=50,in_port={come},ip,ct_state=+trk+est,actions=output:{go}",
                 f"table=1,priority=20,in_port={come},udp,ct_state=+trk+new,"
                 f"tp_dst={frames.SERVICE_PORT},actions=ct(commit,zone=1),output:{go}"]
        lines += [f"table=1,priority=30,in_port={come},udp,ct_state=+trk+new,tp_dst={1000 + i},"
                  f"actions=ct(commit,zone=1),output:{go}" for i in range(scenario.rules - 1)]
        with open(self._path("rules"), "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        self.run("ovs-ofctl", "add-flows", "br-int", self._path("rules"))

    def cache(self, name):
        emc, smc = CACHES[name]
        self.vsctl("set", "Open_vSwitch", ".", f"other_config:emc-insert-inv-prob={emc}",
                   f"other_config:smc-enable={smc}")

    def sent(self):
        """Packets that went out; the statistics are written every few seconds only."""
        text = self.run("ovs-ofctl", "dump-ports", self._out, str(NUMBERS["output"]))
        return int(re.search(r"tx pkts=(\d+)", text).group(1))

    def received(self):
        text = self.appctl("dpif-netdev/pmd-stats-show")
        return sum(int(n) for n in re.findall(r"packets received: (\d+)", text))

    def connections(self):
        return int(self.appctl("dpctl/ct-get-nconns").strip())


def check_output(bench, scenario):
    """The same packets, compared with the same bytes. They are played without end, because the first
    ones come before the switch knows the port."""
    small = scenario.but(flows=CHECKED_PACKETS, pick="order")
    source, sink = bench.path("ovs-in.pcap"), bench.path("ovs-out.pcap")
    frames.write_pcap(source, [small.frame(flow) for flow in range(CHECKED_PACKETS)])
    with Ovs() as ovs:
        ovs.build(small, f"net_pcap0,rx_pcap={source},infinite_rx=1",
                  f"net_pcap1,tx_pcap={sink}")
        until = time.monotonic() + 10
        while time.monotonic() < until and os.path.getsize(sink) < CHECKED_BYTES:
            time.sleep(0.1)
    seen = {}
    for frame in frames.read_pcap(sink, CHECKED_BYTES):
        if frame[12:14] == b"\x08\x00":  # not what its bridge announces over IPv6
            seen.setdefault(int.from_bytes(frame[-22:-18], "big"), frame)
    os.unlink(sink)
    compare(small, [seen[mark] for mark in sorted(seen)], "OVS")


def cycles(bench, scenario):
    """TSC cycles a packet in the best of its cache configurations."""
    best = None
    with Ovs() as ovs:
        ovs.build(scenario, f"net_pcap0,rx_pcap={bench.files(scenario)[0]},infinite_rx=1",
                  "net_null1,no-rx=1")
        time.sleep(2 + scenario.flows / 20000)  # until every connection was opened
        for name in CACHES:
            ovs.cache(name)
            time.sleep(CHANGE_SECONDS)
            found = window(bench, ovs)
            if found and (best is None or found["cycles"] < best["cycles"]):
                best = found | {"cache": name}
        if best is None:
            raise Failure(f"OVS received nothing: {ovs.log()}")
        sent, received = ovs.sent(), ovs.received()
        time.sleep(0.5)
        sent, received = ovs.sent() - sent, ovs.received() - received
        # Each count takes a while, so the two are only about the same.
        if not 0.5 * received < sent < 2 * received:
            raise Failure(f"OVS sent {sent} packets of {received}")
        seen = ovs.connections()
        if not 0.99 * scenario.flows <= seen <= 1.01 * scenario.flows:
            raise Failure(f"OVS tracks {seen} connections instead of {scenario.flows}")
    return {"ovs_cycles": best["cycles"], "ovs_pps": best["pps"], "ovs_cache": best["cache"],
            "shared": best["shared"]}


def window(bench, ovs):
    """Its rate now. None when it received nothing, as while it restarts its threads for a setting."""
    received = ovs.received()
    start, begun = bench.tsc.read(), time.monotonic()
    waited = machine.worker_waited_ns(ovs.pid())
    time.sleep(bench.seconds)
    received, ticks = ovs.received() - received, bench.tsc.read() - start
    waited = (machine.worker_waited_ns(ovs.pid()) - waited) / 1e9 / (time.monotonic() - begun)
    if received == 0:
        return None
    return bench.figures(received / ticks * bench.tsc.hz, waited)
