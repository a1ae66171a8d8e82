# SPDX-License-Identifier: BSD-3-Clause
"""What an idle node costs, and how soon a packet wakes it."""
import os
import time

from lab.expect import expect, expect_equal, test, wait_until
from lab.site import workers

PORTS = 500
SECONDS = 5


def cpu_seconds(daemon):
    """User and kernel time of all threads of the daemon."""
    with open(f"/proc/{daemon.process.pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@test
def an_idle_node_with_500_ports_uses_less_than_one_percent_of_a_core(lab):
    """TAPs in the daemon's namespace, which nobody has brought up: their links are asked for more often than others."""
    ns = lab.namespace("node-a")
    config = {"workers": {**workers(), "packet_buffers": 1024},
              "ports": [{"name": f"p{i}", "role": "access", "tap": {"name": f"sl-i{i}"}} for i in range(PORTS)]}
    daemon = lab.daemon("a", config, ns).start()
    wait_until(lambda: len(daemon.call("ports.list")) == PORTS, "not all ports are there")
    time.sleep(3)  # what is done at the start is over: its turns are more often
    before = cpu_seconds(daemon)
    time.sleep(SECONDS)
    percent = 100 * (cpu_seconds(daemon) - before) / SECONDS
    print(f"\n  {PORTS} idle ports: {percent:.2f} % of a core")
    expect(percent < 1, f"the idle daemon uses {percent:.2f} % of a core")
    expect_equal(len(daemon.call("ports.list")), PORTS, "ports")
