"""Operators as a Markdown table, from `octavo ops --json` on standard input."""
import json
import sys

print("| operator | reference kernels | fast kernels | versions | quantization |")
print("|---|---|---|---|---|")
for op in json.load(sys.stdin):
    print("| {} | {} | {} | 1–{} | {} |".format(op["name"], " ".join(op["ref"]), " ".join(op["fast"]) or "–",
                                               op["max_version"], op["rule"]))
