"""Cases of elementwise operators: two operands with broadcasting, and one operand."""
import numpy as np

import op_build as ob
from op_build import ACT, Case, T

UNIT = {"s8": 128.0, "u8": 128.0, "s16": 32768.0}


def quantized(form, shape, real, zero=0, **kw):
    """A tensor whose codes span about +-real; float forms ignore the span."""
    if form in ("f32", "s32"):
        return T(shape, form, **kw)
    if form == "u8":
        zero += 128
    return T(shape, form, scale=np.float32(real / UNIT[form]), zero=0 if form == "s16" else zero,
             **kw)


OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions",
           "MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions",
           "SQUARED_DIFFERENCE": "SquaredDifferenceOptions"}


def binary_version(op, form, rank):
    if op in ("MAXIMUM", "MINIMUM"):
        return 4 if form == "s16" else 3 if rank > 4 else 2 if form in ("s8", "u8") else 1
    if op == "SUB" and rank > 4:
        return 3
    return {"ADD": {"s8": 2, "s16": 3}, "SUB": {"s8": 2, "s16": 5}, "MUL": {"s8": 2, "s16": 4},
            "SQUARED_DIFFERENCE": {"s8": 2}}.get(op, {}).get(form, 1)


def binary(op, form, name, a, b, *, act="NONE", ra=1.0, rb=1.7, ro=None, za=-3, zb=11, zo=5,
           pot=False, fill=("full", "full"), constant=None):
    """Shapes a and b; ra, rb, ro = spans of the operands and the result; constant = 0 or 1."""
    ta, tb = quantized(form, a, ra, za, fill=fill[0]), quantized(form, b, rb, zb, fill=fill[1])
    if ro is None:
        ro = {"MUL": ra * rb * 0.6, "SQUARED_DIFFERENCE": (ra + rb)**2 * 0.6}.get(op)
        ro = ro or (ra + rb) * 0.8
    same = op in ("MAXIMUM", "MINIMUM")
    if same and form in UNIT:
        tb.scale, tb.zero = ta.scale, ta.zero
    y = T((), form, ta.scale, ta.zero) if same else quantized(form, (), ro, zo)
    if constant is not None:
        t = (ta, tb)[constant]
        t.data = ob.sample(ob.rng_for(op, form, name + "/constant"), t, 0, constant)
    fields = {} if same or op == "SQUARED_DIFFERENCE" else dict(fusedActivationFunction=ACT[act])
    if op in ("ADD", "SUB") and form == "s16":
        fields["potScaleInt16"] = pot
    return Case(op, form, name, [ta, tb], [y], (OPTIONS[op], fields),
                binary_version(op, form, max(len(a), len(b))))


BINARY_SHAPES = [
    ("same_4d", (1, 3, 5, 3), (1, 3, 5, 3), {}),
    ("channels", (1, 3, 3, 17), (17,), {}),
    ("scalar", (2, 5, 3), (), {}),
    ("outer", (5, 1), (1, 7), {}),
    ("middle", (2, 1, 3, 5), (1, 4, 1, 5), {}),
    ("left_small", (1, 1, 1, 8), (1, 3, 3, 8), {}),
    ("constant_right", (1, 3, 3, 8), (1, 1, 1, 8), dict(constant=1)),
    ("long_33", (33,), (33,), {}),
    ("single", (1, 1), (1,), {}),  # nothing repeats, though every dimension is 1
]
ACTS = [("relu", "RELU"), ("relu6", "RELU6"), ("n1to1", "RELU_N1_TO_1")]


def arithmetic_cases(op):
    forms = ("f32", "s8", "s16", "u8") + (("s32",) if op != "SQUARED_DIFFERENCE" else ())
    for form in forms:
        shapes = BINARY_SHAPES if form in ("f32", "s8", "s16") else BINARY_SHAPES[:3]
        for name, a, b, kw in shapes:
            if form == "s32":
                kw = dict(kw, fill=("below:1000", "below:1000"))
            yield case_any(binary(op, form, name, a, b, **kw))
        for name, act in ACTS if form not in ("s32",) else []:
            yield binary(op, form, name, (2, 3, 5), (2, 3, 5), act=act, ra=7.0, rb=5.0)
    yield binary(op, "s8", "zero_points_low_high", (3, 17), (3, 17), za=-128, zb=127,
                 zo=127 if op == "MUL" else -128)
    yield binary(op, "s8", "zero_points_high_low", (3, 17), (3, 17), za=127, zb=-128, zo=127)
    yield binary(op, "s8", "scales_far_apart", (3, 17), (3, 17), ra=0.01, rb=3.0)
    yield binary(op, "s8", "saturating", (3, 17), (3, 17), ro=0.8)
    yield binary(op, "s8", "equal_scales", (3, 17), (3, 17), ra=1.0, rb=1.0, ro=1.0)
    if op in ("ADD", "SUB"):
        yield binary(op, "s16", "power_of_two", (3, 17), (3, 17), pot=True, ra=0.5, rb=1.0, ro=1.0)
        yield binary(op, "s16", "power_of_two_right", (3, 17), (3, 17), pot=True, ra=1.0, rb=0.25,
                     ro=1.0)
        yield binary(op, "s16", "flag_but_no_power", (3, 17), (3, 17), pot=True)
        yield binary(op, "s16", "powers_but_no_flag", (3, 17), (3, 17), ra=0.5, rb=1.0, ro=1.0)


def case_any(case):
    """Integer (not quantized) cases count as form 'any'."""
    if case.form == "s32":
        case.form, case.name = "any", "s32_" + case.name
    return case


def binary_cases():
    for op in ("ADD", "SUB", "MUL"):
        yield from arithmetic_cases(op)
    positive = ("full", "positive")
    for name, a, b, kw in BINARY_SHAPES:
        yield binary("DIV", "f32", name, a, b, fill=positive, **kw)
    for name, act in ACTS:
        yield binary("DIV", "f32", name, (2, 3, 5), (2, 3, 5), act=act, fill=positive)
    for op in ("MAXIMUM", "MINIMUM"):
        for form in ("f32", "s8", "u8", "s16", "s32"):
            for name, a, b, kw in BINARY_SHAPES[:5]:
                yield case_any(binary(op, form, name, a, b, **kw))
        yield binary(op, "f32", "rank5", (1, 2, 3, 2, 5), (1, 2, 3, 1, 5))
    for form in ("f32", "s8"):
        for name, a, b, kw in BINARY_SHAPES:
            yield binary("SQUARED_DIFFERENCE", form, name, a, b, **kw)
    yield binary("SQUARED_DIFFERENCE", "s8", "zero_points", (3, 17), (3, 17), za=-128, zb=127,
                 zo=-128)


SHAPES = [("c17", (2, 17)), ("4d", (1, 3, 5, 3)), ("one", (1, 1))]
ALL_CODES = (1, 16, 17)  # more elements than int8 has codes
UNARY_VERSION = {
    "LOGISTIC": {"s8": 2, "s16": 3}, "TANH": {"s8": 2, "s16": 3},
    "RELU": {"s8": 2, "u8": 2, "s16": 3},
    "RELU6": {"s8": 2, "s16": 3}, "LEAKY_RELU": {"s16": 2}, "EXP": {"s8": 2, "s16": 2},
    "RSQRT": {"s8": 2, "s16": 3}, "SQRT": {"s8": 2, "s16": 2},
}


def unary(op, form, name, shape, *, real=4.0, zero=-3, out=None, options=(None, {}), ulp=0,
          fill=None, **kw):
    """out = (scale, zero point) of the result, or its span, or None: as the input."""
    if fill is None and shape == ALL_CODES and form != "f32":
        fill, kw["runs"] = "codes", 1
    x = quantized(form, shape, real, zero, fill=fill or "full")
    if out is None:
        y = T((), form, x.scale, x.zero)
    elif isinstance(out, tuple):
        y = T((), form) if form == "f32" else T((), form, np.float32(out[0]), out[1])
    else:
        y = quantized(form, (), out, 9)
    return Case(op, form, name, [x], [y], options, UNARY_VERSION.get(op, {}).get(form, 1),
                ulp=ulp if form == "f32" else 0, **kw)




def table_cases(op, outputs, ulp):
    """LOGISTIC and TANH: the output quantization is fixed by the operator."""
    for name, shape in SHAPES:
        yield unary(op, "f32", name, shape, ulp=ulp)
    for form, out in outputs.items():
        for real in (0.7, 4.0, 8.0, 16.0, 23.0):
            yield unary(op, form, f"span_{real}".replace(".", "_"), ALL_CODES, real=real, out=out)
        yield unary(op, form, "one", (1, 1), out=out)
        if form != "s16":
            yield unary(op, form, "zero_point_low", ALL_CODES, zero=-128, out=out)
            yield unary(op, form, "zero_point_high", ALL_CODES, zero=127, out=out)


RELUS = ("RELU", "RELU6", "RELU_N1_TO_1")


def relu_cases(op):
    forms = ("f32", "s8", "u8", "s16") if op in ("RELU", "RELU6") else ("f32", "s8", "u8")
    for form in forms:
        for name, shape in SHAPES:
            yield unary(op, form, name, shape, real=8.0)
        if form == "f32":
            continue
        yield unary(op, form, "rescaled_down", ALL_CODES, real=8.0, out=13.0)
        yield unary(op, form, "rescaled_up", ALL_CODES, real=8.0, out=2.3)
    yield unary(op, "s8", "zero_points", ALL_CODES, real=8.0, zero=-128, out=(0.03, -128))
    yield unary(op, "s8", "relu_range", ALL_CODES, real=8.0, out=(6 / 255, -128))


def leaky_cases():
    for form in ("f32", "s8", "u8", "s16"):
        for alpha in (0.01, 0.3, 1.5, -0.5):
            options = ("LeakyReluOptions", dict(alpha=alpha))
            tag = f"alpha_{alpha}".replace(".", "_").replace("-", "minus_")
            yield unary("LEAKY_RELU", form, tag, ALL_CODES if form != "f32" else (2, 17),
                        out=3.1, options=options)
    yield unary("LEAKY_RELU", "s8", "zero_points", ALL_CODES, zero=127, out=(0.01, 127),
                options=("LeakyReluOptions", dict(alpha=0.2)))


def prelu(form, name, shape, alpha, *, za=7, ro=3.0, constant=True):
    x = quantized(form, shape, 4.0, -3)
    a = quantized(form, alpha, 0.6, za)
    if constant:
        a.data = ob.sample(ob.rng_for("PRELU", form, name + "/alpha"), a, 0, 1)
    return Case("PRELU", form, name, [x, a], [quantized(form, (), ro, 9)])


def prelu_cases():
    for form in ("f32", "s8", "u8"):
        yield prelu(form, "channels", (1, 3, 5, 8), (1, 1, 8))
        yield prelu(form, "per_element", (2, 3, 5), (3, 5))
        yield prelu(form, "scalar", (2, 17), (1,))
        yield prelu(form, "live_alpha", (2, 3, 3, 5), (1, 1, 5), constant=False)
    yield prelu("s8", "zero_points", (2, 33), (33,), za=127, ro=1.0)


def hard_swish_cases():
    none = ("HardSwishOptions", {})
    for name, shape in SHAPES:
        yield unary("HARD_SWISH", "f32", name, shape, real=8.0, options=none)
    for form in ("s8", "u8"):
        for real, out in ((4.0, 4.0), (8.0, 8.0), (3.1, 3.4), (20.0, 21.0), (0.5, 0.6),
                          (6.0, 12.0)):
            yield unary("HARD_SWISH", form, f"span_{real}_{out}".replace(".", "_"), ALL_CODES,
                        real=real, out=out, options=none)
    yield unary("HARD_SWISH", "s8", "zero_point_low", ALL_CODES, real=6.0, zero=-128,
                out=(0.05, -122), options=none)
    yield unary("HARD_SWISH", "s8", "zero_point_high", ALL_CODES, real=6.0, zero=127,
                out=(0.05, 10), options=none)


def cases():
    yield from binary_cases()
    yield from table_cases("LOGISTIC", {"s8": (1 / 256, -128), "u8": (1 / 256, 0),
                                        "s16": (1 / 32768, 0)}, 4)
    yield from table_cases("TANH", {"s8": (1 / 128, 0), "u8": (1 / 128, 128),
                                    "s16": (1 / 32768, 0)}, 4)
    for op in RELUS:
        yield from relu_cases(op)
    yield from leaky_cases()
    yield from prelu_cases()
    yield from hard_swish_cases()
