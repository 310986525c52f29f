"""Cases of operators that rearrange, repeat, search or make tensors."""
import numpy as np

import op_build as ob
from op_build import Case, T, const
from op_cases_elementwise import quantized
from op_cases_move import BY_FORM, move, pairs

BLOCK = [("2", (1, 4, 6, 3), 2), ("3_b2", (2, 3, 6, 2), 3)]


def space_cases():
    """DEPTH_TO_SPACE and friends. BUILTIN_REF registers only version 1 of DEPTH_TO_SPACE."""
    for form in ("f32", "s8", "u8"):
        for name, shape, block in BLOCK:
            yield move("SPACE_TO_DEPTH", form, f"block_{name}", shape, [],
                       ("SpaceToDepthOptions", dict(blockSize=block)))
            deep = (*shape[:3], shape[3] * block**2)
            yield move("DEPTH_TO_SPACE", form, f"block_{name}", deep, [],
                       ("DepthToSpaceOptions", dict(blockSize=block)))
    for form in ("f32", "s8", "s16"):
        version = {"s8": 2, "s16": 4}.get(form, 1)
        for name, shape, block, rows in (("even", (1, 4, 6, 3), (2, 3), ((0, 0), (0, 0))),
                                         ("padded", (2, 3, 5, 1), (2, 2), ((0, 1), (1, 2)))):
            yield move("SPACE_TO_BATCH_ND", form, name, shape, [ob.ints(*block), pairs(*rows)],
                       ("SpaceToBatchNDOptions", {}), version)
        for name, shape, block, rows in (("even", (6, 2, 3, 3), (2, 3), ((0, 0), (0, 0))),
                                         ("cropped", (8, 2, 3, 1), (2, 2), ((0, 1), (1, 2)))):
            yield move("BATCH_TO_SPACE_ND", form, name, shape, [ob.ints(*block), pairs(*rows)],
                       ("BatchToSpaceNDOptions", {}), version)


def repeat_cases():
    for form in ("f32", "s8", "s32"):
        yield move("TILE", form, "rank3", (2, 1, 5), [ob.ints(1, 3, 2)], ("TileOptions", {}))
        yield move("TILE", form, "rank1", (3,), [ob.ints(4)], ("TileOptions", {}))
        yield move("BROADCAST_TO", form, "rank3", (3, 1), [ob.ints(2, 3, 5)],
                   ("BroadcastToOptions", {}),
                   3 if form == "s8" else 2)
        yield move("REVERSE_V2", form, "axis_1", (2, 3, 5), [ob.ints(1)], ("ReverseV2Options", {}),
                   3 if form == "s8" else 1)
    for form in ("f32", "s8", "s16"):
        version = 2 if form == "s8" else 1
        for name, shape, sizes, axis in (("channels", (1, 3, 2, 8), (1, 5, 2), 3),
                                         ("rest", (7, 3), (2, -1), 0)):
            yield move("SPLIT_V", form, name, shape, [ob.ints(*sizes),
                                                      const(np.array(axis, np.int32))],
                       ("SplitVOptions", dict(numSplits=len(sizes))), version, outputs=len(sizes))
        index = np.array([[1, 0], [0, 2], [1, 1]], np.int32)
        yield move("GATHER_ND", form, "pairs", (2, 3, 5), [const(index)], ("GatherNdOptions", {}),
                   3 if form == "s16" else 1)
    for form in ("f32", "s32"):
        for exclusive, reverse in ((False, False), (True, False), (False, True), (True, True)):
            tag = f"axis_1{'_exclusive' if exclusive else ''}{'_reverse' if reverse else ''}"
            case = move("CUMSUM", form, tag, (2, 5, 3), [ob.ints(1)],
                        ("CumsumOptions", dict(exclusive=exclusive, reverse=reverse)))
            case.inputs[0].fill = "below:1000" if form == "s32" else "full"
            yield case


def kind_of(form, name):
    """(form, name) of a case: plain integers count as form 'any'."""
    return ("any", f"{form}_{name}") if form == "s32" else (form, name)


def extremum(op, form, name, shape, axis, out):
    """ARG_MAX, ARG_MIN."""
    x = quantized(form, shape, 1.0, -3, fill="below:5" if form == "s32" else "full")
    table = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
    return Case(op, *kind_of(form, name), [x, const(np.array(axis, np.int32))], [T((), out)],
                (table, dict(outputType=ob.TYPES[out][1])), 2 if form == "s8" else 1)


def search_cases():
    for form in ("f32", "s8", "u8", "s32"):
        for op in ("ARG_MAX", "ARG_MIN"):
            yield extremum(op, form, "last_s32", (5, 17), -1, "s32")
            yield extremum(op, form, "last_s64", (5, 17), -1, "s64")
            yield extremum(op, form, "channels_s32", (1, 3, 2, 5), 3, "s32")
            yield extremum(op, form, "rows_s32", (7, 3), 0, "s32")
        x = quantized(form, (3, 17), 1.0, -3, fill="below:9" if form == "s32" else "full")
        yield Case("TOPK_V2", *kind_of(form, "top_5"), [x, const(np.array(5, np.int32))],
                   [T((), form, x.scale, x.zero), T((), "s32")], ("TopKV2Options", {}),
                   2 if form == "s8" else 1)


NORMAL = {("LOG_SOFTMAX", "s8"): (16 / 256, 127), ("L2_NORMALIZATION", "s8"): (1 / 128, 0),
          ("L2_NORMALIZATION", "u8"): (1 / 128, 128)}


def normal(op, form, name, shape, real, zero=-3):
    """LOG_SOFTMAX, L2_NORMALIZATION: the output quantization is fixed by the operator."""
    y = T((), form)
    if form != "f32":
        scale, y.zero = NORMAL[op, form]
        y.scale = np.float32(scale)
    table = "LogSoftmaxOptions" if op == "LOG_SOFTMAX" else "L2NormOptions"
    return Case(op, form, name, [quantized(form, shape, real, zero)], [y], (table, {}),
                2 if form == "s8" else 1, ulp=8 if op == "LOG_SOFTMAX" and form == "f32" else 0)


def reduce_more_cases():
    for form in ("f32", "s8", "s16"):
        for name, shape, axes, keep in (("hw_keep", (1, 3, 4, 5), (1, 2), True),
                                        ("last", (3, 8), (-1,), False)):
            x = quantized(form, shape, 3.0, -3)
            yield Case("REDUCE_MIN", form, name, [x, ob.ints(*axes)],
                       [T((), form, x.scale, x.zero)],
                       ("ReducerOptions", dict(keepDims=keep)), BY_FORM[form])
            yield Case("REDUCE_PROD", form, name, [x, ob.ints(*axes)],
                       [quantized(form, (), 2.0, 9)], ("ReducerOptions", dict(keepDims=keep)),
                       1 if form == "f32" else 2)
    for op in ("SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):  # of shapes, in Keras models
        yield Case(op, "any", "s32_rank1", [T((4,), "s32", fill="below:9"), ob.ints(0)],
                   [T((), "s32")], ("ReducerOptions", dict(keepDims=False)))
    for op in ("REDUCE_ANY", "REDUCE_ALL"):
        yield Case(op, "any", "axis_1", [T((5, 3), "bool"), ob.ints(1)], [T((), "bool")],
                   ("ReducerOptions", dict(keepDims=False)))
    for form in ("f32", "s8"):
        yield normal("LOG_SOFTMAX", form, "10_classes", (2, 10), 4.0)
        yield normal("LOG_SOFTMAX", form, "rank4", (2, 1, 3, 17), 8.0)
        yield normal("LOG_SOFTMAX", form, "wide", (2, 33), 30.0)
    for form in ("f32", "s8", "u8"):
        yield normal("L2_NORMALIZATION", form, "rows", (3, 17), 2.0)
        yield normal("L2_NORMALIZATION", form, "rank4", (1, 2, 3, 8), 2.0)


def make_cases():
    three = const(np.array(3, np.int32))
    for form, on, off in (("f32", 1.5, -0.5), ("s32", 7, -1)):
        values = [const(np.array(v, ob.TYPES[form][0])) for v in (on, off)]
        kind = ("any", "s32_depth_3") if form == "s32" else (form, "depth_3")
        yield Case("ONE_HOT", *kind, [T((2, 5), "s32", fill="below:4"), three, *values],
                   [T((), form)],
                   ("OneHotOptions", dict(axis=-1)))
    yield Case("ZEROS_LIKE", "f32", "rank2", [T((2, 3), "f32")], [T((), "f32")],
               ("ZerosLikeOptions", {}), constant=True)
    for form in ("f32", "s8", "s32"):
        value = T((), form, *((0.05, -7) if form == "s8" else (None, 0)),
                  fill="below:9" if form == "s32" else "full")
        kind = ("any", "s32_2x3") if form == "s32" else (form, "2x3")
        yield Case("FILL", *kind, [ob.ints(2, 3), value], [T((), form, value.scale, value.zero)],
                   ("FillOptions", {}), 3 if form == "s8" else 1, constant=True)
    rng = ob.rng_for("EMBEDDING_LOOKUP", "any", "tables")
    ids = T((5,), "s32", fill="below:7")
    yield Case("EMBEDDING_LOOKUP", "f32", "7x5", [ids, const(rng.normal(0, 1,
                                                                        (7,
                                                                         5)).astype(np.float32))],
               [T((), "f32")])
    codes = rng.integers(-127, 128, (7, 5)).astype(np.int8)
    yield Case("EMBEDDING_LOOKUP", "hybrid", "7x5", [ids, const(codes, scale=np.float32(0.02))],
               [T((), "f32")], version=3)
    scales = (0.02 * np.exp2(rng.uniform(-2, 2, 7))).astype(np.float32)
    yield Case("EMBEDDING_LOOKUP", "hybrid", "7x5_per_row",
               [ids, const(codes, scale=scales, axis=0)],
               [T((), "f32")], version=4)


def cases():
    yield from space_cases()
    yield from repeat_cases()
    yield from search_cases()
    yield from reduce_more_cases()
    yield from make_cases()
