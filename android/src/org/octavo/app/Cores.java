package org.octavo.app;

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The processor's cores as far as the system tells; what it hides is null, never 0. */
final class Cores {
    static final class Core {
        int cpu;
        /** "0xd46". */
        String part;
        /** What the hardware can do, and what it may do now; lower: limited. */
        Integer maxKhz;
        Integer limitKhz;
        String governor;
    }

    private Cores() {}

    /**
     * @param cpus /sys/devices/system/cpu, or a folder like it
     * @param info /proc/cpuinfo, or a file like it
     */
    static List<Core> read(File cpus, File info) {
        List<Core> cores = new ArrayList<>();
        Map<String, String> parts = parts(info);
        for (int i = 0; new File(cpus, "cpu" + i).isDirectory(); i++) {
            Core core = new Core();
            core.cpu = i;
            core.part = parts.get(String.valueOf(i));
            File scaling = new File(cpus, "cpu" + i + "/cpufreq");
            core.maxKhz = number(line(new File(scaling, "cpuinfo_max_freq")));
            core.limitKhz = number(line(new File(scaling, "scaling_max_freq")));
            core.governor = line(new File(scaling, "scaling_governor"));
            cores.add(core);
        }
        return cores;
    }

    /** Part numbers by core: "processor : 0" … "CPU part : 0xd05". */
    private static Map<String, String> parts(File info) {
        Map<String, String> parts = new HashMap<>();
        String processor = null;
        for (String line : lines(info)) {
            String[] pair = line.split("\\s*:\\s*", 2);
            if (pair.length == 2 && pair[0].equals("processor")) processor = pair[1];
            if (pair.length == 2 && pair[0].equals("CPU part")) parts.put(processor, pair[1]);
        }
        return parts;
    }

    private static String line(File file) {
        List<String> lines = lines(file);
        return lines.isEmpty() ? null : lines.get(0);
    }

    private static List<String> lines(File file) {
        List<String> lines = new ArrayList<>();
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                new FileInputStream(file), StandardCharsets.US_ASCII))) {
            for (String line; (line = in.readLine()) != null; ) lines.add(line);
        } catch (IOException unreadable) {
            // Some phones hide some of these files from apps.
        }
        return lines;
    }

    private static Integer number(String text) {
        return text != null && text.matches("[0-9]{1,9}") ? Integer.valueOf(text) : null;
    }
}
