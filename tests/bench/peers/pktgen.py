# SPDX-License-Identifier: BSD-3-Clause
"""Pktgen-DPDK as the source, where it is installed. docs/pktgen.md is the page about it."""
import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass

from bench.measuring import machine
from bench.measuring.daemon import Daemon, Failure, anywhere
from bench.peers.pktgen_account import HEADERS, Account, table_row
from bench.peers.pktgen_pairs import (DIRECTORY, LONGEST, MEMORY_MB, PAIRS, SCRIPTS, command, config,
                                      text, write_pcap)

PKTGEN_MEMORY_MB = 700   # as docs/pktgen.md builds it
START_SECONDS = 30
SPARE_SECONDS = 180      # beyond the time that the packets take
KEPT_OUTPUT = 1 << 18    # bytes


@dataclass(frozen=True)
class Run:
    """One run of Pktgen. `drops`: the reason that all packets are to be dropped for, if any."""
    pair: str
    direction: str
    size: int = 64
    flows: str = "1k"
    underlay_mtu: int = 1500
    drops: str = ""

    @property
    def name(self):
        flows = "" if self.flows == "1k" else f", {self.flows} flows"
        return f"{self.pair}, {self.direction}, {self.size} bytes{flows}"


RUNS = [Run(pair, direction, size) for pair in PAIRS if pair != "nic" for direction in SCRIPTS
        for size in (64, 512, LONGEST)]
RUNS += [Run("memif", "encap", flows="16k"),
         Run("memif", "encap", LONGEST + 1, underlay_mtu=1600, drops="mtu_exceeded")]


def presence():
    found = shutil.which("pktgen")
    return f"pktgen is {found}" if found else (
        "pktgen is not on PATH (it is no Debian package: docs/pktgen.md)")


class Pktgen:
    """Pktgen as a child on a terminal of its own, for as long as the with-block lasts; it ends by
    itself."""

    def __init__(self, words, settings):
        self._words, self._settings = words, settings
        self._process = self._terminal = self._reader = None
        self._output = bytearray()

    def __enter__(self):
        self._terminal, inner = os.openpty()
        try:
            self._process = subprocess.Popen(
                self._words, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
                preexec_fn=anywhere, env=os.environ | self._settings)
        except BaseException:
            os.close(self._terminal)
            raise
        finally:
            os.close(inner)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self):
        """Read until the other end is closed; that shows as an error."""
        try:
            while data := os.read(self._terminal, 1 << 16):
                self._output += data
                del self._output[:-KEPT_OUTPUT]
        except OSError:
            pass

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(10)
        os.close(self._terminal)

    def reason(self):
        if self._process.poll() is not None:
            self._reader.join(10)
        return reason(self._output.decode("utf-8", "replace"))

    def wait_for_ports(self):
        """Pktgen starts its ports before it prints which lcore serves them. A memif client that
        connects before that line is refused, and does not try again."""
        until = time.monotonic() + START_SECONDS
        while b"processing lcore" not in self._output:
            if self._process.poll() is not None:
                raise Failure(f"pktgen ended before its ports were up: {self.reason()}")
            if time.monotonic() > until:
                raise Failure(f"pktgen's ports are not up after {START_SECONDS} s: {self.reason()}")
            time.sleep(0.05)

    def wait(self, seconds):
        """Its exit status."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"pktgen has not ended after {seconds} s: {self.reason()}") from None


CONTROL = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[78])|\r|\x08")
PANIC = re.compile(r"!PANIC!: .*")
COMPLAINT = re.compile(r"!ERROR!: .*|\*\*\* Error .*|EAL: .*(?:annot|rror|nvalid).*|PANIC in .*|"
                       r".*[Ff]ailed to (?!register mp action).*")  # which is harmless


def reason(output):
    """What Pktgen's output says about its end: the panic and what the driver complained of before
    it, not the stack or the screen."""
    lines = [line.strip() for line in CONTROL.sub("", output).splitlines()]
    panics = [line for line in map(PANIC.search, lines) if line]
    if panics:
        lines = lines[:lines.index(panics[0].string)]
    complaints = [line.group() for line in map(COMPLAINT.search, lines) if line]
    said = complaints[-2:] + [line.group() for line in panics[:1]]
    return "; ".join(said) or " / ".join([line for line in lines if line][-5:])


def remove_left(path):
    """Remove a socket that an earlier Pktgen left: Pktgen does not start where one is. Whether a
    program still listens is read from /proc, because connecting can end a memif server."""
    if not os.path.exists(path):
        return
    with open("/proc/net/unix", encoding="utf-8") as file:
        if any(line.split()[-1] == path for line in file):
            raise Failure(f"{path} is open in another program: is sluice or pktgen running?")
    os.unlink(path)


def remove_sockets(name):
    for path in PAIRS[name].sockets:
        remove_left(path)


def run(opts, directory):
    """All runs, one after the other; each ends when Pktgen ends."""
    if not shutil.which("pktgen"):
        raise Failure(presence())
    for name in PAIRS:
        remove_sockets(name)
    os.makedirs(DIRECTORY, exist_ok=True)
    try:
        with machine.Hugepages(MEMORY_MB + PKTGEN_MEMORY_MB + 16) as hugepages:
            if not hugepages.available:
                raise Failure(f"pktgen needs hugepages: {hugepages.note}")
            print(f"{table_row(HEADERS)}\n{table_row('-' * len(HEADERS))}", flush=True)
            for each in RUNS:
                account = one(opts, directory, each)
                print(table_row([each.name, *account.cells()]), flush=True)
                account.check(each)
    finally:
        for name in PAIRS:
            remove_sockets(name)
        with contextlib.suppress(OSError):  # something else is in it
            os.rmdir(DIRECTORY)


def one(opts, directory, each):
    """Runs both programs in the order that the pair needs; returns the account."""
    path = os.path.join(directory, "sluiced.json")
    result = os.path.join(directory, "pktgen.json")
    pcap = os.path.join(directory, "pktgen.pcap")
    seconds = max(1, math.ceil(opts.seconds))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text(config(each.pair)))
    if each.direction == "decap":
        write_pcap(pcap, each.size)
    if os.path.exists(result):
        os.unlink(result)
    remove_sockets(each.pair)
    sender = Pktgen(command(each.pair, each.direction, pcap),
                    {"SLUICE_RESULT": result, "SLUICE_SECONDS": str(seconds),
                     "SLUICE_SIZE": str(each.size), "SLUICE_FLOWS": each.flows,
                     "SLUICE_UNDERLAY_MTU": str(each.underlay_mtu)})
    daemon = Daemon(os.path.join(opts.build, "sluiced"), directory, path)
    pair = PAIRS[each.pair]
    if pair.first == "sluice":
        with daemon, sender:
            return finish(daemon, sender, each, seconds, result)
    with sender:
        sender.wait_for_ports()
        with daemon:
            return finish(daemon, sender, each, seconds, result)


def finish(daemon, sender, each, seconds, result):
    code = sender.wait(seconds + SPARE_SECONDS)
    if not os.path.exists(result):
        raise Failure(f"{each.name}: pktgen ended with {code} and no result: {sender.reason()}")
    with open(result, encoding="utf-8") as file:
        found = json.load(file)
    if "error" in found or code != 0:
        raise Failure(f"{each.name}: pktgen ended with {code}: "
                      f"{found.get('error') or sender.reason()}")
    ends = ("workloads-0", "uplink") if each.direction == "encap" else ("uplink", "workloads-0")
    return Account(found, daemon.stats(), daemon.drops(), *ends)
