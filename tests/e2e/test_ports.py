# SPDX-License-Identifier: BSD-3-Clause
"""A port follows its device: what becomes of interfaces and peers under a running daemon, and before it starts."""
import contextlib
import json
import os
import socket
import subprocess
import time

from lab.daemon import Refused
from lab.expect import Failure, Skip, expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import OPEN, workers
from test_leftovers import BLUE, DB, DB_EP, DB_MAC, WEB, WEB_EP, WEB_MAC, Rig, Wire, packet, xdp_rig

N = 100


def row(daemon, name="db"):
    return next(p for p in daemon.call("ports.list") if p["name"] == name)


def wait_state(daemon, state, reason="", name="db", seconds=15):
    wait_until(lambda: row(daemon, name)["state"] == state and reason in row(daemon, name)["state_reason"],
               lambda: f"port {name} is not {state} ({reason}): {row(daemon, name)}", seconds)
    now = row(daemon, name)
    expect_equal(now["link_up"], state == "up", f"link_up of a port that is {state}")
    expect_equal(now["state_reason"] == "", state == "up", f"reason of a port that is {state}")
    expect(now["since"].endswith("Z"), f"since: {now}")
    noticed = [n for n in daemon.call("notices.list") if n["code"] == "port_state" and n["name"] == name]
    expect_equal(len(noticed), 0 if state == "up" else 1, f"notices of a port that is {state}")


def refuses(rig, reason, n=N):
    """Of n packets that are sent to db, none counts as sent, and each is dropped once."""
    before, sent, drops = rig.daemon.port("db"), rig.daemon.totals()["sent"], rig.daemon.drops()
    rig.send(n)
    after = rig.daemon.port("db")
    wait_until(lambda: rig.daemon.drop(reason) - drops.get(reason, 0) == n,
               lambda: f"not {n} {reason}: {rig.daemon.drops()}, before {drops}", 5)
    expect_equal(after["tx_packets"] - before["tx_packets"], 0, "packets that count as sent by the port")
    expect_equal(after["tx_dropped"] - before["tx_dropped"], n, "tx_dropped")
    expect_equal(rig.daemon.totals()["sent"] - sent, 0, "packets that count as sent")
    grew = {r: c - drops.get(r, 0) for r, c in rig.daemon.drops().items() if c != drops.get(r, 0)}
    expect_equal(grew, {reason: n}, "drops that grew")
    rig.daemon.expect_sum()


def works_again(rig, ns=None, dev="eth0"):
    wait_state(rig.daemon, "up")
    rig.db = Wire(ns or rig.db_ns, dev)
    wait_until(rig.db_is_reached, "db is not reached any more")
    before = rig.web.count(0.01)
    rig.db.send(packet(DB_MAC, WEB_MAC, DB, WEB, b"from db"))
    wait_until(lambda: rig.web.count(0.1, b"from db") > 0 or rig.db.send(
        packet(DB_MAC, WEB_MAC, DB, WEB, b"from db")), f"db is not heard any more ({before})")


def delete(rig):
    rig.node.run("ip", "link", "del", "sl-db")


def interface_goes_and_comes(rig):
    expect(rig.db_is_reached(), "db is not reached at first")
    rig.node.run("ip", "link", "set", "sl-db", "down")
    wait_state(rig.daemon, "down", "interface sl-db is down")
    refuses(rig, "port_down")
    rig.node.run("ip", "link", "set", "sl-db", "up")
    works_again(rig)
    rig.db_ns.run("ip", "link", "set", "eth0", "down")
    wait_state(rig.daemon, "down", "no carrier")
    refuses(rig, "port_down")
    rig.db_ns.run("ip", "link", "set", "eth0", "up")
    works_again(rig)
    delete(rig)
    wait_state(rig.daemon, "missing", "interface sl-db does not exist")
    refuses(rig, "port_missing")
    rig.connect("db", rig.db_ns, DB_MAC)
    works_again(rig)


@test
def an_interface_taken_down_or_made_again_is_followed(lab):
    interface_goes_and_comes(Rig(lab))


@test
def an_interface_taken_down_or_made_again_is_followed_by_af_xdp(lab):
    interface_goes_and_comes(xdp_rig(lab))


@test
def an_interface_made_again_at_once_is_followed(lab):
    """Also under the index that it had."""
    rig = Rig(lab)
    for index in (None, 4711, 4711):
        delete(rig)
        more = ("index", str(index)) if index else ()
        rig.node.run("ip", "link", "add", "sl-db", *more, "type", "veth", "peer", "name", "eth0", "netns",
                     rig.db_ns.name)
        rig.node.run("ip", "link", "set", "sl-db", "up")
        rig.db_ns.run("ip", "link", "set", "eth0", "address", DB_MAC, "up")
        works_again(rig)


@test
def a_renamed_interface_is_gone_until_it_has_its_name_again(lab):
    rig = Rig(lab)
    rig.node.run("ip", "link", "set", "sl-db", "down")
    rig.node.run("ip", "link", "set", "sl-db", "name", "other")
    wait_state(rig.daemon, "missing", "does not exist")
    refuses(rig, "port_missing")
    rig.node.run("ip", "link", "set", "other", "name", "sl-db")
    rig.node.run("ip", "link", "set", "sl-db", "up")
    works_again(rig)


@test
def an_interface_moved_to_another_namespace_is_gone_until_it_is_back(lab):
    rig = Rig(lab)
    rig.node.run("ip", "link", "set", "sl-db", "netns", rig.web_ns.name)
    wait_state(rig.daemon, "missing", "does not exist")
    refuses(rig, "port_missing")
    rig.web_ns.run("ip", "link", "set", "sl-db", "netns", rig.node.name)
    rig.node.run("ip", "link", "set", "sl-db", "up")
    works_again(rig)


@test
def many_changes_in_a_row_end_in_the_last_one_and_a_few_lines(lab):
    rig = Rig(lab)
    for _ in range(60):
        rig.set_near_end("down")
        rig.set_near_end("up")
    for _ in range(10):
        delete(rig)
        rig.connect("db", rig.db_ns, DB_MAC)
    works_again(rig)
    lines = [l for l in rig.daemon.log_tail(200).splitlines() if "port db is" in l]
    expect(len(lines) <= 30, f"{len(lines)} lines for one port")


@test
def another_mtu_and_mac_of_the_interface_are_the_ports(lab):
    rig = Rig(lab)
    expect(rig.db_is_reached(), "db is not reached at first")
    rig.node.run("ip", "link", "set", "sl-db", "mtu", "1300")
    wait_until(lambda: row(rig.daemon)["mtu_now"] == 1300, "the MTU is not followed")
    rig.web.send(packet(load=bytes(1350)))  # of the connection that had another one
    wait_until(lambda: rig.daemon.drop("mtu_exceeded") == 1, lambda: f"not dropped: {rig.daemon.drops()}")
    rig.daemon.call("ports.set", {**rig.config["ports"][1], "mtu": 1200})
    expect_equal(row(rig.daemon)["mtu_now"], 1200, "an mtu that was asked for")
    rig.node.run("ip", "link", "set", "sl-db", "mtu", "1100")
    wait_until(lambda: row(rig.daemon)["mtu_now"] == 1100, "a smaller one of the kernel's does not count")
    rig.node.run("ip", "link", "set", "sl-db", "mtu", "1500")
    wait_until(lambda: row(rig.daemon)["mtu_now"] == 1200, "the one that was asked for does not come back")
    rig.daemon.call("ports.set", rig.config["ports"][1])
    expect_equal(row(rig.daemon)["mtu_now"], 1500, "an mtu that is not asked for any more")
    rig.node.run("ip", "link", "set", "sl-db", "address", "02:00:00:00:0d:0d")
    wait_until(lambda: row(rig.daemon)["mac_now"] == "02:00:00:00:0d:0d", "the MAC is not followed")


@test
def an_underlay_interface_made_again_carries_tunnels_again(lab):
    site = lab.kernel_site(n_workloads=1)
    a, b = site.a, site.b
    site.a1.expect_ping(site.b1.ip) if hasattr(site.a1, "expect_ping") else None
    a.ns.run("ip", "link", "del", "up0")
    wait_state(a.daemon, "missing", "does not exist", name="uplink0" if any(
        p["name"] == "uplink0" for p in a.daemon.call("ports.list")) else "uplink")
    expect(b is not None, "no peer")


def config_of(rig):
    return {k: rig.config[k] for k in ("ports", "networks", "endpoints")}


@test
def a_file_whose_interface_is_missing_starts_and_is_checked_alike(lab):
    rig = Rig(lab)
    rig.daemon.stop()
    delete(rig)
    path = lab.file("missing.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(rig.config, f)
    checked = subprocess.run([f"{lab.build}/sluiced", "--config", path, "--check"], check=False, capture_output=True)
    expect_equal(checked.returncode, 0, f"--check: {checked.stderr}")
    rig.daemon.start()
    wait_state(rig.daemon, "missing", "interface sl-db does not exist")
    refuses(rig, "port_missing")
    rig.connect("db", rig.db_ns, DB_MAC)
    works_again(rig)


@test
def what_was_accepted_once_is_replayed_without_its_interface(lab):
    rig = Rig(lab)
    rig.daemon.stop()
    daemon = lab.daemon("kept", rig.config, rig.node, state=True)
    daemon.start()
    daemon.kill()
    delete(rig)
    daemon.start()
    rig.daemon = daemon
    wait_state(daemon, "missing", "interface sl-db does not exist")
    expect_equal(len(daemon.call("endpoints.list")), 2, "endpoints")
    rig.connect("db", rig.db_ns, DB_MAC)
    works_again(rig)


@test
def a_request_fails_in_words_when_its_interface_is_missing(lab):
    rig = Rig(lab)
    for devargs in ("net_af_packet7,iface=nope", "net_af_xdp7,iface=nope", "net_pcap7,rx_iface_in=nope,tx_iface=nope"):
        try:
            rig.daemon.call("ports.add", {"name": "x", "role": "access", "devargs": devargs})
            expect(False, f"{devargs} is accepted")
        except Refused as e:
            expect("interface nope does not exist" in str(e), f"{devargs}: {e}")
    try:
        rig.daemon.call("ports.set", {**rig.config["ports"][1], "devargs": "net_af_packet1,iface=nope"})
        expect(False, "a change to it is accepted")
    except Refused as e:
        expect("interface nope does not exist" in str(e), f"{e}")
    expect(rig.db_is_reached(), "a refused change took the device away")


@test
def a_port_removed_and_added_in_one_transaction_is_opened_anew(lab):
    rig = Rig(lab)
    since = row(rig.daemon)["since"]
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}),
                     ("ports.add", rig.config["ports"][1]), ("endpoints.add", DB_EP))
    wait_until(lambda: row(rig.daemon)["since"] != since, "it is not opened anew")
    works_again(rig)


@test
def a_device_goes_from_one_port_to_another_in_one_transaction(lab):
    rig = Rig(lab)
    port = {**rig.config["ports"][1], "name": "next"}
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}), ("ports.add", port),
                     ("endpoints.add", {**DB_EP, "port": "next"}))
    wait_state(rig.daemon, "up", name="next")
    wait_until(rig.db_is_reached, "db is not reached by its new port")


@test
def a_whole_configuration_may_swap_two_ports_devices(lab):
    rig = Rig(lab)
    web, db = rig.config["ports"]
    swapped = [{**web, "devargs": db["devargs"]}, {**db, "devargs": web["devargs"]}]
    endpoints = [{**WEB_EP, "port": "db"}, {**DB_EP, "port": "web"}]
    for ports_now, endpoints_now in ((swapped, endpoints), (rig.config["ports"], rig.config["endpoints"])):
        rig.daemon.call("config.replace", {"config": {"ports": ports_now, "networks": rig.config["networks"],
                                                      "endpoints": endpoints_now}})
        for name in ("web", "db"):
            wait_state(rig.daemon, "up", name=name)
        wait_until(rig.db_is_reached, "db is not reached behind the other's port")


@test
def another_device_string_opens_the_port_anew(lab):
    rig = Rig(lab)
    for devargs in ("net_af_packet5,iface=sl-db", "net_af_packet5,iface=sl-db,framesz=4096,blocksz=4096"):
        rig.daemon.call("ports.set", {**rig.config["ports"][1], "devargs": devargs})
        works_again(rig)


@test
def a_tap_is_made_again_and_followed_into_its_workloads_namespace(lab):
    rig = Rig(lab)
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))
    rig.daemon.apply(("ports.add", {"name": "db", "role": "access", "devargs": "net_tap1,iface=tap-db"}),
                     ("endpoints.add", DB_EP))
    wait_state(rig.daemon, "up")
    rig.node.run("ip", "link", "set", "tap-db", "down")
    wait_state(rig.daemon, "down", "interface tap-db is down")
    refuses(rig, "port_down")
    rig.node.run("ip", "link", "set", "tap-db", "up")
    wait_state(rig.daemon, "up")
    for _ in range(2):
        rig.node.run("ip", "link", "set", "tap-db", "netns", "w-db", "up")
        rig.db = Wire(rig.db_ns, "tap-db")
        wait_until(rig.db_is_reached, "the TAP does not work in another namespace")
        wait_state(rig.daemon, "up")
        rig.db_ns.run("ip", "link", "del", "tap-db")
        wait_until(lambda: rig.node.run("ip", "-br", "link", "show", "tap-db", check=False) is not None, "x", 1)
        wait_until(lambda: exists(rig, "tap-db"), "the TAP is not made again")
        wait_state(rig.daemon, "up")


def exists(rig, name):
    return name in rig.node.run("ip", "-br", "link", "show")
