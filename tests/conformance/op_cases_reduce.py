"""Cases of operators that fold many values into few: reductions, pools, SOFTMAX."""
import numpy as np

import op_build as ob
from op_build import ACT, PAD, Case, T
from op_cases_elementwise import quantized

REDUCE_VERSION = {"f32": 1, "s8": 2, "u8": 1, "s16": 3, "s32": 1}


def reduce(op, form, name, shape, axes, *, keep=False, real=4.0, zero=-3, out=None, fill="full"):
    """out = (span, zero point) of the result, or None: as the input."""
    x = quantized(form, shape, real, zero, fill=fill)
    y = T((), form, x.scale, x.zero) if out is None else quantized(form, (), *out)
    return Case(op, form, name, [x, ob.ints(*axes)], [y], ("ReducerOptions", dict(keepDims=keep)),
                REDUCE_VERSION[form])


AXES = [
    ("hw_keep", (1, 5, 3, 17), (1, 2), dict(keep=True)),
    ("hw", (2, 3, 3, 5), (1, 2), {}),
    ("wh_keep_c33", (1, 3, 5, 33), (2, 1), dict(keep=True)),
    ("h", (2, 5, 3, 3), (1,), {}),
    ("channels", (1, 3, 3, 17), (3,), dict(keep=True)),
    ("last_negative", (3, 8), (-1,), {}),
    ("all", (2, 3, 5), (0, 1, 2), {}),
    ("batch", (3, 17), (0,), {}),
    ("repeated_axis", (2, 3, 5), (1, 1), dict(keep=True)),
    ("one_element", (1, 1, 1, 5), (1, 2), {}),
]


def reduction_cases():
    for form in ("f32", "s8", "u8", "s16"):
        for name, shape, axes, kw in AXES if form != "u8" else AXES[:3]:
            yield reduce("MEAN", form, name, shape, axes, **kw)
            yield reduce("REDUCE_MAX", form, name, shape, axes, **kw)
        if form != "f32":
            yield reduce("MEAN", form, "rescaled", (2, 5, 3, 8), (1, 2), keep=True, out=(1.3, 17))
            yield reduce("MEAN", form, "rescaled_over_1", (2, 5, 3, 8), (2,), out=(1.5, -9))
            yield reduce("MEAN", form, "many", (1, 37, 29, 1), (1, 2), out=(0.3, 4))
    yield reduce("MEAN", "s8", "zero_points", (2, 5, 3, 8), (1, 2), zero=127, out=(3.0, 127))
    for name, shape, axes, kw in AXES:
        yield reduce("SUM", "f32", name, shape, axes, **kw)


def pool(op, form, name, shape, k, *, stride=None, pad="SAME", act="NONE", real=7.0, zero=-3):
    (kh, kw), (sh, sw) = [v if isinstance(v, tuple) else (v, v) for v in (k, stride or k)]
    x = quantized(form, shape, real, zero)
    fields = dict(padding=PAD[pad], strideH=sh, strideW=sw, filterHeight=kh, filterWidth=kw,
                  fusedActivationFunction=ACT[act])
    return Case(op, form, name, [x], [T((), form, x.scale, x.zero)], ("Pool2DOptions", fields),
                REDUCE_VERSION[form])


POOLS = [
    ("2x2_valid", (1, 4, 6, 3), 2, dict(pad="VALID")),
    ("2x2_same_odd", (1, 5, 3, 17), 2, {}),
    ("3x3_s1_same_b2", (2, 4, 3, 5), 3, dict(stride=1)),
    ("3x3_s2_same_relu6", (1, 7, 5, 8), 3, dict(stride=2, act="RELU6")),
    ("3x3_s2_valid_relu", (1, 7, 5, 1), 3, dict(stride=2, pad="VALID", act="RELU")),
    ("2x3_s3x1_n1to1", (1, 7, 5, 3), (2, 3), dict(stride=(3, 1), act="RELU_N1_TO_1")),
    ("global", (1, 5, 5, 17), 5, dict(pad="VALID")),
    ("5x5_over_image", (1, 2, 3, 3), 5, dict(stride=1)),
]


def pool_cases():
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for form in ("f32", "s8", "u8", "s16"):
            for name, shape, k, kw in POOLS if form != "u8" else POOLS[:4]:
                yield pool(op, form, name, shape, k, **kw)
        yield pool(op, "s8", "zero_point_low_relu", (1, 5, 5, 3), 3, stride=2, act="RELU",
                   zero=-128)
        yield pool(op, "s8", "zero_point_high", (1, 5, 5, 3), 3, stride=2, zero=127)


SOFTMAX_OUT = {"f32": (None, 0), "s8": (1 / 256, -128), "u8": (1 / 256, 0), "s16": (1 / 32768, 0)}


def softmax(form, name, shape, *, beta=1.0, real=8.0, zero=-3, fill="full"):
    scale, z = SOFTMAX_OUT[form]
    y = T((), form, None if scale is None else np.float32(scale), z)
    return Case("SOFTMAX", form, name, [quantized(form, shape, real, zero, fill=fill)], [y],
                ("SoftmaxOptions", dict(beta=beta)), {"f32": 1, "s8": 2, "u8": 1, "s16": 3}[form],
                ulp=4 if form == "f32" else 0)


def softmax_cases():
    for form in ("f32", "s8", "u8", "s16"):
        yield softmax(form, "10_classes", (1, 10))
        yield softmax(form, "2_classes", (3, 2))
        if form == "f32":
            yield softmax(form, "1_class_b3", (3, 1))
        yield softmax(form, "rank4", (2, 1, 3, 17))
        yield softmax(form, "rank3", (2, 3, 5))
        yield softmax(form, "beta_half", (2, 33), beta=0.5)
        yield softmax(form, "beta_3", (2, 33), beta=3.0)
        yield softmax(form, "narrow_span", (2, 33), real=0.5)
        yield softmax(form, "wide_span", (2, 33), real=60.0)
        # From a sum of exponentials of 512 on (512 equal values do it) the 8-bit reference shifts
        # by more than 31 and aborts the process: no uniform runs here.
        case = softmax(form, "1001_classes", (1, 1001), real=11.0)
        case.runs = 1
        yield case
    # Found by search: beta * scale is formed in float; the double product answers otherwise.
    case = softmax("s16", "beta_float_product", (1, 400), beta=7.849999904632568, real=1.3)
    case.runs = 1
    yield case


def cases():
    yield from reduction_cases()
    yield from pool_cases()
    for case in softmax_cases():
        case.constant = case.name == "1_class_b3"
        yield case
