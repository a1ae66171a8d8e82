# SPDX-License-Identifier: BSD-3-Clause
"""Nodes with a workload each, and a server on their underlay that knows nothing of sluice."""
import socket
import subprocess
import time

from .expect import expect_equal
from .net import link
from .site import workers

DENY = {"ingress": "deny", "egress": "deny"}
TO_WORLD = {"name": "to-world", "network": "blue", "direction": "egress", "subject": {"labels": {"app": "web"}},
            "peers": [{"entity": "world"}], "action": "allow"}
TO_SERVER = {"name": "to-server", "network": "blue", "direction": "egress", "subject": {"labels": {"app": "web"}},
             "peers": [{"cidr": "198.51.100.0/24"}, {"cidr": "2001:db8:7::/64"}], "action": "allow"}
FROM_WORLD = {"name": "from-world", "network": "blue", "direction": "ingress", "subject": {"labels": {"app": "web"}},
              "peers": [{"entity": "world"}], "action": "allow"}
NAT = {"via": "nat"}
SERVER, SERVER6 = "198.51.100.7", "2001:db8:7::7"
ON_LINK, ON_LINK6 = "192.0.2.100", "2001:db8::100"


class End:
    def __init__(self, ns, name, ip):
        self.ns, self.name, self.ip = ns, name, ip


class Outside:
    """
    An underlay with a server on it, which is also the router to a second address of the server. The server
    knows no workload's address. Nodes are added one by one.
    """

    def __init__(self, lab):
        self.lab = lab
        self.ns = lab.namespace("ou-wire", ipv6=True)
        self.ns.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.ns.run("ip", "link", "set", "br0", "up")
        for ip in (f"{ON_LINK}/24", f"{ON_LINK6}/64"):
            self.ns.run("ip", "addr", "add", ip, "dev", "br0", *(("nodad",) if ":" in ip else ()))
        for ip in (f"{SERVER}/32", f"{SERVER6}/128"):
            self.ns.run("ip", "addr", "add", ip, "dev", "lo")
        self.near = End(self.ns, "server on the link", ON_LINK)
        self.server = End(self.ns, "server", SERVER)
        self.server6 = End(self.ns, "server", SERVER6)
        self.nodes = []

    def add(self, name, **how):
        node = Node(self, name, len(self.nodes) + 1, **how)
        self.nodes.append(node)
        return node

    def start(self):
        for n in self.nodes:
            n.start()
        return self


class Node:
    """A node with a workload. outside: of the network there. host: the network's host endpoint."""

    def __init__(self, site, name, index, outside=None, policies=(TO_WORLD,), host=False, host_tap=False, more=None,
                 routes=(), uplink=None, far=None):
        self.site, self.name, self.index, self.outside = site, name, index, outside
        self.policies, self.has_host, self.host_tap, self.more = policies, host, host_tap, more or {}
        self.routes = routes
        self.far = far or {"via": ON_LINK}
        self.uplink = uplink or {"devargs": "net_af_packet0,iface=up0"}
        self.ns = site.lab.namespace(f"ou-{name}", ipv6=True)
        self.web_ns = site.lab.namespace(f"ou-web-{name}", ipv6=True)
        self.address, self.address6 = f"192.0.2.{index}", f"2001:db8::{index}"
        self.mac = f"02:00:00:00:0{index}:05"
        self.web = End(self.web_ns, f"web-{name}", f"10.0.0.{index * 10}")
        self.web6 = End(self.web_ns, f"web-{name}", f"fd00:10::{index}0")
        self.host = End(self.ns, f"host {name}", f"10.0.0.{index * 10 + 1}")
        link(self.ns, "up0", site.ns, f"to-{name}")
        site.ns.run("ip", "link", "set", f"to-{name}", "master", "br0")
        self.daemon = None

    def network(self):
        net = {"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": DENY,
               "subnets": [{"prefix": "10.0.0.0/24", "gateway": "10.0.0.1"},
                           {"prefix": "fd00:10::/64", "gateway": "fd00:10::1"}]}
        if self.outside:
            net["outside"] = self.outside
        return {**net, **self.more}

    def endpoints(self, seen_from):
        here = seen_from is self
        web = {"name": f"web-{self.name}", "network": "blue", "mac": self.mac,
               "addresses": [self.web.ip, self.web6.ip], "labels": {"app": "web"}}
        found = [{**web, "port": "web"} if here else {**web, "node": self.name}]
        if self.has_host:
            host = {"name": f"host-{self.name}", "network": "blue", "mac": f"02:00:00:00:0{self.index}:10",
                    "addresses": [self.host.ip, f"fd00:10::{self.index}1"], "host": {"name": "blue-h"}}
            found.append(host if here else {**host, "node": self.name})
        return found

    def config(self):
        nodes = self.site.nodes
        uplink = {"name": "uplink", "role": "underlay", **self.uplink,
                  "addresses": [f"{self.address}/24", f"{self.address6}/64"]}
        if self.host_tap:
            uplink["host_tap"] = {"name": "up0h"}
        return {
            "node": {"name": self.name, "tunnel_addresses": [self.address]}, "workers": workers(self.index),
            "ports": [uplink, {"name": "web", "role": "access", "mac": self.mac,
                               "tap": {"name": "eth0", "netns": f"/run/netns/{self.web_ns.name}"}}],
            "networks": [self.network()],
            "routes": [{"prefix": "198.51.100.0/24", **self.far}, {"prefix": "2001:db8:7::/64", "via": ON_LINK6},
                       *self.routes],
            "nodes": [{"name": n.name, "address": n.address} for n in nodes if n is not self],
            "endpoints": [e for n in nodes for e in n.endpoints(self)],
            "policies": list(self.policies),
        }

    def start(self):
        self.daemon = self.site.lab.daemon(self.name, self.config(), self.ns).start()
        self.configure_web()

    def configure_web(self):
        """Its interface is new after each start of the daemon."""
        run_web = self.web_ns.run
        run_web("ip", "addr", "add", f"{self.web.ip}/24", "dev", "eth0")
        run_web("ip", "addr", "add", f"{self.web6.ip}/64", "dev", "eth0", "nodad")
        run_web("ip", "link", "set", "eth0", "mtu", "1400")
        run_web("ip", "route", "add", "default", "via", "10.0.0.1")
        run_web("ip", "-6", "route", "replace", "default", "via", "fd00:10::1")


def expect_echo(client, server):
    """A datagram and its answer, of either family."""
    kind = socket.AF_INET6 if ":" in server.ip else socket.AF_INET
    near, far = client.ns.socket(kind, socket.SOCK_DGRAM), server.ns.socket(kind, socket.SOCK_DGRAM)
    far.bind((server.ip, 0))
    for s in (near, far):
        s.settimeout(5)
    near.connect((server.ip, far.getsockname()[1]))
    near.send(b"question")
    data, source = far.recvfrom(100)
    far.sendto(data + b"!", source)
    expect_equal(near.recv(100), b"question!", f"answer to {client.name}")
    near.close()
    far.close()
    return source[0]


def nat_site(lab, **how):
    site = Outside(lab)
    site.a = site.add("a", outside=how.pop("outside", NAT), **how)
    return site.start()


def sources_of(ns, command):
    """Runs a command while the server's link is watched: the source addresses of what arrived."""
    seen = ns.popen("tcpdump", "-lnni", "br0", "-c", "2000", "ip or ip6", stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, text=True)
    for line in seen.stderr:
        if "listening" in line:
            break
    try:
        command()
        time.sleep(0.3)
    finally:
        seen.terminate()
        text = seen.communicate()[0]
    return text
