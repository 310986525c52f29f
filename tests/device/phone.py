"""A pretended phone: Debian's real adbd in a folder that looks like Android, on a private loopback.

The process that uses it lives in namespaces of its own (enter()), so ports, mounts and programs of another
architecture are nobody else's, and everything ends with it. What is invented: properties, dumpsys, clocks of
cores. What is real: adb, adbd, the protocol, files, processes, signals.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PORT = "5555"
# Offset and bytes of an ELF header for 64-bit ARM, as binfmt_misc takes them.
ARM64 = (r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
         r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff")

GETPROP = """#!/bin/sh
sed -n "s/^$1=//p" /props
"""
DUMPSYS = """#!/bin/sh
case $1 in
thermalservice) [ ! -f /thermal ] || echo "Thermal Status: $(cat /thermal)"
    # A file /thermal.next is what the status will be from the next question on.
    [ ! -f /thermal.next ] || mv /thermal.next /thermal ;;
battery) printf '  AC powered: false\\n  USB powered: true\\n  level: 83\\n  temperature: 312\\n' ;;
power) echo "  mWakefulness=$(cat /wake)" ;;
window) echo "    mDreamingLockscreen=false" ;;
esac
"""
CMD = """#!/bin/sh
echo "$@" >>/commands
[ ! -f /no-fixed-mode ]
"""
DATE = """#!/bin/sh
echo $(($(/usr/bin/date +%s) + $(cat /offset)))
echo 100000 >/offset.next; [ ! -f /jump ] || mv /offset.next /offset
"""
PROPS = {
    "ro.product.manufacturer": "Example", "ro.product.model": "Phone 1", "ro.build.version.release": "14",
    "ro.build.version.sdk": "34", "ro.build.fingerprint": "example/phone/phone:14/X/1:user/release-keys",
    "ro.soc.manufacturer": "Example", "ro.soc.model": "SoC 1", "ro.board.platform": "board",
    "ro.hardware": "hardware",
}


def enter():
    """Starts this script again in namespaces of its own, or says why that is impossible (exit code 77).

    Gives a folder to the inner one. The outer one removes it, for whom nothing is mounted in it: folders of
    the machine are, for the inner one.
    """
    if "PHONE_FOLDER" in os.environ:
        return os.environ["PHONE_FOLDER"]
    command = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child",
               "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run(command + ["true"], stderr=subprocess.DEVNULL).returncode:
        skip("user namespaces are not allowed here")
    folder = tempfile.mkdtemp()
    os.mkdir(os.path.join(folder, "phone"))
    # The shell is the first process in there and takes care of orphans, which python would not.
    command += ["sh", "-c", '"$@"; exit $?', "sh", sys.executable] + sys.argv
    code = subprocess.run(command, env=dict(os.environ, PHONE_FOLDER=folder)).returncode
    os.rmdir(os.path.join(folder, "phone"))
    shutil.rmtree(folder)
    sys.exit(code)


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def run(*words, **options):
    return subprocess.run(words, check=True, **options)


class Phone:
    """One phone below `folder`, with the adbd unpacked in `adbd_root`."""

    def __init__(self, folder, adbd_root, abi="x86_64", storage="256m"):
        self.root = os.path.join(folder, "phone")
        self.adbd_root = adbd_root
        self.daemon = None
        self.environment = dict(os.environ, HOME=folder, TMPDIR=folder, ANDROID_ADB_SERVER_PORT="5137",
                                ADB_MDNS_AUTO_CONNECT="0")
        self.environment.pop("ANDROID_SERIAL", None)
        run("ip", "link", "set", "lo", "up")
        self.make_root(storage)
        self.set_props(dict(PROPS, **{"ro.product.cpu.abi": abi}))
        self.write("thermal", "0")
        self.write("wake", "Awake")

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def script(self, name, text):
        self.write(name, text)
        os.chmod(self.path(name), 0o755)

    def set_props(self, props):
        self.write("props", "\n".join(f"{key}={value}" for key, value in props.items()))

    def make_root(self, storage):
        run("mount", "-t", "tmpfs", "none", self.root)
        for name in ["usr", "bin", "lib", "lib64", "etc", "proc", "dev"]:
            if not os.path.exists("/" + name):
                continue
            os.makedirs(self.path(name))
            run("mount", "--rbind", "/" + name, self.path(name))
            if name in ("usr", "bin", "lib", "lib64", "etc"):
                run("mount", "-o", "remount,bind,ro", self.path(name))
        os.makedirs(self.path("data/local/tmp"))
        run("mount", "-t", "tmpfs", "-o", "size=" + storage, "none", self.path("data/local/tmp"))
        os.makedirs(self.path("tmp"))
        os.makedirs(self.path("adbd"))
        run("mount", "--bind", self.adbd_root, self.path("adbd"))
        run("mount", "-o", "remount,bind,ro", self.path("adbd"))
        self.script("system/bin/getprop", GETPROP)
        self.script("system/bin/dumpsys", DUMPSYS)
        self.script("system/bin/cmd", CMD)
        self.script("system/bin/date", DATE)
        self.write("offset", "0")
        for cpu in sorted(os.sched_getaffinity(0)):
            self.core(cpu, 2000000, 2000000)

    def core(self, cpu, khz, limit):
        base = f"sys/devices/system/cpu/cpu{cpu}/cpufreq/"
        self.write(base + "cpuinfo_max_freq", str(khz))
        self.write(base + "scaling_max_freq", str(limit))
        self.write(base + "scaling_governor", "schedutil")

    def emulate_arm64(self, qemu):
        """Programs for arm64 run from now on, as those of the phone's own."""
        registry = "/proc/sys/fs/binfmt_misc"
        run("mount", "-t", "binfmt_misc", "none", registry)
        with open(registry + "/register", "w", encoding="latin-1") as file:
            file.write(f":arm64:M::{ARM64[0]}:{ARM64[1]}:{qemu}:F")

    def start(self):
        lib = "/adbd/usr/lib/x86_64-linux-gnu"
        command = [shutil.which("chroot") or "chroot", self.root, lib + "/ld-linux-x86-64.so.2", "--library-path",
                   f"{lib}:{lib}/android", "/adbd/usr/lib/android-sdk/platform-tools/adbd"]
        log = open(os.path.join(self.root, "..", "adbd.log"), "a", encoding="utf-8")
        self.daemon = subprocess.Popen(command, env={"PATH": "/system/bin:/usr/bin:/bin", "TMPDIR": "/tmp"},
                                       stdout=log, stderr=log, start_new_session=True)

    def stop(self):
        if self.daemon:
            os.killpg(self.daemon.pid, signal.SIGKILL)
            self.daemon.wait()
            self.daemon = None

    def adb(self, *words, check=True):
        return subprocess.run(("adb",) + words, env=self.environment, check=check, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

    def connect(self):
        for _ in range(100):
            if "connected" in self.adb("connect", "127.0.0.1:" + PORT, check=False):
                self.environment["ANDROID_SERIAL"] = "127.0.0.1:" + PORT
                if "device" in self.adb("get-state", check=False):
                    return
            time.sleep(0.1)
        raise RuntimeError("adb does not connect to the pretended phone")

    def end(self):
        self.adb("kill-server", check=False)
        self.stop()
