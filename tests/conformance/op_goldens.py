#!/usr/bin/env python3
"""Regenerate the operator goldens: op_goldens.py --out tests/golden/ops [--only CONV_2D].

Fails when LiteRT refuses a model that is not marked as refused, accepts one that is, or gives an
answer that could not catch a mistake (one value everywhere).
"""
import argparse
import collections
import pathlib
import sys

import op_build as ob
import op_cases


def write_case(case, out):
    """'' or a sentence that says what is wrong with the case; writes the file."""
    try:
        content, _, outputs = ob.golden(case)
    except ob.Refused as e:
        return "" if case.refused else f"{case.stem}: LiteRT refused: {e}"
    if case.refused:
        return f"{case.stem}: marked as refused, but LiteRT accepts it"
    if not case.constant and not ob.telling(outputs):
        return f"{case.stem}: every output value is {outputs[0][0].flat[0]}"
    (out / f"{case.stem}.tflite").write_bytes(content)
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", help="operator name; may be given again")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cases = [c for c in op_cases.all_cases() if not args.only or c.op in args.only]
    names = collections.Counter(c.stem for c in cases)
    faults = [f"{n}: {k} cases of that name" for n, k in names.items() if k > 1]
    for pattern in [f"{op}__*.tflite" for op in args.only] if args.only else ["*.tflite"]:
        for old in args.out.glob(pattern):
            old.unlink()
    faults += [f for f in (write_case(c, args.out) for c in cases) if f]
    for fault in faults:
        print(fault, file=sys.stderr)
    written = sum(1 for c in cases if (args.out / f"{c.stem}.tflite").exists())
    refused = sum(c.refused for c in cases)
    total = sum(f.stat().st_size for f in args.out.glob("*.tflite"))
    print(f"{written} files, {refused} refused as expected, {len(faults)} faults, "
          f"{total} bytes in {args.out}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
