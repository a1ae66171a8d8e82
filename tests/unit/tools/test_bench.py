#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's own parts, one short run of it, and what it hands to Pktgen.

Usage: test_bench.py SLUICED
"""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import xml.dom.minidom

sys.dont_write_bytecode = True
SLUICED = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
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

    def test_no_configuration_is_a_memif_server(self):
        """One client that connects and leaves would end it."""
        for name in pktgen.PAIRS:
            for entry in pktgen.config(name)["ports"]:
                self.assertNotIn("role=server", entry["devargs"])
        self.assertIn("role=client", pktgen.config("memif")["ports"][0]["devargs"])

    def test_command_lines_name_scripts_that_are_there(self):
        for name in pktgen.PAIRS:
            for direction in pktgen.SCRIPTS:
                words = pktgen.command(name, direction, "x.pcap")
                self.assertTrue(os.path.exists(words[-1]), words)

    def test_the_page_has_the_command_lines(self):
        with open(os.path.join(ROOT, "docs", "pktgen.md"), encoding="utf-8") as file:
            page = " ".join(file.read().replace("\\\n", " ").split())
        for name, pair in pktgen.PAIRS.items():
            for direction in pktgen.SCRIPTS:
                words = pktgen.command(name, direction, "decap.pcap", cores=2)
                words[2] = f"'{words[2]}'"  # the shell's parentheses
                words[-1] = os.path.relpath(words[-1], ROOT)
                line = " ".join(words)
                if direction == "encap" or name == "memif":
                    self.assertIn(line, page, (name, direction))
            for path in pair.sockets:
                self.assertIn(path, page)

    def test_a_panic_is_told_from_the_screen_around_it(self):
        output = ("\x1b[2J\x1b[1;1H*** Copyright\r\nInitialize Port 0 -- TxQ 1, RxQ 1\r\n"
                  "!PANIC!: Cannot set MTU 1500 on port 0, (95)Operation not supported\r\n"
                  "PANIC in pktgen_config_ports():\r\n"
                  "Cannot set MTU 1500 on port 0, (95)Operation not supported\r\n"
                  "0: /lib/librte_eal.so.23 (rte_dump_stack+0x3d) [7f4c4b7f032d]\r\n")
        self.assertEqual(pktgen.reason(output), "!PANIC!: Cannot set MTU 1500 on port 0, "
                                                "(95)Operation not supported")
        self.assertEqual(pktgen.reason("a\r\nEAL: Cannot init memory\r\nb\r\n"),
                         "EAL: Cannot init memory")
        self.assertEqual(pktgen.reason("\x1b[1;1Hno word\r\nof why"), "no word / of why")
        self.assertEqual(
            pktgen.reason("probe(): Failed to register mp action callback: not supported\n"
                          "create(): Failed to setup socket /x: Address already in use\n"
                          "!PANIC!: *** Did not find any ports to use ***\n0: failed to stack\n"),
            "create(): Failed to setup socket /x: Address already in use; "
            "!PANIC!: *** Did not find any ports to use ***")

    def test_pktgen_that_ends_at_once_is_reported_with_its_reason(self):
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "pktgen")
            with open(program, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\necho '!PANIC!: no reason at all'\nexit 134\n")
            os.chmod(program, 0o755)
            with pktgen.Pktgen([program], {}) as sender:
                with self.assertRaisesRegex(Failure, "before its ports.*no reason at all"):
                    sender.wait_for_ports()
                self.assertEqual(sender.wait(10), 134)

    def test_a_socket_is_removed_when_nobody_has_it_open(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "memif.sock")
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path)
                with self.assertRaisesRegex(Failure, f"{path} is open in another program"):
                    pktgen.remove_left(path)
                self.assertTrue(os.path.exists(path))
            pktgen.remove_left(path)
            self.assertFalse(os.path.exists(path))
            pktgen.remove_left(path)

    def test_two_cores_will_do(self):
        self.assertEqual([pktgen.lcores(cores) for cores in (2, 3, 4)],
                         ["(0-1)@0", "0@0,1@2", "0@0,1@2"])


class Account(unittest.TestCase):
    """Every way for a packet to get lost unnamed must be found."""

    @staticmethod
    def account(drops=None, **changes):
        """100 sent, 2 missed by the device, 3 dropped, 95 sent on, 1 missed by Pktgen."""
        values = {"asked": 100, "sent": 100, "back": 94, "back_missed": 1, "received": 98,
                  "tx_packets": 95, "dropped": 3, "rx_packets": 98} | changes
        found = {name: values.get(name, 0) for name in
                 ("asked", "sent", "back", "back_missed", "back_errors", "back_no_buffer")}
        totals = {"received": values["received"], "generated": 0, "sent": values["tx_packets"],
                  "dropped": values["dropped"], "consumed": 0}
        ports = [{"name": "in", "rx_packets": values["rx_packets"], "rx_missed": 2},
                 {"name": "out", "tx_packets": values["tx_packets"], "tx_recalled": 0}]
        return pktgen.Account(found, {"totals": totals, "ports": ports},
                              {"tx_full": 3} if drops is None else drops, "in", "out")

    def test_what_adds_up_is_right(self):
        self.assertEqual(self.account().flaws(), [])

    def test_one_packet_less_anywhere_is_found(self):
        for name in ("asked", "sent", "back", "back_missed", "received", "tx_packets", "dropped",
                     "rx_packets"):
            value = {"asked": 100, "sent": 100, "back": 94, "back_missed": 1, "received": 98,
                     "tx_packets": 95, "dropped": 3, "rx_packets": 98}[name]
            self.assertNotEqual(self.account(**{name: value - 1}).flaws(), [], name)
        self.assertNotEqual(self.account(drops={"tx_full": 2}).flaws(), [])

    def test_only_losses_are_allowed(self):
        self.assertIn("drops that are no losses: {'spoofed': 3}",
                      self.account(drops={"spoofed": 3}).flaws())

    def test_a_run_that_is_to_be_dropped_whole_must_be(self):
        whole = {"drops": {"mtu_exceeded": 98}, "dropped": 98, "tx_packets": 0, "back": 0,
                 "back_missed": 0}
        self.assertEqual(self.account(**whole).flaws("mtu_exceeded"), [])
        self.assertNotEqual(self.account(**whole).flaws("spoofed"), [])
        self.assertNotEqual(self.account().flaws("mtu_exceeded"), [])


LUA = shutil.which("lua5.4") or shutil.which("lua5.3") or shutil.which("lua")


@unittest.skipUnless(LUA, "no Lua is installed (package lua5.4)")
class Scripts(unittest.TestCase):
    """The Lua scripts, by a stand-in for Pktgen that makes packets as Pktgen does."""

    POOL = 24576  # packets that Pktgen makes in range mode; then it sends them again

    @classmethod
    def setUpClass(cls):
        whole = pktgen.config("memif")
        cls.ends = {(end["mac"], end["addresses"][0]) for end in whole["endpoints"]}
        cls.ours = {end["addresses"][0] for end in whole["endpoints"] if "port" in end}

    def play(self, script, frames=0, **settings):
        """The stand-in's words, and what the script reported."""
        with tempfile.TemporaryDirectory() as directory:
            result = os.path.join(directory, "result.json")
            clean = {name: value for name, value in os.environ.items()
                     if not name.startswith(("SLUICE_", "STUB_"))}
            done = subprocess.run(
                [LUA, os.path.join(ROOT, "tests", "unit", "tools", "pktgen_stub.lua"),
                 os.path.join(pktgen.CONFIGS, script), str(frames)],
                env=clean | settings | {"SLUICE_RESULT": result}, capture_output=True, text=True,
                timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            lines = [line.split("\t") for line in done.stdout.splitlines()]
            with open(result, encoding="utf-8") as file:
                found = json.load(file)
            self.assertEqual(lines[-1], ["stub", "exit", "1"] if "error" in found else
                             ["stub", "quit"], "Pktgen stays at its prompt")
            return lines, found

    @staticmethod
    def started(lines):
        return next((line for line in lines if line[:2] == ["stub", "start"]), None)

    def test_encap_sends_what_the_configurations_expect(self):
        for flows, number in (("1k", 1088), ("16k", 16448)):
            lines, found = self.play("encap.lua", self.POOL, SLUICE_FLOWS=flows, SLUICE_SIZE="512")
            seen = set()
            for line in lines:
                if line[0] != "frame":
                    continue
                proto, numbers = line[1], [int(word) for word in line[2:]]
                macs = [frames.mac_text(value) for value in numbers[:2]]
                addresses = [frames.numbered_ip("0.0.0.0", value) for value in numbers[2:4]]
                self.assertEqual(proto, "udp")
                for end in zip(macs, addresses):
                    self.assertIn(end, self.ends)
                self.assertEqual([address in self.ours for address in addresses], [True, False])
                self.assertEqual(numbers[5:], [frames.SERVICE_PORT, 512])
                seen.add((*addresses, numbers[4]))
            self.assertEqual(len(seen), number)
            self.assertEqual((found["flows"], found["size"]), (number, 512))

    def test_as_many_as_asked_for_are_sent_at_the_pace_asked_for(self):
        for script, out in (("encap.lua", "0"), ("replay.lua", "1")):
            lines, found = self.play(script, SLUICE_PPS="250000", SLUICE_SECONDS="3")
            _, _, port, mode, count, rate, cycles, others = self.started(lines)
            self.assertEqual((port, mode, count), (out, {"0": "range", "1": "pcap"}[out], "750000"))
            self.assertAlmostEqual(float(rate), 2.5)
            self.assertEqual(cycles, others, "one lcore goes by the first port's clock")
            self.assertEqual([found[name] for name in ("asked", "sent", "back")], [750000] * 3)

    def test_a_faster_pace_than_pktgens_is_refused(self):
        lines, found = self.play("encap.lua", SLUICE_PPS="1001", STUB_MOST="1000")
        self.assertIn("SLUICE_PPS is 1000 at most", found["error"])
        self.assertIsNone(self.started(lines))

    def test_sizes_that_cannot_arrive_are_refused(self):
        for mtu, most in (("1500", 1468), ("1400", 1368), ("1600", 1518), ("9000", 1518)):
            _, found = self.play("encap.lua", SLUICE_SIZE=str(most), SLUICE_UNDERLAY_MTU=mtu)
            self.assertEqual(found["size"], most)
            _, found = self.play("encap.lua", SLUICE_SIZE=str(most + 1), SLUICE_UNDERLAY_MTU=mtu)
            self.assertIn(f"from 64 to {most}, not {most + 1}", found["error"])

    def test_settings_that_make_no_sense_are_refused_by_name(self):
        for name, value in (("SLUICE_FLOWS", "2k"), ("SLUICE_SIZE", "63"), ("SLUICE_SIZE", "big"),
                            ("SLUICE_SECONDS", "0"), ("SLUICE_SECONDS", "1.5"),
                            ("SLUICE_PPS", "-1"), ("SLUICE_UNDERLAY_MTU", "100")):
            _, found = self.play("encap.lua", **{name: value})
            self.assertIn(name, found["error"])
            self.assertIn(value, found["error"])

    def test_a_link_that_is_down_or_a_sluice_that_ended_is_no_hang(self):
        _, found = self.play("replay.lua", STUB_LINK="down")
        self.assertIn("link is still down", found["error"])
        _, found = self.play("encap.lua", STUB_BACK="stuck", SLUICE_SECONDS="1")
        self.assertIn("has sluice ended?", found["error"])


class Smoke(unittest.TestCase):
    def test_a_short_run_without_hugepages_is_reported_whole(self):
        if (os.cpu_count() or 1) < 2:
            self.skipTest("the benchmark needs two cores")
        if not shutil.which("dpdk-testpmd"):
            self.skipTest("dpdk-testpmd is not installed (package dpdk-dev)")
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
