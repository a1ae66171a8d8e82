# SPDX-License-Identifier: BSD-3-Clause
"""TCP connections of real stacks: restarts, late denials, and resets that do not count."""
import socket

from lab.expect import expect, expect_equal, test, wait_until
from lab.traffic import DENIED_AFTER, Connection, Listener, new_port

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

CLOSED = {"ingress": "deny", "egress": "deny"}


def may_open(client, server, port):
    """Policies that let only the client open connections to the server's port."""
    return [
        {"name": f"out-{port}", "network": "blue", "direction": "egress", "subject": {"labels": client.labels},
         "action": "allow"},
        {"name": f"in-{port}", "network": "blue", "direction": "ingress", "subject": {"labels": server.labels},
         "peers": [{"labels": client.labels}], "ports": [{"protocol": "tcp", "port": port}], "action": "allow"}]


def restart_both(site):
    for daemon in site.daemons:
        daemon.kill()
    for daemon in site.daemons:
        daemon.start()


def arrives(sender, receiver, data, seconds=10):
    """Soon, unless the machine is busy with other work."""
    receiver.settimeout(seconds)
    sender.sendall(data)
    try:
        return receiver.recv(len(data)) == data
    except (socket.timeout, TimeoutError):
        return False


def flow_of(daemon, port):
    return next(f for f in daemon.call("flows.list")["flows"]
                if f["protocol"] == "tcp" and port in (f["source_port"], f["destination_port"]))


def address_of(workload, v6):
    return workload.ip6 if v6 else workload.ip


def speak_first_after_a_restart(site, v6):
    port = new_port()
    for p in may_open(site.a1, site.b1, port):
        site.add_everywhere("policies.add", p)
    with Listener(site.b1, port, address_of(site.b1, v6)) as listener, Connection(site.a1, listener) as c:
        expect(c.echo(), f"{c.what}: no echo before the restart")
        restart_both(site)
        expect(arrives(c.far, c.near, b"news"), f"{c.what}: the server's word after the restart is lost")
        for daemon in site.daemons:
            flow = flow_of(daemon, port)
            expect_equal((flow["picked_up"], flow["source"], flow["destination_port"]),
                         (True, address_of(site.a1, v6), port), f"{daemon.name}: the connection")
        expect(c.echo(), f"{c.what}: no echo after the restart")
        expect(not any(n for r, n in site.a.daemon.drops().items() if r.startswith("policy")),
               f"policy denied something: {site.a.daemon.drops()}")


@test
def a_server_that_speaks_first_after_a_restart_is_heard(lab):
    site = lab.sluice_site(n_workloads=1, state=True, policy_default=CLOSED)
    speak_first_after_a_restart(site, False)


@test
def a_server_that_speaks_first_after_a_restart_is_heard_over_ipv6(lab):
    site = lab.sluice_site(n_workloads=1, state=True, policy_default=CLOSED)
    speak_first_after_a_restart(site, True)


@test
def a_deny_stops_a_connection_whoever_spoke_first_after_the_restart(lab):
    site = lab.sluice_site(n_workloads=1, state=True)
    with Listener(site.b1) as listener, Connection(site.a1, listener) as c:
        restart_both(site)
        expect(arrives(c.far, c.near, b"news"), f"{c.what}: the server's word after the restart is lost")
        expect(c.echo(), f"{c.what}: no echo")
        site.b.daemon.call("policies.add", {
            "name": "no-more", "network": "blue", "direction": "ingress", "subject": {"labels": site.b1.labels},
            "ports": [{"protocol": "tcp", "port": listener.port}], "action": "deny"})
        expect(not arrives(c.near, c.far, b"more", DENIED_AFTER), f"{c.what}: goes on after it was denied")
        expect(site.b.daemon.drop("tcp_no_connection") > 0, f"drops: {site.b.daemon.drops()}")


@test
def a_network_without_pickup_refuses_what_was_open_before_the_restart(lab):
    site = lab.sluice_site(n_workloads=1, state=True, pickup=False)
    with Listener(site.b1) as listener, Connection(site.a1, listener) as c:
        expect(c.echo(), f"{c.what}: no echo before the restart")
        restart_both(site)
        expect(not arrives(c.near, c.far, b"x", DENIED_AFTER), f"{c.what}: was picked up")
        expect(not arrives(c.far, c.near, b"y", DENIED_AFTER), f"{c.what}: was picked up from the server's side")
        for daemon in site.daemons:
            expect(daemon.drop("tcp_no_connection") > 0, f"{daemon.name} drops: {daemon.drops()}")
        with Connection(site.a1, listener) as fresh:
            expect(fresh.echo(), f"{fresh.what}: a new one does not work")


def send_raw(workload, frame):
    with workload.ns.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        s.send(bytes(frame))


def segment(site, c, listener, **fields):
    """A segment that a1's stack could send on the connection."""
    return (Ether(src=site.a1.mac, dst=site.b1.mac) / IP(src=site.a1.ip, dst=site.b1.ip) /
            TCP(sport=c.near.getsockname()[1], dport=listener.port, **fields))


@test
def segments_that_the_other_end_does_not_believe_change_nothing(lab):
    site = lab.sluice_site(n_workloads=1)
    with Listener(site.b1) as listener, Connection(site.a1, listener) as c:
        expect(c.echo(), f"{c.what}: no echo")
        for flags in ("R", "RA", "S", "FA"):
            before = site.b.daemon.port(site.b1.name)["tx_packets"]
            send_raw(site.a1, segment(site, c, listener, flags=flags, seq=12345, ack=54321))
            wait_until(lambda: site.b.daemon.port(site.b1.name)["tx_packets"] > before,
                       "the segment did not arrive; the test tests nothing")
            for daemon in site.daemons:
                expect_equal(flow_of(daemon, listener.port)["state"], "established", f"{daemon.name} after {flags}")
        expect(c.echo(), f"{c.what}: dead")


@test
def a_reset_of_the_stack_itself_ends_the_connection_on_both_nodes(lab):
    site = lab.sluice_site(n_workloads=1)
    with Listener(site.b1) as listener, Connection(site.a1, listener) as c:
        expect(c.echo(), f"{c.what}: no echo")
        # With unread bytes or without lingering, close sends a reset.
        c.near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        c.near.close()
        for daemon in site.daemons:
            wait_until(lambda d=daemon: flow_of(d, listener.port)["state"] == "reset",
                       f"{daemon.name}: {flow_of(daemon, listener.port)}")
