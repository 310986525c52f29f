/*
 * From a comparison to its JSON document: schema docs/results.schema.json, keys in the order
 * written here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <octavo/octavo.h>
#include "base/error.h"
#include "report/blame.h"
#include "report/comparison.h"
#include "report/other.h"
#include "report/picture.h"

enum { MAX_CHANGED = 200, MAX_PICTURES = 60 };

static json_t *value_json(double value, oct_interval interval)
{
    return json_pack("{s:o, s:o, s:o}", "value", oct_report_number(value), "low",
        oct_report_number(interval.low), "high", oct_report_number(interval.high));
}

static json_t *rate_json(
    const char *count_key, int64_t count, int64_t samples, oct_interval interval)
{
    return json_pack("{s:I, s:f, s:f, s:f}", count_key, (json_int_t)count, "rate",
        (double)count / (double)samples, "low", interval.low, "high", interval.high);
}

/* What was compared. */

static json_t *tensor_json(const oct_tensor_info *info)
{
    json_t *shape = json_array();
    for (int32_t i = 0; i < info->rank; i++)
        json_array_append_new(shape, json_integer(info->dims[i]));
    return json_pack(
        "{s:o, s:s, s:o}", "name", oct_report_text(info->name), "type", info->type, "shape", shape);
}

static json_t *model_json(const oct_comparison *c)
{
    json_t *inputs = json_array(), *outputs = json_array();
    oct_tensor_info info;
    for (int32_t i = 0; i < oct_model_input_count(c->model); i++) {
        oct_model_input(c->model, i, &info);
        json_array_append_new(inputs, tensor_json(&info));
    }
    for (int32_t i = 0; i < oct_model_output_count(c->model); i++) {
        oct_model_output(c->model, i, &info);
        json_array_append_new(outputs, tensor_json(&info));
    }
    const char *name = c->options->model_name;
    return json_pack("{s:o, s:s, s:o, s:o}", "name", oct_report_text(name != NULL ? name : "model"),
        "source", oct_model_source(c->model), "inputs", inputs, "outputs", outputs);
}

static json_t *data_json(const oct_comparison *c)
{
    const oct_metrics *m = oct_eval_metrics(c->eval, 0);
    json_t *names = json_array();
    int32_t classes = oct_data_class_count(c->data);
    for (int32_t i = 0; i < classes && oct_data_class_name(c->data, i) != NULL; i++)
        json_array_append_new(names, oct_report_text(oct_data_class_name(c->data, i)));
    return json_pack("{s:o, s:I, s:b, s:b, s:i, s:o}", "spec",
        oct_report_text(oct_data_spec(c->data)), "samples", (json_int_t)m->samples, "labelled",
        m->has_labels, "random", oct_data_is_random(c->data), "classes", (int)classes,
        "class_names", names);
}

static json_t *floats_json(const float *values, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, oct_report_number((double)values[i]));
    return array;
}

static json_t *preprocess_json(const oct_comparison *c)
{
    const oct_preprocess_choice *choice = &c->choice;
    const oct_preprocess *p = &choice->preprocess;
    json_t *tried = json_array();
    for (int32_t i = 0; i < choice->tries; i++)
        json_array_append_new(tried, json_pack("{s:s, s:i, s:I}", "name", choice->tried[i].name,
                                         "label_offset", (int)choice->tried[i].label_offset,
                                         "correct", (json_int_t)choice->tried[i].correct));
    return json_pack("{s:o, s:o, s:o, s:i, s:s, s:b, s:b, s:f, s:s, s:f, s:o, s:o, s:I, s:o}",
        "asked", oct_report_text(c->options->preprocess != NULL ? c->options->preprocess : "auto"),
        "name", oct_report_text(p->name), "reason", oct_report_text(choice->reason), "label_offset",
        (int)choice->label_offset, "resize",
        p->filter == OCT_FILTER_NEAREST ? "nearest" : "bilinear", "antialias", p->antialias,
        "keep_aspect", p->keep_aspect, "crop", (double)p->crop, "order", p->bgr ? "bgr" : "rgb",
        "divisor", (double)p->divisor, "mean", floats_json(p->mean, 3), "std",
        floats_json(p->std, 3), "samples_tried", (json_int_t)choice->samples, "tried", tried);
}

static json_t *machine_json(const oct_comparison *c)
{
    oct_machine here;
    const oct_machine *m = &here;
    if (c->bench != NULL)
        m = oct_bench_machine(c->bench);
    else
        oct_machine_read(&here);
    return json_pack("{s:s, s:s, s:s, s:i, s:o}", "cpu", m->cpu, "system", m->system, "governor",
        m->governor, "cores", (int)m->cores, "load",
        m->load < 0 ? json_null() : json_real(m->load));
}

static json_t *benchmark_json(const oct_bench *bench)
{
    if (bench == NULL)
        return json_null();
    return json_pack("{s:s, s:i, s:i}", "engine", "octavo", "threads", (int)oct_bench_threads(bench),
        "rounds", (int)oct_bench_latency(bench, 0)->rounds);
}

/* The device as it describes itself, with what became of the measurements there. */
static json_t *device_json(const oct_comparison *c)
{
    char *text;
    if (c->options->device == NULL || oct_device_json(c->options->device, &text, NULL) != OCT_OK)
        return json_null();
    json_t *device = json_loads(text, 0, NULL);
    bool whole = c->device_failure.status == OCT_OK;
    free(text);
    json_object_set_new(device, "status", json_string(whole ? "ok" : "incomplete"));
    json_object_set_new(
        device, "reason", whole ? json_null() : oct_report_text(c->device_failure.text));
    json_object_set_new(device, "benchmark", benchmark_json(c->device_bench));
    return device;
}

/* What came out for one form. */

static json_t *ledger_json(const oct_tflite_ledger *l)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "weights", (json_int_t)l->weights,
        "biases", (json_int_t)l->biases, "other_constants", (json_int_t)l->other_constants,
        "quantization", (json_int_t)l->quantization, "names", (json_int_t)l->names, "structure",
        (json_int_t)l->structure, "metadata", (json_int_t)l->metadata);
}

static json_t *accuracy_json(const oct_metrics *m)
{
    json_t *accuracy = json_pack(
        "{s:I, s:I}", "samples", (json_int_t)m->samples, "invalid", (json_int_t)m->invalid);
    if (!m->has_labels)
        return accuracy;
    json_object_set_new(
        accuracy, "top1", rate_json("correct", m->top1, m->samples, m->top1_interval));
    if (m->classes > 5)
        json_object_set_new(accuracy, "top5",
            json_pack("{s:I, s:f}", "correct", (json_int_t)m->top5, "rate",
                (double)m->top5 / (double)m->samples));
    json_object_set_new(accuracy, "loss", value_json(m->loss, m->loss_interval));
    return accuracy;
}

static json_t *against_json(const oct_metrics *m, const oct_paired *p)
{
    json_t *against = json_pack("{s:o, s:o}", "agree",
        rate_json("count", p->agree, m->samples, p->agree_interval), "sqnr_db",
        oct_report_number(p->sqnr_db));
    if (!m->has_labels)
        return against;
    json_object_set_new(against, "lost", json_integer(p->lost));
    json_object_set_new(against, "won", json_integer(p->won));
    json_object_set_new(against, "difference", value_json(p->difference, p->difference_interval));
    json_object_set_new(against, "mcnemar_p", json_real(p->mcnemar_p));
    json_object_set_new(
        against, "loss_difference", value_json(p->loss_difference, p->loss_difference_interval));
    return against;
}

static json_t *latency_json(const oct_bench *bench, int32_t model)
{
    if (bench == NULL)
        return json_null();
    const oct_latency *l = oct_bench_latency(bench, model);
    const double *times = oct_bench_times(bench, model);
    json_t *array = json_array();
    for (int32_t i = 0; i < l->rounds; i++)
        json_array_append_new(array, json_integer((json_int_t)(times[i] + 0.5)));
    return json_pack("{s:o, s:o, s:f, s:f, s:I, s:I, s:f, s:I, s:{s:f, s:f, s:b, s:i, s:f}, s:o}",
        "median_ns",
        value_json(l->median_ns, l->median_interval), "ratio",
        value_json(l->ratio, l->ratio_interval), "min_ns", l->min_ns, "p90_ns", l->p90_ns,
        "runs_per_round", (json_int_t)l->runs_per_round, "warmup_runs", (json_int_t)l->warmup_runs,
        "load_ns", l->load_ns, "arena_bytes", (json_int_t)l->arena_bytes, "steadiness", "drift",
        l->drift, "drift_p", l->drift_p, "drifted", l->drifted, "outliers", (int)l->outliers,
        "outlier_ns", l->outlier_ns, "times_ns", array);
}

static json_t *layers_json(const oct_quant_report *report)
{
    json_t *layers = json_array();
    for (int32_t i = 0; report != NULL && i < oct_quant_report_count(report); i++) {
        const oct_layer_note *n = oct_quant_report_note(report, i);
        json_array_append_new(
            layers, json_pack("{s:o, s:s, s:s, s:o, s:I, s:I}", "layer", oct_report_text(n->layer),
                        "op", n->op, "result", n->result, "reason", oct_report_text(n->reason),
                        "bytes_before", (json_int_t)n->weight_bytes_before, "bytes_after",
                        (json_int_t)n->weight_bytes_after));
    }
    return layers;
}

static json_t *operators_json(const oct_bench *bench, int32_t model)
{
    int32_t count = 0;
    const oct_op_time *ops = bench == NULL ? NULL : oct_bench_profile(bench, model, &count);
    json_t *array = json_array();
    for (int32_t i = 0; i < count; i++)
        json_array_append_new(array, json_pack("{s:s, s:o, s:f}", "op", ops[i].op, "tensor",
                                         oct_report_text(ops[i].tensor), "ns", ops[i].median_ns));
    return array;
}

/* Samples to which the device gave the host's answer. */
static int64_t count_same(const oct_comparison *c, int32_t model)
{
    int64_t same = 0;
    for (int64_t i = 0; i < oct_eval_sample_count(c->device_eval); i++)
        same += oct_eval_answer(c->device_eval, model, i) == oct_eval_answer(c->eval, model, i);
    return same;
}

/* What the device measured of one form; null where it did not get so far. */
static json_t *there_json(const oct_comparison *c, int32_t model)
{
    json_t *there = json_pack("{s:o, s:o}", "latency", latency_json(c->device_bench, model), "operators",
        operators_json(c->device_bench, model));
    if (c->device_eval == NULL)
        return there;
    const oct_metrics *metrics = oct_eval_metrics(c->device_eval, model);
    json_object_set_new(there, "accuracy", accuracy_json(metrics));
    json_object_set_new(
        there, "against_float", against_json(metrics, oct_eval_paired(c->device_eval, model)));
    json_object_set_new(there, "same_as_host", json_integer(count_same(c, model)));
    return there;
}

static json_t *form_json(const oct_comparison *c, const oct_made *m)
{
    bool full = m->variant.mode == OCT_MODE_INT8_FULL;
    json_t *form = json_pack("{s:s, s:s, s:s?, s:s}", "form", m->name, "mode",
        oct_mode_name(m->variant.mode), "io",
        !full                           ? NULL
        : m->variant.io == OCT_IO_UINT8 ? "uint8"
                                        : "int8",
        "status", m->ok ? "ok" : "failed");
    if (!m->ok) {
        json_object_set_new(form, "reason", oct_report_text(m->failure.text));
        return form;
    }
    const oct_metrics *metrics = oct_eval_metrics(c->eval, m->index);
    json_t *rest = json_pack("{s:s?, s:I, s:s, s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "file",
        m->file[0] != 0 ? m->file : NULL, "bytes", (json_int_t)m->bytes, "sha256", m->sha256,
        "ledger", ledger_json(&m->ledger), "convert_seconds", m->seconds, "accuracy",
        accuracy_json(metrics), "against_float",
        against_json(metrics, oct_eval_paired(c->eval, m->index)), "latency",
        latency_json(c->bench, m->index), "layers", layers_json(m->report), "errors",
        oct_errors_json(m), "blamed", oct_blamed_json(m), "operators",
        operators_json(c->bench, m->index));
    json_object_update(form, rest);
    json_decref(rest);
    if (c->options->device != NULL)
        json_object_set_new(form, "device", there_json(c, m->index));
    if (c->other != NULL) {
        json_object_set_new(form, "engines", json_array());
        json_array_append_new(json_object_get(form, "engines"),
            oct_other_json(c->other, c, (int32_t)(m - c->made)));
    }
    return form;
}

/* Samples on which forms disagree: all are counted, the first ones shown. */
static json_t *changed_json(const oct_comparison *c)
{
    json_t *shown = json_array();
    int64_t total = 0;
    for (int64_t i = 0; i < oct_eval_sample_count(c->eval); i++) {
        bool changed = false;
        for (int32_t m = 1; m < c->model_count; m++)
            changed = changed || oct_eval_answer(c->eval, m, i) != oct_eval_answer(c->eval, 0, i);
        total += changed;
        if (!changed || total > MAX_CHANGED)
            continue;
        char name[256];
        json_t *answers = json_object();
        for (int32_t k = 0; k < c->made_count; k++)
            if (c->made[k].ok)
                json_object_set_new(answers, c->made[k].name,
                    json_integer(
                        oct_eval_answer(c->eval, c->made[k].index, i) - c->choice.label_offset));
        json_t *sample = json_pack("{s:o, s:i, s:o}", "sample",
            oct_report_text(oct_data_sample_name(c->eval_data, i, name, sizeof name)), "label",
            (int)oct_data_label(c->eval_data, i), "answers", answers);
        char *picture = total <= MAX_PICTURES ? oct_picture(c->eval_data, i) : NULL;
        if (picture != NULL)
            json_object_set_new(sample, "picture", json_string(picture));
        free(picture);
        json_array_append_new(shown, sample);
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "shown", shown);
}

static json_t *created_json(void)
{
    char text[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

oct_status oct_comparison_document(const oct_comparison *c, json_t **out, oct_error *err)
{
    const oct_compare_options *o = c->options;
    json_t *forms = json_array();
    for (int32_t i = 0; i < c->made_count; i++)
        json_array_append_new(forms, form_json(c, &c->made[i]));
    *out = json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:{s:o, s:I, s:b}, s:{s:i, s:s, s:I, s:s, s:i}, s:o, s:o, s:o, s:o, s:o}",
        "schema", (int)OCT_RESULTS_SCHEMA, "octavo", OCT_VERSION, "created", created_json(),
        "model", model_json(c), "data", data_json(c), "preprocess", preprocess_json(c),
        "calibration", "spec", oct_report_text(c->calib != NULL ? oct_data_spec(c->calib) : ""), "samples",
        (json_int_t)c->calib_samples, "held_out", c->held_out, "options", "threads",
        (int)o->threads, "kernels", o->kernels == OCT_KERNELS_REF ? "ref" : "fast", "seed",
        (json_int_t)o->seed, "effort", oct_effort_name(o->effort), "weight_bits", o->weight_bits == 4 ? 4 : 8, "machine", machine_json(c), "benchmark", benchmark_json(c->bench), "device", device_json(c), "forms",
        forms, "changed", changed_json(c));
    return *out != NULL ? OCT_OK : oct_fail_memory(err, 1 << 16, "results");
}
