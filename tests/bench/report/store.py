# SPDX-License-Identifier: BSD-3-Clause
"""Several runs as one, and what is kept of them: medians, lowest and highest, an object a line."""
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


def joined(runs):
    """Each point as the last run has it that measured it. Ratios are taken within a point and between
    points of one run, so what belongs together must have been measured together; a target is the last
    run's that has it. Of runs on several machines the first one's is described, and notes say where
    the others' points are from."""
    first, notes = runs[0]["machine"], [note for found in runs for note in found["notes"]]
    for found in runs[1:]:
        machine, cases = found["machine"], dict.fromkeys(row["case"] for row in found["rows"])
        if machine["cpu"] != first["cpu"]:
            notes.append(f"{', '.join(cases)}: measured on {machine['cpu']}, {machine['cores']} cores, "
                         f"TSC {machine['tsc_hz'] / 1e9:.2f} GHz, Linux {machine['kernel']}")
    of_one = all(found["machine"]["cpu"] == first["cpu"] for found in runs)
    rows = {row["key"]: row for found in runs for row in found["rows"]}
    return runs[-1 if of_one else 0] | {
        "rows": list(rows.values()), "notes": list(dict.fromkeys(notes)),
        "targets": last_measured([found["targets"] for found in runs])}


def kept_rows(rows):
    """Rows as they are stored. Figures are drawn from these, so that drawing again changes nothing."""
    return [row | {"metrics": {name: without_rounds(values) for name, values in row["metrics"].items()}}
            for row in rows]


def text(found):
    """A report as it is stored. The date goes: its parts may be of several."""
    rows = kept_rows(found["rows"])
    kept = [target | {"measured": without_rounds(target["measured"])}
            for target in last_measured([found["targets"]])]
    parts = [f'  "{name}": {json.dumps(value)}' for name, value in
             (found | {"date": None}).items() if name not in ("rows", "targets", "failures")]
    for name, values in (("rows", rows), ("targets", kept)):
        lines = ",\n".join(f"    {json.dumps(value)}" for value in values)
        parts.append(f'  "{name}": [\n{lines}\n  ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"
