# SPDX-License-Identifier: BSD-3-Clause
"""A port follows its device: interfaces and peers change while the daemon runs, and before it
starts."""
import contextlib
import json
import os
import shutil
import socket
import subprocess

from lab.daemon import Refused
from lab.expect import Skip, expect, expect_equal, test, wait_until
from lab.net import link
from lab.workloads import DB, DB_EP, DB_MAC, WEB, WEB_EP, WEB_MAC, Rig, Wire, packet, xdp_rig

N = 100


def row(daemon, name="db"):
    return next(p for p in daemon.call("ports.list") if p["name"] == name)


def wait_state(daemon, state, reason="", name="db", seconds=15):
    now = {}

    def is_so():
        now.update(row(daemon, name))
        return now["state"] == state and reason in now["state_reason"]
    wait_until(is_so, lambda: f"port {name} is not {state} ({reason}): {now}", seconds)
    expect_equal(now["link_up"], state == "up", f"link_up of a port that is {state}")
    expect_equal(now["state_reason"] == "", state == "up", f"reason of a port that is {state}")
    expect(now["since"].endswith("Z"), f"since: {now}")
    wait_until(lambda: len([n for n in daemon.call("notices.list")
                            if n["code"] == "port_state" and n["name"] == name]) == (state != "up"),
               f"notices of a port that is {state}")


def sent_but_to_web(daemon):
    """The daemon repeats the announcements of a new configuration by itself: they leave by web."""
    stats = daemon.call("stats.get")
    to_web = sum(p["tx_packets"] for p in stats["ports"] if p["name"] == "web")
    return stats["totals"]["sent"] - to_web


def refuses(rig, reason, n=N):
    """Of n packets that are sent to db, none counts as sent, and each is dropped once."""
    before, sent, drops = rig.daemon.port("db"), sent_but_to_web(rig.daemon), rig.daemon.drops()
    rig.send(n)
    after = rig.daemon.port("db")
    wait_until(lambda: rig.daemon.drop(reason) - drops.get(reason, 0) == n,
               lambda: f"not {n} {reason}: {rig.daemon.drops()}, before {drops}", 5)
    expect_equal(after["tx_packets"] - before["tx_packets"], 0, "packets that count as sent by the port")
    expect_equal(after["tx_dropped"] - before["tx_dropped"], n, "tx_dropped")
    expect_equal(sent_but_to_web(rig.daemon) - sent, 0, "packets that count as sent")
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
    a, b, daemon = site.a, site.b, site.a.daemon

    def answered():
        return subprocess.run(site.a1.ns.command("ping", "-c", "1", "-W", "1", site.b1.ip), check=False,
                              capture_output=True).returncode == 0
    wait_until(answered, "b1 does not answer at first")
    for mtu in (1600, 1500):
        a.ns.run("ip", "link", "del", "up0")
        wait_state(daemon, "missing", "interface up0 does not exist", "uplink")
        link(a.ns, "up0", b.ns, "up0", mtu)
        b.ns.run("ip", "addr", "add", f"{b.address}/24", "dev", "up0")
        b.ns.run("ip", "link", "add", "vxlan100", "type", "vxlan", "id", "100", "dstport", "4789", "local",
                 b.address, "remote", a.address, "dev", "up0")
        b.ns.run("ip", "link", "set", "vxlan100", "master", "br0", "up")
        wait_state(daemon, "up", name="uplink")
        wait_until(answered, "b1 does not answer any more", 30)
        expect_equal(daemon.call("nodes.paths")[0]["inner_mtu"], mtu - 50, "inner_mtu")


@test
def a_file_whose_interface_is_missing_starts_and_is_checked_alike(lab):
    rig = Rig(lab)
    rig.daemon.stop()
    delete(rig)
    path = lab.file("missing.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(rig.config, f)
    checked = subprocess.run((lab.sluiced, "--config", path, "--check"), check=False, capture_output=True)
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
        wait_until(lambda: exists(rig, "tap-db"), "the TAP is not made again")
        wait_state(rig.daemon, "up")


@test
def a_tap_that_comes_back_from_a_namespace_is_the_same_one(lab):
    rig = Rig(lab)
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))
    rig.daemon.apply(("ports.add", {"name": "db", "role": "access", "devargs": "net_tap1,iface=tap-db"}),
                     ("endpoints.add", DB_EP))
    wait_state(rig.daemon, "up")
    mac = rig.node.run("ip", "-br", "link", "show", "tap-db").split()[2]
    rig.node.run("ip", "link", "set", "tap-db", "netns", "w-db", "up")
    rig.db = Wire(rig.db_ns, "tap-db")
    wait_until(rig.db_is_reached, "the TAP does not work in another namespace")
    rig.db_ns.run("ip", "link", "set", "tap-db", "netns", "node", "up")
    rig.db = Wire(rig.node, "tap-db")
    for _ in range(3):  # some ticks, in each of which the port is looked at
        wait_until(rig.db_is_reached, "the TAP does not work where it came back to")
        wait_state(rig.daemon, "up")
        expect_equal(rig.node.run("ip", "-br", "link", "show", "tap-db").split()[2], mac, "the TAP's MAC")


class Testpmd:
    """DPDK's own forwarder at the other end of a socket."""

    def __init__(self, lab, *vdevs, queues=1):
        program = shutil.which("dpdk-testpmd")
        if program is None:
            raise Skip("no dpdk-testpmd here (Debian: dpdk-dev)")
        core = sorted(os.sched_getaffinity(0))[0]
        self.log = open(lab.file("testpmd.log"), "ab")
        self.process = subprocess.Popen(
            [program, "--lcores", f"0@{core},1@{core}", "--no-huge", "-m", "256", "--no-pci",
             "--no-shconf", *(f"--vdev={v}" for v in vdevs), "--", "--forward-mode=rxonly", "--total-num-mbufs=4096",
             "--auto-start", f"--rxq={queues}", f"--txq={queues}", "--stats-period=1"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def end(self, how="kill"):
        if self.process.poll() is None:
            getattr(self.process, how)()
            self.process.wait(20)
        self.log.close()


def without_db(rig):
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("ports.del", {"name": "db"}))


def add_db(rig, devargs):
    rig.daemon.apply(("ports.add", {"name": "db", "role": "access", "devargs": devargs}), ("endpoints.add", DB_EP))


def takes_packets(rig, n=20):
    """Sends some packets to db: they count as sent, none as dropped by the port."""
    def taken():
        before = rig.daemon.port("db")
        rig.send(n)
        after = rig.daemon.port("db")
        return after["tx_packets"] - before["tx_packets"] == n and after["tx_dropped"] == before["tx_dropped"]
    wait_until(taken, lambda: f"nothing is taken: {rig.daemon.port('db')}, {rig.daemon.drops()}", 15)


@test
def a_vhost_port_is_up_while_somebody_is_connected(lab):
    rig = Rig(lab)
    without_db(rig)
    path = lab.file("vm.sock")
    add_db(rig, f"net_vhost1,iface={path},queues=2")
    wait_state(rig.daemon, "down", f"nobody is connected to {path}")
    refuses(rig, "port_down")
    for queues in (2, 1, 2):
        guest = Testpmd(lab, f"net_virtio_user0,path={path},queues={queues}", queues=queues)
        try:
            wait_state(rig.daemon, "up", seconds=40)
            takes_packets(rig)
        finally:
            guest.end()
        wait_state(rig.daemon, "down", f"nobody is connected to {path}", seconds=40)
        refuses(rig, "port_down")


def connects_again(lab, path, ours, others, packets):
    """A port whose other side makes the socket: refused without it, up with it, missing after it, and again.

    `packets`: whether traffic passes while it is up.
    """
    rig = Rig(lab)
    without_db(rig)
    try:
        add_db(rig, ours)
        expect(False, "a port whose other side is not there is added")
    except Refused as e:
        expect(path in str(e), f"it does not say what is missing: {e}")
    for i in range(2):
        other = Testpmd(lab, others)
        try:
            wait_until(lambda: os.path.exists(path), "testpmd makes no socket", 40)
            if i == 0:
                add_db(rig, ours)
            wait_state(rig.daemon, "up", seconds=40)
            if packets:
                takes_packets(rig)
        finally:
            other.end()
        wait_state(rig.daemon, "missing", path, seconds=40)
        refuses(rig, "port_missing")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


@test
def a_virtio_user_port_connects_again(lab):
    path = lab.file("vm.sock")
    connects_again(lab, path, f"net_virtio_user1,path={path}", f"net_vhost0,iface={path}", False)


@test
def a_memif_client_connects_again(lab):
    path = lab.file("memif.sock")
    socket_of = f"socket={path},socket-abstract=no"
    connects_again(lab, path, f"net_memif1,{socket_of}", f"net_memif0,role=server,{socket_of}", True)


@test
def clients_that_leave_at_once_do_not_end_a_memif_server(lab):
    rig = Rig(lab)
    without_db(rig)
    path = lab.file("memif.sock")
    add_db(rig, f"net_memif1,role=server,socket={path},socket-abstract=no")
    for _ in range(300):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(path)
    wait_state(rig.daemon, "down", f"nobody is connected to {path}")
    client = Testpmd(lab, f"net_memif0,role=client,socket={path},socket-abstract=no")
    try:
        wait_state(rig.daemon, "up", seconds=40)
        takes_packets(rig)
    finally:
        client.end()
    wait_state(rig.daemon, "down", f"nobody is connected to {path}", seconds=40)


def exists(rig, name):
    return name in rig.node.run("ip", "-br", "link", "show")
