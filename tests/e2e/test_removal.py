# SPDX-License-Identifier: BSD-3-Clause
"""A removed object leaves nothing behind that a later object of the same number could inherit."""
from lab.capture import capture_config, write_pcap
from lab.expect import expect_equal, test, wait_until

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
    """Each incarnation of the port receives a different number of frames."""
    daemon = null_node(lab)
    for n in (700, 300, 500):
        path = lab.file(f"{n}.pcap")
        write_pcap(path, [bytes(60)] * n)
        daemon.call("ports.add", {"name": "busy", "role": "access", "devargs": f"net_pcap8,rx_pcap={path}"})

        def received():
            return daemon.port("busy")["rx_packets"]

        wait_until(lambda: received() >= n, f"{n} frames did not come in")
        expect_equal(received(), n, "frames received")
        daemon.call("ports.del", {"name": "busy"})
