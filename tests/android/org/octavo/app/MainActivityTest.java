package org.octavo.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ClipData;
import android.content.Intent;
import android.content.res.Configuration;
import android.database.Cursor;
import android.net.Uri;
import android.os.PowerManager;
import android.provider.OpenableColumns;
import android.view.View;
import android.widget.RadioButton;
import android.widget.TextView;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Collections;
import org.json.JSONArray;
import org.json.JSONObject;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowActivity.IntentForResult;
import org.robolectric.shadows.ShadowDialog;

/** The flow, with the host's octavo in the place of the packed program. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 34)
public final class MainActivityTest {
    private static final String FAST = "0.05";

    private ActivityController<MainActivity> controller;
    private MainActivity activity;

    @Before
    public void start() throws Exception {
        Phone.packOctavo(FAST);
        controller = Robolectric.buildActivity(MainActivity.class).setup();
        activity = controller.get();
    }

    @After
    public void stop() {
        TfLite.unloadable = null;
        controller.pause().stop().destroy();
    }

    private TextView text(int id) {
        return activity.findViewById(id);
    }

    private void assertFailed(String sentence) {
        assertEquals(sentence, activity.session.failure);
        assertEquals(activity.getString(R.string.status_failed, sentence), text(R.id.status).getText());
        assertTrue(activity.findViewById(R.id.run).isEnabled());
        assertEquals(activity.getString(R.string.run), text(R.id.run).getText());
    }

    private static Uri document(String name, InputStream content) {
        Uri uri = Uri.parse("content://documents/" + name);
        shadowOf(Phone.context().getContentResolver()).registerInputStream(uri, content);
        return uri;
    }

    private static Uri demo(String form, String name) throws Exception {
        return document(name, new FileInputStream(new File(ModelSet.bundled(Phone.context()).folder, form)));
    }

    /** Presses the button that opens the picker, answers it and waits for the copies. */
    private void pick(Uri... documents) throws Exception {
        text(R.id.pick).performClick();
        IntentForResult asked = shadowOf(activity).getNextStartedActivityForResult();
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.intent.getAction());
        assertTrue(asked.intent.getBooleanExtra(Intent.EXTRA_ALLOW_MULTIPLE, false));
        Intent answer = new Intent();
        if (documents.length == 1) answer.setData(documents[0]);
        else answer.setClipData(ClipData.newRawUri("", documents[0]));
        for (int i = 1; i < documents.length; i++)
            answer.getClipData().addItem(new ClipData.Item(documents[i]));
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, answer);
        Phone.awaitEnd(activity);
    }

    @Test
    public void bundledModelsGiveTheTable() throws Exception {
        Phone.pack("exec '" + Phone.OCTAVO + "' \"$@\" --bench-seconds " + FAST);
        assertEquals(View.GONE, activity.findViewById(R.id.results).getVisibility());
        Phone.run(activity);
        assertNull(activity.session.failure, activity.session.failure);
        Results results = activity.session.results;
        assertEquals(6, results.rows.size());
        assertEquals(ModelSet.BUNDLED_IMAGES, results.samples);
        String[] forms = {"float32", "dynamic", "float16", "int8", "int8-full", "int16x8"};
        for (int i = 0; i < forms.length; i++) {
            Results.Row row = results.rows.get(i);
            assertEquals(forms[i], row.form);
            assertTrue(row.form + " " + row.quality, row.quality > 0.92 && row.quality < 0.95);
            assertTrue(row.latency.median > 0);
            assertEquals(2, row.others.size());
        }
        assertEquals(TfLite.REFUSAL, results.rows.get(5).others.get(0).failure);
        assertEquals(1, results.rows.get(0).others.get(1).latency.ratio, 0);
        assertEquals(View.VISIBLE, activity.findViewById(R.id.results).getVisibility());
        assertTrue(text(R.id.advice).getText().toString().startsWith("Advice: "));
        String spoken = activity.findViewById(R.id.chart).getContentDescription().toString();
        assertTrue(spoken, spoken.contains("int8, TFLite, XNNPACK: "));
    }

    @Test
    public void resultsFitTheSchemaAndTheHostReadsThem() throws Exception {
        Phone.run(activity);
        File file = Comparison.resultsFile(activity);
        JSONObject document = new JSONObject(Files.read(file));
        Schema schema = new Schema(Files.read(new File(Phone.ROOT, "docs/results.schema.json")));
        assertNull(schema.fault(document), schema.fault(document));
        JSONObject device = document.getJSONObject("device");
        assertEquals("app", device.getString("via"));
        assertEquals(2, device.getJSONArray("states").length());
        JSONArray engines = document.getJSONArray("forms").getJSONObject(3).getJSONArray("engines");
        assertEquals("TensorFlow Lite 0.0", engines.getJSONObject(1).getString("engine"));
        File html = new File(Phone.PICTURES, "report.html");
        assertTrue(Phone.PICTURES.isDirectory() || Phone.PICTURES.mkdirs());
        Process report = new ProcessBuilder(Phone.OCTAVO, "report", file.getPath(), "-o", html.getPath())
                .inheritIO().start();
        assertEquals(0, report.waitFor());
        assertTrue(html.length() > 10000);
    }

    @Test
    public void resultsOfBeforeAreThereAtTheNextStart() throws Exception {
        Phone.run(activity);
        Instant created = activity.session.results.created;
        MainActivity next = Robolectric.buildActivity(MainActivity.class).setup().get();
        assertEquals(created, next.session.results.created);
        assertEquals(View.VISIBLE, next.findViewById(R.id.results).getVisibility());
        String status = ((TextView) next.findViewById(R.id.status)).getText().toString();
        assertTrue(status, status.matches("Results of .*20[0-9][0-9].*"));
    }

    @Test
    public void pickedFilesAreComparedAsTheyAre() throws Exception {
        pick(demo("int8.tflite", "a b.tflite"), demo("float32.tflite", "mine.tflite"));
        assertTrue(((RadioButton) activity.findViewById(R.id.picked)).isChecked());
        assertEquals("mine.tflite, a_b.tflite", activity.session.picked.title());
        Phone.run(activity);
        assertNull(activity.session.failure, activity.session.failure);
        Results results = activity.session.results;
        assertEquals("float32", results.rows.get(0).form);
        assertEquals("int8", results.rows.get(1).form);
        assertEquals(2, results.rows.size());
        assertTrue(results.random);
        assertEquals(activity.getString(R.string.note_random), text(R.id.note).getText());
    }

    @Test
    public void filesOfOneNameAreBothKept() throws Exception {
        pick(demo("float32.tflite", "a/m.tflite"), demo("int8.tflite", "b/m.tflite"));
        assertEquals("m.tflite, 2-m.tflite", activity.session.picked.title());
    }

    @Test
    public void formsOfOnePickedModelAreMadeOnThePhone() throws Exception {
        pick(demo("float32.tflite", "only.tflite"));
        Phone.run(activity);
        assertNull(activity.session.failure, activity.session.failure);
        Results results = activity.session.results;
        assertEquals(7, results.rows.size());
        for (Results.Row row : results.rows) assertEquals(row.form, 2, row.others.size());
    }

    @Test
    public void documentsThatAreNoModelAreRefused() throws Exception {
        pick(document("holiday.jpg", new ByteArrayInputStream(new byte[9])));
        assertFailed(activity.getString(R.string.models_unusable, "holiday.jpg"));
        assertNull(activity.session.picked);
        pick(document("x.npz", new ByteArrayInputStream(new byte[9])));
        assertFailed(activity.getString(R.string.models_lacking));
        pick(document("broken.tflite", new ByteArrayInputStream("not a model".getBytes("UTF-8"))));
        Phone.run(activity);
        assertEquals(Session.State.FAILED, activity.session.state);
        assertTrue(activity.session.failure, activity.session.failure.contains("broken.tflite"));
    }

    @Test
    public void cancelKeepsTheResultsOfBefore() throws Exception {
        Phone.run(activity);
        Results before = activity.session.results;
        Phone.packOctavo("60");
        text(R.id.run).performClick();
        Phone.await("latency under way", () -> activity.session.step.equals("measure"));
        assertEquals(activity.getString(R.string.cancel), text(R.id.run).getText());
        assertEquals(View.VISIBLE, activity.findViewById(R.id.progress).getVisibility());
        assertFalse(activity.findViewById(R.id.pick).isEnabled());
        text(R.id.run).performClick();
        Phone.awaitEnd(activity);
        assertEquals(Session.State.CANCELLED, activity.session.state);
        assertSame(before, activity.session.results);
        assertEquals(activity.getString(R.string.status_cancelled), text(R.id.status).getText());
        assertEquals(before.created, new Results(Files.read(Comparison.resultsFile(activity))).created);
    }

    @Test
    public void cancelBeforeTheProgramStarts() throws Exception {
        text(R.id.run).performClick();
        text(R.id.run).performClick();
        Phone.awaitEnd(activity);
        assertEquals(Session.State.CANCELLED, activity.session.state);
        assertFalse(Comparison.resultsFile(activity).exists());
    }

    @Test
    public void rotationKeepsTheRun() throws Exception {
        Phone.packOctavo("0.3");
        text(R.id.run).performClick();
        Phone.await("latency under way", () -> activity.session.step.equals("measure"));
        Session session = activity.session;
        MainActivity upright = activity;
        rotate();
        assertNotSame(upright, activity);
        assertSame(session, activity.session);
        assertEquals(activity.getString(R.string.cancel), text(R.id.run).getText());
        Phone.awaitEnd(activity);
        assertEquals(Session.State.DONE, session.state);
        assertEquals(View.VISIBLE, activity.findViewById(R.id.results).getVisibility());
        rotate();
        assertEquals(View.VISIBLE, activity.findViewById(R.id.results).getVisibility());
    }

    private void rotate() {
        Configuration turned = new Configuration(activity.getResources().getConfiguration());
        boolean upright = turned.orientation != Configuration.ORIENTATION_LANDSCAPE;
        turned.orientation = upright ? Configuration.ORIENTATION_LANDSCAPE : Configuration.ORIENTATION_PORTRAIT;
        int width = turned.screenWidthDp;
        turned.screenWidthDp = turned.screenHeightDp;
        turned.screenHeightDp = width;
        controller.configurationChange(turned);
        activity = controller.get();
    }

    @Test
    public void leavingEndsTheRun() throws Exception {
        Phone.packOctavo("60");
        text(R.id.run).performClick();
        Phone.await("latency under way", () -> activity.session.step.equals("measure"));
        Session session = activity.session;
        controller.pause().stop().destroy();
        Phone.await("the end", () -> session.state == Session.State.CANCELLED);
        controller = Robolectric.buildActivity(MainActivity.class).setup();
    }

    @Test
    public void failuresAreSentences() throws Exception {
        Phone.pack("echo 'octavo compare: out of memory' >&2; exit 5");
        Phone.run(activity);
        assertFailed("octavo compare: out of memory");
        Phone.pack("kill -31 $$");
        Phone.run(activity);
        assertFailed("Android refused a system call of the program (signal 31)");
        Phone.packOctavo(FAST);
        Phone.run(activity);
        assertEquals(Session.State.DONE, activity.session.state);
    }

    @Test
    public void resultsCutInHalfAreRefused() throws Exception {
        Phone.pack("mkdir -p ../out; echo '{ \"schema\": 1, \"data\": {' > ../out/results.json");
        Phone.run(activity);
        assertEquals(Session.State.FAILED, activity.session.state);
        assertTrue(activity.session.failure, activity.session.failure.startsWith("results.json: "));
        assertFalse(Comparison.resultsFile(activity).exists());
    }

    @Test
    public void anEngineThatDoesNotLoadCostsOnlyItsRows() throws Exception {
        TfLite.unloadable = "dlopen failed: program alignment (4096) cannot be smaller than system page size";
        Phone.run(activity);
        assertEquals(Session.State.DONE, activity.session.state);
        for (Results.Row row : activity.session.results.rows)
            for (Results.Other other : row.others) assertEquals(TfLite.unloadable, other.failure);
    }

    @Test
    public void shareOffersTheFileToRead() throws Exception {
        Phone.run(activity);
        text(R.id.share).performClick();
        Intent chooser = shadowOf(activity).getNextStartedActivity();
        assertEquals(Intent.ACTION_CHOOSER, chooser.getAction());
        Intent send = chooser.getParcelableExtra(Intent.EXTRA_INTENT, Intent.class);
        assertEquals(Intent.ACTION_SEND, send.getAction());
        assertTrue((send.getFlags() & Intent.FLAG_GRANT_READ_URI_PERMISSION) != 0);
        Uri uri = send.getParcelableExtra(Intent.EXTRA_STREAM, Uri.class);
        try (InputStream in = activity.getContentResolver().openInputStream(uri)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            Files.copy(in, bytes);
            assertEquals(Files.read(Comparison.resultsFile(activity)), bytes.toString("UTF-8"));
        }
        try (Cursor row = activity.getContentResolver().query(uri, null, null, null, null)) {
            assertTrue(row.moveToFirst());
            assertEquals("results.json", row.getString(row.getColumnIndex(OpenableColumns.DISPLAY_NAME)));
        }
    }

    @Test(expected = FileNotFoundException.class)
    public void shareGivesNothingElse() throws Exception {
        activity.getContentResolver().openInputStream(
                Uri.parse("content://org.octavo.app.share/../demo/stamp"));
    }

    @Test
    public void saveWritesTheFile() throws Exception {
        Phone.run(activity);
        text(R.id.save).performClick();
        IntentForResult asked = shadowOf(activity).getNextStartedActivityForResult();
        assertEquals(Intent.ACTION_CREATE_DOCUMENT, asked.intent.getAction());
        assertEquals("results.json", asked.intent.getStringExtra(Intent.EXTRA_TITLE));
        Uri uri = Uri.parse("content://documents/saved");
        ByteArrayOutputStream saved = new ByteArrayOutputStream();
        shadowOf(activity.getContentResolver()).registerOutputStream(uri, saved);
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, new Intent().setData(uri));
        assertEquals(Files.read(Comparison.resultsFile(activity)), saved.toString("UTF-8"));
    }

    @Test
    public void heatDuringTheRunIsTold() throws Exception {
        Phone.packOctavo("0.3");
        text(R.id.run).performClick();
        Phone.await("latency under way", () -> activity.session.step.equals("measure"));
        shadowOf(activity.getSystemService(PowerManager.class))
                .setCurrentThermalStatus(PowerManager.THERMAL_STATUS_SEVERE);
        Phone.awaitEnd(activity);
        String note = text(R.id.note).getText().toString();
        assertTrue(note, note.contains(activity.getString(R.string.note_heat, 0, 3)));
    }

    /** Texts are English: no digits and no layout of another script in them. */
    @Test
    @Config(qualifiers = "ar-rEG-ldrtl")
    public void otherLocalesReadEnglish() {
        String bundled = text(R.id.bundled).getText().toString();
        assertTrue(bundled, bundled.endsWith("6 forms, 2000 test images"));
        assertEquals(View.LAYOUT_DIRECTION_LTR, activity.findViewById(R.id.page).getLayoutDirection());
    }

    @Test
    public void licencesOfAllParts() {
        text(R.id.licences).performClick();
        AlertDialog dialog = (AlertDialog) ShadowDialog.getLatestDialog();
        String terms = ((TextView) dialog.findViewById(android.R.id.message)).getText().toString();
        for (String part : new String[] {"— LICENSE —", "— tensorflow-lite —", "— musl —", "— zlib1g —"})
            assertTrue(part, terms.contains(part));
    }

    /** A screen reader finds a name on everything that can be touched or focused. */
    @Test
    public void everythingHasAName() throws Exception {
        Phone.run(activity);
        assertNotNull(nameless(activity.findViewById(R.id.page)));
        assertEquals(Collections.emptyList(), nameless(activity.findViewById(R.id.page)));
    }

    private static java.util.List<View> nameless(View view) {
        java.util.List<View> found = new java.util.ArrayList<>();
        CharSequence name = view instanceof TextView ? ((TextView) view).getText() : "";
        if ((view.isClickable() || view.isFocusable()) && name.length() == 0
                && view.getContentDescription() == null && view.getVisibility() == View.VISIBLE)
            found.add(view);
        if (view instanceof android.widget.AdapterView) return found;
        for (int i = 0; view instanceof android.view.ViewGroup
                && i < ((android.view.ViewGroup) view).getChildCount(); i++)
            found.addAll(nameless(((android.view.ViewGroup) view).getChildAt(i)));
        return found;
    }
}
