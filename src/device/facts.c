/*
 * Asking and parsing. One script a question, so that a slow connection is paid once; its output is
 * sections that begin with "@name", parsed here rather than by tools that differ from phone to phone.
 */
#include "device/facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char facts_script[] =
#define OCT_DEVICE_ASK(name, key, property)                                                        \
    "echo \"@property " property " $(getprop " property ")\"\n"
    OCT_DEVICE_PROPERTY_LIST(OCT_DEVICE_ASK)
#undef OCT_DEVICE_ASK
        "for c in /sys/devices/system/cpu/cpu[0-9]*; do\n"
        "echo \"@core ${c##*cpu}\"\n"
        "for f in cpuinfo_max_freq scaling_max_freq scaling_governor; do\n"
        "echo \"$f $(cat $c/cpufreq/$f 2>/dev/null)\"\n"
        "done\ndone\n"
        "echo @status; cat /proc/self/status\n"
        "echo @cpuinfo; cat /proc/cpuinfo\n";

static const char state_script[] =
    "echo @thermal; dumpsys thermalservice 2>/dev/null | grep 'Thermal Status:'\n"
    "echo @battery; dumpsys battery 2>/dev/null\n"
    "echo @power; dumpsys power 2>/dev/null | grep mWakefulness=\n"
    "echo @window; dumpsys window 2>/dev/null | grep -E 'mDreamingLockscreen=|isKeyguardShowing='\n"
    "echo \"@clock $(date +%s)\"\n"
    "echo \"@uptime $(cat /proc/uptime)\"\n"
    "for c in /sys/devices/system/cpu/cpu[0-9]*; do\n"
    "echo \"@limit ${c##*cpu} $(cat $c/cpufreq/scaling_max_freq 2>/dev/null)\"\n"
    "done\n";

static const double ask_seconds = 60;

/* The next line of a text without its newline, cut to fit; NULL at the end. */
static const char *next_line(const char *text, char *line, size_t size)
{
    if (*text == 0)
        return NULL;
    size_t length = strcspn(text, "\n");
    size_t end = length;
    while (end > 0 && strchr(" \t\r", text[end - 1]) != NULL)
        end--;
    snprintf(line, size, "%.*s", (int)(end < size ? end : size - 1), text);
    return text + length + (text[length] == '\n');
}

/* The text behind "name " at the beginning of a line, NULL when the line has another name. */
static const char *value_of(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || (line[length] != ' ' && line[length] != 0))
        return NULL;
    return line + length + strspn(line + length, " ");
}

static int64_t number_or_none(const char *text)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    return end == text || number < 0 ? -1 : number;
}

/* Facts. */

static void take_property(const char *text, oct_device_facts *facts)
{
    static const char *const properties[] = {
#define OCT_DEVICE_PROPERTY_NAME(name, key, property) property,
        OCT_DEVICE_PROPERTY_LIST(OCT_DEVICE_PROPERTY_NAME)
#undef OCT_DEVICE_PROPERTY_NAME
    };
    for (int i = 0; i < OCT_DEVICE_PROPERTY_COUNT; i++) {
        const char *value = value_of(text, properties[i]);
        if (value != NULL)
            snprintf(facts->properties[i], sizeof facts->properties[i], "%.*s", OCT_DEVICE_TEXT - 1,
                value);
    }
}

static oct_device_core *find_core(oct_device_facts *facts, int cpu)
{
    for (int i = 0; i < facts->core_count; i++)
        if (facts->cores[i].cpu == cpu)
            return &facts->cores[i];
    return NULL;
}

static oct_device_core *add_core(oct_device_facts *facts, const char *number)
{
    int64_t cpu = number_or_none(number);
    if (cpu < 0 || cpu >= OCT_DEVICE_CPUS || facts->core_count == OCT_DEVICE_CORES ||
        find_core(facts, (int)cpu) != NULL)
        return NULL;
    int at = facts->core_count++; /* the shell lists 10 before 2 */
    for (; at > 0 && facts->cores[at - 1].cpu > cpu; at--)
        facts->cores[at] = facts->cores[at - 1];
    facts->cores[at] = (oct_device_core){ .cpu = (int)cpu, .max_khz = -1, .limit_khz = -1 };
    return &facts->cores[at];
}

static void take_core(const char *line, oct_device_core *core)
{
    const char *value;
    if ((value = value_of(line, "cpuinfo_max_freq")) != NULL)
        core->max_khz = number_or_none(value);
    else if ((value = value_of(line, "scaling_max_freq")) != NULL)
        core->limit_khz = number_or_none(value);
    else if ((value = value_of(line, "scaling_governor")) != NULL)
        snprintf(core->governor, sizeof core->governor, "%.31s", value);
}

/* "processor : 4", then "CPU part : 0xd46" of that core. */
static void take_cpuinfo(const char *line, oct_device_facts *facts, oct_device_core **core)
{
    const char *colon = strchr(line, ':');
    if (colon == NULL)
        return;
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    if (strncmp(line, "processor", 9) == 0)
        *core = find_core(facts, atoi(value));
    else if (strncmp(line, "CPU part", 8) == 0 && *core != NULL)
        snprintf((*core)->part, sizeof(*core)->part, "%.15s", value);
}

void oct_device_parse_facts(const char *text, oct_device_facts *facts)
{
    static const char allowed[] = "Cpus_allowed_list:";
    char line[512], section[16] = "";
    const char *value;
    oct_device_core *core = NULL;
    *facts = (oct_device_facts){ .core_count = 0 };
    while ((text = next_line(text, line, sizeof line)) != NULL) {
        if ((value = value_of(line, "@property")) != NULL) {
            take_property(value, facts);
        } else if ((value = value_of(line, "@core")) != NULL) {
            core = add_core(facts, value);
            snprintf(section, sizeof section, "core");
        } else if (line[0] == '@') {
            core = NULL;
            snprintf(section, sizeof section, "%.15s", line + 1);
        } else if (strcmp(section, "core") == 0 && core != NULL) {
            take_core(line, core);
        } else if (strcmp(section, "cpuinfo") == 0) {
            take_cpuinfo(line, facts, &core);
        } else if (strncmp(line, allowed, sizeof allowed - 1) == 0) {
            value = line + sizeof allowed - 1;
            snprintf(facts->allowed, sizeof facts->allowed, "%.63s", value + strspn(value, " \t"));
        }
    }
}

oct_status oct_device_read_facts(const oct_adb *adb, oct_device_facts *facts, oct_error *err)
{
    oct_adb_reply reply;
    OCT_TRY(oct_adb_shell(adb, facts_script, ask_seconds, &reply, err));
    oct_device_parse_facts(reply.out, facts);
    free(reply.out);
    return OCT_OK;
}

/* State. */

/* "  USB powered: true" */
static void take_battery(const char *line, oct_device_state *state)
{
    const char *at = line + strspn(line, " ");
    const char *colon = strchr(at, ':');
    if (colon == NULL)
        return;
    const char *value = colon + 1 + strspn(colon + 1, " ");
    if (strncmp(at, "level:", 6) == 0)
        state->battery_percent = (int)number_or_none(value);
    else if (strncmp(at, "temperature:", 12) == 0 && number_or_none(value) >= 0)
        state->battery_c = (double)number_or_none(value) / 10;
    else if (strstr(at, "powered:") != NULL && state->powered != 1)
        state->powered = strcmp(value, "true") == 0;
}

static void take_line(const char *section, const char *line, oct_device_state *state)
{
    const char *value = strchr(line, ':');
    if (strcmp(section, "thermal") == 0 && value != NULL && state->thermal < 0)
        state->thermal = (int)number_or_none(value + 1 + strspn(value + 1, " "));
    else if (strcmp(section, "battery") == 0)
        take_battery(line, state);
    else if (strcmp(section, "power") == 0 && strstr(line, "mWakefulness=") != NULL)
        state->awake = strstr(line, "=Awake") != NULL;
    else if (strcmp(section, "window") == 0 && strchr(line, '=') != NULL)
        state->locked = state->locked == 1 || strstr(line, "Lockscreen=true") != NULL ||
                        strstr(line, "Showing=true") != NULL;
}

/* "4 2850000" */
static void take_limit(const char *text, const oct_device_facts *facts, oct_device_state *state)
{
    const char *space = strchr(text, ' ');
    for (int i = 0; i < facts->core_count && space != NULL; i++)
        if (facts->cores[i].cpu == atoi(text))
            state->limit_khz_now[i] = number_or_none(space + 1);
}

void oct_device_parse_state(
    const char *text, const oct_device_facts *facts, oct_device_state *state)
{
    char line[512], section[16] = "";
    const char *value;
    *state = (oct_device_state){ .thermal = -1,
        .battery_percent = -1,
        .battery_c = NAN,
        .powered = -1,
        .awake = -1,
        .locked = -1,
        .clock = -1,
        .uptime = -1 };
    for (int i = 0; i < OCT_DEVICE_CORES; i++)
        state->limit_khz_now[i] = -1;
    while ((text = next_line(text, line, sizeof line)) != NULL) {
        if ((value = value_of(line, "@clock")) != NULL)
            state->clock = *value != 0 ? atof(value) : -1;
        else if ((value = value_of(line, "@uptime")) != NULL)
            state->uptime = *value != 0 ? atof(value) : -1;
        else if ((value = value_of(line, "@limit")) != NULL)
            take_limit(value, facts, state);
        else if (line[0] == '@')
            snprintf(section, sizeof section, "%.15s", line + 1);
        else
            take_line(section, line, state);
    }
}

oct_status oct_device_read_state(
    const oct_adb *adb, const oct_device_facts *facts, oct_device_state *state, oct_error *err)
{
    oct_adb_reply reply;
    OCT_TRY(oct_adb_shell(adb, state_script, ask_seconds, &reply, err));
    oct_device_parse_state(reply.out, facts, state);
    free(reply.out);
    return OCT_OK;
}

void oct_device_facts_name(
    const oct_device_facts *facts, const char *serial, char *text, size_t size)
{
    const char *maker = facts->properties[OCT_DEVICE_MANUFACTURER];
    const char *model = facts->properties[OCT_DEVICE_MODEL];
    bool both = *maker != 0 && *model != 0;
    snprintf(text, size, "%s%s%s", maker, both ? " " : "", model);
    if (*text == 0)
        snprintf(text, size, "device %s", serial);
}
