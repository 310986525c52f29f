/*
 * Accuracy on the device: inputs are prepared here, in pieces of some samples, and run there through every
 * model; the outputs that come back are played to the host's evaluation.
 *
 * All models see a piece before the next one is sent, so that what a lost connection leaves is a complete
 * comparison of fewer samples.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "device/device.h"
#include "device/replay.h"
#include "eval/npy.h"
#include "eval/view.h"
#include "model/model.h"

enum {
    MAX_MODELS = 64,
    MAX_INPUTS = 16,
    MAX_OUTPUTS = 16,
    PIECES = 8,
    MIN_PIECE = 64,
    MAX_BYTES = 32 << 20,
    KEEP_BYTES = 64 << 20
};

/* One model: what it takes, what it answers. */
typedef struct subject {
    const oct_model *model;
    oct_data_view *view;
    bool derives; /* its inputs are made from the first model's */
    char name[OCT_DEVICE_NAME];
    int32_t inputs, outputs;
    bool fixed_batch; /* larger than one in the file */
    oct_replay replay;
} subject;

typedef struct job {
    oct_device *d;
    const oct_eval_options *options;
    subject subjects[MAX_MODELS];
    int32_t model_count;
    int64_t samples, done;
    float *first[MAX_INPUTS]; /* [piece] inputs of the first model, while a piece is prepared */
    int64_t piece;            /* samples */
    /* Files of the piece on the device: float32 inputs, which models share; all of them. */
    char shared[MAX_INPUTS][OCT_DEVICE_NAME];
    char files[MAX_MODELS * MAX_INPUTS][OCT_DEVICE_NAME];
    int32_t file_count;
    int64_t sent_bytes; /* of all pieces */
} job;

/* Preparing. */

static oct_status open_subject(
    job *j, int32_t m, const oct_data *data, const oct_preprocess *preprocess, oct_error *err)
{
    subject *s = &j->subjects[m];
    oct_tensor_info info;
    s->inputs = oct_model_input_count(s->model);
    s->outputs = oct_model_output_count(s->model);
    if (s->inputs > MAX_INPUTS || s->outputs > MAX_OUTPUTS || s->outputs < 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "model %d has %d inputs and %d outputs", (int)m,
            (int)s->inputs, (int)s->outputs);
    oct_replay_init(&s->replay, s->outputs);
    for (int32_t i = 0; i < s->inputs; i++) {
        oct_model_input(s->model, i, &info);
        s->fixed_batch = s->fixed_batch || (oct_input_has_batch(s->model->graph->subgraphs[0], i) &&
                                               info.dims[0] > 1);
    }
    OCT_TRY(oct_data_view_create(data, s->model, preprocess, &s->view, err));
    s->derives = oct_view_derives(s->view, j->subjects[0].view);
    return oct_device_store_model(j->d, s->model, s->name, err);
}

static size_t output_bytes(const oct_model *model, int32_t index)
{
    oct_tensor_info info;
    oct_type type;
    oct_model_output(model, index, &info);
    size_t bytes =
        oct_npy_type(info.type, &type, NULL) == OCT_OK ? (size_t)oct_type_bits(type) / 8 : 8;
    for (int32_t i = 1; i < info.rank; i++)
        bytes *= info.dims[i] > 1 ? (size_t)info.dims[i] : 1;
    return bytes;
}

/* As many samples as keep the largest file within bounds and the pieces few. */
static void choose_piece(job *j)
{
    size_t largest = 1;
    for (int32_t m = 0; m < j->model_count; m++) {
        const subject *s = &j->subjects[m];
        for (int32_t i = 0; i < s->inputs; i++)
            if (oct_view_input_bytes(s->view, i) > largest)
                largest = oct_view_input_bytes(s->view, i);
        for (int32_t i = 0; i < s->outputs; i++)
            if (output_bytes(s->model, i) > largest)
                largest = output_bytes(s->model, i);
    }
    int64_t fit = (int64_t)(MAX_BYTES / largest), few = (j->samples + PIECES - 1) / PIECES;
    j->piece = few > MIN_PIECE ? few : MIN_PIECE;
    j->piece = j->piece < fit ? j->piece : fit;
    if (j->piece < 1)
        j->piece = 1;
}

static oct_status open_subjects(
    job *j, const oct_data *data, const oct_preprocess *preprocess, oct_error *err)
{
    for (int32_t m = 0; m < j->model_count; m++)
        OCT_TRY(open_subject(j, m, data, preprocess, err));
    choose_piece(j);
    const subject *s = &j->subjects[0];
    for (int32_t i = 0; i < s->inputs && s->derives; i++) {
        size_t bytes = oct_view_input_bytes(s->view, i) * (size_t)j->piece;
        j->first[i] = malloc(bytes);
        if (j->first[i] == NULL)
            return oct_fail_memory(err, bytes, "inputs");
    }
    return OCT_OK;
}

/* A piece. */

static oct_status read_first(job *j, int64_t begin, int64_t count, oct_error *err)
{
    const subject *s = &j->subjects[0];
    const oct_samples *samples = oct_data_view_samples(s->view);
    for (int32_t i = 0; i < s->inputs && s->derives; i++) {
        size_t bytes = oct_view_input_bytes(s->view, i);
        for (int64_t k = 0; k < count; k++)
            OCT_TRY(samples->read(
                samples->user, begin + k, i, (char *)j->first[i] + (size_t)k * bytes, bytes, err));
    }
    return OCT_OK;
}

/* Input `index` of a model for samples begin … as one .npy image; *bytes is the caller's, free(). */
static oct_status make_input(const job *j, const subject *s, int32_t index, int64_t begin,
    int64_t count, void **bytes, size_t *size, oct_error *err)
{
    oct_tensor_info info;
    oct_type type;
    oct_model_input(s->model, index, &info);
    OCT_TRY(oct_npy_type(info.type, &type, err));
    int64_t dims[OCT_ARRAY_MAX_RANK] = { count };
    if (info.rank + 1 > OCT_ARRAY_MAX_RANK)
        return oct_fail(
            err, OCT_E_UNSUPPORTED, "input %s has %d dimensions", info.name, (int)info.rank);
    for (int32_t i = 0; i < info.rank; i++)
        dims[i + 1] = i == 0 || info.dims[i] < 1 ? 1 : info.dims[i];
    char header[OCT_NPY_HEADER];
    size_t head = oct_npy_header(type, info.rank + 1, dims, header);
    size_t one = oct_view_input_bytes(s->view, index), first = 0;
    if (s->derives)
        first = oct_view_input_bytes(j->subjects[0].view, index);
    *size = head + one * (size_t)count;
    char *to = *bytes = malloc(*size);
    if (to == NULL)
        return oct_fail_memory(err, *size, "inputs");
    memcpy(to, header, head);
    const oct_samples *samples = oct_data_view_samples(s->view);
    for (int64_t k = 0; k < count; k++) {
        char *at = to + head + (size_t)k * one;
        if (s->derives)
            oct_view_derive(s->view, index,
                (const float *)(const void *)((const char *)j->first[index] + (size_t)k * first),
                at);
        else
            OCT_TRY(samples->read(samples->user, begin + k, index, at, one, err));
    }
    return OCT_OK;
}

/* Input `index` of a model as a file on the device, made and sent unless another model has it. */
static oct_status send_input(job *j, const subject *s, int32_t index, int64_t begin, int64_t count,
    char file[OCT_DEVICE_NAME], oct_error *err)
{
    oct_tensor_info info;
    oct_model_input(s->model, index, &info);
    bool shares = s->derives && strcmp(info.type, "float32") == 0;
    if (shares && j->shared[index][0] != 0) {
        memcpy(file, j->shared[index], OCT_DEVICE_NAME);
        return OCT_OK;
    }
    void *bytes = NULL;
    size_t length;
    oct_status status = make_input(j, s, index, begin, count, &bytes, &length, err);
    if (status == OCT_OK)
        status = oct_device_store(j->d, bytes, length, ".npy", file, err);
    free(bytes);
    OCT_TRY(status);
    if (shares)
        memcpy(j->shared[index], file, OCT_DEVICE_NAME);
    memcpy(j->files[j->file_count++], file, OCT_DEVICE_NAME);
    j->sent_bytes += (int64_t)length;
    return OCT_OK;
}

/* The next run finds small data; large ones would fill the device. */
static oct_status forget_piece(job *j, oct_error *err)
{
    if (j->sent_bytes > KEEP_BYTES)
        for (int32_t i = 0; i < j->file_count; i++)
            OCT_TRY(oct_device_remove(j->d, j->files[i], err));
    j->file_count = 0;
    memset(j->shared, 0, sizeof j->shared);
    return OCT_OK;
}

/* " -i 'NAME=FILE'" for every input, appended to words[size]. */
static oct_status send_inputs(job *j, const subject *s, int64_t begin, int64_t count, char *words,
    size_t size, oct_error *err)
{
    for (int32_t i = 0; i < s->inputs; i++) {
        size_t at = strlen(words);
        char file[OCT_DEVICE_NAME], word[512];
        oct_tensor_info info;
        oct_model_input(s->model, i, &info);
        OCT_TRY(send_input(j, s, i, begin, count, file, err));
        snprintf(word, sizeof word, "%s%s%s", s->inputs > 1 ? info.name : "",
            s->inputs > 1 ? "=" : "", file);
        at += (size_t)snprintf(words + at, size - at, " -i ");
        if (!oct_device_quote(word, words + at, size - at))
            return oct_fail(err, OCT_E_UNSUPPORTED, "the names of the inputs are too long");
    }
    return OCT_OK;
}

static oct_status read_outputs(
    const subject *s, const char *path, int64_t count, oct_array **out, oct_error *err)
{
    oct_array *arrays = calloc((size_t)s->outputs, sizeof *arrays);
    *out = arrays;
    if (arrays == NULL)
        return oct_fail_memory(err, (size_t)s->outputs * sizeof *arrays, "outputs");
    for (int32_t i = 0; i < s->outputs; i++) {
        oct_tensor_info info;
        oct_model_output(s->model, i, &info);
        OCT_TRY(oct_array_read(path, s->outputs > 1 ? info.name : NULL, &arrays[i], err));
        if (arrays[i].size != (size_t)count * output_bytes(s->model, i))
            return oct_fail(err, OCT_E_SYSTEM, "%lld outputs %s are expected, %zu bytes came back",
                (long long)count, info.name, arrays[i].size);
    }
    return OCT_OK;
}

static oct_status run_piece(job *j, subject *s, int64_t begin, int64_t count, oct_error *err)
{
    char words[4096], path[4096];
    const char *answer = s->outputs > 1 ? "run/y.npz" : "run/y.npy";
    int threads = (int)(j->options->threads > 0 ? j->options->threads : 1);
    snprintf(words, sizeof words, "run --quiet %s -o %s --threads %d --kernels %s%s%s%s", s->name,
        answer, threads, j->options->kernels == OCT_KERNELS_REF ? "ref" : "fast",
        *j->d->cpus != 0 ? " --cpus " : "", j->d->cpus, s->fixed_batch ? " --batch 1" : "");
    OCT_TRY(send_inputs(j, s, begin, count, words, sizeof words, err));
    OCT_TRY(oct_device_call(j->d, words, err));
    OCT_TRY(oct_device_fetch(j->d, answer, path, sizeof path, err));
    oct_array *arrays;
    oct_status status = read_outputs(s, path, count, &arrays, err);
    if (status == OCT_OK)
        return oct_replay_add(&s->replay, arrays, count, err);
    for (int32_t i = 0; i < s->outputs && arrays != NULL; i++)
        oct_array_free(&arrays[i]);
    free(arrays);
    return status;
}

static oct_status run_pieces(job *j, oct_error *err)
{
    while (j->done < j->samples) {
        int64_t left = j->samples - j->done, count = left < j->piece ? left : j->piece;
        OCT_TRY(read_first(j, j->done, count, err));
        for (int32_t m = 0; m < j->model_count; m++) {
            OCT_TRY(run_piece(j, &j->subjects[m], j->done, count, err));
            if (j->options->progress != NULL)
                j->options->progress(j->options->progress_user, "evaluate on the device",
                    j->done * j->model_count + (m + 1) * count, j->samples * j->model_count);
        }
        OCT_TRY(forget_piece(j, err));
        j->done += count;
    }
    return OCT_OK;
}

/* Scoring. */

/* The statistics of the samples that all models have answered. */
static oct_status score(job *j, const oct_model *const *models, const oct_data *data,
    const oct_preprocess *preprocess, oct_eval **out, oct_error *err)
{
    const oct_engine *engines[MAX_MODELS];
    oct_data *part = NULL;
    if (j->done < j->samples) {
        int64_t *indices = malloc((size_t)j->done * sizeof *indices);
        if (indices == NULL)
            return oct_fail_memory(err, (size_t)j->done * sizeof *indices, "samples");
        for (int64_t i = 0; i < j->done; i++)
            indices[i] = i;
        oct_status status = oct_data_subset(data, indices, j->done, &part, err);
        free(indices);
        OCT_TRY(status);
    }
    for (int32_t m = 0; m < j->model_count; m++)
        engines[m] = &j->subjects[m].replay.engine;
    oct_eval_options options = *j->options;
    options.threads = 1; /* outputs are played in the order of samples */
    options.engines = engines;
    options.progress = NULL;
    oct_status status = oct_evaluate(
        models, j->model_count, part != NULL ? part : data, preprocess, &options, out, err);
    oct_data_free(part);
    return status;
}

static void clear(job *j)
{
    for (int32_t m = 0; m < j->model_count; m++) {
        oct_replay_clear(&j->subjects[m].replay);
        oct_data_view_free(j->subjects[m].view);
    }
    for (int32_t i = 0; i < MAX_INPUTS; i++)
        free(j->first[i]);
    free(j);
}

oct_status oct_device_evaluate(oct_device *device, const oct_model *const *models,
    int32_t model_count, const oct_data *data, const oct_preprocess *preprocess,
    const oct_eval_options *options, oct_eval **out, oct_error *err)
{
    static const oct_eval_options plain = { 0 };
    *out = NULL;
    if (model_count < 1 || model_count > MAX_MODELS)
        return oct_fail(err, OCT_E_USAGE, "%d models; 1 to %d can be evaluated together",
            (int)model_count, (int)MAX_MODELS);
    job *j = calloc(1, sizeof *j);
    if (j == NULL)
        return oct_fail_memory(err, sizeof *j, "evaluation");
    *j = (job){ .d = device,
        .options = options == NULL ? &plain : options,
        .model_count = model_count,
        .samples = oct_data_count(data) };
    for (int32_t m = 0; m < model_count; m++)
        j->subjects[m].model = models[m];
    oct_status status = oct_device_begin(device, err);
    if (status == OCT_OK) {
        status = open_subjects(j, data, preprocess, err);
        if (status == OCT_OK)
            status = run_pieces(j, err);
        status = oct_device_end(device, status, err);
    }
    if (j->done > 0) {
        oct_status kept = score(j, models, data, preprocess, out, status == OCT_OK ? err : NULL);
        status = status == OCT_OK ? kept : status;
    }
    clear(j);
    return status;
}
