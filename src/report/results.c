/*
 * The document: loading, checking, saving.
 */
#include "report/results.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

json_t *oct_report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *oct_report_text(const char *text)
{
    json_t *string = json_string(text);
    char *ascii = string == NULL ? strdup(text) : NULL;
    for (char *at = ascii; ascii != NULL && *at != 0; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    if (ascii != NULL)
        string = json_string(ascii);
    free(ascii);
    return string;
}

/* Reading with the name of what is missing. */

typedef struct reader {
    const char *name; /* of the document */
    char place[64];   /* "forms[2]" */
    oct_error *err;
} reader;

static oct_status lacks(const reader *r, const char *key, const char *what)
{
    return oct_fail(
        r->err, OCT_E_INVALID, "%s: %s.%s: %s is expected", r->name, r->place, key, what);
}

static oct_status get_number(const reader *r, const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        return lacks(r, key, "a number");
    *out = json_number_value(value);
    return OCT_OK;
}

static oct_status get_count(const reader *r, const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return lacks(r, key, "a count");
    *out = json_integer_value(value);
    return OCT_OK;
}

static oct_status get_interval(const reader *r, const json_t *object, oct_interval *out)
{
    OCT_TRY(get_number(r, object, "low", &out->low));
    return get_number(r, object, "high", &out->high);
}

static oct_status get_text(const reader *r, const json_t *object, const char *key, const char **out)
{
    *out = json_string_value(json_object_get(object, key));
    return *out != NULL ? OCT_OK : lacks(r, key, "a string");
}

static oct_status read_accuracy(const reader *r, const json_t *form, bool labelled, oct_row *row)
{
    const json_t *accuracy = json_object_get(form, "accuracy");
    const json_t *against = json_object_get(form, "against_float");
    const json_t *agree = json_object_get(against, "agree");
    OCT_TRY(get_count(r, accuracy, "samples", &row->samples));
    OCT_TRY(get_count(r, agree, "count", &row->agree));
    if (!labelled)
        return OCT_OK;
    const json_t *top1 = json_object_get(accuracy, "top1");
    const json_t *difference = json_object_get(against, "difference");
    OCT_TRY(get_count(r, top1, "correct", &row->top1));
    OCT_TRY(get_interval(r, top1, &row->top1_interval));
    OCT_TRY(get_count(r, against, "lost", &row->lost));
    OCT_TRY(get_count(r, against, "won", &row->won));
    OCT_TRY(get_number(r, difference, "value", &row->difference));
    OCT_TRY(get_interval(r, difference, &row->difference_interval));
    bool fit = row->top1 <= row->samples && row->lost <= row->samples &&
               row->won <= row->samples - row->lost;
    return fit && row->samples > 0 ? OCT_OK : lacks(r, "accuracy", "counts that fit together");
}

static oct_status read_latency(const reader *r, const json_t *form, oct_row *row)
{
    const json_t *latency = json_object_get(form, "latency");
    const json_t *median = json_object_get(latency, "median_ns");
    const json_t *ratio = json_object_get(latency, "ratio");
    row->has_latency = json_is_object(latency);
    if (!row->has_latency)
        return OCT_OK;
    OCT_TRY(get_number(r, median, "value", &row->median_ns));
    OCT_TRY(get_interval(r, median, &row->median_interval));
    OCT_TRY(get_number(r, ratio, "value", &row->ratio));
    return get_interval(r, ratio, &row->ratio_interval);
}

/* What a device measured of a form takes the place of what the host did. */
static oct_status read_device(
    const reader *r, const json_t *form, oct_results *results, oct_row *row)
{
    const json_t *there = json_object_get(form, "device");
    row->has_host_latency = row->has_latency;
    row->host_median_ns = row->median_ns;
    row->host_ratio = row->ratio;
    row->same_as_host = -1;
    if (json_is_object(json_object_get(there, "latency"))) {
        results->device_latency = true;
        OCT_TRY(read_latency(r, there, row));
    }
    if (!json_is_object(json_object_get(there, "accuracy")))
        return OCT_OK;
    results->device_accuracy = true;
    OCT_TRY(get_count(r, there, "same_as_host", &row->same_as_host));
    return read_accuracy(r, there, results->labelled, row);
}

static oct_status read_row(const reader *r, const json_t *form, bool labelled, oct_row *row)
{
    const char *status;
    OCT_TRY(get_text(r, form, "form", &row->form));
    OCT_TRY(get_text(r, form, "status", &status));
    row->ok = strcmp(status, "ok") == 0;
    if (!row->ok)
        return get_text(r, form, "reason", &row->failure);
    OCT_TRY(get_number(r, form, "bytes", &row->bytes));
    OCT_TRY(read_accuracy(r, form, labelled, row));
    return read_latency(r, form, row);
}

static oct_status read_rows(oct_results *results, const char *name, oct_error *err)
{
    reader r = { .name = name, .place = "results", .err = err };
    int64_t schema;
    OCT_TRY(get_count(&r, results->root, "schema", &schema));
    if (schema != OCT_RESULTS_SCHEMA)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: results of schema %lld; this version knows %d",
            name, (long long)schema, (int)OCT_RESULTS_SCHEMA);
    const json_t *data = json_object_get(results->root, "data");
    const json_t *forms = json_object_get(results->root, "forms");
    const json_t *device = json_object_get(results->root, "device");
    results->device = json_string_value(json_object_get(device, "name"));
    const char *via = json_string_value(json_object_get(device, "via"));
    results->beside = results->device != NULL && via != NULL && strcmp(via, "adb") == 0;
    results->device_latency = results->device_accuracy = results->device != NULL && !results->beside;
    results->failure = json_string_value(json_object_get(device, "reason"));
    results->labelled = json_is_true(json_object_get(data, "labelled"));
    results->random = json_is_true(json_object_get(data, "random"));
    size_t count = json_array_size(forms);
    if (count < 1 || count > OCT_MAX_ROWS)
        return lacks(&r, "forms", "an array of 1 to 16 forms");
    for (size_t i = 0; i < count; i++) {
        snprintf(r.place, sizeof r.place, "forms[%d]", (int)i);
        OCT_TRY(read_row(&r, json_array_get(forms, i), results->labelled, &results->rows[i]));
        if (results->beside && results->rows[i].ok)
            OCT_TRY(read_device(&r, json_array_get(forms, i), results, &results->rows[i]));
        results->row_count++;
    }
    return results->rows[0].ok ? OCT_OK : lacks(&r, "forms[0]", "a form that could be made");
}

oct_status oct_results_create(json_t *root, const char *name, oct_results **out, oct_error *err)
{
    *out = NULL;
    oct_results *results = root != NULL ? calloc(1, sizeof *results) : NULL;
    if (results == NULL) {
        json_decref(root);
        return oct_fail_memory(err, sizeof *results, "results");
    }
    results->root = root;
    oct_status status = read_rows(results, name, err);
    if (status != OCT_OK) {
        oct_results_free(results);
        return status;
    }
    *out = results;
    return OCT_OK;
}

void oct_results_free(oct_results *results)
{
    if (results == NULL)
        return;
    json_decref(results->root);
    free(results->advice);
    free(results);
}

/* The constraints a document was weighed under; absent ones stay zero. */
static oct_constraints saved_constraints(const json_t *root)
{
    const json_t *saved = json_object_get(json_object_get(root, "advice"), "constraints");
    const char *target = json_string_value(json_object_get(saved, "target"));
    oct_constraints c = { .has_max_drop = json_is_number(json_object_get(saved, "max_drop")) };
    if (target != NULL)
        (void)oct_target_from_name(target, &c.target);
    c.max_drop = json_number_value(json_object_get(saved, "max_drop"));
    c.max_bytes = json_integer_value(json_object_get(saved, "max_bytes"));
    c.max_latency_ns = json_number_value(json_object_get(saved, "max_latency_ns"));
    return c;
}

oct_status oct_results_load(const char *path, oct_results **out, oct_error *err)
{
    *out = NULL;
    json_error_t where;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL && json_error_code(&where) == json_error_cannot_open_file)
        return oct_fail(err, OCT_E_SYSTEM, "%s: cannot open: %s", path, strerror(errno));
    if (root == NULL)
        return oct_fail(err, OCT_E_INVALID, "%s: %s (line %d)", path, where.text, where.line);
    OCT_TRY(oct_results_create(root, path, out, err));
    oct_constraints constraints = saved_constraints(root);
    oct_status status = oct_results_advise(*out, &constraints, err);
    if (status != OCT_OK) {
        oct_results_free(*out);
        *out = NULL;
    }
    return status;
}

oct_status oct_results_json(const oct_results *results, char **json, oct_error *err)
{
    *json = json_dumps(results->root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    return *json != NULL ? OCT_OK : oct_fail_memory(err, 1 << 16, "results");
}

oct_status oct_results_save(const oct_results *results, const char *path, oct_error *err)
{
    char *json;
    OCT_TRY(oct_results_json(results, &json, err));
    oct_status status = oct_file_save(path, json, strlen(json), err);
    free(json);
    return status;
}

const char *oct_results_advice(const oct_results *results)
{
    return results->advice == NULL ? "" : results->advice;
}

const char *oct_results_failure(const oct_results *results)
{
    return results->failure;
}

const char *oct_results_advised(const oct_results *results)
{
    return results->advised;
}
