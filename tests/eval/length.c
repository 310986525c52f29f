/*
 * Inputs that are one vector a sample, x [N] or x [-1], as waveforms: read, evaluated, calibrated.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <octavo/data.h>
#include <octavo/eval.h>
#include <octavo/quantize.h>
#include "eval/view.h"

#include "eval/tiny.h"

enum { SAMPLES = 40 };

/* The tiny classifier without softmax, x [8] or, open, x [-1]. */
static oct_model *vector_model(const tiny *t, bool open)
{
    builder b = build_begin();
    const int32_t length = open ? 1 : TINY_INPUTS, unknown = -1;
    const int32_t y_dims[] = { 1, TINY_CLASSES }, w_dims[] = { TINY_CLASSES, TINY_INPUTS };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 1, &length);
    if (open)
        b.sub->tensors[x]->signature =
            oct_arena_copy(&b.graph->arena, &unknown, sizeof unknown);
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, 2, w_dims, t->weights);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, y_dims);
    build_node(&b, OCT_OP_FULLY_CONNECTED, x, w, y, OCT_OPTIONS_FullyConnected);
    build_end(&b, x, y);
    oct_model *model;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

static oct_data *vectors(const tiny *t)
{
    float x[SAMPLES][TINY_INPUTS];
    int32_t y[SAMPLES];
    oct_random random = oct_random_seed(4);
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < TINY_INPUTS; k++)
            x[i][k] = (float)(oct_random_uniform(&random) * 2 - 1);
        y[i] = tiny_answer(t, x[i]);
    }
    const oct_npz_entry entries[] = {
        { .name = "x", .type = "float32", .rank = 2, .dims = { SAMPLES, TINY_INPUTS }, .bytes = x },
        { .name = "y", .type = "int32", .rank = 1, .dims = { SAMPLES }, .bytes = y },
    };
    oct_data *data;
    assert_int_equal(oct_npz_write(OCT_WORK_DIR "/length.npz", entries, 2, NULL), OCT_OK);
    assert_int_equal(oct_data_open(OCT_WORK_DIR "/length.npz", &data, NULL), OCT_OK);
    return data;
}

static void check(const oct_model *model, const oct_data *data)
{
    oct_preprocess none;
    oct_data_view *view;
    oct_eval *eval;
    oct_model *quantized;
    oct_error err = { 0 };
    oct_preprocess_parse("none", &none, NULL);
    if (oct_data_view_create(data, model, &none, &view, &err) != OCT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(oct_view_input_bytes(view, 0), TINY_INPUTS * sizeof(float));
    oct_quant_options quant = { .mode = OCT_MODE_INT8,
        .effort = OCT_EFFORT_DEFAULT,
        .calib = oct_data_view_samples(view),
        .held = oct_data_view_samples(view) };
    if (oct_quantize(model, &quant, &quantized, NULL, &err) != OCT_OK)
        fail_msg("%s", err.text);
    oct_data_view_free(view);
    const oct_model *models[] = { model, quantized };
    const oct_eval_options options = { .threads = 2 };
    if (oct_evaluate(models, 2, data, &none, &options, &eval, &err) != OCT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(oct_eval_metrics(eval, 0)->top1, SAMPLES);
    assert_true(oct_eval_metrics(eval, 1)->top1 > SAMPLES * 9 / 10);
    oct_eval_free(eval);
    oct_model_free(quantized);
}

static void test_vectors(void **unused)
{
    (void)unused;
    tiny t = tiny_create(0);
    oct_data *data = vectors(&t);
    int32_t length;
    oct_model *fixed = vector_model(&t, false), *open = vector_model(&t, true);
    assert_int_equal(oct_data_fit_length(data, fixed, &length, NULL), OCT_OK);
    assert_int_equal(length, 0);
    check(fixed, data);
    assert_true(oct_model_has_open_length(open));
    assert_int_equal(oct_data_fit_length(data, open, &length, NULL), OCT_OK);
    assert_int_equal(length, TINY_INPUTS);
    assert_false(oct_model_has_open_length(open));
    assert_int_equal(oct_model_fix_length(open, 3, NULL), OCT_E_USAGE);
    check(open, data);
    oct_model_free(open);
    oct_model_free(fixed);
    oct_data_free(data);
    oct_model_free(t.model);
}

/* A number for each of N samples beside [N, ...] is a batch; alone, [N] is one sample. */
static void test_batch(void **unused)
{
    (void)unused;
    builder b = build_begin();
    const int32_t many = 5, one = 1, image[] = { 5, 3 };
    int32_t inputs[3] = { build_tensor(&b, "v", OCT_FLOAT32, 1, &many),
        build_tensor(&b, "s", OCT_FLOAT32, 1, &one), build_tensor(&b, "m", OCT_FLOAT32, 2, image) };
    b.sub->inputs = inputs;
    b.sub->input_count = 2;
    assert_false(oct_input_has_batch(b.sub, 0));
    assert_true(oct_input_has_batch(b.sub, 1));
    b.sub->input_count = 3;
    assert_true(oct_input_has_batch(b.sub, 0));
    assert_true(oct_input_has_batch(b.sub, 2));
    oct_graph_free(b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_batch) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
