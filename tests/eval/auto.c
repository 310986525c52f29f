/*
 * --preprocess auto on models that were built for a known convention: nearest centroid of twelve
 * coloured 4 x 4 pictures, in the space that convention makes of pixels. Whoever guesses another
 * convention measures distances in the wrong space.
 */
#include <string.h>
#include <unistd.h>

#include <octavo/data.h>
#include "eval/random.h"
#include "exec/build.h"
#include "model/model.h"

enum { PIXELS = 16, VALUES = PIXELS * 3, CLASSES = 12, SAMPLES = 360, NOISE = 40 };

static const char *const path = OCT_WORK_DIR "/auto.npz";

/* (x / divisor - mean) / std of pixels 0..255, blue first where bgr. */
typedef struct convention {
    const char *name;
    float divisor, mean[3], std[3];
    bool bgr;
    int32_t label_offset; /* outputs before the first class */
    bool integer_input;   /* uint8, its range tells */
} convention;

/* Source of the numbers: keras/src/applications/imagenet_utils.py. */
static const convention conventions[] = {
    { .name = "none", .divisor = 1, .std = { 1, 1, 1 } },
    { .name = "tf", .divisor = 127.5f, .mean = { 1, 1, 1 }, .std = { 1, 1, 1 } },
    { .name = "unit", .divisor = 255, .std = { 1, 1, 1 } },
    { .name = "torch",
        .divisor = 255,
        .mean = { 0.485f, 0.456f, 0.406f },
        .std = { 0.229f, 0.224f, 0.225f } },
    { .name = "caffe",
        .divisor = 1,
        .mean = { 103.939f, 116.779f, 123.68f },
        .std = { 1, 1, 1 },
        .bgr = true },
    { .name = "tf-bgr", .divisor = 127.5f, .mean = { 1, 1, 1 }, .std = { 1, 1, 1 }, .bgr = true },
    { .name = "unit-bgr", .divisor = 255, .std = { 1, 1, 1 }, .bgr = true },
    { .name = "none-bgr", .divisor = 1, .std = { 1, 1, 1 }, .bgr = true },
    { .name = "tf", .divisor = 127.5f, .mean = { 1, 1, 1 }, .std = { 1, 1, 1 }, .label_offset = 1 },
    { .name = "torch",
        .divisor = 255,
        .mean = { 0.485f, 0.456f, 0.406f },
        .std = { 0.229f, 0.224f, 0.225f },
        .label_offset = 1 },
    { .name = "tf",
        .divisor = 127.5f,
        .mean = { 1, 1, 1 },
        .std = { 1, 1, 1 },
        .integer_input = true },
    { .name = "unit", .divisor = 255, .std = { 1, 1, 1 }, .integer_input = true },
};

static void apply(const convention *c, const uint8_t *pixels, float *to)
{
    for (int i = 0; i < VALUES; i++) {
        int channel = i % 3;
        uint8_t value = pixels[c->bgr ? i - channel + 2 - channel : i];
        to[i] = ((float)value / c->divisor - c->mean[channel]) / c->std[channel];
    }
}

/* Six patterns, each pale and strong: only the right scale tells the two apart. */
static void draw_centroids(uint8_t centroids[CLASSES][VALUES])
{
    oct_random random = oct_random_seed(7);
    for (int k = 0; k < CLASSES; k += 2)
        for (int i = 0; i < VALUES; i++) {
            double pattern = oct_random_uniform(&random) * 2 - 1;
            centroids[k][i] = (uint8_t)(120 + 45 * pattern);
            centroids[k + 1][i] = (uint8_t)(120 + 90 * pattern);
        }
}

static void write_samples(uint8_t centroids[CLASSES][VALUES])
{
    static uint8_t x[SAMPLES][VALUES];
    int32_t labels[SAMPLES];
    oct_random random = oct_random_seed(8);
    for (int s = 0; s < SAMPLES; s++) {
        labels[s] = s % CLASSES;
        for (int i = 0; i < VALUES; i++) {
            int value =
                centroids[labels[s]][i] - NOISE + (int)oct_random_below(&random, 2 * NOISE + 1);
            x[s][i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
    oct_npz_entry entries[] = { { "x", "uint8", 4, { SAMPLES, 4, 4, 3 }, x },
        { "y", "int32", 1, { SAMPLES }, labels } };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
}

/* The uint8 input of a convention whose values are low .. low + 255 steps. */
static int32_t integer_input(builder *b, const convention *c, int32_t x, const int32_t *dims)
{
    int32_t q = build_tensor(b, "pixels", OCT_UINT8, 4, dims);
    assert_int_equal(oct_graph_set_quant(b->graph, b->sub->tensors[q], 1 / c->divisor,
                         c->mean[0] > 0 ? 128 : 0, NULL),
        OCT_OK);
    build_node(b, OCT_OP_DEQUANTIZE, q, -1, x, OCT_OPTIONS_NONE);
    return q;
}

/* logits[k] = 2 mu_k x - |mu_k|^2, largest for the nearest centroid; spare outputs are never. */
static oct_model *make_model(const convention *c, uint8_t centroids[CLASSES][VALUES])
{
    static float weights[CLASSES + 1][VALUES];
    float bias[CLASSES + 1] = { -1e9f };
    int32_t outputs = CLASSES + c->label_offset;
    memset(weights, 0, sizeof weights);
    for (int k = 0; k < CLASSES; k++) {
        int at = k + c->label_offset;
        float centroid[VALUES];
        apply(c, centroids[k], centroid);
        bias[at] = 0;
        for (int i = 0; i < VALUES; i++) {
            weights[at][i] = 2 * centroid[i];
            bias[at] -= centroid[i] * centroid[i];
        }
    }
    builder b = build_begin();
    const int32_t x_dims[] = { 1, 4, 4, 3 }, w_dims[] = { outputs, VALUES };
    const int32_t y_dims[] = { 1, outputs };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 4, x_dims);
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, 2, w_dims, weights);
    int32_t shift = build_constant(&b, "shift", OCT_FLOAT32, 1, &outputs, bias);
    int32_t product = build_tensor(&b, "product", OCT_FLOAT32, 2, y_dims);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, y_dims);
    int32_t input = c->integer_input ? integer_input(&b, c, x, x_dims) : x;
    build_node(&b, OCT_OP_FULLY_CONNECTED, x, w, product, OCT_OPTIONS_FullyConnected);
    build_node(&b, OCT_OP_ADD, product, shift, y, OCT_OPTIONS_Add);
    build_end(&b, input, y);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

static void test_every_convention_is_found(void **unused)
{
    (void)unused;
    static uint8_t centroids[CLASSES][VALUES];
    draw_centroids(centroids);
    write_samples(centroids);
    oct_data *data = NULL;
    assert_int_equal(oct_data_open(path, &data, NULL), OCT_OK);
    for (size_t i = 0; i < sizeof conventions / sizeof *conventions; i++) {
        const convention *c = &conventions[i];
        oct_model *model = make_model(c, centroids);
        oct_preprocess_choice choice;
        oct_error err = { 0 };
        if (oct_preprocess_find("auto", model, data, 1, &choice, &err) != OCT_OK)
            fail_msg("%s", err.text);
        print_message("  %-10s offset %d: %s\n", c->name, (int)c->label_offset, choice.reason);
        assert_string_equal(choice.preprocess.name, c->name);
        assert_int_equal(choice.label_offset, c->label_offset);
        assert_null(strstr(choice.reason, "cannot tell"));
        assert_null(strstr(choice.reason, "near chance"));
        oct_model_free(model);
    }
    oct_data_free(data);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_convention_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
