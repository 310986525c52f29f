/*
 * Damaged and malicious files: each is refused with a sentence and a place, or read harmlessly.
 *
 * OCT_MUTATIONS sets the number of random mutations (20000), OCT_SEED their seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tflite/build.h"
#include "tflite/send.h"

/* The file of a model's structs, however wrong they are. */
static memory write_structs(const oct_fb_export *export)
{
    memory m = { 0 };
    oct_fb_pack pack;
    oct_fb_layout layout;
    oct_fb_stream stream;
    oct_error problem = { 0 };
    bool done = oct_fb_pack_model(&export->model, export->causes, &pack, &problem) == OCT_OK &&
        oct_fb_layout_create(&pack, &layout, &problem) == OCT_OK &&
        oct_fb_stream_open(&stream, to_memory, &m, &problem) == OCT_OK &&
        oct_fb_send_model(&stream, &pack, &layout) == OCT_OK &&
        oct_fb_stream_flush(&stream) == OCT_OK;
    if (!done)
        fail_msg("%s", problem.text);
    oct_fb_stream_close(&stream);
    oct_fb_layout_deinit(&layout);
    oct_fb_pack_deinit(&pack);
    return m;
}

static void assert_refused(const memory *m, oct_status status, const char *text, bool has_offset)
{
    oct_error err = { 0 };
    oct_graph *graph;
    oct_status got = read_bytes(m->bytes, m->size, &graph, &err);
    if (got != status || strstr(err.text, text) == NULL || (err.offset >= 0) != has_offset) {
        print_error("expected status %d and \"%s\" %s an offset, got %d and \"%s\" at %lld\n",
            (int)status, text, has_offset ? "with" : "without", (int)got, err.text,
            (long long)err.offset);
        fail();
    }
    assert_null(graph);
}

/* What is broken in a correct model before it is written. */
typedef struct breakage {
    oct_fb_export export;
    oct_fb_model *model;
    oct_fb_sub_graph *sub;
    oct_fb_tensor *x, *w;
    oct_fb_operator *op;
    oct_fb_operator_code *code;
    oct_graph *graph;
} breakage;

static void begin(breakage *b)
{
    b->graph = small_graph();
    MUST(oct_fb_export_graph(b->graph, false, &b->export, err));
    b->model = &b->export.model;
    b->sub = b->model->subgraphs.data[0];
    b->x = b->sub->tensors.data[0];
    b->w = b->sub->tensors.data[1];
    b->op = b->sub->operators.data[0];
    b->code = b->model->operator_codes.data[0];
}

static void end(breakage *b, oct_status status, const char *text, bool has_offset)
{
    memory m = write_structs(&b->export);
    assert_refused(&m, status, text, has_offset);
    free(m.bytes);
    oct_fb_export_deinit(&b->export);
    oct_graph_free(b->graph);
}

static void test_meaning(void **state)
{
    (void)state;
    breakage b;
    static const float scales[2] = { 1, 2 };
    static const int64_t zeros[2];
    static const int32_t three[3] = { 1, 2, 3 };
    oct_fb_quantization_parameters quant = { .scale = { scales, 2 }, .zero_point = { zeros, 1 } };

    begin(&b), b.model->version = 4;
    end(&b, OCT_E_UNSUPPORTED, "schema version 4", false);
    begin(&b), b.w->buffer = 9;
    end(&b, OCT_E_INVALID, "w: buffer 9 of 2", false);
    begin(&b), b.w->type = 99;
    end(&b, OCT_E_UNSUPPORTED, "w: element type 99", false);
    begin(&b), b.w->quantization = &quant;
    end(&b, OCT_E_INVALID, "w: 2 scales, but 1 zero points", false);
    begin(&b), b.w->shape_signature = (oct_vec_i32){ three, 3 };
    end(&b, OCT_E_INVALID, "w: a shape of 2 dimensions with a signature of 3", false);
    begin(&b), b.w->shape = (oct_vec_i32){ three, 3 };
    end(&b, OCT_E_INVALID, "w: 16 bytes of data, but the shape needs 24", false);
    begin(&b), b.op->opcode_index = 1;
    end(&b, OCT_E_INVALID, "operator 0: operator code 1 of 1", false);
    begin(&b), b.code->builtin_code = 210;
    end(&b, OCT_E_UNSUPPORTED, "builtin operator 210", false);
    begin(&b), b.code->builtin_code = OCT_OP_CUSTOM;
    end(&b, OCT_E_INVALID, "a custom operator without a name", false);
    begin(&b), b.op->builtin_options_2 = (oct_union){ 18, NULL };
    end(&b, OCT_E_UNSUPPORTED, "options of both unions", false);
    begin(&b), b.op->intermediates = (oct_vec_i32){ three, 3 };
    end(&b, OCT_E_INVALID, "intermediate 2 is tensor 3 of 3", false);
    begin(&b), b.op->inputs = (oct_vec_i32){ three + 2, 1 };
    end(&b, OCT_E_INVALID, "input 0 is tensor 3 of 3", false);
    begin(&b), b.sub->outputs = (oct_vec_i32){ three + 2, 1 };
    end(&b, OCT_E_INVALID, "output 0 is tensor 3 of 3", false);
    begin(&b), b.model->subgraphs.count = 0;
    end(&b, OCT_E_INVALID, "no subgraph", false);
    begin(&b), b.export.buffers[0].data = (oct_vec_u8){ (const uint8_t *)"abcd", 4 };
    end(&b, OCT_E_INVALID, "buffer 0 must be empty, but has 4 bytes", true);
    begin(&b), b.export.buffers[1] = (oct_fb_buffer){ .offset = 8, .size = 1 << 20 };
    end(&b, OCT_E_INVALID, "buffer 1: 1048576 bytes at offset 8 reach past the end", true);
    begin(&b), b.export.buffers[1] = (oct_fb_buffer){ .offset = UINT64_MAX, .size = 16 };
    end(&b, OCT_E_INVALID, "reach past the end", true);
    begin(&b), b.op->large_custom_options_offset = 10, b.op->large_custom_options_size = UINT64_MAX;
    end(&b, OCT_E_INVALID, "custom options of operator 0", true);
}

/* Two buffers that begin at different places and share bytes. */
static void test_overlap(void **state)
{
    (void)state;
    breakage b;
    oct_metadata entry = { "m", "abcdefgh", 8 };
    b.graph = small_graph();
    b.graph->metadata = &entry;
    b.graph->metadata_count = 1;
    MUST(oct_fb_export_graph(b.graph, false, &b.export, err));
    b.export.buffers[1] = (oct_fb_buffer){ .offset = 32, .size = 16 };
    b.export.buffers[2] = (oct_fb_buffer){ .offset = 40, .size = 16 };
    memory m = write_structs(&b.export);
    assert_refused(&m, OCT_E_INVALID, "two buffers overlap", true);
    free(m.bytes);
    oct_fb_export_deinit(&b.export);
    oct_graph_free(b.graph);
}

static memory small_file(void)
{
    memory m = { 0 };
    oct_graph *graph = small_graph();
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    oct_graph_free(graph);
    return m;
}

static uint32_t u32_at(const memory *m, size_t at)
{
    return oct_fb_u32(m->bytes + at);
}

static void put_u32(memory *m, size_t at, uint32_t value)
{
    memcpy(m->bytes + at, &value, sizeof value);
}

static size_t find(const memory *m, const void *bytes, size_t size)
{
    for (size_t i = 0; i + size <= m->size; i++)
        if (memcmp(m->bytes + i, bytes, size) == 0)
            return i;
    fail_msg("the file has not what the test looks for");
    return 0;
}

static void test_bytes(void **state)
{
    (void)state;
    memory m = small_file(), empty = { m.bytes, 0, 0 }, head = { m.bytes, 7, 0 };
    assert_refused(&empty, OCT_E_INVALID, "not a TensorFlow Lite model", true);
    assert_refused(&head, OCT_E_INVALID, "not a TensorFlow Lite model", true);
    size_t root = u32_at(&m, 0), name = find(&m, "serving_default", 16);

    m.bytes[4] = 'X';
    assert_refused(&m, OCT_E_INVALID, "no identifier TFL3", true);
    m.bytes[4] = 'T';
    put_u32(&m, 0, 0);
    assert_refused(&m, OCT_E_INVALID, "Model has a bad offset (at byte 0)", true);
    put_u32(&m, 0, 0x7fffffff);
    assert_refused(&m, OCT_E_INVALID, "Model reaches past the end of the file", true);
    put_u32(&m, 0, (uint32_t)root + 1);
    assert_refused(&m, OCT_E_INVALID, "Model is not aligned", true);
    put_u32(&m, 0, (uint32_t)root);

    uint32_t vtable = u32_at(&m, root);
    put_u32(&m, root, (uint32_t)root + 2);
    assert_refused(&m, OCT_E_INVALID, "Model has its vtable before the file", true);
    put_u32(&m, root, (uint32_t)-0x40000000);
    assert_refused(&m, OCT_E_INVALID, "Model reaches past the end of the file", true);
    put_u32(&m, root, vtable);

    m.bytes[name + 15] = '!';
    assert_refused(&m, OCT_E_INVALID, "SignatureDef.signature_key is not terminated", true);
    m.bytes[name + 15] = 0;
    m.bytes[name + 3] = 0;
    assert_refused(&m, OCT_E_UNSUPPORTED, "SignatureDef.signature_key has a zero inside", true);
    m.bytes[name + 3] = 'v';
    put_u32(&m, name - 4, 0xfffffff0);
    assert_refused(&m, OCT_E_INVALID, "SignatureDef.signature_key reaches past the end", true);
    put_u32(&m, name - 4, (uint32_t)(m.size - name)); /* no room for the zero behind it */
    assert_refused(&m, OCT_E_INVALID, "SignatureDef.signature_key reaches past the end", true);
    free(m.bytes);
}

/* A vtable longer than the schema knows: fine while the extra fields are absent. */
static void test_unknown_field(void **state)
{
    (void)state;
    memory m = small_file();
    oct_graph *graph;
    size_t root = u32_at(&m, 0), old = root - (size_t)(int32_t)u32_at(&m, root);
    uint16_t bytes = oct_fb_u16(m.bytes + old), longer = 4 + 2 * 12, at = 4;
    size_t fresh = m.size;
    unsigned char zeros[32] = { 0 };
    MUST(to_memory(&m, zeros, sizeof zeros, err));
    memcpy(m.bytes + fresh, m.bytes + old, bytes);
    memcpy(m.bytes + fresh, &longer, sizeof longer);
    put_u32(&m, root, (uint32_t)(root - fresh));
    MUST(read_bytes(m.bytes, m.size, &graph, err));
    oct_graph_free(graph);
    memcpy(m.bytes + fresh + 4 + 2 * 11, &at, sizeof at);
    assert_refused(&m, OCT_E_UNSUPPORTED, "Model has field 11, newer than the schema", true);
    free(m.bytes);
}

static void test_unknown_union(void **state)
{
    (void)state;
    memory m = small_file();
    breakage b;
    begin(&b);
    size_t at = 0;
    /* The only byte that changes the type of the options is the one that makes them unknown. */
    for (size_t i = 8; i < m.size && at == 0; i++) {
        oct_error err = { 0 };
        oct_graph *graph;
        unsigned char was = m.bytes[i];
        if (was != OCT_OPTIONS_Add % OCT_OPTIONS_SET_SIZE)
            continue;
        m.bytes[i] = 200;
        if (read_bytes(m.bytes, m.size, &graph, &err) == OCT_E_UNSUPPORTED &&
            strstr(err.text, "Operator.builtin_options is of type 200") != NULL) {
            at = i;
            assert_int_equal(err.offset, i);
        } else {
            oct_graph_free(graph);
        }
        m.bytes[i] = was;
    }
    assert_int_not_equal(at, 0);
    oct_fb_export_deinit(&b.export);
    oct_graph_free(b.graph);
    free(m.bytes);
}

/* Small files that unfold to much: refused before they do. */
static void test_sharing_bombs(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    breakage b;
    void **subs = calloc(MANY, sizeof *subs), **ops = calloc(MANY, sizeof *ops);
    begin(&b);
    for (int i = 0; i < MANY; i++) {
        subs[i] = b.sub;
        ops[i] = b.op;
    }
    /* The writer keeps subgraphs apart; packed by hand they are one that is named often. */
    b.sub->operators = (oct_vec_table){ ops, MANY };
    oct_fb_sub_graph one = *b.sub;
    subs[0] = &one;
    b.model->subgraphs = (oct_vec_table){ subs, MANY };
    memory m = write_structs(&b.export);
    assert_refused(&m, OCT_E_INVALID, "more than a million tables", true);
    free(m.bytes);

    int32_t *long_shape = calloc(1 << 20, sizeof *long_shape);
    b.model->subgraphs.count = 1;
    b.sub->operators = one.operators = (oct_vec_table){ ops, 1 };
    one.tensors = (oct_vec_table){ subs, MANY };
    b.w->shape = (oct_vec_i32){ long_shape, 1 << 20 };
    for (int i = 0; i < MANY; i++)
        subs[i] = b.w;
    void *first = &one;
    b.model->subgraphs.data = &first;
    m = write_structs(&b.export);
    assert_true(m.size < 5 << 20);
    assert_refused(&m, OCT_E_INVALID, "Tensor.shape is shared without limit", true);
    free(m.bytes);
    free(long_shape);
    free(subs);
    free(ops);
    oct_fb_export_deinit(&b.export);
    oct_graph_free(b.graph);
}

/* Whatever is read can be checked, written and read again, and says the same. */
static void use_if_read(const memory *m, const char *what, uint64_t number)
{
    oct_graph *graph = NULL, *again = NULL;
    oct_error err = { 0 };
    memory out = { 0 };
    char why[512] = "";
    oct_status status = read_bytes(m->bytes, m->size, &graph, &err);
    if (status != OCT_OK) {
        if ((status == OCT_E_INVALID || status == OCT_E_UNSUPPORTED) && err.text[0] != '\0')
            return;
        fail_msg("%s %llu: status %d, \"%s\"", what, (unsigned long long)number, (int)status,
            err.text);
    }
    if (oct_graph_check(graph, &err) != OCT_OK ||
        oct_tflite_write(graph, to_memory, &out, &err) != OCT_OK ||
        read_bytes(out.bytes, out.size, &again, &err) != OCT_OK)
        fail_msg("%s %llu: %s", what, (unsigned long long)number, err.text);
    if (!same_graph(graph, again, why, sizeof why))
        fail_msg("%s %llu: differs after a round trip: %s", what, (unsigned long long)number, why);
    oct_graph_free(again);
    oct_graph_free(graph);
    free(out.bytes);
}

static void test_truncations(void **state)
{
    (void)state;
    memory m = small_file();
    for (size_t size = 0; size < m.size; size++) {
        unsigned char *exact = malloc(size + 1); /* so that a sanitizer sees a read past the end */
        memcpy(exact, m.bytes, size);
        memory part = { exact, size, size };
        use_if_read(&part, "truncated to", size);
        free(exact);
    }
    free(m.bytes);
}

/* A file with all kinds of tables, as a ground for mutations. */
static memory rich_file(void)
{
    memory m = { 0 };
    oct_graph *graph = small_graph();
    oct_tensor *y = graph->subgraphs[0]->tensors[2];
    y->quant.details =
        (oct_union){ 3, fill_record(&oct_fb_multi_axis_quantization_record, &graph->arena, 1) };
    y->sparsity = fill_record(&oct_fb_sparsity_parameters_record, &graph->arena, 2);
    fill_tables(&y->variants, &oct_fb_variant_sub_type_record, &graph->arena, 3);
    fill_tables(&graph->external_buffers, &oct_fb_external_buffer_record, &graph->arena, 4);
    oct_metadata entry = { "m", "abcdefgh", 8 };
    graph->metadata = oct_arena_copy(&graph->arena, &entry, sizeof entry);
    graph->metadata_count = 1;
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    oct_graph_free(graph);
    return m;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void mutate(memory *m, uint64_t *seed)
{
    static const uint32_t words[] = { 0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc };
    for (uint64_t n = 1 + next_random(seed) % 4; n != 0; n--) {
        size_t at = next_random(seed) % m->size;
        switch (next_random(seed) % 3) {
        case 0:
            m->bytes[at] ^= (unsigned char)(1 << next_random(seed) % 8);
            break;
        case 1:
            m->bytes[at] = (unsigned char)next_random(seed);
            break;
        default:
            if (at / 4 * 4 + 4 <= m->size)
                put_u32(m, at / 4 * 4, words[next_random(seed) % (sizeof words / sizeof *words)]);
            break;
        }
    }
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_mutations(void **state)
{
    (void)state;
    memory files[2] = { small_file(), rich_file() };
    uint64_t count = number_from("OCT_MUTATIONS", 20000), first = number_from("OCT_SEED", 1);
    for (uint64_t i = 0; i < count; i++) {
        const memory *from = &files[i % 2];
        memory copy = { malloc(from->size), from->size, from->size };
        memcpy(copy.bytes, from->bytes, from->size);
        uint64_t seed = first + i;
        mutate(&copy, &seed);
        use_if_read(&copy, "mutation of OCT_SEED", first + i);
        free(copy.bytes);
    }
    print_message("%llu mutations\n", (unsigned long long)count);
    free(files[0].bytes);
    free(files[1].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_unknown_field),
        cmocka_unit_test(test_unknown_union),
        cmocka_unit_test(test_sharing_bombs),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
