/*
 * What the kernel tests share: seeded random data, guarded memory, counting, and the walk over CPU
 * levels.
 *
 * Inputs end at an unreadable page, so a read past the end is a crash at its place; outputs lie
 * between canaries. A failure prints the case; the last line is "N passed, N failed".
 */
#ifndef OCT_TESTS_KERNELS_CHECK_H
#define OCT_TESTS_KERNELS_CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/dispatch.h"

static struct { int passed, failed, shown; uint64_t random; } check_state = { .random = 1 };

static inline uint32_t check_random(void)
{
    uint64_t z = (check_state.random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

/** Uniform in [lo, hi]. */
static inline int32_t check_between(int32_t lo, int32_t hi)
{
    return (int32_t)(lo + (int64_t)(check_random() % (uint64_t)((int64_t)hi - lo + 1)));
}

/** Mostly uniform; the ends of the range one time in four. */
static inline int32_t check_extreme(int32_t lo, int32_t hi)
{
    uint32_t dice = check_random() % 8;
    return dice == 0 ? lo : dice == 1 ? hi : check_between(lo, hi);
}

/** Normal-sized floats with some zeros, negative zeros, tiny and huge ones. */
static inline float check_float(void)
{
    uint32_t dice = check_random() % 32;
    float v = (float)check_between(-1000000, 1000000) / 250000.f;
    return dice == 0 ? 0.f : dice == 1 ? -0.f : dice == 2 ? v * 1e-40f : dice == 3 ? v * 1e15f : v;
}

__attribute__((format(printf, 2, 3))) static inline void check(bool good, const char *format, ...)
{
    if (good) {
        check_state.passed++;
        return;
    }
    check_state.failed++;
    if (check_state.shown++ >= 20)
        return;
    va_list arguments;
    va_start(arguments, format);
    printf("FAILED ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

static inline int check_done(void)
{
    printf("%d passed, %d failed\n", check_state.passed, check_state.failed);
    return check_state.failed != 0;
}

/* An input of `size` bytes whose end is the end of readable memory. */
typedef struct check_input {
    void *map;
    size_t map_size;
    void *data;
} check_input;

static inline check_input check_input_create(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
    check_input input = { .map_size = room + page };
    input.map =
        mmap(NULL, input.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (input.map == MAP_FAILED || mprotect((char *)input.map + room, page, PROT_NONE) != 0)
        abort();
    input.data = (char *)input.map + room - size;
    return input;
}

static inline void check_input_free(check_input *input)
{
    munmap(input->map, input->map_size);
}

enum { CHECK_CANARY = 256 };

/** An output of size bytes, 64-byte aligned, between canaries; free with check_output_free(). */
static inline void *check_output_create(size_t size)
{
    unsigned char *block = NULL;
    if (posix_memalign((void **)&block, 64, size + 2 * CHECK_CANARY) != 0)
        abort();
    memset(block, 0xa5, size + 2 * CHECK_CANARY);
    return block + CHECK_CANARY;
}

/** Whether nothing was written around an output. */
static inline bool check_output_intact(const void *output, size_t size)
{
    const unsigned char *bytes = output;
    for (size_t i = 0; i < CHECK_CANARY; i++)
        if (bytes[size + i] != 0xa5 || (bytes - CHECK_CANARY)[i] != 0xa5)
            return false;
    return true;
}

static inline void check_output_free(void *output)
{
    free((unsigned char *)output - CHECK_CANARY);
}

/** 64-byte aligned zeroed memory for packed data. */
static inline void *check_packed_create(size_t size)
{
    void *block = NULL;
    if (posix_memalign(&block, 64, size + 64) != 0)
        abort();
    memset(block, 0, size + 64);
    return block;
}

/* Runs body for every level this machine has, `kernels` and `level` being set. */
#define CHECK_LEVELS(level, kernels)                                                               \
    for (oct_cpu level = OCT_CPU_C; level <= oct_cpu_supported(); level++)                         \
        for (const oct_kernel_set *kernels = oct_kernel_set_of(level); kernels != NULL;            \
             kernels = NULL)

#endif
