# SPDX-License-Identifier: BSD-3-Clause
"""Valid frames of all kinds, built once with scapy, from which mutants are made."""
from lab.capture import (DB_IP, DB_IP6, DB_MAC, LOCAL, PEER_MAC, REMOTE, UPLINK_MAC, WEB_IP,
                         WEB_IP6, WEB_MAC)
from lab.site import VNI

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import GRE, ICMP, IP, TCP, UDP, IPOption_RR, IPOption_Timestamp
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NA,
                                ICMPv6ND_NS, ICMPv6ND_Redirect, ICMPv6ND_RS,
                                ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig,
                                IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting)
from scapy.layers.l2 import ARP, LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw


DISCOVERY = (ICMPv6ND_NS, ICMPv6ND_NA, ICMPv6ND_RS, ICMPv6ND_Redirect)


class Side:
    """
    Who sends to whom: the workload on the access port, or the remote one through the tunnel. Payloads are made
    of the tag, and end with it, so that most of what a mutation leaves of a packet still tells where it is from.
    """

    def __init__(self, src, dst, tag=b"", vni=VNI):
        (self.mac, self.ip, self.ip6), (self.dmac, self.dip, self.dip6) = src, dst
        self.tag, self.vni = tag, vni  # vni: of the tunnel packet that a workload may try to send itself

    def fill(self, n):
        whole = n // len(self.tag) if self.tag else 0
        return self.tag * whole + bytes(n - whole * len(self.tag))

    def finish(self, frame):
        """Neighbour discovery is left unchanged: bytes after it would be an option."""
        if not self.tag or any(frame.haslayer(layer) for layer in DISCOVERY):
            return bytes(frame)
        return bytes(frame / Raw(self.tag * 4))

    def eth(self, **more):
        return Ether(src=self.mac, dst=self.dmac, **more)

    def v4(self, **more):
        return IP(src=self.ip, dst=self.dip, **more)

    def v4_reversed(self):
        return IP(src=self.dip, dst=self.ip)

    def v6(self, **more):
        return IPv6(src=self.ip6, dst=self.dip6, **more)

    def v6_reversed(self):
        return IPv6(src=self.dip6, dst=self.ip6)


WEB = Side((WEB_MAC, WEB_IP, WEB_IP6), (DB_MAC, DB_IP, DB_IP6))
DB = Side((DB_MAC, DB_IP, DB_IP6), (WEB_MAC, WEB_IP, WEB_IP6))
TCP_OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]


def _ip4(s):
    tcp = TCP(sport=4000, dport=80)
    return [
        s.v4() / UDP(sport=5000, dport=53) / b"question",
        s.v4() / UDP(sport=5001, dport=4789) / VXLAN(flags=8, vni=s.vni) / s.eth() / s.v4() / UDP(),
        s.v4() / TCP(sport=4000, dport=80, flags="S", options=TCP_OPTIONS),
        s.v4() / TCP(sport=4000, dport=80, flags="A", seq=1) / b"data",
        s.v4() / TCP(sport=4000, dport=80, flags="FA", seq=5),
        s.v4() / TCP(sport=4000, dport=80, flags="R", seq=5),
        s.v4() / TCP(sport=80, dport=4000, flags="SA", options=TCP_OPTIONS),
        s.v4() / ICMP(id=1, seq=1) / b"echo",
        s.v4() / ICMP(type=0, id=1, seq=1) / b"echo",
        s.v4() / ICMP(type=3, code=4, nexthopmtu=1200) / s.v4_reversed() / tcp,
        s.v4() / ICMP(type=11) / s.v4_reversed() / UDP(sport=53, dport=5000),
        s.v4(options=[IPOption_RR(), IPOption_Timestamp()]) / UDP(sport=5002, dport=53) / b"x",
        s.v4(flags="MF", id=9) / UDP(sport=5003, dport=53, len=40) / s.fill(16),
        s.v4(frag=3, id=9) / s.fill(16),
        s.v4(frag=1, id=9) / s.fill(16),
        s.v4(flags="DF") / UDP(sport=5004, dport=53) / s.fill(1450),
        s.v4() / UDP(sport=5005, dport=53) / s.fill(1450),
        s.v4() / SCTP(sport=1, dport=2) / SCTPChunkInit(),
        s.v4() / GRE() / s.v4() / UDP(),
        s.v4(proto=4) / s.v4() / UDP(),
        s.v4(proto=50) / s.fill(32),
        s.v4(proto=0) / s.fill(8),
        s.v4(tos=3) / UDP(sport=5006, dport=53) / b"congested",
        IP(src=s.ip, dst="255.255.255.255") / UDP(sport=68, dport=67) / s.fill(240),
        IP(src=s.ip, dst="224.0.0.251") / UDP(sport=5353, dport=5353) / b"mdns",
    ]


def _ip6(s):
    return [
        s.v6() / UDP(sport=6000, dport=53) / b"question",
        s.v6() / TCP(sport=6001, dport=80, flags="S", options=TCP_OPTIONS),
        s.v6() / ICMPv6EchoRequest(id=2) / b"echo",
        s.v6() / ICMPv6PacketTooBig(mtu=1280) / s.v6_reversed() / TCP(sport=80, dport=6001),
        s.v6() / ICMPv6DestUnreach() / s.v6_reversed() / UDP(sport=53, dport=6000),
        s.v6() / IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=1, optdata=b"1234")]) / UDP(),
        s.v6() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting() / UDP(sport=6002, dport=53) / b"x",
        s.v6() / IPv6ExtHdrFragment(m=1, id=7) / UDP(sport=6003, dport=53, len=40) / s.fill(16),
        s.v6() / IPv6ExtHdrFragment(offset=3, id=7) / s.fill(16),
        s.v6() / IPv6ExtHdrFragment(id=8) / UDP(sport=6004, dport=53) / b"atomic",
        s.v6() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / UDP(),
        s.v6(nh=59) / s.fill(8),
        s.v6() / UDP(sport=6005, dport=53) / s.fill(1430),
        s.v6(hlim=255) / ICMPv6ND_NS(tgt=s.dip6) / ICMPv6NDOptSrcLLAddr(lladdr=s.mac),
        s.v6(hlim=255) / ICMPv6ND_NA(tgt=s.ip6) / ICMPv6NDOptDstLLAddr(lladdr=s.mac),
        IPv6(src=s.ip6, dst="ff02::1:ff00:6", hlim=255) / ICMPv6ND_NS(tgt=s.dip6) /
        ICMPv6NDOptSrcLLAddr(lladdr=s.mac),
        IPv6(src="::", dst="ff02::1:ff00:6", hlim=255) / ICMPv6ND_NS(tgt=s.dip6),
        IPv6(src="fe80::1", dst="ff02::2", hlim=255) / ICMPv6ND_RS(),
        IPv6(src="fe80::1", dst=s.dip6, hlim=255) / ICMPv6ND_Redirect(tgt=s.dip6, dst=s.dip6),
    ]


GATEWAY, GATEWAY_MAC = "10.0.0.1", "02:00:5e:00:02:01"
POD = "02:00:00:00:00:15", "10.0.0.21"  # an endpoint in VLAN 5 of the workload's port


def _dhcp4(s, kind, *options, **fields):
    """From a client without an address, unless the fields say that it has one."""
    fields = {"chaddr": bytes.fromhex(s.mac.replace(":", "")), **fields}
    return (IP(src=fields.get("ciaddr", "0.0.0.0"), dst="255.255.255.255") / UDP(sport=68, dport=67) /
            BOOTP(**fields) / DHCP(options=[("message-type", kind), *options, "end"]))


def _setup(s):
    """What a workload asks to set itself up."""
    all_mac = Ether(src=s.mac, dst="ff:ff:ff:ff:ff:ff")
    renewal = _dhcp4(s, "request", ciaddr=s.ip)
    renewal[IP].dst = GATEWAY
    to_servers = Ether(src=s.mac, dst="33:33:00:01:00:02") / IPv6(src="fe80::5", dst="ff02::1:2")
    return [
        all_mac / _dhcp4(s, "discover", ("client_id", b"\x01abcdef"), ("param_req_list", [1, 3, 6, 26, 119])),
        all_mac / _dhcp4(s, "request", ("requested_addr", s.ip), ("server_id", GATEWAY), ("max_dhcp_size", 1500)),
        all_mac / _dhcp4(s, "request", ("requested_addr", s.dip)),
        all_mac / _dhcp4(s, "inform", ciaddr=s.ip),
        all_mac / _dhcp4(s, "decline", ("requested_addr", s.ip)),
        all_mac / _dhcp4(s, "discover", giaddr=s.dip),
        Ether(src=s.mac, dst=GATEWAY_MAC) / renewal,
        to_servers / UDP(sport=546, dport=547) / bytes([11, 1, 2, 3, 0, 1, 0, 4, 9, 9, 9, 9, 0, 6, 0, 2, 0, 23]),
        to_servers / UDP(sport=546, dport=547) / bytes([1, 1, 2, 3, 0, 1, 0, 4, 9, 9, 9, 9, 0, 3, 0, 0]),
        Ether(src=s.mac, dst="33:33:00:00:00:02") / IPv6(src="fe80::1", dst="ff02::2", hlim=255) / ICMPv6ND_RS() /
        ICMPv6NDOptSrcLLAddr(lladdr=s.mac),
        Ether(src=s.mac, dst="33:33:00:00:00:02") / IPv6(src="::", dst="ff02::2", hlim=255) / ICMPv6ND_RS(),
    ]


def workload_frames(side):
    """What a workload may send, good and odd."""
    frames = [side.eth() / p for p in _ip4(side) + _ip6(side)] + _setup(side)
    first = _ip4(side)[0]
    frames += [
        side.eth() / Dot1Q(vlan=5) / first,
        Ether(src=POD[0], dst=side.dmac) / Dot1Q(vlan=5) / IP(src=POD[1], dst=side.dip) / UDP(sport=5007, dport=53),
        Ether(src=POD[0], dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=5) / ARP(hwsrc=POD[0], psrc=POD[1], pdst=side.dip),
        side.eth() / Dot1Q(vlan=0, prio=5) / first,
        side.eth() / Dot1AD(vlan=0) / first,
        side.eth() / Dot1AD(vlan=5) / Dot1Q(vlan=6) / first,
        side.eth() / Dot1Q() / Dot1Q() / Dot1Q() / first,
        Dot3(src=side.mac, dst=side.dmac) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP() / side.fill(20),
        Dot3(src=side.mac, dst="01:80:c2:00:00:00") / LLC() / side.fill(35),
        side.eth(type=0x88CC) / side.fill(40),
        side.eth(type=0x1234) / side.fill(46),
        Ether(src=side.mac, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=side.mac, psrc=side.ip,
                                                          pdst=side.dip),
        Ether(src=side.mac, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=side.mac, psrc=side.ip,
                                                          pdst=side.ip),
        side.eth() / ARP(op=2, hwsrc=side.mac, psrc=side.ip, hwdst=side.dmac, pdst=side.dip),
    ]
    return [side.finish(f) for f in frames]


def tunnel_header(vni=VNI):
    """Outer headers of a packet from node b; the mutator fills in lengths and checksum."""
    return bytes(Ether(src=PEER_MAC, dst=UPLINK_MAC) / IP(src=REMOTE, dst=LOCAL, flags="DF", len=0,
                 chksum=0) / UDP(sport=50000, dport=4789, len=0, chksum=0) /
                 VXLAN(flags=8, vni=vni))


def underlay_frames(side=DB, vni=VNI):
    """Other packets on the underlay; inner frames are from the remote side."""
    eth = Ether(src=PEER_MAC, dst=UPLINK_MAC)
    ip = IP(src=REMOTE, dst=LOCAL)
    inner = Raw(workload_frames(side)[0])
    vxlan = VXLAN(flags=8, vni=vni)
    return [bytes(f) for f in (
        eth / ip / ICMP(id=1, seq=1) / b"ping",
        eth / IP(src=REMOTE, dst=LOCAL, options=[IPOption_RR()]) / ICMP() / b"ping",
        eth / ip / ICMP(type=3, code=4, nexthopmtu=1000) / IP(src=LOCAL, dst=REMOTE) /
        UDP(sport=50000, dport=4789),
        Ether(src=PEER_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=PEER_MAC, psrc=REMOTE, pdst=LOCAL),
        eth / ARP(op=2, hwsrc=PEER_MAC, psrc=REMOTE, hwdst=UPLINK_MAC, pdst=LOCAL),
        eth / ip / UDP(sport=1, dport=4789) / vxlan / Ether(src=DB_MAC, dst=WEB_MAC) / ip /
        UDP(dport=4789) / vxlan / inner,
        eth / IP(src=REMOTE, dst=LOCAL, flags="MF") / UDP(dport=4789) / vxlan / inner,
        eth / IP(src=REMOTE, dst=LOCAL, frag=5) / bytes(64),
        eth / IP(src="198.51.100.7", dst=LOCAL) / UDP(dport=4789) / vxlan / inner,
        eth / IP(src=REMOTE, dst="198.51.100.7") / UDP(dport=4789) / vxlan / inner,
        eth / ip / UDP(dport=4789) / VXLAN(flags=0x88, gpid=77, vni=vni) / inner,
        eth / ip / UDP(dport=6081) / bytes([2, 0, 0x65, 0x58, *vni.to_bytes(3, "big"), 0, 255, 1, 1, 1, 0,
                                            0, 3, 233, 0, 0, 0, 0]) / inner,
        eth / IP(src=REMOTE, dst=LOCAL, proto=4) / IP(src=DB_IP, dst=WEB_IP) / UDP() / b"x",
        eth / Dot1Q(vlan=3) / ip / UDP(dport=4789) / vxlan / inner,
        eth / Dot1Q(vlan=0) / ip / UDP(dport=4789) / vxlan / inner,
        eth / IPv6(src="2001:db8::2", dst="2001:db8::1") / UDP(dport=4789) / vxlan / inner,
        eth / ip / TCP(dport=179, flags="S"),
        eth / ip / UDP(dport=53) / b"x",
    )]
