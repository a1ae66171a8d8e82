# SPDX-License-Identifier: BSD-3-Clause
"""The configuration changes over the socket while traffic flows."""
import os
import resource

from lab.daemon import Refused
from lab.expect import Failure, expect, expect_equal, test
from lab.site import Workload
from lab.traffic import Iperf, Ping, expect_ping, expect_tcp


def plug(site, newcomer):
    """Both nodes learn of a new workload of node a."""
    site.a.daemon.apply(("ports.add", newcomer.port_object()),
                        ("endpoints.add", newcomer.endpoint_object(site.a)))
    site.b.daemon.call("endpoints.add", newcomer.endpoint_object(site.b))


def unplug(site, newcomer):
    site.b.daemon.call("endpoints.del", {"name": newcomer.name})
    site.a.daemon.apply(("endpoints.del", {"name": newcomer.name}),
                        ("ports.del", {"name": newcomer.name}))


@test
def a_port_comes_and_goes_while_traffic_on_others_goes_on(lab):
    site = lab.sluice_site()
    newcomer = Workload(lab, site.a, 3)
    newcomer.connect(newcomer.name)
    background = Ping(site.a1, site.b1.ip, 600, 0.005)
    transfer = Iperf(site.a2, site.b2, "-b", "20M", seconds=3)
    for _ in range(4):
        plug(site, newcomer)
        expect_ping(newcomer, site.b1.ip, 3)
        expect_tcp(site.b2, newcomer)
        unplug(site, newcomer)
    background.expect_all()
    transfer.expect_tcp()


@test
def a_port_is_removed_while_its_own_traffic_flows(lab):
    site = lab.sluice_site(n_workloads=1)
    newcomer = Workload(lab, site.a, 3)
    newcomer.connect(newcomer.name)
    for _ in range(4):
        plug(site, newcomer)
        expect_ping(newcomer, site.b1.ip, 1)
        out = Ping(newcomer, site.b1.ip, 300, 0.001, "-w", "1")
        back = Ping(site.b1, newcomer.ip, 300, 0.001, "-w", "1")
        unplug(site, newcomer)
        expect_ping(site.a1, site.b1.ip, 3)
        for ping in (out, back):
            ping.process.kill()
            ping.process.communicate()


@test
def an_endpoint_node_and_network_vanish_in_flight(lab):
    site = lab.sluice_site()
    other = {"name": "red", "vni": 101, "encap": "vxlan"}
    for _ in range(4):
        traffic = Ping(site.a1, site.b1.ip, 300, 0.001, "-w", "1")
        saved = [e for e in site.a.daemon.call("endpoints.list") if e["name"] == "b1"][0]
        site.a.daemon.call("endpoints.del", {"name": "b1"})
        site.a.daemon.call("networks.add", other)
        saved.pop("identity", None)
        site.a.daemon.call("endpoints.add", saved)
        site.a.daemon.call("networks.del", {"name": "red"})
        expect_ping(site.a2, site.b2.ip, 2)
        traffic.process.kill()
        traffic.process.communicate()
    expect_ping(site.a1, site.b1.ip, 2)


@test
def a_refused_transaction_changes_nothing_under_traffic(lab):
    site = lab.sluice_site(n_workloads=1)
    ping = Ping(site.a1, site.b1.ip, 100, 0.005)
    before = site.a.daemon.call("config.get")
    for _ in range(20):
        try:
            site.a.daemon.apply(("endpoints.del", {"name": "b1"}), ("ports.del", {"name": "nothing"}))
        except Refused as e:
            expect(e.error["code"] == -32001, f"refused otherwise: {e}")
        else:
            raise Failure("a transaction that removes a port that is not there was accepted")
    expect_equal(site.a.daemon.call("config.get"), before, "configuration after refusals")
    ping.expect_all()


@test
def config_replace_applies_only_the_difference(lab):
    site = lab.sluice_site(n_workloads=1)
    ping = Ping(site.a1, site.b1.ip, 200, 0.005)
    wanted = site.a.daemon.call("config.get")
    for _ in range(5):
        site.a.daemon.call("config.replace", {"config": wanted})
    expect_equal(site.a.daemon.call("config.get"), wanted, "configuration")
    ping.expect_all()


@test
def a_client_that_dies_or_stalls_disturbs_nobody(lab):
    site = lab.sluice_site(n_workloads=1)
    ping = Ping(site.a1, site.b1.ip, 200, 0.005)
    stalled = site.a.daemon.client()
    for _ in range(50):
        stalled._sock.sendall(b'{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}\n')
        half = site.a.daemon.client()
        half._sock.sendall(b'{"jsonrpc":"2.0","id":1,"method":"endpoints.ad')
        half.close()
        site.a.daemon.call("stats.get")
    ping.expect_all()
    stalled.close()


@test
def what_the_disk_does_not_take_is_taken_back_in_every_table(lab):
    site = lab.sluice_site(state=True)
    daemon, a2 = site.a.daemon, site.a2
    expect_ping(site.a1, site.b1.ip)
    expect_ping(a2, site.b1.ip)
    network, node = daemon.call("networks.list")[0], daemon.call("nodes.list")[0]
    more = {**network, "encap": "geneve", "accepts": ["vxlan"], "reject": True, "outside": {"via": "nat"},
            "subnets": [{"prefix": "10.0.0.0/8", "gateway": "10.255.255.1", "dhcp": True},
                        {"prefix": "fd00::/16"}]}
    operations = (("networks.set", more), ("routes.add", {"prefix": "10.99.0.0/16", "network": network["name"],
                                                          "blackhole": True}),
                  ("nodes.set", {**node, "encaps": [{"encap": "geneve"}], "identity_trust": "claim"}),
                  ("endpoints.set", {**a2.endpoint_object(site.a), "vlan": 7}))
    before, pid = daemon.call("config.get"), daemon.process.pid
    size = max(os.path.getsize(os.path.join(daemon.state, "journal.log")), 1)
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    for _ in range(3):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
        try:
            daemon.apply(*operations)
            raise Failure("the journal took it; the test tests nothing")
        except Refused as e:
            expect("journal" in str(e), f"error: {e}")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        expect_equal(daemon.call("config.get"), before, "the configuration after it was taken back")
        expect_ping(site.a1, site.b1.ip)
        expect_ping(a2, site.b1.ip)
        expect_equal([p.get("encap") for p in daemon.call("nodes.paths")], [None], "what the node asks for")
    daemon.apply(*operations)
    expect_equal(daemon.call("networks.list")[0]["encap"], "geneve", "encapsulation once the disk takes it")
    expect_equal([p.get("encap") for p in daemon.call("nodes.paths")], ["geneve"], "what the node asks for")
    changed = daemon.call("config.get")
    daemon.kill()
    daemon.start()
    expect_equal(daemon.call("config.get"), changed, "the configuration after a restart")
