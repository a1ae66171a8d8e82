# SPDX-License-Identifier: BSD-3-Clause
"""Two sluice nodes against each other."""
import json

from lab.expect import expect, expect_equal, test, wait_until
from lab.net import run
from lab.traffic import (Iperf, expect_no_ping, expect_ping, expect_tcp, expect_udp,
                         many_connections)


@test
def every_workload_reaches_every_other(lab):
    site = lab.sluice_site()
    everyone = (site.a1, site.a2, site.b1, site.b2)
    for source in everyone:
        for other in everyone:
            if source is not other:
                expect_ping(source, other.ip, 2)
                expect_ping(source, other.ip6, 2)


@test
def tcp_and_udp_cross_both_nodes_both_ways(lab):
    site = lab.sluice_site(n_workloads=1)
    Iperf(site.a1, site.b1).expect_tcp()
    Iperf(site.b1, site.a1).expect_tcp()
    Iperf(site.a1, site.b1, "-u", "-b", "10M", "-l", "1200").expect_udp()
    Iperf(site.b1, site.a1, "-u", "-b", "10M", "-l", "1200").expect_udp()


@test
def many_connections_at_once_all_carry_data(lab):
    site = lab.sluice_site(n_workloads=1)
    expect_equal(many_connections(site.a1, site.b1, 500), 500, "connections a1 -> b1")
    Iperf(site.a1, site.b1, "-P", "16").expect_tcp()


@test
def workloads_of_one_node_talk_without_the_underlay(lab):
    site = lab.sluice_site()
    for daemon in site.daemons:  # ARP between the nodes is over
        wait_until(lambda d=daemon: d.call("nodes.paths")[0]["resolved"], "no neighbour")
    before = site.a.daemon.port("uplink")
    expect_tcp(site.a1, site.a2)
    expect_udp(site.a2, site.a1)
    after = site.a.daemon.port("uplink")
    expect_equal(after["tx_packets"], before["tx_packets"], "packets sent on the underlay")


@test
def a_tunnel_packet_from_an_unknown_node_is_dropped(lab):
    site = lab.sluice_site(n_workloads=1)
    expect_ping(site.a1, site.b1.ip)
    site.b.daemon.apply(("endpoints.del", {"name": "a1"}), ("nodes.del", {"name": "a"}))
    expect_no_ping(site.a1, site.b1.ip)
    site.b.daemon.wait_drop("tunnel_sender_unknown")


@test
def a_workload_that_takes_another_address_is_dropped_as_spoofed(lab):
    site = lab.sluice_site()
    site.a1.ns.run("ip", "addr", "add", f"{site.a2.ip}/24", "dev", "eth0")
    expect_no_ping_from(site.a1, site.a2.ip, site.b1.ip)
    site.a.daemon.wait_drop("spoofed")


def expect_no_ping_from(workload, source, address):
    """A configured neighbour: ARP with a stolen address has no effect."""
    workload.ns.run("ip", "neigh", "replace", address, "lladdr", "02:00:00:00:02:01", "dev", "eth0")
    done = workload.ns.popen("ping", "-n", "-q", "-c", "3", "-i", "0.02", "-w", "1", "-I", source,
                             address, stdout=-1, text=True)
    text = done.communicate()[0]
    expect(" 0 received" in text, f"ping from {source}: {text.strip()}")


@test
def flows_show_both_directions_of_a_connection(lab):
    site = lab.sluice_site(n_workloads=1)
    expect_tcp(site.a1, site.b1, 5432)
    for daemon, way in ((site.a.daemon, ("a1", "b")), (site.b.daemon, ("a", "b1"))):
        flows = [f for f in daemon.call("flows.list", {"network": "blue"})["flows"]
                 if f["destination_port"] == 5432]
        expect_equal(len(flows), 1, f"flows to port 5432 at {daemon.name}")
        flow = flows[0]
        expect_equal((flow["source"], flow["destination"]), (site.a1.ip, site.b1.ip), "addresses")
        expect_equal((flow["from"], flow["to"]), way, f"way through {daemon.name}")
        expect(flow["packets"] > 3 and flow["reply_packets"] > 3, f"packets: {flow}")
        expect(flow["bytes"] > 20000 and flow["reply_bytes"] > 20000, f"bytes: {flow}")


@test
def a_programmed_flow_entry_denies_and_its_removal_allows(lab):
    site = lab.sluice_site(n_workloads=1)
    key = {"network": "blue", "protocol": "udp", "source": site.a1.ip, "source_port": 4000,
           "destination": site.b1.ip, "destination_port": 5000}
    site.a.daemon.call("flows.add", {**key, "action": "deny"})
    near = site.a1.ns.socket()
    near.close()
    expect(send_udp(site, 4000, 5000) is None, "a datagram passed a deny entry")
    site.a.daemon.wait_drop("flow_deny")
    site.a.daemon.call("flows.del", key)
    expect_equal(send_udp(site, 4000, 5000), b"hello", "datagram after the entry's removal")


def send_udp(site, sport, dport):
    import socket
    near = site.a1.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far = site.b1.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with near, far:
        near.bind((site.a1.ip, sport))
        far.bind((site.b1.ip, dport))
        far.settimeout(0.5)
        near.sendto(b"hello", (site.b1.ip, dport))
        try:
            return far.recvfrom(100)[0]
        except TimeoutError:
            return None


@test
def underlay_neighbours_and_paths_are_shown_once_resolved(lab):
    site = lab.sluice_site(n_workloads=1)
    expect_ping(site.a1, site.b1.ip)
    states = site.a.daemon.call("neighbors.state")
    expect_equal([(n["address"], n["state"]) for n in states], [(site.b.address, "reachable")],
                 "neighbours")
    path = site.a.daemon.call("nodes.paths")[0]
    expect(path["reachable"] and path["resolved"], f"path: {path}")
    expect_equal((path["name"], path["port"], path["inner_mtu"]), ("b", "uplink", 1450), "path")


@test
def sluicectl_shows_what_the_daemon_knows(lab):
    site = lab.sluice_site(n_workloads=1)
    expect_ping(site.a1, site.b1.ip)
    ctl = (lab.sluicectl, "--socket", site.a.daemon.socket)
    listed = json.loads(run(*ctl, "-j", "endpoints", "list"))
    expect_equal(sorted(e["name"] for e in listed), ["a1", "b1"], "endpoints through sluicectl")
    expect("b1" in run(*ctl, "endpoints", "list"), "no b1 in the table of endpoints")
    wait_until(lambda: site.a.daemon.totals()["received"] > 0, "nothing received")
    stats = json.loads(run(*ctl, "call", "stats.get"))
    expect("totals" in json.dumps(stats), f"stats: {stats}")
