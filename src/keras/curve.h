/*
 * The rarer activations, shared by names, layers and operations. *y = f(x), element by element.
 */
#ifndef OCT_KERAS_CURVE_H
#define OCT_KERAS_CURVE_H

#include "keras/layer.h"

/** x where it is above the threshold, `other` elsewhere. */
oct_status oct_keras_curve_threshold(oct_keras_call *call, int32_t x, double threshold, double other,
    int32_t *y, oct_error *err);

/** x where |x| is above the threshold, 0 elsewhere. */
oct_status oct_keras_curve_hard_shrink(oct_keras_call *call, int32_t x, double threshold, int32_t *y,
    oct_error *err);

/** x moved towards 0 by the threshold, 0 where it would cross. */
oct_status oct_keras_curve_soft_shrink(oct_keras_call *call, int32_t x, double threshold, int32_t *y,
    oct_error *err);

oct_status oct_keras_curve_celu(oct_keras_call *call, int32_t x, double alpha, int32_t *y,
    oct_error *err);

/** Halves an axis. Errors: OCT_E_INVALID when its size is odd or open. */
oct_status oct_keras_curve_glu(oct_keras_call *call, int32_t x, int32_t axis, int32_t *y,
    oct_error *err);

oct_status oct_keras_curve_squareplus(oct_keras_call *call, int32_t x, double b, int32_t *y,
    oct_error *err);

oct_status oct_keras_curve_tanh_shrink(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err);
oct_status oct_keras_curve_sparse_plus(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err);
oct_status oct_keras_curve_sparse_sigmoid(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err);

#endif
