/*
 * Opening a device: which one, what it is, and whether Octavo's program runs on it.
 */
#include "device/device.h"

#include <elf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <octavo/octavo.h>
#include "base/backing.h"
#include "base/sha256.h"
#include "device/process.h"

/* Programs by ABI: how their file is called and what its header says. */
static const struct {
    const char *abi, *suffix;
    uint16_t machine;
} abis[] = { { "arm64-v8a", "arm64", EM_AARCH64 }, { "x86_64", "x86_64", EM_X86_64 } };

static oct_status read_spec(const char *spec, const char **serial, oct_error *err)
{
    bool plain = strcmp(spec, "adb") == 0;
    *serial = plain ? NULL : spec + 4;
    if (plain || (strncmp(spec, "adb:", 4) == 0 && spec[4] != 0))
        return OCT_OK;
    return oct_fail(err, OCT_E_USAGE,
        "'%s' is not a device: adb, or adb:SERIAL as 'adb devices' shows it", spec);
}

/* The program for the device. */

static bool find_near(const char *folder, const char *suffix, char *path, size_t size)
{
    static const char *const places[] = { "octavo-%s", "../libexec/octavo/octavo-%s",
        "../build-%s/octavo" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *name = i == 2 && strcmp(suffix, "arm64") == 0 ? "aarch64" : suffix;
        int length = snprintf(path, size, "%s/", folder);
        if (length < 0 || (size_t)length >= size)
            return false;
        snprintf(path + length, size - (size_t)length, places[i], name);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static oct_status find_program(
    const oct_device *d, int abi, char *path, size_t size, oct_error *err)
{
    char folder[4096];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[length < 0 ? 0 : length] = 0;
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = 0;
    if (find_near(folder, abis[abi].suffix, path, size))
        return OCT_OK;
    return oct_fail(err, OCT_E_SYSTEM,
        "%s needs Octavo's program for %s, octavo-%s, which is not beside "
        "this one: build it with scripts/device.sh, or give --device-program FILE",
        d->name, abis[abi].abi, abis[abi].suffix);
}

static oct_status check_program(
    const oct_device *d, int abi, const char *path, const oct_backing *file, oct_error *err)
{
    Elf64_Ehdr header;
    if (oct_backing_size(file) < sizeof header ||
        memcmp(oct_backing_bytes(file), ELFMAG, SELFMAG) != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: not a program", path);
    memcpy(&header, oct_backing_bytes(file), sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != abis[abi].machine)
        return oct_fail(err, OCT_E_INVALID, "%s: a program for another CPU than that of %s (%s)",
            path, d->name, abis[abi].abi);
    return OCT_OK;
}

static oct_status send_program(oct_device *d, const char *given, oct_error *err)
{
    const char *abi = d->facts.properties[OCT_DEVICE_ABI];
    int index = 0, count = (int)(sizeof abis / sizeof *abis);
    while (index < count && strcmp(abis[index].abi, abi) != 0)
        index++;
    if (index == count)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "%s runs programs for '%s'; Octavo has one for arm64-v8a "
            "and x86_64",
            d->name, abi);
    char path[8192];
    snprintf(path, sizeof path, "%s", given == NULL ? "" : given);
    if (given == NULL)
        OCT_TRY(find_program(d, index, path, sizeof path, err));
    oct_backing *file;
    OCT_TRY(oct_backing_map(path, &file, err));
    oct_status status = check_program(d, index, path, file, err);
    if (status == OCT_OK)
        oct_sha256(oct_backing_bytes(file), oct_backing_size(file), d->program_sha256);
    if (status == OCT_OK)
        status = oct_device_store(
            d, oct_backing_bytes(file), oct_backing_size(file), "", d->program, err);
    oct_backing_release(file);
    return status;
}

/* It runs there, and speaks this program's version. */
static oct_status try_program(oct_device *d, oct_error *err)
{
    char path[4096], line[64] = "";
    OCT_TRY(oct_device_call(d, "--version", err));
    OCT_TRY(oct_device_fetch(d, "run/out", path, sizeof path, err));
    FILE *file = fopen(path, "r");
    if (file != NULL && fgets(line, sizeof line, file) == NULL)
        line[0] = 0;
    if (file != NULL)
        fclose(file);
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, "octavo " OCT_VERSION) == 0)
        return OCT_OK;
    return oct_fail(err, OCT_E_SYSTEM,
        "the program for the device is '%s', this is octavo %s: build both "
        "from one source",
        line, OCT_VERSION);
}

/* Opening. */

static void warn(oct_device *d)
{
    char missing[256];
    const oct_device_state *state = &d->states[0];
    oct_device_unreadable(&d->facts, state, missing, sizeof missing);
    if (*missing != 0)
        oct_device_note(d, "%s does not tell: %.200s", d->name, missing);
    if (state->awake == 0 || state->locked == 1)
        oct_device_note(d,
            "the screen of %.100s is %s: Android may hold background work to slow cores; "
            "unlock it and keep it on",
            d->name, state->awake == 0 ? "off" : "locked");
    for (int i = 0; i < d->facts.core_count; i++) {
        const oct_device_core *c = &d->facts.cores[i];
        if (c->limit_khz >= 0 && c->limit_khz < c->max_khz) {
            oct_device_note(d, "core %d is limited to %.2f of %.2f GHz", c->cpu,
                (double)c->limit_khz / 1e6, (double)c->max_khz / 1e6);
            break;
        }
    }
}

static oct_status make_local_folder(oct_device *d, oct_error *err)
{
    const char *base = getenv("TMPDIR");
    char path[4096];
    snprintf(
        path, sizeof path, "%.4000s/octavo-XXXXXX", base == NULL || *base == 0 ? "/tmp" : base);
    if (mkdtemp(path) == NULL)
        return oct_fail(err, OCT_E_SYSTEM, "%s: cannot make a folder: %s", path, strerror(errno));
    d->local = strdup(path);
    return d->local != NULL ? OCT_OK : oct_fail_memory(err, sizeof path, "folder name");
}

static oct_status work(oct_device *d, const char *spec, const oct_device_options *o, oct_error *err)
{
    const char *serial;
    OCT_TRY(read_spec(spec, &serial, err));
    OCT_TRY(make_local_folder(d, err));
    OCT_TRY(oct_adb_find(&d->adb, serial, err));
    OCT_TRY(oct_device_read_facts(&d->adb, &d->facts, err));
    oct_device_facts_name(&d->facts, d->adb.serial, d->name, sizeof d->name);
    OCT_TRY(oct_device_choose_cores(
        &d->facts, d->cores, o->threads > 0 ? o->threads : 1, d->cpus, sizeof d->cpus, err));
    OCT_TRY(oct_device_begin(d, err));
    oct_status status = oct_device_look(d, NULL, err);
    if (status == OCT_OK)
        status = send_program(d, o->program, err);
    if (status == OCT_OK)
        status = try_program(d, err);
    status = oct_device_end(d, status, err);
    if (status == OCT_OK)
        warn(d);
    return status;
}

oct_status oct_device_open(
    const char *spec, const oct_device_options *options, oct_device **out, oct_error *err)
{
    static const oct_device_options plain = { 0 };
    const oct_device_options *o = options == NULL ? &plain : options;
    *out = NULL;
    oct_device *d = calloc(1, sizeof *d);
    oct_device_state *states = calloc(OCT_DEVICE_STATES, sizeof *states);
    if (d == NULL || states == NULL) {
        free(d);
        free(states);
        return oct_fail_memory(err, sizeof *d, "device");
    }
    d->states = states;
    d->options = *o;
    d->options.program = d->options.cores = NULL;
    d->opened = oct_seconds();
    d->fixed = -1;
    snprintf(d->cores, sizeof d->cores, "%s", o->cores != NULL ? o->cores : "fast");
    oct_status status = work(d, spec, o, err);
    if (status != OCT_OK) {
        d->options.leave_nothing = false; /* nothing is known to be reachable */
        oct_device_close(d);
        return status;
    }
    *out = d;
    return OCT_OK;
}

static void remove_local_folder(const oct_device *d)
{
    static const char *const names[] = { "send", "out", "y.npy", "y.npz" };
    char path[4096];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", d->local, names[i]);
        unlink(path);
    }
    rmdir(d->local);
}

void oct_device_close(oct_device *device)
{
    static const double seconds = 60;
    if (device == NULL)
        return;
    if (device->options.leave_nothing)
        (void)oct_adb_shell(&device->adb, "rm -rf " OCT_DEVICE_FOLDER, seconds, NULL, NULL);
    if (device->local != NULL)
        remove_local_folder(device);
    free(device->local);
    free(device->states);
    free(device);
}

const char *oct_device_name(const oct_device *device)
{
    return device->name;
}

static json_t *json_or_null(const char *text)
{
    return *text != 0 ? json_string(text) : json_null();
}

oct_status oct_device_json(const oct_device *device, char **json, oct_error *err)
{
    const oct_device *d = device;
    char missing[512];
    json_t *states = json_array(), *notes = json_array();
    for (int32_t i = 0; i < d->state_count; i++)
        json_array_append_new(states, oct_device_state_json(&d->facts, &d->states[i]));
    for (int32_t i = 0; i < d->note_count; i++)
        json_array_append_new(notes, json_string(d->notes[i]));
    oct_device_unreadable(&d->facts, &d->states[0], missing, sizeof missing);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:o, s:o, s:o}", "via",
            "adb", "serial", d->adb.serial, "name", d->name, "facts",
            oct_device_facts_json(&d->facts), "cores_asked", d->cores, "cores_chosen",
            json_or_null(d->cpus), "cores_given", json_or_null(d->given_cpus), "fixed_clocks",
            d->fixed < 0 ? json_null() : json_boolean(d->fixed), "program_sha256",
            d->program_sha256, "throttled", d->throttled, "drifted", d->drifted, "unreadable",
            json_or_null(missing), "notes", notes, "states", states);
    *json = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return *json != NULL ? OCT_OK : oct_fail_memory(err, 1 << 16, "device");
}
