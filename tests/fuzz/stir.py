# SPDX-License-Identifier: BSD-3-Clause
"""Calls over the socket while packets flow: reads, and changes of objects that the packets use."""
import time

from lab.expect import expect

# The network field of every policy.
SCOPE = {"network": "*"}


def policy(name, direction, labels, **rest):
    return {"name": name, "direction": direction, "subject": {"labels": labels}, **SCOPE, **rest}


POLICIES = (
    policy("web-out", "egress", {"app": "web"}, action="deny",
           ports=[{"protocol": "udp", "port": 1, "end_port": 30000}]),
    policy("web-in", "ingress", {"app": "web"}, action="deny",
           peers=[{"cidr": "10.0.0.0/24"}], ports=[{"protocol": "tcp"}]),
)


def policy_change(turn):
    """Each object is there for two turns and absent for two."""
    p = POLICIES[turn % 2]
    return ("policies.add", p) if turn % 4 < 2 else ("policies.del", {"name": p["name"]})


def stir(daemon, n, changes=()):
    """Read and change until n packets are in, whole turns of four; changes(turn) gives more calls."""
    turn, deadline = 0, time.monotonic() + 240
    while daemon.totals()["received"] < n or turn % 4:
        daemon.call("flows.list", {"limit": 50})
        daemon.call("drops.recent", {"limit": 200})
        for method, params in (policy_change(turn), *(changes(turn) if changes else ())):
            daemon.call(method, params)
        turn += 1
        expect(time.monotonic() < deadline, f"packets stay out: {daemon.totals()}")


def expect_accounted(daemon, n):
    """When traffic is quiet: each packet was received, and is sent, consumed or counted by one
    reason."""
    daemon.expect_sum()
    totals, drops = daemon.totals(), daemon.drops()
    expect(totals["received"] == n, f"{totals['received']} of {n} packets received")
    expect(sum(drops.values()) == totals["dropped"], "drops by reason do not add up to dropped")
    return totals, drops
