/*
 * Every pass, declared from passes.def.
 */
#ifndef OCT_PASSES_LIST_H
#define OCT_PASSES_LIST_H

#include "passes/pass.h"

#define OCT_PASS(stem, name)                                                                       \
    oct_status oct_pass_##stem(oct_graph *graph, oct_subgraph *sub, int32_t *changed, oct_error *err);
#include "passes/passes.def"
#undef OCT_PASS

#endif
