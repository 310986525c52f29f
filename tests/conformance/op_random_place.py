"""Random cases of operators that put, find and combine elements, and of what detection models need.

Each draw is one LiteRT accepts, so the goldens are draws too: GOLDENS of each operator and form.
"""
from flatbuffers import flexbuffers
import numpy as np

import op_build as ob
from op_random import Generator, one_in, pick, span, up_to

GOLDENS = 2
ANY = ("f32", "s32", "s8", "u8", "s64")


def t(shape, type_, **kw):
    return ob.T(tuple(int(d) for d in shape), type_, **kw)


def shape_of(r, least=1, most=4, dim=6):
    return tuple(up_to(r, dim) for _ in range(r.integers(least, most + 1)))


def case(op, form, name, inputs, outputs, options=(None, {}), **kw):
    return ob.Case(op, form, name, inputs, outputs, options, **kw)


def index(r, below, shape, type_="s32"):
    """A constant of indices below a number."""
    return ob.const(r.integers(0, below, shape).astype(ob.TYPES[type_][0]))


def draw_where(op, form, name, r):
    type_ = pick(r, ("bool", "f32", "s32", "s64", "s8", "u8", "u32"))
    x = t(shape_of(r), type_, fill="whole" if type_ == "f32" else "below:2")
    return case(op, form, name, [x], [t((), "s64")], version=2, runs=1, constant=True)


def draw_unique(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s64", "s8", "u8", "s16"))
    x = t((up_to(r, 30),), type_, fill="whole" if type_ == "f32" else "below:7")
    wide = one_in(r, 2)
    fields = dict(idxOutType=ob.TYPES["s64" if wide else "s32"][1])
    return case(op, form, name, [x], [t((), type_), t((), "s64" if wide else "s32")],
                ("UniqueOptions", fields), runs=1, constant=True)


def draw_reverse_sequence(op, form, name, r):
    shape = shape_of(r, 2)
    a, b = (int(d) for d in r.permutation(len(shape))[:2])
    lengths = r.integers(0, shape[a] + 1, shape[b])
    type_ = pick(r, ("f32", "s32", "s16", "u8", "s64"))
    return case(op, form, name,
                [t(shape, type_), ob.const(lengths.astype(pick(r, (np.int32, np.int64))))],
                [t(shape, type_)], ("ReverseSequenceOptions", dict(seqDim=a, batchDim=b)),
                constant=True)


def draw_matrix_diag(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s16", "u8", "s8", "s64"))
    if op == "MATRIX_DIAG":
        return case(op, form, name, [t(shape_of(r, 1, 3), type_)], [t((), type_)],
                    ("MatrixDiagOptions", {}), constant=True)
    shape = shape_of(r, 2)
    diagonal = shape[:-2] + (min(shape[-2:]),)
    return case(op, form, name, [t(shape, type_), t(diagonal, type_)], [t(shape, type_)],
                ("MatrixSetDiagOptions", {}), constant=True)


def draw_scatter_nd(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "u8", "s8", "s64", "bool"))
    shape = shape_of(r, 1, 4)
    depth = up_to(r, len(shape))
    outer = shape_of(r, 1, 2)
    indices = np.stack([r.integers(0, shape[i], outer) for i in range(depth)], -1)
    return case(op, form, name, [ob.const(indices.astype(np.int32)),
                                 t(outer + shape[depth:], type_, fill="unit"),
                                 ob.ints(*shape)], [t((), type_)], ("ScatterNdOptions", {}),
                constant=True)


def draw_sparse_to_dense(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "u8", "s8", "s64"))
    shape = shape_of(r, 1, 4)
    count = up_to(r, 6)
    flat = r.permutation(int(np.prod(shape)))[:count]
    indices = np.stack(np.unravel_index(np.sort(flat), shape), -1)
    if len(shape) == 1 and one_in(r, 2):
        indices = indices[:, 0]
    wide = pick(r, (np.int32, np.int64))
    values = t(() if one_in(r, 3) else (len(indices),), type_)
    return case(op, form, name,
                [ob.const(indices.astype(wide)), ob.const(np.array(shape, wide)), values,
                 ob.const(ob.TYPES[type_][0](3))], [t((), type_)],
                ("SparseToDenseOptions", {}), version=3, constant=True)


def draw_update(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s8", "s64", "s16", "bool"))
    shape = shape_of(r)
    part = tuple(up_to(r, d) for d in shape)
    start = np.array([int(r.integers(-2, d + 2)) for d in shape], pick(r, (np.int32, np.int64)))
    return case(op, form, name, [t(shape, type_), t(part, type_), ob.const(start)],
                [t(shape, type_)], ("DynamicUpdateSliceOptions", {}), version=4, constant=True)


def draw_segment(op, form, name, r):
    type_ = {"f32": "f32", "any": "s32"}[form]
    shape = shape_of(r, 1, 3)
    if op == "SEGMENT_SUM":
        ids = np.cumsum(r.integers(0, 2, shape[0]))
        return case(op, form, name, [t(shape, type_), ob.const((ids - ids[0]).astype(np.int32))],
                    [t((), type_)], ("SegmentSumOptions", {}), constant=True, resolver="BUILTIN")
    ids_rank = up_to(r, len(shape))
    segments = up_to(r, 6)
    ids = r.integers(-1, segments, shape[:ids_rank]).astype(np.int32)
    table = "UnsortedSegment" + op.rsplit("_", 1)[1].capitalize() + "Options"
    return case(op, form, name, [t(shape, type_), ob.const(ids), ob.const(np.int32(segments))],
                [t((), type_)], (table, {}), constant=True)


SIZES = {"f32": 4, "s32": 4, "u32": 4, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "s64": 8, "f64": 8}


def draw_bitcast(op, form, name, r):
    a, b = pick(r, ("s32", "u32", "s8", "u8", "s16", "u16", "s64", "f32")), pick(r, tuple(SIZES))
    shape = shape_of(r, 1, 3)
    if SIZES[a] < SIZES[b]:
        shape += (SIZES[b] // SIZES[a],)
    if b in ("f32", "f64") and a != "f32":  # no patterns that are NaN
        b = {4: "s32", 8: "s64"}[SIZES[b]]
    return case(op, form, name, [t(shape, a)], [t((), b)], ("BitcastOptions", {}), constant=True)


def draw_bits(op, form, name, r):
    type_ = pick(r, ("s8", "u8", "s16", "u16", "s32", "u32"))
    full = shape_of(r, 1, 4)
    a, b = (tuple(1 if one_in(r, 4) else d for d in full) for _ in range(2))
    table = {"BITWISE_XOR": "BitwiseXorOptions", "RIGHT_SHIFT": "RightShiftOptions"}[op]
    shift = t(b, type_, fill=pick(r, ("full", "below:9")) if op == "RIGHT_SHIFT" else "full")
    return case(op, form, name, [t(a, type_), shift], [t((), type_)], (table, {}), constant=True)


def draw_bucketize(op, form, name, r):
    type_ = pick(r, ("f32", "s32", "s64", "f64"))
    bounds = np.sort(r.integers(-9, 9, up_to(r, 9))).astype(np.float32)
    x = t(shape_of(r), type_, fill=pick(r, ("whole", "full")) if type_[0] == "f" else "small")
    return case(op, form, name, [x], [t((), "s32")],
                ("BucketizeOptions", dict(boundaries=bounds)), constant=True)


def draw_sign(op, form, name, r):
    type_ = pick(r, ("f32", "f64", "s32"))
    return case(op, form, name, [t(shape_of(r), type_, fill=pick(r, ("full", "small" if type_ == "s32"
                                                                  else "whole")))],
                [t((), type_)], ("SignOptions", {}), version=2, constant=True)


def draw_atan2(op, form, name, r):
    type_ = pick(r, ("f32", "f64"))
    shape = shape_of(r)
    return case(op, form, name, [t(shape, type_), t(shape, type_, fill=pick(r, ("full", "whole")))],
                [t((), type_)], ("ATan2Options", {}), ulp=1, constant=True)


def draw_complex(op, form, name, r):
    return case(op, form, name, [t(shape_of(r), "c64")], [t((), "f32")],
                ulp=1 if op == "COMPLEX_ABS" else 0, constant=True)


def draw_rfft2d(op, form, name, r):
    """Lengths below, equal to and above what the input has; sums of cancelling terms need a bound. For a width
    of 1 LiteRT's answer is no spectrum: it reads past the row."""
    shape = shape_of(r, 2, 3, 17)
    return case(op, form, name, [t(shape, "f32"), ob.ints(2 ** int(r.integers(5)), 2 ** int(r.integers(1, 6)))],
                [t((), "c64")], ("Rfft2dOptions", {}), bound=1e-6, constant=True)


def draw_lrn(op, form, name, r):
    fields = dict(radius=up_to(r, 5), bias=span(r, -2, 2), alpha=span(r, -6, 1),
                  beta=float(r.uniform(0.1, 1)))
    shape = (up_to(r, 2), up_to(r, 4), up_to(r, 4), up_to(r, 17))
    return case(op, form, name, [t(shape, "f32")], [t((), "f32")],
                ("LocalResponseNormalizationOptions", fields), ulp=4)


def draw_fake_quant(op, form, name, r):
    fields = dict(min=-span(r), max=span(r), numBits=pick(r, (2, 4, 8, 8, 16)))
    return case(op, form, name, [t(shape_of(r), "f32")], [t((), "f32")],
                ("FakeQuantOptions", fields), constant=True)


def draw_dilate(op, form, name, r):
    type_ = pick(r, ANY)
    shape = shape_of(r, 1, 4, 4)
    return case(op, form, name, [t(shape, type_), ob.ints(*(up_to(r, 3) for _ in shape)),
                                 ob.const(ob.TYPES[type_][0](7))], [t((), type_)],
                ("DilateOptions", {}), constant=True)


def draw_broadcast_args(op, form, name, r):
    full = shape_of(r, 1, 6)
    a = [1 if one_in(r, 3) else d for d in full]
    b = [1 if one_in(r, 3) else d for d in full][int(r.integers(len(full))):]
    wide = pick(r, (np.int32, np.int64))
    return case(op, form, name, [ob.const(np.array(a, wide)), ob.const(np.array(b, wide))],
                [t((), "s32" if wide == np.int32 else "s64")], constant=True, runs=1)


def draw_conv3d(op, form, name, r):
    kernel, stride = ([up_to(r, 3) for _ in range(3)] for _ in range(2))
    x = [up_to(r, 2), *(2 + up_to(r, 4) for _ in range(3)), up_to(r, 5)]
    out_c, same = up_to(r, 5), one_in(r, 2)
    fields = dict(padding=ob.PAD["SAME" if same else "VALID"],
                  fusedActivationFunction=pick(r, tuple(ob.ACT.values())))
    for axis, s in zip("DHW", stride):
        fields["stride" + axis] = s
    w = lambda *shape: ob.const(r.normal(0, 0.5, shape).astype(np.float32))
    bias = [w(out_c)] if one_in(r, 2) else []
    if op == "CONV_3D":
        tensors = [t(x, "f32"), w(*kernel, x[4], out_c), *bias]
    else:
        sides = [(n - 1) * s + (1 if same else k) for n, s, k in zip(x[1:4], stride, kernel)]
        tensors = [ob.ints(x[0], *sides, out_c), w(*kernel, out_c, x[4]), t(x, "f32"), *bias]
    return case(op, form, name, tensors, [t((), "f32")], ("Conv3DOptions", fields), bound=1e-6)


def draw_range(op, form, name, r):
    type_ = {"f32": "f32", "any": pick(r, ("s32", "s64"))}[form]
    cast = ob.TYPES[type_][0]
    delta = float(pick(r, (1, 2, 3, -1, -2))) * (0.37 if form == "f32" else 1)
    start = float(r.integers(-9, 9))
    ends = start, start + delta * up_to(r, 9), delta
    return case(op, form, name, [ob.const(cast(v)) for v in ends], [t((), type_)],
                ("RangeOptions", {}), runs=1, constant=True)


def draw_rank(op, form, name, r):
    return case(op, form, name, [t(shape_of(r, 1, 6, 3), pick(r, ANY))], [t((), "s32")],
                ("RankOptions", {}), runs=1, constant=True)


def draw_l2_pool(op, form, name, r):
    fields = dict(padding=pick(r, tuple(ob.PAD.values())), strideW=up_to(r, 3), strideH=up_to(r, 3),
                  filterWidth=up_to(r, 3), filterHeight=up_to(r, 3),
                  fusedActivationFunction=pick(r, tuple(ob.ACT.values())))
    shape = (up_to(r, 2), 2 + up_to(r, 6), 2 + up_to(r, 6), up_to(r, 9))
    return case(op, form, name, [t(shape, "f32", fill="unit")], [t((), "f32")],
                ("Pool2DOptions", fields))


def boxes(r, n):
    corner = r.uniform(0, 1, (n, 2))
    return np.concatenate([corner, corner + r.uniform(0.05, 0.5, (n, 2))], 1).astype(np.float32)


def draw_nms(op, form, name, r):
    n, most = up_to(r, 40), up_to(r, 12)
    inputs = [ob.const(boxes(r, n)), t((n,), "f32", fill="unit"), ob.const(np.int32(most)),
              ob.const(np.float32(r.uniform(0.05, 0.9))), ob.const(np.float32(r.uniform(-0.5, 0.3)))]
    outputs = [t((), "s32"), t((), "s32")]
    if op.endswith("V5"):
        inputs.append(ob.const(np.float32(pick(r, (0.0, r.uniform(0.1, 1))))))
        outputs.insert(1, t((), "f32"))
    return case(op, form, name, inputs, outputs,
                ("NonMaxSuppression" + op[-2:] + "Options", {}), ulp=2, constant=True)


def draw_detection(op, form, name, r):
    """Regular, or fast with room for every detection: LiteRT leaves the rest of the memory as it is."""
    n, classes, background = 4 + up_to(r, 30), up_to(r, 5), int(one_in(r, 2))
    regular = one_in(r, 2)
    options = dict(max_detections=up_to(r, 10), max_classes_per_detection=1, num_classes=classes,
                   detections_per_class=up_to(r, 10), use_regular_nms=regular,
                   nms_score_threshold=float(r.uniform(-1, 0.2)) if regular else -9.0,
                   nms_iou_threshold=float(r.uniform(0.2, 1)) if regular else 1.0,
                   y_scale=10.0, x_scale=10.0, h_scale=5.0, w_scale=5.0)
    if not regular:
        options["max_detections"] = min(options["max_detections"], n)
    anchors = np.concatenate([r.uniform(0, 1, (n, 2)), r.uniform(0.1, 0.6, (n, 2))], 1)
    if form == "u8":
        q = dict(scale=0.05, zero=128)
        inputs = [t((1, n, 4), "u8", **q), t((1, n, classes + background), "u8", scale=1 / 256),
                  ob.const((anchors * 255).astype(np.uint8), scale=1 / 255)]
    else:
        inputs = [t((1, n, 4), "f32", fill="unit"),
                  t((1, n, classes + background), "f32", fill="unit"),
                  ob.const(anchors.astype(np.float32))]
    return case(op, form, name, inputs, [t((), "f32") for _ in range(4)],
                custom=bytes(flexbuffers.Dumps(options)), runs=1, ulp=4, constant=True)


SEGMENTS = tuple("UNSORTED_SEGMENT_" + k for k in ("SUM", "PROD", "MAX", "MIN"))
DRAWS = [
    (("WHERE",), ("any",), draw_where),
    (("UNIQUE",), ("any",), draw_unique),
    (("REVERSE_SEQUENCE",), ("any",), draw_reverse_sequence),
    (("MATRIX_DIAG", "MATRIX_SET_DIAG"), ("any",), draw_matrix_diag),
    (("SCATTER_ND",), ("any",), draw_scatter_nd),
    (("SPARSE_TO_DENSE",), ("any",), draw_sparse_to_dense),
    (("DYNAMIC_UPDATE_SLICE",), ("any",), draw_update),
    (("SEGMENT_SUM", *SEGMENTS), ("f32", "any"), draw_segment),
    (("BITCAST",), ("any",), draw_bitcast),
    (("BITWISE_XOR", "RIGHT_SHIFT"), ("any",), draw_bits),
    (("BUCKETIZE",), ("any",), draw_bucketize),
    (("SIGN",), ("any",), draw_sign),
    (("ATAN2",), ("any",), draw_atan2),
    (("REAL", "IMAG", "COMPLEX_ABS"), ("any",), draw_complex),
    (("RFFT2D",), ("any",), draw_rfft2d),
    (("LOCAL_RESPONSE_NORMALIZATION",), ("f32",), draw_lrn),
    (("FAKE_QUANT",), ("f32",), draw_fake_quant),
    (("DILATE",), ("any",), draw_dilate),
    (("BROADCAST_ARGS",), ("any",), draw_broadcast_args),
    (("L2_POOL_2D",), ("f32",), draw_l2_pool),
    (("CONV_3D", "CONV_3D_TRANSPOSE"), ("f32",), draw_conv3d),
    (("RANGE",), ("f32", "any"), draw_range),
    (("RANK",), ("any",), draw_rank),
    (("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5"), ("f32",), draw_nms),
    (("TFLite_Detection_PostProcess",), ("f32", "u8"), draw_detection),
]


def pairs():
    """Every (operator, form, draw function)."""
    return [(op, form, draw) for ops, forms, draw in DRAWS for op in ops for form in forms]


def drawn(pairs_, count):
    return [draw(op, form, f"drawn_{i}", Generator(ob.rng_for(op, form, f"drawn_{i}")))
            for op, form, draw in pairs_ for i in range(count)]


def cases():
    return drawn(pairs(), GOLDENS)
