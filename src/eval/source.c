/*
 * Opening a source by what it is, and reading one sample of it.
 */
#include "eval/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "eval/idx.h"
#include "eval/image.h"
#include "eval/tfrecord.h"
#include "eval/wav.h"

void oct_source_close(oct_source *source)
{
    for (int32_t i = 0; i < source->owned_count; i++)
        free(source->owned[i]);
    for (int32_t i = 0; i < source->shard_count; i++)
        oct_backing_release(source->shards[i]);
    oct_backing_release(source->backing);
    oct_arena_free(&source->arena);
    *source = (oct_source){ 0 };
}

/* Labels. Class numbers up to here are exact as float32. */

enum { MAX_CLASSES = 1 << 24 };

static oct_status read_label(const oct_array_view *view, int64_t row, int64_t width, float *scratch,
    int64_t *label, oct_error *err)
{
    size_t bytes = (size_t)oct_type_bits(view->type) / 8 * (size_t)width;
    if (!oct_to_float(view->type, view->bytes + (size_t)row * bytes, (size_t)width, scratch))
        return oct_fail(err, OCT_E_INVALID, "labels of type %s", oct_type_name(view->type));
    *label = 0;
    for (int64_t k = 1; k < width; k++)
        if (scratch[k] > scratch[*label])
            *label = k;
    if (width == 1) {
        if (!(scratch[0] >= 0 && scratch[0] < MAX_CLASSES) ||
            scratch[0] != (float)(int32_t)scratch[0])
            return oct_fail(err, OCT_E_INVALID,
                "the label of sample %lld is %g, not a class number", (long long)row,
                (double)scratch[0]);
        *label = (int64_t)scratch[0];
    }
    return OCT_OK;
}

oct_status oct_source_set_labels(
    oct_source *source, const oct_array_view *view, const char *path, oct_error *err)
{
    int64_t width = view->rank == 2 ? view->dims[1] : 1;
    if (view->rank < 1 || view->rank > 2 || view->dims[0] != source->count || width < 1 ||
        width > MAX_CLASSES)
        return oct_fail(err, OCT_E_INVALID, "%s: %lld labels of rank %d for %lld samples", path,
            (long long)(view->rank > 0 ? view->dims[0] : 0), (int)view->rank,
            (long long)source->count);
    source->labels = oct_arena_array(&source->arena, (size_t)source->count, sizeof *source->labels);
    float *scratch = malloc((size_t)width * sizeof *scratch);
    oct_status status =
        source->labels != NULL && scratch != NULL
            ? OCT_OK
            : oct_fail_memory(err, (size_t)source->count * sizeof *source->labels, "labels");
    source->class_count = width > 1 ? (int32_t)width : 0;
    for (int64_t i = 0; i < source->count && status == OCT_OK; i++) {
        int64_t label = 0;
        status =
            oct_error_prefix(err, read_label(view, i, width, scratch, &label, err), "%s", path);
        source->labels[i] = (int32_t)label;
        if (label >= source->class_count)
            source->class_count = (int32_t)label + 1;
    }
    free(scratch);
    return status;
}

static bool is_float(oct_type type)
{
    return type == OCT_FLOAT32 || type == OCT_FLOAT64 || type == OCT_FLOAT16;
}

/* Floats that can be read as labels: class numbers, or rows that are distributions. */
static bool are_labels(const oct_array_view *y)
{
    int64_t width = y->rank == 2 ? y->dims[1] : 1;
    size_t bytes = (size_t)oct_type_bits(y->type) / 8;
    if (y->rank > 2 || width < 1)
        return false;
    for (int64_t i = 0; i < y->dims[0]; i++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            float value = 0;
            oct_to_float(y->type, y->bytes + (size_t)(i * width + k) * bytes, 1, &value);
            if (!(value >= 0 && value < MAX_CLASSES) ||
                (width == 1 && value != (float)(int32_t)value))
                return false;
            sum += (double)value;
        }
        if (width > 1 && !(sum > 0.999 && sum < 1.001))
            return false;
    }
    return true;
}

/* y of an .npz: labels where it can be read so; its values either way. */
static oct_status set_truth(
    oct_source *source, const oct_array_view *y, const char *path, oct_error *err)
{
    bool fits = y->rank >= 1 && y->dims[0] == source->count;
    if (!fits || !is_float(y->type) || are_labels(y))
        OCT_TRY(oct_source_set_labels(source, y, path, err));
    if (y->size > 0)
        source->targets = *y;
    return OCT_OK;
}

/* Arrays. */

static void own(oct_source *source, void *block)
{
    if (block != NULL)
        source->owned[source->owned_count++] = block;
}

/* Views that need reordering are replaced by copies, which the source owns. */
static oct_status straighten(oct_source *source, oct_array_view *view, oct_error *err)
{
    if (!view->big_endian && !view->fortran)
        return OCT_OK;
    oct_array copy;
    OCT_TRY(oct_array_own(view, &copy, err));
    view->bytes = copy.bytes;
    view->big_endian = view->fortran = false;
    own(source, copy.bytes);
    return OCT_OK;
}

static oct_status add_array(oct_source *source, const char *name, const oct_array_view *view,
    const char *path, oct_error *err)
{
    if (view->rank < 1 || view->dims[0] < 1)
        return oct_fail(
            err, OCT_E_INVALID, "%s: an array without samples along its first dimension", path);
    if (source->array_count != 0 && view->dims[0] != source->count)
        return oct_fail(err, OCT_E_INVALID, "%s: array %s has %lld samples, the others %lld", path,
            name, (long long)view->dims[0], (long long)source->count);
    source->count = view->dims[0];
    oct_named_array *array = &source->arrays[source->array_count++];
    *array = (oct_named_array){
        .name = name, .view = *view, .sample_bytes = view->size / (size_t)view->dims[0]
    };
    return name != NULL ? OCT_OK : oct_fail_memory(err, 1, "array name");
}

static oct_status open_npy(const char *path, oct_source *source, oct_error *err)
{
    oct_array_view view;
    OCT_TRY(oct_npy_parse(
        oct_backing_bytes(source->backing), oct_backing_size(source->backing), path, &view, err));
    OCT_TRY(straighten(source, &view, err));
    return add_array(source, "x", &view, path, err);
}

typedef struct npz_reader {
    oct_source *source;
    const char *path;
    oct_array_view labels;
    bool has_labels;
} npz_reader;

static oct_status take_entry(void *user, const oct_zip_entry *entry, oct_error *err)
{
    npz_reader *r = user;
    size_t length = entry->name_length;
    if (length < 4 || memcmp(entry->name + length - 4, ".npy", 4) != 0)
        return OCT_OK;
    /* Each entry owns at most two blocks: inflated bytes and their reordering. */
    if (r->source->owned_count + 2 > OCT_SOURCE_ARRAYS ||
        r->source->array_count == OCT_SOURCE_ARRAYS)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: too many arrays", r->path);
    char *name = oct_arena_text(&r->source->arena, entry->name, length - 4);
    if (name == NULL)
        return oct_fail_memory(err, length, "array name");
    const unsigned char *bytes;
    void *owned;
    OCT_TRY(oct_zip_extract(entry, r->path, &bytes, &owned, err));
    own(r->source, owned);
    oct_array_view view;
    OCT_TRY(
        oct_error_prefix(err, oct_npy_parse(bytes, entry->size, name, &view, err), "%s", r->path));
    OCT_TRY(straighten(r->source, &view, err));
    if (strcmp(name, "y") != 0)
        return add_array(r->source, name, &view, r->path, err);
    r->labels = view;
    r->has_labels = true;
    return OCT_OK;
}

static oct_status open_npz(const char *path, oct_source *source, oct_error *err)
{
    npz_reader r = { .source = source, .path = path };
    OCT_TRY(oct_zip_visit(oct_backing_bytes(source->backing), oct_backing_size(source->backing),
        path, take_entry, &r, err));
    if (source->array_count == 0)
        return oct_fail(err, OCT_E_INVALID, "%s: no array besides y", path);
    return r.has_labels ? set_truth(source, &r.labels, path, err) : OCT_OK;
}

/*
 * "…-images-idx3-ubyte" has its labels in "…-labels-idx1-ubyte", with or without .gz. NULL: another
 * name.
 */
static char *label_path(oct_arena *arena, const char *path)
{
    static const char images[] = "images-idx3";
    const char *slash = strrchr(path, '/');
    const char *at = strstr(slash != NULL ? slash : path, images);
    if (at == NULL)
        return NULL;
    char *label = oct_arena_format(
        arena, "%.*slabels-idx1%s", (int)(at - path), path, at + sizeof images - 1);
    if (label == NULL || access(label, R_OK) == 0)
        return label;
    size_t length = strlen(label);
    bool zipped = length > 3 && strcmp(label + length - 3, ".gz") == 0;
    return zipped ? oct_arena_text(arena, label, length - 3)
                  : oct_arena_format(arena, "%s.gz", label);
}

static oct_status read_idx(const char *path, oct_array *array, oct_array_view *view, oct_error *err)
{
    OCT_TRY(oct_idx_read(path, array, err));
    *view = (oct_array_view){ .rank = array->rank, .bytes = array->bytes, .size = array->size };
    memcpy(view->dims, array->dims, sizeof view->dims);
    return oct_npy_type(array->type, &view->type, err);
}

static oct_status open_idx(const char *path, oct_source *source, oct_error *err)
{
    oct_array array;
    oct_array_view view;
    OCT_TRY(read_idx(path, &array, &view, err));
    own(source, array.bytes);
    OCT_TRY(add_array(source, "x", &view, path, err));
    const char *labels = label_path(&source->arena, path);
    if (labels == NULL || access(labels, R_OK) != 0)
        return OCT_OK;
    OCT_TRY(read_idx(labels, &array, &view, err));
    oct_status status = oct_source_set_labels(source, &view, labels, err);
    oct_array_free(&array);
    return status;
}

static oct_status open_file(const char *path, oct_source *source, oct_error *err)
{
    if (oct_idx_detect(path))
        return open_idx(path, source, err);
    OCT_TRY(oct_backing_map(path, &source->backing, err));
    const unsigned char *bytes = oct_backing_bytes(source->backing);
    size_t size = oct_backing_size(source->backing);
    if (size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0)
        return open_npy(path, source, err);
    if (size >= 4 && memcmp(bytes, "PK", 2) == 0)
        return open_npz(path, source, err);
    if (oct_tfrecord_detect(bytes, size)) {
        const char *kept = oct_arena_text(&source->arena, path, strlen(path));
        return kept == NULL ? oct_fail_memory(err, strlen(path), "file names")
                            : oct_tfrecord_open(source, &kept, 1, err);
    }
    return oct_fail(
        err, OCT_E_INVALID, "%s: not a .npy, .npz, IDX or TFRecord file, nor a folder", path);
}

oct_status oct_source_open(const char *path, oct_source *source, oct_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return oct_fail(err, OCT_E_SYSTEM, "%s: no such file or folder", path);
    return S_ISDIR(info.st_mode) ? oct_source_open_folder(path, source, err)
                                 : open_file(path, source, err);
}

/* Full name of a file; free(). NULL: no memory. */
static char *file_path(const oct_source *source, int64_t index)
{
    size_t size = strlen(source->root) + strlen(source->files[index]) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s/%s", source->root, source->files[index]);
    return path;
}

bool oct_source_stored(const oct_source *source, int64_t index, const unsigned char **bytes,
    size_t *size, oct_backing **held)
{
    *held = NULL;
    if (source->records != NULL) {
        *bytes = source->records[index].data;
        *size = source->records[index].size;
        return true;
    }
    if (source->files == NULL)
        return false;
    char *path = file_path(source, index);
    bool fine = path != NULL && oct_backing_map(path, held, NULL) == OCT_OK;
    free(path);
    if (fine) {
        *bytes = oct_backing_bytes(*held);
        *size = oct_backing_size(*held);
    }
    return fine;
}

static oct_status read_sound(const char *path, oct_sample_value *field, oct_error *err)
{
    oct_sound sound;
    OCT_TRY(oct_wav_read(path, &sound, err));
    *field = (oct_sample_value){ .type = OCT_FLOAT32,
        .rank = 1,
        .dims = { sound.count },
        .bytes = sound.samples,
        .owned = sound.samples,
        .sound = true };
    return OCT_OK;
}

static void set_image(const oct_image *image, oct_sample_value *field)
{
    *field = (oct_sample_value){ .type = OCT_UINT8,
        .rank = image->c == 1 ? 2 : 3,
        .dims = { image->h, image->w, image->c },
        .bytes = image->pixels,
        .owned = image->pixels,
        .damaged = image->damaged };
}

static oct_status read_file(
    const oct_source *source, int64_t index, oct_sample_value *field, oct_error *err)
{
    char *path = file_path(source, index);
    if (path == NULL)
        return oct_fail_memory(err, strlen(source->files[index]), "file name");
    oct_image image = { 0 };
    bool sound = oct_wav_name(path);
    oct_status status = sound ? read_sound(path, field, err) : oct_image_read(path, &image, err);
    if (status == OCT_OK && !sound)
        set_image(&image, field);
    free(path);
    return oct_error_prefix(err, status, "sample %lld", (long long)index);
}

static oct_status read_record(
    const oct_source *source, int64_t index, oct_sample_value *field, oct_error *err)
{
    oct_image image;
    OCT_TRY(oct_tfrecord_read(source, index, &image, err));
    set_image(&image, field);
    return OCT_OK;
}

oct_status oct_source_read(const oct_source *source, int64_t index, const char *input,
    oct_sample_value *field, oct_error *err)
{
    if (source->files != NULL)
        return read_file(source, index, field, err);
    if (source->records != NULL)
        return read_record(source, index, field, err);
    const oct_named_array *array = NULL;
    for (int32_t i = 0; i < source->array_count; i++)
        if (source->array_count == 1 ||
            (input != NULL && strcmp(source->arrays[i].name, input) == 0))
            array = &source->arrays[i];
    if (array == NULL)
        return oct_fail(err, OCT_E_INVALID, "no array named %s", input == NULL ? "x" : input);
    *field = (oct_sample_value){ .type = array->view.type,
        .rank = array->view.rank - 1,
        .bytes = array->view.bytes + (size_t)index * array->sample_bytes };
    for (int32_t i = 0; i < field->rank; i++)
        field->dims[i] = array->view.dims[i + 1];
    return OCT_OK;
}
