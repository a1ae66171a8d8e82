# SPDX-License-Identifier: BSD-3-Clause
"""Host TAPs and TAPs of host endpoints while something about them changes."""
from lab.expect import expect, expect_equal, test, wait_until

from test_host import Site, expect_ping


@test
def a_wire_that_moves_gives_its_interface_back_to_the_kernel(lab):
    """The kernel's stack is deaf on the interface of the wire, and on no other. A filter of somebody else stays."""
    site = Site(lab)
    a = site.a
    a.ns.run("ip", "link", "add", "up1", "type", "veth", "peer", "name", "far1")
    for dev in ("up1", "far1"):
        a.ns.run("ip", "link", "set", dev, "up")

    a.ns.run("tc", "qdisc", "add", "dev", "up1", "clsact")
    a.ns.run("tc", "filter", "add", "dev", "up1", "ingress", "protocol", "all", "prio", "1", "handle", "1", "bpf",
             "bytecode", "1,6 0 0 0")  # it matches nothing

    def filters(dev):
        return a.ns.run("tc", "filter", "show", "dev", dev, "ingress")

    def is_mute(dev):
        return "sluice" in filters(dev)
    wait_until(lambda: is_mute("up0"), "the wire is not mute", 10)
    a.daemon.call("ports.set", {**a.uplink(), "interface": "up1"})
    wait_until(lambda: is_mute("up1"), "the new wire is not mute", 10)
    expect(not is_mute("up0"), "the interface that the wire has left is still mute")
    a.daemon.call("ports.set", a.uplink())
    wait_until(lambda: is_mute("up0") and not is_mute("up1"), "the wire did not come back", 10)
    expect("bytecode" in filters("up1"), f"somebody's filter is gone: {filters('up1')}")
    expect_ping(a.wire_end, site.b.address)


@test
def a_tap_of_the_hosts_that_does_not_work_is_a_notice(lab):
    site = Site(lab)
    a = site.a

    def notices():
        return [(n["code"], n["name"]) for n in a.daemon.call("notices.list") if n["code"].endswith("_state")]
    expect_equal(notices(), [], "notices of a node that works")
    a.ns.run("ip", "link", "set", "blue-h", "down")
    a.ns.run("ip", "link", "set", "up0h", "down")
    for notice in (("host_state", "host-a"), ("port_state", "uplink")):
        wait_until(lambda n=notice: n in notices(), lambda n=notice: f"no {n}: {notices()}", 10)
    a.ns.run("ip", "link", "set", "blue-h", "up")
    a.ns.run("ip", "link", "set", "up0h", "up")
    wait_until(lambda: notices() == [], lambda: f"{notices()}", 10)
