# SPDX-License-Identifier: BSD-3-Clause
"""Every drop can be explained: the socket's and the log's words about packets that a workload
really sent."""
import re

from lab.daemon import Refused
from lab.expect import Failure, expect, expect_equal, test, wait_until
from lab.traffic import expect_ping
from lab.wire import Wire

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether


def spoof(a1, address, mac=None, n=1, to="10.0.0.99"):
    with Wire(a1.ns, "eth0") as wire:
        for _ in range(n):
            wire.send(bytes(Ether(src=mac or a1.mac, dst="02:00:00:00:00:77") /
                            IP(src=address, dst=to) / UDP(sport=1234, dport=53) / (b"x" * 20)))


def recent(daemon, **params):
    return daemon.call("drops.recent", params)


def one(daemon, **params):
    return wait_until(lambda: recent(daemon, **params), f"no row for {params}")[0]


@test
def a_spoofed_packet_is_told_in_full_and_found_by_each_filter(lab):
    site = lab.sluice_site()
    daemon, a1, a2 = site.a.daemon, site.a1, site.a2
    spoof(a1, a2.ip)
    row = one(daemon, reason="spoofed", source=a2.ip)
    want = {"reason": "spoofed", "network": "blue", "from": "a1", "port": "a1", "protocol": "udp", "source": a2.ip,
            "destination": "10.0.0.99", "source_port": 1234, "destination_port": 53, "source_mac": a1.mac,
            "destination_mac": "02:00:00:00:00:77", "length": 62, "audited": False, "lost": 0}
    expect_equal({key: row.get(key) for key in want}, want, "the row")
    expect_equal(row["detail"], f"port: it came by port a1, {a2.ip} belongs to endpoint a2 at port a2; "
                                f"MAC: it is {a1.mac}, endpoint a2 has {a2.mac}", "what did not agree")
    for given in ({"port": "a1"}, {"network": "blue"}, {"destination": "10.0.0.99"}, {"mac": a1.mac},
                  {"reason": ["spoofed", "multicast"]}, {"source": a2.ip}):
        found = recent(daemon, limit=10000, **given)
        expect(row in found, f"{given} does not find it: {found}")
    for given in ({"port": "a2"}, {"network": "red"}, {"destination": "10.0.0.98"}, {"mac": "02:00:00:00:00:78"},
                  {"reason": "multicast"}, {"source": a1.ip, "port": "a1"}, {"node": "a1"}, {"policy": "default"}):
        found = recent(daemon, limit=10000, **given)
        expect(row not in found, f"{given} finds it")
    try:
        recent(daemon, reason="spooofed")
    except Refused as e:
        expect("spooofed" in str(e), f"the error: {e}")
    else:
        raise Failure("a reason that there is not was taken")


@test
def the_cursor_goes_on_and_nothing_is_lost_from_the_count(lab):
    site = lab.sluice_site()
    daemon, a1, a2 = site.a.daemon, site.a1, site.a2
    spoof(a1, a2.ip)
    first = one(daemon, reason="spoofed")
    spoof(a1, a2.ip, n=500)
    wait_until(lambda: daemon.drop("spoofed") == 501, "501 spoofed packets are not counted")
    spoofed = {d["reason"]: d["count"] for d in daemon.call("drops.list", {"port": "a1"})}["spoofed"]
    expect_equal(spoofed, 501, "spoofed packets of a1")
    expect(not any(d["reason"] == "spoofed" for d in daemon.call("drops.list", {"port": "a2"})), "a2's count")
    by_port = [d for d in daemon.call("drops.list", {"by_port": True}) if d["reason"] == "spoofed"]
    expect_equal([(d["port"], d["count"]) for d in by_port], [("a1", 501)], "spoofed packets by port")

    def all_told():
        """One more packet a second later has the number of those before it."""
        spoof(a1, a2.ip)
        sent = daemon.drop("spoofed")
        rows = recent(daemon, reason="spoofed", limit=10000)
        return sum(1 + r["lost"] for r in rows) in (sent, sent + 1) and rows
    rows = wait_until(all_told, "rows do not stand for all that was dropped", 10)
    seen, after = [], first["sequence"]
    while page := recent(daemon, reason="spoofed", after=after, limit=3):
        seen += page
        after = page[-1]["sequence"]
    numbers = [r["sequence"] for r in seen]
    expect_equal(numbers, sorted(set(numbers)), "sequences")
    expect(set(r["sequence"] for r in rows) <= set(numbers) | {first["sequence"]}, "pages leave rows out")
    daemon.stop()
    daemon.start()
    spoof(a1, a2.ip)
    newer = wait_until(lambda: recent(daemon, reason="spoofed", after=numbers[-1]), "the cursor does not outlive a restart")
    expect_equal(len(newer), 1, "rows of the daemon started again")


@test
def a_link_is_told_of_once_when_it_goes_and_once_when_it_comes(lab):
    site = lab.sluice_site()
    daemon, a1 = site.a.daemon, site.a1
    expect_ping(a1, site.a2.ip)

    def lines(how):
        return re.findall(rf"^sluiced: \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z port a1 is {how}\b",
                          daemon.log_tail(1000), re.MULTILINE)
    a1.ns.run("ip", "link", "set", "eth0", "down")
    wait_until(lambda: lines("down"), "the log does not say that the link is down", 10)
    a1.ns.run("ip", "link", "set", "eth0", "up")
    wait_until(lambda: lines("up"), "the log does not say that the link is up", 30)
    expect_equal((len(lines("down")), len(lines("up"))), (1, 1), "lines")
