#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's workloads: what is compared with what, and what is kept of runs."""
import json
import os
import sys
import types
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests"))

import counted  # noqa: E402
from bench import rounds, ways  # noqa: E402
from bench.measuring.daemon import Failure  # noqa: E402
from bench.report import store, tables, targets, workloads  # noqa: E402
from bench.scenario import cases  # noqa: E402
from bench.scenario import workloads as work  # noqa: E402
from bench.workloads import loads, places, spaces  # noqa: E402
from bench.workloads import measure as at_work  # noqa: E402

OPTIONS = types.SimpleNamespace(flows=[1024], rules=1000, rounds=5, seconds=2, ovs=True)


def every_point():
    return [point for case in cases.CASES.values() for point in case.points(OPTIONS)]


class SideBySide(unittest.TestCase):
    """What two workloads get, against a peer in the same round."""
    OVS = next(row for row in workloads.ROWS if row.theirs and len(row.theirs) == 2)
    WORK = next(row for row in workloads.ROWS if row.metric == "cpu_per_gb")

    @staticmethod
    def measured(results):
        """Row of the table -> its cells, from rounds of points."""
        points = {point.key: point for point in every_point()}
        rows = [tables.row(points[key], rounds) for key, rounds in results.items()]
        lines = workloads.table(rows, targets.all_of(results))
        return {line[0]: line[1:] for line in lines}

    def test_every_side_of_a_row_is_a_point_of_the_group(self):
        keys = {point.key for point in cases.points("workloads", OPTIONS)}
        for row in workloads.ROWS:
            self.assertLessEqual({row.ours, *(row.theirs or ())}, keys, row.what)

    def test_the_best_of_several_peers_counts_in_each_round(self):
        results = {self.OVS.ours: [{"gbps": 12.0}] * 2,
                   self.OVS.theirs[0]: [{"gbps": 4.0}, {"gbps": 6.0}],
                   self.OVS.theirs[1]: [{"gbps": 6.0}, {"gbps": 3.0}]}
        self.assertEqual(workloads.ratios(self.OVS)(results), [2, 2])
        self.assertEqual(self.measured(results)[self.OVS.what][-1], "aim")

    def test_a_round_that_failed_on_one_side_is_in_no_ratio_and_shifts_none(self):
        ours, theirs = self.WORK.ours, self.WORK.theirs[0]
        results = {ours: [{}, {"cpu_per_gb": 2.0}, {"cpu_per_gb": 3.0}],
                   theirs: [{"cpu_per_gb": 9.0}, {"cpu_per_gb": 1.0}, {}]}
        self.assertEqual(workloads.ratios(self.WORK)(results), [2])
        self.assertEqual(self.measured(results)[self.WORK.what][0], "2.50 s/GB")

    def test_a_row_whose_offloads_were_touched_does_not_count(self):
        results = {key: [{"cpu_per_gb": 1.0, "untouched": 1.0}]
                   for key in (self.WORK.ours, *self.WORK.theirs)}
        self.assertEqual(self.measured(results)[self.WORK.what][-1], "dream")
        results[self.WORK.ours][0]["untouched"] = 0.0
        self.assertEqual(self.measured(results)[self.WORK.what][-1],
                         f"no: offloads of the workloads were off in {self.WORK.ours}")

    def test_offloads_that_are_off_or_absent_are_touched(self):
        on = dict.fromkeys(spaces.OFFLOADS, "on")
        tap = work.Work()
        self.assertTrue(at_work.untouched(tap, {"web": on, "db": on}))
        free = on | {"generic-receive-offload": "off", "tx-udp-segmentation": "absent"}
        self.assertTrue(at_work.untouched(tap, {"web": on, "db": free}))
        for name in ("tx-checksumming", "tcp-segmentation-offload"):
            for state in ("off", "absent"):
                self.assertFalse(at_work.untouched(tap, {"web": on, "db": on | {name: state}}))
        self.assertFalse(at_work.untouched(work.Work(kind="af_packet"), {"web": on, "db": on}))

    def test_a_peer_that_is_not_wanted_is_skipped_with_a_reason(self):
        bench = types.SimpleNamespace(hugepages=True)
        opts = types.SimpleNamespace(points=cases.points("pair", OPTIONS), ovs=False)
        run = rounds.Rounds(bench, opts)
        self.assertEqual([point.key for point in run.points],
                         ["pair/bridge", "pair/tap", "pair/interface"])
        self.assertEqual(len(run.notes), 2)
        self.assertIn("pair/ovs-veth is skipped: ", run.notes[0])

    def test_a_measurement_that_fails_twice_costs_its_round_and_no_other(self):
        opts = types.SimpleNamespace(points=cases.points("latency:busy", OPTIONS), ovs=False, rounds=2)
        run, tries = rounds.Rounds(types.SimpleNamespace(hugepages=True), opts), {}

        def measure(_, point):
            tries[point.key] = tries.get(point.key, 0) + 1
            if point.key == "latency/busy/tap" and tries[point.key] <= 2:
                raise Failure("lost")
            return {"rtt_us": 5.0}

        there = ways.WAYS["workload"]
        ways.WAYS["workload"] = ways.Way(measure, 1)
        try:
            run.run()
        finally:
            ways.WAYS["workload"] = there
        self.assertEqual(run.failures, ["latency/busy/tap, round 1: lost"])
        self.assertEqual(run.results["latency/busy/tap"], [{}, {"rtt_us": 5.0}])
        self.assertEqual(run.results["latency/busy/bridge"], [{"rtt_us": 5.0}] * 2)
        point = next(point for point in run.points if point.key == "latency/busy/tap")
        row = tables.row(point, run.results[point.key])
        self.assertEqual(row["metrics"]["rtt_us"]["rounds"], [5.0])

    def test_every_node_has_the_policy_and_knows_both_workloads(self):
        places_of = [(node, None, spaces.Workload(number, name, types.SimpleNamespace(path="/x")))
                     for node, number, name in (("a", 5, "web"), ("b", 6, "db"))]
        for underlay in ("veth", "memif"):
            for node in ("a", "b"):
                whole = places.config(node, places_of, work.Work(underlay=underlay), False, "/d")
                self.assertEqual([e["name"] for e in whole["endpoints"]], ["web", "db"])
                self.assertEqual([port["role"] for port in whole["ports"]], ["underlay", "access"])
                self.assertEqual({rule["action"] for rule in whole["policies"]}, {"allow"})
                self.assertEqual(whole["networks"][0]["policy_default"],
                                 {"ingress": "deny", "egress": "deny"})
                self.assertEqual(set(whole["workers"]), {"cores", "idle", "hugepages"})


class Costs(unittest.TestCase):
    def test_a_machine_that_works_has_used_its_cores(self):
        machine, before = loads.Machine(), loads.time.process_time()
        while loads.time.process_time() - before < 0.3:
            pass
        took, busy, steal = machine.since()
        self.assertGreaterEqual(took, 0.3)
        self.assertTrue(0.2 < busy < took * (os.cpu_count() or 1) + 0.1, (took, busy))
        self.assertTrue(0 <= steal <= 100)

    def test_packets_on_the_underlay_have_a_mean_length(self):
        self.assertEqual(loads.underlay_packet((1000, 10), (61000, 11)), {"underlay_bytes": 60000})
        self.assertEqual(loads.underlay_packet(None, None), {})
        self.assertEqual(loads.underlay_packet((1000, 10), (1000, 10)), {})


class Kept(unittest.TestCase):
    """What docs/performance/measured.json keeps of runs."""

    def test_what_is_stored_is_stored_again_as_it_is(self):
        with open(os.path.join(ROOT, "docs", "performance", "measured.json"), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(store.text(json.loads(text)), text)

    def test_rounds_go_and_a_later_run_replaces_a_target(self):
        point = next(point for point in every_point() if point.key == "encap/vxlan/1k")
        runs = []
        for cycles, cpu in ((150, "one"), (100, "another")):
            results = {point.key: [{"cycles": cycles, "mac": 50}]}
            runs.append({"date": "today", "rows": [tables.row(point, results[point.key])], "notes": [],
                         "targets": targets.all_of(results),
                         "machine": {"cpu": cpu, "cores": 2, "tsc_hz": 2e9, "kernel": "6.1"}})
        kept = json.loads(store.text(store.joined(runs)))
        self.assertEqual(kept["targets"][0]["measured"]["median"], 2)
        self.assertEqual(kept["rows"][0]["metrics"]["cycles"]["median"], 100)
        self.assertNotIn("rounds", kept["rows"][0]["metrics"]["cycles"])
        self.assertIsNone(kept["date"])
        self.assertEqual(kept["machine"]["cpu"], "one")
        self.assertIn("encap: measured on another", kept["notes"][0])


if __name__ == "__main__":
    counted.main()
