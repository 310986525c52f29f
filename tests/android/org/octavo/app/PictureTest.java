package org.octavo.app;

import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.view.View;
import android.widget.TextView;
import java.io.File;
import java.io.FileOutputStream;
import java.util.HashSet;
import java.util.Set;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** The screen after a run, drawn by Android's own code into PNG files for people to look at. */
@RunWith(RobolectricTestRunner.class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = 34)
public final class PictureTest {
    private static Bitmap picture(String name, String qualifiers, float text) throws Exception {
        RuntimeEnvironment.setQualifiers(qualifiers);
        RuntimeEnvironment.setFontScale(text);
        Phone.packOctavo("0.05");
        MainActivity activity = Robolectric.buildActivity(MainActivity.class).setup().get();
        Phone.run(activity);
        View page = activity.findViewById(R.id.page);
        int width = activity.getResources().getDisplayMetrics().widthPixels;
        page.measure(View.MeasureSpec.makeMeasureSpec(width, View.MeasureSpec.EXACTLY),
                View.MeasureSpec.makeMeasureSpec(0, View.MeasureSpec.UNSPECIFIED));
        page.layout(0, 0, width, page.getMeasuredHeight());
        Bitmap bitmap = Bitmap.createBitmap(width, page.getHeight(), Bitmap.Config.ARGB_8888);
        Canvas canvas = new Canvas(bitmap);
        canvas.drawColor(activity.getColor(R.color.page));
        page.draw(canvas);
        assertTrue(Phone.PICTURES.isDirectory() || Phone.PICTURES.mkdirs());
        try (FileOutputStream out = new FileOutputStream(new File(Phone.PICTURES, name + ".png"))) {
            assertTrue(bitmap.compress(Bitmap.CompressFormat.PNG, 100, out));
        }
        assertNoWordIsCut(page);
        return bitmap;
    }

    /** No text is wider than its view, so that a line never breaks inside a number. */
    private static void assertNoWordIsCut(View view) {
        if (view instanceof TextView && view.getWidth() > 0) {
            TextView text = (TextView) view;
            float room = view.getWidth() - text.getTotalPaddingLeft() - text.getTotalPaddingRight() + 1;
            for (String word : text.getText().toString().split("\\s+"))
                assertTrue(word + " in " + text.getText(), text.getPaint().measureText(word) <= room);
        }
        for (int i = 0; view instanceof android.view.ViewGroup
                && i < ((android.view.ViewGroup) view).getChildCount(); i++)
            assertNoWordIsCut(((android.view.ViewGroup) view).getChildAt(i));
    }

    private static int colors(Bitmap bitmap) {
        Set<Integer> seen = new HashSet<>();
        for (int y = 0; y < bitmap.getHeight(); y += 3)
            for (int x = 0; x < bitmap.getWidth(); x += 3) seen.add(bitmap.getPixel(x, y));
        return seen.size();
    }

    @Test
    public void light() throws Exception {
        assertTrue(colors(picture("light", "w411dp-h891dp-notnight-xhdpi", 1)) > 20);
    }

    @Test
    public void dark() throws Exception {
        Bitmap bitmap = picture("dark", "w411dp-h891dp-night-xhdpi", 1);
        assertTrue(colors(bitmap) > 20);
        assertTrue((bitmap.getPixel(1, 1) & 0xff) < 64);
    }

    @Test
    public void largeText() throws Exception {
        assertTrue(colors(picture("large", "w411dp-h891dp-notnight-xhdpi", 2)) > 20);
    }

    @Test
    public void landscape() throws Exception {
        assertTrue(colors(picture("landscape", "w891dp-h411dp-land-notnight-xhdpi", 1)) > 20);
    }

    @Test
    public void smallScreen() throws Exception {
        assertTrue(colors(picture("small", "w320dp-h480dp-notnight-hdpi", 1.3f)) > 20);
    }
}
