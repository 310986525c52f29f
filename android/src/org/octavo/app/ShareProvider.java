package org.octavo.app;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.content.Context;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileNotFoundException;

/** Lets the app that a share goes to read results.json, and nothing else. */
public final class ShareProvider extends ContentProvider {
    static final String NAME = "results.json";
    static final String TYPE = "application/json";

    static Uri uri(Context context) {
        return Uri.parse("content://" + context.getPackageName() + ".share/" + NAME);
    }

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        if (!mode.equals("r")) throw new FileNotFoundException(uri + ": read-only");
        return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.MODE_READ_ONLY);
    }

    @Override
    public Cursor query(Uri uri, String[] columns, String where, String[] values, String order) {
        String[] asked = columns != null ? columns
                : new String[] {OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE};
        Object[] row = new Object[asked.length];
        for (int i = 0; i < asked.length; i++)
            row[i] = asked[i].equals(OpenableColumns.DISPLAY_NAME) ? NAME
                    : asked[i].equals(OpenableColumns.SIZE)
                    ? (Object) Comparison.resultsFile(getContext()).length() : null;
        MatrixCursor cursor = new MatrixCursor(asked, 1);
        cursor.addRow(row);
        return cursor;
    }

    @Override
    public String getType(Uri uri) {
        return TYPE;
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int update(Uri uri, ContentValues values, String where, String[] more) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int delete(Uri uri, String where, String[] values) {
        throw new UnsupportedOperationException();
    }

    private File file(Uri uri) throws FileNotFoundException {
        if (!uri(getContext()).equals(uri)) throw new FileNotFoundException(uri + ": no such file");
        return Comparison.resultsFile(getContext());
    }
}
