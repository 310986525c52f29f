/*
 * The options of custom operators: a FlexBuffers map from names to numbers.
 */
#ifndef OCT_OPS_FLEX_H
#define OCT_OPS_FLEX_H

#include <stdbool.h>

#include "graph/options.h"

/**
 * The number (integer, float or bool) under `key` of a map; `fallback` where the bytes are no map, the key is
 * missing or its value is no number. Reads inside the bytes only.
 */
double oct_flex_number(const oct_vec_u8 *bytes, const char *key, double fallback);

#endif
