"""Every network of keras.applications, and tf_keras's RegNet and ResNetRS: octavo beside TFLiteConverter.

    build/venv/bin/python tests/conformance/networks.py OCTAVO [NAME…] [--again octavo|all]
        [--ours] [--out build/networks] [--markdown docs/networks.md] [--check] [--keep]

For each network (default: all 71) a process of its own makes it (network_models.py), octavo converts
it, TFLiteConverter converts it, and both files are compared:
    outputs    both run in LiteRT, ours in octavo too, on two inputs: the largest difference from Keras
               as a share of the largest output, and from the same network in float64
    bytes      of the two files
    operators  of the two files
    boundary   tensor names, types, shapes and signatures of inputs and outputs
    cost       seconds and peak resident memory of either conversion, each in its own process
One JSON line a network goes to OUT/results.jsonl; networks that have one are skipped, so a run that
was stopped goes on. --again octavo keeps what was measured of the converter; --ours leaves the converter,
which takes most of the time, to a later run. Models are deleted afterwards unless --keep. With --check nothing is remembered and each goal is counted; the last line is
`N passed, N failed`. --markdown writes the table of everything measured so far.
"""

import argparse
import datetime
import hashlib
import importlib.metadata
import json
import mmap
import os
import platform
import resource
import subprocess
import sys
import threading
import time

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import compare_outputs
import network_table
from tflite_model import OPERATOR_NAMES, TYPE_NAMES

HERE = os.path.dirname(os.path.abspath(__file__))
KERAS = """MobileNetV3Small MobileNetV2 MobileNet NASNetMobile EfficientNetB0 MobileNetV3Large EfficientNetV2B0
EfficientNetB1 DenseNet121 EfficientNetV2B1 EfficientNetB2 EfficientNetV2B2 EfficientNetB3 DenseNet169
EfficientNetV2B3 EfficientNetB4 DenseNet201 EfficientNetV2S Xception InceptionV3 ResNet50 ResNet50V2
ConvNeXtTiny EfficientNetB5 EfficientNetB6 ResNet101 ResNet101V2 ConvNeXtSmall EfficientNetV2M
InceptionResNetV2 ResNet152 ResNet152V2 EfficientNetB7 ConvNeXtBase NASNetLarge EfficientNetV2L VGG16
VGG19 ConvNeXtLarge ConvNeXtXLarge""".split()
REGNET = [f"tf_keras.RegNet{family}{size}" for size in (
    "002", "004", "006", "008", "016", "032", "040", "064", "080", "120", "160", "320") for family in "XY"]
RESNET_RS = [f"tf_keras.ResNetRS{depth}" for depth in (50, 101, 152, 200, 270, 350, 420)]
NETWORKS = KERAS + REGNET + RESNET_RS
LEGACY = {"MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "EfficientNetV2B0",
          "NASNetMobile", "DenseNet121", "ResNet50", "ConvNeXtTiny", "InceptionV3", "Xception",
          "tf_keras.RegNetX002", "tf_keras.RegNetY002", "tf_keras.ResNetRS50"}  # saved as .h5 too
SLOW = {"ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"}
# not computed in float64: TensorFlow has no fast depthwise-like convolution of doubles


def processor_seconds():
    """What all processes that this one started and that have ended used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def child(arguments):
    """Runs a Python script that prints a ROW; the row and the process's own cost."""
    start, used = time.perf_counter(), processor_seconds()
    done = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    out, err = done.communicate()
    rows = [line for line in out.splitlines() if line.startswith("ROW ")]
    if done.returncode != 0 or not rows:
        raise RuntimeError(f"{os.path.basename(arguments[0])}: exit code {done.returncode}: {err[-600:]}")
    return json.loads(rows[0][4:]) | {
        "process_seconds": round(time.perf_counter() - start, 2),
        "processor_seconds": round(processor_seconds() - used, 2)}


def watch_memory(pid, peaks):
    """Follows a process until it ends: its largest resident memory (VmHWM, which the kernel keeps) and the
    largest part of it that no file backs. What wait4 tells would count this process too, as it was before
    the other began to run."""
    try:
        while True:
            with open(f"/proc/{pid}/status") as file:
                found = dict(line.split(":", 1) for line in file)
            for key in peaks:
                peaks[key] = max(peaks[key], int(found[key].split()[0]) * 1024)
            time.sleep(0.001)
    except (OSError, KeyError):  # it has ended
        return


def convert(octavo, source, target):
    """octavo's conversion: seconds, peak resident bytes, and those of them that no file backs."""
    if os.path.exists(target):
        os.remove(target)
    start, used = time.perf_counter(), processor_seconds()
    process = subprocess.Popen([octavo, "convert", source, "-o", target, "--quiet"],
                               stderr=subprocess.PIPE, text=True)
    peaks = {"VmHWM": 0, "RssAnon": 0}
    watcher = threading.Thread(target=watch_memory, args=(process.pid, peaks))
    watcher.start()
    complaint = process.stderr.read()
    process.wait()
    seconds = time.perf_counter() - start
    watcher.join()
    if process.returncode != 0:
        raise RuntimeError(f"octavo: exit code {process.returncode}: {complaint.strip()[-300:]}")
    return {"seconds": round(seconds, 4), "processor_seconds": round(processor_seconds() - used, 4), "peak_rss_bytes": peaks["VmHWM"],
            "peak_anonymous_bytes": peaks["RssAnon"]}


def listed(get, length):
    return [get(i) for i in range(length())]


def describe_tensor(tensor):
    signature = listed(tensor.ShapeSignature, tensor.ShapeSignatureLength)
    return [tensor.Name().decode(), TYPE_NAMES[tensor.Type()],
            signature or listed(tensor.Shape, tensor.ShapeLength)]


def outline(path):
    """What a file promises, without its data: bytes, operators, boundary, largest constant."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        model = schema.Model.GetRootAs(whole)
        graph = model.Subgraphs(0)
        codes = [max(c.BuiltinCode(), c.DeprecatedBuiltinCode())
                 for c in listed(model.OperatorCodes, model.OperatorCodesLength)]
        counts = {}
        for i in range(graph.OperatorsLength()):
            name = OPERATOR_NAMES[codes[graph.Operators(i).OpcodeIndex()]]
            counts[name] = counts.get(name, 0) + 1
        sizes = [np.prod([t.Shape(j) for j in range(t.ShapeLength())], dtype=np.int64) * 4
                 for t in listed(graph.Tensors, graph.TensorsLength)
                 if t.Buffer() and model.Buffers(t.Buffer()).DataLength()]
        signatures = [[s.SignatureKey().decode(), [
            [m.Name().decode(), graph.Tensors(m.TensorIndex()).Name().decode()]
            for m in listed(get, length)]]
            for s in listed(model.SignatureDefs, model.SignatureDefsLength)
            for get, length in ((s.Inputs, s.InputsLength), (s.Outputs, s.OutputsLength))]
        row = {"bytes": len(whole), "operators": sum(counts.values()), "counts": counts,
               "largest_constant_bytes": int(max(sizes)),
               "inputs": [describe_tensor(graph.Tensors(graph.Inputs(i)))
                          for i in range(graph.InputsLength())],
               "outputs": [describe_tensor(graph.Tensors(graph.Outputs(i)))
                           for i in range(graph.OutputsLength())],
               "signatures": signatures}
        del model, graph
    return row


def run_litert(path, x):
    """The first output for every input, by LiteRT as it comes (XNNPACK), one thread."""
    interpreter = Interpreter(path, num_threads=1)
    detail = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(detail["index"], x.shape[1:])
    interpreter.allocate_tensors()
    results = []
    for one in x:
        interpreter.set_tensor(detail["index"], one)
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.stack(results)


def deviation_of(path, stem):
    """A file's outputs in LiteRT against Keras's, in float32 and in float64."""
    x, y = np.load(stem + "_x.npy"), np.load(stem + "_y.npy")
    ours = run_litert(path, x)
    row = {"deviation": compare_outputs.relative_deviation(ours, y)}
    if os.path.exists(stem + "_y64.npy"):
        exact = np.load(stem + "_y64.npy")
        row["deviation64"] = compare_outputs.relative_deviation(ours, exact)
        row["keras64"] = compare_outputs.relative_deviation(y, exact)
    return row | {"sha256": hashlib.sha256(ours.tobytes()).hexdigest()}


def measure_octavo(octavo, stem):
    target = stem + "_octavo.tflite"
    row = convert(octavo, stem + ".keras", target)
    row |= outline(target) | deviation_of(target, stem)
    x, y = np.load(stem + "_x.npy"), np.load(stem + "_y.npy")
    if x.shape[2:4] == tuple(row["inputs"][0][2][1:3]):  # octavo runs what has its size
        ours = next(iter(compare_outputs.run_octavo(octavo, target, {"x": x}, ["y"], "fast").values()))
        row["engine_deviation"] = compare_outputs.relative_deviation(ours, y)
        if os.path.exists(stem + "_y64.npy"):
            row["engine_deviation64"] = compare_outputs.relative_deviation(ours, np.load(stem + "_y64.npy"))
    if os.path.exists(stem + ".h5"):
        legacy = stem + "_h5.tflite"
        convert(octavo, stem + ".h5", legacy)
        row["h5_bytes"] = os.path.getsize(legacy)
        row["h5_equal"] = deviation_of(legacy, stem)["sha256"] == row["sha256"]
    return row


def measure_converter(stem):
    target = stem + "_float32.tflite"
    row = child([os.path.join(HERE, "convert_reference.py"), stem + ".keras", stem + "_x.npy", stem,
                 "--one", "float32"])
    return row | outline(target) | deviation_of(target, stem)


def clean(out, name):
    for entry in os.listdir(out):
        if entry.startswith((name + ".", name + "_")) and not entry.endswith(".jsonl"):
            os.remove(os.path.join(out, entry))


def measure(options, name, row):
    """Completes the row of one network: octavo's side always, the rest where it is missing."""
    stem = os.path.join(options.out, name)
    script = [os.path.join(HERE, "network_models.py"), name, options.out]
    if not os.path.exists(stem + "_y.npy") or not os.path.exists(stem + ".keras"):
        row["model"] = child(script + ["--h5"] * (name in LEGACY) + ["--exact"] * (name not in SLOW))
    row["source_bytes"] = os.path.getsize(stem + ".keras")
    row["octavo"] = measure_octavo(options.octavo, stem)
    if "converter" not in row and not options.ours:
        row["converter"] = measure_converter(stem)
    return row


def load(path):
    """The last line of every network."""
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return {row["name"]: row for row in map(json.loads, file)}


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores, {model or platform.machine()}"


def versions():
    found = [f"{package} {importlib.metadata.version(package)}"
             for package in ("keras", "tf_keras", "tensorflow-cpu", "ai-edge-litert")]
    return ", ".join(found)


def run(options, names):
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "results.jsonl")
    known = {} if options.check else load(path)
    rows = []
    for name in names:
        before = known.get(name, {})
        if before.get("octavo") and not options.again and (options.ours or "converter" in before):
            rows.append(before)
            continue
        row = {"name": name, "date": datetime.date.today().isoformat(), "machine": machine()}
        if options.again != "all" and "converter" in before:
            row["converter"] = before["converter"]
            row["model"] = before["model"]
        try:
            measure(options, name, row)
        except Exception as error:  # a network that fails is a result, the next one still counts
            row["error"] = str(error)
        if not options.keep:
            clean(options.out, name)
        rows.append(row)
        print(network_table.line(row), flush=True)
        if not options.check:
            with open(path, "a") as file:
                file.write(json.dumps(row) + "\n")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("octavo")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--out", default="build/networks")
    parser.add_argument("--again", choices=["octavo", "all"])
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--markdown")
    options = parser.parse_intermixed_args()
    options.octavo = os.path.abspath(options.octavo)
    for name in set(options.names) - set(NETWORKS):
        parser.error(f"{name} is not one of the networks: {', '.join(NETWORKS)}")
    rows = run(options, options.names or NETWORKS)
    if options.markdown:
        known = load(os.path.join(options.out, "results.jsonl"))
        known = [known[name] for name in NETWORKS if name in known]
        with open(options.markdown, "w") as file:
            file.write(network_table.page(known, len(NETWORKS), options.out, versions()))
    failed = network_table.count_failures(rows)
    total = network_table.count_goals(rows)
    print(f"{total - failed} passed, {failed} failed")
    sys.exit(0 if failed == 0 else 1)


if __name__ == "__main__":
    main()
