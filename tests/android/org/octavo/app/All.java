package org.octavo.app;

import org.junit.internal.TextListener;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;

/** Runs every test and ends with the line that all of the project's runners end with. */
public final class All {
    private All() {}

    public static void main(String[] arguments) {
        JUnitCore core = new JUnitCore();
        core.addListener(new TextListener(System.out));
        Result result = core.run(MedianTest.class, ProgramTest.class, EngineBenchTest.class,
                DeviceTest.class, MainActivityTest.class, PictureTest.class);
        int failed = result.getFailureCount();
        System.out.println(result.getRunCount() - failed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
