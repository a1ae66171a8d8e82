# SPDX-License-Identifier: BSD-3-Clause
"""Hundreds of workloads come and go while a pair carries traffic: quickly, without a loss, without a leak."""
import os
import statistics
import time

from lab.expect import expect, expect_equal, test, wait_until
from lab.traffic import Ping
from test_kernel_ports import Rig

N = 500  # workloads at a time
CYCLES = int(os.environ.get("SL_ATTACH_CYCLES", "200"))
ATTACH_MS = 10


class Crowd(Rig):
    """A pair that carries traffic, and a namespace for the TAPs of all others."""

    def __init__(self, lab):
        super().__init__(lab, "tap", "tap")
        self.ns = lab.namespace("kp-many")

    def port(self, i):
        return {"name": f"w{i}", "role": "access",
                "tap": {"name": f"t{i}", "netns": f"/run/netns/{self.ns.name}"}}

    def endpoint(self, i):
        return {"name": f"w{i}", "network": "blue", "port": f"w{i}", "mac": f"02:00:00:01:{i >> 8:02x}:{i & 255:02x}",
                "addresses": [f"10.0.{1 + (i >> 8)}.{i & 255}"], "labels": {"app": "crowd"}}

    def attach(self, i):
        self.daemon.call("ports.add", self.port(i))
        self.daemon.call("endpoints.add", self.endpoint(i))

    def detach(self, i):
        self.daemon.call("endpoints.del", {"name": f"w{i}"})
        self.daemon.call("ports.del", {"name": f"w{i}"})

    def n_taps(self):
        return self.ns.run("ip", "-o", "link").count(": t")

    def held(self):
        """Descriptors and KiB of memory of the daemon."""
        pid = self.daemon.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return len(os.listdir(f"/proc/{pid}/fd")), rss


def timed(do, count):
    ms = []
    for i in range(count):
        start = time.monotonic()
        do(i)
        ms.append((time.monotonic() - start) * 1000)
    return ms


def tell(what, ms):
    print(f"note {what}: median {statistics.median(ms):.2f} ms, slowest {max(ms):.1f} ms, last fifty "
          f"{statistics.median(ms[-50:]):.2f} ms", flush=True)


@test
def five_hundred_workloads_are_attached_and_detached_quickly(lab):
    crowd = Crowd(lab)
    before = crowd.held()
    ping = Ping(crowd.web, crowd.db.ip, 400, 0.01)
    attached = timed(crowd.attach, N)
    tell("attach", attached)
    expect_equal(crowd.n_taps(), N, "taps")
    ping.expect_all()
    ping = Ping(crowd.web, crowd.db.ip, 400, 0.01)
    detached = timed(crowd.detach, N)
    tell("detach", detached)
    wait_until(lambda: crowd.n_taps() == 0, lambda: f"{crowd.n_taps()} taps are left", 30)
    ping.expect_all()
    expect(statistics.median(attached) < ATTACH_MS, "attaching takes too long")
    expect(statistics.median(detached) < ATTACH_MS, "detaching takes too long")
    wait_until(lambda: crowd.held()[0] <= before[0], lambda: f"descriptors: {crowd.held()}, before {before}")


@test
def five_hundred_workloads_in_one_transaction_are_quick(lab):
    crowd = Crowd(lab)
    start = time.monotonic()
    crowd.daemon.call("txn.apply", {"operations": [{"method": "ports.add", "params": crowd.port(i)}
                                                   for i in range(N)]})
    seconds = time.monotonic() - start
    print(f"note one transaction: {seconds * 1000 / N:.2f} ms a port", flush=True)
    expect_equal(crowd.n_taps(), N, "taps")
    expect(seconds < N * ATTACH_MS / 1000, f"{N} ports take {seconds:.1f} s")
    start = time.monotonic()
    crowd.daemon.stop()
    print(f"note stop: {time.monotonic() - start:.2f} s", flush=True)


@test
def attaching_and_detaching_again_and_again_leaks_nothing(lab):
    crowd = Crowd(lab)

    def cycle(i):
        crowd.attach(i % N)
        crowd.detach(i % N)

    timed(cycle, 50)
    before = crowd.held()
    ping = Ping(crowd.web, crowd.db.ip, max(100, CYCLES), 0.01)
    ms = timed(cycle, CYCLES)
    tell(f"{CYCLES} cycles", ms)
    ping.expect_all()
    wait_until(lambda: crowd.n_taps() == 0, "taps are left", 30)
    wait_until(lambda: crowd.held()[0] <= before[0], lambda: f"descriptors: {crowd.held()}, before {before}")
    grown = crowd.held()[1] - before[1]
    print(f"note memory after {CYCLES} cycles: {grown:+d} KiB", flush=True)
    expect(grown < 1024 + CYCLES, f"{grown} KiB more after {CYCLES} cycles")
    crowd.daemon.expect_sum()


def cpu_seconds(pid):
    """Per thread's name."""
    used = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f, \
                open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as name:
            comm = name.read().strip()
            used[comm] = used.get(comm, 0) + int(f.read().split()[0]) / 1e9
    return used


def idle_percent(pid, seconds):
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return {name: round(100 * (s - before.get(name, 0)) / seconds, 2) for name, s in cpu_seconds(pid).items()}


@test
def an_idle_node_with_five_hundred_workloads_costs_next_to_nothing(lab):
    crowd = Crowd(lab)
    crowd.daemon.call("txn.apply", {"operations": [{"method": "ports.add", "params": crowd.port(i)}
                                                   for i in range(N)]})
    time.sleep(2)
    for _ in range(4):  # other programs of this machine make a wake-up dearer
        used = idle_percent(crowd.daemon.process.pid, 3)
        print(f"note percent of a core: {used}", flush=True)
        if sum(used.values()) < 1:
            break
    expect(sum(used.values()) < 1, f"an idle node uses so many percent of a core: {used}")
