#!/usr/bin/env python3
"""Compares the schema tables of src/graph/options.def and src/tflite/schema.def with the real schema.

The judge is schema_py_generated.py of ai-edge-litert: every table's fields, ids, types and defaults
and the members of every union. Prints each difference; the last line is
'N passed, N failed', counting tables, unions and the operator list.
Usage: schema_check.py   (with a Python that has ai-edge-litert)
"""
import importlib.util
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Fields the generated code leaves out because they are deprecated; the files may still have them.
DEPRECATED = {("SignatureDef", 3): ("deprecatedtag", "str", 0.0),
              ("ResizeBilinearOptions", 0): ("newheight", "i32", 0.0),
              ("ResizeBilinearOptions", 1): ("newwidth", "i32", 0.0)}
# Names that Octavo shortens.
SHORT = {"fusedactivationfunction": "fusedactivation"}

SCALARS = {"Bool": "bool", "Int8": "i8", "Uint8": "u8", "Uint16": "u16", "Int32": "i32", "Uint32": "u32",
           "Int64": "i64", "Uint64": "u64", "Float32": "f32"}
ENUM_BYTES = {"padding": "i8", "activation": "i8", "type": "i8", "weights_format": "i8",
              "lstm_kernel": "i8", "lsh_projection": "i8", "combiner": "i8", "mirror_pad": "i8",
              "custom_format": "i8", "rng_algorithm": "i8", "sparse_format": "i8",
              "comparison_direction": "u32", "comparison_type": "u32"}


def snake(name):
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return name.lower().replace("_", "")


def real_tables(text):
    """{table: {id: (name, kind, default)}} from the generated builder functions and accessors."""
    tables = {}
    classes = re.findall(r"^class (\w+)\(object\):\n    __slots__ = \['_tab'\]\n(.*?)(?=^class |\Z)",
                         text, re.M | re.S)
    bodies = dict(classes)
    for name, body in bodies.items():
        fields = {}
        for add, slot, index, default in re.findall(
                rf"^def {name}Add(\w+)\(builder, \w+\):\n"
                r"    builder\.Prepend(\w+)Slot\((\d+), .*?, ([-\w.]+)\)$", text, re.M):
            index = int(index)
            if slot == "UOffsetTRelative":
                kind = offset_kind(body, index)
            else:
                kind = SCALARS[slot]
            value = {"True": 1.0, "False": 0.0}.get(default)
            add = SHORT.get(snake(add), snake(add))
            fields[index] = (add, kind, float(default) if value is None else value)
        tables[name] = fields
    return tables


def offset_kind(body, index):
    """The kind of an offset field, from what its accessor returns."""
    for method in re.split(r"\n    def ", body):
        if f"self._tab.Offset({4 + 2 * index})" not in method or "IsNone" in method.split("(")[0]:
            continue
        head = method.split("(")[0]
        if head.endswith("Length") or head.endswith("AsNumpy"):
            continue
        if "self._tab.String(" in method:
            return "str"
        if "self._tab.Union(" in method:
            return "union"
        vector = re.search(r"number_types\.(\w+)Flags, a \+", method)
        if vector:
            return "vec_" + SCALARS.get(vector[1], vector[1].lower())
        table = re.search(r"obj = (\w+)\(\)", method)
        if table:
            return ("vec_table " if "self._tab.Vector(o)" in method else "table ") + table[1]
    raise SystemExit(f"no accessor for field {index}")


def real_unions(module):
    names = ["BuiltinOptions", "BuiltinOptions2", "QuantizationDetails", "SparseIndexVector"]
    return {n: {v: k for k, v in vars(getattr(module, n)).items() if isinstance(v, int)}
            for n in names}


def strip_comments(path):
    return re.sub(r"/\*.*?\*/", "", (ROOT / path).read_text(), flags=re.S)


def our_options():
    tables, unions = {}, {"BuiltinOptions": {0: "NONE"}, "BuiltinOptions2": {0: "NONE"}}
    text = strip_comments("src/graph/options.def")
    for empty, union, value, name, _, fields in re.findall(
            r"OCT_OPTION(_EMPTY)?\((\d), (\d+), (\w+), (\w+)(?:,(.*?))?\)(?=\s*(?:OCT_|\Z))",
            text, re.S):
        schema = name + "Options"
        unions["BuiltinOptions2" if union == "2" else "BuiltinOptions"][int(value)] = schema
        tables[schema] = {
            int(i): (snake(field), ENUM_BYTES.get(kind, kind), float(default))
            for _, i, kind, field, default in re.findall(
                r"F\((\w+), (\d+), (\w+), (\w+), ([-\w.]+)\)", fields)}
    return tables, unions


def our_core():
    tables = {}
    text = strip_comments("src/graph/sparsity.def") + strip_comments("src/tflite/schema.def")
    for name, _, fields in re.findall(r"OCT_TABLE\((\w+), (\w+),(.*?)\)(?=\s*(?:OCT_|\Z))", text,
                                      re.S):
        rows = {}
        for macro, args in re.findall(r"\b([FATVU])\(([^)]*)\)", fields):
            args = [a.strip() for a in args.split(",")]
            index, rest = int(args[1]), args[2:]
            if macro == "F":
                rows[index] = (snake(rest[1]), ENUM_BYTES.get(rest[0], rest[0]), float(rest[2]))
            elif macro == "A":
                rows[index] = (snake(rest[1]), rest[0], 0.0)
            elif macro == "U":
                rows[index - 1] = (snake(rest[0]) + "type", "u8", 0.0)
                rows[index] = (snake(rest[0]), "union", 0.0)
            else:
                kind = "vec_table" if macro == "V" else "table"
                rows[index] = (snake(rest[0]), f"{kind} {rest[1]}", 0.0)
        tables[name] = rows
    return tables


def main():
    spec = importlib.util.find_spec("ai_edge_litert")
    path = pathlib.Path(spec.submodule_search_locations[0]) / "schema_py_generated.py"
    text = path.read_text()
    real = real_tables(text)
    for (table, index), field in DEPRECATED.items():
        real[table][index] = field
    module_spec = importlib.util.spec_from_file_location("schema", path)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)

    ours, unions = our_options()
    ours.update(our_core())
    wrong = 0
    for name in sorted(set(real) - set(ours)):
        print(f"missing table {name}")
        wrong += 1
    for name, fields in ours.items():
        for index in sorted(set(fields) | set(real.get(name, {}))):
            a, b = fields.get(index), real.get(name, {}).get(index)
            if a != b:
                print(f"{name}.{index}: ours {a}, schema {b}")
                wrong += 1
    for name, members in unions.items():
        if members != real_unions(module)[name]:
            print(f"union {name}: {set(members.items()) ^ set(real_unions(module)[name].items())}")
            wrong += 1
    codes = {int(c): n for c, n in re.findall(r"OCT_BUILTIN\((\d+), (\w+)\)",
                                              strip_comments("src/graph/builtin.def"))}
    theirs = {v: k for k, v in vars(module.BuiltinOperator).items() if isinstance(v, int)}
    if codes != theirs:
        print(f"operators: {set(codes.items()) ^ set(theirs.items())}")
        wrong += 1
    print(f"{len(ours) + len(unions) + 1 - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
