# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: input, configuration and expected output of each case."""
import frames

TABLE_ENTRIES = 1048576  # the daemon's default


class Case:
    """One direction through the switch. The subclass says what comes in and what must go out."""
    name = ""
    local = "client"  # which end of the connections is on this node
    direction = ""
    input_port, output_port = "", ""

    def frame(self, flow):
        raise NotImplementedError

    def flaw(self, out, flow):
        """What is wrong with the output for a flow's packet; None: nothing."""
        raise NotImplementedError

    def config(self, flows, source, sink, memory_mb, hugepages, policies):
        """The daemon's configuration; `source` and `sink` are the two ports' device strings."""
        devices = {self.input_port: source, self.output_port: sink}
        return {
            "node": {"name": "node-a", "tunnel_addresses": [frames.LOCAL_TUNNEL]},
            "workers": {"cores": [1], "idle": "spin", "memory_mb": memory_mb,
                        "hugepages": "required" if hugepages else "off",
                        "max_flows": table_entries(flows), "packet_buffers": buffers(flows)},
            "ports": [
                {"name": "workloads", "role": "access", "devargs": devices["workloads"]},
                {"name": "uplink", "role": "underlay", "devargs": devices["uplink"],
                 "mac": frames.LOCAL_MAC, "addresses": [frames.LOCAL_TUNNEL + "/24"]}],
            "networks": [{"name": "bench", "vni": frames.VNI, "encap": "vxlan",
                          "policy_mode": "enforce",
                          "policy_default": {"ingress": "deny", "egress": "deny"}}],
            "nodes": [{"name": "node-b", "address": frames.REMOTE_TUNNEL}],
            "neighbors": [{"port": "uplink", "address": frames.REMOTE_TUNNEL,
                           "mac": frames.REMOTE_MAC}],
            "endpoints": self._endpoints(),
            "policies": self._policies(policies),
        }

    def _endpoints(self):
        listed = []
        for role, make, count in (("client", frames.client, frames.CLIENTS),
                                  ("server", frames.server, frames.SERVERS)):
            where = {"port": "workloads"} if role == self.local else {"node": "node-b"}
            for i in range(count):
                name, mac, address = make(i)
                listed.append({"name": name, "network": "bench", "mac": mac,
                               "addresses": [address], "labels": {"role": role}, **where})
        return listed

    def _policies(self, count):
        """One that allows the traffic, behind others for the same ends and other ports."""
        peer = "server" if self.local == "client" else "client"
        ends = {"tier": "team", "direction": self.direction,
                "subject": {"labels": {"role": self.local}},
                "peers": [{"labels": {"role": peer}}], "action": "allow"}
        others = [{"name": f"other-{i}", "priority": 100,
                   "ports": [{"protocol": "udp", "port": 1000 + i}], **ends}
                  for i in range(count - 1)]
        return others + [{"name": "web", "priority": 1000,
                          "ports": [{"protocol": "udp", "port": 80}], **ends}]


class Encap(Case):
    name = "encap"
    local = "client"
    direction = "egress"
    input_port, output_port = "workloads", "uplink"

    def frame(self, flow):
        return frames.inner_frame(flow)

    def flaw(self, out, flow):
        return frames.flaw_of_encapsulated(out, frames.inner_frame(flow))


class Decap(Case):
    name = "decap"
    local = "server"
    direction = "ingress"
    input_port, output_port = "uplink", "workloads"

    def frame(self, flow):
        return frames.vxlan_frame(flow)

    def flaw(self, out, flow):
        return frames.flaw_of_decapsulated(out, frames.inner_frame(flow))


CASES = {case.name: case for case in (Encap(), Decap())}


def buffers(flows):
    """Packet buffers of a port: net_pcap keeps the whole file in them."""
    return 2 * flows + 8192


def table_entries(flows):
    """The daemon's default where that leaves the table half empty: two entries a connection."""
    entries = TABLE_ENTRIES
    while entries < 4 * flows:
        entries *= 2
    return entries


def memory_mb(flows):
    """Packets of two ports at 2.5 KB each, the flow table at 0.5 KB an entry, and the rest."""
    need = 2 * buffers(flows) * 2560 + table_entries(flows) * 512
    return 512 + need // 1048576
