"""Makes tests/eval/files/{pixels,...}, data that know more than a class, and tests/eval/truth_expected.h:
what Pillow, scikit-learn, TensorFlow and scipy say of them. Run from the repository root with the oracle
venv; the header names the versions."""
import os

import numpy as np
import PIL
import sklearn
import tensorflow as tf
from PIL import Image
from sklearn.metrics import accuracy_score, jaccard_score

FILES = "tests/eval/files/"
rng = np.random.default_rng(8)
lines = []


def emit(name, values):
    values = np.asarray(values, np.float64).ravel()
    text = [float(v).hex() for v in values]
    rows = [", ".join(text[i:i + 4]) for i in range(0, len(text), 4)]
    lines.append(f"static const double {name}[{values.size}] = {{\n    " + ",\n    ".join(rows) + "\n};")


def pixels():
    """The pictures' largest channel is the answer; masks come as 8 bits, as 2 bits and as a palette."""
    folder = FILES + "pixels/"
    os.makedirs(folder + "images", exist_ok=True), os.makedirs(folder + "masks", exist_ok=True)
    labels, answers = [], []
    for i, bits in enumerate((8, 2, 4)):
        picture = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
        mask = np.where(rng.random((5, 7)) < 0.6, picture.argmax(-1), rng.integers(0, 3, (5, 7)))
        mask = mask.astype(np.uint8)
        if bits == 8:
            mask[1, 2:5] = 255
        image = Image.fromarray(mask, "L" if bits == 8 else "P")
        if bits != 8:
            image.putpalette(rng.integers(0, 256, 3 * 2 ** bits, dtype=np.uint8).tobytes())
        Image.fromarray(picture).save(f"{folder}images/{i}.png")
        image.save(f"{folder}masks/{i}.png", **({} if bits == 8 else {"bits": bits}))
        labels.append(mask), answers.append(picture.argmax(-1))
    labels, answers = np.stack(labels).ravel(), np.stack(answers).ravel()
    known = labels != 255
    emit("pixels_iou", [jaccard_score(labels[known], answers[known], average="macro"),
                        *jaccard_score(labels[known], answers[known], average=None)])
    emit("pixels_right", [accuracy_score(labels[known], answers[known], normalize=False), known.sum()])


def records():
    """Two records that TensorFlow wrote, the second with TFDS' names."""
    files = [open(FILES + f"pixels/images/{i}.png", "rb").read() for i in range(2)]
    feature = tf.train.Feature
    with tf.io.TFRecordWriter(FILES + "two.tfrecord") as writer:
        for (image, label), png, number in zip((("image/encoded", "image/class/label"), ("image", "label")),
                                               files, (300, 2)):
            writer.write(tf.train.Example(features=tf.train.Features(feature={
                image: feature(bytes_list=tf.train.BytesList(value=[png])),
                label: feature(int64_list=tf.train.Int64List(value=[number])),
                "image/height": feature(float_list=tf.train.FloatList(value=[5])),
            })).SerializeToString())


pixels()
records()
with open("tests/eval/truth_expected.h", "w") as header:
    header.write("/* Made by tests/eval/make_truth.py with Pillow %s, TensorFlow %s, scikit-learn %s. */\n"
                 % (PIL.__version__, tf.__version__, sklearn.__version__))
    header.write("#ifndef OCT_TESTS_EVAL_TRUTH_EXPECTED_H\n#define OCT_TESTS_EVAL_TRUTH_EXPECTED_H\n\n")
    header.write("\n\n".join(lines))
    header.write("\n\n#endif\n")
