"""What --effort is worth: every form of every network, measured in LiteRT on images calibration never saw.

    python tests/conformance/accuracy_effort.py OCTAVO FOLDER [--networks A,B] [--modes int8,…]
        [--makers none,default,high,aeq] [--calib 100] [--eval 200] [--json FILE] [--options "--range mse"]

FOLDER is accuracy_networks.py's. The first images calibrate, those behind them are evaluated. Makers are
octavo's efforts; aeq is AI Edge Quantizer with true minima and maxima. Each row: size, SQNR (10 log10 of
signal over noise, the mean over outputs), the share that answers as the float model does, and accuracy with
the numbers of images lost and won where there are labels. Then, per mode and maker, the median gain over none.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter

LABELLED = {"efficientnet_lite0"}
PIXELWISE = {"selfie_segmentation"}
CLASSIFIERS = {"efficientnet_lite0", "nsfw_mobilenet_v2", "fer_mini_xception", "vww_mobilenet_v1", "tiny_resnet"}


def coded(x, detail):
    """What an input takes: floats, or their codes."""
    if detail["dtype"] == np.float32:
        return x
    scale, zero = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.round(x / np.float32(scale)) + zero, limits.min, limits.max).astype(detail["dtype"])


def decoded(y, detail):
    if detail["dtype"] == np.float32:
        return y
    scale, zero = detail["quantization"]
    return np.float32(scale) * (np.float32(y) - zero)


def outputs_of(path, x):
    """[outputs][samples, …] real numbers."""
    interpreter = Interpreter(path, num_threads=2)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]
    targets = interpreter.get_output_details()
    runner = [[] for _ in targets]
    for image in x:
        interpreter.set_tensor(source["index"], coded(image[None], source))
        interpreter.invoke()
        for i, target in enumerate(targets):
            runner[i].append(decoded(interpreter.get_tensor(target["index"]).ravel().copy(), target))
    return [np.float64(r) for r in runner]


def sqnr(real, made):
    """Decibels, the mean over outputs."""
    parts = []
    for a, b in zip(real, made):
        noise, signal = ((a - b) ** 2).sum(), (a ** 2).sum()
        parts.append(10 * np.log10(signal / max(noise, 1e-30)) if signal > 0 else 0.0)
    return float(np.mean(parts))


def agreement(name, real, made):
    if name in PIXELWISE:
        return float(((real[0] > 0.5) == (made[0] > 0.5)).mean())
    if name in CLASSIFIERS:
        return float((real[0].argmax(1) == made[0].argmax(1)).mean())
    return None


def make(options, source, calib, mode, maker, target):
    if maker == "aeq":
        import accuracy_aeq
        return accuracy_aeq.quantize(source, np.load(calib), mode, target)
    command = [options.octavo, "quantize", source, "-o", target, "--mode", mode, "--effort", maker,
               "--calib", calib, "--preprocess", "none", "--quiet", "--calib-samples", "100000"]
    done = subprocess.run(command + options.options.split(), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-200:])


def measure(options, name, folder):
    path = os.path.join(options.folder, name + ".tflite")
    images = np.load(os.path.join(options.folder, name + "_x.npy"), mmap_mode="r")
    first = options.skip
    calib = os.path.join(folder, name + "_calib.npy")
    np.save(calib, images[:options.calib])
    held = np.ascontiguousarray(images[first:first + options.eval])
    labels = np.load(os.path.join(options.folder, name + "_y.npy"))[first:first + options.eval]
    real = outputs_of(path, held)
    known = outputs_of(path, np.load(calib)) if options.gap else None
    for mode in options.modes.split(","):
        for maker in options.makers.split(","):
            target = os.path.join(options.keep or folder, f"{name}-{mode}-{maker}.tflite")
            row = {"network": name, "mode": mode, "maker": maker}
            try:
                make(options, path, calib, mode, maker, target)
                made = outputs_of(target, held)
            except (RuntimeError, ValueError) as error:
                yield row | {"error": str(error)[:150]}
                continue
            row |= {"bytes": os.path.getsize(target), "sqnr": sqnr(real, made),
                    "same": agreement(name, real, made)}
            if options.gap:
                row["sqnr_calibration"] = sqnr(known, outputs_of(target, np.load(calib)))
            if name in LABELLED:
                right, was = made[0].argmax(1) == labels, real[0].argmax(1) == labels
                row |= {"top1": int(right.sum()), "float_top1": int(was.sum()),
                        "lost": int((was & ~right).sum()), "won": int((~was & right).sum())}
            yield row


def describe(row):
    text = f"{row['network']:28} {row['mode']:8} {row['maker']:8}"
    if "error" in row:
        return text + row["error"]
    text += f"{row['bytes']:9}  {row['sqnr']:5.1f} dB"
    if "sqnr_calibration" in row:
        text += f" (calibration {row['sqnr_calibration']:.1f})"
    if row["same"] is not None:
        text += f"  same {100 * row['same']:6.2f} %"
    if "top1" in row:
        text += f"  top-1 {row['top1']} (float {row['float_top1']}, lost {row['lost']}, won {row['won']})"
    return text


def summarize(rows, makers):
    base = {(r["network"], r["mode"]): r for r in rows if r["maker"] == "none" and "sqnr" in r}
    for mode in sorted({r["mode"] for r in rows}):
        for maker in makers:
            gains = [r["sqnr"] - base[r["network"], mode]["sqnr"] for r in rows
                     if r["mode"] == mode and r["maker"] == maker and "sqnr" in r and (r["network"], mode) in base]
            if gains and maker != "none":
                print(f"{mode}: {maker} over none: median {statistics.median(gains):+.1f} dB, "
                      f"from {min(gains):+.1f} to {max(gains):+.1f}, {len(gains)} networks")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("octavo")
    parser.add_argument("folder")
    parser.add_argument("--networks")
    parser.add_argument("--modes", default="int8,dynamic,int16x8")
    parser.add_argument("--makers", default="none,default,high,aeq")
    parser.add_argument("--calib", type=int, default=100)
    parser.add_argument("--eval", type=int, default=200)
    parser.add_argument("--skip", type=int, default=100, help="where the evaluated images begin")
    parser.add_argument("--gap", action="store_true", help="measure the calibration images too")
    parser.add_argument("--options", default="", help="more options for octavo quantize")
    parser.add_argument("--keep", help="a folder for the files made")
    parser.add_argument("--json")
    options = parser.parse_args()
    names = sorted(f[:-7] for f in os.listdir(options.folder) if f.endswith(".tflite"))
    if options.networks:
        names = options.networks.split(",")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for row in measure(options, name, folder):
                rows.append(row)
                print(describe(row), flush=True)
    summarize(rows, options.makers.split(","))
    if options.json:
        with open(options.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
