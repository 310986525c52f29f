/*
 * A whole comparison of a small classifier: files, counts that can be computed by hand, a document
 * that fits its schema, the same document from any number of threads, and a report.
 */
#include "eval/tiny.h"

#include <sys/stat.h>
#include <unistd.h>

#include <octavo/octavo.h>
#include "base/backing.h"
#include "report/results.h"
#include "report/schema.h"
#include "base/sha256.h"

enum { SAMPLES = 500 };

static const char *const data_path = OCT_WORK_DIR "/compare.npz";

/* Two layers of 48, so that weights are large enough to be quantized by every form. */
static oct_model *classifier(void)
{
    enum { WIDE = 48 };
    static float w1[WIDE * TINY_INPUTS], w2[WIDE * WIDE], w3[TINY_CLASSES * WIDE];
    oct_random random = oct_random_seed(21);
    for (int i = 0; i < WIDE * TINY_INPUTS; i++)
        w1[i] = (float)(oct_random_uniform(&random) * 2 - 1);
    for (int i = 0; i < WIDE * WIDE; i++)
        w2[i] = (float)(oct_random_uniform(&random) * 0.6 - 0.3);
    for (int i = 0; i < TINY_CLASSES * WIDE; i++)
        w3[i] = (float)(oct_random_uniform(&random) * 2 - 1);
    builder b = build_begin();
    const int32_t sizes[] = { TINY_INPUTS, WIDE, WIDE, TINY_CLASSES };
    const float *const weights[] = { w1, w2, w3 };
    static const char *const names[] = { "first", "second", "third" };
    const int32_t x_dims[] = { 1, TINY_INPUTS }, y_dims[] = { 1, TINY_CLASSES };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 2, x_dims), last = x;
    for (int i = 0; i < 3; i++) {
        const int32_t w_dims[] = { sizes[i + 1], sizes[i] }, dims[] = { 1, sizes[i + 1] };
        char name[32];
        snprintf(name, sizeof name, "%s/weights", names[i]);
        int32_t w = build_constant(&b, name, OCT_FLOAT32, 2, w_dims, weights[i]);
        int32_t y = build_tensor(&b, names[i], OCT_FLOAT32, 2, dims);
        oct_fully_connected_options *options =
            build_node(&b, OCT_OP_FULLY_CONNECTED, last, w, y, OCT_OPTIONS_FullyConnected)->options;
        options->fused_activation = i < 2 ? OCT_ACT_RELU : OCT_ACT_NONE;
        last = y;
    }
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, y_dims);
    oct_softmax_options *softmax =
        build_node(&b, OCT_OP_SOFTMAX, last, -1, y, OCT_OPTIONS_Softmax)->options;
    softmax->beta = 1;
    build_end(&b, x, y);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

/* Labels are the float model's own answers, one in ten moved: its accuracy is 90 % exactly. */
static oct_data *labelled_data(const oct_model *model)
{
    static float x[SAMPLES][TINY_INPUTS];
    static int32_t labels[SAMPLES];
    oct_random random = oct_random_seed(5);
    oct_session *session = NULL;
    assert_int_equal(oct_session_create(model, NULL, &session, NULL), OCT_OK);
    for (int s = 0; s < SAMPLES; s++) {
        for (int i = 0; i < TINY_INPUTS; i++)
            x[s][i] = (float)(oct_random_uniform(&random) * 2 - 1);
        memcpy(oct_session_input(session, 0, NULL), x[s], sizeof x[s]);
        assert_int_equal(oct_session_run(session, NULL), OCT_OK);
        const float *y = oct_session_output(session, 0, NULL);
        for (int k = 0; k < TINY_CLASSES; k++)
            if (y[k] > y[labels[s]])
                labels[s] = k;
        labels[s] = (labels[s] + (s % 10 == 3)) % TINY_CLASSES;
    }
    oct_session_free(session);
    oct_npz_entry entries[] = { { "x", "float32", 2, { SAMPLES, TINY_INPUTS }, x },
        { "y", "int32", 1, { SAMPLES }, labels } };
    assert_int_equal(oct_npz_write(data_path, entries, 2, NULL), OCT_OK);
    oct_data *data = NULL;
    assert_int_equal(oct_data_open(data_path, &data, NULL), OCT_OK);
    return data;
}

static oct_results *compare(
    const oct_model *model, const oct_data *data, oct_compare_options options)
{
    oct_results *results = NULL;
    oct_error err = { 0 };
    options.preprocess = "none";
    if (oct_compare(model, data, &options, &results, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return results;
}

static void check_file(const char *folder, const json_t *form)
{
    char path[256], digest[65];
    snprintf(path, sizeof path, "%s/%s", folder, json_string_value(json_object_get(form, "file")));
    oct_backing *backing = NULL;
    assert_int_equal(oct_backing_map(path, &backing, NULL), OCT_OK);
    oct_sha256(oct_backing_bytes(backing), oct_backing_size(backing), digest);
    assert_string_equal(digest, json_string_value(json_object_get(form, "sha256")));
    json_int_t sum = 0;
    const char *cause;
    json_t *bytes;
    json_object_foreach(json_object_get(form, "ledger"), cause, bytes) sum +=
        json_integer_value(bytes);
    assert_int_equal(sum, json_integer_value(json_object_get(form, "bytes")));
    assert_int_equal(sum, oct_backing_size(backing));
    oct_backing_release(backing);
    unlink(path);
}

static void test_whole(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/octavo_compare_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    oct_model *model = classifier();
    oct_data *data = labelled_data(model);
    oct_results *results = compare(model, data,
        (oct_compare_options){
            .folder = folder, .model_name = "tiny", .calib_samples = 50, .bench_seconds = 1e-6 });
    const json_t *forms = json_object_get(results->root, "forms");
    assert_int_equal(results->row_count, OCT_VARIANTS);
    for (int i = 0; i < results->row_count; i++) {
        const oct_row *row = &results->rows[i];
        if (!row->ok)
            fail_msg("%s: %s", row->form, row->failure);
        assert_int_equal(row->samples, SAMPLES - 50);
        assert_true(row->agree > (SAMPLES - 50) * 9 / 10);
        assert_true(i == 0 || row->bytes < results->rows[0].bytes);
        assert_true(row->has_latency);
        check_file(folder, json_array_get(forms, (size_t)i));
    }
    /* Samples 0, 10, 20, ... were calibration; the wrong ones, 3, 13, ..., all stayed. */
    assert_int_equal(results->rows[0].top1, SAMPLES - 50 - SAMPLES / 10);
    assert_non_null(oct_results_advised(results));
    json_t *schema = json_load_file(OCT_TESTS_DIR "/../docs/results.schema.json", 0, NULL);
    char fault[256];
    assert_non_null(schema);
    if (!schema_fits(schema, schema, results->root, "results", fault))
        fail_msg("does not fit the schema: %s", fault);
    json_decref(schema);
    snprintf(path, sizeof path, "%s/report.html", folder);
    const oct_results *both[] = { results, results };
    assert_int_equal(oct_report_save(both, 2, path, NULL), OCT_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size > 10000);
    unlink(path);
    oct_results_free(results);
    oct_data_free(data);
    oct_model_free(model);
    unlink(data_path);
    rmdir(folder);
}

/* Everything but times and clocks. */
static char *timeless(const oct_results *results)
{
    json_t *copy = json_deep_copy(results->root), *form;
    size_t i;
    json_object_del(copy, "created");
    json_object_del(copy, "machine");
    json_object_del(copy, "options");
    json_array_foreach(json_object_get(copy, "forms"), i, form)
        json_object_del(form, "convert_seconds");
    char *text = json_dumps(copy, JSON_INDENT(1));
    json_decref(copy);
    return text;
}

static void test_threads_change_nothing(void **unused)
{
    (void)unused;
    oct_model *model = classifier();
    oct_data *data = labelled_data(model);
    oct_results *one =
        compare(model, data, (oct_compare_options){ .threads = 1, .bench_seconds = -1 });
    oct_results *many =
        compare(model, data, (oct_compare_options){ .threads = 4, .bench_seconds = -1 });
    char *first = timeless(one), *second = timeless(many);
    assert_string_equal(first, second);
    free(first);
    free(second);
    oct_results_free(one);
    oct_results_free(many);
    oct_data_free(data);
    oct_model_free(model);
    unlink(data_path);
}

static void test_chosen_forms_and_refusals(void **unused)
{
    (void)unused;
    oct_model *model = classifier();
    oct_data *data = labelled_data(model), *few = NULL;
    oct_variant variants[2];
    assert_true(oct_variant_from_name("int8-full-uint8", &variants[0]));
    assert_true(oct_variant_from_name("float32", &variants[1]));
    assert_false(oct_variant_from_name("int4", &variants[1]));
    oct_results *results = compare(model, data,
        (oct_compare_options){
            .variants = variants, .variant_count = 2, .calib = data, .bench_seconds = -1 });
    assert_int_equal(results->row_count, 2);
    assert_string_equal(results->rows[1].form, "int8-full-uint8");
    assert_int_equal(results->rows[0].samples, SAMPLES); /* calib given: nothing is held out */
    assert_false(results->rows[0].has_latency);
    oct_results_free(results);
    const int64_t indices[] = { 0, 1, 2 };
    oct_error err = { 0 };
    oct_compare_options options = { .preprocess = "none" };
    assert_int_equal(oct_data_subset(data, indices, 3, &few, NULL), OCT_OK);
    assert_int_equal(oct_compare(model, few, &options, &results, &err), OCT_E_USAGE);
    assert_null(results);
    assert_non_null(strstr(err.text, "3 samples are too few"));
    oct_data_free(few);
    oct_data_free(data);
    oct_model_free(model);
    unlink(data_path);
}

/* The files of one comparison, given to another: forms read off their types, all counts again. */
static void test_given_files(void **unused)
{
    (void)unused;
    enum { GIVEN = OCT_VARIANTS + 2 };
    char folder[] = "/tmp/octavo_compare_XXXXXX", paths[GIVEN - 1][64];
    const char *given[GIVEN];
    assert_non_null(mkdtemp(folder));
    oct_model *model = classifier();
    oct_data *data = labelled_data(model);
    oct_results *made = compare(
        model, data, (oct_compare_options){ .folder = folder, .calib = data, .bench_seconds = -1 });
    /* After the seven forms a second int8 and a file that is none. */
    for (int i = 0; i < GIVEN - 1; i++) {
        const char *form = i < OCT_VARIANTS ? made->rows[i].form : "int8";
        snprintf(paths[i], sizeof paths[i], "%s/%s.tflite", folder, form);
        given[i] = paths[i];
    }
    given[GIVEN - 1] = data_path;
    oct_results *again = compare(model, data,
        (oct_compare_options){ .given = given, .given_count = GIVEN, .bench_seconds = -1 });
    assert_int_equal(again->row_count, GIVEN);
    for (int i = 0; i < OCT_VARIANTS; i++) {
        assert_string_equal(again->rows[i].form, made->rows[i].form);
        assert_int_equal(again->rows[i].top1, made->rows[i].top1);
        assert_int_equal(again->rows[i].agree, made->rows[i].agree);
        check_file(folder, json_array_get(json_object_get(again->root, "forms"), (size_t)i));
    }
    assert_string_equal(again->rows[OCT_VARIANTS].form, "int8#2");
    assert_int_equal(again->rows[OCT_VARIANTS].agree, again->rows[3].agree);
    assert_string_equal(again->rows[GIVEN - 1].form, "compare.npz");
    assert_false(again->rows[GIVEN - 1].ok);
    oct_results_free(again);
    oct_results_free(made);
    oct_data_free(data);
    oct_model_free(model);
    unlink(data_path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_chosen_forms_and_refusals),
        cmocka_unit_test(test_given_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
