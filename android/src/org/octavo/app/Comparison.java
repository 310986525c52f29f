package org.octavo.app;

import android.content.Context;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.json.JSONException;
import org.json.JSONObject;

/** The main job on the phone: the command's comparison, the second engine, the device, one results.json. */
final class Comparison {
    private static final double ENGINE_SECONDS = 1;

    private final Context context;
    private final ModelSet set;
    private final int threads;
    private final File folder;
    private final Program program;
    private volatile EngineBench bench;
    private volatile boolean cancelled;

    /** @param threads inside one timed inference */
    Comparison(Context context, ModelSet set, int threads) {
        this.context = context;
        this.set = set;
        this.threads = threads;
        folder = new File(context.getFilesDir(), "out");
        program = new Program(command(), set.folder);
    }

    static File resultsFile(Context context) {
        return new File(context.getFilesDir(), "results.json");
    }

    private List<String> command() {
        File octavo = new File(context.getApplicationInfo().nativeLibraryDir, "liboctavo.so");
        List<String> words = new ArrayList<>(Arrays.asList(octavo.getPath(), "compare"));
        for (File model : set.models) words.add(model.getName());
        words.addAll(Arrays.asList("--data", set.data, "--bench-threads", String.valueOf(threads),
                "-o", folder.getPath(), "--progress", "--quiet"));
        return words;
    }

    /**
     * Measures and writes results.json.
     *
     * @return null when cancelled: then the results of before are still there
     */
    Results run(Program.Progress progress)
            throws IOException, InterruptedException, Program.Failure {
        Device before = new Device(context);
        if (!program.run(progress)) return null;
        JSONObject document = new Results(Files.read(new File(folder, "results.json"))).document;
        try {
            addSecondEngine(document, progress);
            if (cancelled) return null;
            document.put("device", before.json(new Device(context)));
            String text = document.toString(1);
            Results results = new Results(text);
            Files.write(resultsFile(context), text);
            return results;
        } catch (JSONException impossible) {
            throw new IOException(impossible);
        }
    }

    /** From any thread. */
    void cancel() {
        cancelled = true;
        program.cancel();
        EngineBench running = bench;
        if (running != null) running.cancel();
    }

    private void addSecondEngine(JSONObject document, Program.Progress progress)
            throws JSONException {
        SecondEngine engine = SecondEngine.find();
        if (engine == null) return;
        bench = new EngineBench(engine, threads, ENGINE_SECONDS);
        if (cancelled) return;
        List<EngineBench.Entry> entries = bench.run(files(document), progress);
        Results.addEngine(document, name(engine), threads, entries);
    }

    /** The files that were compared: those given, or those the command made. */
    private List<File> files(JSONObject document) throws JSONException {
        if (set.models.size() > 1) return set.models;
        List<File> files = new ArrayList<>();
        for (int i = 0; i < document.getJSONArray("forms").length(); i++) {
            JSONObject form = document.getJSONArray("forms").getJSONObject(i);
            if (!form.isNull("file")) files.add(new File(folder, form.getString("file")));
        }
        return files;
    }

    /** Its library may be one that this phone cannot load; the entries say why. */
    private static String name(SecondEngine engine) {
        try {
            return engine.name();
        } catch (LinkageError refused) {
            return "TensorFlow Lite";
        }
    }
}
