# SPDX-License-Identifier: BSD-3-Clause
"""Two workloads, web and db, with interfaces and TCP of the kernel's: who is between them, and what
they do. The table of what is compared with what, and how it should come out, is in
report/workloads.py."""
from dataclasses import dataclass, replace

DAEMON_MB = 1024     # a daemon's default
PINGS_A_SECOND = 4   # of the measuring time: pings after idling, which take a second each
IDLE_PORTS = 500
PLAIN = ("af_packet",)  # kinds of port that need the workloads' offloads switched off


@dataclass(frozen=True)
class Work:
    """Kinds of sluice's ports: `tap`, `interface` (one end of a veth pair), `af_packet` (DPDK's
    net_af_packet on the same). The kernel's bridge always has veth pairs; OVS has `tap` or `veth`."""
    load: str = "stream"     # idle_ping, busy_ping, same, new: see workloads/loads.py
    switch: str = "sluice"   # kernel, ovs
    kind: str = "tap"        # of the workloads' ports
    underlay: str = ""       # none: on one node; veth or memif: on two
    at_once: int = 1         # streams, or connections that ask
    idle: int = 0            # ports beside them that carry nothing
    cut: bool = False        # before the underlay, to its MTU; otherwise super-packets cross it whole

    def but(self, **changes):
        return replace(self, **changes)

    @property
    def daemons(self):
        return 0 if self.switch != "sluice" else 2 if self.underlay else 1

    def memory_mb(self):
        return self.daemons * DAEMON_MB

    def setup_seconds(self, seconds):
        """How long it takes beside what every point takes, roughly."""
        pinging = PINGS_A_SECOND * seconds if self.load == "idle_ping" else 0
        return pinging + 2 * self.daemons + self.idle / 50


def title(work):
    """What a figure's line is called."""
    if work.switch == "ovs":
        return "OVS-DPDK"
    if work.switch == "kernel":
        return "kernel"
    if work.kind in PLAIN:
        return "sluice, af_packet without offloads"
    return f"sluice, {'TAP' if work.kind == 'tap' else work.kind} ports"


BRIDGE = Work(switch="kernel", kind="veth")
OVS = Work(switch="ovs", kind="veth")
TAP, INTERFACE = Work(), Work(kind="interface")

# Name in keys -> who is between the workloads, where both are on one node.
ON_ONE_NODE = {"bridge": BRIDGE, "tap": TAP, "interface": INTERFACE}
WITH_OVS = ON_ONE_NODE | {"ovs-veth": OVS, "ovs-tap": OVS.but(kind="tap")}
# The same for two nodes over a veth pair, which carries super-packets whole, as no NIC does.
ON_TWO_NODES = {"kernel": BRIDGE.but(underlay="veth"), "sluice": TAP.but(underlay="veth"),
                "kernel-cut": BRIDGE.but(underlay="veth", cut=True),
                "sluice-cut": TAP.but(underlay="veth", cut=True)}
