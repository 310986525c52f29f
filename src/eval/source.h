/*
 * Where samples come from, inside the library: image files or arrays, with labels or without.
 */
#ifndef OCT_EVAL_SOURCE_H
#define OCT_EVAL_SOURCE_H

#include "base/arena.h"
#include "base/backing.h"
#include "eval/metrics.h"
#include "eval/npy.h"
#include "eval/preprocess.h"

/* A named array of samples along its first dimension. */
typedef struct oct_named_array {
    const char *name;    /* "x", or the name of a model input */
    oct_array_view view; /* little-endian, C order */
    size_t sample_bytes;
} oct_named_array;

enum { OCT_SOURCE_ARRAYS = 16 };

/* A record of a TFRecord file: its data, their checksum behind them. */
typedef struct oct_example_record {
    const unsigned char *data; /* in a shard */
    size_t size;
    const char *path;
    int64_t offset; /* of the record in its file */
} oct_example_record;

/* All strings live in the arena. Exactly one of files, records, arrays and random describes the
 * samples. */
typedef struct oct_source {
    oct_arena arena;
    int64_t count;
    const char *root;            /* folder of the files */
    const char **files;          /* [count], relative to root */
    oct_example_record *records; /* [count] */
    oct_backing **shards;        /* [shard_count] mapped files that records lie in */
    int32_t shard_count;
    oct_named_array arrays[OCT_SOURCE_ARRAYS];
    int32_t array_count;
    bool random;
    oct_array_view targets; /* y as values; bytes NULL: none */
    int32_t *labels;        /* [count], in the arena; NULL: none */
    int32_t class_count;
    struct {
        int32_t w, h;
    } * sizes;           /* [count] of the pictures that boxes are in */
    oct_true_box *boxes; /* image by image; NULL: none */
    int64_t *box_starts; /* [count + 1]: boxes of image i are box_starts[i] to box_starts[i + 1] */
    int32_t *categories; /* [category_count] ids, ascending */
    int32_t category_count;
    const char **masks;       /* [count], relative to root: the class of every pixel; NULL: none */
    const char **class_names; /* [class_count]; NULL: classes are numbers */
    oct_backing *backing;     /* of a mapped file */
    void *owned[OCT_SOURCE_ARRAYS + 1]; /* heap blocks that arrays point into */
    int32_t owned_count;
} oct_source;

/** Opens DATA without a CHOICE; see octavo/data.h. *source is zeroed before and oct_source_close()d
 * after. */
oct_status oct_source_open(const char *path, oct_source *source, oct_error *err);

/** The same for a folder. */
oct_status oct_source_open_folder(const char *path, oct_source *source, oct_error *err);

/** The file name of a list leads out of the folder it is a list of. */
bool oct_source_leaves_folder(const char *file);

void oct_source_close(oct_source *source);

/** Takes `count` labels from an array of integers [count] or [count][1], or of one-hot rows
 * [count][classes]. */
oct_status oct_source_set_labels(
    oct_source *source, const oct_array_view *view, const char *path, oct_error *err);

/**
 * The value of one sample. input names the model input for .npz with several arrays; NULL: the only
 * one. An image file is decoded into field->owned, everything else is borrowed from the source.
 */
oct_status oct_source_read(const oct_source *source, int64_t index, const char *input,
    oct_sample_value *field, oct_error *err);

/**
 * The bytes of a file or record as they are stored.
 *
 * held  keeps a mapped file: oct_backing_release(); NULL where nothing has to be kept.
 * False for arrays, and where the file cannot be read.
 */
bool oct_source_stored(const oct_source *source, int64_t index, const unsigned char **bytes,
    size_t *size, oct_backing **held);

/* An opened data set: a choice of the samples of a source. */
struct oct_data {
    oct_source own;
    const oct_source *source; /* &own, or the parent's */
    char *spec;
    int64_t *chosen; /* [count] indices into the source; NULL: all */
    struct oct_cache *cache; /* of pictures as inputs; NULL: none */
    bool owns_cache;
    int64_t count;
};

#endif
