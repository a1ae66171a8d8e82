# SPDX-License-Identifier: BSD-3-Clause
"""Virtual machines at vhost-user ports: another kernel's virtio driver at the other end. Slow: QEMU without KVM."""
import contextlib
import os
import socket

from lab.expect import expect, expect_equal, long_test, test, wait_until
from lab.net import link
from lab.site import OPEN, workers

SECONDS = 60  # a guest without KVM on a busy machine takes its time


class Host:
    """A workload in a namespace, and guests of one network: `one` at a socket of sluice's, `two` at one of QEMU's."""

    address, mac = "10.0.0.5", "02:00:00:00:00:05"

    def __init__(self, lab):
        self.node, self.ns = lab.namespace("node"), lab.namespace("w-web")
        link(self.node, "sl-web", self.ns, "eth0")
        self.ns.run("ip", "link", "set", "eth0", "address", self.mac)
        self.ns.run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        ends = [("web", "net_af_packet0,iface=sl-web", self.mac, self.address),
                ("one", f"net_vhost1,iface={lab.file('one.sock')},queues=2", "02:00:00:00:00:01", "10.0.0.1"),
                ("two", f"net_vhost2,iface={lab.file('two.sock')},client=1", "02:00:00:00:00:02", "10.0.0.2")]
        self.daemon = lab.daemon("node", {
            "workers": workers(),
            "ports": [{"name": name, "role": "access", "devargs": devargs, "queues": 1 + ("queues=2" in devargs)}
                      for name, devargs, _, _ in ends],
            "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}],
            "endpoints": [{"name": name, "network": "blue", "port": name, "mac": mac, "addresses": [ip]}
                          for name, _, mac, ip in ends],
        }, self.node, state=True)
        self.one = lab.guest("one", lab.file("one.sock"), *ends[1][2:])
        self.two = lab.guest("two", lab.file("two.sock"), *ends[2][2:], serves=True)

    def connect(self, guest):
        """A connection to the guest's kernel, which sends back what comes."""
        s = self.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(SECONDS)
        s.connect((guest.address, 5000))
        return s


def serve(guest):
    """TCP, for connections that live on, and for what a guest sends by itself."""
    for port, program in ((5000, "cat"), (5001, "md5sum")):
        guest.run(f"nc -ll -p {port} -e {program} >/dev/null 2>&1 </dev/null & true")
    guest.run("dd if=/dev/urandom of=/data bs=64k count=16 2>/dev/null")
    wait_until(lambda: ":1388 " in guest.run("cat /proc/net/tcp /proc/net/tcp6"), "nobody listens", SECONDS)


def expect_echo(connection, what, n=300000):
    """n bytes to the guest and back, while more of them are under way than its window holds."""
    data, got = os.urandom(n), bytearray()
    connection.setblocking(False)
    sent = 0

    def turn():
        nonlocal sent
        with contextlib.suppress(BlockingIOError):
            if sent < n:
                sent += connection.send(data[sent:])
        with contextlib.suppress(BlockingIOError):
            got.extend(connection.recv(1 << 20))
        return len(got) >= n
    wait_until(turn, lambda: f"{what}: {sent} of {n} bytes were sent, {len(got)} came back", SECONDS)
    expect(bytes(got) == data, f"{what}: other bytes came back than were sent")


def received(guest):
    return int(guest.run("cat /sys/class/net/eth0/statistics/rx_packets"))


def expect_transfer(source, target):
    """1 MiB of a guest's file, by a guest's TCP; the other one has its sum, and got it in large segments."""
    wanted, before = source.run("md5sum </data").split()[0], received(target)
    got = source.run(f"nc {target.address} 5001 </data", SECONDS).split()[0]
    expect_equal(got, wanted, f"sum of what {target.name} got from {source.name}")
    packets = received(target) - before
    print(f"note guests: {target.name} got 1 MiB in {packets} packets", flush=True)
    expect(packets < 0.9 * (1 << 20) / 1448, f"{target.name} got 1 MiB in {packets} packets: no large segments")


CSUM, GUEST_CSUM = 0, 1
TSO = {7, 8, 11, 12}  # in both directions, for both families
UFO_OR_ECN = {6, 9, 10, 13, 14}  # and a word for all of them together


def expect_offers(guest):
    accepted = guest.features()
    print(f"note guests: {guest.name} uses features {sorted(accepted)}", flush=True)
    expect_equal({CSUM, GUEST_CSUM} | TSO, accepted & ({CSUM, GUEST_CSUM} | TSO), f"offloads that {guest.name} uses")
    expect(not accepted & UFO_OR_ECN, f"{guest.name} was offered what sluice does not take: {sorted(accepted)}")


@test
def virtual_machines_on_either_kind_of_socket_outlive_restarts(lab):
    """They ping and speak TCP, with their offloads as they come. Guest one uses one of two queues."""
    host = Host(lab)
    for guest in (host.one, host.two):
        guest.launch()
    host.daemon.start()
    for guest in (host.one, host.two):
        guest.wait()
        serve(guest)
        expect_offers(guest)
        now = host.daemon.call("ports.get", {"name": guest.name})["offloads_now"]
        expect({"checksum", "tso", "gro"} <= set(now), f"offloads_now of port {guest.name}: {now}")
        expect_pings(guest, host)
    expect_pings(host.one, host.two)
    expect_transfer(host.one, host.two)
    expect_transfer(host.two, host.one)
    with contextlib.closing(host.connect(host.one)) as a, contextlib.closing(host.connect(host.two)) as b:
        for connection, name in ((a, "one"), (b, "two")):
            expect_echo(connection, name)
        host.daemon.kill()
        host.daemon.start()
        for connection, name in ((a, "one"), (b, "two")):
            expect_echo(connection, f"{name}, after the daemon was killed and started")
    for guest in (host.one, host.two):
        guest.kill()
        guest.launch()
    for guest in (host.one, host.two):
        guest.wait()
        expect_pings(guest, host)
    host.daemon.expect_sum()


def pair(lab):
    """A daemon with two guests of one network, both up."""
    ends = [(name, lab.file(f"{name}.sock"), f"02:00:00:00:00:0{i}", f"10.0.0.{i}")
            for i, name in enumerate(("one", "two"), 1)]
    daemon = lab.daemon("node", {
        "workers": workers(),
        "ports": [{"name": name, "role": "access", "devargs": f"net_vhost{i},iface={path}"}
                  for i, (name, path, _, _) in enumerate(ends)],
        "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN,
                      "subnets": [{"prefix": "10.0.0.0/24"}]}],
        "endpoints": [{"name": name, "network": "blue", "port": name, "mac": mac, "addresses": [ip]}
                      for name, _, mac, ip in ends],
    })
    daemon.start()
    return daemon, [lab.guest(*end).start() for end in ends]


def expect_pings(source, target):
    """The first one may find the other end's driver not ready."""
    wait_until(lambda: source.call(f"ping -c 1 -W 2 {target.address}")[0] == 0,
               f"guest {source.name} cannot ping {target.address}", SECONDS)
    text = source.run(f"ping -c 5 -i 0.2 -W 5 {target.address}", SECONDS)
    expect("5 packets received" in text, text)


@long_test
def two_virtual_machines_talk_over_vhost_user(lab):
    daemon, (one, two) = pair(lab)
    expect_pings(one, two)
    expect_pings(two, one)
    # 8 MiB over the kernel's TCP, whatever offloads its driver has agreed on.
    two.run("dd if=/dev/zero bs=1M count=8 2>/dev/null | md5sum >/sum")
    two.run("(sleep 1000 | nc -l -p 5000 | md5sum >/got) & true")
    wait_until(lambda: ":1388 " in two.run("cat /proc/net/tcp /proc/net/tcp6"), "nobody listens", SECONDS)
    one.run(f"dd if=/dev/zero bs=1M count=8 2>/dev/null | nc {two.address} 5000", 4 * SECONDS)
    wait_until(lambda: two.call("[ -s /got ]")[0] == 0, "the transfer did not end", SECONDS)
    expect_equal(two.run("cat /got"), two.run("cat /sum"), "sum of what arrived")
    daemon.expect_sum()


@long_test
def a_virtual_machine_that_is_killed_comes_back_to_its_port(lab):
    daemon, (one, two) = pair(lab)
    expect_pings(one, two)
    for _ in range(3):
        two.kill()
        one.call(f"ping -c 5 -i 0.2 -W 1 {two.address}", SECONDS)
        two.start()
        expect_pings(one, two)
        expect_pings(two, one)
    daemon.expect_sum()


@long_test
def virtual_machines_find_the_daemon_again_after_its_restart(lab):
    daemon, (one, two) = pair(lab)
    expect_pings(one, two)
    for end in (daemon.stop, daemon.kill):
        end()
        daemon.start()
        expect_pings(one, two)
        expect_pings(two, one)
    daemon.expect_sum()
