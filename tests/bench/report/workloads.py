# SPDX-License-Identifier: BSD-3-Clause
"""What workloads get, as a table: each row compares a point with its peers in the same round."""
from dataclasses import dataclass

ELSEWHERE = ("64-byte encap, decap and local, instructions a packet (must: +2 %, aim: 0, dream: less): "
             "tests/instructions/run --build build/instructions")


@dataclass(frozen=True)
class Row:
    """`theirs`: the points of peers; of several, the one that did best in a round. None: the bars
    are for the figure itself. `unit`: of the figure."""
    what: str
    ours: str
    theirs: tuple
    metric: str
    bars: tuple          # must, aim, dream: of the ratio
    more: bool = True    # larger is better
    unit: str = "Gb/s"
    digits: int = 2


def throughput(what, ours, theirs, bars):
    return Row(what, ours, theirs, "gbps", bars)


def ping(what, load, kind, bars):
    return Row(what, f"latency/{load}/{kind}", (f"latency/{load}/bridge",), "rtt_us", bars, False,
               "us", 1)


def requests(what, how, kind):
    return Row(what, f"exchange/{how}/{kind}", (f"exchange/{how}/bridge",), "requests_per_second",
               (0.4, 0.6, 0.8), True, "a second", 0)


TUNNEL = (0.3, 0.45, 0.65)
IDLE, BUSY = (2, 1.5, 1.1), (8, 4, 2)
OVS = ("pair/ovs-veth", "pair/ovs-tap")
WITH_BRIDGE = ("pair/bridge",)
ROWS = (
    throughput("one node, a TCP stream, TAP to TAP, against the kernel's bridge", "pair/tap",
               WITH_BRIDGE, (0.5, 0.65, 0.85)),
    Row("the same: CPU seconds a GB", "pair/tap", WITH_BRIDGE, "cpu_per_gb", (2.2, 1.7, 1.4), False,
        "s/GB"),
    throughput("one node, a TCP stream, interface ports on veth, against the bridge",
               "pair/interface", WITH_BRIDGE, (0.4, 0.6, 0.8)),
    *(throughput(f"two nodes over veth, TCP streams: {streams}, {how}, against the kernel's VXLAN",
                 f"tunnel/{streams}/sluice{cut}", (f"tunnel/{streams}/kernel{cut}",), TUNNEL)
      for streams in (1, 8) for cut, how in (("", "super-packets whole"),
                                             ("-cut", "cut to the MTU by both"))),
    throughput("two nodes over memif, a TCP stream", "memif/1", None, (4, 6, 9)),
    ping("ping after 1 s of idling, TAP, against the bridge", "idle", "tap", IDLE),
    ping("the same, interface ports", "idle", "interface", IDLE),
    ping("ping every millisecond, TAP, against the bridge", "busy", "tap", BUSY),
    ping("ping every millisecond, interface ports", "busy", "interface", BUSY),
    requests("a byte and its answer over TCP, TAP, against the bridge", "same/1", "tap"),
    requests("a byte and its answer over TCP, interface ports", "same/1", "interface"),
    requests("new TCP connections, one at a time, TAP, against the bridge", "new/1", "tap"),
    requests("new TCP connections, one at a time, interface ports", "new/1", "interface"),
    requests("new TCP connections, 16 at a time, TAP, against the bridge", "new/16", "tap"),
    requests("new TCP connections, 16 at a time, interface ports", "new/16", "interface"),
    throughput("a busy pair beside 500 idle ports, against none", "crowd/500", ("crowd/0",),
               (0.95, 0.98, 1.0)),
    throughput("one node, a TCP stream, TAP to TAP, against OVS-DPDK", "pair/tap", OVS, (1.2, 2, 3)),
    throughput("one node, a TCP stream, interface ports, against OVS-DPDK", "pair/interface", OVS,
               (1.2, 2, 3)),
)


def best(row, results, number):
    """The best figure of a row's peers in a round; None: none of them was measured in it."""
    found = [results[key][number][row.metric] for key in row.theirs
             if number < len(results.get(key, ())) and row.metric in results[key][number]]
    return (max if row.more else min)(found) if found else None


def ratios(row):
    """A function of the results: the row's figure against its peers', a number a round."""
    def rounds(results):
        found = []
        for number, ours in enumerate(results.get(row.ours, ())):
            theirs = best(row, results, number) if row.theirs else 1
            if theirs and row.metric in ours:
                found.append(ours[row.metric] / theirs)
        return found
    return rounds


def touched(row):
    """A function of the results: why the row does not count, or None."""
    def why(results):
        keys = [key for key in (row.ours, *(row.theirs or ()))
                if any(found.get("untouched") == 0 for found in results.get(key, ()))]
        return f"offloads of the workloads were off in {', '.join(keys)}" if keys else None
    return why


FIGURES = {  # metric -> (head of its column, digits)
    "gbps": ("Gb/s", 2), "cpu_per_gb": ("CPU s/GB", 2), "retransmits": ("retransmits", 0),
    "underlay_bytes": ("bytes a packet on the underlay", 0),
    "rtt_us": ("ping p50, us", 1), "rtt_p99_us": ("p99, us", 1),
    "requests_per_second": ("requests/s", 0), "request_us": ("p50, us", 1),
    "request_max_us": ("slowest, us", 0),
    "cpu_us_per_request": ("CPU us each", 1), "busy_cores": ("cores", 2), "idle_cores": ("before", 2),
    "steal_percent": ("steal, %", 1), "daemon_percent": ("sluiced, % of a core", 2),
}


MAIN = ("gbps", "rtt_us", "requests_per_second", "daemon_percent")


def figures(rows, cell):
    """Every figure of the points, one line each, in a table for each kind of load. `cell` writes a
    median and its rounds."""
    for main in MAIN:
        of_kind = [found for found in rows if main in found["metrics"]]
        used = [name for name in FIGURES if any(name in found["metrics"] for found in of_kind)]
        if of_kind:
            yield [["case", *(FIGURES[name][0] for name in used)]] + [
                [found["key"], *(cell(found["metrics"].get(name), FIGURES[name][1])
                                 for name in used)] for found in of_kind]


def figure(row, metrics, key):
    values = metrics.get(key, {}).get(row.metric)
    return f"{values['median']:,.{row.digits}f} {row.unit}" if values else "not measured"


def table(rows, targets):
    """Every row that was measured, with the figures of both sides and the bar that it reaches."""
    metrics = {found["key"]: found["metrics"] for found in rows}
    reached = {target["what"]: target for target in targets}
    lines = [["what", "sluice", "peer", "ratio", "must", "aim", "dream", "reached"]]
    for row in ROWS:
        target = reached.get(row.what)
        if row.ours in metrics and target:
            peers = [f"{figure(row, metrics, key)}"
                     + (f" ({key.rpartition('/')[2]})" if len(row.theirs) > 1 else "")
                     for key in row.theirs or () if key in metrics]
            lines.append([row.what, figure(row, metrics, row.ours), ", ".join(peers),
                          target["shown"] or "not measured", *target["bars"], target["reached"]])
    return lines if len(lines) > 1 else []


def remarks(rows):
    """What ethtool said of the workloads' interfaces, and where a veth pair stands for a NIC."""
    said = {}
    for found in rows:
        for text in found["words"].get("offloads", []):
            said.setdefault(text, []).append(found["key"])
    lines = [f"ethtool -k of the workloads, {', '.join(keys)}: {text}" for text, keys in said.items()]
    if any(found["scenario"].get("underlay") == "veth" for found in rows):
        lines.append("the underlay of two nodes is a veth pair, which carries super-packets whole, as no "
                     "NIC does; -cut: they are cut before it. `bytes a packet on the underlay` says who "
                     "cut")
    return lines + ([ELSEWHERE] if said else [])


def warnings(found):
    """What makes a row of two workloads less certain than it looks."""
    metrics, texts = found["metrics"], []
    if found["way"] != "workload":
        return texts
    idle, steal = (metrics.get(name, {}).get("max", 0) for name in ("idle_cores", "steal_percent"))
    if found["scenario"]["switch"] == "kernel" and idle > 0.1:
        texts.append(f"other programs used up to {idle:.2f} cores before the traffic")
    if steal > 1:
        texts.append(f"other machines took up to {steal:.1f} % of the cores' time (steal)")
    dropped = [text for text in found["words"].get("drops", []) if text]
    if dropped:
        texts.append(f"sluice dropped, in some rounds: {' | '.join(dropped)}")
    main = next((metrics[name] for name in MAIN if name in metrics), None)
    if main and main["spread"] and main["spread"] > 1.3:
        texts.append(f"varies by {main['spread']:.1f}x between rounds: the machine is not quiet")
    return texts
