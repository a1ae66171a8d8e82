# SPDX-License-Identifier: BSD-3-Clause
"""Workloads that fill the flow table, and one without connections that opens 1,000."""
import contextlib
import resource
import socket
import struct

from lab.expect import expect, expect_equal, test
from lab.traffic import Connection, Listener

WANTED = 1000
SYN, ACK = 2, 16


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_frame(src, dst, sport, dport, flags):
    """src and dst: (mac, address)"""
    ends = socket.inet_aton(src[1]) + socket.inet_aton(dst[1])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0x4000, 64, 6, 0) + ends
    tcp = struct.pack("!HHIIBBHHH", sport, dport, 1000 if flags & SYN else 1001, 1001 if flags & ACK else 0,
                      0x50, flags, 65535, 0, 0)
    tcp_sum = checksum(ends + struct.pack("!HH", 6, 20) + tcp)
    mac = bytes.fromhex((dst[0] + src[0]).replace(":", ""))
    return (mac + b"\x08\x00" + ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] +
            tcp[:16] + struct.pack("!H", tcp_sum) + tcp[18:])


class Greedy:
    """
    n endpoints behind a workload's port, who open connections in turn: to themselves, or to one more endpoint that
    does not answer, behind the port of another workload.
    """

    def __init__(self, site, workload, n, target=None):
        self.site = site
        self.ends = [(f"02:00:00:00:20:{i:02x}", f"10.0.0.{i + 100}") for i in range(n)]
        self.target, self.turn = target and ("02:00:00:00:20:ff", "10.0.0.99"), 0
        self.sock = workload.ns.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.bind(("eth0", 0))
        self.add_endpoints(workload, [(f"greedy-{i}", *end) for i, end in enumerate(self.ends)])
        if target:
            self.add_endpoints(target, [("target", *self.target)])

    def add_endpoints(self, workload, ends):
        for node in (self.site.a, self.site.b):
            like = workload.endpoint_object(node)
            node.daemon.apply(*(("endpoints.add", {**like, "name": name, "mac": mac, "addresses": [ip]})
                                for name, mac, ip in ends))

    def grab(self):
        """Three packets: a connection with its handshake, as far as a switch can tell."""
        self.turn += 1
        end = self.ends[self.turn % len(self.ends)]
        ports = 1024 + self.turn % 60000, 1 + self.turn // 60000
        if self.target:
            self.sock.send(tcp_frame(end, self.target, *ports, SYN))
            return
        self.sock.send(tcp_frame(end, end, *ports, SYN))
        self.sock.send(tcp_frame(end, end, *reversed(ports), SYN | ACK))
        self.sock.send(tcp_frame(end, end, *ports, ACK))

    def fill(self, daemon):
        for _ in range(200):
            if daemon.call("stats.get")["flows"]["over_share"] > len(self.ends):
                return
            for _ in range(1000):
                self.grab()
        expect(False, f"{self.turn} connections were opened and none refused")


def owner(daemon, name, kind="endpoint"):
    for o in daemon.call("flows.owners", {"kind": kind})["owners"]:
        if o["name"] == name:
            return o
    return {"connections": 0, "refused": 0}


def opens_at_the_first_try(daemon, newcomer, server, greedy):
    """A greedy workload tries between any two connections; all of them are held open at the same
    time."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with contextlib.ExitStack() as held:
        listener = held.enter_context(Listener(server))
        for _ in range(WANTED):
            held.enter_context(Connection(newcomer, listener, 20))
            greedy.grab()
        got = owner(daemon, newcomer.name)
        expect_equal(got["refused"], 0, f"packets of {newcomer.name} refused")
        expect(got["connections"] >= WANTED, f"{newcomer.name} has {got['connections']} connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@test
def one_workload_that_sends_to_itself_leaves_room_for_another(lab):
    site = lab.sluice_site()
    greedy = Greedy(site, site.a1, 1)
    greedy.fill(site.a.daemon)
    hog = owner(site.a.daemon, "greedy-0")
    expect(hog["connections"] > hog["share"], f"the test tests nothing: {hog}")
    opens_at_the_first_try(site.a.daemon, site.a2, site.b1, greedy)
    expect(site.a.daemon.drop("flow_share") > 0, "nothing was dropped as flow_share")
    expect_equal(site.a.daemon.drop("flow_table_full"), 0, "dropped as flow_table_full")


@test
def a_hundred_behind_one_port_leave_room_for_another_there(lab):
    site = lab.sluice_site()
    greedy = Greedy(site, site.a1, 100)
    greedy.fill(site.a.daemon)
    opens_at_the_first_try(site.a.daemon, site.a1, site.b1, greedy)


@test
def a_greedy_node_leaves_room_for_others(lab):
    site = lab.sluice_site()
    greedy = Greedy(site, site.b1, 100, site.a1)
    greedy.fill(site.b.daemon)
    node = owner(site.a.daemon, "b", "node")
    expect(node["connections"] > 10000, f"the test tests nothing: {node}")
    opens_at_the_first_try(site.a.daemon, site.a2, site.a1, greedy)


@test
def owners_are_listed_a_page_at_a_time(lab):
    site = lab.sluice_site()
    greedy = Greedy(site, site.a1, 7)
    for _ in range(70):
        greedy.grab()
    site.a.daemon.wait_received(210)
    whole = site.a.daemon.call("flows.owners")["owners"]
    page = site.a.daemon.call("flows.owners", {"limit": 3})
    rest = site.a.daemon.call("flows.owners", {"after": page["next"]})
    expect_equal(page["owners"] + rest["owners"], whole, "two pages")
    expect("next" not in rest, f"there is no third page: {rest}")
    counts = [o["connections"] for o in whole]
    expect_equal(counts, sorted(counts, reverse=True), "order")
    site.a.daemon.call("endpoints.del", {"name": "greedy-0"})
    gone = [o for o in site.a.daemon.call("flows.owners", {"kind": "endpoint"})["owners"] if o["gone"]]
    expect_equal([(o["connections"], o["share"], o["place"]) for o in gone], [(10, 0, "a1")], "owners gone")
