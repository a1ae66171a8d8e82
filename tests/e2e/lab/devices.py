# SPDX-License-Identifier: BSD-3-Clause
"""
Linux's tunnel devices, one kind for each encapsulation and family of the outer headers, as lines of iproute2's
without the word `ip`.
"""
VNI = 100
OUTER = {"ipv4": ("192.0.2.1", "192.0.2.2"), "ipv6": ("2001:db8::1", "2001:db8::2")}
PREFIX = {"ipv4": 24, "ipv6": 64}
MAC = "02:00:00:00:02:01"
# Bytes between the outer IP header and the inner one. sluice puts an option of 8 bytes into a Geneve header.
OVERHEAD = {"vxlan": 30, "vxlan-gbp": 30, "geneve": 38, "ipip": 0}
IP_HEADER = {"ipv4": 20, "ipv6": 40}


def inner_mtu(encap, family, underlay=1500):
    return underlay - IP_HEADER[family] - OVERHEAD[encap]


def udp_tunnel(kind, *options):
    """A device with Ethernet inside. Over IPv6 the UDP checksum is left out and not asked for, as RFC 6935 allows, or
    it is there and asked for, which is Linux's default."""

    def lines(family, local, remote, checksum):
        source = () if kind == "geneve" else ("local", local)
        words = ("link", "add", "tun0", "type", kind, "id", str(VNI), "remote", remote, *source, *options)
        if family == "ipv6" and not checksum:
            words += ("udp6zerocsumrx", "udp6zerocsumtx")
        if kind == "vxlan":
            words += ("dstport", "4789")
        return [" ".join(words), f"link set tun0 address {MAC}"]
    return lines


def ipip(family, local, remote, _checksum):
    """IPv4 and IPv6 inside. One device cannot take both over IPv4: protocol 4 is ipip's, 41 is sit's."""
    if family == "ipv6":
        return [f"link add tun0 type ip6tnl mode any local {local} remote {remote} encaplimit none hoplimit 64"]
    return [f"link add tun0 type ipip local {local} remote {remote} ttl 64",
            f"link add tun1 type sit mode ip6ip local {local} remote {remote} ttl 64"]


DEVICES = {"vxlan": udp_tunnel("vxlan"), "vxlan-gbp": udp_tunnel("vxlan", "gbp"), "geneve": udp_tunnel("geneve"),
           "ipip": ipip}


def make(encap, family, ends, inner4, inner6, checksum=False):
    """Lines that make a tunnel from ends[0] to ends[1], and give it the addresses (with prefix lengths)."""
    lines = DEVICES[encap](family, *ends, checksum)
    split = encap == "ipip" and family == "ipv4"
    mtu = inner_mtu(encap, family)
    lines += [f"link set {dev} mtu {mtu} up" for dev in (("tun0", "tun1") if split else ("tun0",))]
    lines += [f"addr add {inner4} dev tun0", f"addr add {inner6} dev {'tun1' if split else 'tun0'} nodad"]
    return lines
