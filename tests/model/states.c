/*
 * States of recurrent operators: they go on from run to run, and start anew when they are asked to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <octavo/octavo.h>

enum { MOST = 4096 };

static size_t run(oct_session *session, unsigned char *output)
{
    size_t size;
    assert_int_equal(oct_session_run(session, NULL), OCT_OK);
    const void *values = oct_session_output(session, 0, &size);
    assert_true(size > 0 && size <= MOST);
    memcpy(output, values, size);
    return size;
}

static void check_states(const char *name)
{
    char path[512];
    oct_error err = { 0 };
    oct_model *model = NULL;
    oct_session *session = NULL;
    snprintf(path, sizeof path, OCT_TESTS_DIR "/golden/ops/%s.tflite", name);
    if (oct_model_load(path, NULL, &model, &err) != OCT_OK ||
        oct_session_create(model, NULL, &session, &err) != OCT_OK)
        fail_msg("%s", err.text);
    size_t size;
    float *input = oct_session_input(session, 0, &size);
    for (size_t i = 0; i < size / sizeof *input; i++)
        input[i] = (float)((i * 7 + 3) % 11) / 5.f - 1.f;
    unsigned char first[MOST], second[MOST], again[MOST];
    size = run(session, first);
    run(session, second);
    assert_memory_not_equal(first, second, size);
    oct_session_reset(session);
    run(session, again);
    assert_memory_equal(first, again, size);
    oct_session_free(session);
    oct_model_free(model);
}

static void test_states_start_anew(void **unused)
{
    (void)unused;
    const char *const names[] = { "SVDF__f32__drawn_0", "RNN__f32__drawn_0", "RNN__hybrid__drawn_0",
        "UNIDIRECTIONAL_SEQUENCE_LSTM__f32__drawn_0", "LSTM__f32__drawn_0" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_states(names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_states_start_anew) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
