/*
 * Sigmoid and tanh on 16-bit fixed point, bit for bit as TensorFlow Lite's integer LSTM uses them.
 *
 * Qn: an int16 r means r * 2^(n - 15), n integer bits; Q0 reaches from -1 to just below 1.
 * Source: gemmlowp fixedpoint/fixedpoint.h, whose int16 constants are its int32 ones rounded.
 */
#ifndef OCT_NUMERIC_FIXEDPOINT16_H
#define OCT_NUMERIC_FIXEDPOINT16_H

#include <stdint.h>

/** 1 / (1 + exp(-a)) in Q0 for a in Q3. */
int16_t oct_logistic_s16(int16_t a);

/** tanh(a) in Q0 for a in Q(bits), 0 <= bits <= 6. */
int16_t oct_tanh_s16(int16_t a, int32_t bits);

#endif
