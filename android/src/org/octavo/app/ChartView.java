package org.octavo.app;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.RectF;
import android.util.AttributeSet;
import android.util.TypedValue;
import android.view.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Latencies as bars on one scale, an engine a colour, with the 95 % interval as a thin line. Names
 * stand above their bars, so that text of any size fits; the description tells all numbers.
 */
public final class ChartView extends View {
    private static final int[] COLORS =
            {R.color.engine_octavo, R.color.engine_plain, R.color.engine_xnnpack};
    private static final int[] NAMES =
            {R.string.chart_engine, R.string.engine_plain, R.string.engine_xnnpack};

    private static final class Bar {
        final int engine;
        final Results.Latency latency;

        Bar(int engine, Results.Latency latency) {
            this.engine = engine;
            this.latency = latency;
        }
    }

    private static final class Group {
        final String form;
        final List<Bar> bars = new ArrayList<>();

        Group(String form) {
            this.form = form;
        }
    }

    private final Paint name = paint(R.color.text, 13);
    private final Paint value = paint(R.color.quiet, 12);
    private final Paint fill = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final RectF rect = new RectF();
    private final List<Group> groups = new ArrayList<>();
    private final boolean[] present = new boolean[COLORS.length];
    private double most;

    public ChartView(Context context, AttributeSet attributes) {
        super(context, attributes);
        setFocusable(true);
    }

    void show(Results results) {
        groups.clear();
        Arrays.fill(present, false);
        most = 0;
        StringBuilder spoken = new StringBuilder();
        for (Results.Row row : results.rows) {
            Group group = new Group(row.form);
            if (row.latency != null) group.bars.add(new Bar(0, row.latency));
            for (Results.Other other : row.others)
                if (other.latency != null)
                    group.bars.add(new Bar(other.xnnpack ? 2 : 1, other.latency));
            if (!group.bars.isEmpty()) groups.add(group);
            for (Bar bar : group.bars) {
                present[bar.engine] = true;
                most = Math.max(most, bar.latency.high);
                spoken.append(getResources().getString(R.string.chart_spoken_bar, group.form,
                        getResources().getString(NAMES[bar.engine]),
                        Text.time(bar.latency.median))).append(' ');
            }
        }
        setContentDescription(getResources().getString(R.string.chart_spoken, spoken.toString().trim()));
        requestLayout();
        invalidate();
    }

    @Override
    protected void onMeasure(int widthSpec, int heightSpec) {
        int width = MeasureSpec.getSize(widthSpec);
        setMeasuredDimension(width, (int) Math.ceil(paint(null, width)));
    }

    @Override
    protected void onDraw(Canvas canvas) {
        paint(canvas, getWidth());
    }

    /** Draws, or with no canvas only measures; the height. */
    private float paint(Canvas canvas, int width) {
        float y = legend(canvas, width);
        float room = width - widestValue() - dp(6);
        for (Group group : groups) {
            y += dp(8);
            if (canvas != null) canvas.drawText(group.form, 0, y - name.ascent(), name);
            y += height(name);
            for (Bar bar : group.bars) y += bar(canvas, bar, y, room);
        }
        return y;
    }

    private float bar(Canvas canvas, Bar bar, float y, float room) {
        float height = Math.max(dp(12), height(value));
        if (canvas == null) return height + dp(2);
        float middle = y + height / 2, end = x(bar.latency.median, room);
        fill.setColor(color(COLORS[bar.engine]));
        rect.set(0, middle - dp(5), end, middle + dp(5));
        canvas.drawRoundRect(rect, dp(2), dp(2), fill);
        fill.setColor(color(R.color.text));
        rect.set(x(bar.latency.low, room), middle - dp(1) / 2, x(bar.latency.high, room), middle + dp(1) / 2);
        canvas.drawRect(rect, fill);
        canvas.drawText(Text.time(bar.latency.median), x(bar.latency.high, room) + dp(6),
                middle - (value.ascent() + value.descent()) / 2, value);
        return height + dp(2);
    }

    /** Engines that have a bar, each with its colour, as many in a line as fit. */
    private float legend(Canvas canvas, int width) {
        float x = 0, y = 0, line = height(value) + dp(2);
        for (int i = 0; i < COLORS.length; i++) {
            if (!present[i]) continue;
            String text = getResources().getString(NAMES[i]);
            float need = dp(10) + dp(6) + value.measureText(text);
            if (x > 0 && x + need > width) {
                x = 0;
                y += line;
            }
            if (canvas != null) {
                fill.setColor(color(COLORS[i]));
                rect.set(x, y + line / 2 - dp(5), x + dp(10), y + line / 2 + dp(5));
                canvas.drawRoundRect(rect, dp(2), dp(2), fill);
                canvas.drawText(text, x + dp(16), y + line / 2 - (value.ascent() + value.descent()) / 2, value);
            }
            x += need + dp(16);
        }
        return y + line;
    }

    private float x(double ns, float room) {
        return (float) (ns / most * room);
    }

    private float widestValue() {
        float widest = 0;
        for (Group group : groups)
            for (Bar bar : group.bars)
                widest = Math.max(widest, value.measureText(Text.time(bar.latency.median)));
        return widest;
    }

    private static float height(Paint paint) {
        return paint.descent() - paint.ascent();
    }

    private Paint paint(int color, int sp) {
        Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
        paint.setColor(color(color));
        paint.setTextSize(TypedValue.applyDimension(
                TypedValue.COMPLEX_UNIT_SP, sp, getResources().getDisplayMetrics()));
        return paint;
    }

    private int color(int id) {
        return getContext().getColor(id);
    }

    private float dp(int dp) {
        return dp * getResources().getDisplayMetrics().density;
    }
}
