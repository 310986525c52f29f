#!/usr/bin/env python3
"""Random one-operator models at scale: LiteRT's reference resolver against Octavo.

The table has a line for each operator and form: models, output bytes, models on which Octavo differs from
the reference resolver, models LiteRT aborted on; and, for the record, how many of the output values of the
first --others models differ between the reference resolver and LiteRT's optimized kernels ("opt") and
between it and XNNPACK ("xnn"). Below it stands the state of every operator of LiteRT's list.

op_live.py --count 200 --runner build/tests/test_golden_ops [--only CONV_2D] [--form s8] [--seed 1]
Per operator and form: draws models, lets LiteRT answer, writes golden files into a folder and gives
the folder to the C golden runner. Prints one line per operator and form; --keep DIR leaves the
files.
Without --runner the models are checked against the formulas of op_facts.py instead.

Models are drawn in a child process: some inputs make LiteRT abort (an 8-bit SOFTMAX over 512 equal
values), and such a draw must cost one model, not the run.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

import op_build as ob
import op_facts
import op_random
import op_random_more
import op_random_narrow
import op_random_place
import op_random_recurrent
import op_states

FAILURE = re.compile(r"^(\S+)\.tflite\b(.*)$")
TALLY = re.compile(r"^(\d+) passed, (\d+) failed$")


def draw(op, form, maker, seed, index, large):
    """A case of that number; drawn again (up to 20 times) while LiteRT refuses it."""
    for attempt in range(20):
        name = f"{'large' if large else 'live'}_{seed}_{index}_{attempt}"
        case = maker(op, form, name, op_random.Generator(ob.rng_for(op, form, name), large))
        try:
            content, inputs, outputs = ob.golden(case)
        except ob.Refused:
            continue
        if outputs[0] and all(y.size for y in outputs[0]):
            return case, content, inputs, outputs
    raise SystemExit(f"{op} {form}: 20 refused draws in a row")


OTHERS = ("BUILTIN", "XNNPACK")


def differing(content, inputs, outputs, resolver):
    """Output values that another resolver computes differently; all of them where it cannot run."""
    try:
        it = ob.load(content, resolver)
        got = [ob.run(it, x) for x in inputs]
    except ob.Refused:
        return sum(y.size for run in outputs for y in run)
    return sum(int(np.sum((a != b) & ~((a != a) & (b != b)))) if a.shape == b.shape else b.size
               for g, w in zip(got, outputs) for a, b in zip(g, w))


def in_child(work):
    """Runs work(write) in a forked child; returns (exit status, text written)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        status = 1
        try:
            with os.fdopen(write, "w") as out:
                work(lambda line: (out.write(line + "\n"), out.flush()))
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as source:
        lines = source.read().splitlines()
    return os.waitpid(child, 0)[1], lines


def make(op, form, maker, args, folder):
    """Writes golden files or, with folder None, tries the formula.

    Returns (models, values, bytes, values the formula missed, values compared with other resolvers, those
    that differ with each, models LiteRT aborted on).
    """
    formula = op_facts.FORMULAS.get((op, form))
    done, total, aborts = 0, np.zeros(7, np.int64), 0
    while done < args.count:
        def work(write, first=done):
            for i in range(first, args.count):
                case, content, inputs, outputs = draw(op, form, maker, args.seed, i, args.large)
                values = sum(y.size for run in outputs for y in run)
                size = sum(y.nbytes for run in outputs for y in run)
                differ = 0
                if folder:
                    (folder / f"{case.stem}.tflite").write_bytes(content)
                elif formula:
                    with np.errstate(all="ignore"):
                        got = [np.asarray(formula(case, x)) for x in inputs]
                    differ = sum(int(np.sum(a.reshape(y[0].shape) != y[0]))
                                 for a, y in zip(got, outputs))
                    if differ:
                        print(f"  {case.stem}: {differ} of {values} differ", flush=True)
                write(f"1 {values} {size} {differ} 0 0 0")
                if folder and i < args.others:  # may abort too: a line of its own
                    write("0 0 0 0 0 0 0")
                    others = [differing(content, inputs, outputs, k) for k in OTHERS]
                    write(f"0 0 0 0 {values} {others[0]} {others[1]}")
        status, lines = in_child(work)
        for line in lines:
            total += np.array(line.split(), np.int64)
        among_others = bool(lines) and lines[-1] == "0 0 0 0 0 0 0"
        done += sum(line[0] == "1" for line in lines) + (status != 0 and not among_others)
        aborts += status != 0 and not among_others
    return (*total, aborts)


def run_octavo(runner, folder):
    """(files that ran, {stem: what the golden runner says of it}, files that failed)."""
    p = subprocess.run([runner, folder], capture_output=True, text=True)
    lines = p.stdout.splitlines()
    tally = TALLY.match(lines[-1]) if lines else None
    if tally is None:
        raise SystemExit(f"{runner} on {folder}: no result\n{p.stdout[-2000:]}{p.stderr[-2000:]}")
    failures = {m[1]: m[2] for m in map(FAILURE.match, lines) if m}
    return int(tally[1]) + int(tally[2]), failures, int(tally[2])


def pairs(large):
    """Every (operator, form, draw function); the large ones: where sizes matter to fast kernels."""
    more = (op_random_place, op_random_recurrent, op_random_narrow, op_random_more)
    return op_random.pairs() + [p for module in more if not large for p in module.pairs()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="models per operator and form")
    parser.add_argument("--runner", help="the C golden runner")
    parser.add_argument("--only", help="operator")
    parser.add_argument("--form")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--large", action="store_true", help="sizes at which fast kernels block")
    parser.add_argument("--others", type=int, default=10, help="models for LiteRT's other kernels")
    parser.add_argument("--keep", type=pathlib.Path, help="folder that keeps the golden files")
    args = parser.parse_args()
    print(f"{ob.TOOL}, seed {args.seed}, {args.count} models per operator and form")
    print(f"{'operator':29} {'form':11} {'models':>6} {'bytes':>9} {'failing':>7} {'aborts':>6} "
          f"{'values':>8} {'opt':>7} {'xnn':>7}")
    sums, equal = np.zeros(4, np.int64), {}
    for op, form, maker in pairs(args.large):
        if args.only not in (None, op) or args.form not in (None, form):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = (args.keep or pathlib.Path(temporary)) / f"{op}_{form}"
            folder.mkdir(parents=True)
            models, _, size, bad, values, opt, xnn, aborts = make(
                op, form, maker, args, folder if args.runner else None)
            if args.runner:
                ran, failures, bad = run_octavo(args.runner, folder)
                for stem, text in list(failures.items())[:5]:
                    print(f"  {stem}{text}")
                if ran != models:
                    raise SystemExit(f"{args.runner} ran {ran} of {models} models")
        known = args.runner or (op, form) in op_facts.FORMULAS
        print(f"{op:29} {form:11} {models:6} {size:9} {bad if known else '-':>7} {aborts:6} "
              f"{values:8} {opt:7} {xnn:7}", flush=True)
        equal.setdefault(op, np.zeros(2, np.int64))
        equal[op] += (models, bad if known else 0)
        sums += (models, size, bad if known else 0, aborts)
    print(f"{'all':41} {sums[0]:6} {sums[1]:9} {sums[2]:7} {sums[3]:6}")
    if args.runner and not args.only:
        op_states.report(equal)
    print(f"{sums[0] - sums[2]} passed, {sums[2]} failed" if args.runner else
          f"{sums[2]} values differ from the formulas")
    return 1 if sums[2] else 0


if __name__ == "__main__":
    sys.exit(main())
