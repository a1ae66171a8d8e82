# SPDX-License-Identifier: BSD-3-Clause
"""
What tshark reads in tunnel packets, field by field, and what it must read there. A field that is in no table is as
wrong as one with another value.
"""
import json
import re

from .capture import PEER_MAC, UPLINK_MAC, tshark
from .devices import IP_HEADER, OUTER, VNI
from .expect import Failure, expect

UDP_PORT = {"vxlan": 4789, "vxlan-gbp": 4789, "geneve": 6081}
OWN = {"vxlan": 8, "vxlan-gbp": 8, "geneve": 16}
ANY = object()  # checked elsewhere: checksums have a status, entropy is compared between packets
# What tshark adds to the fields of a header: other forms of the same bytes, and what it counts.
_ADDED = re.compile(r"(_resolved|\.oui|_host|\.host|\.addr|\.lg|\.ig|\.checksum_calculated|\.stream|\.payload|"
                    r"^ip\.version_in_ip6|^udp\.port|^udp\.time_\w+|^geneve\.options?|^geneve\.option\.type\.critical)$")
_OPTIONS = ("-T", "json", "-o", "udp.ignore_ipv6_zero_checksum:TRUE")


def _leaves(pairs):
    """(field, value) of a header, in order, whatever tree tshark has put them into."""
    for name, value in pairs:
        if isinstance(value, list) and (not value or isinstance(value[0], tuple)):
            yield from _leaves(value)
        elif not _ADDED.search(name):
            yield name, value


def read(path, want=""):
    """For each packet: its headers in order, as (name, {field: value})."""
    options = _OPTIONS + (("-Y", want) if want else ())
    packets = json.loads("\n".join(tshark(path, *options)), object_pairs_hook=list)
    found = []
    for packet in packets:
        headers = dict(dict(packet)["_source"])["layers"]
        found.append([(name, dict(_leaves(fields)) if isinstance(fields, list) else {}) for name, fields in headers
                      if name not in ("frame", "data")])
    return found


def ethernet(family):
    return "eth", {"eth.dst": PEER_MAC, "eth.src": UPLINK_MAC, "eth.type": "0x0800" if family == "ipv4" else "0x86dd"}


def ip(family, tos, protocol, length):
    """An outer IP header with `length` bytes behind it. Never in fragments, so the id is 0: RFC 6864."""
    local, remote = OUTER[family]
    if family == "ipv4":
        return "ip", {
            "ip.version": "4", "ip.hdr_len": "20", "ip.dsfield": f"0x{tos:02x}", "ip.dsfield.dscp": str(tos >> 2),
            "ip.dsfield.ecn": str(tos & 3), "ip.len": str(20 + length), "ip.id": "0x0000", "ip.flags": "0x02",
            "ip.flags.rb": "0", "ip.flags.df": "1", "ip.flags.mf": "0", "ip.frag_offset": "0", "ip.ttl": "64",
            "ip.proto": str(protocol), "ip.checksum": ANY, "ip.checksum.status": "1", "ip.src": local, "ip.dst": remote}
    return "ipv6", {
        "ipv6.version": "6", "ip.version": "6", "ipv6.tclass": f"0x{tos:08x}", "ipv6.tclass.dscp": str(tos >> 2),
        "ipv6.tclass.ecn": str(tos & 3), "ipv6.flow": ANY, "ipv6.plen": str(length), "ipv6.nxt": str(protocol),
        "ipv6.hlim": "64", "ipv6.src": local, "ipv6.dst": remote}


def udp(encap, length, computed):
    """A zero checksum is `not checked` for tshark, a computed one must be right."""
    return "udp", {"udp.srcport": ANY, "udp.dstport": str(UDP_PORT[encap]), "udp.length": str(length),
                   "udp.checksum": ANY if computed else "0x0000", "udp.checksum.status": "1" if computed else "3"}


def own(encap, identity):
    """The tunnel's own header."""
    if encap == "geneve":
        return "geneve", {
            "geneve.version": "0", "geneve.flags": "0x00", "geneve.flags.oam": "0", "geneve.flags.critical": "0",
            "geneve.flags.reserved": "0", "geneve.proto_type": "0x6558", "geneve.vni": f"0x{VNI:06x}", "geneve.reserved": "0x00",
            "geneve.option.class": "0xff01", "geneve.option.type": "0x01", "geneve.option.flags": "0x00",
            "geneve.option.flags.reserved": "0", "geneve.option.length": "8",
            "geneve.option.unknown.data": ":".join(f"{b:02x}" for b in identity.to_bytes(4, "big"))}
    group = identity if encap == "vxlan-gbp" else 0
    return "vxlan", {
        "vxlan.flags": "0x8800" if group else "0x0800", "vxlan.flag_g": str(int(group > 0)), "vxlan.flag_i": "1",
        "vxlan.flag_d": "0", "vxlan.flag_a": "0", "vxlan.flags_reserved": "0x0000", "vxlan.gbp": str(group),
        "vxlan.vni": str(VNI), "vxlan.reserved8": "0"}


def outer(encap, family, inner, tos, identity=0, computed=False):
    """The headers that a tunnel puts in front of `inner`: bytes of an Ethernet frame."""
    if encap == "ipip":
        protocol = 4 if inner[12:14] == b"\x08\x00" else 41
        return [ethernet(family), ip(family, tos, protocol, len(inner) - 14)]
    length = 8 + OWN[encap] + len(inner)
    return [ethernet(family), ip(family, tos, 17, length), udp(encap, length, computed), own(encap, identity)]


def outer_len(encap, family):
    return 14 + IP_HEADER[family] + (0 if encap == "ipip" else 8 + OWN[encap])


def expect_outer(headers, wanted, what):
    """The first headers of a packet are these."""
    for (name, fields), (wanted_name, table) in zip(headers, wanted):
        expect(name == wanted_name, f"{what}: tshark reads {name} where {wanted_name} must be: {headers}")
        wrong = [f"{field} is {fields.get(field, 'absent')}, not {table.get(field, 'expected at all')}"
                 for field in {**fields, **table}
                 if field not in fields or table.get(field, "") not in (ANY, fields[field])]
        if wrong:
            raise Failure(f"{what}, header {name}: " + "; ".join(wrong))
    expect(len(headers) >= len(wanted), f"{what}: tshark reads no more than {[n for n, _ in headers]}")
