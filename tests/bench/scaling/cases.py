# SPDX-License-Identifier: BSD-3-Clause
"""What is measured of the control plane.

Each case is a function of (settings, directory) that returns {figure: number}.
"""
import argparse
import json
import os
import shutil
import statistics
import time

from bench.measuring.daemon import Daemon
from bench.scaling.client import Client, lines_of, transactions
from bench.scaling.world import (config, dotted, endpoint, endpoint_params, identity, network, node,
                                 policy, policy_params)


def daemon_with(args, directory, whole, state=None):
    """sluiced with a configuration, and with a state directory or none."""
    path = os.path.join(directory, "sluiced.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file)
    return Daemon(args.sluiced, directory, path, state)


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


def case_load(args, directory):
    operations = [endpoint(i, args) for i in range(args.endpoints)]
    lines = transactions(operations, args.batch)
    out = {}
    for name, state in (("", None), ("_with_state", os.path.join(directory, "load-state"))):
        with daemon_with(args, directory, config(args), state) as daemon:
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
    with daemon_with(args, directory, config(args), state) as daemon:
        with Client(daemon.socket_path) as client:
            base(client, args)
            load(client, [endpoint(i, args) for i in range(args.endpoints)], args)
            out["load_policies_seconds"] = load(
                client, [policy(i, args) for i in range(args.policies)], args)
    out["state_bytes"] = sum(os.path.getsize(os.path.join(state, f)) for f in os.listdir(state))
    with daemon_with(args, directory, config(args), state) as daemon:
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
    with daemon_with(args, directory, whole) as daemon:
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
        with daemon_with(args, directory, config(args), state) as daemon:
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
    with daemon_with(args, directory, config(args)) as daemon:
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
    with daemon_with(args, directory, config(args)) as daemon:
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
    with daemon_with(args, directory, dict(config(args), ports=[
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
    with daemon_with(args, directory, config(args)) as daemon:
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
