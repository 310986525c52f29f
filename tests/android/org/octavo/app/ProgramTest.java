package org.octavo.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.Test;

/** The process, without Android. */
public final class ProgramTest {
    private final List<String> told = new ArrayList<>();

    private boolean shell(String script) throws Exception {
        return program(script).run((step, percent) -> told.add(step + " " + percent));
    }

    private static Program program(String script) {
        return new Program(Arrays.asList("/bin/sh", "-c", script), new File("/tmp"));
    }

    private String failure(String script) throws Exception {
        try {
            shell(script);
        } catch (Program.Failure failure) {
            return failure.getMessage();
        }
        fail("no failure: " + script);
        return null;
    }

    @Test
    public void progressIsPassedOn() throws Exception {
        assertTrue(shell("echo table; echo 'progress: 7 % int8-full' >&2; echo 'progress: 100 % measure' >&2"));
        assertEquals(Arrays.asList("int8-full 7", "measure 100"), told);
    }

    @Test
    public void theLastSentenceExplains() throws Exception {
        assertEquals("octavo compare: x: broken",
                failure("echo note >&2; echo 'octavo compare: x: broken' >&2; echo 'progress: 1 % a' >&2; exit 3"));
        assertEquals("the program ended with exit code 3", failure("exit 3"));
    }

    @Test
    public void signalsAreNamed() throws Exception {
        assertEquals("the program was ended by signal 9", failure("kill -9 $$"));
        assertEquals("Android refused a system call of the program (signal 31)", failure("kill -31 $$"));
    }

    @Test
    public void muchOutputDoesNotBlock() throws Exception {
        assertTrue(shell("yes | head -c 1000000; yes x | head -c 1000000 >&2"));
    }

    @Test(timeout = 60000)
    public void cancelEnds() throws Exception {
        Program program = program("echo 'progress: 1 % a' >&2; exec sleep 60");
        assertFalse(program.run((step, percent) -> program.cancel()));
        assertFalse(program.run((step, percent) -> fail()));
    }
}
