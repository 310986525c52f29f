"""Operators as Markdown tables, from `octavo ops --json` on standard input."""
import json
import sys

operators = json.load(sys.stdin)
print("Every kernel returns the bytes of LiteRT 2.3.0's reference resolver where it computes integers; floats are\n"
      "equal too, or within the bound that the golden files state (`tests/golden/ops/README.md`). Differences:\n"
      "SUM of int8 and int16 follows LiteRT's float kernel, because its reference one reads them as uint8;\n"
      "NON_MAX_SUPPRESSION and TFLite_Detection_PostProcess put equal scores in the order of their indices;\n"
      "WHILE, and recurrent operators with auxiliary inputs, compute what LiteRT's kernels overrun their buffers at.\n")
print("| operator | reference kernels | fast kernels | versions | quantization |")
print("|---|---|---|---|---|")
for op in operators:
    if "absent" in op:
        continue
    versions = f"1–{op['max_version']}" if op["max_version"] else "custom"
    print("| {} | {} | {} | {} | {} |".format(op["name"], " ".join(op["ref"]), " ".join(op["fast"]) or "–",
                                              versions, op["rule"]))
print("\nWithout a kernel, though LiteRT has one; models keep them as they are, and they stay float. Operators in\n"
      "neither table have no kernel in LiteRT's resolvers.\n")
print("| operator | why |")
print("|---|---|")
for op in operators:
    if "absent" in op:
        print(f"| {op['name']} | {op['absent']} |")
