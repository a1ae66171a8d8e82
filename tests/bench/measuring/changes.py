# SPDX-License-Identifier: BSD-3-Clause
"""Configuration that changes under traffic: commits at a rate, and how soon a policy is obeyed."""
import contextlib
import threading
import time

from bench.measuring.daemon import Failure, request, result
from bench.measuring.summaries import quantile
from bench.scenario import frames
from bench.scenario.traffic import endpoint

TICK = 0.001
UNANSWERED_MOST = 256
BYSTANDERS = 1000
TOGGLES = 100
GIVE_UP_SECONDS = 5


def endpoint_commits():
    """Requests that give an endpoint without traffic another MAC: each one is a real change."""
    lines = []
    for turn in range(2):
        for i in range(BYSTANDERS):
            name, _, address = frames.bystander(i)
            mac = frames.numbered_mac(5 + turn, i)
            lines.append(request("endpoints.set", endpoint(
                (name, mac, address), {"role": f"other-{i % 100}"}, node="node-0")))
    return lines


def policy_commits():
    """Requests that give a rule without traffic another port: each one is a real change."""
    return [request("policies.set", spare_policy(i, 4000 + turn))
            for turn in range(2) for i in range(100)]


def spare_policy(i, number):
    return {"name": f"spare-{i}", "network": "bench", "tier": "team", "direction": "egress",
            "priority": 100, "subject": {"labels": {"role": f"other-{i}"}},
            "action": "allow", "peers": [{"labels": {"role": "remote"}}],
            "ports": [{"protocol": "tcp", "port": number}]}


KINDS = {"endpoints": endpoint_commits, "policies": policy_commits}


class Commits:
    """A client that sends requests at a pace, many under way, in a thread of its own.

    Every request is a commit by itself. What the daemon does not keep up with is not sent: the
    figure that counts is how many were answered.
    """

    def __init__(self, daemon, lines, rate):
        self._socket = daemon.connect()
        self._lines, self._rate = lines, rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered = 0
        self.error = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _run(self):
        try:
            self._send_at_a_pace()
        except (OSError, Failure) as error:
            self.error = self.error or str(error)

    def _send_at_a_pace(self):
        sent, at, begun = 0, 0, time.monotonic()
        while not self._stop.is_set():
            due = int((time.monotonic() - begun) * self._rate)
            n = min(due - sent, UNANSWERED_MOST - (sent - self.answered))
            if n > 0:
                batch = [self._lines[(at + i) % len(self._lines)] for i in range(n)]
                self._socket.send(b"".join(batch))
                at, sent = at + n, sent + n
            self._collect()
            time.sleep(TICK)
        until = time.monotonic() + 30
        while self.answered < sent and time.monotonic() < until:
            self._collect()
            time.sleep(TICK)

    def _collect(self):
        answered, error = self._socket.read_ready()
        self.answered += answered
        self.error = self.error or error


def under_commits(bench, scenario, kind, rate):
    """Cycles and throughput while unrelated objects change at a rate; 0: nothing changes."""

    @contextlib.contextmanager
    def during(daemon):
        found = {}
        prepare(daemon, kind)
        time.sleep(0.3)
        with Commits(daemon, KINDS[kind](), rate) as commits:
            time.sleep(0.3)
            first, start = commits.answered, time.monotonic()
            yield found
            found["commits_per_second"] = (commits.answered - first) / (time.monotonic() - start)
        if commits.error:
            raise Failure(f"commits of {kind}: {commits.error}")

    return bench.cycles(scenario.but(bystanders=BYSTANDERS), during)


def prepare(daemon, kind):
    """Add the objects that will change. They are there at every rate, also at 0."""
    if kind == "policies":
        daemon.call("txn.apply", {"operations": [
            {"method": "policies.add", "params": spare_policy(i, 4000)} for i in range(100)]})


# How soon a policy is obeyed

DENY = {"name": "stop", "network": "bench", "tier": "admin", "direction": "egress", "priority": 1,
        "subject": {"labels": {"role": "local"}}, "action": "deny"}
# Method, parameters, the counter that stops when it is obeyed, the one that begins to grow.
TOGGLE = (("policies.add", DENY, "sent", "dropped"),
          ("policies.del", {"name": "stop"}, "dropped", "sent"))


def obeyed(bench, scenario, toggles=TOGGLES):
    """Milliseconds from sending a change of policy (a deny for all the traffic, and its removal)
    until no worker judges by the old one any more.

    A second connection asks for the counters again and again. Once the change is obeyed, the
    counter of the old verdict stands still. The first answer that shows its last value comes later
    than that moment. With one worker a part of the delay is known: the other counter has grown
    since, and at the highest rate ever seen that took at least so long. This time is subtracted.
    Every number is therefore an upper bound. `resolution_us` is the median distance to the answer
    before.
    """
    waits, gaps, rates = {"sent": [], "dropped": []}, [], {"sent": 0.0, "dropped": 0.0}
    with bench.running(scenario) as daemon:
        watch, changer = daemon.connect(), daemon.connect()
        try:
            for number in range(toggles + 1):
                for method, params, old, fresh in TOGGLE:
                    look = wait_steady(watch, rates)
                    wait, gap = one_change(watch, changer, look, (method, params, old, fresh),
                                           rates if scenario.workers == 1 else None)
                    if number > 0:  # the first one only teaches the rates
                        waits[old].append(wait * 1e3)
                        gaps.append(gap * 1e6)
        finally:
            watch.close()
            changer.close()
    every = waits["sent"] + waits["dropped"]
    return {"obeyed_p50_ms": quantile(every, 0.5), "obeyed_p99_ms": quantile(every, 0.99),
            "deny_p99_ms": quantile(waits["sent"], 0.99),
            "allow_p99_ms": quantile(waits["dropped"], 0.99),
            "obeyed_max_ms": max(every), "resolution_us": quantile(gaps, 0.5)}


def look_at(watch):
    """The counters, and the time at which their answer had come."""
    stats = watch.call("stats.get")
    return {"time": time.monotonic(), "sent": stats["totals"]["sent"],
            "dropped": stats["totals"]["dropped"],
            "workers": [worker["packets"] for worker in stats["workers"]]}


def all_ran(before, after):
    """Whether every worker has done some bursts between two looks."""
    return all(b - a >= 256 for a, b in zip(before["workers"], after["workers"]))


def wait_steady(watch, rates):
    """Wait until one of the two counters stands still, and note the rate of the other."""
    until = time.monotonic() + GIVE_UP_SECONDS
    before = look_at(watch)
    while time.monotonic() < until:
        time.sleep(0.003)
        after = look_at(watch)
        for name, other in (("sent", "dropped"), ("dropped", "sent")):
            if after[other] == before[other] and all_ran(before, after):
                rate = (after[name] - before[name]) / (after["time"] - before["time"])
                rates[name] = max(rates[name], rate)
                return after
        before = after
    raise Failure("the last change of policy is still not obeyed by all")


def one_change(watch, changer, before, change, rates):
    """(seconds until it was obeyed at the latest, seconds between the looks around the moment)"""
    method, params, old, fresh = change
    line = request(method, params)
    start = time.monotonic()
    changer.send(line)
    looks = [before | {"time": start}]
    while True:
        looks.append(look_at(watch))
        last, now = looks[-2:]
        if len(looks) > 2 and now[old] == last[old] and now[fresh] > last[fresh] and all_ran(
                last, now):
            break
        if now["time"] - start > GIVE_UP_SECONDS:
            raise Failure(f"{method} was not obeyed within {GIVE_UP_SECONDS} s")
    result(method, changer.line())
    at = next(i for i in range(1, len(looks)) if looks[i][old] == looks[-1][old])
    wait, gap = looks[at]["time"] - start, looks[at]["time"] - looks[at - 1]["time"]
    if rates and rates[fresh] > 0:
        wait -= min((looks[at][fresh] - before[fresh]) / rates[fresh], gap)
    return wait, gap
