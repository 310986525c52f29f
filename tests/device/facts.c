/*
 * What phones say, as they say it: a big.LITTLE phone that tells all, one that hides, hostile nonsense.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device/device.h"

/* Core 10 comes before core 2, as a shell lists them. */
static const char talkative[] =
    "@property ro.product.manufacturer Google\r\n"
    "@property ro.product.model Pixel 7\r\n"
    "@property ro.build.version.sdk 34\n"
    "@property ro.soc.model \n"
    "@core 0\ncpuinfo_max_freq 1803000\nscaling_max_freq 1803000\nscaling_governor sched_pixel\n"
    "@core 10\ncpuinfo_max_freq 2850000\nscaling_max_freq 2400000\nscaling_governor sched_pixel\n"
    "@core 2\ncpuinfo_max_freq 1803000\nscaling_max_freq \nscaling_governor \n"
    "@core 3\ncpuinfo_max_freq 2850000\nscaling_max_freq 2850000\nscaling_governor sched_pixel\n"
    "@status\nName:\tcat\nCpus_allowed_list:\t0-10\n"
    "@cpuinfo\nprocessor\t: 0\nCPU part\t: 0xd05\n\nprocessor\t: 10\nCPU part\t: 0xd44\n";

static void test_facts(void **state)
{
    (void)state;
    oct_device_facts f;
    oct_device_parse_facts(talkative, &f);
    assert_string_equal(f.properties[OCT_DEVICE_MODEL], "Pixel 7");
    assert_string_equal(f.properties[OCT_DEVICE_SOC_MODEL], "");
    assert_string_equal(f.properties[OCT_DEVICE_HARDWARE], "");
    assert_int_equal(f.core_count, 4);
    static const int cpus[] = { 0, 2, 3, 10 };
    for (int i = 0; i < 4; i++)
        assert_int_equal(f.cores[i].cpu, cpus[i]);
    assert_int_equal(f.cores[3].max_khz, 2850000);
    assert_int_equal(f.cores[3].limit_khz, 2400000);
    assert_string_equal(f.cores[3].part, "0xd44");
    assert_int_equal(f.cores[1].limit_khz, -1);
    assert_string_equal(f.cores[1].governor, "");
    assert_string_equal(f.allowed, "0-10");
    char name[400];
    oct_device_facts_name(&f, "0123", name, sizeof name);
    assert_string_equal(name, "Google Pixel 7");
}

static void test_hidden(void **state)
{
    (void)state;
    oct_device_facts f;
    oct_device_state s;
    char text[512];
    oct_device_parse_facts(
        "@core 0\ncpuinfo_max_freq \nscaling_max_freq \n@status\n@cpuinfo\n", &f);
    oct_device_parse_state(
        "@thermal\n@battery\n@power\n@window\n@clock \n@uptime \n@limit 0 \n", &f, &s);
    assert_int_equal(f.cores[0].max_khz, -1);
    assert_int_equal(s.thermal, -1);
    assert_true(isnan(s.battery_c));
    assert_int_equal(s.powered, -1);
    assert_int_equal(s.limit_khz_now[0], -1);
    oct_device_unreadable(&f, &s, text, sizeof text);
    assert_string_equal(text,
        "manufacturer, model, android, sdk, fingerprint, abi, soc_manufacturer, soc_model, "
        "platform, "
        "hardware, clocks of cores, governors, part numbers of cores, allowed cores, thermal "
        "status, "
        "battery level, battery temperature, power supply, screen, screen lock");
    json_t *facts = oct_device_facts_json(&f), *json = oct_device_state_json(&f, &s);
    assert_true(json_is_null(json_object_get(facts, "sdk")));
    assert_true(json_is_null(json_object_get(json, "battery_celsius")));
    assert_true(json_is_null(json_array_get(json_object_get(json, "limits_khz"), 0)));
    json_decref(facts);
    json_decref(json);
    oct_device_facts_name(&f, "0123", text, sizeof text);
    assert_string_equal(text, "device 0123");
}

static void test_state(void **state)
{
    (void)state;
    oct_device_facts f;
    oct_device_state s;
    oct_device_parse_facts(talkative, &f);
    oct_device_parse_state(
        "@thermal\nThermal Status: 2\n    Thermal Status: 0\n"
        "@battery\nCurrent Battery Service state:\n  AC powered: false\n  USB powered: true\n  "
        "Wireless "
        "powered: false\n  level: 83\n  temperature: 312\n"
        "@power\n  mWakefulness=Dozing\n@window\n    mDreamingLockscreen=true mTopActivity=null\n"
        "@clock 1700000000\n@uptime 5000.25 100\n@limit 10 2100000\n@limit 0 1803000\n",
        &f, &s);
    assert_int_equal(s.thermal, 2);
    assert_int_equal(s.battery_percent, 83);
    assert_float_equal(s.battery_c, 31.2, 1e-9);
    assert_int_equal(s.powered, 1);
    assert_int_equal(s.awake, 0);
    assert_int_equal(s.locked, 1);
    assert_float_equal(s.uptime, 5000.25, 1e-9);
    assert_int_equal(s.limit_khz_now[3], 2100000);
    assert_int_equal(s.limit_khz_now[1], -1);
}

/* Any bytes parse to something within bounds. */
static void test_nonsense(void **state)
{
    (void)state;
    static const char pieces[][24] = { "@core ", "@core 99999999999", "@property ", "@", "\n",
        "\r\n", "@limit 0 ", "cpuinfo_max_freq ", "-5", "@cpuinfo\n", "processor: -3\n",
        "CPU part: ", "@battery\n", "temperature:", " level: 1e99", ":", "=", "@thermal\n",
        "\xff\xfe" };
    uint32_t random = 1;
    for (int round = 0; round < 2000; round++) {
        char text[1024] = "";
        for (int i = 0; i < 20; i++) {
            random = random * 1664525 + 1013904223;
            strcat(text, pieces[(random >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        oct_device_facts f;
        oct_device_state s;
        oct_device_parse_facts(text, &f);
        oct_device_parse_state(text, &f, &s);
        assert_in_range(f.core_count, 0, OCT_DEVICE_CORES);
        for (int i = 0; i < f.core_count; i++)
            assert_true(f.cores[i].max_khz >= -1 && f.cores[i].cpu >= 0);
        char list[64];
        assert_int_equal(oct_device_choose_cores(&f, "all", 1, list, sizeof list, NULL), OCT_OK);
    }
}

static const char *choose(const char *asked, int32_t threads)
{
    static char list[sizeof((oct_error *)0)->text];
    oct_device_facts f;
    oct_error err = { 0 };
    oct_device_parse_facts(talkative, &f);
    oct_status status = oct_device_choose_cores(&f, asked, threads, list, sizeof list, &err);
    if (status != OCT_OK)
        memcpy(list, err.text, sizeof list);
    return list;
}

static void test_cores(void **state)
{
    (void)state;
    assert_string_equal(choose("fast", 1), "3,10");
    assert_string_equal(choose("fast", 2), "3,10");
    assert_string_equal(choose("fast", 3), "0,2-3,10"); /* no group has three */
    assert_string_equal(choose("all", 1), "0,2-3,10");
    assert_string_equal(choose("2-3", 1), "2-3");
    assert_string_equal(choose("10", 1), "10");
    assert_string_equal(choose("1", 1), "--cores: the device does not give core 1 (it gives 0-10)");
    static const char *const wrong[] = { "", "x", "3-", "-3", "3-2", "3,", ",3", "0-99999", "4.5" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(strstr(choose(wrong[i], 1), "is neither fast nor all nor a list"));
}

static void test_quote(void **state)
{
    (void)state;
    char text[16];
    assert_true(oct_device_quote("a b$c", text, sizeof text));
    assert_string_equal(text, "'a b$c'");
    assert_true(oct_device_quote("it's", text, sizeof text));
    assert_string_equal(text, "'it'\\''s'");
    assert_true(oct_device_quote("", text, sizeof text));
    assert_string_equal(text, "''");
    assert_true(oct_device_quote("1234567890123", text, sizeof text));
    assert_false(oct_device_quote("12345678901234", text, sizeof text));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_facts), cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_state), cmocka_unit_test(test_nonsense), cmocka_unit_test(test_cores),
        cmocka_unit_test(test_quote) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
