# SPDX-License-Identifier: BSD-3-Clause
"""One sluiced: starts and stops it, and calls it over its socket."""
import json
import os
import select
import signal
import socket
import subprocess
import time

from .expect import Failure, POLL, expect, expect_equal, wait_until

READY_SECONDS = 60  # a sanitized daemon on a busy machine
STOP_SECONDS = 30
LSAN_OPTIONS = ("print_suppressions=0:suppressions=" +
                os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", "lsan.supp")))
REPORTS = ("AddressSanitizer", "LeakSanitizer", "runtime error:")


class Refused(Exception):
    """The daemon answered with an error; .error is the JSON-RPC error object."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error['message']} ({error['code']})")
        self.error = error


class Client:
    """A separate connection to a daemon's socket."""

    def __init__(self, path, seconds=30):
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.settimeout(seconds)
        self._sock.connect(path)
        self._file = self._sock.makefile("rb")
        self._id = 0

    def call(self, method, params=None):
        self.send(method, params)
        return self.answer(method)

    def send(self, method, params=None):
        """Only sends the request; answer() waits for the answer."""
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method}
        if params is not None:
            request["params"] = params
        try:
            self._sock.sendall(json.dumps(request).encode() + b"\n")
        except OSError as e:
            raise Failure(f"{method}: no answer from the daemon: {e}") from e

    def answer(self, method):
        try:
            line = self._file.readline()
        except OSError as e:
            raise Failure(f"{method}: no answer from the daemon: {e}") from e
        if not line:
            raise Failure(f"{method}: the daemon closed the connection")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(method, answer["error"])
        return answer["result"]

    def close(self):
        self._file.close()
        self._sock.close()


class Daemon:
    """A sluiced with its configuration, in a namespace or in the test's own. Lab stops and checks
    it."""

    def __init__(self, binary, directory, name, config, ns=None, state=False):
        self.binary, self.name, self.config, self.ns = binary, name, config, ns
        self.socket = os.path.join(directory, f"{name}.sock")
        self.state = os.path.join(directory, f"{name}.state") if state else None
        self._config_path = os.path.join(directory, f"{name}.json")
        self._log_path = os.path.join(directory, f"{name}.log")
        self.process = None
        self._client = None
        if self.state:
            os.makedirs(self.state, exist_ok=True)
        self.rewrite(config)

    def rewrite(self, config):
        """Its configuration file, for the next start."""
        self.config = config
        with open(self._config_path, "w", encoding="utf-8") as f:
            json.dump(config, f, indent=1)

    def command(self):
        command = [self.binary, "--config", self._config_path, "--socket", self.socket]
        if self.state:
            command += ["--state", self.state]
        return tuple(command)

    def start(self):
        command = self.command()
        if self.ns:
            command = self.ns.command(*command)
        with open(self._log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log,
                                            env={**os.environ, "LSAN_OPTIONS": LSAN_OPTIONS})
        self._wait_ready()
        self._client = Client(self.socket)
        return self

    def _wait_ready(self):
        ready, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.process.kill()
            status = self.process.wait()
            raise Failure(
                f"{self.name} did not become ready (exit {status}): {self.log_tail(20)}"
            )

    def log_tail(self, lines=40):
        try:
            with open(self._log_path, encoding="utf-8", errors="replace") as f:
                return "".join(f.readlines()[-lines:])
        except FileNotFoundError:
            return ""

    def expect_no_report(self):
        """Fails if the log has a sanitizer's report."""
        log = self.log_tail(100000)
        for word in REPORTS:
            at = log.find(word)
            expect(at < 0, f"{self.name}: sanitizer report:\n{log[max(0, at - 200) : at + 4000]}")

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def _forget(self):
        if self._client:
            self._client.close()
        if self.process:
            self.process.stdout.close()
        self._client = self.process = None

    def stop(self):
        """Asks the daemon to end; it must end cleanly."""
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "none"
        self._forget()
        self.expect_no_report()
        expect_equal(status, 0, f"{self.name}: exit status after SIGTERM")
        expect(not os.path.exists(self.socket), f"{self.name} left its socket file behind")

    def kill(self):
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self._forget()

    def call(self, method, params=None):
        return self._client.call(method, params)

    def client(self):
        return Client(self.socket)

    def apply(self, *operations):
        """A transaction: (method, params), ..."""
        return self.call(
            "txn.apply", {"operations": [{"method": m, "params": p} for m, p in operations]}
        )

    def totals(self):
        return self.call("stats.get")["totals"]

    def drops(self):
        return {d["reason"]: int(d["count"]) for d in self.call("drops.list")}

    def drop(self, reason):
        return self.drops().get(reason, 0)

    def port(self, name):
        for port in self.call("stats.get")["ports"]:
            if port["name"] == name:
                return port
        raise Failure(f"{self.name} has no port {name}")

    def wait_drop(self, reason, more_than=0, seconds=3):
        wait_until(
            lambda: self.drop(reason) > more_than,
            lambda: f"{self.name} counted no more than {more_than} {reason}: {self.drops()}",
            seconds,
        )

    def wait_announced(self, seconds=20):
        """Waits until all endpoints are announced, also the second time a second later. Nothing
        else is sent unasked."""
        wait_until(lambda: self.call("stats.get")["announcements"]["waiting"] == 0,
                   lambda: f"announcements wait: {self.call('stats.get')['announcements']}", seconds)

    def wait_received(self, n, seconds=60):
        wait_until(
            lambda: self.totals()["received"] >= n,
            lambda: f"{self.name} did not receive {n} packets: {self.totals()}",
            seconds,
        )

    def expect_sum(self):
        """received + generated = sent + dropped + consumed, once traffic rests; where it never does, three times in a row."""
        before, balanced = None, 0
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            t = self.totals()
            balance = t["received"] + t["generated"] - t["sent"] - t["dropped"] - t["consumed"]
            balanced = balanced + 1 if balance == 0 else 0
            if balance == 0 and (t == before or balanced == 3):
                return
            before = t
            time.sleep(POLL)
        raise Failure(f"{self.name}: packets are {balance:+d} out of balance: {t}")

    def describe(self):
        """The state of a daemon that a person needs after a failure."""
        text = [f"--- {self.name}: last lines of its log", self.log_tail(25).rstrip()]
        if not self.running:
            text.append(f"--- {self.name} is not running")
            return "\n".join(text)
        for method, params in (
            ("stats.get", None), ("drops.list", None), ("drops.recent", {"limit": 5}),
            ("neighbors.state", None), ("nodes.paths", None), ("notices.list", None), ("flows.list", {"limit": 10}),
        ):
            try:
                client = Client(self.socket, 3)
                text.append(f"--- {self.name}: {method}\n{json.dumps(client.call(method, params))}")
                client.close()
            except (OSError, Failure, Refused, ValueError) as e:
                text.append(f"--- {self.name}: {method}: {e}")
        return "\n".join(text)
