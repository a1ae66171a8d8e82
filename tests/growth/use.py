# SPDX-License-Identifier: BSD-3-Clause
"""What is asked of a daemon that has the samples: each of them is used over the socket, or by a packet."""
import json

from lab.capture import DB_IP, DB_MAC, LOCAL, PEER_MAC, REMOTE, UPLINK_MAC, WEB_IP, WEB_MAC
from lab.daemon import Refused
from lab.expect import Failure, expect, expect_equal, wait_until
from lab.site import OPEN, VNI, workers
import frames

MTU = 1500
OVERHEAD = 20 + 8 + 8 + 14  # IPv4, UDP, VXLAN-GPE, inner Ethernet


def config(uplink, web):
    """A node with workload web here and db behind node b; the ports are the sample driver's."""
    return {
        "node": {"name": "a", "tunnel_addresses": [LOCAL]},
        "workers": workers(),
        "ports": [
            {"name": "uplink", "role": "underlay", "devargs": uplink.devargs, "mac": UPLINK_MAC,
             "addresses": [f"{LOCAL}/24"], "mtu": MTU},
            {"name": "web", "role": "access", "devargs": web.devargs, "mtu": MTU - OVERHEAD},
        ],
        "networks": [{"name": "blue", "vni": VNI, "encap": "vxlan-gpe", "policy_default": OPEN,
                      "subnets": [{"prefix": "10.0.0.0/24"}]}],
        "nodes": [{"name": "b", "address": REMOTE}],
        "neighbors": [{"port": "uplink", "address": REMOTE, "mac": PEER_MAC}],
        "endpoints": [
            {"name": "web", "network": "blue", "port": "web", "mac": WEB_MAC, "addresses": [WEB_IP]},
            {"name": "db", "network": "blue", "node": "b", "mac": DB_MAC, "addresses": [DB_IP]},
        ],
    }


class Scene:
    """The daemon and the other ends of its two ports."""

    def __init__(self, daemon, uplink, web):
        self.daemon, self.uplink, self.web = daemon, uplink, web

    def refused(self, method, params, path, words):
        """The call fails, names that path and says that."""
        try:
            self.daemon.call(method, params)
        except Refused as e:
            data = e.error.get("data", {})
            expect_equal(data.get("path"), path, f"{method}: path of the error {e.error}")
            expect(words in e.error["message"], f"{method}: the error does not say {words!r}: {e.error}")
            return
        raise Failure(f"{method} accepts {params}")


def _method(document, method):
    for m in document["methods"]:
        if m["name"] == method:
            return m
    raise Failure(f"rpc.discover has no method {method}")


def discovery_has_each_sample(scene):
    document = scene.daemon.call("rpc.discover")
    for verb in ("add", "set", "put", "del", "get", "list"):
        _method(document, f"reservations.{verb}")
    expect('"vxlan-gpe"' in json.dumps(_method(document, "networks.add")),
           "networks.add does not have the encapsulation")
    expect("The endpoint that has the address" in json.dumps(_method(document, "reservations.get")),
           "reservations.get does not have the reported field")
    port = _method(document, "stats.get")["result"]["schema"]["properties"]["ports"]["items"]
    expect_equal(port["properties"].get("mtu", {}).get("description"), "The MTU in force.", "the metric's description")


def collection_refuses_wrong_input(scene):
    good = {"name": "printer", "network": "blue", "address": "10.0.0.9"}
    scene.refused("reservations.add", {**good, "network": "red"}, "network", "red")
    scene.refused("reservations.add", {**good, "address": "10.0.1.9"}, "address", "none of the subnets")
    scene.refused("reservations.add", {**good, "address": "224.0.0.1"}, "address", "224.0.0.1")
    scene.refused("reservations.add", {**good, "adress": "10.0.0.9"}, "adress", "unknown field")
    scene.refused("reservations.add", {"name": "printer", "network": "blue"}, "address", "required")
    expect_equal(scene.daemon.call("reservations.list"), [], "reservations after refused calls")


def collection_is_added_to_changed_and_removed_from(scene):
    call = scene.daemon.call
    printer = {"name": "printer", "network": "blue", "address": "10.0.0.9"}
    call("reservations.add", printer)
    scene.refused("reservations.add", printer, "name", "printer")
    scene.refused("reservations.add", {**printer, "name": "plotter"}, "address", "10.0.0.9")
    call("reservations.set", {**printer, "holder": "the second floor"})
    expect_equal(call("reservations.get", {"name": "printer"}), {**printer, "holder": "the second floor"}, "printer")
    call("reservations.add", {"name": "gone", "network": "blue", "address": "10.0.0.10"})
    call("reservations.del", {"name": "gone"})
    scene.refused("reservations.get", {"name": "gone"}, "name", "gone")
    expect_equal([r["name"] for r in call("reservations.list")], ["printer"], "reservations")


def collection_reports_state(scene):
    scene.daemon.call("reservations.add", {"name": "web", "network": "blue", "address": WEB_IP})
    expect_equal(scene.daemon.call("reservations.get", {"name": "web"}).get("endpoint"), "web", "endpoint of web")


def collection_holds_what_it_refers_to(scene):
    call = scene.daemon.call
    call("networks.add", {"name": "green", "vni": 200})
    call("reservations.add", {"name": "green", "network": "green", "address": "10.0.0.9"})
    try:
        call("networks.del", {"name": "green"})
    except Refused as e:
        expect("green" in e.error["message"], f"the error names no reservation: {e.error}")
    else:
        raise Failure("a network with a reservation was removed")


def collection_survives_a_restart(scene):
    before = scene.daemon.call("reservations.list")
    expect_equal(len(before), 3, "reservations before the restart")
    scene.daemon.stop()
    scene.daemon.start()
    expect_equal(scene.daemon.call("reservations.list"), before, "reservations after the restart")


def driver_refuses_wrong_arguments(scene):
    port = {"name": "bad", "role": "access"}
    scene.refused("ports.add", {**port, "devargs": "datagram9,local=here,peer=/there"}, "devargs", "absolute paths")
    scene.refused("ports.add", {**port, "devargs": "datagram9"}, "devargs", "absolute paths")


def metric_is_in_the_statistics(scene):
    expect_equal(int(scene.daemon.port("uplink")["mtu"]), MTU, "mtu of port uplink in stats.get")


def path_has_the_room_that_the_encapsulation_leaves(scene):
    paths = scene.daemon.call("nodes.paths")
    expect_equal([(p["name"], p["inner_mtu"]) for p in paths], [("b", MTU - OVERHEAD)], "nodes.paths")


def packet_goes_out_encapsulated(scene):
    scene.web.send(frames.request())
    frame = scene.uplink.receive(frames.is_tunnel, "a tunnel packet")
    expect_equal(frames.tunnel_payload(frame), frames.header() + frames.request(), "behind the outer UDP header")
    expect(int(scene.daemon.port("web")["rx_packets"]) >= 1, "the port of the sample driver counts nothing")


def packet_comes_in_and_is_decapsulated(scene):
    scene.uplink.send(frames.tunnel(frames.reply()))
    scene.web.receive(lambda frame: frame == frames.reply(), "the reply")


def drop_reason_is_listed_and_counted(scene):
    reasons = {d["reason"]: int(d["count"]) for d in scene.daemon.call("drops.list", {"all": True})}
    expect_equal(reasons.get("tunnel_version"), 0, "tunnel_version before a packet was dropped for it")
    scene.uplink.send(frames.tunnel(frames.reply(), version=1))
    wait_until(lambda: scene.daemon.drop("tunnel_version") == 1,
               lambda: f"tunnel_version was not counted: {scene.daemon.drops()}", 20)
    recent = scene.daemon.call("drops.recent", {"limit": 20})
    expect("tunnel_version" in json.dumps(recent), f"drops.recent does not show it: {recent}")


def every_packet_is_accounted_for(scene):
    scene.daemon.expect_sum()


# In this order: the collection's own build on each other.
CHECKS = (
    discovery_has_each_sample,
    collection_refuses_wrong_input,
    collection_is_added_to_changed_and_removed_from,
    collection_reports_state,
    collection_holds_what_it_refers_to,
    collection_survives_a_restart,
    driver_refuses_wrong_arguments,
    metric_is_in_the_statistics,
    path_has_the_room_that_the_encapsulation_leaves,
    packet_goes_out_encapsulated,
    packet_comes_in_and_is_decapsulated,
    drop_reason_is_listed_and_counted,
    every_packet_is_accounted_for,
)
