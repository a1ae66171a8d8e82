# SPDX-License-Identifier: BSD-3-Clause
"""Medians, spread, and the table for people."""
from statistics import median


def summary(values):
    return {"median": median(values), "min": min(values), "max": max(values), "rounds": values}


def summarize(case, flows, rounds):
    """One row of the report from the rounds of one case."""
    cycles = {what: summary([r[what]["cycles"] for r in rounds])
              for what in ("sluice", "mac", "io")}
    return {"case": case.name, "flows": flows, "cycles": cycles,
            "pps": median(r["sluice"]["pps"] for r in rounds),
            "ratio_to_mac": summary([r["sluice"]["cycles"] / r["mac"]["cycles"] for r in rounds]),
            "daemon_cycles": summary([r["sluice"]["daemon_cycles"] for r in rounds]),
            "shared": max(max(r["shared"], r["sluice"]["shared"]) for r in rounds),
            "daemon_busy": min(r["sluice"]["daemon_busy"] for r in rounds)}


def warnings(row):
    """What makes a row less worth than it looks."""
    found = []
    ours, daemon = row["cycles"]["sluice"]["median"], row["daemon_cycles"]["median"]
    if row["shared"] < 0.01 and abs(ours - daemon) > 0.1 * ours:
        found.append(f"the daemon counts {daemon:.0f} cycles a packet, the clock says {ours:.0f}")
    if row["daemon_busy"] < 99:
        found.append(f"the worker was busy {row['daemon_busy']:.0f} % of the time only")
    if row["shared"] > 0.01:
        found.append(f"something else had the worker's core up to {row['shared']:.1%} of the time; "
                     "that time is subtracted, its effect on caches is not")
    spread = row["ratio_to_mac"]["max"] / row["ratio_to_mac"]["min"]
    if spread > 1.3:
        found.append(f"the ratio varies by {spread:.1f}x between rounds: the machine is not quiet")
    return [f"{row['case']}, {row['flows']} flows: {text}" for text in found]


def cell(values, digits=0):
    return (f"{values['median']:.{digits}f} "
            f"({values['min']:.{digits}f}-{values['max']:.{digits}f})")


def print_table(machine, notes, rows):
    print(f"{machine['cpu']}, {machine['cores']} cores, TSC {machine['tsc_hz'] / 1e9:.2f} GHz, "
          f"hugepages {'on' if machine['hugepages'] else 'OFF'}")
    print("TSC cycles a packet, whole loop: median (lowest-highest)")
    heads = ["case", "flows", "sluice", "testpmd mac", "testpmd io", "sluice / mac", "Mpps"]
    lines = [[row["case"], f"{row['flows']:,}", *(cell(row["cycles"][what])
                                                 for what in ("sluice", "mac", "io")),
              cell(row["ratio_to_mac"], 2), f"{row['pps'] / 1e6:.2f}"] for row in rows]
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    for line in [heads, *lines]:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    for note in notes + [text for row in rows for text in warnings(row)]:
        print(f"note: {note}")
