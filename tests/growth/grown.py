# SPDX-License-Identifier: BSD-3-Clause
"""A copy of the tree to which samples are added, and how much each kind of thing takes."""
import difflib
import os
import pathlib
import re
import shutil
import subprocess

from lab.expect import Failure, expect, expect_equal

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = pathlib.Path(__file__).resolve().parent / "sample"
ROOMS = ("include", "dp", "pipelines", "ctrl")


class Kind:
    """One kind of thing: the sample's files, and (list, line, the line it has to come before, or None)."""

    def __init__(self, name, files, lines):
        self.name, self.files, self.lines = name, files, lines


KINDS = (
    Kind("a collection", ["ctrl/objects/reservations.c"],
         [("SL_COLLECTIONS", "X(RESERVATIONS, reservations)", None)]),
    Kind("a port driver", ["dp/device/datagram.c"],
         [("SL_PORT_DRIVERS", "X(datagram)", "X(dpdk)")]),
    Kind("a drop reason", [],
         [("SL_DROP_LIST",
           'X(TUNNEL_VERSION, "tunnel header of a version that this node does not know", "malformed")', None)]),
    Kind("an encapsulation", ["pipelines/overlay/vxlan_gpe.c"],
         [("SL_ENCAP_LIST", 'X(VXLAN_GPE, "vxlan-gpe", sl_encap_vxlan_gpe)', None)]),
    Kind("a metric", [],
         [("SL_METRICS_PORTS",
           'X(st, mtu, U64, GAUGE, BYTES, v->info.mtu, "The MTU in force.")', None)]),
)


def _files():
    """What belongs to the tree, without what is built."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True, capture_output=True,
                          check=False)
    if done.returncode == 0:
        return [f for f in done.stdout.splitlines() if (ROOT / f).is_file()]
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith("build") and f != ".git"]
        found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names]
    return found


def _find_list(folder, macro):
    """The header that defines the list, its text, and the definition."""
    for room in ROOMS:
        for path in sorted((folder / room).rglob("*.h")):
            text = path.read_text(encoding="utf-8")
            found = re.search(rf"^#define {macro}\(X[^)]*\)(?:.*\\\n)*.*\n", text, re.M)
            if found:
                return path, text, found.group(0)
    raise Failure(f"there is no list {macro}")


def _add_line(folder, macro, line, before):
    """Put the line at the end of the list, or in front of `before`."""
    path, text, body = _find_list(folder, macro)
    if before:
        expect(body.count(before) == 1, f"{macro} has no single {before}")
        grown = body.replace(before, f"{line} \\\n\t{before}")
    else:
        grown = f"{body[:-1]} \\\n\t{line}\n"
    path.write_text(text.replace(body, grown), encoding="utf-8")


def _code_lines(text):
    """Without the backslashes that join a list's lines: another one is no change of a line."""
    return [re.sub(r"[\s\\]+$", "", line) for line in text.splitlines()]


class Tree:
    """The copy, in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in _files():
            to = self.folder / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to)

    def _texts(self):
        return {str(p.relative_to(self.folder)): p.read_text(encoding="utf-8", errors="replace")
                for p in self.folder.rglob("*") if p.is_file()}

    def grow(self, kind):
        """Add the sample of one kind. It must be at most one new file and one new line, and change nothing else."""
        before = self._texts()
        for name in kind.files:
            shutil.copy(SAMPLE / name, self.folder / name)
        for line in kind.lines:
            _add_line(self.folder, *line)
        after = self._texts()
        files, added, changed = sorted(set(after) - set(before)), [], []
        for name in sorted(before):
            delta = [d for d in difflib.ndiff(_code_lines(before[name]), _code_lines(after[name]))
                     if d[0] in "+-"] if before[name] != after[name] else []
            added += [f"{name}: {d[2:].strip()}" for d in delta if d[0] == "+"]
            changed += [f"{name}: {d[2:].strip()}" for d in delta if d[0] == "-"]
        expect_equal(changed, [], f"lines that {kind.name} changes")
        expect(len(files) <= 1, f"{kind.name} takes {len(files)} files: {files}")
        expect(len(added) == 1, f"{kind.name} takes {len(added)} lines: {added}")

    def format(self):
        """Align the lists as clang-format does, where it is installed."""
        tool = shutil.which("clang-format-14") or shutil.which("clang-format")
        if tool:
            headers = {_find_list(self.folder, line[0])[0] for kind in KINDS for line in kind.lines}
            subprocess.run([tool, "-i", *sorted(headers)], check=True)

    def run(self, *command):
        """What it prints; it has to succeed."""
        done = subprocess.run(command, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        text = "\n".join(line for line in done.stdout.splitlines() if not re.match(r"\[\d+/|ok  ", line))
        expect(done.returncode == 0, f"{' '.join(command)} failed:\n{text[-4000:]}")
        return done.stdout


def expect_samples_are_used():
    """No file of the samples is left out of the count."""
    there = {str(p.relative_to(SAMPLE)) for p in SAMPLE.rglob("*") if p.is_file()}
    expect_equal(there, {f for kind in KINDS for f in kind.files}, "files in tests/growth/sample")
