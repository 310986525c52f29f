/*
 * Masks, which Keras passes from layer to layer beside the tensors, mostly unseen in the file.
 *
 * No layer here applies one. So it is followed from its source, and a layer that would heed it is refused;
 * through layers that drop it, or do not look at it, the model is what the file shows.
 */
#include "keras/build.h"

/* Layers without supports_masking: what is behind them has no mask. */
static oct_keras_lower *const dropping[] = { oct_keras_lower_conv, oct_keras_lower_depthwise,
    oct_keras_lower_separable, oct_keras_lower_transpose_conv, oct_keras_lower_max_pool,
    oct_keras_lower_average_pool, oct_keras_lower_global_average_pool,
    oct_keras_lower_global_max_pool, oct_keras_lower_flatten, oct_keras_lower_reshape,
    oct_keras_lower_permute, oct_keras_lower_repeat_vector, oct_keras_lower_zero_padding,
    oct_keras_lower_cropping, oct_keras_lower_up_sampling, oct_keras_lower_resizing,
    oct_keras_lower_center_crop };

bool oct_keras_result_masked(const oct_keras_layer *layer, bool masked)
{
    if (oct_keras_flag(layer->config, "mask_zero", false))
        return true;
    if (layer->def == NULL || layer->def->kind == OCT_KERAS_OPERATION)
        return false;
    for (size_t i = 0; i < sizeof dropping / sizeof dropping[0]; i++)
        if (layer->def->lower == dropping[i])
            return false;
    return masked;
}
