"""Octavo's engine and LiteRT on the same .tflite files, measured in turns in one process.

    build/venv/bin/python scripts/bench.py MODEL.tflite... [--threads 1] [--rounds 200] [--library build/liboctavo.so]

Each round runs every engine on every model once, in a shuffled order; a ratio is the median over rounds of
octavo's time by LiteRT's in the same round, with a distribution-free 95 % interval. LiteRT runs with its
default delegate (XNNPACK), as its Python interpreter is used by default.
"""
import argparse
import ctypes
import os
import random
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("offset", ctypes.c_int64), ("text", ctypes.c_char * 512)]


class SessionOptions(ctypes.Structure):
    _fields_ = [("kernels", ctypes.c_int), ("threads", ctypes.c_int32), ("batch", ctypes.c_int32)]


class Octavo:
    """One session over the C API."""

    def __init__(self, library, path, threads):
        self.api = ctypes.CDLL(library)
        self.api.oct_session_input.restype = ctypes.c_void_p
        self.error, model, self.session = Error(), ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.api.oct_model_load(path.encode(), None, ctypes.byref(model), ctypes.byref(self.error)))
        options = SessionOptions(0, threads, 0)
        self.check(self.api.oct_session_create(model, ctypes.byref(options), ctypes.byref(self.session),
                                               ctypes.byref(self.error)))

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.error.text.decode())

    def fill(self, index, value):
        size = ctypes.c_size_t()
        place = self.api.oct_session_input(self.session, ctypes.c_int32(index), ctypes.byref(size))
        assert size.value == value.nbytes, (size.value, value.nbytes)
        ctypes.memmove(place, value.ctypes.data, value.nbytes)

    def run(self):
        self.check(self.api.oct_session_run(self.session, ctypes.byref(self.error)))


class LiteRT:
    def __init__(self, path, threads):
        self.interpreter = Interpreter(path, num_threads=threads)
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()

    def fill(self, index, value):
        self.interpreter.set_tensor(self.inputs[index]["index"], value)

    def run(self):
        self.interpreter.invoke()


def make_inputs(litert, rng):
    values = []
    for detail in litert.inputs:
        kind = np.dtype(detail["dtype"])
        values.append(rng.standard_normal(detail["shape"]).astype(kind) if kind.kind == "f" else
                      rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, detail["shape"], dtype=kind,
                                   endpoint=True))
    return values


def interval(values):
    """Median and a distribution-free interval of at least 95 % from order statistics (normal approximation)."""
    ordered = np.sort(values)
    n = len(ordered)
    low = max(0, int(np.floor((n - 1.96 * n ** 0.5) / 2)))
    high = min(n - 1, int(np.ceil((n + 1.96 * n ** 0.5) / 2)))
    return float(np.median(ordered)), float(ordered[low]), float(ordered[high])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--library", default="build/liboctavo.so")
    options = parser.parse_args()
    rng, order = np.random.default_rng(1), random.Random(1)
    jobs = []
    for path in options.models:
        ours = Octavo(os.path.abspath(options.library), path, options.threads)
        theirs = LiteRT(path, options.threads)
        for index, value in enumerate(make_inputs(theirs, rng)):
            ours.fill(index, value)
            theirs.fill(index, value)
        for engine in (ours, theirs):
            for _ in range(5):
                engine.run()
        jobs += [(path, "octavo", ours), (path, "litert", theirs)]
    times = {(path, name): [] for path, name, _ in jobs}
    for _ in range(options.rounds):
        order.shuffle(jobs)
        for path, name, engine in jobs:
            start = time.perf_counter_ns()
            engine.run()
            times[path, name].append(time.perf_counter_ns() - start)
    print(f"{'model':34} {'octavo ms':>10} {'LiteRT ms':>10}  octavo / LiteRT (95 %), {options.threads} thread(s), "
          f"{options.rounds} rounds")
    for path in options.models:
        ours, theirs = (np.array(times[path, name], dtype=float) for name in ("octavo", "litert"))
        ratio, low, high = interval(ours / theirs)
        print(f"{os.path.basename(path):34} {np.median(ours) / 1e6:10.3f} {np.median(theirs) / 1e6:10.3f}  "
              f"{ratio:.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
