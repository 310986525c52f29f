"""`octavo eval` on data that know more than a class, against the field's own tools.

    python tests/conformance/truth.py OCTAVO

Models are made with Keras and converted by TensorFlow Lite, data are written by Pillow, TensorFlow and
numpy, answers come from LiteRT, and measures from Keras, pycocotools and scikit-learn.
Last line: N passed, N failed.
"""

import json
import os
import subprocess
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from PIL import Image
from ai_edge_litert.interpreter import Interpreter

passed = failed = 0


def check(name, got, want, bound):
    global passed, failed
    difference = float(np.max(np.abs(np.asarray(got, float) - np.asarray(want, float))))
    good = difference <= bound
    passed, failed = passed + good, failed + (not good)
    print(f"{'ok  ' if good else 'FAIL'} {name}: difference {difference:.3g}, bound {bound:g}")


def evaluate(octavo, models, data, *options):
    done = subprocess.run([octavo, "eval", *models, "--data", data, "--json", "--quiet", *options],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"octavo eval {data}: {done.stderr}")
    return json.loads(done.stdout)["models"]


def convert(model, path):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    with open(path, "wb") as file:
        file.write(converter.convert())
    return path


def run(path, inputs):
    interpreter = Interpreter(model_path=path)
    interpreter.allocate_tensors()
    rows = []
    for x in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x[None])
        interpreter.invoke()
        rows.append([interpreter.get_tensor(o["index"])[0].copy()
                     for o in interpreter.get_output_details()])
    return rows


def segmentation(octavo, folder):
    """Photo-like pictures of several sizes; masks as gray and as palettes, some pixels ignored."""
    rng = np.random.default_rng(1)
    classes, size, count = 6, 24, 40
    os.makedirs(f"{folder}/images"), os.makedirs(f"{folder}/masks")
    pictures, masks = [], []
    for i in range(count):
        h, w = (size, size) if i % 2 else rng.integers(20, 60, 2)
        small = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((int(w), int(h)), Image.BICUBIC)
        mask = rng.integers(0, classes - 1, (h, w), dtype=np.uint8)  # the last class only as an answer
        mask[rng.random((h, w)) < 0.1] = 255
        picture.save(f"{folder}/images/{i:03}.png")
        image = Image.fromarray(mask)
        if i % 3 == 0:
            image.putpalette(rng.integers(0, 256, 768, dtype=np.uint8).tobytes())
        image.save(f"{folder}/masks/{i:03}.png")
        pictures.append(tf.image.resize(np.asarray(picture, np.float32), (size, size)).numpy() / 255)
        masks.append(tf.image.resize(mask[..., None], (size, size), "nearest").numpy()[..., 0])
    paths, answers = [], []
    for m in range(2):
        tf.keras.utils.set_random_seed(m + 5)
        model = tf.keras.Sequential([tf.keras.Input((size, size, 3), batch_size=1),
                                     tf.keras.layers.Conv2D(classes, 3, padding="same")])
        paths.append(convert(model, f"{folder}/{m}.tflite"))
        answers.append(np.stack([row[0].argmax(-1) for row in run(paths[-1], pictures)]))
    masks = np.stack(masks)
    got = evaluate(octavo, paths, folder, "--preprocess", "unit")

    def mean_iou(m, picks):
        measure = tf.keras.metrics.MeanIoU(256, ignore_class=255)
        measure.update_state(masks[picks].ravel(), answers[m][picks].ravel())
        return float(measure.result())

    everything, values = np.arange(count), []
    for m in range(2):
        s, known = got[m]["segmentation"], masks != 255
        check("mean IoU (Keras)", s["mean_iou"], mean_iou(m, everything), 1e-6)
        check("pixel accuracy", s["pixel_accuracy"], (answers[m] == masks)[known].mean(), 1e-8)
        for c in s["classes"]:
            k = c["class"]
            both = ((answers[m] == k) & (masks == k) & known).sum()
            either = (((answers[m] == k) | (masks == k)) & known).sum()
            values.append(c["iou"] - both / either)
    check("IoU of each class", values, 0, 1e-8)
    check("difference", got[1]["segmentation"]["difference"],
          mean_iou(1, everything) - mean_iou(0, everything), 1e-6)
    interval = bootstrap(count, lambda picks: mean_iou(1, picks) - mean_iou(0, picks), 400)
    check("its interval, of its width (scipy, 400 resamples)",
          (np.array(got[1]["segmentation"]["difference_interval"]) - interval) / np.ptp(interval), 0, 0.25)


def bootstrap(count, measure, rounds):
    import scipy.stats
    found = scipy.stats.bootstrap((np.arange(count),), measure, n_resamples=rounds, method="BCa",
                                  vectorized=False, rng=3).confidence_interval
    return np.array([found.low, found.high])


TASKS = [segmentation]


def main():
    for task in TASKS:
        with tempfile.TemporaryDirectory() as folder:
            task(sys.argv[1], folder)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
