#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How the control plane scales: loading, starting, commits a second, memory an object.

Runs a sluiced of its own on a null device and talks to its socket as a good client would: many
objects a transaction, several requests under way. Cases: load, start, commits, rules, nodes, memory.
"""
import argparse
import json
import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 300


class Failure(Exception):
    """The measurement cannot go on; the text says why."""


class Daemon:
    """A sluiced with a state directory or without, for as long as the with-block lasts."""

    def __init__(self, binary, directory, config, state=None):
        self.socket_path = os.path.join(directory, "sluiced.sock")
        self._log = os.path.join(directory, "sluiced.log")
        self._config = os.path.join(directory, "sluiced.json")
        with open(self._config, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self._argv = [binary, "--config", self._config, "--socket", self.socket_path]
        if state:
            self._argv += ["--state", state]
        self._process = None
        self.start_seconds = 0.0

    def __enter__(self):
        begin = time.monotonic()
        with open(self._log, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.PIPE, stderr=log)
        while time.monotonic() < begin + START_SECONDS:
            if select.select([self._process.stdout], [], [], 0.05)[0]:
                line = self._process.stdout.readline()
                if b"ready" in line:
                    self.start_seconds = time.monotonic() - begin
                    return self
                if not line:
                    break
        self.__exit__()
        with open(self._log, encoding="utf-8") as log:
            raise Failure(f"sluiced did not start: {log.read().strip()}")

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self._process.pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise Failure("no VmRSS")

    def cpu_seconds(self):
        """Of the control thread, which is the process's first."""
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/stat",
                  encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
        line = request(method, params if params is not None else {})
        self._socket.setblocking(True)
        self._socket.sendall(line)
        data = b""
        while not data.endswith(b"\n"):
            data += self._socket.recv(1 << 20)
        self._socket.setblocking(False)
        answer = json.loads(data)
        if "error" in answer:
            raise Failure(f"{method}: {answer['error']['message']}")
        return answer["result"]


def request(method, params, number=1):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params},
                      separators=(",", ":")).encode() + b"\n"


def transactions(operations, size):
    """operations: texts of {"method", "params"}; one txn.apply for each `size` of them."""
    head = '{"jsonrpc":"2.0","id":1,"method":"txn.apply","params":{"operations":['
    return [(head + ",".join(operations[i:i + size]) + "]}}\n").encode()
            for i in range(0, len(operations), size)]


# The world: names and numbers follow from indexes.

def config(args):
    return {
        "node": {"name": "here", "tunnel_addresses": ["192.0.2.1"]},
        "workers": {"cores": [args.core], "idle": "adaptive", "hugepages": args.hugepages,
                    "memory_mb": 256, "max_flows": 65536, "packet_buffers": 8192},
        "ports": [{"name": "up", "role": "underlay", "devargs": "net_null0,no-rx=1",
                   "addresses": ["192.0.2.1/24"]},
                  {"name": "local", "role": "access", "devargs": "net_null1,no-rx=1"}],
        "neighbors": [{"port": "up", "address": "192.0.2.254", "mac": "02:00:00:00:00:fe"}],
        "routes": [{"prefix": "172.16.0.0/12", "via": "192.0.2.254"}],
    }


def network(i):
    return ('{"method":"networks.add","params":{"name":"net-%d","vni":%d,'
            '"subnets":[{"prefix":"10.0.0.0/8"}]}}' % (i, 100 + i))


def node(i, verb="add"):
    address = (172 << 24) + (16 << 16) + 256 + i
    return '{"method":"nodes.%s","params":{"name":"node-%d","address":"%s"}}' % (
        verb, i, dotted(address))


def dotted(address):
    return "%d.%d.%d.%d" % (address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255)


def identity(i):
    return '{"method":"identities.add","params":{"id":%d,"labels":{"app":"app-%d"}}}' % (256 + i, i)


def endpoint_params(i, args, mac=2):
    per_network = -(-args.endpoints // args.networks)
    return ('{"name":"ep-%d","network":"net-%d","node":"node-%d","mac":"%02x:00:%02x:%02x:%02x:%02x",'
            '"addresses":["%s"],"labels":{"app":"app-%d"}}' % (
                i, i // per_network, i % args.nodes, mac, i >> 24, i >> 16 & 255, i >> 8 & 255,
                i & 255, dotted((10 << 24) + 1 + i % per_network), i % args.identities))


def endpoint(i, args, verb="add"):
    return '{"method":"endpoints.%s","params":%s}' % (verb, endpoint_params(i, args))


def policy_params(i, args, action="allow"):
    """Rule i: one subject, one peer, one port; each pair of identities gets another."""
    n = args.identities
    return ('{"name":"rule-%d","network":"net-%d","direction":"ingress","priority":%d,"subject":'
            '{"labels":{"app":"app-%d"}},"peers":[{"labels":{"app":"app-%d"}}],"ports":'
            '[{"protocol":"tcp","port":%d}],"action":"%s"}' % (
                i, i // n % args.networks, i % 1000, i % n, (i // n * 7 + i + 1) % n,
                1 + i % 65535, action))


def policy(i, args, verb="add", action="allow"):
    return '{"method":"policies.%s","params":%s}' % (verb, policy_params(i, args, action))


def lines_of(method, params):
    return [('{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}\n' % (method, p)).encode()
            for p in params]


def load(client, operations, args):
    """Seconds until the last of the operations was answered."""
    lines = transactions(operations, args.batch)
    begin = time.perf_counter()
    client.run(lines, args.window)
    return time.perf_counter() - begin


def base(client, args):
    load(client, [network(i) for i in range(args.networks)] +
         [node(i) for i in range(args.nodes)], args)
    if args.declare:
        load(client, [identity(i) for i in range(args.identities)], args)


# Cases. Each returns {figure: number}.

def case_load(args, directory):
    operations = [endpoint(i, args) for i in range(args.endpoints)]
    lines = transactions(operations, args.batch)
    out = {}
    for name, state in (("", None), ("_with_state", os.path.join(directory, "load-state"))):
        with Daemon(args.sluiced, directory, config(args), state) as daemon:
            with Client(daemon.socket_path) as client:
                base(client, args)
                before, cpu = daemon.memory(), daemon.cpu_seconds()
                begin = time.perf_counter()
                client.run(lines, args.window)
                out["load_seconds" + name] = time.perf_counter() - begin
                out["load_cpu_seconds" + name] = daemon.cpu_seconds() - cpu
                if not state:
                    out["bytes_per_endpoint"] = (daemon.memory() - before) / args.endpoints
    return out


def case_start(args, directory):
    state = os.path.join(directory, "start-state")
    out = {}
    with Daemon(args.sluiced, directory, config(args), state) as daemon:
        with Client(daemon.socket_path) as client:
            base(client, args)
            load(client, [endpoint(i, args) for i in range(args.endpoints)], args)
            out["load_policies_seconds"] = load(
                client, [policy(i, args) for i in range(args.policies)], args)
    out["state_bytes"] = sum(os.path.getsize(os.path.join(state, f)) for f in os.listdir(state))
    with Daemon(args.sluiced, directory, config(args), state) as daemon:
        out["start_from_state_seconds"] = daemon.start_seconds
        out["start_from_state_cpu_seconds"] = daemon.cpu_seconds()
        out["memory_after_start"] = daemon.memory()
    shutil.rmtree(state)
    whole = config(args)
    for name, make, n in (("networks", network, args.networks), ("nodes", node, args.nodes)):
        whole[name] = [json.loads(make(i))["params"] for i in range(n)]
    if args.declare:
        whole["identities"] = [json.loads(identity(i))["params"] for i in range(args.identities)]
    whole["endpoints"] = [json.loads(endpoint_params(i, args)) for i in range(args.endpoints)]
    whole["policies"] = [json.loads(policy_params(i, args)) for i in range(args.policies)]
    with Daemon(args.sluiced, directory, whole) as daemon:
        out["start_from_config_seconds"] = daemon.start_seconds
        out["start_from_config_cpu_seconds"] = daemon.cpu_seconds()
    return out


def rate(client, make, n, window=64):
    """Commits a second, and milliseconds to an answer with one request under way.

    make(i): the lines of step i; no step may leave things as they were, ever."""
    lines = [line for i in range(n) for line in make(i)]
    begin = time.perf_counter()
    client.run(lines, window)
    seconds = time.perf_counter() - begin
    alone = sorted(client.run([line for i in range(n, n + 500) for line in make(i)], 1))
    return {"per_second": len(lines) / seconds, "p50_ms": statistics.median(alone) * 1e3,
            "p99_ms": alone[int(len(alone) * 0.99)] * 1e3}


SPARE = json.dumps({"name": "spare", "network": "net-0", "node": "node-0",
                    "mac": "02:00:00:00:00:01", "addresses": ["10.255.0.1"],
                    "labels": {"app": "app-0"}})


def add_and_del(collection, params):
    name = json.loads(params)["name"]
    return (lines_of(f"{collection}.add", [params]) +
            lines_of(f"{collection}.del", ['{"name":"%s"}' % name]))


def commit_cases(args, rules):
    """Name -> what makes the lines of step i."""
    cases = {
        "endpoints_set": lambda i: lines_of("endpoints.set", [endpoint_params(
            i % args.endpoints, args, 2 + 4 * (1 + (i // args.endpoints + rules + rules // 1000) % 60))]),
        "endpoints_add_del": lambda i: add_and_del("endpoints", SPARE),
        "endpoints_new_labels": lambda i: add_and_del("endpoints", SPARE.replace("app-0", f"new-{i}")),
    }
    if rules:
        cases["policies_set"] = lambda i: lines_of("policies.set", [policy_params(
            i % rules, args).replace('"priority":', '"priority":%d' % (
                1 + (i // rules + 7 * len(str(rules))) % 60))])
    return cases


def case_commits(args, directory):
    out = {}
    for state in (None, os.path.join(directory, "commit-state")):
        with Daemon(args.sluiced, directory, config(args), state) as daemon:
            with Client(daemon.socket_path) as client:
                base(client, args)
                load(client, [endpoint(i, args) for i in range(args.endpoints)], args)
                done = 0
                for rules in args.rules:
                    load(client, [policy(i, args) for i in range(done, rules)], args)
                    done = rules
                    suffix = f"_{rules}_rules" + ("_with_state" if state else "")
                    for name, make in commit_cases(args, rules).items():
                        for key, value in rate(client, make, args.commits).items():
                            out[f"{name}{suffix}_{key}"] = value
    return out


def case_rules(args, directory):
    out = {}
    with Daemon(args.sluiced, directory, config(args)) as daemon:
        with Client(daemon.socket_path) as client:
            base(client, args)
            load(client, [endpoint(i, args) for i in range(args.endpoints)], args)
            done = 0
            for rules in args.many_rules:
                before = daemon.memory()
                out[f"to_{rules}_rules_seconds"] = load(
                    client, [policy(i, args) for i in range(done, rules)], args)
                out[f"to_{rules}_rules_bytes_each"] = (daemon.memory() - before) / (rules - done)
                done = rules
                make = commit_cases(args, rules)["policies_set"]
                for key, value in rate(client, make, args.commits).items():
                    out[f"policies_set_{rules}_rules_{key}"] = value
    return out


def case_nodes(args, directory):
    out = {}
    small = argparse.Namespace(**vars(args))
    small.nodes, small.endpoints = 1, 1000
    with Daemon(args.sluiced, directory, config(args)) as daemon:
        with Client(daemon.socket_path) as client:
            base(client, small)
            before = daemon.memory()
            out["nodes_seconds"] = load(client, [node(i) for i in range(1, args.many_nodes)], args)
            out["bytes_per_node"] = (daemon.memory() - before) / (args.many_nodes - 1)
            load(client, [endpoint(i, small) for i in range(small.endpoints)], args)
            for name, make in commit_cases(small, 0).items():
                for key, value in rate(client, make, args.commits).items():
                    out[f"{name}_{args.many_nodes}_nodes_{key}"] = value
            spare = '{"name":"spare","address":"172.31.255.1"}'
            for key, value in rate(client, lambda i: add_and_del("nodes", spare),
                                   args.commits // 20).items():
                out[f"nodes_add_del_{args.many_nodes}_nodes_{key}"] = value
    with Daemon(args.sluiced, directory, dict(config(args), ports=[
            {"name": "up", "role": "underlay", "devargs": "net_null0,no-rx=1",
             "addresses": ["172.16.0.1/12"]},
            {"name": "local", "role": "access", "devargs": "net_null1,no-rx=1"}],
            neighbors=[], routes=[])) as daemon:
        with Client(daemon.socket_path) as client:
            n = args.many_nodes
            before = daemon.memory()
            out["static_neighbors_seconds"] = load(client, [
                '{"method":"neighbors.add","params":{"port":"up","address":"%s",'
                '"mac":"02:01:00:%02x:%02x:%02x"}}' % (
                    dotted((172 << 24) + (16 << 16) + 256 + i), i >> 16, i >> 8 & 255, i & 255)
                for i in range(n)], args)
            out["bytes_per_static_neighbor"] = (daemon.memory() - before) / n
            out["nodes_of_neighbors_seconds"] = load(client, [node(i) for i in range(n)], args)
    return out


def case_memory(args, directory):
    out = {}
    with Daemon(args.sluiced, directory, config(args)) as daemon:
        out["idle_bytes"] = daemon.memory()
        with Client(daemon.socket_path) as client:
            for name, make, n in (("network", network, args.networks), ("node", node, args.nodes),
                                  ("identity", identity, args.identities),
                                  ("endpoint", lambda i: endpoint(i, args), args.endpoints),
                                  ("policy", lambda i: policy(i, args), args.policies)):
                before = daemon.memory()
                load(client, [make(i) for i in range(n)], args)
                out[f"bytes_per_{name}"] = (daemon.memory() - before) / n
        out["all_bytes"] = daemon.memory()
    return out


CASES = {"load": case_load, "start": case_start, "commits": case_commits, "rules": case_rules,
         "nodes": case_nodes, "memory": case_memory}


def parse(argv):
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("case", nargs="*", choices=[[], *CASES], help="default: load")
    p.add_argument("--sluiced", default=os.path.join(ROOT, "build", "sluiced"))
    p.add_argument("--json", action="store_true", help="figures as JSON")
    p.add_argument("--endpoints", type=int, default=1000000)
    p.add_argument("--nodes", type=int, default=1000)
    p.add_argument("--many-nodes", type=int, default=100000)
    p.add_argument("--networks", type=int, default=4)
    p.add_argument("--identities", type=int, default=250)
    p.add_argument("--declare", action="store_true", help="declare identities beforehand")
    p.add_argument("--policies", type=int, default=100000)
    p.add_argument("--rules", type=int, nargs="+", default=[1000, 10000])
    p.add_argument("--many-rules", type=int, nargs="+", default=[10, 1000, 100000, 1000000])
    p.add_argument("--commits", type=int, default=20000)
    p.add_argument("--batch", type=int, default=1000, help="objects a transaction")
    p.add_argument("--window", type=int, default=8, help="requests under way")
    p.add_argument("--core", type=int, default=1)
    p.add_argument("--hugepages", default="off")
    args = p.parse_args(argv)
    args.case = args.case or ["load"]
    return args


def main(argv):
    args = parse(argv)
    out = {"setup": {k: v for k, v in vars(args).items() if k not in ("case", "json", "sluiced")}}
    with tempfile.TemporaryDirectory(prefix="sluice-scale-") as directory:
        for name in args.case:
            out[name] = CASES[name](args, directory)
            if not args.json:
                for key, value in out[name].items():
                    print(f"{name:8} {key:55} {value:15,.3f}", flush=True)
    if args.json:
        json.dump(out, sys.stdout, indent=1)
        print()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit(f"scale: {failure}")
