# SPDX-License-Identifier: BSD-3-Clause
"""Traffic between workloads: ping, iperf3, and plain sockets held by the test itself."""
import json
import os
import re
import select
import socket
import subprocess
import time

from .expect import Failure, expect

DENIED_AFTER = 0.7  # seconds without an answer that count as denied: the first SYN's life
_ports = iter(range(20000, 60000))


def new_port():
    """A port number that no test of this run has used, so no flow of it is known."""
    return next(_ports)


def _echo_replies(ns):
    """Echo replies of either family that the namespace has received in its life."""
    text = ns.run("cat", "/proc/self/net/snmp", "/proc/self/net/snmp6")
    names, values = (line.split() for line in re.findall(r"^Icmp: .*$", text, re.MULTILINE))
    six = re.search(r"^Icmp6InEchoReplies\s+(\d+)$", text, re.MULTILINE)
    return int(values[names.index("InEchoReps")]) + (int(six.group(1)) if six else 0)


class Ping:
    """A ping in the background; result() waits for its end. An answer is lost when it has not come two seconds
    after the end: ping itself gives up after twice the longest round trip so far, which is no time at all."""

    def __init__(self, source, address, count, interval=0.02, *options):
        self.what = f"ping from {source.name} to {address}"
        self._ns, self._before = source.ns, _echo_replies(source.ns)
        self.process = source.ns.popen(
            "ping", "-n", "-q", "-c", str(count), "-i", str(interval), "-W", "2", *options, address,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def result(self):
        """(sent, received, text)"""
        text = self.process.communicate()[0]
        m = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        if not m:
            raise Failure(f"{self.what}: {text.strip()}")
        sent, received = int(m.group(1)), int(m.group(2))
        end = time.monotonic() + 2
        while 0 < received < sent and time.monotonic() < end:
            time.sleep(0.05)
            received = max(received, min(sent, _echo_replies(self._ns) - self._before))
        return sent, received, text

    def expect_all(self):
        sent, received, text = self.result()
        expect(sent == received, f"{self.what}: {sent - received} of {sent} lost: {text.strip()}")


def expect_ping(source, address, count=5, *options):
    Ping(source, address, count, 0.02, *options).expect_all()


def expect_no_ping(source, address):
    sent, received, _ = Ping(source, address, 3, 0.02, "-w", "1").result()
    expect(received == 0, f"ping from {source.name} to {address}: {received} of {sent} answered")


class Iperf:
    """One iperf3 run in the background between two workloads."""

    def __init__(self, client, server, *options, seconds=1):
        self.what = f"iperf3 {client.name} -> {server.name} {' '.join(options)}"
        port = str(new_port())
        self.server = server.ns.popen(
            "iperf3", "-s", "-1", "-p", port, "-B", server.ip, "--forceflush",
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._wait_listening()
        self.client = client.ns.popen(
            "iperf3", "-c", server.ip, "-p", port, "-t", str(seconds), "-J",
            "--connect-timeout", "3000", *options, stdout=subprocess.PIPE, text=True)

    def _wait_listening(self):
        for line in self.server.stdout:
            if b"listening" in line:
                return
        raise Failure(f"{self.what}: the server did not start")

    def result(self):
        try:
            text = self.client.communicate(timeout=60)[0]
        except subprocess.TimeoutExpired as e:
            self.client.kill()
            raise Failure(f"{self.what}: hangs") from e
        finally:
            self.server.kill()
            self.server.wait()
            self.server.stdout.close()
        result = json.loads(text)
        if "error" in result:
            raise Failure(f"{self.what}: {result['error']}")
        return result["end"]

    def expect_tcp(self, mbit=5):
        """Expects that at least this rate arrived. It is far below the rate of a quiet machine, and
        far above a trickle."""
        rate = self.result()["sum_received"]["bits_per_second"] / 1e6
        expect(rate > mbit, f"{self.what}: only {rate:.1f} Mbit/s arrived")
        return rate

    def expect_udp(self, loss_percent=1.0):
        end = self.result()["sum"]
        expect(end["packets"] > 100, f"{self.what}: only {end['packets']} packets")
        expect(end["lost_percent"] <= loss_percent, f"{self.what}: {end['lost_percent']:.2f} % lost")


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Listener:
    """A TCP listener of a workload that echoes the data of its connections when asked to."""

    def __init__(self, workload, port=None, address=None, backlog=1024):
        self.workload, self.port = workload, port or new_port()
        self.address = address or workload.ip
        self.sock = workload.ns.socket(family(self.address), socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((self.address, self.port))
        self.sock.listen(backlog)
        self.sock.settimeout(3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


class Connection:
    """A TCP connection between two workloads, both ends held here."""

    def __init__(self, client, listener, seconds=5.0):
        self.what = f"TCP {client.name} -> {listener.address}:{listener.port}"
        self.near = client.ns.socket(family(listener.address), socket.SOCK_STREAM)
        self.far = None
        self.near.settimeout(seconds)
        try:
            self.near.connect((listener.address, listener.port))
            self.far = listener.sock.accept()[0]
        except OSError:
            self.close()
            raise

    def echo(self, data=b"sluice", seconds=5.0):
        """True when data arrives and its echo comes back in time."""
        self.near.settimeout(seconds)
        self.far.settimeout(seconds)
        try:
            self.near.sendall(data)
            self.far.sendall(_read(self.far, len(data)))
            return _read(self.near, len(data)) == data
        except (socket.timeout, TimeoutError):
            return False

    def close(self):
        self.near.close()
        if self.far:
            self.far.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _read(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise Failure("a connection was closed early")
        data += part
    return data


def expect_tcp(client, server, port=None, address=None):
    """A connection opens and carries bytes both ways."""
    with Listener(server, port, address) as listener:
        try:
            with Connection(client, listener) as c:
                expect(c.echo(os.urandom(20000)), f"{c.what}: bytes did not come back")
        except OSError as e:
            raise Failure(f"TCP {client.name} -> {listener.address}:{listener.port}: {e}") from e


def expect_no_tcp(client, server, port=None, address=None):
    """Expects that the connection gets no answer."""
    with Listener(server, port, address) as listener:
        try:
            Connection(client, listener, DENIED_AFTER).close()
        except (socket.timeout, TimeoutError):
            return
        raise Failure(f"TCP {client.name} -> {listener.address}:{listener.port}: was let through")


def expect_udp(client, server, port=None, question=b"question"):
    """Expects that a datagram arrives and its answer comes back."""
    port = port or new_port()
    near = client.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far = server.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with near, far:
        far.bind((server.ip, port))
        near.settimeout(3)
        far.settimeout(3)
        near.sendto(question, (server.ip, port))
        try:
            data, asker = far.recvfrom(65536)
            expect(data == question, f"UDP {client.name} -> {server.ip}:{port}: other bytes arrived")
            far.sendto(b"answer", asker)
            near.recvfrom(100)
        except (socket.timeout, TimeoutError) as e:
            raise Failure(f"UDP {client.name} -> {server.ip}:{port}: {e}") from e


def many_connections(client, server, n, seconds=20):
    """Opens n connections at once, then sends on each and reads the echo. Returns how many
    completed all of it."""
    with Listener(server, backlog=n) as listener:
        poller = select.epoll()
        listener.sock.setblocking(False)
        poller.register(listener.sock, select.EPOLLIN)
        crowd = _Crowd(client, listener, n, poller)
        try:
            return crowd.run(seconds)
        finally:
            crowd.close()
            poller.close()


class _Crowd:
    QUESTION = b"q" * 1000

    def __init__(self, client, listener, n, poller):
        self.listener, self.poller, self.n = listener, poller, n
        self.near, self.far = {}, {}
        for _ in range(n):
            s = client.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.setblocking(False)
            s.connect_ex((listener.address, listener.port))
            self.near[s.fileno()] = [s, 0, False]  # socket, bytes of the echo, question sent
            poller.register(s, select.EPOLLIN | select.EPOLLOUT)

    def run(self, seconds):
        events, done = True, 0
        while done < self.n:
            events = self.poller.poll(seconds)
            if not events:
                break
            for fd, _ in events:
                done += self._turn(fd)
        return done

    def _turn(self, fd):
        """1 when a connection has its whole echo."""
        if fd == self.listener.sock.fileno():
            s = self.listener.sock.accept()[0]
            self.far[s.fileno()] = s
            self.poller.register(s, select.EPOLLIN)
        elif fd in self.far:
            data = self.far[fd].recv(4096)
            if data:
                self.far[fd].sendall(data)
            else:
                self.poller.unregister(fd)
        else:
            return self._near_turn(fd)
        return 0

    def _near_turn(self, fd):
        state = self.near[fd]
        if not state[2]:
            error = state[0].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise Failure(f"one of {self.n} connections: {os.strerror(error)}")
            state[0].sendall(self.QUESTION)
            state[2] = True
            self.poller.modify(fd, select.EPOLLIN)
            return 0
        state[1] += len(state[0].recv(4096))
        if state[1] < len(self.QUESTION):
            return 0
        self.poller.unregister(fd)
        return 1

    def close(self):
        for state in self.near.values():
            state[0].close()
        for s in self.far.values():
            s.close()
