# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine that nobody configures. Slow: QEMU without KVM."""
from lab.expect import expect, test, wait_until
from lab.site import workers
from lab.traffic import expect_ping
from test_self_configuration import NETWORK, Workload

MAC, IP, IP6 = "02:00:00:00:00:01", "10.0.0.11", "fd00:1::ff:fe00:1"
SECONDS = 60
# udhcpc calls it with what it got.
SCRIPT = (r"#!/bin/sh\n[ $1 = bound ] || exit 0\nip addr add $ip/$mask dev eth0\nip route add default via $router\n"
          r"ip link set eth0 mtu $mtu\necho nameserver $dns >/resolv\n")


@test
def a_virtual_machine_gets_addresses_routes_and_mtu_from_sluice_alone(lab):
    peer = Workload(lab, "peer", 5)
    one = {"name": "one", "network": "blue", "port": "one", "mac": MAC, "addresses": [IP, IP6]}
    daemon = lab.daemon("node", {
        "workers": workers(), "networks": [NETWORK],
        "ports": [peer.port_object(),
                  {"name": "one", "role": "access", "devargs": f"net_vhost1,iface={lab.file('one.sock')}"}],
        "endpoints": [peer.endpoint_object(), one],
    }, lab.namespace("gs-node")).start()
    peer.ns.run("ip", "addr", "add", f"{peer.ip}/24", "dev", "eth0")
    peer.ns.run("ip", "addr", "replace", f"{peer.ip6}/64", "dev", "eth0", "nodad")
    guest = lab.guest("one", lab.file("one.sock"), MAC, None).start()
    guest.run(f"printf '{SCRIPT}' >/script && chmod 755 /script")
    guest.run("udhcpc -i eth0 -n -q -t 10 -T 2 -O mtu -s /script", SECONDS)
    got = guest.run("ip addr show dev eth0; ip route; cat /resolv")
    for words in (f"inet {IP}/24", "mtu 1400", "default via 10.0.0.1", "nameserver 10.0.0.53"):
        expect(words in got, f"no {words} after DHCP: {got}")
    wait_until(lambda: f"inet6 {IP6}/64" in guest.run("ip addr show dev eth0"),
               lambda: f"no address from router discovery: {guest.run('ip addr')}", SECONDS)
    expect("default via fe80::5eff:fe00:201" in guest.run("ip -6 route"), guest.run("ip -6 route"))
    for address in (peer.ip, peer.ip6, "10.0.0.1", "fd00:1::1"):
        guest.run(f"ping -c 2 -W 5 {address}", SECONDS)
    expect_ping(peer, IP)
    expect_ping(peer, IP6)
    daemon.expect_sum()
