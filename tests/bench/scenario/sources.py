# SPDX-License-Identifier: BSD-3-Clause
"""Where packets come from: files replayed from memory, or the test generator."""
from bench.scenario import frames


def replay(files):
    """Each file as a port that replays it without end."""
    return [f"net_pcap{i},rx_pcap={path},infinite_rx=1" for i, path in enumerate(files)]


def generator(scenario, files):
    """One port that makes packets like the only one in the file."""
    near, far = frames.local(0, scenario.inside), scenario.far_end(0)
    source, target = (far, near) if scenario.direction == "decap" else (near, far)
    counts = [scenario.locals, scenario.remotes]
    if scenario.direction == "decap":
        counts.reverse()
    options = {"template": files[0], "frames": 1, "clients": counts[0], "servers": counts[1],
               "src": source[2], "dst": target[2], "smac": source[1], "dmac": target[1],
               "dport": frames.SERVICE_PORT}
    if scenario.by_gateway:
        options |= {"dmac": frames.GATEWAY_MAC, "macs": "src"}
    if scenario.new:
        options["new"] = 1
    else:
        dist = {"uniform": "uniform", "zipf": "zipf", "order": "sequential",
                "shuffled": "scattered"}[scenario.pick]
        options |= {"flows": scenario.flows, "dist": dist, "sweep": 1}
    if scenario.attack:
        options["attack"] = f"{100 * scenario.attack:g}"
    if scenario.size == "imix":
        options["size"] = "imix"
    return ["generator0," + ",".join(f"{name}={value}" for name, value in options.items())]
