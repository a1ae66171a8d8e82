# SPDX-License-Identifier: BSD-3-Clause
"""tools/bench's group `workloads`: that it measures, and leaves nothing behind."""
import glob
import json
import os
import signal
import subprocess
import time

from lab.expect import expect, expect_equal, test, wait_until

BENCH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "tools", "bench")
PROGRAMS = {"sluiced", "iperf3", "exchange", "ping"}


def start(lab, cases, seconds, *words):
    # Whoever runs the tests in the background has SIGINT ignored, which programs inherit.
    return subprocess.Popen(
        ["env", "--default-signal=INT", BENCH, "--build", lab.build, "--cases", cases, "--rounds", "1",
         "--seconds", str(seconds), "--no-hugepages", "--no-peers", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True)


def running():
    """Its programs that run here; the test has a process namespace of its own."""
    found = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path, encoding="utf-8") as file:
                found.append(file.read().strip())
        except OSError:  # it has ended
            pass
    return sorted(PROGRAMS & set(found))


def left_behind():
    return running(), glob.glob("/run/netns/slb-*"), glob.glob("/tmp/sluice-bench-*")


@test
def the_benchmark_measures_two_workloads_and_leaves_nothing_behind(lab):
    path = lab.file("found.json")
    before = left_behind()
    cases = "pair:bridge,pair:tap,exchange:new/16/tap,plain:pair"
    process = start(lab, cases, 0.5, "--json", path)
    output = process.communicate(timeout=120)[0]
    expect_equal(process.returncode, 0, output)
    with open(path, encoding="utf-8") as file:
        rows = {row["key"]: row["metrics"] for row in json.load(file)["rows"]}
    expect_equal(set(rows), {"pair/bridge", "pair/tap", "exchange/new/16/tap", "plain/pair"}, output)
    for key in ("pair/bridge", "pair/tap", "plain/pair"):
        expect(rows[key]["gbps"]["median"] > 0 and rows[key]["cpu_per_gb"]["median"] > 0, (key, rows[key]))
        expect_equal(rows[key]["untouched"]["median"], key != "plain/pair", f"{key}: offloads are untouched")
    expect(rows["exchange/new/16/tap"]["requests_per_second"]["median"] > 100, rows)
    expect_equal(left_behind(), before, "what is left behind")


@test
def a_benchmark_that_is_stopped_leaves_nothing_behind(lab):
    for how in (signal.SIGINT, signal.SIGTERM):
        before = left_behind()
        process = start(lab, "pair:tap", 60)
        wait_until(lambda: {"sluiced", "iperf3"} <= set(running()), "its stream did not begin", 60)
        time.sleep(0.3)
        os.killpg(process.pid, how)
        output = process.communicate(timeout=60)[0]
        expect(process.returncode in (130, 143), (how, process.returncode, output))
        expect_equal(left_behind(), before, f"what is left behind after {how}")
