# SPDX-License-Identifier: BSD-3-Clause
"""sluiced as a child process, and its socket."""
import json
import os
import select
import socket
import subprocess
import time

START_SECONDS = 300


class Failure(Exception):
    """The benchmark cannot go on; the text says why."""


def anywhere():
    """For a child process: all cores again. The benchmark itself keeps off the worker's core."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


class Socket:
    """A connection: one call at a time, or many under way."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(120)
        self._socket.connect(path)
        self._input = bytearray()

    def close(self):
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def line(self):
        """The next answer, as it came."""
        while True:
            at = self._input.find(b"\n")
            if at >= 0:
                line = bytes(self._input[:at])
                del self._input[:at + 1]
                return line
            data = self._socket.recv(1 << 20)
            if not data:
                raise Failure("sluiced closed the connection")
            self._input += data

    def read_ready(self):
        """Read the answers that have come, without waiting: (how many, the first error or None)."""
        if not select.select([self._socket], [], [], 0)[0]:
            return 0, None
        data = self._socket.recv(1 << 20)
        if not data:
            raise Failure("sluiced closed the connection")
        self._input += data
        end = self._input.rfind(b"\n") + 1
        whole = bytes(self._input[:end])
        del self._input[:end]
        at = whole.find(b'"error":')
        return whole.count(b"\n"), whole[at:at + 300].decode() if at >= 0 else None

    def call(self, method, params=None):
        self.send(request(method, params))
        return result(method, self.line())


def request(method, params=None):
    text = {"jsonrpc": "2.0", "id": 1, "method": method}
    if params is not None:
        text["params"] = params
    return json.dumps(text).encode() + b"\n"


def result(method, line):
    answer = json.loads(line)
    if "error" in answer:
        raise Failure(f"{method}: {answer['error']['message']}")
    return answer["result"]


class Daemon:
    """Runs sluiced with a configuration file for as long as the with-block lasts."""

    def __init__(self, binary, directory, config_path, state=None, name="sluiced", within=()):
        """`state`: a state directory, or none. Socket and log are made in `directory`, under `name`.
        `within`: words in front of the command, which become the command."""
        self.socket_path = os.path.join(directory, f"{name}.sock")
        self._words = [*within, binary, "--config", config_path, "--socket", self.socket_path]
        if state:
            self._words += ["--state", state]
        self.start_seconds = 0.0
        self._log_path = os.path.join(directory, f"{name}.log")
        self._process = self._socket = self._log = None

    def __enter__(self):
        self._log = open(self._log_path, "w", encoding="utf-8")
        begun = time.monotonic()
        self._process = subprocess.Popen(self._words, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=self._log,
                                         preexec_fn=anywhere)
        try:
            self._wait_until_ready()
            self.start_seconds = time.monotonic() - begun
            self._socket = Socket(self.socket_path)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._socket:
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    @property
    def pid(self):
        return self._process.pid

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise Failure("the kernel does not say how much memory sluiced has")

    def cpu_seconds(self):
        """Of the control thread, which is the process's first."""
        with open(f"/proc/{self.pid}/task/{self.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as log:
            return log.read().strip()

    def _wait_until_ready(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if select.select([self._process.stdout], [], [], 0.1)[0]:
                line = self._process.stdout.readline()
                if b"ready" in line:
                    return
                if not line:
                    break
        raise Failure(f"sluiced did not start: {self.log()}")

    def connect(self):
        """One more connection."""
        return Socket(self.socket_path)

    def call(self, method, params=None):
        return self._socket.call(method, params)

    def stats(self):
        return self.call("stats.get")

    def drops(self):
        """Reason -> packets, of all reasons that happened."""
        return {drop["reason"]: drop["count"] for drop in self.call("drops.list")}


def port(stats, name):
    return next(entry for entry in stats["ports"] if entry["name"] == name)
