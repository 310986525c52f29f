/*
 * One direction of a recurrent layer, for the layer itself and for Bidirectional.
 */
#ifndef OCT_KERAS_RECURRENT_H
#define OCT_KERAS_RECURRENT_H

#include "keras/layer.h"

typedef struct oct_keras_sequence {
    int32_t y;      /* the last step [n, units], or with return_sequences all [n, steps, units] */
    int32_t hidden; /* state behind the last step */
    int32_t cell;   /* of an LSTM; else -1 */
} oct_keras_sequence;

/**
 * Unrolls the layer that the call's configuration describes, over inputs[0] [n, steps, features] and
 * from the states among the other inputs. The call's variant is the number of its gates.
 *
 * backwards      from the last step to the first.
 * in_time_order  the result's steps lie as those of the input do, not in the order they were made.
 * Errors: OCT_E_UNSUPPORTED (open or too many steps, a mask, stateful), OCT_E_INVALID.
 */
oct_status oct_keras_run_steps(oct_keras_call *call, bool backwards, bool in_time_order,
    oct_keras_sequence *out, oct_error *err);

#endif
