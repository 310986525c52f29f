/*
 * Several processes that share one evaluation: each runs a part of the samples, then all have all
 * records and fold them in sample order, so that any number of processes gives the same numbers.
 */
#ifndef OCTAVO_GROUP_H
#define OCTAVO_GROUP_H

#include <stddef.h>
#include <stdint.h>
#include <octavo/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What is needed of the processes' means of talking; MPI's are behind oct_group_join(). */
typedef struct oct_group {
    int32_t rank; /* of this process: 0 .. size - 1 */
    int32_t size; /* processes */
    void *user;
    /**
     * Process `from` gives its `size` bytes to all others, which get them in `bytes`. All processes
     * call it with the same `from` and `size`, in the same order.
     */
    oct_status (*share)(void *user, int32_t from, void *bytes, size_t size, oct_error *err);
    /** Ends this process and all others with an exit code; does not return. */
    void (*abort)(void *user, int exit_code);
} oct_group;

/**
 * Joins the processes that an MPI launcher started (mpirun -n N octavo eval ...).
 *
 * out  the group, owned by the caller, oct_group_leave(); NULL when this process was started alone,
 *      or the call failed.
 * Errors: OCT_E_SYSTEM when it was started as one of several and Octavo's MPI part is not there.
 */
oct_status oct_group_join(oct_group **out, oct_error *err);

/** Takes leave of the others, which do the same; NULL is nothing. */
void oct_group_leave(oct_group *group);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
