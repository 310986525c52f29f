"""Random cases of recurrent operators. Their states are variables, so the runs of a case are steps."""
import numpy as np

import op_build as ob
from op_random import Generator, one_in, pick, span, up_to

GOLDENS = 2
STEPS = 3
# LiteRT sums floats four at a time and approximates tanh, and small sums of large terms are outputs too.
# Hybrid cells quantize their state again in every step: a last bit there may become a whole code.
BOUND = {"f32": 2e-5, "hybrid": 2e-2, "s8": 0}


def t(shape, type_, **kw):
    return ob.T(tuple(int(d) for d in shape), type_, **kw)


def matrix(r, form, shape, scale=0.5):
    """Weights: float32, or int8 with a scale of their own."""
    if form == "f32":
        return ob.const((r.normal(0, 1, shape) * scale).astype(np.float32))
    return ob.const(r.integers(-127, 128, shape).astype(np.int8),
                    scale=np.float32(span(r, -9, -6)))


def vector(r, n, scale=0.5):
    return ob.const((r.normal(0, 1, n) * scale).astype(np.float32))


def whole(r, shape, type_, limit, scale):
    return ob.const(r.integers(-limit, limit + 1, shape).astype(ob.TYPES[type_][0]),
                    scale=np.float32(scale))


def drawn_act(r):
    return pick(r, (ob.ACT["NONE"], ob.ACT["RELU"], ob.ACT["RELU6"], 4))


def draw_svdf(op, form, name, r):
    batch, inputs, rank, units, memory = (up_to(r, n) for n in (3, 12, 3, 7, 9))
    filters = rank * units
    fields = dict(rank=rank, fusedActivationFunction=ob.ACT["RELU"])
    state = dict(variable=True)
    if form == "s8":
        s_state, s_time = span(r, -12, -8), span(r, -12, -8)
        tensors = [t((batch, inputs), "s8", scale=span(r, -6, -3), zero=int(r.integers(-128, 128))),
                   whole(r, (filters, inputs), "s8", 127, span(r, -9, -6)),
                   whole(r, (filters, memory), "s16", 512, s_time),
                   whole(r, units, "s32", 99999, s_state * s_time) if one_in(r, 2) else None,
                   t((batch, filters * memory), "s16", scale=s_state, **state)]
        y = t((), "s8", scale=span(r, -8, -3), zero=int(r.integers(-128, 128)))
        return ob.Case(op, form, name, tensors, [y], ("SVDFOptions", fields), 3, STEPS,
                       constant=True)
    fields["fusedActivationFunction"] = drawn_act(r)
    fields["asymmetricQuantizeInputs"] = form == "hybrid" and one_in(r, 2)
    tensors = [t((batch, inputs), "f32", fill=pick(r, ("full", "zero_row"))),
               matrix(r, form, (filters, inputs)), matrix(r, form, (filters, memory)),
               vector(r, units) if one_in(r, 2) else None,
               t((batch, filters * memory), "f32", **state)]
    return ob.Case(op, form, name, tensors, [t((), "f32")], ("SVDFOptions", fields),
                   4 if form == "hybrid" else 1, STEPS, bound=BOUND[form], constant=True)


class Cell:
    """Sizes and tensors of one LSTM cell, in the order of the operators' inputs."""

    def __init__(self, form, r, inputs, aux=0, norm=True):
        self.form, self.r, self.inputs, self.aux = form, r, inputs, aux
        self.cells = up_to(r, 9)
        self.cifg, self.peephole = one_in(r, 3), one_in(r, 3)
        self.norm = norm and one_in(r, 3)
        self.projected = one_in(r, 3) and not (form == "s8" and self.peephole)
        self.outputs = up_to(r, 6) if self.projected else self.cells
        self.gates = [g for g in range(4) if g > 0 or not self.cifg]

    def each(self, make, skip=()):
        return [make() if g in self.gates and g not in skip else None for g in range(4)]

    def weights(self, columns):
        return self.each(lambda: matrix(self.r, self.form, (self.cells, columns)))

    def vectors(self):
        """17 inputs: weights, peepholes, biases, projection."""
        r, form = self.r, self.form
        peephole = {"f32": lambda: vector(r, self.cells),
                    "hybrid": lambda: matrix(r, form, (self.cells,)),
                    "s8": lambda: whole(r, self.cells, "s16", 32767, span(r, -17, -14))}[form]
        bias = (lambda: whole(r, self.cells, "s32", 20000, 2.0**-15)) if form == "s8" else \
            (lambda: vector(r, self.cells))
        peepholes = self.each(peephole, (2,)) if self.peephole else [None] * 4
        projection = [matrix(r, form, (self.outputs, self.cells)), None]
        if one_in(r, 2):
            projection[1] = whole(r, self.outputs, "s32", 9999, 1) if form == "s8" else \
                vector(r, self.outputs)
        return [*self.weights(self.inputs), *self.weights(self.outputs),
                *(peepholes[g] for g in (0, 1, 3)), *self.each(bias),
                *(projection if self.projected else (None, None))]

    def norms(self):
        r = self.r
        if self.form == "s8":
            return self.each(lambda: whole(r, self.cells, "s16", 32767, span(r, -16, -13)))
        return self.each(lambda: vector(r, self.cells, 1))

    def clips(self):
        r = self.r
        return dict(cellClip=pick(r, (0.0, span(r, -1, 3))),
                    projClip=pick(r, (0.0, span(r, -1, 2))) if self.projected else 0.0)


def tanh_options(form, r):
    return dict(fusedActivationFunction=4,
                asymmetricQuantizeInputs=form == "hybrid" and one_in(r, 2))


def draw_lstm(op, form, name, r):
    batch, steps, cell = up_to(r, 3), up_to(r, 4), Cell(form, r, up_to(r, 9))
    fields = dict(tanh_options(form, r), **cell.clips())
    shape = (batch, cell.inputs)
    if op != "LSTM":
        fields["timeMajor"] = one_in(r, 2)
        shape = (steps, *shape) if fields["timeMajor"] else (batch, steps, cell.inputs)
    variable = dict(variable=True)
    between = []
    if form == "s8":
        # Gates are within the clamps of Q3.12 for most draws, beyond them for some.
        hidden = dict(scale=span(r, -8, -6), zero=int(r.integers(-128, 128)))
        x = t(shape, "s8", scale=span(r, -7, -4), zero=int(r.integers(-128, 128)))
        states = [t((batch, cell.outputs), "s8", **hidden, **variable),
                  t((batch, cell.cells), "s16", scale=2.0**-int(r.integers(9, 16)), **variable)]
        y = t((), "s8", **hidden)
        between = [t((1,), "s16", scale=span(r, -13, -11)) for _ in range(4)] + [
            t((1,), "s8", **(dict(scale=span(r, -8, -6), zero=int(r.integers(-128, 128)))
                             if cell.projected else hidden))]
    else:
        x, y = t(shape, "f32", fill=pick(r, ("full", "unit", "zero_row"))), t((), "f32")
        states = [t((batch, n), "f32", **variable) for n in (cell.outputs, cell.cells)]
    tensors = [x, *cell.vectors(), *states] + (cell.norms() if cell.norm else [])
    table = "LSTMOptions" if op == "LSTM" else "UnidirectionalSequenceLSTMOptions"
    version = {"f32": 1, "hybrid": 3, "s8": 3}[form] if op == "LSTM" else \
        {"f32": 1, "hybrid": 3, "s8": 2}[form]
    return ob.Case(op, form, name, tensors, [y], (table, fields), version, STEPS,
                   bound=BOUND[form], constant=True, intermediates=between)


def draw_bidi(op, form, name, r):
    batch, steps, inputs = up_to(r, 3), up_to(r, 4), up_to(r, 9)
    aux = up_to(r, 5) if one_in(r, 3) else 0
    cells = [Cell(form, r, inputs, aux, norm=False) for _ in range(2)]
    for cell in cells:  # LiteRT wants both of one size
        cell.projected, cell.cells = False, cells[0].cells
        cell.outputs = cell.cells
    fields = dict(tanh_options(form, r), mergeOutputs=one_in(r, 2), timeMajor=one_in(r, 2),
                  cellClip=pick(r, (0.0, span(r, -1, 3))))
    if fields["mergeOutputs"] and not fields["timeMajor"]:
        batch = 1  # LiteRT finds the states of further batches by the merged width: past their end
    shape = (steps, batch) if fields["timeMajor"] else (batch, steps)
    tensors = [t((*shape, inputs), "f32")]
    for cell in cells:
        tensors += cell.vectors()
    for cell in cells:
        tensors += [t((batch, n), "f32", variable=True) for n in (cell.outputs, cell.cells)]
    if aux:
        tensors.append(t((*shape, aux), "f32"))
        for cell in cells:
            tensors += cell.weights(aux)
    else:
        tensors += [None] * 9
    outputs = [t((), "f32") for _ in range(1 if fields["mergeOutputs"] else 2)]
    return ob.Case(op, form, name, tensors, outputs, ("BidirectionalSequenceLSTMOptions", fields),
                   3 if form == "hybrid" else 2, STEPS, bound=BOUND[form], constant=True)


def draw_rnn(op, form, name, r):
    """Auxiliary inputs as wide as the input and in float only, hybrid pairs batch by batch: LiteRT walks
    the others wrongly, past the ends of its buffers."""
    batch, steps, inputs = up_to(r, 3), up_to(r, 4), up_to(r, 9)
    two, fields = op.startswith("BI"), tanh_options(form, r)
    shape = (batch, inputs)
    if op != "RNN":
        fields["timeMajor"] = one_in(r, 2) and not (two and form == "hybrid")
        shape = (steps, batch, inputs) if fields["timeMajor"] else (batch, steps, inputs)
    tensors, aux_weights = [t(shape, "f32", fill=pick(r, ("full", "unit")))], []
    for _ in range(2 if two else 1):
        n = up_to(r, 9)
        tensors += [matrix(r, form, (n, inputs)), matrix(r, form, (n, n)), vector(r, n),
                    t((batch, n), "f32", variable=True)]
        aux_weights.append(matrix(r, form, (n, inputs)))
    table, outputs = {"RNN": "RNNOptions", "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions"}.get(
        op, "BidirectionalSequenceRNNOptions"), 1
    if two:
        fields["mergeOutputs"] = one_in(r, 2)
        outputs = 1 if fields["mergeOutputs"] else 2
        aux = form == "f32" and one_in(r, 2)
        tensors += [t(shape, "f32"), *aux_weights] if aux else [None] * 3
    return ob.Case(op, form, name, tensors, [t((), "f32") for _ in range(outputs)], (table, fields),
                   3 if form == "hybrid" else 1, STEPS, bound=BOUND[form], constant=True)


FLOATS = ("f32", "hybrid")
DRAWS = [
    (("SVDF",), (*FLOATS, "s8"), draw_svdf),
    (("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"), (*FLOATS, "s8"), draw_lstm),
    (("BIDIRECTIONAL_SEQUENCE_LSTM",), FLOATS, draw_bidi),
    (("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN"), FLOATS, draw_rnn),
]


def pairs():
    """Every (operator, form, draw function)."""
    return [(op, form, draw) for ops, forms, draw in DRAWS for op in ops for form in forms]


def cases():
    return [draw(op, form, f"drawn_{i}", Generator(ob.rng_for(op, form, f"drawn_{i}")))
            for op, form, draw in pairs() for i in range(GOLDENS)]
