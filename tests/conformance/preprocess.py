"""How octavo turns image files into model inputs, against Pillow and TensorFlow.

    python tests/conformance/preprocess.py OCTAVO FOLDER [--count 200] [--size 224]

FOLDER holds JPEG or PNG files. Octavo's pixels are read from a model that hands its input through
(`octavo eval IDENTITY --data FOLDER --preprocess HOW.json --outputs y.npy`); the peers decode and
resize the same files:

  pillow      Image.resize(BILINEAR), which widens its triangle when it makes smaller
  tf          tf.image.resize(bilinear), without antialiasing
  tf-aa       tf.image.resize(bilinear, antialias=True)
  crop        Pillow's crop of the largest centred square, 0.875 of it, then its resize

Pixels are 0..255. Pillow rounds to whole pixels after each of its two passes, so up to a pixel of
difference is its own. Then the time of both for the same files, in turns, one thread: five rounds.
Exit code 1: a difference above BOUNDS.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

import op_build

# Largest and mean difference in pixels of 255 that are tolerated.
BOUNDS = {"pillow": (1.01, 0.30), "crop": (1.01, 0.30), "tf": (0.02, 0.001), "tf-aa": (0.02, 0.001)}
HOW = {"pillow": {"antialias": True}, "crop": {"antialias": True, "keep_aspect": True, "crop": 0.875},
       "tf": {"antialias": False}, "tf-aa": {"antialias": True}}
ROUNDS = 5


def identity(path, size):
    """A model whose output is its input."""
    shape = (1, size, size, 3)
    to = op_build.T((4,), "s32", data=np.array(shape, np.int32))
    case = op_build.Case("RESHAPE", "f32", "identity", [op_build.T(shape, "f32"), to],
                         [op_build.T(shape, "f32")])
    with open(path, "wb") as file:
        file.write(op_build.build(case))


def by_pillow(path, size):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size, size), Image.BILINEAR), np.float32)


def by_pillow_crop(path, size):
    with Image.open(path) as image:
        image = image.convert("RGB")
        side = min(image.size)
        part = int(0.875 * side + 0.5)
        left, top = (image.width - part) // 2, (image.height - part) // 2
        part_of = image.crop((left, top, left + part, top + part))
        return np.asarray(part_of.resize((size, size), Image.BILINEAR), np.float32)


def by_tensorflow(path, size, antialias):
    import tensorflow as tf
    with open(path, "rb") as file:
        pixels = tf.image.decode_jpeg(file.read(), channels=3, dct_method="INTEGER_ACCURATE")
    return tf.image.resize(pixels, (size, size), antialias=antialias).numpy()


PEERS = {"pillow": by_pillow, "crop": by_pillow_crop,
         "tf": lambda path, size: by_tensorflow(path, size, False),
         "tf-aa": lambda path, size: by_tensorflow(path, size, True)}


def by_octavo(octavo, model, folder, count, how, work, outputs=True):
    """[count, size, size, 3], and the seconds it took."""
    description = os.path.join(work, "how.json")
    with open(description, "w") as file:
        json.dump({"divisor": 1, **how}, file)
    target = os.path.join(work, "y.npy")
    command = [octavo, "eval", model, "--data", f"{folder}:{count}", "--preprocess", description,
               "--threads", "1", "--quiet"] + (["--outputs", target] if outputs else [])
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    return (np.load(target, mmap_mode="r") if outputs else None), seconds


def image_files(folder, count):
    names = sorted(n for n in os.listdir(folder) if n.lower().endswith((".jpg", ".jpeg", ".png")))
    return [os.path.join(folder, n) for n in names[:count]]


def compare(args, model, files, work):
    worst = {}
    for name, peer in PEERS.items():
        ours, _ = by_octavo(args.octavo, model, args.folder, len(files), HOW[name], work)
        largest, total = 0.0, 0.0
        for pixels, path in zip(ours, files):
            difference = np.abs(pixels - peer(path, args.size))
            largest, total = max(largest, float(difference.max())), total + float(difference.mean())
        worst[name] = (largest, total / len(files))
        print(f"{name:8} {len(files)} images: largest difference {largest:.4f}, mean "
              f"{total / len(files):.5f} of 255")
    return worst


def race(args, model, files, work):
    """Images per second of Pillow and of octavo, medians of rounds in turns."""
    times = {"pillow": [], "octavo": []}
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for path in files:
            by_pillow(path, args.size)
        times["pillow"].append(time.perf_counter() - begin)
        times["octavo"].append(
            by_octavo(args.octavo, model, args.folder, len(files), HOW["pillow"], work, False)[1])
    ratios = sorted(o / p for o, p in zip(times["octavo"], times["pillow"]))
    for name, seconds in times.items():
        print(f"{name:8} {len(files) / np.median(seconds):.0f} images/s")
    print(f"octavo / pillow: {np.median(ratios):.2f} of the time [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
          f" ({ROUNDS} rounds; octavo's includes its start, the evaluation and the metrics)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("octavo")
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--size", type=int, default=224)
    args = parser.parse_args()
    files = image_files(args.folder, args.count)
    with tempfile.TemporaryDirectory() as work:
        model = os.path.join(work, "identity.tflite")
        identity(model, args.size)
        worst = compare(args, model, files, work)
        race(args, model, files, work)
    passed = sum(worst[n][0] <= BOUNDS[n][0] and worst[n][1] <= BOUNDS[n][1] for n in worst)
    print(f"{passed} passed, {len(worst) - passed} failed")
    return passed != len(worst)


if __name__ == "__main__":
    sys.exit(main())
