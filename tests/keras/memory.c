/*
 * Reading a model with the n-th allocation failing, for every n: an error, never a crash or a leak.
 *
 * Only the allocations of Octavo fail. jansson 2.14 drops characters when its own scanner runs short of
 * memory, so that nothing could be promised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deny.h"
#include "keras/archive.h"
#include "keras/keras.h"

static long survive(const char *file)
{
    oct_backing *backing = load_copy(file);
    long before = deny_live;
    for (long n = 1;; n++) {
        oct_error err = { 0 };
        oct_graph *graph;
        deny_start(n, false);
        oct_status status = oct_keras_read(backing, NULL, &graph, &err);
        bool denied = deny_stop();
        oct_graph_free(graph);
        if (status != OCT_OK && status != OCT_E_MEMORY)
            fail_msg("%s: allocation %ld failed and gave status %d: %s", file, n, status, err.text);
        if (deny_live != before)
            fail_msg("%s: allocation %ld failed and %ld blocks were lost", file, n, deny_live - before);
        if (!denied) {
            assert_int_equal(status, OCT_OK);
            oct_backing_release(backing);
            return n;
        }
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(survive("tiny.keras") > 20);
    assert_true(survive("tiny_deflated.keras") > 20);
    assert_true(survive("keras2_nested.h5") > 50);
    assert_true(survive("keras3_normalize.keras") > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
