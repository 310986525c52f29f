package org.octavo.app;

import java.io.File;

/**
 * Another runtime on the same phone. The app finds it by name: without TensorFlow Lite in the
 * package there is none.
 */
interface SecondEngine {
    /** One model, ready to run on inputs of seeded noise. */
    interface Loaded extends AutoCloseable {
        /** Runs once and returns the nanoseconds it took. */
        long run() throws Exception;

        @Override
        void close();
    }

    /** Name and version: "TensorFlow Lite 2.16.1". */
    String name();

    /** @throws Exception with the runtime's own words, when it cannot run the model */
    Loaded load(File model, int threads, boolean xnnpack) throws Exception;

    /** The engine that came with the app; null: none. */
    static SecondEngine find() {
        try {
            return (SecondEngine)
                    Class.forName("org.octavo.app.TfLite").getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException none) {
            return null;
        }
    }
}
