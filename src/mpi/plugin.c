/*
 * The group of an MPI job. Bytes travel by MPI_Bcast in pieces, whose lengths MPI counts in an int.
 */
#include <mpi.h>
#include <stdbool.h>
#include <unistd.h>

#include "mpi/plugin.h"

enum { PIECE = 1 << 30 };

static oct_status share(void *user, int32_t from, void *bytes, size_t size, oct_error *err)
{
    (void)user, (void)err; /* MPI_COMM_WORLD ends the job on an error */
    for (size_t at = 0; at < size; at += PIECE) {
        size_t piece = size - at < PIECE ? size - at : PIECE;
        MPI_Bcast((char *)bytes + at, (int)piece, MPI_BYTE, from, MPI_COMM_WORLD);
    }
    return OCT_OK;
}

static void end_all(void *user, int exit_code)
{
    (void)user;
    MPI_Abort(MPI_COMM_WORLD, exit_code);
}

#pragma GCC visibility push(default)

bool octavo_mpi_join(oct_group *group)
{
    int level, rank, size;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
        return false;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    *group = (oct_group){ .rank = rank, .size = size, .share = share, .abort = end_all };
    return true;
}

/* Those who are done wait asleep: MPI_Finalize() would spin and disturb what others still measure. */
void octavo_mpi_leave(void)
{
    MPI_Request all;
    int here = 0;
    MPI_Ibarrier(MPI_COMM_WORLD, &all);
    while (!here) {
        MPI_Test(&all, &here, MPI_STATUS_IGNORE);
        if (!here)
            usleep(20000);
    }
    MPI_Finalize();
}

#pragma GCC visibility pop
