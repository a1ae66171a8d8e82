# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the report, and tables for people."""
from bench.measuring.summaries import summary
from bench.report import workloads

UNITS = {  # metric -> (what a reader calls it, factor, digits)
    "connections_per_second": ("new connections a second, millions", 1e-6, 2),
    "cycles": ("cycles a packet", 1, 0),
    "sent_pps": ("Mpps sent", 1e-6, 2),
    "commits_per_second": ("commits a second", 1, 0),
    "obeyed_p50_ms": ("obeyed p50, ms", 1, 2),
    "obeyed_p99_ms": ("obeyed p99, ms", 1, 2),
    "obeyed_max_ms": ("obeyed slowest, ms", 1, 2),
    "resolution_us": ("resolution, us", 1, 0),
    "bytes_per_connection": ("bytes a connection", 1, 0),
    "bytes_per_endpoint": ("bytes an endpoint", 1, 0),
    "load_seconds": ("seconds", 1, 1),
    "load_seconds_with_state": ("seconds with a state directory", 1, 1),
    "start_seconds": ("seconds", 1, 1),
}
TABLE = ("cycles", "mac", "io", "ratio_to_mac", "pps", "times_ovs")


def with_ratios(found):
    """A round's numbers, and the ratios that follow from them."""
    more = dict(found)
    if "mac" in found and "cycles" in found:
        more["ratio_to_mac"] = found["cycles"] / found["mac"]
    if "ovs_cycles" in found and "cycles" in found:
        more["times_ovs"] = found["ovs_cycles"] / found["cycles"]
    return more


def results_of(rows):
    """From rows back to: key of a point -> the numbers of each round."""
    results = {}
    for found in rows:
        series = {name: values["rounds"] for name, values in found["metrics"].items()}
        results[found["key"]] = [dict(zip(series, numbers)) for numbers in zip(*series.values())]
    return results


def row(point, rounds):
    """One row of the report from the rounds of one point; a round that failed is empty."""
    rounds = [with_ratios(found) for found in rounds if found]
    names = [name for name, value in rounds[0].items()
             if isinstance(value, (int, float)) and all(name in found for found in rounds)]
    words = {name: sorted({str(found[name]) for found in rounds})
             for name, value in rounds[0].items() if isinstance(value, str)}
    return {"key": point.key, "case": point.key.split("/")[0], "way": point.how,
            "with": dict(point.with_),
            "scenario": vars(point.scenario), "about": point.about, "plot": list(point.plot),
            "metrics": {name: summary([found[name] for found in rounds]) for name in names},
            "words": words}


def warnings(found):
    """What makes the numbers of a row less certain than they look."""
    metrics, texts = found["metrics"], []
    shared = metrics.get("shared", {}).get("max", 0)
    if "daemon_cycles" in metrics and shared < 0.01 and found["scenario"]["workers"] == 1:
        ours, daemon = metrics["cycles"]["median"], metrics["daemon_cycles"]["median"]
        if daemon and abs(ours - daemon) > 0.1 * ours:
            texts.append(f"the daemon counts {daemon:.0f} cycles a packet, the clock {ours:.0f}")
    busy = metrics.get("daemon_busy", {}).get("min", 100)
    if 0 < busy < 99 and found["scenario"]["workers"] == 1:
        texts.append(f"the worker was busy {busy:.0f} % of the time only")
    asked = found["with"].get("rate", 0)
    done = metrics.get("commits_per_second", {}).get("min", asked)
    if done < 0.9 * asked:
        texts.append(f"{asked} commits a second were asked for, {done:.0f} were done")
    if shared > 0.01:
        texts.append(f"something else had the worker's core up to {shared:.1%} of the time; that "
                     "time is subtracted, its effect on caches is not")
    main = metrics.get("ratio_to_mac") or metrics.get("cycles")
    if main and main["spread"] and main["spread"] > 1.3:
        texts.append(f"varies by {main['spread']:.1f}x between rounds: the machine is not quiet")
    return [f"{found['key']}: {text}" for text in texts + workloads.warnings(found)]


def cell(values, digits=0, factor=1):
    if values is None:
        return ""
    low, middle, high = (f"{values[what] * factor:.{digits}f}" for what in ("min", "median", "max"))
    return f"{middle} ({low}-{high})"


def aligned(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip()


def table_of_packets(rows):
    lines = [["case", "sluice", "testpmd mac", "testpmd io", "/ mac", "Mpps", "OVS",
              "OVS / sluice"]]
    for found in rows:
        m = found["metrics"].get
        lines.append([found["key"], cell(m("cycles")), cell(m("mac")), cell(m("io")),
                      cell(m("ratio_to_mac"), 2), cell(m("pps"), 1, 1e-6), cell(m("ovs_cycles")),
                      cell(m("times_ovs"), 2)])
    used = [i for i in range(len(lines[0])) if any(line[i] for line in lines[1:])]
    return [[line[i] for i in used] for line in lines]


def table_of_others(rows, packets):
    lines = [["case", "what", "figure"]]
    for found in rows:
        for name, (unit, factor, digits) in UNITS.items():
            if name in found["metrics"] and not (name in TABLE and found in packets):
                lines.append([found["key"], unit, cell(found["metrics"][name], digits, factor)])
    return lines


def print_tables(facts, notes, rows, targets):
    print(f"{facts['cpu']}, {facts['cores']} cores, TSC {facts['tsc_hz'] / 1e9:.2f} GHz, "
          f"hugepages {'on' if facts['hugepages'] else 'OFF'}")
    packets = [found for found in rows if "cycles" in found["metrics"] and found["way"] != "new"]
    others = [found for found in rows
              if found["way"] not in ("cycles", "source_floor", "workload")]
    beside = list(workloads.figures(rows, cell))
    if packets:
        print("TSC cycles a packet, whole loop: median (lowest-highest)")
        print("\n".join(aligned(table_of_packets(packets))))
    if others:
        print("\nOther figures: median (lowest-highest)")
        print("\n".join(aligned(table_of_others(others, packets))))
    compared = workloads.table(rows, targets)
    if beside:
        print("\nTwo workloads: median (lowest-highest); CPU of the whole machine; `before`: the cores in "
              "use before the traffic")
        for lines in beside:
            print("\n".join(aligned(lines)))
        print("\n".join(workloads.remarks(rows)))
    if compared:
        print("\nTwo workloads, side by side; ratios are taken in each round")
        print("\n".join(aligned(compared)))
    done = {line[0] for line in compared}
    measured = [target for target in targets if target["measured"] and target["what"] not in done]
    if measured:
        print("\nWhat is aimed at")
        print("\n".join(aligned(table_of_targets(measured))))
    for note in notes + [text for found in rows for text in warnings(found)]:
        print(f"note: {note}")


def table_of_targets(targets):
    lines = [["what", "must", "aim", "dream", "measured", "reached"]]
    for target in targets:
        lines.append([target["what"], *target["bars"], target["shown"] or "not measured",
                      target["reached"]])
    return lines


def markdown(lines):
    head, *rest = lines
    return "\n".join(["| " + " | ".join(line) + " |" for line in
                      [head, ["---"] * len(head), *rest]]) + "\n"
