"""Control flow and variables: programs of several subgraphs."""
from flatbuffers import flexbuffers

import op_build as ob

NONE = (None, {})
COMPOSITE_OPTIONS = ob.np.frombuffer(bytes(flexbuffers.Dumps({})), ob.np.uint8)
ADD = ("AddOptions", {})
MUL = ("MulOptions", {})


def f32(*shape, **kw):
    return ob.T(shape, "f32", **kw)


def binary(op, table, operand, shape=(3,)):
    """x -> op(x, operand)"""
    return ob.Graph([f32(*shape), ob.const(operand), f32(*shape)], [(op, (0, 1), (2,), table)],
                    [0], [2])


def branch(name):
    main = ob.Graph([ob.T((), "bool"), f32(3), f32(3), f32(3)], [
        ("IF", (0, 1), (2,), ("IfOptions", dict(thenSubgraphIndex=1, elseSubgraphIndex=2))),
        ("RELU", (2,), (3,), NONE)], [0, 1], [3])
    return ob.Case("IF", "any", name, [], [], program=[
        main, binary("ADD", ADD, ob.np.float32([1, 2, 3])),
        binary("MUL", MUL, ob.np.float32([-1, 0.5, 4]))], runs=4)


def counting_loop(name, growing):
    """i < 4: i + 1, and x doubled, or longer by one element."""
    shape = (1, 3)
    less = ob.Graph([ob.T((), "s32"), f32(*shape), ob.const(ob.np.int32(4)), ob.T((), "bool")],
                    [("LESS", (0, 2), (3,), NONE)], [0, 1], [3])
    step = ("CONCATENATION", (1, 3), (5,), ("ConcatenationOptions", dict(axis=1))) if growing else \
        ("ADD", (1, 1), (5,), ADD)
    body = ob.Graph([ob.T((), "s32"), f32(*shape), ob.const(ob.np.int32(1)),
                     ob.const(ob.np.float32([[9]])), ob.T((), "s32"), f32(*shape)],
                    [("ADD", (0, 2), (4,), ADD), step], [0, 1], [4, 5])
    main = ob.Graph([ob.const(ob.np.int32(0)), f32(*shape), ob.T((), "s32"), f32(*shape),
                     f32(*shape)],
                    [("WHILE", (0, 1), (2, 3),
                      ("WhileOptions", dict(condSubgraphIndex=1, bodySubgraphIndex=2))),
                     ("RELU", (3,), (4,), NONE)], [1], [2, 4])
    return ob.Case("WHILE", "any", name, [], [], program=[main, less, body], runs=3)


def swapping_loop(name):
    """Three times (a, b) -> (2b, 2a): results of one pass are the inputs of the next. (Without the
    MUL, LiteRT 2.3.0 copies one input over the other before it reads it.)"""
    less = ob.Graph([ob.T((), "s32"), f32(3), f32(3), ob.const(ob.np.int32(3)), ob.T((), "bool")],
                    [("LESS", (0, 3), (4,), NONE)], [0, 1, 2], [4])
    body = ob.Graph([ob.T((), "s32"), f32(3), f32(3), ob.const(ob.np.int32(1)), ob.T((), "s32"),
                     ob.const(ob.np.float32(2)), f32(3), f32(3)],
                    [("ADD", (0, 3), (4,), ADD), ("MUL", (1, 5), (6,), MUL),
                     ("MUL", (2, 5), (7,), MUL)], [0, 1, 2], [4, 7, 6])
    main = ob.Graph([ob.const(ob.np.int32(0)), f32(3), f32(3), ob.T((), "s32"), f32(3), f32(3)],
                    [("WHILE", (0, 1, 2), (3, 4, 5),
                      ("WhileOptions", dict(condSubgraphIndex=1, bodySubgraphIndex=2)))],
                    [1, 2], [3, 4, 5])
    return ob.Case("WHILE", "any", name, [], [], program=[main, less, body], runs=2)


def accumulator(name):
    """CALL_ONCE sets a variable; every run adds its input and gives the sum back."""
    handle = ("VarHandleOptions", dict(container="", sharedName="sum"))
    resource = ob.T((), "resource")
    main = ob.Graph([f32(3), resource, f32(3), f32(3)], [
        ("CALL_ONCE", (), (), ("CallOnceOptions", dict(initSubgraphIndex=1))),
        ("VAR_HANDLE", (), (1,), handle), ("READ_VARIABLE", (1,), (2,), NONE),
        ("ADD", (0, 2), (3,), ADD), ("ASSIGN_VARIABLE", (1, 3), (), NONE)], [0], [3])
    init = ob.Graph([resource, ob.const(ob.np.float32([1, -2, 0.5]))], [
        ("VAR_HANDLE", (), (0,), handle), ("ASSIGN_VARIABLE", (0, 1), (), NONE)], [], [])
    return [ob.Case(op, "any", name, [], [], program=[main, init], runs=4)
            for op in ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")]


def composite(name):
    main = ob.Graph([f32(3), f32(3)], [("STABLEHLO_COMPOSITE", (0,), (1,), (
        "StableHLOCompositeOptions", dict(name="twice", decompositionSubgraphIndex=1,
                                          compositeAttributes=COMPOSITE_OPTIONS)))], [0], [1])
    return ob.Case("STABLEHLO_COMPOSITE", "any", name, [], [], runs=2,
                   program=[main, binary("MUL", MUL, ob.np.float32([2, 2, 2]))])


def cases():
    return [branch("add_or_mul"), counting_loop("doubling", False), counting_loop("growing", True),
            swapping_loop("swapping"), *accumulator("running_sum"), composite("mul")]
