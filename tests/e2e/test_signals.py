# SPDX-License-Identifier: BSD-3-Clause
"""What signals do to a daemon. The next start removes every socket that is left behind."""
import os
import resource
import signal
import socket

from lab.capture import capture_config
from lab.expect import expect, expect_equal, test, wait_until

IGNORED = ("SIGHUP", "SIGUSR1", "SIGUSR2")
STOPPING = ("SIGTERM", "SIGINT", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPWR", "SIGSTKFLT", "SIGRTMIN")
CRASHING = ("SIGQUIT", "SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS", "SIGTRAP", "SIGXCPU")


def daemon(lab):
    """One with two sockets: its own, and one that its device serves."""
    d = lab.daemon("a", capture_config("net_null0,no-rx=1", f"net_vhost0,iface={lab.file('vm.sock')}"))
    return d, (d.socket, lab.file("vm.sock"))


def without_core(act):
    """No core dump, because the daemon dies on purpose. SIGQUIT gets its default action, which a
    background job would ignore."""
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
    try:
        return act()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limits)


def end(d, number):
    d.process.send_signal(number)
    status = d.process.wait(60)
    d._forget()
    return status


def sockets(paths):
    return [p for p in paths if os.path.exists(p)]


@test
def a_signal_that_means_nothing_here_is_ignored_with_a_line(lab):
    d, _ = daemon(lab)
    d.start()
    for name in IGNORED:
        d.process.send_signal(getattr(signal, name))
        wait_until(lambda name=name: f"{name} is ignored" in d.log_tail(), f"no line about {name}")
    for name in ("SIGPIPE", "SIGXFSZ", "SIGWINCH", "SIGCHLD", "SIGURG", "SIGCONT"):
        d.process.send_signal(getattr(signal, name))
        d.call("stats.get")
    expect(d.running, "it has ended")
    d.stop()


@test
def whatever_asks_it_to_end_stops_it_cleanly(lab):
    for name in STOPPING:
        d, paths = daemon(lab)
        d.start()
        expect_equal(sockets(paths), list(paths), "sockets while it runs")
        expect_equal((name, end(d, getattr(signal, name))), (name, 0), "exit status")
        expect_equal((name, sockets(paths)), (name, []), "sockets left behind")


@test
def a_crash_ends_it_by_that_signal_and_leaves_no_socket(lab):
    for name in CRASHING:
        d, paths = daemon(lab)
        without_core(d.start)
        status = end(d, getattr(signal, name))
        if name in ("SIGQUIT", "SIGXCPU") or "AddressSanitizer" not in d.log_tail():
            expect_equal((name, status), (name, -getattr(signal, name)), "exit status")
        expect_equal((name, sockets(paths)), (name, []), "sockets left behind")


@test
def it_ends_by_sigquit_also_when_a_shell_has_started_it_in_the_background(lab):
    d, paths = daemon(lab)
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # its child ignores it, as behind `sh -c 'sluiced &'`
    try:
        without_core(d.start)
    finally:
        signal.signal(signal.SIGQUIT, before)
    expect_equal(end(d, signal.SIGQUIT), -signal.SIGQUIT, "exit status")
    expect_equal(sockets(paths), [], "sockets left behind")


@test
def a_crash_leaves_what_others_have_put_in_its_sockets_place(lab):
    d, paths = daemon(lab)
    without_core(d.start)
    os.unlink(d.socket)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(d.socket)
        end(d, signal.SIGABRT)
        expect_equal(sockets(paths), [d.socket], "sockets left behind")
    os.unlink(d.socket)


@test
def what_sigkill_leaves_the_next_start_takes_away(lab):
    d, paths = daemon(lab)
    d.start()
    d.kill()
    expect_equal(sockets(paths), list(paths), "sockets after SIGKILL")
    d.start()
    d.call("stats.get")
    d.stop()
    expect_equal(sockets(paths), [], "sockets left behind")
