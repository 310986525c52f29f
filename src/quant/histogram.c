/*
 * Histograms of floats by their bit patterns.
 */
#include "quant/histogram.h"

#include <stdlib.h>
#include <string.h>

enum { LOW_BITS = 15, PAGE_SHIFT = 23, NEGATIVE = 256 };

static uint64_t *page_of(oct_histogram *histogram, uint32_t page)
{
    if (histogram->pages[page] == NULL)
        histogram->pages[page] = calloc(OCT_HISTOGRAM_BINS, sizeof(uint64_t));
    return histogram->pages[page];
}

bool oct_histogram_add(oct_histogram *histogram, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        uint64_t *page = page_of(histogram, bits >> PAGE_SHIFT);
        if (page == NULL)
            return false;
        page[(bits >> LOW_BITS) % OCT_HISTOGRAM_BINS]++;
    }
    return true;
}

bool oct_histogram_merge(oct_histogram *histogram, const oct_histogram *other)
{
    for (uint32_t i = 0; i < OCT_HISTOGRAM_PAGES; i++) {
        if (other->pages[i] == NULL)
            continue;
        uint64_t *page = page_of(histogram, i);
        if (page == NULL)
            return false;
        for (int j = 0; j < OCT_HISTOGRAM_BINS; j++)
            page[j] += other->pages[i][j];
    }
    return true;
}

static float value_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static oct_bin bin_at(uint32_t page, uint32_t bin, uint64_t count)
{
    uint32_t near = page << PAGE_SHIFT | bin << LOW_BITS;
    float inner = value_of(near), outer = value_of(near | ((1u << LOW_BITS) - 1));
    return page < NEGATIVE ? (oct_bin){ inner, outer, count } : (oct_bin){ outer, inner, count };
}

size_t oct_histogram_bins(const oct_histogram *histogram, oct_bin *bins, size_t capacity)
{
    size_t found = 0;
    /* Negative values grow from the last page's last bin to the first one's first. */
    for (int32_t i = 0; i < OCT_HISTOGRAM_PAGES * OCT_HISTOGRAM_BINS; i++) {
        int32_t half = NEGATIVE * OCT_HISTOGRAM_BINS, at = i < half ? 2 * half - 1 - i : i - half;
        uint32_t page = (uint32_t)at / OCT_HISTOGRAM_BINS, bin = (uint32_t)at % OCT_HISTOGRAM_BINS;
        if (histogram->pages[page] == NULL || histogram->pages[page][bin] == 0)
            continue;
        if (found < capacity)
            bins[found] = bin_at(page, bin, histogram->pages[page][bin]);
        found++;
    }
    return found;
}

void oct_histogram_free(oct_histogram *histogram)
{
    for (int i = 0; i < OCT_HISTOGRAM_PAGES; i++) {
        free(histogram->pages[i]);
        histogram->pages[i] = NULL;
    }
}
