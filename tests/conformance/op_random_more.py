"""Random cases of the remaining operators: whole numbers, truth values, data movement, reductions."""
import numpy as np

import op_build as ob
import op_cases_functions as functions
from op_random import Generator, broadcast_shapes, one_in, pick, span, up_to, zero_point
from op_random_place import ANY, case, shape_of, t

WHOLE = ("s32", "s64")
MOVED = ("f32", "s8", "u8", "s16", "s32", "s64", "bool")
NONE = (None, {})


def q(type_, r):
    """Quantization of a moved tensor, the same in and out."""
    return dict(scale=0.1, zero=zero_point(r, type_)) if type_ in ("s8", "u8", "s16") else {}


def table_of(op):
    """ADD_N -> AddNOptions"""
    return "".join(w.capitalize() for w in op.split("_")) + "Options"


def draw_whole_binary(op, form, name, r):
    a, b = broadcast_shapes(r)
    if op == "POW":
        ta, tb = t(a, form, fill="below:9"), t(b, form, fill="below:6")
    elif op in ("FLOOR_DIV", "FLOOR_MOD"):
        divisor = ob.const(pick(r, (-7, -3, -1, 1, 2, 5, 1000)) * np.ones(b, ob.TYPES[form][0]))
        ta, tb = t(a, form), divisor
    else:
        fill = pick(r, ("full", "small", "below:1000"))
        ta, tb = t(a, form, fill=fill), t(b, form, fill=fill)
    table = {"MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions"}.get(
        op, table_of(op))
    return case(op, form, name, [ta, tb], [t((), form)], (table, {}), constant=True)


def draw_float_binary(op, form, name, r):
    a, b = broadcast_shapes(r)
    return case(op, form, name, [t(a, form, fill="positive" if op == "POW" else "full"), t(b, form)],
                [t((), form)], (table_of(op), {}), ulp=2 if op == "POW" else 0, constant=True)


def draw_compare(op, form, name, r):
    a, b = broadcast_shapes(r)
    fill = "small" if form in WHOLE else "full"
    return case(op, form, name, [t(a, form, fill=fill), t(b, form, fill=fill)],
                [t((), "bool")], (table_of(op), {}), constant=True)


def draw_unary(op, form, name, r):
    fill = {"LOG": "positive", "ROUND": pick(r, ("full", "ties"))}.get(op, "full")
    options = (table_of(op), {}) if hasattr(ob.schema, table_of(op) + "T") else NONE
    ulp = 4 if op in ("LOG", "SIN", "COS", "GELU") else 0
    if op == "GELU":
        options = ("GeluOptions", dict(approximate=one_in(r, 2)))
    shape = shape_of(r)
    return case(op, form, name, [t(shape, form, fill=fill)], [t((), form)], options, ulp=ulp,
                of_input=2 ** -20 if op == "GELU" else 0, constant=True,  # fast and LiteRT's own: 2^-21 each
                resolver="BUILTIN" if op in ("CEIL", "ROUND") else "BUILTIN_REF")


def draw_logical(op, form, name, r):
    a, b = broadcast_shapes(r)
    inputs = [t(a, "bool")] + ([t(b, "bool")] if op != "LOGICAL_NOT" else [])
    return case(op, form, name, inputs, [t((), "bool")], (table_of(op), {}), constant=True)


def draw_reduce(op, form, name, r):
    shape = shape_of(r, 1, 5, 5)
    axes = [int(a) for a in r.permutation(len(shape))[:up_to(r, len(shape))]]
    kw = q(form, r)
    out = dict(kw)
    if op in ("SUM", "MEAN", "REDUCE_PROD") and kw:
        out = dict(scale=0.1 * span(r, -1, 3), zero=zero_point(r, form))
    fill = "unit" if form == "f32" else "small" if form in WHOLE else "full"
    # The reference kernel of SUM reads int8 and int16 through pointers to uint8.
    judge = "BUILTIN" if op == "SUM" and form in ("s8", "s16") else "BUILTIN_REF"
    return case(op, form, name, [t(shape, form, fill=fill, **kw), ob.ints(*axes)],
                [t((), form, **out)], ("ReducerOptions", dict(keepDims=one_in(r, 2))),
                bound=1e-6 if form == "f32" else 0, constant=True, resolver=judge)


def draw_add_n(op, form, name, r):
    shape = shape_of(r)
    return case(op, form, name, [t(shape, form) for _ in range(up_to(r, 5))], [t((), form)],
                ("AddNOptions", {}), constant=True)


def draw_cumsum(op, form, name, r):
    shape = shape_of(r)
    axis = int(r.integers(-len(shape), len(shape)))
    return case(op, form, name, [t(shape, form), ob.const(np.int32(axis))], [t((), form)],
                ("CumsumOptions", dict(exclusive=one_in(r, 2), reverse=one_in(r, 2))),
                constant=True)


def draw_blocks(op, form, name, r):
    type_, block = pick(r, ("f32", "s8", "u8", "s32", "s64")), up_to(r, 3)
    kw = q(type_, r)
    n, h, w, c = up_to(r, 2), up_to(r, 4), up_to(r, 4), up_to(r, 5)
    shape = (n, h, w, c * block**2) if op == "DEPTH_TO_SPACE" else (n, h * block, w * block, c)
    return case(op, form, name, [t(shape, type_, **kw)], [t((), type_, **kw)],
                (table_of(op), dict(blockSize=block)), constant=True)


def draw_batches(op, form, name, r):
    type_ = pick(r, ("f32", "s8", "u8", "s32", "s64"))
    kw = q(type_, r)
    block = [up_to(r, 3), up_to(r, 3)]
    spatial = [up_to(r, 4) * b for b in block]
    pads = [[int(r.integers(0, b + 1)) for b in (1, 1)] for _ in block]
    if op == "SPACE_TO_BATCH_ND":
        pads = [[p[0], b - 1 - (n + p[0] - 1) % b] for p, n, b in zip(pads, spatial, block)]
        shape = (up_to(r, 2), *spatial, up_to(r, 4))
    else:
        shape = (up_to(r, 2) * block[0] * block[1], *(2 + n for n in spatial), up_to(r, 4))
    return case(op, form, name, [t(shape, type_, **kw), ob.ints(*block),
                                 ob.const(np.array(pads, np.int32))], [t((), type_, **kw)],
                ("SpaceToBatchNDOptions" if op[0] == "S" else "BatchToSpaceNDOptions", {}),
                constant=True)


def draw_shape(op, form, name, r):
    """RESHAPE, SQUEEZE, EXPAND_DIMS, ZEROS_LIKE, SHAPE"""
    type_ = pick(r, MOVED)
    kw, shape = q(type_, r), list(shape_of(r, 1, 4, 5))
    x = lambda: t(shape, type_, **kw)
    y = t((), type_, **kw)
    if op == "RESHAPE":
        target = [int(d) for d in r.permutation(shape)]
        if one_in(r, 2):
            target[int(r.integers(len(target)))] = -1
        return case(op, form, name, [x(), ob.ints(*target)], [y], ("ReshapeOptions", {}),
                    constant=True)
    if op == "SQUEEZE":
        at = int(r.integers(len(shape)))
        shape[at] = 1
        dims = [at - (len(shape) if one_in(r, 2) else 0)] if one_in(r, 2) else []
        return case(op, form, name, [x()], [y], ("SqueezeOptions", dict(squeezeDims=dims)),
                    constant=True)
    if op == "EXPAND_DIMS":
        axis = int(r.integers(-len(shape) - 1, len(shape) + 1))
        return case(op, form, name, [x(), ob.const(np.int32(axis))], [y],
                    ("ExpandDimsOptions", {}), constant=True)
    if op == "SHAPE":
        wide = pick(r, WHOLE)
        return case(op, form, name, [x()], [t((), wide)],
                    ("ShapeOptions", dict(outType=ob.TYPES[wide][1])), runs=1, constant=True)
    type_ = pick(r, ("f32", *WHOLE))
    return case(op, form, name, [t(shape, type_)], [t((), type_)], ("ZerosLikeOptions", {}), runs=1,
                constant=True)


def draw_repeat(op, form, name, r):
    """TILE, BROADCAST_TO, FILL"""
    type_ = pick(r, ("f32", "s8", "s32", "s64", "bool"))
    kw = q(type_, r)
    wide = pick(r, (np.int32, np.int64))
    shape = shape_of(r, 1, 4, 4)
    if op == "FILL":
        return case(op, form, name, [ob.const(np.array(shape, wide)), t((), type_, **kw)],
                    [t((), type_, **kw)], ("FillOptions", {}), version=3, constant=True)
    if op == "TILE":
        times = ob.const(np.array([up_to(r, 3) for _ in shape], wide))
        return case(op, form, name, [t(shape, type_, **kw), times], [t((), type_, **kw)],
                    ("TileOptions", {}), constant=True)
    thin = [1 if one_in(r, 2) else d for d in shape][int(r.integers(len(shape))):]
    return case(op, form, name, [t(thin, type_, **kw), ob.const(np.array(shape, wide))],
                [t((), type_, **kw)], ("BroadcastToOptions", {}), version=3, constant=True)


def draw_parts(op, form, name, r):
    """PACK, UNPACK, SPLIT, SPLIT_V"""
    type_ = pick(r, ("f32", "s8", "u8", "s16", "s32", "s64"))
    kw, shape = q(type_, r), list(shape_of(r, 1, 4, 5))
    rank = len(shape)
    axis, count = int(r.integers(-rank, rank)), up_to(r, 4)
    outs = lambda n: [t((), type_, **kw) for _ in range(n)]
    if op == "PACK":
        axis = int(r.integers(-rank - 1, rank + 1))
        return case(op, form, name, [t(shape, type_, **kw) for _ in range(count)], outs(1),
                    ("PackOptions", dict(valuesCount=count, axis=axis)), constant=True)
    if op == "UNPACK":
        return case(op, form, name, [t(shape, type_, **kw)], outs(shape[axis]),
                    ("UnpackOptions", dict(num=shape[axis], axis=axis)), constant=True)
    if op == "SPLIT":
        shape[axis] *= count
        return case(op, form, name, [ob.const(np.int32(axis)), t(shape, type_, **kw)], outs(count),
                    ("SplitOptions", dict(numSplits=count)), constant=True)
    sizes = [up_to(r, 4) for _ in range(count)]
    shape[axis] = sum(sizes)
    if one_in(r, 2):
        sizes[int(r.integers(count))] = -1
    return case(op, form, name, [t(shape, type_, **kw), ob.ints(*sizes),
                                 ob.const(np.int32(axis))], outs(count),
                ("SplitVOptions", dict(numSplits=count)), constant=True)


def draw_padv2(op, form, name, r):
    type_ = pick(r, ("f32", "s8", "u8", "s32", "s64"))
    kw, shape = q(type_, r), shape_of(r, 1, 4, 5)
    rows = r.integers(0, 3, (len(shape), 2)).astype(np.int32)
    value = ob.const(ob.TYPES[type_][0](5), **kw)
    return case(op, form, name, [t(shape, type_, **kw), ob.const(rows), value],
                [t((), type_, **kw)], ("PadV2Options", {}), version=2, constant=True)


def draw_reverse(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s64", "u8", "s16", "bool", "s8"))
    kw, shape = q(type_, r), shape_of(r)
    axes = r.permutation(len(shape))[:up_to(r, len(shape))]
    return case(op, form, name, [t(shape, type_, **kw), ob.ints(*axes)], [t((), type_, **kw)],
                ("ReverseV2Options", {}), version=3, constant=True)


def draw_gather_nd(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s64", "u8", "s8", "s16", "bool"))
    kw, shape = q(type_, r), shape_of(r)
    depth, outer = up_to(r, len(shape)), shape_of(r, 1, 2, 4)
    indices = np.stack([r.integers(0, shape[i], outer) for i in range(depth)], -1)
    return case(op, form, name, [t(shape, type_, **kw),
                                 ob.const(indices.astype(pick(r, (np.int32, np.int64))))],
                [t((), type_, **kw)], ("GatherNdOptions", {}), version=5, constant=True)


def draw_one_hot(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s64", "s8", "u8", "bool"))
    shape, depth, wide = shape_of(r, 0, 3, 4), up_to(r, 6), pick(r, WHOLE)
    return case(op, form, name, [t(shape, wide, fill=f"below:{depth + 2}"),
                                 ob.const(np.int32(depth)), ob.const(ob.TYPES[type_][0](1)),
                                 ob.const(ob.TYPES[type_][0](0))], [t((), type_)],
                ("OneHotOptions", dict(axis=int(r.integers(-1, len(shape) + 1)))), constant=True)


def draw_select(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s64", "s8", "u8", "s16", "bool"))
    kw, shape = q(type_, r), shape_of(r)
    thin = (lambda: tuple(1 if one_in(r, 3) else d for d in shape)) if op == "SELECT_V2" else \
        (lambda: shape)
    condition = t(pick(r, (thin(), shape[:1])) if op == "SELECT" else thin(), "bool")
    return case(op, form, name, [condition, t(thin(), type_, **kw), t(thin(), type_, **kw)],
                [t((), type_, **kw)], (table_of(op), {}), constant=True)


def draw_cast(op, form, name, r):
    src = pick(r, ("f32", "s32", "s64", "u8", "s8", "s16", "bool", "f16", "f64", "c64"))
    dst = pick(r, ("f32", "s32", "s64", "u8", "s8", "s16", "bool", "f16", "f64", "c64"))
    fill = "whole" if src in ("f32", "f16", "f64", "c64") else "below:2" if src == "bool" else "small"
    return case(op, form, name, [t(shape_of(r), src, fill=fill)], [t((), dst)],
                ("CastOptions", dict(inDataType=ob.TYPES[src][1], outDataType=ob.TYPES[dst][1])),
                constant=True)


def draw_topk(op, form, name, r):
    """Whole multiples in float, so that equal values are frequent."""
    shape = shape_of(r, 1, 3, 9)
    kw = q(form, r)
    return case(op, form, name, [t(shape, form, fill="full", **kw),
                                 ob.const(np.int32(up_to(r, shape[-1])))],
                [t((), form, **kw), t((), "s32")], ("TopKV2Options", {}), version=3, constant=True)


def draw_embedding(op, form, name, r):
    rows, columns = up_to(r, 9), shape_of(r, 1, 2, 6)
    ids = t((up_to(r, 5),), "s32", fill=f"below:{rows}")
    if form == "any":
        return case(op, form, name, [ids, t((rows, *columns), "f32")], [t((), "f32")], constant=True)
    scale = np.exp2(r.uniform(-6, -2, rows if one_in(r, 2) else 1)).astype(np.float32)
    table = ob.const(r.integers(-127, 128, (rows, *columns)).astype(np.int8), scale=scale)
    return case(op, form, name, [ids, table], [t((), "f32")], version=4, constant=True)


def draw_relu_0_to_1(op, form, name, r):
    kw = {} if form == "f32" else dict(scale=0.02 * span(r), zero=zero_point(r, form))
    out = {} if form == "f32" else dict(scale=0.02 * span(r), zero=zero_point(r, form))
    return case(op, form, name, [t(shape_of(r), form, **kw)], [t((), form, **out)], constant=True)


MATH = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM")
ALL_BUT_U8 = ("f32", "s8", "s16", *WHOLE)
DRAWS = [
    (MATH, WHOLE, draw_whole_binary),
    (("DIV", "SQUARED_DIFFERENCE", "POW", "FLOOR_DIV", "FLOOR_MOD"), ("s32",), draw_whole_binary),
    (("POW", "FLOOR_DIV", "FLOOR_MOD"), ("f32",), draw_float_binary),
    (tuple(functions.COMPARISONS), WHOLE, draw_compare),
    (("EQUAL", "NOT_EQUAL"), ("bool",), draw_compare),
    (("FLOOR", "CEIL", "ROUND", "SIN", "COS", "LOG", "SQUARE", "GELU"), ("f32",), draw_unary),
    (("NEG",), WHOLE, draw_unary),
    (("ABS",), ("s32",), draw_unary),
    (("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT"), ("bool",), draw_logical),
    (("REDUCE_ANY", "REDUCE_ALL"), ("bool",), draw_reduce),
    (("REDUCE_PROD",), ALL_BUT_U8, draw_reduce),
    (("REDUCE_MIN",), ("f32", "s8", "u8", "s16", *WHOLE), draw_reduce),
    (("REDUCE_MAX", "MEAN"), WHOLE, draw_reduce),
    (("SUM",), ("s8", "u8", "s16", *WHOLE), draw_reduce),
    (("ADD_N",), ("f32", "s32"), draw_add_n),
    (("CUMSUM",), ("f32", *WHOLE), draw_cumsum),
    (("DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), ("any",), draw_blocks),
    (("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"), ("any",), draw_batches),
    (("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SHAPE", "ZEROS_LIKE"), ("any",), draw_shape),
    (("TILE", "BROADCAST_TO", "FILL"), ("any",), draw_repeat),
    (("PACK", "UNPACK", "SPLIT", "SPLIT_V"), ("any",), draw_parts),
    (("PADV2",), ("any",), draw_padv2),
    (("REVERSE_V2",), ("any",), draw_reverse),
    (("GATHER_ND",), ("any",), draw_gather_nd),
    (("ONE_HOT",), ("any",), draw_one_hot),
    (("SELECT", "SELECT_V2"), ("any",), draw_select),
    (("CAST",), ("any",), draw_cast),
    (("TOPK_V2",), ("f32", "s8", "u8", "s16", "s32"), draw_topk),
    (("EMBEDDING_LOOKUP",), ("any", "hybrid"), draw_embedding),
    (("RELU_0_TO_1",), ("f32", "s8", "u8"), draw_relu_0_to_1),
]


def pairs():
    """Every (operator, form, draw function)."""
    return [(op, form, draw) for ops, forms, draw in DRAWS for op in ops for form in forms]


def cases():
    """Goldens of what no other file has cases for."""
    return [draw_relu_0_to_1("RELU_0_TO_1", form, f"drawn_{i}",
                             Generator(ob.rng_for("RELU_0_TO_1", form, f"drawn_{i}")))
            for form in ("f32", "s8", "u8") for i in range(2)]
