# SPDX-License-Identifier: BSD-3-Clause
"""Pktgen-DPDK as the source, where it is installed. docs/pktgen.md is the page about it.

The configurations under configs/pktgen/ are written here (`python3 pktgen.py`), so that the ends
in them are those of the benchmark; a test holds the files to this.
"""
import argparse
import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import frames
import machine
from daemon import Daemon, Failure, anywhere, port
from scenario import Scenario

HERE = os.path.dirname(os.path.realpath(__file__))
CONFIGS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "configs", "pktgen")
DIRECTORY = "/run/sluice-pktgen"
RULES = 20
MEMORY_MB = 512          # sluice's
PKTGEN_MEMORY_MB = 700   # as docs/pktgen.md builds it
MAX_FLOWS = 131072
START_SECONDS = 30
SPARE_SECONDS = 180      # beyond the time that the packets take
KEPT_OUTPUT = 1 << 18    # bytes


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


@dataclass(frozen=True)
class Run:
    """One run of Pktgen. `drops`: the reason that all packets are to be dropped for, if any."""
    pair: str
    direction: str
    size: int = 64
    flows: str = "1k"
    underlay_mtu: int = 1500
    drops: str = ""

    @property
    def name(self):
        flows = "" if self.flows == "1k" else f", {self.flows} flows"
        return f"{self.pair}, {self.direction}, {self.size} bytes{flows}"


LONGEST = 1468  # that fits into the underlay's MTU of 1500 with the outer headers

RUNS = [Run(pair, direction, size) for pair in PAIRS if pair != "nic" for direction in SCRIPTS
        for size in (64, 512, LONGEST)]
RUNS += [Run("memif", "encap", flows="16k"),
         Run("memif", "encap", LONGEST + 1, underlay_mtu=1600, drops="mtu_exceeded")]


def presence():
    found = shutil.which("pktgen")
    return f"pktgen is {found}" if found else (
        "pktgen is not on PATH (it is no Debian package: docs/pktgen.md)")


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


# Running


class Pktgen:
    """Pktgen as a child on a terminal of its own, for as long as the with-block lasts; it ends by
    itself."""

    def __init__(self, words, settings):
        self._words, self._settings = words, settings
        self._process = self._terminal = self._reader = None
        self._output = bytearray()

    def __enter__(self):
        self._terminal, inner = os.openpty()
        try:
            self._process = subprocess.Popen(
                self._words, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
                preexec_fn=anywhere, env=os.environ | self._settings)
        except BaseException:
            os.close(self._terminal)
            raise
        finally:
            os.close(inner)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self):
        """Until the other end is closed, which reads as an error."""
        try:
            while data := os.read(self._terminal, 1 << 16):
                self._output += data
                del self._output[:-KEPT_OUTPUT]
        except OSError:
            pass

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(10)
        os.close(self._terminal)

    def reason(self):
        if self._process.poll() is not None:
            self._reader.join(10)
        return reason(self._output.decode("utf-8", "replace"))

    def wait_for_ports(self):
        """They are started before it says which lcore serves them. A memif client that comes
        between the socket and that is turned away, and does not ask again."""
        until = time.monotonic() + START_SECONDS
        while b"processing lcore" not in self._output:
            if self._process.poll() is not None:
                raise Failure(f"pktgen ended before its ports were up: {self.reason()}")
            if time.monotonic() > until:
                raise Failure(f"pktgen's ports are not up after {START_SECONDS} s: {self.reason()}")
            time.sleep(0.05)

    def wait(self, seconds):
        """Its exit status."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"pktgen has not ended after {seconds} s: {self.reason()}") from None


CONTROL = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[78])|\r|\x08")
PANIC = re.compile(r"!PANIC!: .*")
COMPLAINT = re.compile(r"!ERROR!: .*|\*\*\* Error .*|EAL: .*(?:annot|rror|nvalid).*|PANIC in .*|"
                       r".*[Ff]ailed to (?!register mp action).*")  # which is harmless


def reason(output):
    """What Pktgen's output says about its end: the panic and what the driver complained of before
    it, not the stack or the screen."""
    lines = [line.strip() for line in CONTROL.sub("", output).splitlines()]
    panics = [line for line in map(PANIC.search, lines) if line]
    if panics:
        lines = lines[:lines.index(panics[0].string)]
    complaints = [line.group() for line in map(COMPLAINT.search, lines) if line]
    said = complaints[-2:] + [line.group() for line in panics[:1]]
    return "; ".join(said) or " / ".join([line for line in lines if line][-5:])


def remove_left(path):
    """Pktgen leaves the sockets that it made, and stops at one that is there. Nobody is connected
    to in order to find out who listens: that can end a memif server."""
    if not os.path.exists(path):
        return
    with open("/proc/net/unix", encoding="utf-8") as file:
        if any(line.split()[-1] == path for line in file):
            raise Failure(f"{path} is open in another program: is sluice or pktgen running?")
    os.unlink(path)


def remove_sockets(name):
    for path in PAIRS[name].sockets:
        remove_left(path)


def run(opts, directory):
    """Each virtual pair and direction: sluice and pktgen, which ends by itself."""
    if not shutil.which("pktgen"):
        raise Failure(presence())
    for name in PAIRS:
        remove_sockets(name)
    os.makedirs(DIRECTORY, exist_ok=True)
    try:
        with machine.Hugepages(MEMORY_MB + PKTGEN_MEMORY_MB + 16) as hugepages:
            if not hugepages.available:
                raise Failure(f"pktgen needs hugepages: {hugepages.note}")
            print(f"{table_row(HEADERS)}\n{table_row('-' * len(HEADERS))}", flush=True)
            for each in RUNS:
                account = one(opts, directory, each)
                print(table_row([each.name, *account.cells()]), flush=True)
                account.check(each)
    finally:
        for name in PAIRS:
            remove_sockets(name)
        with contextlib.suppress(OSError):  # somebody else has a file there
            os.rmdir(DIRECTORY)


def one(opts, directory, each):
    """Runs both programs in the order that the pair needs; returns the account."""
    path = os.path.join(directory, "sluiced.json")
    result = os.path.join(directory, "pktgen.json")
    pcap = os.path.join(directory, "pktgen.pcap")
    seconds = max(1, math.ceil(opts.seconds))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text(config(each.pair)))
    if each.direction == "decap":
        write_pcap(pcap, each.size)
    if os.path.exists(result):
        os.unlink(result)
    remove_sockets(each.pair)
    sender = Pktgen(command(each.pair, each.direction, pcap),
                    {"SLUICE_RESULT": result, "SLUICE_SECONDS": str(seconds),
                     "SLUICE_SIZE": str(each.size), "SLUICE_FLOWS": each.flows,
                     "SLUICE_UNDERLAY_MTU": str(each.underlay_mtu)})
    daemon = Daemon(os.path.join(opts.build, "sluiced"), directory, path)
    pair = PAIRS[each.pair]
    if pair.first == "sluice":
        with daemon, sender:
            return finish(daemon, sender, each, seconds, result)
    with sender:
        sender.wait_for_ports()
        with daemon:
            return finish(daemon, sender, each, seconds, result)


def finish(daemon, sender, each, seconds, result):
    code = sender.wait(seconds + SPARE_SECONDS)
    if not os.path.exists(result):
        raise Failure(f"{each.name}: pktgen ended with {code} and no result: {sender.reason()}")
    with open(result, encoding="utf-8") as file:
        found = json.load(file)
    if "error" in found or code != 0:
        raise Failure(f"{each.name}: pktgen ended with {code}: "
                      f"{found.get('error') or sender.reason()}")
    ends = ("workloads-0", "uplink") if each.direction == "encap" else ("uplink", "workloads-0")
    return Account(found, daemon.stats(), daemon.drops(), *ends)


# Accounting

HEADERS = ["run", "Pktgen sent", "`rx_missed`", "sluice received", "sluice dropped", "sluice sent",
           "Pktgen missed", "Pktgen received"]


def table_row(cells):
    """Of Markdown, as in docs/pktgen.md."""
    return "| " + " | ".join(cells) + " |"


class Account:
    """Where each packet of a run is, by the counters of both programs, which began at zero."""

    def __init__(self, found, stats, drops, inward, outward):
        self.found, self.totals, self.drops = found, stats["totals"], drops
        self.inward, self.outward = port(stats, inward), port(stats, outward)

    @property
    def pktgen_missed(self):
        return (self.found["back_missed"] + self.found["back_errors"]
                + self.found["back_no_buffer"])

    def cells(self):
        drops = ", ".join(f"{count} {name}" for name, count in sorted(self.drops.items())) or "0"
        return [str(cell) for cell in (
            self.found["sent"], self.inward["rx_missed"], self.inward["rx_packets"], drops,
            self.outward["tx_packets"], self.pktgen_missed, self.found["back"])]

    def flaws(self, drops=""):
        """What does not add up, in words. `drops`: the reason that is to take all packets."""
        found, totals = self.found, self.totals
        sums = [
            ("what Pktgen was asked to send and what it sent", found["asked"], found["sent"]),
            ("what Pktgen sent and what reached sluice", found["sent"],
             self.inward["rx_packets"] + self.inward["rx_missed"]),
            ("what sluice received and what became of it",
             totals["received"] + totals["generated"],
             totals["sent"] + totals["dropped"] + totals["consumed"]),
            ("what sluice dropped and the reasons", totals["dropped"], sum(self.drops.values())),
            ("what sluice sent and what reached Pktgen", self.outward["tx_packets"],
             found["back"] + self.pktgen_missed + self.outward["tx_recalled"]),
        ]
        flaws = [f"{what} differ: {one_side}, {other}" for what, one_side, other in sums
                 if one_side != other]
        if found["sent"] == 0:
            flaws.append("nothing was sent")
        others = {name: count for name, count in self.drops.items() if name not in LOSSES}
        if drops and others != {drops: self.inward["rx_packets"]}:
            flaws.append(f"not all packets were dropped as {drops}: {self.drops}")
        if not drops and others:
            flaws.append(f"drops that are no losses: {others}")
        if not drops and found["back"] == 0:
            flaws.append("nothing came back")
        return flaws

    def check(self, each):
        flaws = self.flaws(each.drops)
        if flaws:
            raise Failure(f"{each.name}: {'; '.join(flaws)}")


LOSSES = {"tx_full"}  # a busy machine may lose packets, by these reasons only


def main():
    parser = argparse.ArgumentParser(description="Write configs/pktgen/*.json or a file.")
    parser.add_argument("--pcap", metavar="FILE", help="VXLAN frames of 1,024 flows for replay.lua")
    parser.add_argument("--size", type=int, default=64, metavar="BYTES",
                        help=f"of the inner frames in it with their checksum, 64 to {LONGEST} "
                             "(default: 64)")
    asked = parser.parse_args()
    if not 64 <= asked.size <= LONGEST:
        parser.error(f"--size is 64 to {LONGEST}: Pktgen cuts off what does not fit into 1,518 "
                     "bytes with the outer headers")
    if asked.pcap:
        write_pcap(asked.pcap, asked.size)
        return
    os.makedirs(CONFIGS, exist_ok=True)
    for name in PAIRS:
        with open(os.path.join(CONFIGS, f"{name}.json"), "w", encoding="utf-8") as file:
            file.write(text(config(name)))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
