package org.octavo.app;

import java.util.Locale;

/** Numbers for people, digit for digit as the command prints them. */
final class Text {
    private Text() {}

    static String bytes(long bytes) {
        if (bytes < 1000) return bytes + " B";
        return bytes < 1000000 ? String.format(Locale.ROOT, "%.1f kB", bytes / 1e3)
                : String.format(Locale.ROOT, "%.2f MB", bytes / 1e6);
    }

    static String time(double ns) {
        if (ns < 999.5e3) return digits(ns / 1e3) + " µs";
        return ns < 999.5e6 ? digits(ns / 1e6) + " ms" : digits(ns / 1e9) + " s";
    }

    static String percent(double rate) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * rate);
    }

    static String ratio(double ratio) {
        return String.format(Locale.ROOT, "%.2f", ratio);
    }

    /** Three digits: "9.99", "10.0", "100". */
    static String digits(double value) {
        String format = value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f";
        return String.format(Locale.ROOT, format, value);
    }
}
