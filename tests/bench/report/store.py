# SPDX-License-Identifier: BSD-3-Clause
"""What is kept of runs: medians, lowest and highest, an object a line; and targets of several runs."""
import json

from bench.report import targets

KEPT = ("median", "min", "max", "spread")
DIGITS = 4


def short(value):
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def without_rounds(values):
    """What has no rounds was stored before."""
    if not values or "rounds" not in values:
        return values
    return {name: short(values[name]) for name in KEPT}


def last_measured(runs):
    """Each target as the last run has it that measured it; `runs`: lists of targets."""
    last = {}
    for found in runs:
        last |= {target["what"]: target for target in found if target["measured"]}
    return [last.get(target["what"], target) for target in targets.all_of({})]


def text(found):
    """A report as it is stored. The date goes: its parts may be of several."""
    rows = [row | {"metrics": {name: without_rounds(values)
                               for name, values in row["metrics"].items()}}
            for row in found["rows"]]
    kept = [target | {"measured": without_rounds(target["measured"])}
            for target in last_measured([found["targets"]])]
    parts = [f'  "{name}": {json.dumps(value)}' for name, value in
             (found | {"date": None}).items() if name not in ("rows", "targets", "failures")]
    for name, values in (("rows", rows), ("targets", kept)):
        lines = ",\n".join(f"    {json.dumps(value)}" for value in values)
        parts.append(f'  "{name}": [\n{lines}\n  ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"
