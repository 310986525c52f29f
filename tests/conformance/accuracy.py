"""Top-1 of .tflite files on the 10,000 Fashion-MNIST test images: LiteRT, and octavo against it.

    python tests/conformance/accuracy.py MODEL.tflite… [--octavo OCTAVO] [--images 10000]
        [--resolver ref|default|both] [--json]

LiteRT gets the images through demo/fashion_mnist.py, the preprocessing the demo model was trained
with. octavo reads the same IDX files itself (`octavo eval MODEL --data … --preprocess tf
--predictions P.npy`), so resizing, preprocessing and input quantization are compared too, not only
kernels. Exit code 1: an answer of octavo's differs from LiteRT's reference kernels'.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../demo"))
import fashion_mnist

RESOLVERS = {"ref": OpResolverType.BUILTIN_REF, "default": OpResolverType.BUILTIN}


def quantize(x, detail):
    """x float32 as the input's integers: x / scale + zero point, half away from zero, clamped."""
    kind = np.dtype(detail["dtype"])
    if kind.kind == "f":
        return x.astype(kind)
    scale, zero_point = detail["quantization"]
    steps = x / np.float32(scale)
    rounded = np.copysign(np.floor(np.abs(steps) + np.float32(0.5)), steps)
    limits = np.iinfo(kind)
    return np.clip(rounded + zero_point, limits.min, limits.max).astype(kind)


def litert_predictions(path, images, resolver):
    """The class of each image, [n] int64; ties go to the lowest class."""
    interpreter = Interpreter(path, experimental_op_resolver_type=RESOLVERS[resolver],
                              num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    x = quantize(fashion_mnist.preprocess(images, int(source["shape"][1])), source)
    answers = np.empty(len(x), np.int64)
    for i, image in enumerate(x):
        interpreter.set_tensor(source["index"], image[None])
        interpreter.invoke()
        answers[i] = interpreter.get_tensor(target["index"]).argmax()
    return answers


def octavo_predictions(octavo, path, count, kernels="ref"):
    """The same from octavo's own reading of the data set."""
    data = f"{fashion_mnist.FOLDER}/t10k-images-idx3-ubyte.gz:{count}"
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "p.npy")
        done = subprocess.run(
            [octavo, "eval", path, "--data", data, "--preprocess", "tf", "--kernels", kernels,
             "--predictions", target, "--json"], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()[-300:]}")
        predictions = np.load(target)
    return predictions.argmax(-1) if predictions.ndim > 1 else predictions.astype(np.int64)


def measure(path, images, labels, resolvers, octavo=None):
    """{"model", "images", resolver: correct…, "octavo", "differing", "passed"}."""
    row = {"model": path, "images": len(labels), "bytes": os.path.getsize(path), "passed": True}
    answers = {name: litert_predictions(path, images, name) for name in resolvers}
    for name, answer in answers.items():
        row[name] = int((answer == labels).sum())
    if len(answers) > 1:
        row["ref_default_differing"] = int((answers["ref"] != answers["default"]).sum())
    if octavo:
        try:
            ours = octavo_predictions(octavo, path, len(labels))
        except (RuntimeError, OSError) as error:
            return row | {"error": str(error), "passed": False}
        row["octavo"] = int((ours == labels).sum())
        row["differing"] = int((ours != answers["ref"]).sum())
        row["passed"] = row["differing"] == 0
    return row


def describe(row):
    """One line for people."""
    n = row["images"]
    parts = [f"{name} {row[name]}/{n}" for name in ("ref", "default", "octavo") if name in row]
    if "ref_default_differing" in row:
        parts.append(f"LiteRT's own two differ on {row['ref_default_differing']}")
    if "differing" in row:
        parts.append(f"octavo differs from ref on {row['differing']}")
    if "error" in row:
        parts.append(row["error"])
    mark = "ok  " if row["passed"] else "FAIL"
    return f"{mark} {os.path.basename(row['model'])}: {', '.join(parts)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--octavo")
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--resolver", default="both", choices=[*RESOLVERS, "both"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.octavo and options.resolver == "default":
        parser.error("octavo is compared with the reference kernels: --resolver ref or both")
    images, labels = fashion_mnist.load("t10k")
    images, labels = images[:options.images], labels[:options.images]
    resolvers = list(RESOLVERS) if options.resolver == "both" else [options.resolver]
    rows = []
    for path in options.models:
        rows.append(measure(path, images, labels, resolvers, options.octavo))
        if not options.json:
            print(describe(rows[-1]), flush=True)
    passed = sum(row["passed"] for row in rows)
    print(json.dumps(rows, indent=1) if options.json else
          f"{passed} passed, {len(rows) - passed} failed")
    sys.exit(0 if passed == len(rows) else 1)


if __name__ == "__main__":
    main()
