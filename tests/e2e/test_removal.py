# SPDX-License-Identifier: BSD-3-Clause
"""What is removed leaves nothing behind that a later object of the same number could inherit."""
from lab.capture import capture_config
from lab.expect import expect, expect_equal, test, wait_until

FLOW = {"protocol": "udp", "source": "10.0.0.5", "source_port": 1, "destination": "10.0.0.6",
        "destination_port": 2}


def programmed(daemon):
    return [flow for flow in daemon.call("flows.list")["flows"] if flow["state"] == "programmed"]


def expect_none_programmed(daemon):
    wait_until(lambda: not programmed(daemon), "programmed entries are still there")


def null_node(lab):
    return lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")).start()


@test
def entries_of_a_network_go_with_it(lab):
    daemon = null_node(lab)
    daemon.call("networks.add", {"name": "red", "vni": 4711, "encap": "vxlan"})
    daemon.call("flows.add", {"network": "red", "action": "allow", **FLOW})
    expect_equal(len(programmed(daemon)), 1, "entries")
    daemon.call("networks.del", {"name": "red"})
    expect_none_programmed(daemon)


@test
def redirects_to_a_port_go_with_it(lab):
    daemon = null_node(lab)
    network = daemon.call("networks.list")[0]["name"]
    daemon.call("ports.add", {"name": "tap", "role": "access", "devargs": "net_null7,no-rx=1"})
    daemon.call("flows.add", {"network": network, "action": "redirect", "port": "tap", **FLOW})
    expect_equal(len(programmed(daemon)), 1, "entries")
    daemon.call("ports.del", {"name": "tap"})
    expect_none_programmed(daemon)


@test
def redirects_to_a_node_go_with_it(lab):
    daemon = null_node(lab)
    network = daemon.call("networks.list")[0]["name"]
    daemon.call("nodes.add", {"name": "far", "address": "192.0.2.77"})
    daemon.call("flows.add", {"network": network, "action": "redirect", "node": "far", **FLOW})
    daemon.call("nodes.del", {"name": "far"})
    expect_none_programmed(daemon)


@test
def an_endpoint_may_go_while_identities_move(lab):
    """And the daemon ends cleanly afterwards, which the end of every test demands."""
    daemon = null_node(lab)
    gone, stays = daemon.call("endpoints.list")[:2]
    daemon.apply(("endpoints.del", {"name": gone["name"]}),
                 ("identities.add", {"id": 1001, "labels": stays["labels"]}))
    expect_equal(daemon.call("endpoints.get", {"name": stays["name"]})["identity"], 1001, "identity")


@test
def a_ports_counters_start_from_zero(lab):
    daemon = null_node(lab)
    for _ in range(3):
        daemon.call("ports.add", {"name": "busy", "role": "access", "devargs": "net_null8"})
        port = [p for p in daemon.call("stats.get")["ports"] if p["name"] == "busy"][0]
        wait_until(lambda: [p for p in daemon.call("stats.get")["ports"]
                            if p["name"] == "busy"][0]["rx_packets"] > 100000, "no packets")
        daemon.call("ports.del", {"name": "busy"})
        expect(port["rx_packets"] < 50000, f"it began with {port['rx_packets']} packets")
