# SPDX-License-Identifier: BSD-3-Clause
"""Virtual machines at vhost-user ports: another kernel's virtio driver at the other end. Slow: QEMU without KVM."""
from lab.expect import expect, expect_equal, long_test, wait_until
from lab.site import OPEN, workers

SECONDS = 60  # a guest without KVM on a busy machine takes its time


def pair(lab):
    """A daemon with two guests of one network, both up."""
    ends = [(name, lab.file(f"{name}.sock"), f"02:00:00:00:00:0{i}", f"10.0.0.{i}")
            for i, name in enumerate(("one", "two"), 1)]
    daemon = lab.daemon("node", {
        "workers": workers(),
        "ports": [{"name": name, "role": "access", "devargs": f"net_vhost{i},iface={path}"}
                  for i, (name, path, _, _) in enumerate(ends)],
        "networks": [{"name": "blue", "vni": 100, "encap": "vxlan", "policy_default": OPEN,
                      "subnets": [{"prefix": "10.0.0.0/24"}]}],
        "endpoints": [{"name": name, "network": "blue", "port": name, "mac": mac, "addresses": [ip]}
                      for name, _, mac, ip in ends],
    })
    daemon.start()
    return daemon, [lab.guest(*end).start() for end in ends]


def expect_pings(source, target):
    """The first one may find the other end's driver not ready."""
    wait_until(lambda: source.call(f"ping -c 1 -W 2 {target.address}")[0] == 0,
               f"guest {source.name} cannot ping {target.name}", SECONDS)
    text = source.run(f"ping -c 10 -i 0.2 -W 5 {target.address}", SECONDS)
    expect("10 packets received" in text, text)


@long_test
def two_virtual_machines_talk_over_vhost_user(lab):
    daemon, (one, two) = pair(lab)
    expect_pings(one, two)
    expect_pings(two, one)
    # 8 MiB over the kernel's TCP, whatever offloads its driver has agreed on.
    two.run("dd if=/dev/zero bs=1M count=8 2>/dev/null | md5sum >/sum")
    two.run("(sleep 1000 | nc -l -p 5000 | md5sum >/got) & true")
    wait_until(lambda: ":1388 " in two.run("cat /proc/net/tcp /proc/net/tcp6"), "nobody listens", SECONDS)
    one.run(f"dd if=/dev/zero bs=1M count=8 2>/dev/null | nc {two.address} 5000", 4 * SECONDS)
    wait_until(lambda: two.call("[ -s /got ]")[0] == 0, "the transfer did not end", SECONDS)
    expect_equal(two.run("cat /got"), two.run("cat /sum"), "sum of what arrived")
    daemon.expect_sum()


@long_test
def a_virtual_machine_that_is_killed_comes_back_to_its_port(lab):
    daemon, (one, two) = pair(lab)
    expect_pings(one, two)
    for _ in range(3):
        two.kill()
        one.call(f"ping -c 5 -i 0.2 -W 1 {two.address}", SECONDS)
        two.start()
        expect_pings(one, two)
        expect_pings(two, one)
    daemon.expect_sum()


@long_test
def virtual_machines_find_the_daemon_again_after_its_restart(lab):
    daemon, (one, two) = pair(lab)
    expect_pings(one, two)
    for end in (daemon.stop, daemon.kill):
        end()
        daemon.start()
        expect_pings(one, two)
        expect_pings(two, one)
    daemon.expect_sum()
