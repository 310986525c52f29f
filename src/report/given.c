/*
 * Files compared as they are: what their forms are called is read off their types.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/model.h"
#include "report/comparison.h"
#include "base/sha256.h"

/* Which types the tensors of a graph have. */
typedef struct seen {
    bool activation[OCT_TYPE_COUNT], constant[OCT_TYPE_COUNT];
} seen;

static void look(const oct_graph *graph, seen *s)
{
    *s = (seen){ 0 };
    for (int32_t g = 0; g < graph->subgraph_count; g++) {
        const oct_subgraph *sub = graph->subgraphs[g];
        for (int32_t i = 0; i < sub->tensor_count; i++) {
            const oct_tensor *t = sub->tensors[i];
            /* Indices, shapes and the like are integers too, but have no scale. */
            bool counts = t->quant.count > 0 || t->type == OCT_FLOAT16;
            if (counts && t->data != NULL)
                s->constant[t->type] = true;
            else if (counts)
                s->activation[t->type] = true;
        }
    }
}

static oct_type port_type(const oct_graph *graph, bool output)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    int32_t count = output ? sub->output_count : sub->input_count;
    return count == 0 ? OCT_FLOAT32 : sub->tensors[(output ? sub->outputs : sub->inputs)[0]]->type;
}

oct_variant oct_variant_of(const oct_graph *graph)
{
    seen s;
    look(graph, &s);
    oct_type in = port_type(graph, false), out = port_type(graph, true);
    bool integer_ends = in != OCT_FLOAT32 && out != OCT_FLOAT32;
    oct_variant variant = { OCT_MODE_FLOAT32, in == OCT_UINT8 ? OCT_IO_UINT8 : OCT_IO_INT8 };
    if (s.activation[OCT_INT16])
        variant.mode = OCT_MODE_INT16X8;
    else if (s.activation[OCT_INT8] || s.activation[OCT_UINT8])
        variant.mode = integer_ends ? OCT_MODE_INT8_FULL : OCT_MODE_INT8;
    else if (s.constant[OCT_INT8] || s.constant[OCT_INT4])
        variant.mode = OCT_MODE_DYNAMIC;
    else if (s.constant[OCT_FLOAT16])
        variant.mode = OCT_MODE_FLOAT16;
    return variant;
}

/* "int8", and "int8#2" for the second file of that form. */
static void name_form(oct_comparison *c, int32_t index)
{
    oct_made *m = &c->made[index];
    int same = 1;
    for (int32_t i = 0; i < index; i++)
        same +=
            c->made[i].variant.mode == m->variant.mode && c->made[i].variant.io == m->variant.io;
    const char *name = oct_variant_name(m->variant);
    snprintf(m->name, sizeof m->name, same == 1 ? "%s" : "%s#%d", name, same);
}

oct_status oct_comparison_take(oct_comparison *c, int32_t index, oct_error *err)
{
    oct_made *m = &c->made[index];
    const char *path = c->options->given[index], *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    snprintf(m->file, sizeof m->file, "%s", file);
    snprintf(m->name, sizeof m->name, "%.40s", file);
    oct_backing *backing;
    OCT_TRY(oct_backing_map(path, &backing, err));
    m->bytes = oct_backing_size(backing);
    oct_sha256(oct_backing_bytes(backing), m->bytes, m->sha256);
    oct_status status =
        oct_model_load_bytes(oct_backing_bytes(backing), m->bytes, path, NULL, &m->model, err);
    oct_backing_release(backing);
    if (status != OCT_OK)
        return status;
    m->variant = oct_variant_of(m->model->graph);
    name_form(c, index);
    if (index == 0 && m->variant.mode != OCT_MODE_FLOAT32)
        return oct_fail(err, OCT_E_USAGE,
            "%s is %s; the first file is what the others are compared with and has to be float32",
            path, m->name);
    return oct_tflite_measure(m->model->graph, &m->ledger, err);
}
