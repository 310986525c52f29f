/*
 * Nodes that do the work of the node before them as well, so that what lies between is never written.
 *
 * Both stay in the list: where a tap wants to see every value, each runs for itself.
 */
#include "exec/internal.h"

static bool reads(const oct_op *op, const oct_value *value)
{
    for (int32_t i = 0; i < op->in_count; i++)
        if (op->in[i] == value)
            return true;
    return false;
}

/* Whether nobody but the node that follows run[position] sees what that one writes. */
static bool feeds_next_alone(const oct_session *session, int32_t position)
{
    const oct_op *op = session->run[position];
    if (op->out_count != 1 || op->postponed || session->run[position + 1]->postponed)
        return false;
    for (int32_t i = 0; i < session->sub->output_count; i++)
        if (&session->values[session->sub->outputs[i]] == op->out[0])
            return false;
    for (int32_t i = position + 2; i < session->run_count; i++)
        if (reads(session->run[i], op->out[0]))
            return false;
    return !op->out[0]->variable && reads(session->run[position + 1], op->out[0]);
}

oct_status oct_session_fuse(oct_session *session, oct_error *err)
{
    for (int32_t i = 0; i + 1 < session->run_count; i++) {
        oct_op *op = session->run[i], *next = session->run[i + 1];
        const oct_op_def *def = oct_op_of(next->node);
        if (session->options.kernels != OCT_KERNELS_FAST || def->absorb == NULL
            || op->fused != NULL || !feeds_next_alone(session, i))
            continue;
        OCT_TRY(def->absorb(next, op, err));
        op->absorbed = next->fused != NULL;
    }
    return OCT_OK;
}
