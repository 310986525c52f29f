/*
 * Sessions with memory running out at the n-th allocation, for every n, over goldens of all kinds of
 * operators: an error, nothing handed out, never a crash or a leak.
 *
 *     test_golden_memory [FILE...]      default: one golden for each way of planning and running
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "deny.h"
#include "exec/session.h"
#include "tflite/tflite.h"

static const char *const files[] = { "ADD__s8__channels", "BATCH_MATMUL__s8__2d",
    "BIDIRECTIONAL_SEQUENCE_LSTM__hybrid__drawn_0", "CALL_ONCE__any__running_sum", "CONV_2D__s8__1x1_c3_o5",
    "CONV_3D__f32__drawn_0", "CONV_2D__s8_int4__int4_0", "FULLY_CONNECTED__hybrid__1x1",
    "IF__any__add_or_mul", "LSTM__s8__drawn_0", "RNN__f32__drawn_0", "SVDF__s8__drawn_0",
    "STABLEHLO_COMPOSITE__any__mul", "TFLite_Detection_PostProcess__f32__drawn_0", "UNIQUE__any__drawn_0",
    "WHERE__any__drawn_0", "WHILE__any__growing" };

static oct_graph *read_golden(const char *name)
{
    char path[512];
    oct_backing *backing;
    oct_graph *graph = NULL;
    snprintf(path, sizeof path, "%s/golden/ops/%s.tflite", OCT_TESTS_DIR, name);
    if (oct_backing_map(path, &backing, NULL) != OCT_OK)
        return NULL;
    assert_int_equal(oct_tflite_read(backing, &graph, NULL), OCT_OK);
    oct_backing_release(backing);
    return graph;
}

static oct_status create_and_run(const oct_graph *graph, oct_kernels kernels, oct_error *err)
{
    const oct_session_options options = { kernels, 2, 0 };
    oct_session *session;
    OCT_TRY(oct_session_create_graph(graph, &options, &session, err));
    oct_status status = oct_session_run(session, err);
    if (status == OCT_OK)
        status = oct_session_run(session, err);
    oct_session_free(session);
    return status;
}

/* How many allocations were denied, one after the other, before everything went well. */
static long survive(const oct_graph *graph, oct_kernels kernels)
{
    for (long n = 1;; n++) {
        oct_error err = { 0 };
        long before = deny_live;
        deny_start(n, true);
        oct_status status = create_and_run(graph, kernels, &err);
        bool denied = deny_stop();
        assert_int_equal(deny_live, before);
        if (status == OCT_OK) {
            assert_false(denied);
            return n - 1;
        }
        if (status != OCT_E_MEMORY && status != OCT_E_SYSTEM)
            fail_msg("allocation %ld: %s", n, err.text);
        assert_true(denied);
        assert_true(err.text[0] != 0);
    }
}

static void test_every_allocation_may_fail(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        oct_graph *graph = read_golden(files[i]);
        if (graph == NULL)
            fail_msg("%s is not there", files[i]);
        assert_true(survive(graph, OCT_KERNELS_REF) > 3);
        assert_true(survive(graph, OCT_KERNELS_FAST) > 3);
        oct_graph_free(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_allocation_may_fail) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
