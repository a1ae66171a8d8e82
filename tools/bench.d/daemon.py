# SPDX-License-Identifier: BSD-3-Clause
"""sluiced as a child process, and its socket."""
import json
import os
import select
import socket
import subprocess
import time

START_SECONDS = 60


class Failure(Exception):
    """The benchmark cannot go on; the text says why."""


class Daemon:
    """Runs sluiced with a configuration for as long as the with-block lasts."""

    def __init__(self, binary, directory, config):
        self._binary = binary
        self._config = os.path.join(directory, "sluiced.json")
        self._socket_path = os.path.join(directory, "sluiced.sock")
        self._log_path = os.path.join(directory, "sluiced.log")
        self._process = self._socket = self._log = None
        self._input = b""
        with open(self._config, "w", encoding="utf-8") as file:
            json.dump(config, file)

    def __enter__(self):
        self._log = open(self._log_path, "w", encoding="utf-8")
        self._process = subprocess.Popen(
            [self._binary, "--config", self._config, "--socket", self._socket_path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log)
        try:
            self._wait_until_ready()
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(30)
            self._socket.connect(self._socket_path)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._socket:
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    @property
    def pid(self):
        return self._process.pid

    def _wait_until_ready(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if select.select([self._process.stdout], [], [], 0.1)[0]:
                line = self._process.stdout.readline()
                if b"ready" in line:
                    return
                if not line:
                    break
        with open(self._log_path, encoding="utf-8") as log:
            raise Failure(f"sluiced did not start: {log.read().strip()}")

    def call(self, method, params=None):
        request = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            request["params"] = params
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while b"\n" not in self._input:
            data = self._socket.recv(1 << 20)
            if not data:
                raise Failure("sluiced closed the connection")
            self._input += data
        line, self._input = self._input.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def stats(self):
        return self.call("stats.get")

    def drops(self):
        """Reason -> packets, of all reasons that happened."""
        return {drop["reason"]: drop["count"] for drop in self.call("drops.list")}


def port(stats, name):
    return next(entry for entry in stats["ports"] if entry["name"] == name)
