/*
 * Property: whatever the reader takes for a model is made a session and run, or refused with a sentence.
 *
 * The goldens of the operators are its seeds: they are whole models, so that mutations reach options, shapes
 * and scales of every operator. How much memory a model may ask for is the user's decision: here 64 MB a block.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exec/session.h"
#include "tflite/tflite.h"

enum { MAX_BYTES = 1 << 18 };

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=64:allocator_may_return_null=1";
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Larger tensors and loops that a model may run for ever take longer than a fuzzer waits. */
static bool quick(const oct_graph *graph)
{
    for (int32_t s = 0; s < graph->subgraph_count; s++) {
        const oct_subgraph *sub = graph->subgraphs[s];
        for (int32_t i = 0; i < sub->tensor_count; i++)
            if (oct_tensor_bytes(sub->tensors[i]) > MAX_BYTES)
                return false;
        for (int32_t i = 0; i < sub->node_count; i++)
            if (sub->nodes[i]->op == OCT_OP_WHILE)
                return false;
    }
    return true;
}

static void run(const oct_graph *graph, oct_kernels kernels, const uint8_t *data, size_t size)
{
    oct_session_options options = { kernels, 1, 0 };
    oct_session *session;
    oct_error err = { 0 };
    if (oct_session_create_graph(graph, &options, &session, &err) != OCT_OK) {
        require(session == NULL && err.text[0] != 0);
        return;
    }
    for (int32_t i = 0; i < graph->subgraphs[0]->input_count; i++) {
        size_t bytes;
        uint8_t *input = oct_session_input(session, i, &bytes);
        bool truth = graph->subgraphs[0]->tensors[graph->subgraphs[0]->inputs[i]]->type == OCT_BOOL;
        for (size_t k = 0; k < bytes; k++)
            input[k] = truth ? data[k % size] & 1 : data[(k * 7 + 1) % size];
    }
    for (int step = 0; step < 2; step++) {
        err = (oct_error){ 0 };
        require(oct_session_run(session, &err) == OCT_OK || err.text[0] != 0);
    }
    oct_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oct_graph *graph = NULL;
    oct_backing *backing = size > 0 ? oct_backing_create(size) : NULL;
    if (backing == NULL)
        return 0;
    memcpy(oct_backing_bytes(backing), data, size);
    oct_status status = oct_tflite_read(backing, &graph, NULL);
    oct_backing_release(backing);
    if (status != OCT_OK)
        return 0;
    if (graph->subgraph_count > 0 && quick(graph)) {
        run(graph, OCT_KERNELS_REF, data, size);
        run(graph, OCT_KERNELS_FAST, data, size);
    }
    oct_graph_free(graph);
    return 0;
}
