# SPDX-License-Identifier: BSD-3-Clause
"""
A virtual machine at a vhost-user socket: Debian's kernel and busybox, run by QEMU without KVM, so that any machine
can. Commands go in and answers come out over its serial line.
"""
import glob
import gzip
import os
import re
import select
import shutil
import subprocess
import time

from .expect import Failure, Skip, expect

QEMU = "qemu-system-x86_64"  # Debian packages qemu-system-x86 and busybox-static: tools/lib/packages
MODULES = ("net/core/failover", "drivers/net/net_failover", "drivers/virtio/virtio_ring", "drivers/virtio/virtio",
           "drivers/virtio/virtio_pci_legacy_dev", "drivers/virtio/virtio_pci_modern_dev",
           "drivers/virtio/virtio_pci", "drivers/net/virtio_net")
BOOT_SECONDS = 180  # no KVM, on a machine that is busy with other work
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
{modules}
stty -echo
echo '<<up>>'
while read -r line; do
	eval "$line"
	echo "<<$?>>"
done
"""


def _unpack_kernel(directory):
    """Debian's cloud kernel, only unpacked: installing it would change how the machine boots."""
    depends = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], capture_output=True, text=True,
                             check=False).stdout
    name = re.search(r"Depends: (linux-image-\S+)", depends)
    expect(name, "apt knows no package linux-image-cloud-amd64 (apt-get update)")
    done = subprocess.run(["apt-get", "-qq", "download", name[1]], cwd=directory, capture_output=True, text=True,
                          check=False)
    expect(done.returncode == 0, f"apt-get download {name[1]}: {done.stderr.strip()}")
    package = glob.glob(f"{directory}/*.deb")[0]
    subprocess.run(["dpkg", "-x", package, f"{directory}/root"], check=True)
    os.unlink(package)


def _make_initramfs(directory):
    tree = f"{directory}/initramfs"
    kernel = glob.glob(f"{directory}/root/lib/modules/*/kernel")[0]
    for name in ("bin", "dev", "mod", "proc", "sys"):
        os.makedirs(f"{tree}/{name}", exist_ok=True)
    for module in MODULES:
        shutil.copy(f"{kernel}/{module}.ko", f"{tree}/mod/")
    shutil.copy("/bin/busybox", f"{tree}/bin/")
    loads = "\n".join(f"insmod /mod/{os.path.basename(m)}.ko" for m in MODULES)
    with open(f"{tree}/init", "w", encoding="ascii") as f:
        f.write(INIT.format(modules=loads))
    os.chmod(f"{tree}/init", 0o755)
    archive = subprocess.run("find . | busybox cpio -o -H newc", shell=True, cwd=tree, capture_output=True,
                             check=True).stdout
    with gzip.open(f"{directory}/initramfs.gz", "wb", 1) as f:
        f.write(archive)


def image(directory):
    """(kernel, initramfs) in `directory`, made there the first time: that needs a network."""
    if shutil.which(QEMU) is None:
        raise Skip(f"{QEMU} is missing (Debian package qemu-system-x86)")
    expect(os.path.exists("/bin/busybox"), "/bin/busybox is missing (Debian package busybox-static)")
    if not os.path.exists(f"{directory}/initramfs.gz"):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        _unpack_kernel(directory)
        _make_initramfs(directory)
    return glob.glob(f"{directory}/root/boot/vmlinuz-*")[0], f"{directory}/initramfs.gz"


class Guest:
    """A machine with one interface, eth0, at a vhost-user socket: sluice's, or one that QEMU serves."""

    def __init__(self, lab, name, socket_path, mac, address, queues=1, serves=False):
        self.lab, self.name, self.socket_path, self.mac, self.address = lab, name, socket_path, mac, address
        self.queues, self.serves = queues, serves
        self._process, self._seen = None, b""

    def _command(self):
        kernel, initramfs = image(os.path.join(self.lab.build, "guest"))
        role = "server=on" if self.serves else "reconnect=1"
        return [QEMU, "-accel", "tcg", "-machine", "q35,memory-backend=memory", "-m", "160",
                "-object", "memory-backend-memfd,id=memory,size=160M,share=on",
                "-smp", str(self.queues), "-display", "none", "-nodefaults", "-no-reboot", "-serial", "stdio",
                "-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyS0 quiet loglevel=0 panic=1",
                "-chardev", f"socket,id=line,path={self.socket_path},{role}",
                "-netdev", f"vhost-user,id=net,chardev=line,queues={self.queues}",
                # Without KVM, Debian 12's QEMU dies of vhost-user with message-signalled interrupts: none of them.
                "-device", f"virtio-net-pci,netdev=net,mac={self.mac},mq={'on' if self.queues > 1 else 'off'},vectors=0"]

    def launch(self):
        """It boots by itself; wait() makes it ready."""
        self._seen = b""
        self._process = subprocess.Popen(self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT)
        return self

    def start(self):
        return self.launch().wait()

    def wait(self):
        self._until(rb"<<up>>", BOOT_SECONDS)
        self.run("ip link set lo up")
        self.run(f"ip addr add {self.address}/24 dev eth0")
        self.run("ip link set eth0 up")
        return self

    def _until(self, pattern, seconds):
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self._seen)
            if found:
                before, self._seen = self._seen[: found.start()], self._seen[found.end():]
                return before.decode(errors="replace"), found
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self._process.stdout], [], [], left)[0]
            data = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            if not data:
                why = f"ended (exit {self._process.wait()})" if ready else f"said nothing that was waited for in {seconds} s"
                raise Failure(f"guest {self.name} {why}: {self._seen[-2000:].decode(errors='replace')}")
            self._seen += data

    def call(self, command, seconds=60):
        """(exit status, what it printed)"""
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        text, found = self._until(rb"<<(\d+)>>", seconds)
        return int(found[1]), text.replace("\r", "")

    def run(self, command, seconds=60):
        status, text = self.call(command, seconds)
        expect(status == 0, f"guest {self.name}: {command}: exit {status}: {text.strip()}")
        return text

    def features(self):
        """Numbers of the features that its driver has accepted (virtio 1.1 sections 5.1.3 and 6)."""
        bits = self.run("cat /sys/bus/virtio/devices/virtio0/features").strip()
        return {i for i, bit in enumerate(bits) if bit == "1"}

    def kill(self):
        """As a host's out-of-memory killer would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None
