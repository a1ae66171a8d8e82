# SPDX-License-Identifier: BSD-3-Clause
"""The least rights a daemon needs: a plain user with exactly the rights that the guide states, and
the messages without them."""
import contextlib
import os
import pathlib
import random
import re
import shutil
import subprocess

from lab.capture import capture_config, read_pcap
from lab.daemon import Refused
from lab.expect import Failure, expect, expect_equal, test, wait_until
from lab.net import link
from lab.site import workers
from lab.workloads import BLUE, DB, DB_EP, DB_MAC, WEB, WEB_EP, WEB_MAC, Wire, packet

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Another one in each run, also in runs beside this one: a limit of processes counts all of a user's.
USER = random.randrange(54000, 64000)

# Driver: capabilities, what its devices are called ({i} number, {n} name of the port, {dir} directory of sockets).
KINDS = {
    "tap": (("NET_ADMIN",), {"tap": {"name": "sl-{n}"}}),
    "interface": (("NET_RAW",), {"interface": "sl-{n}"}),
    "net_af_packet": (("NET_RAW",), "net_af_packet{i},iface=sl-{n}"),
    "net_af_xdp": (("NET_RAW", "NET_ADMIN", "SYS_ADMIN", "IPC_LOCK"), "net_af_xdp{i},iface=sl-{n}"),
    "net_tap": (("NET_ADMIN",), "net_tap{i},iface=sl-{n}"),
    "net_pcap": (("NET_RAW",), "net_pcap{i},rx_iface_in=sl-{n},tx_iface=sl-{n}"),
    "net_vhost": ((), "net_vhost{i},iface={dir}/vm.sock"),
    "net_virtio_user": ((), "net_virtio_user{i},path={dir}/vm.sock"),
    "net_memif": ((), "net_memif{i},role={role},socket-abstract=no,socket={dir}/m.sock"),
    "net_null": ((), "net_null{i},no-rx=1"),
    "net_ring": ((), "net_ring{i}"),
}
# The peer of a device that is a socket; the server starts first.
PEERS = {
    "net_vhost": "net_virtio_user9,path={dir}/vm.sock",
    "net_virtio_user": "net_vhost9,iface={dir}/vm.sock",
    "net_memif": "net_memif9,role={role},socket-abstract=no,socket={dir}/m.sock",
}


def plain_user(caps=(), memlock_kb=64):
    """Words before a command: it runs as a plain user, with these capabilities and no others."""
    words = ",".join(["-all"] + [f"+{c.lower()}" for c in caps])
    return ["bash", "-c", f"ulimit -l {memlock_kb}; exec \"$@\"", "-", "setpriv", "--reuid", str(USER), "--regid", str(USER),
            "--clear-groups", "--no-new-privs", f"--inh-caps={words}", f"--ambient-caps={words}",
            f"--bounding-set={words}"]


def daemon_as(lab, name, config, prefix, ns=None, state=False):
    """A daemon that is not started; the directory of the test is its user's."""
    d = lab.daemon(name, config, ns, state)
    command = d.command
    d.command = lambda: tuple(prefix) + command()
    os.chown(lab.directory, USER, USER)
    if state:
        os.chown(d.state, USER, USER)
    return d


def refusal(daemon):
    """The message of a daemon that does not start."""
    try:
        daemon.start()
    except Failure as e:
        daemon.process = None
        return str(e)
    raise Failure(f"{daemon.name} has started")


def device_of(driver, **words):
    """The fields of a port that say what it is of."""
    def filled(value):
        return {k: filled(v) for k, v in value.items()} if isinstance(value, dict) else value.format(**words)

    device = KINDS[driver][1]
    return filled(device if isinstance(device, dict) else {"devargs": device})


def config_of(driver, lab, names=("web", "db"), role="server"):
    return {"workers": workers(), "networks": [BLUE], "endpoints": [WEB_EP, DB_EP],
            "ports": [{"name": n, "role": "access", **device_of(driver, i=i, n=n, dir=lab.directory, role=role)}
                      for i, n in enumerate(names)]}


def make_links(lab, node):
    for name, mac in (("web", WEB_MAC), ("db", DB_MAC)):
        ns = lab.namespace(f"w-{name}")
        link(node, f"sl-{name}", ns, "eth0")
        ns.run("ip", "link", "set", "eth0", "address", mac)
        yield ns, "eth0"


def find_taps(node):
    for name in ("web", "db"):
        node.run("ip", "link", "set", f"sl-{name}", "up")
        yield node, f"sl-{name}"


def expect_passes(source, target, frame, load):
    def passed():
        source.send(frame)
        return target.count(0.2, load) > 0
    wait_until(passed, f"{load} does not come through", 10)


def expect_both_ways(web, db):
    expect_passes(web, db, packet(load=b"from web"), b"from web")
    expect_passes(db, web, packet(DB_MAC, WEB_MAC, DB, WEB, b"from db"), b"from db")


def between_interfaces(lab, driver):
    """Packets pass with the driver's rights, and with each one taken away the daemon says which it is."""
    node = lab.namespace("node")
    ends = list(make_links(lab, node)) if driver not in ("net_tap", "tap") else None
    caps, config = KINDS[driver][0], config_of(driver, lab)
    for cap in caps:
        said = refusal(daemon_as(lab, f"without-{cap}", config, plain_user(c for c in caps if c != cap), node))
        words = ("RLIMIT_MEMLOCK", "64 KiB", "LimitMEMLOCK=", "CAP_IPC_LOCK") if cap == "IPC_LOCK" else (
            f"CAP_{cap} is missing", f"AmbientCapabilities=CAP_{cap};")
        for word in words:
            expect(word in said, f"{driver} without CAP_{cap}: {word} is not in: {said}")
    daemon = daemon_as(lab, "with", config, plain_user(caps), node, state=True).start()
    web, db = (Wire(*end) for end in ends or find_taps(node))
    expect_both_ways(web, db)
    daemon.expect_sum()
    daemon.stop()
    expect("xdp" not in node.run("ip", "link"), "a program is left at an interface")


@test
def tap_needs_no_more_than_the_guide_says(lab):
    between_interfaces(lab, "tap")


@test
def a_tap_in_a_namespace_needs_one_capability_more(lab):
    node = lab.namespace("node")
    config = config_of("tap", lab)
    ends = []
    for port, mac in zip(config["ports"], (WEB_MAC, DB_MAC)):
        ns = lab.namespace(f"w-{port['name']}")
        port.update(mac=mac, tap={"name": "eth0", "netns": f"/run/netns/{ns.name}"})
        ends.append((ns, "eth0"))
    said = refusal(daemon_as(lab, "without", config, plain_user(("NET_ADMIN",)), node))
    expect("CAP_SYS_ADMIN" in said, f"without CAP_SYS_ADMIN: {said}")
    daemon = daemon_as(lab, "with", config, plain_user(("NET_ADMIN", "SYS_ADMIN")), node, state=True).start()
    expect_both_ways(*(Wire(*end) for end in ends))
    daemon.stop()


@test
def interface_needs_no_more_than_the_guide_says(lab):
    between_interfaces(lab, "interface")


@test
def net_af_packet_needs_no_more_than_the_guide_says(lab):
    between_interfaces(lab, "net_af_packet")


@test
def net_af_xdp_needs_no_more_than_the_guide_says(lab):
    between_interfaces(lab, "net_af_xdp")


@test
def net_tap_needs_no_more_than_the_guide_says(lab):
    between_interfaces(lab, "net_tap")
    for name, mount, word in (("away", "mount -t tmpfs none /dev/net", "No such file"),
                              ("closed", "touch tun && chmod 600 tun && mount --bind tun /dev/net/tun", "Permission denied")):
        prefix = in_mounts(f"cd {lab.directory} && {mount}") + plain_user(("NET_ADMIN",))
        said = refusal(daemon_as(lab, name, config_of("net_tap", lab), prefix))
        expect(f"/dev/net/tun: {word}" in said and "DeviceAllow=" in said, f"{name}: {said}")


@test
def net_pcap_needs_no_more_than_the_guide_says(lab):
    between_interfaces(lab, "net_pcap")


@test
def net_af_packet_leaves_the_interface_as_it_was(lab):
    """The port receives frames for other stations, without the flag that would stay after the
    daemon's death."""
    node = lab.namespace("node")
    (web_ns, dev), _ = make_links(lab, node)
    daemon = daemon_as(lab, "a", config_of("net_af_packet", lab), plain_user(("NET_RAW",)), node)

    def promiscuous():
        text = node.run("ip", "-d", "link", "show", "sl-web")
        return int(re.search(r"promiscuity (\d+)", text)[1]), "PROMISC" in text

    before = promiscuous()
    daemon.start()
    expect_equal(promiscuous(), (before[0] + 1, False), "while it runs")
    wire = Wire(web_ns, dev)
    seen = daemon.port("web")["rx_packets"]
    wire.send(packet(dst_mac="02:00:00:00:00:77"))
    wait_until(lambda: daemon.port("web")["rx_packets"] > seen, "a frame for another station is not heard")
    daemon.kill()
    wait_until(lambda: promiscuous() == before, lambda: f"after its death: {promiscuous()}, before {before}")


def start_pair(lab, driver, node):
    """The daemon as a plain user, and its peer as root; the server of the socket starts first."""
    serves = driver == "net_vhost" or driver == "net_memif"
    out = lab.file("out.pcap")
    own = {"workers": workers(), "networks": [BLUE], "endpoints": [WEB_EP, DB_EP], "ports": [
        {"name": "web", "role": "access", "devargs": KINDS[driver][1].format(i=0, dir=lab.directory, role="server")},
        {"name": "db", "role": "access", "devargs": f"net_pcap1,tx_pcap={out}"}]}
    peers = {**own, "ports": [
        {"name": "web", "role": "access", "devargs": "net_af_packet8,iface=sl-web"},
        {"name": "db", "role": "access", "devargs": PEERS[driver].format(dir=lab.directory, role="client")}]}
    daemon, peer = daemon_as(lab, "a", own, plain_user()), lab.daemon("peer", peers, node)
    if serves:
        return daemon.start(), peer.start(), out
    peer.start()
    path = lab.file("vm.sock")
    said = refusal(daemon)
    expect("vm.sock: Permission denied" in said and "hint: " in said, f"a socket that is closed: {said}")
    os.chmod(path, 0o666)
    return daemon.start(), peer, out


def over_a_socket(lab, driver):
    node = lab.namespace("node")
    (web_ns, dev), _ = make_links(lab, node)
    daemon, _, out = start_pair(lab, driver, node)
    web = Wire(web_ns, dev)

    def passed():
        web.send(packet(load=b"over the socket"))
        return any(b"over the socket" in f for f in read_pcap(out))
    wait_until(passed, lambda: f"nothing comes through: {daemon.totals()}", 20)
    daemon.stop()


@test
def net_vhost_needs_no_more_than_the_guide_says(lab):
    over_a_socket(lab, "net_vhost")


@test
def net_virtio_user_needs_no_more_than_the_guide_says(lab):
    over_a_socket(lab, "net_virtio_user")


@test
def net_memif_needs_no_more_than_the_guide_says(lab):
    over_a_socket(lab, "net_memif")


@test
def devices_without_a_kernel_need_nothing(lab):
    for driver in ("net_null", "net_ring"):
        config = config_of(driver, lab)
        config["ports"][1]["devargs"] = "net_null7,no-rx=1"
        daemon_as(lab, driver, config, plain_user()).start().stop()


@test
def the_guide_says_what_each_kind_of_port_needs(lab):
    """Its table has the drivers and the capabilities that the tests here start the daemon with."""
    text = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    section = text[text.index("## Privileges"):]
    rows = re.findall(r"^\| (net_\w+|tap|interface)[^|]*\| ([^|;]*)[^|]* \|", section[: section.index("\n## ")], re.M)
    found = {driver: tuple(re.findall(r"CAP_(\w+)", caps)) for driver, caps in rows}
    expect_equal(found, {driver: caps for driver, (caps, _) in KINDS.items()}, "the guide's table")


@test
def capabilities_of_the_file_will_do(lab):
    """As in a container, where a plain user has no ambient ones."""
    node = lab.namespace("node")
    ends = list(make_links(lab, node))
    path = lab.file("sluiced")
    shutil.copy(lab.sluiced, path)
    subprocess.run(("setcap", "cap_net_raw=ep", path), check=True)
    words = [w for w in plain_user() if w != "--no-new-privs" and not w.startswith("--bounding-set")]
    daemon = daemon_as(lab, "a", config_of("net_af_packet", lab), words, node)
    daemon.binary = path
    daemon.start()
    expect_both_ways(*(Wire(*end) for end in ends))
    daemon.stop()


@test
def the_systemd_unit_is_enough(lab):
    text = (ROOT / "configs/sluiced.service").read_text(encoding="utf-8")
    caps = re.search(r"^AmbientCapabilities=(.*)$", text, re.M)[1].split()
    expect_equal([f"CAP_{c}" for c in KINDS["interface"][0]], caps, "capabilities of the unit")
    path = lab.file("sluiced.service")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("/usr/local/sbin/sluiced", lab.sluiced))
    done = subprocess.run(("systemd-analyze", "verify", "--man=no", path), capture_output=True, text=True, check=False)
    expect(done.returncode == 0 and "sluiced.service" not in done.stderr, f"systemd-analyze: {done.stderr}")


def null_config(**more):
    config = capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")
    config["workers"].update(more)
    return config


def shell(text):
    """Words before a command: a shell runs this first."""
    return ["bash", "-c", f"{text} && exec \"$@\"", "-"]


def in_mounts(text):
    return ["unshare", "--mount", "--propagation", "private"] + shell(text)


def is_sanitized(lab):
    with open(lab.sluiced, "rb") as f:
        return b"__asan_init" in f.read()


@test
def limits_are_named_with_how_to_raise_them(lab):
    cores = sorted(os.sched_getaffinity(0))
    for name, prefix, words in (
        ("nofile", shell("ulimit -n 20"), ("20 file descriptors", "RLIMIT_NOFILE", "LimitNOFILE=")),
        ("as", shell("ulimit -v 300000"), ("292 MiB of address space", "RLIMIT_AS", "LimitAS=")),
        ("nproc", shell("ulimit -u 1") + plain_user(), ("1 are allowed", "RLIMIT_NPROC", "LimitNPROC=")),
        ("cores", ["taskset", "-c", str(cores[0])], (f"which are {cores[0]} (", "AllowedCPUs=")),
        ("sys", in_mounts("mount -t tmpfs none /sys"), ("/sys/devices/system/cpu", "mount -t sysfs")),
    ):
        if name == "as" and is_sanitized(lab):
            continue  # the sanitizer itself takes more than any such limit
        said = refusal(daemon_as(lab, name, null_config(cores=[cores[-1]]), prefix))
        for word in words:
            expect(word in said, f"{name}: {word} is not in: {said}")


@test
def a_port_that_finds_no_descriptors_says_so(lab):
    node, config = lab.namespace("node"), null_config()
    config["ports"] += [{"name": f"t{i}", "role": "access", "devargs": f"net_tap{i},iface=tt{i}"} for i in range(20)]
    said = refusal(daemon_as(lab, "a", config, shell("ulimit -n 64") + plain_user(("NET_ADMIN",)), node))
    for word in ("of 64 file descriptors are free", "RLIMIT_NOFILE", "LimitNOFILE="):
        expect(word in said, f"{word} is not in: {said}")


@test
def a_port_that_is_added_later_says_so_too(lab):
    """Over the socket: the error names the right, the hint says how to get it, and nothing is half
    made."""
    node = lab.namespace("node")
    list(make_links(lab, node))
    daemon = daemon_as(lab, "a", null_config(), plain_user(), node).start()
    before = daemon.call("ports.list")
    for driver, (caps, _) in KINDS.items():
        if not caps:
            continue
        try:
            name = "new" if driver == "tap" else "web"  # a TAP is made, an interface is there
            daemon.call("ports.add", {"name": "new", "role": "access", **device_of(driver, i=7, n=name)})
        except Refused as e:
            for cap in caps[: 3]:
                expect(f"CAP_{cap}" in e.error["message"], f"{driver}: {e.error}")
            expect("AmbientCapabilities=" in e.error["data"]["hint"], f"{driver}: {e.error}")
        else:
            raise Failure(f"{driver} was added")
    expect_equal(daemon.call("ports.list"), before, "ports")
    daemon.stop()


@test
def directories_that_are_closed_are_named(lab):
    closed = lab.file("closed")
    os.mkdir(closed, 0o755)
    vhost, state = null_config(), daemon_as(lab, "state", null_config(), plain_user(), state=True)
    vhost["ports"][1]["devargs"] = f"net_vhost1,iface={closed}/vm.sock"
    os.chown(state.state, 0, 0)
    os.chmod(state.state, 0o700)
    socket = daemon_as(lab, "socket", null_config(), plain_user())
    socket.socket = f"{closed}/s.sock"
    for daemon, words in ((daemon_as(lab, "vhost", vhost, plain_user()), (f"{closed}/vm.sock", "chown")),
                          (state, (state.state, "StateDirectory=")), (socket, (socket.socket, "RuntimeDirectory="))):
        said = refusal(daemon)
        for word in words:
            expect(word in said, f"{daemon.name}: {word} is not in: {said}")


@contextlib.contextmanager
def hugepages_that_are_counted(lab, n):
    """A mount for a daemon's eyes: the kernel seems to have n free hugepages."""
    d = lab.file("hugepages/hugepages-2048kB")
    os.makedirs(d)
    for file in ("nr", "free", "resv", "surplus", "nr_overcommit"):
        with open(f"{d}/{file}_hugepages", "w", encoding="utf-8") as f:
            f.write(f"{0 if file in ('resv', 'surplus') else n}\n")
    yield f"mount --bind {lab.file('hugepages')} /sys/kernel/mm/hugepages"


def group_limits(lab, **limits):
    """A mount for a daemon's eyes: its control group has these limits."""
    d = lab.file("cgroup")
    os.makedirs(d, exist_ok=True)
    for file, value in limits.items():
        with open(f"{d}/{file.replace('__', '.').replace('_2MB', '.2MB')}", "w", encoding="utf-8") as f:
            f.write(f"{value}\n")
    return f"mount --bind {d} /sys/fs/cgroup"


@test
def hugepages_that_cannot_be_had_are_done_without(lab):
    """According to the kernel's count the pages are there; the limit shows only when they are
    used."""
    with hugepages_that_are_counted(lab, 100000) as mount:
        daemon = daemon_as(lab, "auto", null_config(hugepages="auto"), in_mounts(mount)).start()
        expect("running without hugepages" in daemon.log_tail(), f"says: {daemon.log_tail()}")
        daemon.call("stats.get")
        daemon.stop()
        said = refusal(daemon_as(lab, "required", null_config(hugepages="required"), in_mounts(mount)))
        expect("(workers.hugepages)" in said and "hint: " in said, f"says: {said}")


@test
def hugepages_that_the_control_group_denies_are_done_without(lab):
    limits = group_limits(lab, hugetlb_2MB__max=32 << 20, hugetlb_2MB__current=2 << 20)
    with hugepages_that_are_counted(lab, 100000) as mount:
        prefix = in_mounts(f"{mount} && {limits}")
        daemon = daemon_as(lab, "auto", null_config(hugepages="auto"), prefix).start()
        expect("allows 30 MiB of 512 (/sys/fs/cgroup/hugetlb.2MB.max)" in daemon.log_tail(), daemon.log_tail())
        daemon.stop()
        said = refusal(daemon_as(lab, "required", null_config(hugepages="required"), prefix))
        for word in ("allows 30 MiB", "hugetlb.2MB.max", "hugepages-2Mi"):
            expect(word in said, f"{word} is not in: {said}")


@test
def more_memory_than_the_control_group_has_is_refused(lab):
    limit = group_limits(lab, memory__max=128 << 20)
    said = refusal(daemon_as(lab, "big", null_config(memory_mb=512), in_mounts(limit)))
    for word in ("128 MiB", "/sys/fs/cgroup/memory.max", "512 MiB", "(workers.memory_mb)", "MemoryMax="):
        expect(word in said, f"{word} is not in: {said}")


@test
def a_container_with_little_in_it_will_do(lab):
    """Only the test's own directory can be written, and there is no shared memory and no control
    group."""
    mounts = ("mount -t tmpfs -o mode=0 none /dev/shm && mount -t tmpfs -o mode=0 none /sys/fs/cgroup && "
              "mount -t tmpfs -o mode=0 none /tmp && mount -o remount,bind,ro / && unset XDG_RUNTIME_DIR")
    daemon = daemon_as(lab, "a", null_config(hugepages="auto"), in_mounts(mounts) + plain_user(), state=True)
    daemon.binary = shutil.copy(daemon.binary, lab.file("sluiced"))  # which may have been built in /tmp
    daemon.start()
    daemon.call("identities.add", {"id": 1001, "labels": {"a": "b"}})
    daemon.stop()


@test
def a_user_namespace_will_do(lab):
    daemon = daemon_as(lab, "a", null_config(hugepages="auto"), ["unshare", "--user", "--map-root-user"])
    os.chown(lab.directory, 0, 0)  # the one user that is mapped
    daemon.start().stop()
