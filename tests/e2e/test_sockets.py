# SPDX-License-Identifier: BSD-3-Clause
"""
Ports on sockets, vhost-user and memif: either side is the server, and either side may restart, in any order.

Workload db is behind such a port: dpdk-testpmd carries its packets between the socket and a veth. So both ends of
a TCP connection are kernels, and the connection lives on while the processes between them restart.
"""
import contextlib
import os
import select
import socket
import subprocess
import time

from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import workers
from lab.testpmd import Testpmd
from lab.workloads import BLUE, DB, DB_EP, DB_MAC, WEB, WEB_EP, WEB_MAC

SECONDS = 40  # testpmd starts slowly on a busy machine
CHUNK = 40000  # bytes: more than a few segments
N = 50  # packets that are counted, each way


class Wired:
    """Workloads web, on a veth, and db, behind testpmd at a socket."""

    def __init__(self, lab, ours, its, serves):
        self.lab, self.its, self.serves, self.peer, self.path = lab, its, serves, None, lab.file("s.sock")
        self.node, self.web, self.db = (lab.namespace(n) for n in ("node", "w-web", "w-db"))
        link(self.node, "sl-web", self.web, "eth0")
        link(self.db, "far", self.db, "eth0")
        for ns, mac, address in ((self.web, WEB_MAC, WEB), (self.db, DB_MAC, DB)):
            ns.run("ip", "link", "set", "eth0", "address", mac)
            ns.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self.daemon = lab.daemon("node", {
            "workers": workers(), "networks": [BLUE], "endpoints": [WEB_EP, DB_EP],
            "ports": [{"name": "web", "role": "access", "devargs": "net_af_packet0,iface=sl-web"},
                      {"name": "db", "role": "access", "devargs": ours.format(self.path), "queues": 2 if "queues=2" in ours else 1}]}, self.node, state=True)

    def start_peer(self):
        """A socket that a killed peer has left is in the way of some peers: its user removes it."""
        if self.serves:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        self.peer = Testpmd(self.lab, "peer", (self.its.format(self.path), "net_af_packet0,iface=far"), "io", self.db, wait=False)
        if self.serves:
            wait_until(lambda: os.path.exists(self.path), "the peer makes no socket", SECONDS)

    def connect(self):
        """A virtio-user server is ready when it has a client."""
        self.peer.wait_ready()
        self.peer.tell("start")

    def kill_peer(self):
        self.peer.close()
        self.peer = None

    def close(self):
        if self.peer:
            self.peer.close()

    def passes(self):
        """DPDK's memif server may abort when its client closes at a bad moment. Its user starts it again."""
        if self.serves and self.peer.has_died():
            print("note sockets: testpmd, the server of a socket, has died by itself and is started again", flush=True)
            self.start_peer()
            self.connect()
        return subprocess.run(self.web.command("ping", "-c", "1", "-W", "1", DB), check=False,
                              capture_output=True).returncode == 0

    def expect_traffic(self, what):
        """A known number of packets goes in at either end, comes out at the other one, and is counted in between."""
        wait_until(self.passes, f"db does not answer: {what}", SECONDS)
        before, ours = self.peer.counters(), self.daemon.port("db")
        with contextlib.closing(udp(self.web, WEB)) as web, contextlib.closing(udp(self.db, DB)) as db:
            for source, target, address in ((web, db, DB), (db, web, WEB)):
                got = 0
                for _ in range(N):
                    source.sendto(bytes(1000), (address, 7))
                end = time.monotonic() + SECONDS
                while got < N and time.monotonic() < end:
                    select.select([target], [], [], 1)
                    got += count(target)
                expect_equal(got, N, f"{what}: packets that arrived at {address}")
        wait_until(lambda: self.daemon.port("db")["rx_packets"] >= ours["rx_packets"] + N,
                   f"{what}: port db has not received {N} packets")
        after = self.peer.counters()
        expect(after["TX-packets"] - before["TX-packets"] >= 2 * N, f"{what}: testpmd {before} {after}")
        expect_equal(after.get("TX-dropped", 0), before.get("TX-dropped", 0), f"{what}: dropped by testpmd")


def udp(ns, address):
    s = ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 7))
    s.setblocking(False)
    return s


def count(s):
    """Packets that wait at a socket."""
    n = 0
    with contextlib.suppress(BlockingIOError):
        while s.recv(2000):
            n += 1
    return n


class Stream:
    """One TCP connection from web to db, and bytes that are counted at both ends."""

    def __init__(self, wired):
        self.listener = wired.db.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind((DB, 5000))
        self.listener.listen(1)
        self.near = wired.web.socket(socket.AF_INET, socket.SOCK_STREAM)
        for s in (self.near, self.listener):
            s.settimeout(SECONDS)
        self.near.connect((DB, 5000))
        self.far = self.listener.accept()[0]
        self.far.settimeout(SECONDS)

    def expect_alive(self, what):
        for one, other in ((self.near, self.far), (self.far, self.near)):
            data, got = os.urandom(CHUNK), b""
            one.sendall(data)
            while len(got) < CHUNK:
                more = other.recv(65536)
                expect(more, f"{what}: the connection ended")
                got += more
            expect(got == data, f"{what}: other bytes arrived than were sent")

    def close(self):
        for s in (self.near, self.far, self.listener):
            s.close()


def restarts(lab, ours, its, peer_serves):
    """All orders. The side that connects looks for the other one again; a virtio-user client of testpmd does not."""
    with contextlib.closing(Wired(lab, ours, its, peer_serves)) as w:
        def start(first):
            steps = (w.start_peer, w.daemon.start)
            for step in steps if first == "peer" else reversed(steps):
                step()
            w.connect()

        def restart_peer():
            w.kill_peer()
            w.start_peer()
            w.connect()
        start("peer" if peer_serves else "node")
        w.expect_traffic("at first")
        with contextlib.closing(Stream(w)) as s:
            def check(what):
                w.expect_traffic(what)
                s.expect_alive(what)
            check("a connection")
            restart_peer()
            check("the peer was killed and started")
            for end in (w.daemon.stop, w.daemon.kill):
                end()
                w.daemon.start()
                if not peer_serves:
                    restart_peer()
                check(f"{end.__name__} and start of the node")
            for first in ("node", "peer") if peer_serves else ("node", ):
                w.daemon.kill()
                w.kill_peer()
                start(first)
                check(f"both were killed, {first} started first")
        w.daemon.expect_sum()


# Guests use one of two queues: the other one is not waited for.
@test
def a_vhost_server_and_its_guest_restart_in_any_order(lab):
    restarts(lab, "net_vhost1,iface={},queues=2", "net_virtio_user0,path={}", False)


@test
def a_vhost_client_and_its_guest_restart_in_any_order(lab):
    restarts(lab, "net_vhost1,iface={},client=1,queues=2", "net_virtio_user0,path={},server=1", True)


@test
def a_memif_server_and_its_client_restart_in_any_order(lab):
    restarts(lab, "net_memif1,role=server,socket-abstract=no,socket={}",
             "net_memif0,role=client,socket-abstract=no,socket={}", False)


@test
def a_memif_client_and_its_server_restart_in_any_order(lab):
    restarts(lab, "net_memif1,role=client,socket-abstract=no,socket={}",
             "net_memif0,role=server,socket-abstract=no,socket={}", True)


def switches(daemon):
    """How often the worker has gone to sleep."""
    for task in os.listdir(f"/proc/{daemon.process.pid}/task"):
        with open(f"/proc/{daemon.process.pid}/task/{task}/status", encoding="ascii") as f:
            status = dict(line.split(":", 1) for line in f)
        if status["Name"].strip().startswith("rte-worker"):
            return int(status["voluntary_ctxt_switches"])
    raise AssertionError("no worker")


def sleeps_until_a_packet_comes(lab, ours, its, peer_serves):
    """Between a TAP and a socket: no look by the clock, which would be a hundred of them a second at the least."""
    with contextlib.closing(Wired(lab, ours, its, peer_serves)) as w:
        w.daemon.rewrite({**w.daemon.config, "ports": [{"name": "web", "role": "access", "tap": {"name": "web"}},
                                                       w.daemon.config["ports"][1]]})
        w.web.run("ip", "link", "del", "eth0")
        if peer_serves:
            w.start_peer()
        w.daemon.start()
        if not peer_serves:
            w.start_peer()
        w.connect()
        w.node.run("ip", "link", "set", "web", "netns", w.web.name)
        w.web.run("ip", "link", "set", "web", "address", WEB_MAC, "up")
        w.web.run("ip", "addr", "add", f"{WEB}/24", "dev", "web")
        w.expect_traffic("at first")
        w.daemon.wait_announced()
        before = switches(w.daemon)
        time.sleep(2)
        idle = switches(w.daemon) - before
        expect(idle < 50, f"an idle worker woke up {idle} times in 2 s")
        w.expect_traffic("after a rest")


@test
def an_idle_worker_sleeps_until_a_guest_sends(lab):
    sleeps_until_a_packet_comes(lab, "net_vhost1,iface={}", "net_virtio_user0,path={}", False)


@test
def an_idle_worker_sleeps_until_a_virtio_user_port_receives(lab):
    sleeps_until_a_packet_comes(lab, "net_virtio_user1,path={}", "net_vhost0,iface={}", True)
