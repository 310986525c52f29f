"""Makes the Keras models that the importers and the quantizer are compared on, with Keras's outputs.

    build/venv/bin/python tests/conformance/make_models.py [--out build/oracle] [NAME…]

For NAME it writes NAME.keras and NAME.h5, NAME_x.npy (inputs), NAME_y.npy (what Keras computes from
them on this CPU) and NAME_calib.npy (100 calibration samples), all float32. Weights are seeded
noise, made to behave like trained ones: every batch normalization gets random gamma and beta and
the statistics of a batch (so activations keep their size through 50 layers), and the head is
centred and scaled until the answers differ (else int8 softmax would be all zeros and hide every
mistake). The last NAME, `demo`, is the trained model of demo/ with Fashion-MNIST images: the first
20 for testing as inputs, the first 100 for training as calibration samples.
"""

import argparse
import os
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np


def images(random, count, shape):
    """count images [h,w,c] float32 in -1..1: noise at three scales, so that they differ in more
    than pixel noise, which a network averages away."""
    height, width, channels = shape
    total = np.zeros((count, height, width, channels), np.float32)
    for cells, size in ((2, 0.6), (7, 0.5), (max(height, width), 0.15)):
        coarse = random.normal(0, size, (count, cells, cells, channels)).astype(np.float32)
        rows = np.arange(height) * cells // height
        columns = np.arange(width) * cells // width
        total += coarse[:, rows][:, :, columns]
    return np.clip(total, -1, 1)


def leaves(model):
    """The layers that hold weights, those inside nested models included."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaves(layer)
        else:
            yield layer


def settle(model, random, logit_deviation=2.5):
    """Gives the model weights whose activations and outputs spread like a trained model's.

    Scaling the head so that answers differ magnifies the rounding of everything in front of it, in
    every runtime; with logit_deviation None the head stays as Keras draws it."""
    normalizations = [l for l in leaves(model) if type(l).__name__ == "BatchNormalization"]
    batch = images(random, 16, model.input_shape[1:])
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        channels = layer.gamma.shape[0]
        layer.gamma.assign(random.uniform(0.5, 1.5, channels))
        layer.beta.assign(random.normal(0, 0.3, channels))
        layer.momentum = 0.0
    model(batch, training=True)
    for layer, momentum in zip(normalizations, momenta):
        layer.momentum = momentum
    for layer in leaves(model):
        if getattr(layer, "use_bias", False):
            layer.bias.assign(random.normal(0, 0.1, layer.bias.shape))
    head = [layer for layer in leaves(model) if hasattr(layer, "kernel")][-1]
    if logit_deviation is None:
        return model
    head.bias.assign(np.zeros(head.bias.shape))
    logits = np.log(np.maximum(np.asarray(model(batch, training=False)), 1e-30))
    logits -= logits.mean(1, keepdims=True)  # undoes softmax but for a constant per sample
    common = logits.mean(0)
    gain = logit_deviation / np.std(logits - common)
    head.kernel.assign(np.asarray(head.kernel) * gain)
    head.bias.assign(-common * gain)
    return model


def mobilenetv2(kit):
    return kit.applications.MobileNetV2(weights=None)


def mobilenetv2_level(kit):
    """The same with its head unscaled: rounding is not magnified, float outputs can be held to 1e-5."""
    return kit.applications.MobileNetV2(weights=None)


def mobilenetv2_small(kit):
    return kit.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.35, weights=None, classes=10)


def mobilenet(kit):
    return kit.applications.MobileNet(
        input_shape=(96, 96, 3), alpha=0.25, weights=None, classes=10)


def resnet50(kit):
    return kit.applications.ResNet50(input_shape=(64, 64, 3), weights=None, classes=10)


def cnn(kit):
    layers = kit.layers
    return kit.Sequential([
        kit.Input((28, 28, 1)),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, strides=2, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(max_value=6.0),
        layers.SeparableConv2D(24, 3, padding="same", activation="swish"),
        layers.ZeroPadding2D(1),
        layers.AveragePooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ], name="cnn")


def nested(kit):
    """A functional model that uses one inner functional model twice, on unlike branches."""
    layers = kit.layers
    inner_input = kit.Input((16, 16, 8), name="features")
    hidden = layers.Conv2D(8, 3, padding="same", name="inner_conv")(inner_input)
    hidden = layers.BatchNormalization(name="inner_norm")(hidden)
    hidden = layers.LeakyReLU(name="inner_leaky")(hidden)
    inner = kit.Model(inner_input, layers.Add(name="inner_add")([inner_input, hidden]), name="block")

    image = kit.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="tanh", name="stem")(image)
    left = inner(x)
    right = inner(layers.Conv2D(8, 1, activation="sigmoid", name="gate")(x))
    x = layers.Concatenate(name="join")([left, layers.Multiply(name="scale")([left, right])])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return kit.Model(image, layers.Dense(10, activation="softmax", name="head")(x), name="nested")


BUILDERS = {f.__name__: f for f in (
    mobilenetv2, mobilenetv2_level, mobilenetv2_small, mobilenet, resnet50, cnn, nested)}
LEVEL = ["mobilenetv2_level"]
KERAS2 = {"keras2_cnn": cnn, "keras2_mobilenetv2_small": mobilenetv2_small}  # written by tf_keras


def save(model, name, out, x, calibration):
    arrays = {"x": x, "y": model.predict(x, batch_size=4, verbose=0), "calib": calibration}
    for key, array in arrays.items():
        np.save(os.path.join(out, f"{name}_{key}.npy"), array)
    y = arrays["y"]
    print(f"{name}: {model.count_params()} parameters, {len(x)} inputs, largest probabilities "
          f"{np.sort(y.max(-1))[[0, -1]].round(3)}, {len(set(y.argmax(-1)))} different answers",
          flush=True)


def make(name, out):
    kit = keras
    if name in KERAS2:
        import tf_keras
        kit = tf_keras
    seed = sum(map(ord, name))
    kit.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = settle({**BUILDERS, **KERAS2}[name](kit), random, None if name in LEVEL else 2.5)
    for suffix in (".keras", ".h5"):
        model.save(os.path.join(out, name + suffix))
    x = images(random, 20 if name.removesuffix("_level") == "mobilenetv2" else 4, model.input_shape[1:])
    save(model, name, out, x, images(random, 100, model.input_shape[1:]))


def take_demo(out):
    folder = os.path.join(os.path.dirname(__file__), "../../demo")
    sys.path.insert(0, folder)
    import fashion_mnist
    path = shutil.copy(os.path.join(folder, "fashion_mobilenetv2.keras"),
                       os.path.join(out, "demo.keras"))
    model = keras.saving.load_model(path, compile=False)
    model.save(os.path.join(out, "demo.h5"))
    size = model.input_shape[1]
    save(model, "demo", out,
         fashion_mnist.preprocess(fashion_mnist.load("t10k")[0][:20], size),
         fashion_mnist.preprocess(fashion_mnist.load("train")[0][:100], size))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="build/oracle")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for name in options.names or [*BUILDERS, *KERAS2, "demo"]:
        if name == "demo":
            take_demo(options.out)
        else:
            make(name, options.out)


if __name__ == "__main__":
    main()
