"""Fashion-MNIST as the demo model sees it: IDX files, resizing, preprocessing.

The data set comes from the Debian package dataset-fashion-mnist. A 28x28 gray image becomes the
model's input in three steps, which `octavo` repeats with `--preprocess tf`:

    resize   bilinear, half-pixel centres, no antialiasing, floats kept (not rounded to uint8)
    channels the gray value three times
    scale    x / 127.5 - 1
"""

import gzip
import os
import struct

import numpy as np

FOLDER = "/usr/share/datasets/fashion-mnist"
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def read_idx(path):
    """The uint8 array in a gzipped IDX file: magic 0, 0, 8 (uint8), rank; then big-endian dims."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    zero, kind, rank = struct.unpack_from(">HBB", data)
    if zero != 0 or kind != 8:
        raise ValueError(f"{path}: not an IDX file of uint8")
    dims = struct.unpack_from(f">{rank}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims)


def load(split, folder=FOLDER):
    """(images [n,28,28] uint8, labels [n] uint8); split is "train" (60,000) or "t10k" (10,000)."""
    if not os.path.isdir(folder):
        raise SystemExit(f"{folder} is missing: apt-get install dataset-fashion-mnist")
    return (read_idx(f"{folder}/{split}-images-idx3-ubyte.gz"),
            read_idx(f"{folder}/{split}-labels-idx1-ubyte.gz"))


def neighbours(source, target):
    """Per target pixel along one axis: the two source pixels around it and the second's weight."""
    scale = np.float32(source / target)
    centre = (np.arange(target, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    low = np.floor(centre)
    return (np.maximum(low, 0).astype(int), np.minimum(np.ceil(centre), source - 1).astype(int),
            centre - low)


def resize(images, size):
    """images [n,h,w] uint8 as [n,size,size] float32 in 0..255; the bits of tf.image.resize."""
    top, bottom, down = neighbours(images.shape[1], size)
    left, right, across = neighbours(images.shape[2], size)
    pixels = images.astype(np.float32)
    rows = pixels[:, :, left] + (pixels[:, :, right] - pixels[:, :, left]) * across
    return rows[:, top] + (rows[:, bottom] - rows[:, top]) * down[:, None]


def preprocess(images, size):
    """images [n,h,w] uint8 as the model's input: [n,size,size,3] float32 in -1..1."""
    gray = resize(images, size) / np.float32(127.5) - np.float32(1)
    return np.repeat(gray[..., None], 3, axis=-1)
