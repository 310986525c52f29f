/*
 * The peak is the best of several short bursts: what a core does when nobody takes it away.
 */
#include "bench/peak.h"

#include <time.h>

#include "kernels/dispatch.h"
#include "ops/arith.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double best_rate(oct_peak_fn run)
{
    enum { BURSTS = 40, TURNS = 50000 };
    double best = 0;
    for (int i = 0; run != NULL && i < BURSTS; i++) {
        double begin = now_s();
        double done = (double)run(TURNS), rate = done / (now_s() - begin);
        best = rate > best ? rate : best;
    }
    return best;
}

oct_peaks oct_peaks_probe(void)
{
    const oct_kernel_set *kernels = oct_kernel_set_get();
    return (oct_peaks){ best_rate(kernels->peak_f32), best_rate(kernels->peak_s8) };
}

/* Each output has the weights of one channel to multiply. */
double oct_op_macs(const oct_op *op)
{
    const oct_op_def *def = oct_op_find(op->node->op);
    if ((def->traits & OCT_TRAIT_LINEAR) == 0)
        return 0;
    for (int32_t i = 0; i < op->in_count; i++) {
        const oct_value *weights = op->in[i], *out = op->out[0];
        if (weights == NULL || oct_op_input_role(def, i) != OCT_ROLE_WEIGHT)
            continue;
        double outputs = (double)oct_value_count(out), channels = out->dims[out->rank - 1];
        return channels > 0 ? outputs * (double)oct_value_count(weights) / channels : 0;
    }
    return 0;
}

double oct_peak_of(const oct_peaks *peaks, const oct_op *op)
{
    if (op->form == OCT_FORM_F32)
        return peaks->f32;
    return op->form == OCT_FORM_S8 || op->form == OCT_FORM_HYBRID ? peaks->s8 : 0;
}
