/*
 * Evaluation against the same numbers computed by hand, from files to metrics.
 */
#include "eval/tiny.h"

#include <unistd.h>

#include <octavo/eval.h>
#include "eval/evaluate.h"
#include "eval/expected.h"

enum { SAMPLES = 301 };

static const char *const path = OCT_WORK_DIR "/evaluate.npz";

typedef struct fixture {
    tiny first, second;
    float x[SAMPLES][TINY_INPUTS]; /* after preprocessing */
    int32_t labels[SAMPLES];
    oct_data *data;
} fixture;

/* Every fifth label is moved, so that accuracy is about 80 %. */
static void write_floats(fixture *f)
{
    oct_random random = oct_random_seed(3);
    for (int s = 0; s < SAMPLES; s++) {
        for (int i = 0; i < TINY_INPUTS; i++)
            f->x[s][i] = (float)(oct_random_uniform(&random) * 2 - 1);
        f->labels[s] = (tiny_answer(&f->first, f->x[s]) + (s % 5 == 0)) % TINY_CLASSES;
    }
    oct_npz_entry entries[] = { { "x", "float32", 2, { SAMPLES, TINY_INPUTS }, f->x },
        { "y", "int32", 1, { SAMPLES }, f->labels } };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
    assert_int_equal(oct_data_open(path, &f->data, NULL), OCT_OK);
}

static void begin(fixture *f)
{
    f->first = tiny_create(0);
    f->second = tiny_create(0.3f);
    write_floats(f);
}

static void end(fixture *f)
{
    oct_model_free(f->first.model);
    oct_model_free(f->second.model);
    oct_data_free(f->data);
    unlink(path);
}

static oct_eval *evaluate(const fixture *f, const oct_eval_options *options)
{
    const oct_model *models[] = { f->first.model, f->second.model };
    oct_preprocess none;
    oct_error err = { 0 };
    oct_eval *eval = NULL;
    assert_int_equal(oct_preprocess_parse("none", &none, NULL), OCT_OK);
    if (oct_evaluate(models, 2, f->data, &none, options, &eval, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return eval;
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.9g, want %.9g", got, want);
}

static void test_metrics(void **unused)
{
    (void)unused;
    fixture f;
    begin(&f);
    int64_t top1[2] = { 0 }, top5[2] = { 0 }, agree = 0, lost = 0, won = 0;
    double loss[2] = { 0 }, signal = 0, noise = 0;
    for (int s = 0; s < SAMPLES; s++) {
        const tiny *models[] = { &f.first, &f.second };
        double p[2][TINY_CLASSES];
        int place[2];
        for (int m = 0; m < 2; m++) {
            tiny_probabilities(models[m], f.x[s], p[m]);
            place[m] = tiny_place(models[m], f.x[s], f.labels[s]);
            top1[m] += place[m] == 0;
            top5[m] += place[m] < 5;
            loss[m] -= log(p[m][f.labels[s]]) / SAMPLES;
        }
        agree += tiny_answer(&f.first, f.x[s]) == tiny_answer(&f.second, f.x[s]);
        lost += place[0] == 0 && place[1] != 0;
        won += place[0] != 0 && place[1] == 0;
        for (int k = 0; k < TINY_CLASSES; k++) {
            signal += p[0][k] * p[0][k];
            noise += (p[0][k] - p[1][k]) * (p[0][k] - p[1][k]);
        }
    }
    oct_eval *eval = evaluate(&f, &(oct_eval_options){ .threads = 1 });
    for (int m = 0; m < 2; m++) {
        const oct_metrics *got = oct_eval_metrics(eval, m);
        assert_int_equal(got->samples, SAMPLES);
        assert_int_equal(got->classes, TINY_CLASSES);
        assert_true(got->has_labels);
        assert_int_equal(got->top1, top1[m]);
        assert_int_equal(got->top5, top5[m]);
        near(got->loss, loss[m], 1e-5);
        assert_true(got->loss_interval.low < loss[m] && loss[m] < got->loss_interval.high);
    }
    const oct_paired *paired = oct_eval_paired(eval, 1), *self = oct_eval_paired(eval, 0);
    assert_true(lost > 0 && won > 0 && agree < SAMPLES);
    assert_int_equal(paired->agree, agree);
    assert_int_equal(paired->lost, lost);
    assert_int_equal(paired->won, won);
    near(paired->difference, (double)(won - lost) / SAMPLES, 1e-12);
    near(paired->sqnr_db, 10 * log10(signal / noise), 1e-3);
    near(paired->loss_difference, loss[1] - loss[0], 1e-5);
    assert_int_equal(self->agree, SAMPLES);
    assert_true(isinf(self->sqnr_db));
    for (int s = 0; s < SAMPLES; s++)
        assert_int_equal(oct_eval_answer(eval, 1, s), tiny_answer(&f.second, f.x[s]));
    oct_eval_free(eval);
    end(&f);
}

static void test_threads_change_nothing(void **unused)
{
    (void)unused;
    fixture f;
    begin(&f);
    oct_eval *one = evaluate(&f, &(oct_eval_options){ .threads = 1, .seed = 4 });
    oct_eval *many = evaluate(&f, &(oct_eval_options){ .threads = 5, .seed = 4 });
    assert_memory_equal(one->outcomes, many->outcomes, 2 * SAMPLES * sizeof *one->outcomes);
    assert_memory_equal(one->metrics, many->metrics, 2 * sizeof *one->metrics);
    assert_memory_equal(one->paired, many->paired, 2 * sizeof *one->paired);
    oct_eval_free(one);
    oct_eval_free(many);
    end(&f);
}

static void test_outputs_are_kept(void **unused)
{
    (void)unused;
    fixture f;
    begin(&f);
    oct_eval *eval = evaluate(&f, &(oct_eval_options){ .threads = 2, .keep_outputs = true });
    const char *outputs = OCT_WORK_DIR "/outputs.npy";
    oct_array array;
    assert_int_equal(oct_eval_write_outputs(eval, 1, 0, outputs, NULL), OCT_OK);
    assert_int_equal(oct_array_read(outputs, NULL, &array, NULL), OCT_OK);
    assert_int_equal(array.rank, 2);
    assert_int_equal(array.dims[0], SAMPLES);
    double p[TINY_CLASSES];
    tiny_probabilities(&f.second, f.x[SAMPLES - 1], p);
    const float *last = (const float *)array.bytes + (SAMPLES - 1) * TINY_CLASSES;
    for (int k = 0; k < TINY_CLASSES; k++)
        near((double)last[k], p[k], 1e-5);
    assert_int_equal(oct_eval_write_outputs(eval, 1, 1, outputs, NULL), OCT_E_USAGE);
    oct_array_free(&array);
    oct_eval_free(eval);
    eval = evaluate(&f, &(oct_eval_options){ .threads = 1 });
    assert_int_equal(oct_eval_write_outputs(eval, 0, 0, outputs, NULL), OCT_E_USAGE);
    oct_eval_free(eval);
    unlink(outputs);
    end(&f);
}

static void test_labels_outside(void **unused)
{
    (void)unused;
    fixture f;
    begin(&f);
    const oct_model *models[] = { f.first.model };
    oct_preprocess none;
    oct_eval *eval = NULL;
    oct_error err = { 0 };
    assert_int_equal(oct_preprocess_parse("none", &none, NULL), OCT_OK);
    oct_eval_options moved = { .threads = 1, .label_offset = 1 };
    assert_int_equal(oct_evaluate(models, 1, f.data, &none, &moved, &eval, &err), OCT_E_INVALID);
    assert_null(eval);
    assert_non_null(strstr(err.text, "has label 6, the model has 7 outputs"));
    end(&f);
}

/* Bytes whose labels are the answers to x / 127.5 - 1, written as data of the shape asked for. */
static void open_bytes(fixture *f, int offset)
{
    static unsigned char bytes[SAMPLES][TINY_INPUTS];
    oct_random random = oct_random_seed(9);
    int count = 0;
    while (count < SAMPLES) {
        float x[TINY_INPUTS];
        for (int i = 0; i < TINY_INPUTS; i++) {
            bytes[count][i] = (unsigned char)oct_random_below(&random, 256);
            x[i] = (float)bytes[count][i] / 127.5f - 1;
        }
        int label = tiny_answer(&f->first, x) - offset;
        if (label >= 0)
            f->labels[count++] = label;
    }
    oct_npz_entry entries[] = { { "x", "uint8", 2, { SAMPLES, TINY_INPUTS }, bytes },
        { "y", "int32", 1, { SAMPLES }, f->labels } };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
    oct_data_free(f->data);
    assert_int_equal(oct_data_open(path, &f->data, NULL), OCT_OK);
}

static void test_preprocessing_is_found(void **unused)
{
    (void)unused;
    fixture f;
    begin(&f);
    oct_preprocess_choice choice;
    for (int offset = 0; offset <= 1; offset++) {
        open_bytes(&f, offset);
        assert_int_equal(
            oct_preprocess_find("auto", f.first.model, f.data, 2, &choice, NULL), OCT_OK);
        assert_string_equal(choice.preprocess.name, "tf");
        assert_int_equal(choice.label_offset, offset);
        assert_int_equal(choice.samples, 200);
        assert_int_equal(choice.tries, offset == 0 ? 5 : 10);
        assert_int_equal(choice.tried[offset].correct, 200);
        assert_non_null(strstr(choice.reason, "200 of 200 samples right, next "));
        assert_null(strstr(choice.reason, "cannot tell"));
        assert_int_equal(
            oct_preprocess_find("tf", f.first.model, f.data, 2, &choice, NULL), OCT_OK);
        assert_int_equal(choice.label_offset, offset);
        assert_int_equal(choice.tries, offset == 0 ? 0 : 2);
    }
    /* Without labels nothing can be tried on bytes; floats are taken as they are. */
    oct_npz_entry floats = { "x", "float32", 2, { SAMPLES, TINY_INPUTS }, f.x };
    assert_int_equal(oct_npz_write(path, &floats, 1, NULL), OCT_OK);
    oct_data_free(f.data);
    assert_int_equal(oct_data_open(path, &f.data, NULL), OCT_OK);
    assert_int_equal(oct_preprocess_find("auto", f.first.model, f.data, 2, &choice, NULL), OCT_OK);
    assert_string_equal(choice.preprocess.name, "none");
    oct_npz_entry bytes = { "x", "uint8", 2, { SAMPLES, TINY_INPUTS }, f.x };
    assert_int_equal(oct_npz_write(path, &bytes, 1, NULL), OCT_OK);
    oct_data_free(f.data);
    assert_int_equal(oct_data_open(path, &f.data, NULL), OCT_OK);
    oct_error err = { 0 };
    assert_int_equal(
        oct_preprocess_find("auto", f.first.model, f.data, 2, &choice, &err), OCT_E_USAGE);
    assert_non_null(strstr(err.text, "--preprocess"));
    end(&f);
}

/* What the model says about itself goes before trying. */
static void test_metadata_is_believed(void **unused)
{
    (void)unused;
    fixture f;
    begin(&f);
    oct_graph *graph = f.first.model->graph;
    graph->metadata = oct_arena_alloc(&graph->arena, sizeof *graph->metadata);
    assert_non_null(graph->metadata);
    graph->metadata[0] =
        (oct_metadata){ "TFLITE_METADATA", model_metadata, sizeof model_metadata };
    graph->metadata_count = 1;
    oct_preprocess_choice choice;
    open_bytes(&f, 0);
    assert_int_equal(
        oct_preprocess_find("auto", f.first.model, f.data, 1, &choice, NULL), OCT_OK);
    assert_string_equal(choice.preprocess.name, "metadata");
    assert_true(choice.preprocess.mean[1] == 116.25f && choice.tries == 0);
    assert_int_equal(oct_preprocess_find("tf", f.first.model, f.data, 1, &choice, NULL), OCT_OK);
    assert_string_equal(choice.preprocess.name, "tf");
    end(&f);
}

/*
 * A quantized input takes round-half-away(x / scale) + zero, clamped, as TensorFlow Lite's
 * QUANTIZE.
 */
static void test_quantized_view(void **unused)
{
    (void)unused;
    builder b = build_begin();
    const int32_t dims[] = { 1, 6 };
    int32_t x = build_tensor(&b, "x", OCT_INT8, 2, dims),
            y = build_tensor(&b, "y", OCT_FLOAT32, 2, dims);
    assert_int_equal(oct_graph_set_quant(b.graph, b.sub->tensors[x], 0.5f, 3, NULL), OCT_OK);
    build_node(&b, OCT_OP_DEQUANTIZE, x, -1, y, OCT_OPTIONS_NONE);
    build_end(&b, x, y);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    const float values[] = { 0.25f, -0.25f, 0.24f, 100, -100, NAN };
    const int8_t want[] = { 4, 2, 3, 127, -128, -128 };
    oct_npz_entry entry = { "x", "float32", 2, { 1, 6 }, values };
    assert_int_equal(oct_npz_write(path, &entry, 1, NULL), OCT_OK);
    oct_data *data = NULL;
    oct_data_view *view = NULL;
    oct_preprocess none;
    int8_t got[6];
    assert_int_equal(oct_data_open(path, &data, NULL), OCT_OK);
    assert_int_equal(oct_preprocess_parse("none", &none, NULL), OCT_OK);
    assert_int_equal(oct_data_view_create(data, model, &none, &view, NULL), OCT_OK);
    const oct_samples *samples = oct_data_view_samples(view);
    assert_int_equal(samples->read(samples->user, 0, 0, got, sizeof got, NULL), OCT_OK);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(samples->read(samples->user, 1, 0, got, sizeof got, NULL), OCT_E_USAGE);
    assert_int_equal(samples->read(samples->user, 0, 0, got, 5, NULL), OCT_E_USAGE);
    oct_data_view_free(view);
    oct_data_free(data);
    oct_model_free(model);
    unlink(path);
}

static void test_misfit(void **unused)
{
    (void)unused;
    fixture f;
    begin(&f);
    oct_npz_entry entry = { "x", "float32", 3, { 2, 3, 4 }, f.x };
    assert_int_equal(oct_npz_write(path, &entry, 1, NULL), OCT_OK);
    oct_data *data = NULL;
    oct_data_view *view = NULL;
    oct_preprocess none;
    oct_error err = { 0 };
    assert_int_equal(oct_data_open(path, &data, NULL), OCT_OK);
    assert_int_equal(oct_preprocess_parse("none", &none, NULL), OCT_OK);
    assert_int_equal(oct_data_view_create(data, f.first.model, &none, &view, &err), OCT_E_INVALID);
    assert_null(view);
    assert_non_null(
        strstr(err.text, "sample 0: a sample of shape 3x4 does not fit input x of shape 1x8"));
    oct_data_free(data);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_outputs_are_kept),
        cmocka_unit_test(test_labels_outside),
        cmocka_unit_test(test_preprocessing_is_found),
        cmocka_unit_test(test_metadata_is_believed),
        cmocka_unit_test(test_quantized_view),
        cmocka_unit_test(test_misfit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
