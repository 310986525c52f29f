"""One public .tflite through `octavo convert`: the same file but for its layout?

Every field of both files is compared through the schema that ships with LiteRT, so nothing of octavo's own
reader is trusted; indices of buffers and operator codes, which a writer may number anew, are followed to what
they mean. Then LiteRT runs both files, every signature, on the same seeded inputs.
"""

import json
import subprocess
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from compare_outputs import make_input

RESOLVERS = [OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES]


class Refused(Exception):
    """LiteRT does not load or run the file; the text is its own."""


def plain(value):
    """A field as something that compares: bytes, numbers, lists, or a table as (name, fields)."""
    if value is None or isinstance(value, (int, float, bytes, bool)):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, np.ndarray):
        return value.tobytes() if value.size else None
    if isinstance(value, list):
        return [plain(item) for item in value] or None
    return type(value).__name__, {key: plain(field) for key, field in vars(value).items()}


EMPTY = plain(schema.QuantizationParametersT())


def content(model, whole, index):
    buffer = model.buffers[index]
    if buffer.offset > 1:
        return whole[buffer.offset:buffer.offset + buffer.size]
    return b"" if buffer.data is None else bytes(bytearray(buffer.data))


def tables(path):
    """{place in the file: fields}, independent of the numbers of buffers and operator codes."""
    with open(path, "rb") as file:
        whole = file.read()
    model = schema.ModelT.InitFromPackedBuf(whole)
    found = {}
    for s, graph in enumerate(model.subgraphs or []):
        tensors, operators = graph.tensors or [], graph.operators or []
        for t, tensor in enumerate(tensors):
            name, fields = plain(tensor)
            fields["buffer"] = content(model, whole, tensor.buffer)
            fields["shapeSignature"] = fields["shapeSignature"] or fields["shape"]
            if fields["quantization"] == EMPTY:  # a table that says nothing is left out
                fields["quantization"] = None
            found[f"subgraph {s}, tensor {t}"] = fields
        for o, operator in enumerate(operators):
            code = model.operatorCodes[operator.opcodeIndex]
            name, fields = plain(operator)
            fields["opcodeIndex"] = (max(code.builtinCode, code.deprecatedBuiltinCode), code.version,
                                     plain(code.customCode))
            found[f"subgraph {s}, operator {o}"] = fields
        name, fields = plain(graph)
        del fields["tensors"], fields["operators"]
        found[f"subgraph {s}"] = fields
    for item in model.metadata or []:
        found[f"metadata {plain(item.name)}"] = {"buffer": content(model, whole, item.buffer)}
    found["signatures"] = {"signatures": plain(model.signatureDefs)}
    found["model"] = {"version": model.version, "description": plain(model.description)}
    return found


def differences(first, second):
    """Sentences: what one file says and the other does not."""
    a, b = tables(first), tables(second)
    rows = [f"{place}: {'added' if place in b else 'missing'}" for place in sorted(a.keys() ^ b.keys())]
    for place in sorted(a.keys() & b.keys()):
        rows += [f"{place}: {key}" for key in a[place] if a[place][key] != b[place].get(key)]
    return rows


class Runner:
    """All signatures of a file in LiteRT; the main subgraph where it has none."""

    def __init__(self, path, resolver):
        try:
            self.interpreter = Interpreter(path, experimental_op_resolver_type=resolver, num_threads=1)
            self.interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise Refused(short(error)) from error
        self.keys = sorted(self.interpreter.get_signature_list()) or [None]

    def inputs(self, key):
        if key is None:
            return {d["index"]: d for d in self.interpreter.get_input_details()}
        return self.interpreter.get_signature_runner(key).get_input_details()

    def run(self, key, values):
        try:
            if key is not None:
                return self.interpreter.get_signature_runner(key)(**values)
            for index, value in values.items():
                self.interpreter.set_tensor(index, value)
            self.interpreter.invoke()
            return {i: self.interpreter.get_tensor(d["index"])
                    for i, d in enumerate(self.interpreter.get_output_details())}
        except (RuntimeError, ValueError) as error:
            raise Refused(short(error)) from error


def short(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(lines)[:300]


def answers(path, resolver, runs, seed=1):
    runner, random, found = Runner(path, resolver), np.random.default_rng(seed), []
    for key in runner.keys:
        details = runner.inputs(key)
        for _ in range(runs):
            values = {name: make_input(random, details[name]) for name in sorted(details)}
            result = runner.run(key, values)
            found += [(key, name, value.dtype.str, value.shape, value.tobytes())
                      for name, value in sorted(result.items())]
    return found


def run_both(first, second, runs=2):
    """{"outputs", "different", "resolver"}, or why LiteRT does not run the first."""
    reasons = []
    for resolver in RESOLVERS:
        try:
            before = answers(first, resolver, runs)
        except Refused as error:
            reasons.append(str(error))
            continue
        if answers(first, resolver, runs) != before:
            return {"not_run": "two runs of the file itself differ"}
        after = answers(second, resolver, runs)
        return {"outputs": len(before), "resolver": resolver.name,
                "different": sum(a != b for a, b in zip(before, after)) + abs(len(before) - len(after))}
    return {"not_run": reasons[0]}


def check(octavo, path, target, run=True):
    """What came of one file; run=False where LiteRT ends the process that runs it."""
    done = subprocess.run([octavo, "convert", path, "-o", target, "--quiet"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        row = {"refused": done.stderr.strip().split(path + ": ")[-1], "exit": done.returncode}
        try:
            Runner(path, RESOLVERS[0])
            row["litert"] = "loads it"
        except Refused as error:
            row["litert"] = str(error)
        return row
    row = {"differences": differences(path, target)}
    return row | (run_both(path, target) if run else {})


if __name__ == "__main__":
    for step in sys.argv[4:]:  # roundtrip, or fields: without LiteRT
        print(f"\n{step} {json.dumps(check(*sys.argv[1:4], run=step == 'roundtrip'))}", flush=True)
