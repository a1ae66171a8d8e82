# SPDX-License-Identifier: BSD-3-Clause
"""The ready configurations under configs/: each starts where its devices are, and does what it says."""
import json
import os

from lab.document import ROOT
from lab.expect import expect_equal, test, wait_until
from lab.net import link
from lab.site import workers
from lab.testpmd import Testpmd
from lab.traffic import expect_no_ping, expect_ping


class End:
    """A namespace, for pings."""

    def __init__(self, lab, name, ns=None):
        self.name, self.ns = name, ns or lab.namespace(name)

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
