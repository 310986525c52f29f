"""The networks that docs/performance.md measures, as .tflite files of every form.

    build/venv/bin/python scripts/bench_models.py OCTAVO FOLDER

Six networks with seeded weights (time does not depend on what they learned, but on values it may: so
batch statistics are ordinary and activations stay of ordinary size), converted and quantized by
octavo with 16 samples of noise: FOLDER/NAME_FORM.tflite. What is there already is kept.
"""
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
FORMS = ("float32", "float16", "dynamic", "int8", "int16x8")
SEED = 20261124


def encoder():
    """A vision transformer's encoder: 197 tokens of 192, four blocks of three heads (DeiT-Tiny's shapes)."""
    from keras import Input, Model, layers
    x = inputs = Input((197, 192), name="tokens")
    for _ in range(4):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.MultiHeadAttention(3, 64)(y, y)
        x = layers.Add()([x, y])
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.Dense(768, activation="gelu")(y)
        x = layers.Add()([x, layers.Dense(192)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(x))
    return Model(inputs, layers.Dense(1000, activation="softmax")(x), name="transformer")


def networks():
    from keras import applications as a
    return {
        "mobilenetv2": lambda: a.MobileNetV2(weights=None),
        "resnet50": lambda: a.ResNet50(weights=None),
        "efficientnetb0": lambda: a.EfficientNetB0(weights=None),
        "mobilenetv3small": lambda: a.MobileNetV3Small(weights=None, input_shape=(224, 224, 3)),
        "densenet121": lambda: a.DenseNet121(weights=None),
        "transformer": encoder,
    }


def make(name, build, octavo, folder):
    import keras
    import numpy as np
    keras.utils.set_random_seed(SEED)
    model = build()
    source, calib = os.path.join(folder, f"{name}.keras"), os.path.join(folder, f"{name}_calib.npy")
    model.save(source)
    shape = (16, *model.inputs[0].shape[1:])
    low, high = (0, 255) if name.startswith(("efficientnet", "mobilenetv3")) else (-1, 1)
    np.save(calib, np.random.default_rng(SEED).uniform(low, high, shape).astype(np.float32))
    for form in FORMS:
        target = os.path.join(folder, f"{name}_{form}.tflite")
        command = [octavo, "quantize", source, "--mode", form, "-o", target, "--quiet"]
        if form == "float32":
            command = [octavo, "convert", source, "-o", target, "--quiet"]
        elif form.startswith("int"):
            command += ["--calib", calib, "--preprocess", "none", "--effort", "none"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    os.remove(source)


def main():
    octavo, folder = sys.argv[1], sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    names = sys.argv[3:]
    todo = {n: b for n, b in networks().items() if (not names or n in names) and not all(
        os.path.exists(os.path.join(folder, f"{n}_{form}.tflite")) for form in FORMS)}
    for name, build in todo.items():
        print(f"bench_models: {name}")
        make(name, build, octavo, folder)


if __name__ == "__main__":
    main()
