"""One public float model quantized in every mode, run in LiteRT and in octavo.

    python tests/conformance/public_quantize.py OCTAVO MODEL FOLDER STEP…

Prints a line `STEP JSON` for each step when it is done: kind, float32, a mode, or aeq (our time beside AI Edge
Quantizer's).

Calibration and inputs are seeded noise in -1..1 (coarse noise with some white in it where an input is an image),
0 or 1 for integers, which may be indices: enough to see whether a file is made, runs and computes the same in
both engines, not how good it is on real data. Step float32 runs the model itself and keeps its outputs in FOLDER.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import tflite_model
from compare_outputs import FLOAT_BOUND, judge, make_input, relative_deviation

CALIBRATED = {"int8", "int8-full", "int16x8"}
SAMPLES, RUNS = 4, 2
QUANTIZED = ("INT8", "UINT8", "INT16", "INT4", "INT32")


def kind_of(path):
    """"float", "mixed" (parts are quantized already), "integer" or "custom" (nothing octavo or LiteRT knows)."""
    model = tflite_model.read(path)
    quantized = any(t.scales.size and t.type in QUANTIZED for t in model.tensors)

    def is_float(tensor):
        return tensor is not None and tensor.type == "FLOAT32"

    computes = any(any(map(is_float, n.inputs)) and any(map(is_float, n.outputs)) for n in model.nodes)
    return {(True, False): "float", (True, True): "mixed"}.get((computes, quantized), "integer")


def details_of(path):
    return Interpreter(path).get_input_details()


def draw(path, count, seed):
    """[count] rows of one value for each input of the float model."""
    random, details = np.random.default_rng(seed), details_of(path)
    return [[make_input(random, detail) for detail in details] for _ in range(count)]


def names_of(octavo, path, side):
    """What octavo calls the inputs or outputs: their names in the signature, where there is one."""
    done = subprocess.run([octavo, "inspect", path, "--json"], capture_output=True, check=True)
    return [entry["name"] for entry in json.loads(done.stdout)[side]]


def samples_of(rows):
    """Calibration samples have a batch of 1: an input with a larger batch is that many samples."""
    batches = {value.shape[0] for row in rows for value in row if value.ndim > 1}
    if len(batches) != 1 or batches == {1}:
        return rows
    return [[value[i:i + 1] if value.ndim > 1 else value for value in row]
            for row in rows for i in range(max(batches))]


def store(path, rows, names):
    """The rows as octavo reads them: one array, or one for each input by name."""
    columns = [np.stack(column) for column in zip(*rows)]
    target = path + (".npy" if len(columns) == 1 else ".npz")
    if len(columns) == 1:
        np.save(target, columns[0])
    else:
        np.savez(target, **dict(zip(names, columns)))
    return target


def fit(value, detail):
    """A float input as the file's input type takes it."""
    kind = np.dtype(detail["dtype"])
    scale, zero = detail["quantization"]
    if value.dtype == kind or kind.kind not in "iu" or scale == 0:
        return value.astype(kind)
    limits = np.iinfo(kind)
    return np.clip(np.round(value / scale) + zero, limits.min, limits.max).astype(kind)


def run_litert(path, rows, resolver):
    """[outputs][runs, …] and the outputs' details."""
    interpreter = Interpreter(path, experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    outs, found = interpreter.get_output_details(), []
    for row in rows:
        for detail, value in zip(interpreter.get_input_details(), row):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        found.append([interpreter.get_tensor(detail["index"]) for detail in outs])
    return [list(column) for column in zip(*found)], outs


def run_octavo(octavo, path, rows, folder, outs):
    source = store(os.path.join(folder, "x"), rows, names_of(octavo, path, "inputs"))
    target = os.path.join(folder, "y.npy" if len(outs) == 1 else "y.npz")
    done = subprocess.run([octavo, "run", path, "-i", source, "-o", target, "--kernels", "ref", "--quiet"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(complaint(done, path))
    loaded = np.load(target)
    return [loaded] if len(outs) == 1 else [loaded[name] for name in names_of(octavo, path, "outputs")]


def complaint(done, path):
    if done.returncode < 0:
        return f"signal {-done.returncode}"
    return done.stderr.strip().splitlines()[-1].split(path + ": ")[-1][-300:]


def sqnr(real, approximation):
    """Signal over error in dB."""
    wide = [np.nan_to_num(np.asarray(a, np.float64)) for a in (real, approximation)]
    error, power = np.sum((wide[0] - wide[1]) ** 2), np.sum(wide[0] ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(max(power, 1e-30) / error))


def dequantized(value, detail):
    scale, zero = detail["quantization"]
    return (value.astype(np.float64) - zero) * scale if scale and value.dtype.kind in "iu" else value


def integer_outputs(path):
    """For each output: whether its floats are integers dequantized."""
    model = tflite_model.read(path)
    return [t.type != "FLOAT32" or getattr(model.producers.get(t.index), "name", "") == "DEQUANTIZE"
            for t in model.outputs]


def compare_engines(octavo, path, rows, folder, row):
    """Adds what LiteRT's reference kernels and octavo's give; the outputs of the former, dequantized."""
    for resolver in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:
            details = details_of(path)
            rows = [[fit(value, detail) for value, detail in zip(line, details)] for line in rows]
            theirs, outs = run_litert(path, rows, resolver)
            row["resolver"] = resolver.name
            break
        except (RuntimeError, ValueError) as error:
            row.setdefault("litert", " ".join(str(error).split())[:300])
    else:
        return None
    row.pop("litert", None)
    optimized, _ = run_litert(path, rows, OpResolverType.BUILTIN)
    try:
        ours = run_octavo(octavo, path, rows, folder, outs)
    except (RuntimeError, KeyError) as error:
        row["octavo"] = str(error)
        ours = []
    judged = []
    for mine, expected, other, exact in zip(ours, theirs, optimized, integer_outputs(path)):
        bound = None if exact else max(FLOAT_BOUND, max(
            2 * relative_deviation(a, b) for a, b in zip(other, expected)))
        judged += [judge(a, b, bound) for a, b in zip(mine, expected)]
    if ours:
        row["outputs"] = len(judged)
        row["values"] = sum(j.get("values", 0) for j in judged)
        row["different"] = sum(j.get("different", 0) for j in judged)
        row["failed"] = [j for j in judged if not j["passed"]][:3]
    return [np.stack([dequantized(v, d) for v in column]) for column, d in zip(theirs, outs)]


def quantize(octavo, path, mode, target, calibration):
    """Seconds octavo took; RuntimeError with its words."""
    command = [octavo, "quantize", path, "-m", mode, "-o", target, "--json"]
    if mode in CALIBRATED:
        if "y" in names_of(octavo, path, "inputs"):  # in data that name is taken: labels
            calibration = f"random:{SAMPLES}"
        command += ["--calib", calibration, "--preprocess", "none"]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        raise RuntimeError(complaint(done, path))
    return seconds, json.loads(done.stdout)


def left_float(report):
    """{reason: operators} of what stayed float."""
    counts = {}
    for layer in report.get("layers", []):
        if layer.get("reason"):
            counts[layer["reason"]] = counts.get(layer["reason"], 0) + 1
    return counts


def measure(octavo, path, mode, folder):
    names = names_of(octavo, path, "inputs")
    rows, kept = draw(path, RUNS, 2), os.path.join(folder, "float.npz")
    row = {"bytes_before": os.path.getsize(path)}
    if mode == "float32":
        outputs = compare_engines(octavo, path, rows, folder, row)
        if outputs is not None:
            np.savez(kept, *outputs)
        return row
    target = os.path.join(folder, mode + ".tflite")
    calibration = store(os.path.join(folder, "calib"), samples_of(draw(path, SAMPLES, 1)), names)
    try:
        row["seconds"], report = quantize(octavo, path, mode, target, calibration)
    except RuntimeError as error:
        return row | {"refused": str(error)}
    row |= {"bytes": os.path.getsize(target), "float": left_float(report)}
    outputs = compare_engines(octavo, target, rows, folder, row)
    if outputs is not None and os.path.exists(kept):
        real = list(np.load(kept).values())
        row["sqnr"] = [sqnr(a, b) for a, b in zip(real, outputs) if a.dtype.kind == "f" and a.shape == b.shape]
        row["equal_integers"] = [float(np.mean(a == b)) for a, b in zip(real, outputs) if a.dtype.kind != "f"]
    return row


def beside_aeq(octavo, path, folder, rounds=2):
    """{mode: seconds of both, in turns, the least of `rounds`}, and what AI Edge Quantizer says if it fails."""
    from ai_edge_quantizer import quantizer, recipe
    recipes = {"dynamic": recipe.dynamic_wi8_afp32, "weight-only": recipe.weight_only_wi8_afp32,
               "int8": recipe.static_wi8_ai8, "int16x8": recipe.static_wi8_ai16}
    names = [d["name"] for d in details_of(path)]
    samples, result = draw(path, SAMPLES, 1), {}
    calibration = store(os.path.join(folder, "calib"), samples_of(samples), names_of(octavo, path, "inputs"))
    signatures = Interpreter(path).get_signature_list()
    key = next(iter(signatures), None)

    def theirs(mode):
        start = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()):
            q, seen = quantizer.Quantizer(path, recipes[mode]()), None
            if mode in CALIBRATED:
                given = names if key is None else signatures[key]["inputs"]
                if key is not None:
                    order = Interpreter(path).get_signature_runner(key).get_input_details()
                    by_name = {d["name"]: n for n, d in order.items()}
                    given = [by_name[n] for n in names]
                seen = q.calibrate({key: [dict(zip(given, line)) for line in samples]}, num_threads=1)
            model = q.quantize(seen).quantized_model
        return time.monotonic() - start, len(model)

    for mode in recipes:
        row = result[mode] = {"ours": [], "theirs": [], "bytes": 0}
        try:
            for _ in range(rounds):
                row["ours"].append(quantize(octavo, path, mode, os.path.join(folder, "t.tflite"), calibration)[0])
                seconds, row["bytes"] = theirs(mode)
                row["theirs"].append(seconds)
        except Exception as error:  # whatever it raises is the result
            row["failed"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
    return result


def main():
    octavo, path, folder = sys.argv[1:4]
    os.makedirs(folder, exist_ok=True)
    for step in sys.argv[4:]:
        if step == "kind":
            row = {"kind": kind_of(path)}
        else:
            row = beside_aeq(octavo, path, folder) if step == "aeq" else measure(octavo, path, step, folder)
        print(f"\n{step} {json.dumps(row)}", flush=True)


if __name__ == "__main__":
    main()
