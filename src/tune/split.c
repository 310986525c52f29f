/*
 * Dealing out samples: those that calibrate, that rank, that verify, and those held out to the end.
 *
 * By turns, as data sets are often sorted by class. No sample serves two purposes.
 */
#include <stdlib.h>

#include "tune/tuner.h"

enum { CALIB_SAMPLES = 200, MIN_SHARE = 5, LEAST = 40, MOST_RANK = 256, MOST_VERIFY = 2000 };

static oct_status take_calib(oct_tuner *t, const oct_data *from, int64_t few, oct_error *err)
{
    int64_t count = oct_data_count(from);
    int64_t *indices = malloc((size_t)few * sizeof *indices + 1);
    if (indices == NULL)
        return oct_fail_memory(err, (size_t)few * sizeof *indices, "samples");
    for (int64_t i = 0; i < few; i++)
        indices[i] = i * count / few;
    oct_status status = oct_data_subset(from, indices, few, &t->calib, err);
    free(indices);
    return status;
}

/* lists  [3][count]: to rank, to verify, held out; counts of them. */
static void deal(int64_t count, int64_t taken, int64_t *lists, int64_t counts[3])
{
    int64_t next = 0, turn = 0;
    counts[0] = counts[1] = counts[2] = 0;
    for (int64_t i = 0; i < count; i++) {
        if (next < taken && next * count / taken == i) {
            next++;
            continue;
        }
        int64_t part = turn % 2 == 1 ? 2 : turn % 8 == 0 ? 0 : 1;
        turn++;
        if ((part == 0 && counts[0] == MOST_RANK) || (part == 1 && counts[1] == MOST_VERIFY))
            continue;
        lists[part * count + counts[part]++] = i;
    }
}

static oct_status take_parts(oct_tuner *t, const oct_data *data, int64_t taken, oct_error *err)
{
    int64_t count = oct_data_count(data), counts[3];
    int64_t *lists = malloc((size_t)count * 3 * sizeof *lists + 1);
    oct_data **parts[] = { &t->rank, &t->verify, &t->held };
    if (lists == NULL)
        return oct_fail_memory(err, (size_t)count * 3 * sizeof *lists, "samples");
    deal(count, taken, lists, counts);
    oct_status status = OCT_OK;
    for (int i = 0; i < 3 && status == OCT_OK; i++)
        status = oct_data_subset(data, lists + i * count, counts[i], parts[i], err);
    free(lists);
    return status;
}

oct_status oct_tune_split(oct_tuner *t, const oct_data *data, oct_error *err)
{
    const oct_tune_options *o = t->options;
    int64_t most = o->calib_samples > 0 ? o->calib_samples : CALIB_SAMPLES, count = oct_data_count(data);
    int64_t share = o->calib != NULL ? oct_data_count(o->calib) : count / MIN_SHARE;
    share = share < most ? share : most;
    int64_t taken = o->calib != NULL ? 0 : share;
    if (count - taken < LEAST)
        return oct_fail(err, OCT_E_USAGE, "%s: %lld samples are too few to search with and to verify on",
            oct_data_spec(data), (long long)count);
    OCT_TRY(oct_preprocess_find(
        o->preprocess == NULL ? "auto" : o->preprocess, t->model, data, o->threads, &t->choice, err));
    OCT_TRY(take_calib(t, o->calib != NULL ? o->calib : data, share, err));
    OCT_TRY(take_parts(t, data, taken, err));
    return oct_data_view_create(t->calib, t->model, &t->choice.preprocess, &t->view, err);
}
