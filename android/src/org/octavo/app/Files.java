package org.octavo.app;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Whole files in and out. */
final class Files {
    private Files() {}

    static void copy(InputStream in, OutputStream out) throws IOException {
        byte[] bytes = new byte[1 << 16];
        for (int length; (length = in.read(bytes)) >= 0; ) out.write(bytes, 0, length);
    }

    static String read(File file) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (InputStream in = new FileInputStream(file)) {
            copy(in, bytes);
        }
        return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
    }

    /** Whole or not at all: written beside, synced, renamed. */
    static void write(File file, String text) throws IOException {
        File beside = new File(file.getPath() + ".new");
        try (FileOutputStream out = new FileOutputStream(beside)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.getFD().sync();
        }
        if (!beside.renameTo(file)) throw new IOException(file + ": cannot be written");
    }
}
