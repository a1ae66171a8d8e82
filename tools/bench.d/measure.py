# SPDX-License-Identifier: BSD-3-Clause
"""One measurement of one case: never of a wrong packet, never without its counters checked."""
import os
import time

import cases
import frames
import machine
from daemon import Daemon, Failure, port
from testpmd import Testpmd

CHECKED_PACKETS = 64
LOST_AT_MOST = 1e-4  # of the packets received
WAIT_SECONDS = 30
SHARED_AT_MOST = 0.005  # of the time, by something else on the worker's core
ATTEMPTS = 3


class Bench:
    """What stays the same from one measurement to the next."""

    def __init__(self, build, directory, tsc, hugepages, seconds, policies):
        self.binary = os.path.join(build, "sluiced")
        self.directory = directory
        self.tsc = tsc
        self.hugepages = hugepages
        self.seconds = seconds
        self.policies = policies

    def pcap(self, case, flows):
        return os.path.join(self.directory, f"{case.name}-{flows}.pcap")

    def _daemon(self, case, flows, source, sink):
        config = case.config(flows, source, sink, cases.memory_mb(flows), self.hugepages,
                             self.policies)
        return Daemon(self.binary, self.directory, config)

    def check_output(self, case):
        """Play a few packets once and hold what comes out against what must."""
        source = os.path.join(self.directory, "check-in.pcap")
        sink = os.path.join(self.directory, "check-out.pcap")
        frames.write_pcap(source, [case.frame(flow) for flow in range(CHECKED_PACKETS)])
        with self._daemon(case, CHECKED_PACKETS, f"net_pcap0,rx_pcap={source}",
                          f"net_pcap1,tx_pcap={sink}") as daemon:
            wait_for(lambda: daemon.stats()["totals"]["received"] >= CHECKED_PACKETS,
                     f"{case.name}: the packets to check were not received", daemon)
        out = frames.read_pcap(sink)
        if len(out) != CHECKED_PACKETS:
            raise Failure(f"{case.name}: {len(out)} of {CHECKED_PACKETS} packets came out")
        for flow, frame in enumerate(out):
            flaw = case.flaw(frame, flow)
            if flaw:
                raise Failure(f"{case.name}: packet {flow} came out wrong: {flaw}")

    def sluice(self, case, flows):
        """TSC cycles a packet over the whole loop, and what the daemon itself says."""
        seconds = max(self.seconds, 2.2)  # its own figure is of the last full second
        with self._daemon(case, flows, f"net_pcap0,rx_pcap={self.pcap(case, flows)},infinite_rx=1",
                          "net_null1,no-rx=1") as daemon:
            wait_for(lambda: daemon.stats()["totals"]["received"] > 4 * flows,
                     f"{case.name}: nothing is received", daemon)
            time.sleep(0.5)
            before, start = daemon.stats(), self.tsc.read()
            waited = machine.worker_waited_ns(daemon.pid)
            time.sleep(seconds)
            after, ticks = daemon.stats(), self.tsc.read() - start
            waited = machine.worker_waited_ns(daemon.pid) - waited
            check_counters(case, flows, before, after, daemon.drops())
        packets = received(case, after) - received(case, before)
        return self._figures(packets / ticks * self.tsc.hz, waited / seconds / 1e9) | {
            "daemon_cycles": after["workers"][0]["cycles_per_packet"],
            "daemon_busy": after["workers"][0]["busy_percent"]}

    def testpmd(self, case, flows):
        """The same for testpmd's `io` and `mac` on the same file."""
        testpmd = Testpmd(self.pcap(case, flows), cases.buffers(flows), self.hugepages,
                          cases.memory_mb(flows))
        found = {mode: self._figures(pps, shared)
                 for mode, (pps, shared) in testpmd.rates(self.seconds).items()}
        return found | {"shared": max(figures["shared"] for figures in found.values())}

    def _figures(self, pps, shared):
        """The time in which something else had the core is not the packets' time."""
        return {"cycles": self.tsc.hz * (1 - shared) / pps, "pps": pps / (1 - shared),
                "shared": shared}


def undisturbed(measure, case, flows):
    """Measure again when something else had the worker's core; the quietest attempt counts."""
    best = None
    for _ in range(ATTEMPTS):
        found = measure(case, flows)
        if best is None or found["shared"] < best["shared"]:
            best = found
        if best["shared"] <= SHARED_AT_MOST:
            break
    return best


def wait_for(condition, what, daemon):
    until = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise Failure(f"{what}; drops: {daemon.drops()}")
        time.sleep(0.05)


def received(case, stats):
    return port(stats, case.input_port)["rx_packets"]


def check_counters(case, flows, before, after, drops):
    """A figure stands for something only when every packet took the way it was meant to take."""
    came = received(case, after) - received(case, before)
    went = (port(after, case.output_port)["tx_packets"] -
            port(before, case.output_port)["tx_packets"])
    dropped = after["totals"]["dropped"] - before["totals"]["dropped"]
    if came == 0:
        raise Failure(f"{case.name}: nothing was received; drops: {drops}")
    if dropped > came * LOST_AT_MOST:
        raise Failure(f"{case.name}: {dropped} of {came} packets were dropped: {drops}")
    if abs(came - went) > max(came * LOST_AT_MOST, 1024):
        raise Failure(f"{case.name}: {came} packets came in, {went} went out; drops: {drops}")
    if after["flows"]["used"] != 2 * flows:
        raise Failure(f"{case.name}: the flow table has {after['flows']['used']} entries, "
                      f"{flows} connections have {2 * flows}")
