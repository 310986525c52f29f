/*
 * Distinct buffer contents. Tensors that share an address are found without looking at the bytes.
 */
#include "tflite/contents.h"

#include <string.h>

typedef struct search {
    const oct_fb_content *list;
    const void *data;
    size_t size;
} search;

static bool same_address(const void *user, uint32_t id)
{
    const search *s = user;
    return s->list[id].data == s->data && s->list[id].size == s->size;
}

static bool same_bytes(const void *user, uint32_t id)
{
    const search *s = user;
    const oct_fb_content *content = &s->list[id];
    return content->size == s->size && content->data != NULL &&
        (s->size == 0 || memcmp(content->data, s->data, s->size) == 0);
}

static uint32_t append(oct_fb_contents *contents, oct_fb_content content)
{
    if (contents->count == contents->capacity) {
        uint32_t capacity = contents->capacity == 0 ? 64 : 2 * contents->capacity;
        oct_fb_content *grown = oct_arena_array(contents->arena, capacity, sizeof *grown);
        if (grown == NULL)
            return OCT_FB_NONE;
        if (contents->count != 0)
            memcpy(grown, contents->list, contents->count * sizeof *grown);
        contents->list = grown;
        contents->capacity = capacity;
    }
    contents->list[contents->count] = content;
    return contents->count++;
}

uint32_t oct_fb_contents_add(oct_fb_contents *contents, const void *data, size_t size,
    oct_fb_cause cause)
{
    if (contents->count == 0 && append(contents, (oct_fb_content){ 0 }) == OCT_FB_NONE)
        return OCT_FB_NONE;
    if (data == NULL)
        return 0;
    search s = { contents->list, data, size };
    uint64_t address_hash = oct_fb_hash(size, &data, sizeof data);
    uint32_t id = oct_fb_index_find(&contents->by_address, address_hash, same_address, &s);
    if (id != OCT_FB_NONE)
        return id;
    uint64_t hash = oct_fb_hash(0, data, size);
    id = oct_fb_index_find(&contents->by_bytes, hash, same_bytes, &s);
    if (id == OCT_FB_NONE) {
        id = append(contents, (oct_fb_content){ data, size, (uint8_t)cause, false });
        if (id == OCT_FB_NONE || !oct_fb_index_add(&contents->by_bytes, hash, id))
            return OCT_FB_NONE;
        if (!oct_fb_index_add(&contents->by_address, address_hash, id))
            return OCT_FB_NONE;
    }
    return id;
}

void oct_fb_contents_deinit(oct_fb_contents *contents)
{
    oct_fb_index_free(&contents->by_address);
    oct_fb_index_free(&contents->by_bytes);
}

static bool holds_numbers(const oct_tensor *tensor)
{
    switch (tensor->type) {
    case OCT_INT32:
    case OCT_INT64:
        return tensor->quant.count != 0;
    case OCT_STRING:
    case OCT_BOOL:
    case OCT_RESOURCE:
    case OCT_VARIANT:
    case OCT_UINT64:
    case OCT_UINT32:
        return false;
    default:
        return true;
    }
}

static void classify_node(const oct_subgraph *sub, const oct_node *node, uint8_t *causes,
    int32_t *origins)
{
    for (int32_t i = 0; i < node->input_count; i++) {
        int32_t t = node->inputs[i] < 0 ? -1 : origins[node->inputs[i]];
        if (t < 0 || !holds_numbers(sub->tensors[t]))
            continue;
        if (i >= 2 && sub->tensors[t]->rank <= 1)
            causes[t] = OCT_FB_BIASES;
        else if (causes[t] == OCT_FB_OTHER_CONSTANTS)
            causes[t] = OCT_FB_WEIGHTS;
    }
    if (node->input_count == 1 && node->output_count == 1 && node->inputs[0] >= 0 &&
        node->outputs[0] >= 0)
        origins[node->outputs[0]] = origins[node->inputs[0]];
}

void oct_fb_classify(const oct_subgraph *sub, uint8_t *causes, int32_t *origins)
{
    for (int32_t i = 0; i < sub->tensor_count; i++) {
        causes[i] = OCT_FB_OTHER_CONSTANTS;
        origins[i] = sub->tensors[i]->data != NULL ? i : -1;
    }
    for (int32_t i = 0; i < sub->node_count; i++)
        classify_node(sub, sub->nodes[i], causes, origins);
}
