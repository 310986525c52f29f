package org.octavo.app;

import java.io.File;
import java.io.IOException;

/**
 * Stands in for TensorFlow Lite, whose library runs on Android alone: times that are known, and one
 * form that is refused without XNNPACK. The app finds it by the name of the real one.
 */
final class TfLite implements SecondEngine {
    static final String REFUSAL = "Internal error: Failed to prepare: type INT16 not supported";
    /** When set, nothing loads, as on a phone whose pages are larger than the library's segments. */
    static String unloadable;

    @Override
    public String name() {
        if (unloadable != null) throw new UnsatisfiedLinkError(unloadable);
        return "TensorFlow Lite 0.0";
    }

    @Override
    public Loaded load(File model, int threads, boolean xnnpack) throws IOException {
        if (unloadable != null) throw new UnsatisfiedLinkError(unloadable);
        if (!model.isFile()) throw new IOException(model + ": no such file");
        if (model.getName().startsWith("int16x8") && !xnnpack) throw new IOException(REFUSAL);
        long nanoseconds = model.length() / (xnnpack ? 16 : 8);
        return new Loaded() {
            private int runs;

            @Override
            public long run() {
                return nanoseconds + nanoseconds / 64 * (runs++ % 5);
            }

            @Override
            public void close() {}
        };
    }
}
