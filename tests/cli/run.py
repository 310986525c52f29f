#!/usr/bin/env python3
"""Runs command-line transcripts and compares output and exit code.

usage: run.py OCTAVO TESTS_DIR TRANSCRIPT.txt...

A transcript is a list of commands with what they print (stdout and stderr together):
    # comment
    $ octavo convert nothing.keras -o x.tflite
    octavo convert: nothing.keras: cannot open: No such file or directory
    ? 5
A line `...` stands for any number of lines, `[*]` within a line for any text. The exit code defaults to 0.
Commands run by sh in one empty folder per transcript, $TESTS is the tests' folder, `octavo` the command.
"""
import os
import re
import subprocess
import sys
import tempfile


def parse(path):
    commands, current = [], None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("#"):
            continue
        if line.startswith("$ "):
            current = {"line": number, "command": line[2:], "lines": [], "code": 0}
            commands.append(current)
        elif line.startswith("? ") and current:
            current["code"] = int(line[2:])
        elif current and (line or current["lines"]):
            current["lines"].append(line)
    for command in commands:
        while command["lines"] and not command["lines"][-1]:
            command["lines"].pop()
    return commands


def pattern(lines):
    """One regular expression for the expected lines."""
    parts = []
    for line in lines:
        if line == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append("".join(".*" if p == "[*]" else re.escape(p)
                                 for p in re.split(r"(\[\*\])", line)) + "\n")
    return re.compile("".join(parts) + r"\Z")


def run_transcript(octavo, tests, path):
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        bin_folder = os.path.join(folder, ".bin")
        work = os.path.join(folder, "work")
        os.mkdir(bin_folder)
        os.mkdir(work)
        os.symlink(octavo, os.path.join(bin_folder, "octavo"))
        env = dict(os.environ, PATH=bin_folder + os.pathsep + os.environ["PATH"], TESTS=tests)
        for c in parse(path):
            done = subprocess.run(["sh", "-c", c["command"]], cwd=work, env=env, text=True, timeout=120,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = done.stdout if not done.stdout or done.stdout.endswith("\n") else done.stdout + "\n"
            if done.returncode == c["code"] and pattern(c["lines"]).match(output):
                passed += 1
                continue
            failed += 1
            print(f"{path}:{c['line']}: $ {c['command']}")
            print(f"  exit code {done.returncode}, expected {c['code']}")
            print("  --- expected\n  " + "\n  ".join(c["lines"]))
            print("  --- printed\n  " + "\n  ".join(output.splitlines()[:60]))
    return passed, failed


def main():
    octavo, tests = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    passed = failed = 0
    for path in sys.argv[3:]:
        p, f = run_transcript(octavo, tests, path)
        passed, failed = passed + p, failed + f
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
