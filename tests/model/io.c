/*
 * Models in and out of files: what is refused and how, and that a saved file is whole or not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "model/model.h"

#define GOLDEN OCT_TESTS_DIR "/golden/ops/"

typedef struct folder {
    char path[64];
    char file[96];
} folder;

static int make_folder(void **state)
{
    static folder f;
    snprintf(f.path, sizeof f.path, "/tmp/octavo-model-XXXXXX");
    assert_non_null(mkdtemp(f.path));
    snprintf(f.file, sizeof f.file, "%s/model.tflite", f.path);
    *state = &f;
    return 0;
}

static int remove_folder(void **state)
{
    folder *f = *state;
    unlink(f->file);
    return rmdir(f->path); /* fails when a temporary file was left behind */
}

static void write_text(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void assert_refused(const char *path, oct_status status, const char *text)
{
    oct_error err = { 0 };
    oct_model *model;
    oct_status got = oct_model_load(path, NULL, &model, &err);
    if (got != status || strstr(err.text, text) == NULL || strstr(err.text, path) == NULL)
        fail_msg("expected status %d and \"%s\", got %d and \"%s\"", (int)status, text, (int)got,
            err.text);
    assert_null(model);
}

static void test_what_is_no_model(void **state)
{
    folder *f = *state;
    char inside[128];
    assert_refused("/no/such/file.tflite", OCT_E_SYSTEM, "cannot open: No such file");
    assert_refused(f->path, OCT_E_INVALID, "a folder; a .tflite, .keras or .h5 file is needed");
    snprintf(inside, sizeof inside, "%s/saved_model.pb", f->path);
    write_text(inside, "x", 1);
    assert_refused(f->path, OCT_E_UNSUPPORTED, "a SavedModel folder; save the Keras model");
    unlink(inside);
    write_text(f->file, "", 0);
    assert_refused(f->file, OCT_E_INVALID, "the file is empty");
    write_text(f->file, "hello, world", 12);
    assert_refused(f->file, OCT_E_INVALID, "it begins with 68 65 6c 6c 6f 2c 20 77");
    write_text(f->file, "\x1f\x8b\x08\0\0\0\0\0", 8);
    assert_refused(f->file, OCT_E_INVALID, "a gzip file: unpack it first");
    write_text(f->file, "PK\3\4 not a model", 16);
    assert_refused(f->file, OCT_E_INVALID, "");
    write_text(f->file, "\x18\0\0\0TFL3\0\0\0\0", 12);
    assert_refused(f->file, OCT_E_INVALID, "reaches past the end of the file (at byte 24)");
}

static oct_model *load(const char *path, const oct_load_options *options)
{
    oct_error err = { 0 };
    oct_model *model;
    if (oct_model_load(path, options, &model, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return model;
}

static char *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* The file, the memory form and a model loaded from either are the same. */
static void test_save_and_serialize(void **state)
{
    folder *f = *state;
    oct_error err = { 0 };
    oct_model *model = load(GOLDEN "CONV_2D__f32__3x3_same_c3_o8.tflite", NULL), *again;
    void *bytes;
    size_t size, saved, file_size;
    assert_string_equal(oct_model_source(model), "tflite");
    assert_int_equal(oct_model_serialize(model, &bytes, &size, &err), OCT_OK);
    assert_int_equal(oct_model_save(model, f->file, &saved, &err), OCT_OK);
    char *from_file = read_all(f->file, &file_size);
    assert_int_equal(size, saved);
    assert_int_equal(size, file_size);
    assert_memory_equal(bytes, from_file, size);
    assert_int_equal(oct_model_load_bytes(bytes, size, "memory", NULL, &again, &err), OCT_OK);
    memset(bytes, 0, size); /* the caller's bytes are not needed any more */
    oct_tensor_info a, b;
    oct_model_input(model, 0, &a);
    oct_model_input(again, 0, &b);
    assert_string_equal(a.name, b.name);
    assert_int_equal(a.rank, b.rank);
    /* Saving over the file a model was read from is safe: the old one stays mapped. */
    oct_model *same = load(f->file, NULL);
    assert_int_equal(oct_model_save(same, f->file, &saved, &err), OCT_OK);
    char *second = read_all(f->file, &file_size);
    assert_int_equal(file_size, size);
    assert_memory_equal(second, from_file, size);
    oct_model_free(same);
    oct_model_free(again);
    oct_model_free(model);
    free(bytes);
    free(from_file);
    free(second);
}

static void test_save_failures(void **state)
{
    folder *f = *state;
    oct_error err = { 0 };
    char inside[128];
    oct_model *model = load(GOLDEN "ABS__f32__4d.tflite", NULL);
    snprintf(inside, sizeof inside, "%s/missing/model.tflite", f->path);
    assert_int_equal(oct_model_save(model, inside, NULL, &err), OCT_E_SYSTEM);
    assert_non_null(strstr(err.text, "No such file or directory"));
    assert_non_null(strstr(err.text, inside));
    /* A folder is in the way: the rename fails and the temporary file goes. */
    assert_int_equal(mkdir(f->file, 0700), 0);
    assert_int_equal(oct_model_save(model, f->file, NULL, &err), OCT_E_SYSTEM);
    assert_int_equal(rmdir(f->file), 0);
    /* An old file survives a failing write. */
    write_text(f->file, "old", 3);
    if (geteuid() != 0) {
        assert_int_equal(chmod(f->path, 0500), 0);
        assert_int_equal(oct_model_save(model, f->file, NULL, &err), OCT_E_SYSTEM);
        assert_int_equal(chmod(f->path, 0700), 0);
    }
    size_t size;
    char *old = read_all(f->file, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(old, "old", 3);
    free(old);
    oct_model_free(model);
}

static void test_batch_and_shapes(void **state)
{
    (void)state;
    oct_tensor_info info;
    oct_load_options options = { .batch = 5 };
    const char *path = GOLDEN "CONV_2D__f32__3x3_same_c3_o8.tflite";
    oct_model *model = load(path, NULL);
    oct_model_input(model, 0, &info);
    int32_t rank = info.rank, h = info.dims[1], w = info.dims[2], c = info.dims[3];
    char name[256];
    snprintf(name, sizeof name, "%s", info.name);
    oct_model_output(model, 0, &info);
    int32_t out_h = info.dims[1];
    oct_model_free(model);

    model = load(path, &options);
    oct_model_input(model, 0, &info);
    assert_int_equal(info.dims[0], 5);
    oct_model_output(model, 0, &info);
    assert_int_equal(info.dims[0], 5);
    assert_int_equal(info.dims[1], out_h);
    oct_model_free(model);

    oct_input_shape shape = { name, rank, { 2, 2 * h, w, c } };
    options = (oct_load_options){ .shapes = &shape, .shape_count = 1 };
    model = load(path, &options);
    oct_model_output(model, 0, &info);
    assert_int_equal(info.dims[0], 2);
    assert_int_equal(info.dims[1], 2 * out_h);
    oct_model_free(model);

    shape.dims[0] = -1;
    model = load(path, &options);
    oct_model_output(model, 0, &info);
    assert_int_equal(info.dims[0], -1);
    oct_model_free(model);
}

static void test_bad_shapes(void **state)
{
    (void)state;
    const char *path = GOLDEN "CONV_2D__f32__3x3_same_c3_o8.tflite";
    const struct {
        oct_input_shape shape;
        int32_t batch;
        oct_status status;
        const char *text;
    } cases[] = {
        { { "nothing", 4, { 1, 2, 3, 4 } }, 0, OCT_E_USAGE, "no input named nothing" },
        { { NULL, 3, { 1, 2, 3 } }, 0, OCT_E_USAGE, "has 4 dimensions, not 3" },
        { { NULL, 4, { 1, 0, 3, 4 } }, 0, OCT_E_USAGE, "dimension 0 cannot be a size" },
        { { NULL, 4, { 1, 8, 8, 77 } }, 0, OCT_E_INVALID, "" },
        { { NULL, 4, { 1, 8, 8, 1 } }, -2, OCT_E_USAGE, "a batch of -2" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        oct_error err = { 0 };
        oct_model *model;
        oct_load_options options = {
            .batch = cases[i].batch, .shapes = &cases[i].shape, .shape_count = 1
        };
        oct_status got = oct_model_load(path, &options, &model, &err);
        if (got != cases[i].status || strstr(err.text, cases[i].text) == NULL)
            fail_msg("case %zu: status %d, \"%s\"", i, (int)got, err.text);
        assert_null(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_no_model, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_save_and_serialize, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_save_failures, make_folder, remove_folder),
        cmocka_unit_test(test_batch_and_shapes),
        cmocka_unit_test(test_bad_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
