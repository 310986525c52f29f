#!/usr/bin/env python3
"""--device adb against Debian's real adbd: the way through, and the ways in which it fails.

usage: adb.py OCTAVO ODD_PROGRAM MODEL.keras ADBD_FOLDER [DEMO_MODEL DEMO_DATA [ARM64_PROGRAM]]
ODD_PROGRAM is tests/device/programs/odd.c. Exit code 77: skipped, with the reason. The last line is
"N passed, N failed".
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import phone
import schema

FOLDER = "data/local/tmp/octavo"
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/results.schema.json")
SERIAL = "127.0.0.1:" + phone.PORT


class Suite:
    def __init__(self, octavo, odd, keras, adbd_root, folder):
        self.octavo, self.odd, self.folder = octavo, odd, folder
        self.passed = self.failed = 0
        self.phone = phone.Phone(folder, adbd_root)
        self.float, self.int8 = os.path.join(folder, "f.tflite"), os.path.join(folder, "i.tflite")
        subprocess.run([octavo, "convert", keras, "-o", self.float], check=True)
        subprocess.run([octavo, "quantize", keras, "-o", self.int8, "--mode", "dynamic"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, *words, **changes):
        environment = dict(self.phone.environment, **changes)
        environment = {key: value for key, value in environment.items() if value is not None}
        return subprocess.Popen((self.octavo,) + words, env=environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words, **changes):
        process = self.start(*words, **changes)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def check(self, name, holds, *shown):
        if holds:
            self.passed += 1
            return
        self.failed += 1
        print(f"{name}: failed")
        for text in shown:
            print("    " + str(text).replace("\n", "\n    "))

    def fails(self, name, code, sentence, *words, **changes):
        """Exit code, and one sentence on the last line of stderr; gives stdout."""
        got, out, err = self.run(*words, **changes)
        lines = err.splitlines() or [""]
        self.check(name, got == code and lines[-1] == f"octavo {words[0]}: {sentence}",
                   f"exit code {got}, expected {code}", err, "expected: " + sentence)
        return out

    def bench(self, *more):
        return ("bench", self.float, "--device", "adb", "--device-program", self.octavo, "--rounds", "6") + more

    def clean(self, name):
        """The folder `run` is gone and nothing of ours runs on the phone."""
        for _ in range(100):  # a killed program's shell needs a moment to end
            left = os.path.exists(self.phone.path(FOLDER + "/run"))
            running = subprocess.run(["pgrep", "-f", "bench --json"], stdout=subprocess.PIPE, text=True).stdout
            if not left and not running:
                break
            time.sleep(0.05)
        self.check(name + ", cleaned up", not left and running == "", "run: " + str(left), running)

    # Before there is a phone.

    def states(self):
        bench = self.bench()
        nowhere = os.path.join(self.folder, "nowhere")
        os.mkdir(nowhere)
        self.fails("no adb", 5, "the program adb cannot be started; install it (Debian: apt-get install adb)",
                   *bench, PATH=nowhere)
        self.fails("no device", 5, "no Android device is connected: switch on USB debugging and plug in the "
                   "cable, or 'adb connect HOST:PORT'", *bench)
        listed = {
            "0123 unauthorized usb:1-1 transport_id:1": "device 0123 has not authorised this computer: unlock it "
            "and confirm 'Allow USB debugging'",
            "0123 offline usb:1-1": "device 0123 is offline: plug it in again, or 'adb reconnect offline'",
            "???? no permissions (missing udev rules?); see [http://x]": "no permission to open device ????: "
            "install android-sdk-platform-tools-common (udev rules) and plug it in again",
            "0123 recovery usb:1-1": "device 0123 is in state 'recovery': start Android on it",
            "A device model:One\nB device model:Two": "2 devices are connected (A One, B Two): say which with "
            "--device adb:SERIAL or ANDROID_SERIAL",
        }
        fake = os.path.join(self.folder, "fake")
        os.mkdir(fake)
        for line, sentence in listed.items():
            with open(os.path.join(fake, "adb"), "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\necho 'List of devices attached'\necho '{line}'\n")
            os.chmod(os.path.join(fake, "adb"), 0o755)
            self.fails("state " + line.split()[1], 5, sentence, *bench, PATH=fake + ":" + os.environ["PATH"])
        self.fails("serial not there", 5, "device X is not connected; there is A One, B Two", "bench", self.float,
                   "--device", "adb:X", PATH=fake + ":" + os.environ["PATH"])
        with open(os.path.join(fake, "adb"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho '* failed to start daemon' >&2\nexit 1\n")
        self.fails("server", 5, "adb cannot start its server: * failed to start daemon", *bench,
                   PATH=fake + ":" + os.environ["PATH"])

    def usage(self):
        see = " (see 'octavo help bench')"
        self.fails("spec", 2, "--device: 'usb' is not a device: adb, or adb:SERIAL as 'adb devices' shows it" + see,
                   "bench", self.float, "--device", "usb")
        self.fails("cores without device", 2, "--cores needs --device" + see, "bench", self.float, "--cores", "all")
        self.fails("LiteRT", 2, "LiteRT cannot be measured over adb: the program on the phone is static and loads "
                   "no library; the app measures TensorFlow Lite there" + see, *self.bench("--engine", "litert"))

    # With a phone.

    def two_devices(self):
        self.phone.adb("connect", "localhost:" + phone.PORT)
        got, _, err = self.run(*self.bench(), ANDROID_SERIAL=None)
        self.check("two devices", got == 5 and " devices are connected (" in err and "say which with" in err, err)
        got, _, err = self.run("bench", self.float, "--device", "adb:" + SERIAL, "--device-program", self.octavo,
                               "--rounds", "3", ANDROID_SERIAL=None)
        self.check("one of two by its serial", got == 0, err)
        self.phone.adb("disconnect", "localhost:" + phone.PORT)

    def bench_works(self):
        got, out, err = self.run(*self.bench(self.int8, "--json", "--profile"))
        answer = json.loads(out) if got == 0 else {}
        device = answer.get("device", {})
        self.check("bench", got == 0 and [len(m["times_ns"]) for m in answer["models"]] == [6, 6] and
                   len(answer["models"][0]["profile"]) > 0, err)
        facts = device.get("facts", {})
        self.check("facts", facts.get("model") == "Phone 1" and facts.get("sdk") == 34 and
                   facts["cores"][0] == {"cpu": facts["cores"][0]["cpu"], "part": None, "max_khz": 2000000,
                                         "limit_khz": 2000000, "governor": "schedutil"}, facts)
        self.check("cores are read back", device.get("cores_given") == device.get("cores_chosen") is not None, device)
        state = device.get("states", [{}])[0]
        self.check("state", state.get("thermal_status") == 0 and state.get("battery_celsius") == 31.2 and
                   state.get("battery_percent") == 83 and state.get("powered") is True and
                   state.get("screen_on") is True, state)
        self.clean("bench")

    def eval_works(self):
        words = ("eval", self.float, self.int8, "--data", "random:70", "--preprocess", "none", "--json")
        _, here, _ = self.run(*words)
        got, there, err = self.run(*words, "--device", "adb", "--device-program", self.octavo)
        answer = json.loads(there) if got == 0 else {"models": None}
        self.check("eval gives the host's numbers", answer["models"] == json.loads(here)["models"], err, here, there)
        files = set(os.listdir(self.phone.path(FOLDER)))
        before = {name: os.stat(self.phone.path(FOLDER + "/" + name)).st_ino for name in files}
        self.run(*words, "--device", "adb", "--device-program", self.octavo)
        after = {name: os.stat(self.phone.path(FOLDER + "/" + name)).st_ino for name in files}
        self.check("nothing is sent twice", before == after, before, after)
        self.clean("eval")

    def cores(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.phone.core(cpus[-1], 3000000, 2500000)
        got, out, err = self.run(*self.bench("--json"))
        device = json.loads(out)["device"] if got == 0 else {}
        self.check("fast cores", device.get("cores_given") == str(cpus[-1]), err, device.get("cores_given"))
        self.check("a limited core is told", f"core {cpus[-1]} is limited to 2.50 of 3.00 GHz" in err, err)
        got, out, err = self.run(*self.bench("--json", "--cores", str(cpus[0])))
        self.check("cores as asked", got == 0 and json.loads(out)["device"]["cores_given"] == str(cpus[0]), err)
        self.fails("core not there", 2, "--device: --cores: the device does not give core 900 (it gives "
                   f"{cpus[0]}-{cpus[-1]}) (see 'octavo help bench')" if len(cpus) > 1 else "", *self.bench("--cores", "900"))
        shutil.rmtree(self.phone.path("sys"))
        for cpu in cpus:
            os.makedirs(self.phone.path(f"sys/devices/system/cpu/cpu{cpu}"))
        os.remove(self.phone.path("thermal"))
        got, out, err = self.run(*self.bench("--json"))
        device = json.loads(out)["device"] if got == 0 else {"facts": {"cores": [{}]}, "states": [{}]}
        self.check("what is not told is null", device["facts"]["cores"][0].get("max_khz", 0) is None and
                   device["states"][0].get("thermal_status", 0) is None and
                   "does not tell: clocks of cores, governors, part numbers of cores, thermal status" in err, err, device)
        for cpu in cpus:
            self.phone.core(cpu, 2000000, 2000000)
        self.phone.write("thermal", "0")

    def heat(self):
        self.phone.write("thermal.next", "2")
        got, out, err = self.run(*self.bench("--json"))
        self.check("heat", got == 0 and json.loads(out)["device"]["throttled"] and
                   "is getting hot: its thermal status rose from 0 to 2" in err, err)
        self.phone.write("thermal", "3")
        self.phone.write("thermal.next", "1")
        got, out, err = self.run(*self.bench("--json"))
        states = json.loads(out)["device"]["states"] if got == 0 else []
        self.check("waits while hot", "waiting for it to cool down" in err or [3, 1] == [
            state["thermal_status"] for state in states[:2]], err, states)
        self.phone.write("thermal", "0")
        self.phone.write("wake", "Asleep")
        got, _, err = self.run(*self.bench())
        self.check("screen off", got == 0 and "the screen of Example Phone 1 is off: Android may hold background "
                   "work to slow cores; unlock it and keep it on" in err, err)
        self.phone.write("wake", "Awake")

    def misbehave(self, what, *more):
        """A benchmark of six rounds in two slices with the program that misbehaves; see odd.c for what."""
        return ("bench", self.float, "--device", "adb", "--device-program", self.odd, "--rounds", "6",
                "--seed", str(1000 * what)) + more

    def rounds(self, out):
        return len(json.loads(out)["models"][0]["times_ns"]) if out else 0

    def odd_programs(self):
        odd = self.misbehave
        got, out, err = self.run(*odd(1, "--json"))
        self.check("clock jumps once", got == 0 and len(json.loads(out)["models"][0]["times_ns"]) == 6 and
                   "the clock of Example Phone 1 jumped: 3 rounds are left out" in err, err)
        self.fails("clock keeps jumping", 5, "Example Phone 1: its clock jumps; times cannot be taken", *odd(2))
        self.fails("no JSON", 5, "Example Phone 1: the answer of the program there cannot be read: not JSON", *odd(3))
        self.fails("refused there", 4, "Example Phone 1: m.tflite: no kernel for SORT", *odd(4))
        self.fails("rounds missing", 5, "Example Phone 1: the answer of the program there cannot be read: times_ns",
                   *odd(5))

    def clocks(self):
        self.phone.write("jump", "")
        got, out, err = self.run(*self.bench("--json"))
        os.remove(self.phone.path("jump"))
        self.phone.write("offset", "0")
        self.check("date jumps", got == 0 and self.rounds(out) == 6 and
                   any(f"the date of Example Phone 1 jumped by {s} s" in err for s in range(99998, 100003)), err)
        got, out, err = self.run(*self.bench("--json", "--fixed-clocks"))
        with open(self.phone.path("commands"), encoding="utf-8") as file:
            asked = [line.split()[-1] for line in file]
        self.check("clocks are fixed and freed", got == 0 and json.loads(out)["device"]["fixed_clocks"] is True and
                   asked == ["true", "false"] * (len(asked) // 2) and asked, asked, err)
        self.phone.write("no-fixed-mode", "")
        got, out, err = self.run(*self.bench("--json", "--fixed-clocks"))
        self.check("no fixed clocks", got == 0 and json.loads(out)["device"]["fixed_clocks"] is False and
                   "Example Phone 1 has no fixed performance mode" in err, err)

    def programs(self):
        script = os.path.join(self.folder, "script")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + "exit 0\n" * 20)
        self.fails("no program", 3, script + ": not a program", "bench", self.float, "--device", "adb",
                   "--device-program", script)
        props = dict(phone.PROPS, **{"ro.product.cpu.abi": "arm64-v8a"})
        self.phone.set_props(props)
        self.fails("program of another CPU", 3, self.octavo + ": a program for another CPU than that of Example "
                   "Phone 1 (arm64-v8a)", *self.bench())
        self.phone.set_props(dict(props, **{"ro.product.cpu.abi": "armeabi-v7a"}))
        self.fails("ABI", 4, "Example Phone 1 runs programs for 'armeabi-v7a'; Octavo has one for arm64-v8a and "
                   "x86_64", *self.bench())
        self.phone.set_props(dict(props, **{"ro.product.cpu.abi": "x86_64"}))

    def killed(self):
        for number, words in ((9, "SIGKILL (out of memory, or somebody stopped it)"),
                              (31, "SIGSYS (a system call that this Android refuses)"),
                              (4, "SIGILL (an instruction that its CPU lacks)"), (11, "SIGSEGV")):
            out = self.fails(f"killed by {number} at half", 5, "Example Phone 1: the program was killed there by " +
                             words, *self.misbehave(100 + number, "--json"))
            self.check("half is kept", self.rounds(out) == 3, out[:300])
            self.clean("killed")

    def in_second_slice(self, action):
        """Runs a program that sleeps in its second slice, and then the action on it."""
        self.phone.write("calls", "")
        self.phone.script("system/bin/dumpsys", "#!/bin/sh\n[ $1 != thermalservice ] || echo x >>/calls\n" +
                          phone.DUMPSYS.split("\n", 1)[1])
        process = self.start(*self.misbehave(6, "--json"))
        # Looked at when it was opened and before each slice.
        while open(self.phone.path("calls"), encoding="utf-8").read().count("x") < 3 or \
                not os.path.exists(self.phone.path(FOLDER + "/run/pid")):
            time.sleep(0.01)
        action(process)
        out, err = process.communicate(timeout=60)
        self.phone.script("system/bin/dumpsys", phone.DUMPSYS)
        return process.returncode, out, err

    def lost(self):
        got, out, err = self.in_second_slice(lambda process: self.phone.stop())
        self.check("cable pulled", got == 5 and err.splitlines()[-1].startswith(
            f"octavo bench: the connection to device {SERIAL} was lost (cable, adb or the device itself)"), got, err)
        self.check("half is kept", self.rounds(out) == 3, out[:300])
        stale = os.path.exists(self.phone.path(FOLDER + "/run"))
        self.phone.start()
        self.phone.adb("disconnect", SERIAL, check=False)
        self.phone.connect()
        subprocess.run(["pkill", "-9", "-f", "bench --json"], check=False)  # as when a phone restarts
        time.sleep(0.2)
        got, _, err = self.run(*self.bench())
        self.check("stale folder of the lost run", stale and got == 0, stale, err)
        self.clean("after the cable")

    def interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            got, out, err = self.in_second_slice(lambda process: process.send_signal(number))
            self.check("interrupted", got == 5 and err.endswith(f"octavo bench: interrupted by {number.name}\n"), got, err)
            self.check("half is kept", self.rounds(out) == 3, out[:300])
            self.clean("interrupted")

    def busy(self):
        os.makedirs(self.phone.path(FOLDER + "/run"), exist_ok=True)
        sleeper = subprocess.Popen(["sleep", "60"])
        self.phone.write(FOLDER + "/run/pid", str(sleeper.pid))
        self.fails("measured on already", 5, f"Example Phone 1 is being measured on already (process {sleeper.pid} "
                   f"there): wait, or 'adb -s {SERIAL} shell kill {sleeper.pid}'", *self.bench())
        sleeper.kill()
        sleeper.wait()
        got, _, err = self.run(*self.bench())
        self.check("its process is gone", got == 0, err)

    def storage(self):
        damaged = [name for name in os.listdir(self.phone.path(FOLDER)) if len(name) == 32]
        for name in damaged:
            with open(self.phone.path(FOLDER + "/" + name), "r+b") as file:
                file.seek(100)
                file.write(b"damage")
        self.phone.write(FOLDER + "/" + "0" * 32, "octavo 0.0.1")
        got, _, err = self.run(*self.bench())
        self.check("stale and damaged files", got == 0 and "a file left on the device was damaged and is sent again"
                   in err, err)
        got, _, err = self.run(*self.bench("--leave-nothing"))
        self.check("leaves nothing", got == 0 and not os.path.exists(self.phone.path(FOLDER)), err)
        tmp = self.phone.path("data/local/tmp")
        phone.run("mount", "-t", "tmpfs", "-o", "size=300k", "none", tmp)
        got, _, err = self.run(*self.bench())
        self.check("storage full", got == 5 and "octavo bench: Example Phone 1 is full: a file needs " in err and
                   " MB are free in /data/local/tmp" in err, err)
        self.check("no part of a file is left", not [name for name in os.listdir(self.phone.path(FOLDER))], "")
        phone.run("umount", tmp)
        # Refused for another reason: the storage turns read-only after the folder was made.
        self.phone.script("system/bin/dumpsys", "#!/bin/sh\nmount -o remount,ro /data/local/tmp\n")
        self.fails("push refused", 5, f"Example Phone 1 does not take a file of {os.path.getsize(self.octavo) / 1e6:.1f} "
                   "MB: Read-only file system", *self.bench())
        self.phone.script("system/bin/dumpsys", phone.DUMPSYS)
        phone.run("mount", "-o", "remount,rw", tmp)
        shutil.rmtree(self.phone.path(FOLDER))
        phone.run("mount", "-o", "remount,ro", tmp)
        self.fails("read-only storage", 5, "Example Phone 1: cannot make the folder /data/local/tmp/octavo: "
                   "Read-only file system", *self.bench())
        phone.run("mount", "-o", "remount,rw", tmp)

    # The main job.

    def document(self, folder, name):
        with open(os.path.join(folder, "results.json"), encoding="utf-8") as file, \
                open(SCHEMA, encoding="utf-8") as rules:
            results, rules = json.load(file), json.load(rules)
        found = schema.faults(results, rules, rules)
        self.check(name + " fits the schema", not found, *found[:5])
        return results

    def compare(self, model, data, program):
        out = os.path.join(self.folder, "out")
        words = ("compare", model, "--data", data, "--modes", "int8,int8-full-uint8", "--bench-seconds", "0.05", "-o", out,
                 "--device", "adb", "--device-program", program)
        got, table, err = self.run(*words)
        self.check("compare", got == 0 and "phone" in table.splitlines()[0] and "Advice for Example Phone 1: " in table,
                   table, err)
        results = self.document(out, "compare")
        for form in results["forms"]:
            same = form["form"] == "float32" or (form["device"]["accuracy"]["top1"] == form["accuracy"]["top1"] and
                                                 form["device"]["same_as_host"] == form["accuracy"]["samples"])
            self.check("the phone's answers: " + form["form"], same, form["device"].get("accuracy"), form["accuracy"])
        self.check("results.json", results["device"]["status"] == "ok" and results["device"]["benchmark"]["rounds"] >= 15,
                   results["device"])
        got, text, err = self.run("advise", os.path.join(out, "results.json"))
        self.check("advise", got == 0 and text.startswith("Advice for Example Phone 1: ") or
                   "\nAdvice for Example Phone 1: " in text, text, err)
        got, _, err = self.run("report", os.path.join(out, "results.json"), "-o", os.path.join(out, "again.html"))
        self.check("report", got == 0, err)
        self.clean("compare")

    def compare_cut(self, model, data):
        out = os.path.join(self.folder, "cut")
        got, table, err = self.run("compare", model, "--data", data, "--modes", "int8", "--bench-seconds", "0.05",
                                   "-o", out, "--device", "adb", "--device-program", self.odd, "--seed", "109000")
        device = self.document(out, "compare cut off")["device"]
        self.check("compare cut off", got == 5 and device["status"] == "incomplete" and "SIGKILL" in device["reason"] and
                   device["benchmark"]["rounds"] == 3 and "are incomplete: " in table, got, table, err, device["reason"])


def main():
    octavo, odd, keras, adbd = (os.path.abspath(word) for word in sys.argv[1:5])
    if not shutil.which("adb"):
        phone.skip("adb is not installed (scripts/setup.sh device)")
    if not os.path.exists(os.path.join(adbd, "complete")):
        phone.skip("adbd is not there (scripts/setup.sh device)")
    folder = phone.enter()
    suite = Suite(octavo, odd, keras, os.path.join(adbd, "root"), folder)
    try:
        suite.states()
        suite.usage()
        suite.phone.start()
        suite.phone.connect()
        for test in (suite.bench_works, suite.eval_works, suite.two_devices, suite.cores, suite.heat,
                     suite.clocks, suite.odd_programs, suite.programs, suite.killed, suite.busy, suite.interrupted, suite.lost):
            test()
        if len(sys.argv) > 6 and os.path.exists(sys.argv[6].split(":")[0]):
            suite.compare(sys.argv[5], sys.argv[6], octavo)
            suite.compare_cut(sys.argv[5], sys.argv[6])
        if len(sys.argv) > 7 and os.path.exists(sys.argv[7]) and shutil.which("qemu-aarch64-static"):
            suite.phone.emulate_arm64(shutil.which("qemu-aarch64-static"))
            suite.phone.set_props(dict(phone.PROPS, **{"ro.product.cpu.abi": "arm64-v8a"}))
            suite.compare(sys.argv[5], sys.argv[6], os.path.abspath(sys.argv[7]))
            suite.phone.set_props(dict(phone.PROPS, **{"ro.product.cpu.abi": "x86_64"}))
        suite.storage()
    finally:
        suite.phone.end()
    print(f"{suite.passed} passed, {suite.failed} failed")
    return 1 if suite.failed or not suite.passed else 0


if __name__ == "__main__":
    sys.exit(main())
