/*
 * Calibration by several processes: samples are dealt out like cards, statistics exchanged and added up.
 */
#include <stdlib.h>
#include <string.h>

#include "quant/statistics.h"

/* The samples of one process. */
typedef struct hand {
    const oct_samples *all;
    const oct_group *group;
} hand;

static oct_status read_hand(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    const hand *h = user;
    int64_t sample = h->group->rank + index * h->group->size;
    return h->all->read(h->all->user, sample, input, bytes, size, err);
}

/* How a process fared. */
typedef struct verdict {
    oct_status status;
    int64_t failed; /* a sample of all */
    oct_error error;
} verdict;

static oct_status agree(const oct_group *g, oct_status status, int64_t failed, oct_error *err)
{
    verdict worst = { .status = OCT_OK };
    for (int32_t rank = 0; rank < g->size; rank++) {
        verdict v = { .status = status, .failed = failed };
        if (rank == g->rank && err != NULL)
            v.error = *err;
        OCT_TRY(g->share(g->user, rank, &v, sizeof v, err));
        if (v.status != OCT_OK && (worst.status == OCT_OK || v.failed < worst.failed))
            worst = v;
    }
    if (worst.status != OCT_OK && err != NULL)
        *err = worst.error;
    return worst.status;
}

/* Everybody's statistics of one process. */
static oct_status pass_round(const oct_group *g, int32_t from, const unsigned char *own,
    size_t own_size, oct_statistics *sum, oct_error *err)
{
    uint64_t size = own_size;
    OCT_TRY(g->share(g->user, from, &size, sizeof size, err));
    unsigned char *bytes = malloc((size_t)size + 1);
    oct_statistics *one = NULL;
    if (bytes == NULL)
        return oct_fail_memory(err, (size_t)size, "statistics");
    if (from == g->rank)
        memcpy(bytes, own, own_size);
    oct_status status = g->share(g->user, from, bytes, (size_t)size, err);
    if (status == OCT_OK)
        status = oct_statistics_decode(bytes, (size_t)size, "another process", &one, err);
    if (status == OCT_OK)
        status = oct_statistics_merge(sum, one, err);
    oct_statistics_free(one);
    free(bytes);
    return status;
}

static oct_status add_all(
    const oct_group *g, const oct_statistics *own, oct_statistics **sum, oct_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    oct_status status = oct_statistics_encode(own, &bytes, &size, err);
    *sum = oct_statistics_create();
    if (status == OCT_OK && *sum == NULL)
        status = oct_fail_memory(err, sizeof **sum, "statistics");
    status = agree(g, status, 0, err);
    for (int32_t rank = 0; rank < g->size && status == OCT_OK; rank++)
        status = pass_round(g, rank, bytes, size, *sum, err);
    free(bytes);
    if (status != OCT_OK) {
        oct_statistics_free(*sum);
        *sum = NULL;
    }
    return status;
}

oct_status oct_statistics_share(const oct_graph *graph, const oct_quant_options *options,
    const oct_settings *settings, oct_statistics **out, oct_error *err)
{
    const oct_group *g = options->group;
    oct_quant_options part = *options;
    hand own = { options->calib, g };
    int64_t failed;
    const oct_samples samples = { &own, (options->calib->count - g->rank - 1) / g->size + 1, read_hand };
    oct_statistics *seen = NULL;
    part.calib = &samples;
    *out = NULL;
    oct_status status = oct_statistics_take(graph, &part, settings, &failed, &seen, err);
    status = agree(g, status, failed, err);
    if (status == OCT_OK)
        status = add_all(g, seen, out, err);
    oct_statistics_free(seen);
    return status;
}
