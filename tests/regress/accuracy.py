"""What each effort is worth on the demo's network, against the figures in accuracy.csv.

    python tests/regress/accuracy.py OCTAVO MODEL.keras [--write]

Calibrates on 50 training images of Fashion-MNIST and evaluates 200 test images: SQNR of the outputs against
the float model's, in dB. Fails where a form lost more than half a decibel; a change that gains is written
into the table with --write, and a diff shows it. Exit code 77: the data set is not installed.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

DATA = "/usr/share/datasets/fashion-mnist/"
CALIBRATION, EVALUATION = DATA + "train-images-idx3-ubyte.gz:50", DATA + "t10k-images-idx3-ubyte.gz:200"
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "accuracy.csv")
FORMS = [(mode, bits, effort) for mode, bits in
         (("int8", 8), ("dynamic", 8), ("int16x8", 8), ("weight-only", 8), ("int8", 4), ("dynamic", 4))
         for effort in ("none", "default", "high")]
LOSS = 0.5


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(octavo, model):
    """{(mode, bits, effort): dB}"""
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, "float.tflite")]
        run(octavo, "convert", model, "-o", files[0], "--quiet")
        for mode, bits, effort in FORMS:
            files.append(os.path.join(folder, f"{mode}-{bits}-{effort}.tflite"))
            run(octavo, "quantize", model, "-o", files[-1], "--mode", mode, "--effort", effort, "--weight-bits",
                str(bits), "--calib", CALIBRATION, "--preprocess", "tf", "--quiet")
        # At most 16 models in one run.
        rows = []
        for first in range(1, len(files), 9):
            report = run(octavo, "eval", files[0], *files[first:first + 9], "--data", EVALUATION,
                         "--preprocess", "tf", "--quiet", "--json")
            rows += json.loads(report)["models"][1:]
    return {form: row["sqnr_db"] for form, row in zip(FORMS, rows)}


def main():
    octavo, model = sys.argv[1:3]
    if not os.path.exists(CALIBRATION.split(":")[0]):
        print("skipped: the package dataset-fashion-mnist is not installed")
        return 77
    now = measure(octavo, model)
    if "--write" in sys.argv:
        with open(TABLE, "w", newline="") as f:
            rows = csv.writer(f, lineterminator="\n")
            rows.writerow(["mode", "bits", "effort", "sqnr"])
            rows.writerows([*form, f"{value:.2f}"] for form, value in now.items())
    with open(TABLE) as f:
        table = {(r["mode"], int(r["bits"]), r["effort"]): float(r["sqnr"]) for r in csv.DictReader(f)}
    failed = 0
    for form, value in now.items():
        lost = table[form] - value
        failed += lost > LOSS
        print(f"{form[0]:12} {form[1]} bits {form[2]:8} {value:6.2f} dB, in the table {table[form]:6.2f}"
              + (f": {lost:.2f} lost" if lost > LOSS else ""))
    print(f"{len(now) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
