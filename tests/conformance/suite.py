"""The whole-model conformance suite: octavo against TensorFlow's converter, Keras and LiteRT.

    build/venv/bin/python tests/conformance/suite.py OCTAVO [--full] [--models FOLDER]…
        [--oracle build/oracle] [--out build/conformance]

For every oracle model (make_models.py) octavo converts and quantizes it in every mode, and:
    files     each decision is compared with TFLiteConverter's file (compare_files.py): operators,
              types, weights, biases, scales, zero points; the file must not be larger
    rules     the same from the converter's own float32 file, so that both start from the same bits:
              weights and their scales must be equal, float16 and dynamic files in everything
    keras     outputs of the converted .keras and .h5 are compared with Keras's own
    outputs   octavo's and the converter's files run in octavo and in LiteRT's reference kernels; the
              `taps` among them have inner tensors of every part of the model as outputs (taps.py)
    accuracy  top-1 answers on Fashion-MNIST (demo model), octavo against LiteRT
Without --full the small models and a few inputs are taken. Everything counted goes to
OUT/results.json; the last line is `N passed, N failed`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import accuracy
import compare_files
import compare_outputs
import taps

HERE = os.path.dirname(os.path.abspath(__file__))
MODES = {  # name of the reference file -> how octavo is asked for the same
    "float32": None,
    "float16": ["--mode", "float16"],
    "dynamic": ["--mode", "dynamic"],
    "int8": ["--mode", "int8"],
    "int8-full": ["--mode", "int8-full", "--io", "int8"],
    "uint8": ["--mode", "int8-full", "--io", "uint8"],
    "int16x8": ["--mode", "int16x8"],
}
CALIBRATED = {"int8", "int8-full", "uint8", "int16x8"}
DEMO = "fashion_mobilenetv2.keras"
SMALL = ["demo", "cnn", "nested", "keras2_cnn", "mobilenet"]
LEVEL = ["mobilenetv2_level"]  # the head is unscaled: float outputs within FLOAT_BOUND of Keras
LARGE = ["mobilenetv2", *LEVEL, "mobilenetv2_small", "keras2_mobilenetv2_small", "resnet50"]

TAPS = 24  # outputs of a tapped model
SAME_SOURCE = ["demo", "mobilenetv2", "resnet50"]  # also quantized from the converter's float32 file

# Calibration runs in each tool's own float kernels, and folding a batch normalization rounds in each
# tool's own order: last bits of ranges and of float weights may differ, and with them scales, zero
# points and integers on a rounding edge. A difference within these bounds is counted, not failed.
SCALE_BOUND = 1e-4      # relative
FLOAT_BOUND = 1e-6      # float32 weights and biases: a share of the largest
HALF_BOUND = 2.0 ** -10  # float16 ones: a last bit
BIAS_BOUND = 1e-4       # integer biases: a share of the largest, or one step
EQUAL_SHARE = {"weights": 0.9999, "zero_points": 0.98}  # the others one step away


class Suite:
    def __init__(self, options):
        self.octavo = os.path.abspath(options.octavo)
        self.oracle = options.oracle
        self.out = options.out
        self.full = options.full
        self.inputs = 20 if options.full else 8
        self.rows = []
        os.makedirs(self.out, exist_ok=True)

    def record(self, group, name, passed, text, **details):
        self.rows.append({"group": group, "name": name, "passed": bool(passed)} | details)
        print(f"{'ok  ' if passed else 'FAIL'} {group:8} {name}: {text}", flush=True)

    def modes_of(self, name):
        if name in LEVEL:
            return ["float32"]
        if name == "mobilenetv2" and not self.full:
            return ["float32", "int8"]
        return list(MODES)

    def octavo_file(self, name, mode):
        return os.path.join(self.out, f"{name}_{mode}.tflite")

    def reference_file(self, name, mode):
        return os.path.join(self.oracle, "ref", f"{name}_{mode}.tflite")

    def command(self, *arguments):
        """Runs octavo; its complaint, or None when it did what was asked."""
        done = subprocess.run([self.octavo, *arguments, "--quiet"], capture_output=True, text=True)
        if done.returncode == 0:
            return None
        return f"octavo {arguments[0]}: exit code {done.returncode}: {done.stderr.strip()[-300:]}"

    def make(self, name, mode, source, target):
        """Makes octavo's file of a mode; what went wrong, or None."""
        if os.path.exists(target):
            os.remove(target)
        if mode == "float32":
            return self.command("convert", source, "-o", target)
        calibration = [] if mode not in CALIBRATED else [
            "--calib", os.path.join(self.oracle, name + "_calib.npy"), "--preprocess", "none"]
        return self.command("quantize", source, "-o", target, *MODES[mode], "--effort", "none",
                            *calibration)

    def check_files(self, name, mode):
        result = compare_files.compare(self.octavo_file(name, mode),
                                       self.reference_file(name, mode))
        counts = result["counts"]
        reasons = disagreements(result)
        text = ", ".join(
            f"{kind} {c.get('elements_equal', c['equal'])}/{c.get('elements', c['total'])}"
            for kind, c in counts.items() if c["total"] and kind not in ("options", "versions"))
        self.record("files", f"{name} {mode}", not reasons,
                    text + "".join(f"; {r}" for r in reasons), counts=counts,
                    differences=result["differences"][:20])
        ours, theirs = result["bytes"]
        self.record("size", f"{name} {mode}", ours <= theirs,
                    f"{ours} bytes against {theirs} ({100 * ours / theirs:.2f} %)",
                    bytes=ours, reference_bytes=theirs)

    def check_rules(self, name, mode):
        target = os.path.join(self.out, f"{name}_{mode}_rules.tflite")
        problem = self.make(name, mode, self.reference_file(name, "float32"), target)
        if problem:
            return self.record("rules", f"{name} {mode}", False, problem)
        result = compare_files.compare(target, self.reference_file(name, mode))
        reasons = disagreements(result)
        for difference in result["differences"]:
            operator, where = difference["where"].split()[1], difference["where"]
            of_weights = operator in compare_files.BIAS_OPERAND and where.endswith("input 1")
            if difference["kind"] != "versions" and (of_weights or mode not in CALIBRATED):
                reasons.append("{kind}: {where}: {what}".format(**difference))
        counts = result["counts"]
        self.record("rules", f"{name} {mode}", not reasons, ", ".join(
            f"{kind} {counts[kind]['elements_equal']}/{counts[kind]['elements']}"
            for kind in ("weights", "float_weights", "biases", "scales", "zero_points")
            if "elements" in counts[kind]) + "".join(f"; {r}" for r in reasons[:5]))

    def check_keras(self, name, suffix):
        """Our float conversion of NAME.SUFFIX against what Keras computed, beside what the
        converter's own file deviates in LiteRT on the same inputs."""
        x = np.load(os.path.join(self.oracle, name + "_x.npy"))[:, None]
        y = np.load(os.path.join(self.oracle, name + "_y.npy"))[:, None]
        converted = os.path.join(self.out, f"{name}{suffix}.tflite")
        problem = self.command("convert", os.path.join(self.oracle, name + suffix), "-o", converted)
        if problem:
            return self.record("keras", name + suffix, False, problem)
        reference = self.reference_file(name, "float32")
        theirs = next(iter(compare_outputs.run_litert(
            reference, {compare_outputs.input_names(reference)[0]: x}).values()))
        bound = compare_outputs.FLOAT_BOUND if name in LEVEL else max(
            compare_outputs.FLOAT_BOUND, 2 * compare_outputs.relative_deviation(theirs, y))
        try:
            ours = compare_outputs.run_octavo(self.octavo, converted, {"x": x}, ["y"])["y"]
        except (RuntimeError, OSError, ValueError) as error:
            return self.record("keras", name + suffix, False, str(error))
        row = compare_outputs.judge(ours, y, bound)
        self.record("keras", name + suffix, row.pop("passed"), row.get("why") or
                    f"{len(x)} inputs, at most {row['relative']:.2g} of the largest "
                    f"(bound {bound:.2g})", **row)

    def tapped(self, path, prefix=""):
        folder = os.path.join(self.out, "taps")
        os.makedirs(folder, exist_ok=True)
        target = os.path.join(folder, prefix + os.path.basename(path))
        taps.tap(path, target, TAPS)
        return target

    def check_outputs(self, path, kernels="ref"):
        count = self.inputs if os.path.getsize(path) < 2e6 or self.full else 3
        result = compare_outputs.compare(self.octavo, path, count, kernels)
        label = f"{os.path.basename(os.path.dirname(path))}/{os.path.basename(path)} {kernels}"
        self.record("outputs", label, result["passed"],
                    summary_of(result), inputs=result["inputs"], outputs=result["outputs"])

    def check_accuracy(self):
        images, labels = accuracy.fashion_mnist.load("t10k")
        count = len(labels) if self.full else 2000
        for mode in MODES:
            path = self.octavo_file("demo", mode)
            if os.path.exists(path):
                row = accuracy.measure(path, images[:count], labels[:count], ["ref"], self.octavo)
                self.record("accuracy", f"demo {mode}", row.pop("passed"),
                            accuracy.describe(row | {"passed": True}).split(": ", 1)[1], **row)

    def run(self, names, folders):
        for name in names:
            for suffix in (".keras", ".h5"):
                self.check_keras(name, suffix)
            for mode in self.modes_of(name):
                problem = self.make(name, mode, os.path.join(self.oracle, name + ".keras"),
                                    self.octavo_file(name, mode))
                if problem:
                    self.record("files", f"{name} {mode}", False, problem)
                    continue
                self.check_files(name, mode)
                if mode != "float32" and name in SAME_SOURCE:
                    self.check_rules(name, mode)
                self.check_outputs(self.octavo_file(name, mode))
                self.check_outputs(self.tapped(self.octavo_file(name, mode)), "fast")
                self.check_outputs(self.tapped(self.reference_file(name, mode), "converter_"))
        for path in compare_outputs.models_of(folders):
            self.check_outputs(path)
        self.check_accuracy()

    def summarise(self):
        integer = [row for check in self.rows if check["group"] == "outputs"
                   for row in check["outputs"] if row.get("exact")]
        floats = [row["relative"] for check in self.rows if check["group"] == "outputs"
                  for row in check["outputs"] if not row.get("exact") and "relative" in row]
        for group in dict.fromkeys(row["group"] for row in self.rows):
            chosen = [row for row in self.rows if row["group"] == group]
            print(f"{group}: {sum(row['passed'] for row in chosen)}/{len(chosen)} checks")
        print(f"integer outputs: {sum(r['different'] for r in integer)} of "
              f"{sum(r['values'] for r in integer)} values "
              f"({sum(r['bytes'] for r in integer)} bytes) differ from LiteRT's reference kernels")
        print(f"float outputs: {len(floats)} compared, median deviation "
              f"{np.median(floats) if floats else 0:.2g} of the largest")
        for kind in ("weights", "float_weights", "biases", "scales", "zero_points"):
            counts = [row["counts"][kind] for row in self.rows if "counts" in row]
            print(f"{kind}: {sum(c.get('elements_equal', 0) for c in counts)} of "
                  f"{sum(c.get('elements', 0) for c in counts)} equal to TFLiteConverter's")
        with open(os.path.join(self.out, "results.json"), "w") as file:
            json.dump(self.rows, file, indent=1)
        failed = sum(not row["passed"] for row in self.rows)
        print(f"{len(self.rows) - failed} passed, {failed} failed")
        return failed == 0


def summary_of(result):
    """An output comparison in a few words; every output in full where there are few or one fails."""
    outputs = result["outputs"]
    if "error" in result or len(outputs) == 1:
        return compare_outputs.describe(result).split(": ", 1)[1]
    good = [row for row in outputs if row["passed"]]
    text = (f"{result['inputs']} inputs, {len(outputs)} tensors, "
            f"{sum(row['different'] for row in good)}/{sum(row['values'] for row in good)} values differ")
    floats = [row["relative"] for row in good if "relative" in row]
    if floats:
        text += f", at most {max(floats):.2g} of the largest"
    bad = [row["name"].split(";")[0] + " " + compare_outputs.describe_output(row)
           for row in outputs if not row["passed"]]
    return "; ".join([text, *bad[:3], *([f"{len(bad) - 3} more"] if len(bad) > 3 else [])])


def within_bounds(difference):
    """Whether a difference in data or quantization may come from last bits alone."""
    kind, steps, relative = difference["kind"], difference["steps"], difference["relative"]
    if steps is None and relative is None:  # another shape, type or axis
        return False
    if kind == "scales":
        return relative <= SCALE_BOUND
    if steps is not None:
        return steps <= 1 or (kind == "biases" and relative <= BIAS_BOUND)
    return relative <= (HALF_BOUND if "float16" in difference["what"] else FLOAT_BOUND)


def disagreements(result):
    """What in a file comparison is more than the last bits of calibration: sentences."""
    counts, reasons = result["counts"], []
    for kind in ("operators", "types", "constants", "options"):
        missing = counts[kind]["total"] - counts[kind]["equal"]
        if missing:
            reasons.append(f"{missing} {kind} differ")
    for kind, least in EQUAL_SHARE.items():
        share = counts[kind].get("elements_equal", 0) / max(1, counts[kind].get("elements", 0))
        steps = [d["steps"] for d in result["differences"] if d["kind"] == kind and d["steps"]]
        if steps and share < least:
            reasons.append(f"{kind}: only {share:.6f} equal")
    for difference in result["differences"]:
        if difference["kind"] in ("weights", "float_weights", "biases", "scales",
                                  "zero_points") \
                and not within_bounds(difference):
            reasons.append("{kind}: {where}: {what}".format(**difference))
    for key in ("inputs", "outputs", "signatures"):
        if key in result["boundary_differs"]:
            reasons.append(f"{key}: {result['boundary'][0][key]} against "
                           f"{result['boundary'][1][key]}")
    return reasons


def age(path):
    """When the file was written, in seconds; 0 if it is not there."""
    return os.path.getmtime(path) if os.path.exists(path) else 0


def prepare(names, oracle, modes_of):
    """Makes what is missing of the oracle: Keras models, and the converter's files two at a time."""
    def made(name):
        return age(os.path.join(oracle, name + "_calib.npy"))

    missing = [name for name in names if made(name) == 0 or
               (name == "demo" and made(name) < age(os.path.join(HERE, "../../demo", DEMO)))]
    script = [sys.executable, os.path.join(HERE, "make_models.py"), "--out", oracle]
    if missing:
        subprocess.run([*script, *missing], check=True, stderr=subprocess.DEVNULL)

    def reference(name):
        prefix = os.path.join(oracle, "ref", name)
        source = os.path.join(oracle, name + ".keras")
        stale = [mode for mode in modes_of(name)
                 if age(f"{prefix}_{mode}.tflite") < age(source)]
        if stale:
            subprocess.run([sys.executable, os.path.join(HERE, "convert_reference.py"), source,
                            os.path.join(oracle, name + "_calib.npy"), prefix,
                            "--modes", ",".join(stale)], check=True, stdout=subprocess.DEVNULL)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(reference, names))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("octavo")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--models", action="append", default=[], help="folder of .tflite files")
    parser.add_argument("--only", action="append", help="oracle model; may be given again")
    parser.add_argument("--oracle", default="build/oracle")
    parser.add_argument("--out", default="build/conformance")
    options = parser.parse_args()
    names = options.only or (SMALL + LARGE if options.full else SMALL + ["mobilenetv2", *LEVEL])
    suite = Suite(options)
    start = time.time()
    prepare(names, options.oracle, suite.modes_of)
    print(f"oracle: {len(names)} models, {time.time() - start:.0f} s", flush=True)
    suite.run(names, options.models)
    print(f"{time.time() - start:.0f} s in all")
    sys.exit(0 if suite.summarise() else 1)


if __name__ == "__main__":
    main()
