/*
 * What octavo_mpi.so exports: a group over MPI_COMM_WORLD. It is a file of its own so that Octavo
 * needs no MPI library unless an MPI launcher started it.
 */
#ifndef OCT_MPI_PLUGIN_H
#define OCT_MPI_PLUGIN_H

#include <stdbool.h>
#include <octavo/group.h>

#define OCT_MPI_PLUGIN_FILE "octavo_mpi.so"

/** Fills in the group of this process; false when MPI cannot be started. */
typedef bool oct_mpi_join(oct_group *group);

/** Leaves MPI. */
typedef void oct_mpi_leave(void);

extern oct_mpi_join octavo_mpi_join;
extern oct_mpi_leave octavo_mpi_leave;

#endif
