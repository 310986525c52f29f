"""What octavo's files and conversions cost beside TFLiteConverter's, interleaved.

    build/venv/bin/python tests/conformance/network_cost.py OCTAVO --time [NAME…]     [--rounds 40]
    build/venv/bin/python tests/conformance/network_cost.py OCTAVO --convert [NAME…]  [--repeat 3]

--time loads both files of a network into LiteRT (as it comes, one thread, one process) and runs them in
turn, the first of each pair changing, so that both see the same machine; it counts that thread's
processor time. A ratio is ours ÷ theirs: the median over rounds with a 95 % interval from resampled
rounds, and that of the fastest runs. Goals: each median at most 1.02, geometric mean below 1.
--convert runs either converter, each in a process of its own, in turn: seconds and peak resident memory.
Models and the converter's files stay in OUT (build/networks/cost) for the next run. One JSON line a
network goes to OUT/time.jsonl or OUT/convert.jsonl; the last line is `N passed, N failed`.
"""

import argparse
import datetime
import json
import os
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import networks

TIMED = ["MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "EfficientNetB0",
         "EfficientNetV2B0", "DenseNet121", "ResNet50V2", "Xception", "ConvNeXtTiny"]
CONVERTED = ["MobileNetV2", "EfficientNetB0", "ResNet50", "ConvNeXtTiny", "VGG19"]
RATIO_BOUND = 1.02
RESAMPLES = 2000
BLOCKS, WARM = 10, 1


def prepare(out, name):
    """The stem of a network whose .keras is in OUT."""
    stem = os.path.join(out, name)
    if not os.path.exists(stem + ".keras"):
        networks.child([os.path.join(networks.HERE, "network_models.py"), name, out])
    return stem


def load(path, x):
    interpreter = Interpreter(path, num_threads=1)
    detail = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(detail["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return interpreter


def run_once(interpreter):
    """Processor seconds of this thread: what else runs on the machine takes none of them."""
    start = time.thread_time()
    interpreter.invoke()
    return time.thread_time() - start


def alternate(paths, x, rounds):
    """[rounds, 2] seconds. Where an interpreter's memory lies is worth some percent (a file against itself
    shows it), so the files are loaded anew for every block, in either order; so is who goes first."""
    seconds = []
    for block in range(BLOCKS):
        order = (0, 1) if block % 2 == 0 else (1, 0)
        loaded = {side: load(paths[side], x) for side in order}
        for i in range(WARM + max(1, rounds // BLOCKS)):
            row = [0.0, 0.0]
            for side in order if i % 2 == 0 else order[::-1]:
                row[side] = run_once(loaded[side])
            if i >= WARM:
                seconds.append(row)
    return np.array(seconds)


def interval(ratios, random):
    """The median's 95 % interval from resampled rounds."""
    picks = random.integers(0, len(ratios), (RESAMPLES, len(ratios)))
    return np.percentile(np.median(ratios[picks], axis=1), [2.5, 97.5])


def time_network(octavo, out, name, rounds):
    stem = prepare(out, name)
    ours, theirs = stem + "_octavo.tflite", stem + "_float32.tflite"
    networks.convert(octavo, stem + ".keras", ours)
    if not os.path.exists(theirs):
        networks.measure_converter(stem)
    x = np.load(stem + "_x.npy")[0]
    seconds = alternate([ours, theirs], x, rounds)
    ratios = seconds[:, 0] / seconds[:, 1]
    low, high = interval(ratios, np.random.default_rng(1))
    fastest = seconds.min(0)
    row = {"rounds": len(seconds), "fastest_ms": [round(1e3 * s, 3) for s in fastest],
           "fastest_ratio": round(fastest[0] / fastest[1], 4), "median_ratio": round(np.median(ratios), 4),
           "interval": [round(low, 4), round(high, 4)]}
    text = (f"{row['fastest_ms'][0]} ms against {row['fastest_ms'][1]} ms: {row['fastest_ratio']:.3f} of the "
            f"fastest, median {row['median_ratio']:.3f} [{low:.3f}, {high:.3f}], {len(seconds)} rounds")
    return row, row["median_ratio"] <= RATIO_BOUND, text


def convert_network(octavo, out, name, repeat):
    stem = prepare(out, name)
    ours, theirs = [], []
    for _ in range(repeat):
        ours += [networks.convert(octavo, stem + ".keras", stem + "_octavo.tflite") for _ in range(3)]
        theirs.append(networks.measure_converter(stem))

    def least(rows, key):
        return min(row[key] for row in rows)

    row = {"repeat": repeat, "source_bytes": os.path.getsize(stem + ".keras"),
           "octavo": {key: least(ours, key) for key in ours[0]},
           "converter": {key: least(theirs, key) for key in (
               "convert_seconds", "seconds", "process_seconds", "processor_seconds", "peak_rss_bytes")}}
    o, c = row["octavo"], row["converter"]
    text = (f"{o['seconds']:.3f} s against {c['process_seconds']} s ({c['convert_seconds']} s in convert()): "
            f"{c['process_seconds'] / o['seconds']:.0f} times as fast, "
            f"{c['processor_seconds'] / o['processor_seconds']:.0f} times less processor time; peak {o['peak_rss_bytes'] >> 20} MiB "
            f"({o['peak_anonymous_bytes'] >> 20} MiB beside mapped files) against {c['peak_rss_bytes'] >> 20} MiB")
    return row, o["seconds"] < c["convert_seconds"], text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("octavo")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--out", default="build/networks/cost")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=3)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--time", action="store_true")
    kind.add_argument("--convert", action="store_true")
    options = parser.parse_intermixed_args()
    octavo = os.path.abspath(options.octavo)
    os.makedirs(options.out, exist_ok=True)
    rows, passed = [], []
    for name in options.names or (TIMED if options.time else CONVERTED):
        row, good, text = (time_network(octavo, options.out, name, options.rounds) if options.time else
                           convert_network(octavo, options.out, name, options.repeat))
        rows.append({"name": name, "date": datetime.date.today().isoformat(),
                     "machine": networks.machine()} | row)
        passed.append(good)
        print(f"{'ok  ' if good else 'FAIL'} {name}: {text}", flush=True)
        with open(os.path.join(options.out, "time.jsonl" if options.time else "convert.jsonl"), "a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
    if options.time:
        mean = float(np.exp(np.mean([np.log(row["median_ratio"]) for row in rows])))
        passed.append(mean < 1)
        print(f"{'ok  ' if mean < 1 else 'FAIL'} geometric mean of {len(rows)}: {mean:.4f}")
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed")
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
