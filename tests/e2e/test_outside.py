# SPDX-License-Identifier: BSD-3-Clause
"""Ways out of a network: translation, the host, an egress node; and what comes back."""
import re
import signal
import socket
import subprocess
import time

from lab.document import ROOT, Shell
from lab.expect import expect, expect_equal, test, wait_until
from lab.net import link
from lab.outside import (FROM_WORLD, NAT, ON_LINK, ON_LINK6, SERVER, SERVER6, TO_SERVER, TO_WORLD, End, Outside,
                         expect_echo, nat_site, sources_of)
from lab.traffic import Iperf, expect_no_ping, expect_no_tcp, expect_ping, expect_tcp, expect_udp


@test
def a_workload_reaches_a_server_by_translation(lab):
    site = nat_site(lab)
    a = site.a
    for ip in (SERVER, ON_LINK):
        expect_ping(a.web, ip)
    for ip in (SERVER6, ON_LINK6):
        expect_ping(a.web6, ip)
    for client, server in ((a.web, site.server), (a.web6, site.server6), (a.web, site.near)):
        expect_tcp(client, server)
        expect(expect_echo(client, server) in (a.address, a.address6), "the source is not this node")
    text = sources_of(site.ns, lambda: expect_ping(a.web, SERVER))
    expect(f"IP {a.address} > {SERVER}" in text, f"not from the node's address: {text[:500]}")
    expect("10.0.0." not in text, f"a workload's address is on the wire: {text[:500]}")
    rows = [f for f in a.daemon.call("flows.list")["flows"] if f["destination"] == SERVER]
    expect(rows and all("rewritten" in f for f in rows), f"flows do not say both tuples: {rows[:2]}")
    a.daemon.expect_sum()


@test
def the_world_is_denied_by_default_and_allowed_by_entity_or_cidr(lab):
    site = nat_site(lab, policies=())
    a = site.a
    expect_no_ping(a.web, SERVER)
    a.daemon.wait_drop("policy_egress")
    expect_no_tcp(a.web, site.server)
    a.daemon.call("policies.add", TO_SERVER)
    expect_tcp(a.web, site.server)
    expect_tcp(a.web6, site.server6)
    expect_no_ping(a.web, ON_LINK)  # not in the prefix
    a.daemon.call("policies.del", {"name": "to-server"})
    expect_no_ping(a.web, SERVER)
    a.daemon.call("policies.add", TO_WORLD)
    expect_ping(a.web, ON_LINK)


@test
def nobody_outside_reaches_a_workload_or_opens_a_connection(lab):
    site = nat_site(lab, policies=(TO_WORLD, FROM_WORLD))
    a = site.a
    expect_ping(a.web, SERVER)
    expect_ping(site.near, a.address)  # the node's own ping goes on
    before = a.daemon.drop("nat_unknown")
    s = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for port in range(2000, 2050):
        s.sendto(b"x", (a.address, port))
    s.close()
    wait_until(lambda: a.daemon.drop("nat_unknown") == before + 50, lambda: f"{a.daemon.drops()}", 3)
    site.ns.run("ip", "route", "add", "10.0.0.0/24", "via", a.address)
    expect_no_ping(site.near, a.web.ip)
    a.daemon.expect_sum()


@test
def traceroute_and_icmp_errors_pass_translated(lab):
    site = nat_site(lab)
    a = site.a
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((SERVER, 9))
    for _ in range(5):  # nobody listens: ICMP port unreachable
        try:
            s.send(b"x")
            s.settimeout(1)
            s.recv(10)
        except ConnectionRefusedError:
            break
        except (socket.timeout, TimeoutError):
            continue
    else:
        raise AssertionError(f"no ICMP error arrived: {a.daemon.drops()}")
    s.close()


@test
def exhaustion_is_a_named_drop_and_ends_with_the_connections(lab):
    site = nat_site(lab, outside={**NAT, "ports": "40000-40003"})
    a = site.a
    held = []
    for _ in range(4):
        s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((SERVER, 53))
        s.send(b"x")
        held.append(s)
    time.sleep(0.2)
    expect_equal(a.daemon.drop("nat_exhausted"), 0, "nat_exhausted")
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((SERVER, 53))
    s.send(b"x")
    a.daemon.wait_drop("nat_exhausted")
    s.connect((SERVER, 54))  # another remote port has ports of its own
    before = a.daemon.drop("nat_exhausted")
    s.send(b"x")
    time.sleep(0.2)
    expect_equal(a.daemon.drop("nat_exhausted"), before, "nat_exhausted")
    wait_until(lambda: any(n["code"] == "nat_exhausted" for n in a.daemon.call("notices.list")),
               lambda: f"no notice: {a.daemon.call('notices.list')}", 5)
    for s in held:
        s.close()
    for flow in a.daemon.call("flows.list")["flows"]:
        if flow["destination_port"] == 53:
            a.daemon.call("flows.del", {k: flow[k] for k in ("network", "source", "destination", "source_port",
                                                             "destination_port", "protocol")})
    time.sleep(0.5)
    before = a.daemon.drop("nat_exhausted")
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((SERVER, 53))
    s.send(b"x")
    time.sleep(0.3)
    expect_equal(a.daemon.drop("nat_exhausted"), before, "nat_exhausted after the connections ended")


@test
def a_connection_with_its_own_port_goes_on_after_a_restart(lab):
    site = nat_site(lab)
    a = site.a
    server = site.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind((SERVER, 0))
    server.listen(1)
    client = a.web_ns.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(server.getsockname())
    peer, address = server.accept()
    expect_equal(address, (a.address, client.getsockname()[1]), "the translated source")
    a.daemon.stop()
    a.daemon.start()
    a.configure_web()
    client.settimeout(10)
    peer.settimeout(10)
    client.send(b"after")
    expect_equal(peer.recv(10), b"after", "data after the restart")
    peer.send(b"back")
    expect_equal(client.recv(10), b"back", "data back")
    for s in (client, peer, server):
        s.close()


@test
def a_workload_reaches_a_server_by_an_egress_node(lab):
    site = Outside(lab)
    a = site.add("a", outside={"via": "node", "node": "b"})
    b = site.add("b", outside=NAT)
    site.start()
    expect_ping(a.web, SERVER)
    expect_tcp(a.web, site.server)
    expect_echo(a.web, site.server)
    expect_ping(a.web6, SERVER6)
    text = sources_of(site.ns, lambda: expect_ping(a.web, SERVER))
    expect(f"IP {b.address} > {SERVER}" in text, f"not from the egress node: {text[:500]}")
    a.daemon.call("policies.del", {"name": "to-world"})
    expect_no_ping(a.web, SERVER)
    a.daemon.wait_drop("policy_egress")
    for n in site.nodes:
        n.daemon.expect_sum()


@test
def a_workload_reaches_a_server_by_the_host_and_back(lab):
    site = Outside(lab)
    a = site.add("a", outside={"via": "host", "endpoint": "host-a"}, host=True, policies=(TO_WORLD, FROM_WORLD))
    site.start()
    link(a.ns, "wan", site.ns, "to-wan")
    site.ns.run("ip", "addr", "add", "203.0.113.2/24", "dev", "to-wan")
    a.ns.run("ip", "addr", "add", "203.0.113.1/24", "dev", "wan")
    a.ns.run("ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.2")
    a.ns.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    site.ns.run("ip", "route", "add", "10.0.0.0/24", "via", "203.0.113.1")
    wait_until(lambda: a.host.ip in a.ns.run("ip", "-4", "addr", "show", "dev", "blue-h"),
               lambda: f"no address: {a.ns.run('ip', 'addr')}", 10)
    expect_ping(a.web, SERVER)
    expect_tcp(a.web, site.server)
    far = End(site.ns, "server", SERVER)
    expect_ping(far, a.web.ip)  # the world opens
    expect_tcp(far, a.web)
    a.daemon.call("policies.del", {"name": "from-world"})
    expect_no_ping(far, a.web.ip)
    a.daemon.wait_drop("policy_ingress")
    a.daemon.expect_sum()


@test
def with_a_host_tap_the_kernel_keeps_what_is_not_a_workloads(lab):
    site = nat_site(lab, host_tap=True)
    a = site.a
    wait_until(lambda: a.address in a.ns.run("ip", "-4", "addr", "show", "dev", "up0h"),
               lambda: f"no address: {a.ns.run('ip', 'addr')}", 10)
    host = End(a.ns, "host", a.address)
    expect_ping(a.web, ON_LINK)
    expect_tcp(a.web, site.near)
    expect_tcp(site.near, host)
    expect_tcp(host, site.near)
    expect_ping(host, ON_LINK)
    a.ns.run("ip", "route", "add", "203.0.113.0/24", "via", ON_LINK, "dev", "up0h")
    site.ns.run("ip", "addr", "add", "203.0.113.9/32", "dev", "lo")
    expect_ping(a.web, "203.0.113.9")  # a route that only the kernel has
    a.daemon.expect_sum()


@test
def a_network_without_encapsulation_is_on_the_underlay_as_it_is(lab):
    site = Outside(lab)
    between = {"name": "between", "network": "blue", "direction": "ingress", "subject": {"labels": {"app": "web"}},
               "peers": [{"labels": {"app": "web"}}], "action": "allow"}
    out = {"name": "out", "network": "blue", "direction": "egress", "subject": {"labels": {"app": "web"}},
           "action": "allow"}
    a, b = (site.add(n, more={"encap": "none"}, policies=(out, FROM_WORLD, between)) for n in "ab")
    site.start()
    for n in (a, b):
        site.ns.run("ip", "route", "add", f"{n.web.ip}/32", "via", n.address)
        site.ns.run("ip", "-6", "route", "add", f"{n.web6.ip}/128", "via", n.address6)
    expect_ping(a.web, SERVER)
    expect_ping(a.web6, SERVER6)
    expect_tcp(a.web, site.server)
    expect_tcp(a.web, site.near)
    expect_equal(expect_echo(a.web, site.server), a.web.ip, "the source that the server sees")
    expect_ping(site.server, a.web.ip)  # the world opens
    expect_tcp(site.near, a.web)
    expect_ping(a.web, b.web.ip)
    expect_tcp(a.web, b.web)
    expect_tcp(b.web, a.web)
    a.daemon.call("policies.del", {"name": "from-world"})
    expect_no_ping(site.near, a.web.ip)
    a.daemon.wait_drop("policy_ingress")
    a.daemon.call("policies.del", {"name": "out"})
    expect_no_ping(a.web, SERVER)
    for n in site.nodes:
        n.daemon.expect_sum()


@test
def the_runbook_of_exhausted_translation_does_what_it_shows(lab):
    shell = Shell(lab)
    try:
        run_blocks, _ = shell.follow("docs/runbooks/nat-exhausted.md")
        expect(run_blocks > 5, f"only {run_blocks} command blocks were found")
    finally:
        shell.close()


@test
def the_reasons_of_the_runbook_of_asymmetric_routes_are_what_is_dropped(lab):
    """The host answers for a network that leaves by translation, and another node's answers come here."""
    with open(ROOT / "docs" / "runbooks" / "asymmetric-routes.md", encoding="utf-8") as f:
        reasons = re.findall(r"^\| `(\w+)` \|", f.read(), re.MULTILINE)
    site = Outside(lab)
    a = site.add("a", outside=NAT, host=True)
    b = site.add("b", outside=NAT)
    site.start()
    seen = set()
    # an answer to a workload's own address
    site.ns.run("ip", "route", "add", a.web.ip, "via", a.address)
    expect_no_ping(site.near, a.web.ip)
    # the host's TAP sends as somebody outside, and the network does not lead there
    wait_until(lambda: a.host.ip in a.ns.run("ip", "-4", "addr", "show", "dev", "blue-h"),
               lambda: f"no address: {a.ns.run('ip', 'addr')}", 10)
    a.ns.run("ip", "addr", "add", "203.0.113.50/32", "dev", "blue-h")
    expect_no_ping(End(a.ns, "host", a.host.ip), a.web.ip)
    subprocess.run(a.ns.command("ping", "-c", "1", "-W", "1", "-I", "203.0.113.50", a.web.ip), capture_output=True,
                   check=False)
    # a connection that b translates, and an answer that is sent to a
    s = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"answer", (a.address, 50000))
    s.close()
    for reason in ("underlay_not_local", "spoofed", "nat_unknown"):
        a.daemon.wait_drop(reason)
        seen.add(reason)
    expect(seen <= set(reasons), f"the runbook does not know {seen - set(reasons)}")
    expect_equal(b.daemon.drop("nat_unknown"), 0, "nat_unknown at the other node")


@test
def answers_that_are_too_large_for_the_network_are_told_to_their_sender(lab):
    site = nat_site(lab, more={"mtu": 1300})
    Iperf(site.a.web, site.server, "-R").expect_tcp()
    Iperf(site.a.web, site.server).expect_tcp()
    site.a.daemon.expect_sum()


@test
def one_command_explains_each_way_out(lab):
    site = Outside(lab)
    a = site.add("a", outside=NAT, host=True)
    site.add("b")
    site.start()

    def explained():
        return a.daemon.call("policies.explain", {"source": "web-a", "destination_address": SERVER, "protocol": "tcp",
                                                  "port": 443})

    def change(outside):
        net = a.network()
        net.pop("outside", None)
        a.daemon.call("networks.set", {**net, **outside})
    for outside, via in (({"outside": NAT}, "outside by translation"),
                         ({"outside": {"via": "host", "endpoint": "host-a"}}, "outside by host host-a"),
                         ({"outside": {"via": "node", "node": "b"}}, "outside by node b"),
                         ({"encap": "none"}, "the underlay, without encapsulation")):
        change(outside)
        got = explained()
        expect_equal((got["way"]["kind"], got["way"]["via"]), ("routed", via), f"way of {outside}")
        expect_equal(got["verdict"], "allow", f"verdict with {outside}")
    change({})
    expect_equal(explained()["way"]["kind"], "unreachable", "without a way out")
    a.daemon.call("policies.del", {"name": "to-world"})
    change({"outside": NAT})
    expect_equal(explained()["verdict"], "deny", "without a policy")


@test
def packets_of_one_burst_that_open_a_connection_have_one_source(lab):
    """The daemon is stopped while they come, so that a worker finds all in one burst."""
    site = nat_site(lab)
    a = site.a
    expect_ping(a.web, SERVER)
    s = a.web_ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far = site.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.bind((SERVER, 0))
    far.settimeout(3)
    s.bind(("10.0.0.10", 600))  # below the range: its port is another one outside
    a.daemon.process.send_signal(signal.SIGSTOP)
    for _ in range(20):
        s.sendto(b"x", far.getsockname())
    a.daemon.process.send_signal(signal.SIGCONT)
    sources = {far.recvfrom(10)[1] for _ in range(20)}
    expect_equal(len(sources), 1, f"sources of one connection, {sources}")
    s.close()
    far.close()
