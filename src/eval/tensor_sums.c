/*
 * Sums over channels, the factors that follow from them, and errors in both looks.
 */
#include "eval/tensor_sums.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double most_left_of_all = 0.9;

/* What makes a factor clear, by how many values it rests on: few of them fit any factor. */
static const struct {
    int64_t values;
    double off;  /* how far from 1, at least */
    double left; /* share of the squared error that may stay */
} clear[] = { { 8, 0.05, 1.0 / 4 }, { 3, 0.05, 1.0 / 16 }, { 1, 1, 1.0 / 16 } };

bool oct_sums_add(
    oct_tensor_sums *layer, const float *a, const float *b, size_t count, int64_t channels)
{
    if (layer->sums == NULL)
        layer->sums = calloc((size_t)channels, sizeof *layer->sums);
    if (layer->sums == NULL)
        return false;
    layer->channels = channels;
    for (size_t i = 0, c = 0; i < count; i++, c = c + 1 == (size_t)channels ? 0 : c + 1) {
        oct_channel_sums *s = &layer->sums[c];
        double x = (double)a[i], y = (double)b[i];
        s->aa += x * x;
        s->ab += x * y;
        s->bb += y * y;
        s->count += x != 0;
    }
    return true;
}

/* Squared error of a channel of B divided by a factor. */
static double left(const oct_channel_sums *s, double factor)
{
    return fmax(s->aa - 2 * s->ab / factor + s->bb / (factor * factor), 0);
}

static double factor_of(const oct_channel_sums *s)
{
    if (s->count < 1 || !(s->ab > 0) || !(s->aa > 0))
        return 1;
    double factor = s->ab / s->aa;
    int rule = 0;
    while (s->count < clear[rule].values)
        rule++;
    bool is_clear =
        fabs(factor - 1) > clear[rule].off && left(s, factor) < clear[rule].left * left(s, 1);
    return is_clear && isfinite(factor) ? factor : 1;
}

bool oct_sums_fit(oct_tensor_sums *layer)
{
    double before = 0, after = 0;
    if (layer->sums == NULL)
        return true;
    layer->factors = malloc((size_t)layer->channels * sizeof *layer->factors);
    if (layer->factors == NULL)
        return false;
    for (int64_t c = 0; c < layer->channels; c++) {
        layer->factors[c] = factor_of(&layer->sums[c]);
        layer->rescaled += layer->factors[c] != 1;
        before += left(&layer->sums[c], 1);
        after += left(&layer->sums[c], layer->factors[c]);
    }
    if (layer->rescaled == 0 || !(after <= most_left_of_all * before)) {
        free(layer->factors);
        layer->factors = NULL;
        layer->rescaled = 0;
    }
    free(layer->sums);
    layer->sums = NULL;
    return true;
}

void oct_sums_divide(const oct_tensor_sums *layer, const float *from, size_t count, float *to)
{
    for (size_t i = 0, c = 0; i < count; i++, c = c + 1 == (size_t)layer->channels ? 0 : c + 1)
        to[i] = (float)((double)from[i] / layer->factors[c]);
}

void oct_sums_multiply(const oct_tensor_sums *layer, const float *from, size_t count, float *to)
{
    for (size_t i = 0, c = 0; i < count; i++, c = c + 1 == (size_t)layer->channels ? 0 : c + 1)
        to[i] = (float)((double)from[i] * layer->factors[c]);
}

void oct_sums_compare(
    oct_tensor_sums *layer, oct_look look, const float *a, const float *b, size_t count)
{
    double signal = 0, noise = 0, largest = layer->largest[look];
    for (size_t i = 0; i < count; i++) {
        double difference = (double)a[i] - (double)b[i];
        signal += (double)a[i] * (double)a[i];
        noise += difference * difference;
        largest = fabs(difference) > largest ? fabs(difference) : largest;
    }
    layer->noise[look] += noise;
    layer->largest[look] = largest;
    if (look == OCT_LOOK_RAW) {
        layer->signal += signal;
        layer->count += (int64_t)count;
    }
}

bool oct_sums_see(oct_tensor_sums *layer, oct_look look, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        layer->low[look] = fminf(layer->low[look], values[i]);
        layer->high[look] = fmaxf(layer->high[look], values[i]);
    }
    return oct_histogram_add(&layer->seen[look], values, count);
}

void oct_sums_count_codes(oct_tensor_sums *layer, const oct_value *value, size_t count)
{
    bool s8 = value->type == OCT_INT8;
    if (!s8 && value->type != OCT_UINT8)
        return;
    const uint8_t *bytes = value->data;
    int64_t zero =
        value->quant != NULL && value->quant->count == 1 ? value->quant->zero_point[0] : 0;
    uint8_t low = s8 ? 0x80 : 0, high = s8 ? 0x7f : 0xff;
    bool low_counts = zero != (s8 ? INT8_MIN : 0),
         high_counts = zero != (s8 ? INT8_MAX : UINT8_MAX);
    for (size_t i = 0; i < count; i++) {
        layer->at_end += (bytes[i] == low && low_counts) || (bytes[i] == high && high_counts);
        layer->codes[bytes[i] / 32] |= 1u << bytes[i] % 32;
    }
}

void oct_sums_clear(oct_tensor_sums *layer)
{
    free(layer->sums);
    free(layer->factors);
    for (int look = 0; look < OCT_LOOKS; look++)
        oct_histogram_free(&layer->seen[look]);
    *layer = (oct_tensor_sums){ 0 };
}

double oct_squared_error(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}
