/*
 * Constants behind the FlatBuffer: files past 2 GB, and small ones that some tools write so.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#include "tflite/build.h"
#include "tflite/write.h"

static int32_t add_constant(oct_graph *graph, const char *name, int32_t count, int8_t value)
{
    int8_t *values = malloc((size_t)count);
    int32_t index;
    memset(values, value, (size_t)count);
    MUST(oct_graph_add_constant(graph, graph->subgraphs[0], name, OCT_INT8, 1, &count, values,
        &index, err));
    free(values);
    return index;
}

/* With a small limit the same model is written in the other layout and reads the same. */
static void test_round_trip(void **state)
{
    (void)state;
    oct_graph *graph = small_graph(), *again;
    memory inside = { 0 }, outside = { 0 }, second = { 0 };
    char why[512] = "";
    oct_metadata entry = { "buffer_location", "outside flatbuffers", 19 };
    add_constant(graph, "a", 5001, 1);
    add_constant(graph, "b", 3000, 2);
    add_constant(graph, "small", 100, 3);
    MUST(oct_tflite_write(graph, to_memory, &inside, err));
    MUST(oct_tflite_write_within(graph, 4096, to_memory, &outside, err));
    assert_true(outside.size > 8000);
    assert_memory_not_equal(inside.bytes, outside.bytes, 1000);
    MUST(read_bytes(outside.bytes, outside.size, &again, err));
    /* What the layout adds is its own note. */
    graph->metadata = &entry;
    graph->metadata_count = 1;
    if (!same_graph(graph, again, why, sizeof why))
        fail_msg("differs: %s", why);
    for (int32_t i = 0; i < again->subgraphs[0]->tensor_count; i++)
        assert_int_equal((uintptr_t)again->subgraphs[0]->tensors[i]->data % 16, 0);
    MUST(oct_tflite_write_within(again, 4096, to_memory, &second, err));
    assert_int_equal(second.size, outside.size);
    assert_memory_equal(second.bytes, outside.bytes, outside.size);
    oct_graph_free(again);
    oct_graph_free(graph);
    free(inside.bytes);
    free(outside.bytes);
    free(second.bytes);
}

static void test_structure_too_large(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    memory m = { 0 };
    oct_error err = { 0 };
    assert_int_equal(oct_tflite_write_within(graph, 100, to_memory, &m, &err), OCT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "the file format allows 100"));
    assert_int_equal(m.size, 0);
    oct_graph_free(graph);
}

/* Data the file does not align is moved; equal spans move once. */
static void test_unaligned_data(void **state)
{
    (void)state;
    oct_graph *graph = small_graph(), *again;
    memory m = { 0 };
    int32_t a = add_constant(graph, "a", 2000, 1), b = add_constant(graph, "b", 2000, 2);
    MUST(oct_tflite_write_within(graph, 2000, to_memory, &m, err));
    /* Both buffers now name the same bytes, three past a multiple of 16. */
    uint64_t size = 2000, first = 0;
    unsigned found = 0;
    for (size_t i = 0; i + 16 <= m.size; i += 4) {
        uint64_t offset, length;
        memcpy(&offset, m.bytes + i, 8);
        memcpy(&length, m.bytes + i + 8, 8);
        if (length != size || offset % 16 != 0 || offset < 512 || offset + size > m.size)
            continue;
        first = found++ == 0 ? offset + 3 : first;
        memcpy(m.bytes + i, &first, 8);
    }
    assert_int_equal(found, 2);
    MUST(read_bytes(m.bytes, m.size, &again, err));
    const oct_tensor *x = again->subgraphs[0]->tensors[a], *y = again->subgraphs[0]->tensors[b];
    assert_int_equal((uintptr_t)x->data % 16, 0);
    assert_ptr_equal(x->data, y->data);
    assert_memory_equal(x->data, m.bytes + first, size);
    oct_graph_free(again);
    oct_graph_free(graph);
    free(m.bytes);
}

/* A real file of more than 2 GB, sparse, so that it costs no disk. Skipped where the disk
 * refuses. */
static void test_past_two_gigabytes(void **state)
{
    (void)state;
    oct_graph *graph = small_graph(), *again;
    memory m = { 0 };
    oct_backing *backing;
    char path[] = "/tmp/octavo-sparse-XXXXXX";
    int32_t a = add_constant(graph, "a", 1024, 7);
    MUST(oct_tflite_write_within(graph, 1000, to_memory, &m, err));
    uint64_t far = (uint64_t)5 << 30, offset, length;
    unsigned found = 0;
    for (size_t i = 0; i + 16 <= m.size; i += 4) {
        memcpy(&offset, m.bytes + i, 8);
        memcpy(&length, m.bytes + i + 8, 8);
        if (length == 1024 && offset % 16 == 0 && offset + length <= m.size) {
            memcpy(m.bytes + i, &far, 8);
            found++;
        }
    }
    assert_int_equal(found, 1);
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    if (pwrite(file, m.bytes, m.size, 0) != (ssize_t)m.size ||
        pwrite(file, "\7\7\7\7", 4, (off_t)far + 1020) != 4) {
        print_message("skipped: no sparse file of 5 GB here\n");
    } else {
        char name[64];
        snprintf(name, sizeof name, "/proc/self/fd/%d", file);
        MUST(oct_backing_map(name, &backing, err));
        MUST(oct_tflite_read(backing, &again, err));
        const oct_tensor *tensor = again->subgraphs[0]->tensors[a];
        assert_int_equal(tensor->size, 1024);
        assert_int_equal(((const int8_t *)tensor->data)[1023], 7);
        assert_int_equal(((const int8_t *)tensor->data)[0], 0);
        assert_ptr_equal(tensor->data, oct_backing_bytes(backing) + far);
        oct_graph_free(again);
        oct_backing_release(backing);
    }
    close(file);
    oct_graph_free(graph);
    free(m.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_structure_too_large),
        cmocka_unit_test(test_unaligned_data),
        cmocka_unit_test(test_past_two_gigabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
