"""Random cases with int4 constants: those of the linear operators' draws with their weights narrowed."""
import dataclasses

import numpy as np

import op_build as ob
import op_random
from op_random import Generator, pick, span, up_to

# The reference resolver registers DEPTHWISE_CONV_2D up to version 6, but its kernel takes int4.
VERSIONS = {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 10}


def narrow(draw):
    """A draw whose weights are int4; depthwise ones get sizes that fill whole bytes in the last row."""
    def drawn(op, form, name, r):
        case = draw(op, form, name, r)
        w = case.inputs[1]
        data = np.clip(np.round(w.data / 16.0), -7, 7).astype(np.int8)
        inputs = list(case.inputs)
        inputs[1] = dataclasses.replace(w, type="s4", data=data)
        return dataclasses.replace(case, inputs=inputs, version=VERSIONS[op], constant=True)
    return drawn


def draw_dequantize(op, form, name, r):
    shape = (up_to(r, 5), up_to(r, 7))
    data = r.integers(-8, 8, shape).astype(np.int8)
    x = ob.T(shape, "s4", data=data, scale=np.float32(span(r)), zero=int(r.integers(-3, 4)))
    return ob.Case(op, form, name, [x], [ob.T((), "f32")], ("DequantizeOptions", {}), 6, 1,
                   constant=True)


def draw_embedding(op, form, name, r):
    rows, columns = up_to(r, 9), 2 * up_to(r, 8)
    data = r.integers(-7, 8, (rows, columns)).astype(np.int8)
    scale = np.exp2(r.uniform(-6, -2, rows if pick(r, (True, False)) else 1)).astype(np.float32)
    table = ob.T((rows, columns), "s4", data=data, scale=scale)
    ids = ob.T((up_to(r, 5),), "s32", fill=f"below:{rows}")
    return ob.Case(op, form, name, [ids, table], [ob.T((), "f32")], version=4, runs=1,
                   constant=True)


DRAWS = [
    (("CONV_2D",), ("s8",), narrow(op_random.draw_conv)),
    (("DEPTHWISE_CONV_2D",), ("s8",), narrow(op_random.draw_depthwise)),
    (("FULLY_CONNECTED",), ("s8", "hybrid", "s16"), narrow(op_random.draw_fc)),
    (("DEQUANTIZE",), ("any",), draw_dequantize),
    (("EMBEDDING_LOOKUP",), ("hybrid",), draw_embedding),
]


def pairs():
    """Every (operator, form with int4 weights, draw function)."""
    return [(op, form + "_int4", lambda o, f, n, r, d=draw: dataclasses.replace(
        d(o, f.removesuffix("_int4"), n, r), form=f))
        for ops, forms, draw in DRAWS for op in ops for form in forms]


def cases():
    """Names of draws that LiteRT accepts."""
    refused = {("CONV_2D", 2), ("DEPTHWISE_CONV_2D", 0)}
    return [draw(op, form, f"int4_{i}", Generator(ob.rng_for(op, form, f"int4_{i}")))
            for op, form, draw in pairs() for i in range(3) if (op, i) not in refused]
