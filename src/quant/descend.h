/*
 * Rounding weights by what the errors of a row do together, instead of each to its nearest code.
 *
 * A row's squared error is e H e', e its rounding errors and H the covariance of what it reads. The mean of
 * what it reads does not count: the bias makes up for it.
 */
#ifndef OCT_QUANT_DESCEND_H
#define OCT_QUANT_DESCEND_H

#include <stdbool.h>
#include <stdint.h>

/* A symmetric matrix, all of it stored. */
typedef struct oct_covariance {
    int32_t size;
    double *values; /* [size][size] */
} oct_covariance;

/**
 * values[i][j] = mean of a_i b_j for i in [begin, end), over `rows` rows of a and b whose means are zero.
 *
 * a, b  [rows][size]; the same for a covariance.
 * Any division of [0, size) gives the same numbers.
 */
void oct_covariance_fill(const oct_covariance *h, const float *a, const float *b, int64_t rows,
    int32_t begin, int32_t end);

/** Subtracts from each of `size` columns its mean. values [rows][size]. */
void oct_columns_centre(float *values, int64_t rows, int32_t size);

/** Adds `share` of the mean of the diagonal, and a trifle, to the diagonal. */
void oct_covariance_damp(const oct_covariance *h, double share);

/** Replaces h, positive definite, by its lower Cholesky factor; false where it is not. */
bool oct_covariance_factor(const oct_covariance *h);

/** Solves x H = v in place, `factor` from oct_covariance_factor(). v [size]. */
void oct_covariance_solve(const oct_covariance *factor, double *v);

/** e H e' for e = scale * codes - target. scratch [size]. */
double oct_row_error(const oct_covariance *h, const double *target, double scale,
    const int8_t *codes, double *scratch);

/**
 * Coordinate descent: each code in turn becomes the best one given all others, within [-limit, limit], up
 * to four times around. oct_row_error() never rises.
 *
 * codes    [size]; where to start in, result out. scratch [size].
 * Source: QuantEase (arXiv 2309.01885).
 */
void oct_descend_row(const oct_covariance *h, const double *target, double scale, int32_t limit,
    int8_t *codes, double *scratch);

#endif
