package org.octavo.app;

import android.content.Context;
import android.content.res.Configuration;
import android.graphics.Typeface;
import android.util.AttributeSet;
import android.view.Gravity;
import android.view.View;
import android.widget.LinearLayout;
import android.widget.TextView;

/**
 * The comparison as a table; where text is too large for columns, each form's values stand below
 * each other. A form and its values are one thing to a screen reader.
 */
public final class TableView extends LinearLayout {
    /** Shares of the width: form, size, accuracy, latency, ratio. */
    private static final float[] SHARES = {28, 20, 20, 19, 15};
    /** What the columns need at normal text size. */
    private static final int COLUMNS_DP = 340;

    private final boolean columns;

    public TableView(Context context, AttributeSet attributes) {
        super(context, attributes);
        setOrientation(VERTICAL);
        Configuration c = getResources().getConfiguration();
        columns = c.screenWidthDp >= COLUMNS_DP * c.fontScale;
    }

    void show(Results results) {
        removeAllViews();
        String quality = text(results.labelled ? R.string.column_accuracy : R.string.column_agree);
        String[] heads = {text(R.string.column_form), text(R.string.column_size), quality,
                text(R.string.column_latency), text(R.string.column_ratio)};
        if (columns) {
            View head = cells(heads, R.color.quiet, 12, Typeface.NORMAL);
            head.setPadding(dp(4), 0, dp(4), dp(4));
            head.setImportantForAccessibility(IMPORTANT_FOR_ACCESSIBILITY_NO_HIDE_DESCENDANTS);
            addView(head);
        }
        for (Results.Row row : results.rows) {
            addView(line());
            addForm(row, heads);
        }
    }

    private void addForm(Results.Row row, String[] heads) {
        LinearLayout box = box();
        box.setContentDescription(spoken(row));
        box.setFocusable(true);
        if (row.advised) box.setBackgroundResource(R.drawable.advised);
        if (row.failure != null) {
            box.addView(text(row.form, R.color.text, 14, Typeface.BOLD));
            box.addView(text(row.failure, R.color.bad, 13, Typeface.NORMAL));
        } else if (columns) {
            box.addView(cells(values(row), R.color.text, 13, Typeface.NORMAL));
            if (row.advised)
                box.addView(text(text(R.string.advised), R.color.accent, 12, Typeface.BOLD));
        } else {
            String title = row.advised ? row.form + " · " + text(R.string.advised) : row.form;
            box.addView(text(title, row.advised ? R.color.accent : R.color.text, 15, Typeface.BOLD));
            String[] values = values(row);
            for (int i = 1; i < values.length; i++)
                box.addView(pair(heads[i], values[i], R.color.text));
        }
        for (Results.Other other : row.others) addOther(box, other);
        addView(box);
    }

    private void addOther(LinearLayout box, Results.Other other) {
        String name = text(other.xnnpack ? R.string.engine_xnnpack : R.string.engine_plain);
        if (other.latency == null) {
            TextView why = text(name + ": " + other.failure, R.color.bad, 12, Typeface.NORMAL);
            why.setPadding(columns ? dp(8) : 0, 0, 0, 0);
            box.addView(why);
            return;
        }
        String time = Text.time(other.latency.median), ratio = Text.ratio(other.latency.ratio);
        if (!columns) {
            box.addView(pair(name, time + " · " + ratio, R.color.quiet));
            return;
        }
        LinearLayout line = new LinearLayout(getContext());
        TextView label = text(name, R.color.quiet, 12, Typeface.NORMAL);
        label.setPadding(dp(8), 0, 0, 0);
        line.addView(label, share(SHARES[0] + SHARES[1] + SHARES[2]));
        line.addView(number(time, R.color.quiet, 12), share(SHARES[3]));
        line.addView(number(ratio, R.color.quiet, 12), share(SHARES[4]));
        box.addView(line);
    }

    private static String[] values(Results.Row row) {
        return new String[] {row.form, Text.bytes(row.bytes), Text.percent(row.quality),
                row.latency == null ? "–" : Text.time(row.latency.median),
                row.latency == null ? "–" : Text.ratio(row.latency.ratio)};
    }

    private String spoken(Results.Row row) {
        if (row.failure != null)
            return getResources().getString(R.string.spoken_failed, row.form, row.failure);
        String[] v = values(row);
        StringBuilder text = new StringBuilder(getResources().getString(
                R.string.spoken_row, v[0], v[1], v[2], v[3], v[4]));
        if (row.advised) text.append(", ").append(text(R.string.spoken_advised));
        for (Results.Other o : row.others)
            text.append("; ")
                    .append(text(o.xnnpack ? R.string.engine_xnnpack : R.string.engine_plain))
                    .append(": ")
                    .append(o.latency == null ? o.failure : Text.time(o.latency.median));
        return text.toString();
    }

    private LinearLayout cells(String[] texts, int color, int sp, int style) {
        LinearLayout line = new LinearLayout(getContext());
        for (int i = 0; i < texts.length; i++) {
            TextView cell = i == 0 ? text(texts[i], color, sp, Typeface.BOLD)
                    : number(texts[i], color, sp);
            if (i > 0) cell.setTypeface(null, style);
            line.addView(cell, share(SHARES[i]));
        }
        return line;
    }

    private LinearLayout pair(String name, String value, int color) {
        LinearLayout line = new LinearLayout(getContext());
        line.addView(text(name, R.color.quiet, 14, Typeface.NORMAL), share(1));
        TextView number = number(value, color, 14);
        number.setPadding(dp(8), 0, 0, 0);
        line.addView(number);
        return line;
    }

    private LinearLayout box() {
        LinearLayout box = new LinearLayout(getContext());
        box.setOrientation(VERTICAL);
        box.setPadding(dp(4), dp(6), dp(4), dp(6));
        return box;
    }

    private View line() {
        View line = new View(getContext());
        line.setBackgroundColor(getContext().getColor(R.color.line));
        line.setLayoutParams(new LayoutParams(LayoutParams.MATCH_PARENT, Math.max(1, dp(1) / 2)));
        return line;
    }

    private TextView text(String text, int color, int sp, int style) {
        TextView view = new TextView(getContext());
        view.setText(text);
        view.setTextSize(sp);
        view.setTextColor(getContext().getColor(color));
        view.setTypeface(null, style);
        return view;
    }

    private TextView number(String text, int color, int sp) {
        TextView view = text(text, color, sp, Typeface.NORMAL);
        view.setGravity(Gravity.END);
        view.setFontFeatureSettings("tnum");
        return view;
    }

    private static LayoutParams share(float share) {
        return new LayoutParams(0, LayoutParams.WRAP_CONTENT, share);
    }

    private String text(int id) {
        return getResources().getString(id);
    }

    private int dp(int dp) {
        return Math.round(dp * getResources().getDisplayMetrics().density);
    }
}
