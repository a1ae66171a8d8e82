# SPDX-License-Identifier: BSD-3-Clause
"""
Nothing is lost that no counter sees: a known number goes in at one end, and what is counted at both ends, and by
the kernel in between, adds up to it.
"""
import contextlib
import json
import signal

from lab.blast import Blast
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import OPEN, workers
from lab.testpmd import Testpmd

WEB_MAC, DB_MAC = "02:00:00:00:00:05", "02:00:00:00:00:06"
FAST, FROZEN = 100000, 30000  # packets: to a daemon that runs, and to one that stands still
QUIET_SECONDS = 60


def udp(payload):
    from scapy.all import IP, UDP, Ether
    return bytes(Ether(src=WEB_MAC, dst=DB_MAC) / IP(src="10.0.0.5", dst="10.0.0.6") / UDP(sport=7, dport=7) /
                 bytes(payload))


def endpoint(name, mac, address):
    return {"name": name, "network": "blue", "port": name, "mac": mac, "addresses": [address]}


BLUE = {"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN}
BOTH = [endpoint("web", WEB_MAC, "10.0.0.5"), endpoint("db", DB_MAC, "10.0.0.6")]


def port(name, devargs, **more):
    return {"name": name, "role": "access", "devargs": devargs, **more}


@contextlib.contextmanager
def frozen(daemon):
    """Stops the worker, as if another process had its core: this causes a loss on any machine."""
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        daemon.process.send_signal(signal.SIGCONT)


def quiet(look):
    """look(), once it is the same for a while."""
    state = {"last": None, "same": 0}

    def settled():
        now = look()
        state["same"] = state["same"] + 1 if now == state["last"] else 0
        state["last"] = now
        return state["same"] >= 30
    wait_until(settled, lambda: f"it does not become quiet: {state['last']}", QUIET_SECONDS)
    return state["last"]


def kernel(daemon, name):
    return daemon.call("ports.get", {"name": name})["kernel"]


def statistics(ns, dev):
    """As `ip` has them, from the interface's point of view."""
    s = json.loads(ns.run("ip", "-j", "-s", "link", "show", dev))[0]["stats64"]
    return {f"{way}_{what}": n for way in ("rx", "tx") for what, n in s[way].items()}


class Flood:
    """A daemon with one port that gets more than it can handle. There is no endpoint: all packets
    are received and dropped."""

    def __init__(self, lab, devargs, tap=False):
        node, outside = lab.namespace("node"), lab.namespace("outside")
        if not tap:
            link(node, "sl-in", outside, "eth0")
        self.daemon = lab.daemon("d", {"workers": workers(), "ports": [port("in", devargs, descriptors=64)]},
                                 node).start()
        if tap:
            node.run("ip", "link", "set", "sl-in", "up")
        self.ns, self.dev = (node, "sl-in") if tap else (outside, "eth0")
        self.node = node

    def run(self):
        """The number of sent packets, the port's counters, and the kernel's counters of its
        interface."""
        with Blast(self.ns, self.dev, udp(20)) as blast:
            blast.send(FAST)
            with frozen(self.daemon):
                blast.send(FROZEN)
            n = blast.sent + blast.refused
        seen = quiet(lambda: (self.daemon.port("in"), kernel(self.daemon, "in")))
        for name, ours in (("rx_packets", "rx_packets"), ("rx_dropped", "rx_dropped"), ("tx_dropped", "tx_dropped")):
            expect_equal(seen[1][ours], statistics(self.node, "sl-in")[name], f"{name} of the interface, as ip has it")
        return n, *seen


@test
def what_af_packet_loses_is_counted_once(lab):
    n, ours, its = Flood(lab, "net_af_packet0,iface=sl-in,framecnt=64").run()
    expect(ours["rx_missed"] >= FROZEN - 64 - its["rx_dropped"], f"too few were lost: {ours} {its}")
    expect_equal(ours["rx_packets"] + ours["rx_missed"], its["rx_packets"], "what the interface had received")
    expect_equal(ours["rx_packets"] + ours["rx_missed"] + its["rx_dropped"], n, "all")


@test
def what_af_packet_loses_in_several_queues_is_counted_once(lab):
    flood = Flood.__new__(Flood)
    flood.node, flood.ns, flood.dev = lab.namespace("node"), lab.namespace("outside"), "eth0"
    link(flood.node, "sl-in", flood.ns, "eth0")
    flood.daemon = lab.daemon("d", {"workers": workers(), "ports": [
        port("in", "net_af_packet0,iface=sl-in,framecnt=64,qpairs=2", queues=2)]}, flood.node).start()
    n, ours, its = flood.run()
    expect(ours["rx_missed"] > 0, f"nothing was lost: {ours} {its}")
    expect_equal(ours["rx_packets"] + ours["rx_missed"] + its["rx_dropped"], n, "all")


@test
def what_the_host_sends_and_the_socket_filters_is_no_loss(lab):
    flood = Flood(lab, "net_af_packet0,iface=sl-in,framecnt=64")
    with Blast(flood.node, "sl-in", udp(20)) as host, frozen(flood.daemon):
        host.send(1000)
    expect_equal(quiet(lambda: flood.daemon.port("in"))["rx_missed"], 0, "rx_missed")


@test
def what_af_xdp_loses_is_counted_once(lab):
    flood = Flood(lab, "net_af_xdp0,iface=sl-in")
    n, ours, its = flood.run()
    lost = ours["rx_missed"] + statistics(flood.ns, "eth0")["tx_dropped"]
    expect(ours["rx_missed"] > 0, f"nothing was lost: {ours} {its}")
    expect_equal(ours["rx_packets"] + lost, n, "all, with what the veth's other end refused")
    # A driver with XDP of its own counts what the socket did not take; the generic one does not.
    expect(its["rx_dropped"] in (0, ours["rx_missed"]), f"rx_dropped of the interface: {ours} {its}")


@test
def what_a_tap_loses_is_in_tx_dropped_of_its_interface(lab):
    n, ours, its = Flood(lab, "net_tap0,iface=sl-in", tap=True).run()
    expect(its["tx_dropped"] > 0, f"nothing was lost: {ours} {its}")
    expect_equal(ours["rx_packets"] + ours["rx_missed"], its["tx_packets"], "what the interface had sent")
    expect_equal(ours["rx_packets"] + ours["rx_missed"] + its["tx_dropped"], n, "all")


@test
def what_pcap_loses_is_counted_once(lab):
    n, ours, its = Flood(lab, "net_pcap0,rx_iface_in=sl-in,tx_iface=sl-in").run()
    expect(ours["rx_missed"] > 0, f"nothing was lost: {ours} {its}")
    expect_equal(ours["rx_packets"] + ours["rx_missed"] + its["rx_dropped"], n, "all")


def flood_from_testpmd(lab, devargs, vdev):
    daemon = lab.daemon("d", {"workers": workers(), "ports": [port("in", devargs)]}).start()
    with Testpmd(lab, "peer", vdev, "txonly") as peer:
        peer.tell("start")
        wait_until(lambda: daemon.port("in")["rx_packets"] > 5000, "nothing is received", 30)
        with frozen(daemon):
            wait_until(lambda: peer.counters().get("TX-dropped", 0) > 1000, "the ring is never full", 30)
        its = peer.counters("stop")
        ours = quiet(lambda: daemon.port("in"))
    expect(its["TX-dropped"] > 0, f"nothing was lost: {its}")
    expect_equal(ours["rx_packets"], its["TX-packets"], "received, and sent by the peer")
    expect_equal(ours["rx_missed"], 0, "rx_missed")
    expect("kernel" not in daemon.call("ports.get", {"name": "in"}), "the kernel has no part in it")


@test
def what_does_not_fit_into_memif_was_never_sent(lab):
    socket = f"socket-abstract=no,socket={lab.file('m.sock')}"
    flood_from_testpmd(lab, f"net_memif0,role=server,{socket}", f"net_memif0,role=client,{socket}")


@test
def what_does_not_fit_into_vhost_was_never_sent(lab):
    path = lab.file("v.sock")
    flood_from_testpmd(lab, f"net_vhost0,iface={path}", f"net_virtio_user0,path={path}")


class Pair:
    """Workloads web and db at one node; db's port may be of another kind, and its end of the link is bare."""

    def __init__(self, lab, db="net_af_packet1,iface=sl-db", **more):
        self.node, self.web, self.db = (lab.namespace(n) for n in ("node", "w-web", "w-db"))
        link(self.node, "sl-web", self.web, "eth0")
        link(self.node, "sl-db", self.db, "eth0")
        self.daemon = lab.daemon("d", {
            "workers": workers(), "ports": [port("web", "net_af_packet0,iface=sl-web"), port("db", db, **more)],
            "networks": [BLUE], "endpoints": BOTH}, self.node).start()

    def send(self, blast, n):
        """From web; all have been handled when this returns."""
        blast.send(n)
        wait_until(lambda: self.daemon.port("web")["rx_packets"] + self.daemon.port("web")["rx_missed"] >=
                   blast.sent, "not received", 30)
        self.daemon.expect_sum()

    def arrived(self):
        return statistics(self.db, "eth0")["rx_packets"]


def expect_both_ends(pair):
    """Every packet that left has arrived, or is in tx_dropped of the kernel's interface."""
    port_db, its, arrived = quiet(lambda: (pair.daemon.port("db"), kernel(pair.daemon, "db"), pair.arrived()))
    left = port_db["tx_packets"] - port_db["tx_recalled"]
    expect_equal(left, its["tx_packets"] + (left - arrived), "sent, and tx_packets of the interface")
    return port_db, its, left, arrived


@test
def what_leaves_by_af_packet_arrives(lab):
    pair = Pair(lab)
    with Blast(pair.web, "eth0", udp(20)) as blast:
        pair.send(blast, FAST)
        _, _, left, arrived = expect_both_ends(pair)
        expect_equal(left, arrived, "arrived")
        web = pair.daemon.port("web")
        expect_equal(web["rx_packets"] + web["rx_missed"] + kernel(pair.daemon, "web")["rx_dropped"],
                     blast.sent + blast.refused, "all")


@test
def what_leaves_by_af_xdp_arrives_or_is_in_tx_dropped_of_its_interface(lab):
    pair = Pair(lab, "net_af_xdp1,iface=sl-db")
    with Blast(pair.web, "eth0", udp(20)) as small, Blast(pair.web, "eth0", udp(1450)) as large:
        pair.send(small, FAST // 10)
        pair.db.run("ip", "link", "set", "eth0", "mtu", "1400")
        pair.send(large, 20)
        ours, its, left, arrived = expect_both_ends(pair)
        expect_equal(arrived + its["tx_dropped"], left, f"arrived, and refused: {ours} {its}")
        expect(its["tx_dropped"] >= 20, f"tx_dropped of the interface: {its}")


@test
def a_packet_that_the_interface_refuses_is_a_drop_and_holds_up_nobody(lab):
    """The other end of a veth takes 1400 bytes, and this end does not know it."""
    pair = Pair(lab)
    pair.db.run("ip", "link", "set", "eth0", "mtu", "1400")
    with Blast(pair.web, "eth0", udp(20)) as small, Blast(pair.web, "eth0", udp(1450)) as large:
        pair.send(small, 10)
        large.send(5)
        wait_until(lambda: (small.send(1), pair.daemon.drop("port_refused") == 5)[1],
                   lambda: f"they are kept, or sent: {pair.daemon.drops()}", 10)
        expect_nobody_waits(pair, small, large)


def expect_nobody_waits(pair, small, large):
    """By now the port knows which size is refused."""
    for _ in range(20):
        large.send(1)
        small.send(1)
    ours, its, left, arrived = expect_both_ends(pair)
    expect_equal(pair.daemon.drop("port_refused"), 25, "port_refused")
    expect_equal(ours["tx_recalled"], 25, "tx_recalled")
    expect_equal(arrived, left, f"arrived: {ours} {its}")
    expect(arrived >= small.sent, f"arrived: {arrived} of {small.sent}")
    expect_equal(pair.daemon.drops(), {"port_refused": 25}, "drops")
    pair.daemon.expect_sum()


@test
def what_was_lost_is_not_forgotten_when_the_device_is_opened_anew(lab):
    """An AF_XDP port that was given packets is emptied by reopening it."""
    pair = Pair(lab, "net_af_xdp1,iface=sl-db", descriptors=64)
    with Blast(pair.web, "eth0", udp(20)) as blast:
        pair.send(blast, 10)
    with Blast(pair.db, "eth0", udp(20)) as blast, frozen(pair.daemon):
        blast.send(FROZEN)
    before = quiet(lambda: pair.daemon.port("db"))
    expect(before["rx_missed"] > 0, f"nothing was lost: {before}")
    pair.daemon.call("endpoints.del", {"name": "db"})
    after = quiet(lambda: pair.daemon.port("db"))
    expect(after["rx_missed"] >= before["rx_missed"], f"rx_missed: {before} {after}")
    # The kernel may refuse a new socket while it still clears the old one away; the daemon tries again.
    wait_until(lambda: pair.daemon.call("ports.get", {"name": "db"})["state"] == "up", "port db does not come back", 20)
    with Blast(pair.db, "eth0", udp(20)) as blast, frozen(pair.daemon):
        blast.send(FROZEN)
    last = quiet(lambda: pair.daemon.port("db"))
    expect(last["rx_missed"] > after["rx_missed"], f"rx_missed: {after} {last}")


def buffers(daemon, name=None):
    """Those of a port; without a name, those for packets that sluice makes."""
    wanted = ("port", name) if name else ("own", None)
    return next(b for b in daemon.call("stats.get")["buffers"] if (b["pool"], b.get("name")) == wanted)


def starved(daemon, name):
    return [n for n in daemon.call("notices.list") if (n["code"], n["name"]) == ("port_starved", name)]


@test
def a_port_without_buffers_says_so_and_what_it_lost_adds_up(lab):
    """A virtual machine that has stopped reading holds the buffers of the port that sends to it."""
    node, web = lab.namespace("node"), lab.namespace("w-web")
    link(node, "sl-web", web, "eth0")
    path = lab.file("vm.sock")
    with Testpmd(lab, "vm", f"net_vhost0,iface={path}", "rxonly") as vm:
        daemon = lab.daemon("d", {
            "workers": {**workers(), "packet_buffers": 1024},
            "ports": [port("web", "net_af_packet0,iface=sl-web,framecnt=64", descriptors=64),
                      port("db", f"net_virtio_user0,path={path},queue_size=1024", descriptors=1024)],
            "networks": [BLUE], "endpoints": BOTH}, node).start()
        vm.tell("start")
        with Blast(web, "eth0", udp(20)) as blast:
            blast.send(10)
            wait_until(lambda: vm.counters().get("RX-packets", 0) == 10, "nothing gets through", 20)
            expect_equal(daemon.port("web")["starved"], False, "starved at first")
            total, free = (buffers(daemon, "web")[k] for k in ("total", "free"))
            expect(0 < free <= total, f"{free} of {total} buffers are free")
            reported = daemon.call("ports.get", {"name": "web"})
            expect_equal(reported["buffers"], total, "buffers of ports.get")
            expect(0 < reported["buffers_free"] <= total, f"ports.get: {reported}")
            expect_equal(buffers(daemon, "web")["dry"], 0, "dry at first")
            vm.pause()
            wait_until(lambda: (blast.send(500), daemon.port("web")["starved"])[1],
                       lambda: f"not starved: {daemon.port('web')}", 30)
            blast.send(1000)
            found = starved(daemon, "web")
            expect(len(found) == 1 and "db" in found[0]["message"], f"notices: {daemon.call('notices.list')}")
            expect("packet_buffers" in found[0]["hint"], f"hint: {found[0]['hint']}")
            dry = buffers(daemon, "web")
            expect(dry["dry"] >= 2 and dry["free"] < total / 2, f"dry: {dry}")
            wait_until(lambda: "is starved" in daemon.log_tail(), "the log has no line", 20)
            vm.resume()
            wait_until(lambda: not daemon.port("web")["starved"], "starved for ever", 20)
            wait_until(lambda: "no longer" in daemon.log_tail(), "the log has no second line", 20)
            expect_equal(starved(daemon, "web"), [], "notices")
            wait_until(lambda: buffers(daemon, "web")["free"] >= free / 2, "buffers do not come back", 20)
            ours, its = quiet(lambda: (daemon.port("web"), kernel(daemon, "web")))
            expect(ours["rx_missed"] > 0, f"nothing was lost: {ours}")
            expect_equal(ours["rx_packets"] + ours["rx_missed"] + its["rx_dropped"], blast.sent + blast.refused, "all")


@test
def buffers_that_kernel_ports_share_run_out_with_a_notice(lab):
    """The same with a TAP: its packets are in buffers that all kernel ports share."""
    node, web = lab.namespace("node"), lab.namespace("w-web")
    path = lab.file("vm.sock")
    with Testpmd(lab, "vm", f"net_vhost0,iface={path}", "rxonly") as vm:
        daemon = lab.daemon("d", {
            "workers": {**workers(), "packet_buffers": 1024},
            "ports": [{"name": "web", "role": "access", "mac": WEB_MAC,
                       "tap": {"name": "eth0", "netns": f"/run/netns/{web.name}"}},
                      port("db", f"net_virtio_user0,path={path},queue_size=1024", descriptors=1024)],
            "networks": [BLUE], "endpoints": BOTH}, node).start()

        def kernel_buffers():
            return next(b for b in daemon.call("stats.get")["buffers"] if b["pool"] == "kernel")

        def notices():
            return [n for n in daemon.call("notices.list") if n["code"] == "buffers_starved"]

        vm.tell("start")
        with Blast(web, "eth0", udp(20)) as blast:
            blast.send(10)
            wait_until(lambda: vm.counters().get("RX-packets", 0) == 10, "nothing gets through", 20)
            expect_equal((kernel_buffers()["dry"], notices()), (0, []), "at first")
            vm.pause()
            wait_until(lambda: (blast.send(500), notices())[1], lambda: f"not starved: {kernel_buffers()}", 30)
            found = notices()
            expect(len(found) == 1 and "db" in found[0]["message"], f"notices: {found}")
            expect("packet_buffers" in found[0]["hint"], f"hint: {found[0]['hint']}")
            expect(kernel_buffers()["dry"] >= 2, f"dry: {kernel_buffers()}")
            blast.send(1000)
            wait_until(lambda: daemon.port("web")["rx_no_buffer"] > 0, "no failed read is counted", 10)
            vm.resume()
            wait_until(lambda: not notices(), "starved for ever", 20)


@test
def a_port_that_keeps_all_its_buffers_itself_says_so(lab):
    """A capture that is played for ever is in the port's own pool."""
    from scapy.all import wrpcap
    path = lab.file("all.pcap")
    wrpcap(path, [udp(20)] * 1000, linktype=1)
    daemon = lab.daemon("d", {
        "workers": {**workers(), "packet_buffers": 1024},
        "ports": [port("in", f"net_pcap0,rx_pcap={path},infinite_rx=1", descriptors=64)]}).start()
    wait_until(lambda: daemon.port("in")["starved"], lambda: f"not starved: {daemon.port('in')}", 20)
    expect_equal(daemon.port("in")["rx_packets"], 0, "rx_packets")
    expect_equal(len(starved(daemon, "in")), 1, "notices")
    its = buffers(daemon, "in")
    expect(its["dry"] > 0 and its["free"] < its["total"] / 2 and its["total"] >= 1000, f"buffers: {its}")
    own = buffers(daemon)
    expect(own["free"] > own["total"] / 2 and own["dry"] == 0, f"buffers of its own: {own}")


@test
def what_was_lost_is_not_forgotten_when_the_interface_is_made_again(lab):
    flood = Flood(lab, "net_af_packet0,iface=sl-in,framecnt=64")
    n, before, _ = flood.run()
    expect(before["rx_missed"] > 0, f"nothing was lost: {before}")
    flood.node.run("ip", "link", "del", "sl-in")
    wait_until(lambda: flood.daemon.call("ports.get", {"name": "in"})["state"] == "missing", "it is not missed", 20)
    gone = flood.daemon.port("in")
    expect_equal((gone["rx_packets"], gone["rx_missed"]), (before["rx_packets"], before["rx_missed"]), "meanwhile")
    link(flood.node, "sl-in", flood.ns, "eth0")
    wait_until(lambda: flood.daemon.call("ports.get", {"name": "in"})["state"] == "up", "it is not opened again", 20)
    m, after, its = flood.run()
    expect_equal(after["rx_packets"] + after["rx_missed"] + its["rx_dropped"], n + m, "all, of both interfaces")
