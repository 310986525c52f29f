package org.octavo.app;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * One run of the octavo command as a child process: progress while it works, one sentence when it
 * fails. Knows nothing of Android, so that it runs on any JVM.
 */
final class Program {
    /** Told on the thread that called {@link #run}. */
    interface Progress {
        /** @param step what the command calls it: "evaluate", "measure" or the form being made */
        void at(String step, int percent);
    }

    /** The command said no, or died; the message is for the user. */
    static final class Failure extends Exception {
        Failure(String message) {
            super(message);
        }
    }

    /** Of a shell: a process ended by a signal reports 128 and its number. */
    private static final int SIGNALS = 128;
    private static final int SIGSYS = 31;
    private static final String PROGRESS = "progress: ";

    private final List<String> command;
    private final File folder;
    private Process process;
    private boolean cancelled;

    /** @param folder where it runs */
    Program(List<String> command, File folder) {
        this.command = command;
        this.folder = folder;
    }

    /**
     * Runs to the end; what it prints on stdout is dropped.
     *
     * @return false when cancelled
     * @throws Failure with the command's own last sentence where there is one
     */
    boolean run(Progress progress) throws IOException, InterruptedException, Failure {
        synchronized (this) {
            if (cancelled) return false;
            process = new ProcessBuilder(command).directory(folder).start();
        }
        process.getOutputStream().close();
        Thread drain = new Thread(() -> drop(process.getInputStream()));
        drain.start();
        String sentence = follow(progress);
        int status = process.waitFor();
        drain.join();
        synchronized (this) {
            if (cancelled) return false;
        }
        if (status != 0) throw new Failure(explain(status, sentence));
        return true;
    }

    /** Ends the process; from any thread, at any time. */
    synchronized void cancel() {
        cancelled = true;
        if (process != null) process.destroy();
    }

    /** Passes progress on; the last line that is none. */
    private String follow(Progress progress) {
        String sentence = "";
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            for (String line; (line = lines.readLine()) != null; ) {
                int percent = line.startsWith(PROGRESS) ? line.indexOf(" % ") : -1;
                if (percent > 0) {
                    int number = Integer.parseInt(line.substring(PROGRESS.length(), percent));
                    progress.at(line.substring(percent + 3), number);
                } else if (!line.isEmpty()) {
                    sentence = line;
                }
            }
        } catch (IOException closed) {
            // Destroying the process closes the stream under the reader.
        }
        return sentence;
    }

    private static void drop(InputStream in) {
        byte[] bytes = new byte[4096];
        try {
            while (in.read(bytes) >= 0) {
            }
        } catch (IOException closed) {
            // As above.
        }
    }

    static String explain(int status, String sentence) {
        if (status == SIGNALS + SIGSYS)
            return "Android refused a system call of the program (signal " + SIGSYS + ")";
        if (status > SIGNALS) return "the program was ended by signal " + (status - SIGNALS);
        return sentence.isEmpty() ? "the program ended with exit code " + status : sentence;
    }
}
