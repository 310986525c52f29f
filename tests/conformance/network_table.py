"""What the results of networks.py come to: goals met and missed, a line for people, a page of tables."""

import json
import os

OUTPUT_BOUND = 1e-5  # of the largest output
ROUNDING = 2         # where Keras and the converter are themselves far from float64: so many times as far


def boundary_differences(row):
    """What of the boundary differs."""
    ours, theirs = row["octavo"], row["converter"]
    return [key for key in ("inputs", "outputs", "signatures") if ours[key] != theirs[key]]


def rounding_of_others(row):
    """How far Keras and the converter's file are from the same network in float64: what adds in float32, in
    an order of its own, can hardly be asked for less."""
    known = [row["octavo"].get("keras64", 0)]
    if "converter" in row:
        known.append(row["converter"].get("deviation64", row["converter"]["deviation"]))
    return max(known)


def outputs_equal(row, key):
    """Within the bound of Keras, or about as near to float64 as the others are."""
    ours = row["octavo"]
    return ours[key] <= OUTPUT_BOUND or ours.get(key + "64", ours[key]) <= ROUNDING * rounding_of_others(row)


def goals(row):
    """{goal: met} of one network."""
    if "error" in row:
        return {"converted": False}
    ours, theirs = row["octavo"], row.get("converter")
    found = {"converted": True, "outputs": outputs_equal(row, "deviation")}
    if theirs is not None:
        found["bytes"] = ours["bytes"] <= theirs["bytes"]
        found["operators"] = ours["operators"] <= theirs["operators"]
        found["boundary"] = not boundary_differences(row)
    if "engine_deviation" in ours:
        found["engine"] = outputs_equal(row, "engine_deviation")
    if "h5_equal" in ours:
        found["h5"] = ours["h5_equal"]
    return found


def count_goals(rows):
    return sum(len(goals(row)) for row in rows)


def count_failures(rows):
    return sum(not met for row in rows for met in goals(row).values())


def shown(number):
    return "–" if number is None else f"{number:.1e}"


NOTHING = {"deviation": None, "bytes": None, "operators": None, "process_seconds": None}


def cells(row):
    """What both the line and the table show of a network: pairs of texts, ours first."""
    ours, theirs = row["octavo"], row.get("converter", NOTHING)

    def pair(key, form, other=None):
        values = ours[key], theirs[other or key]
        return " / ".join("–" if value is None else form(value) for value in values)

    return {
        "outputs": pair("deviation", shown),
        "float64": " / ".join(map(shown, (ours.get("deviation64"), theirs.get("deviation64"), ours.get("keras64")))),
        "operators": pair("operators", str),
        "bytes": pair("bytes", "{:,}".format),
        "seconds": pair("seconds", lambda value: f"{value:.2f}" if value < 10 else f"{value:.0f}", "process_seconds"),
    }


def line(row):
    """One network in a line."""
    if "error" in row:
        return f"FAIL {row['name']}: {row['error']}"
    missed = [goal for goal, met in goals(row).items() if not met]
    return (f"{'FAIL' if missed else 'ok  '} {row['name']}: "
            + ", ".join(f"{key} {text}" for key, text in cells(row).items())
            + (f"; missed: {', '.join(missed)}" if missed else ""))


HEAD = """# Networks

Every network of keras.applications and tf_keras's own families RegNet and ResNetRS, converted by Octavo and by
TFLiteConverter. Weights are seeded noise with statistics of their own (`tests/conformance/network_models.py`); the
batch is open; the head is left as Keras draws it, so no rounding is magnified.

{facts}

Printed by
```
build/venv/bin/python tests/conformance/networks.py build/octavo --markdown docs/networks.md
```
which goes on where it was stopped. `make conformance` checks four of them.

## What came of it

{summary}

## One by one

*Outputs*: the largest difference from Keras's output, as a share of the largest output, of Octavo's file and of the
converter's, both run by LiteRT; then how far Octavo's file, the converter's and Keras itself are from the same network
computed in float64. Where the first column is above 1e-5 the others tell whose rounding it is. *Operators* and *bytes*:
Octavo's, then the converter's. *Seconds*: each conversion, a process of its own from start to end, on a machine that did
other work too. – was not measured.

| network | outputs | to float64 | operators | bytes | seconds |
|---|---|---|---|---|---|
"""


def table_row(row):
    name = row["name"].replace("tf_keras.", "")
    if "error" in row:
        return f"| {name} | {row['error']} | | | | |"
    return f"| {name} | " + " | ".join(cells(row).values()) + " |"


def summary(rows, total):
    """Counts over everything compared, as a list."""
    ours = [row for row in rows if "error" not in row]
    done = [row for row in ours if "converter" in row]
    tallies = {}
    for row in ours:
        for goal, met in goals(row).items():
            good, count = tallies.get(goal, (0, 0))
            tallies[goal] = good + met, count + 1

    def of(goal):
        return "{} of {}".format(*tallies.get(goal, (0, 0)))

    within = sum(row["octavo"]["deviation"] <= OUTPUT_BOUND for row in ours)
    theirs_within = sum(row["converter"]["deviation"] <= OUTPUT_BOUND for row in done)
    fewer = sum(row["octavo"]["operators"] < row["converter"]["operators"] for row in done)
    operators = (sum(row[side]["operators"] for row in done) for side in ("octavo", "converter"))
    saved = [row["converter"]["bytes"] - row["octavo"]["bytes"] for row in done] or [0]
    return "\n".join([
        f"- Measured: {len(rows)} of {total} networks. Converted: {len(ours)} of {len(rows)}; compared with the converter's file: {len(done)}.",
        f"- Outputs within 1e-5 of Keras's: {within} of {len(ours)} (the converter's file: {theirs_within} of {len(done)}). "
        f"Within that, or at most twice as far from the\n  float64 result as Keras or the converter's file: {of('outputs')}.",
        f"- Octavo's own engine, by the same measure: {of('engine')} (the two with open height and width are not run).",
        f"- Operators never more than the converter's: {of('operators')}; fewer in {fewer}; "
        "{} against {} over all.".format(*operators),
        f"- File never larger: {of('bytes')}; between {min(saved):,} and {max(saved):,} bytes smaller.",
        f"- Names, types and shapes of inputs and outputs and the signature equal: {of('boundary')}.",
        f"- Saved as `.h5` too, the outputs of both conversions are equal bit by bit: {of('h5')}."])


def lines_of(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return list({row["name"]: row for row in map(json.loads, file)}.values())


def time_table(rows):
    if not rows:
        return ""
    text = ("\n## Time in LiteRT\n\nLiteRT's own time for Octavo's file ÷ for the converter's: both loaded in one process, one "
            "thread, run in turn,\nprocessor time of that thread (`tests/conformance/network_cost.py build/octavo --time`).\n\n"
            "| network | fastest run, ms | their ratio | median ratio of pairs [95 %] | pairs |\n|---|---|---|---|---|\n")
    product = 1.0
    for row in rows:
        product *= row["median_ratio"] ** (1 / len(rows))
        text += (f"| {row['name']} | {row['fastest_ms'][0]:.2f} / {row['fastest_ms'][1]:.2f} | {row['fastest_ratio']:.3f} | "
                 f"{row['median_ratio']:.3f} [{row['interval'][0]:.3f}, {row['interval'][1]:.3f}] | {row['rounds']} |\n")
    return text + f"\nGeometric mean of the medians: {product:.3f}.\n"


def convert_table(rows):
    if not rows:
        return ""
    text = ("\n## Converting\n\nBoth converters in turn, each in a process of its own "
            "(`tests/conformance/network_cost.py build/octavo --convert`);\nthe least of several runs, Octavo / TFLiteConverter. "
            "The converter's process also imports TensorFlow and loads the model;\n`convert()` is the call alone. *Beside files*: "
            "Octavo's memory that no file backs, sampled; the rest is the mapped input.\n\n"
            "| network | .keras, MB | seconds | its `convert()` | processor seconds | ratio | peak MiB | beside files, MiB |\n"
            "|---|---|---|---|---|---|---|---|\n")
    for row in rows:
        ours, theirs = row["octavo"], row["converter"]
        text += (f"| {row['name']} | {row['source_bytes'] / 1e6:.0f} | {ours['seconds']:.3f} / {theirs['process_seconds']:.1f} | "
                 f"{theirs['convert_seconds']:.1f} | {ours['processor_seconds']:.3f} / {theirs['processor_seconds']:.1f} | "
                 f"{theirs['processor_seconds'] / ours['processor_seconds']:.0f} | "
                 f"{ours['peak_rss_bytes'] >> 20} / {theirs['peak_rss_bytes'] >> 20} | {ours['peak_anonymous_bytes'] >> 20} |\n")
    return text


def page(rows, total, out, versions):
    """The whole of docs/networks.md."""
    dates = sorted({row["date"] for row in rows}) or ["–"]
    machines = ", ".join(sorted({row["machine"] for row in rows}))
    facts = f"{versions}; {machines}; {dates[0]}" + (f" to {dates[-1]}." if dates[-1] != dates[0] else ".")
    return (HEAD.format(facts=facts, summary=summary(rows, total)) + "\n".join(table_row(row) for row in rows) + "\n"
            + time_table(lines_of(os.path.join(out, "cost", "time.jsonl")))
            + convert_table(lines_of(os.path.join(out, "cost", "convert.jsonl"))))
