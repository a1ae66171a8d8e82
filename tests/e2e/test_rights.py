# SPDX-License-Identifier: BSD-3-Clause
"""Members of the socket's group can use only those things of the host that the configuration
lists."""
import contextlib
import os
import socket
import subprocess

from lab.capture import capture_config, write_pcap
from lab.daemon import Client, Refused
from lab.expect import Failure, Skip, expect, expect_equal, test
from lab.net import run

MEMBER, GROUP = 54321, 54322
PRECIOUS = "precious\n"


def node(lab, name="a", state=False, ns=None, **more):
    """A daemon whose socket belongs to a group that has one member."""
    if os.stat("/").st_uid != 0:
        raise Skip("this user may not be others")
    config = capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")
    daemon = lab.daemon(name, {**config, **more}, ns, state).start()
    os.chmod(lab.directory, 0o711)
    os.chown(daemon.socket, 0, GROUP)
    return daemon


@contextlib.contextmanager
def member(daemon):
    """A connection whose other end is the member's, and not root's."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(GROUP)
    os.seteuid(MEMBER)
    try:
        client = Client(daemon.socket)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
    try:
        yield client
    finally:
        client.close()


def port(devargs, name="new"):
    return {"name": name, "role": "access", "devargs": devargs}


def ways(daemon, devargs):
    """Each way to add a port: method, parameters, path of the error."""
    config = daemon.call("config.get")
    config["ports"].append(port(devargs))
    at = len(config["ports"]) - 1
    return (
        ("ports.add", port(devargs), "devargs"),
        ("ports.set", port(devargs, "web"), "devargs"),
        ("txn.apply", {"operations": [{"method": "ports.add", "params": port(devargs)}]},
         "operations[0].params.devargs"),
        ("config.replace", {"config": config}, f"config.ports[{at}].devargs"),
        ("config.replace", {"config": config, "dry_run": True}, f"config.ports[{at}].devargs"),
    )


def expect_denied(daemon, devargs):
    before = daemon.call("config.get")
    with member(daemon) as client:
        for method, params, path in ways(daemon, devargs):
            try:
                client.call(method, params)
            except Refused as e:
                data = e.error["data"]
                expect_equal((e.error["code"], data["path"]), (-32005, path), f"{method} {devargs}")
                expect("root" in e.error["message"] and data["hint"], f"says what to do: {e.error}")
            else:
                raise Failure(f"{method} of a member took {devargs}")
    expect_equal(daemon.call("config.get"), before, "configuration")


def precious(lab):
    path = lab.file("precious")
    with open(path, "w", encoding="utf-8") as f:
        f.write(PRECIOUS)
    return path


def expect_untouched(path):
    with open(path, encoding="utf-8") as f:
        expect_equal(f.read(), PRECIOUS, path)


@test
def a_member_of_the_group_overwrites_no_file_and_takes_no_interface(lab):
    daemon, path = node(lab), precious(lab)
    write_pcap(lab.file("in.pcap"), [])
    links = run("ip", "-o", "link")
    for devargs in (
        f"net_pcap7,tx_pcap={path}", f"net_pcap7,rx_pcap={lab.file('in.pcap')},tx_pcap={lab.file('new')}",
        "net_pcap7,iface=lo", "net_tap7,iface=stolen", "net_tap7", "net_af_packet7,iface=lo",
        "net_af_xdp7,iface=lo", f"net_vhost7,iface={lab.file('new')}", f"net_vhost7,iface={path}",
        f"net_vhost7,iface={daemon.socket}", f"net_memif7,role=server,socket-abstract=no,socket={lab.file('new')}",
        "net_memif7", "net_virtio_user7,path=/dev/vhost-net", f"net_virtio_user7,server=1,path={lab.file('new')}",
        "0000:00:03.0", f"net_failsafe7,exec(touch {lab.file('new')})",
        "net_bonding7,mode=0", "net_ring7,internal=0x1000", f"vdev:net_pcap7,tx_pcap={path}",
        f"net_null7,size=64/bus=vdev,name=net_pcap7/driver=net_pcap,tx_pcap={path}",
    ):
        expect_denied(daemon, devargs)
    expect_untouched(path)
    expect(not os.path.exists(lab.file("new")), "a file was made")
    expect_equal(run("ip", "-o", "link"), links, "interfaces")
    with member(daemon) as client:  # what names nothing of the host is a member's
        client.call("ports.add", port("net_null7,no-rx=1"))
        client.call("ports.del", {"name": "new"})


@test
def root_needs_no_list(lab):
    daemon = node(lab)
    for i, devargs in enumerate((f"net_pcap7,tx_pcap={lab.file('new')}", "net_tap7,iface=mine",
                                 f"net_vhost7,iface={lab.file('vm.sock')}")):
        daemon.call("ports.add", port(devargs, f"r{i}"))
    expect(os.path.exists(lab.file("new")), "the capture is there")


@test
def what_is_listed_a_member_may_use(lab):
    allowed = lab.file("allowed")
    os.makedirs(f"{allowed}/ours")
    os.makedirs(f"{allowed}/theirs")
    os.chown(f"{allowed}/theirs", 0, GROUP)
    os.chmod(f"{allowed}/theirs", 0o775)
    path = precious(lab)
    os.symlink(path, f"{allowed}/link.pcap")
    os.symlink(lab.directory, f"{allowed}/out")
    run("ip", "link", "add", "sl-one", "type", "veth", "peer", "name", "other")
    allow = [{"driver": d, "directories": [allowed]} for d in ("net_vhost", "net_pcap", "net_memif")]
    allow += [{"driver": d, "interfaces": ["sl-*"]} for d in ("net_af_packet", "net_tap")]
    daemon = node(lab, devices={"allow": allow})
    expect_equal(daemon.call("config.get")["devices"], {"allow": allow}, "section")
    with member(daemon) as client:
        for i, devargs in enumerate((
            f"net_vhost7,iface={allowed}/vm.sock", f"net_vhost8,iface={allowed}/ours/vm.sock",
            f"net_pcap7,tx_pcap={allowed}/a.pcap", "net_af_packet7,iface=sl-one", "net_tap7,iface=sl-tap",
            f"net_memif7,role=server,socket-abstract=no,socket={allowed}/m.sock",
        )):
            client.call("ports.add", port(devargs, f"m{i}"))
    for devargs in (
        f"net_vhost9,iface={allowed}/theirs/vm.sock",  # the member could make a link of it meanwhile
        f"net_vhost9,iface={allowed}/../vm.sock", f"net_vhost9,iface={allowed}/out/vm.sock",
        f"net_pcap9,tx_pcap={allowed}/link.pcap", f"net_pcap9,tx_pcap={path}", "net_af_packet9,iface=other",
        "net_tap9,iface=sl-b,remote=other", f"net_virtio_user9,path={allowed}/vm.sock",
    ):
        expect_denied(daemon, devargs)
    expect_untouched(path)
    with member(daemon) as client:
        try:
            client.call("config.replace", {"config": {"devices": {"allow": []}}})
        except Refused as e:
            expect_equal(e.error["data"]["path"], "config.devices", "path")
        else:
            raise Failure("the list was changed over the socket")
    run("ip", "link", "del", "sl-one")


@test
def a_member_gives_the_host_no_tap_and_no_address(lab):
    """Routes come with addresses: a member would take the host's traffic."""
    ns = lab.namespace("rights")
    allow = [{"driver": "tap", "interfaces": ["mine"]}]
    daemon = node(lab, ns=ns, devices={"allow": allow})
    host = {"name": "h", "network": "blue", "mac": "02:00:00:00:07:01", "addresses": ["10.0.7.1"],
            "host": {"name": "blue-h"}}
    uplink = next(p for p in daemon.call("config.get")["ports"] if p["name"] == "uplink")
    with_tap = {**uplink, "host_tap": {"name": "uph"}}

    def denied(client, method, params, path):
        try:
            client.call(method, params)
        except Refused as e:
            expect_equal((e.error["code"], e.error["data"]["path"]), (-32005, path), f"{method} {params}")
        else:
            raise Failure(f"{method} of a member took {params}")
    with member(daemon) as client:
        denied(client, "endpoints.add", host, "host.name")
        denied(client, "ports.set", with_tap, "host_tap.name")
        denied(client, "ports.add", {"name": "t", "role": "access", "tap": {"name": "other"}}, "tap")
    daemon.call("endpoints.add", host)
    daemon.call("ports.set", with_tap)
    with member(daemon) as client:
        denied(client, "endpoints.set", {**host, "addresses": ["8.8.8.8"]}, "host.name")
        denied(client, "ports.set", {**with_tap, "addresses": [*uplink["addresses"], "8.8.8.8/1"]}, "host_tap.name")
        client.call("endpoints.set", {**host, "mac": "02:00:00:00:07:02"})
        client.call("ports.set", {**with_tap, "mtu": 1400})
        client.call("endpoints.del", {"name": "h"})
        client.call("endpoints.add", {**host, "host": {"name": "mine"}})
        client.call("endpoints.set", {**host, "host": {"name": "mine"}, "addresses": ["10.0.7.2"]})


@test
def a_ports_device_comes_back_with_the_daemon_but_not_to_a_member(lab):
    daemon = node(lab, state=True)
    daemon.call("ports.add", port(f"net_vhost7,iface={lab.file('vm.sock')}"))
    daemon.kill()
    daemon.start()
    os.chown(daemon.socket, 0, GROUP)
    expect("new" in [p["name"] for p in daemon.call("ports.list")], "the port is back")
    with member(daemon) as client:
        client.call("ports.set", {**port(f"net_vhost7,iface={lab.file('vm.sock')}"), "mtu": 1400})
        client.call("ports.del", {"name": "new"})
    expect_denied(daemon, f"net_vhost7,iface={lab.file('vm.sock')}")


def stranger(path, listen=True):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    if listen:
        s.listen(1)
    return s


@test
def a_refused_port_leaves_what_stands_at_its_path(lab):
    daemon, path, live = node(lab), precious(lab), lab.file("live.sock")
    other = stranger(live)
    for i, devargs in enumerate(("net_vhost7,iface={}", "net_memif7,role=server,socket-abstract=no,socket={}",
                                 "net_virtio_user7,server=1,path={}")):
        for at in (path, live, daemon.socket, lab.directory, lab.file("no/such/dir")):
            try:
                daemon.call("ports.add", port(devargs.format(at), f"p{i}"))
            except Refused as e:
                expect(at in e.error["message"], f"message names no path: {e.error}")
            else:
                raise Failure(f"{devargs.format(at)} was taken")
    expect_untouched(path)
    other.setblocking(False)
    try:
        other.accept()
    except BlockingIOError:
        pass
    else:
        raise Failure("somebody connected to the other program")
    daemon.client().call("stats.get")


@test
def a_killed_daemon_finds_its_sockets_stale_and_opens_them_again(lab):
    ports = [port(f"net_vhost7,iface={lab.file('vm.sock')}", "vm"),
             port(f"net_memif7,role=server,socket-abstract=no,socket={lab.file('m.sock')}", "memif")]
    config = capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")
    config["ports"] += ports
    daemon = lab.daemon("a", config).start()
    inodes = [os.stat(lab.file(f)).st_ino for f in ("vm.sock", "m.sock")]
    second = lab.daemon("b", config)
    try:
        second.start()
    except Failure as e:
        expect("vm.sock" in str(e) and "another program" in str(e), f"refusal: {e}")
        second.process = None
    else:
        raise Failure("two daemons have one socket")
    expect_equal([os.stat(lab.file(f)).st_ino for f in ("vm.sock", "m.sock")], inodes, "sockets of the first")
    stranger(lab.file("vm.sock.probe"), False).close()
    daemon.kill()
    daemon.start()
    guest = socket.socket(socket.AF_UNIX)
    guest.connect(lab.file("vm.sock"))
    guest.close()
    daemon.call("ports.add", port(f"net_vhost8,iface={lab.file('vm.sock.probe')}"))  # stale while running


@test
def a_state_directory_with_links_is_refused_and_not_followed(lab):
    daemon = node(lab, state=True)
    daemon.call("identities.add", {"id": 1001, "labels": {"a": "b"}})
    daemon.stop()
    path, log = precious(lab), os.path.join(daemon.state, "journal.log")
    os.rename(log, log + ".aside")
    os.symlink(path, log)

    def refused(why):
        done = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=60, check=False)
        expect_equal(done.returncode, 1, "exit status")
        expect(why in done.stderr and daemon.state in done.stderr and "hint:" in done.stderr, f"says: {done.stderr}")

    refused("symbolic link")
    expect_untouched(path)
    os.unlink(log)
    os.rename(log + ".aside", log)
    os.chmod(daemon.state, 0o777)
    refused("others may write")
    os.chmod(daemon.state, 0o755)
    os.chown(log, MEMBER, GROUP)
    refused("another user owns it")
    os.chown(log, 0, 0)
    daemon.start()
    expect(1001 in [i["id"] for i in daemon.call("identities.list")], "what was on disk")


@test
def a_configuration_that_others_may_write_is_told_of(lab):
    daemon = node(lab)
    daemon.stop()
    expect("whoever writes this file" not in daemon.log_tail(), f"log: {daemon.log_tail()}")
    os.chmod(lab.file("a.json"), 0o666)
    daemon.start()
    expect("whoever writes this file" in daemon.log_tail(), f"log: {daemon.log_tail()}")
