# SPDX-License-Identifier: BSD-3-Clause
"""--check refuses what a start refuses, with the same words, and changes nothing."""
import json
import os
import re
import socket
import subprocess

from lab.capture import capture_config
from lab.expect import expect, expect_equal, test


def base():
    return capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")


def run(lab, config, *options, check, sock=None):
    """(exit status, standard error) of a daemon that is expected to end by itself."""
    path = lab.file("checked.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(config if isinstance(config, str) else json.dumps(config))
    command = (lab.sluiced, "--config", path, "--socket", sock or lab.file("checked.sock")) + options
    done = subprocess.run(command + (("--check",) if check else ()), capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stderr


def words(stderr):
    """The message of the refusal, without the lines before it."""
    lines = [x for x in stderr.splitlines() if x.startswith("sluiced: ")]
    lines = [x for x in lines if "notice: " not in x and "running without hugepages" not in x]
    return re.sub(r"\S*checked\.json:\d+:\d+: ", "", lines[0]) if lines else stderr


def device(config, text):
    config["ports"][1]["devargs"] = text


def workers(**fields):
    return lambda config, lab: config["workers"].update(**fields)


def port(**fields):
    return lambda config, lab: config["ports"][1].update(**fields)


def devargs(text):
    return lambda config, lab: device(config, text.replace("LAB", lab.file("")))


def file_in_the_way(config, lab):
    with open(lab.file("plain"), "w", encoding="utf-8") as f:
        f.write("mine")
    device(config, f"net_vhost0,iface={lab.file('plain')}")


def too_many_devices(config, _lab):
    config["workers"].update(memory_mb=512, packet_buffers=1024)
    config["ports"] += [{"name": f"more{i}", "role": "access", "devargs": f"net_null{i},no-rx=1"} for i in range(2, 33)]


# What a start refuses and can be told without a device: configurations.
REFUSED = {
    "a core that is not there": workers(cores=[500]),
    "hugepages that are missing": workers(hugepages="required", memory_mb=1048576),
    "tables that do not fit": workers(memory_mb=64, max_flows=16777216, hugepages="off"),
    "too many arguments for EAL": workers(eal_args=["--no-pci"] * 60),
    "a variant that is not there": workers(variant="x86-64-v4"),
    "a queue for a worker that is not there": port(workers=[7]),
    "a device that no driver knows": devargs("net_nothing_like_it"),
    "a device with a wrong notation": devargs("vdev:"),
    "a test source that is not there, or has a wrong option": devargs("generator0,sizes=64"),
    "a socket in no directory": devargs("net_vhost0,iface=LABnowhere/vm.sock"),
    "a socket with too long a path": devargs("net_vhost0,iface=LAB" + "x" * 120),
    "more devices than this DPDK opens": too_many_devices,
    "its own socket as a device's": devargs("net_vhost0,iface=LABchecked.sock"),
    "a file in a socket's place": file_in_the_way,
    "a capture that is none": lambda config, lab: device(config, f"net_pcap0,rx_pcap={lab.file('')}"),
}


@test
def check_refuses_the_configurations_that_start_refuses_with_the_same_words(lab):
    for what, change in REFUSED.items():
        config = base()
        change(config, lab)
        checked, started = run(lab, config, check=True), run(lab, config, check=False)
        if what == "a variant that is not there" and started[0] == 0:
            continue
        expect_equal((what, started[0]), (what, 1), f"start: {started[1]}")
        expect_equal((what, checked[0]), (what, 1), f"check: {checked[1]}")
        if what != "tables that do not fit":
            said, wanted = words(checked[1]), words(started[1])
            said, wanted = (re.sub(r"\d+", "N", x.split(" (")[0]) for x in (said, wanted))  # free pages come and go
            expect_equal(said, wanted, f"words about {what}")


@test
def check_refuses_the_paths_that_start_refuses(lab):
    os.symlink(lab.file("elsewhere"), lab.file("link"))
    os.makedirs(lab.file("open"), mode=0o777)
    os.chmod(lab.file("open"), 0o777)
    with open(lab.file("file"), "w", encoding="utf-8"):
        pass
    os.makedirs(lab.file("damaged"), mode=0o750)
    with open(lab.file("damaged/journal.log"), "w", encoding="utf-8") as f:
        f.write('{"version":1,"seq":1,"changes":[],"crc":"00000000"}\n')
    states = [lab.file(n) for n in ("link", "open", "file", "damaged", "no/where")]
    sockets = [lab.file("x" * 120), lab.file("nowhere/s"), lab.file("file"), lab.file("link"), ""]
    cases = [(("--state", s), None) for s in states] + [((), s) for s in sockets if s]
    for options, sock in cases:
        checked, started = (run(lab, base(), *options, check=c, sock=sock) for c in (True, False))
        expect_equal((options, sock, started[0]), (options, sock, 1), f"start: {started[1]}")
        expect_equal((options, sock, checked[0]), (options, sock, 1), f"check: {checked[1]}")
        expect_equal(words(checked[1]), words(started[1]), f"words about {options or sock}")


@test
def check_changes_nothing(lab):
    stale = lab.file("stale.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(stale)
    config = base()
    device(config, f"net_vhost0,iface={stale}")
    os.makedirs(lab.file("torn"), mode=0o750)
    with open(lab.file("torn/journal.log"), "w", encoding="utf-8") as f:
        f.write('{"version":1,"seq":1,"chan')
    status, text = run(lab, config, "--state", lab.file("torn"), check=True)
    expect_equal(status, 0, text)
    expect("will be dropped" in text, f"message: {text}")
    expect_equal(os.path.getsize(lab.file("torn/journal.log")), 26, "the log that was looked at")
    status, text = run(lab, config, "--state", lab.file("new"), check=True, sock=stale)
    expect_equal(status, 1, f"a port on the daemon's own socket: {text}")
    status, text = run(lab, base(), "--state", lab.file("new"), check=True, sock=stale)
    expect_equal(status, 0, text)
    expect(os.path.exists(stale), "the stale socket is gone")
    expect(not os.path.exists(lab.file("new")), "the state directory was made")


@test
def check_beside_a_running_daemon_is_about_the_one_after_it(lab):
    d = lab.daemon("a", base(), state=True).start()
    done = subprocess.run(d.command() + ("--check",), capture_output=True, text=True, timeout=60, check=False)
    expect_equal(done.returncode, 0, done.stderr)
    expect("a daemon listens" in done.stderr and "in use by a daemon" in done.stderr, f"notices: {done.stderr}")
    d.call("stats.get")


@test
def check_reads_the_state_that_will_be_in_force(lab):
    d = lab.daemon("a", base(), state=True).start()
    d.call("policies.add", {"name": "p", "network": "*", "direction": "ingress", "action": "deny",
                            "subject": {"labels": {"app": "web"}}})
    command = d.command()
    d.stop()
    log = os.path.join(d.state, "journal.log")
    with open(log, "r+b") as f:
        f.seek(60)
        byte = f.read(1)
        f.seek(60)
        f.write(bytes([byte[0] ^ 1]))
    done = subprocess.run(command + ("--check",), capture_output=True, text=True, timeout=60, check=False)
    expect_equal(done.returncode, 1, done.stderr)
    expect("journal.log line 1" in done.stderr, f"message: {done.stderr}")


@test
def a_node_whose_workers_are_not_given_chooses_a_core(lab):
    config = base()
    del config["workers"]["cores"]
    d = lab.daemon("a", config).start()
    expect_equal(len(d.call("stats.get")["workers"]), 1, "workers")


@test
def whatever_is_wrong_with_the_text_the_file_is_named(lab):
    path = lab.file("checked.json")
    for text, says in (('{"networks": [{"name": "x",\n"name": "y"}]}', f"sluiced: {path}:2:1: the key occurs twice"),
                       ('[]', f"sluiced: {path}:1:1: a configuration is one JSON object"),
                       ('{"a": 1,}', f"sluiced: {path}:1:9: a key in double quotes was expected")):
        status, told = run(lab, text, check=True)
        expect_equal(status, 1, told)
        expect(told.startswith(says), told)
