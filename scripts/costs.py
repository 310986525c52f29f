"""What stands around an inference: loading, calibrating, evaluating, converting, memory; beside others' where they do the same.

    build/venv/bin/python scripts/costs.py FLOAT.tflite CALIB.npy [--rounds 7] [--octavo build/octavo]
        [--library build/liboctavo.so] [--json FILE]

CALIB.npy [samples, ...] fits the model's one float input. Every round measures both sides of every ratio, one
process after the other; a line gives the median ratio over the rounds and its range. Times of whole processes,
so starting them is in. ai-edge-quantizer is measured where it is installed (pip install ai-edge-quantizer).
"""
import argparse
import contextlib
import ctypes
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench import Octavo  # noqa: E402


class Costs:
    def __init__(self, options):
        self.model, self.calib = options.model, options.calib
        self.octavo, self.library = os.path.abspath(options.octavo), os.path.abspath(options.library)
        self.folder = tempfile.TemporaryDirectory()
        self.samples = np.load(self.calib, mmap_mode="r")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def command(self, *arguments):
        start = time.perf_counter()
        subprocess.run([self.octavo, *arguments, "-q"], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    def quantize(self, mode, out, *arguments):
        return self.command("quantize", self.model, "-o", self.path(out), "--mode", mode, *arguments)

    def calibrate(self, samples):
        return self.quantize("int8", "int8.tflite", "--calib", f"{self.calib}:{samples}", "--preprocess", "none",
                             "--effort", "none", "--threads", "1")

    def inference(self, runs):
        """Seconds of one run of the float model on the samples, without what loads them."""
        engine, total = Octavo(self.library, self.model, 1), 0.0
        for i in range(runs + 3):
            engine.fill(0, np.ascontiguousarray(self.samples[i % len(self.samples)], np.float32))
            start = time.perf_counter()
            engine.run()
            total += time.perf_counter() - start if i >= 3 else 0.0
        return total / runs

    def load(self):
        start = time.perf_counter()
        engine = Octavo(self.library, self.model, 1)
        assert engine.session
        return time.perf_counter() - start

    # The ratios.

    def load_by_inference(self):
        """loading with packing / one float inference"""
        return min(self.load() for _ in range(5)) / self.inference(30)

    def calibration_by_inference(self):
        """calibration with minima and maxima, one sample more / one float inference"""
        few, many = len(self.samples) // 4, len(self.samples)
        return (self.calibrate(many) - self.calibrate(few)) / (many - few) / self.inference(60)

    def one_core_by_two(self):
        """evaluation with 1 thread / with 2 threads, without what both spend on loading"""
        def evaluate(threads, samples):
            return self.command("eval", self.model, "--data", f"{self.calib}:{samples}", "--preprocess", "none",
                                "--threads", threads)
        few, many = 2, len(self.samples)
        one, two = (evaluate(t, many) - evaluate(t, few) for t in ("1", "2"))
        return one / two

    def calibration_by_quantizer(self):
        """int8 with all samples / the same by ai-edge-quantizer"""
        from ai_edge_quantizer import quantizer, recipe
        ours = self.quantize("int8", "int8.tflite", "--calib", self.calib, "--preprocess", "none", "--effort", "none")
        quantize = quantizer.Quantizer(self.model, recipe.static_wi8_ai8())
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            name = next(iter(_signatures(self.model)))
            data = {name: [{_input_of(self.model, name): sample[None]} for sample in self.samples]}
            start = time.perf_counter()
            result = quantize.quantize(quantize.calibrate(data))
            result.export_model(self.path("theirs.tflite"), overwrite=True)
            theirs = time.perf_counter() - start
        return ours / theirs

    def conversion_by_copy(self):
        """float file to int8 weights / reading and writing the file (both synced)"""
        ours = self.quantize("weight-only", "weights.tflite")
        start = time.perf_counter()
        with open(self.model, "rb") as source, open(self.path("copy.tflite"), "wb") as target:
            target.write(source.read())
            target.flush()
            os.fsync(target.fileno())
        return ours / (time.perf_counter() - start)


def _signatures(model):
    from ai_edge_litert.interpreter import Interpreter
    return Interpreter(model).get_signature_list()


def _input_of(model, name):
    return _signatures(model)[name]["inputs"][0]


def litert_arena(model):
    """Bytes LiteRT's own kernels (no delegate) allocate for tensors, from the C library's books."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    class Books(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks",
                                                         "fsmblks", "uordblks", "fordblks", "keepcost")]
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Books

    def used():
        books = libc.mallinfo2()
        return books.hblkhd + books.uordblks
    interpreter = Interpreter(model, num_threads=1,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    before = used()
    interpreter.allocate_tensors()
    return used() - before


def octavo_arena(library, model):
    engine = Octavo(library, model, 1)
    engine.api.oct_session_arena_bytes.restype = ctypes.c_size_t
    return engine.api.oct_session_arena_bytes(engine.session)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("calib")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--octavo", default="build/octavo")
    parser.add_argument("--library", default="build/liboctavo.so")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    costs = Costs(options)
    kinds = [costs.load_by_inference, costs.calibration_by_inference, costs.one_core_by_two, costs.conversion_by_copy]
    try:
        import ai_edge_quantizer  # noqa: F401
        kinds.append(costs.calibration_by_quantizer)
    except ImportError:
        print("ai-edge-quantizer is not installed: left out", file=sys.stderr)
    ratios = {kind.__doc__: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            ratios[kind.__doc__].append(kind())
    costs.quantize("int8", "int8.tflite", "--calib", f"{options.calib}:10", "--preprocess", "none")
    memory = {form: (octavo_arena(costs.library, path), litert_arena(path))
              for form, path in (("float32", options.model), ("int8", costs.path("int8.tflite")))}
    print(f"{options.rounds} rounds: median [least, largest]")
    for text, values in ratios.items():
        print(f"{statistics.median(values):7.3f} [{min(values):.3f}, {max(values):.3f}]  {text}")
    for form, (ours, theirs) in memory.items():
        print(f"{ours:,} / {theirs:,}  bytes of activations and scratch, {form}: Octavo / LiteRT without delegate")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"rounds": options.rounds, "ratios": ratios, "arena": memory}, file, indent=1)


if __name__ == "__main__":
    main()
