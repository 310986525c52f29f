"""AI Edge Quantizer (pip install ai-edge-quantizer) with true minima and maxima, for accuracy_effort.py."""

import contextlib
import io

from ai_edge_quantizer import quantizer, recipe
from ai_edge_quantizer.utils import qsv_utils

# Its calibration is a moving average, which depends on the order of samples and cuts logits off. Others hold
# references to the function, so its body is replaced.
qsv_utils.moving_average_update.__code__ = qsv_utils.min_max_update.__code__

RECIPES = {"int8": recipe.static_wi8_ai8, "int16x8": recipe.static_wi8_ai16,
           "dynamic": recipe.dynamic_wi8_afp32}


def quantize(source, calib, mode, target):
    """source: float .tflite with one input; calib [n, …] float32; the file made lies at target."""
    from ai_edge_litert.interpreter import Interpreter
    q = quantizer.Quantizer(source, RECIPES[mode]())
    result = None
    if mode != "dynamic":
        interpreter = Interpreter(source)
        signatures = interpreter.get_signature_list()
        key = next(iter(signatures), None)
        name = signatures[key]["inputs"][0] if key else interpreter.get_input_details()[0]["name"]
        result = q.calibrate({key: [{name: image[None]} for image in calib]}, num_threads=1)
    with open(target, "wb") as f, contextlib.redirect_stdout(io.StringIO()):
        f.write(q.quantize(result).quantized_model)
