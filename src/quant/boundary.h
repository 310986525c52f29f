/*
 * Integer inputs and outputs of an int8 model.
 */
#ifndef OCT_QUANT_BOUNDARY_H
#define OCT_QUANT_BOUNDARY_H

#include "quant/rewrite.h"

/**
 * Gives the model integer inputs and outputs (options->io): int8 drops the QUANTIZE behind an input and
 * the DEQUANTIZE in front of an output; uint8 turns them into conversions from and to uint8. What does
 * not go straight through such a node stays float; the note of the layer there says why.
 * Source: modify_io_nodes.cc.
 */
oct_status oct_boundary_to_integer(oct_work *work, oct_error *err);

#endif
