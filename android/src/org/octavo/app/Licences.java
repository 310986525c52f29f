package org.octavo.app;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.res.AssetManager;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** The terms of everything in the package, as its makers state them. */
final class Licences {
    private static final String ASSETS = "licences";

    private Licences() {}

    static void show(Activity activity) {
        new AlertDialog.Builder(activity)
                .setTitle(R.string.licences)
                .setMessage(text(activity.getAssets()))
                .setPositiveButton(android.R.string.ok, null)
                .show();
    }

    private static String text(AssetManager assets) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try {
            for (String name : assets.list(ASSETS)) {
                all.write(("— " + name + " —\n\n").getBytes("UTF-8"));
                try (InputStream in = assets.open(ASSETS + "/" + name)) {
                    Files.copy(in, all);
                }
                all.write('\n');
            }
            return all.toString("UTF-8");
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
