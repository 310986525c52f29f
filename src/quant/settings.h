/*
 * What each layer is to become, where a recipe lets them differ.
 *
 * A quantizer of one form is run over the graph for every form that occurs, and takes the layers that
 * are its own; to it all others are float operators. So the quantizers know nothing of each other.
 */
#ifndef OCT_QUANT_SETTINGS_H
#define OCT_QUANT_SETTINGS_H

#include <stdbool.h>
#include <octavo/quantize.h>

#include "graph/graph.h"

typedef struct oct_setting {
    oct_mode form;             /* INT8 also where the model's inputs and outputs are integers */
    oct_range_method range;    /* of the layer's results */
    double range_argument;     /* 0: the method's own */
    oct_effort effort;         /* for the layer's weights and bias */
    int32_t bits;              /* of its weights: 8 or 4 */
    bool per_tensor;           /* one scale for all of its weights, where there could be one a channel */
    int32_t min_elements;      /* dynamic, weight-only: fewer weights stay float */
} oct_setting;

typedef struct oct_settings {
    oct_setting base; /* of what belongs to no layer: the model's inputs */
    int32_t count;
    oct_setting *of;  /* [count]: by node of the float graph */
} oct_settings;

/* Weights of fewer elements stay float. (QuantizationSpecs::minimum_elements_for_weights) */
enum { OCT_MIN_ELEMENTS = 1024 };

/** What a layer becomes without a recipe. */
oct_setting oct_setting_of_options(const oct_quant_options *options);

/** The setting that a tensor's range follows: that of the node that makes it, or the base. */
const oct_setting *oct_setting_of_tensor(
    const oct_settings *settings, const oct_subgraph *sub, int32_t tensor);

/* Facts about all layers; settings NULL: all are as the options say. */

/** Whether some layer gets a form. */
bool oct_settings_have(const oct_settings *settings, oct_mode form);

/** Whether some layer needs ranges of activations. */
bool oct_settings_calibrate(const oct_settings *settings, const oct_quant_options *options);

/** Whether calibration data, where there are some, change a layer. */
bool oct_settings_use_samples(const oct_settings *settings, const oct_quant_options *options);

/** Whether some layer's ranges come from an estimator. */
bool oct_settings_estimate(
    const oct_settings *settings, const oct_quant_options *options, oct_range_method method);

/** The largest effort that some layer asks for. */
oct_effort oct_settings_effort(const oct_settings *settings, const oct_quant_options *options);

#endif
