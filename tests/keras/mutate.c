/*
 * Damaged files never crash, hang or leak: seeded random changes and truncations.
 *
 * A change in an archive is repaired in its checksums, so that it reaches the parsers behind them.
 * OCT_MUTATIONS sets how many changes of each kind are tried (5000); run under the sanitizers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keras/archive.h"
#include "keras/keras.h"

static const char *const seeds[] = { "tiny.keras", "tiny.h5", "tiny_fixed.h5", "tiny_deflated.keras",
    "keras3_nested.keras", "keras2_nested.h5", "keras3_operators.h5", "keras2_operators.keras",
    "keras3_line.h5", "keras2_conv.h5", "keras3_normalize.keras", "keras3_activation_layers.h5",
    "keras3_indexing.keras", "keras2_indexing.h5", "keras3_selection.keras", "keras2_recurrent.keras",
    "keras3_merged_directions.h5", "keras3_attention.keras", "keras3_einsum_dense.h5",
    "keras2_each_step.keras", "keras3_aspect.keras" };

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 16) % limit);
}

/* One change: a byte, a small number, all ones, or a piece from elsewhere in the file. */
static void change(unsigned char *bytes, size_t size)
{
    uint32_t at = random_below((uint32_t)size), kind = random_below(5);
    size_t room = size - at;
    if (kind == 0)
        bytes[at] ^= (unsigned char)(1u << random_below(8));
    else if (kind == 1)
        bytes[at] = (unsigned char)random_below(256);
    else if (kind == 2)
        memset(bytes + at, random_below(2) ? 0xff : 0, room < 8 ? room : 1 + random_below(8));
    else if (kind == 3)
        put_number(bytes + at - (room < 4 ? 4 - room : 0), random_below(4096), 4);
    else
        memmove(bytes + at, bytes + random_below((uint32_t)(size - (room < 16 ? room : 16)) + 1),
            room < 16 ? room : 1 + random_below(16));
}

/* Reads the file, which must fail with a sentence or give a graph that holds its invariants. */
static void read_any(oct_backing *backing, const char *file)
{
    oct_error err = { 0 };
    oct_graph *graph;
    oct_status status = oct_keras_read(backing, NULL, &graph, &err);
    if (status != OCT_OK && (graph != NULL || err.status != status || err.text[0] == 0))
        fail_msg("%s: status %d, recorded %d: '%s'", file, status, err.status, err.text);
    oct_graph_free(graph);
}

static void changed_files_are_survived(void **state)
{
    const char *wanted = getenv("OCT_MUTATIONS");
    long each = wanted == NULL ? 5000 : atol(wanted);
    size_t count = sizeof seeds / sizeof seeds[0];
    (void)state;
    for (size_t i = 0; i < count; i++) {
        oct_backing *whole = load_copy(seeds[i]);
        size_t size = oct_backing_size(whole);
        random_state = 0x9e3779b97f4a7c15u + i;
        for (long k = 0; k < 2 * each / (long)count; k++) {
            oct_backing *changed = oct_backing_create(size);
            unsigned char *bytes = oct_backing_bytes(changed);
            memcpy(bytes, oct_backing_bytes(whole), size);
            for (uint32_t n = 1 + random_below(4); n > 0; n--)
                change(bytes, size);
            repair_checksums(bytes, size);
            read_any(changed, seeds[i]);
            oct_backing_release(changed);
        }
        oct_backing_release(whole);
    }
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        oct_backing *whole = load_copy(seeds[i]);
        size_t size = oct_backing_size(whole);
        for (size_t length = 0; length < size; length += 1 + length / 97) {
            oct_error err = { 0 };
            oct_graph *graph;
            oct_backing *piece = oct_backing_create(length);
            memcpy(oct_backing_bytes(piece), oct_backing_bytes(whole), length);
            oct_status status = oct_keras_read(piece, NULL, &graph, &err);
            if (status == OCT_OK)
                fail_msg("%s cut to %zu of %zu bytes is read", seeds[i], length, size);
            oct_backing_release(piece);
        }
        oct_backing_release(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_files_are_survived),
        cmocka_unit_test(truncated_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
