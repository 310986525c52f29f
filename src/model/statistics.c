/*
 * Statistics of a model: what they are of is kept with them, so that others do not get in.
 */
#include <octavo/statistics.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backing.h"
#include "base/file.h"
#include "base/sha256.h"
#include "model/model.h"
#include "model/statistics.h"
#include "quant/correct.h"
#include "quant/prepare.h"
#include "quant/statistics.h"

/* "int8, effort default, range minmax, preprocessing tf, model 5d41…"; int8-full looks at the same. */
static oct_status name(const oct_model *model, const oct_quant_options *options,
    const char *preprocess, char key[OCT_STATISTICS_KEY], oct_error *err)
{
    void *bytes;
    size_t size;
    char digest[65];
    OCT_TRY(oct_model_serialize(model, &bytes, &size, err));
    oct_sha256(bytes, size, digest);
    free(bytes);
    oct_mode mode = options->mode == OCT_MODE_INT8_FULL ? OCT_MODE_INT8 : options->mode;
    snprintf(key, OCT_STATISTICS_KEY, "%s, effort %s, range %s, model %s, preprocessing %.80s",
        oct_mode_name(mode), options->effort == OCT_EFFORT_NONE ? "none" : "default or high",
        oct_range_method_name(options->range), digest, preprocess);
    return OCT_OK;
}

oct_status oct_statistics_fit(const oct_model *model, const oct_quant_options *options, oct_error *err)
{
    char key[OCT_STATISTICS_KEY];
    const char *own = options->statistics->key, *end = strstr(own, ", preprocessing ");
    OCT_TRY(name(model, options, "", key, err));
    *strstr(key, ", preprocessing ") = '\0';
    if (end == NULL || (size_t)(end - own) != strlen(key) || strncmp(own, key, strlen(key)) != 0)
        return oct_fail(err, OCT_E_INVALID, "statistics of '%s' are not of '%s'", own, key);
    return OCT_OK;
}

oct_status oct_statistics_gather(const oct_model *model, const oct_quant_options *options,
    const char *preprocess, oct_statistics **out, oct_error *err)
{
    oct_graph *graph;
    *out = NULL;
    if (options->recipe != NULL)
        return oct_fail(err, OCT_E_USAGE, "statistics are taken without a recipe");
    if (options->calib == NULL || options->calib->count < 1 ||
        !oct_mode_uses_calibration(options->mode, options->effort))
        return oct_fail(err, OCT_E_USAGE, "mode %s with effort %s uses no calibration samples",
            oct_mode_name(options->mode), oct_effort_name(options->effort));
    OCT_TRY(oct_quant_prepare(model->graph, &graph, err));
    oct_status status =
        options->effort != OCT_EFFORT_NONE ? oct_add_biases(graph, err) : OCT_OK;
    if (status == OCT_OK)
        status = options->group != NULL && options->calib->count >= options->group->size
                     ? oct_statistics_share(graph, options, NULL, out, err)
                     : oct_statistics_take(graph, options, NULL, NULL, out, err);
    oct_graph_free(graph);
    if (status == OCT_OK)
        status = name(model, options, preprocess, (*out)->key, err);
    if (status != OCT_OK) {
        oct_statistics_free(*out);
        *out = NULL;
    }
    return status;
}

oct_status oct_statistics_save(const oct_statistics *statistics, const char *path, oct_error *err)
{
    unsigned char *bytes;
    size_t size;
    OCT_TRY(oct_statistics_encode(statistics, &bytes, &size, err));
    oct_status status = oct_file_save(path, bytes, size, err);
    free(bytes);
    return status;
}

oct_status oct_statistics_load(const char *path, oct_statistics **out, oct_error *err)
{
    oct_backing *backing;
    *out = NULL;
    OCT_TRY(oct_backing_map(path, &backing, err));
    oct_status status = oct_statistics_decode(
        oct_backing_bytes(backing), oct_backing_size(backing), path, out, err);
    oct_backing_release(backing);
    return status;
}
