/*
 * Parts of operator version rules: what TensorFlow Lite's exporter looks at.
 * Source: LiteRT tflite/converter/tools/versioning/op_version.cc, op_signature.cc.
 */
#ifndef OCT_OPS_VERSION_H
#define OCT_OPS_VERSION_H

#include "ops/op.h"

/** Tensor of an input slot; NULL when it is left out. */
static inline const oct_tensor *oct_node_input(const oct_subgraph *sub, const oct_node *node,
    int32_t slot)
{
    return slot < node->input_count && node->inputs[slot] >= 0 ? sub->tensors[node->inputs[slot]]
                                                               : NULL;
}

static inline const oct_tensor *oct_node_output(const oct_subgraph *sub, const oct_node *node,
    int32_t slot)
{
    return slot < node->output_count ? sub->tensors[node->outputs[slot]] : NULL;
}

/** Type of an input slot; OCT_TYPE_COUNT when it is left out. */
static inline oct_type oct_node_type(const oct_subgraph *sub, const oct_node *node, int32_t slot)
{
    const oct_tensor *tensor = oct_node_input(sub, node, slot);
    return tensor != NULL ? tensor->type : OCT_TYPE_COUNT;
}

/** Whether two tensors have different shapes, and the larger rank is above 4. */
bool oct_broadcasts_above_rank_4(const oct_subgraph *sub, const oct_node *node);

/* Frequent rules by the type of input 0. */
int32_t oct_version_s8_2(const oct_subgraph *sub, const oct_node *node);
int32_t oct_version_s8_2_s16_3(const oct_subgraph *sub, const oct_node *node);
int32_t oct_version_s8_s16_2(const oct_subgraph *sub, const oct_node *node);

#endif
