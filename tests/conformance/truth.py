"""`octavo eval` on data that know more than a class, against the field's own tools.

    python tests/conformance/truth.py OCTAVO [TASK ...]

Models are made with Keras and converted by TensorFlow Lite, data are written by Pillow, TensorFlow and
numpy, answers come from LiteRT, and measures from Keras, pycocotools and scikit-learn.
Last line: N passed, N failed.
"""

import contextlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import scipy.io.wavfile
import scipy.stats
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
                     for o in sorted(interpreter.get_output_details(), key=lambda o: o["name"])])
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


def postprocess_model(size, rooms, path):
    """Raw boxes and scores computed from the picture, then TFLite_Detection_PostProcess."""
    signature = [tf.TensorSpec((1, 12, 4)), tf.TensorSpec((1, 12, 4)), tf.TensorSpec((12, 4))]
    name = "name: 'TFLite_Detection_PostProcess'"
    options = {"max_detections": ("i", 8), "max_classes_per_detection": ("i", 1),
               "nms_score_threshold": ("f", 0.0), "nms_iou_threshold": ("f", 0.6), "num_classes": ("i", 3),
               "y_scale": ("f", 10.0), "x_scale": ("f", 10.0), "h_scale": ("f", 5.0), "w_scale": ("f", 5.0),
               "use_regular_nms": ("b", "false")}
    attributes = " ".join(f"attr {{ key: '{k}' value {{ {t}: {v} }} }}" for k, (t, v) in options.items())

    @tf.function(input_signature=signature, experimental_implements=f"{name} {attributes}")
    def postprocess(boxes, scores, anchors):
        return (tf.zeros((1, 8, 4)), tf.zeros((1, 8)), tf.zeros((1, 8)), tf.zeros((1,)))

    rng = np.random.default_rng(rooms)
    corner = rng.uniform(0.2, 0.8, (12, 2))
    anchors = tf.constant(np.hstack([corner, rng.uniform(0.2, 0.6, (12, 2))]), tf.float32)
    weights = [tf.constant(rng.normal(0, 0.6, (size * size * 3, 48)), tf.float32) for _ in range(2)]

    class Detector(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, size, size, 3))])
        def __call__(self, x):
            flat = tf.reshape(x, (1, -1)) - 0.5
            raw = tf.reshape(flat @ weights[0], (1, 12, 4))
            scores = tf.sigmoid(tf.reshape(flat @ weights[1], (1, 12, 4)))
            return postprocess(raw, scores, anchors)

    detector = Detector()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([detector.__call__.get_concrete_function()],
                                                                detector)
    converter.allow_custom_ops = True
    with open(path, "wb") as file:
        file.write(converter.convert())
    return path


def detection(octavo, folder):
    """Truths are what one detector finds, moved a little; categories number 1, 2, 3 as in COCO."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    rng = np.random.default_rng(2)
    size, count = 6, 30
    paths = [postprocess_model(size, m, f"{folder}/{m}.tflite") for m in range(2)]
    dataset = {"info": {}, "categories": [{"id": k, "name": str(k)} for k in (3, 1, 2)], "images": [],
               "annotations": []}
    pictures, places = [], []
    for i in rng.permutation(count):
        h, w = (int(v) for v in rng.integers(40, 300, 2))
        picture = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((w, h))
        picture.save(f"{folder}/{i}.png")
        dataset["images"].append({"id": int(i) + 7, "file_name": f"{i}.png", "width": w, "height": h})
        pictures.append(tf.image.resize(np.asarray(picture, np.float32), (size, size)).numpy() / 255)
        places.append((int(i) + 7, w, h))
    found = []
    for path in paths:
        rows = []
        for (image, w, h), (boxes, classes, scores, number) in zip(places, run(path, pictures)):
            for (top, left, bottom, right), k, s in list(zip(boxes, classes, scores))[:int(number)]:
                rows.append({"image_id": image, "category_id": int(k) + 1, "score": float(s),
                             "bbox": [float(left) * w, float(top) * h, (float(right) - float(left)) * w,
                                      (float(bottom) - float(top)) * h]})
        found.append(rows)
    for row in found[0]:
        if row["score"] < 0.6 or min(row["bbox"][2:]) < 4:
            continue
        box = [float(v) for v in np.array(row["bbox"]) * rng.uniform(0.85, 1.15, 4)]
        dataset["annotations"].append({"id": len(dataset["annotations"]) + 1, "image_id": row["image_id"],
                                       "category_id": row["category_id"], "bbox": box, "iscrowd": 0,
                                       "area": box[2] * box[3]})
    with open(f"{folder}/annotations.json", "w") as file:
        json.dump(dataset, file)
    got = evaluate(octavo, paths, folder, "--preprocess", "unit")
    names = ["map", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100",
             "ar_small", "ar_medium", "ar_large"]
    for m in range(2):
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = dataset
            truth.createIndex()
            judge = COCOeval(truth, truth.loadRes(found[m]), "bbox")
            judge.evaluate(), judge.accumulate(), judge.summarize()
        print("     pycocotools: AP %.4f, AP50 %.4f over %d boxes" % (*judge.stats[:2],
                                                                   len(dataset["annotations"])))
        check("all twelve of COCO (pycocotools)", [got[m]["detection"][n] for n in names], judge.stats, 1e-6)


def records(octavo, folder):
    """Shards that TensorFlow wrote against the same pictures as files."""
    rng = np.random.default_rng(4)
    size, shards, classes = 12, 3, 4
    os.makedirs(f"{folder}/shards")
    for k in range(classes):
        os.makedirs(f"{folder}/files/{k}")
    feature = tf.train.Feature
    for shard in range(shards):
        with tf.io.TFRecordWriter(f"{folder}/shards/train-{shard:05}-of-{shards:05}") as writer:
            for i in range(20):
                label = int(rng.integers(0, classes))
                picture = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)).resize((31, 17))
                path = f"{folder}/files/{label}/{shard}{i:03}.jpg"
                picture.save(path, quality=90)
                writer.write(tf.train.Example(features=tf.train.Features(feature={
                    "image/encoded": feature(bytes_list=tf.train.BytesList(value=[open(path, "rb").read()])),
                    "image/format": feature(bytes_list=tf.train.BytesList(value=[b"jpeg"])),
                    "image/box": feature(float_list=tf.train.FloatList(value=[0.5, 0.25])),
                    "image/class/label": feature(int64_list=tf.train.Int64List(value=[label])),
                })).SerializeToString())
    tf.keras.utils.set_random_seed(3)
    model = tf.keras.Sequential([tf.keras.Input((size, size, 3), batch_size=1), tf.keras.layers.Flatten(),
                                 tf.keras.layers.Dense(classes, activation="softmax")])
    path = convert(model, f"{folder}/m.tflite")
    got = evaluate(octavo, [path], f"{folder}/shards", "--preprocess", "unit")[0]
    want = evaluate(octavo, [path], f"{folder}/files", "--preprocess", "unit")[0]
    check("60 records, as files", [got["samples"], got["top1"], *[c["right"] for c in got["classes"]]],
          [60, want["top1"], *[c["right"] for c in want["classes"]]], 0)
    check("their loss", got["loss"], want["loss"], 1e-8)


def write_wav(path, values, bits, channels, code):
    """values [n, channels]: integers as stored, or floats."""
    width = bits // 8
    body = (values.astype("<f4").tobytes() if code == 3 else
            b"".join(int(v).to_bytes(width, "little", signed=bits > 8) for v in values.ravel()))
    head = struct.pack("<HHIIHH", code, channels, 16000, 16000 * channels * width, channels * width, bits)
    chunks = (b"fmt " + struct.pack("<I", 16) + head + b"LIST" + struct.pack("<I", 4) + b"abcd"
              + b"data" + struct.pack("<I", len(body)) + body)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def sound(octavo, folder):
    """Files of every coding; what the model gets is what scipy and TensorFlow read."""
    rng = np.random.default_rng(6)
    size, want = 40, []
    cases = [(8, 1, 1), (16, 1, 1), (16, 2, 1), (24, 1, 1), (24, 3, 1), (32, 1, 1), (32, 2, 3), (32, 1, 3)]
    for i, (bits, channels, code) in enumerate(cases):
        count = (30, size, 55)[i % 3]
        low, high = (0, 256) if bits == 8 else (-2 ** (bits - 1), 2 ** (bits - 1))
        values = (rng.normal(size=(count, channels)) if code == 3 else
                  rng.integers(low, high, (count, channels), dtype=np.int64))
        path = f"{folder}/{i}.wav"
        write_wav(path, values, bits, channels, code)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the chunk that scipy does not know
            read = scipy.io.wavfile.read(path)[1].astype(np.float64).reshape(count, channels)
        read = (read if code == 3 else (read - 128) / 128 if bits == 8 else
                read / 2.0 ** (15 if bits == 16 else 31))
        row = np.zeros(size)
        row[:min(size, count)] = read.mean(1)[:size]
        want.append(row)
        if bits == 16 and channels == 1:
            samples = tf.audio.decode_wav(open(path, "rb").read(), 1, size).audio.numpy()[:, 0]
            check("16-bit samples (tf.audio.decode_wav)", samples, row, 0)
    inputs = tf.keras.Input((size, 1), batch_size=1)
    path = convert(tf.keras.Model(inputs, tf.keras.layers.Lambda(lambda x: x * 0.5)(inputs)),
                   f"{folder}/m.tflite")
    evaluate(octavo, [path], folder, "--outputs", f"{folder}/y.npy")
    check("8 codings (scipy.io.wavfile)", np.load(f"{folder}/y.npy")[..., 0] * 2, want, 1e-7)


def regression(octavo, folder):
    """Two outputs, float64 truth."""
    from sklearn.metrics import mean_absolute_error, r2_score
    rng = np.random.default_rng(7)
    count = 200
    x = rng.normal(size=(count, 5)).astype(np.float32)
    paths, answers = [], []
    for m in range(2):
        tf.keras.utils.set_random_seed(m + 1)
        model = tf.keras.Sequential([tf.keras.Input((5,), batch_size=1), tf.keras.layers.Dense(2)])
        paths.append(convert(model, f"{folder}/{m}.tflite"))
        answers.append(np.stack([row[0] for row in run(paths[-1], x)]).astype(np.float64))
    y = answers[0] + rng.exponential(size=(count, 2)) - answers[1] * 0.2
    np.savez(f"{folder}/xy.npz", x=x, y=y)
    got = evaluate(octavo, paths, f"{folder}/xy.npz")
    peers = {"mae": mean_absolute_error, "rmse": lambda a, b: np.sqrt(((a - b) ** 2).mean()),
             "r2": lambda a, b: r2_score(a, b, multioutput="variance_weighted")}
    for name, peer in peers.items():
        values = [peer(y, answer) for answer in answers]
        check(f"{name} (scikit-learn)", [g["regression"][name]["value"] for g in got], values, 1e-6)
        mine = got[1]["regression"][name]
        check(f"{name}: difference", mine["difference"], values[1] - values[0], 1e-6)
        interval = bootstrap(count, lambda picks: peer(y[picks], answers[1][picks])
                             - peer(y[picks], answers[0][picks]), 1000)
        check(f"{name}: its interval, of its width (scipy)",
              (np.array(mine["difference_interval"]) - interval) / np.ptp(interval), 0, 0.25)


def bootstrap(count, measure, rounds):
    found = scipy.stats.bootstrap((np.arange(count),), measure, n_resamples=rounds, method="BCa",
                                  vectorized=False, rng=3).confidence_interval
    return np.array([found.low, found.high])


TASKS = [segmentation, detection, records, sound, regression]


def main():
    for task in TASKS:
        with tempfile.TemporaryDirectory() as folder:
            if len(sys.argv) < 3 or task.__name__ in sys.argv[2:]:
                task(sys.argv[1], folder)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
