# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-testpmd on the same file: the least that a program on DPDK pays."""
import os
import re
import subprocess
import time

from bench.measuring import machine
from bench.measuring.daemon import Failure, anywhere

PROMPT = b"testpmd> "
MODES = ("io", "mac")
WARM_UP_SECONDS = 0.5


class Testpmd:
    """One run of dpdk-testpmd through its forwarding modes."""

    def __init__(self, files, buffers, hugepages, memory_mb, burst=64):
        memory = ["--in-memory"] if hugepages else [
            "--no-huge", "--no-shconf", "-m", str(memory_mb)]
        devices = [part for i, path in enumerate(files)
                   for part in ("--vdev", f"net_pcap{i},rx_pcap={path},infinite_rx=1")]
        self._ports = len(files)
        self._command = ["dpdk-testpmd", "-l", "0,1", "--no-pci", "--no-telemetry", *memory,
                         "--file-prefix", f"sluice-bench-{os.getpid()}", "--log-level=error",
                         *devices, "--", "-i", "--port-topology=loop", "--nb-cores=1",
                         f"--burst={burst}", f"--total-num-mbufs={buffers}"]

    def rates(self, seconds):
        """As `measured`; once more when a busy machine kept it from its core all the time."""
        found = self.measured(seconds)
        if any(rate == 0 for rate, _ in found.values()):
            found = self.measured(2 * seconds + 1)
        if any(rate == 0 for rate, _ in found.values()):
            raise Failure("dpdk-testpmd forwarded nothing")
        return found

    def measured(self, seconds):
        """Mode -> packets a second, and the share of the time in which the core was not testpmd's.

        testpmd's standard output is a file to it, and buffered to its end; only the prompt comes at
        once. So the commands are sent by the clock and the output is read when it has quit.
        """
        try:
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       preexec_fn=anywhere)
        except FileNotFoundError as error:
            raise Failure("dpdk-testpmd is not installed (package dpdk-dev)") from error
        try:
            text = read_to_prompt(process)
            shared = [run_mode(process, mode, seconds) for mode in MODES]
            send(process, "quit")
            text += process.communicate(timeout=30)[0].decode(errors="replace")
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"dpdk-testpmd did not do as told: {error}") from error
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        seen = [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", text)]
        shown = [sum(seen[i:i + self._ports]) for i in range(0, len(seen), self._ports)]
        rates = shown[1::2]
        if len(rates) != len(MODES):
            raise Failure(f"dpdk-testpmd did not do as told: {text}")
        return dict(zip(MODES, zip(rates, shared)))


def send(process, command, pause=0.1):
    process.stdin.write(command.encode() + b"\n")
    process.stdin.flush()
    time.sleep(pause)


def run_mode(process, mode, seconds):
    """Show the rate twice, the second time that since the first. Returns the share of the time in
    which something else had the core."""
    send(process, f"set fwd {mode}")
    send(process, "start", WARM_UP_SECONDS)
    send(process, "show port stats all", 0)
    before, begun = machine.worker_waited_ns(process.pid), time.monotonic_ns()
    time.sleep(seconds)
    waited = machine.worker_waited_ns(process.pid) - before
    share = waited / (time.monotonic_ns() - begun)
    send(process, "show port stats all")
    send(process, "stop", 0.3)
    return share


def read_to_prompt(process):
    text = b""
    while not text.endswith(PROMPT):
        byte = process.stdout.read(1)
        if not byte:
            raise Failure(f"dpdk-testpmd ended: {text.decode(errors='replace').strip()}")
        text += byte
    return text.decode(errors="replace")


def floors(bench, scenario):
    """Cycles a packet of `io` and of `mac` on the scenario's files."""
    testpmd = Testpmd(bench.files(scenario), scenario.buffers() * scenario.ports, bench.hugepages,
                      scenario.memory_mb())
    found = {mode: bench.figures(pps, shared)
             for mode, (pps, shared) in testpmd.rates(bench.seconds).items()}
    return {"io": found["io"]["cycles"], "mac": found["mac"]["cycles"],
            "shared": max(figures["shared"] for figures in found.values())}
