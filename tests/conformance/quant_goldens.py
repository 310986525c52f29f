#!/usr/bin/env python3
"""Regenerate the quantization goldens: quant_goldens.py --out tests/golden/quant.

Small Keras models in which operators disagree about parameters, converted by TensorFlow's own
converter (TensorFlow 2.21.0, Keras 3) to float32 and every quantized form. The int16x8 files hold
the ranges that the converter saw, so that a test can quantize with the same ones and compare bits.
"""
import argparse
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import convert_reference


def branches():
    """Concatenations that share inputs, fixed outputs, a float operator in the middle, PAD, PRELU."""
    image = keras.Input((8, 8, 4))
    a = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    b = layers.Conv2D(8, 1, activation="sigmoid")(a)
    c = layers.MaxPooling2D(2, strides=1, padding="same")(a)
    d = layers.Concatenate()([a, b, c])
    e = layers.Concatenate()([a, layers.Conv2D(4, 1)(d)])
    g = layers.Concatenate()([layers.Softmax()(e), e])
    h = layers.Lambda(tf.sin)(layers.Conv2D(5, 1)(g))
    h = layers.ZeroPadding2D(1)(h)
    h = layers.Conv2DTranspose(6, 3, strides=2, padding="same")(h)
    h = layers.PReLU(shared_axes=[1, 2])(h)
    h = layers.GlobalAveragePooling2D()(h)
    return keras.Model(image, [layers.Dense(7)(h), h])


def arithmetic():
    """Constants as operands, MAXIMUM and MINIMUM, a product of two activations, views in between."""
    vector = keras.Input((12,))
    a = layers.Dense(64, activation="relu")(vector)
    b = layers.Dense(64)(a)
    c = layers.Lambda(lambda t: tf.maximum(t[0], t[1]))([a, b])
    d = layers.Lambda(lambda t: tf.nn.relu(tf.exp(t * 0.1)))(c)
    d = layers.Lambda(lambda t: t * 2.5 + np.linspace(-1, 3, 64, dtype=np.float32))(d)
    e = layers.Reshape((8, 8))(d)
    f = layers.Lambda(lambda t: tf.matmul(t[0], t[1]))([e, layers.Permute((2, 1))(e)])
    g = layers.Lambda(lambda t: tf.minimum(t, 3.0))(layers.Flatten()(f))
    return keras.Model(vector, layers.Dense(5, activation="tanh")(g))


def residual():
    """Additions that overwrite their branch, a shared convolution, resizing, a strided depthwise."""
    image = keras.Input((8, 8, 3))
    twice = layers.Conv2D(3, 3, padding="same", use_bias=False)
    a = layers.Add()([image, twice(image)])
    b = twice(a)
    c = layers.Multiply()([layers.Subtract()([a, b]), a])
    d = layers.UpSampling2D(2, interpolation="bilinear")(c)
    e = layers.LeakyReLU()(layers.Cropping2D(3)(d))
    f = layers.Activation("hard_swish")(layers.DepthwiseConv2D(3, strides=2)(e))
    return keras.Model(image, layers.AveragePooling2D(2)(f))


MODELS = (branches, arithmetic, residual)
MODES = ("float32", "float16", "dynamic", "int8", "int8-full", "uint8", "int16x8")


def settle(model, random):
    for layer in model.layers:
        for weight in layer.weights:
            if weight.path.split("/")[-1] in ("bias", "alpha"):
                weight.assign(random.normal(0, 0.3, weight.shape))


def convert(model, mode, samples):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    convert_reference.configure(converter, mode, samples, tf)
    if mode == "int16x8":  # operators without a 16x8 form may stay float
        converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
    return converter.convert()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for build in MODELS:
        keras.utils.set_random_seed(5)
        random = np.random.default_rng(4)
        model = build()
        settle(model, random)
        samples = random.normal(0, 1, (30, *model.input_shape[1:])).astype(np.float32)
        for mode in MODES:
            content = convert(model, mode, samples)
            (options.out / f"{build.__name__}__{mode}.tflite").write_bytes(content)
            print(f"{build.__name__} {mode}: {len(content)} bytes", flush=True)


if __name__ == "__main__":
    main()
