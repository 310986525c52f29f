#!/usr/bin/env python3
"""Reads and writes .tflite files with Octavo and lets LiteRT compare: same outputs bit for bit, same
names, shapes, types, quantization, signatures and metadata, and never a larger file.

Usage: roundtrip.py [--command 'octavo convert {source} -o {result} --quiet'] PATH...
A PATH is a file or a folder. Prints each difference; the last line is 'N passed, N failed'.
"""
import argparse
import pathlib
import shlex
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def interpreter(path):
    # The reference kernels: XNNPACK would refuse or reorder what it likes.
    model = Interpreter(model_path=str(path),
                        experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    return model


def random_input(detail, seed):
    rng = np.random.default_rng(seed)
    shape, dtype = detail["shape"], np.dtype(detail["dtype"])
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(max(info.min, -128), min(info.max, 127) + 1, shape).astype(dtype)
    raise TypeError(dtype)


def run(path):
    model = interpreter(path)
    model.allocate_tensors()
    for i, detail in enumerate(model.get_input_details()):
        model.set_tensor(detail["index"], random_input(detail, i))
    model.invoke()
    return [model.get_tensor(d["index"]).tobytes() for d in model.get_output_details()]


def plain(value):
    """Nested plain data from the object API, so that == means equal content."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "__dict__"):
        return {k: plain(v) for k, v in vars(value).items()}
    return value


def as_vector(value):
    return [] if value is None else plain(value)


def quantization(tensor):
    q = tensor.quantization
    if q is None:
        return {}
    return {"scale": as_vector(q.scale), "zero_point": as_vector(q.zeroPoint),
            "min": as_vector(q.min), "max": as_vector(q.max), "details": plain(q.details),
            "axis": q.quantizedDimension} if q.scale is not None or q.details is not None else {}


def bytes_of(model, data, index):
    buffer = model.buffers[index]
    if buffer.data is not None:
        return bytes(memoryview(np.asarray(buffer.data, dtype=np.uint8)))
    if buffer.offset > 1:
        return data[buffer.offset:buffer.offset + buffer.size]
    return b""


def describe(path):
    """Everything a file says, in the order of the main vectors, without indices that may be renumbered."""
    data = path.read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    graphs = []
    for graph in model.subgraphs:
        tensors = [{"name": t.name, "shape": as_vector(t.shape), "type": t.type,
                    "signature": as_vector(t.shapeSignature), "variable": t.isVariable,
                    "has_rank": t.hasRank, "sparsity": plain(t.sparsity),
                    "quantization": quantization(t), "data": bytes_of(model, data, t.buffer),
                    "variants": as_vector(t.variantTensors)} for t in graph.tensors or []]
        operators = []
        for op in graph.operators or []:
            code = model.operatorCodes[op.opcodeIndex]
            custom = b"" if op.customOptions is None else bytes(bytearray(op.customOptions))
            if op.largeCustomOptionsOffset > 1:
                custom = data[op.largeCustomOptionsOffset:
                              op.largeCustomOptionsOffset + op.largeCustomOptionsSize]
            operators.append({
                "code": max(code.builtinCode, code.deprecatedBuiltinCode),
                "custom": code.customCode, "version": code.version,
                "inputs": as_vector(op.inputs), "outputs": as_vector(op.outputs),
                "options": (op.builtinOptionsType, plain(op.builtinOptions)),
                "options_2": (op.builtinOptions2Type, plain(op.builtinOptions2)),
                "custom_options": custom, "format": op.customOptionsFormat,
                "mutating": as_vector(op.mutatingVariableInputs),
                "intermediates": as_vector(op.intermediates), "debug": op.debugMetadataIndex})
        graphs.append({"name": graph.name, "inputs": as_vector(graph.inputs),
                       "outputs": as_vector(graph.outputs), "tensors": tensors,
                       "operators": operators, "debug": graph.debugMetadataIndex})
    metadata = [(m.name, bytes_of(model, data, m.buffer)) for m in model.metadata or []]
    return {"graphs": graphs, "metadata": metadata, "description": model.description,
            "signatures": plain(model.signatureDefs or []),
            "external": plain([model.externalBufferGroups or [], model.externalBuffers or []])}


def differences(a, b, place=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            yield from differences(a.get(key), b.get(key), f"{place}.{key}")
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{place}[{i}]")
    elif a != b and not (a != a and b != b):
        yield f"{place}: {str(a)[:80]} became {str(b)[:80]}"


def check(source, result, command):
    words = [w.format(source=source, result=result) for w in shlex.split(command)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        return [f"{words[0]} failed: {done.stderr or done.stdout}"]
    problems = list(differences(describe(source), describe(result)))
    if result.stat().st_size > source.stat().st_size:
        problems.append(f"{source.stat().st_size} bytes became {result.stat().st_size}")
    try:
        before = run(source)
    except (RuntimeError, ValueError, TypeError) as error:
        print(f"{source.name}: LiteRT does not run the original ({str(error)[:60]}); structure only")
        return problems
    try:
        if before != run(result):
            problems.append("outputs differ")
    except (RuntimeError, ValueError) as error:
        problems.append(f"LiteRT refuses the result: {error}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--command", default="build/octavo convert {source} -o {result} --quiet")
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    files = [f for p in args.paths for f in (sorted(p.rglob("*.tflite")) if p.is_dir() else [p])]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for source in files:
            problems = check(source, pathlib.Path(folder) / "result.tflite", args.command)
            failed += bool(problems)
            for problem in problems[:10]:
                print(f"{source}: {problem}")
    print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
