"""Graphs whose layers have different forms, against LiteRT's reference kernels.

    python tests/conformance/recipes.py OCTAVO [--models N] [--seed S]

Draws recipes for a convolutional network with sums, a squeeze-and-excite block and concatenation: every layer
one of float32, float16, dynamic, weight-only, int8 and int16x8, at a drawn effort, some with one scale a
tensor. All inner tensors are made outputs (taps.py), so that codes are compared where forms meet. Integer
values must be the same bytes; floats agree as compare_outputs.py asks. Then the recipes that AI Edge Quantizer
ships are read: those that say what Octavo does make models that run, the others are refused by name. Last
line: N passed, N failed.
"""

import argparse
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import compare_outputs
import taps

FORMS = ["float32", "float16", "dynamic", "weight-only", "int8", "int16x8"]
REFUSED = {"default_af32w4float_recipe.json": "symmetric", "default_af32w8float_recipe.json": "symmetric",
           "dynamic_wi4_afp32_hadamard_recipe.json": "algorithm_params",
           "dynamic_wi8_afp32_hadamard_recipe.json": "algorithm_params",
           "dynamic_wi8_afp32_litertlm_recipe.json": "octavo_recipe"}


def make_network(path):
    import keras
    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = x = keras.Input((16, 16, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu6", name="stem")(x)
    skip = x
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    gate = layers.Conv2D(16, 1, activation="sigmoid", name="excite")(gate)
    x = layers.Multiply(name="scale")([x, gate])
    x = layers.Conv2D(16, 1, name="project")(x)
    x = layers.Add(name="sum")([x, skip])
    x = layers.Concatenate(name="join")([x, skip])
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(40, 3, padding="same", activation="relu", name="wide")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(10, name="logits")(x)
    keras.Model(inputs, layers.Softmax(name="softmax")(x)).save(path)


def compare(octavo, model):
    """(what to say, whether all values agree)."""
    done = subprocess.run([sys.executable, compare_outputs.__file__, octavo, model, "--inputs", "4"],
                          capture_output=True, text=True)
    counts = [tuple(map(int, pair)) for pair in re.findall(r"(\d+)/(\d+) values differ", done.stdout)]
    differ, values = sum(c[0] for c in counts), sum(c[1] for c in counts)
    said = f"{len(counts)} tensors, {differ} of {values} values differ"
    return (said, True) if done.returncode == 0 else (f"{said}: {done.stdout}{done.stderr}", False)


def draw(rng, layers):
    rules = [{"layer": layer["layer"], "op": layer["op"], "form": rng.choice(FORMS)} for layer in layers]
    for rule in rules:
        if rule["form"] in ("int8", "int16x8", "dynamic") and rng.random() < 0.3:
            rule["granularity"] = "tensor"
    default = {"form": rng.choice(["int8", "int8", "int16x8"]), "effort": rng.choice(["none", "default"])}
    # By name a form has to be possible; by pattern a layer that lacks it is passed over.
    for rule in rules:
        rule["match"] = "^" + rule.pop("layer").replace(".", "[.]").replace("/", "[/]") + "$"
    return {"octavo_recipe": 1, "default": default, "rules": rules}


def quantize(octavo, model, recipe, out, calib):
    command = [octavo, "quantize", model, "--recipe", recipe, "-o", out, "--calib", calib, "--preprocess", "none",
               "--json", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True)


def check_drawn(octavo, folder, models, seed):
    model, calib = os.path.join(folder, "net.keras"), os.path.join(folder, "calib.npy")
    make_network(model)
    np.save(calib, np.random.default_rng(2).uniform(-1, 1, (20, 16, 16, 3)).astype(np.float32))
    plain = os.path.join(folder, "plain.json")
    with open(plain, "w") as file:
        json.dump({"octavo_recipe": 1, "default": {"form": "int8"}}, file)
    done = quantize(octavo, model, plain, os.path.join(folder, "plain.tflite"), calib)
    layers = json.loads(done.stdout)["layers"]
    rng, counts = random.Random(seed), dict.fromkeys(FORMS, 0)
    for i in range(models):
        recipe, out = os.path.join(folder, f"{i}.json"), os.path.join(folder, f"{i}.tflite")
        with open(recipe, "w") as file:
            json.dump(draw(rng, layers), file)
        done = quantize(octavo, model, recipe, out, calib)
        if done.returncode != 0:
            yield f"recipe {i} of seed {seed}: {done.stderr.strip()}", False
            continue
        for rule in json.loads(done.stdout)["recipe"]["rules"]:
            counts[rule["form"]] += 1
        tapped = os.path.join(folder, f"{i}_tapped.tflite")
        taps.tap(out, tapped, 64)
        said, holds = compare(octavo, tapped)
        yield f"recipe {i} of seed {seed}: {said}", holds
    print("layers by form:", ", ".join(f"{form} {count}" for form, count in counts.items()))


def check_foreign(octavo, folder):
    import ai_edge_quantizer
    shipped = sorted(glob.glob(os.path.join(os.path.dirname(ai_edge_quantizer.__file__), "recipes/*.json")))
    model, calib = os.path.join(folder, "net.keras"), os.path.join(folder, "calib.npy")
    for recipe in shipped:
        name, out = os.path.basename(recipe), os.path.join(folder, "foreign.tflite")
        done = quantize(octavo, model, recipe, out, calib)
        if name in REFUSED:
            yield f"{name} is refused: {done.stderr.strip()}", done.returncode in (3, 4) and REFUSED[name] in done.stderr
        else:
            said, holds = compare(octavo, out)
            yield f"{name}: {done.stderr}{said}", holds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("octavo")
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    octavo = os.path.abspath(args.octavo)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for checks in (check_drawn(octavo, folder, args.models, args.seed), check_foreign(octavo, folder)):
            for what, holds in checks:
                print(f"{'ok  ' if holds else 'FAIL'} {what}")
                passed, failed = passed + holds, failed + (not holds)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
