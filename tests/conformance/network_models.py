"""Makes one of the networks that keras.applications and tf_keras bring, with what Keras computes.

    build/venv/bin/python tests/conformance/network_models.py NAME FOLDER [--h5] [--exact]

NAME is a class of keras.applications (`MobileNetV2`), or one of tf_keras's with `tf_keras.` in front.
Writes FOLDER/NAME.keras (and .h5), NAME_x.npy (two inputs), NAME_y.npy (Keras's outputs in float32) and
with --exact NAME_y64.npy: the same network and weights in float64, which tells whose rounding a small
difference is. Prints one JSON line.

Weights are seeded noise that behaves like trained weights do: activations keep their size through any
depth, every statistic is a batch's own, no bias and no scale is trivial. The head stays as drawn, so
it magnifies no rounding.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from make_models import images, leaves

INPUTS = 2
BATCH = 4          # images whose statistics the normalizations take
DEEP = 250         # normalizations; behind more, branches as large as what they join make rounding grow to anything
SPECIAL = {"MobileNetV3Small": (224, 224), "MobileNetV3Large": (224, 224)}  # sizes left open by Keras


def kit_of(name):
    """The package that brings a network."""
    if name.startswith("tf_keras."):
        import tf_keras
        return tf_keras
    import keras
    return keras


def build(kit, name):
    return getattr(kit.applications, name.split(".")[-1])(weights=None)


def inputs_of(model, random, count):
    """Images in the range that the network expects: 0…255 where it rescales them itself."""
    size = tuple(SPECIAL.get(model.name, model.input_shape[1:3]))
    size = tuple(side or 224 for side in size)
    x = images(random, count, (*size, model.input_shape[3]))
    rescales = any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in model.layers)
    return (x + 1) * np.float32(127.5) if rescales else x


def assign(variable, values):
    variable.assign(np.asarray(values, np.float32))


def vary(layer, random, factor):
    """Random values for whatever a fresh layer holds as zeros, ones or a tiny constant."""
    kind = type(layer).__name__
    if kind in ("BatchNormalization", "LayerNormalization"):
        if layer.gamma is not None:
            assign(layer.gamma, factor * random.uniform(0.5, 1.5, layer.gamma.shape))
        if layer.beta is not None:
            assign(layer.beta, random.normal(0, 0.3, layer.beta.shape))
    elif kind == "LayerScale":
        assign(layer.gamma, random.uniform(0.1, 0.5, layer.gamma.shape))
    elif kind == "Normalization" and layer.input_mean is None:
        shape = layer.adapt_mean.shape
        assign(layer.adapt_mean, random.uniform(0.4, 0.5, shape))
        assign(layer.adapt_variance, random.uniform(0.04, 0.06, shape))
        layer.finalize_state()
    if getattr(layer, "use_bias", False) and hasattr(layer, "bias"):
        assign(layer.bias, random.normal(0, 0.1, layer.bias.shape))


def keep_size(layer, random):
    """Kernels that neither shrink nor grow what passes through a rectifier (no normalization does)."""
    if type(layer).__name__ in ("Conv2D", "Dense") and hasattr(layer, "kernel"):
        shape = tuple(layer.kernel.shape)
        gain = 1.0 if getattr(layer.activation, "__name__", "") == "softmax" else 2.0
        assign(layer.kernel, random.normal(0, np.sqrt(gain / np.prod(shape[:-1])), shape))


def settle(model, random):
    """Weights and statistics as the text above promises."""
    layers = list(leaves(model))
    normalizations = [layer for layer in layers if type(layer).__name__ == "BatchNormalization"]
    for layer in layers:
        vary(layer, random, 0.3 if len(normalizations) > DEEP else 1.0)
    if not any(type(layer).__name__.endswith("Normalization") for layer in layers):
        for layer in layers:
            keep_size(layer, random)
    if normalizations:
        momenta = [layer.momentum for layer in normalizations]
        for layer in normalizations:
            layer.momentum = 0.0
        model(inputs_of(model, random, BATCH), training=True)
        for layer, momentum in zip(normalizations, momenta):
            layer.momentum = momentum
    return model


def compute(model, x):
    """Outputs, one input at a time as an interpreter runs them."""
    return np.stack([np.asarray(model(x[i:i + 1], training=False)) for i in range(len(x))])


def compute_exactly(kit, name, weights, x):
    """The outputs of the same network in float64."""
    kit.backend.set_floatx("float64")
    policy = kit.config.set_dtype_policy if hasattr(kit, "config") else kit.mixed_precision.set_global_policy
    policy("float64")
    model = build(kit, name)
    model.set_weights(weights)
    for layer in leaves(model):
        if type(layer).__name__ == "Normalization" and layer.input_mean is None:
            layer.finalize_state()
    return compute(model, x.astype(np.float64))


def make(name, folder, h5, exact):
    start = time.perf_counter()
    kit = kit_of(name)
    seed = sum(map(ord, name))
    kit.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = settle(build(kit, name), random)
    stem = os.path.join(folder, name)
    for suffix in (".keras", ".h5") if h5 else (".keras",):
        model.save(stem + suffix)
    x = inputs_of(model, random, INPUTS)
    y = compute(model, x)
    np.save(stem + "_x.npy", x[:, None])
    np.save(stem + "_y.npy", y)
    row = {"parameters": model.count_params(), "input": list(x.shape[1:]), "kit": kit.__version__,
           "spread": float(np.abs(y[0] - y[1]).max() / np.abs(y).max())}
    if exact:
        weights = model.get_weights()
        del model
        np.save(stem + "_y64.npy", compute_exactly(kit, name, weights, x))
    return row | {"seconds": round(time.perf_counter() - start, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("folder")
    parser.add_argument("--h5", action="store_true")
    parser.add_argument("--exact", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    print("ROW " + json.dumps(make(options.name, options.folder, options.h5, options.exact)))


if __name__ == "__main__":
    main()
