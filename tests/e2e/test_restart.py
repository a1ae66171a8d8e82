# SPDX-License-Identifier: BSD-3-Clause
"""A node dies, or is stopped, and starts again."""
import os

from lab.expect import expect, expect_equal, test, wait_until
from lab.site import Workload, workers
from lab.traffic import Ping, expect_no_tcp, expect_ping, expect_tcp


@test
def a_killed_node_starts_again_with_what_it_was_told_over_the_socket(lab):
    site = lab.sluice_site(state=True)
    newcomer = Workload(lab, site.a, 3)
    newcomer.connect(newcomer.name)
    site.a.daemon.apply(("ports.add", newcomer.port_object()),
                        ("endpoints.add", newcomer.endpoint_object(site.a)))
    site.b.daemon.call("endpoints.add", newcomer.endpoint_object(site.b))
    site.b.daemon.call("policies.add", {
        "name": "no-telnet", "network": "blue", "direction": "ingress",
        "subject": {"labels": {"app": "b1"}},
        "ports": [{"protocol": "tcp", "port": 23}], "action": "deny"})
    before = [d.call("config.get") for d in site.daemons]
    for daemon in site.daemons:
        daemon.kill()
        expect(os.path.exists(daemon.socket), "kill -9 left no stale socket; the test tests nothing")
        daemon.start()
    expect_equal([d.call("config.get") for d in site.daemons], before, "configuration")
    expect_ping(newcomer, site.b1.ip)
    expect_tcp(site.a1, site.b1, 24)
    expect_no_tcp(site.a1, site.b1, 23)


@test
def a_node_that_starts_from_nothing_keeps_what_it_is_told(lab):
    site = lab.sluice_site(n_workloads=1, state=True)
    config = site.a.daemon.config
    site.a.daemon.stop()
    bare = {k: config[k] for k in ("node", "workers")}
    objects = {k: v for k, v in config.items() if k not in bare}
    daemon = lab.daemon("bare", bare, site.a.ns, state=True)
    for _ in range(3):
        daemon.start()
        daemon.stop()
    for desired, end in ((objects, daemon.kill), ({}, daemon.stop), (objects, daemon.kill)):
        daemon.start()
        daemon.call("config.replace", {"config": desired})
        before = daemon.call("config.get")
        end()
        daemon.start()
        expect_equal(daemon.call("config.get"), before, "configuration")
        if desired:
            expect_ping(site.a1, site.b1.ip)
        daemon.kill()
    daemon.start()


@test
def a_file_that_gains_objects_changes_nothing_in_a_state_directory(lab):
    bare = {"workers": workers()}
    daemon = lab.daemon("a", bare, None, state=True)
    daemon.start()
    daemon.stop()
    daemon.rewrite({**bare, "networks": [{"name": "late", "vni": 7}]})
    daemon.start()
    expect_equal(daemon.call("networks.list"), [], "networks")
    expect("configuration file gives node and workers only" in daemon.log_tail(), "no notice")
    daemon.call("networks.add", {"name": "told", "vni": 8})
    daemon.kill()
    daemon.start()
    expect_equal([n["name"] for n in daemon.call("networks.list")], ["told"], "networks")


@test
def a_transfer_outlives_the_death_of_its_node(lab):
    site = lab.sluice_site(n_workloads=1, state=True)
    ping = Ping(site.a1, site.b1.ip, 1500, 0.01, "-w", "15")
    site.b.daemon.kill()
    site.b.daemon.start()
    # In the meantime more packets wait for b's answer than there is room for.
    wait_until(lambda: Ping(site.a1, site.b1.ip, 1).result()[1] == 1, "node a does not find b again", 30)
    expect_ping(site.a1, site.b1.ip, 3)
    ping.process.send_signal(2)
    sent, received, text = ping.result()
    expect(received > 0, f"nothing came back: {sent} sent: {text}")


@test
def identities_keep_their_numbers_across_restarts(lab):
    site = lab.sluice_site(state=True)

    def numbers():
        return {e["name"]: e["identity"] for e in site.a.daemon.call("endpoints.list")}

    site.a.daemon.call("endpoints.del", {"name": "b1"})
    before = numbers()
    site.a.daemon.kill()
    site.a.daemon.start()
    expect_equal(numbers(), before, "identities")


@test
def a_node_without_state_starts_from_its_file(lab):
    site = lab.sluice_site(n_workloads=1)
    site.a.daemon.call("endpoints.del", {"name": "b1"})
    site.a.daemon.kill()
    site.a.daemon.start()
    expect_ping(site.a1, site.b1.ip)


@test
def a_stopped_node_ends_cleanly_under_traffic(lab):
    site = lab.sluice_site(n_workloads=1)
    ping = Ping(site.a1, site.b1.ip, 1000, 0.001, "-w", "3")
    expect_ping(site.b1, site.a1.ip)
    site.a.daemon.stop()
    site.a.daemon.start()
    expect_ping(site.a1, site.b1.ip)
    ping.process.kill()
    ping.process.communicate()
