/*
 * Every allocation of reading, measuring and writing fails once: each failure comes back as
 * OCT_E_MEMORY and leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "deny.h"
#include "tflite/build.h"

static oct_status nowhere(void *user, const void *bytes, size_t size, oct_error *err)
{
    (void)bytes;
    (void)err;
    *(size_t *)user += size;
    return OCT_OK;
}

static oct_status everything(oct_backing *backing, oct_error *err)
{
    oct_graph *graph;
    oct_tflite_ledger ledger;
    size_t size = 0;
    OCT_TRY(oct_tflite_read(backing, &graph, err));
    oct_status status = oct_tflite_measure(graph, &ledger, err);
    if (status == OCT_OK)
        status = oct_tflite_write(graph, nowhere, &size, err);
    oct_graph_free(graph);
    return status;
}

static void test_every_allocation(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    memory m = { 0 };
    fill_tables(&graph->external_buffers, &oct_fb_external_buffer_record, &graph->arena, 1);
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    oct_graph_free(graph);
    oct_backing *backing = oct_backing_create(m.size);
    memcpy(oct_backing_bytes(backing), m.bytes, m.size);
    long count = 0;
    for (bool denied = true; denied; count++) {
        oct_error err = { 0 };
        long before = deny_live;
        deny_start(count + 1, false);
        oct_status status = everything(backing, &err);
        denied = deny_stop();
        if (status != (denied ? OCT_E_MEMORY : OCT_OK))
            fail_msg("allocation %ld fails: status %d, \"%s\"", count, (int)status, err.text);
        if (deny_live != before)
            fail_msg("allocation %ld fails: %ld blocks are left", count, deny_live - before);
    }
    print_message("%ld allocations\n", count - 1);
    assert_true(count > 20);
    oct_backing_release(backing);
    free(m.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_allocation) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
