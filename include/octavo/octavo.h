/*
 * Octavo: post-training quantization for TensorFlow Lite models, without TensorFlow.
 *
 * Throughout: what can fail returns an oct_status and takes an oct_error, which may be NULL, as its
 * last argument. Every _free() takes NULL. Objects have no locks: one thread at a time for each,
 * unless its docstring says more. An index out of range is a bug of the caller.
 */
#ifndef OCTAVO_OCTAVO_H
#define OCTAVO_OCTAVO_H

#include <octavo/bench.h>
#include <octavo/compare.h>
#include <octavo/cost.h>
#include <octavo/data.h>
#include <octavo/device.h>
#include <octavo/diff.h>
#include <octavo/doctor.h>
#include <octavo/engine.h>
#include <octavo/error.h>
#include <octavo/eval.h>
#include <octavo/group.h>
#include <octavo/layer.h>
#include <octavo/model.h>
#include <octavo/quantize.h>
#include <octavo/recipe.h>
#include <octavo/report.h>
#include <octavo/samples.h>
#include <octavo/session.h>
#include <octavo/statistics.h>
#include <octavo/tune.h>

#define OCT_VERSION "0.1.0"

#endif
