# SPDX-License-Identifier: BSD-3-Clause
"""Captures in, captures out: exact bytes, compared with frames that scapy builds and tshark
reads."""
from lab.capture import (DB_IP, DB_IP6, DB_MAC, LOCAL, PEER_MAC, REMOTE, UPLINK_MAC, WEB_IP,
                         WEB_IP6, WEB_MAC, CaptureNode, capture_config, expect_tshark_content,
                         tshark)
from lab.expect import expect, expect_bytes, expect_equal, test, wait_until
from lab.site import VNI

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                                ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig,
                                IPv6)
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw


def out(payload):
    """A frame from web to db."""
    return Ether(src=WEB_MAC, dst=DB_MAC) / payload


def back(payload):
    """A frame from db to web."""
    return Ether(src=DB_MAC, dst=WEB_MAC) / payload


def ip(**more):
    return IP(src=WEB_IP, dst=DB_IP, **more)


def ip_back(**more):
    return IP(src=DB_IP, dst=WEB_IP, **more)


def tunnelled(inner, sport=50000, tos=0, **vxlan):
    """As node b sends it to us."""
    return (Ether(src=PEER_MAC, dst=UPLINK_MAC) / IP(src=REMOTE, dst=LOCAL, flags="DF", tos=tos) /
            UDP(sport=sport, dport=4789, chksum=0) / VXLAN(**{"flags": 8, "vni": VNI, **vxlan}) /
            Raw(bytes(inner)))


def expected_tunnel(inner, sport, tos=0):
    """As we must send it to node b."""
    return bytes(Ether(src=UPLINK_MAC, dst=PEER_MAC) /
                 IP(src=LOCAL, dst=REMOTE, ttl=64, id=0, flags="DF", tos=tos) /
                 UDP(sport=sport, dport=4789, chksum=0) / VXLAN(flags=8, vni=VNI) /
                 Raw(bytes(inner)))


def source_port(frame):
    return int.from_bytes(frame[34:36], "big")


def plain_frames():
    return [
        out(ip() / UDP(sport=1000, dport=2000) / b"a datagram"),
        out(ip() / TCP(sport=1001, dport=80, flags="S", options=[("MSS", 1410)])),
        out(ip() / ICMP(id=7, seq=1) / b"ping"),
        out(IPv6(src=WEB_IP6, dst=DB_IP6) / UDP(sport=1002, dport=2002) / b"question"),
        out(IPv6(src=WEB_IP6, dst=DB_IP6) / ICMPv6EchoRequest(id=9, data=b"ping6")),
        out(ip(tos=0xB8) / UDP(sport=1003, dport=2000) / b"marked"),
        out(ip() / UDP(sport=1004, dport=2000) / bytes(1422)),
    ]


@test
def workload_frames_leave_in_the_headers_that_scapy_builds(lab):
    frames = plain_frames()
    node = CaptureNode(lab, web=frames).play()
    sent = node.sent("uplink", len(frames))
    for frame, got in zip(frames, sent):
        tos = frame[IP].tos if IP in frame else 0
        expect(source_port(got) >= 49152, f"outer source port {source_port(got)}")
        expect_bytes(got, expected_tunnel(frame, source_port(got), tos), frame.summary())
    expect_tshark_content(node.path("uplink"))
    vnis = tshark(node.path("uplink"), "-T", "fields", "-e", "vxlan.vni")
    expect_equal(vnis, [str(VNI)] * len(frames), "VNIs as tshark reads them")


@test
def one_flow_keeps_one_outer_source_port_and_flows_spread(lab):
    frames = [out(ip() / UDP(sport=p, dport=9) / b"x") for p in range(3000, 3100)] * 2
    node = CaptureNode(lab, web=frames).play()
    ports = [source_port(f) for f in node.sent("uplink", 200)]
    expect_equal(ports[100:], ports[:100], "outer source ports of the same flows")
    expect(len(set(ports)) > 90, f"100 flows have only {len(set(ports))} outer source ports")


@test
def ethernet_padding_does_not_enter_the_tunnel(lab):
    frame = out(ip() / UDP(sport=1, dport=2) / b"x")
    node = CaptureNode(lab, web=[bytes(frame) + b"\xee" * (60 - len(frame))]).play()
    got = node.sent("uplink", 1)[0]
    expect_bytes(got, expected_tunnel(frame, source_port(got)), "padded frame")


@test
def tunnel_packets_reach_the_workload_byte_for_byte(lab):
    inner = [
        back(ip_back() / UDP(sport=2000, dport=1000) / b"an answer"),
        back(ip_back() / TCP(sport=80, dport=1001, flags="S")),
        back(ip_back() / ICMP(id=8, seq=2) / b"ping"),
        back(IPv6(src=DB_IP6, dst=WEB_IP6) / UDP(sport=2002, dport=1002) / b"answer"),
        back(ip_back(tos=0x28) / UDP(sport=2001, dport=1000) / bytes(1400)),
    ]
    node = CaptureNode(lab, uplink=[tunnelled(f, 50000 + i) for i, f in enumerate(inner)]).play()
    for frame, got in zip(inner, node.sent("web", len(inner))):
        expect_bytes(got, bytes(frame), frame.summary())
    expect_tshark_content(node.path("web"))


@test
def reserved_bits_of_vxlan_are_ignored(lab):
    inner = back(ip_back() / UDP(sport=1, dport=2) / b"x")
    frame = tunnelled(inner, flags=0x88, reserved2=0xFF)
    node = CaptureNode(lab, uplink=[frame]).play()
    expect_bytes(node.sent("web", 1)[0], bytes(inner), "inner frame")


@test
def congestion_marks_of_the_underlay_reach_the_workload(lab):
    inner = back(ip_back(tos=2) / UDP(sport=1, dport=2) / b"capable")
    deaf = back(ip_back(tos=0) / UDP(sport=1, dport=2) / b"not capable")
    node = CaptureNode(lab, uplink=[tunnelled(inner, tos=3), tunnelled(deaf, tos=3)]).play()
    marked = back(ip_back(tos=3) / UDP(sport=1, dport=2) / b"capable")
    expect_bytes(node.sent("web", 1)[0], bytes(marked), "marked frame")
    expect_equal(node.daemon.drop("tunnel_ecn"), 1, "marked packets that cannot say so")


@test
def arp_for_a_remote_workload_is_answered_as_scapy_would(lab):
    ask = Ether(src=WEB_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(
        op=1, hwsrc=WEB_MAC, psrc=WEB_IP, pdst=DB_IP)
    node = CaptureNode(lab, web=[ask]).play()
    answer = Ether(src=DB_MAC, dst=WEB_MAC) / ARP(
        op=2, hwsrc=DB_MAC, psrc=DB_IP, hwdst=WEB_MAC, pdst=WEB_IP)
    expect_bytes(node.sent("web", 1)[0][:42], bytes(answer), "ARP reply")


@test
def a_neighbour_solicitation_is_answered_as_scapy_would(lab):
    ask = (Ether(src=WEB_MAC, dst="33:33:ff:00:00:06") / IPv6(src=WEB_IP6, dst="ff02::1:ff00:6",
           hlim=255) / ICMPv6ND_NS(tgt=DB_IP6) / ICMPv6NDOptSrcLLAddr(lladdr=WEB_MAC))
    node = CaptureNode(lab, web=[ask]).play()
    answer = (Ether(src=DB_MAC, dst=WEB_MAC) / IPv6(src=DB_IP6, dst=WEB_IP6, hlim=255) /
              ICMPv6ND_NA(tgt=DB_IP6, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=DB_MAC))
    expect_bytes(node.sent("web", 1)[0], bytes(answer), "neighbour advertisement")
    expect_tshark_content(node.path("web"))


@test
def a_packet_too_large_is_answered_with_errors_that_tshark_reads(lab):
    large4 = out(ip(flags="DF") / UDP(sport=1, dport=2) / bytes(1460))
    large6 = out(IPv6(src=WEB_IP6, dst=DB_IP6) / UDP(sport=1, dport=2) / bytes(1440))
    node = CaptureNode(lab, web=[large4, large6]).play()
    four, six = (Ether(f) for f in node.sent("web", 2))
    expect_equal((four[ICMP].type, four[ICMP].code, four[ICMP].nexthopmtu), (3, 4, 1450), "ICMP")
    expect_equal((four[IP].dst, four.dst), (WEB_IP, WEB_MAC), "who is told")
    expect_equal(six[ICMPv6PacketTooBig].mtu, 1450, "MTU of the packet-too-big")
    expect_equal((six[IPv6].dst, six.dst), (WEB_IP6, WEB_MAC), "who is told")
    expect_equal(node.daemon.drop("mtu_exceeded"), 2, "packets too large")
    bad = tshark(node.path("web"), "-Y", "icmp.checksum.status == 0 or icmpv6.checksum.status == 0")
    expect(not bad, f"wrong checksums: {bad}")


@test
def the_node_answers_a_ping_on_the_underlay_byte_for_byte(lab):
    ask = Ether(src=PEER_MAC, dst=UPLINK_MAC) / IP(src=REMOTE, dst=LOCAL, ttl=9, id=77) / ICMP(
        id=3, seq=4) / b"are you there"
    node = CaptureNode(lab, uplink=[ask]).play()
    answer = Ether(src=UPLINK_MAC, dst=PEER_MAC) / IP(src=LOCAL, dst=REMOTE, ttl=64, id=77) / ICMP(
        type=0, id=3, seq=4) / b"are you there"
    expect_bytes(node.sent("uplink", 1)[0], bytes(answer), "echo reply")


@test
def hostile_packets_are_each_counted_under_their_reason(lab):
    good = back(ip_back() / UDP(sport=1, dport=2) / b"eights")  # a fragment's length
    stranger = tunnelled(good)
    stranger[IP].src = "192.0.2.99"
    frames = {
        "tunnel_sender_unknown": stranger,
        "tunnel_network_unknown": tunnelled(good, vni=999),
        "tunnel_malformed": tunnelled(good, flags=0),
        "spoofed": tunnelled(Ether(src=WEB_MAC, dst=DB_MAC) / ip() / UDP(sport=1, dport=2)),
        "destination_unknown": tunnelled(
            back(IP(src=DB_IP, dst="10.0.0.77") / UDP(sport=1, dport=2))),
        "ip4_malformed": tunnelled(back(ip_back(ihl=4) / UDP(sport=1, dport=2))),
        "ip4_checksum": bytes(tunnelled(good)).replace(b"\x40\x11", b"\x3f\x11", 1),
        "ip4_truncated": bytes(tunnelled(good))[:30],
        "eth_truncated": bytes(tunnelled(good))[:12],
        "tunnel_fragment": tunnelled(good),
        "underlay_not_local": tunnelled(good),
        "underlay_sender": Ether(src=PEER_MAC, dst=UPLINK_MAC) / IP(src="192.0.2.255", dst=LOCAL) /
        ICMP(id=3, seq=4),
        "ip_ttl": tunnelled(back(ip_back(ttl=0) / UDP(sport=1, dport=2))),
        "ip_source_route": tunnelled(back(
            ip_back(options=[IPOption_LSRR(routers=["10.0.0.9"])]) / UDP(sport=1, dport=2))),
        "icmp_router": tunnelled(back(ip_back() / ICMP(type=5, code=1, gw="10.0.0.9") / ip())),
    }
    frames["tunnel_fragment"][IP].flags = "MF"
    frames["underlay_not_local"][IP].dst = "192.0.2.200"
    node = CaptureNode(lab, uplink=list(frames.values())).play()
    expect_equal(node.daemon.drops(), {reason: 1 for reason in frames}, "drops")
    expect_equal(node.sent("web", 0), [], "frames that got through")


@test
def a_node_of_null_ports_idles_with_counters_at_zero(lab):
    daemon = lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")).start()
    daemon.expect_sum()
    expect_equal(daemon.totals()["received"], 0, "packets received from nowhere")


@test
def a_flood_of_empty_frames_is_dropped_and_all_of_it_accounted_for(lab):
    daemon = lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1")).start()
    wait_until(lambda: daemon.totals()["received"] > 100000, "net_null floods nobody")
    daemon.apply(("endpoints.del", {"name": "web"}), ("ports.del", {"name": "web"}))
    daemon.expect_sum()
    expect(daemon.totals()["dropped"] > 100000, f"totals: {daemon.totals()}")
