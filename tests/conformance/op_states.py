"""The state of every operator in LiteRT's list: equal with counts, without a kernel in LiteRT, or not done.

What Octavo has is read from src/ops/ops.def, what it has not and why from src/ops/absent.def, what LiteRT has
by asking its resolvers. An operator of LiteRT that is in neither list is a fault.
"""
import collections
import pathlib
import re
import sys

import op_build as ob

OPS = pathlib.Path(__file__).resolve().parents[2] / "src" / "ops"


def listed(name, pattern):
    return dict((int(code), text) for code, text in
                re.findall(pattern, (OPS / name).read_text(), re.MULTILINE))


def registered(op):
    """Whether one of LiteRT's resolvers has a kernel of that name."""
    tensors = [ob.T((1, 2), "f32")], [ob.T((1, 2), "f32")]
    model = ob.build(ob.Case(op, "f32", "probe", *tensors))
    for resolver in ("BUILTIN_REF", "BUILTIN"):
        try:
            ob.litert.Interpreter(model_content=model,
                                  experimental_op_resolver_type=ob.RESOLVERS[resolver])
            return True
        except (RuntimeError, ValueError) as e:
            if "Didn't find op" not in str(e):
                return True
    return False


def report(equal):
    """Prints a line per operator; equal = {operator: (models, failing)} of this run. True: no fault."""
    have = listed("ops.def", r"^OCT_OP\((\d+), (\w+)\)")
    absent = listed("absent.def", r'^OCT_ABSENT\((\d+), "(.*)"\)')
    codes = {v: k for k, v in vars(ob.schema.BuiltinOperator).items() if isinstance(v, int)}
    counts, faults = collections.Counter(), 0
    for code, op in sorted(codes.items()):
        models, failing = equal.get(op, (0, 0))
        if code in have:
            state = "equal" if failing == 0 else "differs"
            detail = f"{models} models" if models else "goldens only"
        elif code in absent:
            state, detail = "not done", absent[code]
        else:
            state, detail = "refused by LiteRT", "no kernel in either resolver"
            if op not in ("CUSTOM", "DELEGATE") and registered(op):
                state, faults = "missing", faults + 1
        counts[state] += 1
        print(f"{code:4} {op:36} {state:18} {detail}")
    print(", ".join(f"{n} {state}" for state, n in counts.items()))
    return faults == 0


if __name__ == "__main__":
    sys.exit(0 if report({}) else 1)
