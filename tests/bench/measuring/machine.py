# SPDX-License-Identifier: BSD-3-Clause
"""The machine under the benchmark: its time stamp counter, hugepages and description."""
import ctypes
import json
import mmap
import os
import platform
import re
import struct
import subprocess
import time

HUGEPAGES = "/proc/sys/vm/nr_hugepages"
PAGE_MB = 2


class Tsc:
    """Reads the time stamp counter, the unit of all cycles."""

    # rdtsc; shl rdx, 32; or rax, rdx; ret
    CODE = b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3"

    def __init__(self):
        self._page = mmap.mmap(-1, mmap.PAGESIZE,
                               prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._page.write(self.CODE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        self.read = ctypes.CFUNCTYPE(ctypes.c_uint64)(address)
        self.hz = self._measure()

    def _measure(self, seconds=0.5):
        clock, start = time.monotonic_ns(), self.read()
        time.sleep(seconds)
        ticks, elapsed = self.read() - start, time.monotonic_ns() - clock
        return ticks * 1e9 / elapsed


class Hugepages:
    """Enough free hugepages for as long as the with-block lasts."""

    def __init__(self, megabytes):
        self.wanted = -(-megabytes // PAGE_MB)  # 0: none, and nothing is touched
        self.added = 0
        self.available = False
        self.note = ""

    def __enter__(self):
        if self.wanted == 0:
            return self
        try:
            before, free = self._total(), self._free()
            if free < self.wanted:
                self._set_total(before + self.wanted - free)
                self.added = self._total() - before
            self.available = self._free() >= self.wanted
            if not self.available:
                self.note = f"only {self._free()} of {self.wanted} pages of 2 MiB are to be had"
        except OSError as error:
            self.note = str(error)
        return self

    def __exit__(self, *_):
        """Take back the pages that were added here; others may have added more since."""
        try:
            if self.added > 0:
                self._set_total(max(self._total() - self.added, 0))
        except OSError:
            pass

    @staticmethod
    def _total():
        with open(HUGEPAGES, encoding="ascii") as file:
            return int(file.read())

    @staticmethod
    def _set_total(number):
        with open(HUGEPAGES, "w", encoding="ascii") as file:
            file.write(str(number))

    @staticmethod
    def _free():
        with open("/proc/meminfo", encoding="ascii") as file:
            return int(re.search(r"HugePages_Free:\s+(\d+)", file.read()).group(1))


WORKER_CORE = 1


def worker_waited_ns(pid):
    """How long a process's worker has been ready to run while something else had its core."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        if os.sched_getaffinity(int(task)) == {WORKER_CORE}:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[1])
    return total


def describe(tsc):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        info = file.read()

    def field(name):
        match = re.search(rf"^{name}\s*:\s*(.*)$", info, re.MULTILINE)
        return match.group(1) if match else "unknown"

    return {"cpu": f"{field('model name')}, family {field('cpu family')}, model {field('model')}",
            "cores": info.count("processor\t"), "kernel": platform.release(),
            "tsc_hz": round(tsc.hz)}


BUILD_OPTIONS = ("buildtype", "optimization", "march", "b_lto", "b_sanitize")


def describe_build(directory):
    """What was measured: version and the options that matter for speed."""
    done = subprocess.run([os.path.join(directory, "sluiced"), "--version"], capture_output=True,
                          text=True, check=False)
    found = {"version": done.stdout.strip()}
    path = os.path.join(directory, "meson-info", "intro-buildoptions.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            found |= {option["name"]: option["value"] for option in json.load(file)
                      if option["name"] in BUILD_OPTIONS}
    done = subprocess.run(["pkg-config", "--modversion", "libdpdk"], capture_output=True, text=True,
                          check=False)
    return found | {"dpdk": done.stdout.strip() or "unknown"}


SYS_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
RESET_ON_FORK = 1


def ask_for_short_slices():
    """So that this process gets its turn soon when it shares a core with a worker (Linux 6.12 and
    later; older kernels ignore it). Child processes do not inherit it."""
    number = SYS_SCHED_SETATTR.get(os.uname().machine)
    if number is not None:
        # size, policy, flags, nice, priority, runtime (ns), deadline, period
        request = struct.pack("=IIQiIQQQ", 48, 0, RESET_ON_FORK, 0, 0, 100000, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, ctypes.c_char_p(request), 0)
