# SPDX-License-Identifier: BSD-3-Clause
"""Every case there is: what is measured once a round, under a name, in groups.

A case is a function that returns points; its line in CASES gives its groups. A point is one
scenario and the way to measure it. Keys of points are stable: report/targets.py and programs that
read the JSON name points by them.
"""
from dataclasses import dataclass, field

from bench.scenario import workloads
from bench.scenario.encaps import ENCAPS
from bench.scenario.traffic import Scenario

MIXED = Scenario()
FAMILIES = ("ipv4", "ipv6")
PCAP_LIMIT = 131072  # flows of a replayed file; more come from the generator


@dataclass(frozen=True)
class Point:
    key: str
    scenario: object           # a Scenario, or the Work of two workloads
    how: str = "cycles"        # name of a way in ways.py
    with_: dict = field(default_factory=dict, hash=False)
    floors: bool = True        # testpmd on the same file in the same round
    ovs: bool = False          # OVS-DPDK likewise
    plot: tuple = ()           # (figure, panel in it, line, place on the horizontal axis)
    checked: bool = True       # its output bytes are checked before the first round
    about: str = ""            # what the number includes, where that is not plain


@dataclass(frozen=True)
class Case:
    name: str
    groups: tuple
    about: str
    points: object             # function of the options -> list of points


def short(number):
    """1024 -> 1k, 131072 -> 128k, 10000000 -> 10M."""
    for unit, decimal, binary in (("M", 10 ** 6, 1 << 20), ("k", 1000, 1 << 10)):
        for size in (binary, decimal):
            if number >= size and number % size == 0:
                return f"{number // size}{unit}"
    return str(number)


# The name of a figure's line where lines are told apart by the program only.
SLUICE = "sluice"


def through(direction):
    """encap and decap by the encapsulation that others are compared with."""

    def points(options):
        return [Point(f"{direction}/vxlan/{short(flows)}",
                      MIXED.but(direction=direction, flows=flows, rules=options.rules),
                      ovs=True, plot=("flows", f"{direction}, VXLAN", SLUICE, flows))
                for flows in options.flows]
    return points


def encaps(options):
    """Every encapsulation over both families, each after what it is compared with."""
    found = []
    for flows in options.flows:
        for direction in ("encap", "decap"):
            for encap in ENCAPS:
                for family in FAMILIES:
                    found.append(Point(f"encaps/{direction}/{encap}/{family}/{short(flows)}",
                                       MIXED.but(direction=direction, encap=encap, family=family, flows=flows,
                                                 rules=options.rules), floors=False))
    return found


def inside(options):
    """IPv6 in the tunnel, beside IPv4."""
    return [Point(f"inside/{direction}/{family}/{short(flows)}",
                  MIXED.but(direction=direction, inside=family, flows=flows, rules=options.rules), floors=False,
                  about="frames of 66 bytes, the shortest that have a mark" if family == "ipv6" else "")
            for flows in options.flows for direction in ("encap", "decap", "local") for family in FAMILIES]


def routed(options):
    """By the subnet's gateway to another subnet of the network, beside the same without it."""
    return [Point(f"routed/{way}/{direction}/{family}/{short(flows)}",
                  MIXED.but(direction=direction, way=way, inside=family, flows=flows, rules=options.rules),
                  floors=False)
            for flows in options.flows for direction in ("encap", "local") for family in FAMILIES
            for way in ("switched", "routed")]


def nat(options):
    """To the outside by an underlay port, beside the same packets into a tunnel; and new ones."""
    found = [Point(f"nat/{name}/{family}/{short(flows)}",
                   MIXED.but(way=way, inside=family, flows=flows, rules=options.rules), floors=False)
             for flows in options.flows for family in FAMILIES
             for name, way in (("tunnel", "switched"), ("outside", "nat"))]
    big = MIXED.but(way="nat", flows=2000000, remotes=1024, source="generator", new=True, max_flows=1 << 23,
                    rules=options.rules)
    return found + [Point("nat/new", big, "new", floors=False)]


def local(options):
    return [Point(f"local/{short(flows)}",
                  MIXED.but(direction="local", flows=flows, rules=options.rules), ovs=True,
                  plot=("flows", "local", SLUICE, flows), about="judged twice: egress and ingress")
            for flows in options.flows]


def order(options):
    """How much it helps when the file has the flows in the order in which entries lie in memory."""
    return [Point(f"order/{direction}/16k/{pick}",
                  MIXED.but(direction=direction, flows=16384, pick=pick, rules=options.rules))
            for direction in ("encap", "decap") for pick in ("order", "shuffled")]


def established(options):
    found = [Point(f"established/{direction}/128k/pcap",
                   MIXED.but(direction=direction, flows=PCAP_LIMIT, rules=options.rules), ovs=True,
                   plot=("flows", f"{direction}, VXLAN", SLUICE, PCAP_LIMIT))
             for direction in ("encap", "decap")]
    for direction in ("encap", "decap"):
        for pick, drawn in (("uniform", "drawn evenly"), ("zipf", "drawn by Zipf's law")):
            found += [Point(
                f"established/{direction}/{short(flows)}/{pick}",
                MIXED.but(direction=direction, flows=flows, pick=pick, source="generator",
                          rules=options.rules),
                floors=False, plot=("generator", direction, drawn, flows))
                for flows in (1000, 16000, 128000, 1000000, 10000000)]
        found += [Point(
            f"established/{direction}/{short(flows)}/source",
            MIXED.but(direction=direction, flows=flows, pick="uniform", source="generator"),
            "source_floor", floors=False,
            plot=("generator", direction, "generator alone", flows),
            about="the generator's packets made, received and freed: its floor")
            for flows in (1000, 10000000)]
    return found


def new(options):
    big = MIXED.but(flows=5000000, source="generator", new=True, max_flows=1 << 24,
                    rules=options.rules)
    return [Point("new/encap", big, "new", floors=False),
            Point("new/decap", big.but(direction="decap"), "new", floors=False),
            Point("new/encap/pcap", MIXED.but(flows=262144, rules=options.rules), "new",
                  floors=False, about="a file's first turn, from the tenth to the ninetieth part")]


def attack(options):
    """The same traffic without and with one random packet in a hundred."""
    base = MIXED.but(flows=16384, turns=8, rules=options.rules)
    made = MIXED.but(flows=16384, source="generator", pick="uniform", rules=options.rules)
    found = []
    for source, scenario in (("pcap", base), ("generator", made)):
        for share in (0.0, 0.01):
            found.append(Point(f"attack/{source}/{share * 100:.0f}%", scenario.but(attack=share),
                               floors=False,
                               plot=("attack", "", f"{share * 100:.0f} % random headers",
                                     "file" if source == "pcap" else source)))
    return found


def established_and_first(case, numbers, established, first):
    """What one number costs: to a packet of an open connection, and to the first packet of one.
    `established` and `first` make a scenario from the number."""
    found = []
    for number in numbers:
        found.append(Point(f"{case}/established/{short(number)}", established(number),
                           plot=(case, "", "sluice, established packet", number)))
        found.append(Point(f"{case}/first/{short(number)}", first(number), "new", floors=False,
                           plot=(case, "", "sluice, first packet of a connection", number)))
    return found


def rules(_):
    return established_and_first("rules", (10, 1000, 100000, 1000000),
                                 lambda number: MIXED.but(rules=number),
                                 lambda number: MIXED.but(rules=number, flows=262144))


def identities(_):
    spread = MIXED.but(remotes=60000)
    return established_and_first("identities", (1, 1000, 60000),
                                 lambda number: spread.but(identities=number, flows=60000),
                                 lambda number: spread.but(identities=number, flows=240000))


def nodes(_):
    spread = MIXED.but(flows=100000, remotes=100000)
    return [Point(f"nodes/{direction}/{short(number)}",
                  spread.but(direction=direction, nodes=number),
                  plot=("nodes", direction, SLUICE, number),
                  about="100,000 connections to as many endpoints on so many nodes")
            for direction in ("encap", "decap") for number in (1, 100, 10000, 100000)]


def endpoints(_):
    return [Point(f"endpoints/{short(number)}", MIXED.but(flows=16384, bystanders=number),
                  plot=("endpoints", "", SLUICE, 128 + number),
                  about="so many endpoints without traffic beside the 128 that have it")
            for number in (0, 100000, 1000000)]


def sizes(options):
    return [Point(f"sizes/{direction}/{size}",
                  MIXED.but(direction=direction, size=size, rules=options.rules),
                  plot=("sizes", direction, SLUICE, name))
            for direction in ("encap", "decap")
            for size, name in (("64", "64"), ("imix", "IMIX"), ("1500", "1,514"))]


def commits(options):
    return [Point(f"commits/{kind}/{rate}",
                  MIXED.but(flows=16384, rules=options.rules), "commits",
                  {"kind": kind, "rate": rate}, floors=False,
                  plot=("commits", "", f"{kind}.set", f"{rate:,}"),
                  about="each request a commit by itself; unrelated objects")
            for kind in ("endpoints", "policies") for rate in (0, 1000, 10000)]


def obeyed(_):
    return [Point(f"obeyed/{short(number)}-rules", MIXED.but(rules=number), "obeyed",
                  floors=False, plot=("obeyed", "", SLUICE, f"{number:,}"),
                  about="an upper bound: see the page for what is seen and how finely")
            for number in (10, 1000, 100000)] + [
        Point("obeyed/two-workers", MIXED.but(rules=1000, workers=2, ports=2), "obeyed",
              floors=False, plot=("obeyed", "", SLUICE, "1,000; two workers"),
              about="the second worker shares its core with the control thread and the benchmark")]


def memory(_):
    return [Point("memory/connection", MIXED, "connection_bytes", floors=False)]


def load(_):
    return [Point("load/endpoints", MIXED.but(bystanders=1000000), "load", floors=False,
                  checked=False),
            Point("load/start", MIXED.but(bystanders=1000000, rules=100000), "start",
                  floors=False, checked=False)]


def workers(options):
    return [Point(f"workers/{number}", MIXED.but(flows=16384, ports=2, workers=number,
                                                 rules=options.rules), floors=False,
                  plot=("workers", "", SLUICE, str(number)),
                  about="two access ports; the second worker shares core 0 with the control thread")
            for number in (1, 2)]


# What can be switched on and off: name -> changes of the scenario, the first as it comes.
SWITCHES = {
    "enforce": {},
    "audit": {"mode": "audit"},
    "observe": {"mode": "observe"},
}


def features(options):
    return [Point(f"features/{name}", MIXED.but(rules=options.rules, **changes),
                  plot=("features", "", SLUICE, name)) for name, changes in SWITCHES.items()]


def smoke(_):
    return [Point(f"smoke/{direction}", MIXED.but(direction=direction, flows=64, max_flows=4096,
                                                  rules=10), floors=direction == "encap")
            for direction in ("encap", "decap")]


def at_work(key, work, plot=(), about=""):
    """A point of two workloads. Whoever is between them is a point by itself, and each of a row's
    points is measured once a round, one after the other."""
    return Point(key, work, "workload", floors=False, checked=False, plot=plot, about=about)


def pair(_):
    return [at_work(f"pair/{name}", work, ("streams", "", workloads.title(work), "one node, 1 stream"))
            for name, work in workloads.WITH_OVS.items() if name != "ovs-tap"] + [
        at_work("pair/ovs-tap", workloads.WITH_OVS["ovs-tap"])]


def tunnel(_):
    """An underlay that is a veth pair carries super-packets whole, which a NIC would cut. So both are
    measured: whole, and cut to the underlay's MTU before they cross it."""
    return [at_work(f"tunnel/{streams}/{name}", work.but(at_once=streams),
                    ("streams", "", workloads.title(work),
                     f"two nodes, {streams}{', cut' if work.cut else ''}"))
            for streams in (1, 8) for name, work in workloads.ON_TWO_NODES.items()]


def memif(_):
    return [at_work("memif/1", workloads.TAP.but(underlay="memif"),
                    ("streams", "", workloads.title(workloads.TAP), "memif, 1"))]


def latency(_):
    return [at_work(f"latency/{load}/{name}", work.but(load=f"{load}_ping"),
                    ("latency", "", workloads.title(work), place))
            for load, place in (("idle", "a ping a second"), ("busy", "a thousand a second"))
            for name, work in workloads.ON_ONE_NODE.items()]


def exchange(_):
    return [at_work(f"exchange/{load}/{at_once}/{name}", work.but(load=load, at_once=at_once),
                    ("exchange", "", workloads.title(work), place))
            for load, at_once, place in (("same", 1, "one connection"),
                                         ("new", 1, "a connection each"),
                                         ("new", 16, "16 of these at a time"))
            for name, work in workloads.ON_ONE_NODE.items()]


def crowd(_):
    return [at_work(f"crowd/{idle}", workloads.TAP.but(idle=idle),
                    about="so many ports that carry nothing beside the busy pair")
            for idle in (0, workloads.IDLE_PORTS)] + [
        at_work("crowd/rest", workloads.TAP.but(load="rest", idle=workloads.IDLE_PORTS),
                about="so many ports, and no traffic at all")]


def plain(_):
    """As it is with DPDK's own driver of packet sockets, which needs the workloads' offloads off."""
    work = workloads.Work(kind="af_packet")
    return [at_work("plain/pair", work), at_work("plain/tunnel", work.but(underlay="veth")),
            at_work("plain/memif", work.but(underlay="memif")),
            at_work("plain/crowd", work.but(idle=20))] + [
        at_work(f"plain/{load}", work.but(load=load))
        for load in ("idle_ping", "busy_ping", "same", "new")]


CASES = {case.name: case for case in (
    Case("local", ("quick", "established"), "between two ports of this node", local),
    Case("encap", ("quick", "established"), "into VXLAN", through("encap")),
    Case("decap", ("quick", "established"), "out of VXLAN", through("decap")),
    Case("encaps", ("networks",), "into and out of each encapsulation over IPv4 and IPv6", encaps),
    Case("inside", ("networks",), "IPv6 beside IPv4 in the tunnel", inside),
    Case("routed", ("networks",), "between two subnets, beside within one", routed),
    Case("nat", ("networks",), "to the outside with source NAT, beside into a tunnel; new ones", nat),
    Case("order", ("established",), "packets in the order in which connections were opened", order),
    Case("established", ("established",), "1 k to 10 M connections, uniform and Zipf", established),
    Case("new", ("churn",), "every packet a new connection", new),
    Case("attack", ("churn",), "random headers beside 16 k connections", attack),
    Case("rules", ("scale",), "10 to 1 M rules: established and first packet", rules),
    Case("identities", ("scale",), "1 to 60 k identities", identities),
    Case("nodes", ("scale",), "1 to 100 k tunnels", nodes),
    Case("endpoints", ("scale",), "to 1 M endpoints", endpoints),
    Case("sizes", ("established",), "64 bytes, IMIX, 1500 bytes", sizes),
    Case("commits", ("churn",), "0, 1 k, 10 k commits a second while forwarding", commits),
    Case("obeyed", ("churn",), "how soon every worker obeys a policy", obeyed),
    Case("memory", ("scale",), "bytes a connection", memory),
    Case("load", ("scale",), "1 M endpoints over the socket; start from state", load),
    Case("workers", ("established",), "one and two workers", workers),
    Case("features", ("established",), "what can be switched, on and off", features),
    Case("pair", ("workloads",), "a TCP stream between two workloads; the kernel's bridge, OVS", pair),
    Case("tunnel", ("workloads",), "1 and 8 streams between two nodes; the kernel's VXLAN", tunnel),
    Case("memif", ("workloads",), "a stream between two nodes without a kernel underlay", memif),
    Case("latency", ("workloads",), "ping, idle and busy; the kernel's bridge", latency),
    Case("exchange", ("workloads",), "one-byte requests and new connections; the bridge", exchange),
    Case("crowd", ("workloads",), f"a stream beside {workloads.IDLE_PORTS} idle ports", crowd),
    Case("plain", (), "the workloads on net_af_packet ports, offloads off", plain),
    Case("smoke", (), "does the benchmark itself work; needs neither root nor hugepages", smoke),
)}
GROUPS = ("quick", "established", "networks", "scale", "churn", "workloads", "all")


def chosen(words):
    """Names of cases from names and groups, in the order of CASES. KeyError names a word that is
    neither."""
    names = set()
    for word in words:
        if word in CASES:
            names.add(word)
        elif word == "all":
            names |= {name for name, case in CASES.items() if case.groups}
        elif word in GROUPS:
            names |= {name for name, case in CASES.items() if word in case.groups}
        else:
            raise KeyError(word)
    return [name for name in CASES if name in names]


def points(text, options):
    """The points that the words of --cases name. After a colon a word may have the beginning of
    the rest of its points' keys: rules:first. KeyError names a word that stands for nothing."""
    words = [word.partition(":") for word in text.split(",") if word]
    found = []
    for name in chosen([word for word, _, _ in words]):
        starts = [f"{name}/{rest}" for word, colon, rest in words if word == name and colon]
        whole = any(not rest and name in chosen([word]) for word, _, rest in words)
        for point in CASES[name].points(options):
            if whole or any(point.key.startswith(start) for start in starts):
                found.append(point)
    if not found:
        raise KeyError(text)
    return found
