"""One-operator TFLite models with their expected answers inside.

A Case is data: operator, form, options, input and output tensors. build() turns it into flatbuffer
bytes, golden() runs LiteRT's reference resolver on K seeded samples and stores inputs and outputs
as Model.metadata entries (tests/golden/ops/README.md), so a C test needs nothing but the file.

The one idea that is not obvious: output shapes are never computed here. A draft model is built
without them, LiteRT says what they are, and the final model carries LiteRT's answer.
"""
import dataclasses
import logging
import math
import os
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import flatbuffers
import numpy as np
from ai_edge_litert import interpreter as litert
from ai_edge_litert import schema_py_generated as schema
from importlib import metadata as package_metadata

logging.getLogger().setLevel(logging.ERROR)

TOOL = "ai-edge-litert " + package_metadata.version("ai-edge-litert")
RESOLVERS = {
    "BUILTIN_REF": litert.OpResolverType.BUILTIN_REF,
    "BUILTIN": litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "XNNPACK": litert.OpResolverType.BUILTIN,   # with its default delegates
}
TYPES = {  # short name: (numpy type, schema type)
    "f32": (np.float32, schema.TensorType.FLOAT32),
    "f16": (np.float16, schema.TensorType.FLOAT16),
    "s8": (np.int8, schema.TensorType.INT8),
    "u8": (np.uint8, schema.TensorType.UINT8),
    "s16": (np.int16, schema.TensorType.INT16),
    "s32": (np.int32, schema.TensorType.INT32),
    "s64": (np.int64, schema.TensorType.INT64),
    "bool": (np.bool_, schema.TensorType.BOOL),
    "u16": (np.uint16, schema.TensorType.UINT16),
    "u32": (np.uint32, schema.TensorType.UINT32),
    "u64": (np.uint64, schema.TensorType.UINT64),
    "f64": (np.float64, schema.TensorType.FLOAT64),
    "c64": (np.complex64, schema.TensorType.COMPLEX64),
    "s4": (np.int8, schema.TensorType.INT4),    # two to a byte, constants only
    "resource": (np.int32, schema.TensorType.RESOURCE),
}
ACT = {
    "NONE": schema.ActivationFunctionType.NONE,
    "RELU": schema.ActivationFunctionType.RELU,
    "RELU6": schema.ActivationFunctionType.RELU6,
    "RELU_N1_TO_1": schema.ActivationFunctionType.RELU_N1_TO_1,
}
PAD = {"SAME": schema.Padding.SAME, "VALID": schema.Padding.VALID}


class Refused(Exception):
    """LiteRT would not load, prepare or run the model."""


@dataclasses.dataclass
class T:
    """A tensor: shape, short type name, optional quantization, optional constant data.

    scale  None, one number, or one per slice along axis; zero likewise (one number serves all).
    data   constant contents (makes the tensor part of the model) or None.
    fill   how the samples of an input are drawn; see sample().
    """
    shape: tuple
    type: str
    scale: object = None
    zero: object = 0
    axis: int = 0
    data: object = None
    fill: str = "full"
    variable: bool = False  # keeps its value from run to run


@dataclasses.dataclass
class Graph:
    """A subgraph of more than one operator: tensors, and nodes (operator, inputs, outputs, options)
    over their positions."""
    tensors: list
    nodes: list
    inputs: list
    outputs: list


@dataclasses.dataclass
class Case:
    """op, form and name give the file name; options = (schema table name, {field: value})."""
    op: str
    form: str
    name: str
    inputs: list
    outputs: list
    options: tuple = (None, {})
    version: int = 1
    runs: int = 3
    ulp: int = 0            # float outputs may differ by this many units in the last place
    bound: float = 0        # and by this part of the largest magnitude
    of_input: float = 0     # and by this part of the first input's largest magnitude
    resolver: str = "BUILTIN_REF"
    refused: bool = False   # LiteRT must refuse it; no file is written
    constant: bool = False  # the output is known to be one value everywhere
    program: list = None    # subgraphs, instead of one operator; inputs are those of the first
    custom: bytes = None    # the options of a custom operator, whose name is op
    intermediates: list = ()    # tensors of Operator.intermediates

    @property
    def stem(self):
        return f"{self.op}__{self.form}__{self.name}"


def rng_for(op, form, name):
    """The generator of one case: seeded by its name, so that adding a case changes no other."""
    return np.random.default_rng(zlib.crc32(f"{op}__{form}__{name}".encode()))


def const(array, **quant):
    """A constant tensor from a numpy array."""
    array = np.asarray(array)
    short = next(k for k, (t, _) in TYPES.items() if np.dtype(t) == array.dtype)
    return T(array.shape, short, data=array, **quant)


def ints(*values):
    """A constant 1-D int32 tensor: axes, sizes, permutations."""
    return const(np.array(values, np.int32))


def limits(short):
    info = np.iinfo(TYPES[short][0])
    return info.min, info.max


# ---------------------------------------------------------------------------------------- samples

def sample_float(rng, shape, fill, run):
    """full: normal, uniform [-8, 8), then a wide range of magnitudes with zeros."""
    if fill == "ties_shifted":  # asymmetric scale 1, zero point -28: halves show what is rounded
        x = rng.integers(-99, 154, shape) + 0.5
        flat = x.reshape(shape[0], -1)
        flat[:, 0], flat[:, -1] = -100, 155
        return x
    if fill == "ties":  # halves up to 127: ties of symmetric (and, with -128, asymmetric) rounding
        x = rng.integers(-126, 126, shape) + 0.5
        flat = x.reshape(shape[0], -1)
        flat[:, 0], flat[:, -1] = 127, -128 if run else -127
        return x
    if fill == "positive":
        return rng.uniform(0.01, 9.0, shape)
    if fill == "whole":
        return rng.integers(-2, 3, shape)
    if fill == "unit":
        return rng.uniform(-1.0, 1.0, shape)
    if run == 0:
        return rng.normal(0, 1, shape)
    if run == 1:
        x = rng.uniform(-8, 8, shape)
        if fill == "zero_row" and len(shape):
            x[0] = 0
        return x
    wide = rng.normal(0, 1, shape) * np.exp2(rng.integers(-12, 10, shape))
    return wide * (rng.random(shape) > 0.1)


def sample_int(rng, t, run, index):
    """full: run 0 random with planted extremes, then alternately all-min and all-max.

    codes: every 8-bit code in order; one run says all about an operator of one operand.
    """
    low, high = limits(t.type)
    if t.fill.startswith("below:"):
        return rng.integers(0, int(t.fill[6:]), t.shape)
    if t.fill == "small":
        return np.clip(t.zero + rng.integers(-4, 5, t.shape), low, high)
    if t.fill == "positive":
        low = int(t.zero)
    if t.fill == "above":
        low = int(t.zero) + 1
    if t.fill == "codes" and t.type != "s16" and math.prod(t.shape) >= 256:
        return np.resize(np.arange(low, high + 1), t.shape)
    if run in (1, 2):
        return np.full(t.shape, low if (index + run) % 2 else high)
    x = rng.integers(low, high + 1, t.shape)
    edge = rng.choice([low, high, np.clip(t.zero, low, high)], t.shape)
    return np.where(rng.random(t.shape) < 0.1, edge, x)


def sample(rng, t, run, index):
    """Sample number `run` of input number `index`."""
    dtype = TYPES[t.type][0]
    if t.type == "bool":
        return rng.integers(0, 2, t.shape).astype(dtype)
    if t.type == "c64":
        return np.asarray(sample_float(rng, t.shape, t.fill, run)
                          + 1j * sample_float(rng, t.shape, t.fill, run), dtype)
    if t.type in ("f32", "f16", "f64"):
        return np.asarray(sample_float(rng, t.shape, t.fill, run), dtype)
    return np.asarray(sample_int(rng, t, run, index), dtype)


# ---------------------------------------------------------------------------------------- writing

def pack_buffer(self, builder):
    """BufferT.Pack with the schema's force_align: 16, which the Python generator leaves out."""
    data = None
    if self.data is not None and len(self.data):
        raw = bytes(self.data)
        builder.StartVector(1, len(raw), 16)
        builder.head -= len(raw)
        builder.Bytes[builder.head:builder.head + len(raw)] = raw
        data = builder.EndVector()
    schema.BufferStart(builder)
    if data is not None:
        schema.BufferAddData(builder, data)
    return schema.BufferEnd(builder)


schema.BufferT.Pack = pack_buffer


def constant_bytes(t):
    raw = np.ascontiguousarray(t.data, TYPES[t.type][0])
    if t.type == "s4":
        low = np.resize(raw.ravel(), (raw.size + 1) // 2 * 2) & 15
        raw = (low[0::2] | low[1::2] << 4).astype(np.uint8)
    return raw.tobytes()


class Writer:
    """Collects buffers, tensors and metadata of one model."""

    def __init__(self):
        self.buffers = [schema.BufferT()]
        self.tensors = []
        self.metadata = []

    def buffer(self, raw):
        if not raw:
            return 0
        b = schema.BufferT()
        b.data = raw
        self.buffers.append(b)
        return len(self.buffers) - 1

    def tensor(self, t, name):
        x = schema.TensorT()
        x.name = name
        x.shape = [int(d) for d in t.shape]
        x.hasRank = True
        x.type = TYPES[t.type][1]
        x.isVariable = t.variable
        x.buffer = 0 if t.data is None else self.buffer(constant_bytes(t))
        if t.scale is not None:
            q = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.asarray(t.scale, np.float32))
            q.zeroPoint = np.broadcast_to(np.asarray(t.zero, np.int64), q.scale.shape).copy()
            q.quantizedDimension = t.axis
            x.quantization = q
        self.tensors.append(x)
        return len(self.tensors) - 1

    def note(self, name, raw):
        m = schema.MetadataT()
        m.name = name
        m.buffer = self.buffer(raw)
        self.metadata.append(m)

    def subgraph(self, operators, inputs, outputs):
        """Takes the tensors added since the last one."""
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors, graph.operators = self.tensors, operators
        graph.inputs, graph.outputs = inputs, outputs
        self.tensors = []
        return graph

    def finish(self, graphs, codes):
        model = schema.ModelT()
        model.version = 3
        model.operatorCodes, model.subgraphs, model.buffers = codes, graphs, self.buffers
        model.metadata = self.metadata or None
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options_table(name, fields):
    table = getattr(schema, name + "T")()
    for field, value in fields.items():
        if not hasattr(table, field):
            raise AttributeError(f"{name} has no field {field}")
        setattr(table, field, value)
    union = schema.BuiltinOptions if hasattr(schema.BuiltinOptions, name) else schema.BuiltinOptions2
    return getattr(union, name), table


def operator_code(op, version=1):
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, op, schema.BuiltinOperator.CUSTOM)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    if code.builtinCode == schema.BuiltinOperator.CUSTOM:
        code.customCode = op
    code.version = version
    return code


def set_options(node, table):
    if not table[0]:
        return
    kind, options = options_table(*table)
    if hasattr(schema.BuiltinOptions, table[0]):
        node.builtinOptionsType, node.builtinOptions = kind, options
    else:
        node.builtinOptions2Type, node.builtinOptions2 = kind, options


def build_program(case, notes):
    w = Writer()
    names = list(dict.fromkeys(n[0] for g in case.program for n in g.nodes))
    graphs = []
    for g in case.program:
        for i, t in enumerate(g.tensors):
            w.tensor(t, f"t{i}")
        nodes = []
        for op, inputs, outputs, table in g.nodes:
            node = schema.OperatorT()
            node.opcodeIndex = names.index(op)
            node.inputs, node.outputs = list(inputs), list(outputs)
            set_options(node, table)
            nodes.append(node)
        graphs.append(w.subgraph(nodes, g.inputs, g.outputs))
    for name, raw in notes:
        w.note(name, raw)
    return w.finish(graphs, [operator_code(n) for n in names])


def build(case, notes=()):
    """The model of a case as bytes; notes = [(metadata name, raw bytes)]."""
    if case.program:
        return build_program(case, notes)
    w = Writer()
    node = schema.OperatorT()
    node.inputs = [-1 if t is None else w.tensor(t, f"in{i}" if t.data is None else f"const{i}")
                   for i, t in enumerate(case.inputs)]
    node.outputs = [w.tensor(t, f"out{i}") for i, t in enumerate(case.outputs)]
    set_options(node, case.options)
    if case.custom is not None:
        node.customOptions = case.custom
    if case.intermediates:
        node.intermediates = [w.tensor(t, f"intermediate{i}")
                              for i, t in enumerate(case.intermediates)]
    graph_inputs = [n for n, t in zip(node.inputs, case.inputs) if is_live(t)]
    for name, raw in notes:
        w.note(name, raw)
    return w.finish([w.subgraph([node], graph_inputs, node.outputs)],
                    [operator_code(case.op, case.version)])


def is_live(t):
    return t is not None and t.data is None and not t.variable


# ---------------------------------------------------------------------------------------- running

def load(content, resolver="BUILTIN_REF"):
    """An allocated interpreter, or Refused with LiteRT's sentence."""
    try:
        it = litert.Interpreter(model_content=content, num_threads=1,
                                experimental_op_resolver_type=RESOLVERS[resolver])
        it.allocate_tensors()
        return it
    except (RuntimeError, ValueError) as e:
        raise Refused(str(e).strip().replace("\n", " ")) from None


def run(it, inputs):
    """One inference; inputs in the order of the graph's inputs."""
    try:
        for detail, x in zip(it.get_input_details(), inputs):
            it.set_tensor(detail["index"], x)
        it.invoke()
        return [np.array(it.get_tensor(d["index"])) for d in it.get_output_details()]
    except (RuntimeError, ValueError) as e:  # ValueError: an empty tensor cannot be fetched
        raise Refused(str(e).strip().replace("\n", " ")) from None


def draw(case):
    """The K samples: a list of runs, each a list of arrays."""
    rng = rng_for(case.op, case.form, case.name)
    live = [t for t in case.inputs if is_live(t)]
    if case.program:
        live = [case.program[0].tensors[i] for i in case.program[0].inputs]
    return [[sample(rng, t, k, i) for i, t in enumerate(live)] for k in range(case.runs)]


def golden(case):
    """(file bytes, inputs, outputs) of a case; inputs and outputs are lists of runs."""
    inputs = draw(case)
    final = case
    if not case.program:
        first = run(load(build(case), case.resolver), inputs[0])
        final = dataclasses.replace(case, outputs=[
            dataclasses.replace(t, shape=y.shape) for t, y in zip(case.outputs, first)])
    it = load(build(final), case.resolver)
    outputs = [run(it, x) for x in inputs]
    notes = [("golden_tool", f"{TOOL} {case.resolver}".encode()),
             ("golden_runs", str(case.runs).encode())]
    if case.ulp:
        notes.append(("golden_ulp", str(case.ulp).encode()))
    if case.bound:
        notes.append(("golden_bound", str(round(case.bound * 1e9)).encode()))
    if case.of_input:
        slack = case.of_input * max(float(np.abs(x[0]).max(initial=0)) for x in inputs)
        notes.append(("golden_slack", str(int(np.ceil(slack * 1e9))).encode()))
    for kind, runs in (("in", inputs), ("out", outputs)):
        for i in range(len(runs[0])):
            stacked = b"".join(np.ascontiguousarray(r[i]).tobytes() for r in runs)
            notes.append((f"golden_{kind}_{i}", stacked))
    return build(final, notes), inputs, outputs


def telling(outputs):
    """Whether the outputs could catch a mistake: more than one value in the first run."""
    return any(len(np.unique(y)) > 1 or y.size == 1 for y in outputs[0])


def spread(short, sigma):
    """A scale at which values of that deviation fill the type and sometimes saturate."""
    return np.float32(2.5 * sigma / (limits(short)[1] + 1 if short != "u8" else 128))


def fan_sigma(depth):
    """Standard deviation of a sum of `depth` products of uniform [-1, 1) numbers."""
    return math.sqrt(depth) / 3
