/*
 * Stands in for Octavo's program on a device and misbehaves as its seed says: what no healthy program does
 * and a host has to survive. Seed 1000 * WHAT + SLICE; the host counts the slices up.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <octavo/octavo.h>

enum {
    JUMPS_ONCE = 1,
    JUMPS,
    NO_JSON,
    REFUSES,
    TOO_FEW,
    SLEEPS,
    DIES = 100 /* by signal WHAT - DIES */
};

static long option(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return strtol(argv[i + 1], NULL, 10);
    return 0;
}

static void answer(int models, long rounds, const char *time)
{
    printf("{\"machine\": {\"cores\": 2, \"load\": 0}, \"cpus\": \"0-1\", \"models\": [");
    for (int m = 0; m < models; m++) {
        printf("%s{\"runs_per_round\": 1, \"times_ns\": [", m > 0 ? ", " : "");
        for (long i = 0; i < rounds; i++)
            printf("%s%s", i > 0 ? ", " : "", time);
        printf("]}");
    }
    puts("]}");
}

int main(int argc, char **argv)
{
    long seed = option(argc, argv, "--seed"), what = seed / 1000, slice = seed % 1000;
    int models = 0;
    for (int i = argc - 1; i > 0 && strlen(argv[i]) == 32; i--)
        models++; /* named by digests */
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("octavo " OCT_VERSION);
        return 0;
    }
    if (what == REFUSES) {
        fputs("octavo bench: m.tflite: no kernel for SORT\n", stderr);
        return oct_status_exit_code(OCT_E_UNSUPPORTED);
    }
    if (what > DIES && slice == 1) {
        signal((int)(what - DIES), SIG_DFL); /* sanitizers have handlers */
        raise((int)(what - DIES));
    }
    if (what == SLEEPS && slice == 1)
        sleep(60);
    if (what == NO_JSON)
        puts("{ \"models\": [");
    else
        answer(models, option(argc, argv, "--rounds") - (what == TOO_FEW),
            what == JUMPS || (what == JUMPS_ONCE && slice == 1) ? "9e12" : "100000");
    return 0;
}
