# SPDX-License-Identifier: BSD-3-Clause
"""
Identities on the wire: the kernel's VXLAN-GBP device, whose packets carry the mark that nftables gives them, and two
sluice nodes that disagree.
"""
from lab.encaps import DualNode, DualSite, KernelGbpNode, dual_site, expect_answers
from lab.expect import expect, expect_equal, test
from lab.traffic import expect_no_ping, expect_tcp, new_port

A1, B1, OTHER = 1001, 2002, 3003
GBP = ("gbp",)


def identities(**more):
    """Declared on every node: the numbers of the workloads' labels."""
    numbers = {"a1": A1, "b1": B1, **more}
    return [{"id": n, "labels": {"app": app}} for app, n in numbers.items()]


def gbp_site(lab, **known_as):
    a = DualNode(lab, "a", 1, 1)
    b = KernelGbpNode(lab, "b", 2, options=GBP, **known_as)
    return DualSite(lab, a, b, extra={"identities": identities()}, encap="vxlan-gbp")


@test
def a_kernel_gbp_peer_that_says_the_senders_identity_is_heard(lab):
    site = gbp_site(lab)
    site.b.mark(B1)
    expect_answers(site.b1, site.a1.ip)
    expect_answers(site.b1, site.a1.ip6)
    expect_tcp(site.b1, site.a1)
    expect_equal(site.a.daemon.drop("identity_mismatch"), 0, "identity_mismatch")


@test
def a_kernel_gbp_peer_gets_the_identity_of_the_sender_as_its_mark(lab):
    site = gbp_site(lab)
    site.b.note_marks(A1)
    expect_answers(site.a1, site.b1.ip, count=20)
    expect(site.b.marked() >= 20, f"only {site.b.marked()} packets have mark {A1}")


@test
def a_kernel_gbp_peer_without_a_mark_says_nothing_and_is_heard(lab):
    site = gbp_site(lab)
    expect_answers(site.b1, site.a1.ip)
    expect_answers(site.a1, site.b1.ip)


@test
def a_wrong_identity_is_dropped_and_counted_by_verify(lab):
    site = gbp_site(lab)
    expect_answers(site.b1, site.a1.ip)
    site.b.mark(OTHER)
    sent = 7
    done = site.b1.ns.popen("ping", "-n", "-q", "-c", str(sent), "-i", "0.05", "-W", "1", site.a1.ip,
                            stdout=-1, text=True)
    text = done.communicate()[0]
    expect(" 0 received" in text, f"ping with a wrong identity: {text}")
    expect_equal(site.a.daemon.drop("identity_mismatch"), sent, "identity_mismatch")
    last = site.a.daemon.call("drops.recent", {"limit": 1, "reason": "identity_mismatch"})[0]
    for words in (f"carries identity {OTHER}", "node b", f"endpoint b1 has {B1}"):
        expect(words in last["detail"], f"{words!r} is not in {last['detail']!r}")


def only_from(app):
    """Policies of node a: its workload takes connections of this label only."""
    return ({"name": "in", "network": "blue", "direction": "ingress",
             "subject": {"labels": {"app": "a1"}}, "peers": [{"labels": {"app": app}}],
             "action": "allow"},)


@test
def a_claimed_identity_is_what_policy_sees(lab):
    site = gbp_site(lab, identity_trust="claim")
    site.a.daemon.apply(("identities.add", {"id": OTHER, "labels": {"app": "other"}}),
                        ("networks.set", {**site.network, "policy_default": {"egress": "allow"}}),
                        *(("policies.add", p) for p in only_from("other")))
    expect_no_ping(site.b1, site.a1.ip)  # without a mark it is b1, by the endpoint
    site.b.mark(OTHER)
    expect_answers(site.b1, site.a1.ip)
    expect_tcp(site.b1, site.a1)
    site.b.mark(B1)
    expect_no_ping(site.b1, site.a1.ip)
    expect_equal(site.a.daemon.drop("identity_mismatch"), 0, "identity_mismatch")


@test
def an_ignored_identity_changes_nothing(lab):
    site = gbp_site(lab, identity_trust="ignore")
    site.a.daemon.apply(("networks.set", {**site.network, "policy_default": {"egress": "allow"}}),
                        *(("policies.add", p) for p in only_from("b1")))
    site.b.mark(OTHER)
    expect_answers(site.b1, site.a1.ip)
    expect_equal(site.a.daemon.drop("identity_mismatch"), 0, "identity_mismatch")


@test
def trust_in_a_node_changes_while_it_lies(lab):
    site = gbp_site(lab)
    site.b.mark(OTHER)
    expect_no_ping(site.b1, site.a1.ip)
    site.a.daemon.call("nodes.set", site.b.node_object(identity_trust="ignore"))
    expect_answers(site.b1, site.a1.ip)
    site.a.daemon.call("nodes.set", site.b.node_object())
    expect_no_ping(site.b1, site.a1.ip)


@test
def geneve_carries_identities_of_24_bits(lab):
    wide = {"a1": 0xABCDE1, "b1": 0xABCDE2}
    site = dual_site(lab, extra={"identities": identities(**wide)}, encap="geneve")
    expect_answers(site.a1, site.b1.ip)
    expect_tcp(site.b1, site.a1)
    for daemon in (site.a.daemon, site.b.daemon):
        expect_equal(daemon.drop("identity_mismatch"), 0, "identity_mismatch")
    site.b.daemon.apply(("identities.del", {"id": wide["a1"]}),
                        ("identities.add", {"id": 0xABCDE3, "labels": {"app": "a1"}}))
    expect_no_ping(site.a1, site.b1.ip)
    site.b.daemon.wait_drop("identity_mismatch")


@test
def allocated_identities_are_not_carried_so_nodes_may_number_them_as_they_like(lab):
    site = dual_site(lab, encap="geneve")
    site.b.daemon.apply(("endpoints.del", {"name": "a1"}), ("endpoints.del", {"name": "b1"}))
    site.b.daemon.call("endpoints.add", {**site.b1.endpoint_object(site.b), "labels": {"x": "1"}})
    site.b.daemon.call("endpoints.add", {**site.a1.endpoint_object(site.b), "labels": {"x": "2"}})
    numbers = [e["identity"] for d in (site.a.daemon, site.b.daemon)
               for e in d.call("endpoints.list") if e["name"] == "a1"]
    expect(numbers[0] != numbers[1], f"both nodes gave a1 the same number: {numbers}")
    expect_answers(site.a1, site.b1.ip)
    expect_tcp(site.b1, site.a1, new_port())
