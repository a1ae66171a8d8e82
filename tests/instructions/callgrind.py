# SPDX-License-Identifier: BSD-3-Clause
"""Runs a program under callgrind and says which instructions were executed where, inlined code included."""
import collections
import os
import re
import subprocess

# The same everywhere: what is in the environment moves the stack, and a library bound late costs a first call.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LD_BIND_NOW": "1"}

TIMEOUT = 60


class Failed(Exception):
    """What ran did not do its work; the text is what it said."""


def profile(program, argument, out):
    """Run it; returns (what it printed, {address: instructions}). A library's go to who called it."""
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-instr=yes",
               f"--callgrind-out-file={out}", program, argument]
    try:
        done = subprocess.run(["setarch", "-R"] + command, text=True, capture_output=True, check=False, timeout=TIMEOUT,
                              env={**ENVIRONMENT, "RUNTIME_DIRECTORY": os.path.dirname(out)})
    except subprocess.TimeoutExpired as e:
        raise Failed(f"{' '.join(command)}\ndid not end within {TIMEOUT} s: is a packet not taken from its queue?") from e
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    collected = int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    costs = parse(out, os.path.realpath(program))
    if sum(costs.values()) != collected:
        raise Failed(f"{argument}: callgrind counted {collected} instructions, {sum(costs.values())} are accounted for")
    return done.stdout, costs


def parse(out, program):
    """{address in the file: instructions} of the program's own code and, at the call, of what it called in libraries."""
    costs = collections.Counter()
    names = {}

    def object_of(text):
        number, _, name = text.partition(" ")
        if name:
            names[number] = name
        return names[number]

    inside = into = None
    called = False
    address = 0
    with open(out, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            key, equals, value = line.partition("=")
            if key == "ob":
                inside = into = object_of(value)
            elif key == "cob":
                into = object_of(value)
            elif key == "calls":
                called = True
            elif re.match(r"[0-9+*-]", line) and not equals:
                fields = line.split()
                address = position(fields[0], address)
                if inside == program and (not called or into != program):
                    costs[address] += int(fields[2])
                if called:
                    called, into = False, inside
    return costs


def position(text, last):
    if text == "*":
        return last
    if text[0] in "+-":
        return last + int(text, 0)
    return int(text, 0)


def frames(program, addresses, root):
    """{address: [(function, path in the tree)], innermost first}"""
    addresses = sorted(addresses)
    asked = "".join(f"{a:#x}\n" for a in addresses)
    done = subprocess.run(["addr2line", "-a", "-f", "-i", "-e", program], input=asked, text=True,
                          capture_output=True, check=True)
    found, here, lines = {}, None, iter(done.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            here = found.setdefault(int(line, 16), [])
            continue
        path = os.path.realpath(next(lines).split(":")[0])
        function = re.sub(r"\.(part|constprop|isra|cold|lto_priv)\b.*", "", line)
        here.append((function, os.path.relpath(path, root) if path.startswith(root + "/") else path))
    return found
