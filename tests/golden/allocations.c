/*
 * A session allocates nothing while it runs: allocations of the second and third run are counted for
 * every golden model, with both kernels, with one thread and with two.
 *
 * Not counted: models with control flow or with shapes that follow from data, whose memory cannot be
 * planned.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "deny.h"
#include "exec/session.h"
#include "tflite/tflite.h"

typedef struct tally { int sessions, unplanned; } tally;

static bool is_planned(const oct_session *session, const oct_graph *graph)
{
    for (int32_t i = 0; i < oct_session_node_count(session); i++) {
        const oct_op *op = oct_session_node(session, i);
        for (int32_t k = 0; k < op->out_count; k++)
            if (op->out[k] != NULL && op->out[k]->late)
                return false;
    }
    return graph->subgraph_count == 1;
}

static void count(const oct_graph *graph, const char *file, const oct_session_options *options,
    tally *t)
{
    oct_session *session;
    oct_error err = { 0 };
    if (oct_session_create_graph(graph, options, &session, &err) != OCT_OK)
        fail_msg("%s: %s", file, err.text);
    bool planned = is_planned(session, graph);
    long allocations = 0;
    for (int run = 0; run < 3; run++) {
        deny_start(0, false);
        oct_status status = oct_session_run(session, &err); /* zeros may be no valid input: no matter */
        allocations += run > 0 && status == OCT_OK ? deny_seen : 0;
    }
    if (planned && allocations != 0)
        fail_msg("%s: %ld allocations in two runs, kernels %d, %d threads", file, allocations,
            options->kernels, options->threads);
    t->sessions += planned;
    t->unplanned += !planned;
    oct_session_free(session);
}

static void count_file(const char *path, const char *file, tally *t)
{
    oct_backing *backing;
    oct_graph *graph;
    oct_error err = { 0 };
    if (oct_backing_map(path, &backing, &err) != OCT_OK
        || oct_tflite_read(backing, &graph, &err) != OCT_OK)
        fail_msg("%s: %s", file, err.text);
    oct_backing_release(backing);
    for (int i = 0; i < 4; i++)
        count(graph, file,
            &(oct_session_options){ i % 2 ? OCT_KERNELS_FAST : OCT_KERNELS_REF, 1 + i / 2, 0 }, t);
    oct_graph_free(graph);
}

static void test_runs_allocate_nothing(void **unused)
{
    (void)unused;
    const char *folder = OCT_TESTS_DIR "/golden/ops";
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    tally t = { 0 };
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        const char *suffix = strrchr(entry->d_name, '.');
        char path[512];
        if (suffix == NULL || strcmp(suffix, ".tflite") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count_file(path, entry->d_name, &t);
    }
    closedir(entries);
    printf("%d sessions ran without an allocation, %d cannot be planned\n", t.sessions, t.unplanned);
    assert_true(t.sessions > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_runs_allocate_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
