#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's own parts, one short run of it, and what it hands to Pktgen.

Usage: test_bench.py SLUICED
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import xml.dom.minidom

sys.dont_write_bytecode = True
SLUICED = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "bench.d"))

import cases  # noqa: E402
import changes  # noqa: E402
import figures  # noqa: E402
import frames  # noqa: E402
import measure  # noqa: E402
import pktgen  # noqa: E402
import plots  # noqa: E402
import report  # noqa: E402
import ways  # noqa: E402
from daemon import Failure  # noqa: E402
from encaps import ENCAPS  # noqa: E402
from scenario import Scenario  # noqa: E402

OPTIONS = types.SimpleNamespace(flows=[1024, 16384], rules=1000, rounds=5, seconds=2, ovs=True)


def every_point():
    return [point for case in cases.CASES.values() for point in case.points(OPTIONS)]


class Statistics(unittest.TestCase):
    def test_a_quantile_is_a_value_that_was_seen(self):
        values = list(range(1, 101))
        self.assertEqual([report.quantile(values, share) for share in (0.5, 0.99, 1)],
                         [50, 99, 100])
        self.assertEqual(report.quantile([7], 0.99), 7)

    def test_a_ratio_is_taken_round_by_round(self):
        results = {"a": [{"cycles": 20}, {"cycles": 60}], "b": [{"cycles": 10}, {"cycles": 20}]}
        self.assertEqual(figures.ratio("a", "cycles", "b")(results), [2, 3])
        self.assertEqual(figures.ratio("a", "cycles", "c")(results), [])

    def test_a_loss_that_was_not_measured_whole_is_not_shown(self):
        results = {"a": [{"pps": 90}], "b": [{"pps": 100}]}
        self.assertEqual([round(v) for v in figures.lost("a", "b")(results)], [10])
        self.assertEqual(figures.worst(figures.lost("a", "b"), figures.lost("c", "d"))(results), [])

    def test_the_highest_bar_that_is_reached_is_named(self):
        below = figures.Figure("", (3, 2, 1), None)
        above = figures.Figure("", (1, 2, 3), None, more=True)
        self.assertEqual([figures.reached(below, v) for v in (4, 3, 1.5, 1)],
                         ["no", "must", "aim", "dream"])
        self.assertEqual([figures.reached(above, v) for v in (0.5, 1, 2.5, 3)],
                         ["no", "must", "aim", "dream"])

    def test_figures_come_from_the_rounds(self):
        results = {"encap/vxlan/1k": [{"cycles": c, "mac": 50} for c in (99, 100, 130)]}
        found = figures.all_of(results)
        self.assertEqual(len(found), len(figures.FIGURES))
        self.assertEqual((found[0]["reached"], found[0]["shown"]), ("aim", "2x (1.98x to 2.6x)"))
        self.assertIsNone(found[1]["measured"])
        written = report.markdown(report.table_of_figures(found))
        self.assertEqual(written.count("\n"), 2 + len(found))

    def test_figures_of_earlier_runs_come_back_from_their_rows(self):
        point = next(point for point in every_point() if point.key == "encap/vxlan/1k")
        rounds = [{"cycles": c, "pps": 10.0 * c, "mac": 50} for c in (99, 100, 130)]
        results = report.results_of([report.row(point, rounds)])
        self.assertEqual(figures.all_of(results), figures.all_of({point.key: rounds}))


class Packets(unittest.TestCase):
    def test_flows_differ_and_files_hold_each_once(self):
        for scenario in (Scenario(flows=5000), Scenario(flows=5000, remotes=3000),
                         Scenario(flows=640, pick="order")):
            self.assertEqual(len({scenario.ends(flow) for flow in range(scenario.flows)}),
                             scenario.flows)
            self.assertEqual(sorted(scenario.sequence()), list(range(scenario.flows)))
        self.assertNotEqual(Scenario(flows=640).sequence(), list(range(640)))

    def test_input_ports_share_the_flows(self):
        scenario = Scenario(flows=1000, ports=2)
        self.assertEqual(sorted(scenario.sequence(0) + scenario.sequence(1)), list(range(1000)))

    def test_zipf_prefers_few_and_counts_those_it_drew(self):
        scenario = Scenario(flows=1000, pick="zipf")
        drawn = scenario.sequence()
        most = max(drawn.count(flow) for flow in set(drawn))
        self.assertGreater(most, len(drawn) // 12)
        self.assertEqual(scenario.connections(), len(set(drawn)))

    def test_the_attack_has_its_share(self):
        drawn = Scenario(flows=1000, turns=8, attack=0.01).sequence()
        self.assertTrue(40 < drawn.count(None) < 160, drawn.count(None))

    def test_an_encapsulation_knows_its_own_and_names_what_is_wrong(self):
        for name, encap in ENCAPS.items():
            scenario = Scenario(direction="decap", encap=name)
            inner = scenario.inner(3)
            there = encap.wrap(inner, 3, frames.REMOTE_TUNNEL)
            # What comes in is what goes out with both ends exchanged.
            out = bytearray(there)
            out[0:6], out[6:12] = there[6:12], there[0:6]
            out[26:30], out[30:34] = there[30:34], there[26:30]
            self.assertIsNone(encap.flaw(bytes(out), inner, frames.REMOTE_TUNNEL))
            for at in (0, 24, 30, len(out) - 1):
                bad = bytearray(out)
                bad[at] ^= 1
                self.assertIsNotNone(encap.flaw(bytes(bad), inner, frames.REMOTE_TUNNEL), at)

    def test_checksums_of_a_frame_are_right(self):
        frame = Scenario().inner(77)
        self.assertEqual(len(frame), 64)
        self.assertEqual(frames.checksum(frame[14:34]), 0)
        pseudo = frame[26:34] + struct.pack("!HH", 17, len(frame) - 34)
        self.assertEqual(frames.checksum(pseudo + frame[34:]), 0)

    def test_a_pcap_reads_as_it_was_written_and_a_cut_frame_is_left_out(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x.pcap")
            made = [Scenario().inner(i) for i in range(3)]
            self.assertEqual(frames.write_pcap(path, made), 3)
            self.assertEqual(frames.read_pcap(path), made)
            self.assertEqual(frames.read_pcap(path, os.path.getsize(path) - 1), made[:2])


class Checks(unittest.TestCase):
    """Wrong counters end a run."""

    @staticmethod
    def stats(received, sent, dropped, used):
        return {"totals": {"received": received, "sent": sent, "dropped": dropped},
                "flows": {"used": used},
                "ports": [{"name": "workloads-0", "rx_packets": received, "tx_packets": 0},
                          {"name": "uplink", "rx_packets": 0, "tx_packets": sent}]}

    def verdict(self, scenario, *after):
        window = measure.Window.__new__(measure.Window)
        window.before, window.after = self.stats(0, 0, 0, 0), self.stats(*after)
        try:
            measure.check_counters(scenario, window, {}, 1024)
        except Failure as failure:
            return str(failure)
        return None

    def test_counters_that_balance_pass(self):
        self.assertIsNone(self.verdict(Scenario(), 1000000, 1000000, 0, 2048))

    def test_drops_losses_and_strange_tables_do_not(self):
        self.assertIn("dropped", self.verdict(Scenario(), 1000000, 999000, 1000, 2048))
        self.assertIn("went out", self.verdict(Scenario(), 1000000, 900000, 0, 2048))
        self.assertIn("entries", self.verdict(Scenario(), 1000000, 1000000, 0, 2050))

    def test_an_attack_must_be_dropped_and_nothing_else(self):
        attacked = Scenario(attack=0.01)
        self.assertIsNone(self.verdict(attacked, 1000000, 990000, 10000, 2048))
        self.assertIn("share", self.verdict(attacked, 1000000, 1000000, 0, 2048))
        self.assertIn("went out", self.verdict(attacked, 1000000, 980000, 10000, 2048))


class Registry(unittest.TestCase):
    def test_keys_are_unique_and_begin_with_their_case(self):
        keys = [point.key for point in every_point()]
        self.assertEqual(len(keys), len(set(keys)))
        for name, case in cases.CASES.items():
            for point in case.points(OPTIONS):
                self.assertEqual(point.key.split("/")[0], name)
                self.assertIn(point.how, ways.WAYS)
                self.assertTrue(not point.plot or point.plot[0] in plots.PLOTS, point.plot)

    def test_every_figure_can_be_measured(self):
        everything = {"cycles": 100.0, "mac": 50.0, "ovs_cycles": 500.0, "pps": 1e6,
                      "sent_pps": 1e6, "connections_per_second": 1e6, "obeyed_p99_ms": 1.0,
                      "bytes_per_connection": 300.0, "load_seconds": 9.0}
        found = figures.all_of({point.key: [everything] for point in every_point()})
        self.assertEqual([f["what"] for f in found if f["measured"] is None], [])

    def test_groups_and_names_choose_in_order_and_strangers_are_named(self):
        self.assertEqual(cases.chosen(["decap", "local"]), ["local", "decap"])
        self.assertNotIn("smoke", cases.chosen(["all"]))
        self.assertEqual(set(cases.chosen(["quick"])), {"local", "encap", "decap"})
        with self.assertRaises(KeyError):
            cases.chosen(["enacp"])

    def test_rules_are_as_many_as_stated(self):
        for rules in (10, 1000, 10000):
            policies = Scenario(rules=rules).policies()
            self.assertEqual(sum(len(policy["ports"]) for policy in policies), rules)
            self.assertEqual(len({policy["name"] for policy in policies}), len(policies))

    def test_commits_change_something_every_time(self):
        for make in changes.KINDS.values():
            lines = make()
            self.assertEqual(len(lines), len(set(lines)))


class Plots(unittest.TestCase):
    def test_plots_are_well_formed_and_have_what_was_measured(self):
        rows = []
        for point in every_point():
            found = {"cycles": 90.0, "mac": 40.0, "pps": 2e7, "sent_pps": 2e7,
                     "obeyed_p50_ms": 0.5, "obeyed_p99_ms": 2.0}
            rows.append(report.row(point, [found, {k: v * 1.2 for k, v in found.items()}]))
        with tempfile.TemporaryDirectory() as directory:
            written = plots.write(directory, rows)
            self.assertEqual(len(written), len(plots.PLOTS))
            for path in written:
                document = xml.dom.minidom.parse(path)
                self.assertGreater(len(document.getElementsByTagName("text")), 5, path)


class Pktgen(unittest.TestCase):
    def test_configurations_are_as_the_benchmark_makes_them_and_valid(self):
        for name in pktgen.PAIRS:
            path = os.path.join(pktgen.CONFIGS, f"{name}.json")
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), pktgen.text(pktgen.config(name)),
                                 "write it anew: python3 tools/bench.d/pktgen.py")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with tempfile.TemporaryDirectory() as there:  # the one for sockets is made when they are used
                moved = os.path.join(there, f"{name}.json")
                with open(moved, "w", encoding="utf-8") as file:
                    file.write(text.replace("/run/sluice-pktgen", there))
                done = subprocess.run([SLUICED, "--check", "--config", moved], capture_output=True,
                                      text=True, timeout=60, check=False)
            self.assertEqual((name, done.returncode), (name, 0), done.stderr)

    def test_command_lines_name_scripts_that_are_there(self):
        for name in pktgen.PAIRS:
            for direction in pktgen.SCRIPTS:
                words = pktgen.command(name, direction, "x.pcap")
                self.assertTrue(os.path.exists(words[-1]), words)

    def test_lua_scripts_are_well_formed(self):
        luac = shutil.which("luac") or shutil.which("luac5.4") or shutil.which("luac5.3")
        if not luac:
            self.skipTest("luac is not installed (package lua5.4)")
        for name in sorted(os.listdir(pktgen.CONFIGS)):
            if name.endswith(".lua"):
                done = subprocess.run([luac, "-p", os.path.join(pktgen.CONFIGS, name)],
                                      capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)


class Smoke(unittest.TestCase):
    def test_a_short_run_without_hugepages_is_reported_whole(self):
        if (os.cpu_count() or 1) < 2:
            self.skipTest("the benchmark needs two cores")
        if not shutil.which("dpdk-testpmd"):
            self.skipTest("dpdk-testpmd is not installed (package dpdk)")
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "found.json")
            done = subprocess.run(
                [os.path.join(ROOT, "tools", "bench"), "--build", os.path.dirname(SLUICED),
                 "--cases", "smoke", "--rounds", "1", "--attempts", "1", "--seconds", "0.2",
                 "--no-hugepages", "--no-peers", "--json", path, "--plot", directory,
                 "--figures", os.path.join(directory, "figures.md")],
                capture_output=True, text=True, timeout=110, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
            self.assertIn("smoke/encap", done.stdout)
            self.assertEqual([row["key"] for row in found["rows"]], ["smoke/encap", "smoke/decap"])
            for row in found["rows"]:
                self.assertGreater(row["metrics"]["cycles"]["median"], 0)
            self.assertGreater(found["rows"][0]["metrics"]["ratio_to_mac"]["median"], 0)
            self.assertEqual(len(found["figures"]), len(figures.FIGURES))


def main():
    """Counted in words that tools/lib/meson-tests reads."""
    outcome = unittest.main(argv=sys.argv[:1], exit=False).result
    bad = len(outcome.failures) + len(outcome.errors)
    for _, reason in outcome.skipped:
        print(f"skip: {reason}")
    print(f"[  PASSED  ] {outcome.testsRun - bad - len(outcome.skipped)} test(s)")
    if outcome.skipped:
        print(f"[  SKIPPED ] {len(outcome.skipped)} test(s)")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
