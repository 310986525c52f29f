/*
 * Joining an MPI job: the launcher's environment says that there is one, octavo_mpi.so beside the
 * command (or where it was installed) knows how to talk.
 */
#include <octavo/group.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "mpi/plugin.h"

/* A group that was joined, and how to leave it. */
typedef struct joined {
    oct_group group;
    oct_mpi_leave *leave;
} joined;

/* Open MPI's and MPICH's (also Intel's) word for the number of processes; 1 when alone. */
static int processes(void)
{
    static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]) != NULL)
            return atoi(getenv(names[i]));
    return 1;
}

/* Beside the command; where `cmake --install` puts it; the loader's search path. */
static void *open_plugin(void)
{
    char self[4096], path[4200];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = NULL;
    if (length > 0) {
        self[length] = '\0';
        slash = strrchr(self, '/');
    }
    static const char *const places[] = { "/", "/../lib/octavo/" };
    for (size_t i = 0; slash != NULL && i < sizeof places / sizeof *places; i++) {
        *slash = '\0';
        snprintf(path, sizeof path, "%s%s%s", self, places[i], OCT_MPI_PLUGIN_FILE);
        void *plugin = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
        if (plugin != NULL)
            return plugin;
    }
    return dlopen(OCT_MPI_PLUGIN_FILE, RTLD_NOW | RTLD_GLOBAL);
}

oct_status oct_group_join(oct_group **out, oct_error *err)
{
    *out = NULL;
    int size = processes();
    if (size < 2)
        return OCT_OK;
    void *plugin = open_plugin();
    if (plugin == NULL)
        return oct_fail(err, OCT_E_SYSTEM,
            "started as one of %d processes, but %s is not there; it is built where MPI is "
            "installed (Debian: libopenmpi-dev)",
            size, OCT_MPI_PLUGIN_FILE);
    joined *j = calloc(1, sizeof *j);
    if (j == NULL)
        return oct_fail_memory(err, sizeof *j, "processes");
    /* A data pointer becomes a function pointer bytewise: POSIX says they are alike. */
    oct_mpi_join *join = NULL;
    void *symbols[] = { dlsym(plugin, "octavo_mpi_join"), dlsym(plugin, "octavo_mpi_leave") };
    memcpy(&join, &symbols[0], sizeof join);
    memcpy(&j->leave, &symbols[1], sizeof j->leave);
    if (join == NULL || j->leave == NULL || !join(&j->group)) {
        free(j);
        return oct_fail(err, OCT_E_SYSTEM, "MPI cannot be started");
    }
    *out = &j->group;
    return OCT_OK;
}

void oct_group_leave(oct_group *group)
{
    if (group == NULL)
        return;
    ((joined *)group)->leave();
    free(group);
}
