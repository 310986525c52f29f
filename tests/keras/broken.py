"""Writes .keras files that cannot be imported into the current folder, from models/tiny.keras.

usage: broken.py MODELS
"""
import json
import os
import sys
import zipfile


def members():
    with zipfile.ZipFile(os.path.join(sys.argv[1], "tiny.keras")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(name, parts):
    with zipfile.ZipFile(name, "w") as archive:
        for member, data in parts.items():
            archive.writestr(member, data)


def with_layer(name, **entry):
    """The model with another layer at its end."""
    parts = members()
    config = json.loads(parts["config.json"])
    config["config"]["layers"].append({"config": {"name": "extra", "trainable": True}} | entry)
    write(name, parts | {"config.json": json.dumps(config)})


def with_dtype(name, class_name):
    parts = members()
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1]["config"]["dtype"] = {"class_name": class_name, "config": {"name": "int8"}}
    write(name, parts | {"config.json": json.dumps(config)})


with_layer("lambda.keras", module="keras.layers", class_name="Lambda")
with_layer("custom.keras", module=None, class_name="Mine", registered_name="pk>Mine")
with_layer("unknown.keras", module="keras.layers", class_name="ConvLSTM3D")
with_dtype("quantized.keras", "QuantizedDTypePolicy")
whole = members()
write("no_weights.keras", {k: v for k, v in whole.items() if k != "model.weights.h5"})
write("no_config.keras", {k: v for k, v in whole.items() if k != "config.json"})
write("whole.keras", whole)
data = open("whole.keras", "rb").read()
open("cut.keras", "wb").write(data[:-100])
place = data.index(whole["config.json"])
open("damaged.keras", "wb").write(data[:place + 9] + b"#" + data[place + 10:])
encrypted = bytearray(data)
at = data.index(b"PK\1\2")
while at >= 0:
    encrypted[at + 8] |= 1
    at = data.find(b"PK\1\2", at + 4)
open("encrypted.keras", "wb").write(encrypted)
open("index.json", "w").write('{"metadata": {"total_size": 92}, "weight_map": {"/layers/dense/vars": "x_00000.weights.h5"}}')
open("config.json", "wb").write(whole["config.json"])
os.makedirs("saved", exist_ok=True)
open("saved/saved_model.pb", "w").close()
