/*
 * Covariances, and coordinate descent on them.
 */
#include "quant/descend.h"

#include <math.h>
#include <string.h>

enum { SWEEPS = 4, CHUNK = 64, WIDTH = 512 };

void oct_columns_centre(float *values, int64_t rows, int32_t size)
{
    for (int32_t c = 0; c < size; c++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += (double)values[i * size + c];
        float mean = (float)(sum / (double)rows);
        for (int64_t i = 0; i < rows; i++)
            values[i * size + c] -= mean;
    }
}

/* sums[j] += a * b[j] */
static void add_product(float *restrict sums, float a, const float *restrict b, int32_t count)
{
    for (int32_t j = 0; j < count; j++)
        sums[j] += a * b[j];
}

/* A few rows are summed in float, which keeps the loop fast; their sums in double. */
void oct_covariance_fill(const oct_covariance *h, const float *a, const float *b, int64_t rows,
    int32_t begin, int32_t end)
{
    size_t size = (size_t)h->size;
    memset(h->values + (size_t)begin * size, 0, (size_t)(end - begin) * size * sizeof *h->values);
    for (int64_t first = 0; first < rows; first += CHUNK) {
        int64_t last = first + CHUNK < rows ? first + CHUNK : rows;
        for (int32_t i = begin; i < end; i++)
            for (int32_t from = 0; from < h->size; from += WIDTH) {
                float sums[WIDTH] = { 0 };
                int32_t width = h->size - from < WIDTH ? h->size - from : WIDTH;
                for (int64_t r = first; r < last; r++)
                    add_product(sums, a[(size_t)r * size + (size_t)i],
                        b + (size_t)r * size + (size_t)from, width);
                for (int32_t j = 0; j < width; j++)
                    h->values[(size_t)i * size + (size_t)(from + j)] += (double)sums[j] / (double)rows;
            }
    }
}

void oct_covariance_damp(const oct_covariance *h, double share)
{
    double trace = 0;
    size_t size = (size_t)h->size;
    for (size_t i = 0; i < size; i++)
        trace += h->values[i * size + i];
    for (size_t i = 0; i < size; i++)
        h->values[i * size + i] += share * trace / (double)size + 1e-12;
}

bool oct_covariance_factor(const oct_covariance *h)
{
    size_t size = (size_t)h->size;
    for (size_t i = 0; i < size; i++) {
        double *row = h->values + i * size;
        for (size_t j = 0; j <= i; j++) {
            const double *other = h->values + j * size;
            double sum = row[j];
            for (size_t k = 0; k < j; k++)
                sum -= row[k] * other[k];
            if (i == j && sum <= 0)
                return false;
            row[j] = i == j ? sqrt(sum) : sum / other[j];
        }
    }
    return true;
}

void oct_covariance_solve(const oct_covariance *factor, double *v)
{
    size_t size = (size_t)factor->size;
    for (size_t i = 0; i < size; i++) {
        const double *row = factor->values + i * size;
        for (size_t k = 0; k < i; k++)
            v[i] -= row[k] * v[k];
        v[i] /= row[i];
    }
    for (size_t i = size; i-- > 0;) {
        const double *row = factor->values + i * size;
        v[i] /= row[i];
        for (size_t k = 0; k < i; k++)
            v[k] -= row[k] * v[i];
    }
}

double oct_row_error(const oct_covariance *h, const double *target, double scale,
    const int8_t *codes, double *scratch)
{
    double error = 0;
    size_t size = (size_t)h->size;
    for (size_t i = 0; i < size; i++)
        scratch[i] = scale * codes[i] - target[i];
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            error += scratch[i] * h->values[i * size + j] * scratch[j];
    return error;
}

/* gradient[j] += change * row[j] */
static void add_row(double *restrict gradient, double change, const double *restrict row, size_t size)
{
    for (size_t j = 0; j < size; j++)
        gradient[j] += change * row[j];
}

void oct_descend_row(const oct_covariance *h, const double *target, double scale, int32_t limit,
    int8_t *codes, double *scratch)
{
    size_t size = (size_t)h->size;
    double *gradient = scratch; /* e H */
    memset(gradient, 0, size * sizeof *gradient);
    for (size_t i = 0; i < size; i++)
        add_row(gradient, scale * codes[i] - target[i], h->values + i * size, size);
    bool changed = true;
    for (int sweep = 0; sweep < SWEEPS && changed; sweep++) {
        changed = false;
        for (size_t j = 0; j < size; j++) {
            double curvature = h->values[j * size + j];
            double best = round(codes[j] - gradient[j] / (curvature * scale));
            int8_t code = (int8_t)fmin(fmax(best, -limit), limit);
            if (code == codes[j])
                continue;
            add_row(gradient, scale * (code - codes[j]), h->values + j * size, size);
            codes[j] = code;
            changed = true;
        }
    }
}
