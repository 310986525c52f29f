package org.octavo.app;

import static org.junit.Assert.fail;
import static org.robolectric.Shadows.shadowOf;

import android.content.Context;
import android.os.Looper;
import android.widget.Button;
import java.io.File;
import java.io.IOException;
import java.util.function.BooleanSupplier;
import org.robolectric.RuntimeEnvironment;

/** What the tests share: the host's octavo in the place of the packed one, and waiting. */
final class Phone {
    /** Of the tests' call, see run.sh. */
    static final String OCTAVO = System.getProperty("octavo.program");
    static final File ROOT = new File(System.getProperty("octavo.root"));

    /** For people to look at. */
    static final File PICTURES = new File(ROOT, "build/android/pictures");

    private Phone() {}

    static Context context() {
        return RuntimeEnvironment.getApplication();
    }

    /** The packed program becomes a shell script; "$@" are its arguments. */
    static void pack(String script) throws IOException {
        File folder = new File(context().getFilesDir(), "lib");
        folder.mkdirs();
        File program = new File(folder, "liboctavo.so");
        Files.write(program, "#!/bin/sh\n" + script + "\n");
        program.setExecutable(true);
        context().getApplicationInfo().nativeLibraryDir = folder.getPath();
    }

    /** The host's octavo, on fewer of the bundled images and for seconds that a test can wait for. */
    static void packOctavo(String seconds) throws IOException {
        pack("case \"$*\" in *images*) set -- \"$@\" --data images-idx3-ubyte:100 ;; esac\n"
                + "exec '" + OCTAVO + "' \"$@\" --bench-seconds " + seconds);
    }

    static void await(String what, BooleanSupplier done) throws InterruptedException {
        for (long end = System.nanoTime() + 300_000_000_000L; System.nanoTime() < end; ) {
            shadowOf(Looper.getMainLooper()).idle();
            if (done.getAsBoolean()) return;
            Thread.sleep(5);
        }
        fail("waited in vain: " + what);
    }

    static void awaitEnd(MainActivity activity) throws InterruptedException {
        await("end of the run", () -> !activity.session.busy());
    }

    /** Presses Compare and waits for its end. */
    static void run(MainActivity activity) throws InterruptedException {
        ((Button) activity.findViewById(R.id.run)).performClick();
        awaitEnd(activity);
    }
}
