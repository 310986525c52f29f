#!/usr/bin/env python3
"""Converting a model needs memory for its largest array, not for all of them.

usage: bounded.py OCTAVO FOLDER

Writes a legacy .h5 and a .keras, stored and deflated, of 24 Dense layers of 4 MiB each into FOLDER and
converts them. Private memory (RLIMIT_DATA) may be 1.3 times the largest array plus 64 MiB, which does not
hold all of the weights once; resident memory the same beside the mapped input. Where FOLDER is in memory
itself there is nothing to put weights into, and the test is skipped (exit code 77).
"""
import array
import json
import os
import random
import resource
import struct
import subprocess
import sys
import zipfile

LAYERS, UNITS = 24, 1024
LARGEST = UNITS * UNITS * 4
ALLOWED = LARGEST * 13 // 10 + (64 << 20)
UNDEFINED = 0xFFFFFFFFFFFFFFFF


class H5:
    """Just enough of HDF5 as h5py writes it: superblock 0, symbol tables, contiguous arrays."""

    def __init__(self, file):
        self.file = file
        file.write(bytes(96))

    def put(self, data):
        at = self.file.seek(0, os.SEEK_END)
        at += -at % 8
        self.file.seek(at)
        self.file.write(data)
        return at

    def header(self, messages):
        body = b"".join(struct.pack("<HHB3x", kind, len(data), 0) + data for kind, data in messages)
        return self.put(struct.pack("<BxHII4x", 1, len(messages), 1, len(body)) + body)

    def array(self, shape, data):
        """A float32 array; data is its address, or bytes."""
        at = data if isinstance(data, int) else self.put(data)
        space = struct.pack("<BBB5x", 1, len(shape), 0) + struct.pack(f"<{len(shape)}Q", *shape)
        kind = struct.pack("<B3sI", 0x11, b"\x20\x1f\x00", 4) + struct.pack("<HHBBBBI", 0, 32, 23, 8, 0, 23, 127)
        count = 4
        for size in shape:
            count *= size
        layout = struct.pack("<BBQQ", 3, 1, at, count)
        return self.header([(1, space), (3, kind), (8, layout + bytes(-len(layout) % 8))])

    def strings(self, name, texts):
        """An attribute of fixed-length strings."""
        size = max(map(len, texts)) + 1
        pad = lambda data: data + bytes(-len(data) % 8)
        space = struct.pack("<BBB5xQ", 1, 1, 0, len(texts))
        kind = struct.pack("<B3sI", 0x13, b"\x00\x00\x00", size)
        text = name.encode() + b"\0"
        data = b"".join(t.encode().ljust(size, b"\0") for t in texts)
        return 12, pad(struct.pack("<BxHHH", 1, len(text), len(kind), len(space)) + pad(text) + pad(kind)
                       + pad(space) + data)

    def group(self, children, attributes=()):
        """children: name -> address of an object header."""
        names, heap = sorted(children), bytearray(8)
        offsets = []
        for name in names:
            offsets.append(len(heap))
            heap += name.encode() + b"\0" + bytes(-(len(name) + 1) % 8)
        data = self.put(bytes(heap))
        heap_at = self.put(b"HEAP" + struct.pack("<B3xQQQ", 0, len(heap), UNDEFINED, data))
        entries = b"".join(struct.pack("<QQII16x", offset, children[name], 0, 0)
                           for name, offset in zip(names, offsets))
        node = self.put(b"SNOD" + struct.pack("<BxH", 1, len(names)) + entries)
        tree = self.put(b"TREE" + struct.pack("<BBHQQQQQ", 0, 0, 1, UNDEFINED, UNDEFINED, 0, node,
                                              offsets[-1]))
        return self.header([(0x11, struct.pack("<QQ", tree, heap_at)), *attributes])

    def finish(self, root):
        end = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)
        self.file.write(b"\x89HDF\r\n\x1a\n" + struct.pack("<BBBBBBBxHHI", 0, 0, 0, 0, 0, 8, 8, 64, 16, 0)
                        + struct.pack("<QQQQ", 0, UNDEFINED, end, UNDEFINED)
                        + struct.pack("<QQII16x", 0, root, 0, 0))


def config():
    entry = lambda name, options: {"module": "keras.layers", "class_name": name, "config": options}
    layers = [entry("InputLayer", {"batch_shape": [None, UNITS], "dtype": "float32", "name": "x"})]
    layers += [entry("Dense", {"name": f"d{i}", "units": UNITS, "trainable": True}) for i in range(LAYERS)]
    return json.dumps({"class_name": "Sequential", "config": {"name": "big", "layers": layers}})


def weights(h5):
    """One Dense after the other: (kernel, bias) as addresses of array objects; all kernels differ."""
    noise = random.Random(1)
    pattern = array.array("f", [noise.random() for _ in range(1 << 12)]).tobytes() * (LARGEST >> 14)
    for i in range(LAYERS):
        at = h5.put(struct.pack("<f", i) + pattern[4:])
        yield h5.array((UNITS, UNITS), at), h5.array((UNITS,), bytes(4 * UNITS))


def write_h5(path):
    with open(path, "w+b") as file:
        h5 = H5(file)
        groups = {}
        for i, (kernel, bias) in enumerate(weights(h5)):
            names = h5.strings("weight_names", ["kernel:0", "bias:0"])
            groups[f"d{i}"] = h5.group({"kernel:0": kernel, "bias:0": bias}, [names])
        layers = h5.group(groups, [h5.strings("layer_names", [f"d{i}" for i in range(LAYERS)])])
        h5.finish(h5.group({"model_weights": layers}, [h5.strings("model_config", [config()])]))


def write_keras(path, inner, method):
    with open(inner, "w+b") as file:
        h5 = H5(file)
        layers = {}
        for i, (kernel, bias) in enumerate(weights(h5)):
            layers["dense" if i == 0 else f"dense_{i}"] = h5.group(
                {"vars": h5.group({"0": kernel, "1": bias})})
        h5.finish(h5.group({"layers": h5.group(layers)}))
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.3.3"}')
        archive.writestr("config.json", config())
        archive.write(inner, "model.weights.h5")
    os.remove(inner)


def in_memory(folder):
    """Whether a folder lies on tmpfs, by the longest mount point above it."""
    best = ("", "")
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, point, kind = line.split()[:3]
            if (os.path.realpath(folder) + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1] in ("tmpfs", "ramfs")


def convert(octavo, model, folder):
    out = os.path.join(folder, "big.tflite")
    limit = lambda: resource.setrlimit(resource.RLIMIT_DATA, (ALLOWED, ALLOWED))
    child = subprocess.Popen([octavo, "convert", model, "-o", out, "--quiet"], preexec_fn=limit,
                             env=os.environ | {"TMPDIR": folder}, stderr=subprocess.PIPE, text=True)
    message = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    resident, mapped = usage.ru_maxrss * 1024, os.path.getsize(model)
    good = child.returncode == 0 and resident <= mapped + ALLOWED and \
        os.path.getsize(out) > LAYERS * LARGEST
    print(f"{'ok  ' if good else 'FAIL'} {os.path.basename(model)}: {mapped >> 20} MiB, resident at most "
          f"{resident >> 20} MiB, private at most {ALLOWED >> 20} MiB allowed {message}")
    os.remove(out) if os.path.exists(out) else None
    os.remove(model)
    return good


def main():
    octavo, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    if in_memory(folder):
        print("skipped: the folder is in memory")
        return 77
    results = []
    model = lambda name: os.path.join(folder, name)
    write_h5(model("big.h5"))
    results.append(convert(octavo, model("big.h5"), folder))
    for name, method in (("big.keras", zipfile.ZIP_STORED), ("big_deflated.keras", zipfile.ZIP_DEFLATED)):
        write_keras(model(name), model("weights"), method)
        results.append(convert(octavo, model(name), folder))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
