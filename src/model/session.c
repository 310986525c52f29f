/*
 * Sessions of the public API run the model's graph.
 */
#include "exec/session.h"

#include "model/model.h"

oct_status oct_session_create(const oct_model *model, const oct_session_options *options,
    oct_session **out, oct_error *err)
{
    return oct_session_create_graph(model->graph, options, out, err);
}
