package org.octavo.app;

import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** What the phone is and how it does: identity, chip, clocks, heat, power. Unreadable is null, never 0. */
final class Device {
    private static final int NONE = -1;

    final String maker = Build.MANUFACTURER;
    final String model = Build.MODEL;
    final String chip = chip();
    final int cores = Runtime.getRuntime().availableProcessors();
    /** Cores by highest clock in kHz, fastest first; -1 where the system does not tell. */
    final Map<Integer, Integer> clocks = new TreeMap<>((a, b) -> b - a);
    /** Of the first core; null unknown. */
    final String governor;
    /** 0 none to 6 shutdown; -1 unknown (before Android 10). */
    final int thermal;
    /** Percent; -1 unknown. */
    final int battery;
    final double batteryCelsius;
    final boolean plugged;

    /** @param cpus /sys/devices/system/cpu, or a folder like it */
    Device(Context context, File cpus) {
        for (int i = 0; i < cores; i++) {
            String clock = line(new File(cpus, "cpu" + i + "/cpufreq/cpuinfo_max_freq"));
            clocks.merge(clock == null ? NONE : Integer.parseInt(clock), 1, Integer::sum);
        }
        governor = line(new File(cpus, "cpu0/cpufreq/scaling_governor"));
        PowerManager power = context.getSystemService(PowerManager.class);
        thermal = Build.VERSION.SDK_INT >= 29 ? power.getCurrentThermalStatus() : NONE;
        Intent state = context.registerReceiver(
                null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
        int level = state == null ? NONE : state.getIntExtra(BatteryManager.EXTRA_LEVEL, NONE);
        int scale = state == null ? 100 : state.getIntExtra(BatteryManager.EXTRA_SCALE, 100);
        battery = level == NONE ? NONE : level * 100 / scale;
        batteryCelsius =
                state == null ? 0 : state.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, 0) / 10.0;
        plugged = state != null && state.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0) != 0;
    }

    Device(Context context) {
        this(context, new File("/sys/devices/system/cpu"));
    }

    private static String chip() {
        if (Build.VERSION.SDK_INT >= 31 && !Build.SOC_MODEL.equals(Build.UNKNOWN))
            return Build.SOC_MANUFACTURER + " " + Build.SOC_MODEL;
        return Build.BOARD + " " + Build.HARDWARE;
    }

    private static String line(File file) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                new FileInputStream(file), StandardCharsets.US_ASCII))) {
            return in.readLine();
        } catch (IOException unreadable) {
            return null;
        }
    }

    /** The lines of the device card. */
    String describe(Context c) {
        StringBuilder text = new StringBuilder(maker + " " + model + ", " + chip + "\n");
        text.append(c.getString(R.string.device_system, Build.VERSION.RELEASE,
                Build.VERSION.SDK_INT, Build.SUPPORTED_ABIS[0])).append('\n');
        StringBuilder groups = new StringBuilder();
        for (Map.Entry<Integer, Integer> group : clocks.entrySet()) {
            String clock = group.getKey() == NONE ? c.getString(R.string.device_unreadable)
                    : c.getString(R.string.device_ghz, group.getKey() / 1e6);
            groups.append(groups.length() == 0 ? "" : " + ")
                    .append(c.getString(R.string.device_group, group.getValue(), clock));
        }
        text.append(c.getString(R.string.device_cores, groups)).append('\n');
        String unknown = c.getString(R.string.unknown);
        text.append(c.getString(R.string.device_governor, governor == null ? unknown : governor));
        String heat = thermal == NONE ? unknown
                : c.getResources().getStringArray(R.array.thermal)[thermal];
        text.append('\n').append(c.getString(R.string.device_thermal, heat));
        if (battery != NONE)
            text.append('\n').append(c.getString(R.string.device_battery, battery, batteryCelsius,
                    c.getString(plugged ? R.string.device_charging : R.string.device_unplugged)));
        return text.toString();
    }

    /** Identity, for results.json. */
    JSONObject identity() throws JSONException {
        JSONArray groups = new JSONArray();
        for (Map.Entry<Integer, Integer> group : clocks.entrySet())
            groups.put(new JSONObject().put("cores", group.getValue())
                    .put("max_khz", orNull(group.getKey())));
        return new JSONObject()
                .put("through", "app")
                .put("manufacturer", maker)
                .put("model", model)
                .put("android", Build.VERSION.RELEASE)
                .put("sdk", Build.VERSION.SDK_INT)
                .put("fingerprint", Build.FINGERPRINT)
                .put("abi", Build.SUPPORTED_ABIS[0])
                .put("chip", chip)
                .put("core_groups", groups);
    }

    /** What may change during a run, for results.json. */
    JSONObject state() throws JSONException {
        return new JSONObject()
                .put("governor", governor == null ? JSONObject.NULL : governor)
                .put("thermal_status", orNull(thermal))
                .put("battery_percent", orNull(battery))
                .put("battery_celsius", battery == NONE ? JSONObject.NULL : (Object) batteryCelsius)
                .put("plugged", battery == NONE ? JSONObject.NULL : (Object) plugged);
    }

    private static Object orNull(int value) {
        return value == NONE ? JSONObject.NULL : (Object) value;
    }
}
