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
    /* Weights alone differ: all of it is added by FULLY_CONNECTED, and SOFTMAX adds nothing. */
    assert_true(logits->alone && isinf(logits->entering_db));
    near(logits->added_db, logits->sqnr_db, 1e-9);
    near(logits->blame, 1, 1e-12);
    near(y->entering_db, y->sqnr_db, 1e-3);
    assert_true(y->added_db > 120);
    assert_int_equal(logits->float_bytes, sizeof a.weights);
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
    /* RELU of B's input is B's output: everything wrong has entered. */
    assert_true(out->alone && !in->alone);
    near(out->entering_db, out->sqnr_db, 1e-9);
    assert_true(isinf(out->added_db) && out->blame == 0);
    assert_true(in->has_range && in->range_low == -128 && in->range_high == 127);
    assert_true(in->most_low == -300 && in->most_high == 300);
    assert_true(out->integer_inputs == 6 && out->integer_outputs == 6);
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

/* Factors between channels. */

enum { WIDE = 12, DEEP = 40 };

/* x -> FULLY_CONNECTED -> h -> FULLY_CONNECTED -> y. made, read: factors of h's channels. */
static oct_model *two_layers(const float *made, const float *read, int spoiled)
{
    float first[WIDE][TINY_INPUTS], second[TINY_CLASSES][WIDE];
    oct_random random = oct_random_seed(5), other = oct_random_seed(6);
    for (int r = 0; r < WIDE; r++)
        for (int c = 0; c < TINY_INPUTS; c++) {
            first[r][c] = made[r] * (float)(oct_random_uniform(&random) * 2 - 1);
            if (r == spoiled)
                first[r][c] = made[r] * (float)(oct_random_uniform(&other) * 2 - 1);
        }
    for (int r = 0; r < TINY_CLASSES; r++)
        for (int c = 0; c < WIDE; c++)
            second[r][c] = read[c] * (float)(oct_random_uniform(&random) * 2 - 1);
    builder b = build_begin();
    const int32_t x_dims[] = { 1, TINY_INPUTS }, h_dims[] = { 1, WIDE };
    const int32_t y_dims[] = { 1, TINY_CLASSES }, first_dims[] = { WIDE, TINY_INPUTS };
    const int32_t second_dims[] = { TINY_CLASSES, WIDE };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 2, x_dims);
    int32_t h = build_tensor(&b, "h", OCT_FLOAT32, 2, h_dims);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, y_dims);
    int32_t w = build_constant(&b, "first", OCT_FLOAT32, 2, first_dims, first);
    int32_t v = build_constant(&b, "second", OCT_FLOAT32, 2, second_dims, second);
    build_node(&b, OCT_OP_FULLY_CONNECTED, x, w, h, OCT_OPTIONS_FullyConnected);
    build_node(&b, OCT_OP_FULLY_CONNECTED, h, v, y, OCT_OPTIONS_FullyConnected);
    build_end(&b, x, y);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

static oct_diff *differ_two(const float *made, const float *read, int spoiled)
{
    float ones[WIDE], x[DEEP][TINY_INPUTS];
    for (int i = 0; i < WIDE; i++)
        ones[i] = 1;
    oct_random random = oct_random_seed(7);
    for (int s = 0; s < DEEP; s++)
        for (int i = 0; i < TINY_INPUTS; i++)
            x[s][i] = (float)(oct_random_uniform(&random) * 2 - 1);
    oct_model *a = two_layers(ones, ones, -1), *b = two_layers(made, read, spoiled);
    oct_diff *diff = differ(a, b, x[0], DEEP, TINY_INPUTS);
    assert_int_equal(oct_diff_count(diff), 3);
    oct_model_free(a);
    oct_model_free(b);
    return diff;
}

static void test_equalised(void **unused)
{
    (void)unused;
    float made[WIDE], read[WIDE], ones[WIDE];
    for (int i = 0; i < WIDE; i++) {
        ones[i] = 1;
        made[i] = i % 3 == 0 ? 1 : (float)(1 << i % 7);
        read[i] = 1 / made[i];
    }
    oct_diff *diff = differ_two(made, read, -1);
    const oct_layer_error *h = oct_diff_layer(diff, 1), *y = oct_diff_layer(diff, 2);
    assert_int_equal(h->channels_rescaled, 7); /* not 0, 3, 6, 9; nor 7, whose factor is 1 */
    assert_true(h->sqnr_db > 120 && h->added_db > 120 && y->added_db > 120);
    oct_diff_free(diff);

    /* A channel of noise stays wrong among rescaled ones, and its layer is blamed. */
    diff = differ_two(made, read, 3);
    h = oct_diff_layer(diff, 1);
    assert_int_equal(h->channels_rescaled, 7);
    assert_true(h->sqnr_db < 15 && h->blame > 0.999);
    oct_diff_free(diff);

    /* A factor that nobody divides out again is an error of the layer that makes it. */
    float wrong[WIDE];
    memcpy(wrong, ones, sizeof wrong);
    wrong[4] = 2;
    diff = differ_two(wrong, ones, -1);
    h = oct_diff_layer(diff, 1);
    y = oct_diff_layer(diff, 2);
    assert_int_equal(h->channels_rescaled, 0);
    assert_true(h->sqnr_db < 15 && h->blame > 0.999 && isinf(h->entering_db));
    assert_true(y->entering_db < 15 && y->blame < 0.001);
    oct_diff_free(diff);

    /* So are the factors of an output: nobody who reads it knows of them. */
    diff = differ_two(ones, wrong, -1);
    y = oct_diff_layer(diff, 2);
    assert_true(y->channels_rescaled == 0 && y->blame > 0.999);
    oct_diff_free(diff);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_floats),
        cmocka_unit_test(test_integers), cmocka_unit_test(test_equalised) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
