package org.octavo.app;

import android.content.Context;
import android.content.res.AssetManager;
import android.database.Cursor;
import android.net.Uri;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Models to compare and the samples for it, as files of the app: the command needs paths, and a
 * picked document is readable only while its grant lasts.
 */
final class ModelSet {
    static final int BUNDLED_IMAGES = 2000;
    private static final String ASSETS = "demo";
    private static final String IMAGES = "images-idx3-ubyte";
    /** The form that others are compared with first. */
    private static final List<String> ORDER =
            Arrays.asList("float32", "dynamic", "float16", "int8", "int8-full", "int16x8");

    /** Where they all are. */
    final File folder;
    final List<File> models;
    /** What --data gets: the name of a file in the folder, or noise. */
    final String data;

    private ModelSet(File folder, List<File> models, String data) {
        this.folder = folder;
        this.models = models;
        this.data = data;
    }

    /** The demo's forms and images, unpacked once for each installed package. */
    static ModelSet bundled(Context context) throws IOException {
        File folder = new File(context.getFilesDir(), "demo"), stamp = new File(folder, "stamp");
        String version = String.valueOf(installed(context));
        if (!stamp.exists() || !Files.read(stamp).equals(version)) {
            AssetManager assets = context.getAssets();
            clear(folder);
            for (String name : assets.list(ASSETS))
                copy(assets.open(ASSETS + "/" + name), new File(folder, name));
            Files.write(stamp, version);
        }
        List<File> models = new ArrayList<>();
        for (String form : ORDER) models.add(new File(folder, form + ".tflite"));
        return new ModelSet(folder, models, IMAGES);
    }

    /** Forms in the package, without unpacking them. */
    static int bundledCount() {
        return ORDER.size();
    }

    /** Files picked before; null: none. */
    static ModelSet picked(Context context) {
        return inFolder(new File(context.getFilesDir(), "picked"));
    }

    /**
     * Copies picked documents, in place of those picked before.
     *
     * @throws IOException for the user: a document that is neither a model nor data, or unreadable
     */
    static ModelSet pick(Context context, List<Uri> documents) throws IOException {
        File fresh = new File(context.getFilesDir(), "picked-unfinished");
        File folder = new File(context.getFilesDir(), "picked");
        int models = 0;
        clear(fresh);
        for (Uri document : documents) {
            String name = name(context, document);
            if (!name.endsWith(".tflite") && !name.endsWith(".npz"))
                throw new IOException(context.getString(R.string.models_unusable, name));
            models += name.endsWith(".tflite") ? 1 : 0;
            copy(context.getContentResolver().openInputStream(document), unused(fresh, name));
        }
        if (models == 0) throw new IOException(context.getString(R.string.models_lacking));
        clear(folder);
        if (!folder.delete() || !fresh.renameTo(folder))
            throw new IOException(folder + ": cannot be made");
        return inFolder(folder);
    }

    /** Files of one name may come from several places: "2-model.tflite". */
    private static File unused(File folder, String name) {
        File file = new File(folder, name);
        for (int i = 2; file.exists(); i++) file = new File(folder, i + "-" + name);
        return file;
    }

    /** A name for people: the models' files. */
    String title() {
        StringBuilder text = new StringBuilder();
        for (File model : models)
            text.append(text.length() == 0 ? "" : ", ").append(model.getName());
        return text.toString();
    }

    /** Largest first: the command compares with the first, and no form is larger than float32. */
    private static ModelSet inFolder(File folder) {
        File[] files = folder.listFiles();
        if (files == null) return null;
        Arrays.sort(files, (a, b) -> a.length() != b.length() ? Long.compare(b.length(), a.length())
                : a.getName().compareTo(b.getName()));
        List<File> models = new ArrayList<>();
        String data = "random:64";
        for (File file : files)
            if (file.getName().endsWith(".tflite")) models.add(file);
            else data = file.getName();
        return models.isEmpty() ? null : new ModelSet(folder, models, data);
    }

    private static long installed(Context context) throws IOException {
        try {
            return context.getPackageManager().getPackageInfo(context.getPackageName(), 0)
                    .lastUpdateTime;
        } catch (android.content.pm.PackageManager.NameNotFoundException impossible) {
            throw new IOException(impossible);
        }
    }

    /** The document's display name, reduced to characters that are safe in a file name. */
    private static String name(Context context, Uri document) {
        String name = document.getLastPathSegment();
        try (Cursor row = context.getContentResolver().query(
                document, new String[] {OpenableColumns.DISPLAY_NAME}, null, null, null)) {
            if (row != null && row.moveToFirst() && !row.isNull(0)) name = row.getString(0);
        }
        return String.valueOf(name).replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^[.-]+", "_");
    }

    private static void clear(File folder) throws IOException {
        File[] files = folder.listFiles();
        if (files == null && !folder.mkdirs()) throw new IOException(folder + ": cannot be made");
        for (int i = 0; files != null && i < files.length; i++)
            if (!files[i].delete()) throw new IOException(files[i] + ": cannot be deleted");
    }

    private static void copy(InputStream from, File to) throws IOException {
        if (from == null) throw new IOException(to.getName() + ": cannot be read");
        try (InputStream in = from; OutputStream out = new FileOutputStream(to)) {
            Files.copy(in, out);
        }
    }
}
