/*
 * The machine a measurement was made on, as far as the system tells.
 */
#include <octavo/bench.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* First line of a small file without its newline; false when it cannot be read. */
static bool read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool got = fgets(text, (int)size, file) != NULL;
    fclose(file);
    if (got)
        text[strcspn(text, "\n")] = 0;
    return got;
}

/* x86 says "model name", ARM kernels "Hardware" or nothing but numbers. */
static void read_cpu(char *text, size_t size)
{
    snprintf(text, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL)
        return;
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (colon == NULL ||
            (strncmp(line, "model name", 10) != 0 && strncmp(line, "Hardware", 8) != 0))
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(text, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        break;
    }
    fclose(file);
}

void oct_machine_read(oct_machine *machine)
{
    *machine = (oct_machine){ .load = -1 };
    read_cpu(machine->cpu, sizeof machine->cpu);
    struct utsname system;
    if (uname(&system) == 0)
        snprintf(machine->system, sizeof machine->system, "%.40s %.60s %.20s", system.sysname,
            system.release, system.machine);
    if (!read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", machine->governor,
            sizeof machine->governor))
        snprintf(machine->governor, sizeof machine->governor, "unknown");
    machine->cores = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    char load[64];
    if (read_line("/proc/loadavg", load, sizeof load))
        machine->load = atof(load);
}
