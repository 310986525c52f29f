"""A float .tflite as ONNX, so that onnxruntime can be measured on the same network.

Activations become NCHW with one transpose in front of the network, constants are laid out once.
The operators of image classifiers and of transformers' feed-forward parts are known; another one is
named in the error. quantize() makes onnxruntime's own static int8 of it (its quantizer, min/max
ranges from the samples given, weights per channel).
"""
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/conformance"))
import tflite_model

ACTIVATIONS = {0: None, 1: "Relu", 2: "Clip11", 3: "Clip6"}  # ActivationFunctionType
SAME = 0  # Padding


class Translator:
    def __init__(self, model):
        self.model = model
        self.nodes, self.constants = [], []
        self.names = {}       # tensor index -> name of its value
        self.channels_first = set()  # tensor indices whose value is NCHW
        self.serial = 0

    def fresh(self, hint):
        self.serial += 1
        return f"{hint}_{self.serial}"

    def constant(self, array, hint="c"):
        name = self.fresh(hint)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind, inputs, hint=None, **attributes):
        name = self.fresh(hint or kind)
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def operand(self, tensor, channels_first):
        """The value of a tensor in the layout asked for; 4-D constants are transposed here."""
        known = self.model.constant(tensor)
        if known is not None:
            data = known.data.astype(np.float32)
            if channels_first and data.ndim == 4:
                data = data.transpose(0, 3, 1, 2)
            elif channels_first and data.ndim == 1:
                data = data.reshape(-1, 1, 1)
            return self.constant(data)
        name = self.names[tensor.index]
        have = tensor.index in self.channels_first
        if have == channels_first or len(tensor.shape) != 4:
            return name
        return self.add("Transpose", [name], perm=[0, 3, 1, 2] if channels_first else [0, 2, 3, 1])

    def activate(self, value, options):
        kind = ACTIVATIONS[int(options.get("fusedActivationFunction", 0))]
        if kind == "Relu":
            return self.add("Relu", [value])
        if kind is None:
            return value
        low, high = (-1, 1) if kind == "Clip11" else (0, 6)
        return self.add("Clip", [value, self.constant(np.float32(low)), self.constant(np.float32(high))])

    def pads(self, node, kernel):
        """[top, left, bottom, right] of SAME, which puts the odd one at the end."""
        o = node.options
        if int(o["padding"]) != SAME:
            return [0, 0, 0, 0]
        sizes, outs = node.inputs[0].shape[1:3], node.outputs[0].shape[1:3]
        strides = (int(o["strideH"]), int(o["strideW"]))
        dilations = (int(o.get("dilationHFactor", 1)), int(o.get("dilationWFactor", 1)))
        total = [max(0, (out - 1) * s + (k - 1) * d + 1 - size)
                 for out, s, k, d, size in zip(outs, strides, kernel, dilations, sizes)]
        return [t // 2 for t in total] + [t - t // 2 for t in total]

    def window(self, node, kernel):
        o = node.options
        return {"kernel_shape": list(kernel), "strides": [int(o["strideH"]), int(o["strideW"])],
                "pads": self.pads(node, kernel)}

    # One method an operator: returns the value of its first output and whether it is NCHW.

    def CONV_2D(self, n):
        w = self.model.constant(n.inputs[1]).data.astype(np.float32).transpose(0, 3, 1, 2)
        return self.convolve(n, w, n.inputs[0].shape[3] // w.shape[1])

    def DEPTHWISE_CONV_2D(self, n):
        w = self.model.constant(n.inputs[1]).data.astype(np.float32).transpose(3, 0, 1, 2)
        return self.convolve(n, w, n.inputs[0].shape[3])

    def convolve(self, n, w, group):
        inputs = [self.operand(n.inputs[0], True), self.constant(w, "w")]
        if len(n.inputs) > 2 and n.inputs[2] is not None:
            inputs.append(self.constant(self.model.constant(n.inputs[2]).data.astype(np.float32), "b"))
        dilations = [int(n.options.get("dilationHFactor", 1)), int(n.options.get("dilationWFactor", 1))]
        value = self.add("Conv", inputs, group=group, dilations=dilations,
                         **self.window(n, w.shape[2:]))
        return self.activate(value, n.options), True

    def FULLY_CONNECTED(self, n):
        x = self.operand(n.inputs[0], False)
        w = self.model.constant(n.inputs[1]).data.astype(np.float32)
        if len(n.outputs[0].shape) == 2 and len(n.inputs[0].shape) != 2:
            x = self.add("Reshape", [x, self.constant(np.array([-1, w.shape[1]], np.int64))])
        value = self.add("MatMul", [x, self.constant(w.T, "w")])
        if len(n.inputs) > 2 and n.inputs[2] is not None:
            value = self.add("Add", [value, self.constant(
                self.model.constant(n.inputs[2]).data.astype(np.float32), "b")])
        return self.activate(value, n.options), False

    def elementwise(self, n, kind):
        first = any(t.index in self.channels_first for t in n.inputs)
        value = self.add(kind, [self.operand(t, first) for t in n.inputs])
        return self.activate(value, n.options), first

    def ADD(self, n):
        return self.elementwise(n, "Add")

    def MUL(self, n):
        return self.elementwise(n, "Mul")

    def SUB(self, n):
        return self.elementwise(n, "Sub")

    def unary(self, n, kind, **attributes):
        first = n.inputs[0].index in self.channels_first
        return self.add(kind, [self.operand(n.inputs[0], first)], **attributes), first

    def RELU(self, n):
        return self.unary(n, "Relu")

    def LOGISTIC(self, n):
        return self.unary(n, "Sigmoid")

    def HARD_SWISH(self, n):
        return self.unary(n, "HardSwish")

    def TANH(self, n):
        return self.unary(n, "Tanh")

    def SOFTMAX(self, n):
        return self.add("Softmax", [self.operand(n.inputs[0], False)], axis=-1), False

    def RELU6(self, n):
        value, first = self.unary(n, "Identity")
        return self.activate(value, {"fusedActivationFunction": 3}), first

    def pool(self, n, kind, **attributes):
        kernel = (int(n.options["filterHeight"]), int(n.options["filterWidth"]))
        value = self.add(kind, [self.operand(n.inputs[0], True)], **self.window(n, kernel), **attributes)
        return self.activate(value, n.options), True

    def AVERAGE_POOL_2D(self, n):
        return self.pool(n, "AveragePool", count_include_pad=0)

    def MAX_POOL_2D(self, n):
        return self.pool(n, "MaxPool")

    def MEAN(self, n):
        axes = sorted(int(a) for a in self.model.constant(n.inputs[1]).data.ravel())
        keep = int(bool(n.options.get("keepDims")))
        if len(n.inputs[0].shape) == 4 and axes == [1, 2]:
            value = self.add("GlobalAveragePool", [self.operand(n.inputs[0], True)])
            if keep:
                return value, True
            return self.add("Flatten", [value]), False
        value = self.add("ReduceMean", [self.operand(n.inputs[0], False),
                                        self.constant(np.array(axes, np.int64))], keepdims=keep)
        return value, False

    def PAD(self, n):
        p = self.model.constant(n.inputs[1]).data.astype(np.int64)[[0, 3, 1, 2]]
        return self.add("Pad", [self.operand(n.inputs[0], True),
                                self.constant(np.concatenate([p[:, 0], p[:, 1]]))]), True

    def RESHAPE(self, n):
        shape = [int(d) for d in n.outputs[0].shape]
        shape[0] = -1 if shape[0] == 1 else shape[0]
        return self.add("Reshape", [self.operand(n.inputs[0], False),
                                    self.constant(np.array(shape, np.int64))]), False

    def CONCATENATION(self, n):
        rank = len(n.outputs[0].shape)
        axis = int(n.options["axis"]) % rank
        first = rank == 4
        value = self.add("Concat", [self.operand(t, first) for t in n.inputs],
                         axis=[0, 2, 3, 1][axis] if first else axis)
        return self.activate(value, n.options), first

    def translate(self):
        inputs = []
        for i, t in enumerate(self.model.inputs):
            name = f"input{i}"
            self.names[t.index] = name
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(t.shape)))
        for node in self.model.ordered():
            make = getattr(self, node.name, None)
            if make is None:
                raise NotImplementedError(f"{self.model.path}: operator {node.name} is not translated")
            value, first = make(node)
            self.names[node.outputs[0].index] = value
            if first:
                self.channels_first.add(node.outputs[0].index)
        outputs = []
        for i, t in enumerate(self.model.outputs):
            self.nodes.append(helper.make_node("Identity", [self.operand(t, False)], [f"output{i}"]))
            outputs.append(helper.make_tensor_value_info(f"output{i}", TensorProto.FLOAT, list(t.shape)))
        graph = helper.make_graph(self.nodes, "network", inputs, outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def translate(path):
    """The ONNX model of a float .tflite; checked."""
    model = Translator(tflite_model.read(path)).translate()
    onnx.checker.check_model(model)
    return model


class Samples(CalibrationDataReader):
    def __init__(self, samples):
        self.rows = iter([{f"input{i}": x for i, x in enumerate(s)} for s in samples])

    def get_next(self):
        return next(self.rows, None)


def quantize(model, samples):
    """onnxruntime's static int8: uint8 activations, int8 weights per channel. samples: lists of inputs."""
    with tempfile.TemporaryDirectory() as folder:
        source, ready, target = (os.path.join(folder, n) for n in ("f.onnx", "p.onnx", "q.onnx"))
        onnx.save(model, source)
        quant_pre_process(source, ready, skip_symbolic_shape=True)
        quantize_static(ready, target, Samples(samples), quant_format=QuantFormat.QDQ,
                        per_channel=True, activation_type=QuantType.QUInt8,
                        weight_type=QuantType.QInt8)
        return onnx.load(target)


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])
