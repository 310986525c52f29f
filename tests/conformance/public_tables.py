"""The tables of docs/files.md, from what public_files.py found."""

import collections
import math
import re
import statistics

MODES = ["float16", "dynamic", "weight-only", "int8", "int8-full", "int16x8"]
TIMED_BYTES = 100_000  # smaller models would time how processes start
AEQ_MODES = ["dynamic", "weight-only", "int8", "int16x8"]

HEAD = """# Public files

Printed by `tests/conformance/public_files.py OCTAVO NAME=FOLDER… --out FOLDER --markdown docs/files.md`; do not edit.
Every `.tflite` of the repositories google-ai-edge/LiteRT, google-ai-edge/ai-edge-quantizer, tensorflow/tflite-micro
and google-coral/test_data, and of packages from PyPI and npm: the names in the tables. Files of equal bytes count
once. LiteRT is ai-edge-litert 2.3.0 with its reference kernels (`BUILTIN_REF`), its optimised ones without delegates
where those do not run a file. Inputs and calibration samples are seeded noise, so SQNR tells whether a file computes
what it should, not how good it is on real data. Measured on 2 cores of a busy Sapphire-Rapids-class Xeon.
"""


def ran(row):
    return "different" in row


def written_equal(steps):
    """Whether every field of the written file says what the file said."""
    return (steps.get("fields") or steps.get("roundtrip", {})).get("differences") == []


def refused_by_both(row):
    return "refused" in row and row["litert"] != "loads it"


def round_trip_passes(steps):
    row = steps["roundtrip"]
    return refused_by_both(row) or (written_equal(steps) and row.get("different", 0) == 0)


def mode_state(row, neither=False):
    """One word for what a mode came to: equal, differs, made (LiteRT does not run it), custom, ended, refused."""
    if "ended" in row:
        return "ended"
    if "refused" in row:
        return "custom" if neither else "refused"
    if "litert" in row:
        return "made"
    if "octavo" not in row and row["failed"] and row["resolver"] != "BUILTIN_REF":
        return "optimised"  # LiteRT's reference kernels do not run it, and its others round in their own way
    return "differs" if "octavo" in row or row["failed"] else "equal"


def neither_runs(steps):
    return "litert" in steps.get("float32", {})


def modes_of(found):
    """(file, mode, result, state) of every mode of every float model."""
    for file in found:
        for mode in MODES:
            if mode in file["steps"]:
                row = file["steps"][mode]
                yield file, mode, row, mode_state(row, neither_runs(file["steps"]))


def counts(found):
    """(passed, failed) over files and modes."""
    good = [round_trip_passes(f["steps"]) for f in found if "roundtrip" in f["steps"]]
    good += [state in ("equal", "made", "custom", "optimised") for _, _, _, state in modes_of(found)]
    good += [mode_state(f["steps"]["float32"]) in ("equal", "made") for f in found if "float32" in f["steps"]]
    return sum(good), len(good) - sum(good)


def table(head, rows):
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def general(text):
    """A reason without what differs from file to file."""
    text = re.sub(r"See instructions.*", "", text)
    custom = re.search(r"custom op(?:erator)?:? '?([\w.-]+)", text)
    if custom:
        return f"custom operator {custom.group(1)}"
    text = re.sub(r"^octavo (quantize|run): ", "", text)
    text = re.sub(r"^\S.*?(?= is quantized already)", "a tensor", text)
    text = re.sub(r"^.*?(?=\([A-Z_0-9]+\): )", "", text)
    text = re.sub(r"/\S*/", "", text)
    return re.sub(r"\b\d+\b", "n", text)[:140].replace("|", "/").strip().rstrip(".")


def listed(counter, head):
    return table([head, "count"], [[text, n] for text, n in counter.most_common()]) if counter else ""


def round_trip(found):
    groups, rows = collections.OrderedDict(), []
    for file in found:
        groups.setdefault(file["group"], []).append(file)
    groups["all"] = found
    for name, files in groups.items():
        steps = [f["steps"] for f in files if f["stored"]]
        trips = [s["roundtrip"] for s in steps if "roundtrip" in s]
        rows.append([name, len(files), sum(not f["stored"] for f in files), sum(map(written_equal, steps)),
                     sum(map(ran, trips)), sum(t.get("different", 1) == 0 for t in trips),
                     sum(t.get("outputs", 0) for t in trips), sum(map(refused_by_both, trips)),
                     sum(not round_trip_passes(s) for s in steps if "roundtrip" in s)])
    text = table(["from", "files", "not stored", "written equal", "run by LiteRT", "outputs equal", "outputs",
                  "refused by both", "failing"], rows)
    why, refused = collections.Counter(), []
    for file in found:
        row = file["steps"].get("roundtrip", {})
        if "not_run" in row or "ended" in row:
            why[general(row.get("not_run") or "LiteRT itself ends by " + row["ended"])] += 1
        if "refused" in row:
            refused.append([file["group"] + "/" + file["name"].rsplit("/", 1)[-1], row["refused"][:120],
                            general(row["litert"])])
    text += "\nWhy LiteRT does not run a file that is written equal:\n\n" + listed(why, "reason")
    return text + "\nWhat is refused, and what LiteRT says:\n\n" + table(["file", "octavo", "LiteRT"], refused)


def level(row):
    """The worst SQNR of a model's float outputs; infinite where all are equal, None where it has none."""
    return min(row.get("sqnr", []), default=None)


def by_mode(found):
    rows = []
    for mode in MODES:
        results = [(row, state) for _, m, row, state in modes_of(found) if m == mode]
        states = collections.Counter(state for _, state in results)
        values = [row["values"] for row, state in results if state == "equal"]
        levels = [level(row) for row, state in results if state == "equal" and level(row) is not None]
        rows.append([mode, len(results), states["equal"] + states["made"] + states["differs"] + states["optimised"],
                     states["equal"] + states["differs"] + states["optimised"], states["equal"], sum(values),
                     f"{statistics.median(levels):.1f}" if levels else "", states["custom"],
                     states["refused"] + states["ended"]])
    return table(["mode", "models", "made", "run by LiteRT", "equal to octavo's", "values in them",
                  "median SQNR, dB", "neither runs the model", "not made"], rows)


def cell(row, state, notes):
    if state in ("refused", "ended", "custom", "made"):
        reason = general(row.get("refused") or row.get("ended") or row["litert"])
        mark = notes.setdefault((state == "made", reason), len(notes) + 1)
        return f"made [{mark}]" if state == "made" else f"[{mark}]"
    if state in ("differs", "optimised"):
        return "≠" if state == "differs" else "≈"
    worst = level(row)
    if worst is None:
        return f"{100 * min(row['equal_integers'], default=1):.0f} %" if "equal_integers" in row else "equal"
    return "=" if math.isinf(worst) else f"{worst:.0f}"


def by_model(found):
    notes, rows = {}, []
    for file in found:
        if "float16" not in file["steps"]:
            continue
        cells = {mode: cell(row, state, notes) for f, mode, row, state in modes_of([file])}
        rows.append([file["group"] + "/" + file["name"].rsplit("/", 1)[-1],
                     file["steps"]["float16"].get("bytes_before", ""), *(cells.get(m, "") for m in MODES)])
    text = table(["model", "bytes", *MODES], rows)
    lines = [f"[{n}] {reason}" for (_, reason), n in sorted(notes.items(), key=lambda item: item[1])]
    return text + "\n" + "<br>\n".join(lines) + "\n"


def left_float(found):
    """Why operators stay float: (operators, models) of each reason."""
    text = ""
    for mode in ("int8", "int16x8"):
        operators, models = collections.Counter(), collections.Counter()
        for _, m, row, _ in modes_of(found):
            for reason, n in row.get("float", {}).items() if m == mode else ():
                reason = re.sub(r"no range is known of .*", "no range is known of one of its tensors", reason)
                operators[reason] += n
                models[reason] += 1
        text += f"\n{mode}:\n\n" + table(["reason", "operators", "models"], [
            [reason, n, models[reason]] for reason, n in operators.most_common(25)])
    return text


def beside_aeq(found):
    rows, failures = [], collections.Counter()
    for mode in AEQ_MODES:
        results = [(f, f["steps"]["aeq"][mode]) for f in found if mode in f["steps"].get("aeq", {})
                   and f["steps"]["float16"].get("bytes_before", 0) >= TIMED_BYTES]
        both = [(f, r) for f, r in results if r["theirs"] and r["ours"] and "failed" not in r]
        ratios = [min(r["theirs"]) / min(r["ours"]) for _, r in both]
        unchanged = sum(r["bytes"] >= f["steps"]["float16"].get("bytes_before", 0) for f, r in both)
        failures.update(general(r["failed"]) for _, r in results if "failed" in r and r["ours"])
        geometric = math.exp(statistics.fmean(map(math.log, ratios))) if ratios else math.nan
        rows.append([mode, len(results), len(both), unchanged, f"{geometric:.1f}",
                     f"{min(ratios, default=math.nan):.1f} to {max(ratios, default=math.nan):.1f}"])
    text = table(["mode", "models", "both make one", "of which AI Edge Quantizer's is not smaller",
                  "its time / ours, geometric mean", "range"], rows)
    return text + "\nWhy AI Edge Quantizer makes none:\n\n" + listed(failures, "reason")


def text(found):
    stored = [f for f in found if f["stored"]]
    models = [f for f in found if "float16" in f["steps"]]
    good = sum(round_trip_passes(f["steps"]) for f in stored if "roundtrip" in f["steps"])
    states = collections.Counter(state for *_, state in modes_of(found))
    ours = collections.Counter(mode_state(f["steps"]["float32"]) for f in models)
    trouble = [(f, m, row) for f, m, row, state in modes_of(found) if state == "differs"]
    summary = (f"{len(found)} files, of which the repositories store {len(stored)} (the others are pointers or empty); "
               f"{good} of them round trip. {len(models)} have float arithmetic: {ours['equal']} of them compute the "
               f"same in octavo's reference kernels as in LiteRT's, {ours['made']} are not run by LiteRT. Of "
               f"{sum(states.values())} combinations of model and mode {states['equal']} are made, run in LiteRT and equal "
               f"octavo's answer, {states['made']} are made but LiteRT lacks a custom operator of the model, "
               f"{states['custom']} need calibration through such an operator, {states['refused']} are refused, "
               f"{states['ended']} did not end in time, {states['optimised']} are run by LiteRT's optimised kernels alone and differ from them (≈), "
               f"{states['differs']} differ (≠).")
    waiting = sum("roundtrip" not in f["steps"] for f in stored)
    if waiting:
        summary += f" {waiting} files are not measured yet; models not measured in every mode show gaps."
    parts = [HEAD, summary + "\n",
             "## Round trip\n\n`octavo convert` reads and writes the file; every field is compared, then LiteRT's outputs "
             "of both files, every signature, byte for byte.\n\n" + round_trip(found),
             "## Quantized\n\nIntegers, and floats dequantized from them, must be LiteRT's byte for byte; other floats "
             "within 1e-5 of the largest magnitude or twice what LiteRT's own two sets of kernels differ.\n\n"
             + by_mode(found)]
    if trouble:
        parts.append("What differs:\n\n" + table(["model", "mode", "what"], [
            [f["name"].rsplit("/", 1)[-1], m, general(row["octavo"]) if "octavo" in row else
             f"{row['different']} of {row['values']} values"] for f, m, row in trouble]))
    parts += ["## Operators that stay float\n" + left_float(found),
              "## Time beside AI Edge Quantizer\n\nOurs: the whole command, process and files included. Theirs (version "
              "0.10.0): the calls that calibrate and quantize, in a process that has imported them. In turns, the "
              "shorter of two each; models of at least 100 kB.\n\n" + beside_aeq(found),
              "## Model by model\n\nThe worst SQNR in dB of a model's float outputs against the float model in LiteRT; "
              "= where they are equal; a share of equal elements where a model has no float outputs.\n\n"
              + by_model(found)]
    return "\n".join(parts)
