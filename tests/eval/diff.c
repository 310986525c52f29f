/*
 * Layer by layer against hand-computed differences: two classifiers, and a quantized pair whose
 * codes are known.
 */
#include "eval/tiny.h"

#include <unistd.h>

#include <octavo/diff.h>

static const char *const path = OCT_WORK_DIR "/diff.npz";

static oct_diff *differ(
    const oct_model *a, const oct_model *b, const float *x, int64_t samples, int64_t width)
{
    oct_npz_entry entry = { "x", "float32", 2, { samples, width }, x };
    oct_data *data = NULL;
    oct_preprocess none;
    oct_diff *diff = NULL;
    oct_error err = { 0 };
    assert_int_equal(oct_npz_write(path, &entry, 1, NULL), OCT_OK);
    assert_int_equal(oct_data_open(path, &data, NULL), OCT_OK);
    assert_int_equal(oct_preprocess_parse("none", &none, NULL), OCT_OK);
    if (oct_diff_run(a, b, data, &none, NULL, &diff, &err) != OCT_OK)
        fail_msg("%s", err.text);
    oct_data_free(data);
    unlink(path);
    return diff;
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.9g, want %.9g", got, want);
}

static void test_floats(void **unused)
{
    (void)unused;
    enum { COUNT = 5 };
    tiny a = tiny_create(0), b = tiny_create(0.1f);
    float x[COUNT][TINY_INPUTS];
    oct_random random = oct_random_seed(1);
    double signal = 0, noise = 0, largest = 0;
    for (int s = 0; s < COUNT; s++) {
        for (int i = 0; i < TINY_INPUTS; i++)
            x[s][i] = (float)oct_random_uniform(&random);
        for (int k = 0; k < TINY_CLASSES; k++) {
            double p = 0, q = 0;
            for (int i = 0; i < TINY_INPUTS; i++) {
                p += (double)a.weights[k][i] * (double)x[s][i];
                q += (double)b.weights[k][i] * (double)x[s][i];
            }
            signal += p * p;
            noise += (p - q) * (p - q);
            largest = fmax(largest, fabs(p - q));
        }
    }
    oct_diff *diff = differ(a.model, b.model, x[0], COUNT, TINY_INPUTS);
    assert_int_equal(oct_diff_samples(diff), COUNT);
    assert_int_equal(oct_diff_count(diff), 3); /* x, logits, y */
    const oct_layer_error *input = oct_diff_layer(diff, 0), *logits = oct_diff_layer(diff, 1);
    assert_string_equal(input->op, "input");
    assert_true(isinf(input->sqnr_db) && input->largest_error == 0);
    assert_string_equal(logits->layer, "logits");
    assert_string_equal(logits->op, "FULLY_CONNECTED");
    assert_string_equal(logits->type, "float32");
    near(logits->sqnr_db, 10 * log10(signal / noise), 1e-3);
    near(logits->largest_error, largest, 1e-5);
    assert_true(logits->loss_db == 0 && logits->codes_used == 0 && logits->saturated == 0);
    const oct_layer_error *y = oct_diff_layer(diff, 2);
    near(y->loss_db, logits->sqnr_db - y->sqnr_db, 1e-9);
    oct_diff_free(diff);
    diff = differ(a.model, a.model, x[0], COUNT, TINY_INPUTS);
    for (int i = 0; i < 3; i++)
        assert_true(isinf(oct_diff_layer(diff, i)->sqnr_db));
    oct_diff_free(diff);
    oct_model_free(a.model);
    oct_model_free(b.model);
}

/* x -> RELU -> y, in floats or with an int8 x of scale 1 and zero point 0. */
static oct_model *relu(oct_type type)
{
    builder b = build_begin();
    const int32_t dims[] = { 1, 6 };
    int32_t x = build_tensor(&b, "x", type, 2, dims), y = build_tensor(&b, "y", type, 2, dims);
    if (type == OCT_INT8) {
        assert_int_equal(oct_graph_set_quant(b.graph, b.sub->tensors[x], 1, 0, NULL), OCT_OK);
        assert_int_equal(oct_graph_set_quant(b.graph, b.sub->tensors[y], 1, 0, NULL), OCT_OK);
    }
    build_node(&b, OCT_OP_RELU, x, -1, y, OCT_OPTIONS_NONE);
    build_end(&b, x, y);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

static void test_integers(void **unused)
{
    (void)unused;
    oct_model *a = relu(OCT_FLOAT32), *b = relu(OCT_INT8);
    const float x[] = { 1.25f, 2, 300, -300, 2, -1 };
    oct_diff *diff = differ(a, b, x, 1, 6);
    assert_int_equal(oct_diff_count(diff), 2);
    const oct_layer_error *in = oct_diff_layer(diff, 0), *out = oct_diff_layer(diff, 1);
    assert_string_equal(in->type, "int8");
    assert_int_equal(in->codes_used, 5); /* 1, 2, 127, -128, -1 */
    near(in->saturated, 2.0 / 6, 1e-12);
    near(in->largest_error, 173, 1e-9);
    assert_int_equal(out->codes_used, 4); /* 1, 2, 127, 0 */
    near(out->sqnr_db, 10 * log10((1.25 * 1.25 + 4 + 9e4 + 4) / (0.0625 + 173.0 * 173)), 1e-9);
    assert_true(in->saturated > 0 && out->saturated > 0);
    oct_diff_free(diff);
    /* With zero at the low end, what ReLU made zero is not saturated. */
    oct_graph *graph = b->graph;
    for (int32_t i = 0; i < 2; i++)
        assert_int_equal(
            oct_graph_set_quant(graph, graph->subgraphs[0]->tensors[i], 2, -128, NULL), OCT_OK);
    diff = differ(a, b, x, 1, 6);
    near(oct_diff_layer(diff, 1)->saturated, 0, 0); /* 300 fits: 2 * (22 + 128) */
    assert_int_equal(oct_diff_layer(diff, 1)->codes_used, 3);
    oct_diff_free(diff);
    oct_model_free(a);
    oct_model_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_floats),
        cmocka_unit_test(test_integers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
