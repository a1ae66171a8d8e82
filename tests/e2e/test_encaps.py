# SPDX-License-Identifier: BSD-3-Clause
"""Encapsulations and underlay families: two sluice nodes, and their changes under traffic."""
import itertools

from lab.daemon import Refused
from lab.encaps import PORTS, Stream, Wire, dual_site, expect_answers
from lab.expect import expect, expect_equal, test, wait_until
from lab.traffic import Iperf, expect_no_ping, expect_tcp, expect_udp, new_port

FAMILIES = ("ipv4", "ipv6")


def other_of(family):
    return FAMILIES[1 - FAMILIES.index(family)]


def expect_both_families(a, b):
    expect_answers(a, b.ip)
    expect_answers(b, a.ip6)
    expect_tcp(a, b)
    expect_tcp(b, a, address=a.ip6)
    expect_udp(a, b)


def check_over_both_families(lab, encap):
    site = dual_site(lab, encap=encap)
    for family in FAMILIES:
        site.set_nodes(encaps=[{"encap": encap, "family": family}])
        expect_answers(site.a1, site.b1.ip)  # the next hops are known now
        with Wire(site) as wire:
            expect_both_families(site.a1, site.b1)
            expect_equal(wire.tunnels(), {(family, 17, PORTS[encap])},
                         f"what {encap} over {family} puts on the wire")


@test
def vxlan_carries_both_families_over_both_underlays(lab):
    check_over_both_families(lab, "vxlan")


@test
def vxlan_gbp_carries_both_families_over_both_underlays(lab):
    check_over_both_families(lab, "vxlan-gbp")


@test
def geneve_carries_both_families_over_both_underlays(lab):
    check_over_both_families(lab, "geneve")


@test
def iperf_crosses_each_encapsulation_and_underlay(lab):
    site = dual_site(lab)
    for encap, family in itertools.product(PORTS, FAMILIES):
        site.set_network(encap=encap)
        site.set_nodes(encaps=[{"encap": encap, "family": family}])
        Iperf(site.a1, site.b1).expect_tcp()
        Iperf(site.b1, site.a1, "-u", "-b", "10M", "-l", "1200").expect_udp(20)


@test
def the_family_of_a_nodes_address_carries_its_packets_unless_encaps_say(lab):
    site = dual_site(lab, a={"first": "ipv6"}, b={"first": "ipv6"})
    with Wire(site) as wire:
        expect_both_families(site.a1, site.b1)
        expect_equal(wire.tunnels(), {("ipv6", 17, 4789)}, "what is on the wire")
    paths = site.a.daemon.call("nodes.paths")
    expect_equal([(p["address"], p["family"]) for p in paths], [(site.b.address6, "ipv6")], "paths")


def stream_both_ways(site):
    return [Stream(site.a1, site.b1, new_port()), Stream(site.b1, site.a1, new_port())]


def expect_no_loss(streams):
    for s in streams:
        sent, arrived = s.end()
        expect(sent > 500, f"{s.what}: only {sent} were sent")
        expect_equal(arrived, sent, f"{s.what}: arrived")


def change_under_traffic(site, before, after):
    """What the guide says: take both, change, take the new one only. One node after the other."""
    for step in ({"accepts": [after]}, {"encap": after, "accepts": [before]}, {"accepts": []}):
        site.network = {**site.network, **step}
        for node in site.sluices:
            node.daemon.call("networks.set", site.network)
            for s in site.streams:
                s.wait(60)


@test
def a_networks_encapsulation_changes_under_traffic_without_loss(lab):
    site = dual_site(lab)
    expect_both_families(site.a1, site.b1)
    site.streams = stream_both_ways(site)
    with Wire(site) as wire:
        change_under_traffic(site, "vxlan", "geneve")
        change_under_traffic(site, "geneve", "vxlan-gbp")
        kinds = wire.tunnels()
    expect_no_loss(site.streams)
    expect_equal(kinds, {("ipv4", 17, 4789), ("ipv4", 17, 6081)}, "what was on the wire")


@test
def a_nodes_encapsulation_and_family_change_under_traffic_without_loss(lab):
    site = dual_site(lab)
    old, new = {"encap": "vxlan", "family": "ipv4"}, {"encap": "geneve", "family": "ipv6"}
    expect_both_families(site.a1, site.b1)
    site.set_nodes(encaps=[new])
    expect_both_families(site.a1, site.b1)  # neighbors of both families are known
    site.set_nodes(encaps=[old])
    expect_both_families(site.a1, site.b1)
    site.streams = stream_both_ways(site)
    with Wire(site) as wire:
        for encaps in ([old, new], [new, old], [new]):
            for node, other in ((site.a, site.b), (site.b, site.a)):
                node.daemon.call("nodes.set", other.node_object(encaps=encaps))
                for s in site.streams:
                    s.wait(60)
        kinds = wire.tunnels()
    expect_no_loss(site.streams)
    expect_equal(kinds, {("ipv4", 17, 4789), ("ipv6", 17, 6081)}, "what was on the wire")


@test
def an_encapsulation_that_the_network_does_not_take_is_dropped(lab):
    site = dual_site(lab)
    expect_answers(site.a1, site.b1.ip)
    site.a.daemon.call("networks.set", {**site.network, "encap": "geneve"})
    expect_no_ping(site.a1, site.b1.ip)
    expect(dropped_as_foreign(site.b.daemon), f"drops: {site.b.daemon.drops()}")
    site.b.daemon.call("networks.set", {**site.network, "accepts": ["geneve"]})
    expect_no_ping(site.b1, site.a1.ip)  # a takes geneve only
    site.a.daemon.call("networks.set", {**site.network, "encap": "geneve", "accepts": ["vxlan"]})
    expect_both_families(site.a1, site.b1)


def dropped_as_foreign(daemon):
    return daemon.drop("tunnel_network_unknown") > 0


@test
def the_next_choice_carries_packets_when_the_underlay_loses_the_first(lab):
    encaps = [{"encap": "geneve", "family": "ipv6"}, {"encap": "vxlan", "family": "ipv4"}]
    site = dual_site(lab, a={"known_as": {"encaps": encaps}}, b={"known_as": {"encaps": encaps}})
    expect_both_families(site.a1, site.b1)
    for node in site.sluices:
        port = [p for p in node.daemon.config["ports"] if p["name"] == "uplink"][0]
        node.daemon.call("ports.set", {**port, "addresses": [f"{node.address}/24"]})
    with Wire(site) as wire:
        expect_both_families(site.a1, site.b1)
        expect_equal(wire.tunnels(), {("ipv4", 17, 4789)}, "without IPv6 addresses")
    shown = [(p["encap"], p["family"]) for p in site.a.daemon.call("nodes.paths")]
    expect_equal(shown, [("vxlan", "ipv4")], "nodes.paths")
    for node in site.sluices:
        port = [p for p in node.daemon.config["ports"] if p["name"] == "uplink"][0]
        node.daemon.call("ports.set", port)
    expect_answers(site.a1, site.b1.ip)
    with Wire(site) as wire:
        expect_both_families(site.a1, site.b1)
        expect_equal(wire.tunnels(), {("ipv6", 17, 6081)}, "with IPv6 addresses again")


@test
def nodes_listen_on_the_ports_that_they_say(lab):
    ports = {"vxlan": 14789, "geneve": 16081}
    known = {"encaps": [{"encap": "vxlan", "port": 14789}, {"encap": "geneve", "port": 16081}]}
    b = {"self_fields": {"encap_ports": ports}, "known_as": known}
    site = dual_site(lab, b=b)
    with Wire(site) as wire:
        expect_both_families(site.a1, site.b1)
        expect_equal(wire.tunnels(), {("ipv4", 17, 14789), ("ipv4", 17, 4789)}, "VXLAN's ports")
    site.a.daemon.call("nodes.set", site.b.node_object(encaps=known["encaps"][::-1]))
    site.b.daemon.call("nodes.set", site.a.node_object(encaps=[{"encap": "geneve"}]))
    with Wire(site) as wire:
        expect_both_families(site.a1, site.b1)
        expect_equal(wire.tunnels(), {("ipv4", 17, 16081), ("ipv4", 17, 6081)}, "Geneve's ports")


@test
def the_udp_checksum_over_ipv6_is_zero_or_computed_as_the_node_wants(lab):
    site = dual_site(lab, a={"first": "ipv6"}, b={"first": "ipv6"})
    expect_answers(site.a1, site.b1.ip)
    for wanted in ("zero", "compute"):
        site.set_nodes(udp6_checksum=wanted)
        with Wire(site) as wire:
            expect_both_families(site.a1, site.b1)
            sums = wire.tunnel_checksums()
        expect_equal(sums, {wanted == "zero"}, f"checksums that are zero with {wanted}")


@test
def the_largest_packet_that_fits_is_that_of_the_encapsulation_and_family(lab):
    site = dual_site(lab, workload_mtu=1500)
    sizes = {("vxlan", "ipv4"): 1450, ("vxlan", "ipv6"): 1430, ("vxlan-gbp", "ipv4"): 1450,
             ("vxlan-gbp", "ipv6"): 1430, ("geneve", "ipv4"): 1442, ("geneve", "ipv6"): 1422}
    for (encap, family), fits in sizes.items():
        site.set_network(encap=encap)
        site.set_nodes(encaps=[{"encap": encap, "family": family}])
        for node in site.sluices:
            wait_until(lambda d=node.daemon: d.call("nodes.paths")[0]["resolved"], "no neighbor")
        path = site.a.daemon.call("nodes.paths")[0]
        expect_equal((path["encap"], path["family"], path["inner_mtu"]), (encap, family, fits), "path")
        for w, header in ((site.b1.ip, 28), (site.b1.ip6, 48)):
            site.a1.ns.run("ip", "-4" if header == 28 else "-6", "route", "flush", "cache")
            expect_answers(site.a1, w, "-M", "do", "-s", str(fits - header), count=2)
            before = site.a.daemon.drop("mtu_exceeded")
            expect_no_ping_of(site.a1, w, fits - header + 1)
            site.a.daemon.wait_drop("mtu_exceeded", before)


def expect_no_ping_of(source, address, size):
    done = source.ns.popen("ping", "-n", "-q", "-c", "1", "-W", "1", "-M", "do", "-s", str(size),
                           address, stdout=-1, stderr=-1, text=True)
    text = done.communicate()[0]
    expect(" 0 received" in text, f"a packet that is too large passed: {text}")


@test
def what_cannot_work_is_refused_with_its_place_and_its_reason(lab):
    site = dual_site(lab)
    a, blue, b = site.a.daemon, site.network, site.b.node_object()
    wide = {"id": 70000, "labels": site.a1.labels}
    a.call("identities.add", wide)
    cases = (
        ("networks.set", {**blue, "encap": "vxlan-gbp"}, "encap", "carries 16 bits"),
        ("networks.set", {**blue, "encap": "gre"}, "encap", "gre"),
        ("networks.set", {**blue, "accepts": ["none"]}, "accepts[0]", "without encapsulation"),
        ("networks.set", {**blue, "accepts": ["geneve", "geneve"]}, "accepts[1]", "the same as element"),
        ("nodes.set", {**b, "encaps": [{"encap": "none"}]}, "encaps[0].encap", "networks have"),
        ("nodes.set", {**b, "encaps": [{"encap": "ipip", "port": 5}]}, "encaps[0].port", "no UDP port"),
        ("nodes.set", {**b, "addresses": [], "encaps": [{"encap": "geneve", "family": "ipv6"}]},
         "encaps[0].family", "no IPv6 address"),
        ("nodes.set", {**b, "encaps": [{"encap": "vxlan"}, {"encap": "vxlan", "family": "ipv4"}]},
         "encaps[1].encap", "there already"),
        ("nodes.set", {**b, "addresses": [b["address"]]}, "addresses[0]", "already"),
        ("nodes.set", {**b, "addresses": [site.a.address6]}, "addresses[0]", "this node's own"),
        ("nodes.set", {**b, "mtu": 600, "encaps": [{"encap": "geneve", "family": "ipv6"}]}, "mtu",
         "tunnel headers"),
    )
    for method, params, path, words in cases:
        expect_refused(a, method, params, path, words)
    a.apply(("identities.del", {"id": 70000}), ("networks.set", {**blue, "encap": "vxlan-gbp"}))
    expect_refused(a, "identities.add", wide, "id", "carries 16 bits")
    a.call("networks.add", {"name": "red", "vni": 7, "encap": "ipip"})
    second = {"name": "green", "vni": 8, "encap": "ipip"}
    expect_refused(a, "networks.add", second, "encap", "one pair of tunnel addresses")
    second = {"name": "green", "vni": 8, "accepts": ["ipip"]}
    expect_refused(a, "networks.add", second, "accepts", "one pair of tunnel addresses")
    a.apply(("networks.del", {"name": "red"}), ("networks.add", second))
    expect_no_change_in_what_works(site)


def expect_no_change_in_what_works(site):
    site.b.daemon.call("networks.set", {**site.network, "encap": "vxlan-gbp"})
    expect_both_families(site.a1, site.b1)


def expect_refused(daemon, method, params, path, words):
    try:
        daemon.call(method, params)
    except Refused as e:
        text = e.error["message"]
        expect_equal(e.error["data"].get("path"), path, f"path of: {text}")
        expect(words in text, f"{words!r} is not in: {text}")
        return
    raise AssertionError(f"{method} {params} was accepted")
