# SPDX-License-Identifier: BSD-3-Clause
"""A scenario: the traffic of one measurement, and the daemon's configuration for it."""
from dataclasses import dataclass, replace
import itertools
import random

from bench.scenario import frames, nat, objects, sources
from bench.scenario.encaps import ENCAPS, inner_flaw

TABLE_ENTRIES = 1048576  # the daemon's default
FLOWS_LIMIT = 1 << 26    # entries that the daemon takes
RULES_A_POLICY = 10      # where there are more than a thousand rules
SEED = 20221107


@dataclass(frozen=True)
class Scenario:
    """Directions: `encap` from ends here to ends elsewhere, `decap` the other way, `local` between
    two ports of this node. Ends here number `locals`, the others `remotes`."""
    direction: str = "encap"
    encap: str = "vxlan"
    family: str = "ipv4"     # of the underlay
    inside: str = "ipv4"     # family of the inner packets
    way: str = "switched"    # or routed by the gateway, or nat: to the outside
    flows: int = 1024
    size: str = "64"
    pick: str = "shuffled"   # order, shuffled: each once a turn; uniform, zipf: drawn
    source: str = "pcap"     # or generator
    locals: int = 64
    remotes: int = 64
    rules: int = 1000
    identities: int = 1      # among the remote ends
    nodes: int = 1           # among which the remote ends are spread
    bystanders: int = 0      # endpoints without traffic
    mode: str = "enforce"
    workers: int = 1
    ports: int = 1           # access ports that the local ends are spread over
    attack: float = 0.0      # share of packets that are random: see docs/performance/README.md
    new: bool = False        # every packet opens a connection
    turns: int = 1           # how often a file has each flow; drawn ones on average
    max_flows: int = 0       # 0: from the number of flows
    memory: int = 0          # MB; 0: from the rest

    def but(self, **changes):
        return replace(self, **changes)

    # Traffic

    @property
    def input(self):
        return ["uplink"] if self.direction == "decap" else self.access

    @property
    def output(self):
        return {"encap": ["uplink"], "decap": self.access, "local": ["others"]}[self.direction]

    @property
    def access(self):
        return [f"workloads-{i}" for i in range(self.ports)]

    def ends(self, flow):
        """Indexes of a flow's local and remote end, and its source port."""
        if self.remotes > self.locals:
            rest, far = divmod(flow, self.remotes)
            rest, near = divmod(rest, self.locals)
        else:
            rest, near = divmod(flow, self.locals)
            rest, far = divmod(rest, self.remotes)
        return near, far, frames.FIRST_SOURCE_PORT + rest

    @property
    def by_gateway(self):
        """Whether the local ends send to their gateway."""
        return self.way != "switched" or self.encap == "ipip"

    def far_end(self, i):
        return (frames.outside if self.way == "nat" else frames.remote)(i, self.inside)

    def inner(self, flow):
        """The frame that the sending end, or its node in a tunnel, hands to this node."""
        if not self.by_gateway:
            return self._between(flow)
        if self.direction == "decap":
            return self.delivered(flow)
        return self._between(flow, to=frames.GATEWAY_MAC)

    def delivered(self, flow):
        """The inner frame of what leaves. A gateway, here or at the other node, has put its MAC
        and the receiver's there, and taken one from the TTL."""
        if not self.by_gateway:
            return self._between(flow)
        return self._between(flow, by=frames.GATEWAY_MAC, ttl=63)

    def _between(self, flow, to=None, by=None, ttl=64):
        """The flow's packet from end to end, with another MAC as receiver or as sender."""
        near, far, port = self.ends(flow)
        pair = [frames.local(near, self.inside), self.far_end(far)]
        if self.direction == "decap":
            pair.reverse()
        (_, sender, source), (_, receiver, target) = pair
        lengths = frames.lengths(self.size)
        return frames.udp_frame((None, by or sender, source), (None, to or receiver, target),
                                (port, frames.SERVICE_PORT), lengths[flow % len(lengths)], flow, ttl)

    def node_of(self, flow):
        return frames.node_address(self.ends(flow)[1] % self.nodes, self.family)

    def frame(self, flow):
        """What comes in for a flow."""
        inner = self.inner(flow)
        if self.direction == "decap":
            return ENCAPS[self.encap].wrap(inner, flow, self.node_of(flow))
        return inner

    def flaw(self, out, flow):
        """What is wrong with what went out for a flow's packet; None: nothing."""
        inner = self.delivered(flow)
        if self.way == "nat":
            return nat.flaw(out, inner)
        if self.direction == "encap":
            return ENCAPS[self.encap].flaw(out, inner, self.node_of(flow))
        return inner_flaw(out, inner)

    def stray(self, random_bits):
        """A packet of the attack: the MAC of an end that is there, addresses and ports at random."""
        near = frames.local(random_bits.randrange(self.locals))
        nobody = (None, frames.numbered_mac(4, random_bits.getrandbits(32)),
                  frames.numbered_ip("10.128.0.0", random_bits.getrandbits(22)))
        ghost = (None, near[1], frames.numbered_ip("10.192.0.0", random_bits.getrandbits(22)))
        ports = random_bits.getrandbits(16), random_bits.getrandbits(16)
        return frames.udp_frame(ghost, nobody, ports, 64, 0)

    def file_key(self):
        """Scenarios with the same key replay the same file."""
        return (self.direction, self.encap if self.direction == "decap" else "", self.flows,
                self.size, self.pick, self.locals, self.remotes, self.ports, self.attack,
                self.turns, self.nodes if self.direction == "decap" else 1,
                self.family if self.direction == "decap" else "", self.inside, self.way,
                self.by_gateway)

    def sequence(self, part=0):
        """The flows whose packets the file of input port number `part` holds, in its order; None
        is a packet of the attack."""
        chance = random.Random(SEED)
        flows = [flow for flow in range(self.flows) if self.part_of(flow) == part]
        if self.pick == "shuffled":
            chance.shuffle(flows)
        elif self.pick == "zipf":
            weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(flows))))
            chance.shuffle(flows)
            return chance.choices(flows, cum_weights=weights, k=self.turns * len(flows))
        flows = flows * self.turns
        if self.attack:
            flows = [None if chance.random() < self.attack else flow for flow in flows]
        return flows

    def file_frames(self, part=0):
        """The frames of that file."""
        chance = random.Random(SEED + 1)
        made = {} if self.turns > 1 else None
        for flow in self.sequence(part):
            if flow is None:
                yield self.stray(chance)
            elif made is None:
                yield self.frame(flow)
            else:
                if flow not in made:
                    made[flow] = self.frame(flow)
                yield made[flow]

    def part_of(self, flow):
        """The input port of a flow."""
        return self.ends(flow)[0] % self.ports if self.direction != "decap" else 0

    # Room

    def connections(self):
        """How many connections there are once every flow of the source has been seen."""
        if self.source == "generator" or self.pick != "zipf":
            return self.flows
        return sum(len(set(self.sequence(part))) for part in range(self.ports))

    def table_entries(self):
        """The daemon's default, or more, so that two entries a connection leave a third of it empty."""
        if self.max_flows:
            return self.max_flows
        entries = TABLE_ENTRIES
        while entries < 3 * self.flows and entries < FLOWS_LIMIT:
            entries *= 2
        return entries

    def buffers(self):
        """Packet buffers of each port. net_pcap keeps the whole file in them."""
        if self.source == "generator":
            return 16384
        kept = self.flows * self.turns
        return kept + kept // 4 + 8192

    def memory_mb(self):
        """Packets of every port at 2.5 KB each, the flow table, and the rest."""
        if self.memory:
            return self.memory
        ports = len(self.access) + 1 + (self.direction == "local")
        need = ports * self.buffers() * 2560 + self.table_entries() * 320
        return 512 + 64 * self.workers + need // 1048576

    def setup_seconds(self, _):
        """How long files and objects take, roughly."""
        return self.flows / 1e6 + (self.rules + self.bystanders + self.remotes) / 3e4

    # Configuration

    def cores(self):
        """The first worker has core 1 for itself; a second one shares core 0 with the control."""
        return [1, 0][:self.workers]

    def config(self, feeds, drains, hugepages):
        """The daemon's configuration; feeds: the device strings of the input ports, drains: of the
        output ports."""
        devices = dict(zip(self.input, feeds)) | dict(zip(self.output, drains))
        spare = itertools.count(20)
        names = [*self.access, "uplink"] + (["others"] if self.direction == "local" else [])
        ports = []
        for number, name in enumerate(names):
            devargs = devices.get(name) or f"net_null{next(spare)},no-rx=1"
            port = {"name": name, "devargs": devargs, "role": "access"}
            if name == "uplink":
                port |= {"role": "underlay", "mac": frames.LOCAL_MAC, "mtu": 1600,
                         "addresses": objects.port_addresses(self)}
            if name in self.input:
                port["workers"] = [number % self.workers]
            ports.append(port)
        return {
            "workers": {"cores": self.cores(), "idle": "spin", "memory_mb": self.memory_mb(),
                        "hugepages": "required" if hugepages else "off",
                        "max_flows": self.table_entries(), "packet_buffers": self.buffers()},
            "ports": ports,
            "networks": [self.network()],
            **objects.underlay(self),
            **objects.identities(self),
            "endpoints": list(self.endpoints()),
            "policies": self.policies(),
        }

    def network(self, **changes):
        return {"name": "bench", "vni": frames.VNI, "encap": self.encap,
                "policy_mode": self.mode,
                "policy_default": {"ingress": "deny", "egress": "deny"},
                **objects.layer_3(self)} | changes

    def endpoints(self):
        for i in range(self.locals):
            yield endpoint(frames.local(i, self.inside), {"role": "local"},
                           port=f"workloads-{i % self.ports}")
        for i in range(self.remotes if self.way != "nat" else 0):
            labels = {"role": "remote"}
            if self.identities > 1:
                labels["group"] = f"g{i % self.identities}"
            where = {"port": "others"} if self.direction == "local" else {
                "node": f"node-{i % self.nodes}"}
            yield endpoint(frames.remote(i, self.inside), labels, **where)
        for i in range(self.bystanders):
            yield endpoint(frames.bystander(i), {"role": f"other-{i % 100}"},
                           node=f"node-{i % self.nodes}")

    def policies(self):
        """`rules` of them for each direction in which the traffic is judged; the last one allows it."""
        judged = {"encap": [("egress", "local", "remote")],
                  "decap": [("ingress", "local", "remote")],
                  "local": [("egress", "local", "remote"), ("ingress", "remote", "local")]}
        found = []
        for direction, subject, peer in judged[self.direction]:
            ends = {"network": "bench", "tier": "team", "direction": direction, "action": "allow",
                    "subject": {"labels": {"role": subject}}}
            found += list(other_rules(self.rules - 1, ends, peer))
            found.append({"name": f"web-{direction}", "priority": 60000,
                          "peers": [objects.peers(self, peer)],
                          "ports": [{"protocol": "udp", "port": frames.SERVICE_PORT}], **ends})
        return found


def endpoint(end, labels, **where):
    name, mac, address = end
    return {"name": name, "network": "bench", "mac": mac, "addresses": [address],
            "labels": labels, **where}


def other_rules(count, ends, peer):
    """Rules for the same subject that do not match the traffic: a third for the same peer and
    other ports, a third for prefixes elsewhere, a third for peers with others' labels."""
    each = 1 if count < 1000 else RULES_A_POLICY
    for number, first in enumerate(range(0, count, each)):
        elsewhere = frames.numbered_ip("172.16.0.0", (number // 3 % 65536) * 16)
        peers = [{"labels": {"role": peer}}, {"cidr": f"{elsewhere}/28"},
                 {"labels": {"role": f"other-{number // 3 % 100}"}}][number % 3]
        yield {"name": f"other-{ends['direction']}-{number}", "priority": number % 50000,
               "peers": [peers], **ends,
               "ports": [{"protocol": "udp", "port": 1000 + (first + i) % 60000}
                         for i in range(min(each, count - first))]}


def sinks(scenario):
    """Device strings of the output ports, for measuring: what goes out is freed."""
    return [f"net_null{10 + i},no-rx=1" for i in range(len(scenario.output))]


def feeds(scenario, files):
    """Device strings of the input ports, for measuring."""
    if scenario.source == "generator":
        return sources.generator(scenario, files)
    return sources.replay(files)
