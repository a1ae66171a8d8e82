# SPDX-License-Identifier: BSD-3-Clause
"""Runs a file's tests and counts them in the words that tools/lib/meson-tests reads."""
import sys
import unittest


def main():
    outcome = unittest.main(argv=sys.argv[:1], exit=False).result
    bad = len(outcome.failures) + len(outcome.errors)
    for _, reason in outcome.skipped:
        print(f"skip: {reason}")
    print(f"[  PASSED  ] {outcome.testsRun - bad - len(outcome.skipped)} test(s)")
    if outcome.skipped:
        print(f"[  SKIPPED ] {len(outcome.skipped)} test(s)")
    sys.exit(1 if bad else 0)
