/*
 * What one look at a sample shows by itself, and classes and labels.
 */
#include "doctor/diagnosis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef bool (*trait)(const oct_look *look);

static bool is_broken(const oct_look *l)
{
    return l->broken;
}

static bool is_damaged(const oct_look *l)
{
    return !l->broken && l->damaged;
}

static bool is_not_finite(const oct_look *l)
{
    return !l->broken && !l->finite;
}

static bool is_constant(const oct_look *l)
{
    return !l->broken && l->constant;
}

static bool is_grey(const oct_look *l)
{
    return !l->broken && l->image && !l->colour && !l->constant;
}

/* The sentence of reading a broken sample, without "sample 3" where its name stands beside it. */
static void add_broken(oct_diagnosis *d, oct_finding *finding, const oct_data *data, int64_t sample)
{
    oct_sample_value field = { 0 };
    oct_error why = { 0 };
    char name[256];
    const oct_source *source = data->source;
    const char *input = source->array_count > 0 ? source->arrays[0].name : NULL;
    if (oct_source_read(source, oct_look_index(data, sample), input, &field, &why) == OCT_OK)
        free(field.owned);
    oct_finding_place(d, finding, "%s: %s",
        oct_data_sample_name(data, sample, name, sizeof name), why.text);
}

static int64_t count_of(const oct_data *data, const oct_look *looks, trait has)
{
    int64_t count = 0;
    for (int64_t i = 0; i < data->count; i++)
        count += has(&looks[i]);
    return count;
}

static void say(oct_examination *e, const oct_data *data, const oct_look *looks, trait has,
    oct_finding_kind kind, oct_severity severity, const char *what, const char *advice)
{
    int64_t count = count_of(data, looks, has);
    char name[256];
    if (count == 0)
        return;
    oct_finding *finding = oct_diagnosis_add(e->out, kind, severity, count, advice,
        "%lld of %lld %s %s", (long long)count, (long long)data->count,
        data == e->calib ? "calibration samples" : "samples", what);
    for (int64_t i = 0; i < data->count && count < data->count && finding != NULL &&
                        finding->place_count < OCT_FINDING_PLACES; i++)
        if (has(&looks[i])) {
            if (kind == OCT_FINDING_BROKEN)
                add_broken(e->out, finding, data, i);
            else
                oct_finding_place(e->out, finding, "%s",
                    oct_data_sample_name(data, i, name, sizeof name));
        }
}

static bool wants_colour(const oct_model *model)
{
    oct_tensor_info info;
    if (oct_model_input_count(model) < 1)
        return false;
    oct_model_input(model, 0, &info);
    return info.rank == 4 && info.dims[3] == 3;
}

void oct_examine_samples(oct_examination *e, const oct_data *data, const oct_look *looks)
{
    say(e, data, looks, is_broken, OCT_FINDING_BROKEN, OCT_SEVERITY_MEND, "cannot be read",
        "take these files out or fetch them again");
    say(e, data, looks, is_damaged, OCT_FINDING_DAMAGED, OCT_SEVERITY_MEND,
        "are cut off or damaged; what is missing is grey", "fetch these files again");
    say(e, data, looks, is_not_finite, OCT_FINDING_NOT_FINITE, OCT_SEVERITY_MEND,
        "have NaN or infinity", "mend what made them: no range can be found with them");
    say(e, data, looks, is_constant, OCT_FINDING_CONSTANT, OCT_SEVERITY_WARNING,
        "have one value throughout", "look at them: they are mostly what failed to be recorded");
    if (wants_colour(e->model))
        say(e, data, looks, is_grey, OCT_FINDING_GREY,
            count_of(data, looks, is_grey) == data->count ? OCT_SEVERITY_NOTE : OCT_SEVERITY_WARNING,
            "have no colour, and the model takes colours",
            "make sure that they are meant: each channel gets the grey value");
}

/* Classes. */

static const char *class_name(const oct_data *data, int32_t label, char text[256])
{
    const char *name = oct_data_class_name(data, label);
    if (name != NULL)
        snprintf(text, 256, "%s", name);
    else
        snprintf(text, 256, "class %d", (int)label);
    return text;
}

static void say_missing(oct_examination *e, const int64_t *counts, int32_t classes)
{
    int64_t missing = 0;
    char name[256];
    for (int32_t k = 0; k < classes; k++)
        missing += counts[k] == 0;
    if (missing == 0)
        return;
    oct_finding *finding = oct_diagnosis_add(e->out, OCT_FINDING_MISSING, OCT_SEVERITY_WARNING,
        missing, "add samples of them: what the model does with them is not measured",
        "%lld of %d classes have no sample", (long long)missing, (int)classes);
    for (int32_t k = 0; k < classes; k++)
        if (counts[k] == 0)
            oct_finding_place(e->out, finding, "%s", class_name(e->data, k, name));
}

static void say_imbalance(oct_examination *e, const int64_t *counts, int32_t classes)
{
    const int64_t much = 10;
    int32_t least = -1, most = -1;
    char a[256], b[256];
    for (int32_t k = 0; k < classes; k++) {
        if (counts[k] == 0)
            continue;
        least = least < 0 || counts[k] < counts[least] ? k : least;
        most = most < 0 || counts[k] > counts[most] ? k : most;
    }
    if (most < 0 || counts[most] < much * counts[least])
        return;
    oct_finding *finding = oct_diagnosis_add(e->out, OCT_FINDING_IMBALANCE, OCT_SEVERITY_WARNING,
        counts[most], "look at each class (octavo eval --classes): top-1 says little of small ones",
        "the largest class has %lld samples, the smallest %lld", (long long)counts[most],
        (long long)counts[least]);
    oct_finding_place(e->out, finding, "%s: %lld", class_name(e->data, most, a),
        (long long)counts[most]);
    oct_finding_place(e->out, finding, "%s: %lld", class_name(e->data, least, b),
        (long long)counts[least]);
}

/* Outputs of a classifier; 0: it is none. */
static int32_t outputs_of(const oct_model *model)
{
    oct_tensor_info info;
    if (oct_model_output_count(model) < 1)
        return 0;
    oct_model_output(model, 0, &info);
    return info.rank == 2 && info.dims[1] > 1 ? info.dims[1] : 0;
}

static void say_beyond(oct_examination *e)
{
    int32_t outputs = outputs_of(e->model);
    int64_t beyond = 0;
    char name[256];
    for (int64_t i = 0; i < e->data->count; i++)
        beyond += oct_data_label(e->data, i) >= outputs;
    if (outputs == 0 || beyond == 0)
        return;
    oct_finding *finding = oct_diagnosis_add(e->out, OCT_FINDING_BEYOND, OCT_SEVERITY_MEND, beyond,
        "take data whose classes are the model's, in its order",
        "%lld samples have a label beyond the model's %d outputs", (long long)beyond, (int)outputs);
    for (int64_t i = 0; i < e->data->count; i++)
        if (oct_data_label(e->data, i) >= outputs)
            oct_finding_place(e->out, finding, "%s: label %d",
                oct_data_sample_name(e->data, i, name, sizeof name), (int)oct_data_label(e->data, i));
}

oct_status oct_examine_classes(oct_examination *e, oct_error *err)
{
    int32_t classes = oct_data_class_count(e->data);
    if (!oct_data_has_labels(e->data) || classes < 1)
        return OCT_OK;
    int64_t *counts = calloc((size_t)classes, sizeof *counts);
    if (counts == NULL)
        return oct_fail_memory(err, (size_t)classes * sizeof *counts, "classes");
    for (int64_t i = 0; i < e->data->count; i++)
        counts[oct_data_label(e->data, i)]++;
    say_beyond(e);
    say_missing(e, counts, classes);
    say_imbalance(e, counts, classes);
    free(counts);
    return OCT_OK;
}
