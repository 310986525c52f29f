/*
 * A runner that plays back counts its runs: run i answers with the outputs of sample i, which holds as long
 * as one thread takes the samples in order.
 */
#include "device/replay.h"

#include <stdlib.h>

#include "base/error.h"
#include "exec/session.h"

enum { MAX_INPUTS = 32 };

typedef struct player {
    oct_runner runner;
    const oct_replay *replay;
    void *inputs[MAX_INPUTS];
    size_t input_bytes[MAX_INPUTS];
    int32_t input_count;
    int32_t piece;
    int64_t at; /* sample within the piece */
    bool begun;
} player;

static void player_free(oct_runner *runner)
{
    player *p = (player *)runner;
    for (int32_t i = 0; i < p->input_count; i++)
        free(p->inputs[i]);
    free(p);
}

/* Inputs are filled by the caller and read by nobody; their sizes are those of a session. */
static oct_status make_inputs(player *p, const oct_model *model, oct_error *err)
{
    oct_session *session = NULL;
    oct_session_options options = { .threads = 1, .batch = 1 };
    OCT_TRY(oct_session_create(model, &options, &session, err));
    oct_status status = OCT_OK;
    int32_t count = oct_model_input_count(model);
    for (int32_t i = 0; i < count && i < MAX_INPUTS && status == OCT_OK; i++) {
        oct_session_input(session, i, &p->input_bytes[i]);
        p->inputs[i] = malloc(p->input_bytes[i] + 1);
        p->input_count = i + 1;
        if (p->inputs[i] == NULL)
            status = oct_fail_memory(err, p->input_bytes[i], "input");
    }
    oct_session_free(session);
    return status;
}

static const oct_engine_methods methods;

static oct_status player_create(const oct_engine *engine, const oct_model *model,
    const oct_session_options *options, oct_runner **out, oct_error *err)
{
    (void)options;
    *out = NULL;
    player *p = calloc(1, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, "runner");
    p->runner.methods = &methods;
    p->replay = (const oct_replay *)engine;
    oct_status status = make_inputs(p, model, err);
    if (status != OCT_OK) {
        player_free(&p->runner);
        return status;
    }
    *out = &p->runner;
    return OCT_OK;
}

static void *player_input(oct_runner *runner, int32_t index, size_t *size)
{
    player *p = (player *)runner;
    *size = p->input_bytes[index];
    return p->inputs[index];
}

static const void *player_output(const oct_runner *runner, int32_t index, size_t *size)
{
    const player *p = (const player *)runner;
    const oct_array *array = &p->replay->pieces[p->piece][index];
    *size = array->size / (size_t)p->replay->samples[p->piece];
    return (const char *)array->bytes + (size_t)p->at * *size;
}

static oct_status player_run(oct_runner *runner, oct_error *err)
{
    player *p = (player *)runner;
    p->at += p->begun;
    p->begun = true;
    if (p->piece < p->replay->piece_count && p->at == p->replay->samples[p->piece]) {
        p->piece++;
        p->at = 0;
    }
    return p->piece < p->replay->piece_count
               ? OCT_OK
               : oct_fail(err, OCT_E_INVALID, "no output for this sample came back");
}

static const oct_engine_methods methods = { player_create, player_free, player_input, player_output,
    player_run, NULL };

void oct_replay_init(oct_replay *replay, int32_t outputs)
{
    *replay = (oct_replay){ .engine = { &methods, "device" }, .outputs = outputs };
}

static void free_arrays(oct_array *arrays, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        oct_array_free(&arrays[i]);
    free(arrays);
}

oct_status oct_replay_add(oct_replay *replay, oct_array *arrays, int64_t samples, oct_error *err)
{
    size_t count = (size_t)replay->piece_count + 1;
    oct_array **pieces = realloc(replay->pieces, count * sizeof *pieces);
    if (pieces != NULL)
        replay->pieces = pieces;
    int64_t *sizes = realloc(replay->samples, count * sizeof *sizes);
    if (sizes != NULL)
        replay->samples = sizes;
    if (pieces == NULL || sizes == NULL) {
        free_arrays(arrays, replay->outputs);
        return oct_fail_memory(err, count * sizeof *pieces, "outputs");
    }
    replay->pieces[replay->piece_count] = arrays;
    replay->samples[replay->piece_count++] = samples;
    return OCT_OK;
}

void oct_replay_clear(oct_replay *replay)
{
    for (int32_t i = 0; i < replay->piece_count; i++)
        free_arrays(replay->pieces[i], replay->outputs);
    free(replay->pieces);
    free(replay->samples);
    oct_replay_init(replay, replay->outputs);
}
