/*
 * Folders of images or sound: one folder per class, or labels.csv, or masks, or boxes, or TFRecord
 * shards, or no labels. Names are sorted by their bytes, so that the order of samples and classes
 * does not depend on the file system.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "eval/coco.h"
#include "eval/image.h"
#include "eval/source.h"
#include "eval/tfrecord.h"
#include "eval/wav.h"

/* A growing list of arena strings. */
typedef struct names {
    const char **items;
    size_t count, capacity;
} names;

static oct_status push(names *list, const char *text, oct_error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        const char **items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return oct_fail_memory(err, capacity * sizeof *items, "file names");
        list->items = items;
        list->capacity = capacity;
    }
    if (text == NULL)
        return oct_fail_memory(err, 256, "file names");
    list->items[list->count++] = text;
    return OCT_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(names *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, by_bytes);
}

/* Lists what a folder has of one kind: folders (wanted NULL), or files whose names are wanted.
 * Hidden names are left out. */
static oct_status list_folder(oct_arena *arena, const char *path, bool (*wanted)(const char *name),
    names *list, oct_error *err)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return oct_fail(err, OCT_E_SYSTEM, "%s: cannot open the folder: %s", path, strerror(errno));
    oct_status status = OCT_OK;
    struct dirent *entry;
    while (status == OCT_OK && (entry = readdir(dir)) != NULL) {
        struct stat info;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &info, 0) != 0)
            continue;
        if (wanted == NULL ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode) && wanted(entry->d_name))
            status = push(list, oct_arena_text(arena, entry->d_name, strlen(entry->d_name)), err);
    }
    closedir(dir);
    sort(list);
    return status;
}

static oct_status keep_files(oct_source *source, const names *files, oct_error *err)
{
    source->count = (int64_t)files->count;
    source->files = oct_arena_array(&source->arena, files->count, sizeof *source->files);
    if (source->files == NULL)
        return oct_fail_memory(err, files->count * sizeof *source->files, "file names");
    if (files->count != 0)
        memcpy(source->files, files->items, files->count * sizeof *source->files);
    return OCT_OK;
}

static oct_status make_labels(oct_source *source, size_t count, oct_error *err)
{
    source->labels = oct_arena_array(&source->arena, count, sizeof *source->labels);
    return source->labels != NULL ? OCT_OK
                                  : oct_fail_memory(err, count * sizeof(int32_t), "labels");
}

static oct_status keep_class_names(oct_source *source, const names *classes, oct_error *err)
{
    source->class_count = (int32_t)classes->count;
    source->class_names =
        oct_arena_array(&source->arena, classes->count, sizeof *source->class_names);
    if (source->class_names == NULL)
        return oct_fail_memory(err, classes->count * sizeof(char *), "class names");
    memcpy(source->class_names, classes->items, classes->count * sizeof *classes->items);
    return OCT_OK;
}

static bool sample_name(const char *name)
{
    return oct_image_name(name) || oct_wav_name(name);
}

/* Appends CLASS/FILE for the files of one class. */
static oct_status list_class(oct_source *source, const char *name, names *files, oct_error *err)
{
    names images = { 0 };
    char *path = oct_arena_format(&source->arena, "%s/%s", source->root, name);
    oct_status status = path == NULL ? oct_fail_memory(err, strlen(name), "file names")
                                     : list_folder(&source->arena, path, sample_name, &images, err);
    for (size_t i = 0; i < images.count && status == OCT_OK; i++)
        status = push(files, oct_arena_format(&source->arena, "%s/%s", name, images.items[i]), err);
    free(images.items);
    return status;
}

static oct_status open_classes(
    oct_source *source, const names *classes, names *files, oct_error *err)
{
    for (size_t i = 0; i < classes->count; i++)
        OCT_TRY(list_class(source, classes->items[i], files, err));
    OCT_TRY(keep_files(source, files, err));
    OCT_TRY(make_labels(source, files->count, err));
    OCT_TRY(keep_class_names(source, classes, err));
    int32_t label = 0;
    for (size_t i = 0; i < files->count; i++) {
        size_t length = (size_t)(strchr(files->items[i], '/') - files->items[i]);
        while (strlen(classes->items[label]) != length ||
               memcmp(files->items[i], classes->items[label], length) != 0)
            label++;
        source->labels[i] = label;
    }
    return OCT_OK;
}

/* Splits "file,label" in place; quotes around either are taken off. */
static bool split_line(char *line, char **file, char **label)
{
    line[strcspn(line, "\r\n")] = 0;
    char *comma = strrchr(line, ',');
    if (comma == NULL)
        return false;
    *comma = 0;
    char *part[2] = { line, comma + 1 };
    for (int i = 0; i < 2; i++) {
        part[i] += strspn(part[i], " \t\"");
        size_t length = strlen(part[i]);
        while (length > 0 && strchr(" \t\"", part[i][length - 1]) != NULL)
            part[i][--length] = 0;
        if (length == 0)
            return false;
    }
    *file = part[0];
    *label = part[1];
    return true;
}

bool oct_source_leaves_folder(const char *file)
{
    return file[0] == '/' || strcmp(file, "..") == 0 || strncmp(file, "../", 3) == 0 ||
           strstr(file, "/../") != NULL;
}

static oct_status read_csv_lines(
    oct_source *source, FILE *csv, names *files, names *labels, oct_error *err)
{
    char *line = NULL;
    size_t capacity = 0;
    oct_status status = OCT_OK;
    for (int number = 1; status == OCT_OK && getline(&line, &capacity, csv) > 0; number++) {
        char *file, *label;
        if (line[strspn(line, " \t\r\n")] == 0)
            continue;
        if (!split_line(line, &file, &label) || oct_source_leaves_folder(file)) {
            status = oct_fail(err, OCT_E_INVALID, "%s/labels.csv: line %d is not \"file,label\"",
                source->root, number);
            break;
        }
        if (number == 1 && strcmp(file, "file") == 0 && strcmp(label, "label") == 0)
            continue;
        status = push(files, oct_arena_text(&source->arena, file, strlen(file)), err);
        if (status == OCT_OK)
            status = push(labels, oct_arena_text(&source->arena, label, strlen(label)), err);
    }
    free(line);
    return status;
}

/* The number a label is, or -1. */
static int32_t label_number(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    return errno == 0 && *end == 0 && value >= 0 && value < 1 << 24 ? (int32_t)value : -1;
}

/* Labels that are all numbers stand for themselves; others count as sorted names. */
static oct_status set_csv_labels(oct_source *source, const names *labels, oct_error *err)
{
    OCT_TRY(make_labels(source, labels->count, err));
    bool numbers = true;
    for (size_t i = 0; i < labels->count; i++) {
        source->labels[i] = label_number(labels->items[i]);
        numbers = numbers && source->labels[i] >= 0;
        if (source->labels[i] >= source->class_count)
            source->class_count = source->labels[i] + 1;
    }
    if (numbers)
        return OCT_OK;
    names classes = { 0 };
    oct_status status = OCT_OK;
    for (size_t i = 0; i < labels->count && status == OCT_OK; i++)
        status = push(&classes, labels->items[i], err);
    sort(&classes);
    size_t unique = 0;
    for (size_t i = 0; i < classes.count; i++)
        if (i == 0 || strcmp(classes.items[i], classes.items[unique - 1]) != 0)
            classes.items[unique++] = classes.items[i];
    classes.count = unique;
    if (status == OCT_OK)
        status = keep_class_names(source, &classes, err);
    for (size_t i = 0; i < labels->count && status == OCT_OK; i++) {
        const char **found = bsearch(
            &labels->items[i], classes.items, classes.count, sizeof *classes.items, by_bytes);
        source->labels[i] = (int32_t)(found - classes.items);
    }
    free(classes.items);
    return status;
}

static oct_status open_csv(oct_source *source, FILE *csv, oct_error *err)
{
    names files = { 0 }, labels = { 0 };
    oct_status status = read_csv_lines(source, csv, &files, &labels, err);
    if (status == OCT_OK)
        status = keep_files(source, &files, err);
    if (status == OCT_OK)
        status = set_csv_labels(source, &labels, err);
    free(files.items);
    free(labels.items);
    return status;
}

/* The names of images/, and of masks/ those with the same stem. */
static oct_status pair_masks(
    oct_source *source, const names *images, const names *masks, const char **files, oct_error *err)
{
    for (size_t i = 0; i < images->count; i++) {
        const char *name = images->items[i];
        int stem = (int)(strrchr(name, '.') - name);
        char *mask = oct_arena_format(&source->arena, "%.*s.png", stem, name);
        if (mask == NULL)
            return oct_fail_memory(err, strlen(name), "file names");
        if (bsearch(&mask, masks->items, masks->count, sizeof *masks->items, by_bytes) == NULL)
            return oct_fail(
                err, OCT_E_INVALID, "%s/images/%s has no masks/%s", source->root, name, mask);
        files[i] = oct_arena_format(&source->arena, "images/%s", name);
        source->masks[i] = oct_arena_format(&source->arena, "masks/%s", mask);
        if (files[i] == NULL || source->masks[i] == NULL)
            return oct_fail_memory(err, strlen(name), "file names");
    }
    source->files = files;
    source->count = (int64_t)images->count;
    return OCT_OK;
}

/* Takes images/ and masks/; *found says whether they are there. */
static oct_status open_masks(oct_source *source, bool *found, oct_error *err)
{
    const char *root = source->root;
    char *image_path = oct_arena_format(&source->arena, "%s/images", root);
    char *mask_path = oct_arena_format(&source->arena, "%s/masks", root);
    if (image_path == NULL || mask_path == NULL)
        return oct_fail_memory(err, strlen(root), "file names");
    *found = access(image_path, R_OK) == 0 && access(mask_path, R_OK) == 0;
    if (!*found)
        return OCT_OK;
    names images = { 0 }, masks = { 0 };
    oct_status status = list_folder(&source->arena, image_path, oct_image_name, &images, err);
    if (status == OCT_OK)
        status = list_folder(&source->arena, mask_path, oct_image_name, &masks, err);
    const char **files = oct_arena_array(&source->arena, images.count, sizeof *files);
    source->masks = oct_arena_array(&source->arena, images.count, sizeof *source->masks);
    if (status == OCT_OK && (files == NULL || source->masks == NULL))
        status = oct_fail_memory(err, images.count * sizeof *files, "file names");
    if (status == OCT_OK)
        status = pair_masks(source, &images, &masks, files, err);
    free(images.items);
    free(masks.items);
    return status;
}

static oct_status open_plain(oct_source *source, oct_error *err)
{
    names classes = { 0 }, files = { 0 }, shards = { 0 };
    oct_status status = list_folder(&source->arena, source->root, sample_name, &files, err);
    if (status == OCT_OK)
        status = list_folder(&source->arena, source->root, oct_tfrecord_is_shard, &shards, err);
    if (status == OCT_OK)
        status = list_folder(&source->arena, source->root, NULL, &classes, err);
    if (status == OCT_OK && shards.count != 0) {
        status = oct_tfrecord_open_shards(source, shards.items, (int32_t)shards.count, err);
    } else if (status == OCT_OK && files.count != 0) {
        status = keep_files(source, &files, err);
    } else if (status == OCT_OK && classes.count != 0) {
        status = open_classes(source, &classes, &files, err);
    }
    free(files.items);
    free(classes.items);
    free(shards.items);
    return status;
}

oct_status oct_source_open_folder(const char *path, oct_source *source, oct_error *err)
{
    source->root = oct_arena_text(&source->arena, path, strlen(path));
    char *csv_path = oct_arena_format(&source->arena, "%s/labels.csv", path);
    char *coco_path = oct_arena_format(&source->arena, "%s/annotations.json", path);
    if (source->root == NULL || csv_path == NULL || coco_path == NULL)
        return oct_fail_memory(err, strlen(path), "file names");
    if (access(coco_path, F_OK) == 0)
        return oct_coco_open(source, coco_path, err);
    FILE *csv = fopen(csv_path, "r");
    if (csv != NULL) {
        oct_status status = open_csv(source, csv, err);
        fclose(csv);
        OCT_TRY(status);
    } else {
        bool masks;
        OCT_TRY(open_masks(source, &masks, err));
        if (!masks)
            OCT_TRY(open_plain(source, err));
    }
    if (source->count == 0)
        return oct_fail(err, OCT_E_INVALID,
            "%s: no .jpg, .jpeg or .png images and no .wav files in this folder", path);
    return OCT_OK;
}
