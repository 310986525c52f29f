"""Formulas of the integer kernels that approximate functions: tables and series."""
import math

import numpy as np

import op_build as ob
from op_build import Case, T
from op_fixed import (I32, EXPF, LOGF, half_away, quantize_multiplier, srdhm, rdbp, mbqm,
                      zero_based, finish)


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
    """513 int16 entries of f on [low, high], as the SOFTMAX kernel builds them."""
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


def lut_8(case, xs):
    x, y, one = case.inputs[0], case.outputs[0], np.float32(1)
    least = np.float32(y.scale) * np.float32(-128 - y.zero)
    f = {"TANH": np.tanh, "LOGISTIC": lambda v: one / (one + EXPF(-v)), "EXP": EXPF,
         "ELU": lambda v: np.where(v < 0, np.expm1(v), v),
         "LOG": lambda v: np.where(v <= 0, least, LOGF(v))}[case.op]
    real = np.float32(x.scale) * (xs[0].astype(np.int32) - x.zero).astype(np.float32)
    inverse = np.float32(1) / np.float32(y.scale)
    return finish(half_away(f(real) * inverse).astype(np.int64), y)


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


def sigmoid_table():
    """LiteRT's table of 65536 * sigmoid(i / 24), read back through TANH.

    Scale 2^-11 / 3 makes the kernel's argument 2 * x exactly, so x = 128 * i lands on entry i and
    the answer is T[i] - 32768. About every fourth low entry is one above the rounded formula.
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


def table_function_16(case, xs):
    """EXP, LOG: 513 entries in float arithmetic, between the ends of both types' real ranges.

    LOG of what has none is the least real value of the output.
    """
    x, y = case.inputs[0], case.outputs[0]
    f32 = np.float32
    sx, so = f32(x.scale), f32(y.scale)
    low, high = sx * f32(-32768 - x.zero), sx * f32(32767 - x.zero)
    least, most = so * f32(-32768 - y.zero), so * f32(32767 - y.zero)
    f = EXPF if case.op == "EXP" else (lambda v: np.where(v <= 0, least, LOGF(v)).astype(f32))
    step = (high - low) / f32(512)
    inverse = f32(65536) / (most - least)
    at = low + np.arange(513).astype(f32) * step
    v = f(at) * inverse
    mid = half_away(f(at[:-1] + step / f32(2)) * inverse)
    first = half_away(v[:-1])
    bias = half_away((half_away((v[1:] + first) / f32(2)) - mid) / f32(2))
    last = half_away(f(np.array([high])) * inverse)
    table = np.clip(np.append(first - bias, last), -32768, 32767).astype(np.int64)
    return look_up_16(table, xs[0].astype(np.int64)).astype(np.int16)


def l2_normalization(case, xs):
    """int8 has the factor 128 of the result's scale in the exponent, uint8 in the operand."""
    x, y = case.inputs[0], case.outputs[0]
    rows = zero_based(x, xs[0]).reshape(-1, x.shape[-1])
    out = []
    for row in rows:
        m, e = inverse_sqrt(int((row * row).sum()))
        out.append(mbqm(row, m, e + 7) if case.form == "s8" else mbqm(row * 128, m, e))
    return finish(np.array(out), y)
