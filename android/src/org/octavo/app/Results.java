package org.octavo.app;

import java.io.File;
import java.io.IOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/**
 * A results.json: the command's document, to which the app adds the device and the second engine's
 * times, and the rows that are shown of it. docs/results.schema.json says what every key means.
 */
final class Results {
    /** A latency in nanoseconds with its interval; ratio is to float32 in the same engine. */
    static final class Latency {
        final double median;
        final double low;
        final double high;
        final double ratio;

        Latency(JSONObject latency) throws JSONException {
            JSONObject value = latency.getJSONObject("median_ns");
            median = value.getDouble("value");
            low = value.getDouble("low");
            high = value.getDouble("high");
            ratio = latency.getJSONObject("ratio").getDouble("value");
        }
    }

    /** One form in the second engine. */
    static final class Other {
        final boolean xnnpack;
        /** Null when it failed. */
        final Latency latency;
        final String failure;

        Other(JSONObject other) throws JSONException {
            xnnpack = other.getBoolean("xnnpack");
            boolean ok = other.getString("status").equals("ok");
            latency = ok ? new Latency(other.getJSONObject("latency")) : null;
            failure = ok ? null : other.getString("reason");
        }
    }

    /** One form. */
    static final class Row {
        final String form;
        final boolean advised;
        /** Why it could not be made or run; null when it could, and only then the rest is set. */
        final String failure;
        long bytes;
        /** A fraction of the samples: right, or without labels answered as by float32. */
        double quality;
        /** Null when not measured. */
        Latency latency;
        final List<Other> others = new ArrayList<>();

        Row(JSONObject form, boolean labelled, String advised) throws JSONException {
            this.form = form.getString("form");
            this.advised = this.form.equals(advised);
            failure = form.getString("status").equals("ok") ? null : form.getString("reason");
            if (failure != null) return;
            bytes = form.getLong("bytes");
            JSONObject rate = labelled ? form.getJSONObject("accuracy").getJSONObject("top1")
                    : form.getJSONObject("against_float").getJSONObject("agree");
            quality = rate.getDouble("rate");
            latency = form.isNull("latency") ? null : new Latency(form.getJSONObject("latency"));
            JSONArray engines = form.optJSONArray("engines");
            for (int i = 0; engines != null && i < engines.length(); i++)
                others.add(new Other(engines.getJSONObject(i)));
        }
    }

    final JSONObject document;
    final List<Row> rows = new ArrayList<>();
    final boolean labelled;
    final boolean random;
    final int samples;
    /** The command's first paragraph about the choice. */
    final String advice;
    final Instant created;

    /** @throws IOException when the text is not a whole results.json */
    Results(String text) throws IOException {
        try {
            document = new JSONObject(text);
            JSONObject data = document.getJSONObject("data");
            labelled = data.getBoolean("labelled");
            random = data.getBoolean("random");
            samples = data.getInt("samples");
            created = Instant.parse(document.getString("created"));
            JSONObject choice = document.getJSONObject("advice");
            // Lines broken for a terminal go on with spaces.
            advice = choice.getString("text").split("\n\n")[0].trim().replaceAll("\n +", " ");
            String advised = choice.isNull("form") ? null : choice.getString("form");
            JSONArray forms = document.getJSONArray("forms");
            for (int i = 0; i < forms.length(); i++)
                rows.add(new Row(forms.getJSONObject(i), labelled, advised));
        } catch (JSONException | DateTimeParseException broken) {
            throw new IOException("results.json: " + broken.getMessage(), broken);
        }
    }

    /** Thermal status before or after the run; -1 unknown. */
    int thermal(boolean after) {
        JSONObject device = document.optJSONObject("device");
        JSONArray states = device == null ? null : device.optJSONArray("states");
        JSONObject state = states == null ? null
                : states.optJSONObject(after ? states.length() - 1 : 0);
        return state == null ? -1 : state.optInt("thermal_status", -1);
    }

    /** Adds the second engine's entries to the forms of their files; the first model is float32. */
    static void addEngine(JSONObject document, String engine, int threads,
            List<EngineBench.Entry> entries) throws JSONException {
        JSONArray forms = document.getJSONArray("forms");
        for (int i = 0; i < forms.length(); i++) {
            JSONObject form = forms.getJSONObject(i);
            JSONArray engines = new JSONArray();
            for (EngineBench.Entry entry : entries)
                if (entry.model.getName().equals(form.optString("file")))
                    engines.put(engineJson(entry, base(entries, entry.xnnpack))
                            .put("engine", engine).put("threads", threads));
            if (engines.length() > 0) form.put("engines", engines);
        }
    }

    private static EngineBench.Entry base(List<EngineBench.Entry> entries, boolean xnnpack) {
        File first = entries.get(0).model;
        for (EngineBench.Entry entry : entries)
            if (entry.xnnpack == xnnpack && entry.model.equals(first)) return entry;
        throw new IllegalStateException();
    }

    private static JSONObject engineJson(EngineBench.Entry entry, EngineBench.Entry base)
            throws JSONException {
        JSONObject json = new JSONObject().put("xnnpack", entry.xnnpack);
        if (entry.failure != null || entry.times.length == 0 || base.times.length == 0)
            return json.put("status", "failed").put("reason", entry.failure != null ? entry.failure
                    : "float32 could not be measured");
        double[] ratios = new double[entry.times.length];
        JSONArray times = new JSONArray();
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = entry.times[i] / base.times[i];
            times.put((long) entry.times[i]);
        }
        return json.put("status", "ok").put("latency", new JSONObject()
                .put("median_ns", json(new Median(entry.times)))
                .put("ratio", json(new Median(ratios)))
                .put("times_ns", times));
    }

    private static JSONObject json(Median median) throws JSONException {
        return new JSONObject().put("value", median.value).put("low", median.low)
                .put("high", median.high);
    }
}
