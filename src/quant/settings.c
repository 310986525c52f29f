/*
 * Questions about the settings of all layers.
 */
#include "quant/settings.h"

oct_setting oct_setting_of_options(const oct_quant_options *options)
{
    return (oct_setting){ .form = options->mode == OCT_MODE_INT8_FULL ? OCT_MODE_INT8 : options->mode,
        .range = options->range,
        .range_argument = options->range_argument,
        .effort = options->effort,
        .bits = options->weight_bits == 4 ? 4 : 8,
        .min_elements = OCT_MIN_ELEMENTS };
}

const oct_setting *oct_setting_of_tensor(
    const oct_settings *settings, const oct_subgraph *sub, int32_t tensor)
{
    int32_t from = oct_graph_producer(sub, tensor);
    return from < 0 || from >= settings->count ? &settings->base : &settings->of[from];
}

bool oct_settings_have(const oct_settings *settings, oct_mode form)
{
    for (int32_t i = 0; i < settings->count; i++)
        if (settings->of[i].form == form)
            return true;
    return false;
}

bool oct_settings_calibrate(const oct_settings *settings, const oct_quant_options *options)
{
    if (settings == NULL)
        return oct_mode_needs_calibration(options->mode);
    for (int32_t i = 0; i < settings->count; i++)
        if (oct_mode_needs_calibration(settings->of[i].form))
            return true;
    return false;
}

bool oct_settings_use_samples(const oct_settings *settings, const oct_quant_options *options)
{
    if (settings == NULL)
        return oct_mode_uses_calibration(options->mode, options->effort);
    for (int32_t i = 0; i < settings->count; i++)
        if (oct_mode_uses_calibration(settings->of[i].form, settings->of[i].effort))
            return true;
    return false;
}

bool oct_settings_estimate(
    const oct_settings *settings, const oct_quant_options *options, oct_range_method method)
{
    if (settings == NULL)
        return options->range == method;
    bool any = settings->base.range == method;
    for (int32_t i = 0; i < settings->count; i++)
        any = any || settings->of[i].range == method;
    return any;
}

oct_effort oct_settings_effort(const oct_settings *settings, const oct_quant_options *options)
{
    if (settings == NULL)
        return options->effort;
    oct_effort most = settings->base.effort;
    for (int32_t i = 0; i < settings->count; i++)
        most = settings->of[i].effort > most ? settings->of[i].effort : most;
    return most;
}
