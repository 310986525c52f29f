package org.octavo.app;

import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;
import java.io.File;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** What the phone is and how it does at one moment: chip, clocks, heat, power. Unknown is null or -1. */
final class Device {
    private static final int UNKNOWN = -1;

    private final long nanoseconds = System.nanoTime();
    private final List<Cores.Core> cores;
    /** 0 none to 6 shutdown; unknown before Android 10. */
    private final int thermal;
    private final int batteryPercent;
    private final double batteryCelsius;
    private final boolean powered;

    /** As {@link Cores#read}. */
    Device(Context context, File cpus, File info) {
        cores = Cores.read(cpus, info);
        PowerManager power = context.getSystemService(PowerManager.class);
        thermal = Build.VERSION.SDK_INT >= 29 ? power.getCurrentThermalStatus() : UNKNOWN;
        Intent battery = context.registerReceiver(
                null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
        if (battery == null) battery = new Intent();
        int level = battery.getIntExtra(BatteryManager.EXTRA_LEVEL, UNKNOWN);
        batteryPercent = level == UNKNOWN ? UNKNOWN
                : level * 100 / battery.getIntExtra(BatteryManager.EXTRA_SCALE, 100);
        batteryCelsius = battery.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, 0) / 10.0;
        powered = battery.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0) != 0;
    }

    Device(Context context) {
        this(context, new File("/sys/devices/system/cpu"), new File("/proc/cpuinfo"));
    }

    private static String name() {
        return Build.MANUFACTURER + " " + Build.MODEL;
    }

    private static String chip() {
        return Build.VERSION.SDK_INT >= 31 && !Build.SOC_MODEL.equals(Build.UNKNOWN)
                ? Build.SOC_MANUFACTURER + " " + Build.SOC_MODEL : Build.BOARD + " " + Build.HARDWARE;
    }

    /** The lines of the device card. */
    String describe(Context c) {
        StringBuilder text = new StringBuilder(name() + ", " + chip());
        line(text, c.getString(R.string.device_system, Build.VERSION.RELEASE,
                Build.VERSION.SDK_INT, Build.SUPPORTED_ABIS[0]));
        line(text, c.getString(R.string.device_cores, groups(c)));
        String[] heat = c.getResources().getStringArray(R.array.thermal);
        line(text, c.getString(R.string.device_thermal, thermal < 0 || thermal >= heat.length
                ? c.getString(R.string.unknown) : heat[thermal]));
        if (batteryPercent != UNKNOWN)
            line(text, c.getString(R.string.device_battery, batteryPercent, batteryCelsius,
                    c.getString(powered ? R.string.device_charging : R.string.device_unplugged)));
        return text.toString();
    }

    private static void line(StringBuilder text, String line) {
        text.append('\n').append(line);
    }

    /** "4 × 2.80 GHz, schedutil + 4 × 1.80 GHz, schedutil", fastest first. */
    private String groups(Context c) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        Map<Integer, String> byClock = new TreeMap<>((a, b) -> b - a);
        for (Cores.Core core : cores) {
            String clock = core.maxKhz == null ? c.getString(R.string.device_unreadable)
                    : c.getString(R.string.device_ghz, Text.digits(core.maxKhz / 1e6));
            String kind = core.governor == null ? clock : clock + ", " + core.governor;
            byClock.put(core.maxKhz == null ? UNKNOWN : core.maxKhz, kind);
            counts.merge(kind, 1, Integer::sum);
        }
        StringBuilder text = new StringBuilder();
        for (String kind : byClock.values())
            text.append(text.length() == 0 ? "" : " + ")
                    .append(c.getString(R.string.device_group, counts.get(kind), kind));
        return text.length() == 0 ? c.getString(R.string.unknown) : text.toString();
    }

    /** For results.json, with the keys of the host's command: this state first, then a later one. */
    JSONObject json(Device later) throws JSONException {
        return new JSONObject()
                .put("via", "app")
                .put("name", name())
                .put("facts", facts())
                .put("states", new JSONArray().put(state(0))
                        .put(later.state((later.nanoseconds - nanoseconds) / 1e9)));
    }

    private JSONObject facts() throws JSONException {
        JSONArray list = new JSONArray();
        for (Cores.Core core : cores)
            list.put(new JSONObject().put("cpu", core.cpu).put("part", orNull(core.part))
                    .put("max_khz", orNull(core.maxKhz)).put("limit_khz", orNull(core.limitKhz))
                    .put("governor", orNull(core.governor)));
        boolean soc = Build.VERSION.SDK_INT >= 31;
        return new JSONObject()
                .put("manufacturer", Build.MANUFACTURER)
                .put("model", Build.MODEL)
                .put("android", Build.VERSION.RELEASE)
                .put("sdk", Build.VERSION.SDK_INT)
                .put("fingerprint", Build.FINGERPRINT)
                .put("abi", Build.SUPPORTED_ABIS[0])
                .put("soc_manufacturer", orNull(soc ? Build.SOC_MANUFACTURER : null))
                .put("soc_model", orNull(soc ? Build.SOC_MODEL : null))
                .put("platform", Build.BOARD)
                .put("hardware", Build.HARDWARE)
                .put("cores", list);
    }

    private JSONObject state(double seconds) throws JSONException {
        boolean battery = batteryPercent != UNKNOWN;
        JSONArray limits = new JSONArray();
        for (Cores.Core core : cores) limits.put(orNull(core.limitKhz));
        return new JSONObject()
                .put("seconds", seconds)
                .put("thermal_status", orNull(thermal == UNKNOWN ? null : thermal))
                .put("battery_percent", orNull(battery ? batteryPercent : null))
                .put("battery_celsius", orNull(battery ? batteryCelsius : null))
                .put("powered", orNull(battery ? powered : null))
                .put("limits_khz", limits);
    }

    private static Object orNull(Object value) {
        return value == null ? JSONObject.NULL : value;
    }
}
