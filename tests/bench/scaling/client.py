# SPDX-License-Identifier: BSD-3-Clause
"""A client that loads much: many objects a transaction, several requests under way."""
import select
import socket
import time

from bench.measuring.daemon import Failure, request, result


class Client:
    """Pipelines lines: keeps a bounded number of requests unanswered."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def run(self, lines, window):
        """Send all lines, each with its answer; the times of all answers, in seconds."""
        sent = answered = offset = 0
        tail = b""
        sent_at, latency = [], []
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        while answered < len(lines):
            want = sent < len(lines) and sent - answered < window
            poller.modify(self._socket, select.POLLIN | (select.POLLOUT if want else 0))
            events = poller.poll(60000)
            if not events:
                raise Failure("no answer for a minute")
            if events[0][1] & select.POLLOUT:
                sent, offset = self._send(lines, sent, offset, answered + window, sent_at)
            if events[0][1] & (select.POLLIN | select.POLLHUP):
                data = self._socket.recv(1 << 20)
                if not data:
                    raise Failure("sluiced closed the connection")
                data = tail + data
                whole = data.rfind(b"\n") + 1
                tail, data = data[whole:], data[:whole]
                if b'"error"' in data:
                    raise Failure(data[:500].decode())
                now, n = time.perf_counter(), data.count(b"\n")
                latency += [now - sent_at[answered + i] for i in range(n)]
                answered += n
        if tail:
            raise Failure("an answer without its end")
        return latency

    def _send(self, lines, sent, offset, limit, sent_at):
        """As much as the socket takes: many short lines go in one call."""
        try:
            if len(lines[sent]) < 4096 and offset == 0:
                end = min(len(lines), limit, sent + 64)
                block = b"".join(lines[sent:end])
            else:
                end, block = sent + 1, memoryview(lines[sent])[offset:]
            if offset == 0:
                sent_at += [time.perf_counter()] * (end - sent)
            n = self._socket.send(block)
        except BlockingIOError:
            del sent_at[sent if offset == 0 else sent + 1:]
            return sent, offset
        while sent < end and n >= len(lines[sent]) - offset:
            n -= len(lines[sent]) - offset
            offset = 0
            sent += 1
        del sent_at[sent + 1 if n + offset else sent:]
        return sent, offset + n

    def call(self, method, params=None):
        self._socket.setblocking(True)
        self._socket.sendall(request(method, params))
        data = b""
        while not data.endswith(b"\n"):
            data += self._socket.recv(1 << 20)
        self._socket.setblocking(False)
        return result(method, data)


def transactions(operations, size):
    """operations: texts of {"method", "params"}; one txn.apply for each `size` of them."""
    head = '{"jsonrpc":"2.0","id":1,"method":"txn.apply","params":{"operations":['
    return [(head + ",".join(operations[i:i + size]) + "]}}\n").encode()
            for i in range(0, len(operations), size)]


def lines_of(method, params):
    return [('{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}\n' % (method, p)).encode()
            for p in params]
