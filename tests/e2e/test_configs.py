# SPDX-License-Identifier: BSD-3-Clause
"""The ready configurations under configs/: each starts where its devices are, and does what it says."""
import json
import os

from lab.document import ROOT
from lab.expect import expect_equal, test, wait_until
from lab.net import link
from lab.site import workers
from lab.testpmd import Testpmd
from lab.traffic import expect_no_ping, expect_ping, expect_tcp
from lab.trunk import Trunk, vlan_of

from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Dot1Q, Ether

SERVER = "198.51.100.7"


class End:
    """A namespace, for pings."""

    def __init__(self, lab, name, ns=None, ip=None):
        self.name, self.ns, self.ip = name, ns or lab.namespace(name), ip

    def address(self, address, dev="eth0"):
        self.ns.run("ip", "addr", "add", f"{address}/24", "dev", dev)


def node_of(lab):
    """A namespace with the underlay's interface that the files name."""
    node, cable = lab.namespace("node"), lab.namespace("cable")
    link(node, "up0", cable, "up0", 1600)
    return node


def start(lab, node, name):
    """The file as it is, but for the core and the memory that the machine has."""
    config = json.loads((ROOT / f"configs/{name}.json").read_text(encoding="utf-8"))
    config["workers"] = {**config["workers"], "cores": workers()["cores"], "hugepages": "off"}
    return lab.daemon(name, config, node).start()


def states(daemon):
    return {p["name"]: p["state"] for p in daemon.call("ports.list")}


@test
def a_node_with_containers_attaches_them_all(lab):
    node = node_of(lab)
    web, db, cache = (End(lab, name) for name in ("web-1", "db-1", "cache-1"))
    link(node, "sl-cache-1", cache.ns, "eth0", 1450)
    cache.ns.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:07")
    daemon = start(lab, node, "containers")
    expect_equal(set(states(daemon).values()), {"up"}, "states of the ports")
    for end, address in ((web, "10.0.0.5"), (db, "10.0.0.6"), (cache, "10.0.0.7")):
        end.address(address)
    expect_ping(web, "10.0.0.6")
    expect_ping(web, "10.0.0.7")
    expect_no_ping(db, "10.0.0.5")
    expect_no_ping(cache, "10.0.0.6")


@test
def two_nodes_reach_each_other(lab):
    a, b = lab.namespace("node-a"), lab.namespace("node-b")
    link(a, "up0", b, "up0", 1600)
    web, db = End(lab, "web-1"), End(lab, "db-1")
    first, second = start(lab, a, "two-nodes-a"), start(lab, b, "two-nodes-b")
    expect_equal([set(states(d).values()) for d in (first, second)], [{"up"}, {"up"}], "states of the ports")
    web.address("10.0.0.5")
    db.address("10.0.0.6")
    expect_ping(web, "10.0.0.6")
    expect_no_ping(db, "10.0.0.5")


@test
def a_node_with_virtual_machines_waits_for_them(lab):
    daemon = start(lab, node_of(lab), "machines")
    expect_equal(states(daemon), {"uplink0": "up", "vm-1": "down", "vm-2": "down"}, "states of the ports")
    path = next(p for p in daemon.config["ports"] if p["name"] == "vm-2")["devargs"].partition("iface=")[2]
    expect_equal(os.path.exists(path), True, f"the socket {path}")
    with Testpmd(lab, "vm", f"net_virtio_user0,path={path}", "icmpecho"):
        wait_until(lambda: states(daemon)["vm-2"] == "up", lambda: f"states: {states(daemon)}", 20)
    wait_until(lambda: states(daemon)["vm-2"] == "down", lambda: f"states: {states(daemon)}", 20)


@test
def a_node_with_the_host_on_the_same_nic_has_both_taps(lab):
    node, peer = lab.namespace("node"), lab.namespace("peer")
    link(node, "up0", peer, "up0", 1600)
    peer.run("ip", "addr", "add", "192.0.2.2/24", "dev", "up0")
    web, host, far = End(lab, "web-1"), End(lab, "host-1", node), End(lab, "far-1", peer)
    daemon = start(lab, node, "host-on-the-nic")
    expect_equal(states(daemon), {"uplink0": "up", "web-1": "up"}, "states of the ports")
    web.address("10.0.0.5")
    for dev, address in (("up0h", "192.0.2.1"), ("blue-h", "10.0.0.250")):
        wait_until(lambda d=dev, a=address: a in node.run("ip", "addr", "show", "dev", d),
                   lambda d=dev: f"{d} has no address: {node.run('ip', 'addr')}", 20)
    expect_ping(host, "10.0.0.5")
    expect_no_ping(web, "10.0.0.250")
    expect_ping(host, "192.0.2.2")
    expect_ping(far, "192.0.2.1")
    # fragments, too: to and from the host's wire, and its network
    expect_ping(host, "192.0.2.2", 3, "-s", "8000")
    expect_ping(far, "192.0.2.1", 3, "-s", "8000")
    expect_ping(host, "10.0.0.5", 3, "-s", "8000")
    web.ns.run("ip", "route", "add", "default", "dev", "eth0")
    expect_no_ping(web, "192.0.2.2")


@test
def two_nodes_reach_each_other_by_geneve_over_ipv6_through_their_gateways(lab):
    a, b = lab.namespace("node-a", ipv6=True), lab.namespace("node-b", ipv6=True)
    link(a, "up0", b, "up0", 1600)
    web, db = End(lab, "web-1"), End(lab, "db-1")
    first, second = start(lab, a, "geneve-ipv6-a"), start(lab, b, "geneve-ipv6-b")
    expect_equal([set(states(d).values()) for d in (first, second)], [{"up"}, {"up"}], "states of the ports")
    for end, address, gateway in ((web, "10.0.0.5", "10.0.0.1"), (db, "10.0.1.6", "10.0.1.1")):
        end.address(address)
        end.ns.run("ip", "route", "add", "default", "via", gateway)
    expect_ping(web, "10.0.0.1")
    expect_ping(web, "10.0.1.6", 5, "-M", "do", "-s", str(1500 - 28))
    expect_no_ping(db, "10.0.0.5")
    paths = [(p["family"], p["inner_mtu"]) for d in (first, second) for p in d.call("nodes.paths")]
    expect_equal(paths, [("ipv6", 1600 - 78)] * 2, "families, and what fits besides Geneve's headers")


def with_router(lab, name, gateway):
    """The node, its workload, and a router that is also the server that the file's policy names."""
    node, router = lab.namespace("node"), lab.namespace("router")
    link(node, "up0", router, "up0", 1500)
    router.run("ip", "addr", "add", "192.0.2.254/24", "dev", "up0")
    router.run("ip", "addr", "add", f"{SERVER}/32", "dev", "lo")
    web = End(lab, "web-1")
    daemon = start(lab, node, name)
    expect_equal(set(states(daemon).values()), {"up"}, "states of the ports")
    return daemon, web, End(lab, "server", router, SERVER), gateway


@test
def a_node_in_a_routed_fabric_needs_no_tunnel(lab):
    daemon, web, server, gateway = with_router(lab, "routed-fabric", "10.20.1.1")
    server.ns.run("ip", "route", "add", "10.20.1.0/24", "via", "192.0.2.1", "src", SERVER)
    web.address("10.20.1.5")
    web.ns.run("ip", "route", "add", "default", "via", gateway)
    expect_ping(web, SERVER)
    expect_tcp(web, server)
    expect_ping(server, "10.20.1.5")
    expect_ping(web, "192.0.2.254")
    server.ns.run("ip", "route", "replace", "10.20.1.0/24", "via", "192.0.2.1", "src", "192.0.2.254")
    expect_no_ping(server, "10.20.1.5")  # only the server's prefix may begin
    daemon.expect_sum()


@test
def a_node_with_translation_is_the_way_out_for_its_workloads(lab):
    daemon, web, server, gateway = with_router(lab, "nat-gateway", "10.0.0.1")
    web.address("10.0.0.5")
    web.ns.run("ip", "route", "add", "default", "via", gateway)
    expect_ping(web, SERVER)
    expect_tcp(web, server)
    expect_no_ping(web, "192.0.2.254")  # no policy names it
    expect_equal({f["rewritten"]["source"] for f in daemon.call("flows.list")["flows"] if f["destination"] == SERVER},
                 {"192.0.2.1"}, "translated sources")
    server.ns.run("ip", "route", "add", "10.0.0.0/24", "via", "192.0.2.1")
    expect_no_ping(server, "10.0.0.5")
    daemon.expect_sum()


@test
def a_trunk_has_a_network_for_each_vlan(lab):
    node = node_of(lab)
    vm, db = lab.namespace("vm-1"), End(lab, "db-1")
    daemon = start(lab, node, "trunk")
    expect_equal(set(states(daemon).values()), {"up"}, "states of the ports")
    db.address("10.0.0.6")
    trunk = Trunk(vm)

    def answered(mac, vlan, number):
        trunk.send(Ether(src=mac, dst="02:00:00:00:00:16") / Dot1Q(vlan=vlan) /
                   IP(src="10.0.0.7", dst="10.0.0.6") / ICMP(id=number) / b"over the trunk")
        return any(vlan_of(f) == vlan and b"over the trunk" in f
                   for f in trunk.frames(2, lambda fs: any(b"over the trunk" in f for f in fs)))

    expect_equal(answered("02:00:00:00:00:07", 7, 71), True, "answer in VLAN 7")
    expect_equal(answered("02:00:00:00:00:08", 8, 81), False, "answer in VLAN 8, which is another network")
    trunk.close()
    daemon.expect_sum()
