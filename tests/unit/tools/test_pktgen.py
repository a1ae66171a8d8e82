#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's input for Pktgen-DPDK, and how it counts the packets that come back.

Usage: test_pktgen.py SLUICED
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SLUICED = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests"))

import counted  # noqa: E402
from bench.measuring.daemon import Failure  # noqa: E402
from bench.peers import pktgen, pktgen_pairs as pairs  # noqa: E402
from bench.peers.pktgen_account import Account as Counts  # noqa: E402
from bench.scenario import frames  # noqa: E402


class Pktgen(unittest.TestCase):
    def test_configurations_are_as_the_benchmark_makes_them_and_valid(self):
        for name in pairs.PAIRS:
            path = os.path.join(pairs.CONFIGS, f"{name}.json")
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), pairs.text(pairs.config(name)),
                                 "write it anew: tools/bench --pktgen-configs")
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
        for name in pairs.PAIRS:
            for entry in pairs.config(name)["ports"]:
                self.assertNotIn("role=server", entry["devargs"])
        self.assertIn("role=client", pairs.config("memif")["ports"][0]["devargs"])

    def test_command_lines_name_scripts_that_are_there(self):
        for name in pairs.PAIRS:
            for direction in pairs.SCRIPTS:
                words = pairs.command(name, direction, "x.pcap")
                self.assertTrue(os.path.exists(words[-1]), words)

    def test_the_page_has_the_command_lines(self):
        with open(os.path.join(ROOT, "docs", "pktgen.md"), encoding="utf-8") as file:
            page = " ".join(file.read().replace("\\\n", " ").split())
        for name, pair in pairs.PAIRS.items():
            for direction in pairs.SCRIPTS:
                words = pairs.command(name, direction, "decap.pcap", cores=2)
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
        self.assertEqual([pairs.lcores(cores) for cores in (2, 3, 4)],
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
        return Counts(found, {"totals": totals, "ports": ports},
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
        whole = pairs.config("memif")
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
                 os.path.join(pairs.CONFIGS, script), str(frames)],
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


if __name__ == "__main__":
    counted.main()
