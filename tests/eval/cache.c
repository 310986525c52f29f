/*
 * Pictures from the cache are the pictures without it, whatever happened to the folder.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>
#include <cmocka.h>

#include <octavo/data.h>
#include "eval/cache.h"
#include "exec/build.h"
#include "model/model.h"

#define FOLDER OCT_WORK_DIR "/cache_test"
#define PICTURES OCT_TESTS_DIR "/eval/files/classes"

enum { SIDE = 6, VALUES = SIDE * SIDE * 3, PICTURE_COUNT = 4 };

static oct_model *image_model(void)
{
    builder b = build_begin();
    const int32_t dims[] = { 1, SIDE, SIDE, 3 };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 4, dims);
    build_end(&b, x, x);
    oct_model *model;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

/* All pictures as inputs, with a cache or with folder NULL without. */
static void read_all(const char *folder, const char *how, float values[PICTURE_COUNT][VALUES])
{
    oct_data *data, *part;
    oct_data_view *view;
    oct_preprocess p;
    oct_error err = { 0 };
    oct_model *model = image_model();
    const int64_t order[PICTURE_COUNT] = { 0, 1, 2, 3 };
    assert_int_equal(oct_data_open(PICTURES, &data, NULL), OCT_OK);
    assert_int_equal(oct_data_count(data), PICTURE_COUNT);
    if (folder != NULL && oct_data_use_cache(data, folder, &err) != OCT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(oct_data_subset(data, order, PICTURE_COUNT, &part, NULL), OCT_OK);
    assert_int_equal(oct_preprocess_parse(how, &p, NULL), OCT_OK);
    assert_int_equal(oct_data_view_create(part, model, &p, &view, NULL), OCT_OK);
    const oct_samples *samples = oct_data_view_samples(view);
    for (int i = 0; i < PICTURE_COUNT; i++)
        if (samples->read(samples->user, i, 0, values[i], sizeof values[i], &err) != OCT_OK)
            fail_msg("%s", err.text);
    oct_data_view_free(view);
    oct_data_free(part);
    oct_data_free(data);
    oct_model_free(model);
}

static void same_with_cache(const char *folder, const char *how)
{
    float want[PICTURE_COUNT][VALUES], got[PICTURE_COUNT][VALUES];
    read_all(NULL, how, want);
    read_all(folder, how, got);
    assert_memory_equal(want, got, sizeof want);
}

/* Calls visit for every entry; returns how many there are. */
static int each_entry(void (*visit)(const char *path))
{
    int count = 0;
    for (int i = 0; i < 256; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%02x", FOLDER, (unsigned)i);
        DIR *dir = opendir(path);
        struct dirent *entry;
        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%02x/%s", FOLDER, (unsigned)i, entry->d_name);
            count++;
            if (visit != NULL)
                visit(path);
        }
        if (dir != NULL)
            closedir(dir);
    }
    return count;
}

static void forget(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void cut(const char *path)
{
    assert_int_equal(truncate(path, 100), 0);
}

/* A value in the middle changes; magic word, count and length stay. */
static void change(const char *path)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 24 + VALUES * 2, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, 24 + VALUES * 2, SEEK_SET);
    fputc(byte ^ 16, file);
    fclose(file);
}

/* That entries are used at all: one with other values and their hash is believed. */
static void test_entries_are_used(void **unused)
{
    (void)unused;
    float values[PICTURE_COUNT][VALUES], seen[PICTURE_COUNT][VALUES];
    each_entry(forget);
    read_all(FOLDER, "tf", values);
    assert_int_equal(each_entry(NULL), PICTURE_COUNT);
    each_entry(forget);
    oct_cache *cache;
    oct_preprocess tf;
    char name[65], path[1024];
    unsigned char bytes[65536];
    oct_preprocess_parse("tf", &tf, NULL);
    assert_int_equal(oct_cache_open(FOLDER, &cache, NULL), OCT_OK);
    snprintf(path, sizeof path, "%s/shirt/b.jpg", PICTURES);
    FILE *file = fopen(path, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    oct_cache_name(bytes, size, &tf, SIDE, SIDE, 3, name);
    assert_false(oct_cache_get(cache, name, seen[0], VALUES));
    for (int i = 0; i < VALUES; i++)
        seen[0][i] = (float)i;
    oct_cache_put(cache, name, seen[0], VALUES);
    assert_false(oct_cache_get(cache, name, seen[1], VALUES - 1));
    assert_true(oct_cache_get(cache, name, seen[1], VALUES));
    assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    oct_cache_close(cache);
    read_all(FOLDER, "tf", values);
    assert_memory_equal(values[2], seen[0], sizeof seen[0]);
}

static void test_same_values(void **unused)
{
    (void)unused;
    each_entry(forget);
    same_with_cache(FOLDER, "tf");
    same_with_cache(FOLDER, "tf");
    assert_int_equal(each_entry(NULL), PICTURE_COUNT);
    same_with_cache(FOLDER, "caffe");
    same_with_cache(FOLDER, "tf-bgr");
    assert_int_equal(each_entry(NULL), 3 * PICTURE_COUNT);
    each_entry(change);
    same_with_cache(FOLDER, "tf");
    each_entry(cut);
    same_with_cache(FOLDER, "caffe");
    same_with_cache(FOLDER, "tf");
    same_with_cache(FOLDER, "tf");
}

static void test_folders(void **unused)
{
    (void)unused;
    oct_cache *cache;
    const char *left = FOLDER "/part.abcdef", *fresh = FOLDER "/part.ghijkl";
    const struct utimbuf old = { 1000000, 1000000 };
    mkdir(FOLDER, 0777);
    fclose(fopen(left, "w"));
    fclose(fopen(fresh, "w"));
    utime(left, &old);
    assert_int_equal(oct_cache_open(FOLDER, &cache, NULL), OCT_OK);
    assert_int_not_equal(access(left, F_OK), 0);  /* of a process killed long ago */
    assert_int_equal(access(fresh, F_OK), 0); /* of one that may be at work */
    unlink(fresh);
    oct_cache_close(cache);
    assert_int_equal(oct_cache_open(PICTURES "/boot/none/such", &cache, NULL), OCT_E_SYSTEM);
    assert_int_equal(oct_cache_open(PICTURES "/shirt/b.jpg", &cache, NULL), OCT_E_SYSTEM);
    /* Nothing can be kept there, which is no reason to fail. */
    same_with_cache("/proc/self/task", "tf");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_entries_are_used),
        cmocka_unit_test(test_same_values), cmocka_unit_test(test_folders) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
