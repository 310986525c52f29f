"""Octavo's engine, LiteRT and onnxruntime on the same networks, measured in turns in one process.

    build/venv/bin/python scripts/bench.py MODEL.tflite... [--onnx FLOAT.tflite[:INT8.tflite]]...
        [--threads 1] [--rounds 200] [--library build/liboctavo.so] [--json FILE]

Each round runs every engine on every model once, in a shuffled order; a ratio is the median over rounds of
two times in the same round, with a distribution-free interval of at least 95 %. LiteRT runs with its default
delegate (XNNPACK), as its Python interpreter is used by default. --onnx has onnxruntime run the network of
FLOAT.tflite beside it (scripts/onnx_peer.py) and, with INT8.tflite, its own static int8 of it beside that.
"""
import argparse
import ctypes
import json
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


class Onnx:
    """onnxruntime on a float network, or on its own int8 of it, which it calibrates on noise."""

    def __init__(self, path, threads, int8, rng):
        import onnx_peer
        model = onnx_peer.translate(path)
        shapes = [[d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input]
        if int8:
            model = onnx_peer.quantize(model, [[rng.standard_normal(s).astype(np.float32) for s in shapes]
                                               for _ in range(8)])
        self.session = onnx_peer.session(model, threads)
        self.inputs = {f"input{i}": rng.standard_normal(s).astype(np.float32) for i, s in enumerate(shapes)}

    def run(self):
        self.session.run(None, self.inputs)


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


def open_engines(options, rng):
    """[(model, engine's name, engine)], warmed up."""
    jobs = []
    for path in options.models:
        ours = Octavo(os.path.abspath(options.library), path, options.threads)
        theirs = LiteRT(path, options.threads)
        for index, value in enumerate(make_inputs(theirs, rng)):
            ours.fill(index, value)
            theirs.fill(index, value)
        jobs += [(path, "octavo", ours), (path, "litert", theirs)]
    for pair in options.onnx:
        source, _, int8 = pair.partition(":")
        for path, quantized in ((source, False), (int8, True)):
            if path in options.models:
                jobs.append((path, "onnxruntime", Onnx(source, options.threads, quantized, rng)))
    for _, _, engine in jobs:
        for _ in range(5):
            engine.run()
    return jobs


def measure(jobs, rounds):
    """Nanoseconds of every round: {(model, engine's name): [rounds]}."""
    order = random.Random(1)
    times = {(path, name): np.empty(rounds) for path, name, _ in jobs}
    for i in range(rounds):
        order.shuffle(jobs)
        for path, name, engine in jobs:
            engine.run()  # untimed: the next starts from the caches it would have had alone
            start = time.perf_counter_ns()
            engine.run()
            times[path, name][i] = time.perf_counter_ns() - start
    return times


def summarise(models, times):
    """A row a model: medians in ms, and ratios (median, low, high) of octavo's time to the others' and to
    that of octavo on the first model."""
    rows = []
    for path in models:
        ours = times[path, "octavo"]
        row = {"model": os.path.basename(path), "octavo_ms": float(np.median(ours) / 1e6),
               "to_first": interval(ours / times[models[0], "octavo"])}
        for name in ("litert", "onnxruntime"):
            if (path, name) in times:
                row[f"{name}_ms"] = float(np.median(times[path, name]) / 1e6)
                row[f"to_{name}"] = interval(ours / times[path, name])
        rows.append(row)
    return rows


def show(rows, options):
    def ratio(row, key):
        return "{:.3f} [{:.3f}, {:.3f}]".format(*row[key]) if key in row else "-"

    print(f"{options.threads} thread(s), {options.rounds} rounds; ratios are octavo's time by the other's (95 %)")
    print(f"{'model':34} {'octavo ms':>10}  {'/ LiteRT':22} {'/ onnxruntime':22} {'/ first model':22}")
    for row in rows:
        print(f"{row['model']:34} {row['octavo_ms']:10.3f}  {ratio(row, 'to_litert'):22} "
              f"{ratio(row, 'to_onnxruntime'):22} {ratio(row, 'to_first'):22}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--onnx", action="append", default=[], metavar="FLOAT[:INT8]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--library", default="build/liboctavo.so")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    times = measure(open_engines(options, np.random.default_rng(1)), options.rounds)
    rows = summarise(options.models, times)
    show(rows, options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"threads": options.threads, "rounds": options.rounds, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
