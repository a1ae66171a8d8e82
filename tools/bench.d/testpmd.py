# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-testpmd on the same file: what any program on DPDK pays at least."""
import re
import subprocess
import time

import machine
from daemon import Failure

PROMPT = b"testpmd> "
MODES = ("io", "mac")
WARM_UP_SECONDS = 0.5


class Testpmd:
    """One run of dpdk-testpmd through its forwarding modes."""

    def __init__(self, pcap, buffers, hugepages, memory_mb, burst=64):
        memory = ["--in-memory"] if hugepages else ["--no-huge", "-m", str(memory_mb)]
        self._command = ["dpdk-testpmd", "-l", "0,1", "--no-pci", "--no-telemetry", *memory,
                         "--file-prefix", "sluice-bench", "--log-level=error",
                         "--vdev", f"net_pcap0,rx_pcap={pcap},infinite_rx=1",
                         "--", "-i", "--port-topology=loop", "--nb-cores=1",
                         f"--burst={burst}", f"--total-num-mbufs={buffers}"]

    def packets_per_second(self, seconds):
        """Mode -> rate, each measured for so long; and how much of the time the core was not testpmd's.

        testpmd's standard output is a file to it, and buffered to its end; only the prompt comes at
        once. So the commands are sent by the clock and the output is read when it has quit.
        """
        try:
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except FileNotFoundError as error:
            raise Failure("dpdk-testpmd is not installed (package dpdk)") from error
        try:
            text = read_to_prompt(process)
            waited = 0
            for command, pause in self._script(seconds):
                process.stdin.write(command.encode() + b"\n")
                process.stdin.flush()
                before = machine.worker_waited_ns(process.pid)
                time.sleep(pause)
                if pause == seconds:
                    waited = max(waited, machine.worker_waited_ns(process.pid) - before)
            text += process.communicate(timeout=30)[0].decode(errors="replace")
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"dpdk-testpmd did not do as told: {error}") from error
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        rates = [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", text)][1::2]
        if len(rates) != len(MODES) or 0 in rates:
            raise Failure(f"dpdk-testpmd forwarded nothing: {text}")
        return dict(zip(MODES, rates)), waited / seconds / 1e9

    @staticmethod
    def _script(seconds):
        """Commands and the pauses behind them; a rate is that since the last time it was shown."""
        for mode in MODES:
            yield f"set fwd {mode}", 0.1
            yield "start", WARM_UP_SECONDS
            yield "show port stats all", seconds
            yield "show port stats all", 0.1
            yield "stop", 0.3
        yield "quit", 0


def read_to_prompt(process):
    text = b""
    while not text.endswith(PROMPT):
        byte = process.stdout.read(1)
        if not byte:
            raise Failure(f"dpdk-testpmd ended: {text.decode(errors='replace').strip()}")
        text += byte
    return text.decode(errors="replace")
