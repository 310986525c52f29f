/*
 * Boxes from COCO's JSON. Boxes are kept in the order of their images, and for one image in the
 * order of the file, which decides between equals in the measure.
 */
#include "eval/coco.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

typedef struct image {
    int64_t id;
    const json_t *entry;
} image;

typedef struct reader {
    oct_source *source;
    const char *path;
    image *images; /* [source->count], sorted by id */
} reader;

static oct_status bad_entry(
    const reader *r, const char *list, size_t at, const char *what, oct_error *err)
{
    return oct_fail(err, OCT_E_INVALID, "%s: %s[%zu]: %s", r->path, list, at, what);
}

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const image *)a)->id, y = ((const image *)b)->id;
    return (x > y) - (x < y);
}

static const image *find_image(const reader *r, int64_t id)
{
    const image key = { .id = id };
    return bsearch(&key, r->images, (size_t)r->source->count, sizeof key, by_id);
}

static oct_status sort_images(reader *r, const json_t *list, oct_error *err)
{
    size_t count = json_array_size(list);
    r->source->count = (int64_t)count;
    r->images = malloc(count * sizeof *r->images);
    if (r->images == NULL)
        return oct_fail_memory(err, count * sizeof *r->images, r->path);
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i), *id = json_object_get(entry, "id");
        if (!json_is_integer(id))
            return bad_entry(r, "images", i, "an integer id is expected", err);
        r->images[i] = (image){ json_integer_value(id), entry };
    }
    qsort(r->images, count, sizeof *r->images, by_id);
    for (size_t i = 1; i < count; i++)
        if (r->images[i].id == r->images[i - 1].id)
            return oct_fail(err, OCT_E_INVALID, "%s: two images have the id %lld", r->path,
                (long long)r->images[i].id);
    return OCT_OK;
}

static bool take_side(const json_t *entry, const char *key, int32_t *side)
{
    json_int_t value = json_integer_value(json_object_get(entry, key));
    *side = value > 0 && value < 1 << 20 ? (int32_t)value : 0;
    return *side > 0;
}

/* The file's place under the root. */
static oct_status place_file(const reader *r, const char *name, const char **place, oct_error *err)
{
    oct_arena *arena = &r->source->arena;
    const char *beside = oct_arena_format(arena, "%s/%s", r->source->root, name);
    *place = beside != NULL && access(beside, F_OK) == 0
                 ? oct_arena_text(arena, name, strlen(name))
                 : oct_arena_format(arena, "images/%s", name);
    return *place != NULL && beside != NULL ? OCT_OK
                                            : oct_fail_memory(err, strlen(name), "file names");
}

static oct_status take_images(reader *r, oct_error *err)
{
    oct_source *s = r->source;
    s->files = oct_arena_array(&s->arena, (size_t)s->count, sizeof *s->files);
    s->sizes = oct_arena_array(&s->arena, (size_t)s->count, sizeof *s->sizes);
    if (s->files == NULL || s->sizes == NULL)
        return oct_fail_memory(err, (size_t)s->count * sizeof *s->files, "file names");
    for (int64_t i = 0; i < s->count; i++) {
        const json_t *entry = r->images[i].entry;
        const char *name = json_string_value(json_object_get(entry, "file_name"));
        if (name == NULL || *name == '\0' || oct_source_leaves_folder(name) ||
            !take_side(entry, "width", &s->sizes[i].w) ||
            !take_side(entry, "height", &s->sizes[i].h))
            return oct_fail(err, OCT_E_INVALID,
                "%s: image %lld needs a file_name in the folder, a width and a height", r->path,
                (long long)r->images[i].id);
        OCT_TRY(place_file(r, name, &s->files[i], err));
    }
    return OCT_OK;
}

static bool is_int32(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0 &&
           json_integer_value(value) <= INT32_MAX;
}

static oct_status take_box(
    const reader *r, size_t at, const json_t *entry, oct_true_box *box, oct_error *err)
{
    const json_t *category = json_object_get(entry, "category_id");
    const json_t *sides = json_object_get(entry, "bbox"), *area = json_object_get(entry, "area");
    const json_t *id = json_object_get(entry, "image_id");
    const image *found = json_is_integer(id) ? find_image(r, json_integer_value(id)) : NULL;
    if (found == NULL || !is_int32(category))
        return bad_entry(
            r, "annotations", at, "an image_id of the images and a category_id are expected", err);
    *box = (oct_true_box){ .image = found - r->images,
        .category = (int32_t)json_integer_value(category),
        .crowd = json_integer_value(json_object_get(entry, "iscrowd")) != 0 };
    for (size_t k = 0; k < 4; k++) {
        const json_t *side = json_array_get(sides, k);
        if (!json_is_number(side) || json_array_size(sides) != 4)
            return bad_entry(
                r, "annotations", at, "bbox has to be [left, top, width, height]", err);
        box->box[k] = json_number_value(side);
    }
    box->area = json_is_number(area) ? json_number_value(area) : box->box[2] * box->box[3];
    return OCT_OK;
}

/* Sorts by image by counting, which keeps the order within one. */
static oct_status sort_boxes(oct_source *s, const oct_true_box *boxes, size_t count, oct_error *err)
{
    s->box_starts = oct_arena_array(&s->arena, (size_t)s->count + 1, sizeof *s->box_starts);
    s->boxes = oct_arena_array(&s->arena, count, sizeof *s->boxes);
    int64_t *next = calloc((size_t)s->count + 1, sizeof *next);
    if (s->box_starts == NULL || s->boxes == NULL || next == NULL) {
        free(next);
        return oct_fail_memory(err, count * sizeof *boxes, "boxes");
    }
    for (size_t i = 0; i < count; i++)
        s->box_starts[boxes[i].image + 1]++;
    for (int64_t i = 0; i < s->count; i++)
        s->box_starts[i + 1] += s->box_starts[i];
    memcpy(next, s->box_starts, ((size_t)s->count + 1) * sizeof *next);
    for (size_t i = 0; i < count; i++)
        s->boxes[next[boxes[i].image]++] = boxes[i];
    free(next);
    return OCT_OK;
}

static oct_status take_boxes(reader *r, const json_t *list, oct_error *err)
{
    size_t count = json_array_size(list);
    oct_true_box *boxes = malloc(count * sizeof *boxes + 1);
    oct_status status =
        boxes == NULL ? oct_fail_memory(err, count * sizeof *boxes, r->path) : OCT_OK;
    for (size_t i = 0; i < count && status == OCT_OK; i++)
        status = take_box(r, i, json_array_get(list, i), &boxes[i], err);
    if (status == OCT_OK)
        status = sort_boxes(r->source, boxes, count, err);
    free(boxes);
    return status;
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static oct_status take_categories(reader *r, const json_t *list, oct_error *err)
{
    oct_source *s = r->source;
    size_t count = json_array_size(list);
    s->categories = oct_arena_array(&s->arena, count, sizeof *s->categories);
    if (s->categories == NULL)
        return oct_fail_memory(err, count * sizeof *s->categories, r->path);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_object_get(json_array_get(list, i), "id");
        if (!is_int32(id))
            return bad_entry(r, "categories", i, "an integer id is expected", err);
        s->categories[i] = (int32_t)json_integer_value(id);
    }
    qsort(s->categories, count, sizeof *s->categories, ascending);
    s->category_count = (int32_t)count;
    return OCT_OK;
}

static oct_status take(reader *r, const json_t *root, oct_error *err)
{
    const json_t *images = json_object_get(root, "images");
    const json_t *annotations = json_object_get(root, "annotations");
    const json_t *categories = json_object_get(root, "categories");
    if (!json_is_array(images) || !json_is_array(annotations) || !json_is_array(categories) ||
        json_array_size(images) == 0 || json_array_size(categories) == 0)
        return oct_fail(err, OCT_E_INVALID,
            "%s: lists images, annotations and categories are expected", r->path);
    OCT_TRY(sort_images(r, images, err));
    OCT_TRY(take_images(r, err));
    OCT_TRY(take_categories(r, categories, err));
    return take_boxes(r, annotations, err);
}

oct_status oct_coco_open(oct_source *source, const char *path, oct_error *err)
{
    json_error_t where;
    json_t *root = json_load_file(path, 0, &where);
    if (root == NULL)
        return oct_fail(err, OCT_E_INVALID, "%s: %s (line %d)", path, where.text, where.line);
    reader r = { .source = source, .path = path };
    oct_status status = take(&r, root, err);
    free(r.images);
    json_decref(root);
    return status;
}
