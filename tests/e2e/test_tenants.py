# SPDX-License-Identifier: BSD-3-Clause
"""Two tenants on two nodes whose workloads differ in nothing but their network: same addresses, MACs and labels."""
import json
import os
import subprocess
import zlib

from lab.capture import capture_config
from lab.daemon import Refused
from lab.expect import Failure, expect, expect_equal, test
from lab.site import Workload
from lab.traffic import (Connection, Listener, expect_no_ping, expect_no_tcp, expect_ping,
                         expect_tcp)
from test_policy import DENY, last_drop, policy


class Twin(Workload):
    """The twin in network red of a workload in blue."""

    def __init__(self, lab, twin, number):
        super().__init__(lab, twin.node, number)
        self.mac, self.ip, self.ip6 = twin.mac, twin.ip, twin.ip6
        self._labels = twin.labels

    @property
    def labels(self):
        return self._labels

    def endpoint_object(self, seen_from):
        return {**super().endpoint_object(seen_from), "network": "red"}


def tenants(lab, policy_default, **options):
    """The site, and red's twins of a1 and b1."""
    site = lab.sluice_site(n_workloads=1, policy_default=policy_default, **options)
    twins = [Twin(lab, site.a1, 5), Twin(lab, site.b1, 5)]
    for w in twins:
        w.connect(w.name)
    for node in site.sluices:
        node.daemon.apply(
            ("networks.add", {**site.network, "name": "red", "vni": 200}),
            *(("ports.add", w.port_object()) for w in twins if w.node is node),
            *(("endpoints.add", w.endpoint_object(node)) for w in twins))
    return site, twins[0], twins[1]


def open_port(site, network, port, action="allow"):
    for direction, subject, peer in (("egress", "a1", "b1"), ("ingress", "b1", "a1")):
        site.add_everywhere("policies.add", policy(
            f"{action}-{port}-{direction}", direction, subject, peer, action, port, network=network))


def refused(daemon, method, params):
    try:
        daemon.call(method, params)
    except Refused as e:
        return e.error
    raise Failure(f"{method} {params} was accepted")


@test
def what_is_allowed_in_blue_stays_closed_in_red(lab):
    site, red_a, red_b = tenants(lab, DENY)
    open_port(site, "blue", 80)
    expect_tcp(site.a1, site.b1, 80)
    expect_no_tcp(red_a, red_b, 80)
    drop = last_drop(site.a.daemon)
    expect_equal((drop["network"], drop["policy"], drop["reason"]), ("red", "default", "policy_egress"),
                 "drop")
    open_port(site, "red", 81)
    expect_tcp(red_a, red_b, 81)
    expect_no_tcp(site.a1, site.b1, 81)
    expect_no_tcp(red_a, red_b, 80)


@test
def what_is_denied_in_red_stays_open_in_blue(lab):
    site, red_a, red_b = tenants(lab, {"ingress": "allow", "egress": "allow"})
    with Listener(site.b1) as listener, Connection(site.a1, listener) as connection:
        site.add_everywhere("policies.add", policy("stop", "ingress", "b1", "a1", "deny", network="red"))
        expect(connection.echo(), "a connection in blue was stopped by a policy of red")
        expect_ping(site.a1, site.b1.ip)
        expect_no_ping(red_a, red_b.ip)
        drop = last_drop(site.b.daemon)
        expect_equal((drop["network"], drop["policy"]), ("red", "stop"), "drop")
        site.add_everywhere("policies.set", policy("stop", "ingress", "b1", "a1", "deny", network="*"))
        expect_no_ping(site.a1, site.b1.ip)


@test
def a_policy_is_for_the_networks_of_its_list_and_one_of_all_for_each(lab):
    site, red_a, red_b = tenants(lab, DENY)
    open_port(site, ["blue", "red"], 80)
    open_port(site, "*", 81)
    for client, server in ((site.a1, site.b1), (red_a, red_b)):
        expect_tcp(client, server, 80)
        expect_tcp(client, server, 81)
        expect_no_tcp(client, server, 82)


@test
def the_socket_holds_policies_to_their_networks(lab):
    site, _, _ = tenants(lab, DENY)
    daemon = site.a.daemon
    nameless = policy("p", "egress", "a1", "b1")
    del nameless["network"]
    green = policy("p", "egress", "a1", "b1", network="green")
    config = daemon.call("config.get")
    for method, bad, path in (("policies.add", nameless, "network"),
                              ("txn.apply", {"operations": [{"method": "policies.add", "params": nameless}]},
                               "operations[0].params.network"),
                              ("config.replace", {"config": {**config, "policies": [nameless]}},
                               "config.policies[0].network")):
        error = refused(daemon, method, bad)
        expect_equal(error["data"]["path"], path, f"{method}: path")
        expect('"network": "*"' in error["data"]["hint"], f"{method}: hint: {error}")
    for method, bad in (("policies.add", green),
                        ("txn.apply", {"operations": [{"method": "policies.add", "params": green}]}),
                        ("config.replace", {"config": {**config, "policies": [green]}})):
        error = refused(daemon, method, bad)
        expect('policy "p" refers to network "green", which does not exist' in error["message"],
               f"{method}: {error}")
    open_port(site, "red", 80)
    error = refused(daemon, "networks.del", {"name": "red"})
    expect('policy "allow-80-egress"' in error["message"], f"networks.del: {error}")


@test
def sluicectl_takes_and_shows_the_networks_of_a_policy(lab):
    site, _, _ = tenants(lab, DENY)

    def ctl(*words):
        return subprocess.run((lab.sluicectl, "--socket", site.a.daemon.socket) + words, capture_output=True,
                              text=True, timeout=60, check=True).stdout

    for name, network, listed in (("one", "blue", "blue"), ("two", "blue,red", ["blue", "red"]),
                                  ("all", "*", "*"), ("json", '["red"]', "red")):
        ctl("policies", "add", f"name={name}", f"network={network}", "direction=egress",
            "subject.labels=app=a1", "action=allow")
        one = json.loads(ctl("-j", "policies", "get", name))
        expect_equal(one["network"], listed, f"network of {name}")
        one.pop("matched")
        ctl("policies", "set", json.dumps(one))
    table = ctl("policies", "list").splitlines()
    expect("NETWORK" in table[0], f"columns: {table[0]}")
    expect(any(row.startswith("two ") and "blue,red" in row for row in table), f"rows: {table}")


@test
def a_remembered_drop_keeps_the_names_of_its_time(lab):
    """Numbers of policies and networks are reused; listings of blue's packets never show red's
    names."""
    site, red_a, red_b = tenants(lab, {"ingress": "allow", "egress": "allow"})
    daemon = site.a.daemon
    daemon.call("policies.add", policy("stop", "egress", "a1", "b1", "deny", network="red"))
    expect_no_ping(red_a, red_b.ip)
    before = last_drop(daemon)
    expect_equal((before["network"], before["policy"], before["from"]), ("red", "stop", "a5"), "drop")
    daemon.apply(*(("policies.add", policy(f"new-{i}", "egress", "x", "y")) for i in range(200)),
                 ("policies.del", {"name": "stop"}))
    daemon.apply(*(("policies.del", {"name": f"new-{i}"}) for i in range(100)))
    daemon.apply(*(("policies.add", policy(f"later-{i}", "egress", "x", "y")) for i in range(100)))
    daemon.apply(("endpoints.del", {"name": "a5"}), ("endpoints.del", {"name": "b5"}),
                 ("ports.del", {"name": "a5"}), ("networks.del", {"name": "red"}))
    after = [d for d in daemon.call("drops.recent", {"limit": 100}) if d["sequence"] == before["sequence"]]
    expect_equal(after, [before], "the same packet")


@test
def a_node_started_again_keeps_each_policy_to_its_network(lab):
    site, red_a, red_b = tenants(lab, DENY, state=True)
    open_port(site, "blue", 80)
    open_port(site, ["red"], 81)
    for daemon in site.daemons:
        daemon.kill()
        daemon.start()
    expect_tcp(site.a1, site.b1, 80)
    expect_no_tcp(red_a, red_b, 80)
    expect_tcp(red_a, red_b, 81)
    expect_no_tcp(site.a1, site.b1, 81)


def older_state(lab):
    """A daemon whose state directory has a policy of before policies had networks."""
    daemon = lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1,no-rx=1"), state=True)
    old = {"name": "old", "tier": "team", "priority": 7, "direction": "egress",
           "subject": {"labels": {"app": "web"}}, "action": "allow"}
    text = json.dumps({"version": 1, "seq": 3, "config": {"policies": [old]}}, separators=(",", ":"))[:-1]
    with open(os.path.join(daemon.state, "snapshot.json"), "w", encoding="utf-8") as f:
        f.write(f'{text},"crc":"{zlib.crc32(text.encode()):08x}"}}\n')
    return daemon


@test
def a_state_from_before_policies_had_networks_is_read_with_a_standing_notice(lab):
    daemon = older_state(lab)

    def notices():
        return [(n["collection"], n["name"]) for n in daemon.call("notices.list")
                if n["code"] == "policy_network"]

    for _ in range(2):
        daemon.start()
        listed = daemon.call("policies.get", {"name": "old"})
        expect_equal(listed["network"], "*", "network of a policy from before")
        expect_equal(notices(), [("policies", "old")], "notices")
        daemon.stop()
    daemon.start()
    listed.pop("matched")
    daemon.call("policies.set", listed)
    expect_equal(notices(), [], "notices once somebody has said it")
    daemon.stop()
    daemon.start()
    expect_equal(notices(), [], "notices after a start")
    expect_equal(daemon.call("policies.get", {"name": "old"})["network"], "*", "network")


@test
def policies_from_before_they_had_networks_are_all_kept_by_sending_the_state_back(lab):
    daemon = older_state(lab)
    daemon.start()
    expect(any("sluicectl config replace f" in n["hint"] for n in daemon.call("notices.list")), "no hint")

    def ctl(*words):
        return subprocess.run((lab.sluicectl, "--socket", daemon.socket) + words, capture_output=True,
                              text=True, timeout=60, check=True).stdout

    path = lab.file("all.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(ctl("-j", "config", "get"))
    ctl("config", "replace", path)
    for _ in range(2):
        expect_equal([n for n in daemon.call("notices.list") if n["code"] == "policy_network"], [], "notices")
        expect_equal(daemon.call("policies.get", {"name": "old"})["network"], "*", "network")
        daemon.stop()
        daemon.start()
