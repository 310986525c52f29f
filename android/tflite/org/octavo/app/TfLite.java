package org.octavo.app;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.TensorFlowLite;

/** TensorFlow Lite's own interpreter, from its Android package. */
final class TfLite implements SecondEngine {
    @Override
    public String name() {
        return "TensorFlow Lite " + TensorFlowLite.runtimeVersion();
    }

    @Override
    public Loaded load(File model, int threads, boolean xnnpack) {
        Interpreter.Options options = new Interpreter.Options();
        options.setNumThreads(threads);
        options.setUseXNNPACK(xnnpack);
        Interpreter interpreter = new Interpreter(model, options);
        try {
            return new Model(interpreter);
        } catch (RuntimeException refused) {
            interpreter.close();
            throw refused;
        }
    }

    private static final class Model implements Loaded {
        private final Interpreter interpreter;
        private final Object[] inputs;
        private final Map<Integer, Object> outputs = new HashMap<>();

        Model(Interpreter interpreter) {
            this.interpreter = interpreter;
            interpreter.allocateTensors();
            Random random = new Random(1);
            inputs = new Object[interpreter.getInputTensorCount()];
            for (int i = 0; i < inputs.length; i++) {
                boolean real = interpreter.getInputTensor(i).dataType() == DataType.FLOAT32;
                inputs[i] = noise(interpreter.getInputTensor(i).numBytes(), real, random);
            }
            for (int i = 0; i < interpreter.getOutputTensorCount(); i++)
                outputs.put(i, direct(interpreter.getOutputTensor(i).numBytes()));
        }

        @Override
        public long run() {
            for (Object input : inputs) ((ByteBuffer) input).rewind();
            for (Object output : outputs.values()) ((ByteBuffer) output).rewind();
            interpreter.runForMultipleInputsOutputs(inputs, outputs);
            return interpreter.getLastNativeInferenceDurationNanoseconds();
        }

        @Override
        public void close() {
            interpreter.close();
        }

        private static ByteBuffer direct(int bytes) {
            return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        }

        private static ByteBuffer noise(int bytes, boolean real, Random random) {
            ByteBuffer buffer = direct(bytes);
            while (buffer.remaining() >= 4)
                if (real) buffer.putFloat(2 * random.nextFloat() - 1);
                else buffer.putInt(random.nextInt());
            return buffer;
        }
    }
}
