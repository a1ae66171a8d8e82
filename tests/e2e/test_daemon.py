# SPDX-License-Identifier: BSD-3-Clause
"""The daemon's command line, its refusals, and the ready configurations."""
import copy
import json
import pathlib
import subprocess

from lab.capture import capture_config
from lab.expect import expect, expect_equal, test, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]


def null_config():
    return capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")


def sluiced(lab, config, *options):
    """(exit status, stdout, stderr) of a daemon that is expected to end by itself."""
    path = lab.file("refused.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(config if isinstance(config, str) else json.dumps(config))
    done = subprocess.run((lab.sluiced, "--config", path, "--socket", lab.file("refused.sock")) +
                          options, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@test
def every_ready_configuration_is_valid(lab):
    files = sorted(ROOT.glob("configs/*.json"))
    expect(files, "there is no configuration in configs/")
    for path in files:
        done = subprocess.run((lab.sluiced, "--check", "--config", path), capture_output=True,
                              text=True, timeout=60, check=False)
        expect_equal((path.name, done.returncode), (path.name, 0), done.stderr)


@test
def check_names_the_path_of_a_misspelt_field(lab):
    config = null_config()
    config["endpoints"][1]["adresses"] = config["endpoints"][1].pop("addresses")
    status, _, text = sluiced(lab, config, "--check")
    expect_equal(status, 1, "exit status")
    expect("endpoints[1].adresses" in text, f"message: {text}")


@test
def a_reference_to_nothing_names_both_ends(lab):
    config = null_config()
    config["endpoints"][1]["node"] = "nowhere"
    status, _, text = sluiced(lab, config, "--check")
    expect_equal(status, 1, "exit status")
    expect("db" in text and "nowhere" in text, f"message: {text}")


@test
def broken_json_is_refused_with_its_place(lab):
    status, _, text = sluiced(lab, '{"node": {"name": "a",,}}', "--check")
    expect_equal(status, 1, "exit status")
    expect("refused.json:1:23: a key in double quotes was expected" in text, f"message: {text}")


@test
def a_refused_field_is_named_with_file_line_and_column(lab):
    for change, place in ((lambda c: c["endpoints"][1].update(mac="zz"), "mac"),
                          (lambda c: c["endpoints"][1].update(node="nowhere"), "node"),
                          (lambda c: c["ports"][1].update(devargs="net_unheard_of"), "devargs")):
        config = null_config()
        change(config)
        text = json.dumps(config, indent=1)
        collection = "ports" if place == "devargs" else "endpoints"
        wanted = place_of(text, config[collection][1], place)
        for options in ((), ("--check",)) if place != "devargs" else (("--check",),):
            status, _, words = sluiced(lab, text, *options)
            expect_equal(status, 1, "exit status")
            expect(f"refused.json:{wanted}: " in words, f"not at {wanted}: {words}")


def place_of(text, obj, field):
    """LINE:COLUMN of a field of an object, whose name no line before it has."""
    lines = text.splitlines()
    first = next(i for i, x in enumerate(lines) if f'"name": "{obj["name"]}"' in x and lines[i - 1].strip() == "{"
                 and any(f'"{field}":' in y and str(obj[field]) in y for y in lines[i:i + 12]))
    line = next(i for i in range(first, len(lines)) if f'"{field}":' in lines[i])
    return f"{line + 1}:{lines[line].index(chr(34)) + 1}"


@test
def a_device_that_no_driver_knows_is_refused_by_name(lab):
    config = null_config()
    config["ports"][1]["devargs"] = "nosuchdriver7,iface=nosuchdev"
    status, _, text = sluiced(lab, config)
    expect(status == 1, f"exit status {status}: {text}")
    expect("web" in text, f"message names no port: {text}")


@test
def required_hugepages_that_are_missing_are_counted(lab):
    config = null_config()
    config["workers"].update(hugepages="required", memory_mb=1048576)
    status, _, text = sluiced(lab, config)
    expect_equal(status, 1, "exit status")
    expect("nr_hugepages" in text and "missing" in text, f"message: {text}")


@test
def a_second_daemon_on_the_same_socket_is_refused(lab):
    first = lab.daemon("a", null_config()).start()
    done = subprocess.run(first.command(), capture_output=True, text=True, timeout=60, check=False)
    expect_equal(done.returncode, 1, "exit status of the second")
    expect(first.socket in done.stderr, f"message: {done.stderr}")
    first.client().call("stats.get")


@test
def two_daemons_run_side_by_side(lab):
    first, second = (lab.daemon(n, copy.deepcopy(null_config())).start() for n in ("a", "b"))
    first.call("policies.add", {"name": "only-here", "network": "*", "direction": "ingress",
                                "subject": {"labels": {"app": "web"}}, "action": "deny"})
    expect_equal(len(second.call("policies.list")), 0, "policies of the other daemon")


@test
def sluicectl_tells_a_refusal_wrong_usage_and_no_daemon_apart(lab):
    daemon = lab.daemon("a", null_config()).start()

    def status(*words, socket=daemon.socket):
        return subprocess.run((lab.sluicectl, "--socket", socket) + words, capture_output=True,
                              timeout=60, check=False).returncode

    expect_equal(status("call", "stats.get"), 0, "exit status when done")
    expect_equal(status("call", "endpoints.del", '{"name": "nobody"}'), 1, "when refused")
    expect_equal(status("no-such-noun", "list"), 2, "of wrong usage")
    expect_equal(status("call", "stats.get", socket=lab.file("nobody.sock")), 3, "without a daemon")


@test
def workers_say_what_stages_cost_and_how_long_bursts_take(lab):
    daemon = lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1")).start()
    wait_until(lambda: daemon.call("workers.list")[0]["timed_bursts"] > 10, "no bursts are timed")
    worker = daemon.call("workers.list")[0]
    expect_equal(sorted(q["port"] for q in worker["queues"]), ["uplink", "web"], "ports it polls")
    stages = {s["stage"]: s for s in worker["stages"]}
    for stage in ("receive", "parse", "transmit"):
        expect(stages[stage]["packets"] > 0 and stages[stage]["cycles_per_packet"] > 0, f"{stage}: {worker}")
    expect_equal(stages["encap"]["packets"], 0, "packets that are none")
    timed = sum(t["count"] for t in worker["service_times"])
    expect(timed >= 250 * worker["timed_bursts"], f"every burst has a service time: {worker}")
    expect_equal(daemon.call("workers.list", {"core": worker["core"]})[0]["core"], worker["core"], "by core")
    shown = subprocess.run((lab.sluicectl, "--socket", daemon.socket, "workers", "show"), capture_output=True,
                           text=True, timeout=60, check=True).stdout
    expect("parse" in shown and "BURST TOOK" in shown and "web/0" in shown, f"shown: {shown}")
    daemon.call("endpoints.del", {"name": "web"})
    daemon.call("ports.del", {"name": "web"})  # the flood ends, so that counters can be compared
