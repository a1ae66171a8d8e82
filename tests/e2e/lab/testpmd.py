# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-testpmd as the other end of a port that kernels do not have: memif, and both sides of vhost-user."""
import os
import re
import select
import shutil
import signal
import subprocess
import time

from .expect import Failure, Skip

PROMPT = b"testpmd> "
SECONDS = 60  # a busy machine


class Testpmd:
    """One process with its devices, controlled line by line. It polls: stop it soon."""

    def __init__(self, lab, name, vdevs, mode, ns=None, queues=1, wait=True):
        if shutil.which("dpdk-testpmd") is None:
            raise Skip("dpdk-testpmd is missing (Debian package dpdk-dev)")
        cores = sorted(os.sched_getaffinity(0))
        self._name, self._seen = name, b""
        command = [
            "stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"0@{cores[0]},1@{cores[0]}", "--no-pci", "--no-telemetry",
            "--no-huge", "--no-shconf", "-m", "128", "--log-level=error",
            *(f"--vdev={v}" for v in ([vdevs] if isinstance(vdevs, str) else vdevs)),
            "--", "-i", "--nb-cores=1", f"--forward-mode={mode}", "--total-num-mbufs=4096", "--stats-period=0",
            f"--rxq={queues}", f"--txq={queues}"]
        self._process = subprocess.Popen(
            ns.command(*command) if ns else command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=lab.directory)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        """Some devices wait for their other side first."""
        self._until(PROMPT)

    def _until(self, what):
        deadline = time.monotonic() + SECONDS
        while what not in self._seen:
            ready = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]
            data = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise Failure(f"{self._name}: no {what!r} from dpdk-testpmd: {self._seen.decode(errors='replace')}")
            self._seen += data
        before, self._seen = self._seen.split(what, 1)
        return before.decode(errors="replace")

    def tell(self, command):
        """Sends a line, and returns the output."""
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        return self._until(PROMPT)

    def counters(self, command="show fwd stats all"):
        """The statistics of forwarding since its start: {"RX-packets": n, "TX-packets": n,
        "TX-dropped": n, ...}"""
        text = self.tell(command)
        return {name: int(n) for name, n in re.findall(r"([RT]X-[a-z]+): *(\d+)", text)}

    def has_died(self):
        return self._process.poll() is not None

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
