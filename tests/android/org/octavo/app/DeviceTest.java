package org.octavo.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.content.Context;
import android.content.Intent;
import android.os.BatteryManager;
import android.os.PowerManager;
import java.io.File;
import org.json.JSONArray;
import org.json.JSONObject;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;

/** An invented phone: one big core, one that hides its clocks, two small ones of which one is limited. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 34)
public final class DeviceTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private void core(int cpu, String max, String limit, String governor) throws Exception {
        File scaling = new File(folder.getRoot(), "cpu" + cpu + "/cpufreq");
        assertTrue(scaling.mkdirs());
        if (max == null) return;
        Files.write(new File(scaling, "cpuinfo_max_freq"), max + "\n");
        Files.write(new File(scaling, "scaling_max_freq"), limit + "\n");
        Files.write(new File(scaling, "scaling_governor"), governor + "\n");
    }

    private Device device() throws Exception {
        core(0, "1800000", "1800000", "schedutil");
        core(1, "1800000", "900000", "schedutil");
        core(2, null, null, null);
        core(3, "2995200", "2995200", "performance");
        File info = new File(folder.getRoot(), "cpuinfo");
        Files.write(info, "processor\t: 0\nCPU part\t: 0xd05\n\nprocessor\t: 3\nCPU part\t: 0xd46\n");
        return new Device(Phone.context(), folder.getRoot(), info);
    }

    @Test
    @SuppressWarnings("deprecation")
    public void everythingThatTheSystemTells() throws Exception {
        Context context = Phone.context();
        context.sendStickyBroadcast(new Intent(Intent.ACTION_BATTERY_CHANGED)
                .putExtra(BatteryManager.EXTRA_LEVEL, 57)
                .putExtra(BatteryManager.EXTRA_SCALE, 100)
                .putExtra(BatteryManager.EXTRA_TEMPERATURE, 314)
                .putExtra(BatteryManager.EXTRA_PLUGGED, BatteryManager.BATTERY_PLUGGED_USB));
        shadowOf(context.getSystemService(PowerManager.class))
                .setCurrentThermalStatus(PowerManager.THERMAL_STATUS_MODERATE);
        Device device = device();
        String text = device.describe(context);
        assertTrue(text, text.contains(
                "Cores: 1 × 3.00 GHz, performance + 2 × 1.80 GHz, schedutil + 1 × clock unreadable\n"));
        assertTrue(text, text.contains("\nThermal status: moderate\n"));
        assertTrue(text, text.endsWith("\nBattery: 57 %, 31.4 °C, plugged in"));
        JSONObject json = device.json(device);
        JSONArray cores = json.getJSONObject("facts").getJSONArray("cores");
        assertEquals(4, cores.length());
        assertEquals(900000, cores.getJSONObject(1).getInt("limit_khz"));
        assertEquals(JSONObject.NULL, cores.getJSONObject(2).get("max_khz"));
        assertEquals("0xd46", cores.getJSONObject(3).getString("part"));
        JSONObject state = json.getJSONArray("states").getJSONObject(1);
        assertEquals(2, state.getInt("thermal_status"));
        assertEquals(31.4, state.getDouble("battery_celsius"), 0);
        assertTrue(state.getBoolean("powered"));
    }

    @Test
    public void nothingIsNullAndNotZero() throws Exception {
        Device device = new Device(Phone.context(), new File("/nowhere"), new File("/nowhere"));
        JSONObject state = device.json(device).getJSONArray("states").getJSONObject(0);
        assertEquals(JSONObject.NULL, state.get("battery_percent"));
        assertEquals(JSONObject.NULL, state.get("powered"));
        assertTrue(device.describe(Phone.context()).contains("Cores: unknown\n"));
    }
}
