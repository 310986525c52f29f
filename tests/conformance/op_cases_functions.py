"""Cases of real functions of one operand, comparisons, logic and selection."""
import numpy as np

import op_build as ob
from op_build import Case, T
from op_cases_elementwise import ALL_CODES, BINARY_SHAPES, SHAPES, quantized, unary

OPTIONS = {"EXP": "ExpOptions", "NEG": "NegOptions", "ABS": "AbsOptions", "SQUARE": "SquareOptions",
           "COS": "CosOptions"}
GELU = [("", dict(approximate=False)), ("_tanh", dict(approximate=True))]


def function(op, form, name, shape, fields=None, **kw):
    table = "GeluOptions" if op == "GELU" else OPTIONS.get(op)
    return unary(op, form, name, shape, options=(table, fields or {}), **kw)


def float_functions():
    exact = ("FLOOR", "SQUARE", "NEG", "ABS", "SQRT", "RSQRT")
    positive = ("LOG", "SQRT", "RSQRT")
    for op in (*exact, "LOG", "SIN", "COS", "EXP"):
        fill = "positive" if op in positive else "unit" if op == "EXP" else "full"
        for name, shape in SHAPES:
            yield function(op, "f32", name, shape, fill=fill, ulp=0 if op in exact else 2)
    for op, ulp in (("CEIL", 0), ("ROUND", 0), ("ELU", 4)):
        for name, shape in SHAPES:  # BUILTIN_REF has none of the three
            yield function(op, "f32", name, shape, ulp=ulp, resolver="BUILTIN")
    yield function("ROUND", "f32", "ties", (1, 33), fill="ties", resolver="BUILTIN")
    for tag, fields in GELU:
        for name, shape in SHAPES[:2]:
            # LiteRT's tanh and erf are Eigen's; |x| < 1 keeps their differences from growing.
            yield function("GELU", "f32", name + tag, shape, fields, fill="unit", ulp=16)


def integer_functions():
    for form in ("s8", "s16"):
        for real, out in ((1.0, 1.0), (4.0, 3.0), (4.0, 7.0)):
            tag = f"span_{real}_{out}".replace(".", "_")
            yield function("ABS", form, tag, ALL_CODES, real=real, out=out)
    for tag, fields in GELU:
        for form in ("s8", "u8"):
            yield function("GELU", form, "span_4" + tag, ALL_CODES, fields, real=4.0, out=4.0)
            yield function("GELU", form, "span_1" + tag, ALL_CODES, fields, real=1.0, out=0.9)
    for real, out in ((1.0, 2.7), (3.0, 9.0)):
        tag = f"span_{real}".replace(".", "_")
        for form in ("s8", "s16"):
            yield function("EXP", form, tag, ALL_CODES, real=real, out=out)
            yield function("LOG", form, tag, ALL_CODES, real=real, zero=-128, out=out, fill="above")
            yield function("RSQRT", form, tag, ALL_CODES, real=real, zero=-20, out=out,
                           fill="above")
            yield function("SQRT", form, tag, ALL_CODES, real=real, zero=-20, out=out,
                           fill="positive")
    for out in (1.0, 4.0):
        yield function("ELU", "s8", f"span_{out}".replace(".", "_"), ALL_CODES, out=out,
                       resolver="BUILTIN")


COMPARISONS = {"EQUAL": "EqualOptions", "NOT_EQUAL": "NotEqualOptions", "LESS": "LessOptions",
               "LESS_EQUAL": "LessEqualOptions", "GREATER": "GreaterOptions",
               "GREATER_EQUAL": "GreaterEqualOptions"}


def compare(op, form, name, a, b, ra=1.0, rb=1.0, za=-3, zb=-3, fill="full"):
    inputs = [quantized(form, a, ra, za, fill=fill), quantized(form, b, rb, zb, fill=fill)]
    kind = "any" if form == "s32" else form
    return Case(op, kind, name if kind == form else f"{form}_{name}", inputs, [T((), "bool")],
                (COMPARISONS[op], {}), 2 if form == "s8" else 1)


def logic_cases():
    for op in COMPARISONS:
        for form in ("f32", "s32", "s8", "u8"):
            fill = {"s32": "below:4", "f32": "whole"}.get(form, "small")
            yield compare(op, form, "same", (3, 17), (3, 17), fill=fill)
            yield compare(op, form, "channels", (2, 3, 5), (5,), fill=fill)
        yield compare(op, "s8", "near_values", (16, 1), (1, 17), 1.0, 1.0, fill="small")
        yield compare(op, "s8", "other_scale", (16, 1), (1, 17), 1.0, 1.7, -3, 11)
    for op, table in (("LOGICAL_AND", "LogicalAndOptions"), ("LOGICAL_OR", "LogicalOrOptions")):
        for name, a, b in (("same", (2, 5), (2, 5)), ("broadcast", (3, 5), (5,))):
            yield Case(op, "any", name, [T(a, "bool"), T(b, "bool")], [T((), "bool")], (table, {}))
    yield Case("LOGICAL_NOT", "any", "rank3", [T((2, 3, 5), "bool")], [T((), "bool")],
               ("LogicalNotOptions", {}))
    for form in ("f32", "s8", "s16", "s32"):
        fill = "below:100" if form == "s32" else "full"
        for op, shapes in (("SELECT", ((2, 3, 5),) * 3), ("SELECT_V2", ((3, 5), (2, 3, 5), (5,)))):
            x, y = (quantized(form, s, 1.0, -3, fill=fill) for s in shapes[1:])
            kind = ("any", f"{form}_rank3") if form == "s32" else (form, "rank3")
            yield Case(op, *kind, [T(shapes[0], "bool"), x, y], [T((), form, x.scale, x.zero)],
                       ("SelectOptions" if op == "SELECT" else "SelectV2Options", {}))


def pair_functions():
    """POW, FLOOR_DIV, FLOOR_MOD, ADD_N."""
    for name, a, b, kw in BINARY_SHAPES[:3]:
        for op, table in (("POW", "PowOptions"), ("FLOOR_DIV", "FloorDivOptions"),
                          ("FLOOR_MOD", "FloorModOptions")):
            ulp = 4 if op == "POW" else 0
            yield Case(op, "f32", name, [T(a, "f32", fill="positive"),
                                         T(b, "f32", fill="positive")],
                       [T((), "f32")], (table, {}), 2 if op == "FLOOR_DIV" else 1, ulp=ulp)
    for op, table in (("FLOOR_DIV", "FloorDivOptions"), ("FLOOR_MOD", "FloorModOptions")):
        three = ob.const(np.array([3, -3, 7, -7, 1], np.int32))
        for tag, fill in (("s32_positive", "below:1000"), ("s32_signs", "small")):
            yield Case(op, "any", tag, [T((4, 5), "s32", fill=fill), three], [T((), "s32")],
                       (table, {}))
    for form in ("f32", "s32"):
        x = [T((2, 17), form, fill="below:1000" if form == "s32" else "full") for _ in range(3)]
        kind = ("any", "s32_three") if form == "s32" else (form, "three")
        yield Case("ADD_N", *kind, x, [T((), form)], ("AddNOptions", {}))


def cases():
    yield from float_functions()
    yield from integer_functions()
    yield from logic_cases()
    yield from pair_functions()
