/*
 * Programs and their ends: exit codes, signals, time, children that keep pipes open, much output.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device/process.h"

static oct_process_result run(const char *script, oct_process_watch watch)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    oct_process_result result;
    if (watch.seconds == 0)
        watch.seconds = 60;
    assert_int_equal(oct_process_run(argv, &watch, &result, NULL), OCT_OK);
    return result;
}

static void test_ends(void **state)
{
    (void)state;
    oct_process_result r = run("echo out; echo err >&2; exit 7", (oct_process_watch){ 0 });
    assert_int_equal(r.code, 7);
    assert_string_equal(r.out, "out\n");
    assert_string_equal(r.err, "err\n");
    oct_process_result_clear(&r);
    r = run("kill -9 $$", (oct_process_watch){ 0 });
    assert_int_equal(r.code, 128 + 9);
    assert_string_equal(r.out, "");
    oct_process_result_clear(&r);
    r = run("cat; echo end", (oct_process_watch){ 0 }); /* nothing on standard input */
    assert_string_equal(r.out, "end\n");
    oct_process_result_clear(&r);
}

static void test_not_there(void **state)
{
    (void)state;
    const char *const argv[] = { "/nowhere/program", NULL };
    oct_process_watch watch = { .seconds = 60 };
    oct_process_result result;
    oct_error err = { 0 };
    assert_int_equal(oct_process_run(argv, &watch, &result, &err), OCT_E_SYSTEM);
    assert_string_equal(err.text, "cannot start /nowhere/program: No such file or directory");
    oct_process_result_clear(&result);
}

/* A daemon that keeps the pipes, as adb's first command leaves one. */
static void test_child_stays(void **state)
{
    (void)state;
    double begin = oct_seconds();
    oct_process_result r = run("sleep 30 & echo $!", (oct_process_watch){ 0 });
    assert_true(oct_seconds() - begin < 20);
    char kill_it[64];
    snprintf(kill_it, sizeof kill_it, "kill %d", atoi(r.out));
    oct_process_result_clear(&r);
    r = run(kill_it, (oct_process_watch){ 0 });
    assert_int_equal(r.code, 0);
    oct_process_result_clear(&r);
}

static void test_much_output(void **state)
{
    (void)state;
    oct_process_result r =
        run("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo x >&2",
            (oct_process_watch){ 0 });
    assert_int_equal(strlen(r.out), 20000 * 11);
    assert_string_equal(r.err, "x\n");
    oct_process_result_clear(&r);
}

static bool at_once(void *user)
{
    ++*(int *)user;
    return true;
}

static void test_watch(void **state)
{
    (void)state;
    int asked = 0;
    oct_process_result r = run("sleep 30", (oct_process_watch){ .seconds = 0.2 });
    assert_true(r.timed_out && !r.cancelled && r.code == 128 + 9);
    oct_process_result_clear(&r);
    r = run("sleep 30", (oct_process_watch){ .cancelled = at_once, .user = &asked });
    assert_true(r.cancelled && !r.timed_out && r.code == 128 + 9);
    assert_int_equal(asked, 1);
    oct_process_result_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_ends),
        cmocka_unit_test(test_not_there), cmocka_unit_test(test_child_stays),
        cmocka_unit_test(test_much_output), cmocka_unit_test(test_watch) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
