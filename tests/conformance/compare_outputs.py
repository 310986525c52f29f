"""Compares what octavo and LiteRT's reference kernels (BUILTIN_REF) compute from the same inputs.

    python tests/conformance/compare_outputs.py OCTAVO MODEL_OR_FOLDER… [--inputs 20] [--json]

Every .tflite given, or in a folder given, gets seeded inputs over the whole range of its input type:
half of them images (noise at three scales), half white noise. octavo runs all of them in one call:
an array with one more leading dimension than the model's input is that many runs. Integer outputs,
and float outputs dequantized from integers, must be the same bytes. Other float outputs must agree
within 1e-5 of the output's largest magnitude, or, where a model amplifies rounding (deep untrained
ones do, as do float activations quantized on the fly), within twice what LiteRT's own two sets of
kernels differ on the same inputs. Exit code 0: all do; 1: some do not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import tflite_model

FLOAT_BOUND = 1e-5  # of the output's largest magnitude


def noise(random, shape):
    """[shape] float64 in -1..1: white, or for images [1,h,w,c] coarse noise with some white in it."""
    if len(shape) != 4 or random.random() < 0.5:
        return random.uniform(-1, 1, shape)
    _, height, width, channels = shape
    total = random.normal(0, 0.1, shape)
    for cells in (2, 7):
        coarse = random.normal(0, 0.5, (1, cells, cells, channels))
        rows = np.arange(height) * cells // height
        columns = np.arange(width) * cells // width
        total += coarse[:, rows][:, :, columns]
    return np.clip(total, -1, 1)


def make_input(random, detail):
    """One seeded value for an input: floats in -1..1, quantized types over their whole range, other
    integers 0 or 1 (they may be indices)."""
    kind = np.dtype(detail["dtype"])
    shape = tuple(int(d) for d in detail["shape"])
    if kind.kind == "f":
        return noise(random, shape).astype(kind)
    if kind.kind in "iu" and detail["quantization_parameters"]["scales"].size:
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        return np.rint(low + (noise(random, shape) + 1) / 2 * (high - low)).astype(kind)
    return random.integers(0, 2, shape).astype(kind)


def make_inputs(path, count, seed=1):
    """{tensor name: [count, …]} for the model."""
    details = Interpreter(path).get_input_details()
    random = np.random.default_rng(seed)
    runs = [[make_input(random, detail) for detail in details] for _ in range(count)]
    return {detail["name"]: np.stack([run[i] for run in runs])
            for i, detail in enumerate(details)}


def input_names(path):
    return [detail["name"] for detail in Interpreter(path).get_input_details()]


def run_litert(path, inputs, resolver=OpResolverType.BUILTIN_REF):
    """{tensor name: [count, …]}: the outputs of every run, in the model's order."""
    interpreter = Interpreter(path, experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    ins, outs = interpreter.get_input_details(), interpreter.get_output_details()
    collected = {detail["name"]: [] for detail in outs}
    for i in range(len(next(iter(inputs.values())))):
        for detail in ins:
            interpreter.set_tensor(detail["index"], inputs[detail["name"]][i])
        interpreter.invoke()
        for detail in outs:
            collected[detail["name"]].append(interpreter.get_tensor(detail["index"]))
    return {name: np.stack(values) for name, values in collected.items()}


def run_octavo(octavo, path, inputs, output_names, kernels="ref"):
    """The same from octavo; RuntimeError with its message when it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        if len(inputs) == 1:
            source = os.path.join(folder, "x.npy")
            np.save(source, next(iter(inputs.values())))
        else:
            source = os.path.join(folder, "x.npz")
            np.savez(source, **inputs)
        target = os.path.join(folder, "y.npy" if len(output_names) == 1 else "y.npz")
        command = [octavo, "run", path, "-i", source, "-o", target, "--kernels", kernels, "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()[-300:]}")
        loaded = np.load(target)
        if len(output_names) == 1:
            return {output_names[0]: loaded}
        return {name: loaded[name] for name in output_names}


def integer_valued(model, tensor):
    """Whether a float output is an integer tensor dequantized."""
    producer = model.producers.get(tensor.index)
    return producer is not None and producer.name == "DEQUANTIZE"


def relative_deviation(ours, theirs):
    """The largest difference as a share of the largest magnitude of theirs; NaN only equals NaN."""
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    wide = [np.nan_to_num(a.astype(np.float64), nan=np.inf) for a in (ours, theirs)]
    far = np.abs(np.where(same, 0, wide[0]) - np.where(same, 0, wide[1]))
    return float(far.max(initial=0)) / (float(np.abs(wide[1]).max(initial=0)) or 1.0)


def judge(ours, theirs, bound):
    """Counts and deviation of one output, and whether it passes; bound None: the bytes must agree."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return {"passed": False, "why": f"{ours.dtype}{list(ours.shape)} against "
                                        f"{theirs.dtype}{list(theirs.shape)}"}
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    row = {"values": int(same.size), "different": int(same.size - same.sum()),
           "exact": bound is None, "bytes": int(theirs.nbytes)}
    if theirs.dtype.kind == "f":
        row["relative"] = relative_deviation(ours, theirs)
    else:
        row["steps"] = int(np.abs(ours.astype(np.int64) - theirs.astype(np.int64)).max(initial=0))
    if bound is None:
        row["passed"] = row["different"] == 0
    else:
        row["bound"] = bound
        row["passed"] = row["relative"] <= bound
    return row


def compare(octavo, path, count=20, kernels="ref", inputs=None):
    """{"model", "inputs", "outputs": [judged rows], "passed"}, or with "error"."""
    result = {"model": path, "inputs": count, "outputs": [], "passed": False}
    model = tflite_model.read(path)
    inputs = inputs or make_inputs(path, count)
    result["inputs"] = len(next(iter(inputs.values())))
    theirs = run_litert(path, inputs)
    try:
        ours = run_octavo(octavo, path, inputs, list(theirs), kernels)
    except (RuntimeError, OSError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
        result["error"] = str(error)
        return result
    floats = {t.name for t in model.outputs if t.type == "FLOAT32" and not integer_valued(model, t)}
    optimized = run_litert(path, inputs, OpResolverType.BUILTIN) if floats else {}
    for name, expected in theirs.items():
        bound = None
        if name in floats:
            bound = max(FLOAT_BOUND, 2 * relative_deviation(optimized[name], expected))
        result["outputs"].append({"name": name} | judge(ours[name], expected, bound))
    result["passed"] = all(row["passed"] for row in result["outputs"])
    return result


def describe_output(row):
    """What one judged output comes to."""
    if "why" in row:
        return row["why"]
    far = f"{row['steps']} steps" if "steps" in row else f"{row['relative']:.2g} of the largest"
    bound = f" (bound {row['bound']:.2g})" if "bound" in row else ""
    return f"{row['different']}/{row['values']} values differ, at most {far}{bound}"


def describe(result):
    """One line for people."""
    mark = "ok  " if result["passed"] else "FAIL"
    head = f"{mark} {os.path.basename(result['model'])}, {result['inputs']} inputs"
    return f"{head}: {result.get('error') or '; '.join(map(describe_output, result['outputs']))}"


def models_of(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from sorted(os.path.join(path, name) for name in os.listdir(path)
                              if name.endswith(".tflite"))
        else:
            yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("octavo")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--inputs", type=int, default=20)
    parser.add_argument("--kernels", default="ref", choices=["ref", "fast"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    for path in models_of(options.models):
        results.append(compare(options.octavo, path, options.inputs, options.kernels))
        if not options.json:
            print(describe(results[-1]), flush=True)
    passed = sum(result["passed"] for result in results)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        print(f"{passed} passed, {len(results) - passed} failed")
    sys.exit(0 if passed == len(results) else 1)


if __name__ == "__main__":
    main()
