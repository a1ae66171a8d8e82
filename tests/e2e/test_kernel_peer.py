# SPDX-License-Identifier: BSD-3-Clause
"""sluice against the Linux kernel's VXLAN device and bridge."""
from lab.expect import expect, expect_equal, test
from lab.traffic import Iperf, Ping, expect_ping, expect_tcp, many_connections


@test
def ping_crosses_the_tunnel_both_ways(lab):
    site = lab.kernel_site()
    expect_ping(site.a1, site.b1.ip)
    expect_ping(site.b2, site.a2.ip)


@test
def ipv6_ping_crosses_the_tunnel_both_ways(lab):
    site = lab.kernel_site()
    expect_ping(site.a1, site.b1.ip6)
    expect_ping(site.b2, site.a2.ip6)


@test
def tcp_transfers_cross_the_tunnel_both_ways(lab):
    site = lab.kernel_site(n_workloads=1)
    Iperf(site.a1, site.b1).expect_tcp()
    Iperf(site.b1, site.a1).expect_tcp()
    Iperf(site.a1, site.b1, "-R").expect_tcp()


@test
def udp_streams_cross_the_tunnel_both_ways_without_loss(lab):
    site = lab.kernel_site(n_workloads=1)
    Iperf(site.a1, site.b1, "-u", "-b", "20M", "-l", "1200").expect_udp()
    Iperf(site.b1, site.a1, "-u", "-b", "20M", "-l", "1200").expect_udp()


@test
def ipv6_tcp_crosses_the_tunnel_both_ways(lab):
    site = lab.kernel_site(n_workloads=1)
    expect_tcp(site.a1, site.b1, address=site.b1.ip6)
    expect_tcp(site.b1, site.a1, address=site.a1.ip6)


@test
def many_connections_at_once_all_carry_data(lab):
    site = lab.kernel_site(n_workloads=1)
    expect_equal(many_connections(site.a1, site.b1, 500), 500, "connections a1 -> b1")
    expect_equal(many_connections(site.b1, site.a1, 500), 500, "connections b1 -> a1")


@test
def parallel_iperf_streams_share_the_tunnel(lab):
    site = lab.kernel_site(n_workloads=1)
    Iperf(site.a1, site.b1, "-P", "32").expect_tcp()


@test
def fragmented_ipv6_packets_cross_the_tunnel_both_ways(lab):
    site = lab.kernel_site(n_workloads=1)
    expect_ping(site.a1, site.b1.ip6, 5, "-s", "4000")
    expect_ping(site.b1, site.a1.ip6, 5, "-s", "4000")


@test
def fragmented_ipv4_packets_cross_the_tunnel_both_ways(lab):
    site = lab.kernel_site(n_workloads=1)
    expect_ping(site.a1, site.b1.ip, 5, "-s", "4000")
    expect_ping(site.b1, site.a1.ip, 5, "-s", "4000")


@test
def a_packet_larger_than_the_tunnel_is_answered_with_its_mtu(lab):
    site = lab.kernel_site(n_workloads=1, workload_mtu=1500)
    sent, received, text = Ping(site.a1, site.b1.ip, 3, 0.02, "-M", "do", "-s", "1472").result()
    expect(received == 0, f"{received} of {sent} packets of 1500 bytes were answered")
    route = site.a1.ns.run("ip", "route", "get", site.b1.ip)
    expect("mtu 1450" in route, f"a1 learned no MTU of 1450: {route.strip()}; {text.strip()}")
    expect_ping(site.a1, site.b1.ip, 3, "-M", "do", "-s", "1422")
    site.a.daemon.wait_drop("mtu_exceeded")


@test
def an_ipv6_packet_larger_than_the_tunnel_is_answered_with_its_mtu(lab):
    site = lab.kernel_site(n_workloads=1, workload_mtu=1500)
    Ping(site.a1, site.b1.ip6, 3, 0.02, "-M", "do", "-s", "1452").result()
    route = site.a1.ns.run("ip", "-6", "route", "get", site.b1.ip6)
    expect("mtu 1450" in route, f"a1 learned no MTU of 1450: {route.strip()}")
    expect_ping(site.a1, site.b1.ip6, 3, "-M", "do", "-s", "1402")


@test
def a_tcp_transfer_from_a_workload_with_a_large_mtu_finds_its_way(lab):
    site = lab.kernel_site(n_workloads=1, workload_mtu=1500)
    Iperf(site.a1, site.b1).expect_tcp()


@test
def the_node_itself_answers_ping_and_arp_on_the_underlay(lab):
    site = lab.kernel_site(n_workloads=1)
    Ping(site.b, site.a.address, 5).expect_all()
    neighbors = site.a.daemon.call("neighbors.state")
    expect(any(n["address"] == site.b.address for n in neighbors) or not neighbors,
           f"unexpected neighbours: {neighbors}")
