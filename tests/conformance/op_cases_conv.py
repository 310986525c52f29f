"""Cases of the operators that multiply by weights: convolutions, FULLY_CONNECTED, BATCH_MATMUL.

One list of geometries per operator serves every form; what only one form can get wrong
(multipliers, zero points, bias widths, hybrid schemes) follows as extra cases of that form.
"""
import numpy as np

import op_build as ob
from op_build import ACT, PAD, Case, T, const

S8_X = dict(scale=np.float32(0.023), zero=-5)
U8_X = dict(scale=np.float32(0.023), zero=121)
S16_X = dict(scale=np.float32(0.00031), zero=0)
BIAS_TYPE = {"s32": ob.schema.TensorType.INT32, "s64": ob.schema.TensorType.INT64}


def activation(form, shape, zx=None, fill="full"):
    """The input tensor of a form."""
    if form in ("f32", "hybrid"):
        return T(shape, "f32", fill=fill)
    q = dict({"s8": S8_X, "u8": U8_X, "s16": S16_X}[form])
    if zx is not None:
        q["zero"] = zx
    return T(shape, form, fill=fill, **q)


def weight(rng, form, shape, axis, scales, small=False):
    """Random weights; scales = 'channel' (differ), 'equal' (one per channel, alike) or 'tensor'."""
    if form == "f32":
        return const(rng.normal(0, 0.5, shape).astype(np.float32))
    n = shape[axis]
    sw = {"channel": 0.004 * np.exp2(rng.uniform(-2, 2, n)), "equal": np.full(n, 0.004),
          "tensor": np.array([0.004])}[scales].astype(np.float32)
    top = 3 if small else 127
    w = rng.integers(-top, top + 1, shape)
    if form == "u8":
        return const((w + 128).astype(np.uint8), scale=sw, zero=131)
    return const(w.astype(np.int8), scale=sw, axis=axis)


def bias_and_output(rng, form, x, w, units, depth, *, bias, gain=1.0, zo=None, bias_range=1.0,
                    multiplier=None):
    """(bias tensor or None, output tensor) that suit x and w.

    bias        None, 'auto' (int32, float, or int64 for s16), 's32' or 's64'.
    multiplier  wanted sx*sw/so instead of the one that fills the output range.
    """
    if form in ("f32", "hybrid"):
        b = const(rng.normal(0, 0.5, units).astype(np.float32)) if bias else None
        return b, T((), "f32")
    sw = float(np.exp(np.mean(np.log(w.scale))))
    full = ob.limits(form)[1] + 1 if form != "u8" else 128
    sigma = float(x.scale) * full * sw * 128 * ob.fan_sigma(depth)
    so = ob.spread(form, sigma) / np.float32(gain)
    if multiplier:
        so = np.float32(float(x.scale) * sw / multiplier)
    y = T((), form, scale=so, zero={"s8": 7, "u8": 119, "s16": 0}[form] if zo is None else zo)
    if not bias:
        return None, y
    width = bias if bias != "auto" else {"s8": "s32", "u8": "s32", "s16": "s64"}[form]
    sb = (np.float32(x.scale) * np.asarray(w.scale, np.float32)).astype(np.float32)
    b = rng.normal(0, 0.5 * sigma * bias_range, units) / np.broadcast_to(sb, (units,))
    b = np.clip(b, -2**31, 2**31 - 1).astype(ob.TYPES[width][0])
    return const(b, scale=sb), y


def pair(v):
    return v if isinstance(v, tuple) else (v, v)


VERSION = {
    "CONV_2D": {"f32": 1, "hybrid": 5, "s8": 3, "u8": 1, "s16": 8},
    "DEPTHWISE_CONV_2D": {"f32": 1, "hybrid": 6, "s8": 3, "u8": 1, "s16": 1},
    "FULLY_CONNECTED": {"f32": 1, "hybrid": 3, "s8": 4, "u8": 1, "s16": 11},
    "TRANSPOSE_CONV": {"f32": 3, "hybrid": 3, "s8": 3, "u8": 3, "s16": 3},
    "BATCH_MATMUL": {"f32": 1, "hybrid": 2, "s8": 2, "s16": 3},
}


def conv(form, name, x, o, k, *, stride=1, dilation=1, pad="SAME", act="NONE", scales="channel",
         groups=1, zx=None, fill="full", small=False, bias="auto", tweak=None, **kw):
    """CONV_2D: x = input shape, o = output channels, k = kernel (h, w) or one number."""
    rng = ob.rng_for("CONV_2D", form, name)
    (kh, kw_), (sh, sw), (dh, dw) = pair(k), pair(stride), pair(dilation)
    depth = kh * kw_ * x[3] // groups
    tx = activation(form, x, zx, fill)
    w = weight(rng, form, (o, kh, kw_, x[3] // groups), 0, scales, small)
    if tweak:
        tweak(w)
    b, y = bias_and_output(rng, form, tx, w, o, depth, bias=bias, **kw)
    fields = dict(padding=PAD[pad], strideH=sh, strideW=sw, dilationHFactor=dh, dilationWFactor=dw,
                  fusedActivationFunction=ACT[act])
    if form == "s16":
        fields["quantizedBiasType"] = BIAS_TYPE["s64" if bias == "auto" else bias]
    return Case("CONV_2D", form, name, [tx, w, b], [y], ("Conv2DOptions", fields),
                VERSION["CONV_2D"][form])


def depthwise(form, name, x, m, k, *, stride=1, dilation=1, pad="SAME", act="NONE",
              scales="channel", zx=None, fill="full", small=False, bias="auto", **kw):
    """DEPTHWISE_CONV_2D: m = depth multiplier."""
    rng = ob.rng_for("DEPTHWISE_CONV_2D", form, name)
    (kh, kw_), (sh, sw), (dh, dw) = pair(k), pair(stride), pair(dilation)
    tx = activation(form, x, zx, fill)
    w = weight(rng, form, (1, kh, kw_, x[3] * m), 3, scales, small)
    b, y = bias_and_output(rng, form, tx, w, x[3] * m, kh * kw_, bias=bias, **kw)
    fields = dict(padding=PAD[pad], strideH=sh, strideW=sw, dilationHFactor=dh, dilationWFactor=dw,
                  depthMultiplier=m, fusedActivationFunction=ACT[act])
    version = VERSION["DEPTHWISE_CONV_2D"][form]
    if version == 1 and form != "s16" and (dh, dw) != (1, 1):
        version = 2
    return Case("DEPTHWISE_CONV_2D", form, name, [tx, w] + ([b] if b is not None else []), [y],
                ("DepthwiseConv2DOptions", fields), version)


def transpose_conv(form, name, x, o, k, out_hw, *, stride=1, pad="SAME", act="NONE",
                   scales="channel", zx=None, bias="auto", **kw):
    """TRANSPOSE_CONV: out_hw = output size, which the operator takes as its first input."""
    rng = ob.rng_for("TRANSPOSE_CONV", form, name)
    (kh, kw_), (sh, sw) = pair(k), pair(stride)
    tx = activation(form, x, zx)
    w = weight(rng, form, (o, kh, kw_, x[3]), 0, scales)
    b, y = bias_and_output(rng, form, tx, w, o, max(1, kh * kw_ * x[3] // (sh * sw)), bias=bias,
                           **kw)
    fields = dict(padding=PAD[pad], strideH=sh, strideW=sw, fusedActivationFunction=ACT[act])
    if form == "s16":
        fields["quantizedBiasType"] = BIAS_TYPE["s64" if bias == "auto" or not bias else bias]
    version = 4 if act != "NONE" else 3 if b is not None else 1 if form == "f32" else 2
    return Case("TRANSPOSE_CONV", form, name,
                [ob.ints(x[0], *out_hw, o), w, tx] + ([b] if b is not None else []), [y],
                ("TransposeConvOptions", fields), version)


def fc(form, name, x, units, *, depth=None, act="NONE", scales=None, keep=False, zx=None,
       fill="full", small=False, bias="auto", asymmetric=False, **kw):
    """FULLY_CONNECTED: depth = weight columns if not the last dimension of x."""
    rng = ob.rng_for("FULLY_CONNECTED", form, name)
    depth = depth or x[-1]
    tx = activation(form, x, zx, fill)
    w = weight(rng, form, (units, depth), 0, scales or "tensor", small)
    b, y = bias_and_output(rng, form, tx, w, units, depth, bias=bias, **kw)
    fields = dict(fusedActivationFunction=ACT[act], keepNumDims=keep,
                  asymmetricQuantizeInputs=asymmetric)
    if form == "s16":
        fields["quantizedBiasType"] = BIAS_TYPE["s64" if bias in ("auto", None) else bias]
    version = VERSION["FULLY_CONNECTED"][form]
    if form == "f32" and keep:
        version = 5
    if form == "hybrid":
        version = 12 if scales == "channel" else 9 if asymmetric else 3
    return Case("FULLY_CONNECTED", form, name, [tx, w, b], [y], ("FullyConnectedOptions", fields),
                version)


def matmul(form, name, a, b, *, adj_x=False, adj_y=False, zx=None, zy=4, asymmetric=False,
           constant=False, gain=1.0, zo=None):
    """BATCH_MATMUL of shapes a and b; constant = the right side is part of the model."""
    rng = ob.rng_for("BATCH_MATMUL", form, name)
    ta = activation(form, a, zx)
    if form == "hybrid":
        tb = const(rng.integers(-127, 128, b).astype(np.int8), scale=np.float32(0.004))
    else:
        tb = activation(form, b, 0 if form == "s16" else zy)
        if constant:
            tb.data = ob.sample(rng, tb, 0, 1)
    depth = a[-2] if adj_x else a[-1]
    y = T((), "f32")
    if form in ("s8", "s16"):
        full = ob.limits(form)[1] + 1
        sigma = (float(ta.scale) * full) * (float(tb.scale) * full) * ob.fan_sigma(depth)
        y = T((), form, scale=ob.spread(form, sigma) / np.float32(gain),
              zero=(0 if form == "s16" else -9) if zo is None else zo)
    fields = dict(adjX=adj_x, adjY=adj_y, asymmetricQuantizeInputs=asymmetric)
    version = 4 if asymmetric else VERSION["BATCH_MATMUL"][form]
    return Case("BATCH_MATMUL", form, name, [ta, tb], [y], ("BatchMatMulOptions", fields), version)


CONV_GEOMETRY = [
    ("1x1_c1_o1", (1, 3, 3, 1), 1, 1, {}),
    ("1x1_c3_o5", (1, 5, 4, 3), 5, 1, dict(act="RELU")),
    ("1x1_c17_o33_b2", (2, 2, 1, 17), 33, 1, {}),
    ("1x1_s2_c8_o3", (1, 7, 5, 8), 3, 1, dict(stride=2)),
    ("3x3_same_c3_o8", (1, 5, 5, 3), 8, 3, dict(act="RELU6")),
    ("3x3_valid_c5_o3", (1, 7, 5, 5), 3, 3, dict(pad="VALID", act="RELU_N1_TO_1")),
    ("3x3_same_s2_even", (1, 6, 6, 3), 5, 3, dict(stride=2)),
    ("3x3_same_s2_odd_b2", (2, 7, 5, 3), 4, 3, dict(stride=2)),
    ("3x3_valid_s3", (1, 9, 8, 3), 5, 3, dict(stride=3, pad="VALID")),
    ("5x5_same_s2x1", (1, 7, 6, 2), 3, 5, dict(stride=(2, 1))),
    ("2x2_same_even_kernel", (1, 5, 6, 3), 8, 2, {}),
    ("1x7_same", (1, 3, 9, 5), 3, (1, 7), {}),
    ("3x3_same_dilation2", (1, 9, 7, 3), 5, 3, dict(dilation=2)),
    ("3x3_valid_dilation1x3", (1, 5, 11, 3), 3, 3, dict(dilation=(1, 3), pad="VALID")),
    ("5x5_kernel_over_image", (1, 3, 2, 3), 5, 5, {}),
    ("3x3_grouped3", (1, 5, 5, 6), 9, 3, dict(groups=3)),
]
DEPTHWISE_GEOMETRY = [
    ("3x3_same_c1_m8", (1, 5, 5, 1), 8, 3, {}),
    ("3x3_same_c3", (1, 5, 7, 3), 1, 3, dict(act="RELU6")),
    ("3x3_same_s2_c5", (1, 7, 7, 5), 1, 3, dict(stride=2)),
    ("3x3_same_s2_even_c8_b2", (2, 6, 6, 8), 1, 3, dict(stride=2)),
    ("3x3_valid_c17", (1, 5, 4, 17), 1, 3, dict(pad="VALID", act="RELU")),
    ("3x3_same_c33", (1, 4, 3, 33), 1, 3, {}),
    ("3x3_same_c3_b2", (2, 4, 3, 3), 1, 3, {}),
    ("5x5_same_c8", (1, 7, 6, 8), 1, 5, {}),
    ("5x5_same_s2_c3", (1, 9, 7, 3), 1, 5, dict(stride=2, act="RELU_N1_TO_1")),
    ("1x1_c5", (1, 3, 3, 5), 1, 1, {}),
    ("3x3_dilation2_c3_m3", (1, 7, 5, 3), 3, 3, dict(dilation=2)),
    ("3x3_valid_dilation3_c2", (1, 9, 9, 2), 1, 3, dict(dilation=3, pad="VALID")),
    ("3x3_s3x1_c5_m2", (1, 8, 5, 5), 2, 3, dict(stride=(3, 1))),
    ("2x4_same_c3", (1, 5, 6, 3), 1, (2, 4), {}),
    ("7x7_kernel_over_image", (1, 4, 3, 3), 1, 7, {}),
]
FC_GEOMETRY = [
    ("1x1", (1, 1), 1, {}),
    ("3_to_5_relu", (1, 3), 5, dict(act="RELU")),
    ("17_to_33_b2", (2, 17), 33, {}),
    ("8_to_17_b3_relu6", (3, 8), 17, dict(act="RELU6")),
    ("33_to_8_n1to1", (2, 33), 8, dict(act="RELU_N1_TO_1")),
    ("100_to_10", (1, 100), 10, {}),
    ("keep_dims_3d", (2, 3, 5), 8, dict(keep=True)),
    ("collapse_3d", (2, 3, 5), 8, {}),
    ("flatten_4d", (2, 2, 2, 3), 5, dict(depth=12)),
    ("no_bias", (2, 17), 5, dict(bias=None)),
    ("one_unit", (3, 8), 1, {}),
]
TRANSPOSE_CONV_GEOMETRY = [
    ("3x3_s2_same_even", (1, 3, 3, 3), 5, 3, (6, 6), dict(stride=2)),
    ("3x3_s2_same_odd", (1, 3, 4, 5), 3, 3, (5, 7), dict(stride=2)),
    ("2x2_s2_valid", (1, 3, 2, 8), 3, 2, (6, 4), dict(stride=2, pad="VALID")),
    ("4x4_s2_same_b2", (2, 3, 3, 3), 4, 4, (6, 6), dict(stride=2)),
    ("3x3_s1_valid_c17", (1, 3, 3, 17), 1, 3, (5, 5), dict(pad="VALID")),
    ("1x1_s1", (1, 3, 3, 3), 5, 1, (3, 3), {}),
    ("3x5_s1x3_valid", (1, 2, 2, 3), 3, (3, 5), (4, 8), dict(stride=(1, 3), pad="VALID")),
    ("5x5_s3_same_no_bias", (1, 2, 3, 3), 3, 5, (6, 9), dict(stride=3, bias=None)),
    ("3x3_s2_relu6", (1, 3, 3, 3), 3, 3, (6, 6), dict(stride=2, act="RELU6")),
]
MATMUL_GEOMETRY = [
    ("2d", (3, 5), (5, 7), {}),
    ("batch3", (3, 2, 8), (3, 8, 5), {}),
    ("adj_x", (2, 5, 3), (2, 5, 4), dict(adj_x=True)),
    ("adj_y", (2, 3, 5), (2, 4, 5), dict(adj_y=True)),
    ("broadcast_right", (2, 3, 3, 5), (1, 5, 4), {}),
    ("constant_right", (2, 3, 17), (17, 5), dict(constant=True)),
    ("blocks", (2, 35, 21), (2, 21, 66), {}),
    ("blocks_adj", (21, 35), (66, 21), dict(adj_x=True, adj_y=True)),
]


def zero_channel(w):
    """One channel all zero, one with a tiny scale, one with a huge one."""
    w.data[0] = 0
    w.scale[1], w.scale[2] = 1e-9, 0.5


def conv_cases():
    for form in ("f32", "s8", "s16", "hybrid"):
        for name, x, o, k, kw in CONV_GEOMETRY:
            kw = dict(kw)
            if form == "hybrid" and name in ("1x1_c17_o33_b2", "3x3_same_c3_o8", "5x5_same_s2x1"):
                kw["scales"] = "equal"
            yield conv(form, name, x, o, k, **kw)
    x = (1, 5, 4, 5)
    yield conv("s8", "zero_points_low_high", x, 8, 3, zx=-128, zo=127)
    yield conv("s8", "zero_points_high_low", x, 8, 3, zx=127, zo=-128, act="RELU")
    yield conv("s8", "per_tensor", x, 8, 3, scales="tensor")
    yield conv("s8", "equal_scales", x, 8, 1, scales="equal")
    yield conv("s8", "multiplier_over_1", x, 5, 1, scales="tensor", multiplier=1.7, fill="small",
               small=True, bias_range=0.0003)
    yield conv("s8", "multiplier_100", x, 5, 1, scales="tensor", multiplier=100.0, fill="small",
               small=True, bias_range=0.00001)
    yield conv("s8", "multiplier_tiny", x, 5, 1, scales="tensor", multiplier=2.0**-23,
               bias_range=10000)
    yield conv("s8", "zero_channel_tiny_scale", x, 5, 1, tweak=zero_channel)
    yield conv("s8", "saturating", x, 17, 3, gain=20)
    yield conv("s16", "bias_s32", x, 8, 3, bias="s32")
    yield conv("s16", "bias_s32_relu6_s2", (1, 7, 6, 3), 5, 3, bias="s32", stride=2, act="RELU6")
    yield conv("s16", "per_tensor", x, 8, 3, scales="tensor")
    yield conv("s16", "multiplier_over_1", x, 5, 1, scales="tensor", multiplier=1.7, fill="small",
               small=True, bias_range=0.0003)
    yield conv("s16", "saturating", x, 17, 3, gain=20)
    yield conv("hybrid", "per_tensor", x, 8, 3, scales="tensor")
    yield conv("hybrid", "equal_zero_image", (2, 4, 4, 3), 5, 3, scales="equal", fill="zero_row")
    yield conv("hybrid", "channel_zero_image", (2, 4, 4, 3), 5, 3, fill="zero_row")
    yield conv("hybrid", "channel_positive", (1, 4, 4, 3), 5, 3, fill="positive")
    yield conv("hybrid", "equal_ties", (1, 4, 4, 3), 5, 1, fill="ties", scales="equal")
    yield conv("hybrid", "channel_ties", (1, 4, 4, 3), 5, 1, fill="ties")
    yield conv("hybrid", "channel_ties_shifted", (1, 4, 4, 3), 5, 1, fill="ties_shifted")
    for name, x, o, k, kw in CONV_GEOMETRY[1:13:3]:
        yield conv("u8", name, x, o, k, scales="tensor", **kw)


def depthwise_cases():
    for form in ("f32", "s8", "s16", "hybrid"):
        for name, x, m, k, kw in DEPTHWISE_GEOMETRY:
            yield depthwise(form, name, x, m, k, **kw)
    x = (1, 5, 4, 5)
    yield depthwise("s8", "zero_points_low_high", x, 1, 3, zx=-128, zo=127)
    yield depthwise("s8", "zero_points_high_low", x, 1, 3, zx=127, zo=-128, act="RELU")
    yield depthwise("s8", "per_tensor", x, 2, 3, scales="tensor")
    yield depthwise("s8", "multiplier_over_1", x, 1, 3, scales="tensor", multiplier=1.7,
                    fill="small", small=True, bias_range=0.0003)
    yield depthwise("s8", "no_bias", x, 1, 3, bias=None)
    yield depthwise("s16", "per_tensor", x, 2, 3, scales="tensor")
    yield depthwise("s16", "no_bias", x, 1, 3, bias=None)
    yield depthwise("hybrid", "equal_scales", x, 1, 3, scales="equal")
    yield depthwise("hybrid", "zero_image", (2, 4, 4, 3), 1, 3, fill="zero_row")
    yield depthwise("hybrid", "positive", x, 2, 3, fill="positive")
    yield depthwise("hybrid", "ties", (1, 4, 4, 3), 1, 3, fill="ties")
    yield depthwise("hybrid", "ties_shifted", (1, 4, 4, 3), 1, 1, fill="ties_shifted")
    yield depthwise("hybrid", "no_bias", x, 1, 3, bias=None)
    for name, x, m, k, kw in DEPTHWISE_GEOMETRY[1:11:3]:
        yield depthwise("u8", name, x, m, k, scales="tensor", **kw)


def fc_cases():
    for form in ("f32", "s8", "s16", "hybrid"):
        for name, x, units, kw in FC_GEOMETRY:
            yield fc(form, name, x, units, **kw)
    x = (2, 17)
    yield fc("s8", "per_channel", x, 8, scales="channel")
    yield fc("s8", "per_channel_no_bias", x, 5, scales="channel", bias=None)
    yield fc("s8", "zero_points_low_high", x, 8, zx=-128, zo=127)
    yield fc("s8", "zero_points_high_low", x, 8, zx=127, zo=-128, act="RELU")
    yield fc("s8", "multiplier_over_1", (2, 5), 8, multiplier=1.7, fill="small", small=True,
             bias_range=0.0003)
    yield fc("s8", "multiplier_half_ties", (4, 3), 8, multiplier=0.5, fill="small", small=True,
             bias_range=0.0003)
    yield fc("s8", "saturating", x, 33, gain=20)
    yield fc("s16", "bias_s32", x, 8, bias="s32")
    yield fc("s16", "per_channel", x, 8, scales="channel")
    yield fc("s16", "per_channel_bias_s32", x, 8, scales="channel", bias="s32", act="RELU")
    yield fc("s16", "multiplier_half_ties", (4, 3), 8, multiplier=0.5, fill="small", small=True,
             bias_range=0.0003)
    yield fc("s16", "saturating", x, 33, gain=20)
    for asymmetric in (False, True):
        tag = "asym" if asymmetric else "sym"
        yield fc("hybrid", f"{tag}_zero_row", (3, 8), 5, fill="zero_row", asymmetric=asymmetric)
        yield fc("hybrid", f"{tag}_ties", (2, 33), 5, fill="ties", asymmetric=asymmetric)
        yield fc("hybrid", f"{tag}_ties_shifted", (2, 33), 5, fill="ties_shifted",
                 asymmetric=asymmetric)
        yield fc("hybrid", f"{tag}_positive", (2, 17), 5, fill="positive", asymmetric=asymmetric)
        yield fc("hybrid", f"{tag}_per_channel", (2, 17), 8, scales="channel",
                 asymmetric=asymmetric)
        yield fc("hybrid", f"{tag}_relu6_keep", (2, 3, 8), 5, act="RELU6", keep=True,
                 asymmetric=asymmetric)
    for name, x, units, kw in FC_GEOMETRY[1:10:3]:
        yield fc("u8", name, x, units, **kw)


def transpose_conv_cases():
    for form in ("f32", "s8", "s16", "hybrid"):
        for name, x, o, k, hw, kw in TRANSPOSE_CONV_GEOMETRY:
            yield transpose_conv(form, name, x, o, k, hw, **kw)
    yield transpose_conv("s8", "per_tensor", (1, 3, 3, 3), 5, 3, (6, 6), stride=2, scales="tensor")
    yield transpose_conv("s8", "zero_points", (1, 3, 3, 3), 5, 3, (6, 6), stride=2, zx=127, zo=-128)
    yield transpose_conv("s16", "bias_s32", (1, 3, 3, 3), 5, 3, (6, 6), stride=2, bias="s32")
    yield transpose_conv("hybrid", "per_tensor", (1, 3, 3, 3), 5, 3, (6, 6), stride=2,
                         scales="tensor")


def matmul_cases():
    for form in ("f32", "s8", "s16"):
        for name, a, b, kw in MATMUL_GEOMETRY:
            yield matmul(form, name, a, b, **kw)
    yield matmul("s8", "zero_points", (2, 3, 5), (2, 5, 4), zx=-128, zy=127, zo=127)
    for asymmetric in (False, True):
        tag = "asym" if asymmetric else "sym"
        yield matmul("hybrid", f"{tag}_2d", (3, 17), (17, 5), asymmetric=asymmetric)
        yield matmul("hybrid", f"{tag}_batch2_adj_y", (2, 3, 8), (2, 5, 8), adj_y=True,
                     asymmetric=asymmetric)


def cases():
    yield from conv_cases()
    yield from depthwise_cases()
    yield from fc_cases()
    yield from transpose_conv_cases()
    yield from matmul_cases()
