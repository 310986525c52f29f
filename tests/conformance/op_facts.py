#!/usr/bin/env python3
"""The formulas of docs/numerics.md as a few lines of numpy, held against LiteRT's reference resolver.

op_facts.py [--only OP] recomputes the operator cases and prints, per operator and form, how many
output values the written formula predicts exactly. It is how a formula is settled before C is
written: a formula that is wrong on any value is not documentation. Exit code 1 on any difference.
"""
import argparse
import collections
import ctypes
import ctypes.util
import math
import sys

import numpy as np

import op_build as ob
import op_cases
from op_build import Case, T

I32 = (-2**31, 2**31 - 1)
LIBM = ctypes.CDLL(ctypes.util.find_library("m"))   # numpy's own exp differs in the last place
LIBM.expf.restype, LIBM.expf.argtypes = ctypes.c_float, [ctypes.c_float]
EXPF = np.vectorize(LIBM.expf, otypes=[np.float32])


# ---------------------------------------------------------------------------------- fixed point

def half_away(x):
    return np.trunc(x + np.copysign(0.5, x))


def quantize_multiplier(d):
    """(m, e) with d = m / 2^31 * 2^e, m a rounded 31-bit fraction."""
    d = float(d)
    if d == 0:
        return 0, 0
    q, e = math.frexp(d)
    m = math.floor(q * 2**31 + 0.5)
    if m == 2**31:
        m, e = 2**30, e + 1
    return (0, 0) if e < -31 else (m, e)


def wrap32(x):
    return ((np.asarray(x, np.int64) + 2**31) & 0xFFFFFFFF) - 2**31


def srdhm(a, b):
    p = np.asarray(a, np.int64) * np.int64(b)
    n = p + np.where(p >= 0, 2**30, 1 - 2**30)
    return np.where((p == 2**62), I32[1], np.sign(n) * (np.abs(n) >> 31))


def rdbp(x, k):
    x = np.asarray(x, np.int64)
    k = np.asarray(k, np.int64)
    mask = (np.int64(1) << k) - 1
    return (x >> k) + ((x & mask) > (mask >> 1) + (x < 0))


def mbqm(x, m, e):
    return rdbp(srdhm(wrap32(np.asarray(x, np.int64) << max(e, 0)), m), max(-e, 0))


def mbqm64(x, m, e):
    m16 = (m + 2**15) >> 16 if m < 0x7FFF0000 else 0x7FFF
    return (np.asarray(x, np.int64) * m16 + (1 << (14 - e))) >> (15 - e)


def zero_based(t, data):
    return data.astype(np.int64) - np.int64(t.zero)


def act_range(y, act):
    low, high = ob.limits(y.type)
    code = lambda f: y.zero + int(half_away(np.float32(f) / np.float32(y.scale)))
    if act == ob.ACT["RELU"]:
        low = max(low, code(0))
    elif act == ob.ACT["RELU6"]:
        low, high = max(low, code(0)), min(high, code(6))
    elif act == ob.ACT["RELU_N1_TO_1"]:
        low, high = max(low, code(-1)), min(high, code(1))
    return low, high


def finish(v, y, act=0):
    low, high = act_range(y, act)
    return np.clip(v + y.zero, low, high).astype(ob.TYPES[y.type][0])


# ------------------------------------------------------------------------------------- operators

def patches(x, kh, kw, o):
    """[n, oh, ow, kh, kw, c] windows of x and a mask of the taps inside the image."""
    n, h, w, c = x.shape
    sh, sw = o["strideH"], o["strideW"]
    dh, dw = o.get("dilationHFactor", 1), o.get("dilationWFactor", 1)
    def axis(size, k, s, d):
        eff = (k - 1) * d + 1
        same = o["padding"] == ob.PAD["SAME"]
        out = (size + s - 1) // s if same else (size + s - eff) // s
        before = max(0, (out - 1) * s + eff - size) // 2
        return np.arange(out)[:, None] * s - before + np.arange(k)[None] * d
    iy, ix = axis(h, kh, sh, dh), axis(w, kw, sw, dw)
    inside = ((iy >= 0) & (iy < h))[:, None, :, None] & ((ix >= 0) & (ix < w))[None, :, None, :]
    got = x[:, np.clip(iy, 0, h - 1)[:, None, :, None], np.clip(ix, 0, w - 1)[None, :, None, :]]
    return got, inside


def channel_requant(acc, x, w, b, y, act):
    """acc [..., channels] to output codes: one multiplier per channel."""
    scales = np.broadcast_to(np.atleast_1d(w.scale), (acc.shape[-1],))
    if b is not None:
        acc = acc + b.data.astype(np.int64)
    out = np.empty(acc.shape, np.int64)
    for c, sw in enumerate(scales):
        m, e = quantize_multiplier(np.float64(np.float32(x.scale)) * np.float64(np.float32(sw))
                                   / np.float64(np.float32(y.scale)))
        wide = b is None or b.type == "s64"
        requant = mbqm64 if x.type == "s16" and wide else mbqm
        out[..., c] = requant(acc[..., c], m, e)
    return finish(out, y, act)


def conv_2d(case, xs):
    x, w, b = case.inputs
    o, y = case.options[1], case.outputs[0]
    q, inside = patches(xs[0].astype(np.int64) - x.zero, w.shape[1], w.shape[2], o)
    q = np.where(inside[None, ..., None], q, 0)
    groups = x.shape[3] // w.shape[3]
    parts = [np.einsum("nyxhwc,ohwc->nyxo", a, f) for a, f in
             zip(np.split(q, groups, -1), np.split(w.data.astype(np.int64), groups, 0))]
    return channel_requant(np.concatenate(parts, -1), x, w, b, y, o["fusedActivationFunction"])


def depthwise(case, xs):
    x, w = case.inputs[:2]
    b = case.inputs[2] if len(case.inputs) > 2 else None
    o, y = case.options[1], case.outputs[0]
    q, inside = patches(xs[0].astype(np.int64) - x.zero, w.shape[1], w.shape[2], o)
    q = np.repeat(np.where(inside[None, ..., None], q, 0), o["depthMultiplier"], -1)
    acc = np.einsum("nyxhwc,hwc->nyxc", q, w.data[0].astype(np.int64))
    if x.type == "s16" and b is not None:
        assert b.type == "s64"
    return channel_requant(acc, x, w, b, y, o["fusedActivationFunction"])


def fully_connected(case, xs):
    x, w, b = case.inputs
    y, scales = case.outputs[0], np.atleast_1d(w.scale).astype(np.float32)
    acc = zero_based(x, xs[0]).reshape(-1, w.shape[1]) @ zero_based(w, w.data).T
    if b is not None:
        acc = acc + b.data
    d = (np.float64(np.float32(x.scale)) * np.float64(scales) / np.float64(np.float32(y.scale)))
    return finish(half_away(acc * d).astype(np.int64), y,
                  case.options[1]["fusedActivationFunction"])


def two(case, xs):
    """Both operands without zero points, and the scales as double."""
    (a, b), y = case.inputs, case.outputs[0]
    data = [t.data if t.data is not None else None for t in (a, b)]
    live = iter(xs)
    va, vb = [next(live) if d is None else d for d in data]
    f = lambda t: np.float64(np.float32(t.scale))
    return va.astype(np.int64) - a.zero, vb.astype(np.int64) - b.zero, f(a), f(b), f(y)


def add_sub(case, xs):
    a, b, s1, s2, so = two(case, xs)
    y, sign = case.outputs[0], -1 if case.op == "SUB" else 1
    act = case.options[1]["fusedActivationFunction"]
    logs = [math.log2(s) for s in (s1, s2, so)]
    if case.form == "s16" and case.options[1]["potScaleInt16"] and all(
            abs(v - round(v)) < 1e-3 for v in logs):
        s = [round(logs[i]) - round(logs[2]) for i in (0, 1)]
        low, high = act_range(y, act)
        out = np.clip(rdbp(a, -s[0]) + sign * rdbp(b, -s[1]), -32768, 32767)
        return np.clip(out, low, high).astype(np.int16)
    left = 15 if case.form == "s16" else 20
    t = 2 * max(s1, s2)
    parts = [mbqm(v << left, *quantize_multiplier(s / t)) for v, s in ((a, s1), (b, s2))]
    raw = parts[0] + sign * parts[1]
    return finish(mbqm(raw, *quantize_multiplier(t / (2**left * so))), y, act)


def mul(case, xs):
    a, b, *_ = two(case, xs)
    (ta, tb), y = case.inputs, case.outputs[0]
    d = np.float32(ta.scale) * np.float32(tb.scale) / np.float32(y.scale)
    return finish(mbqm(a * b, *quantize_multiplier(d)), y,
                  case.options[1]["fusedActivationFunction"])


def mean(case, xs):
    x, axes, y = case.inputs[0], case.inputs[1].data, case.outputs[0]
    dims = tuple({int(a) % len(x.shape) for a in axes})
    n = math.prod(x.shape[d] for d in dims)
    total = xs[0].astype(np.int64).sum(dims, keepdims=case.options[1]["keepDims"])
    m, e = quantize_multiplier(np.float64(np.float32(x.scale)) / np.float64(np.float32(y.scale)))
    shift = min(int(math.log2(n)), 32, 31 + e)
    return finish(mbqm(total - x.zero * n, (m << shift) // n, e - shift), y)


# exp(-2^k) in Q0 for k = -2 .. 4
POWERS_OF_E = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def exp_on_negative(a, bits):
    """exp(a) for a <= 0 in Q(bits), the result in Q0."""
    one = 1 << (31 - bits)
    quarter = one >> 2
    f = (a & (quarter - 1)) - quarter
    x = (f << bits) + 2**28
    x2 = srdhm_each(x, x)
    x3, x4 = srdhm_each(x2, x), srdhm_each(x2, x2)
    poly = rdbp(srdhm(rdbp(x4, 2) + x3, 715827883) + x2, 1)
    r = 1895147668 + srdhm(x + poly, 1895147668)
    rest = f - a
    for k, c in zip(range(-2, 5), POWERS_OF_E):
        if k < bits:
            r = np.where(rest & (1 << (31 - bits + k)), srdhm(r, c), r)
    if bits > 5:
        r = np.where(a < -(32 << (31 - bits)), 0, r)
    return np.where(a == 0, I32[1], r)


def srdhm_each(a, b):
    p = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    n = p + np.where(p >= 0, 2**30, 1 - 2**30)
    return np.sign(n) * (np.abs(n) >> 31)


def one_over_one_plus(a):
    s = int(a) + I32[1]
    h = (s + (1 if s >= 0 else -1)) // 2
    x = 1515870810 + int(srdhm(h, -1010580540))
    for _ in range(3):
        t = 2**29 - int(srdhm(h, x))
        x += max(I32[0], min(I32[1], int(srdhm(x, t)) << 2))
    return max(I32[0], min(I32[1], x << 1))


def reciprocal(x, digits):
    h = 32 - int(x).bit_length()
    return one_over_one_plus((int(x) << h) - 2**31), digits - h


def softmax_8(case, xs):
    x, y = case.inputs[0], case.outputs[0]
    beta = np.float64(np.float32(case.options[1]["beta"]))
    d = min(beta * np.float64(np.float32(x.scale)) * 2**26, 2.0**31 - 1)
    m, left = quantize_multiplier(d)
    low, high = ob.limits(y.type)
    diff_min = -math.floor(31.0 * 2**26 / 2**left)
    rows = xs[0].astype(np.int64).reshape(-1, xs[0].shape[-1])
    out = np.full(rows.shape, low, np.int64)
    for i, row in enumerate(rows):
        delta = row - row.max()
        use = delta >= diff_min
        e = exp_on_negative(srdhm(np.where(use, delta, 0) << left, m), 5)
        r, k = reciprocal(rdbp(e[use], 12).sum(), 12)
        out[i] = np.where(use, np.clip(rdbp(srdhm(e, r), k + 23) + low, low, high), low)
    return out.reshape(xs[0].shape).astype(xs[0].dtype)


def table_16(f, low, high):
    """513 int16 entries of f on [low, high], output range [0, 1] as the SOFTMAX kernel builds them."""
    step, half = (high - low) / 512, (high - low) / 1024
    inv = 65536.0 / 2
    out = np.empty(513, np.int64)
    for i in range(512):
        v = float(half_away(f(low + i * step) * inv))
        mid = float(half_away(f(low + i * step + half) * inv))
        interp = float(half_away((f(low + (i + 1) * step) * inv + v) / 2))
        bias = float(half_away((interp - mid) / 2))
        out[i] = min(max(v - bias, -32768), 32767)
    out[512] = min(max(half_away(f(high) * inv), -32768), 32767)
    return out


def look_up_16(table, v):
    i, o = 256 + (v >> 7), v & 127
    return table[i] + (((table[i + 1] - table[i]) * o + 64) >> 7)


def softmax_16(case, xs):
    x = case.inputs[0]
    exp, inv = table_16(math.exp, -10.0, 0.0), table_16(lambda v: 1 / (1 + v), 0.0, 1.0)
    product = np.float32(x.scale) * np.float32(case.options[1]["beta"])
    m, e = quantize_multiplier(np.float64(product) / (10.0 / 65535.0))
    rows = xs[0].astype(np.int64).reshape(-1, xs[0].shape[-1])
    out = np.empty(rows.shape, np.int64)
    for i, row in enumerate(rows):
        v = np.clip(mbqm(row - row.max(), m, e) + 32767, -32768, 32767)
        ex = look_up_16(exp, v)
        s = int(ex.sum())
        h = 32 - s.bit_length()
        n = ((s << (h - 1)) + 2**13) >> 14
        r = look_up_16(inv, np.array(min(max(n - 98304, -32768), 32767)))
        shift = 31 - h
        out[i] = np.clip((ex * r + (1 << (shift - 1))) >> shift, 0, 32767)
    return out.reshape(xs[0].shape).astype(np.int16)


def quantize(case, xs):
    x, y = case.inputs[0], case.outputs[0]
    if x.type == "f32":
        return finish(half_away(xs[0] / np.float32(y.scale)).astype(np.int64), y)
    if {x.type, y.type} == {"s8", "u8"} and x.scale == y.scale and abs(x.zero - y.zero) == 128:
        return (xs[0].view(np.uint8) ^ 0x80).view(ob.TYPES[y.type][0])
    d = np.float64(np.float32(x.scale)) / np.float64(np.float32(y.scale))
    return finish(mbqm(xs[0].astype(np.int64) - x.zero, *quantize_multiplier(d)), y)


def dequantize(case, xs):
    x = case.inputs[0]
    if x.type == "f16":
        return (xs[0] if xs else x.data).astype(np.float32)
    if np.size(x.scale) > 1:
        shape = [-1 if d == x.axis else 1 for d in range(len(x.shape))]
        return x.scale.reshape(shape) * (xs[0].astype(np.int32) - x.zero).astype(np.float32)
    return (np.float64(np.float32(x.scale)) * (xs[0].astype(np.int64) - x.zero)).astype(np.float32)


def average_pool(case, xs):
    y, o = case.outputs[0], case.options[1]
    q, inside = patches(xs[0].astype(np.int64), o["filterHeight"], o["filterWidth"], o)
    acc = np.where(inside[None, ..., None], q, 0).sum((3, 4))
    n = inside.sum((2, 3))[None, ..., None]
    v = np.where(acc > 0, acc + n // 2, acc - n // 2)
    low, high = act_range(y, o["fusedActivationFunction"])
    return np.clip(np.sign(v) * (np.abs(v) // n), low, high).astype(xs[0].dtype)


def leaky_relu(case, xs):
    x, y = case.inputs[0], case.outputs[0]
    v = xs[0].astype(np.int64) - x.zero
    d = np.float32(x.scale) / np.float32(y.scale)
    alpha = np.float32(x.scale) * np.float32(case.options[1]["alpha"]) / np.float32(y.scale)
    negative = mbqm(v, *quantize_multiplier(abs(alpha))) * (-1 if alpha < 0 else 1)
    return finish(np.where(v >= 0, mbqm(v, *quantize_multiplier(d)), negative), y)


def relu(case, xs):
    x, y = case.inputs[0], case.outputs[0]
    act = {"RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}[case.op]
    d = np.float32(x.scale) / np.float32(y.scale)
    return finish(mbqm(xs[0].astype(np.int64) - x.zero, *quantize_multiplier(d)), y, act)


def lut_8(case, xs):
    one = np.float32(1)
    f = {"TANH": np.tanh, "LOGISTIC": lambda v: one / (one + EXPF(-v)), "EXP": EXPF,
         "ELU": lambda v: np.where(v < 0, np.expm1(v), v)}[case.op]
    x, y = case.inputs[0], case.outputs[0]
    real = np.float32(x.scale) * (xs[0].astype(np.int32) - x.zero).astype(np.float32)
    inverse = np.float32(1) / np.float32(y.scale)
    return finish(half_away(f(real) * inverse).astype(np.int64), y)


def resize_bilinear(case, xs):
    x, size, o = case.inputs[0], case.inputs[1].data, case.options[1]
    def axis(n, out):
        s = (1024 * n + out // 2) // out
        if o.get("alignCorners") and out > 1:
            s = (1024 * (n - 1) + (out - 1) // 2) // (out - 1)
        p = np.arange(out) * s
        if o.get("halfPixelCenters"):
            p = p + s // 2 - 512
        low = np.maximum(np.trunc(p / 1024).astype(np.int64), 0)
        high = np.minimum(np.trunc((p + 1023) / 1024).astype(np.int64), n - 1)
        return low, high, p - 1024 * low
    y0, y1, fy = axis(x.shape[1], size[0])
    x0, x1, fx = axis(x.shape[2], size[1])
    v = xs[0].astype(np.int64)
    at = lambda r, c: v[:, r][:, :, c]
    fy, fx = fy[None, :, None, None], fx[None, None, :, None]
    s = (at(y0, x0) * (1024 - fy) * (1024 - fx) + at(y1, x0) * fy * (1024 - fx)
         + at(y0, x1) * (1024 - fy) * fx + at(y1, x1) * fy * fx)
    r = s + np.where(s > 0, 2**19, -2**19)
    return (np.sign(r) * (np.abs(r) >> 20)).astype(xs[0].dtype)


def hard_swish(case, xs):
    x, y = case.inputs[0], case.outputs[0]
    sx, so, hires = np.float32(x.scale), np.float32(y.scale), np.float32(1 / 128)
    sat = lambda v: np.clip(v, -32768, 32767)
    def srdhm16(a, b):
        p = np.asarray(a, np.int64) * b
        n = p + np.where(p >= 0, 2**14, 1 - 2**14)
        return np.where((a == -32768) & (b == -32768), 32767, np.sign(n) * (np.abs(n) >> 15))
    def m16(d):
        m, e = quantize_multiplier(d)
        return (32767 if m >= 0x7FFF0000 else (m + 2**15) >> 16), e
    m1, e1 = m16(hires * sx / so)
    m2, e2 = m16(hires * sx / np.float32(3.0 / 32768.0))
    v = (xs[0].astype(np.int64) - x.zero) * 128
    p, r = srdhm16(v, m1), v
    if e2 > 0:
        r = sat(r << (e2 - 1))
    r = srdhm16(r, m2)
    if e2 > 0:
        r = sat(r << 1)
    if e2 < 0:
        r = rdbp(r, -e2)
    r = (r + 2**15) >> 1
    q = r * p
    return finish(rdbp(sat(np.sign(q) * (np.abs(q) >> 15)), -e1), y)


def hybrid_row_scale(row, asymmetric):
    """(codes, scale, zero point) of one row of floats."""
    low, high = min(0.0, float(row.min())), max(0.0, float(row.max()))
    if asymmetric:
        if low == high:
            return np.zeros(row.shape, np.int64), np.float32(1), 0
        s = float(np.float32(high - low)) / 255
        za, zb = -128 - low / s, 127 - high / s
        z = za if 128 + abs(low / s) < 127 + abs(high / s) else zb
        z = int(min(max(half_away(z), -128), 127))
        scale = np.float32(s)
        q = half_away(np.float32(z) + row * (np.float32(1) / scale))
        return np.clip(q, -128, 127).astype(np.int64), scale, z
    top = np.float32(np.abs(row).max())
    if top == 0:
        return np.zeros(row.shape, np.int64), np.float32(1), 0
    q = half_away(row * (np.float32(127) / top))
    return np.clip(q, -127, 127).astype(np.int64), top / np.float32(127), 0


def hybrid_fc(case, xs):
    _, w, b = case.inputs
    o, scales = case.options[1], np.atleast_1d(w.scale).astype(np.float32)
    rows = xs[0].reshape(-1, w.shape[1])
    out = np.empty((len(rows), w.shape[0]), np.float32)
    out[:] = b.data if b is not None else 0
    if np.any(rows):
        for i, row in enumerate(rows):
            q, s, z = hybrid_row_scale(row, o["asymmetricQuantizeInputs"])
            acc = (w.data.astype(np.int64) @ (q - z)).astype(np.float32)
            out[i] += acc * (s * scales)
    low, high = {0: (-np.inf, np.inf), 1: (0, np.inf), 2: (-1, 1),
                 3: (0, 6)}[o["fusedActivationFunction"]]
    return np.clip(out, np.float32(low), np.float32(high))


def prelu(case, xs):
    v, alpha, *_ = two(case, xs)
    (x, a), y = case.inputs, case.outputs[0]
    sx, sa, so = (np.float32(t.scale) for t in (x, a, y))
    return finish(np.where(v >= 0, mbqm(v, *quantize_multiplier(sx / so)),
                           mbqm(v * alpha, *quantize_multiplier(sx * sa / so))), y)


def squared_difference(case, xs):
    a, b, s1, s2, so = two(case, xs)
    t = 2 * max(s1, s2)
    d = mbqm(a << 7, *quantize_multiplier(s1 / t)) - mbqm(b << 7, *quantize_multiplier(s2 / t))
    return finish(mbqm(d * d, *quantize_multiplier(t * t / (2**14 * so))), case.outputs[0])


def transpose_conv(case, xs):
    _, w, x = case.inputs[:3]
    b = case.inputs[3] if len(case.inputs) > 3 else None
    o, y = case.options[1], case.outputs[0]
    (oh, ow), (n, h, wd, _) = case.inputs[0].data[1:3], x.shape
    kh, kw = w.shape[1:3]
    same = o["padding"] == ob.PAD["SAME"]
    before = [max(0, (i - 1) * s + k - out) // 2 if same else 0 for i, s, k, out in
              ((h, o["strideH"], kh, oh), (wd, o["strideW"], kw, ow))]
    acc = np.zeros((n, oh, ow, w.shape[0]), np.int64)
    v = xs[0].astype(np.int64) - x.zero
    for iy, ix, ky, kx in np.ndindex(h, wd, kh, kw):
        r, c = iy * o["strideH"] - before[0] + ky, ix * o["strideW"] - before[1] + kx
        if 0 <= r < oh and 0 <= c < ow:
            acc[:, r, c] += v[:, iy, ix] @ w.data[:, ky, kx].astype(np.int64).T
    return channel_requant(acc, x, w, b, y, o["fusedActivationFunction"])


def batch_matmul(case, xs):
    a, b, *_ = two(case, xs)
    (ta, tb), y, o = case.inputs, case.outputs[0], case.options[1]
    a = np.swapaxes(a, -1, -2) if o["adjX"] else a
    b = np.swapaxes(b, -1, -2) if o["adjY"] else b
    d = np.float64(np.float32(ta.scale) * np.float32(tb.scale)) / np.float64(np.float32(y.scale))
    requant = mbqm64 if case.form == "s16" else mbqm
    return finish(requant(a @ b, *quantize_multiplier(d)), y)


def float_clamp(v, act):
    top = np.finfo(np.float32).max
    low, high = {0: (-top, top), 1: (0, top), 2: (-1, 1), 3: (0, 6)}[act]
    return np.clip(v, np.float32(low), np.float32(high))


def float_taps(case, xs, depthwise):
    """Float convolution in the reference's order of additions: ky, kx, input channel; bias last."""
    x, w = case.inputs[:2]
    b = case.inputs[2] if len(case.inputs) > 2 else None
    o = case.options[1]
    q, inside = patches(xs[0], w.shape[1], w.shape[2], o)
    q = np.where(inside[None, ..., None], q, np.float32(0))
    units = w.shape[3] if depthwise else w.shape[0]
    groups = 1 if depthwise else x.shape[3] // w.shape[3]
    total = np.zeros((*q.shape[:3], units), np.float32)
    for ky, kx in np.ndindex(w.shape[1], w.shape[2]):
        if depthwise:
            total += np.repeat(q[..., ky, kx, :], o["depthMultiplier"], -1) * w.data[0, ky, kx]
            continue
        for c in range(w.shape[3]):
            source = np.repeat(np.arange(groups) * w.shape[3] + c, units // groups)
            total += q[..., ky, kx, :][..., source] * w.data[:, ky, kx, c]
    if b is not None:
        total = total + b.data
    return float_clamp(total, o["fusedActivationFunction"])


def conv_f32(case, xs):
    return float_taps(case, xs, False)


def depthwise_f32(case, xs):
    return float_taps(case, xs, True)


def fc_f32(case, xs):
    _, w, b = case.inputs
    rows = xs[0].reshape(-1, w.shape[1])
    total = np.zeros((len(rows), w.shape[0]), np.float32)
    for c in range(w.shape[1]):
        total += rows[:, c:c + 1] * w.data[:, c]
    if b is not None:
        total = total + b.data
    return float_clamp(total, case.options[1]["fusedActivationFunction"])


def hybrid_conv(case, xs):
    """CONV_2D and DEPTHWISE_CONV_2D: one activation scale per batch item."""
    x, w = case.inputs[:2]
    b = case.inputs[2].data if len(case.inputs) > 2 else 0
    o, depth = case.options[1], case.op == "DEPTHWISE_CONV_2D"
    scales = np.atleast_1d(w.scale).astype(np.float32)
    symmetric = not depth and np.all(scales == scales[0]) and x.shape[3] == w.shape[3]
    out = []
    for image in xs[0]:
        q, s, z = hybrid_row_scale(image, not symmetric)
        taps, inside = patches(q[None] - z, w.shape[1], w.shape[2], o)
        taps = np.where(inside[None, ..., None], taps, 0)
        if depth:
            acc = np.einsum("nyxhwc,hwc->nyxc", np.repeat(taps, o["depthMultiplier"], -1),
                            w.data[0].astype(np.int64))
        else:
            groups = x.shape[3] // w.shape[3]
            acc = np.concatenate([np.einsum("nyxhwc,ohwc->nyxo", p, f) for p, f in
                                  zip(np.split(taps, groups, -1),
                                      np.split(w.data.astype(np.int64), groups, 0))], -1)
        acc = acc.astype(np.float32)
        # CONV_2D multiplies twice, the others by the product: the last bit tells.
        out.append((acc * (s * scales) if depth or symmetric else acc * scales * s) + b)
    return float_clamp(np.concatenate(out), o["fusedActivationFunction"])


def sigmoid_table():
    """LiteRT's table of 65536 * sigmoid(i / 24), read back through TANH.

    Scale 2^-11 / 3 makes the kernel's argument 2 * x exactly, so x = 128 * i lands on entry i and the
    answer is T[i] - 32768. About every fourth low entry is one above the rounded formula.
    """
    x = T((255,), "s16", np.float32(2.0**-11 / 3), 0)
    case = Case("TANH", "s16", "table", [x], [T((255,), "s16", np.float32(1 / 32768), 0)],
                version=3)
    codes = (np.arange(255) * 128).astype(np.int16)
    got = ob.run(ob.load(ob.build(case)), [codes])[0].astype(np.int64) + 32768
    return np.append(got, (65535, 65535))


def sigmoid_argument(x, scale, shifts):
    """int16 codes on the table's grid; powers of two in `shifts` above 2^-12 need no rounding."""
    log = math.log2(scale)
    if abs(log - round(log)) < 1e-3 and round(log) + 12 in shifts:
        return x * (3 << (round(log) + 12))
    d, left = float(scale) * 4096 * 3, 0
    while d <= 32767 / 2 and left <= 30:
        d, left = d * 2, left + 1
    return (x * int(d) + ((1 << left) >> 1)) >> left


def sigmoid_16(case, xs):
    x, t = case.inputs[0], sigmoid_table()
    logistic = case.op == "LOGISTIC"
    a = sigmoid_argument(xs[0].astype(np.int64), np.float32(x.scale), (0,) if logistic else (0, 1))
    bits = 9 if logistic else 8
    m = np.abs(a)
    u = np.minimum(m >> bits, 255)
    r = (t[u] << bits) + (m & ((1 << bits) - 1)) * (t[u + 1] - t[u])
    r = np.where(u >= 255, (0x7FFF << 10) if logistic else (0xFFFF << 8), r)
    if logistic:
        return (np.where(a >= 0, r + 512, 2**25 - r + 511) >> 10).astype(np.int16)
    return (np.where(a >= 0, r - 2**23 + 128, 2**23 - r + 127) >> 8).astype(np.int16)


def conv_u8(case, xs):
    """CONV_2D and DEPTHWISE_CONV_2D with uint8 weights: zero point and one multiplier for all."""
    x, w, b = case.inputs
    o, y = case.options[1], case.outputs[0]
    q, inside = patches(zero_based(x, xs[0]), w.shape[1], w.shape[2], o)
    q, f = np.where(inside[None, ..., None], q, 0), zero_based(w, w.data)
    if case.op == "CONV_2D":
        acc = np.einsum("nyxhwc,ohwc->nyxo", q, f)
    else:
        acc = np.einsum("nyxhwc,hwc->nyxc", np.repeat(q, o["depthMultiplier"], -1), f[0])
    d = np.float64(np.float32(x.scale) * np.float32(w.scale[0])) / np.float64(np.float32(y.scale))
    return finish(mbqm(acc + b.data, *quantize_multiplier(d)), y, o["fusedActivationFunction"])


def fc_u8(case, xs):
    x, w, b = case.inputs
    y = case.outputs[0]
    acc = zero_based(x, xs[0]).reshape(-1, w.shape[1]) @ zero_based(w, w.data).T
    d = np.float64(np.float32(x.scale) * np.float32(w.scale[0])) / np.float64(np.float32(y.scale))
    acc = acc + b.data if b is not None else acc
    return finish(mbqm(acc, *quantize_multiplier(d)), y, case.options[1]["fusedActivationFunction"])


def running_sum(values):
    """Float sum over the first axis, strictly in order, from zero."""
    total = np.float32(0)
    for v in values:
        total = total + v
    return total


def transpose_conv_taps(case, v, weights, scale, out_dtype):
    """Scatter in the reference's order: batch, y, x, input channel, ky, kx, output channel."""
    _, w, x = case.inputs[:3]
    o = case.options[1]
    (oh, ow), (n, h, wd, cin) = case.inputs[0].data[1:3], x.shape
    kh, kw = w.shape[1:3]
    same = o["padding"] == ob.PAD["SAME"]
    before = [max(0, (i - 1) * s + k - out) // 2 if same else 0 for i, s, k, out in
              ((h, o["strideH"], kh, oh), (wd, o["strideW"], kw, ow))]
    acc = np.zeros((n, oh, ow, w.shape[0]), out_dtype)
    for iy, ix, c, ky, kx in np.ndindex(h, wd, cin, kh, kw):
        r, s = iy * o["strideH"] - before[0] + ky, ix * o["strideW"] - before[1] + kx
        if 0 <= r < oh and 0 <= s < ow:
            acc[:, r, s] += scale(v[:, iy, ix, c, None] * weights[:, ky, kx, c])
    return acc


def transpose_conv_float(case, xs):
    w, b = case.inputs[1], case.inputs[3].data if len(case.inputs) > 3 else np.float32(0)
    if case.form == "f32":
        acc = transpose_conv_taps(case, xs[0], w.data, lambda p: p, np.float32)
    else:
        scales = np.atleast_1d(w.scale).astype(np.float32)
        rows = [hybrid_row_scale(image, True) for image in xs[0]]
        v = np.stack([q - z for q, _, z in rows])
        s = np.array([r[1] for r in rows], np.float32)[:, None]
        acc = transpose_conv_taps(case, v, w.data.astype(np.int64),
                                  lambda p: p.astype(np.float32) * scales * s, np.float32)
    return float_clamp(acc + b, case.options[1]["fusedActivationFunction"])


def matmul_float(case, xs):
    o = case.options[1]
    a = xs[0]
    b = xs[1] if len(xs) > 1 else case.inputs[1].data
    a = np.swapaxes(a, -1, -2) if o["adjX"] else a
    b = np.swapaxes(b, -1, -2) if o["adjY"] else b
    if case.form == "hybrid":
        sw = np.float32(case.inputs[1].scale)
        out = np.empty((*a.shape[:-1], b.shape[-1]), np.float32)
        b = b.astype(np.int64)
        sums = b.sum(-2).reshape(-1, b.shape[-1])
        lead = [d > 1 for d in (1,) * (a.ndim - b.ndim) + b.shape[:-2]]
        b = np.broadcast_to(b, (*a.shape[:-2], *b.shape[-2:]))
        flat = a.reshape(-1, a.shape[-1])
        rows = [hybrid_row_scale(r, o["asymmetricQuantizeInputs"]) for r in flat]
        for n, i in enumerate(np.ndindex(*a.shape[:-1])):
            # LiteRT steps by one matrix for every batch axis through scales and weight sums: with
            # two batch axes over 1 it takes those of matrix b0 + b1.
            _, s, z = rows[sum(i[:-1]) * a.shape[-2] + i[-1]]
            weight_sums = sums[sum(k for k, on in zip(i[:-1], lead) if on)]
            out[i] = (rows[n][0] @ b[i[:-1]] - z * weight_sums).astype(np.float32) * (s * sw)
        return out
    return running_sum([a[..., k, None] * b[..., k, :][..., None, :] for k in range(a.shape[-1])])


def mean_float(case, xs):
    """Sums in memory order, then one division by the count (as float)."""
    x, axes = case.inputs[0], case.inputs[1].data
    dims = sorted({int(a) % len(x.shape) for a in axes})
    order = dims + [d for d in range(len(x.shape)) if d not in dims]
    n = math.prod(x.shape[d] for d in dims)
    flat = np.transpose(xs[0], order).reshape(n, -1)
    total = running_sum(flat)
    return total if case.op == "SUM" else total / np.float32(n)


def average_pool_float(case, xs):
    o = case.options[1]
    q, inside = patches(xs[0], o["filterHeight"], o["filterWidth"], o)
    taps = np.where(inside[None, ..., None], q, np.float32(0))
    taps = taps.reshape(*taps.shape[:3], -1, taps.shape[-1])
    total = running_sum(np.moveaxis(taps, 3, 0))
    n = inside.sum((2, 3)).astype(np.float32)[None, ..., None]
    return float_clamp(total / n, o["fusedActivationFunction"])


def softmax_float(case, xs):
    """exp((x - max) * beta) twice: once for the sum, once divided by it."""
    rows, beta = xs[0].reshape(-1, xs[0].shape[-1]), np.float32(case.options[1]["beta"])
    e = EXPF((rows - rows.max(1, keepdims=True)) * beta)
    return e / running_sum(e.T)[:, None]


def resize_bilinear_float(case, xs):
    x, size, o = case.inputs[0], case.inputs[1].data, case.options[1]
    one = np.float32(1)
    def axis(n, out):
        s = np.float32(n) / np.float32(out)
        if o.get("alignCorners") and out > 1:
            s = np.float32(n - 1) / np.float32(out - 1)
        p = np.arange(out).astype(np.float32) * s
        if o.get("halfPixelCenters"):
            p = (np.arange(out).astype(np.float32) + np.float32(0.5)) * s - np.float32(0.5)
        low = np.maximum(np.floor(p).astype(np.int64), 0)
        return low, np.minimum(np.ceil(p).astype(np.int64), n - 1), p - low.astype(np.float32)
    y0, y1, fy = axis(x.shape[1], size[0])
    x0, x1, fx = axis(x.shape[2], size[1])
    at = lambda r, c: xs[0][:, r][:, :, c].astype(np.float32)
    fy, fx = fy[None, :, None, None], fx[None, None, :, None]
    s = (at(y0, x0) * (one - fy) * (one - fx) + at(y1, x0) * fy * (one - fx)
         + at(y0, x1) * (one - fy) * fx + at(y1, x1) * fy * fx)
    return s if case.form == "f32" else np.trunc(s + np.float32(0.5)).astype(np.uint8)


def concat_u8(case, xs):
    y = case.outputs[0]
    parts = []
    for t, v in zip(case.inputs, xs):
        if t.scale == y.scale and t.zero == y.zero:
            parts.append(v)
            continue
        r = np.float32(t.scale) * (np.float32(1) / np.float32(y.scale))
        bias = np.float32(-t.zero) * r
        parts.append(np.clip(half_away(v.astype(np.float32) * r + bias).astype(np.int64) + y.zero,
                             0, 255))
    return np.concatenate(parts, case.options[1]["axis"]).astype(np.uint8)


def inverse_sqrt(v):
    """(m, e) with m / 2^31 * 2^e near 1 / sqrt(v)."""
    if v <= 1:
        return I32[1], 0
    shift = 11
    while v >= 1 << 29:
        v, shift = v // 4, shift + 1
    pairs = (32 - int(v).bit_length() - 1) // 2 - 1
    shift -= pairs
    v <<= 2 * pairs
    half = int(rdbp(v >> 1, 1))
    x = 1 << 28
    for _ in range(5):
        cube = int(srdhm(srdhm(x, x), x))                                   # 9 integer bits
        x3 = max(I32[0], min(I32[1], cube << 6))                            # back to 3
        step = int(srdhm(x, 2**28 + 2**27)) - int(srdhm(half, x3))          # 6 integer bits
        x = max(I32[0], min(I32[1], step << 3))
    m = int(srdhm(x, 1518500250))
    return (m << -shift, 0) if shift < 0 else (m, -shift)


def rsqrt_8(case, xs):
    x, y = case.inputs[0], case.outputs[0]
    d = np.float32(1) / (np.sqrt(np.float32(x.scale)) * np.float32(y.scale))
    m, e = quantize_multiplier(d)
    v = zero_based(x, xs[0])
    out = np.empty(v.shape, np.int64)
    for i in np.ndindex(*v.shape):
        mi, ei = inverse_sqrt(int(v[i]))
        out[i] = 127 - y.zero if v[i] == 0 else mbqm(mbqm(1, mi, ei + 20), m, e - 20)
    return finish(out, y)


def sqrt_8(case, xs):
    x, y = case.inputs[0], case.outputs[0]
    f = np.float32(x.scale) * zero_based(x, xs[0]).astype(np.float32)
    return finish(np.trunc(np.sqrt(f) / np.float32(y.scale)).astype(np.int64), y)


def exp_16(case, xs):
    """The 513-entry table in float arithmetic, between the ends of both types' real ranges."""
    x, y = case.inputs[0], case.outputs[0]
    f32 = np.float32
    sx, so = f32(x.scale), f32(y.scale)
    low, high = sx * f32(-32768 - x.zero), sx * f32(32767 - x.zero)
    step = (high - low) / f32(512)
    inverse = f32(65536) / (so * f32(32767 - y.zero) - so * f32(-32768 - y.zero))
    at = low + np.arange(513).astype(f32) * step
    v = EXPF(at) * inverse
    mid = half_away(EXPF(at[:-1] + step / f32(2)) * inverse)
    first = half_away(v[:-1])
    bias = half_away((half_away((v[1:] + first) / f32(2)) - mid) / f32(2))
    last = half_away(EXPF(np.array([high])) * inverse)
    table = np.clip(np.append(first - bias, last), -32768, 32767).astype(np.int64)
    return look_up_16(table, xs[0].astype(np.int64)).astype(np.int16)


FORMULAS = {("CONV_2D", f): conv_2d for f in ("s8", "s16")}
FORMULAS |= {("DEPTHWISE_CONV_2D", f): depthwise for f in ("s8", "s16")}
FORMULAS |= {("FULLY_CONNECTED", f): fully_connected for f in ("s8", "s16")}
FORMULAS |= {(op, f): add_sub for op in ("ADD", "SUB") for f in ("s8", "u8", "s16")}
FORMULAS |= {("MUL", f): mul for f in ("s8", "u8", "s16")}
FORMULAS |= {("MEAN", f): mean for f in ("s8", "u8", "s16")}
FORMULAS |= {("AVERAGE_POOL_2D", f): average_pool for f in ("s8", "u8", "s16")}
FORMULAS |= {("LEAKY_RELU", f): leaky_relu for f in ("s8", "u8", "s16")}
FORMULAS |= {(op, f): relu for op in ("RELU", "RELU6", "RELU_N1_TO_1") for f in ("s8", "u8", "s16")}
FORMULAS |= {(op, f): lut_8 for op in ("TANH", "LOGISTIC") for f in ("s8", "u8")}
FORMULAS |= {("EXP", "s8"): lut_8}
FORMULAS |= {("QUANTIZE", f): quantize for f in ("s8", "u8", "s16", "any")}
FORMULAS |= {("DEQUANTIZE", f): dequantize for f in ("s8", "u8", "s16", "any")}
FORMULAS |= {("RESIZE_BILINEAR", f): resize_bilinear for f in ("s8", "s16")}
FORMULAS |= {("HARD_SWISH", f): hard_swish for f in ("s8", "u8")}
FORMULAS |= {("SOFTMAX", "s8"): softmax_8, ("SOFTMAX", "u8"): softmax_8,
             ("SOFTMAX", "s16"): softmax_16}
FORMULAS |= {("FULLY_CONNECTED", "hybrid"): hybrid_fc}
FORMULAS |= {("PRELU", f): prelu for f in ("s8", "u8")}
FORMULAS |= {("SQUARED_DIFFERENCE", "s8"): squared_difference}
FORMULAS |= {("TRANSPOSE_CONV", f): transpose_conv for f in ("s8", "s16")}
FORMULAS |= {("BATCH_MATMUL", f): batch_matmul for f in ("s8", "s16")}
FORMULAS |= {("CONV_2D", "f32"): conv_f32, ("DEPTHWISE_CONV_2D", "f32"): depthwise_f32}
FORMULAS |= {("FULLY_CONNECTED", "f32"): fc_f32}
FORMULAS |= {(op, "hybrid"): hybrid_conv for op in ("CONV_2D", "DEPTHWISE_CONV_2D")}
FORMULAS |= {(op, "s16"): sigmoid_16 for op in ("LOGISTIC", "TANH")}
FORMULAS |= {("CONV_2D", "u8"): conv_u8, ("DEPTHWISE_CONV_2D", "u8"): conv_u8,
             ("FULLY_CONNECTED", "u8"): fc_u8}
FORMULAS |= {("TRANSPOSE_CONV", f): transpose_conv_float for f in ("f32", "hybrid")}
FORMULAS |= {("BATCH_MATMUL", f): matmul_float for f in ("f32", "hybrid")}
FORMULAS |= {("MEAN", "f32"): mean_float, ("SUM", "f32"): mean_float}
FORMULAS |= {("AVERAGE_POOL_2D", "f32"): average_pool_float, ("SOFTMAX", "f32"): softmax_float}
FORMULAS |= {("RESIZE_BILINEAR", f): resize_bilinear_float for f in ("f32", "u8")}
FORMULAS |= {("CONCATENATION", "u8"): concat_u8}
FORMULAS |= {("RSQRT", "s8"): rsqrt_8, ("SQRT", "s8"): sqrt_8, ("EXP", "s16"): exp_16,
             ("ELU", "s8"): lut_8}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="operator name")
    only = parser.parse_args().only
    table = collections.OrderedDict()
    for case in op_cases.all_cases():
        formula = FORMULAS.get((case.op, case.form))
        if formula is None or case.refused or only not in (None, case.op):
            continue
        _, inputs, outputs = ob.golden(case)
        row = table.setdefault((case.op, case.form), [0, 0, 0])
        row[0] += 1
        for xs, ys in zip(inputs, outputs):
            want = ys[0]
            with np.errstate(all="ignore"):
                got = np.asarray(formula(case, xs)).reshape(want.shape)
            differ = int(np.sum((got != want) & ~((got != got) & (want != want))))
            row[1] += want.size
            row[2] += differ
            if differ:
                i = tuple(np.argwhere(got != want)[0])
                where = [int(v) for v in i]
                print(f"{case.stem}: {differ} of {want.size} differ, first at {where}: "
                      f"formula {got[i]}, LiteRT {want[i]}")
    print(f"{'operator':20} {'form':7} {'cases':>6} {'values':>8} {'different':>9}")
    for (op, form), (n, values, differ) in table.items():
        print(f"{op:20} {form:7} {n:6} {values:8} {differ:9}")
    return 1 if any(r[2] for r in table.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
