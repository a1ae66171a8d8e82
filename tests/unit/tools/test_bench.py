#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's own parts, and one short run of it.

Usage: test_bench.py SLUICED
"""
import ast
import itertools
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import warnings
import xml.dom.minidom

sys.dont_write_bytecode = True
SLUICED = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests"))

import counted  # noqa: E402
from bench import rounds, ways  # noqa: E402
from bench.measuring import changes, measure, summaries  # noqa: E402
from bench.measuring.daemon import Failure  # noqa: E402
from bench.report import drawing, plots, tables, targets  # noqa: E402
from bench.scenario import cases, frames, nat  # noqa: E402
from bench.scenario.cases import FAMILIES  # noqa: E402
from bench.scenario.encaps import ENCAPS  # noqa: E402
from bench.scenario.traffic import Scenario  # noqa: E402

OPTIONS = types.SimpleNamespace(flows=[1024, 16384], rules=1000, rounds=5, seconds=2, ovs=True)


# What a point of two workloads has.
AT_WORK = {"gbps": 12.0, "cpu_per_gb": 1.0, "rtt_us": 20.0, "requests_per_second": 30000.0,
           "untouched": 1.0}


def every_point():
    return [point for case in cases.CASES.values() for point in case.points(OPTIONS)]


class Statistics(unittest.TestCase):
    def test_a_quantile_is_a_value_that_was_seen(self):
        values = list(range(1, 101))
        self.assertEqual([summaries.quantile(values, share) for share in (0.5, 0.99, 1)],
                         [50, 99, 100])
        self.assertEqual(summaries.quantile([7], 0.99), 7)

    def test_a_ratio_is_taken_round_by_round(self):
        results = {"a": [{"cycles": 20}, {"cycles": 60}], "b": [{"cycles": 10}, {"cycles": 20}]}
        self.assertEqual(targets.ratio("a", "cycles", "b")(results), [2, 3])
        self.assertEqual(targets.ratio("a", "cycles", "c")(results), [])

    def test_a_loss_that_was_not_measured_whole_is_not_shown(self):
        results = {"a": [{"pps": 90}], "b": [{"pps": 100}]}
        self.assertEqual([round(v) for v in targets.lost("a", "b")(results)], [10])
        self.assertEqual(targets.worst(targets.lost("a", "b"), targets.lost("c", "d"))(results), [])

    def test_the_highest_bar_that_is_reached_is_named(self):
        below = targets.Target("", (3, 2, 1), None)
        above = targets.Target("", (1, 2, 3), None, more=True)
        self.assertEqual([targets.reached(below, v) for v in (4, 3, 1.5, 1)],
                         ["no", "must", "aim", "dream"])
        self.assertEqual([targets.reached(above, v) for v in (0.5, 1, 2.5, 3)],
                         ["no", "must", "aim", "dream"])

    def test_targets_come_from_the_rounds(self):
        results = {"encap/vxlan/1k": [{"cycles": c, "mac": 50} for c in (99, 100, 130)]}
        found = targets.all_of(results)
        self.assertEqual(len(found), len(targets.TARGETS))
        self.assertEqual((found[0]["reached"], found[0]["shown"]), ("aim", "2x (1.98x to 2.6x)"))
        self.assertIsNone(found[1]["measured"])
        written = tables.markdown(tables.table_of_targets(found))
        self.assertEqual(written.count("\n"), 2 + len(found))

    def test_targets_of_earlier_runs_come_back_from_their_rows(self):
        point = next(point for point in every_point() if point.key == "encap/vxlan/1k")
        rounds = [{"cycles": c, "pps": 10.0 * c, "mac": 50} for c in (99, 100, 130)]
        results = tables.results_of([tables.row(point, rounds)])
        self.assertEqual(targets.all_of(results), targets.all_of({point.key: rounds}))


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
        for (name, encap), family, inside in itertools.product(ENCAPS.items(), FAMILIES, FAMILIES):
            scenario = Scenario(direction="decap", encap=name, family=family, inside=inside)
            inner, node = scenario.inner(3), scenario.node_of(3)
            # Received frames are the sent ones with both ends exchanged.
            out = bytearray(encap.wrap(inner, 3, node))
            out[0:6], out[6:12] = out[6:12], out[0:6]
            first, size = (26, 4) if family == "ipv4" else (22, 16)
            here, there = slice(first, first + size), slice(first + size, first + 2 * size)
            out[here], out[there] = out[there], out[here]
            # This node's packets carry the identity of its own end.
            from_there, from_here = (struct.pack("!H", i) for i in (frames.FROM_REMOTE, frames.FROM_LOCAL))
            outer = len(out) - len(encap.carried(inner))
            out[:outer] = out[:outer].replace(from_there, from_here)
            self.assertIsNone(encap.flaw(bytes(out), inner, node), (name, family, inside))
            for at in (0, first, first + size + 3, outer - 1, len(out) - 1):
                bad = bytearray(out)
                bad[at] ^= 1
                self.assertIsNotNone(encap.flaw(bytes(bad), inner, node), (name, family, inside, at))

    def test_a_gateway_takes_one_from_the_ttl_and_changes_the_macs(self):
        for family, ttl_at in (("ipv4", 22), ("ipv6", 21)):
            routed = Scenario(direction="local", way="routed", inside=family)
            sent, got = routed.inner(5), routed.delivered(5)
            self.assertEqual((sent[ttl_at], got[ttl_at]), (64, 63))
            self.assertEqual((frames.mac_bytes(frames.GATEWAY_MAC),) * 2, (sent[:6], got[6:12]))
            self.assertIsNone(routed.flaw(got, 5))
            self.assertIsNotNone(routed.flaw(sent, 5))

    def test_a_translated_packet_is_known_and_another_one_is_not(self):
        for family in FAMILIES:
            out = Scenario(way="nat", inside=family)
            inner = out.delivered(5)
            near = (None, frames.LOCAL_MAC, frames.LOCAL_TUNNEL6 if family == "ipv6" else frames.LOCAL_TUNNEL)
            far = (None, frames.REMOTE_MAC, out.far_end(out.ends(5)[1])[2])
            good = frames.udp_frame(near, far, (40000, frames.SERVICE_PORT), 64, 5, 63)
            self.assertIsNone(nat.flaw(good, inner))
            self.assertIsNotNone(nat.flaw(inner, inner))
            for at in range(len(good)):
                bad = bytearray(good)
                bad[at] ^= 1
                self.assertIsNotNone(nat.flaw(bytes(bad), inner), (family, at))

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

    def test_every_target_can_be_measured(self):
        everything = {"cycles": 100.0, "mac": 50.0, "ovs_cycles": 500.0, "pps": 1e6,
                      "sent_pps": 1e6, "connections_per_second": 1e6, "obeyed_p99_ms": 1.0,
                      "bytes_per_connection": 300.0, "load_seconds": 9.0, **AT_WORK}
        found = targets.all_of({point.key: [everything] for point in every_point()})
        self.assertEqual([f["what"] for f in found if f["measured"] is None], [])

    def test_groups_and_names_choose_in_order_and_strangers_are_named(self):
        self.assertEqual(cases.chosen(["decap", "local"]), ["local", "decap"])
        self.assertNotIn("smoke", cases.chosen(["all"]))
        self.assertEqual(set(cases.chosen(["quick"])), {"local", "encap", "decap"})
        with self.assertRaises(KeyError):
            cases.chosen(["enacp"])

    def test_a_word_with_a_colon_chooses_the_points_whose_keys_begin_so(self):
        keys = [point.key for point in cases.points("rules:first,nodes:decap/1", OPTIONS)]
        self.assertEqual([key for key in keys if key.startswith("rules/")],
                         [f"rules/first/{number}" for number in ("10", "1k", "100k", "1M")])
        self.assertEqual([key for key in keys if key.startswith("nodes/")],
                         [f"nodes/decap/{number}" for number in ("1", "100", "10k", "100k")])
        for nothing in ("rules:none", "enacp:1k", ""):
            with self.assertRaises(KeyError):
                cases.points(nothing, OPTIONS)

    def test_rules_are_as_many_as_stated(self):
        for rules in (10, 1000, 10000):
            policies = Scenario(rules=rules).policies()
            self.assertEqual(sum(len(policy["ports"]) for policy in policies), rules)
            self.assertEqual(len({policy["name"] for policy in policies}), len(policies))

    def test_commits_change_something_every_time(self):
        for make in changes.KINDS.values():
            lines = make()
            self.assertEqual(len(lines), len(set(lines)))


def every_row():
    """One row for each point, with values that span decades where a figure must show that."""
    rows = []
    for number, point in enumerate(every_point()):
        found = {"cycles": 90.0 + number, "mac": 40.0, "pps": 2e7, "sent_pps": 2e7,
                 "obeyed_p50_ms": 0.1, "obeyed_p99_ms": 2.0, **AT_WORK}
        if point.ovs:
            found["ovs_cycles"] = 1200.0
        rows.append(tables.row(point, [found, {k: v * 1.2 for k, v in found.items()}]))
    return rows


def stored():
    with open(os.path.join(ROOT, "docs", "performance", "measured.json"), encoding="utf-8") as file:
        return json.load(file)


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """(name, panels, figure) of all points there can be, and of the stored data, which may have
        none for a figure."""
        there = [(name, plots.panels_of(name, stored()["rows"]), plots.figure(name, stored()["rows"]))
                 for name in plots.PLOTS]
        cls.figures = [(name, plots.panels_of(name, every_row()), plots.figure(name, every_row()))
                       for name in plots.PLOTS] + [one for one in there if one[2]]

    def test_no_colour_stands_for_two_lines(self):
        for name, panels, _ in self.figures:
            names = {line for panel in panels.values() for line in panel}
            style = drawing.colours(sorted(names))
            self.assertEqual(len(set(style.values())), len(names), name)
        with self.assertRaisesRegex(ValueError, "more lines than colours"):
            drawing.colours([f"line {i}" for i in range(len(drawing.OTHERS) + 1)])

    def test_legends_name_every_line_and_are_inside_the_figure(self):
        for name, panels, figure in self.figures:
            names = {line for panel in panels.values() for line in panel}
            if len(names) == 1:
                self.assertEqual(figure.legends, [], name)
                continue
            legend, = figure.legends
            self.assertEqual({text.get_text() for text in legend.get_texts()}, names)
            figure.draw_without_rendering()
            box = legend.get_window_extent()
            self.assertTrue(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, (name, box))
            for axes in figure.axes:
                self.assertGreaterEqual(box.y0, axes.title.get_window_extent().y1, name)

    def test_all_text_is_inside_the_figure(self):
        for name, _, figure in self.figures:
            figure.draw_without_rendering()
            box = figure.get_tightbbox()
            self.assertTrue(0 <= box.x0 and 0 <= box.y0, (name, box))
            self.assertTrue(box.x1 <= drawing.WIDTH and box.y1 <= drawing.HEIGHT, (name, box))

    def test_an_axis_is_logarithmic_when_its_values_span_decades(self):
        for name, panels, figure in self.figures:
            medians = drawing.values_of(panels, "median", "max")
            y = "log" if max(medians) >= 10 * min(medians) else "linear"
            places = {x for panel in panels.values() for points in panel.values() for x, _ in points}
            numbers = [x for x in places if not isinstance(x, str)]
            x = "log" if numbers and max(numbers) >= 10 * min(numbers) else "linear"
            for axes in figure.axes:
                self.assertEqual((axes.get_xscale(), axes.get_yscale()), (x, y), name)
                self.assertTrue(y == "log" or axes.get_ylim()[0] == 0, name)

    def test_a_single_point_is_drawn_without_complaint(self):
        rows = [row for row in every_row() if row["key"] in ("rules/established/10", "workers/1")]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name in ("rules", "workers"):
                plots.figure(name, rows).draw_without_rendering()

    def test_every_figure_has_a_title_and_names_its_axes(self):
        for name, _, figure in self.figures:
            self.assertIn(plots.PLOTS[name].title, [text.get_text() for text in figure.texts])
            self.assertTrue(figure.axes[0].get_ylabel(), name)
            self.assertTrue(all(axes.get_xlabel() for axes in figure.axes), name)

    def test_the_pages_figures_are_those_of_the_stored_data(self):
        """And drawing them again gives the same bytes."""
        there = os.path.join(ROOT, "docs", "performance")
        with tempfile.TemporaryDirectory() as directory:
            written = plots.write(directory, stored()["rows"])
            self.assertEqual(len(written), len([name for name in os.listdir(there)
                                                if name.endswith(".svg")]))
            for path in [*written, os.path.join(directory, "plots.md")]:
                with open(path, encoding="utf-8") as one, \
                        open(os.path.join(there, os.path.basename(path)), encoding="utf-8") as other:
                    self.assertEqual(one.read(), other.read(),
                                     "draw it anew: tools/bench --again docs/performance/measured.json "
                                     "--plot docs/performance")
                if path.endswith(".svg"):
                    self.assertLess(os.path.getsize(path), 50000, path)
                    document = xml.dom.minidom.parse(path)
                    self.assertGreater(len(document.getElementsByTagName("text")), 5, path)

    def test_the_stored_data_has_the_format_that_is_read_and_every_target(self):
        found = stored()
        self.assertEqual(found["format"], rounds.FORMAT)
        self.assertEqual([target["what"] for target in found["targets"]],
                         [target.what for target in targets.TARGETS])
        places = {point.key: list(point.plot) for point in every_point()}
        for row in found["rows"]:
            self.assertEqual(row["plot"], places[row["key"]])


class Rooms(unittest.TestCase):
    """The package's rooms import one way, and no two files import each other."""
    ORDER = ("scenario", "measuring", "scaling", "peers", "workloads", "report", "")

    def test_imports_go_one_way(self):
        there = os.path.join(ROOT, "tests", "bench")
        imports = {}
        for folder, _, names in os.walk(there):
            for name in names:
                if name.endswith(".py") and name != "__init__.py":
                    path = os.path.relpath(os.path.join(folder, name), there)
                    imports[path[:-3].replace("/", ".")] = self.imported(os.path.join(folder, name))
        self.assertGreater(len(imports), 20)
        for module, others in imports.items():
            for other in others & set(imports):
                self.assertLessEqual(self.place(other), self.place(module), (module, other))
        for module in imports:
            self.assertNotIn(module, self.reached(imports, module), "a circle")

    def place(self, module):
        return self.ORDER.index(module.rpartition(".")[0])

    @staticmethod
    def imported(path):
        """Modules of the package, without its name."""
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "bench":
                found.add(node.module.removeprefix("bench").lstrip("."))
                found |= {f"{node.module}.{name.name}".removeprefix("bench.") for name in node.names}
        return found

    @staticmethod
    def reached(imports, module):
        found, todo = set(), [module]
        while todo:
            for other in imports.get(todo.pop(), ()):
                if other in imports and other not in found:
                    found.add(other)
                    todo.append(other)
        return found


class Smoke(unittest.TestCase):
    @staticmethod
    def bench(*words):
        """(exit status, output, errors). A run that takes too long is asked to end, so that it stops
        its daemon and removes its files."""
        with subprocess.Popen([os.path.join(ROOT, "tools", "bench"), *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                output, errors = process.communicate(timeout=100)
            except subprocess.TimeoutExpired:
                process.terminate()
                output, errors = process.communicate()
                errors += "it was not done in 100 s"
        return process.returncode, output, errors

    def test_a_short_run_without_hugepages_is_reported_whole(self):
        if (os.cpu_count() or 1) < 2:
            self.skipTest("the benchmark needs two cores")
        if not shutil.which("dpdk-testpmd"):
            self.skipTest("dpdk-testpmd is not installed (package dpdk-dev)")
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "found.json")
            code, output, errors = self.bench(
                "--build", os.path.dirname(SLUICED), "--cases", "smoke", "--rounds", "1",
                "--attempts", "1", "--seconds", "0.2", "--no-hugepages", "--no-peers", "--json", path,
                "--plot", directory, "--targets", os.path.join(directory, "targets.md"))
            self.assertEqual(code, 0, errors)
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
            self.assertIn("smoke/encap", output)
            self.assertEqual([row["key"] for row in found["rows"]], ["smoke/encap", "smoke/decap"])
            for row in found["rows"]:
                self.assertGreater(row["metrics"]["cycles"]["median"], 0)
            self.assertGreater(found["rows"][0]["metrics"]["ratio_to_mac"]["median"], 0)
            self.assertEqual(len(found["targets"]), len(targets.TARGETS))


if __name__ == "__main__":
    counted.main()
