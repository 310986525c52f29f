/*
 * Pinning by sched_setaffinity(), which Linux and Android have alike; what was given is read back, since a
 * container or a phone may allow less than was asked.
 */
#include "cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static bool add_range(const char *text, char **end, cpu_set_t *set)
{
    long first = strtol(text, end, 10), last = first;
    if (*end == text || *text < '0' || *text > '9')
        return false;
    if (**end == '-') {
        const char *second = *end + 1;
        last = strtol(second, end, 10);
        if (*end == second)
            return false;
    }
    if (last < first || last >= CPU_SETSIZE)
        return false;
    for (long i = first; i <= last; i++)
        CPU_SET((size_t)i, set);
    return true;
}

oct_status cli_pin(const cli_args *args, oct_error *err)
{
    const char *list = cli_get(args, "cpus");
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const char *at = list; at != NULL;) {
        char *end;
        if (!add_range(at, &end, &set) || (*end != '\0' && *end != ','))
            return cli_usage(
                args, err, "--cpus: '%s' is not a list of cores such as 4-7 or 0,2-3", list);
        at = *end == ',' ? end + 1 : NULL;
    }
    if (list == NULL || sched_setaffinity(0, sizeof set, &set) == 0)
        return OCT_OK;
    *err = (oct_error){ .status = OCT_E_SYSTEM, .offset = -1 };
    snprintf(err->text, sizeof err->text, "--cpus: the system does not give cores %s: %s", list,
        strerror(errno));
    return OCT_E_SYSTEM;
}

const char *cli_cpus(char *text, size_t size)
{
    cpu_set_t set;
    size_t at = 0;
    text[0] = '\0';
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return text;
    for (int i = 0; i < CPU_SETSIZE && at < size; i++) {
        int last = i;
        if (!CPU_ISSET((size_t)i, &set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET((size_t)last + 1, &set))
            last++;
        at += (size_t)snprintf(
            text + at, size - at, last > i ? "%s%d-%d" : "%s%d", at > 0 ? "," : "", i, last);
        i = last;
    }
    return text;
}
