"""A .tflite file as plain Python: operators, tensors with numpy data, quantization.

Reads through the flatbuffers schema that ships with LiteRT (ai_edge_litert.schema_py_generated), so
that nothing of octavo's own reader is trusted. Only the first subgraph is walked.
"""

import dataclasses

import numpy as np
from ai_edge_litert import schema_py_generated as schema

DTYPES = {"FLOAT32": np.float32, "FLOAT16": np.float16, "FLOAT64": np.float64, "INT8": np.int8,
          "UINT8": np.uint8, "INT16": np.int16, "UINT16": np.uint16, "INT32": np.int32,
          "UINT32": np.uint32, "INT64": np.int64, "UINT64": np.uint64, "BOOL": np.bool_}


def names_of(enumeration):
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


TYPE_NAMES = names_of(schema.TensorType)
OPERATOR_NAMES = names_of(schema.BuiltinOperator)


@dataclasses.dataclass
class Tensor:
    index: int
    name: str
    type: str                     # "INT8", …
    shape: tuple
    shape_signature: tuple
    scales: np.ndarray            # float32 [0], [1] or [channels]
    zero_points: np.ndarray       # int64, as long as scales
    axis: int                     # quantized dimension
    data: np.ndarray | None       # the constant, in its stored type and shape; None for others


@dataclasses.dataclass
class Node:
    name: str                     # "CONV_2D", or the custom operator's own name
    version: int
    inputs: list                  # Tensor, or None for an operand left out
    outputs: list
    options: dict                 # the builtin options' fields; nested tables as their repr


@dataclasses.dataclass
class Model:
    path: str
    bytes: int
    nodes: list                   # in file order
    tensors: list
    inputs: list
    outputs: list
    signatures: dict              # key -> ({input name: tensor}, {output name: tensor})
    metadata: list                # names
    buffers: int

    def constant(self, tensor):
        """The data behind tensor: its own, or what a DEQUANTIZE of a constant (float16 weights)
        makes it from, as (Tensor, data); None if it is computed."""
        if tensor is None:
            return None
        if tensor.data is not None:
            return tensor
        producer = self.producers.get(tensor.index)
        if producer is not None and producer.name == "DEQUANTIZE":
            return self.constant(producer.inputs[0])
        return None

    @property
    def producers(self):
        if not hasattr(self, "_producers"):
            self._producers = {t.index: n for n in self.nodes for t in n.outputs if t is not None}
        return self._producers

    def ordered(self):
        """The nodes that compute something, in an order that the file's own does not decide:
        depth first from the outputs, operands in their order. How RESHAPE's shape operand comes to
        be (a constant, or SHAPE, STRIDED_SLICE and PACK at run time) is not followed."""
        order, seen = [], set()
        pending = [(t, False) for t in reversed(self.outputs)]
        while pending:
            tensor, done = pending.pop()
            node = None if tensor is None else self.producers.get(tensor.index)
            if node is None or self.constant(tensor) is not None:
                continue
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                pending.append((tensor, True))
                operands = node.inputs[:1] if node.name == "RESHAPE" else node.inputs
                pending.extend((t, False) for t in reversed(operands))
        return order


def text(raw):
    return raw.decode() if isinstance(raw, bytes) else (raw or "")


def listed(vector):
    return [] if vector is None else list(vector)


def read_tensor(index, raw, buffers, whole):
    quantization = raw.quantization
    scales = np.zeros(0, np.float32)
    zero_points = np.zeros(0, np.int64)
    axis = 0
    if quantization is not None and quantization.scale is not None:
        scales = np.array(quantization.scale, np.float32)
        zero_points = np.array(listed(quantization.zeroPoint), np.int64)
        axis = quantization.quantizedDimension
    kind = TYPE_NAMES[raw.type]
    shape = tuple(int(d) for d in listed(raw.shape))
    buffer = buffers[raw.buffer]
    if buffer.offset > 1:  # data outside of the flatbuffer, as in files over 2 GB
        data = whole[buffer.offset:buffer.offset + buffer.size]
    else:
        data = buffer.data
    value = None
    if raw.buffer and data is not None and len(data):
        value = np.frombuffer(bytes(bytearray(data)), DTYPES.get(kind, np.uint8))
        if value.size == np.prod(shape, dtype=np.int64):
            value = value.reshape(shape)
    return Tensor(index, text(raw.name), kind, shape,
                  tuple(int(d) for d in listed(raw.shapeSignature)),
                  scales, zero_points, axis, value)


def read_options(operator):
    if operator.builtinOptions is None:
        return {}
    return {key: value if np.isscalar(value) else repr(listed(value)) if isinstance(
        value, (list, np.ndarray)) else repr(value)
        for key, value in vars(operator.builtinOptions).items()}


def read(path):
    with open(path, "rb") as file:
        whole = file.read()
    raw = schema.ModelT.InitFromPackedBuf(whole)
    graph = raw.subgraphs[0]
    tensors = [read_tensor(i, t, raw.buffers, whole) for i, t in enumerate(graph.tensors)]

    def pick(indices):
        return [tensors[i] if i >= 0 else None for i in listed(indices)]

    nodes = []
    for operator in listed(graph.operators):
        code = raw.operatorCodes[operator.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        name = text(code.customCode) if code.customCode else OPERATOR_NAMES[builtin]
        nodes.append(Node(name, code.version, pick(operator.inputs), pick(operator.outputs),
                          read_options(operator)))
    signatures = {
        text(s.signatureKey): tuple({text(m.name): tensors[m.tensorIndex] for m in listed(side)}
                                    for side in (s.inputs, s.outputs))
        for s in listed(raw.signatureDefs) if s.subgraphIndex == 0}
    return Model(path, len(whole), nodes, tensors, pick(graph.inputs), pick(graph.outputs),
                 signatures, [text(m.name) for m in listed(raw.metadata)], len(raw.buffers))
