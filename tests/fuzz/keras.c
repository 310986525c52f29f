/*
 * Any bytes: either refused with a sentence, or a graph that passes its checks.
 *
 * The checksums of an archive are put right first, so that changes reach the parsers behind them. An HDF5
 * file among the seeds takes the same way to weights and configuration without the archive.
 */
#include "keras/archive.h"
#include "keras/keras.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool held, const char *what, const char *why)
{
    if (held)
        return;
    fprintf(stderr, "%s: %s\n", what, why);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    oct_error err = { 0 };
    oct_graph *graph;
    oct_backing *backing = oct_backing_create(size);
    require(backing != NULL, "memory", "short");
    if (size > 0)
        memcpy(oct_backing_bytes(backing), bytes, size);
    repair_checksums(oct_backing_bytes(backing), size);
    oct_status status = oct_keras_read(backing, NULL, &graph, &err);
    oct_backing_release(backing);
    if (status != OCT_OK)
        require(graph == NULL && err.status == status && err.text[0] != '\0', "refusal", err.text);
    else
        require(oct_graph_check(graph, &err) == OCT_OK, "check", err.text);
    oct_graph_free(graph);
    return 0;
}
