#!/usr/bin/env python3
"""Kills octavo while it writes: the target is the old file or the whole new one, never a part.

usage: kill.py OCTAVO MODEL [KILLS]
"""
import os
import random
import signal
import subprocess
import sys
import tempfile
import time


def main():
    octavo, model = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    rng = random.Random(1)
    outcomes = {"old": 0, "new": 0, "half": 0}
    with tempfile.TemporaryDirectory() as folder:
        good, target = os.path.join(folder, "good.tflite"), os.path.join(folder, "target.tflite")
        start = time.monotonic()
        subprocess.run([octavo, "convert", model, "-o", good, "--quiet"], check=True)
        usual = time.monotonic() - start
        new = open(good, "rb").read()
        old = b"the file that was there before"
        for _ in range(kills):
            with open(target, "wb") as file:
                file.write(old)
            child = subprocess.Popen([octavo, "convert", model, "-o", target, "--quiet"])
            time.sleep(rng.random() * usual * 1.2)
            child.send_signal(signal.SIGKILL)
            child.wait()
            found = open(target, "rb").read()
            outcomes["old" if found == old else "new" if found == new else "half"] += 1
    print(f"killed {kills} times: {outcomes['old']} left the old file, {outcomes['new']} the new one, "
          f"{outcomes['half']} a part")
    print(f"{outcomes['old'] + outcomes['new']} passed, {outcomes['half']} failed")
    # A test in which the kill never hit the middle proves nothing.
    return 1 if outcomes["half"] or not outcomes["old"] else 0


if __name__ == "__main__":
    sys.exit(main())
