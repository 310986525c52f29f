#!/usr/bin/env python3
"""Runs the programs of examples/ as their opening comments say, on a model and samples of the tests.

usage: examples.py QUANTIZE CLASSIFY MODEL DIM,DIM,... CUSTOM_LAYER MODEL2
DIM,DIM,... is the shape of the input of MODEL without batch.
"""
import array
import os
import random
import struct
import subprocess
import sys
import tempfile


def write_npy(path, shape):
    """Seeded noise as float32 .npy, format 1.0."""
    count = 1
    for size in shape:
        count *= size
    noise = random.Random(1)
    header = repr({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)})
    header = header.ljust(117) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(array.array("f", [noise.random() for _ in range(count)]).tobytes())


def check(want_code, want_text, *command):
    """True when the command ends with the code and prints the text."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode == want_code and want_text in done.stdout:
        return True
    print(f"{' '.join(command)}\n  exit code {done.returncode}, expected {want_code} and \"{want_text}\"\n  "
          + done.stdout)
    return False


def main():
    quantize, classify, model = sys.argv[1:4]
    shape = [int(size) for size in sys.argv[4].split(",")]
    custom, gated = sys.argv[5:7]
    with tempfile.TemporaryDirectory() as folder:
        samples, one, wrong = (os.path.join(folder, name) for name in ("x.npy", "one.npy", "wrong.npy"))
        out = os.path.join(folder, "out.tflite")
        write_npy(samples, [8] + shape)
        write_npy(one, [1] + shape)
        write_npy(wrong, [8, 1] + shape[:-1] + [shape[-1] + 1])
        results = [
            check(0, f"{out}: ", quantize, model, out, samples),
            check(0, ", score ", classify, out, one),
            check(3, "a sample has ", quantize, model, out, wrong),
            check(3, "the array has ", classify, out, wrong),
            check(5, "missing.npy", classify, out, os.path.join(folder, "missing.npy")),
            check(2, "usage: ", quantize),
            check(0, f"{out}: ", custom, gated, out),
            check(2, "usage: ", custom),
            check(5, "missing.keras", custom, os.path.join(folder, "missing.keras"), out),
        ]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
