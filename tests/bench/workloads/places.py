# SPDX-License-Identifier: BSD-3-Clause
"""What is between two workloads: sluice on one node or on two, or the kernel's bridge and VXLAN.

sluice has the configuration that it is shipped with: of the workers' settings only the core and
`adaptive`, the mode for nodes that share their cores, are given. Policy is enforced and denies by
default; one rule allows the workloads' traffic in each direction."""
import json
import os

from bench.measuring.daemon import Daemon
from bench.scenario.workloads import PLAIN
from bench.workloads.spaces import Pair, Space, Workload, plain, veth

VNI, VXLAN_PORT = 100, 4789
MTU, TUNNEL_MTU = 1500, 1450
NODES = {"a": "192.0.2.1", "b": "192.0.2.2"}
CORES = {"a": 1, "b": 0}  # of the workers
UPLINK = "up0"
LABELS = {"role": "workload"}


def workloads(stack):
    """web and db, still without interfaces."""
    return [Workload(number, name, stack.enter_context(Space(name)))
            for number, name in ((5, "web"), (6, "db"))]


def nodes(stack, work):
    """Name -> namespace; of two nodes with a veth pair between them, if that is the underlay."""
    spaces = {name: stack.enter_context(Space(f"node-{name}"))
              for name in (("a", "b") if work.underlay else ("a",))}
    if work.underlay == "veth":
        veth(spaces["a"], UPLINK, spaces["b"], UPLINK)
        for space in spaces.values():
            space.ip(f"link set {UPLINK} up")
    return spaces


def uplink(spaces, work):
    return (spaces["a"], UPLINK) if work.underlay == "veth" else None


def home(ends, spaces):
    """(node's name, its namespace, workload) of both workloads."""
    names = list(spaces) if len(spaces) == 2 else ["a", "a"]
    return [(name, spaces[name], end) for name, end in zip(names, ends)]


# The kernel


def kernel(stack, _, work):
    ends, spaces = workloads(stack), nodes(stack, work)
    for name, space in spaces.items():
        space.ip("link add br0 type bridge mcast_snooping 0", "link set br0 up")
        if work.underlay:
            other = next(address for node, address in NODES.items() if node != name)
            space.ip(f"address add {NODES[name]}/24 dev {UPLINK}",
                     f"link add vx0 type vxlan id {VNI} dstport {VXLAN_PORT} local {NODES[name]} "
                     f"remote {other} dev {UPLINK}",
                     "link set vx0 master br0", "link set vx0 up")
        if work.cut:
            space.run("ethtool", "-K", UPLINK, "tso", "off", "gso", "off",
                      "tx-udp_tnl-segmentation", "off", "tx-udp_tnl-csum-segmentation", "off")
    for _, space, end in home(ends, spaces):
        veth(space, end.name, end.space)
        space.ip(f"link set {end.name} master br0", f"link set {end.name} up")
        end.configure(TUNNEL_MTU if work.underlay else MTU)
    return Pair(*ends, underlay=uplink(spaces, work))


# sluice


def device(kind, number, name, space):
    """The part of a port object that names its device: by kind, in the workload's namespace."""
    return {"tap": {"tap": {"name": "eth0", "netns": space.path}},
            "interface": {"interface": name},
            "af_packet": {"devargs": f"net_af_packet{number},iface={name}"}}[kind]


def underlay_port(node, work, directory):
    port = {"name": "uplink", "role": "underlay", "addresses": [f"{NODES[node]}/24"]}
    if work.underlay == "memif":
        role = "server" if node == "a" else "client"
        socket = os.path.join(directory, "memif.sock")
        return port | {"devargs": f"net_memif0,role={role},id=0,socket={socket},socket-abstract=no"}
    if work.kind in PLAIN:
        return port | {"devargs": f"net_af_packet0,iface={UPLINK}"}
    more = {"offloads": {"udp_gso": False}} if work.cut else {}
    return port | {"interface": UPLINK} | more


def endpoint(name, mac, address, labels, **where):
    return {"name": name, "network": "blue", "mac": mac, "addresses": [address], "labels": labels,
            **where}


def rule(direction):
    return {"name": f"workloads-{direction}", "network": "blue", "direction": direction,
            "subject": {"labels": LABELS}, "peers": [{"labels": LABELS}], "action": "allow"}


def config(node, places, work, hugepages, directory):
    """`places`: (node's name, its namespace, workload) of all workloads."""
    ports = [{"name": end.name, "role": "access", **device(work.kind, number, end.name, end.space)}
             for number, (name, _, end) in enumerate(places, 1) if name == node]
    found = {"node": {"name": node},
             "workers": {"cores": [CORES[node]], "idle": "adaptive",
                         "hugepages": "required" if hugepages else "off"},
             "networks": [{"name": "blue", "vni": VNI, "encap": "vxlan", "policy_mode": "enforce",
                           "policy_default": {"ingress": "deny", "egress": "deny"}}],
             "endpoints": [endpoint(end.name, end.mac, end.address, LABELS,
                                    **({"port": end.name} if name == node else {"node": name}))
                           for name, _, end in places],
             "policies": [rule("egress"), rule("ingress")]}
    if work.underlay:
        found["node"]["tunnel_addresses"] = [NODES[node]]
        found["nodes"] = [{"name": name, "address": address} for name, address in NODES.items()
                          if name != node]
        ports.insert(0, underlay_port(node, work, directory))
    return found | {"ports": ports}


def idle_ports(whole, work, space):
    """Adds ports that carry nothing, and their endpoints."""
    for i in range(work.idle):
        name = f"idle{i}"
        where = {"tap": {"name": name, "netns": space.path}} if work.kind == "tap" else device(
            work.kind, i + 3, name, space)
        whole["ports"].append({"name": name, "role": "access", **where})
        whole["endpoints"].append(endpoint(name, f"02:00:00:01:{i // 256:02x}:{i % 256:02x}",
                                           f"10.0.{1 + i // 250}.{1 + i % 250}", {"role": "idle"},
                                           port=name))


def attach(work, places):
    """Interfaces that must be there before the daemon."""
    for _, space, end in places:
        if work.kind != "tap":
            veth(space, end.name, end.space)
            space.ip(f"link set {end.name} up")
        if work.kind in PLAIN:
            plain(end.space, "eth0")
    if work.kind in PLAIN and work.underlay == "veth":
        for _, space, _ in places:
            plain(space, UPLINK)


def attach_idle(work, node, space):
    if work.kind != "tap" and work.idle:
        node.ip(*(f"link add idle{i} type veth peer name idle{i} netns {space.name}"
                  for i in range(work.idle)),
                *(f"link set idle{i} up" for i in range(work.idle)))


def sluice(stack, bench, work):
    ends, spaces = workloads(stack), nodes(stack, work)
    idle = stack.enter_context(Space("idle")) if work.idle else None
    places = home(ends, spaces)
    attach(work, places)
    attach_idle(work, spaces["a"], idle)
    daemons = []
    for node, space in spaces.items():
        whole = config(node, places, work, bench.hugepages, bench.directory)
        if node == "a":
            idle_ports(whole, work, idle)
        path = bench.path(f"node-{node}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(whole, file)
        daemons.append(stack.enter_context(Daemon(bench.binary, bench.directory, path,
                                                  name=f"node-{node}", within=space.within())))
    for end in ends:
        end.configure(TUNNEL_MTU if work.underlay else MTU)
    if idle:
        idle.ip(*(f"link set idle{i} up" for i in range(work.idle)))
    return Pair(*ends, daemons, uplink(spaces, work))
