# SPDX-License-Identifier: BSD-3-Clause
"""Expectations, waiting, and the decorator that makes a function a test."""
import time

POLL = 0.01  # seconds between two looks at a condition


class Failure(Exception):
    """An expectation that failed; its text is the printed reason."""


class Skip(Exception):
    """The machine cannot do what the test needs; its text says what."""


def test(function):
    function.is_test = True
    return function


def long_test(function):
    """A test that takes minutes: run only with --long."""
    function.is_long = True
    return test(function)


def expect(condition, reason):
    if not condition:
        raise Failure(reason)


def expect_equal(got, wanted, what):
    expect(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")


def wait_until(condition, reason, seconds=5.0):
    """Waits until condition() is true, and returns its value. reason may be a function."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"{reason() if callable(reason) else reason} (waited {seconds:g} s)")
        time.sleep(POLL)


def hexdump(data):
    lines = []
    for at in range(0, len(data), 16):
        lines.append(f"{at:04x}  " + " ".join(f"{b:02x}" for b in data[at : at + 16]))
    return "\n".join(lines)


def expect_bytes(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: bytes differ\n got:\n{hexdump(got)}\n wanted:\n{hexdump(wanted)}")
