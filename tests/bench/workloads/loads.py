# SPDX-License-Identifier: BSD-3-Clause
"""What two workloads do, and what it costs: functions of (bench, work, pair) that return
{name: number}.

CPU seconds are those of the whole machine, from /proc/stat: every process and the kernel's own
work, interrupts included. What another machine took from this one (steal) stands beside it.
"""
import contextlib
import json
import os
import re
import subprocess
from statistics import median_grouped
import time

from bench.measuring.daemon import Failure
from bench.measuring.summaries import quantile
from bench.scenario.workloads import PINGS_A_SECOND

PORT, PORTS = 5201, 16
WARM_UP_SECONDS = 1.0       # until a stream has its window
SPARE_SECONDS = 1.5         # that a stream runs on after the measurement
STREAM_WAIT_SECONDS = 30
BUSY, STEAL = (0, 1, 2, 5, 6), 7  # columns of /proc/stat: user, nice, system, irq, softirq; steal
LEAST_PINGS = 200
FAILED_AT_MOST = 1e-3       # of the requests
LEAST_REST_SECONDS = 2


class Machine:
    """The machine's CPU time since it was made."""

    def __init__(self):
        self._begun, self._busy, self._steal = time.monotonic(), *self._read()

    @staticmethod
    def _read():
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(field) for field in file.readline().split()[1:]]
        tick = os.sysconf("SC_CLK_TCK")
        return sum(ticks[i] for i in BUSY) / tick, ticks[STEAL] / tick

    def since(self):
        """Seconds by the clock, CPU seconds, and the share of its cores' time that others took."""
        busy, steal = self._read()
        seconds = time.monotonic() - self._begun
        return (seconds, busy - self._busy,
                100 * (steal - self._steal) / seconds / (os.cpu_count() or 1))


def idle_cores(seconds=0.5):
    """CPU time a second before the traffic: of the switch that waits for it, and of anything else
    that runs on the machine."""
    machine = Machine()
    time.sleep(seconds)
    took, busy, _ = machine.since()
    return busy / took


@contextlib.contextmanager
def child(space, *command):
    """A program that ends with the block. Its output goes to pipes."""
    process = space.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finished(process, what, seconds):
    """Its output, once it has ended well."""
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as expired:
        raise Failure(f"{what} did not end") from expired
    if process.returncode != 0:
        raise Failure(f"{what}: {(errors or out).strip()[-500:]}")
    return out


def wait_for(condition, what):
    until = time.monotonic() + STREAM_WAIT_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise Failure(what)
        time.sleep(0.05)


# Streams


def listening(space):
    return bool(space.run("ss", "-Hltn", f"sport = :{PORT}").strip())


def received(space):
    """Bytes of payload that the kernel's TCP has received for the streams, and how many streams."""
    said = space.run("ss", "-Htin", "state", "established", f"sport = :{PORT}")
    counts = [int(n) for n in re.findall(r"bytes_received:(\d+)", said)]
    return sum(counts), len(counts)


def underlay_packet(before, after):
    """How long a packet was in the middle on a kernel's underlay: whether it was cut before it."""
    if before is None or after[1] == before[1]:
        return {}
    return {"underlay_bytes": (after[0] - before[0]) / (after[1] - before[1])}


def stream(bench, work, pair):
    """iperf3 from web to db. Counted is what db's TCP has received between two looks."""
    web, db = pair.web.space, pair.db.space
    seconds = WARM_UP_SECONDS + bench.seconds + SPARE_SECONDS
    with child(db, "iperf3", "-s", "-1", "-p", str(PORT)):
        wait_for(lambda: listening(db), "iperf3 does not listen")
        with child(web, "iperf3", "-c", pair.db.address, "-p", str(PORT), "-t", str(seconds),
                   "-P", str(work.at_once), "-J", "-i", "0") as client:
            # One more connection than streams: iperf3's own.
            wait_for(lambda: received(db)[1] > work.at_once or client.poll() is not None,
                     "the streams did not begin")
            time.sleep(WARM_UP_SECONDS)
            there = pair.underlay_sent()
            before, machine = received(db)[0], Machine()
            time.sleep(bench.seconds)
            after = received(db)[0]
            took, busy, steal = machine.since()
            carried = underlay_packet(there, pair.underlay_sent())
            # Not later: iperf3 ends its connections while data is under way.
            drops = pair.drops()
            end = json.loads(finished(client, "iperf3", seconds + STREAM_WAIT_SECONDS))["end"]
    count = after - before
    if count <= 0:
        raise Failure(f"the stream carried nothing; {pair.account()}")
    sent, arrived = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
    if arrived < after * 0.99 or arrived > sent:
        raise Failure(f"iperf3 sent {sent} bytes and received {arrived}, db's TCP {after}")
    return {"gbps": count * 8 / took / 1e9, "cpu_per_gb": busy / (count / 1e9),
            "busy_cores": busy / took, "steal_percent": steal,
            "retransmits": end["sum_sent"].get("retransmits", 0), "drops": drops, **carried}


# Pings


def ping(pair, count, interval):
    """Round trips in microseconds. The first is left out: it asks for the address."""
    with child(pair.web.space, "ping", "-n", "-c", str(count + 1), "-i", str(interval),
               pair.db.address) as process:
        machine = Machine()
        said = finished(process, "ping", 60 + 3 * count * interval)
        took, busy, steal = machine.since()
    times = [float(ms) * 1000 for ms in re.findall(r"time=([\d.]+) ms", said)][1:]
    if len(times) < 0.99 * count:
        raise Failure(f"{count - len(times)} of {count} pings were lost; {pair.account()}")
    # ping writes whole microseconds: the median is where it lies within one, by how many were in it.
    return {"rtt_us": median_grouped(times, 1), "rtt_p99_us": quantile(times, 0.99),
            "busy_cores": busy / took, "steal_percent": steal}


def idle_ping(bench, _, pair):
    return ping(pair, max(round(PINGS_A_SECOND * bench.seconds), 2), 1)


def busy_ping(bench, _, pair):
    return ping(pair, max(round(1000 * bench.seconds), LEAST_PINGS), 0.001)


# Requests


def exchange(bench, work, pair):
    """A byte to db and a byte back, on the same connection or on a new one each time."""
    program = os.path.join(os.path.dirname(bench.binary), "tests", "exchange")
    if not os.access(program, os.X_OK):
        raise Failure(f"there is no {program}: build the target tests/exchange")
    with child(pair.db.space, program, "serve", str(PORT), str(PORTS)) as server:
        if server.stdout.readline().strip() != "ready":
            raise Failure("exchange does not listen")
        with child(pair.web.space, program, "ask", pair.db.address, str(PORT), str(PORTS),
                   work.load, str(work.at_once), str(bench.seconds)) as client:
            machine = Machine()
            found = json.loads(finished(client, "exchange", bench.seconds + STREAM_WAIT_SECONDS))
            took, busy, steal = machine.since()
    if found["failed"] > FAILED_AT_MOST * found["done"] or found["done"] == 0:
        raise Failure(f"{found['failed']} requests failed and {found['done']} were answered; "
                      f"{pair.account()}")
    return {"requests_per_second": found["done"] / found["seconds"],
            "request_us": found["median_us"], "request_max_us": found["slowest_us"],
            "cpu_us_per_request": busy / found["done"] * 1e6,
            "busy_cores": busy / took, "steal_percent": steal}


# Nothing


def rest(bench, _, pair):
    """What the daemons use while no workload says anything. Endpoints are announced first."""
    wait_for(lambda: all(daemon.stats()["announcements"]["waiting"] == 0 for daemon in pair.daemons),
             "announcements of endpoints do not end")
    time.sleep(WARM_UP_SECONDS)
    before, begun = [daemon.ran_seconds() for daemon in pair.daemons], time.monotonic()
    time.sleep(max(bench.seconds, LEAST_REST_SECONDS))
    ran = [daemon.ran_seconds() for daemon in pair.daemons]
    took = time.monotonic() - begun
    return {"daemon_percent": 100 * max(b - a for a, b in zip(before, ran)) / took}


LOADS = {"stream": stream, "idle_ping": idle_ping, "busy_ping": busy_ping, "same": exchange,
         "new": exchange, "rest": rest}
