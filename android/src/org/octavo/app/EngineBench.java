package org.octavo.app;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Latency of several models in the second engine, without and with XNNPACK, measured in turns: a
 * round runs each once in an order shuffled anew, so that heat and clocks disturb all alike.
 */
final class EngineBench {
    /** One model under one setting. */
    static final class Entry {
        final File model;
        final boolean xnnpack;
        /** Nanoseconds of each round; empty when it failed. */
        double[] times = {};
        /** Why it could not be loaded or run; null when it could. */
        String failure;

        private SecondEngine.Loaded loaded;

        Entry(File model, boolean xnnpack) {
            this.model = model;
            this.xnnpack = xnnpack;
        }
    }

    private static final int WARM_UP = 5;
    private static final int MOST_ROUNDS = 1000;

    private final SecondEngine engine;
    private final int threads;
    private final double seconds;
    private volatile boolean cancelled;

    /** @param seconds to aim at for each entry */
    EngineBench(SecondEngine engine, int threads, double seconds) {
        this.engine = engine;
        this.threads = threads;
        this.seconds = seconds;
    }

    /** From any thread; {@link #run} returns after the inference under way. */
    void cancel() {
        cancelled = true;
    }

    /** Every model without and with XNNPACK, in the order given; what fails says why. */
    List<Entry> run(List<File> models, Program.Progress progress) {
        List<Entry> entries = new ArrayList<>();
        for (File model : models)
            for (boolean xnnpack : new boolean[] {false, true})
                entries.add(new Entry(model, xnnpack));
        try {
            List<Entry> able = new ArrayList<>();
            for (Entry entry : entries) if (!cancelled && load(entry)) able.add(entry);
            measure(able, progress);
        } finally {
            for (Entry entry : entries) if (entry.loaded != null) entry.loaded.close();
        }
        return entries;
    }

    private boolean load(Entry entry) {
        try {
            entry.loaded = engine.load(entry.model, threads, entry.xnnpack);
            for (int i = 0; i < WARM_UP; i++) entry.loaded.run();
            return true;
        } catch (Exception | LinkageError refused) {
            entry.failure = firstLine(refused);
            return false;
        }
    }

    private void measure(List<Entry> able, Program.Progress progress) {
        double[][] times = new double[able.size()][MOST_ROUNDS];
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < able.size(); i++) order.add(i);
        Random random = new Random(1);
        double budget = seconds * able.size() * 1e9;
        long begin = System.nanoTime();
        int rounds = 0;
        for (double spent = 0; rounds < MOST_ROUNDS && spent < budget && !cancelled; rounds++) {
            Collections.shuffle(order, random);
            for (int i : order) times[i][rounds] = time(able.get(i));
            spent = System.nanoTime() - begin;
            double part = Math.max(spent / budget, (rounds + 1.0) / MOST_ROUNDS);
            progress.at("engine", (int) (100 * Math.min(1, part)));
        }
        for (int i = 0; i < able.size(); i++)
            if (able.get(i).failure == null) able.get(i).times = Arrays.copyOf(times[i], rounds);
    }

    private static double time(Entry entry) {
        try {
            return entry.failure == null ? entry.loaded.run() : 0;
        } catch (Exception refused) {
            entry.failure = firstLine(refused);
            return 0;
        }
    }

    private static String firstLine(Throwable error) {
        String text = error.getMessage();
        return text == null ? error.getClass().getSimpleName() : text.trim().split("\n")[0];
    }
}
