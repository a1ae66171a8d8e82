# SPDX-License-Identifier: BSD-3-Clause
"""The objects that are loaded, as JSON text. Names and numbers follow from indexes."""


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
