#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""sluicectl against the real server with a fake method table: arguments, tables, errors, exit codes.

Usage: test_sluicectl.py SLUICECTL FAKE_SLUICED
"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

SLUICECTL, FAKE = sys.argv[1:3]


class Daemon(unittest.TestCase):
    """A fake daemon for each test."""

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.socket = os.path.join(self.dir.name, "s.sock")
        self.daemon = subprocess.Popen([FAKE, self.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(self.daemon.stdout.readline(), b"ready\n")

    def tearDown(self):
        self.daemon.stdin.close()
        self.daemon.stdout.close()
        self.assertEqual(self.daemon.wait(), 0)
        self.dir.cleanup()

    def run_ctl(self, *args, stdin=""):
        return subprocess.run([SLUICECTL, "--socket", self.socket, *args], input=stdin, text=True,
                              capture_output=True, timeout=60, check=False)

    def done(self, *args, stdin=""):
        r = self.run_ctl(*args, stdin=stdin)
        self.assertEqual((r.returncode, r.stderr), (0, ""), args)
        return r.stdout

    def refused(self, status, *args, stdin=""):
        r = self.run_ctl(*args, stdin=stdin)
        self.assertEqual((r.returncode, r.stdout), (status, ""), args)
        return r.stderr


class Sluicectl(Daemon):
    def test_an_object_lives_from_add_to_del(self):
        self.assertEqual(self.done("things", "add", "name=a", "size=3"), "")
        self.assertIn("name     a\n", self.done("things", "get", "a"))
        self.assertEqual(self.done("things", "del", "a"), "")
        self.assertEqual(self.refused(1, "things", "get", "a"), "sluicectl: there is no thing a (name)\n")

    def test_words_take_the_types_of_the_schema(self):
        self.done("things", "add", "a", "size=3", "colour=green", "hot=yes", "addresses=10.0.0.5,::1",
                  "labels.k8s.io/app=web", "labels.tier=1", "range.low=7")
        self.assertEqual(json.loads(self.done("-j", "things", "get", "a")), {
            "name": "a", "size": 3, "colour": "green", "hot": True, "addresses": ["10.0.0.5", "::1"],
            "labels": {"k8s.io/app": "web", "tier": "1"}, "range": {"low": 7, "high": 9}, "packets": 0})

    def test_an_option_takes_its_value_with_a_sign_or_as_the_next_word(self):
        for words in (["--n=3"], ["--n", "3"], ["n=3"]):
            self.assertEqual(self.done("-j", "test", "stream", *words), '"xxx"\n')

    def test_an_option_without_its_value_is_refused(self):
        self.assertEqual(self.refused(2, "test", "stream", "--n"), "sluicectl: --n needs a value\n")

    def test_what_has_nothing_to_watch_is_not_called_again_and_again(self):
        self.assertIn("nothing to watch", self.refused(2, "--watch", "1", "things", "add", "a"))
        self.assertIn("does not go with --json", self.refused(2, "--watch", "1", "-j", "things", "list"))
        self.refused(1, "things", "get", "a")

    def test_own_commands_have_help(self):
        for words in (["dump", "--help"], ["apply", "--help"], ["call", "--help"], ["help", "dump"]):
            self.assertIn("\napply: one operation", self.done(*words))

    def test_columns_stand_in_the_order_of_the_schema(self):
        self.done("things", "add", "a", "size=3")
        self.done("things", "add", "b", "addresses=10.0.0.5", "labels.app=web")
        self.assertEqual(self.done("things", "list").splitlines()[0].split(),
                         ["NAME", "SIZE", "COLOUR", "HOT", "LABELS", "ADDRESSES", "RANGE", "PACKETS"])

    def test_a_label_of_any_length_is_shown_in_full(self):
        long = "p" * 253 + "/" + "k" * 63
        self.done("things", "add", "a", f"labels.{long}=v")
        self.assertIn(f" {long}=v ", self.done("--wide", "things", "list"))

    def test_json_is_accepted_for_values_and_for_all(self):
        self.done("things", "add", "a", 'labels={"app":"web"}', 'range={"low":1}', "addresses=[]")
        self.done("things", "add", '{"name":"b","size":2}')
        self.done("things", "add", "-", stdin='{"name":"c",\n"size":3}\n')
        self.assertEqual([t["name"] for t in json.loads(self.done("-j", "things", "list"))], ["a", "b", "c"])

    def test_a_list_is_a_table(self):
        self.done("things", "add", "web-1", "size=3", "labels=app=web,zone=a", "addresses=10.0.0.5,::1")
        self.done("things", "add", "b", "size=100")
        self.assertEqual(self.done("things", "list").splitlines(), [
            "NAME   SIZE  COLOUR  HOT    LABELS          ADDRESSES     RANGE         PACKETS",
            "web-1     3  red     false  app=web,zone=a  10.0.0.5,::1  low=0,high=9        0",
            "b       100  red     false  -               -             low=0,high=9        0"])

    def test_what_is_nested_in_a_row_stands_in_its_cell(self):
        rows = {"value": [{"name": "p", "subject": {"labels": {"app": "db"}},
                           "peers": [{"labels": {"app": "web"}}, {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}]}]}
        self.assertEqual(self.done("test", "echo", json.dumps(rows)).splitlines()[1],
                         'p     labels.app=db  labels.app=web;cidr=10.0.0.0/8,except=["10.1.0.0/16"]')

    def test_an_object_with_counters_prints_in_sections(self):
        stats = {"value": {"totals": {"received": 9007199254740, "sent": 2}, "ports": [{"name": "up", "rx": 1}],
                           "flows": {"used": 1, "capacity": 2}}}
        self.assertEqual(self.done("test", "echo", json.dumps(stats)),
                         "totals:\n  received  9007199254740\n  sent      2\nports:\n  NAME  RX\n  up     1\n"
                         "flows:\n  used      1\n  capacity  2\n")

    def test_watch_prints_growth_a_second(self):
        watching = subprocess.Popen([SLUICECTL, "--socket", self.socket, "--watch", "0.01", "test", "echo",
                                     '{"value":{"packets":5}}'], stdout=subprocess.PIPE, text=True)
        lines = [watching.stdout.readline() for _ in range(2)]
        watching.kill()
        watching.wait()
        watching.stdout.close()
        self.assertRegex(lines[0], "counters are per second, over")
        self.assertEqual(lines[1], "packets  0\n")

    def test_watch_prints_states_as_they_are(self):
        value = {"used": 5, "capacity": 9, "bytes": 7, "age_seconds": 3, "unheard_of": 4}
        watching = subprocess.Popen([SLUICECTL, "--socket", self.socket, "--watch", "0.01", "test", "echo",
                                     json.dumps({"value": value})], stdout=subprocess.PIPE, text=True)
        lines = [watching.stdout.readline().split() for _ in range(6)]
        watching.kill()
        watching.wait()
        watching.stdout.close()
        self.assertEqual({k: int(v) for k, v in lines[1:]}, value)

    def wide_rows(self):
        return json.dumps({"value": [{"name": "n" * 50, "text": "é" * 90, "count": 12345678901}, {"name": "b"}]})

    def test_a_table_fits_120_columns_and_its_first_is_whole(self):
        lines = self.done("test", "echo", self.wide_rows()).splitlines()
        self.assertEqual([len(x) for x in lines][:2], [120, 120])
        self.assertTrue(lines[1].startswith("n" * 50 + "  éé"))
        self.assertIn("\u2026  12345678901", lines[1])

    def test_a_table_may_be_as_wide_as_it_is(self):
        self.assertIn("é" * 90, self.done("--wide", "test", "echo", self.wide_rows()))

    def test_a_table_may_be_wrapped(self):
        lines = self.done("--wrap", "test", "echo", self.wide_rows()).splitlines()
        self.assertEqual(max(len(x) for x in lines), 120)
        self.assertEqual("".join(lines[1:-1]).count("é"), 90)
        self.assertTrue(lines[-1].startswith("b "))

    def test_keys_of_labels_may_have_prefixes(self):
        long = "p" * 253 + "/" + "k" * 63
        self.done("things", "add", "ns/" + "a" * 253, f"labels.{long}=v", "labels.app.kubernetes.io/name=web")
        self.assertEqual(json.loads(self.done("-j", "things", "get", "ns/" + "a" * 253))["labels"],
                         {long: "v", "app.kubernetes.io/name": "web"})

    def test_show_is_another_word_for_get_or_list(self):
        self.done("things", "add", "a")
        self.assertEqual(self.done("things", "show", "a"), self.done("things", "get", "a"))

    def test_an_empty_list_prints_its_header(self):
        self.assertEqual(self.done("things", "list"), "NAME  SIZE  COLOUR  HOT  LABELS  ADDRESSES  RANGE  PACKETS\n")
        self.assertEqual(self.done("-j", "things", "list"), "[]\n")

    def test_errors_name_the_field_and_give_a_hint(self):
        self.assertEqual(self.refused(1, "things", "add", "a", "siz=3"),
                         'sluicectl: unknown field (siz)\nhint: did you mean "size"?\n')
        self.assertEqual(self.refused(1, "things", "add", "a", "size=101"),
                         "sluicectl: 101 is out of range: expected an integer from 0 to 100 (size)\n")

    def test_wrong_usage_is_told_without_asking_the_daemon_to_do_it(self):
        for args, words in [(["things", "add", "a", "size=x"], 'size: "x" is not a number'),
                            (["things", "add", "a", "hot=maybe"], "neither true nor false"),
                            (["things", "add", "a", "size=1", "size=2"], "size is given twice"),
                            (["things", "add", "a", "b"], 'what is "b"?'),
                            (["things", "add", "--fast"], "unknown option --fast"),
                            (["things", "add", "{"], "holds no JSON object"),
                            (["things", "add", "labels=x"], "expected key=value"),
                            (["things", "fly"], 'no command "things fly"'),
                            (["zings", "list"], 'no command "zings list"'),
                            (["call"], "call needs METHOD"),
                            (["call", "test.count", "{"], "PARAMS is no JSON text"),
                            (["-x"], "unknown option -x"),
                            (["--watch", "soon", "things", "list"], "number of seconds")]:
            self.assertIn(words, self.refused(2, *args))

    def test_call_sends_anything(self):
        self.assertEqual(self.done("call", "test.count"), "1\n")
        self.assertEqual(self.done("call", "test.echo", '{"value": {"a": [1, {}], "b": []}}'),
                         '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}\n')
        self.assertEqual(self.done("call", "test.echo", "-", stdin='{"value": "x\\"]"}'), '"x\\"]"\n')
        self.assertIn("there is no method", self.refused(1, "call", "no.such"))
        self.assertIn("an array is not accepted", self.refused(1, "call", "test.echo", "[1]"))

    def test_apply_says_which_lines_were_refused(self):
        text = self.refused(1, "apply", "-", stdin='\n{"method": "things.add", "params": {}}\n')
        self.assertIn("there is no method", text)
        self.assertIn("nothing of lines 2 to 2 was done, all before them is", text)
        self.assertIn("line 1 is no JSON object", self.refused(2, "apply", "-", stdin="]}, {\n"))
        self.assertIn("apply needs one FILE", self.refused(2, "apply"))
        self.assertIn("cannot read", self.refused(2, "apply", "/no/such/file"))
        self.assertIn("line 1 is no JSON object", self.refused(2, "apply", "-", stdin="{}\0\n"))
        self.assertEqual(self.done("apply", "-", stdin="\n\n"), "")
        two = self.refused(1, "apply", "-", stdin='{"method": "x"}\n{"method": "y"}\nz\n')
        self.assertIn("nothing of lines 1 to 2 was done", two)  # sent before line 3 is looked at
        self.assertNotIn("line 3", two)

    def answered(self, answers, stdin):
        """Runs `apply` with a daemon that gives these answers and then closes. Returns what the
        daemon got, and the result."""
        path = self.socket + ".2"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()
            with subprocess.Popen([SLUICECTL, "--socket", path, "apply", "-"], stdin=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as ctl:
                feed = threading.Thread(target=lambda: (ctl.stdin.write(stdin), ctl.stdin.close()))
                feed.start()
                connection = listening.accept()[0]
                with connection, connection.makefile("rb") as lines:
                    sent = []
                    for answer in [*answers, None]:
                        line = lines.readline()
                        if not line or answer is None:
                            break
                        sent.append(json.loads(line))
                        connection.sendall(json.dumps(answer | {"id": sent[-1]["id"]}).encode() + b"\n")
                feed.join()
                errors = ctl.stderr.read()
            return sent, ctl.returncode, errors

    def test_apply_sends_all_lines_in_transactions_of_five_hundred(self):
        text = "".join(f'{{"method": "m", "params": {{"n": {n}}}}}\n' for n in range(1250))
        sent, status, errors = self.answered([{"jsonrpc": "2.0", "result": {}}] * 3, text)
        self.assertEqual((status, errors), (0, ""))
        found = [line["params"]["operations"] for line in sent]
        self.assertEqual([len(operations) for operations in found], [500, 500, 250])
        self.assertEqual([o["params"]["n"] for operations in found for o in operations], list(range(1250)))

    def test_apply_sends_what_it_has_before_a_line_too_long_to_go_with_it(self):
        large = '{"method": "m", "params": {"s": "%s"}}\n'
        sent, status, errors = self.answered([{"jsonrpc": "2.0", "result": {}}] * 2,
                                             large % ("x" * 3900000) + large % ("x" * 13000000))
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual([len(line["params"]["operations"]) for line in sent], [1, 1])

    def test_apply_does_what_stands_before_a_bad_line(self):
        sent, status, errors = self.answered([{"jsonrpc": "2.0", "result": {}}], '{"method": "m"}\n]\n')
        self.assertEqual((len(sent), status), (1, 2))
        self.assertIn("line 2 is no JSON object; all before it is done", errors)

    def test_apply_does_not_know_what_became_of_unanswered_lines(self):
        sent, status, errors = self.answered([{"jsonrpc": "2.0", "result": {}}],
                                             '{"method": "m"}\n\n{"method": "n"}\n')
        self.assertEqual((len(sent), status), (1, 3))
        self.assertIn("whether lines 3 to 3 were done is not known, all before them is done", errors)

    def test_numbers_are_printed_as_the_daemon_wrote_them(self):
        self.assertEqual(self.done("call", "test.large", '{"n": 3}'), '"xxx"\n')
        self.assertEqual(self.done("-j", "test", "echo", "value=999999999999999"), "999999999999999\n")

    def test_a_large_answer_arrives(self):
        self.assertEqual(len(self.done("call", "test.large", '{"n": 20000000}')), 20000003)

    def test_what_a_terminal_could_obey_is_not_printed(self):
        self.assertEqual(self.done("test", "echo", '{"value": ["\\u001b[31m"]}'), "?[31m\n")
        self.assertNotIn("\x1b", self.refused(1, "call", "x\x1by"))

    def test_without_a_daemon_the_status_is_3(self):
        r = subprocess.run([SLUICECTL, "--socket", self.socket + "x", "things", "list"], text=True,
                           capture_output=True, check=False)
        self.assertEqual(r.returncode, 3)
        self.assertIn("no daemon at " + self.socket + "x: No such file or directory", r.stderr)

    def test_usage_needs_no_daemon(self):
        r = subprocess.run([SLUICECTL], text=True, capture_output=True, check=False)
        self.assertEqual((r.returncode, r.stdout), (2, ""))
        self.assertIn("usage: sluicectl", r.stderr)
        r = subprocess.run([SLUICECTL, "--socket", "/nonexistent", "help"], text=True, capture_output=True,
                           check=False)
        self.assertEqual(r.returncode, 0)
        self.assertIn("usage: sluicectl", r.stdout)
        r = subprocess.run([SLUICECTL, "--version"], text=True, capture_output=True, check=False)
        self.assertRegex(r.stdout, r"^sluicectl \d+\.\d+")

    def test_help_comes_from_the_daemon(self):
        self.assertIn("  things       add        Add a thing.\n", self.done("help"))
        self.assertNotIn("test", self.done("things", "help"))
        text = self.done("things", "add", "--help")
        self.assertIn("name=name  (required)\n      What it is called.", text)
        self.assertIn("addresses=ip,...\n", text)
        self.assertIn("colour=red|green|blue  (default \"red\")", text)
        self.assertIn('there is no noun "zings"', self.refused(2, "zings", "help"))


class WithoutDaemon(unittest.TestCase):
    """Help and suggested commands exist in the daemon that was built with sluicectl."""

    def help(self, *words):
        return subprocess.run([SLUICECTL, "--socket", "/nonexistent", *words], text=True, capture_output=True, check=False)

    def test_help_needs_no_daemon(self):
        for words, text in ((["help"], "policies     add "), (["workers", "help"], "workers      show "),
                            (["help", "ports", "add"], "name=name  (required)"),
                            (["workers", "show", "--help"], "sluicectl workers list")):
            r = self.help(*words)
            self.assertEqual((r.returncode, r.stderr), (0, ""), words)
            self.assertIn(text, r.stdout)

    def test_commands_in_documents_and_hints_are_there(self):
        root = os.path.join(os.path.dirname(__file__), "../..")
        files = [os.path.join(root, "README.md")]
        for directory in ("docs", "docs/decisions", "ctrl", "dp", "pipelines", "tools"):
            files += [os.path.join(root, directory, f) for f in sorted(os.listdir(os.path.join(root, directory)))
                      if f.endswith((".md", ".c"))]
        command = re.compile(r"(?:`|\"|build/|&& )sluicectl((?: -j| --watch \d+| --socket \S+)*) ([a-z]+) ([a-z_]+)")
        seen = set()
        for path in files:
            with open(path, encoding="utf-8") as f:
                seen |= {(m[2], m[3]) for m in command.finditer(f.read())}
        seen = {c for c in seen if c[0] not in ("call", "apply", "help")}
        self.assertGreater(len(seen), 15)
        for noun, verb in sorted(seen):
            self.assertEqual(self.help(noun, verb, "--help").returncode, 0, f"sluicectl {noun} {verb}")


class Reference(Daemon):
    """The generator of the RPC reference reads what rpc.discover answers."""

    def test_every_method_has_a_chapter(self):
        generator = os.path.join(os.path.dirname(__file__), "../../tools/gen-rpc-reference")
        document = self.done("call", "rpc.discover")
        r = subprocess.run([generator], input=document, text=True, capture_output=True, check=True)
        for m in json.loads(document)["methods"]:
            self.assertIn("### `%s`\n" % m["name"], r.stdout)
        self.assertIn("| `name` | name | yes | What it is called. |", r.stdout)
        self.assertIn("| `range.high` | integer | default `9` |", r.stdout)
        self.assertIn("Parameters as for `things.add`.", r.stdout)
        self.assertEqual(r.stdout.count("`packets`"), 1, "reported once, never a parameter")
        self.assertIn("| -32602 | `params` |", r.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
