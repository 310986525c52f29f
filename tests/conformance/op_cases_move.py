"""Cases of operators that move values without arithmetic, and of RESIZE_*."""
import numpy as np

import op_build as ob
from op_build import Case, T, const

Q = {"f32": (None, 0), "s8": (0.05, -7), "u8": (0.05, 121), "s16": (0.0003, 0), "s32": (None, 0),
     "s64": (None, 0), "bool": (None, 0), "f16": (None, 0)}


def like(form, shape):
    return T(shape, form, *Q[form])


def move(op, form, name, shape, consts=(), options=(None, {}), version=1, outputs=1, first=(),
         **kw):
    """One data input of `shape`; constants before (first) and after it; outputs alike the input.

    Two runs: values only move, so that extremes tell nothing.
    """
    case = Case(op, form, name, [*first, like(form, shape), *consts],
                [like(form, ()) for _ in range(outputs)], options, version, runs=2, **kw)
    if form not in ("f32", "s8", "u8", "s16"):
        case.form, case.name = "any", f"{form}_{name}"
    return case


FORMS = ("f32", "s8", "s16", "u8")
BY_FORM = {"f32": 1, "u8": 1, "s8": 2, "s16": 3}


def pairs(*rows):
    return const(np.array(rows, np.int32))


PADDINGS = [
    ("spatial", (1, 3, 4, 3), ((0, 0), (1, 1), (1, 1), (0, 0))),
    ("odd_bottom_right", (2, 3, 3, 5), ((0, 0), (0, 1), (0, 1), (0, 0))),
    ("channels", (1, 2, 3, 5), ((0, 0), (0, 0), (0, 0), (2, 3))),
    ("all_4d", (2, 2, 3, 1), ((1, 0), (2, 1), (0, 3), (1, 2))),
    ("rank2", (3, 5), ((1, 2), (0, 4))),
    ("rank1", (5,), ((3, 1),)),
    ("nothing", (2, 3), ((0, 0), (0, 0))),
]


def pad_cases():
    for form in FORMS:
        version = {"f32": 1, "u8": 1, "s8": 2, "s16": 3}[form]
        for name, shape, rows in PADDINGS:
            yield move("PAD", form, name, shape, [pairs(*rows)], ("PadOptions", {}), version)
        for name, shape, rows in PADDINGS[:5:2]:
            value = const(np.array(3 if form != "f32" else -2.5, ob.TYPES[form][0]))
            value.scale, value.zero = Q[form]
            yield move("PADV2", form, name, shape, [pairs(*rows), value], ("PadV2Options", {}),
                       version)
    yield move("PAD", "s64", "spatial", (1, 3, 4, 3), [pairs((0, 0), (1, 1), (1, 1), (0, 0))],
               ("PadOptions", {}))
    yield move("PAD", "s32", "rank2", (3, 5), [pairs((1, 2), (0, 4))], ("PadOptions", {}))
    case = move("PAD", "f32", "s64_paddings", (3, 5), [const(np.array([[1, 2], [0, 4]], np.int64))],
                ("PadOptions", {}))
    yield case
    for form in ("f32", "s8", "s16"):
        for mode in ("REFLECT", "SYMMETRIC"):
            fields = dict(mode=getattr(ob.schema.MirrorPadMode, mode))
            for name, shape, rows in (("4d", (1, 4, 5, 3), ((0, 0), (2, 1), (1, 3), (0, 1))),
                                      ("rank2", (3, 5), ((1, 2), (0, 4)))):
                yield move("MIRROR_PAD", form, f"{mode.lower()}_{name}", shape, [pairs(*rows)],
                           ("MirrorPadOptions", fields), BY_FORM[form])


def concat(form, name, shapes, axis, act="NONE", same=True):
    inputs = [like(form, s) for s in shapes]
    if not same:
        for i, t in enumerate(inputs):
            t.scale, t.zero = 0.03 + 0.02 * i, t.zero + 3 * i
    fields = dict(axis=axis, fusedActivationFunction=ob.ACT[act])
    case = Case("CONCATENATION", form, name, inputs, [like(form, ())],
                ("ConcatenationOptions", fields), BY_FORM.get(form, 1))
    if form not in FORMS:
        case.form, case.name = "any", f"{form}_{name}"
    return case


def concat_cases():
    for form in (*FORMS, "s32", "s64"):
        yield concat(form, "channels", [(1, 3, 2, 5), (1, 3, 2, 1), (1, 3, 2, 8)], 3)
        yield concat(form, "negative_axis", [(2, 3, 3), (2, 3, 5)], -1)
        yield concat(form, "rows", [(1, 3, 2, 5), (1, 1, 2, 5)], 1)
        yield concat(form, "batch", [(1, 5), (2, 5), (1, 5), (1, 5)], 0)
        yield concat(form, "one_input", [(2, 5)], 1)
    yield concat("u8", "rescaling", [(2, 5), (2, 17), (2, 3)], 1, same=False)
    case = concat("s8", "unequal_scales", [(2, 5), (2, 17)], 1, same=False)
    case.refused = True
    yield case


def reshape_cases():
    for form in (*FORMS, "s32", "s64", "bool"):
        yield move("RESHAPE", form, "flatten", (2, 3, 3, 5), [ob.ints(2, -1)],
                   ("ReshapeOptions", dict(newShape=[2, -1])))
        yield move("RESHAPE", form, "option_only", (2, 3, 5), [],
                   ("ReshapeOptions", dict(newShape=[5, 6])))
    yield move("RESHAPE", "f32", "to_rank5", (2, 12), [ob.ints(1, 2, 3, 2, 2)],
               ("ReshapeOptions", dict(newShape=[1, 2, 3, 2, 2])))
    yield move("RESHAPE", "f32", "to_scalar", (1, 1), [ob.ints()],
               ("ReshapeOptions", dict(newShape=[])))
    for form in ("f32", "s8", "s16", "s32"):
        yield move("SQUEEZE", form, "some", (1, 3, 1, 5), [],
                   ("SqueezeOptions", dict(squeezeDims=[2])))
        yield move("SQUEEZE", form, "negative", (1, 3, 1, 5, 1), [],
                   ("SqueezeOptions", dict(squeezeDims=[-1, 0])))
        yield move("SQUEEZE", form, "all", (1, 3, 1, 5), [],
                   ("SqueezeOptions", dict(squeezeDims=[])))
        for axis in (0, 2, -1):
            yield move("EXPAND_DIMS", form, f"axis_{axis}".replace("-", "minus_"), (2, 3, 5),
                       [const(np.array(axis, np.int32))], ("ExpandDimsOptions", {}))


TRANSPOSES = [("swap", (3, 5), (1, 0)), ("nchw", (1, 3, 4, 5), (0, 3, 1, 2)),
              ("nhwc", (2, 5, 3, 4), (0, 2, 3, 1)),
              ("reverse", (2, 3, 5), (2, 1, 0)), ("identity", (2, 3, 3), (0, 1, 2)),
              ("rank5", (1, 2, 3, 2, 5), (4, 1, 3, 0, 2)), ("negative", (2, 3, 5), (0, -1, 1))]
STRIDED = [
    ("middle", (5, 7), (1, 2), (4, 6), (1, 1), {}),
    ("strides", (1, 7, 8, 3), (0, 1, 0, 0), (1, 7, 8, 3), (1, 2, 3, 1), {}),
    ("negative_stride", (7, 5), (-1, 4), (-8, 0), (-1, -2), {}),
    ("masks", (3, 5, 3), (1, 1, 1), (2, 2, 2), (1, 1, 1), dict(beginMask=1, endMask=4)),
    ("shrink", (3, 5, 3), (1, 0, -1), (2, 5, 0), (1, 1, 1), dict(shrinkAxisMask=5)),
    ("negative_index", (2, 9), (0, -6), (2, -1), (1, 2), {}),
]
SLICES = [("middle", (5, 7), (1, 2), (3, 4)),
          ("to_end", (1, 5, 4, 3), (0, 2, 1, 0), (-1, 3, -1, 2)),
          ("rank3", (2, 3, 17), (1, 0, 5), (1, 3, 8)), ("whole", (3, 5), (0, 0), (-1, -1))]


def slicing_cases():
    for form in ("f32", "s8", "s16", "s32", "s64"):
        short = slice(None) if form in ("f32", "s8", "s16") else slice(0, 2)
        for name, shape, perm in TRANSPOSES[short]:
            version = 4 if len(shape) > 4 else {"s8": 2, "s16": 5}.get(form, 1)
            yield move("TRANSPOSE", form, name, shape, [ob.ints(*perm)], ("TransposeOptions", {}),
                       version)
        for name, shape, begin, end, strides, fields in STRIDED[short]:
            yield move("STRIDED_SLICE", form, name, shape,
                       [ob.ints(*begin), ob.ints(*end), ob.ints(*strides)],
                       ("StridedSliceOptions", fields), 2 if form == "s8" else 1)
        for name, shape, begin, size in SLICES[short]:
            yield move("SLICE", form, name, shape, [ob.ints(*begin), ob.ints(*size)],
                       ("SliceOptions", {}),
                       {"s8": 2, "s16": 4}.get(form, 1))
        for name, shape, axis, n in (("channels", (1, 3, 2, 6), 3, 3),
                                     ("negative_axis", (2, 8), -1, 2),
                                     ("rows", (2, 4, 3), 1, 4)) if form != "s64" else ():
            yield move("SPLIT", form, name, shape, [], ("SplitOptions", dict(numSplits=n)),
                       {"s8": 2, "s32": 3, "s16": 4}.get(form, 1), outputs=n,
                       first=[const(np.array(axis, np.int32))])


def gather(form, name, shape, indices, axis, batch_dims=0, live=False, wide=False):
    kind = np.int64 if wide else np.int32
    index = const(np.array(indices, kind))
    if live:
        index = T(np.shape(indices), "s32", fill=f"below:{shape[axis]}")
    fields = dict(axis=axis, batchDims=batch_dims)
    return move("GATHER", form, name, shape, [index], ("GatherOptions", fields),
                5 if batch_dims else {"s8": 2, "s16": 4}.get(form, 1))


def pack_cases():
    for form in ("f32", "s8", "s16", "s32", "s64"):
        version = {"s8": 2, "s16": 3}.get(form, 1)
        for axis in (0, 1, -1):
            tag = f"axis_{axis}".replace("-", "minus_")
            case = move("PACK", form, tag, (3, 5), [like(form, (3, 5)), like(form, (3, 5))],
                        ("PackOptions", dict(valuesCount=3, axis=axis)), version)
            yield case
            shape = (3, 3, 3)
            yield move("UNPACK", form, tag, shape, [], ("UnpackOptions", dict(num=3, axis=axis)),
                       {"s8": 2, "s16": 4}.get(form, 1), outputs=3, refused=form == "s64")
        yield gather(form, "rows", (5, 3), (4, 0, 0, 2), 0)
        yield gather(form, "axis1", (2, 5, 3), (1, 4, 3), 1)
        yield gather(form, "last_axis", (2, 3, 8), ((7, 0), (3, 3)), 2)
        yield gather(form, "live_indices", (7, 3), (0, 0, 0, 0), 0, live=True)
    yield gather("f32", "batch_dims", (2, 5, 3), ((1, 4), (0, 2)), 1, batch_dims=1)
    yield gather("f32", "s64_indices", (5, 3), (4, 0), 0, wide=True)
    yield gather("f32", "scalar_index", (5, 3), 3, 0)
    for form in ("f32", "s8"):
        for out in ("s32", "s64"):
            case = move("SHAPE", form, f"{form}_to_{out}", (2, 3, 5), [],
                        ("ShapeOptions", dict(outType=ob.TYPES[out][1])))
            case.form, case.outputs = "any", [T((), out)]
            yield case


RESIZES = [
    ("up_2", (1, 3, 4, 3), (6, 8)), ("up_odd", (1, 3, 2, 5), (7, 5)),
    ("down_2", (1, 6, 8, 3), (3, 4)),
    ("down_odd_b2", (2, 7, 5, 3), (3, 4)), ("one_pixel", (1, 1, 1, 3), (3, 5)),
    ("to_one", (1, 5, 3, 8), (1, 1)),
    ("same", (1, 3, 4, 3), (3, 4)),
]
RESIZE_MODES = [("", {}), ("_align", dict(alignCorners=True)),
                ("_half", dict(halfPixelCenters=True))]


def resize_cases():
    for form in FORMS:
        for name, shape, size in RESIZES if form != "u8" else RESIZES[1:5:3]:
            for tag, fields in RESIZE_MODES:
                version = 4 if form == "s16" else 3 if fields else 2 if form == "s8" else 1
                for op, table in (("RESIZE_BILINEAR", "ResizeBilinearOptions"),
                                  ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")):
                    yield move(op, form, name + tag, shape, [ob.ints(*size)], (table, fields),
                               version)


def cases():
    yield from pad_cases()
    yield from concat_cases()
    yield from reshape_cases()
    yield from slicing_cases()
    yield from pack_cases()
    yield from resize_cases()
