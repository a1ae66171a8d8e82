# SPDX-License-Identifier: BSD-3-Clause
"""Medians and quantiles of the rounds."""
import math
from statistics import median


def quantile(values, share):
    """The nearest-rank quantile: a value that was seen."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def summary(values):
    return {"median": median(values), "min": min(values), "max": max(values),
            "spread": max(values) / min(values) if min(values) > 0 else None,
            "rounds": list(values)}
