# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch's userspace datapath between two workloads, with its userspace TSO on."""
from bench.measuring.daemon import Failure
from bench.peers import ovs as peer
from bench.workloads import places
from bench.workloads.spaces import DEVICE, Pair

BRIDGE = "br-int"
TSO = "other_config:userspace-tso-enable=true"
NUMBERS = {"web": 1, "db": 2}
# New connections are committed when web opens them; what belongs to one passes.
RULES = ("table=0,arp,actions=NORMAL",
         "table=0,ip,ct_state=-trk,actions=ct(table=1,zone=1)",
         "table=1,in_port=1,ip,ct_state=+trk+est,actions=output:2",
         "table=1,in_port=2,ip,ct_state=+trk+est,actions=output:1",
         "table=1,in_port=1,ip,ct_state=+trk+new,actions=ct(commit,zone=1),output:2")


def missing(bench):
    """Why it cannot take part; None: it can."""
    return peer.missing() or (None if bench.hugepages else "OVS-DPDK needs hugepages")


def add_port(switch, name, *settings):
    switch.vsctl("add-port", BRIDGE, name, "--", "set", "Interface", name,
                 f"ofport_request={NUMBERS[name]}", *settings)
    said = switch.vsctl("get", "Interface", name, "error").strip()
    if said not in ("[]", '""'):
        raise Failure(f"OVS: port {name}: {said}")


def ovs(stack, _, work):
    """Ports of the kind `veth` are packet sockets on the near ends of veth pairs; a `tap` is made by
    OVS and moved into the workload's namespace."""
    ends = places.workloads(stack)
    switch = stack.enter_context(peer.Ovs((TSO,)))
    switch.vsctl("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev",
                 "fail-mode=secure")
    for rule in RULES:
        switch.run("ovs-ofctl", "add-flow", BRIDGE, rule)
    for end in ends:
        if work.kind == "tap":
            add_port(switch, end.name, "type=tap")
            switch.run("ip", "link", "set", end.name, "netns", end.space.name, "name", DEVICE)
        else:
            switch.run("ip", "link", "add", end.name, "type", "veth", "peer", "name", DEVICE,
                       "netns", end.space.name)
            switch.run("ip", "link", "set", end.name, "up")
            add_port(switch, end.name)
        end.configure(places.MTU)
    return Pair(*ends)
