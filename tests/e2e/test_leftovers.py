# SPDX-License-Identifier: BSD-3-Clause
"""Packets that wait in a device when their receiver is removed or changed; frames of the host
itself."""
import os
import signal
import time

from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.workloads import (BLUE, DB, DB_EP, DB_MAC, RED, RED2, RED2_EP, RED_EP, RED_MAC, RED_NET, WEB, WEB_EP, WEB_MAC,
                           N, Rig, Wire, endpoint, packet, ports, xdp_rig)

HAND_ON = (("endpoints.del", {"name": "db"}), ("endpoints.del", {"name": "web"}),
           ("endpoints.add", RED_EP), ("endpoints.add", RED2_EP))


def expect_recalled(rig, before, n=N):
    port = rig.daemon.port("db")
    expect_equal(port["tx_packets"] - before["tx_packets"] >= 0, True, "tx_packets grows only")
    expect_equal(port["tx_recalled"], rig.daemon.drop("stale"), "tx_recalled")
    expect(port["tx_dropped"] >= n, f"tx_dropped: {port}, before {before}")
    # Endpoints that come with it are announced, to this port as well.
    told = rig.daemon.call("stats.get")["announcements"]["sent"]
    expect(n <= not_sent(rig) <= n + told, f"packets dropped: {not_sent(rig)} of {n}, and {told} announcements sent")
    rig.daemon.expect_sum()


def not_sent(rig):
    """Packets sent before the link was known to be down are thrown away; later packets are
    refused."""
    return rig.daemon.drop("stale") + rig.daemon.drop("port_down")


@test
def packets_kept_back_are_not_for_the_next_network_in_the_same_transaction(lab):
    rig = Rig(lab)
    before = rig.fill()
    rig.daemon.apply(*HAND_ON)
    expect_recalled(rig, before)
    rig.nothing_old()


@test
def packets_kept_back_are_not_for_the_next_network_one_call_at_a_time(lab):
    rig = Rig(lab)
    before = rig.fill()
    for method, params in HAND_ON:
        rig.daemon.call(method, params)
    expect_recalled(rig, before)
    rig.nothing_old()


@test
def packets_kept_back_are_not_for_the_next_network_by_a_whole_configuration(lab):
    rig = Rig(lab)
    before = rig.fill()
    rig.daemon.call("config.replace", {"config": {
        "ports": rig.config["ports"], "networks": [BLUE, RED_NET],
        "endpoints": [RED_EP, RED2_EP]}})
    expect_recalled(rig, before)
    rig.nothing_old()


@test
def packets_kept_back_are_not_for_the_next_workload_of_the_same_network(lab):
    rig = Rig(lab)
    before = rig.fill()
    heir = endpoint("heir", "blue", "db", RED_MAC, RED)
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("endpoints.add", heir))
    expect_recalled(rig, before)
    rig.up()
    rig.web.send(packet(WEB_MAC, RED_MAC, WEB, RED, b"hello"))
    expect_equal(rig.db.count(0.5), 0, "packets of the workload before")


@test
def packets_kept_back_go_with_their_port(lab):
    rig = Rig(lab)
    rig.fill()
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))
    wait_until(lambda: not_sent(rig) == N, "they are not counted")
    rig.daemon.expect_sum()
    rig.daemon.apply(("endpoints.del", {"name": "web"}), ("ports.add", ports()[1]),
                     ("endpoints.add", RED_EP), ("endpoints.add", RED2_EP))
    rig.nothing_old()


def stays_down(rig, down, up):
    expect(rig.db_is_reached(), "db is not reached at first")
    down()
    rig.send()
    wait_until(lambda: not_sent(rig) == N, "they are kept", 2.5)
    rig.daemon.expect_sum()
    rig.send(700)  # more than the ring holds: the rest is refused
    wait_until(lambda: not_sent(rig) == N + 700,
               lambda: f"they are kept: {rig.daemon.drops()}", 2.5)
    up()
    rig.db.n_old = 0
    rig.db.count(0.2)
    wait_until(rig.db_is_reached, "db is not reached any more")
    rig.db.count(0.3)
    expect_equal(rig.db.n_old, 0, "old packets when the interface is back")
    rig.daemon.expect_sum()


@test
def packets_for_a_workload_that_stays_down_are_dropped_in_time(lab):
    rig = Rig(lab)
    stays_down(rig, rig.down, rig.up)


@test
def packets_for_an_interface_that_stays_down_are_dropped_in_time(lab):
    rig = Rig(lab)
    stays_down(rig, lambda: rig.set_near_end("down"), lambda: rig.set_near_end("up"))


@test
def the_first_packet_after_an_interface_was_down_arrives(lab):
    rig = Rig(lab)
    for down, up in ((lambda: rig.set_near_end("down"), lambda: rig.set_near_end("up")),
                     (rig.down, rig.up)):
        rig.fill(down)
        time.sleep(1.5)
        up()
        time.sleep(1.5)
        expect(rig.db_is_reached(), "it does not")


@test
def a_packet_that_nothing_pushes_out_does_not_leave_much_later(lab):
    """Packets for an interface that was down only for an instant; nothing is sent for seconds."""
    rig = Rig(lab)
    rig.fill()
    rig.up()
    wait_until(lambda: not_sent(rig) == N, "they are kept", 3)
    rig.db.n_old = 0
    wait_until(rig.db_is_reached, "db is not reached any more")
    rig.db.count(0.2)
    expect_equal(rig.db.n_old, 0, "old packets with the first new one")


def later_is_heard(rig):
    """Not at once, when the worker is too busy to drain the port within the call."""
    rig.db.send(packet(RED_MAC, WEB_MAC, RED, RED2, b"now it is mine"))
    return rig.web.count(0.1, b"now it is mine") > 0


def nothing_early(rig):
    """
    Frames wait to be received while the daemon is held up, and claim to be of the workload that the
    port is given to meanwhile.
    """
    rig.db.send(packet(DB_MAC, WEB_MAC, DB, WEB, b"early"))
    wait_until(lambda: rig.daemon.port("db")["rx_packets"] > 0, "db is not heard")
    forward, back = HAND_ON, (("endpoints.del", {"name": "red"}), ("endpoints.del", {"name": "red2"}),
                              ("endpoints.add", WEB_EP), ("endpoints.add", DB_EP))
    client = rig.daemon.client()
    for _ in range(10):
        rig.daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(100):
            rig.db.send(packet(RED_MAC, WEB_MAC, RED, RED2))
        client.send("txn.apply",
                    {"operations": [{"method": m, "params": p} for m, p in forward]})
        rig.daemon.process.send_signal(signal.SIGCONT)
        client.answer("txn.apply")
        expect_equal(rig.web.count(0.1), 0, "frames sent before the port was given to the sender")
        wait_until(lambda: later_is_heard(rig), "nothing that is sent after arrives")
        rig.daemon.apply(*back)


@test
def frames_of_the_workload_before_are_not_the_next_ones(lab):
    nothing_early(Rig(lab))


@test
def an_endpoint_that_shares_a_port_may_go_without_a_trace(lab):
    other = endpoint("db2", "blue", "db", "02:00:00:00:00:07", "10.0.0.7")
    rig = Rig(lab, more=(other,))
    for _ in range(20):
        rig.daemon.call("endpoints.del", {"name": "db2"})
        rig.web.send(packet(load=b"for db"))
        rig.daemon.call("endpoints.add", other)
        rig.web.send(packet(load=b"for db"))
    expect_equal(rig.db.count(0.5, b"for db"), 40, "packets for the one that stays")


@test
def an_endpoint_that_changes_its_labels_loses_nothing(lab):
    rig = Rig(lab)
    for i in range(20):
        rig.daemon.call("endpoints.set", {**DB_EP, "labels": {"app": f"db{i}"}})
        rig.web.send(packet(load=b"for db"))
    expect_equal(rig.db.count(0.5, b"for db"), 20, "packets")


@test
def what_the_host_sends_is_not_the_workloads(lab):
    rig = Rig(lab)
    host = Wire(rig.node, "sl-db")
    rig.db.send(packet(DB_MAC, WEB_MAC, DB, WEB, b"mine"))
    expect_equal(rig.web.count(0.3, b"mine"), 1, "frames of the workload")
    before = rig.daemon.totals()["received"]
    for _ in range(N):
        host.send(packet(DB_MAC, WEB_MAC, DB, WEB, b"not db's"))
    expect_equal(rig.web.count(0.3, b"not db's"), 0, "frames of the host")
    expect_equal(rig.daemon.totals()["received"] - before, 0, "frames received")
    rig.db.send(packet(DB_MAC, WEB_MAC, DB, WEB, b"mine"))
    expect_equal(rig.web.count(0.3, b"mine"), 1, "frames of the workload")


def host_is_not_heard(rig):
    """Frames that the host sends on db's interface. Frames that sluice sends there are not received
    either."""
    host = Wire(rig.node, "sl-db")
    rig.db.send(packet(DB_MAC, WEB_MAC, DB, WEB, b"mine"))
    expect_equal(rig.web.count(0.3, b"mine"), 1, "frames of the workload")
    before = rig.daemon.port("db")["rx_packets"]
    for _ in range(N):
        host.send(packet(DB_MAC, WEB_MAC, DB, WEB, b"not db's"))
    rig.send()
    expect_equal(rig.web.count(0.3, b"not db's"), 0, "frames of the host")
    expect_equal(rig.daemon.port("db")["rx_packets"] - before, 0, "frames received")


@test
def what_the_host_sends_is_not_heard_by_a_capture_of_what_comes_in(lab):
    rig = Rig(lab)
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))
    for args in ("iface=sl-db", "rx_iface=sl-db,tx_iface=sl-db"):
        try:
            rig.daemon.call("ports.add", {"name": "db", "role": "access",
                                          "devargs": f"net_pcap1,{args}"})
        except Refused as e:
            expect("both" in str(e) or "this host sends" in str(e), f"it does not say why: {e}")
        else:
            expect(False, f"{args} is accepted")
    rig.daemon.apply(("ports.add", {"name": "db", "role": "access",
                                    "devargs": "net_pcap1,rx_iface_in=sl-db,tx_iface=sl-db"}),
                     ("endpoints.add", DB_EP))
    wait_until(rig.db_is_reached, "db is not reached")
    host_is_not_heard(rig)


def added_again(rig, *operations):
    """A device may take a moment to close; the kernel, to let go of a queue."""
    why = []

    def added():
        try:
            rig.daemon.apply(*operations)
        except Refused as e:
            why[:] = [e]
            return False
        return True
    wait_until(added, lambda: f"the device does not open again: {why}")


@test
def a_new_port_hears_its_own_interface_only(lab):
    """A packet socket hears every interface until it is bound; web floods meanwhile."""
    rig = Rig(lab)
    rig.daemon.call("endpoints.del", {"name": "db"})
    pid = os.fork()
    if pid == 0:
        frame = bytes(packet(DB_MAC, WEB_MAC, DB, WEB))
        while True:
            rig.web.s.send(frame)
    try:
        for _ in range(20):
            rig.daemon.call("ports.del", {"name": "db"})
            added_again(rig, ("ports.add", ports()[1]))
            time.sleep(0.02)
            expect_equal(rig.daemon.port("db")["rx_packets"], 0, "frames of another interface")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@test
def a_port_that_can_only_be_reopened_is(lab):
    rig = xdp_rig(lab)
    before = rig.fill(lambda: rig.set_near_end("down"))
    rig.daemon.apply(*HAND_ON)
    after = rig.daemon.port("db")
    expect(after["tx_packets"] >= before["tx_packets"], f"tx_packets fell: {before}, {after}")
    expect(after["rx_packets"] >= before["rx_packets"], f"rx_packets fell: {before}, {after}")
    rig.set_near_end("up")
    rig.nothing_old()


@test
def a_port_that_can_only_be_reopened_sends_nothing_old_when_its_interface_is_back(lab):
    rig = xdp_rig(lab)
    rig.fill(lambda: rig.set_near_end("down"))
    time.sleep(1.2)
    rig.send()
    expect(rig.daemon.drop("port_down") >= N, f"they are kept: {rig.daemon.drops()}")
    rig.set_near_end("up")
    rig.db.n_old = 0
    wait_until(rig.db_is_reached, "db is not reached any more")
    rig.db.count(0.3)
    expect_equal(rig.db.n_old, 0, "old packets")


@test
def a_port_that_does_not_open_again_stays_closed_and_says_so(lab):
    rig = xdp_rig(lab)
    expect(rig.db_is_reached(), "db is not reached at first")
    rig.node.run("ip", "link", "del", "sl-db")
    rig.daemon.apply(*HAND_ON)
    wait_until(lambda: "port db is missing: interface sl-db" in rig.daemon.log_tail(), "it does not say so")
    expect(not {p["name"]: p for p in rig.daemon.call("ports.list")}["db"]["link_up"], "link is up")
    rig.web.send(packet(WEB_MAC, RED_MAC, RED2, RED))
    wait_until(lambda: rig.daemon.drop("port_missing") > 0, "what is sent there is not dropped")
    rig.connect("db", rig.db_ns, RED_MAC)
    rig.db = Wire(rig.db_ns)
    wait_until(rig.red_is_reached, "it does not open when its device is back")
    rig.daemon.call("endpoints.del", {"name": "red"})
    rig.daemon.call("ports.del", {"name": "db"})


@test
def a_workload_that_flaps_does_not_use_up_the_memory_of_others(lab):
    """However often its port is reopened, other ports can be added, and it works when added
    again."""
    rig = xdp_rig(lab)
    shut = "has not given back the buffers"

    def port():
        return {"state_reason": "", **rig.daemon.call("ports.get", {"name": "db"})}

    back = (("endpoints.del", {"name": "red"}), ("endpoints.del", {"name": "red2"}),
            ("endpoints.add", WEB_EP), ("endpoints.add", DB_EP))
    for _ in range(100):
        rig.send(1)
        rig.daemon.apply(*HAND_ON)
        rig.daemon.apply(*back)
        # The kernel may not have let go of the socket before: then it is tried again in a moment.
        wait_until(lambda: port()["state"] == "up" or shut in port()["state_reason"], "it is not opened anew", 20)
        if shut in port()["state_reason"]:
            break
    expect(shut in port()["state_reason"], "it is opened anew for ever")
    rig.daemon.call("ports.add", {"name": "more", "role": "access", "devargs": "net_null5,no-rx=1"})
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))
    added_again(rig, ("ports.add", ports("net_af_xdp")[1]), ("endpoints.add", DB_EP))
    wait_until(rig.db_is_reached, "db is not reached any more")


@test
def an_xdp_port_can_be_added_again(lab):
    rig = xdp_rig(lab)
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))

    added_again(rig, ("ports.add", ports("net_af_xdp")[1]), ("endpoints.add", DB_EP))
    expect(rig.db_is_reached(), "db is not reached any more")


@test
def frames_of_the_workload_before_are_not_the_next_ones_on_a_tap(lab):
    rig = Rig(lab)
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))
    rig.daemon.apply(("ports.add", {"name": "db", "role": "access",
                                    "devargs": "net_tap1,iface=tap-db"}), ("endpoints.add", DB_EP))
    rig.node.run("ip", "link", "set", "tap-db", "netns", "w-db", "up")
    rig.db_ns.run("ip", "link", "set", "tap-db", "mtu", "1500")
    rig.db = Wire(rig.db_ns, "tap-db")
    wait_until(rig.db_is_reached, "the TAP does not work")
    nothing_early(rig)


def next_hop_site(lab):
    """Workload a1 has sent to an endpoint behind a node whose next hop does not answer."""
    site = lab.kernel_site(n_workloads=1)
    far = {"name": "far", "network": "blue", "node": "far", "mac": "02:00:00:00:07:07",
           "addresses": ["10.0.0.77"], "labels": {"app": "far"}}
    site.a.daemon.apply(("nodes.add", {"name": "far", "address": "192.0.2.77"}),
                        ("endpoints.add", far))
    Wire(site.a1.ns).send(packet(site.a1.mac, far["mac"], site.a1.ip, "10.0.0.77"))
    wait_until(lambda: [n for n in site.a.daemon.call("neighbors.state")
                        if n["address"] == "192.0.2.77" and n["waiting"]], "it does not wait")
    return site, far


def arrives_at_next_hop(site):
    """Starts the next hop, and returns the packets that waited for it."""
    wire = Wire(site.b.ns, "up0")
    site.b.ns.run("ip", "address", "add", "192.0.2.77/32", "dev", "up0")
    return wire.count(1.5)


@test
def what_waits_for_a_next_hop_leaves_when_that_answers(lab):
    site, _ = next_hop_site(lab)
    expect_equal(arrives_at_next_hop(site), 1, "packets")


@test
def what_waits_for_a_next_hop_goes_with_its_endpoint(lab):
    site, far = next_hop_site(lab)
    site.a.daemon.call("endpoints.del", {"name": far["name"]})
    expect_equal(arrives_at_next_hop(site), 0, "packets for an endpoint that is gone")
    expect_equal(site.a.daemon.drop("stale"), 1, "stale")


@test
def what_waits_for_a_next_hop_goes_with_its_node(lab):
    site, far = next_hop_site(lab)
    other = {"name": "other", "address": "192.0.2.77"}
    site.a.daemon.apply(("endpoints.del", {"name": far["name"]}), ("nodes.del", {"name": "far"}),
                        ("nodes.add", other), ("endpoints.add", {**far, "node": "other"}))
    expect_equal(arrives_at_next_hop(site), 0, "packets for a node that is gone")
    expect_equal(site.a.daemon.drop("stale"), 1, "stale")


@test
def what_waits_for_a_next_hop_goes_with_its_network(lab):
    site, far = next_hop_site(lab)
    daemon = site.a.daemon
    names = [e["name"] for e in daemon.call("endpoints.list")]
    daemon.apply(*(("endpoints.del", {"name": n}) for n in names), ("networks.del", {"name": "blue"}),
                 ("networks.add", {**site.network, "name": "red"}),  # of the same VNI
                 ("endpoints.add", {**far, "network": "red"}))
    expect_equal(arrives_at_next_hop(site), 0, "packets of a network that is gone")
    expect_equal(daemon.drop("stale"), 1, "stale")


@test
def what_waits_for_a_next_hop_stays_when_others_change(lab):
    site, _ = next_hop_site(lab)
    daemon = site.a.daemon
    daemon.call("networks.add", RED_NET)
    other = {**endpoint("other", "red", "", RED_MAC, RED), "node": "b"}
    del other["port"]
    daemon.call("endpoints.add", other)
    daemon.call("endpoints.del", {"name": "other"})
    daemon.call("networks.del", {"name": "red"})
    expect_equal(arrives_at_next_hop(site), 1, "packets")
