# SPDX-License-Identifier: BSD-3-Clause
"""Parts of the daemon's configuration that depend on the underlay's family and on the way packets take."""
from bench.scenario import frames

SUBNETS = {"ipv4": (("10.1.0.0/16", "10.1.255.254"), ("10.2.0.0/16", "10.2.255.254")),
           "ipv6": (("fd00:1::/64", "fd00:1::ffff:fffe"), ("fd00:2::/64", "fd00:2::ffff:fffe"))}
OUTSIDE = {"ipv4": "203.0.112.0/20", "ipv6": "2001:db8:f::/48"}
NODES = {"ipv4": "198.18.0.0/15", "ipv6": "2001:db8:1::/48"}
NEXT_HOP = {"ipv4": frames.REMOTE_TUNNEL, "ipv6": frames.REMOTE_TUNNEL6}
CARRIED = ("vxlan-gbp", "geneve")  # encapsulations that carry the sender's identity


def families(scenario):
    """Those that the underlay has."""
    used = {scenario.family, scenario.inside} if scenario.way == "nat" else {scenario.family}
    return [family for family in ("ipv4", "ipv6") if family in used]


def port_addresses(scenario):
    own = {"ipv4": frames.LOCAL_TUNNEL + "/24", "ipv6": frames.LOCAL_TUNNEL6 + "/64"}
    return [own[family] for family in families(scenario)]


def underlay(scenario):
    used = families(scenario)
    own = {"ipv4": frames.LOCAL_TUNNEL, "ipv6": frames.LOCAL_TUNNEL6}
    routes = [(NODES[family], family) for family in used]
    if scenario.way == "nat":
        routes.append((OUTSIDE[scenario.inside], scenario.inside))
    return {
        "node": {"name": "node-a", "tunnel_addresses": [own[family] for family in used]},
        "nodes": [{"name": f"node-{i}", "address": frames.node_address(i, scenario.family), "mtu": 1600}
                  for i in range(scenario.nodes)],
        "neighbors": [{"port": "uplink", "address": NEXT_HOP[family], "mac": frames.REMOTE_MAC}
                      for family in used],
        "routes": [{"prefix": prefix, "via": NEXT_HOP[family], "port": "uplink"}
                   for prefix, family in routes],
    }


def identities(scenario):
    """The numbers that packets carry: those that the daemon would choose are not known before."""
    if scenario.encap not in CARRIED:
        return {}
    return {"identities": [{"id": frames.FROM_LOCAL, "labels": {"role": "local"}},
                           {"id": frames.FROM_REMOTE, "labels": {"role": "remote"}}]}


def layer_3(scenario):
    """What a network has besides, where packets go by its gateway."""
    if not scenario.by_gateway:
        return {}
    found = {"subnets": [{"prefix": prefix, "gateway": gateway}
                         for prefix, gateway in SUBNETS[scenario.inside]]}
    if scenario.way == "nat":
        found |= {"outside": {"via": "nat", "port": "uplink"}}
    return found


def peers(scenario, role):
    """Whom the rule that allows the traffic names."""
    if scenario.way == "nat":
        return {"cidr": OUTSIDE[scenario.inside]}
    return {"labels": {"role": role}}
