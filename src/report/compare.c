/*
 * The comparison: preprocessing found, samples split, forms made, then all of them measured side by
 * side.
 */
#include "report/blame.h"
#include "report/comparison.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/file.h"
#include "model/model.h"
#include "base/sha256.h"
#include "report/other.h"

/* At most a fifth of the data may go to calibration; layers are compared on a few samples. */
enum { CALIB_SAMPLES = 200, MIN_SHARE = 5, LAYER_SAMPLES = 32 };

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Samples. */

static int64_t *spread(int64_t count, int64_t few)
{
    int64_t *indices = malloc((size_t)few * sizeof *indices + 1);
    for (int64_t i = 0; i < few && indices != NULL; i++)
        indices[i] = i * count / few;
    return indices;
}

/* Spread evenly, since data sets are often sorted by class. */
static oct_status take_calib(oct_comparison *c, const oct_data *from, int64_t few, oct_error *err)
{
    int64_t *indices = spread(oct_data_count(from), few);
    if (indices == NULL)
        return oct_fail_memory(err, (size_t)few * sizeof *indices, "calibration samples");
    oct_status status = oct_data_subset(from, indices, few, &c->calib_part, err);
    free(indices);
    c->calib = c->calib_part;
    c->calib_samples = few;
    return status;
}

/* The samples of data that spread() leaves. */
static oct_status take_rest(oct_comparison *c, int64_t few, oct_error *err)
{
    int64_t count = oct_data_count(c->data), kept = 0;
    int64_t *taken = spread(count, few), *rest = malloc((size_t)count * sizeof *rest);
    oct_status status =
        taken != NULL && rest != NULL
            ? OCT_OK
            : oct_fail_memory(err, (size_t)count * sizeof *rest, "evaluation samples");
    int64_t next = 0;
    for (int64_t i = 0; i < count && status == OCT_OK; i++) {
        if (next < few && taken[next] == i)
            next++;
        else
            rest[kept++] = i;
    }
    if (status == OCT_OK)
        status = oct_data_subset(c->data, rest, kept, &c->eval_part, err);
    c->eval_data = c->eval_part;
    free(taken);
    free(rest);
    return status;
}

static oct_status split_samples(oct_comparison *c, oct_error *err)
{
    int64_t most = c->options->calib_samples > 0 ? c->options->calib_samples : CALIB_SAMPLES;
    c->eval_data = c->data;
    if (c->options->given_count > 0)
        return OCT_OK;
    if (c->options->calib != NULL) {
        int64_t count = oct_data_count(c->options->calib);
        return take_calib(c, c->options->calib, count < most ? count : most, err);
    }
    int64_t share = oct_data_count(c->data) / MIN_SHARE;
    if (share < 1)
        return oct_fail(err, OCT_E_USAGE,
            "%s: %lld samples are too few to calibrate and to compare", oct_data_spec(c->data),
            (long long)oct_data_count(c->data));
    c->held_out = true;
    OCT_TRY(take_calib(c, c->data, share < most ? share : most, err));
    return take_rest(c, c->calib_samples, err);
}

/* Forms. */

static void add_form(oct_comparison *c, oct_variant variant)
{
    oct_made *m = &c->made[c->made_count++];
    m->variant = variant;
    snprintf(m->name, sizeof m->name, "%s", oct_variant_name(variant));
}

static oct_status choose_forms(oct_comparison *c, oct_error *err)
{
    const oct_compare_options *o = c->options;
    if (o->given_count > OCT_MAX_ROWS)
        return oct_fail(err, OCT_E_USAGE, "more than %d files", (int)OCT_MAX_ROWS);
    if (o->given_count > 0) {
        c->made_count = o->given_count;
        return OCT_OK;
    }
    oct_variant own = oct_variant_of(c->model->graph);
    if (own.mode == OCT_MODE_INT8 || own.mode == OCT_MODE_INT8_FULL || own.mode == OCT_MODE_INT16X8)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "%s is %s already; forms are made of a float32 model",
            o->model_name != NULL ? o->model_name : "the model", oct_variant_name(own));
    const oct_variant *variants = o->variants != NULL ? o->variants : oct_compare_variants();
    int32_t count = o->variants != NULL ? o->variant_count : OCT_VARIANTS;
    add_form(c, oct_compare_variants()[0]);
    for (int32_t i = 0; i < count; i++) {
        bool known = false;
        for (int32_t k = 0; k < c->made_count; k++)
            known = known || (c->made[k].variant.mode == variants[i].mode &&
                                 c->made[k].variant.io == variants[i].io);
        if (!known && c->made_count == OCT_VARIANTS)
            return oct_fail(err, OCT_E_USAGE, "more than %d forms", (int)OCT_VARIANTS);
        if (!known)
            add_form(c, variants[i]);
    }
    if (o->recipe != NULL) {
        add_form(c, own);
        oct_made *m = &c->made[c->made_count - 1];
        m->by_recipe = true;
        snprintf(m->name, sizeof m->name, "recipe");
    }
    return OCT_OK;
}

/* Progress of calibration is told under the name of the form. */
typedef struct told {
    const oct_comparison *c;
    const char *form;
} told;

static void tell_calibration(void *user, const char *what, int64_t done, int64_t total)
{
    const told *t = user;
    (void)what;
    t->c->options->progress(t->c->options->progress_user, t->form, done, total);
}

static oct_status save_form(const oct_comparison *c, oct_made *m, const void *bytes, oct_error *err)
{
    if (c->options->folder == NULL)
        return OCT_OK;
    snprintf(m->file, sizeof m->file, "%s.tflite", m->name);
    size_t size = strlen(c->options->folder) + strlen(m->file) + 2;
    char *path = malloc(size);
    if (path == NULL)
        return oct_fail_memory(err, size, "file name");
    snprintf(path, size, "%s/%s", c->options->folder, m->file);
    oct_status status = oct_file_save(path, bytes, m->bytes, err);
    free(path);
    return status;
}

static oct_status quantize(
    const oct_comparison *c, oct_made *m, const oct_samples *calib, oct_model **out, oct_error *err)
{
    told t = { c, m->name };
    oct_quant_options options = { .mode = m->variant.mode,
        .io = m->variant.io,
        .effort = c->options->effort,
        .weight_bits = m->variant.mode > OCT_MODE_FLOAT16 ? c->options->weight_bits : 0,
        .recipe = m->by_recipe ? c->options->recipe : NULL,
        .calib = calib,
        .group = c->options->group,
        .threads = c->options->threads,
        .progress = c->options->progress != NULL ? tell_calibration : NULL,
        .progress_user = &t };
    return oct_quantize(c->model, &options, out, &m->report, err);
}

/* Writes the form's bytes, then reads them back: the file is measured, not what it was made from.
 */
static oct_status store(const oct_comparison *c, oct_made *m, const oct_model *made, oct_error *err)
{
    void *bytes = NULL;
    OCT_TRY(oct_model_serialize(made, &bytes, &m->bytes, err));
    oct_sha256(bytes, m->bytes, m->sha256);
    oct_status status = save_form(c, m, bytes, err);
    if (status == OCT_OK)
        status = oct_model_load_bytes(bytes, m->bytes, m->name, NULL, &m->model, err);
    if (status == OCT_OK)
        status = oct_tflite_measure(m->model->graph, &m->ledger, err);
    free(bytes);
    return status;
}

static oct_status try_session(const oct_comparison *c, const oct_made *m, oct_error *err)
{
    oct_session *session = NULL;
    oct_session_options options = { .kernels = c->options->kernels, .batch = 1 };
    oct_status status = oct_session_create(m->model, &options, &session, err);
    if (status == OCT_OK)
        status = oct_session_run(session, err);
    oct_session_free(session);
    return status;
}

static oct_status make_form(
    oct_comparison *c, int32_t index, const oct_samples *calib, oct_error *err)
{
    oct_made *m = &c->made[index];
    if (c->options->given_count > 0) {
        OCT_TRY(oct_comparison_take(c, index, err));
        return try_session(c, m, err);
    }
    oct_model *made = NULL;
    double begin = now_seconds();
    oct_status status = quantize(c, m, calib, &made, err);
    if (status == OCT_OK)
        status = store(c, m, made, err);
    if (status == OCT_OK && m->by_recipe)
        m->variant = oct_variant_of(m->model->graph);
    m->seconds = now_seconds() - begin;
    oct_model_free(made);
    return status == OCT_OK ? try_session(c, m, err) : status;
}

/* A form that fails becomes a row; float32, memory and the system stop everything. */
static oct_status make_forms(oct_comparison *c, oct_error *err)
{
    oct_data_view *view = NULL;
    const oct_samples *calib = NULL;
    if (c->calib != NULL) {
        OCT_TRY(oct_data_view_create(c->calib, c->model, &c->choice.preprocess, &view, err));
        calib = oct_data_view_samples(view);
    }
    oct_status status = OCT_OK;
    for (int32_t i = 0; i < c->made_count && status == OCT_OK; i++) {
        oct_made *m = &c->made[i];
        oct_status made = make_form(c, i, calib, &m->failure);
        m->ok = made == OCT_OK;
        m->index = m->ok ? c->model_count : -1;
        if (m->ok)
            c->models[c->model_count++] = m->model;
        if (!m->ok && (i == 0 || made == OCT_E_MEMORY || made == OCT_E_SYSTEM)) {
            status = made;
            if (err != NULL)
                *err = m->failure;
        }
    }
    oct_data_view_free(view);
    return status;
}

/* All of it. */

static oct_status make_folder(const char *folder, oct_error *err)
{
    if (folder == NULL || mkdir(folder, 0777) == 0 || errno == EEXIST)
        return OCT_OK;
    return oct_fail(err, OCT_E_SYSTEM, "%s: cannot make the folder: %s", folder, strerror(errno));
}

static oct_status compare_layers(oct_comparison *c, oct_error *err)
{
    int64_t count = oct_data_count(c->eval_data),
            few = count < LAYER_SAMPLES ? count : LAYER_SAMPLES;
    int64_t *indices = spread(count, few);
    if (indices == NULL)
        return oct_fail_memory(err, (size_t)few * sizeof *indices, "samples");
    oct_data *part = NULL;
    oct_diff_options options = { .threads = 1, .kernels = c->options->kernels };
    oct_status status = oct_data_subset(c->eval_data, indices, few, &part, err);
    free(indices);
    for (int32_t i = 1; i < c->made_count && status == OCT_OK; i++)
        if (c->made[i].ok)
            status = oct_diff_run(c->models[0], c->made[i].model, part, &c->choice.preprocess,
                &options, &c->made[i].diff, err);
    oct_data_free(part);
    return status;
}

/*
 * The same on the device: latency first, while it is cool. What fails there is kept beside what was measured;
 * only want of memory stops the comparison.
 */
static oct_status measure_there(oct_comparison *c, const oct_bench_options *bench,
    const oct_eval_options *eval, oct_error *err)
{
    oct_device *device = c->options->device;
    oct_error second = { 0 };
    oct_eval_options there = *eval;
    there.threads = c->options->bench_threads; /* inside one inference */
    there.group = NULL;
    there.resume = NULL;
    if (bench != NULL)
        (void)oct_device_bench(
            device, c->models, c->model_count, bench, &c->device_bench, &c->device_failure);
    (void)oct_device_evaluate(device, c->models, c->model_count, c->eval_data, &c->choice.preprocess,
        &there, &c->device_eval, &second);
    if (c->device_failure.status == OCT_OK)
        c->device_failure = second;
    if (c->device_failure.status == OCT_E_MEMORY && err != NULL)
        *err = c->device_failure;
    return c->device_failure.status == OCT_E_MEMORY ? OCT_E_MEMORY : OCT_OK;
}

static oct_status measure(oct_comparison *c, oct_error *err)
{
    const oct_compare_options *o = c->options;
    oct_eval_options eval = { .threads = o->threads,
        .kernels = o->kernels,
        .label_offset = c->choice.label_offset,
        .seed = o->seed,
        .group = o->group,
        .resume = o->resume,
        .progress = o->progress,
        .progress_user = o->progress_user };
    OCT_TRY(oct_evaluate(
        c->models, c->model_count, c->eval_data, &c->choice.preprocess, &eval, &c->eval, err));
    if (oct_eval_metrics(c->eval, 0)->classes == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "the advice weighs answers, one vector a sample, and this model's output is none: "
            "quantize makes the forms, eval and bench measure them");
    OCT_TRY(compare_layers(c, err));
    if (o->bench_seconds < 0) {
        OCT_TRY(oct_comparison_blame(c, err));
        if (o->other != NULL)
            OCT_TRY(oct_other_measure(c, o->other, &eval, NULL, &c->other, err));
        return o->device != NULL ? measure_there(c, NULL, &eval, err) : OCT_OK;
    }
    oct_bench_options bench = { .threads = o->bench_threads > 0 ? o->bench_threads : 1,
        .kernels = o->kernels,
        .seconds = o->bench_seconds * c->model_count,
        .profile = true,
        .seed = o->seed,
        .progress = o->progress,
        .progress_user = o->progress_user };
    OCT_TRY(oct_bench_run(c->models, c->model_count, &bench, &c->bench, err));
    OCT_TRY(oct_comparison_blame(c, err));
    if (o->other != NULL)
        OCT_TRY(oct_other_measure(c, o->other, &eval, &bench, &c->other, err));
    return o->device != NULL ? measure_there(c, &bench, &eval, err) : OCT_OK;
}

static oct_status work(oct_comparison *c, oct_error *err)
{
    const char *preprocess = c->options->preprocess != NULL ? c->options->preprocess : "auto";
    OCT_TRY(make_folder(c->options->folder, err));
    OCT_TRY(choose_forms(c, err));
    OCT_TRY(split_samples(c, err));
    OCT_TRY(
        oct_preprocess_find(preprocess, c->model, c->data, c->options->threads, &c->choice, err));
    OCT_TRY(make_forms(c, err));
    return measure(c, err);
}

static void clear(oct_comparison *c)
{
    for (int32_t i = 0; i < c->made_count; i++) {
        oct_model_free(c->made[i].model);
        oct_quant_report_free(c->made[i].report);
        oct_diff_free(c->made[i].diff);
    }
    oct_data_free(c->calib_part);
    oct_data_free(c->eval_part);
    oct_eval_free(c->eval);
    oct_bench_free(c->bench);
    oct_other_free(c->other);
    oct_eval_free(c->device_eval);
    oct_bench_free(c->device_bench);
}

oct_status oct_compare(const oct_model *model, const oct_data *data,
    const oct_compare_options *options, oct_results **out, oct_error *err)
{
    static const oct_compare_options plain = { 0 };
    *out = NULL;
    oct_comparison *c = calloc(1, sizeof *c);
    if (c == NULL)
        return oct_fail_memory(err, sizeof *c, "comparison");
    *c = (oct_comparison){
        .model = model, .data = data, .options = options == NULL ? &plain : options
    };
    json_t *document = NULL;
    oct_constraints constraints = c->options->constraints;
    oct_status status = work(c, err);
    if (status == OCT_OK)
        status = oct_comparison_document(c, &document, err);
    clear(c);
    free(c);
    if (status == OCT_OK)
        status = oct_results_create(document, "results", out, err);
    if (status == OCT_OK)
        status = oct_results_advise(*out, &constraints, err);
    if (status != OCT_OK) {
        oct_results_free(*out);
        *out = NULL;
    }
    return status;
}
