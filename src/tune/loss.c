/*
 * What a model lost against float, in the measure that its data allow, and whether that is within a bound.
 */
#include "eval/evaluate.h"
#include "tune/tuner.h"

const char *oct_tune_measure_name(const oct_eval *eval)
{
    if (oct_eval_segmentation(eval, 0) != NULL)
        return "mean IoU";
    if (oct_eval_regression(eval, 0) != NULL)
        return "R2";
    if (oct_eval_detection(eval, 0) != NULL || oct_eval_metrics(eval, 0)->classes == 0)
        return NULL;
    return oct_eval_metrics(eval, 0)->has_labels ? "accuracy" : "agreement";
}

/* Without labels an answer that changes counts as lost. */
static void lose_answers(const oct_eval *eval, int32_t model, double max_drop, oct_loss *out)
{
    const oct_paired *paired = oct_eval_paired(eval, model);
    bool labels = oct_eval_metrics(eval, model)->has_labels;
    oct_equivalence test;
    out->lost = labels ? paired->lost : out->samples - paired->agree;
    out->won = labels ? paired->won : 0;
    oct_equivalence_test(out->samples, out->lost, out->won, max_drop, &test);
    out->drop = (double)(out->lost - out->won) / (double)out->samples;
    out->low = labels ? -paired->difference_interval.high : 1 - paired->agree_interval.high;
    out->high = labels ? -paired->difference_interval.low : 1 - paired->agree_interval.low;
    out->confidence = test.confidence;
    out->holds = test.holds;
}

/* The whole interval has to be within the bound. */
static void lose_measure(double difference, oct_interval interval, double max_drop, oct_loss *out)
{
    out->drop = -difference;
    out->low = -interval.high;
    out->high = -interval.low;
    out->holds = out->high <= max_drop;
    out->confidence = out->holds ? 0.975 : 0;
}

oct_status oct_tune_loss(const oct_eval *eval, int32_t model, double max_drop, oct_loss *out, oct_error *err)
{
    *out = (oct_loss){ .samples = oct_eval_sample_count(eval) };
    const oct_segmentation *pixels = oct_eval_segmentation(eval, model);
    const oct_regression *values = oct_eval_regression(eval, model);
    if (oct_tune_measure_name(eval) == NULL)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "the data have no measure for this model that a drop could be of: classes, masks or values");
    if (pixels != NULL)
        lose_measure(pixels->difference, pixels->difference_interval, max_drop, out);
    else if (values != NULL)
        lose_measure(values->r2.difference, values->r2.difference_interval, max_drop, out);
    else
        lose_answers(eval, model, max_drop, out);
    return OCT_OK;
}
