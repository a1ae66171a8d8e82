# SPDX-License-Identifier: BSD-3-Clause
"""Pktgen-DPDK as the source, where it is installed. docs/pktgen.md is the page about it.

The configurations under configs/pktgen/ are written here (`python3 pktgen.py`), so that the ends
in them are those of the benchmark; a test holds the files to this.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

import frames
from daemon import Daemon, Failure, anywhere
from scenario import Scenario

HERE = os.path.dirname(os.path.realpath(__file__))
CONFIGS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "configs", "pktgen")
DIRECTORY = "/run/sluice-pktgen"
RULES = 20

# Name -> (devices of sluice, devices of pktgen); the workloads' side first.
PAIRS = {
    "nic": (("0000:01:00.0", "0000:01:00.1"), ()),
    "memif": tuple(
        tuple(f"net_memif{i},role={role},id={i},socket={DIRECTORY}/memif.sock,socket-abstract=no"
              + (",bsize=2048" if role == "server" else "") for i in range(2))
        for role in ("server", "client")),
    "vhost": (tuple(f"net_vhost{i},iface={DIRECTORY}/vhost{i}.sock" for i in range(2)),
              tuple(f"net_virtio_user{i},path={DIRECTORY}/vhost{i}.sock,queue_size=1024"
                    for i in range(2))),
    "virtio-user": (tuple(f"net_virtio_user{i},path={DIRECTORY}/vhost{i}.sock,queue_size=1024"
                          for i in range(2)),
                    tuple(f"net_vhost{i},iface={DIRECTORY}/vhost{i}.sock" for i in range(2))),
}
SHARED_MEMORY = "--single-file-segments"  # vhost takes eight pieces of memory at most
SCRIPTS = {"encap": "encap.lua", "decap": "replay.lua"}


def presence():
    found = shutil.which("pktgen")
    return f"pktgen is {found}" if found else (
        "pktgen is not on PATH (it is no Debian package: docs/pktgen.md)")


def scenario():
    """Encapsulation and decapsulation by one configuration: rules for both."""
    return Scenario(rules=RULES)


def config(name):
    """The daemon's configuration of a pair."""
    near, far = PAIRS[name][0]
    whole = scenario().config([near], [far], False)
    whole["workers"] = {"cores": [1], "idle": "spin", "hugepages": "auto", "memory_mb": 1024}
    if name == "virtio-user":
        whole["workers"]["eal_args"] = [SHARED_MEMORY]
    for port in whole["ports"]:
        if port["name"] == "uplink" and name != "nic":
            del port["mtu"]  # the device's own; virtual ones refuse or ignore another
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


def command(name, direction, pcap=None, cores="0,2,3"):
    """Pktgen's command line for a pair."""
    devices = PAIRS[name][1]
    bus = ["-a", "0000:02:00.0", "-a", "0000:02:00.1"] if name == "nic" else ["--no-pci"]
    if name == "vhost":
        bus.append(SHARED_MEMORY)
    vdevs = [part for device in devices for part in ("--vdev", device)]
    _, first, second = cores.split(",")
    replay = ["-s", f"1:{pcap}"] if direction == "decap" else []
    return ["pktgen", "-l", cores, "--in-memory", "--file-prefix", "pktgen", *bus, *vdevs, "--",
            "-P", "-m", f"{first}.0,{second}.1", *replay, "-f",
            os.path.join(CONFIGS, SCRIPTS[direction])]


def run(opts, directory):
    """Each virtual pair and direction: sluice, then pktgen, which ends by itself."""
    if not shutil.which("pktgen"):
        raise Failure(presence())
    if (os.cpu_count() or 1) < 4:
        raise Failure("pktgen needs cores 0, 2 and 3 beside the worker's: this machine has "
                      f"{os.cpu_count()}; docs/pktgen.md has the command lines to run by hand")
    os.makedirs(DIRECTORY, exist_ok=True)
    try:
        for name in ("memif", "vhost"):
            for direction in SCRIPTS:
                found = one(opts, directory, name, direction)
                print(f"pktgen, {name}, {direction}: {found['pps'] / 1e6:.2f} Mpps of "
                      f"{found['sent_pps'] / 1e6:.2f} sent")
    finally:
        shutil.rmtree(DIRECTORY, ignore_errors=True)


def one(opts, directory, name, direction):
    path = os.path.join(directory, "sluiced.json")
    result = os.path.join(directory, "pktgen.json")
    pcap = os.path.join(directory, "pktgen.pcap")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text(config(name)))
    if direction == "decap":
        frames.write_pcap(pcap, scenario().but(direction="decap").file_frames())
    with Daemon(os.path.join(opts.build, "sluiced"), directory, path) as daemon:
        done = subprocess.run(command(name, direction, pcap), capture_output=True, text=True,
                              check=False, timeout=120, preexec_fn=anywhere,
                              env=dict(os.environ, SLUICE_RESULT=result,
                                       SLUICE_SECONDS=str(opts.seconds)))
        drops = daemon.drops()
    if done.returncode != 0 or not os.path.exists(result):
        raise Failure(f"pktgen, {name}: {done.stdout[-500:]}{done.stderr[-500:]}")
    with open(result, encoding="utf-8") as file:
        found = json.load(file)
    os.unlink(result)
    if found["pps"] == 0:
        raise Failure(f"pktgen, {name}, {direction}: nothing came back; drops: {drops}")
    return found


def main():
    parser = argparse.ArgumentParser(description="Write configs/pktgen/*.json or a file.")
    parser.add_argument("--pcap", metavar="FILE", help="VXLAN frames of 1,024 flows for replay.lua")
    asked = parser.parse_args()
    if asked.pcap:
        frames.write_pcap(asked.pcap, scenario().but(direction="decap").file_frames())
        return
    os.makedirs(CONFIGS, exist_ok=True)
    for name in PAIRS:
        with open(os.path.join(CONFIGS, f"{name}.json"), "w", encoding="utf-8") as file:
            file.write(text(config(name)))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
