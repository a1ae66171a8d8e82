# SPDX-License-Identifier: BSD-3-Clause
"""Policy between two sluice nodes: allow, deny, replies, and both ends."""
from lab.daemon import Refused
from lab.expect import expect, expect_equal, test, wait_until
from lab.traffic import (Connection, Listener, expect_no_ping, expect_no_tcp, expect_ping,
                         expect_tcp, expect_udp)

DENY = {"ingress": "deny", "egress": "deny"}
INGRESS_DENY = {"ingress": "deny", "egress": "allow"}


def policy(name, direction, subject, peer, action="allow", port=None, protocol="tcp", network="blue", **more):
    p = {"name": name, "network": network, "direction": direction,
         "subject": {"labels": {"app": subject}}, "peers": [{"labels": {"app": peer}}],
         "action": action, **more}
    if port:
        p["ports"] = [{"protocol": protocol, "port": port}]
    return p


def last_drop(daemon):
    """Only drops by policy: workloads' stacks also send other packets."""
    denied = ["policy_ingress", "policy_egress", "tcp_no_connection", "icmp_unrelated"]
    return wait_until(lambda: daemon.call("drops.recent", {"limit": 1, "reason": denied}),
                      f"{daemon.name} remembers no dropped packet")[0]


@test
def nothing_passes_a_network_that_denies_by_default(lab):
    site = lab.sluice_site(policy_default=DENY)
    expect_no_ping(site.a1, site.b1.ip)
    expect_no_tcp(site.a1, site.a2)
    drop = last_drop(site.a.daemon)
    expect_equal((drop["policy"], drop["reason"]), ("default", "policy_egress"), "drop")
    expect_equal(site.b.daemon.drop("policy_ingress"), 0, "packets judged at the far end")


@test
def an_allowed_port_passes_with_its_replies_and_no_other_does(lab):
    site = lab.sluice_site(policy_default=INGRESS_DENY)
    site.add_everywhere("policies.add", policy("db", "ingress", "b1", "a1", port=5432))
    expect_tcp(site.a1, site.b1, 5432)
    expect_no_tcp(site.a1, site.b1, 5433)
    expect_no_tcp(site.a2, site.b1, 5432)
    expect_no_ping(site.a1, site.b1.ip)
    drop = site.b.daemon.drop("policy_ingress")
    expect(drop >= 3, f"b counted {drop} packets denied at ingress")
    expect_equal(site.a.daemon.drop("policy_egress"), 0, "packets denied at the sender")


@test
def a_reply_is_no_licence_to_open_the_other_way(lab):
    site = lab.sluice_site(n_workloads=1, policy_default=INGRESS_DENY)
    site.add_everywhere("policies.add", policy("db", "ingress", "b1", "a1", port=5432))
    expect_tcp(site.a1, site.b1, 5432)
    expect_no_tcp(site.b1, site.a1, 5432)
    expect_equal(last_drop(site.a.daemon)["reason"], "policy_ingress", "reason at a")


@test
def an_egress_denial_is_decided_at_the_sender(lab):
    site = lab.sluice_site(n_workloads=1)
    site.add_everywhere("policies.add", policy("no-telnet", "egress", "a1", "b1", "deny", 23))
    expect_no_tcp(site.a1, site.b1, 23)
    drop = last_drop(site.a.daemon)
    expect_equal((drop["policy"], drop["reason"], drop["from"]),
                 ("no-telnet", "policy_egress", "a1"), "drop")
    expect_equal((drop["source"], drop["destination"], drop["destination_port"]),
                 (site.a1.ip, site.b1.ip, 23), "drop")
    expect_equal(site.b.daemon.call("drops.recent", {"limit": 1, "reason": ["policy_ingress", "policy_egress"]}), [],
                 "drops seen by b")
    expect_tcp(site.a1, site.b1, 24)


@test
def an_ingress_denial_is_decided_at_the_receiver(lab):
    site = lab.sluice_site(n_workloads=1)
    site.add_everywhere("policies.add", policy("no-web", "ingress", "b1", "a1", "deny", 80))
    expect_no_tcp(site.a1, site.b1, 80)
    drop = last_drop(site.b.daemon)
    expect_equal((drop["policy"], drop["reason"], drop["from"]), ("no-web", "policy_ingress", "a"),
                 "drop")
    expect_equal(site.a.daemon.drop("policy_egress"), 0, "packets denied at the sender")


@test
def both_ends_must_allow(lab):
    site = lab.sluice_site(n_workloads=1, policy_default=DENY)
    out = policy("out", "egress", "a1", "b1", port=5432)
    site.add_everywhere("policies.add", out)
    expect_no_tcp(site.a1, site.b1, 5432)
    expect_equal(last_drop(site.b.daemon)["reason"], "policy_ingress", "who denied")
    site.add_everywhere("policies.add", policy("in", "ingress", "b1", "a1", port=5432))
    expect_tcp(site.a1, site.b1, 5432)


@test
def workloads_of_one_node_are_held_to_policy_as_well(lab):
    site = lab.sluice_site(policy_default=INGRESS_DENY)
    expect_no_tcp(site.a1, site.a2, 80)
    site.a.daemon.call("policies.add", policy("local", "ingress", "a2", "a1", port=80))
    expect_tcp(site.a1, site.a2, 80)
    expect_no_tcp(site.a2, site.a1, 80)


@test
def a_policy_that_changes_stops_an_established_connection_and_lets_it_go_on(lab):
    site = lab.sluice_site(n_workloads=1)
    with Listener(site.b1) as listener, Connection(site.a1, listener) as connection:
        expect(connection.echo(), "a connection that is allowed carries nothing")
        site.add_everywhere("policies.add", policy("stop", "ingress", "b1", "a1", "deny"))
        connection.near.sendall(b"late")
        connection.far.settimeout(0.5)
        try:
            connection.far.recv(10)
            expect(False, "bytes passed after the connection was denied")
        except TimeoutError:
            pass
        expect_equal(last_drop(site.b.daemon)["policy"], "stop", "who denied")
        site.add_everywhere("policies.del", {"name": "stop"})
        connection.far.settimeout(5)
        expect_equal(connection.far.recv(10), b"late", "what was sent meanwhile")


@test
def a_policy_change_elsewhere_leaves_a_transfer_alone(lab):
    site = lab.sluice_site()
    from lab.traffic import Ping
    ping = Ping(site.a1, site.b1.ip, 200, 0.005)
    other = policy("other", "ingress", "b2", "a2", "deny")
    while ping.process.poll() is None:
        site.add_everywhere("policies.add", other)
        site.add_everywhere("policies.del", {"name": "other"})
    ping.expect_all()


@test
def a_udp_policy_says_nothing_about_tcp(lab):
    site = lab.sluice_site(n_workloads=1, policy_default=INGRESS_DENY)
    site.add_everywhere(
        "policies.add", policy("dns", "ingress", "b1", "a1", port=5353, protocol="udp"))
    expect_udp(site.a1, site.b1, 5353)
    expect_no_tcp(site.a1, site.b1, 5353)


@test
def an_admin_denial_beats_a_team_allowance(lab):
    site = lab.sluice_site(n_workloads=1)
    site.add_everywhere("policies.add", policy("team", "ingress", "b1", "a1", priority=1))
    site.add_everywhere(
        "policies.add", policy("admin", "ingress", "b1", "a1", "deny", 80, tier="admin"))
    expect_no_tcp(site.a1, site.b1, 80)
    expect_tcp(site.a1, site.b1, 81)


@test
def an_audited_network_forwards_what_policy_would_deny(lab):
    site = lab.sluice_site(n_workloads=1, policy_default=DENY, policy_mode="audit")
    expect_ping(site.a1, site.b1.ip)
    expect_tcp(site.a1, site.b1)
    for daemon in site.daemons:
        drops = daemon.drops()
        expect_equal((drops.get("policy_egress", 0), drops.get("policy_ingress", 0)), (0, 0),
                     f"packets that policy dropped at {daemon.name}")


def explain(daemon, source, destination, **more):
    return daemon.call("policies.explain", {"source": source, "destination": destination, **more})


@test
def an_explanation_says_what_packets_meet(lab):
    site = lab.sluice_site(policy_default=INGRESS_DENY)
    site.add_everywhere("policies.add", policy("db", "ingress", "b1", "a1", port=5432))
    site.add_everywhere("policies.add", policy("first", "ingress", "b1", "a1", "pass", tier="admin"))
    expect_tcp(site.a1, site.b1, 5432)
    expect_no_tcp(site.a1, site.b1, 5433)
    said = explain(site.b.daemon, "a1", "b1", port=5432)
    expect_equal((said["verdict"], said["ingress"]["here"], said["egress"]["here"]), ("allow", True, False),
                 "explanation of what passes")
    expect_equal([(s["policy"], s["outcome"]) for s in said["ingress"]["steps"]],
                 [("first", "passed"), ("db", "decided")], "policies considered")
    said = explain(site.b.daemon, "a1", "b1", port=5433)
    expect_equal((said["verdict"], said["policy"]), ("deny", "default"), "explanation of what does not pass")
    expect_equal([s["outcome"] for s in said["ingress"]["steps"]], ["passed", "other_ports"], "outcomes")
    expect_equal(explain(site.b.daemon, "a2", "b1", port=5432)["ingress"]["steps"], [],
                 "policies for a workload that none selects")


@test
def an_explanation_refuses_what_cannot_be(lab):
    site = lab.sluice_site(n_workloads=1)
    for params, path in (({"source": "a1", "destination": "b1"}, "port"),
                         ({"source": "nobody", "destination": "b1", "port": 1}, "source"),
                         ({"source": "a1", "destination": "b1", "protocol": "icmpv6"}, "protocol"),
                         ({"source": "a1", "destination": "b1", "port": 1, "source_address": "192.0.2.77"},
                          "source_address")):
        try:
            said = site.a.daemon.call("policies.explain", params)
            expect(False, f"{params} was explained: {said}")
        except Refused as e:
            expect_equal(e.error["data"]["path"], path, f"path of the refusal of {params}")
