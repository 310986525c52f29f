"""Makes tests/eval/files/ and tests/eval/expected.h: small data files and what Pillow, TensorFlow and numpy
make of them. Run from the repository root with the oracle venv; the header names the versions."""
import gzip
import os
import struct

import flatbuffers
import numpy as np
import PIL
import tensorflow as tf
from PIL import Image

FILES = "tests/eval/files/"
rng = np.random.default_rng(5)
lines = []


def emit(name, values):
    values = np.asarray(values)
    kind = "float" if values.dtype == np.float32 else "unsigned char"
    text = [float(v).hex() + "f" if kind == "float" else str(int(v)) for v in values.ravel()]
    rows = [", ".join(text[i:i + 6]) for i in range(0, len(text), 6)]
    lines.append(f"static const {kind} {name}[{values.size}] = {{ /* {values.shape} */\n    "
                 + ",\n    ".join(rows) + "\n};")


def images():
    smooth = np.add.outer(np.arange(9) * 20, np.arange(7) * 12)
    rgb = np.stack([smooth, 255 - smooth, rng.integers(0, 256, (9, 7))], -1).astype(np.uint8)
    os.makedirs(FILES + "classes/boot", exist_ok=True)
    os.makedirs(FILES + "classes/shirt", exist_ok=True)
    Image.fromarray(rgb).save(FILES + "classes/boot/a.png")
    Image.fromarray(rgb[..., 0]).save(FILES + "classes/shirt/gray.png")
    Image.fromarray(rgb).save(FILES + "classes/shirt/b.jpg", quality=90, subsampling=0)
    Image.fromarray(rgb[..., 0]).save(FILES + "classes/boot/g.jpeg", quality=90)
    with open(FILES + "classes/boot/notes.txt", "w") as notes:
        notes.write("not an image\n")
    emit("png_rgb", rgb)
    emit("jpeg_rgb", np.asarray(Image.open(FILES + "classes/shirt/b.jpg")))
    emit("jpeg_gray", np.asarray(Image.open(FILES + "classes/boot/g.jpeg")))
    emit("png_as_gray", np.asarray(Image.open(FILES + "classes/boot/a.png").convert("L")))


def resizing():
    image = rng.uniform(0, 255, (9, 7, 3)).astype(np.float32)
    emit("resize_from", image)
    for h, w in ((5, 4), (13, 16), (3, 20)):
        emit(f"bilinear_{h}_{w}", tf.image.resize(image, (h, w)).numpy())
        emit(f"nearest_{h}_{w}", tf.image.resize(image, (h, w), "nearest").numpy())
        planes = [np.asarray(Image.fromarray(image[..., k]).resize((w, h), Image.BILINEAR))
                  for k in range(3)]
        emit(f"antialias_{h}_{w}", np.stack(planes, -1))


def normalising():
    image = np.arange(0, 252, 21, dtype=np.float32).reshape(1, 2, 2, 3)
    for mode in ("tf", "torch", "caffe"):
        emit(f"keras_{mode}", tf.keras.applications.imagenet_utils.preprocess_input(image.copy(), mode=mode))


def arrays():
    x = rng.integers(0, 256, (6, 4, 5), dtype=np.uint8)
    y = np.array([0, 1, 2, 1, 0, 4])
    emit("array_x", x)
    np.save(FILES + "x.npy", x)
    np.save(FILES + "x_big_fortran.npy", np.asfortranarray(x.astype(">i4")))
    np.savez(FILES + "xy.npz", x=x, y=y)
    np.savez_compressed(FILES + "xy_deflated.npz", x=x, y=np.eye(5, dtype=np.float32)[y])
    images = struct.pack(">HBBIII", 0, 8, 3, *x.shape) + x.tobytes()
    with gzip.GzipFile(FILES + "tiny-images-idx3-ubyte.gz", "wb", mtime=0) as file:
        file.write(images)
    with open(FILES + "tiny-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">HBBI", 0, 8, 1, 6) + bytes(y.tolist()))


def metadata():
    """ModelMetadata with (x - mean) / std for input 0, as tflite-support's populator writes it."""
    def table(builder, fields):
        builder.StartObject(max(fields) + 1)
        for number, value in fields.items():
            if number == 0 and len(fields) == 2 and isinstance(value, bytes):
                builder.PrependUint8Slot(number, value[0], 0)
            else:
                builder.PrependUOffsetTRelativeSlot(number, value, 0)
        return builder.EndObject()

    def vector(builder, tables):
        builder.StartVector(4, len(tables), 4)
        for item in reversed(tables):
            builder.PrependUOffsetTRelative(item)
        return builder.EndVector()

    builder = flatbuffers.Builder()
    name = builder.CreateString("image classifier")
    mean = builder.CreateNumpyVector(np.array([123.5, 116.25, 103.5], np.float32))
    std = builder.CreateNumpyVector(np.array([58.5], np.float32))
    threshold = table(builder, {0: name})
    other = table(builder, {0: bytes([3]), 1: threshold})
    unit = table(builder, {0: bytes([1]), 1: table(builder, {0: mean, 1: std})})
    tensor = table(builder, {0: name, 4: vector(builder, [other, unit])})
    subgraph = table(builder, {2: vector(builder, [tensor])})
    root = table(builder, {0: name, 3: vector(builder, [subgraph])})
    builder.Finish(root, file_identifier=b"M001")
    emit("model_metadata", np.frombuffer(bytes(builder.Output()), np.uint8))


images()
metadata()
resizing()
normalising()
arrays()
with open("tests/eval/expected.h", "w") as header:
    header.write("/* Made by tests/eval/make_files.py with Pillow %s, TensorFlow %s, numpy %s. */\n"
                 % (PIL.__version__, tf.__version__, np.__version__))
    header.write("#ifndef OCT_TESTS_EVAL_EXPECTED_H\n#define OCT_TESTS_EVAL_EXPECTED_H\n\n")
    header.write("\n\n".join(lines))
    header.write("\n\n#endif\n")
