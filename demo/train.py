"""Trains the demo model: keras.applications.MobileNetV2 on Fashion-MNIST, from scratch, on a CPU.

    build/venv/bin/python demo/train.py [--output demo/fashion_mobilenetv2.keras]

Two phases of AdamW with a warm-up epoch and a cosine to zero: the second starts from the first's
weights at a lower rate and with smaller shifts, nearer to the test images. `--checkpoint` saves
after every epoch; `--phase 2 --init FILE` goes on from the end of phase 1.

The saved model is what keras.applications gives, softmax head included, without preprocessing
layers or optimizer state. Two choices shorten the training without changing that model: batch
normalization averages over 100 steps while training (the application's 1,000 would lag behind),
and the resized training set is made once, as uint8.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import fashion_mnist

SIZE = 48
ALPHA = 0.35
PHASES = [  # epochs, peak learning rate, largest shift in pixels of the resized image
    (16, 3e-3, 4),
    (14, 2e-3, 2),
]


def build():
    return keras.applications.MobileNetV2(
        input_shape=(SIZE, SIZE, 3), alpha=ALPHA, weights=None, classes=len(fashion_mnist.CLASSES))


class Augmented(keras.utils.PyDataset):
    """Shuffled batches with random shifts and horizontal flips, a function of seed and epoch."""

    def __init__(self, images, labels, batch, seed, shift):
        super().__init__(workers=1)
        border = ((0, 0), (shift, shift), (shift, shift))
        small = np.rint(fashion_mnist.resize(images, SIZE)).astype(np.uint8)
        self.images = np.pad(small, border)
        self.labels = keras.utils.to_categorical(labels, len(fashion_mnist.CLASSES))
        self.batch = batch
        self.seed = seed
        self.shift = shift
        self.epoch = -1
        self.on_epoch_begin()

    def on_epoch_begin(self):
        self.epoch += 1
        self.order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.images))

    def __len__(self):
        return len(self.images) // self.batch

    def __getitem__(self, index):
        random = np.random.default_rng([self.seed, self.epoch, index])
        chosen = self.order[index * self.batch:(index + 1) * self.batch]
        pixels = np.arange(SIZE)
        rows = random.integers(0, 2 * self.shift + 1, (self.batch, 1)) + pixels
        columns = random.integers(0, 2 * self.shift + 1, (self.batch, 1)) + pixels
        flipped = random.random((self.batch, 1)) < 0.5
        columns = np.where(flipped, columns[:, ::-1], columns)
        gray = self.images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
        inputs = gray.astype(np.float32)[..., None] / np.float32(127.5) - np.float32(1)
        return np.repeat(inputs, 3, axis=-1), self.labels[chosen]


def export(weights, path):
    """Saves the weights in a fresh model: no optimizer, the application's own configuration."""
    fresh = build()
    fresh.set_weights(weights)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = path.removesuffix(".keras") + ".part.keras"
    fresh.save(temporary)
    os.replace(temporary, path)


def correct(model, tests, labels):
    return int(np.sum(model.predict(tests, batch_size=500, verbose=0).argmax(-1) == labels))


def train(model, phase, options, tests, labels):
    """One phase; the optimizer starts anew."""
    epochs, peak, shift = PHASES[phase - 1]
    batches = Augmented(*fashion_mnist.load("train"), options.batch, options.seed + phase - 1, shift)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, (epochs - 1) * len(batches), warmup_target=peak, warmup_steps=len(batches))
    optimizer = keras.optimizers.AdamW(rate, weight_decay=options.decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(label_smoothing=options.smoothing),
                  metrics=["accuracy"], jit_compile=False)
    start = time.time()

    def report(epoch, logs):
        print(f"phase {phase}, epoch {epoch + 1}/{epochs}: loss {logs['loss']:.4f}, "
              f"train {logs['accuracy']:.4f}, test {correct(model, tests, labels)}/{len(labels)}, "
              f"{time.time() - start:.0f} s", flush=True)
        if options.checkpoint:
            export(model.get_weights(), options.checkpoint)

    model.fit(batches, epochs=epochs, verbose=0,
              callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="demo/fashion_mobilenetv2.keras")
    parser.add_argument("--checkpoint", help="also save here after every epoch")
    parser.add_argument("--phase", type=int, choices=[1, 2], help="this one only")
    parser.add_argument("--init", help="start from this file's weights")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--decay", type=float, default=0.02, help="decoupled weight decay")
    parser.add_argument("--smoothing", type=float, default=0.05, help="label smoothing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    keras.utils.set_random_seed(options.seed)
    images, labels = fashion_mnist.load("t10k")
    tests = fashion_mnist.preprocess(images, SIZE)
    model = build()
    if options.init:
        model.set_weights(keras.saving.load_model(options.init, compile=False).get_weights())
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99
    for phase in [options.phase] if options.phase else [1, 2]:
        train(model, phase, options, tests, labels)
    weights, right = model.get_weights(), correct(model, tests, labels)
    keras.utils.clear_session()  # else layers get numbers that count the models made before
    export(weights, options.output)
    print(f"{options.output}: {os.path.getsize(options.output)} bytes, "
          f"test accuracy {right}/{len(labels)}")


if __name__ == "__main__":
    main()
