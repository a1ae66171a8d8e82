# SPDX-License-Identifier: BSD-3-Clause
"""
Virtual machines: Debian's kernel and busybox, run by QEMU without KVM, so that any machine
can. Commands go in and answers come out over its serial line.
"""
import glob
import gzip
import hashlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time

from .expect import Failure, Skip, expect

QEMU = "qemu-system-x86_64"  # Debian packages qemu-system-x86 and busybox-static: tools/lib/packages
MODULES = ("virtio_pci", "virtio_net")  # and what they need
BOOT_SECONDS = 180  # no KVM, on a machine that is busy with other work
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
{modules}
[ -e /own/names ] && . /own/names
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


def _with_dependencies(kernel, names):
    """Paths of kernel modules in an order in which they load."""
    where = {os.path.basename(p)[:-3].replace("-", "_"): p
             for p in glob.glob(f"{kernel}/**/*.ko", recursive=True)}
    order = []

    def add(name):
        path = where.get(name.replace("-", "_"))
        expect(path, f"the guest's kernel has no module {name}")
        with open(path, "rb") as f:
            needs = re.search(rb"\0depends=([^\0]*)\0", f.read())
        for need in filter(None, needs[1].decode().split(",") if needs else ()):
            add(need)
        if path not in order:
            order.append(path)
    for name in names:
        add(name)
    return order


def _libraries(program):
    """Shared libraries of a program of this machine, and the loader."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)


def _copy_programs(tree, programs):
    """busybox's shell prefers its own commands to those in a PATH, but not to functions."""
    os.mkdir(f"{tree}/own")
    with open(f"{tree}/own/names", "w", encoding="ascii") as names:
        for program in programs:
            shutil.copy(shutil.which(program), f"{tree}/own/")
            names.write(f"{program}() {{ /own/{program} \"$@\"; }}\n")
            for library in _libraries(shutil.which(program)):
                os.makedirs(tree + os.path.dirname(library), exist_ok=True)
                shutil.copy(library, tree + library)


def _make_initramfs(directory, path, modules, programs):
    with tempfile.TemporaryDirectory(dir=directory) as tree:
        for name in ("bin", "dev", "etc", "mod", "proc", "run", "sys", "tmp"):
            os.mkdir(f"{tree}/{name}")
        files = _with_dependencies(glob.glob(f"{directory}/root/lib/modules/*/kernel")[0], modules)
        for module in files:
            shutil.copy(module, f"{tree}/mod/")
        shutil.copy("/bin/busybox", f"{tree}/bin/")
        _copy_programs(tree, programs)
        loads = "\n".join(f"insmod /mod/{os.path.basename(m)}" for m in files)
        with open(f"{tree}/init", "w", encoding="ascii") as f:
            f.write(INIT.format(modules=loads))
        os.chmod(f"{tree}/init", 0o755)
        archive = subprocess.run("find . | busybox cpio -o -H newc", shell=True, cwd=tree, capture_output=True,
                                 check=True).stdout
    with gzip.open(path, "wb", 1) as f:
        f.write(archive)


def image(directory, modules=(), programs=()):
    """(kernel, initramfs) in `directory`, made there the first time: that needs a network. `modules`: loaded besides
    those of the virtual machine's own devices; `programs`: of this machine, which go in front of busybox's."""
    if shutil.which(QEMU) is None:
        raise Skip(f"{QEMU} is missing (Debian package qemu-system-x86)")
    expect(os.path.exists("/bin/busybox"), "/bin/busybox is missing (Debian package busybox-static)")
    for program in programs:
        expect(shutil.which(program), f"{program} is missing, which a guest needs (tools/lib/packages)")
    if not glob.glob(f"{directory}/root/boot/vmlinuz-*"):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        _unpack_kernel(directory)
    contents = repr((INIT, MODULES, modules, programs)).encode()
    initramfs = f"{directory}/initramfs-{hashlib.sha256(contents).hexdigest()[:12]}.gz"
    if not os.path.exists(initramfs):
        _make_initramfs(directory, f"{initramfs}.{os.getpid()}", MODULES + modules, programs)
        os.rename(f"{initramfs}.{os.getpid()}", initramfs)
    return glob.glob(f"{directory}/root/boot/vmlinuz-*")[0], initramfs


class Machine:
    """A virtual machine, and the shell in it. What it is connected with is up to who makes it."""

    modules, programs = (), ()  # for image()
    memory_mb = 160

    def __init__(self, build, name, cores=1):
        self.build, self.name, self.cores = build, name, cores
        self._process, self._seen = None, b""

    def _command(self):
        kernel, initramfs = image(os.path.join(self.build, "guest"), self.modules, self.programs)
        return [QEMU, "-accel", "tcg", "-m", str(self.memory_mb), "-smp", str(self.cores), "-display", "none",
                "-nodefaults", "-no-reboot", "-serial", "stdio", "-kernel", kernel, "-initrd", initramfs,
                # On a busy machine the emulated timer may be late: the kernel is not to give up for that.
                "-append", "console=ttyS0 quiet loglevel=0 panic=1 no_timer_check"] + self._devices()

    def _devices(self):
        """Words of QEMU's command line."""
        raise NotImplementedError

    def _open_files(self):
        """Descriptors that QEMU gets."""
        return ()

    def launch(self):
        """It boots by itself; wait() makes it ready."""
        self._seen = b""
        self._process = subprocess.Popen(self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, pass_fds=self._open_files())
        return self

    def start(self):
        return self.launch().wait()

    def wait(self):
        self._until(rb"<<up>>", BOOT_SECONDS)
        self.run("ip link set lo up")
        return self

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

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

    def kill(self):
        """As a host's out-of-memory killer would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None


class Guest(Machine):
    """
    A machine with one interface, eth0, at a vhost-user socket: sluice's, or one that QEMU serves. address: None if
    it sets itself up.
    """

    def __init__(self, lab, name, socket_path, mac, address, queues=1, serves=False):
        super().__init__(lab.build, name, queues)
        self.socket_path, self.mac, self.address = socket_path, mac, address
        self.queues, self.serves = queues, serves

    def _devices(self):
        role = "server=on" if self.serves else "reconnect=1"
        return ["-machine", "q35,memory-backend=memory",
                "-object", f"memory-backend-memfd,id=memory,size={self.memory_mb}M,share=on",
                "-chardev", f"socket,id=line,path={self.socket_path},{role}",
                "-netdev", f"vhost-user,id=net,chardev=line,queues={self.queues}",
                # Without KVM, Debian 12's QEMU dies of vhost-user with message-signalled interrupts: none of them.
                "-device", f"virtio-net-pci,netdev=net,mac={self.mac},mq={'on' if self.queues > 1 else 'off'},vectors=0"]

    def wait(self):
        super().wait()
        if self.address:
            self.run(f"ip addr add {self.address}/24 dev eth0")
        self.run("ip link set eth0 up")
        return self

    def features(self):
        """Numbers of the features that its driver has accepted (virtio 1.1 sections 5.1.3 and 6)."""
        bits = self.run("cat /sys/bus/virtio/devices/virtio0/features").strip()
        return {i for i, bit in enumerate(bits) if bit == "1"}
