# SPDX-License-Identifier: BSD-3-Clause
"""New connections, memory of connections, and loading many objects."""
import json
import os
import signal
import subprocess
import sys
import time

from bench.measuring import machine
from bench.measuring.daemon import Failure, anywhere

SCALE = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "scale")
SCALE_SECONDS = 900
MIDDLE = (0.1, 0.9)  # shares of all connections between which the rate is taken


def new_connections(bench, scenario):
    """Connections a second while every packet opens one, and cycles each."""
    with bench.daemon(scenario) as daemon:
        goal = 2 * scenario.flows
        looks = [(bench.tsc.read(), daemon.stats(), machine.worker_waited_ns(daemon.pid))]
        until = time.monotonic() + 60
        while looks[-1][1]["flows"]["used"] < goal * MIDDLE[1]:
            if time.monotonic() > until:
                raise Failure(f"only {looks[-1][1]['flows']['used'] // 2} of {goal // 2} "
                              f"connections were opened; drops: {daemon.drops()}")
            time.sleep(0.002)
            looks.append((bench.tsc.read(), daemon.stats(), machine.worker_waited_ns(daemon.pid)))
        drops = daemon.drops()
    inside = [look for look in looks if look[1]["flows"]["used"] >= goal * MIDDLE[0]]
    (start, before, waited), (end, after, waited_after) = inside[0], inside[-1]
    opened = (after["flows"]["used"] - before["flows"]["used"]) // 2
    if opened < goal // 8:
        raise Failure(f"of {goal // 2} connections only {opened} were opened while watched")
    dropped = after["totals"]["dropped"]
    if dropped:
        raise Failure(f"{dropped} packets of new connections were dropped: {drops}")
    came = after["totals"]["received"] - before["totals"]["received"]
    if scenario.new and abs(came - opened) > max(0.001 * came, 4096):
        raise Failure(f"{came} packets opened {opened} connections")
    seconds = (end - start) / bench.tsc.hz
    shared = (waited_after - waited) / 1e9 / seconds
    busy = (end - start) * (1 - shared)
    return {"connections_per_second": opened / (busy / bench.tsc.hz), "cycles": busy / opened,
            "pps": opened / (busy / bench.tsc.hz), "shared": shared}


def connection_bytes(bench, scenario):
    """Memory of the flow table for each connection it has room for: both directions, both families.

    stats.get says how large the table is. A daemon that does not say so is compared with a second
    one that has a larger table and is otherwise the same: they begin with next to no hugepages and
    take as many as they allocate."""
    if not bench.hugepages:
        raise Failure("bytes a connection are counted in hugepages, and there are too few")
    found = []
    for entries in (1 << 18, 1 << 21):
        with bench.running(scenario.but(max_flows=entries, memory=64)) as daemon:
            flows = daemon.stats()["flows"]
            found.append((flows.get("bytes") or hugepage_bytes(daemon), flows["capacity"]))
    (first, few), (second, many) = found
    if second <= first:
        raise Failure(f"a table of {many} entries takes no more memory than one of {few}")
    return {"bytes_per_connection": (second - first) / (many - few) * 2}


def hugepage_bytes(daemon):
    """What the kernel counts for the process."""
    with open(f"/proc/{daemon.pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) * 1024 for line in file
                   if line.startswith(("Private_Hugetlb:", "Shared_Hugetlb:")))


def scale(bench, case, *options):
    """What tests/bench/scale says of a case. It is a process of its own, so that its objects are
    not in this one's memory."""
    command = [sys.executable, "-B", SCALE, case, "--json", "--sluiced", bench.binary, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True, preexec_fn=anywhere) as process:
        try:
            output, errors = process.communicate(timeout=SCALE_SECONDS)
        except subprocess.TimeoutExpired as expired:
            raise Failure(f"scale {case} was not done in {SCALE_SECONDS} s") from expired
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # its daemon with it
    if process.returncode != 0:
        raise Failure(f"scale {case}: {errors.strip()}")
    return json.loads(output)[case]


def load_endpoints(bench, scenario):
    """Seconds from the first byte sent to the last answer."""
    found = scale(bench, "load", "--endpoints", str(scenario.bystanders))
    return {"load_seconds": found["load_seconds"],
            "load_seconds_with_state": found["load_seconds_with_state"],
            "bytes_per_endpoint": found["bytes_per_endpoint"]}


def start_from_state(bench, scenario):
    """Seconds from the start of the daemon to its being ready, endpoints and policies in its
    state directory."""
    found = scale(bench, "start", "--endpoints", str(scenario.bystanders), "--policies",
                  str(scenario.rules))
    return {"start_seconds": found["start_from_state_seconds"]}
