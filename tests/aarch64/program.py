#!/usr/bin/env python3
"""What the program for phones must be: one static file, aligned for large pages, making only system calls that
Android 8 to 15 allow to an app (allowed_calls.txt). The calls are those it makes in the emulator while doing what
it does on a phone.

usage: program.py EMULATOR OCTAVO COMPILER MODEL.keras
COMPILER, the cross compiler, shows that the check can fail: a program with glibc makes forbidden calls.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MUSL = ["-specs=/usr/lib/aarch64-linux-musl/musl-gcc.specs"]
PAGE = 0x4000
RELEASES = range(8, 16)


def allowed_calls():
    """Release -> set of names."""
    allowed = {release: set() for release in RELEASES}
    for line in open(os.path.join(HERE, "allowed_calls.txt"), encoding="utf-8"):
        group = re.fullmatch(r"(\d+)-(\d+):\n", line)
        if group:
            releases = range(int(group[1]), int(group[2]) + 1)
        elif line.startswith(" "):
            for release in releases:
                allowed[release].update(line.split())
    return allowed


def calls_of(emulator, folder, command):
    """Names of the system calls a command makes, calls unknown to the emulator by number."""
    log = os.path.join(folder, "calls.log")
    done = subprocess.run([emulator, "-D", log, "-strace"] + command, cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.decode()[-400:]}")
    text = open(log, encoding="utf-8", errors="replace").read()
    return set(re.findall(r"\b\d+ ([a-z_]\w*)\(", text)) | set(re.findall(r"Unknown syscall (\d+)", text))


def forbidden(calls, allowed):
    """Call -> releases that kill for it."""
    bad = {call: [r for r in RELEASES if call not in allowed[r]] for call in sorted(calls)}
    return {call: releases for call, releases in bad.items() if releases}


def segments(path):
    """(type, alignment) of each program header, and the ELF type."""
    data = open(path, "rb").read()
    kind, = struct.unpack_from("<H", data, 16)
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)]
    return kind, [(h[0], h[7]) for h in headers]


def small_program(compiler, folder, name, flags):
    path = os.path.join(folder, name)
    subprocess.run([compiler] + flags + ["-static", "-mno-outline-atomics", "-pthread", "-o", path,
                                         os.path.join(HERE, "threads.c")], check=True)
    return path


def write_npy(path, shape, data):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header = header.ljust((len(header) + 10 + 64) // 64 * 64 - 11) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def main():
    emulator, octavo, compiler, model = sys.argv[1:]
    octavo, model = os.path.abspath(octavo), os.path.abspath(model)
    allowed = allowed_calls()
    passed = failed = 0

    def check(good, what):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        if not good:
            print("FAILED", what)

    kind, headers = segments(octavo)
    check(kind == 2, f"ELF type {kind}, not an executable at a fixed address")
    check(all(t not in (2, 3) for t, _ in headers), "it asks for a dynamic loader")
    loads = [align for t, align in headers if t == 1]
    check(loads and all(align % PAGE == 0 for align in loads), f"LOAD segments aligned to {loads}")

    with tempfile.TemporaryDirectory() as folder:
        write_npy(os.path.join(folder, "x.npy"), (4, 48, 48, 3), bytes(range(256)) * 108)
        commands = [
            ["--version"],
            ["convert", model, "-o", "float32.tflite"],
            ["quantize", model, "-o", "int8.tflite", "--mode", "int8-full", "--io", "uint8", "--calib", "x.npy",
             "--preprocess", "tf"],
            ["bench", "float32.tflite", "int8.tflite", "--rounds", "1", "--threads", "2", "--profile", "--json"],
            ["run", "int8.tflite", "-i", "x.npy", "-o", "y.npy"],
            ["eval", "float32.tflite", "int8.tflite", "--data", "x.npy", "--preprocess", "tf", "--json"],
            ["inspect", "int8.tflite", "--json"],
        ]
        for command in commands:
            bad = forbidden(calls_of(emulator, folder, [octavo] + command), allowed)
            check(not bad, f"octavo {' '.join(command)}: calls forbidden to apps of these releases: {bad}")
        bad = forbidden(calls_of(emulator, folder, [small_program(compiler, folder, "musl", MUSL)]), allowed)
        check(not bad, f"a thread with musl: {bad}")
        bad = forbidden(calls_of(emulator, folder, [small_program(compiler, folder, "glibc", [])]), allowed)
        check("set_robust_list" in bad, f"a thread with glibc passes, so this test cannot fail: {bad}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
