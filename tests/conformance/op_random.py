"""Random operator cases: the parameters that op_cases_*.py choose by hand, drawn at random.

draw(op, form, name, r) makes one Case from a generator. A draw may be one that LiteRT refuses (an
axis too long, a window over nothing); the caller draws again. Generator.large asks for the sizes
at which fast kernels block, unroll and share out their work.
"""
import numpy as np

import op_build as ob
import op_cases_arrange as arrange
import op_cases_convert as convert
import op_cases_conv as conv
import op_cases_elementwise as elementwise
import op_cases_functions as functions
import op_cases_move as move
import op_cases_reduce as reduce

SMALL = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24, 31, 33)
LARGE = (8, 31, 32, 40, 63, 64, 65, 96, 100, 127, 128, 130, 144)
ACTS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")
QUANTIZED = ("s8", "s16")


class Generator:
    """A numpy generator that knows the size of models wanted."""

    def __init__(self, numbers, large=False):
        self.large, self.channels = large, LARGE if large else SMALL
        self._numbers = numbers

    def __getattr__(self, name):
        return getattr(self._numbers, name)


def pick(r, values):
    return values[int(r.integers(len(values)))]


def one_in(r, n):
    return int(r.integers(n)) == 0


def up_to(r, n):
    return int(r.integers(1, n + 1))


def zero_point(r, form):
    """Any code of the form's type, the borders often."""
    if form == "s16":
        return 0
    if form == "u8":
        return pick(r, (0, 255, int(r.integers(256))))
    return pick(r, (-128, 127, 0, int(r.integers(-128, 128))))


def span(r, low=-3, high=4):
    """A real range, spread over powers of two."""
    return float(np.exp2(r.uniform(low, high)))


def pair_up_to(r, n):
    return up_to(r, n), up_to(r, n)


def image(r, most=9):
    most *= 2 if r.large else 1
    return up_to(r, 2), up_to(r, most), up_to(r, most), pick(r, r.channels)


def weighted(r, form):
    """Parameters shared by all operators with weights."""
    kw = dict(act=pick(r, ACTS))
    if form == "f32" and kw["act"] != "NONE":
        # Fast kernels are held to a bound relative to the largest answer: clamp no large sums.
        kw["fill"] = "unit"
    if form == "hybrid":
        kw["fill"] = pick(r, ("full", "zero_row", "positive", "ties", "ties_shifted"))
    if form in ("s8", "u8", "s16"):
        kw.update(zx=zero_point(r, form), zo=zero_point(r, form), gain=span(r, -4, 2))
        if one_in(r, 6):
            kw.update(multiplier=span(r, -2, 3), fill="small", small=True, bias_range=0.001)
    return kw


def scales(r, form):
    return "tensor" if form == "u8" else pick(r, ("channel", "channel", "equal", "tensor"))


def draw_conv(op, form, name, r):
    groups = pick(r, (1, 1, 1, 2, 3)) if form != "u8" else 1
    x = image(r)
    x = (*x[:3], x[3] * groups if x[3] < 12 else x[3])
    groups = groups if x[3] % groups == 0 else 1
    kw = weighted(r, form)
    if form == "s16":
        kw["bias"] = pick(r, ("s64", "s32"))
    return conv.conv(form, name, x, pick(r, r.channels) * groups, pair_up_to(r, 4),
                     stride=pair_up_to(r, 3), dilation=pick(r, ((1, 1), (1, 1), (2, 2), (1, 3))),
                     pad=pick(r, ("SAME", "VALID")), scales=scales(r, form), groups=groups, **kw)


def draw_depthwise(op, form, name, r):
    kinds = ("channel", "equal") if form == "hybrid" else ("tensor",) if form == "u8" else \
        ("channel", "tensor", "equal")
    return conv.depthwise(form, name, image(r), pick(r, (1, 1, 1, 2, 3, 8)), pair_up_to(r, 5),
                          stride=pair_up_to(r, 3),
                          dilation=pick(r, ((1, 1), (1, 1), (2, 2), (3, 1))),
                          pad=pick(r, ("SAME", "VALID")), scales=pick(r, kinds),
                          bias=pick(r, ("auto", "auto", None)), **weighted(r, form))


def draw_fc(op, form, name, r):
    depth = up_to(r, 700 if r.large else 70)
    shape = tuple(up_to(r, 4) for _ in range(r.integers(1, 3))) + (depth,)
    kw = weighted(r, form)
    if form == "hybrid":
        kw["asymmetric"] = one_in(r, 2)
    if form == "s16":
        kw["bias"] = pick(r, ("s64", "s32", None))
    else:
        kw["bias"] = pick(r, ("auto", "auto", None))
    kind = "tensor" if form == "u8" else pick(r, ("tensor", "channel"))
    return conv.fc(form, name, shape, pick(r, r.channels), scales=kind, keep=one_in(r, 2), **kw)


def draw_transpose_conv(op, form, name, r):
    kw = weighted(r, form)
    for unused in ("fill", "small", "multiplier", "bias_range"):
        kw.pop(unused, None)
    x, k, s = image(r, 4), pair_up_to(r, 4), pair_up_to(r, 3)
    same = one_in(r, 2)
    hw = [n * s[i] - int(r.integers(s[i])) if same else (n - 1) * s[i] + k[i]
          for i, n in enumerate(x[1:3])]
    kw["bias"] = pick(r, ("auto", None)) if form != "s16" else pick(r, ("s64", "s32"))
    return conv.transpose_conv(form, name, x, pick(r, r.channels), k, tuple(hw), stride=s,
                               pad="SAME" if same else "VALID",
                               scales=pick(r, ("channel", "tensor")), **kw)


def draw_matmul(op, form, name, r):
    by = 7 if r.large else 1
    m, n, k = up_to(r, 6 * by), up_to(r, 9 * by), up_to(r, 40 * by)
    batch = tuple(up_to(r, 3) for _ in range(r.integers(0, 3)))
    adj_x, adj_y = one_in(r, 3), one_in(r, 2)
    a, b = (k, m) if adj_x else (m, k), (n, k) if adj_y else (k, n)
    kw = dict(adj_x=adj_x, adj_y=adj_y)
    if form == "hybrid":
        # One batch axis: with two over 1 LiteRT takes the scales of other rows (matmul_float).
        batch = batch[:1]
        kw.update(asymmetric=one_in(r, 2), adj_x=False)
        a = (m, k)
    elif form != "f32":
        kw.update(zx=zero_point(r, form), zy=zero_point(r, form), zo=zero_point(r, form),
                  constant=one_in(r, 3), gain=span(r, -3, 1))
    return conv.matmul(form, name, batch + a, (batch if one_in(r, 2) else ()) + b, **kw)


def broadcast_shapes(r):
    rank = int(r.integers(5, 7)) if one_in(r, 5) else up_to(r, 4)
    full = [up_to(r, 14 if r.large else 6 if rank < 5 else 3) for _ in range(rank)]
    thin = lambda: tuple(1 if one_in(r, 3) else d for d in full)
    a, b = thin(), thin()
    return (a, b[int(r.integers(0, len(b))):]) if one_in(r, 3) else (a, b)


def draw_binary(op, form, name, r):
    a, b = broadcast_shapes(r)
    ra, rb = span(r), span(r)
    natural = {"MUL": ra * rb, "SQUARED_DIFFERENCE": (ra + rb)**2}.get(op, max(ra, rb) * 1.5)
    kw = dict(ra=ra, rb=rb, ro=natural * span(r, -1.5, 1.5), za=zero_point(r, "s8"),
              zb=zero_point(r, "s8"), zo=zero_point(r, "s8"), act=pick(r, ACTS))
    if op in ("ADD", "SUB") and form == "s16" and one_in(r, 2):
        kw.update(pot=True, ra=2.0**-up_to(r, 3), rb=1.0, ro=1.0)
        b = a   # the power-of-two ADD does not broadcast: LiteRT aborts
    if op == "DIV":
        kw["fill"] = ("full", "positive" if form == "f32" else "above")
        kw.update(zb=min(kw["zb"], 100), ro=ra / rb * span(r, 0, 4))
    return elementwise.binary(op, form, name, a, b, constant=1 if one_in(r, 3) else None, **kw)


def draw_prelu(op, form, name, r):
    shape = image(r, 5)
    return elementwise.prelu(form, name, shape, pick(r, ((1, 1, shape[3]), shape[1:], (1,))),
                             za=zero_point(r, "s8"), ro=span(r), constant=one_in(r, 2))


def draw_table(op, form, name, r):
    out = {"LOGISTIC": {"s8": (1 / 256, -128), "u8": (1 / 256, 0), "s16": (1 / 32768, 0)},
           "TANH": {"s8": (1 / 128, 0), "u8": (1 / 128, 128), "s16": (1 / 32768, 0)}}[op].get(form)
    real = pick(r, (span(r, -3, 5), 2.0**up_to(r, 4)))
    return elementwise.unary(op, form, name, image(r, 5), real=real, zero=zero_point(r, "s8"),
                             out=out, ulp=4)


def draw_rescaling(op, form, name, r):
    options = {"LEAKY_RELU": ("LeakyReluOptions", dict(alpha=float(np.float32(r.uniform(-2, 2))))),
               "HARD_SWISH": ("HardSwishOptions", {})}.get(op, (None, {}))
    real = span(r, -2, 5)
    out = None if form == "f32" else (real * span(r, -0.5, 2) / elementwise.UNIT[form],
                                      zero_point(r, form))
    return elementwise.unary(op, form, name, image(r, 5), real=real, zero=zero_point(r, "s8"),
                             out=out, options=options)


def draw_float_unary(op, form, name, r):
    fill = {"EXP": "unit", "SQRT": "positive", "RSQRT": "positive"}.get(op, "full")
    options = {"EXP": ("ExpOptions", {}), "NEG": ("NegOptions", {}),
               "ABS": ("AbsOptions", {})}.get(op, (None, {}))
    return elementwise.unary(op, form, name, image(r, 5), fill=fill, options=options,
                             ulp=4 if op in ("EXP", "ELU") else 0,
                             resolver="BUILTIN" if op == "ELU" else "BUILTIN_REF")


def draw_reduce(op, form, name, r):
    rank = up_to(r, 4)
    shape = tuple(up_to(r, 9) for _ in range(rank))
    axes = [int(a) - (rank if one_in(r, 4) else 0) for a in r.permutation(rank)[:up_to(r, rank)]]
    real = span(r)
    out = (real * span(r, -2, 2), zero_point(r, "s8")) if op == "MEAN" and form != "f32" else None
    return reduce.reduce(op, form, name, shape, axes, keep=one_in(r, 2), real=real,
                         zero=zero_point(r, "s8"), out=out)


def draw_pool(op, form, name, r):
    return reduce.pool(op, form, name, image(r), pair_up_to(r, 4), stride=pair_up_to(r, 3),
                       pad=pick(r, ("SAME", "VALID")), act=pick(r, ACTS), real=span(r, -1, 4),
                       zero=zero_point(r, "s8"))


def draw_softmax(op, form, name, r):
    shape = tuple(up_to(r, 4) for _ in range(r.integers(1, 4))) + (int(r.integers(2, 120)),)
    return reduce.softmax(form, name, shape, beta=float(np.float32(span(r, -2, 2))),
                          real=span(r, -3, 6), zero=zero_point(r, "s8"))


def draw_quantize(op, form, name, r):
    src = pick(r, ("f32", "f32", "s8", "u8", "s16"))
    scale = span(r, -10, 1)
    ratio = span(r, -3, 3) / (256 if src == "s16" and form != "s16" else 1) * \
        (256 if src != "s16" and form == "s16" else 1)
    x = (None, 0) if src == "f32" else (np.float32(scale * ratio), zero_point(r, src))
    return convert.quantize(name, src, form, (2, up_to(r, 200)), x=x,
                            y=(np.float32(scale), zero_point(r, form)),
                            fill=pick(r, ("full", "ties")) if src == "f32" else "full")


def draw_dequantize(op, form, name, r):
    src = "f16" if form == "any" else form
    x = (None, 0) if src == "f16" else (np.float32(span(r, -20, 2)), zero_point(r, src))
    return convert.dequantize(name, src, (2, up_to(r, 200)), x=x, form=form)


def draw_pad(op, form, name, r):
    rank = up_to(r, 4)
    shape = tuple(int(r.integers(3, 7)) for _ in range(rank))
    rows = r.integers(0, 3, (rank, 2)).astype(np.int32)
    mirror = ("MirrorPadOptions", dict(mode=int(r.integers(2))))
    table = mirror if op == "MIRROR_PAD" else ("PadOptions", {})
    return move.move(op, form, name, shape, [ob.const(rows)], table, move.BY_FORM[form])


def draw_concat(op, form, name, r):
    rank = up_to(r, 4)
    axis = int(r.integers(-rank, rank))
    shape = [up_to(r, 6) for _ in range(rank)]
    parts = []
    for _ in range(up_to(r, 4)):
        shape[axis] = up_to(r, 9)
        parts.append(tuple(shape))
    return move.concat(form, name, parts, axis, same=form != "u8" or one_in(r, 2))


def draw_transpose(op, form, name, r):
    rank = int(r.integers(1, 6))
    return move.move(op, form, name, tuple(up_to(r, 6) for _ in range(rank)),
                     [ob.ints(*r.permutation(rank))],
                     ("TransposeOptions", {}), 4 if rank > 4 else move.BY_FORM[form])


def draw_strided_slice(op, form, name, r):
    rank = up_to(r, 4)
    shape = tuple(up_to(r, 8) for _ in range(rank))
    strides = [pick(r, (1, 1, 2, 3, -1, -2)) for _ in shape]
    begin = [int(r.integers(d)) for d in shape]
    end = [b + 1 + int(r.integers(d)) if s > 0 else b - 1 - int(r.integers(b + 1)) - shape[i]
           for i, (b, s, d) in enumerate(zip(begin, strides, shape))]
    fields = dict(beginMask=int(r.integers(2**rank)), endMask=int(r.integers(2**rank)))
    if one_in(r, 3):
        i = int(r.integers(rank))
        fields["shrinkAxisMask"] = 1 << i
        strides[i] = 1
        fields["beginMask"] &= ~(1 << i)
    return move.move(op, form, name, shape, [ob.ints(*begin), ob.ints(*end), ob.ints(*strides)],
                     ("StridedSliceOptions", fields), 2 if form == "s8" else 1)


def draw_slice(op, form, name, r):
    shape = tuple(up_to(r, 8) for _ in range(up_to(r, 4)))
    begin = [int(r.integers(d)) for d in shape]
    size = [pick(r, (-1, up_to(r, d - b))) for b, d in zip(begin, shape)]
    return move.move(op, form, name, shape, [ob.ints(*begin), ob.ints(*size)], ("SliceOptions", {}),
                     {"s8": 2, "s16": 4}.get(form, 1))


def draw_gather(op, form, name, r):
    shape = tuple(up_to(r, 6) for _ in range(up_to(r, 4)))
    axis = int(r.integers(len(shape)))
    return move.gather(form, name, shape, r.integers(0, shape[axis], up_to(r, 5)), axis)


def draw_resize(op, form, name, r):
    table = "ResizeBilinearOptions" if op == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    fields = pick(r, ({}, dict(alignCorners=True), dict(halfPixelCenters=True)))
    return move.move(op, form, name, image(r, 7), [ob.ints(*pair_up_to(r, 12))], (table, fields),
                     4 if form == "s16" else 3)


def draw_function(op, form, name, r):
    """Quantized real functions of one operand."""
    fill = {"LOG": "above", "SQRT": "positive", "RSQRT": "above"}.get(op, "full")
    zero = int(r.integers(-128, 60)) if fill == "full" else -100
    fields = dict(approximate=one_in(r, 2)) if op == "GELU" else None
    real = span(r, -3, 3)
    return functions.function(op, form, name, image(r, 5), fields, real=real, zero=zero,
                              out=real * span(r, -1, 2), fill=fill,
                              resolver="BUILTIN" if op == "ELU" else "BUILTIN_REF")


def draw_compare(op, form, name, r):
    a, b = broadcast_shapes(r)
    ra = span(r)
    return functions.compare(op, form, name, a, b, ra, ra * pick(r, (1.0, span(r, -1, 1))),
                             zero_point(r, "s8"), zero_point(r, "s8"),
                             "whole" if form == "f32" else pick(r, ("full", "small")))


def draw_normal(op, form, name, r):
    """L2_NORMALIZATION and LOG_SOFTMAX."""
    shape = tuple(up_to(r, 4) for _ in range(r.integers(1, 4))) + (int(r.integers(2, 60)),)
    return arrange.normal(op, form, name, shape, span(r, -2, 5), zero_point(r, "s8"))


def draw_search(op, form, name, r):
    rank = up_to(r, 4)
    shape = tuple(up_to(r, 7) for _ in range(rank))
    return arrange.extremum(op, form, name, shape, int(r.integers(-rank, rank)),
                            pick(r, ("s32", "s64")))


ALL = ("f32", "s8", "u8", "s16")
DRAWS = [  # operators, forms, draw
    (("CONV_2D",), ("f32", "hybrid", "s8", "u8", "s16"), draw_conv),
    (("DEPTHWISE_CONV_2D",), ("f32", "hybrid", "s8", "u8", "s16"), draw_depthwise),
    (("FULLY_CONNECTED",), ("f32", "hybrid", "s8", "u8", "s16"), draw_fc),
    (("TRANSPOSE_CONV",), ("f32", "hybrid", "s8", "s16"), draw_transpose_conv),
    (("BATCH_MATMUL",), ("f32", "hybrid", "s8", "s16"), draw_matmul),
    (("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"), ALL, draw_binary),
    (("DIV",), ("f32", "s8", "u8"), draw_binary),
    (("SQUARED_DIFFERENCE",), ("f32", "s8"), draw_binary),
    (("PRELU",), ("f32", "s8", "u8"), draw_prelu),
    (("LOGISTIC", "TANH"), ALL, draw_table),
    (("RELU", "RELU6", "LEAKY_RELU"), ALL, draw_rescaling),
    (("RELU_N1_TO_1",), ("f32", "s8", "u8"), draw_rescaling),
    (("HARD_SWISH",), ("f32", "s8", "u8"), draw_rescaling),
    (("RSQRT", "SQRT", "NEG", "EXP", "ABS", "ELU"), ("f32",), draw_float_unary),
    (("EXP", "LOG", "SQRT", "RSQRT", "ABS"), ("s8", "s16"), draw_function),
    (("GELU",), ("s8", "u8"), draw_function),
    (("ELU",), ("s8",), draw_function),
    (tuple(functions.COMPARISONS), ("f32", "s8", "u8"), draw_compare),
    (("L2_NORMALIZATION",), ("f32", "s8", "u8"), draw_normal),
    (("LOG_SOFTMAX",), ("f32", "s8"), draw_normal),
    (("ARG_MAX", "ARG_MIN"), ("f32", "s8", "u8"), draw_search),
    (("MEAN", "REDUCE_MAX"), ALL, draw_reduce),
    (("SUM",), ("f32",), draw_reduce),
    (("AVERAGE_POOL_2D", "MAX_POOL_2D"), ALL, draw_pool),
    (("SOFTMAX",), ALL, draw_softmax),
    (("QUANTIZE",), ("s8", "u8", "s16"), draw_quantize),
    (("DEQUANTIZE",), ("s8", "u8", "s16", "any"), draw_dequantize),
    (("PAD",), ALL, draw_pad),
    (("MIRROR_PAD",), ("f32", "s8", "s16"), draw_pad),
    (("CONCATENATION",), ALL, draw_concat),
    (("TRANSPOSE",), ALL, draw_transpose),
    (("STRIDED_SLICE",), ALL, draw_strided_slice),
    (("SLICE",), ALL, draw_slice),
    (("GATHER",), ALL, draw_gather),
    (("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), ALL, draw_resize),
]


def pairs():
    """Every (operator, form, draw function)."""
    return [(op, form, draw) for ops, forms, draw in DRAWS for op in ops for form in forms]
