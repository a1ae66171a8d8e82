# SPDX-License-Identifier: BSD-3-Clause
"""Where the machine's time goes while two workloads are busy: by perf, with its software clock, which
every machine has."""
import contextlib
import os
import re
import signal
import subprocess

from bench.measuring.daemon import Failure, anywhere
from bench.workloads.spaces import run

SAMPLES_A_SECOND = 1000
LEAST_PERCENT = 0.5


@contextlib.contextmanager
def of_machine(bench, key):
    """Writes a file named after the point; of several rounds the last one stays."""
    if not bench.profiles:
        yield
        return
    os.makedirs(bench.profiles, exist_ok=True)
    data = bench.path("perf.data")
    try:
        process = subprocess.Popen(["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F",
                                    str(SAMPLES_A_SECOND), "-o", data], stdin=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, preexec_fn=anywhere)
    except FileNotFoundError as error:
        raise Failure("perf is not installed (package linux-perf)") from error
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
    parts = [report(data, keys) for keys in ("comm", "comm,dso,symbol")]
    os.unlink(data)
    path = os.path.join(bench.profiles, key.replace("/", "-") + ".txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))


def report(data, keys):
    """perf's table, without its empty columns."""
    said = run("perf", "report", "--stdio", "--percent-limit", str(LEAST_PERCENT), "--sort", keys,
               "-i", data)
    lines = [re.sub(r"( +-)*\s*$", "", line) for line in said.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("#")) + "\n"
