/*
 * Data sets and preprocessing: what calibration, evaluation and comparison feed to a model.
 *
 * A data set is opened from one string of the command line and knows nothing of a model; a view
 * joins it with one model's inputs and gives the oct_samples that the rest of the library reads.
 */
#ifndef OCTAVO_DATA_H
#define OCTAVO_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <octavo/error.h>
#include <octavo/model.h>
#include <octavo/samples.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_data oct_data;

/**
 * Opens DATA[:CHOICE].
 *
 * DATA    a folder with one folder per class (sorted names are the classes); a folder of images
 *         with labels.csv ("file,label"); a folder with images/ and masks/ (PNG of the same stem,
 *         the class of every pixel, 255: none); a folder with annotations.json (boxes as COCO writes
 *         them); a folder of images without labels; X.npy; XY.npz (arrays
 *         x and y, or named like the model's inputs); an IDX file, gzipped or not, its labels
 *         beside it; a TFRecord file of tf.train.Example, or a folder of its shards (*-of-*); random:N for N samples of seeded noise. Images are JPEG or PNG. Folders with or without
 *         labels may hold .wav files instead.
 * CHOICE  N (the first N samples), A-B (samples A to B-1), every=K (samples 0, K, 2K, ...);
 *         several may follow each other. A path that exists as written is never split.
 * out     owned by the caller, oct_data_free(); NULL after failure.
 * Errors: OCT_E_INVALID (damaged file, labels that do not fit; names file and sample), OCT_E_USAGE
 * (empty choice), OCT_E_UNSUPPORTED (image kind not built in), OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_data_open(const char *spec, oct_data **out, oct_error *err);

void oct_data_free(oct_data *data);

/**
 * Keeps pictures as they arrive at inputs (decoded, resized, normalised; float32) in a folder, which is
 * made where it is not there, and takes them from it. Found by the bytes of the files, the preprocessing
 * and the input's shape; damaged entries are made anew. The values are the same as without.
 *
 * Subsets made later use it too. Several processes may share a folder. It is never emptied.
 * Errors: OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_data_use_cache(oct_data *data, const char *folder, oct_error *err);

/** Samples, after the choice. */
int64_t oct_data_count(const oct_data *data);

/** The string it was opened with; lives as long as the data set. */
const char *oct_data_spec(const oct_data *data);

/** True for random:N: no statement about accuracy may rest on it. */
bool oct_data_is_random(const oct_data *data);

bool oct_data_has_labels(const oct_data *data);

/** Classes that the labels count: folders, or 1 + the largest label; 0 without labels. */
int32_t oct_data_class_count(const oct_data *data);

/** Name of a class (its folder, or the text in labels.csv); NULL where it has only a number. */
const char *oct_data_class_name(const oct_data *data, int32_t label);

/** Label of a sample, 0 .. class count - 1; -1 without labels. */
int32_t oct_data_label(const oct_data *data, int64_t index);

/** Writes the name of a sample for people ("boots/017.jpg", "sample 17") into text[size], cut when
 * longer; returns text. */
const char *oct_data_sample_name(const oct_data *data, int64_t index, char *text, size_t size);

/**
 * Chosen samples of an open data set: sample i of the subset is sample indices[i] of the parent.
 * The parent must outlive it. indices is copied.
 */
oct_status oct_data_subset(
    const oct_data *parent, const int64_t *indices, int64_t count, oct_data **out, oct_error *err);

/* How an image becomes the value of a model input. */

typedef enum oct_filter {
    OCT_FILTER_BILINEAR, /* half-pixel centres, as tf.image.resize */
    OCT_FILTER_NEAREST,  /* half-pixel centres, as tf.image.resize */
} oct_filter;

/* Pixel x in 0..255 becomes (x / divisor - mean[c]) / std[c] in float32, c counted in the model's
 * order. */
typedef struct oct_preprocess {
    char name[64]; /* "tf", or the JSON file's path: for messages and results */
    oct_filter filter;
    bool antialias;   /* triangle filter whose support grows when making smaller, as Pillow's */
    bool keep_aspect; /* take the largest centred rectangle of the input's shape; else stretch */
    bool bgr;         /* the model wants blue first */
    float crop;       /* side of the centred part used, 0 < crop <= 1 */
    float divisor;
    float mean[4], std[4];
} oct_preprocess;

/**
 * Reads "none", "tf" (x / 127.5 - 1), "unit" (x / 255), these three blue first ("tf-bgr", ...),
 * "torch", "caffe" or the path of a JSON file
 * with any of resize ("bilinear", "nearest"), antialias, keep_aspect, crop, divisor, mean, std,
 * order ("rgb", "bgr"). "auto" is not one of them: see oct_preprocess_find().
 * Errors: OCT_E_USAGE (unknown name), OCT_E_INVALID (JSON, names the key), OCT_E_SYSTEM.
 */
oct_status oct_preprocess_parse(const char *spec, oct_preprocess *out, oct_error *err);

enum { OCT_PREPROCESS_TRIES = 16 };

/* What oct_preprocess_find() found and from what. */
typedef struct oct_preprocess_choice {
    oct_preprocess preprocess;
    int32_t label_offset; /* output index = label + label_offset */
    int64_t samples;      /* labelled samples tried; 0: nothing had to be tried */
    int32_t tries;
    struct {
        char name[64];
        int32_t label_offset;
        int64_t correct;           /* top-1 among samples */
    } tried[OCT_PREPROCESS_TRIES]; /* in the order tried; the winner has the most correct */
    char reason[256]; /* a sentence: "tf: 148 of 200 samples right, next unit with 93" */
} oct_preprocess_choice;

/**
 * --preprocess auto: what the model says (metadata of a .tflite, the range of an integer input),
 * else the common ones tried on up to 200 labelled samples spread evenly over the data; the label
 * offset (1001 classes for 1000 labels) is found the same way. The common ones are tried as they
 * are named.
 *
 * spec   "auto", or any spec of oct_preprocess_parse(), for which only the label offset is sought.
 * model  the float model.
 * Errors: OCT_E_USAGE when nothing says it and there are no labels to try on; those of reading and
 * running.
 */
oct_status oct_preprocess_find(const char *spec, const oct_model *model, const oct_data *data,
    int32_t threads, oct_preprocess_choice *out, oct_error *err);

typedef struct oct_data_view oct_data_view;

/**
 * The samples of `data` as one model's inputs, batch 1: float32 as preprocessed; integer inputs by
 * the input's scale and zero point, rounding half away from zero as TensorFlow Lite's QUANTIZE.
 * Images are cropped, resized and turned to gray or RGB as the input's shape asks. Arrays whose
 * sample has the input's shape are normalised only.
 *
 * data   must outlive the view; the model is not needed after the call.
 * out    owned by the caller, oct_data_view_free(); NULL after failure.
 * Errors: OCT_E_INVALID when the data cannot fit the inputs (names both shapes), OCT_E_MEMORY.
 */
oct_status oct_data_view_create(const oct_data *data, const oct_model *model,
    const oct_preprocess *preprocess, oct_data_view **out, oct_error *err);

/** Lives as long as the view; its read may be called from several threads. */
const oct_samples *oct_data_view_samples(const oct_data_view *view);

void oct_data_view_free(oct_data_view *view);

/**
 * Gives a model whose only input is a vector of open length ([-1], as sound of any duration) the length
 * of the first sample; longer sound is cut, shorter followed by silence.
 *
 * length  the length given; 0: the model has no such input, or the samples are no vectors.
 * Errors: those of reading the sample and of inferring shapes.
 */
oct_status oct_data_fit_length(
    const oct_data *data, oct_model *model, int32_t *length, oct_error *err);

/* Arrays in files. */

/**
 * Writes a C-ordered array as .npy version 1.0 (temporary file, synced, renamed).
 * type  "float32", "int8", "uint8", "int16", "int32" or "int64", little-endian.
 */
oct_status oct_npy_write(const char *path, const char *type, int32_t rank, const int64_t *dims,
    const void *bytes, oct_error *err);

/* One array of an .npz that is written: borrowed for the call. */
typedef struct oct_npz_entry {
    const char *name; /* without ".npy" */
    const char *type;
    int32_t rank;
    int64_t dims[8];
    const void *bytes;
} oct_npz_entry;

/** Writes several arrays as a stored (uncompressed) .npz, as numpy.savez. */
oct_status oct_npz_write(
    const char *path, const oct_npz_entry *entries, int32_t count, oct_error *err);

/* An array read from a file: C order, host byte order. */
typedef struct oct_array {
    char type[12]; /* "float32", "uint8", ... as oct_tensor_info */
    int32_t rank;
    int64_t dims[8];
    void *bytes; /* owned: oct_array_free() */
    size_t size;
} oct_array;

/**
 * Reads one array of a .npy or .npz file; Fortran order and big-endian files are converted.
 *
 * name  entry of an .npz; NULL: the only array, or the array of a .npy. Ignored for .npy.
 * Errors: OCT_E_INVALID (with byte offset), OCT_E_UNSUPPORTED (object or complex types),
 * OCT_E_SYSTEM.
 */
oct_status oct_array_read(const char *path, const char *name, oct_array *out, oct_error *err);

void oct_array_free(oct_array *array);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
