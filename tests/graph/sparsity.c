/*
 * Sparse constants made dense: rows of a matrix, blocks of it, and tables that do not fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "graph/sparsity.h"

enum { DENSE, SPARSE };

#define VECTOR(...)                                                                                \
    {                                                                                              \
        .values = {(const int32_t[]){ __VA_ARGS__ }, sizeof((int32_t[]){ __VA_ARGS__ }) / 4 }      \
    }

/* A 3 x 4 matrix of floats: its second level lists the columns that occur in each row. */
typedef struct rows {
    oct_fb_int32_vector segments, indices;
    oct_fb_dimension_metadata levels[2];
    void *metadata[2];
    oct_fb_sparsity_parameters sparsity;
    oct_tensor tensor;
} rows;

static const float row_values[] = { 1, 2, 3, 4 };
static const int32_t row_segments[] = { 0, 2, 2, 4 }, row_indices[] = { 0, 3, 1, 2 };
static int32_t row_dims[] = { 3, 4 };

static void make_rows(rows *r)
{
    *r = (rows){ .segments = { { row_segments, 4 } }, .indices = { { row_indices, 4 } } };
    r->levels[0] = (oct_fb_dimension_metadata){ .format = DENSE, .dense_size = 3 };
    r->levels[1] = (oct_fb_dimension_metadata){
        .format = SPARSE, .array_segments = { 1, &r->segments }, .array_indices = { 1, &r->indices }
    };
    for (int i = 0; i < 2; i++)
        r->metadata[i] = &r->levels[i];
    static const int32_t order[] = { 0, 1 };
    r->sparsity = (oct_fb_sparsity_parameters){ .traversal_order = { order, 2 },
        .dim_metadata = { r->metadata, 2 } };
    r->tensor = (oct_tensor){ .name = "w",
        .type = OCT_FLOAT32,
        .rank = 2,
        .dims = row_dims,
        .data = row_values,
        .size = sizeof row_values,
        .sparsity = &r->sparsity };
}

static void test_rows(void **state)
{
    (void)state;
    rows r;
    make_rows(&r);
    const float expected[12] = { 1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 4, 0 };
    float dense[12];
    assert_int_equal(oct_sparse_expand(&r.tensor, dense, NULL), OCT_OK);
    assert_memory_equal(dense, expected, sizeof expected);
}

static void test_bytes_of_indices(void **state)
{
    (void)state;
    rows r;
    make_rows(&r);
    const oct_fb_uint8_vector bytes = { .values = { (const uint8_t[]){ 0, 3, 1, 2 }, 4 } };
    const oct_fb_uint16_vector shorts = { .values = { (const uint16_t[]){ 0, 2, 2, 4 }, 4 } };
    r.levels[1].array_indices = (oct_union){ 3, (void *)(uintptr_t)&bytes };
    r.levels[1].array_segments = (oct_union){ 2, (void *)(uintptr_t)&shorts };
    float dense[12];
    assert_int_equal(oct_sparse_expand(&r.tensor, dense, NULL), OCT_OK);
    assert_true(dense[0] == 1 && dense[3] == 2 && dense[9] == 3 && dense[10] == 4);
}

/* 4 x 4 in blocks of 2 x 2, of which the first and the last are stored, the latter column by column. */
static void test_blocks(void **state)
{
    (void)state;
    rows r;
    make_rows(&r);
    static int32_t dims[] = { 4, 4 };
    static const int8_t values[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    static const int32_t order[] = { 0, 1, 3, 2 }, map[] = { 0, 1 };
    oct_fb_dimension_metadata block = { .format = DENSE, .dense_size = 2 };
    r.segments = (oct_fb_int32_vector)VECTOR(0, 1, 2);
    r.indices = (oct_fb_int32_vector)VECTOR(0, 1);
    r.levels[0].dense_size = 2;
    void *metadata[] = { &r.levels[0], &r.levels[1], &block, &block };
    r.sparsity = (oct_fb_sparsity_parameters){
        .traversal_order = { order, 4 }, .block_map = { map, 2 }, .dim_metadata = { metadata, 4 }
    };
    r.tensor = (oct_tensor){ .type = OCT_INT8,
        .rank = 2,
        .dims = dims,
        .data = values,
        .size = 8,
        .sparsity = &r.sparsity };
    const int8_t expected[16] = { 1, 3, 0, 0, 2, 4, 0, 0, 0, 0, 5, 7, 0, 0, 6, 8 };
    int8_t dense[16];
    assert_int_equal(oct_sparse_expand(&r.tensor, dense, NULL), OCT_OK);
    assert_memory_equal(dense, expected, sizeof expected);
}

static void assert_refused(const oct_tensor *tensor, oct_status status)
{
    float dense[12];
    oct_error err = { 0 };
    assert_int_equal(oct_sparse_expand(tensor, dense, &err), status);
    assert_true(err.text[0] != 0);
}

static void test_misfits(void **state)
{
    (void)state;
    rows r;
    make_rows(&r);
    r.tensor.size = 3 * sizeof(float); /* a value fewer than the tables say */
    assert_refused(&r.tensor, OCT_E_INVALID);
    make_rows(&r);
    r.indices = (oct_fb_int32_vector)VECTOR(0, 4, 1, 2); /* no such column */
    assert_refused(&r.tensor, OCT_E_INVALID);
    make_rows(&r);
    r.indices.values.count = 3;
    assert_refused(&r.tensor, OCT_E_INVALID);
    make_rows(&r);
    r.segments.values.count = 3;
    assert_refused(&r.tensor, OCT_E_INVALID);
    make_rows(&r);
    r.levels[0].dense_size = 4;
    assert_refused(&r.tensor, OCT_E_INVALID);
    make_rows(&r);
    r.sparsity.traversal_order.data = (const int32_t[]){ 0, 0 };
    assert_refused(&r.tensor, OCT_E_INVALID);
    make_rows(&r);
    r.metadata[1] = NULL;
    assert_refused(&r.tensor, OCT_E_INVALID);
    make_rows(&r);
    r.segments =
        (oct_fb_int32_vector)VECTOR(0, 4, 4, 4); /* a stored value at two places is no harm */
    r.indices = (oct_fb_int32_vector)VECTOR(0, 0, 0, 0);
    float dense[12];
    assert_int_equal(oct_sparse_expand(&r.tensor, dense, NULL), OCT_OK);
    make_rows(&r);
    r.tensor.type = OCT_INT4;
    assert_refused(&r.tensor, OCT_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bytes_of_indices),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_misfits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
