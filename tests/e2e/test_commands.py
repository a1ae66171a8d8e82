# SPDX-License-Identifier: BSD-3-Clause
"""sluicectl's words about a real daemon's objects."""
import json
import subprocess

from lab.capture import capture_config
from lab.expect import expect, expect_equal, test

LONG = "n" * 63 + "/" + "w" * 253
POLICY = {"network": "blue", "direction": "ingress", "action": "deny", "subject": {"labels": {"app": "web"}}}


def ctl(lab, d, *words):
    done = subprocess.run((lab.sluicectl, "--socket", d.socket) + words, capture_output=True, text=True, timeout=60, check=False)
    expect_equal((words, done.returncode), (words, 0), done.stderr)
    return done.stdout


@test
def listings_of_policies_tell_nobody_from_anyone(lab):
    d = lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")).start()
    d.call("policies.add", {"name": "open", **POLICY})
    d.call("policies.add", {"name": "shut", "peers": [], "ports": [], **POLICY})
    rows = {x.split()[0]: x for x in ctl(lab, d, "policies", "list").splitlines()}
    expect("anyone" in rows["open"] and " all" in rows["open"], rows["open"])
    expect("nobody" in rows["shut"] and " none" in rows["shut"], rows["shut"])
    text = ctl(lab, d, "policies", "get", "shut")
    expect("nobody" in text and "none" in text, text)
    policy = json.loads(ctl(lab, d, "-j", "policies", "get", "shut"))
    expect_equal((policy["peers"], policy["ports"]), ([], []), "JSON is as the daemon says it")


@test
def listings_fit_120_columns_and_have_a_header_when_they_are_empty(lab):
    config = capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")
    d = lab.daemon("a", config).start()
    for noun in ("ports", "networks", "nodes", "neighbors", "endpoints", "policies", "routes", "identities"):
        lines = ctl(lab, d, noun, "list").splitlines()
        expect(lines and lines[0].split()[0].isupper(), f"{noun}: {lines}")
        expect(max(map(len, lines)) <= 120, f"{noun}: {max(map(len, lines))} columns: {lines}")
    for words in (("drops", "list"), ("drops", "recent"), ("flows", "list"), ("notices", "list")):
        lines = ctl(lab, d, *words).splitlines()
        expect(lines and lines[0].split()[0].isupper() and max(map(len, lines)) <= 120, f"{words}: {lines}")
    empty = ctl(lab, d, "drops", "recent", "port=nobody").split()
    expect_equal((empty[0], empty[-1]), ("TIME", "DETAIL"), f"as when it is not empty: {empty}")
    expect("reason=name,..." in ctl(lab, d, "drops", "recent", "--help"), "what a reason is")


# Every field that a network, node, route, endpoint and port may have, long values among them.
FULL = {
    "node": {"name": "a", "tunnel_addresses": ["192.0.2.1", "2001:db8::1"], "encap_ports": {"vxlan": 8472}},
    "ports": [{"name": "uplink0", "role": "underlay", "devargs": "net_null0,no-rx=1", "vlan": 100,
               "addresses": ["192.0.2.1/24", "2001:db8:1234:5678:9abc:def0:1234:1/64", "2001:db8::1/64"]},
              {"name": "trunk", "role": "access", "devargs": "net_null1,no-rx=1"}],
    "networks": [{"name": "blue", "vni": 100, "encap": "geneve", "accepts": ["vxlan", "vxlan-gbp"], "reject": True,
                  "gateway_mac": "02:00:00:00:aa:01", "mtu": 1400, "outside": {"via": "nat", "ports": "2000-2999"},
                  "subnets": [{"prefix": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True, "dns": ["10.0.0.53"],
                               "search": ["svc.example.org"]},
                              {"prefix": "fd00:1::/64", "gateway": "fd00:1::1"}]},
                 {"name": "red", "vni": 200, "encap": "ipip", "subnets": [{"prefix": "10.0.5.0/24"}]}],
    "nodes": [{"name": "b", "address": "192.0.2.2", "addresses": ["2001:db8::2"], "identity_trust": "claim",
               "encaps": [{"encap": "geneve", "family": "ipv6"}, {"encap": "vxlan", "port": 8472}],
               "udp6_checksum": "compute"}, {"name": "c", "address": "203.0.113.2"}],
    "endpoints": [{"name": "w", "network": "blue", "port": "trunk", "mac": "02:00:00:00:00:05",
                   "addresses": ["10.0.0.5", "fd00:1::5"], "labels": {"app": "w"}},
                  {"name": "w7", "network": "red", "port": "trunk", "vlan": 7, "mac": "02:00:00:00:00:07",
                   "addresses": ["10.0.5.5"]},
                  {"name": "vpn", "network": "blue", "node": "b", "mac": "02:00:00:00:00:08",
                   "addresses": ["10.0.0.8"]}],
    "routes": [{"prefix": "203.0.113.0/24", "targets": [{"via": "192.0.2.7"}, {"via": "192.0.2.8", "weight": 3}]},
               {"prefix": "10.9.0.0/16", "network": "blue", "targets": [{"endpoint": "vpn"}, {"node": "b"}]},
               {"prefix": "10.8.0.0/16", "network": "blue", "blackhole": True}],
}
SHOWN = {
    ("ports", "list"): ("VLAN", "100"), ("networks", "list"): ("ACCEPTS", "vxlan,", "OUTSIDE", "via=nat"),
    ("nodes", "list"): ("ENCAPS", "encap=vxlan,port=8472", "IDENTITY_TRUST", "claim"),
    ("nodes", "paths"): ("ENCAP", "FAMILY", "ipv6", "HOPS"), ("endpoints", "list"): ("VLAN", "7"),
    ("routes", "list"): ("TARGETS", "via=192.0.2.8,weight=3", "node=b", "BLACKHOLE", "true"),
    ("networks", "get", "blue"): ("DHCP", "10.0.0.53"),
    ("policies", "explain", "w", "destination_address=10.9.1.1", "port=80"): ("route=10.9.0.0/16",),
    ("policies", "explain", "w", "destination_address=8.8.8.8", "port=80"): ("outside by translation",),
}


@test
def listings_fit_and_show_every_field_that_a_node_can_have(lab):
    bare = capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")
    d = lab.daemon("a", {**bare, "policies": [], "neighbors": [], "identities": [], **FULL}).start()
    for words, shown in SHOWN.items():
        text = ctl(lab, d, *words)
        expect(max(map(len, text.splitlines())) <= 120, f"{words}: too wide: {text}")
        missing = [w for w in shown if w not in text]
        expect(not missing, f"{words}: {missing} is not in {text}")
    done = subprocess.run((lab.sluicectl, "--socket", d.socket, "networks", "add", "name=g", "vni=9",
                           "subnets=10.0.0.0/8"), capture_output=True, text=True, timeout=60, check=False)
    expect(done.returncode == 2 and "subnets='[{\"prefix\": ...}]'" in done.stderr, f"no example: {done.stderr}")
    done = subprocess.run((lab.sluicectl, "--socket", d.socket, "routes", "get", "10.9.0.0/16"), capture_output=True,
                          text=True, timeout=60, check=False)
    expect("its prefix and its network" in done.stderr, f"no hint: {done.stderr}")
    # A word in place of an object: the error says what the object has.
    done = subprocess.run((lab.sluicectl, "--socket", d.socket, "call", "networks.put",
                           '{"name": "blue", "vni": 100, "outside": "nat"}'), capture_output=True, text=True, timeout=60,
                          check=False)
    expect(done.returncode != 0 and "known fields: via" in done.stderr, f"no word about via: {done.stderr}")


@test
def names_of_kubernetes_work_everywhere_and_come_back_after_a_restart(lab):
    d = lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1,no-rx=1"), state=True).start()
    ctl(lab, d, "networks", "add", LONG, "vni=77")
    ctl(lab, d, "ports", "add", f"name={LONG}", "role=underlay", "devargs=net_null5,no-rx=1", "addresses=198.51.100.1/24")
    ctl(lab, d, "neighbors", "add", LONG, "198.51.100.2", "mac=02:00:00:00:0b:05")
    ctl(lab, d, "nodes", "add", LONG, "address=198.51.100.2")
    ctl(lab, d, "endpoints", "add", LONG, f"network={LONG}", f"node={LONG}", "mac=02:00:00:00:00:55",
        "addresses=10.9.0.1", "labels.app.kubernetes.io/name=web")
    ctl(lab, d, "policies", "add", LONG, f"network={LONG}", "direction=ingress", "action=allow",
        "subject.labels.app.kubernetes.io/name=web")
    d.stop()
    d.start()
    for noun in ("networks", "ports", "nodes", "endpoints", "policies"):
        expect_equal(json.loads(ctl(lab, d, "-j", noun, "get", LONG))["name"], LONG, noun)
    expect(any(n["port"] == LONG and n["address"] == "198.51.100.2" for n in d.call("neighbors.state")), "neighbors")
    expect(any(p["name"] == LONG and p["port"] == LONG for p in d.call("nodes.paths")), "paths")
    expect_equal(d.call("nodes.paths", {"after": LONG}), [], "a page behind the last of the paths")
    expect(any(e["name"] == LONG for e in d.call("config.get")["endpoints"]), "config.get")
    ctl(lab, d, "dump")
    for noun in ("policies", "endpoints", "nodes"):
        ctl(lab, d, noun, "del", LONG)
    ctl(lab, d, "neighbors", "del", LONG, "198.51.100.2")
    ctl(lab, d, "ports", "del", LONG)
    ctl(lab, d, "networks", "del", LONG)
