package org.octavo.app;

import android.content.Context;
import android.net.Uri;
import android.os.Handler;
import android.os.Looper;
import java.io.File;
import java.io.IOException;
import java.util.List;

/**
 * What goes on behind the screen, kept while the activity is made anew: the files picked, the run
 * under way, the last results. Fields are read and written on the main thread alone.
 */
final class Session {
    enum State { IDLE, COPYING, RUNNING, DONE, CANCELLED, FAILED }

    private interface Work {
        void run() throws Exception;
    }

    private final Context context;
    private final Handler main = new Handler(Looper.getMainLooper());
    private Runnable listener = () -> {};
    private Comparison comparison;
    /** Asked for before there was a comparison to cancel. */
    private boolean cancelled;

    State state = State.IDLE;
    /** While RUNNING. */
    String step = "";
    int percent;
    /** Of FAILED. */
    String failure;
    /** The last ones, from this run or one before; null: none. */
    Results results;
    /** Null: none. */
    ModelSet picked;

    Session(Context context) {
        this.context = context.getApplicationContext();
        picked = ModelSet.picked(this.context);
        File file = Comparison.resultsFile(this.context);
        try {
            if (file.exists()) results = new Results(Files.read(file));
        } catch (IOException broken) {
            fail(broken);
        }
    }

    /** Called on the main thread after every change; a new one takes the place of the old. */
    void listen(Runnable listener) {
        this.listener = listener;
    }

    boolean busy() {
        return state == State.COPYING || state == State.RUNNING;
    }

    /** Copies documents into the app. */
    Thread pick(List<Uri> documents) {
        enter(State.COPYING);
        return start(() -> {
            ModelSet set = ModelSet.pick(context, documents);
            main.post(() -> {
                picked = set;
                enter(State.IDLE);
            });
        });
    }

    /** @param own the files picked, else those of the package */
    Thread run(boolean own, int threads) {
        step = "";
        percent = 0;
        enter(State.RUNNING);
        ModelSet mine = picked;
        return start(() -> {
            Comparison job = new Comparison(context, own ? mine : ModelSet.bundled(context), threads);
            main.post(() -> begin(job));
            Results found = job.run((name, done) -> main.post(() -> tell(name, done)));
            main.post(() -> end(found));
        });
    }

    /** Ends the run; the state changes when it has ended. */
    void cancel() {
        if (state != State.RUNNING) return;
        cancelled = true;
        if (comparison != null) comparison.cancel();
    }

    /** For an activity that will not come back. */
    void close() {
        listener = () -> {};
        cancel();
    }

    private void begin(Comparison job) {
        comparison = job;
        if (cancelled) job.cancel();
    }

    private void tell(String name, int done) {
        if (state != State.RUNNING) return;
        step = name;
        percent = done;
        listener.run();
    }

    private void end(Results found) {
        if (found != null) results = found;
        enter(found != null ? State.DONE : State.CANCELLED);
    }

    private Thread start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Exception error) {
                main.post(() -> fail(error));
            }
        }, "octavo");
        thread.start();
        return thread;
    }

    private void fail(Exception error) {
        failure = error.getMessage() == null ? error.toString() : error.getMessage();
        enter(State.FAILED);
    }

    private void enter(State next) {
        state = next;
        comparison = null;
        cancelled = false;
        listener.run();
    }
}
