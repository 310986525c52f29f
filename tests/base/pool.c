/*
 * Every iteration runs exactly once, whatever the threads, the count and the grain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/pool.h"

typedef struct tally {
    atomic_int *hits;
    size_t grain;
    int32_t threads;
    atomic_int wrong;
} tally;

static void count_piece(void *user, size_t begin, size_t end, int32_t worker)
{
    tally *t = user;
    if (begin % t->grain != 0 || end <= begin || end - begin > t->grain || worker < 0 ||
        worker >= t->threads)
        atomic_fetch_add(&t->wrong, 1);
    for (size_t i = begin; i < end; i++)
        atomic_fetch_add(&t->hits[i], 1);
}

static void run_counts(int32_t threads)
{
    oct_pool *pool;
    oct_error err = { 0 };
    assert_int_equal(oct_pool_create(threads, &pool, &err), OCT_OK);
    for (size_t count = 0; count < 200; count += 7) {
        for (size_t grain = 1; grain < 40; grain += 5) {
            atomic_int *hits = calloc(count + 1, sizeof *hits);
            tally t = { hits, grain, oct_pool_threads(pool), 0 };
            oct_pool_for(pool, count, grain, count_piece, &t);
            for (size_t i = 0; i < count; i++)
                if (atomic_load(&hits[i]) != 1)
                    fail_msg("threads %d, count %zu, grain %zu: iteration %zu ran %d times",
                        threads, count, grain, i, atomic_load(&hits[i]));
            assert_int_equal(atomic_load(&t.wrong), 0);
            free(hits);
        }
    }
    oct_pool_free(pool);
}

static void test_each_iteration_once(void **unused)
{
    (void)unused;
    for (int32_t threads = 0; threads < 5; threads++)
        run_counts(threads);
}

static void test_bad_thread_count(void **unused)
{
    (void)unused;
    oct_pool *pool;
    oct_error err = { 0 };
    assert_int_equal(oct_pool_create(-1, &pool, &err), OCT_E_USAGE);
    assert_string_equal(err.text, "-1 threads asked for: 1 to 256 are possible");
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_iteration_once),
        cmocka_unit_test(test_bad_thread_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
