"""Formulas of the float and hybrid kernels: the order of operations that the last bit shows."""
import math

import numpy as np

import op_build as ob
from op_fixed import EXPF, half_away
from op_formulas_linear import patches


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
        q = z + half_away(row * (np.float32(1) / scale))
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
