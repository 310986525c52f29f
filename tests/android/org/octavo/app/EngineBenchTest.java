package org.octavo.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.FileOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public final class EngineBenchTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private File model(String name, int bytes) throws Exception {
        File file = folder.newFile(name);
        try (FileOutputStream out = new FileOutputStream(file)) {
            out.write(new byte[bytes]);
        }
        return file;
    }

    @Test
    public void refusalsAreEntriesAndTheOthersAreMeasured() throws Exception {
        List<File> models = Arrays.asList(model("float32.tflite", 8000), model("int16x8.tflite", 4000));
        EngineBench bench = new EngineBench(new TfLite(), 1, 1);
        List<EngineBench.Entry> entries = bench.run(models, (step, percent) -> {});
        assertEquals(4, entries.size());
        assertEquals(TfLite.REFUSAL, entries.get(2).failure);
        assertEquals(0, entries.get(2).times.length);
        assertEquals(1000, entries.get(0).times.length);
        double ratio = new Median(entries.get(1).times).value / new Median(entries.get(0).times).value;
        assertEquals(0.5, ratio, 0.02);
        assertEquals(entries.get(0).times.length, entries.get(3).times.length);
    }

    @Test
    public void everyModelIsClosedAlsoWhenCancelled() throws Exception {
        List<String> calls = new ArrayList<>();
        SecondEngine engine = new SecondEngine() {
            @Override
            public String name() {
                return "counting";
            }

            @Override
            public Loaded load(File file, int threads, boolean xnnpack) {
                calls.add("load " + threads + xnnpack);
                return new Loaded() {
                    @Override
                    public long run() {
                        return 1000;
                    }

                    @Override
                    public void close() {
                        calls.add("close");
                    }
                };
            }
        };
        EngineBench bench = new EngineBench(engine, 4, 100);
        List<EngineBench.Entry> entries =
                bench.run(Arrays.asList(model("a", 1)), (step, percent) -> bench.cancel());
        assertEquals(Arrays.asList("load 4false", "load 4true", "close", "close"), calls);
        assertTrue(entries.get(0).times.length <= 1);
    }
}
