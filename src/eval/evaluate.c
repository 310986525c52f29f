/*
 * Running models over samples: each worker has a runner of every model, takes one sample, and runs
 * it through all of them, so that a sample is read and decoded once and pairs come from the same
 * input.
 */
#include "eval/evaluate.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/pool.h"
#include "engine/engine.h"
#include "eval/npy.h"
#include "eval/preprocess.h"
#include "eval/task.h"
#include "eval/view.h"
#include "eval/work.h"
#include "graph/types.h"
#include "model/model.h"

enum { MAX_MODELS = 64, MAX_INPUTS = 16, MAX_OUTPUTS = 16 };

/* One output of one model. */
typedef struct output_info {
    oct_type type;
    float scale;
    int64_t zero_point;
} output_info;

typedef struct worker {
    bool ready;
    oct_runner *runners[MAX_MODELS];
    float *inputs[MAX_INPUTS]; /* the first model's, for models that derive theirs */
    float *values;             /* [elements] of the model that runs */
    float *first;              /* [elements] of model 0 */
    void *truth;               /* of the sample, made ready by the task */
    oct_status status;
    oct_error error;
    int64_t failed_at; /* lowest sample this worker failed on */
} worker;

typedef struct job {
    const oct_model *const *models;
    const oct_data *data;
    const oct_eval_options *options;
    bool use_truth;
    oct_eval *eval;
    oct_work work;
    oct_data_view *views[MAX_MODELS];
    bool derives[MAX_MODELS]; /* inputs come from worker.inputs */
    output_info outputs[MAX_MODELS][MAX_OUTPUTS];
    worker *workers;
    int32_t worker_count;
    atomic_llong failed_at; /* lowest over all workers: samples behind it need not run */
    atomic_llong done;
} job;

/* Preparing. */

/* Outputs of models without a batch ([N] to [K]) get the leading 1 that those of others have. */
static void lead_by_one(const oct_model *model, oct_tensor_info *info)
{
    const oct_subgraph *sub = model->graph->subgraphs[0];
    for (int32_t i = 0; i < sub->input_count; i++)
        if (oct_input_has_batch(sub, i))
            return;
    if (sub->input_count == 0 || info->rank < 1 || info->rank > 7 || info->dims[0] == 1)
        return;
    memmove(info->dims + 1, info->dims, (size_t)info->rank * sizeof *info->dims);
    info->dims[0] = 1;
    info->rank++;
}

static oct_status read_output(job *j, int32_t model, int32_t index, oct_error *err)
{
    oct_eval *e = j->eval;
    oct_tensor_info info;
    oct_model_output(j->models[model], index, &info);
    lead_by_one(j->models[model], &info);
    size_t elements = 1;
    for (int32_t i = 1; i < info.rank; i++) {
        if (info.dims[i] < 1)
            return oct_fail(
                err, OCT_E_INVALID, "output %s has a shape that is not known", info.name);
        elements *= (size_t)info.dims[i];
    }
    output_info *o = &j->outputs[model][index];
    OCT_TRY(oct_error_prefix(err, oct_npy_type(info.type, &o->type, err), "output %s", info.name));
    o->scale = info.scale;
    o->zero_point = info.zero_point;
    if (model == 0) {
        e->outputs[index].elements = elements;
        e->outputs[index].at = e->elements;
        e->outputs[index].rank = info.rank;
        memcpy(e->outputs[index].dims, info.dims, sizeof info.dims);
        e->elements += elements;
    }
    if (elements != e->outputs[index].elements)
        return oct_fail(err, OCT_E_INVALID, "output %s has %zu values, the first model's %zu",
            info.name, elements, e->outputs[index].elements);
    return OCT_OK;
}

/* The output is what a LOGISTIC gave, perhaps quantized, dequantized or reshaped since. */
static bool ends_in_sigmoid(const oct_graph *graph)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    int32_t tensor = sub->outputs[0];
    for (int32_t i = sub->node_count - 1; i >= 0; i--) {
        const oct_node *node = sub->nodes[i];
        if (node->output_count != 1 || node->outputs[0] != tensor || node->input_count < 1)
            continue;
        if (node->op != OCT_OP_DEQUANTIZE && node->op != OCT_OP_QUANTIZE &&
            node->op != OCT_OP_RESHAPE)
            return node->op == OCT_OP_LOGISTIC;
        tensor = node->inputs[0];
    }
    return false;
}

/* An output [1, 1, .., K] with K > 1 is one vector of classes; one number tells two classes apart. */
static void find_classes(job *j)
{
    oct_eval *e = j->eval;
    int32_t rank = e->outputs[0].rank;
    size_t elements = e->outputs[0].elements;
    if (rank >= 2 && elements > 1 && elements < INT32_MAX &&
        (size_t)e->outputs[0].dims[rank - 1] == elements)
        e->classes = (int32_t)elements;
    e->ends_in_sigmoid = ends_in_sigmoid(j->models[0]->graph);
    if (elements == 1 && e->output_count == 1 &&
        (e->ends_in_sigmoid || oct_data_class_count(j->data) == 2)) {
        e->classes = 2;
        e->single = true;
        e->single_is_probability = e->ends_in_sigmoid;
    }
}

static oct_status prepare(job *j, const oct_preprocess *preprocess, oct_error *err)
{
    oct_eval *e = j->eval;
    e->output_count = oct_model_output_count(j->models[0]);
    for (int32_t m = 0; m < e->models; m++) {
        int32_t outputs = oct_model_output_count(j->models[m]);
        if (outputs != e->output_count || outputs < 1 || outputs > MAX_OUTPUTS)
            return oct_fail(err, OCT_E_INVALID, "model %d has %d outputs, the first %d", (int)m,
                (int)outputs, (int)e->output_count);
        for (int32_t i = 0; i < outputs; i++)
            OCT_TRY(read_output(j, m, i, err));
        OCT_TRY(oct_data_view_create(j->data, j->models[m], preprocess, &j->views[m], err));
        j->derives[m] = oct_view_derives(j->views[m], j->views[0]);
    }
    find_classes(j);
    return j->use_truth ? oct_task_choose(e, j->data, j->models[0], preprocess, err) : OCT_OK;
}

static oct_status make_arrays(job *j, oct_error *err)
{
    oct_eval *e = j->eval;
    size_t count = (size_t)e->samples * (size_t)e->models;
    e->outcomes = calloc(count, sizeof *e->outcomes);
    e->metrics = calloc((size_t)e->models, sizeof *e->metrics);
    e->paired = calloc((size_t)e->models, sizeof *e->paired);
    j->workers = calloc((size_t)j->worker_count, sizeof *j->workers);
    bool short_of =
        e->outcomes == NULL || e->metrics == NULL || e->paired == NULL || j->workers == NULL;
    if (!short_of && (j->options->keep_outputs || e->task == OCT_TASK_DETECTION)) {
        e->kept = calloc(count, e->elements * sizeof *e->kept);
        short_of = e->kept == NULL;
    }
    return short_of ? oct_fail_memory(err, count * sizeof *e->outcomes, "evaluation")
                    : oct_task_allocate(e, err);
}

/* Labels have to lie within the outputs. */
static oct_status check_labels(const job *j, oct_error *err)
{
    for (int64_t i = 0; i < j->eval->samples && j->eval->classes > 0; i++) {
        int64_t label = oct_data_label(j->data, i);
        int64_t output = label + j->options->label_offset;
        char name[256];
        if (output < 0 || output >= j->eval->classes)
            return oct_fail(err, OCT_E_INVALID, "%s: %s has label %lld, the model has %d outputs",
                oct_data_spec(j->data), oct_data_sample_name(j->data, i, name, sizeof name),
                (long long)label, (int)j->eval->classes);
    }
    return OCT_OK;
}

/* Running. */

static oct_status make_worker(const job *j, worker *w, oct_error *err)
{
    const oct_eval *e = j->eval;
    oct_session_options options = { .kernels = j->options->kernels, .threads = 1, .batch = 1 };
    const oct_engine *const *engines = j->options->engines;
    for (int32_t m = 0; m < e->models; m++)
        OCT_TRY(oct_runner_create(
            engines == NULL ? NULL : engines[m], j->models[m], &options, &w->runners[m], err));
    for (int32_t i = 0; i < oct_view_input_count(j->views[0]); i++) {
        w->inputs[i] = malloc(oct_view_input_bytes(j->views[0], i));
        if (w->inputs[i] == NULL)
            return oct_fail_memory(err, oct_view_input_bytes(j->views[0], i), "inputs");
    }
    w->values = malloc(e->elements * sizeof *w->values);
    w->first = malloc(e->elements * sizeof *w->first);
    w->truth = malloc(oct_task_truth_bytes(e) + 1);
    if (w->values == NULL || w->first == NULL || w->truth == NULL)
        return oct_fail_memory(err, e->elements * sizeof *w->first, "outputs");
    w->ready = true;
    return OCT_OK;
}

static void free_worker(worker *w)
{
    for (int32_t m = 0; m < MAX_MODELS; m++)
        oct_runner_free(w->runners[m]);
    for (int32_t i = 0; i < MAX_INPUTS; i++)
        free(w->inputs[i]);
    free(w->values);
    free(w->first);
    free(w->truth);
}

static oct_status fill_inputs(
    const job *j, worker *w, int32_t model, int64_t sample, oct_error *err)
{
    const oct_samples *samples = oct_data_view_samples(j->views[model]);
    for (int32_t i = 0; i < oct_view_input_count(j->views[model]); i++) {
        size_t size;
        void *to = oct_runner_input(w->runners[model], i, &size);
        if (size != oct_view_input_bytes(j->views[model], i))
            return oct_fail(err, OCT_E_INVALID, "model %d: input %d has %zu bytes, a sample %zu",
                (int)model, (int)i, size, oct_view_input_bytes(j->views[model], i));
        if (j->derives[model])
            oct_view_derive(j->views[model], i, w->inputs[i], to);
        else
            OCT_TRY(samples->read(samples->user, sample, i, to, size, err));
    }
    return OCT_OK;
}

static oct_status take_outputs(
    const job *j, const worker *w, int32_t model, float *to, oct_error *err)
{
    for (int32_t i = 0; i < j->eval->output_count; i++) {
        const output_info *o = &j->outputs[model][i];
        size_t size, elements = j->eval->outputs[i].elements;
        const void *from = oct_runner_output(w->runners[model], i, &size);
        float *values = to + j->eval->outputs[i].at;
        if (size != elements * (size_t)oct_type_bits(o->type) / 8)
            return oct_fail(
                err, OCT_E_INVALID, "model %d: output %d has %zu bytes", (int)model, (int)i, size);
        oct_to_float(o->type, from, elements, values);
        for (size_t k = 0; k < elements && o->scale > 0; k++)
            values[k] = (values[k] - (float)o->zero_point) * o->scale;
    }
    return OCT_OK;
}

static oct_status run_sample(const job *j, worker *w, int64_t sample, oct_error *err)
{
    oct_eval *e = j->eval;
    const oct_samples *first = oct_data_view_samples(j->views[0]);
    for (int32_t i = 0; i < oct_view_input_count(j->views[0]) && j->derives[0]; i++)
        OCT_TRY(first->read(
            first->user, sample, i, w->inputs[i], oct_view_input_bytes(j->views[0], i), err));
    OCT_TRY(oct_task_read(e, j->data, sample, w->truth, err));
    int32_t label = e->has_labels ? oct_data_label(j->data, sample) + j->options->label_offset : -1;
    for (int32_t m = 0; m < e->models; m++) {
        float *values = m == 0 ? w->first : w->values;
        OCT_TRY(fill_inputs(j, w, m, sample, err));
        oct_runner_reset(w->runners[m]);
        OCT_TRY(oct_runner_run(w->runners[m], err));
        OCT_TRY(take_outputs(j, w, m, values, err));
        oct_score(e, values, w->first, label, &e->outcomes[sample * e->models + m]);
        OCT_TRY(oct_task_score(e, sample, m, w->truth, values, err));
        if (e->kept != NULL)
            memcpy(e->kept + ((size_t)m * (size_t)e->samples + (size_t)sample) * e->elements,
                values, e->elements * sizeof *values);
    }
    return OCT_OK;
}

/* Remembers the failure of the lowest sample; which one that is does not depend on the threads. */
static void note_failure(
    job *j, worker *w, int64_t sample, oct_status status, const oct_error *error)
{
    if (w->status == OCT_OK || sample < w->failed_at) {
        w->status = status;
        w->error = *error;
        w->failed_at = sample;
    }
    long long lowest = atomic_load(&j->failed_at);
    while (sample < lowest && !atomic_compare_exchange_weak(&j->failed_at, &lowest, sample))
        continue;
}

static void tell(const job *j, int64_t done)
{
    const oct_eval_options *o = j->options;
    if (o->progress != NULL)
        o->progress(o->progress_user, "evaluate", done, oct_work_count(&j->work, j->eval->samples));
}

static void run_piece(void *user, size_t begin, size_t end, int32_t index)
{
    job *j = user;
    worker *w = &j->workers[index];
    for (size_t i = begin; i < end; i++) {
        int64_t sample = oct_work_sample(&j->work, (int64_t)i);
        oct_error error = { 0 };
        oct_status status = OCT_OK;
        if (sample > atomic_load(&j->failed_at))
            return;
        if (!oct_work_known(&j->work, j->eval, sample)) {
            status = w->ready ? OCT_OK : make_worker(j, w, &error);
            if (status == OCT_OK)
                status = run_sample(j, w, sample, &error);
            if (status == OCT_OK)
                status = oct_work_note(&j->work, j->eval, sample, &error);
        }
        if (status != OCT_OK)
            note_failure(j, w, sample, status, &error);
        long long done = atomic_fetch_add(&j->done, 1) + 1;
        if (index == 0 && done < oct_work_count(&j->work, j->eval->samples))
            tell(j, done); /* the end is told once, by run_all() */
    }
}

static oct_status first_failure(const job *j, oct_error *err)
{
    const worker *worst = NULL;
    for (int32_t i = 0; i < j->worker_count; i++)
        if (j->workers[i].status != OCT_OK &&
            (worst == NULL || j->workers[i].failed_at < worst->failed_at))
            worst = &j->workers[i];
    if (worst == NULL)
        return OCT_OK;
    if (err != NULL)
        *err = worst->error;
    return worst->status;
}

static oct_status run_all(job *j, oct_error *err)
{
    oct_pool *pool = NULL;
    OCT_TRY(oct_pool_create(j->options->threads, &pool, err));
    j->worker_count = oct_pool_threads(pool);
    oct_status status = make_arrays(j, err);
    atomic_init(&j->failed_at, INT64_MAX);
    if (status == OCT_OK) {
        oct_pool_for(pool, (size_t)oct_work_count(&j->work, j->eval->samples), 1, run_piece, j);
        status = first_failure(j, err);
        if (status == OCT_OK)
            tell(j, oct_work_count(&j->work, j->eval->samples));
        for (int32_t i = 0; i < j->worker_count; i++)
            free_worker(&j->workers[i]);
    }
    free(j->workers);
    oct_pool_free(pool);
    return oct_work_exchange(&j->work, j->eval, status, atomic_load(&j->failed_at), err);
}

oct_status oct_evaluate_samples(const oct_model *const *models, int32_t model_count,
    const oct_data *data, const oct_preprocess *preprocess, const oct_eval_options *options,
    bool use_labels, oct_eval **out, oct_error *err)
{
    *out = NULL;
    if (model_count < 1 || model_count > MAX_MODELS)
        return oct_fail(err, OCT_E_USAGE, "%d models; 1 to %d can be evaluated together",
            (int)model_count, (int)MAX_MODELS);
    oct_eval *eval = calloc(1, sizeof *eval);
    job *j = calloc(1, sizeof *j);
    if (eval == NULL || j == NULL) {
        free(eval);
        free(j);
        return oct_fail_memory(err, sizeof *eval + sizeof *j, "evaluation");
    }
    *j = (job){
        .models = models, .data = data, .options = options, .use_truth = use_labels, .eval = eval
    };
    eval->samples = oct_data_count(data);
    eval->models = model_count;
    oct_status status = prepare(j, preprocess, err);
    eval->has_labels = use_labels && oct_data_has_labels(data) && eval->classes > 0;
    if (status == OCT_OK && eval->has_labels)
        status = check_labels(j, err);
    if (status == OCT_OK)
        status = oct_work_begin(&j->work, eval, models, data, preprocess, options, err);
    if (status == OCT_OK)
        status = run_all(j, err);
    if (status == OCT_OK)
        status = oct_fold(eval, options->seed, err);
    if (status == OCT_OK)
        status = oct_task_fold(eval, data, options->seed, err);
    oct_work_end(&j->work, status == OCT_OK);
    for (int32_t m = 0; m < model_count; m++)
        oct_data_view_free(j->views[m]);
    free(j);
    if (status != OCT_OK) {
        oct_eval_free(eval);
        return status;
    }
    *out = eval;
    return OCT_OK;
}

oct_status oct_evaluate(const oct_model *const *models, int32_t model_count, const oct_data *data,
    const oct_preprocess *preprocess, const oct_eval_options *options, oct_eval **out,
    oct_error *err)
{
    static const oct_eval_options plain = { 0 };
    return oct_evaluate_samples(
        models, model_count, data, preprocess, options == NULL ? &plain : options, true, out, err);
}

void oct_eval_free(oct_eval *eval)
{
    if (eval == NULL)
        return;
    free(eval->outcomes);
    free(eval->metrics);
    free(eval->paired);
    free(eval->counts);
    free(eval->kept);
    oct_task_free(eval);
    free(eval);
}

int32_t oct_eval_model_count(const oct_eval *eval)
{
    return eval->models;
}

int64_t oct_eval_sample_count(const oct_eval *eval)
{
    return eval->samples;
}

const oct_metrics *oct_eval_metrics(const oct_eval *eval, int32_t model)
{
    return &eval->metrics[model];
}

const oct_paired *oct_eval_paired(const oct_eval *eval, int32_t model)
{
    return &eval->paired[model];
}

const oct_class_counts *oct_eval_classes(const oct_eval *eval, int32_t model)
{
    int32_t classes = eval->task == OCT_TASK_SEGMENTATION ? eval->pixels.classes : eval->classes;
    return eval->counts == NULL ? NULL : eval->counts + (size_t)model * (size_t)classes;
}

int32_t oct_eval_answer(const oct_eval *eval, int32_t model, int64_t sample)
{
    return eval->outcomes[sample * eval->models + model].answer;
}
