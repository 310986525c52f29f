/*
 * Any bytes: either refused with a sentence, or a graph that passes its checks, is written, read
 * again, says the same, and is written to the same bytes.
 */
#include "tflite/compare.h"

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
    oct_graph *graph, *again;
    oct_error err = { 0 };
    memory first = { 0 }, second = { 0 };
    char why[512] = "";
    if (read_bytes(bytes, size, &graph, &err) != OCT_OK) {
        require(graph == NULL && err.text[0] != '\0' && err.status != OCT_OK, "refusal", err.text);
        return 0;
    }
    oct_tflite_ledger ledger;
    require(oct_graph_check(graph, &err) == OCT_OK, "check", err.text);
    require(oct_tflite_measure(graph, &ledger, &err) == OCT_OK, "measure", err.text);
    require(oct_tflite_write(graph, to_memory, &first, &err) == OCT_OK, "write", err.text);
    require(ledger.total == first.size, "measure", "another size than written");
    require(read_bytes(first.bytes, first.size, &again, &err) == OCT_OK, "read again", err.text);
    require(same_graph(graph, again, why, sizeof why), "round trip", why);
    require(oct_tflite_write(again, to_memory, &second, &err) == OCT_OK, "write again", err.text);
    require(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0,
        "second writing", "other bytes");
    oct_graph_free(again);
    oct_graph_free(graph);
    free(first.bytes);
    free(second.bytes);
    return 0;
}
