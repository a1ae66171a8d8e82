# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's VXLAN over IPv4 and IPv6 underlays, with and without UDP checksums."""
from lab.encaps import DualNode, DualSite, KernelGbpNode, Wire, expect_answers
from lab.expect import expect_equal, test
from lab.traffic import Iperf, expect_no_ping, expect_tcp

ZERO_RX, ZERO_TX = ("udp6zerocsumrx",), ("udp6zerocsumtx",)


def kernel_site(lab, family, options=(), **known_as):
    b = KernelGbpNode(lab, "b", 2, family, options, **known_as)
    return DualSite(lab, DualNode(lab, "a", 1, 1), b)


def expect_traffic(site):
    expect_answers(site.a1, site.b1.ip)
    expect_answers(site.b1, site.a1.ip6)
    expect_tcp(site.a1, site.b1)
    expect_tcp(site.b1, site.a1, address=site.a1.ip6)
    Iperf(site.a1, site.b1).expect_tcp()
    Iperf(site.b1, site.a1).expect_tcp()
    Iperf(site.b1, site.a1, "-u", "-b", "10M", "-l", "1200").expect_udp(20)


@test
def the_kernel_over_ipv4_talks_both_ways(lab):
    expect_traffic(kernel_site(lab, "ipv4"))


@test
def the_kernel_over_ipv6_takes_computed_checksums(lab):
    site = kernel_site(lab, "ipv6", udp6_checksum="compute")
    expect_traffic(site)


@test
def the_kernel_over_ipv6_takes_zero_checksums_when_it_is_told_to(lab):
    site = kernel_site(lab, "ipv6", ZERO_RX)
    expect_traffic(site)


@test
def the_kernel_over_ipv6_drops_zero_checksums_unless_told(lab):
    site = kernel_site(lab, "ipv6")
    expect_no_ping(site.a1, site.b1.ip)
    site.a.daemon.call("nodes.set", site.b.node_object(udp6_checksum="compute"))
    expect_traffic(site)


@test
def checksums_that_the_kernel_leaves_out_are_taken(lab):
    site = kernel_site(lab, "ipv6", ZERO_RX + ZERO_TX)
    with Wire(site) as wire:
        expect_traffic(site)
        zero = wire.tunnel_checksums()
    expect_equal(zero, {True}, "checksums that are zero, both ways")
    expect_equal(site.a.daemon.drop("tunnel_checksum"), 0, "tunnel_checksum")


@test
def checksums_that_the_kernel_computes_are_verified_and_taken(lab):
    site = kernel_site(lab, "ipv6", ZERO_RX)
    with Wire(site) as wire:
        expect_traffic(site)
        zero = wire.tunnel_checksums()
    expect_equal(zero, {True, False}, "checksums that are zero: sluice's, and not the kernel's")
    expect_equal(site.a.daemon.drop("tunnel_checksum"), 0, "tunnel_checksum")
