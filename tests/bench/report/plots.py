# SPDX-License-Identifier: BSD-3-Clause
"""Which figures there are, and what each shows of the rows of a run."""
import os
from dataclasses import dataclass

from bench.report import drawing

OVS, TESTPMD, _ = drawing.PEERS
CYCLES = "TSC cycles a packet"
MPPS = "million packets a second"


@dataclass(frozen=True)
class Plot:
    """`lines`: metric of a row -> name of its line; "" stands for the name that the row has."""
    title: str
    under: str      # in smaller letters: what was measured
    y: str
    x: str
    draw: object    # function of (axes, panel, style)
    lines: dict
    factor: float = 1.0
    digits: int = 0  # of the numbers beside points and bars
    of: str = ""     # the figure whose points are drawn, where that is another one


PEERS = {"cycles": "", "ovs_cycles": OVS, "mac": TESTPMD}
SHARED = "two cores that everything shares"
SMALL = "64-byte frames, 1,000 rules, default deny"
PLOTS = {
    "flows": Plot("A packet of an established connection: sluice, OVS-DPDK, testpmd",
                  f"One replayed file for all three; {SMALL}; OVS with conntrack", CYCLES,
                  "connections", drawing.lines, PEERS),
    "generator": Plot("From a thousand to ten million connections",
                      f"Each packet's connection drawn by the test generator, whose cost is part of it; {SMALL}",
                      CYCLES, "connections", drawing.lines, {"cycles": ""}),
    "attack": Plot("What established connections keep under random headers",
                   f"16 k connections; packets that were sent on; {SMALL}", MPPS,
                   "where packets come from", drawing.bars, {"sent_pps": ""}, 1e-6, 1),
    "rules": Plot("What policy rules cost", "64-byte frames, VXLAN encapsulation, 1,024 connections (262,144 for first packets)",
                  CYCLES, "rules", drawing.lines, PEERS),
    "identities": Plot("What identities cost",
                       f"VXLAN encapsulation, 60,000 remote endpoints with so many identities; {SMALL}", CYCLES,
                       "identities", drawing.lines, PEERS),
    "nodes": Plot("Tunnels to other nodes", f"100,000 connections to as many endpoints, shuffled; {SMALL}", CYCLES,
                  "remote nodes", drawing.lines, PEERS),
    "endpoints": Plot("What endpoints without traffic cost",
                      f"16 k connections of 128 of them; {SMALL}",
                      CYCLES, "endpoints", drawing.lines, PEERS),
    "sizes": Plot("Frame sizes", "1,024 connections, 1,000 rules; IMIX: 64, 594 and 1,514 bytes, 7 : 4 : 1",
                  CYCLES, "bytes of the inner frame", drawing.bars, PEERS),
    "commits": Plot("Throughput while the configuration changes",
                    f"16 k connections; each request changes an object that has no traffic; {SMALL}",
                    MPPS, "commits a second", drawing.bars, {"pps": ""}, 1e-6, 1),
    "obeyed": Plot("From sending a policy to the last worker that obeys it",
                   "A deny for all traffic added and removed a hundred times a round; upper bounds",
                   "milliseconds", "rules", drawing.bars,
                   {"obeyed_p50_ms": "half of all changes", "obeyed_p99_ms": "99 of 100 changes"}, digits=2),
    "workers": Plot("One and two workers",
                    f"Two access ports, 16 k connections; the second worker shares core 0; {SMALL}",
                    MPPS, "workers", drawing.bars, {"pps": ""}, 1e-6, 1),
    "features": Plot("Policy modes", "VXLAN encapsulation, 1,024 connections, 64-byte frames, 1,000 rules",
                     CYCLES, "policy mode of the network", drawing.bars, PEERS),
    "streams": Plot("TCP between two workloads, their offloads untouched",
                    f"iperf3; {SHARED}; kernel: bridge, and VXLAN over a veth pair; cut: to the MTU, as a NIC does",
                    "Gb/s", "where the workloads are, and how many streams", drawing.bars, {"gbps": ""},
                    digits=1),
    "work": Plot("What a gigabyte between two workloads costs",
                 f"the same streams; every process and the kernel; {SHARED}",
                 "CPU seconds a GB", "where the workloads are, and how many streams", drawing.bars,
                 {"cpu_per_gb": ""}, digits=2, of="streams"),
    "latency": Plot("Ping between two workloads", f"one node; {SHARED}; kernel: bridge", "microseconds, p50", "pings",
                    drawing.bars, {"rtt_us": ""}),
    "exchange": Plot("One-byte requests over TCP between two workloads", f"one node; {SHARED}; kernel: bridge",
                     "thousand a second", "connections", drawing.bars, {"requests_per_second": ""},
                     1e-3, 1),
}


def panels_of(name, rows):
    """Panel -> line -> [(x, {"median", "min", "max"})]."""
    plot, found = PLOTS[name], {}
    for row in rows:
        if not row["plot"] or row["plot"][0] != (plot.of or name):
            continue
        _, panel, line, x = row["plot"]
        for metric, fixed in plot.lines.items():
            values = row["metrics"].get(metric)
            if values:
                scaled = {what: values[what] * plot.factor for what in ("median", "min", "max")}
                points = found.setdefault(panel, {}).setdefault(fixed or line, [])
                points.append((x, scaled))
    return found


def figure(name, rows):
    """A matplotlib figure, or None when no row has anything for it."""
    panels = panels_of(name, rows)
    return drawing.figure(PLOTS[name], panels) if panels else None


def write(directory, rows):
    """The figures there are points for, and a page that shows them; returns the figures' paths."""
    os.makedirs(directory, exist_ok=True)
    written = []
    for name in PLOTS:
        made = figure(name, rows)
        if made:
            written.append(os.path.join(directory, f"{name}.svg"))
            drawing.save(made, written[-1], PLOTS[name].title)
    with open(os.path.join(directory, "plots.md"), "w", encoding="utf-8") as file:
        file.write("# Plots\n\nWritten by `tools/bench --plot`. [README.md](README.md) says what "
                   "they show and how it was measured.\n")
        for path in written:
            name = os.path.basename(path)
            title = PLOTS[name.removesuffix(".svg")].title
            file.write(f"\n![{title}]({name})\n")
    return written
