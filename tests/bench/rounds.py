# SPDX-License-Identifier: BSD-3-Clause
"""All points in turn, round after round, with their peers; and the report of a whole run."""
import datetime
import sys

from bench import ways
from bench.measuring import machine
from bench.measuring.daemon import Failure
from bench.measuring.measure import Bench, undisturbed
from bench.peers import ovs, testpmd
from bench.report import tables, targets
from bench.workloads import measure as workloads

FORMAT = 2  # of the JSON


def show_progress(text):
    """For whoever is watching."""
    if sys.stderr.isatty():
        print(text[:100].ljust(100), end="\r", file=sys.stderr, flush=True)


class Rounds:
    """Every point in turn, in each round. Points with the same file share the peers' numbers."""

    def __init__(self, bench, opts):
        self._bench, self._opts = bench, opts
        self.notes, self.failures = [], []
        self.points = [point for point in opts.points if not self._left_out(point)]
        self.results = {point.key: [] for point in self.points}
        self._ovs = opts.ovs and any(point.ovs for point in opts.points)
        if self._ovs and ovs.missing():
            self.notes.append(f"without OVS: {ovs.missing()}; --install-peers installs it")
            self._ovs = False

    def _left_out(self, point):
        """Points that are a peer's alone, where it cannot take part."""
        if point.how != "workload":
            return False
        why = workloads.missing(self._bench, point.scenario, self._opts.ovs)
        if why:
            self.notes.append(f"{point.key} is skipped: {why}")
        return bool(why)

    def check(self):
        """Compare output bytes first: sluice's, and those of peers that do the same work."""
        for point in self.points:
            if point.checked:
                show_progress(f"checking the output of {point.key}")
                self._bench.check_output(point.scenario)
        done = set()
        for point in self.points:
            if not self._with_ovs(point):
                continue
            work = (point.scenario.direction, point.scenario.encap)
            if work not in done:
                show_progress(f"checking the output of OVS, {point.key}")
                ovs.check_output(self._bench, point.scenario)
                done.add(work)

    def _with_ovs(self, point):
        return self._ovs and point.ovs and ovs.can_do(point.scenario)

    def run(self):
        for number in range(self._opts.rounds):
            beside = {}
            for point in self.points:
                way = ways.WAYS[point.how]
                if number < way.most_rounds:
                    show_progress(f"round {number + 1} of {self._opts.rounds}: {point.key}")
                    found = dict(self._beside(point, beside))
                    found |= self._measured(way, point, number)
                    self.results[point.key].append(found)

    def _measured(self, way, point, number):
        """Programs that end a run do so; a workload's failure, after another attempt, costs the
        round of that point only: what was measured of the others stays, and the run fails at its
        end."""
        if point.how != "workload":
            return undisturbed(self._opts.attempts, way.measure, self._bench, point)
        for attempt in range(2):
            try:
                return way.measure(self._bench, point)
            except Failure as failure:
                if attempt == 1:
                    self.failures.append(f"{point.key}, round {number + 1}: {failure}")
        return {}

    def _beside(self, point, done):
        """What the peers cost on this point's file, measured once a round."""
        found, scenario = {}, point.scenario
        if point.floors and scenario.source == "pcap":
            key = scenario.file_key()
            if key not in done:
                done[key] = undisturbed(self._opts.attempts, testpmd.floors, self._bench, scenario)
            found |= {name: done[key][name] for name in ("mac", "io")}
        if self._with_ovs(point):
            key = ("ovs", *scenario.file_key(), scenario.rules)
            if key not in done:
                done[key] = undisturbed(self._opts.attempts, ovs.cycles, self._bench, scenario)
            found |= {name: done[key][name] for name in ("ovs_cycles", "ovs_cache")}
        return found


def memory_wanted(points, with_ovs):
    most = max(point.scenario.memory_mb() for point in points)
    return max(most + 256, ovs.MEMORY_MB + 256 if with_ovs else 0)


def run(opts, directory):
    """The whole run, as it is written to the JSON."""
    tsc = machine.Tsc()
    wanted = memory_wanted(opts.points, opts.ovs) if opts.hugepages else 0
    with machine.Hugepages(wanted) as hugepages:
        usable = opts.hugepages and hugepages.available
        bench = Bench(opts.build, directory, tsc, usable, opts.seconds, opts.profile)
        rounds = Rounds(bench, opts)
        rounds.check()
        rounds.run()
    if not usable:
        rounds.notes.append(f"without hugepages: {hugepages.note or 'as was asked'}")
    rows = [tables.row(point, rounds.results[point.key]) for point in rounds.points
            if any(rounds.results[point.key])]
    return {"format": FORMAT,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": machine.describe(tsc) | {"hugepages": usable},
            "build": machine.describe_build(opts.build),
            "options": {"rounds": opts.rounds, "seconds": opts.seconds, "rules": opts.rules},
            "notes": rounds.notes, "failures": rounds.failures, "rows": rows, "targets": targets.all_of(rounds.results)}
