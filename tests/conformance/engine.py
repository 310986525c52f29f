"""`--engine litert` against LiteRT's own Interpreter: the same library must give the same answers.

    python tests/conformance/engine.py OCTAVO MODEL.tflite…

Each model is evaluated on seeded real numbers, which octavo quantizes where the input is an integer,
by `octavo eval --engine litert` and `litert-builtin`; its outputs are compared bit by bit with those
of the Interpreter of the same wheel, with XNNPACK and without. Last line: N passed, N failed.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import ai_edge_litert
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import accuracy

SAMPLES = 8
RESOLVERS = {"litert": OpResolverType.BUILTIN,
             "litert-builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}


def library():
    return os.path.join(os.path.dirname(ai_edge_litert.__file__), "libLiteRt.so")


def draw(detail, rng):
    """[SAMPLES, shape...] float32 within the input's range."""
    low, high = -1.0, 1.0
    if np.dtype(detail["dtype"]).kind != "f":
        scale, zero_point = detail["quantization"]
        limits = np.iinfo(detail["dtype"])
        low, high = (limits.min - zero_point) * scale, (limits.max - zero_point) * scale
    return rng.uniform(low, high, (SAMPLES, *detail["shape"][1:])).astype(np.float32)


def interpret(path, inputs, resolver):
    """Answers [SAMPLES] and outputs of the Interpreter."""
    interpreter = Interpreter(path, experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    answers = []
    for i in range(SAMPLES):
        for detail, values in zip(interpreter.get_input_details(), inputs):
            interpreter.set_tensor(detail["index"], accuracy.quantize(values[i][None], detail))
        interpreter.invoke()
        output = interpreter.get_output_details()[0]
        values = interpreter.get_tensor(output["index"]).astype(np.float32)
        scale, zero_point = output["quantization"]
        answers.append((values - zero_point) * np.float32(scale) if scale else values)
    return np.concatenate(answers)


def check(octavo, path, folder, rng):
    """Differing values of each engine."""
    details = Interpreter(path).get_input_details()
    inputs = [draw(d, rng) for d in details]
    data = os.path.join(folder, "x.npz")
    np.savez(data, **{f"input{i}": x for i, x in enumerate(inputs)})
    if len(inputs) == 1:
        data = os.path.join(folder, "x.npy")
        np.save(data, inputs[0])
    differing = {}
    for engine, resolver in RESOLVERS.items():
        outputs = os.path.join(folder, "y.npy")
        subprocess.run([octavo, "eval", path, "--data", data, "--preprocess", "none", "--engine",
                        engine, "--litert-library", library(), "--outputs", outputs, "--quiet"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        expected = interpret(path, inputs, resolver)
        differing[engine] = int((np.load(outputs).reshape(expected.shape) != expected).sum())
    return differing


def main():
    octavo, models = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    rng = np.random.default_rng(20261124)
    with tempfile.TemporaryDirectory() as folder:
        for path in models:
            for engine, differing in check(octavo, path, folder, rng).items():
                print(f"{os.path.basename(path):32} {engine:16} {differing} values differ")
                passed += differing == 0
                failed += differing != 0
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
