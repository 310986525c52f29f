/*
 * What CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED share: checks, multipliers
 * and the plain C evaluation of sums followed by requantization.
 */
#ifndef OCT_OPS_LINEAR_H
#define OCT_OPS_LINEAR_H

#include "kernels/conv.h"
#include "kernels/rows.h"
#include "kernels/requant.h"
#include "kernels/requant_tile.h"
#include "ops/op.h"

/* Which input is what, and how channels lie in the filter. */
typedef struct oct_linear_slots {
    int32_t data, filter, bias; /* bias may lie past the inputs given */
    int32_t channel_axis;       /* of the filter */
    int32_t channels;           /* output channels */
    int32_t activation;
    int32_t bias_type; /* quantized_bias_type: OCT_INT32, OCT_INT64, or OCT_FLOAT32 for unset */
    bool real;         /* int8 and int16 forms multiply in double */
} oct_linear_slots;

typedef struct oct_linear {
    oct_window window;
    oct_linear_slots slots;
    oct_requant rq;        /* integer forms */
    const float *scale;    /* [channels] filter scales; NULL for float */
    float lo, hi;          /* float and hybrid forms: fused activation */
    int32_t in_zero, filter_zero;
    bool scales_equal;     /* all filter scales are alike */
    bool bias32;           /* int16 form: sums and bias are int32 */
    bool asymmetric;       /* hybrid: scheme of the activations */
    bool channel_first;    /* hybrid: sum * scale[c] * row scale, else sum * (row scale * scale[c]) */
} oct_linear;

/**
 * Checks types, quantization and bias of a conv-like node for its form and derives everything but
 * the window. Integer forms get one multiplier a channel, double(s_in) * double(s_w[c]) /
 * double(s_out); uint8 one for all from the float product, as TensorFlow Lite does.
 * Errors: OCT_E_INVALID, OCT_E_UNSUPPORTED with a sentence; OCT_E_MEMORY.
 */
oct_status oct_linear_prepare(oct_op *op, const oct_linear_slots *slots, oct_linear *linear,
    oct_error *err);

/**
 * Fills the window of a 2-D convolution from NHWC input and kernel size; fails on strides or
 * dilations below 1, on a rank other than 4 and on outputs without a pixel.
 */
oct_status oct_linear_window(const oct_op *op, const oct_value *in, oct_window *w, bool same,
    oct_error *err);

/** Sets the shape of output 0, whose type is that of input `data`, from the window that `make` reads. */
oct_status oct_linear_infer(oct_op *op, int32_t data,
    oct_status (*make)(const oct_op *op, oct_window *w, oct_error *err), oct_error *err);

/* What a version rule looks at. */
typedef struct oct_linear_types {
    oct_type data, filter, out;
    bool per_channel; /* as many weight scales as channels */
} oct_linear_types;

oct_linear_types oct_linear_node_types(const oct_subgraph *sub, const oct_node *node, int32_t data,
    int32_t filter, int32_t channel_axis);

/**
 * Scratch for the evaluations below: slot 0 sums of each worker, 1 hybrid activations, 2 the units'
 * parameters and ranges of workers.
 */
oct_status oct_linear_scratch(oct_op *op, bool *usable, oct_error *err);

/** oct_requant_s16_tile_init() with blocks of the session, for a node of the int16 form. */
oct_status oct_linear_requant_s16(oct_op *op, const oct_linear *linear, const uint8_t *order,
    int32_t columns, oct_requant_s16_tile *tile, oct_error *err);

/** Data of the bias, or NULL without one. */
const void *oct_linear_bias(const oct_op *op, const oct_linear *linear);

/**
 * Quantizes the float input of a hybrid node into scratch 1, batch by batch, and the batches'
 * parameters into scratch 2 (oct_row_quant[batches]). A single image is shared out among workers;
 * its range is taken from the node that wrote it where that one folded it.
 */
void oct_linear_quantize(oct_op *op, const oct_linear *linear,
    const oct_quantize_kernels *kernels, bool asymmetric);

/** In prepare: this node's kernel will fold the range of its output, a single image, if asked. */
void oct_linear_offer_range(oct_op *op, const oct_linear *linear);

/** Before an evaluation: forgets the ranges of the last one. */
void oct_linear_reset_range(oct_op *op);

/** What a worker is to fold its outputs into, or NULL. */
oct_float_range *oct_linear_range(const oct_op *op, int32_t worker);

/* Sums of one pixel: oct_conv_sums_* or oct_depthwise_sums_*. */
#define OCT_LINEAR_DECLARE(name, in_t, filter_t, sum_t, wrap_t)                                    \
    typedef void (*oct_sums_##name)(const oct_window *w, const in_t *x, sum_t x_zero,              \
        const filter_t *filter, sum_t filter_zero, int32_t b, int32_t oy, int32_t ox, sum_t *sum);
OCT_CONV_TYPES(OCT_LINEAR_DECLARE)
#undef OCT_LINEAR_DECLARE

/** Evaluate a node whose prepared is an oct_linear, pixel by pixel. */
oct_status oct_linear_eval_f32(oct_op *op, oct_sums_f32 sums);
oct_status oct_linear_eval_s8(oct_op *op, oct_sums_s8 sums);
oct_status oct_linear_eval_u8(oct_op *op, oct_sums_u8 sums);
oct_status oct_linear_eval_s16(oct_op *op, oct_sums_s16 sums);
oct_status oct_linear_eval_hybrid(oct_op *op, oct_sums_s8 sums);

/* Defines ref_f32, ref_hybrid, ref_s8, ref_u8 and ref_s16 over oct_<kind>_sums_*. */
#define OCT_LINEAR_REF(form, sums)                                                                 \
    static oct_status ref_##form(oct_op *op, oct_error *err)                                       \
    {                                                                                              \
        (void)err;                                                                                 \
        return oct_linear_eval_##form(op, sums);                                                   \
    }
#define OCT_LINEAR_REFS(kind)                                                                      \
    OCT_LINEAR_REF(f32, oct_##kind##_sums_f32)                                                     \
    OCT_LINEAR_REF(hybrid, oct_##kind##_sums_s8)                                                   \
    OCT_LINEAR_REF(s8, oct_##kind##_sums_s8)                                                       \
    OCT_LINEAR_REF(u8, oct_##kind##_sums_u8)                                                       \
    OCT_LINEAR_REF(s16, oct_##kind##_sums_s16)

#endif
