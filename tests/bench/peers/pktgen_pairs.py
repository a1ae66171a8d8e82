# SPDX-License-Identifier: BSD-3-Clause
"""The pairs of sluice and Pktgen-DPDK: devices, configurations, command lines, files to replay.

`tools/bench --pktgen-configs` writes the configurations under configs/pktgen/ from here, so that
their endpoints are those of the benchmark. A test compares the files with what is written.
"""
import json
import os
from dataclasses import dataclass

from bench.scenario import frames
from bench.scenario.traffic import Scenario

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
CONFIGS = os.path.join(ROOT, "configs", "pktgen")
DIRECTORY = "/run/sluice-pktgen"
RULES = 20
MEMORY_MB = 512          # sluice's
MAX_FLOWS = 131072


@dataclass(frozen=True)
class Pair:
    """Devices, the workloads' side first. `first`: who makes the sockets, and so starts first."""
    sluice: tuple
    pktgen: tuple
    first: str = "sluice"
    sockets: tuple = ()


def two(device):
    return tuple(device.format(i=i, dir=DIRECTORY) for i in range(2))


MEMIF = "net_memif{{i}},role={role},id={{i}},socket={{dir}}/memif.sock,socket-abstract=no"
VHOST = "net_vhost{i},iface={dir}/vhost{i}.sock"
VIRTIO_USER = "net_virtio_user{i},path={dir}/vhost{i}.sock,queue_size=1024"
VHOST_SOCKETS = two("{dir}/vhost{i}.sock")

PAIRS = {
    "nic": Pair(("0000:01:00.0", "0000:01:00.1"), ()),
    # A memif server of DPDK 22.11 aborts when a client connects and leaves at once, so sluice is
    # the client, and Pktgen takes the risk.
    "memif": Pair(two(MEMIF.format(role="client") + ",bsize=2048"),
                  two(MEMIF.format(role="server")), "pktgen", (f"{DIRECTORY}/memif.sock",)),
    "vhost": Pair(two(VHOST), two(VIRTIO_USER), "sluice", VHOST_SOCKETS),
    "virtio-user": Pair(two(VIRTIO_USER), two(VHOST), "pktgen", VHOST_SOCKETS),
}
SHARED_MEMORY = "--single-file-segments"  # vhost takes eight pieces of memory at most
SCRIPTS = {"encap": "encap.lua", "decap": "replay.lua"}


LONGEST = 1468  # that fits into the underlay's MTU of 1500 with the outer headers


def scenario():
    """Encapsulation and decapsulation by one configuration: rules for both."""
    return Scenario(rules=RULES)


def config(name):
    """The daemon's configuration of a pair."""
    near, far = PAIRS[name].sluice
    whole = scenario().config([near], [far], False)
    whole["workers"] = {"cores": [1], "idle": "adaptive", "hugepages": "auto",
                        "memory_mb": MEMORY_MB, "max_flows": MAX_FLOWS}
    if name == "virtio-user":
        whole["workers"]["eal_args"] = [SHARED_MEMORY]
    for entry in whole["ports"]:
        if entry["name"] == "uplink" and name != "nic":
            del entry["mtu"]  # the device's own; virtual ones refuse or ignore another
    decap = scenario().but(direction="decap").policies()
    whole["policies"] += decap
    return whole


def text(whole):
    """JSON as people write it: an object a line."""
    parts = []
    for name, value in whole.items():
        if isinstance(value, list):
            inner = ",\n".join("    " + json.dumps(item) for item in value)
            parts.append(f'  "{name}": [\n{inner}\n  ]')
        else:
            parts.append(f'  "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_pcap(path, size=64):
    """VXLAN frames around inner ones of `size` bytes with their checksum."""
    decap = scenario().but(direction="decap", size=str(size - frames.CHECKSUM))
    frames.write_pcap(path, decap.file_frames())


def lcores(cores):
    """Pktgen's two lcores: its screen beside sluice's control, its ports where sluice's worker is
    not, if there is such a core."""
    return "(0-1)@0" if cores < 3 else "0@0,1@2"


def command(name, direction, pcap=None, cores=os.cpu_count() or 2):
    """Pktgen's command line for a pair."""
    bus = ["-a", "0000:02:00.0", "-a", "0000:02:00.1"] if name == "nic" else ["--no-pci"]
    if any("net_vhost" in device or "net_virtio" in device for device in PAIRS[name].pktgen):
        bus.append(SHARED_MEMORY)
    vdevs = [part for device in PAIRS[name].pktgen for part in ("--vdev", device)]
    replay = ["-s", f"1:{pcap}"] if direction == "decap" else []
    return ["pktgen", "--lcores", lcores(cores), "--in-memory", "--file-prefix", "pktgen", *bus,
            *vdevs, "--", "-P", "-m", "1.[0-1]", *replay, "-f",
            os.path.join(CONFIGS, SCRIPTS[direction])]


def write_configs():
    os.makedirs(CONFIGS, exist_ok=True)
    for name in PAIRS:
        with open(os.path.join(CONFIGS, f"{name}.json"), "w", encoding="utf-8") as file:
            file.write(text(config(name)))
