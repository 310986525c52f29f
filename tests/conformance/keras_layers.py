"""Every layer of Keras 3 and tf_keras, with every option that changes what it computes: octavo's
conversion, run by LiteRT, against what Keras itself computes.

    build/venv/bin/python tests/conformance/keras_layers.py OCTAVO [--out build/conformance/layers]
        [--only TEXT] [--every N] [--table FILE]

Each case of keras_cases.py is built with each kit, filled with seeded noise and saved as .keras and
.h5; `octavo convert` makes a .tflite of each, whose batch stays open, and LiteRT runs it on two
samples. Outputs must be within 1e-5 of Keras's, relative to the largest. `octavo run` computes them too,
where it has all the operators. The last line is `N passed, N failed`.
"""

import argparse
import collections
import logging
import os
import subprocess
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import keras
import numpy as np
import tf_keras
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import keras_cases

BATCH, BOUND = 2, 1e-5
KITS = {"keras": keras, "tf_keras": tf_keras}


def spec(given):
    return given if len(given) == 4 and isinstance(given[1], str) else (given, "float32", None, None)


def samples(case, seed):
    rng, arrays = np.random.default_rng(seed), []
    for given in case.inputs:
        shape, dtype, low, high = spec(given)
        shape = (BATCH,) + tuple(fixed or (6, 5)[axis % 2] for axis, fixed in enumerate(shape))
        if low is None:
            arrays.append(rng.normal(size=shape).astype(dtype))
        elif dtype == "float32" and isinstance(high, float) or dtype == "float32" and high == 3:
            arrays.append(rng.uniform(low, high, shape).astype(dtype))
        elif dtype == "string":
            arrays.append(np.full(shape, "a", dtype=object))
        else:
            arrays.append(rng.integers(low, max(high, low + 1), shape).astype(dtype))
    return arrays


def fill(model, rng):
    adapted = {id(w) for layer in model.layers if type(layer).__name__ == "Normalization"
               for w in layer.weights}  # what follows from them was computed already
    for weight in model.weights:
        if id(weight) in adapted:
            continue
        name, shape = weight.name.split("/")[-1], tuple(weight.shape)
        if "seed" in getattr(weight, "path", name) or "int" in str(weight.dtype) or "count" in name:
            continue
        if "variance" in name:
            values = rng.uniform(.5, 2, shape)
        else:
            values = rng.normal(size=shape) / max(1, np.sqrt(np.prod(shape[:-1]) if len(shape) > 1 else 4))
        weight.assign(values.astype("float32"))


def build(case, kit):
    k = KITS[kit]
    k.backend.clear_session()
    inputs = []
    for index, given in enumerate(case.inputs):
        shape, dtype, _, _ = spec(given)
        sized = dict(batch_shape=(BATCH,) + tuple(shape)) if case.fixed else dict(shape=shape)
        inputs.append(k.Input(**sized, dtype=dtype, name=f"x{index}"))
    model = k.Model(inputs, case.build(k, *inputs))
    fill(model, np.random.default_rng(len(case.option)))
    return model


def flat(outputs):
    if isinstance(outputs, dict):
        return [np.asarray(outputs[key], "float32") for key in sorted(outputs)]
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(y, "float32") for y in outputs]


def distance(got, wanted):
    if got.shape != wanted.shape:
        return np.inf
    if wanted.size == 0:
        return 0.0
    return float(np.abs(got.astype("f8") - wanted).max() / max(1e-30, np.abs(wanted).max()))


def run_litert(path, arrays, times=1):
    interpreter = None
    for resolver in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:  # a few operators have no reference kernel
            interpreter = Interpreter(path, experimental_op_resolver_type=resolver)
            break
        except ValueError as error:
            problem = error
    if interpreter is None:
        raise problem
    details = {d["name"]: d for d in interpreter.get_input_details()}
    for index, array in enumerate(arrays):
        detail = details.get(f"serving_default_x{index}:0")
        if detail is not None and list(detail["shape"]) != list(array.shape):
            interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for index, array in enumerate(arrays):
        detail = details.get(f"serving_default_x{index}:0")
        if detail is not None:
            interpreter.set_tensor(detail["index"], array)
    for _ in range(times):
        interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def run_octavo(octavo, path, arrays, stem, open_sizes):
    """None: octavo has no kernel for an operator of this model."""
    shapes = [f"--input-shape=x{i}={','.join(map(str, a.shape))}" for i, a in enumerate(arrays)]
    np.savez(stem + ".npz", **{f"x{i}": array for i, array in enumerate(arrays)})
    done = subprocess.run([octavo, "run", path, "-i", stem + ".npz", "-o", stem + "_y.npz",
                           "--kernels", "ref", "--quiet", *(shapes if open_sizes else [])],
                          capture_output=True, text=True)
    if done.returncode == 4:
        return None
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    made = np.load(stem + "_y.npz")
    return [np.asarray(made[name]) for name in made.files]


class Run:
    def __init__(self, arguments):
        self.octavo, self.out = os.path.abspath(arguments.octavo), arguments.out
        self.rows, self.engine = [], collections.Counter()
        os.makedirs(self.out, exist_ok=True)

    def record(self, case, kit, suffix, passed, text):
        self.rows.append((case, kit, suffix, passed, text))
        if passed is False:
            print(f"FAIL {case.layer}: {case.option}: {kit} .{suffix}: {text}", flush=True)

    def one(self, case, kit, number):
        try:
            model = build(case, kit)
            arrays = samples(case, number)
            given = arrays if len(arrays) > 1 else arrays[0]
            # A stateful layer is compared by its second answer.
            wanted = [] if case.refused else [flat(model(given, training=False))
                                              for _ in range(1 + case.fixed)][-1]
        except Exception as error:
            sentence = f"Keras itself: {type(error).__name__}: {error}".split("\n")[0]
            self.record(case, kit, "-", False, sentence[:200])
            return
        for suffix in case.formats:
            stem = os.path.join(self.out, f"{number}_{kit}_{suffix}")
            try:
                model.save(f"{stem}.{suffix}")
            except Exception as error:
                self.record(case, kit, suffix, None, f"Keras cannot save: {error}"[:120])
                continue
            try:
                self.compare(case, kit, suffix, stem, arrays, wanted)
            except Exception as error:
                self.record(case, kit, suffix, False, f"{type(error).__name__}: {error}"[:300])

    def compare(self, case, kit, suffix, stem, arrays, wanted):
        done = subprocess.run([self.octavo, "convert", f"{stem}.{suffix}", "-o", stem + ".tflite",
                               "--quiet", *case.options], capture_output=True, text=True)
        sentence = done.stderr.strip()[-300:]
        if case.refused:
            good = done.returncode in (3, 4) and case.refused in sentence
            self.record(case, kit, suffix, good, f"refused: {sentence}")
            return
        if done.returncode != 0:
            self.record(case, kit, suffix, False, f"exit {done.returncode}: {sentence}")
            return
        got = run_litert(stem + ".tflite", arrays, 1 + case.fixed)
        far = max((distance(g, w) for g, w in zip(got, wanted)), default=0)
        if len(got) != len(wanted):
            far = np.inf
        bound = BOUND if case.exact else 2e-2
        open_sizes = any(None in spec(given)[0] for given in case.inputs)
        own = None if case.fixed else run_octavo(self.octavo, stem + ".tflite", arrays, stem,
                                                 open_sizes)
        self.engine["not asked" if case.fixed else "no kernel" if own is None else "ran"] += 1
        if own is not None:
            far = max(far, max(distance(g, w) for g, w in zip(own, wanted)))
        self.record(case, kit, suffix, far <= bound, f"{far:.1e}")

    def table(self):
        """Layer, option -> one mark for each kit and format."""
        marks = collections.OrderedDict()
        for case, kit, suffix, passed, text in self.rows:
            row = marks.setdefault((case.layer, case.option), {})
            row[kit, suffix] = ("refused" if case.refused and passed else "yes" if passed
                                else "Keras cannot save" if passed is None else "NO")
        lines = ["| layer | option | Keras 3 .keras | .h5 | tf_keras .keras | .h5 |",
                 "|---|---|---|---|---|---|"]
        for (layer, option), row in marks.items():
            cells = [row.get((kit, suffix), "–") for kit in KITS for suffix in ("keras", "h5")]
            lines.append(f"| {layer} | {option} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def check_complete(cases):
    """Every class of keras.layers has a case or a reason; old names of one class count as one."""
    built = {case.layer for case in cases}
    missing = []
    for kit, k in KITS.items():
        for name in dir(k.layers):
            layer = getattr(k.layers, name)
            if not name[0].isupper() or name in built or name in keras_cases.UNCOVERED:
                continue
            if any(getattr(k.layers, other, None) is layer for other in built):
                continue
            missing.append(f"{kit}.layers.{name}")
    return missing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("octavo")
    parser.add_argument("--out", default="build/conformance/layers")
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, help="take one of N cases")
    parser.add_argument("--table", help="layer x option x kit x format, as Markdown")
    arguments = parser.parse_args()
    run, cases = Run(arguments), keras_cases.cases()
    for number, case in enumerate(cases):
        if number % arguments.every == 0 and arguments.only.lower() in f"{case.layer} {case.option}".lower():
            for kit in case.kits:
                run.one(case, kit, number)
    missing = check_complete(cases)
    for name in missing:
        print(f"FAIL no case for {name}")
    if arguments.table:
        with open(arguments.table, "w", encoding="utf-8") as file:
            file.write(run.table() + "\n")
    passed = [r for r in run.rows if r[3]]
    failed = [r for r in run.rows if r[3] is False]
    compared = [float(r[4]) for r in passed if not r[0].refused]
    exact = [float(r[4]) for r in passed if not r[0].refused and r[0].exact]
    print(f"{len({(r[0].layer, r[0].option) for r in run.rows})} cases, {len(run.rows)} files: "
          f"{len(compared)} compared, largest difference {max(exact, default=0):.1e}, "
          f"{max(compared, default=0):.1e} where Keras computes with half precision; "
          f"{len(passed) - len(compared)} refused as expected; "
          f"{sum(r[3] is None for r in run.rows)} that Keras cannot save; octavo's own engine "
          f"ran {run.engine['ran']}, lacks an operator for {run.engine['no kernel']}")
    print(f"{len(passed)} passed, {len(failed) + len(missing)} failed")
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
