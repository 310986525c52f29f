#!/usr/bin/env python3
"""The kernels' arithmetic as a few lines of numpy, held against LiteRT's reference resolver.

op_facts.py [--only OP] recomputes the operator cases and prints, per operator and form, how many
output values the written formula predicts exactly. It is how a formula is settled before C is
written: a formula that is wrong on any value is not documentation. Exit code 1 on any difference.
"""
import argparse
import collections
import sys

import numpy as np

import op_build as ob
import op_cases
import op_formulas_float as real
import op_formulas_linear as linear
import op_formulas_table as table

S8_S16, S8_U8, EIGHT_S16 = ("s8", "s16"), ("s8", "u8"), ("s8", "u8", "s16")
ROWS = [  # formula, operators, forms
    (linear.conv_2d, ("CONV_2D",), S8_S16),
    (linear.depthwise, ("DEPTHWISE_CONV_2D",), S8_S16),
    (linear.conv_u8, ("CONV_2D", "DEPTHWISE_CONV_2D"), ("u8",)),
    (linear.fully_connected, ("FULLY_CONNECTED",), S8_S16),
    (linear.fc_u8, ("FULLY_CONNECTED",), ("u8",)),
    (linear.transpose_conv, ("TRANSPOSE_CONV",), S8_S16),
    (linear.batch_matmul, ("BATCH_MATMUL",), S8_S16),
    (linear.add_sub, ("ADD", "SUB"), EIGHT_S16),
    (linear.mul, ("MUL",), EIGHT_S16),
    (linear.squared_difference, ("SQUARED_DIFFERENCE",), ("s8",)),
    (linear.prelu, ("PRELU",), S8_U8),
    (linear.leaky_relu, ("LEAKY_RELU",), EIGHT_S16),
    (linear.relu, ("RELU", "RELU6", "RELU_N1_TO_1"), EIGHT_S16),
    (linear.mean, ("MEAN",), EIGHT_S16),
    (linear.average_pool, ("AVERAGE_POOL_2D",), EIGHT_S16),
    (linear.resize_bilinear, ("RESIZE_BILINEAR",), S8_S16),
    (linear.quantize, ("QUANTIZE",), (*EIGHT_S16, "any")),
    (linear.dequantize, ("DEQUANTIZE",), (*EIGHT_S16, "any")),
    (table.lut_8, ("TANH", "LOGISTIC"), S8_U8),
    (table.lut_8, ("EXP", "LOG", "ELU"), ("s8",)),
    (table.table_function_16, ("EXP", "LOG"), ("s16",)),
    (table.sigmoid_16, ("TANH", "LOGISTIC"), ("s16",)),
    (table.softmax_8, ("SOFTMAX",), S8_U8),
    (table.softmax_16, ("SOFTMAX",), ("s16",)),
    (table.hard_swish, ("HARD_SWISH",), S8_U8),
    (table.rsqrt_8, ("RSQRT",), ("s8",)),
    (table.sqrt_8, ("SQRT",), ("s8",)),
    (table.l2_normalization, ("L2_NORMALIZATION",), S8_U8),
    (real.conv_f32, ("CONV_2D",), ("f32",)),
    (real.depthwise_f32, ("DEPTHWISE_CONV_2D",), ("f32",)),
    (real.hybrid_conv, ("CONV_2D", "DEPTHWISE_CONV_2D"), ("hybrid",)),
    (real.fc_f32, ("FULLY_CONNECTED",), ("f32",)),
    (real.hybrid_fc, ("FULLY_CONNECTED",), ("hybrid",)),
    (real.transpose_conv_float, ("TRANSPOSE_CONV",), ("f32", "hybrid")),
    (real.matmul_float, ("BATCH_MATMUL",), ("f32", "hybrid")),
    (real.mean_float, ("MEAN", "SUM"), ("f32",)),
    (real.average_pool_float, ("AVERAGE_POOL_2D",), ("f32",)),
    (real.softmax_float, ("SOFTMAX",), ("f32",)),
    (real.resize_bilinear_float, ("RESIZE_BILINEAR",), ("f32", "u8")),
    (real.concat_u8, ("CONCATENATION",), ("u8",)),
]
FORMULAS = {(op, form): f for f, ops, forms in ROWS for op in ops for form in forms}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="operator name")
    only = parser.parse_args().only
    found = collections.OrderedDict()
    for case in op_cases.all_cases():
        formula = FORMULAS.get((case.op, case.form))
        if formula is None or case.refused or only not in (None, case.op):
            continue
        _, inputs, outputs = ob.golden(case)
        row = found.setdefault((case.op, case.form), [0, 0, 0])
        row[0] += 1
        for xs, ys in zip(inputs, outputs):
            want = ys[0]
            with np.errstate(all="ignore"):
                got = np.asarray(formula(case, xs)).reshape(want.shape)
            differ = int(np.sum((got != want) & ~((got != got) & (want != want))))
            row[1] += want.size
            row[2] += differ
            if differ:
                i = tuple(np.argwhere(got != want)[0])
                where = [int(v) for v in i]
                print(f"{case.stem}: {differ} of {want.size} differ, first at {where}: "
                      f"formula {got[i]}, LiteRT {want[i]}")
    print(f"{'operator':20} {'form':7} {'cases':>6} {'values':>8} {'different':>9}")
    for (op, form), (n, values, differ) in found.items():
        print(f"{op:20} {form:7} {n:6} {values:8} {differ:9}")
    return 1 if any(r[2] for r in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
