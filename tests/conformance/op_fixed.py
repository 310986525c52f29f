"""Fixed-point and rounding primitives of TFLite's integer kernels, on numpy int64 arrays."""
import ctypes
import ctypes.util
import math

import numpy as np

import op_build as ob

I32 = (-2**31, 2**31 - 1)
LIBM = ctypes.CDLL(ctypes.util.find_library("m"))   # numpy's own exp differs in the last place
for function in (LIBM.expf, LIBM.logf):
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
EXPF = np.vectorize(LIBM.expf, otypes=[np.float32])
LOGF = np.vectorize(LIBM.logf, otypes=[np.float32])


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
