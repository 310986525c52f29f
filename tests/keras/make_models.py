"""Makes the small Keras models that the importer is tested on, with inputs and Keras's outputs.

    build/venv/bin/python tests/keras/make_models.py [NAME...]

Each builder below is one subject; it is built with Keras 3 and with tf_keras, filled with seeded
noise and saved as .keras and .h5 into tests/keras/models/, as KIT_NAME.keras and so on. KIT_NAME.x
holds the inputs and KIT_NAME.y the outputs as raw little-endian values, one tensor after another.
"""

import io
import os
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import numpy as np


def conv(k):
    """Convolutions over two axes: strides, dilation, groups, padding, no bias, activations."""
    l = k.layers
    x = i = k.Input((13, 11, 4), name="image")
    x = l.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = l.Conv2D(8, (3, 2), strides=(2, 1), use_bias=False)(x)
    x = l.BatchNormalization()(x)
    x = l.Activation("relu6")(x)
    x = l.Conv2D(8, 3, padding="same", groups=2)(x)
    x = l.Conv2D(8, 3, padding="same", groups=8)(x)
    return k.Model(i, l.Conv2D(6, 3, padding="same", dilation_rate=2)(x))


def depthwise(k):
    """Depthwise and separable convolutions, batch normalization without scale or center."""
    l = k.layers
    x = i = k.Input((9, 10, 3), name="image")
    x = l.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    x = l.BatchNormalization(scale=False, epsilon=1e-4)(x)
    x = l.DepthwiseConv2D(3, strides=2, use_bias=False, padding="same")(x)
    x = l.BatchNormalization(center=False)(x)
    x = l.SeparableConv2D(5, 3, depth_multiplier=2, padding="same", activation="tanh")(x)
    return k.Model(i, l.BatchNormalization(scale=False, center=False)(x))


def transposed(k):
    l = k.layers
    x = i = k.Input((4, 5, 3))
    x = l.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    x = l.Conv2DTranspose(3, (2, 3), strides=(1, 2))(x)
    x = l.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1, use_bias=False)(x)
    return k.Model(i, l.BatchNormalization()(x))


def line(k):
    """Everything over one axis."""
    l = k.layers
    x = i = k.Input((24, 3))
    x = l.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="relu")(x)
    x = l.Conv1D(6, 4, strides=2)(x)
    x = l.BatchNormalization()(x)
    x = l.SeparableConv1D(6, 3, padding="same")(x)
    x = l.ZeroPadding1D((1, 2))(x)
    x = l.MaxPooling1D(2)(x)
    x = l.UpSampling1D(3)(x)
    x = l.Cropping1D((2, 1))(x)
    x = l.AveragePooling1D(3, strides=2, padding="same")(x)
    x = l.DepthwiseConv1D(3, padding="same")(x)
    x = l.Conv1DTranspose(4, 3, strides=2, padding="same")(x)
    return k.Model(i, [l.GlobalAveragePooling1D()(x), l.GlobalMaxPooling1D()(x)])


def pool(k):
    l = k.layers
    x = i = k.Input((13, 12, 3))
    x = l.ZeroPadding2D(((1, 0), (2, 1)))(x)
    x = l.MaxPooling2D(3, strides=2, padding="same")(x)
    x = l.AveragePooling2D((2, 3), strides=1, padding="same")(x)
    x = l.Cropping2D(((1, 0), (0, 2)))(x)
    x = l.UpSampling2D((2, 3))(x)
    x = l.UpSampling2D(2, interpolation="bilinear")(x)
    x = l.AveragePooling2D(3)(x)
    x = l.MaxPooling2D(1, strides=2)(x)
    x = l.ZeroPadding2D(1)(x)
    a = l.GlobalAveragePooling2D(keepdims=True)(x)
    return k.Model(i, [l.GlobalMaxPooling2D()(x), l.Flatten()(a), l.GlobalAveragePooling2D()(x)])


def dense(k):
    l = k.layers
    x = i = k.Input((6, 5))
    x = l.Dense(7, activation="relu")(x)
    x = l.Dense(4, use_bias=False)(x)
    x = l.Permute((2, 1))(x)
    x = l.Reshape((3, 8))(x)
    x = l.Reshape((-1, 4))(x)
    x = l.Flatten()(x)
    x = l.Dense(9, activation="tanh")(x)
    x = l.Dense(5, use_bias=False)(x)
    x = l.BatchNormalization()(x)
    y = l.RepeatVector(3)(x)
    return k.Model(i, [l.Dense(3, activation="softmax")(x), y])


def curves(k):
    """Activations by name that are smooth."""
    i = k.Input((4, 6))
    return k.Model(i, [k.layers.Activation(name)(i) for name in (
        "sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "exponential", "gelu", "swish",
        "mish", "softmax")])


def ramps(k):
    """Activations by name that are linear in pieces."""
    i = k.Input((4, 6))
    names = ("linear", "relu", "hard_sigmoid", "leaky_relu", "relu6")
    if k.__name__ == "keras":
        names += ("hard_silu", "hard_tanh", "hard_swish")
    return k.Model(i, [k.layers.Activation(name)(i) for name in names])


def activation_layers(k):
    l = k.layers
    i = k.Input((5, 3, 4))
    slope = "negative_slope" if k.__name__ == "keras" else "alpha"
    return k.Model(i, [
        l.ReLU()(i), l.ReLU(6.0)(i), l.ReLU(0.7)(i), l.ReLU(negative_slope=0.2)(i),
        l.ReLU(max_value=0.8, negative_slope=0.1)(i),
        l.LeakyReLU()(i), l.LeakyReLU(**{slope: 0.15})(i), l.ELU()(i), l.ELU(alpha=0.5)(i),
        l.Softmax()(i), l.Softmax(axis=1)(i), l.PReLU()(i), l.PReLU(shared_axes=[1, 2])(i)])


def rare(k):
    """Layers whose operators TensorFlow Lite has and Octavo does not run."""
    l = k.layers
    i = k.Input((4, 6))
    return k.Model(i, [l.ReLU(threshold=0.3, negative_slope=0.1)(i), l.Activation("log_softmax")(i)])


def merge(k):
    l = k.layers
    a, b, c = k.Input((4, 5, 3), name="a"), k.Input((4, 5, 3), name="b"), k.Input((3,), name="c")
    return k.Model([a, b, c], [
        l.Add()([a, b]), l.Add()([a, b, a]), l.Subtract()([b, a]), l.Multiply()([a, b, b]),
        l.Average()([a, b, a]), l.Maximum()([a, b]), l.Minimum()([b, a]),
        l.Concatenate()([a, b, a]), l.Concatenate(axis=1)([a, b]), l.Multiply()([a, c])])


def normalize(k):
    l = k.layers
    x = i = k.Input((6, 5, 3))
    x = l.Rescaling(1 / 127.5, offset=-1)(x)
    x = l.Rescaling([0.5, 2.0, 1.5], offset=[0.1, -0.2, 0.3])(x)
    x = l.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.5, 0.5, 2.0])(x)
    adapted = l.Normalization()
    adapted.adapt(np.random.default_rng(3).normal(0.3, 2, (32, 6, 5, 3)).astype(np.float32))
    x = adapted(x)
    x = l.LayerNormalization()(x)
    y = l.LayerNormalization(axis=[2, 3], epsilon=1e-6, center=False)(x)
    z = l.BatchNormalization(axis=1)(x)
    return k.Model(i, [x, y, z])


def statistics(k):
    """Normalizations by statistics of the data itself."""
    l = k.layers
    i = k.Input((4, 5, 6))
    outputs = [l.GroupNormalization(3)(i), l.GroupNormalization(-1, epsilon=1e-2, scale=False)(i),
               l.UnitNormalization()(i), l.UnitNormalization(axis=[1, 2])(i),
               l.LayerNormalization(scale=False)(i)]
    if k.__name__ == "keras":
        outputs.append(l.RMSNormalization()(i))
    return k.Model(i, outputs)


def nested(k):
    """A nested model of two outputs used twice, with one layer frozen; a dictionary of outputs."""
    l = k.layers
    inner_in = k.Input((8, 8, 4), name="features")
    h = l.Conv2D(4, 3, padding="same", name="inner_conv")(inner_in)
    h = l.BatchNormalization(name="inner_norm")(h)
    h = l.Conv2D(4, 1, name="inner_point", trainable=False)(h)
    inner = k.Model(inner_in, [l.Add()([inner_in, h]), h], name="block")
    image = k.Input((8, 8, 3), name="image")
    left, right = inner(l.Conv2D(4, 1, name="first")(image))
    again, _ = inner(l.Multiply()([left, right]))
    z = l.GlobalAveragePooling2D()(again)
    return k.Model(image, {"score": l.Dense(3, name="score")(z), "map": again})


def shared(k):
    """A layer used twice, a nested frozen sequential model, layers that only train."""
    l = k.layers
    frozen = k.Sequential([l.Conv2D(4, 3, padding="same"), l.BatchNormalization(),
                           l.ReLU(), l.Conv2D(4, 1), l.BatchNormalization()], name="frozen")
    image = k.Input((8, 8, 3), name="image")
    twice = l.Conv2D(3, 3, padding="same", activation="relu", name="twice")
    x = twice(l.GaussianNoise(0.1)(image))
    x = l.SpatialDropout2D(0.2)(twice(x))
    y = frozen(x)
    frozen.trainable = False
    return k.Model(image, l.Dropout(0.5)(l.Concatenate()([y, x])))


def sequential(k):
    l = k.layers
    return k.Sequential([
        k.Input((12, 12, 1)), l.RandomFlip(), l.RandomRotation(0.1), l.Conv2D(4, 3), l.ReLU(),
        k.Sequential([l.MaxPooling2D(), l.Conv2D(6, 3, activation="swish")], name="tail"),
        l.Flatten(), l.Dense(5, activation="softmax")])


def text(k):
    l = k.layers
    i = k.Input((7,), dtype="int32", name="words")
    x = l.Embedding(11, 6)(i)
    x = l.Conv1D(5, 3, activation="relu")(x)
    return k.Model(i, l.Dense(2)(l.GlobalMaxPooling1D()(x)))


def pixels(k):
    l = k.layers
    i = k.Input((9, 9, 3), dtype="uint8", name="photo")
    x = l.Rescaling(1 / 255)(i)
    x = l.Resizing(6, 5)(x)
    return k.Model(i, [x, l.Resizing(4, 4, interpolation="nearest")(x), l.CenterCrop(3, 2)(x)])


def aspect(k):
    """Images cropped or padded to the aspect of the target before they are resized."""
    l = k.layers
    i = k.Input((9, 7, 3), name="photo")
    outputs = [l.Resizing(4, 6, crop_to_aspect_ratio=True)(i), l.CenterCrop(12, 5)(i),
               l.Resizing(8, 3, crop_to_aspect_ratio=True, interpolation="nearest")(i)]
    if k.__name__ == "keras":
        outputs += [l.Resizing(5, 8, pad_to_aspect_ratio=True)(i),
                    l.Resizing(8, 3, pad_to_aspect_ratio=True)(i)]
    return k.Model(i, outputs)


def operators(k):
    """Operators on tensors, which Keras stores as layers of their own kind."""
    l = k.layers
    i, j = k.Input((4, 4, 3), name="i"), k.Input((4, 4, 3), name="j")
    x = (i + 3.0) * (1.0 / 6.0)
    y = 2.0 - (i * j) / 4.0
    if k.__name__ == "keras":
        o = k.ops
        z = o.relu6(i + 3.0) * (1.0 / 6.0)
        w = o.mean(o.square(j), axis=[1, 2], keepdims=True)
        return k.Model([i, j], [x, y, l.Multiply()([i, z]), w, o.clip(j, -0.5, 0.5), -i, i ** 2,
                                o.maximum(i, 0.2), o.exp(i - j)])
    import tensorflow as tf
    return k.Model([i, j], [x, y, l.Multiply()([i, j + i]), tf.nn.relu6(i), i ** 2,
                            tf.reduce_mean(j, axis=[1, 2], keepdims=True)])


def indexing(k):
    """Operators that pick, add or drop axes and elements."""
    i = k.Input((4, 5, 6), name="i")
    parts = [i[:, 1:, 0], i[:, ::2, -1:], i[:, :, ::-1], i[:, -3:-1]]
    if k.__name__ == "keras":
        o = k.ops
        return k.Model(i, parts + [
            i[..., 2:4], o.expand_dims(i, 1), o.squeeze(i[:, :1], 1), o.pad(i, [[0, 0], [1, 2], [0, 0], [3, 0]]),
            o.cast(o.cast(i, "int32"), "float32"), o.stack([i, i], axis=-1), o.max_pool(i, 2),
            o.transpose(i, (0, 3, 1, 2)), o.concatenate([i, i], axis=-1),
            o.reshape(i, (-1, 120)), o.average_pool(i, 2, padding="same")])
    import tensorflow as tf
    return k.Model(i, parts + [
        tf.expand_dims(i, 1), tf.squeeze(i[:, :1], 1), tf.pad(i, [[0, 0], [1, 2], [0, 0], [3, 0]]),
        tf.stack([i, i], axis=-1), tf.transpose(i, (0, 3, 1, 2)), tf.concat([i, i], -1),
        tf.reshape(i, (-1, 120))])


def selection(k):
    """Operators that multiply, compare, choose, repeat and split; some give several tensors."""
    i, j = k.Input((4, 6), name="i"), k.Input((6, 4), name="j")
    m = k.Input((4, 6), name="m")
    if k.__name__ == "keras":
        o = k.ops
        a, b, c = o.split(i, 3, axis=-1)
        d, e = o.split(i, [1], axis=1)
        values, places = o.top_k(i, 3)
        return k.Model([i, j, m], [
            o.matmul(i, j), b, a + c, e, d, values, o.cast(places, "float32"),
            o.where(i > 0.25, i, m), o.where(i <= m, i * 2.0, 0.0), o.cast(i >= m, "float32"),
            o.cast(o.less(i, m), "float32"), o.cast(o.equal(i, i), "float32"),
            o.cast(o.logical_and(i > 0, o.logical_not(m != m)), "float32"),
            o.take(i, 3, axis=1), o.take(i, [0, 2, -1], axis=-1), o.tile(i, (1, 2, 3)),
            o.repeat(i, 2, axis=1), o.cast(o.argmax(i, axis=-1), "float32")])
    import tensorflow as tf
    a, b, c = tf.split(i, 3, axis=-1)
    d, e = tf.split(i, [1, 3], axis=1)
    return k.Model([i, j, m], [
        tf.matmul(i, j), b, a + c, e, d, tf.where(i > 0.25, i, m), tf.where(i <= m, i * 2.0, 0.0),
        tf.cast(i >= m, tf.float32), tf.cast(tf.less(i, m), tf.float32), tf.tile(i, (1, 2, 3)),
        tf.gather(i, 3, axis=1), tf.gather(i, [0, 2, 1], axis=-1), tf.repeat(i, 2, axis=1)])


def recurrent(k):
    """Recurrent layers: sequences, states, time reversed, other activations, no bias."""
    l = k.layers
    i = k.Input((6, 3), name="i")
    x = l.LSTM(4, return_sequences=True)(i)
    y, h, c = l.LSTM(3, return_state=True, go_backwards=True)(x)
    z = l.LSTM(3, use_bias=False, recurrent_activation="hard_sigmoid", activation="relu")(
        x, initial_state=[h, c])
    g = l.GRU(4, return_sequences=True)(i)
    r = l.GRU(3, reset_after=False)(g)
    s = l.SimpleRNN(3, return_sequences=True, go_backwards=True)(g)
    return k.Model(i, [x, y, h, c, z, g, r, s, l.GRU(2, use_bias=False)(x)])


def dropped_mask(k):
    """A mask that ends at a convolution, before the layer that would heed it."""
    l = k.layers
    i = k.Input((7,), dtype="int32", name="words")
    x = l.Dropout(0.1)(l.Dense(5)(l.Embedding(11, 6, mask_zero=True)(i)))
    return k.Model(i, l.GRU(3)(l.Conv1D(4, 3)(x)))


def bidirectional(k):
    """Both directions: two sequences, one last step."""
    l = k.layers
    i = k.Input((5, 3), name="i")
    x = l.Bidirectional(l.LSTM(2, return_sequences=True))(i)
    return k.Model(i, [
        x, l.Bidirectional(l.GRU(2))(x),
        *l.Bidirectional(l.GRU(2, return_sequences=True), merge_mode=None)(i)])


def merged_directions(k):
    """Both directions, added, averaged and multiplied."""
    l = k.layers
    i = k.Input((5, 3), name="i")
    return k.Model(i, [
        l.Bidirectional(l.SimpleRNN(2), merge_mode="sum")(i),
        l.Bidirectional(l.SimpleRNN(2, return_sequences=True), merge_mode="ave")(i),
        l.Bidirectional(l.SimpleRNN(2), merge_mode="mul")(i)])


def attention(k):
    """Attention of every kind; an axis of queries and one of keys."""
    l = k.layers
    q, v = k.Input((5, 6), name="q"), k.Input((4, 6), name="v")
    n = l.MultiHeadAttention(2, 3)(q, v)
    n = l.MultiHeadAttention(2, 3, value_dim=4, use_bias=False, output_shape=6)(n, v, v)
    outputs = [n, l.Attention()([q, v]), l.Attention(use_scale=True)([q, v, v]),
               l.AdditiveAttention()([q, v]), l.AdditiveAttention(use_scale=False)([q, v])]
    return k.Model([q, v], outputs)


def grouped_attention(k):
    """Heads of queries that share heads of keys; in Keras 2 every head has its own."""
    l = k.layers
    q, v = k.Input((5, 6), name="q"), k.Input((4, 6), name="v")
    if k.__name__ == "keras":
        return k.Model([q, v], l.GroupQueryAttention(3, 4, 2)(q, v))
    return k.Model([q, v], l.MultiHeadAttention(4, 3)(q, v))


def einsum_dense(k):
    """Dense layers by their equation."""
    i = k.Input((4, 6), name="i")
    e = getattr(k.layers, "EinsumDense", None) or k.layers.experimental.EinsumDense
    x = e("abc,cd->abd", (None, 5), bias_axes="d", activation="relu")(i)
    y = e("abc,cde->abde", (None, 2, 3), bias_axes="de")(x)
    z = e("abde,edcf->abcf", (None, 4, 2), bias_axes="f")(y)
    return k.Model(i, [x, y, z, k.layers.Flatten()(z), e("...x,xy->...y", (3,))(x)])


def each_step(k):
    """A layer applied to every step of a sequence."""
    l = k.layers
    i = k.Input((3, 7, 6, 2), name="frames")
    x = l.TimeDistributed(l.Conv2D(4, 3, strides=2, activation="relu"))(i)
    x = l.TimeDistributed(l.BatchNormalization())(x)
    y = l.TimeDistributed(l.Flatten())(l.TimeDistributed(l.MaxPooling2D())(x))
    return k.Model(i, [x, l.TimeDistributed(l.Dense(5))(y)])


def channels_first(k):
    """Layers whose channels are the second axis."""
    l = k.layers
    form = {"data_format": "channels_first"}
    x = i = k.Input((3, 13, 12), name="image")
    x = l.Conv2D(4, 3, strides=2, padding="same", activation="relu", **form)(x)
    x = l.BatchNormalization(axis=1)(x)
    x = l.DepthwiseConv2D(3, padding="same", **form)(l.ZeroPadding2D(((1, 0), (2, 1)), **form)(x))
    y = l.MaxPooling2D(2, **form)(x)
    z = l.UpSampling2D(2, **form)(l.AveragePooling2D(2, padding="same", **form)(y))
    return k.Model(i, [x, y, z, l.Cropping2D(1, **form)(z), l.GlobalAveragePooling2D(**form)(z),
                       l.GlobalMaxPooling2D(keepdims=True, **form)(z), l.Flatten(**form)(y),
                       l.Conv2DTranspose(2, 3, **form)(y)])


def custom(k):
    """A layer of a user's own, called twice (examples/custom_layer.c)."""
    @k.saving.register_keras_serializable("mine")
    class Gate(k.layers.Layer):
        def __init__(self, sharpness=1.0, **options):
            super().__init__(**options)
            self.sharpness = sharpness

        def build(self, shape):
            self.weight = self.add_weight(name="weight", shape=(shape[-1],))

        def call(self, x):
            import tensorflow as tf
            return x * tf.sigmoid(self.sharpness * x * self.weight)

        def get_config(self):
            return super().get_config() | {"sharpness": self.sharpness}

    i = k.Input((5, 4), name="i")
    gate = Gate(1.5, name="gate")
    return k.Model(i, k.layers.Dense(3)(gate(k.layers.Dense(4)(gate(i)))))


def masked(k):
    """Masks that matter: recurrent layers in both directions, averages, attention."""
    l = k.layers
    i = k.Input((7,), dtype="int32", name="words")
    x = l.Dense(4)(l.Embedding(11, 4, mask_zero=True)(i))
    y = l.Masking(0.0)(l.Reshape((7, 1))(l.Rescaling(0.5)(i)))
    z = l.Embedding(11, 4, mask_zero=True)(i)  # attention of Keras 3 takes the mask off its input
    return k.Model(i, [
        l.LSTM(3)(x), l.GRU(3, return_sequences=True, go_backwards=True)(x), l.SimpleRNN(2)(y),
        l.Bidirectional(l.GRU(2, return_sequences=True))(x), l.GlobalAveragePooling1D()(x),
        l.Attention()([x, x]), l.MultiHeadAttention(2, 3)(z, z, use_causal_mask=True)])


def long(k):
    """More steps than are unrolled."""
    l, x = k.layers, k.Input((300, 2), name="x")
    y = l.Bidirectional(l.LSTM(2, return_sequences=True))(x)
    y = l.GRU(3, return_sequences=True, go_backwards=True)(y)
    return k.Model(x, [y, l.SimpleRNN(2)(y)])


def cells(k):
    """Recurrent layers by their cells, one and stacked; states of both directions."""
    l = k.layers
    i = k.Input((5, 3), name="i")
    stack = l.RNN([l.LSTMCell(3), l.GRUCell(2)], return_sequences=True)(i)
    return k.Model(i, [stack, l.RNN(l.SimpleRNNCell(4), go_backwards=True)(i),
                       *l.Bidirectional(l.LSTM(2, return_state=True))(i)])


BUILDERS = {f.__name__: f for f in (
    conv, depthwise, transposed, line, pool, dense, curves, ramps, activation_layers, rare,
    merge, normalize, nested, shared, sequential, text, pixels, operators,
    indexing, statistics, selection, recurrent, dropped_mask, bidirectional, merged_directions, attention, grouped_attention, einsum_dense, each_step, channels_first, aspect,
    custom, masked, cells, long)}


def make(build, kit, name):
    """The model with seeded weights; variances positive, gammas round 1."""
    kit.backend.clear_session()
    kit.utils.set_random_seed(7)
    random = np.random.default_rng(sum(map(ord, name)))
    model = build(kit)
    for weight in model.weights:
        role = (getattr(weight, "path", None) or weight.name).split("/")[-1].split(":")[0]
        if role in ("mean", "variance", "count", "seed_generator_state", "StateVar"):
            continue
        fan_in = np.prod(weight.shape[:-1]) if role.endswith("kernel") else 9
        noise = random.normal(0, 1, weight.shape) / np.sqrt(fan_in)
        if role == "gamma":
            noise += 1
        elif role == "moving_variance":
            noise = np.abs(noise) + 0.3
        weight.assign(noise.astype(np.float32))
    return model


def inputs(model, name):
    random = np.random.default_rng(len(name))
    result = []
    for tensor in model.inputs:
        shape = (2,) + tuple(tensor.shape[1:])
        kind = getattr(tensor.dtype, "name", tensor.dtype)
        result.append({
            "float32": lambda: random.normal(0, 1, shape).astype(np.float32),
            "int32": lambda: random.integers(0, 11, shape).astype(np.int32),
            "uint8": lambda: random.integers(0, 256, shape).astype(np.uint8)}[kind]())
    return result


def outputs(model, xs):
    ys = model(xs if len(xs) > 1 else xs[0], training=False)
    if isinstance(ys, dict):
        ys = [ys[key] for key in sorted(ys)]
    return [np.asarray(y) for y in (ys if isinstance(ys, (list, tuple)) else [ys])]


def save_values(model, stem):
    xs = inputs(model, os.path.basename(stem))
    for suffix, arrays in ((".x", xs), (".y", outputs(model, xs))):
        with open(stem + suffix, "wb") as file:
            for array in arrays:
                file.write(array.tobytes())


def save(model, stem):
    save_values(model, stem)
    for suffix in (".keras", ".h5"):
        model.save(stem + suffix)


def copy_h5(source, target, change=None, **options):
    """The file again, with each data set given as change(group, name, array) likes."""
    with h5py.File(source) as old, h5py.File(target, "w", **options) as new:
        new.attrs.update(old.attrs)

        def visit(name, item):
            if isinstance(item, h5py.Group):
                new.require_group(name).attrs.update(item.attrs)
            elif change is None or not change(new, name, item[()]):
                new[name] = item[()]
        old.visititems(visit)


def variants(folder):
    """Files of one model that are stored otherwise: read alike, or refused with a reason."""
    import keras
    import tf_keras
    tiny = os.path.join(folder, "tiny")
    path = lambda name: os.path.join(folder, name)

    def build(kit):
        return kit.Sequential([kit.Input((4,), name="x"), kit.layers.Dense(3, name="hidden"),
                               kit.layers.Dense(2, use_bias=False, name="head")], name="tiny")

    model = make(build, keras, "tiny")
    save(model, tiny)
    model.save_weights(path("weights3.weights.h5"))
    make(build, tf_keras, "tiny").save_weights(path("weights2.h5"))
    with zipfile.ZipFile(tiny + ".keras") as old, \
            zipfile.ZipFile(path("tiny_deflated.keras"), "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))

    copy_h5(tiny + ".h5", path("tiny_fixed.h5"))
    with h5py.File(path("tiny_fixed.h5"), "a") as file:  # as h5py 2 wrote name lists
        weights = file["model_weights"]
        names = weights.attrs["layer_names"]
        del weights.attrs["layer_names"]
        for i, name in enumerate(names):
            weights.attrs[f"layer_names{i}"] = np.array([name], "S")
        for group in weights.values():
            listed = [n.encode() for n in group.attrs.get("weight_names", [])]
            group.attrs["weight_names"] = np.array(listed, "S") if listed else np.zeros(0)
    for name, kind in (("half", "<f2"), ("double", "<f8")):
        copy_h5(tiny + ".h5", path(f"tiny_{name}.h5"), lambda new, name, array: new.__setitem__(
            name, array.astype("<f2").astype(kind)) is None)
    model.set_weights([array.astype("<f2") for array in model.get_weights()])
    save_values(model, path("tiny_half"))

    # Keras 2.12 and 2.13 named the container otherwise and counted layers with weights twice.
    with zipfile.ZipFile(tiny + ".keras") as old, \
            zipfile.ZipFile(path("tiny_212.keras"), "w") as new:
        older = "_layer_checkpoint_dependencies"
        buffer = io.BytesIO()
        with h5py.File(io.BytesIO(old.read("model.weights.h5"))) as source, \
                h5py.File(buffer, "w") as target:
            for was, now in (("dense", "dense"), ("dense_1", "dense_2")):
                source.copy(f"layers/{was}", target.require_group(older), now)
        new.writestr("metadata.json", '{"keras_version": "2.12.0"}')
        new.writestr("config.json", old.read("config.json"))
        new.writestr("model.weights.h5", buffer.getvalue())

    copy_h5(tiny + ".h5", path("bad_latest.h5"), libver="latest")
    copy_h5(tiny + ".h5", path("bad_compressed.h5"), lambda new, name, array: new.create_dataset(
        name, data=array, compression="gzip") is not None)
    copy_h5(tiny + ".h5", path("bad_chunked.h5"), lambda new, name, array: new.create_dataset(
        name, data=array, chunks=array.shape) is not None)
    copy_h5(tiny + ".h5", path("bad_external.h5"), lambda new, name, array: new.create_dataset(
        name, array.shape, "<f4", external=[("/nowhere", 0, array.nbytes)]) is not None)
    copy_h5(tiny + ".h5", path("bad_link.h5"), lambda new, name, array: new.__setitem__(
        name, h5py.SoftLink("/elsewhere")) is None)
    copy_h5(tiny + ".h5", path("bad_missing.h5"), lambda new, name, array: "head" in name)
    copy_h5(tiny + ".h5", path("bad_shape.h5"), lambda new, name, array: new.__setitem__(
        name, array[:-1]) is None)


def refusals(folder):
    """Whole models that are refused for what they do, not for how they are stored."""
    import keras

    def keeping(kit):
        return kit.Sequential([kit.Input(batch_shape=(1, 3, 2), name="x"),
                               kit.layers.GRU(1, stateful=True, name="kept")])

    def mixer(kit):
        return kit.Sequential([kit.Input((4, 3), name="x"), kit.layers.EinsumDense(
            "abc,bd->adc", (2, 3), name="mixes")])

    for build, name in ((mixer, "refused_einsum.keras"), (keeping, "refused_stateful.keras")):
        make(build, keras, name).save(os.path.join(folder, name))


def main():
    import keras
    import tf_keras
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
    os.makedirs(folder, exist_ok=True)
    for kind, kit in (("keras3", keras), ("keras2", tf_keras)):
        for name in sys.argv[1:] or BUILDERS:
            build = BUILDERS[name]
            save(make(build, kit, name), os.path.join(folder, f"{kind}_{name}"))
    if not sys.argv[1:]:
        variants(folder)
        refusals(folder)


if __name__ == "__main__":
    main()
