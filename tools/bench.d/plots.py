# SPDX-License-Identifier: BSD-3-Clause
"""The plots of the performance page, from the rows of a run."""
import os
from dataclasses import dataclass

import svg


@dataclass(frozen=True)
class Plot:
    """`metrics`: number -> suffix of its series' name. A row's own series gives the rest."""
    title: str
    draw: object
    y: str
    x: str
    metrics: tuple = (("cycles", ""),)
    factor: float = 1.0


CYCLES = "TSC cycles a packet"
PLOTS = {
    "flows": Plot("Established connections, replayed file", svg.lines, CYCLES, "connections",
                  (("cycles", ""), ("ovs_cycles", ", OVS-DPDK"), ("mac", ", testpmd mac"))),
    "generator": Plot("Established connections, drawn by the generator", svg.lines, CYCLES,
                      "connections"),
    "attack": Plot("Established packets a second under random headers", svg.bars, "Mpps", "",
                   (("sent_pps", ""),), 1e-6),
    "rules": Plot("Rules", svg.lines, CYCLES, "rules"),
    "first": Plot("First packet of a connection", svg.lines, CYCLES, "rules, identities"),
    "identities": Plot("Identities", svg.lines, CYCLES, "identities"),
    "nodes": Plot("Tunnels, shuffled", svg.lines, CYCLES, "nodes",
                  (("cycles", ""), ("mac", ", testpmd mac"))),
    "endpoints": Plot("Endpoints", svg.lines, CYCLES, "endpoints"),
    "sizes": Plot("Frame sizes", svg.bars, CYCLES, "bytes of the inner frame",
                  (("cycles", ""), ("mac", ", testpmd mac"))),
    "commits": Plot("Throughput while the configuration changes", svg.bars, "Mpps",
                    "commits a second", (("pps", ""),), 1e-6),
    "obeyed": Plot("From sending a policy to obeying it", svg.bars, "ms, upper bound", "",
                   (("obeyed_p50_ms", " p50"), ("obeyed_p99_ms", " p99"))),
    "workers": Plot("Workers", svg.bars, "Mpps", "workers", (("pps", ""),), 1e-6),
    "features": Plot("What can be switched", svg.bars, CYCLES, "policy mode"),
}


def series_of(name, plot, rows):
    """Series -> [(x, summary)]."""
    found = {}
    for row in rows:
        if not row["plot"] or row["plot"][0] != name:
            continue
        _, series, x = row["plot"]
        for metric, suffix in plot.metrics:
            values = row["metrics"].get(metric)
            if values:
                title = suffix.strip() if name == "obeyed" else series + suffix
                scaled = {what: values[what] * plot.factor for what in ("median", "min", "max")}
                found.setdefault(title, []).append((x, scaled))
    return found


def write(directory, rows):
    """The plots there are points for, and a page that shows them; returns the plots' paths."""
    os.makedirs(directory, exist_ok=True)
    written = []
    for name, plot in PLOTS.items():
        series = series_of(name, plot, rows)
        if series:
            written.append(os.path.join(directory, f"{name}.svg"))
            with open(written[-1], "w", encoding="utf-8") as file:
                file.write(plot.draw(plot.title, series, plot.y, plot.x))
    with open(os.path.join(directory, "plots.md"), "w", encoding="utf-8") as file:
        file.write("# Plots\n\nWritten by `tools/bench --plot`; [README.md](README.md) says what "
                   "they show and how it was measured.\n")
        for path in written:
            name = os.path.basename(path)
            title = PLOTS[name.removesuffix(".svg")].title
            file.write(f"\n![{title}]({name})\n")
    return written
