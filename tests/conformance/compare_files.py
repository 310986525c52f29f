"""Compares two .tflite files of one model, decision by decision.

    python tests/conformance/compare_files.py A.tflite B.tflite [--json]

Operators are put in an order of their own (depth first from the outputs) and aligned by type and
output shape, so that neither file order nor tensor names matter; float16 weights count as the
operand they are dequantized for, and RESHAPE takes its shape from its output. Of every aligned pair it compares weights, biases, other
constants, each tensor's type, scales and zero points, the options and the version. Exit code 0:
nothing differs; 1: something does.
"""

import argparse
import dataclasses
import difflib
import json
import sys

import numpy as np

import tflite_model

BIAS_OPERAND = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}
MAX_PRINTED = 40


class Tally:
    """Equal and total counts of one kind of thing."""

    def __init__(self):
        self.equal = self.total = self.elements_equal = self.elements = self.bytes = 0

    def add(self, same, elements_equal=0, elements=0, size=0):
        self.equal += bool(same)
        self.total += 1
        self.elements_equal += elements_equal
        self.elements += elements
        self.bytes += size

    def as_dict(self):
        counts = {"equal": self.equal, "total": self.total}
        if self.elements:
            counts |= {"elements_equal": self.elements_equal, "elements": self.elements,
                       "bytes": self.bytes}
        return counts


class Comparison:
    KINDS = ("operators", "types", "weights", "float_weights", "biases", "constants", "scales",
             "zero_points", "options", "versions")

    def __init__(self, a, b):
        self.a, self.b = a, b
        self.tallies = {kind: Tally() for kind in self.KINDS}
        self.differences = []
        self.seen = set()
        self.align()

    def differ(self, kind, where, what, steps=None, relative=None):
        """steps: of integers; relative: to the value (scales) or to the largest one (data)."""
        self.differences.append({"kind": kind, "where": where, "what": what,
                                 "steps": steps, "relative": relative})

    def align(self):
        left, right = self.a.ordered(), self.b.ordered()
        keys = [[(n.name, n.outputs[0].shape) for n in side] for side in (left, right)]
        matcher = difflib.SequenceMatcher(None, *keys, autojunk=False)
        for tag, a0, a1, b0, b1 in matcher.get_opcodes():
            if tag == "equal":
                for number, (m, n) in enumerate(zip(left[a0:a1], right[b0:b1]), a0):
                    self.tallies["operators"].add(True)
                    name = m.outputs[0].name.split(";")[0][-60:]
                    self.compare_nodes(f"{number} {m.name} {name}", m, n)
                continue
            for _ in range(max(a1 - a0, b1 - b0)):
                self.tallies["operators"].add(False)
            shown = [[f"{n.name}{list(n.outputs[0].shape)}" for n in side]
                     for side in (left[a0:a1], right[b0:b1])]
            self.differ("operators", f"{a0}..{a1}", f"{shown[0]} against {shown[1]}")

    def compare_nodes(self, where, m, n):
        if m.name == "RESHAPE":  # its output shape, already aligned, says all the rest does
            m, n = (dataclasses.replace(k, inputs=k.inputs[:1], options={}) for k in (m, n))
        self.tallies["versions"].add(m.version == n.version)
        if m.version != n.version:
            self.differ("versions", where, f"{m.version} against {n.version}")
        self.tallies["options"].add(m.options == n.options)
        if m.options != n.options:
            both = {k: (m.options.get(k), n.options.get(k))
                    for k in m.options | n.options if m.options.get(k) != n.options.get(k)}
            self.differ("options", where, str(both))
        if len(m.inputs) != len(n.inputs):
            self.differ("operators", where, f"{len(m.inputs)} operands against {len(n.inputs)}")
        for slot, (s, t) in enumerate(zip(m.inputs, n.inputs)):
            self.compare_operand(f"{where} input {slot}", slot == BIAS_OPERAND.get(m.name), s, t)
        for slot, (s, t) in enumerate(zip(m.outputs, n.outputs)):
            self.compare_tensor(f"{where} output {slot}", s, t)

    def compare_operand(self, where, is_bias, s, t):
        if s is None or t is None:
            if s is not t:
                self.differ("operators", where, "left out on one side")
            return
        s, t = self.a.constant(s) or s, self.b.constant(t) or t
        if not self.compare_tensor(where, s, t):
            return
        if s.data is None and t.data is None:
            return
        if s.data is None or t.data is None:
            self.differ("constants", where, "constant on one side only")
            self.tallies["constants"].add(False)
            return
        kind = ("biases" if is_bias else "float_weights" if s.data.dtype.kind == "f" else
                "weights" if s.scales.size else "constants")
        self.compare_data(kind, where, s.data, t.data)

    def compare_data(self, kind, where, x, y):
        if x.shape != y.shape or x.dtype != y.dtype:
            self.tallies[kind].add(False, 0, x.size, x.nbytes)
            self.differ(kind, where, f"{x.dtype}{x.shape} against {y.dtype}{y.shape}")
            return
        same = (x == y) | ((x != x) & (y != y))
        self.tallies[kind].add(same.all(), int(same.sum()), x.size, x.nbytes)
        if same.all():
            return
        far = float(np.abs(x.astype(np.float64) - y.astype(np.float64)).max())
        relative = far / (float(np.abs(x.astype(np.float64)).max()) or 1.0)
        steps = far if x.dtype.kind in "iu" else None
        self.differ(kind, where, f"{x.size - int(same.sum())} of {x.size} {x.dtype} differ, at most "
                    + (f"{far:.0f} steps" if steps else f"{relative:.3g} of the largest"),
                    steps, relative)

    def compare_tensor(self, where, s, t):
        """Type and quantization, once per pair of tensors; whether data is still to compare."""
        if (s.index, t.index) in self.seen:
            return False
        self.seen.add((s.index, t.index))
        self.tallies["types"].add(s.type == t.type)
        if s.type != t.type:
            self.differ("types", where, f"{s.type} against {t.type} ({s.name}, {t.name})")
        if not s.scales.size and not t.scales.size:
            return True
        for kind, x, y in (("scales", s.scales, t.scales),
                           ("zero_points", s.zero_points, t.zero_points)):
            if x.shape != y.shape:
                self.tallies[kind].add(False, 0, x.size, x.nbytes)
                self.differ(kind, where, f"{x.size} against {y.size}")
                continue
            same = x == y
            self.tallies[kind].add(same.all(), int(same.sum()), x.size, x.nbytes)
            if not same.all():
                far = np.abs(x.astype(np.float64) - y.astype(np.float64))
                worst = {"relative": float((far / np.abs(x)).max())} if kind == "scales" else {
                    "steps": float(far.max())}
                self.differ(kind, where, f"{x.size - int(same.sum())} of {x.size} differ, at most "
                            f"{max(worst.values()):.3g} {min(worst)}: "
                            f"{x[~same][0]:.9g} against {y[~same][0]:.9g}", **worst)
        if s.scales.size > 1 and s.axis != t.axis:
            self.differ("scales", where, f"axis {s.axis} against {t.axis}")
        return True

    def boundary(self):
        """What a program sees of the model from outside, on both sides."""
        def of(model):
            def sides(names):
                return [[t.name, t.type, list(t.shape), list(t.shape_signature)] for t in names]
            signatures = {key: [sorted(side) for side in both]
                          for key, both in model.signatures.items()}
            return {"inputs": sides(model.inputs), "outputs": sides(model.outputs),
                    "signatures": signatures, "metadata": sorted(model.metadata)}
        return of(self.a), of(self.b)

    def as_dict(self):
        left, right = self.boundary()
        names = [{t.name for t in m.tensors} for m in (self.a, self.b)]
        return {"a": self.a.path, "b": self.b.path, "bytes": [self.a.bytes, self.b.bytes],
                "counts": {kind: tally.as_dict() for kind, tally in self.tallies.items()},
                "tensors": [len(self.a.tensors), len(self.b.tensors)],
                "names_common": len(names[0] & names[1]),
                "boundary_differs": [key for key in left if left[key] != right[key]],
                "boundary": [left, right],
                "differences": self.differences}


def compare(path_a, path_b):
    """The dictionary that --json prints."""
    return Comparison(tflite_model.read(path_a), tflite_model.read(path_b)).as_dict()


def show(result):
    print(f"A {result['a']}  {result['bytes'][0]} bytes, {result['tensors'][0]} tensors")
    print(f"B {result['b']}  {result['bytes'][1]} bytes, {result['tensors'][1]} tensors, "
          f"{result['names_common']} names in common")
    for kind, count in result["counts"].items():
        elements = ("" if "elements" not in count else
                    f"  ({count['elements_equal']}/{count['elements']} elements)")
        print(f"  {kind:13} {count['equal']:>5}/{count['total']:<5} equal{elements}")
    for key in result["boundary_differs"]:
        print(f"  {key}: {result['boundary'][0][key]}\n    against {result['boundary'][1][key]}")
    for difference in result["differences"][:MAX_PRINTED]:
        print("  {kind}: {where}: {what}".format(**difference))
    if len(result["differences"]) > MAX_PRINTED:
        print(f"  … {len(result['differences']) - MAX_PRINTED} more (--json shows all)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = compare(options.a, options.b)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        show(result)
    sys.exit(1 if result["differences"] or result["boundary_differs"] else 0)


if __name__ == "__main__":
    main()
