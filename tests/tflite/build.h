/*
 * Hand-made graphs for the tests of reader and writer.
 */
#ifndef OCT_TESTS_TFLITE_BUILD_H
#define OCT_TESTS_TFLITE_BUILD_H

#include "tflite/compare.h"
#include "tflite/unpack.h"

/** What every step of a test needs to work; prints the sentence and stops the test. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        oct_error must_err_ = { 0 };                                                               \
        oct_error *err = &must_err_;                                                               \
        if ((call) != OCT_OK) {                                                                    \
            print_error("%s: %s\n", #call, must_err_.text);                                        \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

/** Fills every field with a value that is not its default; `salt` makes structs differ. */
static inline void *fill_record(const oct_record *record, oct_arena *arena, uint32_t salt);

static inline void fill_vector(void *slot, uint32_t element_bytes, oct_arena *arena, uint32_t salt)
{
    oct_fb_vec vec = { NULL, 2 + salt % 4 };
    unsigned char *data = oct_arena_array(arena, vec.count, element_bytes);
    for (uint32_t i = 0; i < vec.count * element_bytes; i++)
        data[i] = (unsigned char)(i % element_bytes == 0 ? 1 + (salt + i) % 100 : 0);
    vec.data = data;
    memcpy(slot, &vec, sizeof vec);
}

static inline void fill_tables(void *slot, const oct_record *record, oct_arena *arena,
    uint32_t salt)
{
    void **items = oct_arena_array(arena, 3, sizeof *items);
    for (uint32_t i = 0; i < 3; i++)
        items[i] = fill_record(record, arena, salt + i);
    *(oct_vec_table *)slot = (oct_vec_table){ items, 3 };
}

static inline void fill_scalar(void *slot, const oct_field *field, uint32_t salt)
{
    int64_t integer = 1 + salt % 2;
    float real = 0.5f + (float)(salt % 7);
    if (field->kind == OCT_KIND_bool)
        *(bool *)slot = field->fallback == 0;
    else if (field->kind == OCT_KIND_f32)
        memcpy(slot, &real, sizeof real);
    else {
        integer += (int64_t)field->fallback;
        memcpy(slot, &integer, oct_fb_bytes_of(field->kind));
    }
}

static inline void *fill_record(const oct_record *record, oct_arena *arena, uint32_t salt)
{
    unsigned char *result = oct_arena_alloc(arena, record->size);
    for (int i = 0; i < record->field_count; i++) {
        const oct_field *field = &record->fields[i];
        void *slot = result + field->offset;
        uint32_t own = salt + (uint32_t)i;
        switch (oct_fb_shape_of(field->kind)) {
        case OCT_FB_SCALAR:
            fill_scalar(slot, field, own);
            break;
        case OCT_FB_STRING:
            *(const char **)slot = oct_arena_format(arena, "%s %u", field->name, (unsigned)own);
            break;
        case OCT_FB_VECTOR:
            fill_vector(slot, oct_fb_bytes_of(field->kind), arena, own);
            break;
        case OCT_FB_TABLE:
            *(void **)slot = fill_record(field->record, arena, own);
            break;
        case OCT_FB_TABLES:
            fill_tables(slot, field->record, arena, own);
            break;
        case OCT_FB_UNION:
            ((oct_union *)slot)->type = (uint8_t)(1 + own % (field->member_count - 1));
            ((oct_union *)slot)->value =
                fill_record(field->members[((oct_union *)slot)->type], arena, own);
            break;
        }
    }
    return result;
}

/** A graph of one ADD of an input and a constant, named and signed. */
static inline oct_graph *small_graph(void)
{
    static const float ones[4] = { 1, 2, 3, 4 };
    static const int32_t dims[2] = { 1, 4 };
    oct_graph *graph = oct_graph_create();
    oct_subgraph *sub;
    oct_node *node;
    int32_t x, w, y;
    MUST(oct_graph_add_subgraph(graph, "main", &sub, err));
    MUST(oct_graph_add_tensor(graph, sub, "x", OCT_FLOAT32, 2, dims, &x, err));
    MUST(oct_graph_add_constant(graph, sub, "w", OCT_FLOAT32, 2, dims, ones, &w, err));
    MUST(oct_graph_add_tensor(graph, sub, "y", OCT_FLOAT32, 2, dims, &y, err));
    MUST(oct_graph_insert_node(graph, sub, 0, OCT_OP_ADD, (int32_t[]){ x, w }, 2, &y, 1,
        OCT_OPTIONS_Add, &node, err));
    sub->inputs = oct_arena_copy(&graph->arena, &x, sizeof x);
    sub->outputs = oct_arena_copy(&graph->arena, &y, sizeof y);
    sub->input_count = sub->output_count = 1;
    oct_signature *signature = oct_arena_alloc(&graph->arena, sizeof *signature);
    oct_signature_entry *entries = oct_arena_array(&graph->arena, 2, sizeof *entries);
    entries[0] = (oct_signature_entry){ "x", x };
    entries[1] = (oct_signature_entry){ "output_0", y };
    *signature = (oct_signature){ "serving_default", NULL, 0, entries, entries + 1, 1, 1 };
    graph->signatures = signature;
    graph->signature_count = 1;
    graph->description = "a test";
    return graph;
}

/** Writes and reads back; stops the test where that fails or the result says something else. */
static inline void assert_survives(const oct_graph *graph)
{
    memory first = { 0 }, second = { 0 };
    oct_graph *again;
    char why[512] = "";
    MUST(oct_tflite_write(graph, to_memory, &first, err));
    MUST(read_bytes(first.bytes, first.size, &again, err));
    if (!same_graph(graph, again, why, sizeof why)) {
        print_error("differs after a round trip: %s\n", why);
        fail();
    }
    MUST(oct_tflite_write(again, to_memory, &second, err));
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.bytes, second.bytes, first.size);
    oct_graph_free(again);
    free(first.bytes);
    free(second.bytes);
}

#endif
