/*
 * Which tensors share memory while TFLiteConverter calibrates.
 */
#ifndef OCT_QUANT_OVERWRITTEN_H
#define OCT_QUANT_OVERWRITTEN_H

#include "quant/quant.h"

/**
 * Widens the range of every tensor that LiteRT overwrites in place by the range of what it is
 * overwritten with, as the converter's calibration does: it reads inputs once more after a node ran.
 *
 * ranges  [tensor_count of the main subgraph], as seen without sharing.
 * Sources: LiteRT tflite/arena_planner.cc (IdentifyInPlaceTensors),
 * tflite/tools/optimize/calibration/calibrator.cc (LoggingEval).
 */
void oct_ranges_add_overwritten(const oct_graph *graph, oct_range *ranges);

#endif
