# SPDX-License-Identifier: BSD-3-Clause
"""The targets of sluice: what, three bars, and how each follows from measured points."""
from dataclasses import dataclass

from bench.measuring.summaries import summary
from bench.report import tables, workloads


@dataclass(frozen=True)
class Target:
    what: str
    bars: tuple       # must, aim, dream
    rounds: object    # function of the results -> a list, one number a round; [] not measured
    unit: str = "x"
    more: bool = False  # larger is better
    factor: float = 1.0  # from what is measured to what the bars are in
    digits: int = 2
    unless: object = None  # function of the results -> why the target does not count, or None


def metric(key, name):
    def rounds(results):
        return [found[name] for found in results.get(key, []) if name in found]
    return rounds


def ratio(key, name, base_key, base_name=None):
    """A ratio for each round, because both sides were measured close to each other."""
    def rounds(results):
        pairs = zip(results.get(key, []), results.get(base_key, []))
        return [a[name] / b[base_name or name] for a, b in pairs
                if name in a and (base_name or name) in b]
    return rounds


def lost(key, base_key):
    def rounds(results):
        return [100 * (1 - kept) for kept in ratio(key, "pps", base_key)(results)]
    return rounds


def either(*functions):
    """The first of them that was measured."""
    def rounds(results):
        return next((found for function in functions if (found := function(results))), [])
    return rounds


def worst(*functions):
    """The largest of each round; all must have been measured."""
    def rounds(results):
        series = [function(results) for function in functions]
        return [max(values) for values in zip(*series)] if all(series) else []
    return rounds


def too_few_commits(results):
    """Commits that the daemon did not keep up with were not sent."""
    for kind in ("endpoints", "policies"):
        done = metric(f"commits/{kind}/10000", "commits_per_second")(results)
        if done and min(done) < 9000:
            return f"only {min(done):.0f} {kind}.set a second were done"
    return None


def beside(case, one, other, sizes=("1k", "16k")):
    """The worst of the ratios between pairs of points of a case, over both sizes."""
    return worst(*(ratio(f"{case}/{a}/{size}", "cycles", f"{case}/{b}/{size}")
                   for size in sizes for a, b in zip(one, other)))


def each(*names):
    """encap and decap of names of points."""
    return [f"{direction}/{name}" for direction in ("encap", "decap") for name in names]


def each_way(way):
    return [f"{way}/{direction}/{family}" for direction in ("encap", "local") for family in FAMILY_TITLES]


def encap_target(encap, family):
    other = each(f"{encap}/{family}")
    return Target(f"{TITLES[encap]} over {FAMILY_TITLES[family]} against VXLAN over IPv4, encap and decap: cycles",
                  (1.3, 1.15, 1.0), beside("encaps", other, each("vxlan/ipv4")))


def over_mac(flows, direction):
    return metric(f"{direction}/vxlan/{flows}", "ratio_to_mac")


def over_ovs(flows, direction):
    return metric(f"{direction}/vxlan/{flows}", "times_ovs")


ENCAP, DECAP = "VXLAN encap", "VXLAN decap"
TITLES = {"vxlan": "VXLAN", "vxlan-gbp": "VXLAN-GBP", "geneve": "Geneve", "ipip": "IP-in-IP"}
FAMILY_TITLES = {"ipv4": "IPv4", "ipv6": "IPv6"}
TARGETS = (
    Target(f"{ENCAP}, 1 k flows: cycles against testpmd mac", (2.5, 2.0, 1.6),
           over_mac("1k", "encap")),
    Target(f"{ENCAP}, 16 k flows", (3.0, 2.2, 1.8), over_mac("16k", "encap")),
    Target(f"{DECAP}, 1 k flows", (2.7, 2.2, 1.7), over_mac("1k", "decap")),
    Target(f"{DECAP}, 16 k flows", (3.2, 2.4, 1.9), over_mac("16k", "decap")),
    Target("encap against OVS-DPDK with conntrack, 1 k: throughput", (4, 5, 6),
           over_ovs("1k", "encap"), more=True),
    Target("decap against OVS-DPDK with conntrack, 1 k", (4, 5, 6), over_ovs("1k", "decap"),
           more=True),
    Target("encap against OVS-DPDK with conntrack, 16 k", (6, 8, 12), over_ovs("16k", "encap"),
           more=True),
    Target("decap against OVS-DPDK with conntrack, 16 k", (6, 8, 12), over_ovs("16k", "decap"),
           more=True),
    Target("1 M flows against 1 k, same source: cycles", (2.5, 1.8, 1.4),
           ratio("established/encap/1M/uniform", "cycles", "established/encap/1k/uniform")),
    Target("10 M flows against 1 k", (4, 2.5, 2),
           ratio("established/encap/10M/uniform", "cycles", "established/encap/1k/uniform")),
    Target("new connections a second, one worker, nothing dropped", (1.5, 3, 5),
           metric("new/encap", "connections_per_second"), " M", True, 1e-6),
    Target("throughput kept by established flows under the attack", (80, 90, 95),
           either(ratio("attack/generator/1%", "sent_pps", "attack/generator/0%"),
                  ratio("attack/pcap/1%", "sent_pps", "attack/pcap/0%")), " %", True, 100, 1),
    Target("10 to 1 M rules: established path", (1.10, 1.03, 1.00),
           ratio("rules/established/1M", "cycles", "rules/established/10")),
    Target("10 to 100 k rules: first packet", (3, 2, 1.5),
           ratio("rules/first/100k", "cycles", "rules/first/10")),
    Target("1 to 100 k tunnels, shuffled", (2, 1.5, 1.25),
           ratio("nodes/encap/100k", "cycles", "nodes/encap/1")),
    Target("throughput lost at 10 k commits a second, no state directory", (20, 5, 2),
           worst(lost("commits/endpoints/10000", "commits/endpoints/0"),
                 lost("commits/policies/10000", "commits/policies/0")), " %", digits=1,
           unless=too_few_commits),
    Target("a policy change obeyed by every worker, p99 (1,000 rules)", (5, 1, 0.1),
           worst(metric("obeyed/1k-rules", "obeyed_p99_ms"),
                 metric("obeyed/two-workers", "obeyed_p99_ms")), " ms"),
    Target("bytes per connection, both directions, all tables", (300, 200, 160),
           metric("memory/connection", "bytes_per_connection"), "", digits=0),
    Target("loading 1 M endpoints over the socket, no state directory", (30, 10, 4),
           metric("load/endpoints", "load_seconds"), " s", digits=1),
    Target("two workers against one (control thread sharing a core)", (1.7, 1.85, 1.95),
           ratio("workers/2", "pps", "workers/1"), more=True),
    *(encap_target(encap, family) for encap in TITLES for family in FAMILY_TITLES
      if (encap, family) != ("vxlan", "ipv4")),
    Target("IPv6 against IPv4 in the tunnel: cycles", (1.5, 1.25, 1.1),
           beside("inside", each("ipv6"), each("ipv4"))),
    Target("routed between subnets against switched", (1.25, 1.1, 1.0),
           beside("routed", each_way("routed"), each_way("switched"))),
    Target("NAT against the same packets into a tunnel", (1.5, 1.25, 1.0),
           beside("nat", ("outside/ipv4", "outside/ipv6"), ("tunnel/ipv4", "tunnel/ipv6"))),
    Target("new NAT connections a second, one worker", (1.5, 2.5, 4),
           metric("nat/new", "connections_per_second"), " M", True, 1e-6),
    *(Target(row.what, row.bars, workloads.ratios(row), "x" if row.theirs else f" {row.unit}",
             row.more, unless=workloads.touched(row)) for row in workloads.ROWS),
)
LEVELS = ("must", "aim", "dream")


def reached(target, value):
    """The highest bar that the median reaches."""
    best = "no"
    for level, bar in zip(LEVELS, target.bars):
        if value >= bar if target.more else value <= bar:
            best = level
    return best


def shown(target, number):
    text = f"{number:.{target.digits}f}"
    if target.digits:
        text = text.rstrip("0").rstrip(".")
    return text + target.unit


def all_of(results):
    """Every target, measured or not. `results`: key of a point -> its rounds."""
    results = {key: [tables.with_ratios(found) for found in rounds]
               for key, rounds in results.items()}
    found = []
    for target in TARGETS:
        values = [value * target.factor for value in target.rounds(results)]
        entry = {"what": target.what, "bars": [shown(target, bar) for bar in target.bars],
                 "unit": target.unit.strip(), "measured": None, "shown": None, "reached": ""}
        if values:
            middle = summary(values)
            entry |= {"measured": middle, "reached": reached(target, middle["median"]),
                      "shown": f"{shown(target, middle['median'])} ({shown(target, middle['min'])} "
                               f"to {shown(target, middle['max'])})"}
            why = target.unless(results) if target.unless else None
            if why:
                entry["reached"] = f"no: {why}"
        found.append(entry)
    return found
