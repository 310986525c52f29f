package org.octavo.app;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.ClipData;
import android.content.Intent;
import android.net.Uri;
import android.os.Bundle;
import android.view.View;
import android.view.WindowManager;
import android.widget.ArrayAdapter;
import android.widget.Button;
import android.widget.ProgressBar;
import android.widget.RadioButton;
import android.widget.Spinner;
import android.widget.TextView;
import android.widget.Toast;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.text.DateFormat;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;

/** The one screen: models, run, results, device. What goes on behind it is in the session. */
public final class MainActivity extends Activity {
    static final int PICK = 1;
    static final int SAVE = 2;

    Session session;
    private RadioButton bundled;
    private RadioButton picked;
    private Button run;
    private ProgressBar progress;
    private TextView status;
    private Results shown;
    /** The files picked when last looked: new ones are chosen at once. */
    private ModelSet known;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.main);
        Object kept = getLastNonConfigurationInstance();
        session = kept != null ? (Session) kept : new Session(this);
        bundled = findViewById(R.id.bundled);
        picked = findViewById(R.id.picked);
        run = findViewById(R.id.run);
        progress = findViewById(R.id.progress);
        status = findViewById(R.id.status);
        bundled.setText(getString(R.string.models_bundled, ModelSet.bundledCount(),
                ModelSet.BUNDLED_IMAGES));
        offerThreads();
        run.setOnClickListener(view -> runOrCancel());
        findViewById(R.id.pick).setOnClickListener(view -> pick());
        findViewById(R.id.share).setOnClickListener(view -> share());
        findViewById(R.id.save).setOnClickListener(view -> save());
        known = session.picked;
        findViewById(R.id.licences).setOnClickListener(view -> Licences.show(this));
        session.listen(this::show);
        show();
    }

    @Override
    protected void onResume() {
        super.onResume();
        ((TextView) findViewById(R.id.device)).setText(new Device(this).describe(this));
    }

    @Override
    public Object onRetainNonConfigurationInstance() {
        return session;
    }

    @Override
    protected void onDestroy() {
        super.onDestroy();
        if (!isChangingConfigurations()) session.close();
    }

    private void offerThreads() {
        List<Integer> counts = new ArrayList<>();
        int cores = Runtime.getRuntime().availableProcessors();
        for (int n = 1; n <= cores; n *= 2) counts.add(n);
        ArrayAdapter<Integer> adapter =
                new ArrayAdapter<>(this, android.R.layout.simple_spinner_item, counts);
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item);
        ((Spinner) findViewById(R.id.threads)).setAdapter(adapter);
    }

    private void runOrCancel() {
        if (session.state == Session.State.RUNNING) session.cancel();
        else session.run(picked.isChecked(), (Integer) ((Spinner) findViewById(R.id.threads))
                .getSelectedItem());
    }

    private void pick() {
        start(new Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
                .setType("*/*").putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true), PICK);
    }

    private void save() {
        start(new Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
                .setType(ShareProvider.TYPE).putExtra(Intent.EXTRA_TITLE, ShareProvider.NAME), SAVE);
    }

    private void start(Intent intent, int request) {
        try {
            startActivityForResult(intent, request);
        } catch (ActivityNotFoundException none) {
            say(getString(R.string.no_picker));
        }
    }

    private void share() {
        Uri uri = ShareProvider.uri(this);
        Intent send = new Intent(Intent.ACTION_SEND).setType(ShareProvider.TYPE)
                .putExtra(Intent.EXTRA_STREAM, uri)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION);
        send.setClipData(ClipData.newRawUri(null, uri));
        startActivity(Intent.createChooser(send, getString(R.string.share_chooser)));
    }

    @Override
    protected void onActivityResult(int request, int result, Intent answer) {
        if (result != RESULT_OK || answer == null) return;
        if (request == PICK && !session.busy()) {
            session.pick(documents(answer));
        } else if (request == SAVE) {
            write(answer.getData());
        }
    }

    private static List<Uri> documents(Intent answer) {
        List<Uri> documents = new ArrayList<>();
        ClipData several = answer.getClipData();
        for (int i = 0; several != null && i < several.getItemCount(); i++)
            documents.add(several.getItemAt(i).getUri());
        if (several == null) documents.add(answer.getData());
        return documents;
    }

    private void write(Uri document) {
        try (InputStream in = new FileInputStream(Comparison.resultsFile(this));
                OutputStream out = getContentResolver().openOutputStream(document, "wt")) {
            Files.copy(in, out);
            say(getString(R.string.saved));
        } catch (IOException failed) {
            say(getString(R.string.save_failed, failed.getMessage()));
        }
    }

    private void say(String text) {
        Toast.makeText(this, text, Toast.LENGTH_LONG).show();
    }

    /** The screen as the session has it now. */
    private void show() {
        boolean running = session.state == Session.State.RUNNING, busy = session.busy();
        picked.setEnabled(!busy && session.picked != null);
        picked.setText(session.picked == null ? getString(R.string.models_none)
                : getString(R.string.models_picked, session.picked.title()));
        if (session.picked != known) picked.setChecked(true);
        known = session.picked;
        bundled.setEnabled(!busy);
        findViewById(R.id.pick).setEnabled(!busy);
        findViewById(R.id.threads).setEnabled(!busy);
        run.setEnabled(session.state != Session.State.COPYING);
        run.setText(running ? R.string.cancel : R.string.run);
        progress.setVisibility(busy ? View.VISIBLE : View.GONE);
        progress.setIndeterminate(session.step.isEmpty());
        progress.setProgress(session.percent);
        if (running) getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        else getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        // A screen reader tells every change of it, so the percentage is the bar's alone.
        if (!sentence().contentEquals(status.getText())) status.setText(sentence());
        status.setTextColor(getColor(session.state == Session.State.FAILED ? R.color.bad
                : R.color.quiet));
        if (session.results != null && session.results != shown) show(session.results);
    }

    private String sentence() {
        switch (session.state) {
            case COPYING:
                return getString(R.string.models_copying);
            case RUNNING:
                return session.step.isEmpty() ? getString(R.string.status_start)
                        : step(session.step);
            case DONE:
                return getString(R.string.status_done, session.results.rows.size(), date());
            case CANCELLED:
                return getString(R.string.status_cancelled);
            case FAILED:
                return getString(R.string.status_failed, session.failure);
            default:
                return session.results == null ? ""
                        : getString(R.string.status_shown, date());
        }
    }

    private String date() {
        Date created = Date.from(session.results.created);
        return DateFormat.getDateTimeInstance(DateFormat.MEDIUM, DateFormat.SHORT).format(created);
    }

    private String step(String name) {
        if (name.equals("evaluate")) return getString(R.string.step_evaluate);
        if (name.equals("measure")) return getString(R.string.step_measure);
        if (name.equals("engine")) return getString(R.string.step_engine);
        return getString(R.string.step_make, name);
    }

    private void show(Results results) {
        shown = results;
        findViewById(R.id.results).setVisibility(View.VISIBLE);
        ((TableView) findViewById(R.id.table)).show(results);
        ((ChartView) findViewById(R.id.chart)).show(results);
        ((TextView) findViewById(R.id.advice)).setText(results.advice);
        String note = results.random ? getString(R.string.note_random)
                : getString(R.string.note_samples, results.samples);
        int before = results.thermal(false), after = results.thermal(true);
        if (after > before) note += "\n" + getString(R.string.note_heat, before, after);
        ((TextView) findViewById(R.id.note)).setText(note);
    }
}
