# SPDX-License-Identifier: BSD-3-Clause
"""
Runs documents as a reader uses them: types their command blocks one after the other into one
shell, and compares the output with the output in the document. A block that a test cannot run is
marked in the document by a comment above it: <!-- not run: REASON -->.
"""
import os
import pathlib
import re
import select
import subprocess
import time

from .expect import Failure, expect

ROOT = pathlib.Path(__file__).resolve().parents[3]
BLOCK_SECONDS = 120
BLOCK = re.compile(r"^(?:<!-- not run: (?P<reason>[^\n]*) -->\n+)?```(?P<kind>\w*)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
# A number, with what belongs to it: times, sizes, dates, addresses' last digits stay apart by what is between them.
NUMBER = re.compile(r"\d[\d.,:TZ-]*")
# Rows that depend on what the kernel happens to send.
CHATTER = re.compile(r"^(ip_address|multicast|arp_unanswered)\b")


class Block:
    def __init__(self, kind, text, line, reason):
        self.kind, self.text, self.line, self.reason = kind, text, line, reason
        self.shown = None  # what the document says that it prints


def blocks(name):
    """The blocks of a document, in order; an untitled block right after commands is their
    output."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = []
    for m in BLOCK.finditer(text):
        block = Block(m["kind"], m["text"], text.count("\n", 0, m.start("text")), m["reason"])
        gap = text[end:m.start()] if found else ""
        if block.kind == "" and found and found[-1].kind == "sh" and gap.strip() == "":
            found[-1].shown = block.text
        else:
            found.append(block)
        end = m.end()
    return found


def inline_commands(name, program):
    """Commands in running text: `sluicectl stats get`."""
    text = BLOCK.sub("", (ROOT / name).read_text(encoding="utf-8"))
    return [re.sub(r"\s+", " ", c) for c in re.findall(rf"`({program} [^`]*)`", text)]


def _pattern(line):
    parts = [re.escape(p) for p in NUMBER.split(" ".join(line.split()))]
    return re.compile(r"\d[\d.,:TZ-]*".join(parts) + "$")


def expect_shown(shown, printed, where):
    """Compares line by line, without numbers and white space. Every line in the document must be
    printed, in that order."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    at = 0
    for line in filter(str.strip, shown.splitlines()):
        pattern = _pattern(line)
        found = next((i for i in range(at, len(lines)) if pattern.match(lines[i])), None)
        if found is not None:
            at = found + 1
        elif not CHATTER.match(line) and "hugepages" not in line:
            raise Failure(f"{where}: the document shows\n  {line}\nwhich was not printed; printed was\n{printed}")


class Shell:
    """One bash for a whole document, in a folder that looks like the source's."""

    def __init__(self, lab):
        self._namespaces = set(self._list_namespaces())
        self.home = os.path.join(lab.directory, "reader")
        os.mkdir(self.home)
        for entry in ROOT.iterdir():
            if entry.name != "build" and not entry.name.startswith("."):
                os.symlink(entry, os.path.join(self.home, entry.name))
        os.symlink(lab.build, os.path.join(self.home, "build"))
        path = f"{lab.build}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.process = subprocess.Popen(["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=self.home,
                                        env={**os.environ, "PATH": path, "HOME": self.home, "LC_ALL": "C.UTF-8"})
        self.output, self._mark = "", 0

    @staticmethod
    def _list_namespaces():
        return os.listdir("/run/netns") if os.path.isdir("/run/netns") else []

    def _wait(self, word, start, seconds=BLOCK_SECONDS):
        deadline = time.monotonic() + seconds
        while word not in self.output[start:]:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise Failure(f"no {word!r} after:\n{self.output[start:]}")
            self.output += data.decode(errors="replace")

    def type(self, commands):
        """(exit status of the last command, what was printed)"""
        self._mark += 1
        mark, start = f"<<{self._mark}:", len(self.output)
        self.process.stdin.write(f"{commands}\necho \"{mark}$?>>\"\n".encode())
        self.process.stdin.flush()
        self._wait(mark, start)
        self._wait(">>", start)
        if re.search(r"sluiced .*&\s*$", commands):
            self._wait("sluiced is ready", start)
        text = self.output[start:]
        status = re.search(re.escape(mark) + r"(\d+)>>\n?", text)
        return int(status[1]), text[: status.start()] + text[status.end():]

    def follow(self, name):
        """Every command block of a document; returns how many were run, and the others' reasons."""
        run, left_out = 0, []
        for block in blocks(name):
            if block.kind != "sh":
                continue
            where = f"{name}:{block.line}"
            if block.reason:
                left_out.append(f"{where}: {block.reason}")
                continue
            status, printed = self.type(block.text)
            run += 1
            if block.shown is not None:
                expect_shown(block.shown, printed, where)
            else:
                expect(status == 0, f"{where}: exit {status}:\n{block.text}\nprinted:\n{printed}")
        return run, left_out

    def close(self):
        try:
            self.process.stdin.write(b"kill $(jobs -p) 2>/dev/null; wait\n")
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        # Of a reader who stopped half way.
        for name in set(self._list_namespaces()) - self._namespaces:
            subprocess.run(["ip", "netns", "del", name], check=False)
