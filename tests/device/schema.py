"""The part of JSON Schema that docs/results.schema.json uses: type, const, enum, required, properties, items,
minimum and $ref into $defs."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def has_type(value, name):
    if name in ("integer", "number"):
        kinds = int if name == "integer" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def faults(value, schema, root, place="results"):
    """What does not fit, one sentence each."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(has_type(value, name) for name in names):
        return [f"{place}: {value!r:.60} is not {' or '.join(names)}"]
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value!r:.60} is not one of those allowed"]
    if "minimum" in schema and value < schema["minimum"]:
        return [f"{place}: {value} is too small"]
    found = []
    if isinstance(value, dict):
        found += [f"{place}: {key} is missing" for key in schema.get("required", []) if key not in value]
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                found += faults(value[key], inner, root, place + "." + key)
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            found += faults(item, schema["items"], root, f"{place}[{i}]")
    return found
