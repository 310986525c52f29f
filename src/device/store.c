/*
 * Files to the device and back. A file's name there is the beginning of its SHA-256, so a model, a
 * program or a batch of inputs is sent once; the whole digest is checked on the device before use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backing.h"
#include "base/file.h"
#include "base/sha256.h"
#include "device/device.h"
#include "model/model.h"
#include "tflite/tflite.h"

enum { NAME_DIGITS = 32 };

static const double hash_seconds = 300;

/* Digest of a file in the device's folder into text; "" when it is not there. */
static oct_status digest(oct_device *d, const char *name, char text[65], oct_error *err)
{
    char script[512];
    oct_adb_reply reply;
    text[0] = 0;
    snprintf(script, sizeof script,
        "cd " OCT_DEVICE_FOLDER " && [ -f %s ] && touch %s && sha256sum %s", name, name, name);
    OCT_TRY(oct_adb_shell(&d->adb, script, hash_seconds, &reply, err));
    if (reply.code == 0 && strspn(reply.out, "0123456789abcdef") == 64)
        snprintf(text, 65, "%.64s", reply.out);
    free(reply.out);
    return OCT_OK;
}

/* Why the device did not take a file: its own reason in err, and for full storage the numbers. */
static oct_status fail_send(oct_device *d, size_t size, oct_error *err)
{
    static const char script[] = "df -k /data/local/tmp | tail -n 1; "
                                 "rm -f " OCT_DEVICE_FOLDER "/*.part";
    char reason[256];
    oct_adb_reply reply;
    snprintf(reason, sizeof reason, "%.255s", err != NULL ? err->text : "");
    OCT_TRY(oct_adb_shell(&d->adb, script, hash_seconds, &reply, err));
    long long free_kb = -1;
    if (sscanf(reply.out, "%*s %*d %*d %lld", &free_kb) != 1)
        free_kb = -1;
    free(reply.out);
    if (strstr(reason, "No space") != NULL && free_kb >= 0)
        return oct_fail(err, OCT_E_SYSTEM,
            "%s is full: a file needs %.1f MB, %.1f MB are free in "
            "/data/local/tmp",
            d->name, (double)size / 1e6, (double)free_kb * 1024 / 1e6);
    return oct_fail(err, OCT_E_SYSTEM, "%s does not take a file of %.1f MB: %s", d->name,
        (double)size / 1e6, reason);
}

/* Sends under a temporary name; the name of the content only ever means the whole content. */
static oct_status send(oct_device *d, const char *local, const char *name, const char *sha256,
    size_t size, oct_error *err)
{
    char part[OCT_DEVICE_NAME + 8], remote[128], script[512], there[65];
    bool refused;
    snprintf(part, sizeof part, "%s.part", name);
    snprintf(remote, sizeof remote, OCT_DEVICE_FOLDER "/%s", part);
    oct_status status = oct_adb_push(&d->adb, local, remote, &refused, err);
    if (status != OCT_OK)
        return refused ? fail_send(d, size, err) : status;
    OCT_TRY(digest(d, part, there, err));
    if (strcmp(there, sha256) != 0)
        return oct_fail(err, OCT_E_SYSTEM,
            "%s keeps another file than was sent; its storage or the "
            "cable is damaged",
            d->name);
    oct_adb_reply reply;
    snprintf(script, sizeof script, "cd " OCT_DEVICE_FOLDER " && chmod 755 %s && mv -f %s %s", part,
        part, name);
    OCT_TRY(oct_adb_shell(&d->adb, script, hash_seconds, &reply, err));
    free(reply.out);
    d->sent_files++;
    d->sent_bytes += (int64_t)size;
    return reply.code == 0
               ? OCT_OK
               : oct_fail(err, OCT_E_SYSTEM,
                     "%s does not let a file be renamed in " OCT_DEVICE_FOLDER, d->name);
}

oct_status oct_device_store(oct_device *d, const void *bytes, size_t size, const char *suffix,
    char name[OCT_DEVICE_NAME], oct_error *err)
{
    char sha256[65], there[65], local[4096];
    oct_sha256(bytes, size, sha256);
    snprintf(name, OCT_DEVICE_NAME, "%.*s%.8s", NAME_DIGITS, sha256, suffix);
    OCT_TRY(digest(d, name, there, err));
    if (strcmp(there, sha256) == 0) {
        d->found_files++;
        return OCT_OK;
    }
    if (there[0] != 0)
        oct_device_note(d, "a file left on the device was damaged and is sent again");
    snprintf(local, sizeof local, "%s/send", d->local);
    OCT_TRY(oct_file_save(local, bytes, size, err));
    oct_status status = send(d, local, name, sha256, size, err);
    unlink(local);
    return status;
}

oct_status oct_device_store_model(
    oct_device *d, const oct_model *model, char name[OCT_DEVICE_NAME], oct_error *err)
{
    const oct_graph *graph = model->graph;
    if (model->as_read && graph->backing_count > 0) {
        const unsigned char *file = oct_backing_bytes(graph->backings[0]);
        size_t size = oct_backing_size(graph->backings[0]);
        if (oct_tflite_detect(file, size))
            return oct_device_store(d, file, size, "", name, err);
    }
    void *bytes;
    size_t size;
    OCT_TRY(oct_model_serialize(model, &bytes, &size, err));
    oct_status status = oct_device_store(d, bytes, size, "", name, err);
    free(bytes);
    return status;
}

oct_status oct_device_remove(oct_device *d, const char *name, oct_error *err)
{
    char script[128];
    snprintf(script, sizeof script, "rm -f " OCT_DEVICE_FOLDER "/%s", name);
    return oct_adb_shell(&d->adb, script, hash_seconds, NULL, err);
}

oct_status oct_device_fetch(
    oct_device *d, const char *remote, char *path, size_t size, oct_error *err)
{
    char from[128];
    const char *slash = strrchr(remote, '/');
    snprintf(path, size, "%s/%s", d->local, slash == NULL ? remote : slash + 1);
    snprintf(from, sizeof from, OCT_DEVICE_FOLDER "/%s", remote);
    unlink(path);
    bool refused;
    oct_status status = oct_adb_pull(&d->adb, from, path, &refused, err);
    return refused ? oct_error_prefix(err, status, "%s: %s", d->name, remote) : status;
}
