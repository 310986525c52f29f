"""A search for mixed precision that is killed goes on and ends the same; so it does with any threads.

    python3 tests/cli/tune_killed.py OCTAVO

Killed with SIGKILL when some and when most of its trials are in the journal, and started again with the same
command, `octavo tune` prints the same table and writes the same recipe and model as undisturbed. Last line:
N passed, N failed. Exit code 77, with a notice, where the test images are missing.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist")
MODEL = ROOT / "demo/fashion_mobilenetv2.keras"
HEAD = 128


def command(octavo, folder, name, *more):
    return [octavo, "tune", MODEL, "--data", f"{IMAGES}/t10k-images-idx3-ubyte.gz:300", "--calib",
            f"{IMAGES}/train-images-idx3-ubyte.gz:10", "--preprocess", "tf", "--effort", "none", "--max-drop", "0.001",
            "--bench-seconds", "0", "--quiet", "-o", folder / f"{name}.tflite", "--recipe-out", folder / f"{name}.json",
            *more]


def outcome(octavo, folder, name, *more):
    """What is printed, the recipe, the model. A bound that was not shown to hold is an outcome, too."""
    done = subprocess.run(command(octavo, folder, name, *more), capture_output=True, text=True, timeout=600)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
    return done.stdout, (folder / f"{name}.json").read_bytes(), (folder / f"{name}.tflite").read_bytes()


def kill_behind(octavo, folder, journal, records):
    """Kills the search when the journal holds so many records; gives how many it then has."""
    process = subprocess.Popen(command(octavo, folder, "killed", "--resume", journal), stdout=subprocess.DEVNULL)
    count = 0
    while process.poll() is None:
        if journal.exists() and journal.stat().st_size > HEAD:
            size = int(journal.read_bytes()[:HEAD].split()[4])
            count = (journal.stat().st_size - HEAD) // size
            if count >= records:
                process.send_signal(signal.SIGKILL)
        time.sleep(0.002)
    return count if process.returncode == -signal.SIGKILL else 0


def check(octavo, folder):
    """Yields (what, whether it holds)."""
    alone = outcome(octavo, folder, "alone", "--threads", "2")
    yield "one thread and two", outcome(octavo, folder, "one", "--threads", "1") == alone
    for records in (140, 200):  # the first 126 are the costs of candidates
        journal = folder / f"journal{records}"
        count = kill_behind(octavo, folder, journal, records)
        again = outcome(octavo, folder, "again", "--resume", journal)
        yield f"killed with {count} records, resumed", count >= records and again == alone and not journal.exists()


def main():
    octavo = str(pathlib.Path(sys.argv[1]).resolve())
    if not os.path.isdir(IMAGES):
        print(f"tune: {IMAGES} is missing; skipped")
        return SKIPPED
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for what, holds in check(octavo, pathlib.Path(folder)):
            print(f"{'ok  ' if holds else 'FAIL'} {what}")
            passed += holds
            failed += not holds
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
