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
    """
    {address in the file: instructions} of the program's own code and, at the call, of what it called in libraries.
    What a library calls in the program, a comparison say, is part of that call.
    """
    own, names = collections.defaultdict(collections.Counter), {}
    called_back = set()

    def object_of(text):
        number, _, name = text.partition(" ")
        if name:
            names[number] = name
        return names[number]

    inside = into = function = callee = None
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
            elif key == "fn":
                function = value.partition(" ")[0]
            elif key == "cfn":
                callee = value.partition(" ")[0]
            elif key == "calls":
                called = True
                if inside != program and into == program:
                    called_back.add(callee)
            elif re.match(r"[0-9+*-]", line) and not equals:
                fields = line.split()
                address = position(fields[0], address)
                if inside == program and (not called or into != program):
                    own[function][address] += int(fields[2])
                if called:
                    called, into = False, inside
    costs = collections.Counter()
    for name, counted in own.items():
        if name not in called_back:
            costs.update(counted)
    return costs


def position(text, last):
    if text == "*":
        return last
    if text[0] in "+-":
        return last + int(text, 0)
    return int(text, 0)


def place(said, root):
    """
    A source file's path in the tree. ccache may have taken an object from another tree, whose build directory is
    then in front of the relative path that the compiler was given.
    """
    relative = said.rpartition("/../")[2]
    if os.path.exists(os.path.join(root, relative)):
        return relative
    path = os.path.realpath(said)
    return os.path.relpath(path, root) if path.startswith(root + "/") else path


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
        function = re.sub(r"\.(part|constprop|isra|cold|lto_priv)\b.*", "", line)
        here.append((function, place(next(lines).split(":")[0], root)))
    return found
