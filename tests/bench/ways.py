# SPDX-License-Identifier: BSD-3-Clause
"""The ways to measure a point, by name: functions of (bench, point) that return {name: number}."""
from dataclasses import dataclass

from bench.measuring import changes, growth
from bench.workloads import measure as workloads


def cycles(bench, point):
    return bench.cycles(point.scenario)


def source_floor(bench, point):
    return bench.source_floor(point.scenario)


def commits(bench, point):
    return changes.under_commits(bench, point.scenario, **point.with_)


def obeyed(bench, point):
    return changes.obeyed(bench, point.scenario, max(int(40 * bench.seconds), 10))


def new(bench, point):
    return growth.new_connections(bench, point.scenario)


def connection_bytes(bench, point):
    return growth.connection_bytes(bench, point.scenario)


def load(bench, point):
    return growth.load_endpoints(bench, point.scenario)


def start(bench, point):
    return growth.start_from_state(bench, point.scenario)


def workload(bench, point):
    return workloads.measure(bench, point)


@dataclass(frozen=True)
class Way:
    measure: object
    seconds: float       # beside the measuring time, roughly
    most_rounds: int = 99  # fewer where the number does not vary, or takes minutes


WAYS = {
    "cycles": Way(cycles, 2.5),
    "source_floor": Way(source_floor, 2.5),
    "commits": Way(commits, 3.5),
    "obeyed": Way(obeyed, 4),
    "new": Way(new, 5),
    "connection_bytes": Way(connection_bytes, 6, 1),
    "load": Way(load, 60, 3),
    "start": Way(start, 90, 3),
    "workload": Way(workload, 3),
}
TESTPMD_SECONDS, OVS_SECONDS = 4, 16


def seconds(points, options):
    """How long the rounds of these points will take, roughly."""
    total, files = 0, set()
    for point in points:
        way, rounds = WAYS[point.how], min(options.rounds, WAYS[point.how].most_rounds)
        total += rounds * (way.seconds + max(options.seconds, 2.2) +
                           point.scenario.setup_seconds(options.seconds))
        if point.floors and point.scenario.file_key() not in files:
            files.add(point.scenario.file_key())
            total += options.rounds * (TESTPMD_SECONDS + 2 * options.seconds)
        if point.ovs and options.ovs:
            total += options.rounds * (OVS_SECONDS + 4 * options.seconds)
    return total
