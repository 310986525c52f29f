"""Makes inner tensors of a .tflite file its outputs, so that a comparison sees every layer.

    python tests/conformance/taps.py MODEL.tflite TAPPED.tflite [--count 24]

A final int8 softmax of ten values hides most mistakes before it. The file is otherwise unchanged but
for its signatures, which named the outputs and are dropped.
"""

import argparse

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


def tap(path, target, count):
    """Writes the model with up to `count` outputs: its own, then others spread over the layers."""
    with open(path, "rb") as file:
        model = schema.ModelT.InitFromPackedBuf(file.read())
    graph = model.subgraphs[0]
    own = [int(index) for index in graph.outputs]

    def constant(index):
        data = model.buffers[graph.tensors[index].buffer].data
        return data is not None and len(data) > 0

    inner = [int(index) for operator in graph.operators for index in operator.outputs
             if int(index) not in own and not constant(operator.inputs[0])]
    wanted = min(count - len(own), len(inner))
    graph.outputs = own + [inner[i * len(inner) // wanted] for i in range(wanted)]
    model.signatureDefs = None
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    with open(target, "wb") as file:
        file.write(builder.Output())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("tapped")
    parser.add_argument("--count", type=int, default=24)
    options = parser.parse_args()
    tap(options.model, options.tapped, options.count)


if __name__ == "__main__":
    main()
