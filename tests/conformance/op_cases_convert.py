"""Cases of operators that change the type: QUANTIZE, DEQUANTIZE, CAST."""
import numpy as np

import op_build as ob
from op_build import Case, T, const

QUANT_VERSION = {"s16": 2}


def quantize(name, src, dst, shape=(2, 3, 5, 3), *, x=(None, 0), y=(0.05, 3), fill="full", axis=0,
             form=None, **kw):
    """src, dst = types; x, y = (scale, zero point)."""
    if src in ("s8", "u8", "s16"):
        fill, kw["runs"] = "codes", 1
    tx = T(shape, src, *x, fill=fill)
    return Case("QUANTIZE", form or dst, name, [tx], [T((), dst, *y, axis=axis)],
                ("QuantizeOptions", {}), 2 if dst == "s16" or src == "s16" else 1, **kw)


def quantize_cases():
    for dst, mid in (("s8", 3), ("u8", 131), ("s16", 0)):
        low, high = ob.limits(dst)
        small = 0.05 if dst != "s16" else 0.0002
        for name, scale, zero in (("typical", small, mid), ("coarse", 1.7, mid),
                                  ("fine", small / 20, mid), ("unit_scale", 1.0, mid),
                                  ("inverse_255", 1 / 255, mid),
                                  ("zero_point_low", small, low), ("zero_point_high", small, high)):
            if dst != "s16" or "point" not in name:
                yield quantize(f"f32_{name}", "f32", dst, y=(scale, zero))
        yield quantize("f32_ties", "f32", dst, (2, 100), y=(1.0, mid if dst != "s16" else 0),
                       fill="ties")
        yield quantize("f32_1d_33", "f32", dst, (33,), y=(small, mid))
    a, b = (0.031, -7), (0.047, 12)
    wide = (1, 16, 17)
    yield quantize("s8_down", "s8", "s8", wide, x=a, y=b)
    yield quantize("s8_up", "s8", "s8", wide, x=b, y=a)
    yield quantize("s8_same", "s8", "s8", wide, x=a, y=a)
    yield quantize("s8_zero_points_high", "s8", "s8", wide, x=(0.03, 127), y=(0.06, 127))
    yield quantize("s8_zero_points_low", "s8", "s8", wide, x=(0.03, -128), y=(0.02, -128))
    yield quantize("s8_multiplier_half", "s8", "s8", wide, x=(0.03, 0), y=(0.06, 0))
    yield quantize("s8_multiplier_tiny", "s8", "s8", wide, x=(1e-4, 3), y=(0.01, 3))
    yield quantize("s8_multiplier_huge", "s8", "s8", wide, x=(1.0, 3), y=(0.001, 0))
    yield quantize("u8_xor", "u8", "s8", wide, x=(0.03, 121), y=(0.03, -7))
    yield quantize("u8_rescaled", "u8", "s8", wide, x=(0.03, 121), y=(0.05, 3))
    yield quantize("s8_xor", "s8", "u8", wide, x=(0.03, -7), y=(0.03, 121))
    yield quantize("s8_rescaled", "s8", "u8", wide, x=(0.03, -7), y=(0.05, 119))
    yield quantize("u8_u8", "u8", "u8", wide, x=(0.03, 121), y=(0.04, 7))
    yield quantize("s16_down", "s16", "s16", wide, x=(0.0003, 0), y=(0.0007, 0))
    yield quantize("s16_up", "s16", "s16", wide, x=(0.0007, 0), y=(0.0003, 0))
    yield quantize("s16_narrowed", "s16", "s8", wide, x=(0.0003, 0), y=(0.05, -4))
    yield quantize("s8_widened", "s8", "s16", wide, x=(0.03, -7), y=(0.0002, 0))
    yield quantize("u8_widened", "u8", "s16", wide, x=(0.03, 121), y=(0.0002, 0))
    for name, src, dst, x, y in (("s32_narrowed", "s32", "s8", (1e-6, 0), (0.05, -4)),
                                 ("s32_narrowed", "s32", "s16", (1e-6, 0), (0.0002, 0)),
                                 ("s16_to_s32", "s16", "s32", (0.0003, 0), (1e-6, 0))):
        yield quantize(name, src, dst, wide, x=x, y=y, form="any" if dst == "s32" else None,
                       fill="below:6000000" if src == "s32" else "full")


def dequantize(name, src, shape=(1, 16, 17), *, x=(None, 0), axis=0, form=None):
    t = T(shape, src, *x, axis=axis, fill="codes")
    version = {"s8": 2, "s16": 3, "f16": 3}.get(src, 1)
    return Case("DEQUANTIZE", form or src, name, [t], [T((), "f32")], ("DequantizeOptions", {}),
                5 if np.size(x[0]) > 1 else version, runs=1 if src != "f16" else 2)


def dequantize_cases():
    for src, mid in (("s8", -7), ("u8", 121)):
        low, high = ob.limits(src)
        yield dequantize("typical", src, x=(0.0317, mid))
        yield dequantize("tiny_scale", src, x=(3e-9, mid))
        yield dequantize("zero_point_low", src, x=(0.1, low))
        yield dequantize("zero_point_high", src, x=(0.1, high))
    yield dequantize("typical", "s16", x=(0.000317, 0))
    yield dequantize("tiny_scale", "s16", x=(3e-9, 0))
    scales = (0.004 * np.exp2(np.arange(5) - 2.0)).astype(np.float32)
    yield dequantize("per_channel_axis0", "s8", (5, 3, 3), x=(scales, 0), axis=0)
    yield dequantize("per_channel_last", "s8", (1, 3, 3, 5), x=(scales, 0), axis=3)
    yield dequantize("f16", "f16", (3, 33), form="any")
    case = dequantize("f16_special", "f16", (1, 12), form="any")
    special = (0, -0.0, 6e-8, -6e-8, 6.1e-5, 65504, -65504, np.inf, -np.inf, 1, -1, 0.333)
    case.inputs[0] = const(np.array([special], np.float16))
    case.runs = 1
    yield case


def cast(src, dst, shape=(2, 3, 5), fill="full"):
    fields = dict(inDataType=ob.TYPES[src][1], outDataType=ob.TYPES[dst][1])
    version = 3 if "s8" in (src, dst) else 1
    return Case("CAST", "any", f"{src}_to_{dst}", [T(shape, src, fill=fill)], [T((), dst)],
                ("CastOptions", fields), version)


def cast_cases():
    for dst in ("s32", "s64", "u8", "s16", "s8", "bool"):
        # Conversions of floats outside the integer's range are undefined: keep the values small.
        case = cast("f32", dst, fill="positive" if dst != "bool" else "full")
        case.constant = dst == "bool"   # zeros come in the last run only
        yield case
        if dst not in ("u8", "bool"):
            case = cast("f32", dst, fill="unit")
            case.name += "_toward_zero"
            case.constant = True
            yield case
    for src in ("s32", "s64", "u8", "s16", "s8", "bool"):
        yield cast(src, "f32")
    yield cast("s32", "s64")
    yield cast("s64", "s32")
    yield cast("s32", "u8")
    yield cast("s32", "s8")
    yield cast("u8", "s32")
    yield cast("s8", "s16")
    yield cast("s16", "s32")
    yield cast("bool", "s32")
    yield cast("s32", "bool")
    yield cast("f32", "f16")
    yield cast("f16", "f32")


def cases():
    yield from quantize_cases()
    yield from dequantize_cases()
    yield from cast_cases()
