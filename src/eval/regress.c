/*
 * Regression: an array y of values against the first output.
 *
 * A sample leaves its summed errors and squared errors in its outcome. All three measures are
 * functions of sums over samples; R^2 compares with the mean of each value over the data, which
 * resampling keeps.
 */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/preprocess.h"
#include "eval/source.h"
#include "eval/stats.h"
#include "eval/task.h"

oct_status oct_regress_choose(oct_eval *eval, const oct_data *data, oct_error *err)
{
    const oct_array_view *y = &data->source->targets;
    size_t values = y->size / ((size_t)oct_type_bits(y->type) / 8) / (size_t)y->dims[0];
    if (values == eval->outputs[0].elements) {
        eval->task = OCT_TASK_REGRESSION;
        return OCT_OK;
    }
    if (data->source->labels != NULL)
        return OCT_OK;
    return oct_fail(err, OCT_E_INVALID, "%s: y has %zu values for a sample, the first output %zu",
        oct_data_spec(data), values, eval->outputs[0].elements);
}

oct_status oct_regress_read(
    const oct_eval *eval, const oct_data *data, int64_t sample, float *truth, oct_error *err)
{
    const oct_array_view *y = &data->source->targets;
    int64_t at = data->chosen == NULL ? sample : data->chosen[sample];
    size_t values = eval->outputs[0].elements;
    size_t bytes = values * (size_t)oct_type_bits(y->type) / 8;
    if (!oct_to_float(y->type, y->bytes + (size_t)at * bytes, values, truth))
        return oct_fail(err, OCT_E_INVALID, "y of type %s", oct_type_name(y->type));
    return OCT_OK;
}

void oct_regress_score(
    const oct_eval *eval, const float *truth, const float *outputs, oct_outcome *outcome)
{
    for (size_t i = 0; i < eval->outputs[0].elements; i++) {
        double error = (double)outputs[eval->outputs[0].at + i] - (double)truth[i];
        outcome->absolute += fabs(error);
        outcome->squared += error * error;
    }
}

/* Rows of sums: errors and squared errors of the first model and of another, the truth's squared
 * distance from its mean, the number of values. */
enum { FIRST, OTHER = 2, SPREAD = 4, VALUES, WIDTH };

static double mae(const double *sums, int model)
{
    return sums[VALUES] > 0 ? sums[model] / sums[VALUES] : 0;
}

static double rmse(const double *sums, int model)
{
    return sums[VALUES] > 0 ? sqrt(sums[model + 1] / sums[VALUES]) : 0;
}

/* Where the truth does not vary: 1 for no error, else 0, as scikit-learn. */
static double r2(const double *sums, int model)
{
    if (sums[SPREAD] > 0)
        return 1 - sums[model + 1] / sums[SPREAD];
    return sums[model + 1] > 0 ? 0 : 1;
}

/* A measure of one model, or its difference to the first's. */
typedef struct question {
    double (*measure)(const double *sums, int model);
    bool difference;
} question;

static double answer(const void *user, const double *sums)
{
    const question *q = user;
    return q->measure(sums, OTHER) - (q->difference ? q->measure(sums, FIRST) : 0);
}

static oct_status ask(const double *rows, int64_t count,
    double (*measure)(const double *sums, int model), uint64_t seed, oct_compared *out,
    oct_error *err)
{
    question own = { measure, false }, against = { measure, true };
    double sums[WIDTH] = { 0 };
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < WIDTH; k++)
            sums[k] += rows[i * WIDTH + k];
    out->value = answer(&own, sums);
    out->difference = answer(&against, sums);
    OCT_TRY(oct_bootstrap_measure(rows, count, WIDTH, answer, &own, seed, &out->interval, err));
    return oct_bootstrap_measure(
        rows, count, WIDTH, answer, &against, seed, &out->difference_interval, err);
}

/* The truth's squared distance from the mean of each value, for each sample. */
static oct_status fill_spreads(
    const oct_eval *e, const oct_data *data, double *rows, oct_error *err)
{
    size_t values = e->outputs[0].elements;
    double *means = calloc(values, sizeof *means);
    float *truth = malloc(values * sizeof *truth);
    oct_status status = means == NULL || truth == NULL
                            ? oct_fail_memory(err, values * sizeof *means, "regression")
                            : OCT_OK;
    for (int64_t i = 0; i < e->samples && status == OCT_OK; i++) {
        status = oct_regress_read(e, data, i, truth, err);
        for (size_t k = 0; k < values && status == OCT_OK; k++)
            means[k] += (double)truth[k] / (double)e->samples;
    }
    for (int64_t i = 0; i < e->samples && status == OCT_OK; i++) {
        double *row = rows + i * WIDTH;
        status = oct_regress_read(e, data, i, truth, err);
        row[SPREAD] = 0;
        row[VALUES] = (double)values;
        for (size_t k = 0; k < values; k++)
            row[SPREAD] += ((double)truth[k] - means[k]) * ((double)truth[k] - means[k]);
    }
    free(means);
    free(truth);
    return status;
}

static void fill_errors(const oct_eval *e, int32_t model, double *rows)
{
    for (int64_t i = 0; i < e->samples; i++) {
        const oct_outcome *first = &e->outcomes[i * e->models], *other = first + model;
        double *row = rows + i * WIDTH;
        row[FIRST] = first->absolute;
        row[FIRST + 1] = first->squared;
        row[OTHER] = other->absolute;
        row[OTHER + 1] = other->squared;
    }
}

oct_status oct_regress_fold(oct_eval *eval, const oct_data *data, uint64_t seed, oct_error *err)
{
    size_t room = (size_t)eval->samples * WIDTH * sizeof(double);
    double *rows = malloc(room);
    oct_status status = rows == NULL ? oct_fail_memory(err, room, "regression")
                                     : fill_spreads(eval, data, rows, err);
    for (int32_t m = 0; m < eval->models && status == OCT_OK; m++) {
        oct_regression *r = &eval->regression[m];
        fill_errors(eval, m, rows);
        status = ask(rows, eval->samples, mae, seed, &r->mae, err);
        if (status == OCT_OK)
            status = ask(rows, eval->samples, rmse, seed, &r->rmse, err);
        if (status == OCT_OK)
            status = ask(rows, eval->samples, r2, seed, &r->r2, err);
    }
    free(rows);
    return status;
}
