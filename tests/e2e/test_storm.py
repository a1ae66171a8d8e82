# SPDX-License-Identifier: BSD-3-Clause
"""Floods of packets that are expensive to handle, on two workers, while their device comes and
goes."""
import itertools
import os
import threading

from lab.expect import expect, expect_equal, test, wait_until
from lab.site import workers
from lab.workloads import DB, DB_EP, DB_MAC, WEB, WEB_MAC, Rig, Wire, packet
from test_ports import wait_state


def frames_of(src_mac, dst_mac, src, dst):
    """Packets of a hostile or busy workload: fragments without a first one, first ones without
    others, ICMP errors about known and unknown connections, true and false announcements,
    probes."""
    from scapy.all import ARP, ICMP, IP, TCP, UDP, Ether
    eth = Ether(src=src_mac, dst=dst_mac)
    to_all = Ether(src=src_mac, dst="ff:ff:ff:ff:ff:ff")
    quoted = IP(src=dst, dst=src) / UDP(sport=7, dport=7)
    router = Ether(src=src_mac, dst=dst_mac) / IP(src="10.77.0.1", dst=dst)
    made = [packet(src_mac, dst_mac, src, dst)]
    for n in range(40):
        made += [
            eth / IP(src=src, dst=dst, id=n, frag=5, proto=17) / bytes(40),
            eth / IP(src=src, dst=dst, id=1000 + n, flags="MF") / UDP(sport=n, dport=9) / bytes(32),
            eth / IP(src=src, dst=dst, id=1000 + n, frag=5, proto=17) / bytes(40),
            eth / IP(src=src, dst=dst) / TCP(sport=n + 1, dport=80, flags="S"),
            eth / IP(src=src, dst=dst) / ICMP(type=3, code=1) / quoted,
            router / ICMP(type=11, code=0) / quoted,
            router / ICMP(type=3, code=4, nexthopmtu=600) / IP(src=dst, dst=src) / TCP(seq=n),
            to_all / ARP(op=1, hwsrc=src_mac, psrc=src, pdst=src),
            to_all / ARP(op=2, hwsrc=src_mac, psrc=dst, pdst=dst),
            to_all / ARP(op=1, hwsrc=src_mac, psrc="0.0.0.0", pdst=dst),
            to_all / ARP(op=1, hwsrc=src_mac, psrc=src, pdst=dst),
        ]
    return [bytes(f) for f in made]


class Flood:
    """Sends round and round from a workload's end, which may be away now and then."""

    def __init__(self, open_wire, frames):
        self.open_wire, self.frames, self.over = open_wire, itertools.cycle(frames), threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        wire = None
        for frame in self.frames:
            if self.over.is_set():
                return
            try:
                wire = wire or self.open_wire()
                wire.s.send(frame)
            except OSError:
                wire = None
                self.over.wait(0.01)

    def end(self):
        self.over.set()
        self.thread.join()


class StormRig(Rig):
    """db has two queues, one a worker."""

    def __init__(self, lab):
        super().__init__(lab)
        self.daemon.stop()
        cores = sorted(os.sched_getaffinity(0))[-2:]
        db = {"name": "db", "role": "access", "devargs": "net_af_packet1,iface=sl-db,qpairs=2", "queues": 2}
        config = {**self.config, "workers": {**workers(), "cores": cores},
                  "ports": [self.config["ports"][0], db]}
        self.daemon = lab.daemon("storm", config, self.node)
        self.daemon.start()


def expect_quiet_accounts(rig):
    rig.daemon.expect_sum()
    totals, drops = rig.daemon.totals(), rig.daemon.drops()
    expect_equal(sum(drops.values()), totals["dropped"], "drops by reason, and dropped")


@test
def a_device_that_comes_and_goes_under_floods_of_all_kinds_is_accounted_for(lab):
    rig = StormRig(lab)
    floods = [Flood(lambda: Wire(rig.web_ns), frames_of(WEB_MAC, DB_MAC, WEB, DB)),
              Flood(lambda: Wire(rig.db_ns), frames_of(DB_MAC, WEB_MAC, DB, WEB))]
    try:
        for turn in range(8):
            before = rig.daemon.totals()["received"]
            wait_until(lambda: rig.daemon.totals()["received"] > before + 300, "nothing is received", 20)
            if turn % 4 == 0:
                rig.set_near_end("down")
                wait_state(rig.daemon, "down")
                rig.set_near_end("up")
            elif turn % 4 == 1:
                rig.node.run("ip", "link", "del", "sl-db")
                wait_state(rig.daemon, "missing")
                rig.connect("db", rig.db_ns, DB_MAC)
            elif turn % 4 == 2:
                rig.down()
                rig.up()
                rig.down()
                wait_state(rig.daemon, "down")
                rig.up()
            else:
                rig.node.run("ip", "link", "del", "sl-db")
                rig.connect("db", rig.db_ns, DB_MAC)
                rig.daemon.call("endpoints.del", {"name": "db"})
                rig.daemon.call("endpoints.add", DB_EP)
            rig.daemon.call("drops.recent", {"limit": 100})
            wait_state(rig.daemon, "up", seconds=30)
    finally:
        for f in floods:
            f.end()
    expect_quiet_accounts(rig)
    rig.web, rig.db = Wire(rig.web_ns), Wire(rig.db_ns)
    wait_until(rig.db_is_reached, "db is not reached any more")
    rig.daemon.apply(("endpoints.del", {"name": "db"}), ("endpoints.del", {"name": "web"}),
                     ("ports.del", {"name": "db"}), ("ports.del", {"name": "web"}))
    expect_quiet_accounts(rig)
    expect_equal(rig.daemon.call("ports.list"), [], "ports")
    expect(rig.daemon.totals()["received"] > 2000, f"the storm was none: {rig.daemon.totals()}")
