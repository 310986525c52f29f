"""Formulas of the integer kernels made of sums, products and one rescaling."""
import math

import numpy as np

import op_build as ob
from op_fixed import (half_away, quantize_multiplier, rdbp, mbqm, mbqm64, zero_based, act_range,
                      finish)


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
