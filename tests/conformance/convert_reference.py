"""Converts a Keras model with TensorFlow's own converter, in every post-training mode.

    python tests/conformance/convert_reference.py MODEL.keras CALIB.npy OUT_PREFIX [--modes M,M…]

Writes OUT_PREFIX_MODE.tflite and OUT_PREFIX.json: per mode bytes, seconds (of convert() alone and
with loading) and peak resident memory. Each mode runs in a process of its own: only so is the
memory that mode's, and only so do the names in the file not depend on what was converted before.
CALIB.npy is [samples, …] float32, what the model's single input takes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

sys.setrecursionlimit(20000)  # Keras follows chains of layers by calling itself; ResNetRS420 has a thousand

MODES = ["float32", "float16", "dynamic", "int8", "int8-full", "uint8", "int16x8"]


def configure(converter, mode, calibration, tf):
    """Sets the converter's options as TensorFlow's guide gives them for the mode."""
    if mode == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
        return
    if mode == "dynamic":
        return
    converter.representative_dataset = lambda: ([sample[None]] for sample in calibration)
    if mode == "int16x8":
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
        return
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    boundary = {"int8": tf.float32, "int8-full": tf.int8, "uint8": tf.uint8}[mode]
    converter.inference_input_type = boundary
    converter.inference_output_type = boundary


def load_keras(path):
    """Loads with Keras 3, and with Keras 2 what only Keras 2 reads."""
    import keras
    try:
        return keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError):
        import tf_keras
        return tf_keras.models.load_model(path, compile=False)


def convert(model_path, calibration_path, mode, output):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import numpy as np
    import tensorflow as tf

    start = time.perf_counter()
    model = load_keras(model_path)
    calibration = np.load(calibration_path)
    loaded = time.perf_counter()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    configure(converter, mode, calibration, tf)
    data = converter.convert()
    done = time.perf_counter()
    with open(output, "wb") as file:
        file.write(data)
    return {"mode": mode, "file": os.path.basename(output), "bytes": len(data),
            "convert_seconds": round(done - loaded, 3), "seconds": round(done - start, 3),
            "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "calibration_samples": len(calibration), "tensorflow": tf.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("calibration")
    parser.add_argument("prefix")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--one", help=argparse.SUPPRESS)  # this process converts this mode
    options = parser.parse_args()

    if options.one:
        output = f"{options.prefix}_{options.one}.tflite"
        row = convert(options.model, options.calibration, options.one, output)
        print("ROW " + json.dumps(row))
        return

    os.makedirs(os.path.dirname(options.prefix) or ".", exist_ok=True)
    report = options.prefix + ".json"
    rows = {}
    if os.path.exists(report):
        with open(report) as file:
            rows = {row["mode"]: row for row in json.load(file)}
    for mode in options.modes.split(","):
        child = subprocess.run(
            [sys.executable, __file__, options.model, options.calibration, options.prefix,
             "--one", mode], capture_output=True, text=True)
        found = [line for line in child.stdout.splitlines() if line.startswith("ROW ")]
        if child.returncode != 0 or not found:
            raise SystemExit(f"{options.model}, {mode}:\n{child.stderr[-3000:]}")
        row = rows[mode] = json.loads(found[0][4:])
        print("{mode:10} {bytes:>10} bytes {convert_seconds:>7} s {megabytes:>6} MB peak".format(
            megabytes=row["peak_rss_bytes"] // 1000000, **row), flush=True)
        with open(report, "w") as file:
            json.dump([rows[mode] for mode in MODES if mode in rows], file, indent=1)


if __name__ == "__main__":
    main()
