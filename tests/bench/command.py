# SPDX-License-Identifier: BSD-3-Clause
"""The command line of tools/bench."""
import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from bench import rounds, ways
from bench.measuring import machine
from bench.measuring.daemon import Failure
from bench.peers import ovs, pktgen, pktgen_pairs
from bench.report import store, tables
from bench.scenario import cases

ABOUT = "What sluice costs and keeps up with, beside testpmd and OVS-DPDK on the same packets."
MORE = """\
Everything is measured in turn, round after round, so that a machine that is slower for a while is
slower for all. Before the first round a few packets of each kind are played once and compared byte
by byte with what must come out. The run ends when counters show drops that were not meant, losses,
or a wrong number of connections. docs/performance/README.md says what the figures mean.

It needs root (hugepages, namespaces), two cores and the package dpdk-dev. The control thread is on
core 0, the worker on core 1. The group `workloads` has kernel interfaces and TCP in namespaces, which
it takes down again however it ends.
"""
LOCK = "/run/lock/sluice-bench.lock"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.join("build", "bench")
PEER_PACKAGES = ["openvswitch-switch-dpdk"]


def number_list(text):
    return [int(part.replace("_", "")) for part in text.split(",")]


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def what_to_measure(parser):
    parser.add_argument("--build", metavar="DIR",
                        help="directory with a sluiced in it, built with -Dgenerator=true if cases "
                             f"need the generator (default: {BUILD}, brought up to date)")
    parser.add_argument("--cases", default="quick", metavar="LIST",
                        help="names and groups, or parts of keys after a colon (rules:first); "
                             "default: quick")
    parser.add_argument("--flows", default="1024,16384", type=number_list, metavar="LIST",
                        help="connections of local, encap and decap (default: 1024,16384)")
    parser.add_argument("--rounds", default=5, type=positive, help="default: 5")
    parser.add_argument("--seconds", default=2.0, type=float,
                        help="of each measurement (default: 2)")
    parser.add_argument("--attempts", default=3, type=positive,
                        help="at a measurement that other programs disturb (default: 3)")
    parser.add_argument("--rules", "--policies", default=1000, type=positive,
                        help="for the traffic's ends; the last allows it (default: 1000)")
    parser.add_argument("--no-peers", dest="ovs", action="store_false",
                        help="leave OVS-DPDK out even where it is installed")
    parser.add_argument("--no-hugepages", dest="hugepages", action="store_false",
                        help="ordinary pages; needs no root, and its figures are worth nothing")
    parser.add_argument("--install-peers", action="store_true",
                        help="install the peers' packages first")


def what_to_write(parser):
    parser.add_argument("--json", metavar="FILE", help="write everything for programs; -: print it")
    parser.add_argument("--profile", metavar="DIR",
                        help="of two workloads: write where the machine's time goes, by perf, a file a "
                             "point; it slows them down a little")
    parser.add_argument("--plot", metavar="DIR", help="write figures as SVG and a page with them")
    parser.add_argument("--store", metavar="FILE",
                        help="write what docs/performance/measured.json keeps: all but the rounds")
    parser.add_argument("--targets", metavar="FILE",
                        help="write what is aimed at, and reached, as a Markdown table")


def what_else(parser):
    parser.add_argument("--list", action="store_true", help="name cases, groups and peers, and end")
    parser.add_argument("--again", metavar="FILE", nargs="+",
                        help="measure nothing: report that JSON again; of several, each point as "
                             "the last one has it that measured it")
    parser.add_argument("--pktgen", action="store_true",
                        help="send from Pktgen-DPDK to a running pair, if it is on PATH")
    parser.add_argument("--pktgen-configs", action="store_true",
                        help="write configs/pktgen/*.json, and end")
    parser.add_argument("--pktgen-pcap", metavar="FILE",
                        help="write VXLAN frames of 1,024 flows for replay.lua, and end")
    parser.add_argument("--pktgen-size", type=int, default=64, metavar="BYTES",
                        help="of the inner frames in it with their checksum, 64 to "
                             f"{pktgen_pairs.LONGEST} (default: 64)")


def options(words=None):
    parser = argparse.ArgumentParser(prog="bench", description=ABOUT, epilog=MORE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what_to_measure(parser)
    what_to_write(parser)
    what_else(parser)
    parsed = parser.parse_args(words)
    if not all(1 <= flows <= cases.PCAP_LIMIT for flows in parsed.flows):
        parser.error(f"numbers of flows are 1 to {cases.PCAP_LIMIT}; for more: --cases established")
    if not 64 <= parsed.pktgen_size <= pktgen_pairs.LONGEST:
        parser.error(f"--pktgen-size is 64 to {pktgen_pairs.LONGEST}: with outer headers Pktgen cuts "
                     "off what is longer than 1,518 bytes")
    try:
        parsed.points = cases.points(parsed.cases, parsed)
    except KeyError as error:
        parser.error(f"there is no case {error}; --list names them")
    return parsed


def print_list(opts):
    lines = [["case", "groups", "points", "minutes", "what"]]
    for case in cases.CASES.values():
        points = case.points(opts)
        lines.append([case.name, ",".join((*case.groups, "all") if case.groups else ()),
                      str(len(points)), f"{ways.seconds(points, opts) / 60:.0f}", case.about])
    print("\n".join(tables.aligned(lines)))
    print(f"\ngroups: {', '.join(cases.GROUPS)}")
    print(f"encapsulations: {', '.join(cases.ENCAPS)}")
    print(f"peers: testpmd {'is installed' if shutil.which('dpdk-testpmd') else 'is missing'}; "
          f"OVS-DPDK: {ovs.missing() or 'is installed'}; {pktgen.presence()}")


def write_report(found, opts):
    if opts.json == "-":
        json.dump(found, sys.stdout, indent=2)
        print()
    else:
        tables.print_tables(found["machine"], found["notes"], found["rows"], found["targets"])
        if opts.json:
            with open(opts.json, "w", encoding="utf-8") as file:
                json.dump(found, file, indent=2)
                file.write("\n")
    if opts.plot:
        draw(opts.plot, store.kept_rows(found["rows"]))
    if opts.store:
        with open(opts.store, "w", encoding="utf-8") as file:
            file.write(store.text(found))
    if opts.targets:
        with open(opts.targets, "w", encoding="utf-8") as file:
            file.write(tables.markdown(tables.table_of_targets(found["targets"])))


def draw(directory, rows):
    """Imported here: what draws nothing needs no matplotlib."""
    try:
        from bench.report import plots
    except ImportError as error:
        raise Failure(f"figures cannot be drawn: {error}; install python3-matplotlib") from error
    plots.write(directory, rows)


def joined(names):
    """The runs in these files as one."""
    runs = []
    for name in names:
        with open(name, encoding="utf-8") as file:
            runs.append(json.load(file))
        if runs[-1].get("format") != rounds.FORMAT:
            raise Failure(f"{name} has format {runs[-1].get('format')}, this is {rounds.FORMAT}")
    return runs[0] if len(runs) == 1 else store.joined(runs)


def shell(script, complaint):
    if subprocess.run(["bash", "-c", script], cwd=ROOT, check=False).returncode != 0:
        sys.exit(f"bench: {complaint}")


def packages_and_build():
    """A directory of its own: the daemon there has the test generator."""
    shell(f". tools/lib/setup.sh && packages_install && build {BUILD} 'sluiced tests/exchange' -Dgenerator=true",
          "the build failed")
    return os.path.join(ROOT, BUILD)


def install_peers():
    """The service that Debian may start with OVS has no bridge and does nothing beside ours."""
    shell(". tools/lib/setup.sh && "
          "as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update && "
          "as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y "
          f"--no-install-recommends {' '.join(PEER_PACKAGES)} </dev/null >/dev/null",
          "the peers' packages could not be installed")


def wait_for_turn():
    """Two runs at once would measure each other. The lock ends with the process."""
    lock = open(LOCK, "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("bench: another run is under way, waiting for it", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def prepare(opts):
    if opts.hugepages and os.geteuid() != 0:
        sys.exit("bench: must be run as root (hugepages, cores)")
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: needs two cores, the worker must have one for itself")
    if opts.install_peers:
        install_peers()
    if opts.build is None:
        opts.build = packages_and_build()
    opts.build = os.path.realpath(opts.build)
    if not os.access(os.path.join(opts.build, "sluiced"), os.X_OK):
        sys.exit(f"bench: there is no sluiced in {opts.build}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.sched_setaffinity(0, {0})
    machine.ask_for_short_slices()
    if not opts.pktgen and (sys.stderr.isatty() or not opts.json):
        print(f"bench: {len(opts.points)} points, {opts.rounds} rounds: about "
              f"{ways.seconds(opts.points, opts) / 60:.0f} minutes", file=sys.stderr)


def measure(opts):
    prepare(opts)
    turn = wait_for_turn() if opts.hugepages else None
    directory = tempfile.mkdtemp(prefix="sluice-bench-")
    try:
        if opts.pktgen:
            pktgen.run(opts, directory)
        else:
            found = rounds.run(opts, directory)
            write_report(found, opts)
            if found["failures"]:
                raise Failure("not everything was measured: " + "\n".join(found["failures"]))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if turn:
            turn.close()


def main():
    opts = options()
    try:
        if opts.list:
            print_list(opts)
        elif opts.pktgen_configs:
            pktgen_pairs.write_configs()
        elif opts.pktgen_pcap:
            pktgen_pairs.write_pcap(opts.pktgen_pcap, opts.pktgen_size)
        elif opts.again:
            write_report(joined(opts.again), opts)
        else:
            measure(opts)
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
