# SPDX-License-Identifier: BSD-3-Clause
"""Workloads are told when an endpoint's MAC or place changes. Only the endpoint itself may announce
it."""
import collections
import ipaddress
import socket
import struct

from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import OPEN, workers

BROADCAST, ALL_NODES = b"\xff" * 6, b"\x33\x33\x00\x00\x00\x01"


def mac(n):
    return f"02:00:00:00:00:{n:02x}"


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


class Ear:
    """A workload's end of a link: the announcements that it has heard, and how often each."""

    def __init__(self, ns, dev):
        self._sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._sock.bind((dev, 3))
        self._sock.setblocking(False)
        self.heard = collections.Counter()
        self.answers = []

    def send(self, frame):
        self._sock.send(frame)

    def listen(self):
        while True:
            try:
                data, address = self._sock.recvfrom(2048)
            except BlockingIOError:
                return self.heard
            if address[2] == socket.PACKET_OUTGOING:
                continue
            if data[12:14] == b"\x08\x06" and data[28:32] == data[38:42]:
                expect_equal(data[:6], BROADCAST, "to whom a gratuitous ARP goes")
                expect_equal(data[6:12], data[22:28], "MACs of frame and ARP")
                self.heard[socket.inet_ntoa(data[28:32]), data[22:28].hex(":")] += 1
            elif data[12:14] == b"\x86\xdd" and data[54] == 136 and data[:6] == ALL_NODES:
                expect_equal(data[6:12], data[80:86], "MACs of frame and advertisement")
                target = ipaddress.IPv6Address(data[62:78])
                self.heard[str(target), data[80:86].hex(":")] += 1
            else:
                self.answers.append(data)


def gratuitous_arp(source, ip):
    return (BROADCAST + mac_bytes(source) + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) +
            mac_bytes(source) + socket.inet_aton(ip) + bytes(6) + socket.inet_aton(ip))


def addresses(n):
    return [f"10.0.0.{n}", f"fd00::{n:x}"]


def endpoint(n, port, network="blue", hardware=None, **more):
    where = {"node": port} if port == "far" else {"port": port}
    return {"name": f"{network}-{n}", "network": network, "mac": hardware or mac(n),
            "addresses": addresses(n), **where, **more}


class Room:
    """Ports w0, w1 and w2 of network blue, w3 of red; both have the same addresses."""

    def __init__(self, lab):
        node, hosts = lab.namespace("node"), lab.namespace("hosts")
        ports = ["w0", "w1", "w2", "w3"]
        for port in ports:
            link(node, port, hosts, port)
        self.ears = {port: Ear(hosts, port) for port in ports}
        config = {
            "node": {"name": "a"}, "workers": workers(),
            "ports": [{"name": p, "role": "access", "devargs": f"net_af_packet{i},iface={p}"}
                      for i, p in enumerate(ports)],
            "networks": [{"name": n, "vni": v, "encap": "vxlan", "policy_default": OPEN}
                         for n, v in (("blue", 100), ("red", 200))],
            "nodes": [{"name": "far", "address": "192.0.2.2"}],
            "endpoints": [endpoint(1, "w0"), endpoint(2, "w1"), endpoint(3, "w1"), endpoint(4, "w2"),
                          endpoint(1, "w3", "red"), endpoint(5, "far")],
        }
        self.daemon = lab.daemon("a", config, node)
        self.daemon.start()
        self.quiet()
        self.forget()

    def stats(self):
        return self.daemon.call("stats.get")["announcements"]

    def quiet(self):
        """Waits until everything was announced, repeated, and has arrived."""
        self.daemon.wait_announced()
        self.daemon.expect_sum()

    def forget(self):
        for ear in self.ears.values():
            ear.listen()
            ear.heard.clear()
            ear.answers.clear()
        self.sent = self.stats()["sent"]

    def expect_heard(self, what, **wanted):
        """Expects exactly these (address, MAC) at each port, twice: at once and a second later."""
        wait_until(lambda: all(set(self.ears[p].listen()) >= set(w) for p, w in wanted.items()),
                   lambda: f"{what}: heard {[(p, dict(e.heard)) for p, e in self.ears.items()]}")
        self.quiet()
        wanted = {p: {pair: 2 for pair in wanted.get(p, [])} for p in self.ears}
        heard = {p: dict(e.listen()) for p, e in self.ears.items()}
        expect_equal(heard, wanted, what)
        n = sum(sum(h.values()) for h in heard.values())
        expect_equal(self.stats()["sent"] - self.sent, n, f"{what}: frames counted and heard")
        self.forget()


def pairs(n, hardware):
    return [(a, hardware) for a in addresses(n)]


@test
def a_new_mac_is_announced_to_the_other_ports_of_the_network(lab):
    room = Room(lab)
    call = room.daemon.call
    call("endpoints.set", endpoint(1, "w0", hardware=mac(0x11)))
    room.expect_heard("new MAC", w1=pairs(1, mac(0x11)), w2=pairs(1, mac(0x11)))
    call("endpoints.set", endpoint(2, "w1", hardware=mac(0x12)))
    room.expect_heard("one of two of a port", w0=pairs(2, mac(0x12)), w2=pairs(2, mac(0x12)))
    call("endpoints.set", endpoint(5, "far", hardware=mac(0x15)))
    everywhere = pairs(5, mac(0x15))
    room.expect_heard("remote endpoint", w0=everywhere, w1=everywhere, w2=everywhere)
    call("endpoints.set", endpoint(1, "w3", "red", hardware=mac(0x31)))
    room.expect_heard("alone in its network")


@test
def a_new_place_is_announced(lab):
    room = Room(lab)
    call = room.daemon.call
    news = pairs(4, mac(4))
    call("endpoints.set", endpoint(4, "w0"))
    # w2 carries no endpoint of the network any more
    room.expect_heard("port to port", w1=news)
    call("endpoints.set", endpoint(4, "far"))
    room.expect_heard("port to node", w0=news, w1=news)
    call("endpoints.set", endpoint(4, "w2"))
    room.expect_heard("node to port", w0=news, w1=news)


@test
def what_changes_nothing_for_others_is_not_announced(lab):
    room = Room(lab)
    room.daemon.call("endpoints.set", endpoint(1, "w0", labels={"app": "web"}))
    room.daemon.call("endpoints.set", endpoint(1, "w0", labels={"app": "db"}))
    room.daemon.call("identities.add", {"id": 4711, "labels": {"app": "db"}})
    room.expect_heard("labels")


@test
def an_address_that_moves_between_endpoints_is_announced(lab):
    room = Room(lab)
    call, apply = room.daemon.call, room.daemon.apply
    apply(("endpoints.set", {**endpoint(1, "w0"), "addresses": addresses(4)}),
          ("endpoints.set", {**endpoint(4, "w2"), "addresses": addresses(1)}))
    four, one = pairs(4, mac(1)), pairs(1, mac(4))
    room.expect_heard("twins", w0=one, w1=one + four, w2=four)
    apply(("endpoints.del", {"name": "blue-1"}),
          ("endpoints.add", {**endpoint(4, "w0", hardware=mac(0x44)), "name": "again"}))
    news = pairs(4, mac(0x44))
    room.expect_heard("made anew in one step", w1=news, w2=news)
    call("endpoints.del", {"name": "again"})
    room.expect_heard("gone")
    call("endpoints.add", {**endpoint(4, "w0", hardware=mac(0x45)), "name": "again"})
    news = pairs(4, mac(0x45))
    room.expect_heard("made anew in two steps", w1=news, w2=news)


@test
def many_changes_at_once_are_all_announced(lab):
    room = Room(lab)
    n = 1500  # more than wait in a queue

    def change(method, first):
        room.daemon.call("txn.apply", {"operations": [
            {"method": method, "params": {"name": f"m{i}", "network": "blue", "node": "far",
                                          "mac": f"02:00:00:{first:02x}:{i >> 8:02x}:{i & 255:02x}",
                                          "addresses": [f"10.1.{i >> 8}.{i & 255}"]}}
            for i in range(n)]})

    for method, first in (("endpoints.add", 0x10), ("endpoints.set", 0x20)):
        change(method, first)
        wanted = {(f"10.1.{i >> 8}.{i & 255}", f"02:00:00:{first:02x}:{i >> 8:02x}:{i & 255:02x}")
                  for i in range(n)}
        wait_until(lambda: all(set(room.ears[p].listen()) >= wanted for p in ("w0", "w1", "w2")),
                   lambda: f"{method}: heard {[len(e.heard) for e in room.ears.values()]} of {n}", 30)
        room.quiet()
        heard = sum(sum(e.listen().values()) for e in room.ears.values())
        expect_equal(room.stats()["sent"] - room.sent, heard, "frames counted and heard")
        expect_equal(len(room.ears["w3"].heard), 0, "announcements that another network heard")
        room.forget()


@test
def a_start_announces_nothing_and_what_is_replaced_after_it_is_announced(lab):
    room = Room(lab)
    room.daemon.stop()
    for ear in room.ears.values():
        ear.listen()
        ear.heard.clear()
    room.daemon.start()
    expect_equal(room.stats(), {"sent": 0, "waiting": 0}, "announcements of a start")
    changed = dict(room.daemon.call("config.get"))
    changed["endpoints"] = [dict(e, mac=mac(0x21)) if e["name"] == "blue-1" else e for e in changed["endpoints"]]
    room.daemon.call("config.replace", {"config": changed})
    wanted = set(pairs(1, mac(0x21)))
    wait_until(lambda: all(set(room.ears[p].listen()) >= wanted for p in ("w1", "w2")),
               lambda: f"heard {[(p, dict(e.heard)) for p, e in room.ears.items()]}")
    expect(not room.ears["w3"].listen(), "another network heard of it")


@test
def a_workloads_own_announcement_is_passed_on_if_it_is_true(lab):
    room = Room(lab)
    spoofed = room.daemon.drop("spoofed")
    room.ears["w0"].send(gratuitous_arp(mac(1), "10.0.0.2"))  # another's address
    room.ears["w0"].send(gratuitous_arp(mac(2), "10.0.0.2"))
    room.ears["w0"].send(gratuitous_arp(mac(9), "10.0.0.1"))
    room.daemon.wait_drop("spoofed", spoofed + 2)
    room.ears["w0"].send(gratuitous_arp(mac(1), "10.0.0.1"))
    news = [("10.0.0.1", mac(1))]
    wait_until(lambda: all(list(room.ears[p].listen()) == news for p in ("w1", "w2")),
               lambda: f"heard {[(p, dict(e.heard)) for p, e in room.ears.items()]}")
    room.quiet()
    expect_equal([sum(e.listen().values()) for e in room.ears.values()], [0, 1, 1, 0], "frames heard")


@test
def announcements_of_a_workload_are_bounded(lab):
    room = Room(lab)
    n = 2000
    for sent in range(100, n + 1, 100):  # no more at a time than the device's ring holds
        for _ in range(100):
            room.ears["w0"].send(gratuitous_arp(mac(1), "10.0.0.1"))
        wait_until(lambda: room.daemon.port("w0")["rx_packets"] >= sent, "not all were received", 20)
    room.daemon.wait_drop("announce_rate")
    room.quiet()
    heard = sum(room.ears["w1"].listen().values())
    expect_equal(heard + room.daemon.drop("announce_rate"), n, "passed on and dropped")
    expect_equal(sum(room.ears["w2"].listen().values()), heard, "the same for every port")
