# SPDX-License-Identifier: BSD-3-Clause
"""Measures how the control plane scales: loading, starting, commits a second, memory an object."""
import argparse
import json
import os
import sys
import tempfile

from bench.scaling.cases import CASES

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


def parse(argv):
    p = argparse.ArgumentParser(prog="scale", description=__doc__)
    p.add_argument("case", nargs="*", choices=[[], *CASES], help="default: load")
    p.add_argument("--sluiced", default=os.path.join(ROOT, "build", "sluiced"))
    p.add_argument("--json", action="store_true", help="figures as JSON")
    p.add_argument("--endpoints", type=int, default=1000000)
    p.add_argument("--nodes", type=int, default=1000)
    p.add_argument("--many-nodes", type=int, default=100000)
    p.add_argument("--networks", type=int, default=4)
    p.add_argument("--identities", type=int, default=250)
    p.add_argument("--declare", action="store_true", help="declare identities beforehand")
    p.add_argument("--policies", type=int, default=100000)
    p.add_argument("--rules", type=int, nargs="+", default=[1000, 10000])
    p.add_argument("--many-rules", type=int, nargs="+", default=[10, 1000, 100000, 1000000])
    p.add_argument("--commits", type=int, default=20000)
    p.add_argument("--batch", type=int, default=1000, help="objects a transaction")
    p.add_argument("--window", type=int, default=8, help="requests under way")
    p.add_argument("--core", type=int, default=1)
    p.add_argument("--hugepages", default="off")
    args = p.parse_args(argv)
    args.case = args.case or ["load"]
    return args


def main():
    args = parse(sys.argv[1:])
    out = {"setup": {k: v for k, v in vars(args).items() if k not in ("case", "json", "sluiced")}}
    with tempfile.TemporaryDirectory(prefix="sluice-scale-") as directory:
        for name in args.case:
            out[name] = CASES[name](args, directory)
            if not args.json:
                for key, value in out[name].items():
                    print(f"{name:8} {key:55} {value:15,.3f}", flush=True)
    if args.json:
        json.dump(out, sys.stdout, indent=1)
        print()
