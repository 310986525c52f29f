"""Public .tflite files, whatever they are, through octavo: the round trip, and every mode of every float model.

    build/venv/bin/python tests/conformance/public_files.py OCTAVO NAME=FOLDER… --out FOLDER
        [--only WORD] [--limit 240] [--again] [--roundtrip-only] [--markdown docs/files.md]

NAME is what the tables call a folder: a repository or a package. Files of equal bytes count once. Each model has
a process of its own with a time limit, and what it came to is kept under --out: what was stopped goes on where it was;
--again measures anew. The files themselves are not part of the project: docs/files.md says where they come from.
Prints the tables; the last line is `N passed, N failed`: a file fails where both engines run it and differ, where
the written file says something else, and where octavo alone refuses.
"""

import argparse
import fnmatch
import hashlib
import json
import os
import subprocess
import sys

import public_tables

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = ["float32", *public_tables.MODES]


def stored(path):
    """False for an empty file or a pointer to one that is kept elsewhere."""
    with open(path, "rb") as file:
        head = file.read(64)
    return len(head) > 0 and not head.startswith(b"version https://git-lfs")


def collect(folders):
    """[{name, group, path, sha, stored}] in order; copies of the same bytes once."""
    rows, seen = [], set()
    for given in folders:
        group, folder = given.split("=", 1)
        for where, inner, names in os.walk(folder):
            inner.sort()
            for name in sorted(fnmatch.filter(names, "*.tflite")):
                path = os.path.join(where, name)
                with open(path, "rb") as file:
                    sha = hashlib.sha256(file.read()).hexdigest()
                here = stored(path)
                if here and sha in seen:
                    continue
                seen.add(sha)
                rows.append({"name": os.path.relpath(path, folder), "group": group, "path": path,
                             "sha": sha, "stored": here})
    return rows


def child(script, arguments, steps, limit):
    """{step: what it printed} as far as a process of its own came in the time; the step that ended it says so."""
    command, found = [sys.executable, os.path.join(HERE, script), *arguments, *steps], {}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        out, ended = done.stdout, f"signal {-done.returncode}" if done.returncode < 0 else done.stderr.strip()[-300:]
    except subprocess.TimeoutExpired as stopped:
        out, ended = (stopped.stdout or b"").decode(), f"took longer than {limit} s"
    for line in out.splitlines():
        step, _, row = line.partition(" ")
        if step in steps:
            found[step] = json.loads(row)
    missing = [step for step in steps if step not in found]
    return found | ({missing[0]: {"ended": ended}} if missing else {})


class Results:
    """What each step of each file came to, one JSON file for each model."""

    def __init__(self, folder, again):
        self.folder, self.again, self.fresh = folder, again, set()
        os.makedirs(folder, exist_ok=True)

    def path(self, row):
        return os.path.join(self.folder, row["sha"][:16] + ".json")

    def load(self, row):
        if not os.path.exists(self.path(row)) or (self.again and row["sha"] not in self.fresh):
            return {}
        with open(self.path(row), encoding="utf-8") as file:
            return json.load(file)

    def steps(self, row, names, make):
        """Has what is missing of `names` made, some at a time, and keeps it."""
        known = self.load(row)
        while missing := [name for name in names if name not in known]:
            known |= make(missing)
            self.fresh.add(row["sha"])
            with open(self.path(row), "w", encoding="utf-8") as file:
                json.dump(known, file)
        return known


def measure(row, options, results):
    scratch = os.path.join(options.out, "scratch", row["sha"][:16])
    os.makedirs(scratch, exist_ok=True)

    def steps(script, target, *names):
        return results.steps(row, names, lambda missing: child(
            script, [options.octavo, row["path"], os.path.join(scratch, target)], missing, options.limit))

    known = steps("public_roundtrip.py", "same.tflite", "roundtrip")
    if "ended" in known["roundtrip"]:
        steps("public_roundtrip.py", "same.tflite", "fields")
    if options.roundtrip_only or "refused" in known["roundtrip"]:
        return
    if steps("public_quantize.py", "", "kind")["kind"].get("kind") in ("float", "mixed"):
        timed = ["aeq"] if os.path.getsize(row["path"]) >= public_tables.TIMED_BYTES else []
        steps("public_quantize.py", "", *STEPS, *timed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("octavo")
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int, default=240, help="seconds a process may take")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--roundtrip-only", action="store_true")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    options.octavo = os.path.abspath(options.octavo)
    rows = collect(options.folders)
    results = Results(os.path.join(options.out, "results"), options.again)
    for row in rows:
        if row["stored"] and options.only in row["group"] + "/" + row["name"]:
            print(row["group"], row["name"], flush=True)
            measure(row, options, results)
    results.again = False
    found = [row | {"steps": results.load(row) if row["stored"] else {}} for row in rows]
    text = public_tables.text(found)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        print(text)
    passed, failed = public_tables.counts(found)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
