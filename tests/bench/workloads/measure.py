# SPDX-License-Identifier: BSD-3-Clause
"""The numbers of one round of two workloads."""
import contextlib
import time

from bench.measuring.daemon import Failure
from bench.scenario.workloads import PLAIN
from bench.workloads import loads, ovs_pair, places, profile, spaces

SWITCHES = {"kernel": places.kernel, "sluice": places.sluice, "ovs": ovs_pair.ovs}
SETTLE_SECONDS = 0.5


def missing(bench, work, peers):
    """Why a point cannot be measured here; None: it can. `peers`: whether others' programs are
    wanted."""
    if work.switch != "ovs":
        return None
    return ovs_pair.missing(bench) if peers else "peers are left out, as was asked"


def untouched(work, offloads):
    """Whether the workloads' interfaces offer what they offer when nobody has run ethtool."""
    return work.kind not in PLAIN and all(
        wanted in (None, end[name]) for end in offloads.values()
        for name, wanted in spaces.OFFLOADS.items())


def described(offloads):
    texts = [", ".join(f"{name} {state}" for name, state in end.items())
             for end in offloads.values()]
    return " / ".join(dict.fromkeys(texts))


def measure(bench, point):
    """Everything is made for this one measurement and taken down after it."""
    work = point.scenario
    with contextlib.ExitStack() as stack:
        pair = SWITCHES[work.switch](stack, bench, work)
        pair.wait_until_reached()
        before = pair.offloads()
        time.sleep(SETTLE_SECONDS)
        idle = loads.idle_cores()
        with profile.of_machine(bench, point.key):
            found = loads.LOADS[work.load](bench, work, pair)
        drops = pair.drops()
        pair.check(flows=work.load != "rest")
        if pair.offloads() != before:
            raise Failure(f"the workloads' offloads changed: {before}, {pair.offloads()}")
    return found | {"idle_cores": idle, "untouched": float(untouched(work, before)),
                    "offloads": described(before), "drops": found.get("drops", drops)}
