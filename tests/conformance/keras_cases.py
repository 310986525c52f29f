"""The layers of Keras and the options that change what they compute, each as a tiny model.

`cases()` lists them: a layer class, an option, the inputs' shapes, and how to build the model with
either kit (Keras 3 or tf_keras). A case may be expected to be refused, with a part of the sentence.
`UNCOVERED` names the classes that no case builds, and why: together they must be all of
`keras.layers`, which keras_layers.py checks.
"""

from dataclasses import dataclass, field

import numpy as np

BOTH = ("keras", "tf_keras")
K3, K2 = ("keras",), ("tf_keras",)


@dataclass
class Case:
    layer: str
    option: str
    inputs: list                  # shapes without the batch, or (shape, dtype, low, high)
    build: object                 # build(k, *inputs) -> output or list of outputs
    kits: tuple = BOTH
    refused: str = None           # a part of octavo's sentence
    formats: tuple = ("keras", "h5")
    options: list = field(default_factory=list)  # more arguments of octavo convert
    fixed: bool = False           # the model's own batch is that of the samples
    exact: bool = True            # False: LiteRT's own kernels are known to be less exact


def text_of(options):
    return ", ".join(f"{key}={value}" for key, value in options.items()) or "defaults"


def cases():
    found = []
    for group in (convolutions, pooling, shapes, dense, activations, merging, normalizing,
                  training_only, preprocessing, recurrent, masks, wrappers, attention, operations,
                  functions, topologies, policies):
        found += group()
    return found


def each(layer, shapes, base, variants, kits=BOTH, **more):
    """One case for each dictionary of options on top of `base`; the layer is called on its inputs."""
    shapes = shapes if isinstance(shapes, list) else [shapes]

    def builder(options):
        def build(k, *inputs):
            made = getattr(k.layers, layer)(**base, **options)
            return made(inputs[0] if len(inputs) == 1 else list(inputs))
        return build
    return [Case(layer, text_of(v), shapes, builder(v), kits, **more) for v in variants]


def convolutions():
    k2 = dict(filters=4, kernel_size=3)
    c = each("Conv2D", (9, 8, 4), k2, [
        {}, dict(padding="same"), dict(strides=2), dict(strides=(2, 1), padding="same"),
        dict(dilation_rate=2), dict(dilation_rate=(1, 2), padding="same"), dict(groups=2),
        dict(groups=4), dict(use_bias=False), dict(activation="relu"), dict(activation="softmax"),
        dict(data_format="channels_first")])
    c += each("Conv2D", (9, 8, 4), {}, [dict(filters=3, kernel_size=(1, 3)),
                                        dict(filters=3, kernel_size=1, strides=2)])
    c += each("Conv1D", (12, 4), k2, [
        {}, dict(padding="same"), dict(padding="causal"), dict(padding="causal", dilation_rate=2),
        dict(strides=2), dict(strides=3, padding="same"), dict(dilation_rate=3), dict(groups=2),
        dict(use_bias=False), dict(activation="tanh"), dict(data_format="channels_first")])
    c += each("Conv3D", (6, 5, 7, 2), k2, [
        {}, dict(padding="same"), dict(strides=2), dict(strides=(1, 2, 2), padding="same"),
        dict(use_bias=False), dict(activation="relu")])
    c += each("Conv3D", (3, 6, 5, 7), k2, [dict(data_format="channels_first")])
    c += each("Conv3D", (6, 5, 7, 2), {}, [dict(filters=3, kernel_size=(1, 2, 3))])
    c += each("Conv3D", (6, 5, 7, 2), k2, [dict(groups=2), dict(dilation_rate=2)],
              refused="has no operator in TensorFlow Lite")
    d = dict(kernel_size=3)
    c += each("DepthwiseConv2D", (9, 8, 3), d, [
        {}, dict(padding="same"), dict(strides=2), dict(strides=(2, 2), padding="same"),
        dict(depth_multiplier=3), dict(dilation_rate=2), dict(use_bias=False),
        dict(activation="relu6"), dict(data_format="channels_first")])
    c += each("DepthwiseConv1D", (12, 3), d, [
        {}, dict(padding="same"), dict(strides=2), dict(depth_multiplier=2), dict(use_bias=False),
        dict(activation="relu"), dict(dilation_rate=2)])
    for name, shape in (("SeparableConv2D", (9, 8, 3)), ("SeparableConv1D", (12, 3))):
        c += each(name, shape, k2, [
            {}, dict(padding="same"), dict(strides=2), dict(depth_multiplier=2),
            dict(dilation_rate=2), dict(use_bias=False), dict(activation="relu")])
    c += each("SeparableConv1D", (12, 3), k2, [dict(padding="causal")], kits=K2)
    c += each("Conv2DTranspose", (5, 4, 3), k2, [
        {}, dict(padding="same"), dict(strides=2), dict(strides=2, padding="same"),
        dict(strides=(1, 2)), dict(strides=2, padding="same", output_padding=1),
        dict(strides=3, output_padding=1), dict(use_bias=False), dict(activation="relu"),
        dict(strides=2, padding="same", data_format="channels_first")])
    c += each("Conv2DTranspose", (5, 4, 3), k2, [dict(dilation_rate=2)], refused="dilation")
    c += each("Conv1DTranspose", (7, 3), k2, [
        {}, dict(padding="same"), dict(strides=2), dict(strides=2, padding="same"),
        dict(strides=2, padding="same", output_padding=1), dict(use_bias=False),
        dict(activation="relu")])
    c += each("Conv3DTranspose", (3, 4, 3, 2), k2, [
        {}, dict(padding="same"), dict(strides=2), dict(strides=2, padding="same"),
        dict(use_bias=False), dict(activation="relu"),
        dict(strides=2, padding="same", output_padding=1), dict(strides=(1, 2, 3))])
    c += each("Conv3DTranspose", (3, 4, 3, 2), k2, [{}, dict(strides=2, padding="same")],
              options=["--batch", "2"])
    return c


def pooling():
    c = []
    for name in ("MaxPooling", "AveragePooling"):
        for axes, shape in ((1, (11, 3)), (2, (9, 8, 3)), (3, (6, 7, 5, 2))):
            c += each(f"{name}{axes}D", shape, {}, [
                dict(pool_size=2), dict(pool_size=3), dict(pool_size=3, strides=2, padding="same"),
                dict(pool_size=3, strides=1), dict(pool_size=2, padding="same")])
            c += each(f"{name}{axes}D", shape, {}, [
                dict(pool_size=2, data_format="channels_first")])
    c += each("MaxPooling2D", (9, 8, 3), {}, [dict(pool_size=(2, 3), strides=(1, 2)),
                                              dict(pool_size=1, strides=2)])
    for name in ("GlobalAveragePooling", "GlobalMaxPooling"):
        for axes, shape in ((1, (11, 3)), (2, (5, 4, 3)), (3, (3, 4, 2, 3))):
            c += each(f"{name}{axes}D", shape, {}, [
                {}, dict(keepdims=True), dict(data_format="channels_first")])
    # Keras's AdaptiveMaxPooling divides by zero for these.
    c += each("AdaptiveAveragePooling1D", (12, 3), {}, [dict(output_size=1), dict(output_size=11)], kits=K3)
    c += each("AdaptiveAveragePooling2D", (8, 6, 3), {}, [dict(output_size=(7, 2))], kits=K3)
    c += each("AdaptiveAveragePooling2D", (3, 8, 6), {}, [
        dict(output_size=(3, 4), data_format="channels_first")], kits=K3)
    for name in ("AdaptiveAveragePooling", "AdaptiveMaxPooling"):
        c += each(f"{name}1D", (12, 3), {}, [dict(output_size=4), dict(output_size=5)], kits=K3)
        c += each(f"{name}2D", (8, 6, 3), {}, [
            dict(output_size=(4, 3)), dict(output_size=(3, 4)),
            dict(output_size=3, data_format="channels_last")], kits=K3)
        c += each(f"{name}3D", (4, 6, 5, 2), {}, [dict(output_size=(2, 3, 2)),
                                                  dict(output_size=(3, 4, 5))], kits=K3)
    return c


def shapes():
    c = each("Flatten", (4, 3, 2), {}, [{}, dict(data_format="channels_first")])
    c += each("Flatten", (5,), {}, [{}])
    c += each("Reshape", (4, 6), {}, [dict(target_shape=(8, 3)), dict(target_shape=(-1, 3)),
                                      dict(target_shape=(2, -1, 2)), dict(target_shape=(24,))])
    c += each("Permute", (4, 3, 2), {}, [dict(dims=(2, 1, 3)), dict(dims=(3, 1, 2))])
    c += each("RepeatVector", (5,), {}, [dict(n=3)])
    c += each("ZeroPadding1D", (6, 3), {}, [{}, dict(padding=2), dict(padding=(0, 3))])
    c += each("ZeroPadding2D", (5, 4, 3), {}, [
        {}, dict(padding=2), dict(padding=(1, 2)), dict(padding=((0, 1), (2, 0))),
        dict(data_format="channels_first")])
    c += each("ZeroPadding3D", (3, 4, 3, 2), {}, [
        {}, dict(padding=2), dict(padding=((0, 1), (2, 0), (1, 1)))])
    c += each("Cropping1D", (6, 3), {}, [{}, dict(cropping=2), dict(cropping=(0, 3))])
    c += each("Cropping2D", (7, 6, 3), {}, [
        dict(cropping=1), dict(cropping=(1, 2)), dict(cropping=((0, 1), (2, 0))), {},
        dict(data_format="channels_first", cropping=1)])
    c += each("Cropping3D", (5, 6, 5, 2), {}, [
        {}, dict(cropping=2), dict(cropping=((0, 1), (2, 0), (1, 1)))])
    c += each("UpSampling1D", (5, 3), {}, [{}, dict(size=3)])
    c += each("UpSampling2D", (5, 4, 3), {}, [
        {}, dict(size=(2, 3)), dict(interpolation="bilinear"), dict(size=3, interpolation="bilinear"),
        dict(data_format="channels_first")])
    c += each("UpSampling2D", (5, 4, 3), {}, [dict(interpolation="bicubic")], refused="bicubic")
    c += each("UpSampling3D", (3, 4, 2, 3), {}, [{}, dict(size=(1, 2, 3))])
    return c


def dense():
    c = []
    for shape in ((6,), (4, 6), (3, 4, 6)):
        c += each("Dense", shape, dict(units=5), [
            {}, dict(use_bias=False), dict(activation="relu"), dict(activation="softmax")])
    def einsum(k, **options):
        cls = getattr(k.layers, "EinsumDense", None) or k.layers.experimental.EinsumDense
        return cls(**options)
    for shape, options in (
            ((4, 6), dict(equation="abc,cd->abd", output_shape=(None, 5))),
            ((4, 6), dict(equation="abc,cd->abd", output_shape=(None, 5), bias_axes="d")),
            ((4, 6), dict(equation="...x,xy->...y", output_shape=5, bias_axes="y", activation="relu")),
            ((4, 6), dict(equation="abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")),
            ((4, 2, 3), dict(equation="abcd,cde->abe", output_shape=(None, 5), bias_axes="e"))):
        c.append(Case("EinsumDense", text_of(options), [shape],
                      lambda k, i, o=options: einsum(k, **o)(i)))
    c.append(Case("EinsumDense", "equation=abc,cb->ac", [(4, 6)], lambda k, i: einsum(
        k, equation="abc,cb->ac", output_shape=(6,))(i), refused="equation"))
    words = ((7,), "int32", 0, 11)
    c += each("Embedding", [words], dict(input_dim=11, output_dim=4), [{}])
    c.append(Case("Embedding", "of floats", [((7,), "float32", 0, 11)],
                  lambda k, i: k.layers.Embedding(11, 4)(i)))
    c += each("LocallyConnected1D", (8, 2), dict(filters=3, kernel_size=3), [{}], kits=K2,
              refused="LocallyConnected1D")
    c += each("LocallyConnected2D", (6, 5, 2), dict(filters=3, kernel_size=3), [{}], kits=K2,
              refused="LocallyConnected2D")
    c += each("ReversibleEmbedding", [words], dict(input_dim=11, output_dim=4), [{}], kits=K3,
              refused="ReversibleEmbedding")
    return c


def activations():
    named = ["linear", "relu", "relu6", "elu", "selu", "sigmoid", "tanh", "softmax", "softplus",
             "softsign", "exponential", "gelu", "swish", "mish", "hard_sigmoid", "leaky_relu"]
    new = ["hard_silu", "hard_swish", "hard_tanh", "log_softmax", "silu", "celu", "glu",
           "hard_shrink", "log_sigmoid", "soft_shrink", "sparse_plus", "sparse_sigmoid",
           "squareplus", "tanh_shrink", "threshold", "sparsemax"]
    c = [Case("Activation", n, [(4, 6)], lambda k, i, n=n: k.layers.Activation(n)(i * 4.0))
         for n in named if n != "leaky_relu"]
    c += [Case("Activation", n, [(4, 6)], lambda k, i, n=n: k.layers.Activation(n)(i * 4.0), K3)
          for n in new if n not in ("threshold", "sparsemax")]
    c += [Case("Activation", n, [(4, 6)], lambda k, i, n=n: k.layers.Activation(n)(i), K3,
               refused=n) for n in ("sparsemax",)]
    c.append(Case("Dense", "activation=layer object", [(5,)], lambda k, i: k.layers.Dense(
        4, activation=k.layers.LeakyReLU())(i), formats=("keras",)))
    c.append(Case("Dense", "activation=PReLU object", [(5,)], lambda k, i: k.layers.Dense(
        4, activation=k.layers.PReLU())(i), K3, refused="PReLU", formats=("keras",)))
    c += each("ReLU", (5, 4), {}, [
        {}, dict(max_value=6.0), dict(max_value=0.7), dict(negative_slope=0.2),
        dict(threshold=0.3), dict(threshold=0.3, negative_slope=0.1, max_value=0.9),
        dict(max_value=0.8, negative_slope=0.1)])
    c += each("ELU", (5, 4), {}, [{}, dict(alpha=0.5)])
    c += each("LeakyReLU", (5, 4), {}, [{}])
    c += each("LeakyReLU", (5, 4), {}, [dict(negative_slope=0.1)], kits=K3)
    c += each("LeakyReLU", (5, 4), {}, [dict(alpha=0.1)], kits=K2)
    c += each("PReLU", (5, 4, 3), {}, [{}, dict(shared_axes=[1, 2]), dict(shared_axes=[3])])
    c += each("Softmax", (5, 4), {}, [{}, dict(axis=1), dict(axis=-1), dict(axis=[1, 2])])
    c += each("ThresholdedReLU", (5, 4), {}, [{}, dict(theta=0.3)], kits=K2)
    return c


def merging():
    two = [(4, 5, 3), (4, 5, 3)]
    c = []
    for name in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
        c += each(name, two, {}, [{}])
        c.append(Case(name, "three inputs", two + [(4, 5, 3)],
                      lambda k, a, b, d, n=name: getattr(k.layers, n)()([a, b, d])))
    for name in ("Add", "Multiply", "Maximum", "Subtract"):
        c.append(Case(name, "ranks 2 and 4", [(4, 5, 3), (3,)],
                      lambda k, a, b, n=name: getattr(k.layers, n)()([a, b])))
        c.append(Case(name, "broadcast axes", [(4, 5, 3), (1, 5, 1)],
                      lambda k, a, b, n=name: getattr(k.layers, n)()([a, b])))
    c += each("Subtract", two, {}, [{}])
    c += each("Concatenate", two, {}, [dict(axis=1), dict(axis=2), dict(axis=-2)])
    c += each("Dot", [(4, 5), (4, 5)], {}, [dict(axes=1), dict(axes=2), dict(axes=(2, 2)),
                                            dict(axes=-1, normalize=True)])
    c += each("Dot", [(5,), (5,)], {}, [dict(axes=1), dict(axes=1, normalize=True)])
    c += each("Dot", [(4, 5), (5, 3)], {}, [dict(axes=(2, 1))])
    c += each("Dot", [(4, 5), (5,)], {}, [dict(axes=(2, 1))])
    return c


def normalizing():
    image = (4, 5, 6)
    c = each("BatchNormalization", image, {}, [
        {}, dict(axis=1), dict(axis=2), dict(epsilon=1e-2), dict(scale=False), dict(center=False),
        dict(scale=False, center=False)])
    c += each("BatchNormalization", (7,), {}, [{}])
    c += each("BatchNormalization", (7, 3), {}, [{}])
    c += each("LayerNormalization", image, {}, [
        {}, dict(axis=[2, 3]), dict(epsilon=1e-6), dict(scale=False), dict(center=False)])
    c += each("LayerNormalization", image, {}, [dict(axis=1), dict(axis=[1, 3]), dict(axis=[1, 2])])
    c += each("GroupNormalization", image, {}, [
        dict(groups=3), dict(groups=-1), dict(groups=1), dict(groups=2, epsilon=1e-2),
        dict(groups=2, scale=False), dict(groups=2, center=False)])
    c += each("GroupNormalization", image, {}, [dict(groups=2, axis=1), dict(groups=4, axis=1)])
    c += each("GroupNormalization", image, {}, [dict(groups=5, axis=2)], refused="neither first nor last")
    c += each("RMSNormalization", image, {}, [{}, dict(epsilon=1e-3), dict(axis=[2, 3])], kits=K3)
    c += each("UnitNormalization", image, {}, [{}, dict(axis=1), dict(axis=[1, 2])])

    def adapted(k, i, **options):
        layer = k.layers.Normalization(**options)
        layer.adapt(np.random.default_rng(3).normal(.3, 2, (16,) + tuple(i.shape[1:])).astype("f"))
        return layer(i)
    c += [Case("Normalization", "adapted " + text_of(o), [image],
               lambda k, i, o=o: adapted(k, i, **o))
          for o in ({}, dict(axis=None))]
    c += [Case("Normalization", "adapted " + text_of(o), [image],
               lambda k, i, o=o: adapted(k, i, **o), refused="values for 6 channels")
          for o in (dict(axis=1), dict(axis=(1, 3)))]
    c.append(Case("Normalization", "adapted invert", [image],
                  lambda k, i: adapted(k, i, invert=True)))
    c += each("Normalization", image, {}, [
        dict(mean=0.5, variance=2.0), dict(mean=[.1, .2, .3, .4, .5, .6], variance=[1., 2, 3, 4, 5, 6]),
        dict(mean=0.5, variance=2.0, invert=True)])
    c += [Case("SpectralNormalization", "of Conv2D", [(6, 5, 3)],
               lambda k, i: k.layers.SpectralNormalization(k.layers.Conv2D(4, 3))(i), K3,
               refused="SpectralNormalization"),
          Case("SpectralNormalization", "of Dense, power_iterations=2", [(6,)],
               lambda k, i: k.layers.SpectralNormalization(k.layers.Dense(4), 2)(i), K3,
               refused="SpectralNormalization")]
    return c


def training_only():
    image = (6, 5, 3)
    c = []
    for name, options in (
            ("Dropout", dict(rate=.4)), ("AlphaDropout", dict(rate=.4)),
            ("GaussianDropout", dict(rate=.4)), ("GaussianNoise", dict(stddev=.4)),
            ("SpatialDropout2D", dict(rate=.4)), ("ActivityRegularization", dict(l2=.1)),
            ("RandomFlip", {}), ("RandomRotation", dict(factor=.1)),
            ("RandomZoom", dict(height_factor=.1)),
            ("RandomTranslation", dict(height_factor=.1, width_factor=.1)),
            ("RandomContrast", dict(factor=.1)), ("RandomBrightness", dict(factor=.1))):
        c += each(name, image, {}, [options])
    c += each("SpatialDropout1D", (6, 3), {}, [dict(rate=.4)])
    c += each("SpatialDropout3D", (3, 4, 2, 3), {}, [dict(rate=.4)])
    c.append(Case("Identity", "defaults", [image],
                  lambda k, i: k.layers.Identity()(i) * 2.0))
    for name, options in (
            ("RandomSaturation", dict(factor=.1)), ("RandomHue", dict(factor=.1)),
            ("RandomGrayscale", {}), ("RandomColorJitter", {}), ("RandomShear", dict(x_factor=.1)),
            ("RandomErasing", dict(factor=1.0)), ("RandomGaussianBlur", {}),
            ("RandomInvert", {}), ("RandomSharpness", dict(factor=.1)),
            ("RandomPosterization", dict(factor=4)), ("RandomColorDegeneration", dict(factor=.5)),
            ("RandomPerspective", {}), ("RandomElasticTransform", {}),
            ("AugMix", {}), ("RandAugment", {}),
            ("MixUp", {}), ("CutMix", {})):
        c += each(name, [((6, 5, 3), "float32", 0, 255)], {}, [options], kits=K3)
    for name in ("AutoContrast", "Solarization"):
        c += each(name, [((6, 5, 3), "float32", 0, 255)], {}, [{}], kits=K3, refused=name)
    c += each("RandomCrop", image, {}, [dict(height=3, width=2)], refused="RandomCrop")
    c += each("RandomHeight", image, {}, [dict(factor=.1)], kits=K2, refused="RandomHeight")
    c += each("RandomWidth", image, {}, [dict(factor=.1)], kits=K2, refused="RandomWidth")
    return c


def preprocessing():
    photo = ((9, 7, 3), "uint8", 0, 256)
    c = each("Rescaling", (4, 5, 3), {}, [
        dict(scale=1 / 127.5, offset=-1), dict(scale=[.5, 2., 1.5], offset=[.1, -.2, .3]),
        dict(scale=2.0)])
    c += each("Rescaling", [photo], {}, [dict(scale=1 / 255)])
    c += each("Resizing", (9, 7, 3), dict(height=6, width=5), [
        {}, dict(interpolation="nearest"), dict(crop_to_aspect_ratio=True)])
    c += each("Resizing", (4, 3, 3), dict(height=9, width=8), [{}, dict(interpolation="nearest")])
    c += each("Resizing", (9, 7, 3), dict(height=6, width=8), [
        dict(pad_to_aspect_ratio=True), dict(pad_to_aspect_ratio=True, fill_value=2.0)], kits=K3)
    c += each("Resizing", (9, 7, 3), dict(height=6, width=5), [
        dict(interpolation="bicubic"), dict(interpolation="lanczos3")], refused="interpolation")
    c += each("Resizing", (9, 7, 3), dict(height=6, width=5), [dict(antialias=True)], kits=K3,
              refused="antialias")
    c += each("CenterCrop", (9, 7, 3), {}, [dict(height=4, width=3), dict(height=12, width=5)])
    ids = ((4,), "int32", 0, 6)
    c += each("CategoryEncoding", [ids], dict(num_tokens=6), [
        dict(output_mode="multi_hot"), dict(output_mode="count")])
    c += each("CategoryEncoding", [ids], dict(num_tokens=6), [dict(output_mode="one_hot")], kits=K3)
    c += each("CategoryEncoding", [((1,), "int32", 0, 6)], dict(num_tokens=6), [
        dict(output_mode="one_hot"), dict(output_mode="multi_hot")])
    c += each("Discretization", (4, 3), dict(bin_boundaries=[-.5, 0., .7]), [{}])
    c += each("Discretization", (1,), dict(bin_boundaries=[-.5, 0., .7]),
              [dict(output_mode="one_hot")])
    for name, shape, options in (
            ("IntegerLookup", ids, dict(vocabulary=[1, 3, 5])),
            ("Hashing", ids, dict(num_bins=5)),
            ("HashedCrossing", None, None),
            ("StringLookup", ((4,), "string", 0, 6), dict(vocabulary=["a", "b"])),
            ("TextVectorization", ((1,), "string", 0, 6), dict(vocabulary=["a", "b"]))):
        if options is not None:
            c += each(name, [shape], {}, [options], formats=("keras",),
                      refused="of the type string" if shape[1] == "string" else name)
    return c


def recurrent():
    sequence = (6, 3)
    c = []
    for name in ("LSTM", "GRU", "SimpleRNN"):
        c += each(name, sequence, dict(units=4), [
            {}, dict(return_sequences=True), dict(go_backwards=True),
            dict(go_backwards=True, return_sequences=True), dict(use_bias=False),
            dict(activation="relu"), dict(unroll=True), dict(return_state=True),
            dict(dropout=.3), dict(recurrent_dropout=.2)])
        c.append(Case(name, "initial_state", [sequence] + [(4,)] * (2 if name == "LSTM" else 1),
                      lambda k, i, *s, n=name: getattr(k.layers, n)(4)(i, initial_state=list(s))))
        c += each(name, (300, 2), dict(units=3), [{}, dict(return_sequences=True), dict(unroll=True)])
        c += each(name, (None, 3), dict(units=4), [
            {}, dict(return_sequences=True), dict(go_backwards=True), dict(return_state=True),
            dict(go_backwards=True, return_sequences=True), dict(use_bias=False),
            dict(activation="relu")])
        c += each(name, (7, 3), dict(units=4), [
            {}, dict(return_sequences=True), dict(go_backwards=True), dict(return_state=True),
            dict(go_backwards=True, return_sequences=True), dict(use_bias=False), dict(unroll=True),
            dict(activation="relu")], options=["--batch", "2"])
        for shape in ((None, 3), (7, 3)):
            c.append(Case(name, f"initial_state, {shape[0]} steps, batch 2",
                          [shape] + [(4,)] * (2 if name == "LSTM" else 1),
                          lambda k, i, *s, n=name: getattr(k.layers, n)(4)(i, initial_state=list(s)),
                          options=["--batch", "2"]))
    for name in ("LSTM", "GRU"):
        c += each(name, sequence, dict(units=4), [
            dict(recurrent_activation="hard_sigmoid"), dict(recurrent_activation="sigmoid")])
        c += each(name, (None, 3), dict(units=4), [dict(recurrent_activation="hard_sigmoid")])
    c += each("GRU", (None, 3), dict(units=4), [dict(reset_after=False)])
    for options in ({}, dict(return_sequences=True), dict(go_backwards=True), dict(use_bias=False)):
        c.append(Case("LSTM", "stateful, " + text_of(options), [sequence], fixed=True,
                      build=lambda k, i, o=options: k.layers.LSTM(4, stateful=True, **o)(i)))
    for name, options in (("GRU", {}), ("SimpleRNN", {}), ("LSTM", dict(activation="relu"))):
        c.append(Case(name, "stateful, " + text_of(options), [sequence], fixed=True, refused="stateful",
                      build=lambda k, i, n=name, o=options: getattr(k.layers, n)(
                          4, stateful=True, **o)(i)))
    c += each("LSTM", sequence, dict(units=4), [dict(unit_forget_bias=False)])
    c += each("GRU", sequence, dict(units=4), [dict(reset_after=False), dict(reset_after=False,
                                                                             use_bias=False)])

    def cell(k, name, n=4, **o):
        return getattr(k.layers, name + "Cell")(n, **o)
    for name in ("LSTM", "GRU", "SimpleRNN"):
        c += [Case("RNN", f"cell={name}Cell", [sequence],
                   lambda k, i, n=name: k.layers.RNN(cell(k, n))(i)),
              Case("RNN", f"cell={name}Cell, return_sequences, go_backwards", [sequence],
                   lambda k, i, n=name: k.layers.RNN(
                       cell(k, n), return_sequences=True, go_backwards=True)(i)),
              Case("RNN", f"cell={name}Cell, return_state", [sequence],
                   lambda k, i, n=name: k.layers.RNN(cell(k, n), return_state=True)(i)[0:2])]
    c += [Case("StackedRNNCells", "two LSTM cells", [sequence], lambda k, i: k.layers.RNN(
              [cell(k, "LSTM"), cell(k, "LSTM", 3)])(i)),
          Case("StackedRNNCells", "GRU and SimpleRNN, return_sequences", [sequence],
               lambda k, i: k.layers.RNN(k.layers.StackedRNNCells(
                   [cell(k, "GRU"), cell(k, "SimpleRNN", 3)]), return_sequences=True)(i))]
    for steps, more in ((6, ["--batch", "2"]), (None, [])):
        c.append(Case("StackedRNNCells", f"GRU and LSTM, {steps} steps, return_sequences, looped",
                      [(steps, 3)], lambda k, i: k.layers.RNN(k.layers.StackedRNNCells(
                          [cell(k, "GRU"), cell(k, "LSTM", 3)]), return_sequences=True)(i),
                      options=more))
    frames = (4, 6, 5, 2)
    for more in ([], ["--batch", "2"]):
        c += each("ConvLSTM2D", frames, dict(filters=3, kernel_size=3), [
            {}, dict(padding="same"), dict(return_sequences=True, padding="same"), dict(strides=2),
            dict(activation="relu", padding="same"), dict(use_bias=False), dict(go_backwards=True),
            dict(dilation_rate=2), dict(return_state=True), dict(recurrent_activation="sigmoid"),
            dict(go_backwards=True, return_sequences=True)], options=more)
        c += each("ConvLSTM1D", (4, 8, 2), dict(filters=3, kernel_size=3), [
            {}, dict(padding="same"), dict(return_sequences=True), dict(strides=2),
            dict(return_state=True)], options=more)
        c.append(Case("Bidirectional", f"of ConvLSTM2D, return_sequences {len(more)}", [frames],
                      lambda k, i: k.layers.Bidirectional(k.layers.ConvLSTM2D(
                          2, 3, padding="same", return_sequences=True))(i), options=more))
    c += each("ConvLSTM2D", (None, 6, 5, 2), dict(filters=3, kernel_size=3), [
        {}, dict(return_sequences=True, padding="same")])
    c += each("ConvLSTM2D", (4, 2, 6, 5), dict(filters=3, kernel_size=3), [
        dict(data_format="channels_first")], refused="only channels_last")
    c += each("ConvLSTM3D", (2, 4, 5, 3, 2), dict(filters=2, kernel_size=2), [{}],
              refused="ConvLSTM3D")
    return c


def masks():
    sequence, words = (6, 3), ((6,), "int32", 0, 4)
    c = [Case("Masking", "alone", [((6, 3), "float32", 0, 2)],
              lambda k, i: k.layers.Masking(1.0)(k.layers.Rescaling(1.0)(i))),
         Case("Masking", "mask_value=0.5", [sequence],
              lambda k, i: k.layers.Conv1D(2, 3)(k.layers.Masking(0.5)(i)))]
    embed = lambda k, i: k.layers.Embedding(4, 5, mask_zero=True)(i)
    for name in ("LSTM", "GRU", "SimpleRNN"):
        for options in ({}, dict(return_sequences=True), dict(go_backwards=True)):
            c.append(Case(name, "mask of Embedding, " + text_of(options), [words],
                          lambda k, i, n=name, o=options: getattr(k.layers, n)(3, **o)(
                              k.layers.Embedding(4, 5, mask_zero=True)(i))))
            for steps, more in ((6, ["--batch", "2"]), (None, [])):
                c.append(Case(name, f"mask of Embedding, {steps} steps, {text_of(options)}, looped",
                              [((steps,), "int32", 0, 4)],
                              lambda k, i, n=name, o=options: getattr(k.layers, n)(3, **o)(
                                  k.layers.Embedding(4, 5, mask_zero=True)(i)), options=more))
        c.append(Case(name, "mask of Embedding, zero_output_for_mask, looped", [words],
                      lambda k, i, n=name: getattr(k.layers, n)(
                          3, zero_output_for_mask=True, return_sequences=True)(embed(k, i)), K2,
                      options=["--batch", "2"]))
        c.append(Case(name, "mask of Masking", [words],
                      lambda k, i, n=name: getattr(k.layers, n)(3)(k.layers.Masking()(
                          k.layers.Reshape((6, 1))(k.layers.Rescaling(1.0)(i))))))
    c += [Case("GlobalAveragePooling1D", "mask", [words],
               lambda k, i: k.layers.GlobalAveragePooling1D()(embed(k, i))),
          Case("Bidirectional", "mask", [words],
               lambda k, i: k.layers.Bidirectional(k.layers.LSTM(3))(embed(k, i))),
          Case("Bidirectional", "mask, return_sequences", [words],
               lambda k, i: k.layers.Bidirectional(k.layers.GRU(3, return_sequences=True))(
                   embed(k, i))),
          Case("Bidirectional", "mask, return_sequences, looped", [words],
               lambda k, i: k.layers.Bidirectional(k.layers.GRU(3, return_sequences=True))(
                   embed(k, i)), options=["--batch", "2"]),
          Case("TimeDistributed", "mask", [words],
               lambda k, i: k.layers.TimeDistributed(k.layers.Dense(3))(embed(k, i))),
          Case("Softmax", "mask", [words], lambda k, i: k.layers.Softmax()(embed(k, i)),
               K3, refused="mask"),
          Case("Attention", "mask", [words, words],
               lambda k, i, j: k.layers.Attention()([embed(k, i), embed(k, j)])),
          Case("MultiHeadAttention", "mask", [words],
               lambda k, i: (lambda e: k.layers.MultiHeadAttention(2, 3)(e, e))(embed(k, i))),
          Case("Masking", "open steps, LSTM", [(None, 3)],
               lambda k, i: k.layers.LSTM(2)(k.layers.Masking(0.5)(i))),
          Case("Masking", "open steps, batch 2, GRU", [(None, 3)], options=["--batch", "2"],
               build=lambda k, i: k.layers.GRU(2, return_sequences=True)(k.layers.Masking(0.5)(i))),
          Case("Masking", "through Dropout, Dense and LSTM to LSTM", [words],
               lambda k, i: k.layers.LSTM(2)(k.layers.LSTM(3, return_sequences=True)(
                   k.layers.Dense(4)(k.layers.Dropout(.1)(embed(k, i)))))),
          Case("Masking", "ends at Conv1D", [words],
               lambda k, i: k.layers.LSTM(2)(k.layers.Conv1D(4, 3)(embed(k, i)))),
          Case("Concatenate", "mask", [words, words],
               lambda k, i, j: k.layers.LSTM(2)(k.layers.Concatenate()([embed(k, i), embed(k, j)]))),
          Case("Add", "mask", [words, words],
               lambda k, i, j: k.layers.LSTM(2)(k.layers.Add()([embed(k, i), embed(k, j)])))]
    return c


def wrappers():
    sequence = (5, 3)
    c = []
    for mode in ("concat", "sum", "mul", "ave", None):
        c.append(Case("Bidirectional", f"merge_mode={mode}", [sequence],
                      lambda k, i, m=mode: k.layers.Bidirectional(
                          k.layers.LSTM(3, return_sequences=True), merge_mode=m)(i)))
    for name in ("LSTM", "GRU", "SimpleRNN"):
        c.append(Case("Bidirectional", f"of {name}", [sequence], lambda k, i, n=name:
                      k.layers.Bidirectional(getattr(k.layers, n)(3))(i)))
        c.append(Case("Bidirectional", f"of {name}, return_state", [sequence], lambda k, i, n=name:
                      k.layers.Bidirectional(getattr(k.layers, n)(3, return_state=True))(i)))
        for shape, more in ((sequence, ["--batch", "2"]), ((None, 3), [])):
            for options in ({}, dict(return_sequences=True)):
                c.append(Case("Bidirectional", f"of {name}, {shape[0]} steps, {text_of(options)}, looped",
                              [shape], lambda k, i, n=name, o=options: k.layers.Bidirectional(
                                  getattr(k.layers, n)(3, **o))(i), options=more))
    c += [Case("Bidirectional", "backward_layer", [sequence], lambda k, i: k.layers.Bidirectional(
              k.layers.GRU(3), backward_layer=k.layers.GRU(3, go_backwards=True,
                                                           activation="relu"))(i)),
          Case("Bidirectional", "initial_state", [sequence] + [(3,)] * 4, lambda k, i, *s:
               k.layers.Bidirectional(k.layers.LSTM(3))(i, initial_state=list(s))),
          Case("Bidirectional", "of RNN(LSTMCell)", [sequence], lambda k, i:
               k.layers.Bidirectional(k.layers.RNN(k.layers.LSTMCell(3)))(i))]
    frames = (3, 6, 5, 2)
    for name, build in (
            ("Conv2D", lambda l: l.Conv2D(3, 3, activation="relu")), ("Dense", lambda l: l.Dense(3)),
            ("Flatten", lambda l: l.Flatten()), ("MaxPooling2D", lambda l: l.MaxPooling2D()),
            ("BatchNormalization", lambda l: l.BatchNormalization()),
            ("GlobalAveragePooling2D", lambda l: l.GlobalAveragePooling2D())):
        c.append(Case("TimeDistributed", f"of {name}", [frames], lambda k, i, b=build:
                      k.layers.TimeDistributed(b(k.layers))(i)))
    c.append(Case("TimeDistributed", "of LSTM", [(3, 4, 2)], lambda k, i:
                  k.layers.TimeDistributed(k.layers.LSTM(3))(i)))
    c.append(Case("TimeDistributed", "of a Sequential", [frames], lambda k, i:
                  k.layers.TimeDistributed(k.Sequential([
                      k.Input((6, 5, 2)), k.layers.Conv2D(3, 3), k.layers.BatchNormalization(),
                      k.layers.Flatten()]))(i), refused="Sequential"))
    c.append(Case("TimeDistributed", "of a Functional", [frames], lambda k, i: (
        lambda x: k.layers.TimeDistributed(k.Model(x, k.layers.Add()([
            k.layers.Conv2D(2, 3, padding="same")(x), x])))(i))(k.Input((6, 5, 2))), refused="Functional"))
    return c


def attention():
    q, v = (5, 6), (4, 6)
    c = [Case("MultiHeadAttention", text_of(o), [q, v],
              lambda k, a, b, o=o: k.layers.MultiHeadAttention(**o)(a, b))
         for o in (dict(num_heads=2, key_dim=3), dict(num_heads=2, key_dim=3, value_dim=4),
                   dict(num_heads=2, key_dim=3, use_bias=False),
                   dict(num_heads=1, key_dim=4, output_shape=7), dict(num_heads=2, key_dim=3,
                                                                      dropout=.2))]
    mha = lambda k: k.layers.MultiHeadAttention(2, 3)
    c += [Case("MultiHeadAttention", "key given", [q, v, v],
               lambda k, a, b, d: mha(k)(a, b, d)),
          Case("MultiHeadAttention", "use_causal_mask", [q],
               lambda k, a: mha(k)(a, a, use_causal_mask=True)),
          Case("MultiHeadAttention", "attention_mask", [q, v, ((5, 4), "float32", 0, 2)],
               lambda k, a, b, m: mha(k)(a, b, attention_mask=k.ops.greater(m, 0.7)
                                         if k.__name__ == "keras" else m > 0.7)),
          Case("MultiHeadAttention", "return_attention_scores", [q, v],
               lambda k, a, b: list(mha(k)(a, b, return_attention_scores=True))),
          Case("MultiHeadAttention", "attention_axes=2", [(3, 5, 6), (3, 4, 6)],
               lambda k, a, b: k.layers.MultiHeadAttention(2, 3, attention_axes=(2,))(a, b)),
          Case("MultiHeadAttention", "attention_axes=(1, 2)", [(3, 5, 6), (3, 4, 6)],
               lambda k, a, b: k.layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))(a, b)),
          Case("MultiHeadAttention", "flash_attention", [q, v], lambda k, a, b:
               k.layers.MultiHeadAttention(2, 3, flash_attention=False)(a, b), K3)]
    for name in ("Attention", "AdditiveAttention"):
        for o in ({}, dict(use_scale=True), dict(use_scale=False), dict(dropout=.2)):
            c.append(Case(name, text_of(o), [q, v], lambda k, a, b, n=name, o=o:
                          getattr(k.layers, n)(**o)([a, b])))
        c += [Case(name, "key given", [q, v, v], lambda k, a, b, d, n=name:
                   getattr(k.layers, n)()([a, b, d])),
              Case(name, "use_causal_mask", [q], lambda k, a, n=name:
                   getattr(k.layers, n)()([a, a], use_causal_mask=True)),
              Case(name, "return_attention_scores", [q, v], lambda k, a, b, n=name:
                   list(getattr(k.layers, n)()([a, b], return_attention_scores=True)))]
    c.append(Case("Attention", "score_mode=concat", [q, v], lambda k, a, b:
                  k.layers.Attention(score_mode="concat")([a, b])))
    c += [Case("GroupQueryAttention", text_of(o), [q, v], lambda k, a, b, o=o:
               k.layers.GroupQueryAttention(3, 4, 2, **o)(a, b), K3)
          for o in ({}, dict(use_bias=False))]
    c.append(Case("GroupQueryAttention", "use_causal_mask", [q], lambda k, a:
                  k.layers.GroupQueryAttention(3, 4, 2)(a, a, use_causal_mask=True), K3))
    return c


def operations():
    i, pair = (4, 6), [(4, 6), (4, 6)]
    positive = ((4, 6), "float32", 0.1, 3)
    f = lambda name, *a, **o: (lambda k, *x: getattr(k.ops, name)(*x, *a, **o))
    as_float = lambda name, *a, **o: (lambda k, *x: k.ops.cast(getattr(k.ops, name)(*x, *a, **o),
                                                              "float32"))
    c = [Case("ops", name, pair, f(name), K3) for name in (
        "add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum",
        "arctan2", "logaddexp")[:7]]
    c += [Case("ops", name, [i], f(name), K3) for name in (
        "negative", "absolute", "abs", "exp", "square", "sin", "cos", "floor", "ceil", "round",
        "sign", "relu", "relu6", "sigmoid", "tanh", "softplus", "softsign", "silu",
        "hard_sigmoid", "hard_silu", "hard_tanh", "selu", "elu", "leaky_relu", "gelu", "celu",
        "log_sigmoid", "squareplus", "tanh_shrink", "soft_shrink", "hard_shrink", "glu",
        "expm1", "stop_gradient", "softmax", "log_softmax", "sparse_plus", "sparse_sigmoid",
        "zeros_like", "ones_like")]
    c += [Case("ops", name, [positive], f(name), K3) for name in (
        "log", "sqrt", "rsqrt", "reciprocal", "log1p", "log2", "log10")]
    c += [Case("ops", "power 2", [i], f("power", 2), K3),
          Case("ops", "power .5", [positive], f("power", .5), K3),
          Case("ops", "divide by 3", [i], f("divide", 3.0), K3),
          Case("ops", "1 / x", [positive], lambda k, x: 1.0 / x, K3),
          Case("ops", "floor_divide", [positive, positive], f("floor_divide"), K3),
          Case("ops", "mod", [positive, positive], f("mod"), K3),
          Case("ops", "gelu approximate", [i], f("gelu", approximate=False), K3),
          Case("ops", "clip", [i], f("clip", -.5, .5), K3),
          Case("ops", "leaky_relu .3", [i], f("leaky_relu", .3), K3),
          Case("ops", "elu alpha .5", [i], f("elu", alpha=.5), K3),
          Case("ops", "softmax axis 1", [i], f("softmax", axis=1), K3),
          Case("ops", "log_softmax axis 1", [i], f("log_softmax", axis=1), K3),
          Case("ops", "threshold", [i], f("threshold", .2, -1.0), K3)]
    for name in ("mean", "sum", "max", "min", "prod", "var", "std", "logsumexp"):
        for o in (dict(axis=1), dict(axis=[1, 2], keepdims=True), dict(axis=-1)):
            c.append(Case("ops", f"{name} {text_of(o)}", [(4, 3, 2)], f(name, **o), K3))
    for name in ("argmax", "argmin"):
        c += [Case("ops", f"{name} {text_of(o)}", [i], as_float(name, **o), K3)
              for o in (dict(axis=-1), dict(axis=1, keepdims=True))]
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        c.append(Case("ops", name, pair, as_float(name), K3))
    flag = lambda k, x: k.ops.greater(x, 0.1)
    for name in ("logical_and", "logical_or", "logical_xor"):
        c.append(Case("ops", name, pair, lambda k, a, b, n=name: k.ops.cast(
            getattr(k.ops, n)(flag(k, a), flag(k, b)), "float32"), K3))
    c += [Case("ops", "logical_not", [i], lambda k, a: k.ops.cast(
              k.ops.logical_not(flag(k, a)), "float32"), K3),
          Case("ops", "any, all", [i], lambda k, a: [
              k.ops.cast(k.ops.any(flag(k, a), axis=1), "float32"),
              k.ops.cast(k.ops.all(flag(k, a), axis=-1, keepdims=True), "float32")], K3),
          Case("ops", "where", pair, lambda k, a, b: k.ops.where(a > b, a * 2.0, 0.5), K3),
          Case("ops", "matmul", [(4, 6), (6, 3)], f("matmul"), K3),
          Case("ops", "matmul rank 4", [(2, 4, 6), (2, 6, 3)], f("matmul"), K3),
          Case("ops", "einsum abc,acd->abd", [(4, 6), (6, 3)], lambda k, a, b:
               k.ops.einsum("abc,acd->abd", a, b), K3),
          Case("ops", "einsum abc,adc->abd", [(4, 6), (3, 6)], lambda k, a, b:
               k.ops.einsum("abc,adc->abd", a, b), K3),
          Case("ops", "einsum aecd,abcd->acbe", [(3, 2, 4), (5, 2, 4)], lambda k, a, b:
               k.ops.einsum("aecd,abcd->acbe", a, b), K3),
          Case("ops", "dot", [(4, 6), (6, 3)], lambda k, a, b: k.ops.tensordot(a, b, 1), K3,
               refused="not supported"),
          Case("ops", "reshape", [i], f("reshape", (-1, 8, 3)), K3),
          Case("ops", "transpose", [i], f("transpose", (0, 2, 1)), K3),
          Case("ops", "swapaxes", [i], f("swapaxes", 1, 2), K3),
          Case("ops", "moveaxis", [(4, 3, 2)], f("moveaxis", 1, -1), K3),
          Case("ops", "squeeze", [(4, 1)], f("squeeze", -1), K3),
          Case("ops", "expand_dims", [i], f("expand_dims", 2), K3),
          Case("ops", "flip", [i], f("flip", axis=1), K3),
          Case("ops", "roll", [i], f("roll", 2, axis=1), K3),
          Case("ops", "concatenate", pair, lambda k, a, b: k.ops.concatenate([a, b], axis=1), K3),
          Case("ops", "stack", pair, lambda k, a, b: k.ops.stack([a, b], axis=2), K3),
          Case("ops", "unstack", [i], lambda k, a: k.ops.unstack(a, axis=1), K3),
          Case("ops", "split", [i], lambda k, a: k.ops.split(a, 2, axis=1), K3),
          Case("ops", "split at", [i], lambda k, a: k.ops.split(a, [1, 3], axis=1), K3),
          Case("ops", "getitem", [(4, 5, 6)], lambda k, a: [a[:, 1:, 0], a[..., ::2], a[:, :, ::-1]], K3),
          Case("ops", "pad", [i], f("pad", [[0, 0], [1, 2], [0, 1]]), K3),
          Case("ops", "pad constant_values", [i], lambda k, a: k.ops.pad(
              a, [[0, 0], [1, 2], [0, 1]], constant_values=2.0), K3),
          Case("ops", "pad reflect", [i], f("pad", [[0, 0], [1, 2], [0, 1]], mode="reflect"), K3),
          Case("ops", "pad symmetric", [i], f("pad", [[0, 0], [1, 2], [0, 1]], mode="symmetric"), K3),
          Case("ops", "repeat", [i], f("repeat", 2, axis=1), K3),
          Case("ops", "tile", [i], f("tile", (1, 2, 3)), K3),
          Case("ops", "take", [i], f("take", [0, 2, -1], axis=1), K3),
          Case("ops", "take_along_axis", [i], lambda k, a: k.ops.take_along_axis(
              a, k.ops.argmax(a, axis=2, keepdims=True), axis=2), K3, refused="not supported"),
          Case("ops", "cast", [i], lambda k, a: k.ops.cast(k.ops.cast(a * 3.0, "int32"), "float32"), K3),
          Case("ops", "top_k", [i], lambda k, a: k.ops.top_k(a, 3)[0], K3),
          Case("ops", "one_hot", [((4,), "int32", 0, 5)], f("one_hot", 5), K3),
          Case("ops", "cumsum", [i], f("cumsum", axis=1), K3),
          Case("ops", "normalize", [i], f("normalize", axis=-1), K3),
          Case("ops", "broadcast_to", [(1, 6)], lambda k, a: a + k.ops.zeros((1, 4, 6)), K3),
          Case("ops", "max_pool", [(6, 5, 3)], f("max_pool", 2), K3),
          Case("ops", "average_pool", [(6, 5, 3)], f("average_pool", 2, padding="same"), K3),
          Case("ops", "image.resize", [(6, 5, 3)], lambda k, a: k.ops.image.resize(a, (4, 7)), K3),
          Case("ops", "image.resize nearest", [(6, 5, 3)], lambda k, a: k.ops.image.resize(
              a, (4, 7), interpolation="nearest"), K3),
          Case("ops", "image.rgb_to_grayscale", [(6, 5, 3)],
               lambda k, a: k.ops.image.rgb_to_grayscale(a), K3, refused="not supported"),
          Case("ops", "depth_to_space", [(3, 4, 8)], f("depth_to_space", 2), K3),
          Case("ops", "space_to_depth", [(4, 6, 2)], f("space_to_depth", 2), K3),
          Case("ops", "moments", [(4, 3)], lambda k, a: list(k.ops.moments(a, axes=[1])), K3),
          Case("ops", "erf", [i], f("erf"), K3),
          Case("ops", "fft is refused", [(4, 6)], lambda k, a: k.ops.fft((a, a))[0], K3,
               refused="not supported"),
          Case("operators", "arithmetic", pair, lambda k, a, b: [
              a + b, a - 2.0, 2.0 * a, a / 4.0, -a, a ** 2, abs(a), 1.0 - a])]
    return c


def functions():
    """TensorFlow functions on Keras 2 tensors: TFOpLambda and SlicingOpLambda."""
    import tensorflow as tf
    i, pair = (4, 6), [(4, 6), (4, 6)]
    positive = ((4, 6), "float32", 0.1, 3)
    one = lambda function, *a, **o: (lambda k, x: function(x, *a, **o))
    c = [Case("tf", name, [i], one(function), K2) for name, function in (
        ("math.negative", tf.math.negative), ("abs", tf.abs), ("exp", tf.exp), ("square", tf.square),
        ("sin", tf.sin), ("cos", tf.cos), ("floor", tf.floor), ("math.ceil", tf.math.ceil),
        ("round", tf.round), ("sign", tf.sign), ("nn.relu", tf.nn.relu), ("nn.relu6", tf.nn.relu6),
        ("nn.elu", tf.nn.elu), ("nn.selu", tf.nn.selu), ("nn.silu", tf.nn.silu),
        ("nn.gelu", tf.nn.gelu), ("nn.leaky_relu", tf.nn.leaky_relu), ("sigmoid", tf.sigmoid),
        ("tanh", tf.tanh), ("nn.softmax", tf.nn.softmax), ("nn.log_softmax", tf.nn.log_softmax),
        ("nn.softplus", tf.nn.softplus), ("nn.softsign", tf.nn.softsign), ("identity", tf.identity),
        ("stop_gradient", tf.stop_gradient), ("zeros_like", tf.zeros_like),
        ("ones_like", tf.ones_like), ("math.expm1", tf.math.expm1))]
    c += [Case("tf", name, [positive], one(function), K2) for name, function in (
        ("math.log", tf.math.log), ("sqrt", tf.sqrt), ("math.rsqrt", tf.math.rsqrt),
        ("math.reciprocal", tf.math.reciprocal), ("math.log1p", tf.math.log1p))]
    c += [Case("tf", name, pair, lambda k, a, b, f=function: f(a, b), K2) for name, function in (
        ("add", tf.add), ("subtract", tf.subtract), ("multiply", tf.multiply), ("divide", tf.divide),
        ("maximum", tf.maximum), ("minimum", tf.minimum), ("math.add_n", lambda a, b: tf.add_n([a, b])),
        ("math.squared_difference", tf.math.squared_difference))]
    for name in ("mean", "sum", "max", "min", "prod"):
        for o in (dict(axis=1), dict(axis=[1, 2], keepdims=True)):
            c.append(Case("tf", f"reduce_{name} {text_of(o)}", [(4, 3, 2)],
                          one(getattr(tf, "reduce_" + name), **o), K2))
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        c.append(Case("tf", name, pair, lambda k, a, b, n=name: tf.cast(
            getattr(tf.math, n)(a, b), tf.float32), K2))
    c += [Case("tf", "logical", pair, lambda k, a, b: [
              tf.cast(tf.logical_and(a > 0, b > 0), tf.float32),
              tf.cast(tf.logical_or(a > 0, b > 0), tf.float32),
              tf.cast(tf.logical_not(a > 0), tf.float32)], K2),
          Case("tf", "argmax", [i], lambda k, a: tf.cast(tf.argmax(a, axis=-1), tf.float32), K2),
          Case("tf", "where", pair, lambda k, a, b: tf.where(a > b, a, 0.5), K2),
          Case("tf", "clip_by_value", [i], one(tf.clip_by_value, -.5, .5), K2),
          Case("tf", "pow", [i], one(tf.pow, 2.0), K2),
          Case("tf", "matmul", [(4, 6), (6, 3)], lambda k, a, b: tf.matmul(a, b), K2),
          Case("tf", "matmul transpose_b", [(4, 6), (3, 6)], lambda k, a, b: tf.matmul(
              a, b, transpose_b=True), K2),
          Case("tf", "einsum (Keras 2 does not save its inputs)", [(4, 6), (3, 6)],
               lambda k, a, b: tf.einsum("abc,adc->abd", a, b), K2, refused="has no input"),
          Case("tf", "reshape", [i], one(tf.reshape, (-1, 8, 3)), K2),
          Case("tf", "transpose", [i], one(tf.transpose, (0, 2, 1)), K2),
          Case("tf", "squeeze, expand_dims", [(4, 1)], lambda k, a: tf.expand_dims(
              tf.squeeze(a, -1), 1), K2),
          Case("tf", "concat, stack", pair, lambda k, a, b: [tf.concat([a, b], 1),
                                                            tf.stack([a, b], axis=2)], K2),
          Case("tf", "unstack", [i], lambda k, a: tf.unstack(a, axis=1), K2),
          Case("tf", "split", [i], lambda k, a: tf.split(a, 2, axis=1), K2),
          Case("tf", "slices", [(4, 5, 6)], lambda k, a: [a[:, 1:, 0], a[:, ::2], a[..., 2:4]], K2),
          Case("tf", "newaxis", [i], lambda k, a: a[:, tf.newaxis], K2),
          Case("tf", "pad", [i], one(tf.pad, [[0, 0], [1, 2], [0, 1]]), K2),
          Case("tf", "pad reflect", [i], one(tf.pad, [[0, 0], [1, 2], [0, 1]], mode="REFLECT"), K2),
          Case("tf", "repeat, tile", [i], lambda k, a: [tf.repeat(a, 2, axis=1),
                                                       tf.tile(a, (1, 2, 3))], K2),
          Case("tf", "gather", [i], one(tf.gather, [0, 2, 1], axis=1), K2),
          Case("tf", "one_hot", [((4,), "int32", 0, 5)], lambda k, a: tf.one_hot(a, 5), K2),
          Case("tf", "cumsum", [i], one(tf.cumsum, axis=1), K2),
          Case("tf", "reverse", [i], one(tf.reverse, axis=[1]), K2),
          Case("tf", "cast", [i], lambda k, a: tf.cast(tf.cast(a * 3.0, tf.int32), tf.float32), K2),
          Case("tf", "nn.l2_normalize", [i], one(tf.nn.l2_normalize, axis=-1), K2),
          Case("tf", "image.resize", [(6, 5, 3)], lambda k, a: tf.image.resize(a, (4, 7)), K2),
          Case("tf", "image.resize nearest", [(6, 5, 3)], lambda k, a: tf.image.resize(
              a, (4, 7), method="nearest"), K2),
          Case("tf", "nn.depth_to_space", [(3, 4, 8)], lambda k, a: tf.nn.depth_to_space(a, 2), K2),
          Case("tf", "nn.space_to_depth", [(4, 6, 2)], lambda k, a: tf.nn.space_to_depth(a, 2), K2),
          Case("tf", "nn.max_pool2d", [(6, 5, 3)], lambda k, a: tf.nn.max_pool2d(a, 2, 2, "SAME"), K2,
               refused="nn.max_pool2d"),
          Case("tf", "nn.avg_pool2d", [(6, 5, 3)], lambda k, a: tf.nn.avg_pool2d(a, 2, 2, "VALID"), K2,
               refused="nn.avg_pool2d"),
          Case("tf", "math.erf", [i], one(tf.math.erf), K2),
          Case("tf", "linalg.inv is refused", [(4, 4)], lambda k, a: tf.linalg.inv(a), K2,
               refused="linalg.inv")]
    return c


def topologies():
    def shared(k, i):
        layer = k.layers.Conv2D(3, 3, padding="same")
        return layer(layer(i))

    def nested(k, i, frozen=False, twice=False, sequential=False):
        x = k.Input((6, 5, 3))
        body = [k.layers.Conv2D(3, 3, padding="same"), k.layers.BatchNormalization(),
                k.layers.Conv2D(3, 1)]
        if sequential:
            inner = k.Sequential([k.Input((6, 5, 3))] + body)
        else:
            y = x
            for layer in body:
                y = layer(y)
            inner = k.Model(x, k.layers.Add()([x, y]))
        if frozen == "one":
            body[0].trainable = False
        elif frozen:
            inner.trainable = False
        y = inner(i)
        return inner(y) if twice else y

    def deep(k, i):
        x = i
        for _ in range(3):
            inner = k.Input((6, 5, 3))
            y = k.layers.BatchNormalization()(k.layers.Conv2D(3, 1)(inner))
            x = k.Model(inner, y)(x)
        outer = k.Input((6, 5, 3))
        y = k.Model(inner, k.layers.Conv2D(3, 3, padding="same")(inner))(outer)
        return k.Model(outer, k.layers.BatchNormalization()(y))(x)
    image = (6, 5, 3)
    c = [Case("Functional", "layer called twice", [image], shared),
         Case("Functional", "nested", [image], nested),
         Case("Functional", "nested twice", [image], lambda k, i: nested(k, i, twice=True)),
         Case("Functional", "nested, frozen", [image], lambda k, i: nested(k, i, frozen=True)),
         Case("Functional", "nested, one layer frozen", [image],
              lambda k, i: nested(k, i, frozen="one")),
         Case("Functional", "nested in nested", [image], deep),
         Case("Sequential", "nested", [image], lambda k, i: nested(k, i, sequential=True)),
         Case("Sequential", "nested, frozen, twice", [image],
              lambda k, i: nested(k, i, sequential=True, frozen=True, twice=True)),
         Case("Functional", "two inputs, two outputs", [image, image], lambda k, a, b: [
             k.layers.Add()([a, b]), k.layers.Subtract()([a, b])]),
         Case("Functional", "outputs by name", [image], lambda k, a: dict(
             zebra=k.layers.ReLU()(a), apple=k.layers.Conv2D(2, 1)(a))),
         Case("Functional", "output is an input", [image], lambda k, a: [a, k.layers.ReLU()(a)]),
         Case("Functional", "one tensor given twice", [image], lambda k, a: (
             lambda y: [y, y])(k.layers.ReLU()(a))),
         Case("InputLayer", "open height and width", [((None, None, 3), "float32", -1, 1)],
              lambda k, a: k.layers.GlobalAveragePooling2D()(k.layers.Conv2D(4, 3)(a)),
              options=["--input-shape", "2,6,5,3"]),
         Case("InputLayer", "fixed batch", [image], lambda k, a: k.layers.Conv2D(4, 3)(a),
              options=["--batch", "2"])]
    return c


def policies():
    c = []
    for policy in ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"):
        c.append(Case("DTypePolicy", policy, [(6, 5, 3)], lambda k, i, p=policy:
                      k.layers.Conv2D(3, 3, dtype=p)(i), kits=K3 if "16" in policy else BOTH,
                      exact=False))
    return c


UNCOVERED = {
    "Input": "makes an InputLayer", "InputSpec": "not a layer", "Layer": "base class",
    "Wrapper": "base class", "AbstractRNNCell": "base class", "LSTMCell": "under RNN",
    "GRUCell": "under RNN", "SimpleRNNCell": "under RNN", "Lambda": "refused: tests/keras/errors.c",
    "FlaxLayer": "needs JAX", "JaxLayer": "needs JAX", "TorchModuleWrapper": "needs PyTorch",
    "TFSMLayer": "needs a SavedModel", "Pipeline": "for tf.data only",
    "MaxNumBoundingBoxes": "for labels only", "DenseFeatures": "needs feature columns",
    "MelSpectrogram": "refused: no Fourier transform", "STFTSpectrogram": "refused: no Fourier transform",
    "HashedCrossing": "refused: hashes strings",
    "Equalization": "refused: image histograms",
    "ContrastLimitedAdaptiveHistogramEqualization": "refused: image histograms",
}
