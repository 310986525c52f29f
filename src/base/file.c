/*
 * Files that appear whole: temporary name beside the target, fsync, rename.
 *
 * A target that is there and not a regular file (/dev/stdout, a pipe) is written directly: renaming
 * over it would replace the device. A symbolic link keeps pointing where it does: the file behind
 * it is replaced.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static oct_status fail(const oct_file *file, const char *what, oct_error *err)
{
    return oct_fail(err, OCT_E_SYSTEM, "%s: cannot %s: %s", file->path, what, strerror(errno));
}

/* mkstemp() gives mode 0600; the finished file gets what open() would have given it. */
static void widen_mode(int descriptor)
{
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(descriptor, 0666 & ~mask);
}

static bool is_link(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_device(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* Opens a new file beside the target; -1 and errno as mkstemp(). */
static int create_beside(oct_file *file)
{
    size_t length = strlen(file->path);
    file->temporary = malloc(length + 8);
    if (file->temporary == NULL)
        return -1;
    memcpy(file->temporary, file->path, length);
    memcpy(file->temporary + length, ".XXXXXX", 8);
    int descriptor = mkstemp(file->temporary);
    if (descriptor >= 0) {
        widen_mode(descriptor);
    } else {
        free(file->temporary);
        file->temporary = NULL;
    }
    return descriptor;
}

oct_status oct_file_begin(oct_file *file, const char *path, oct_error *err)
{
    *file = (oct_file){ 0 };
    char *behind_link = is_link(path) ? realpath(path, NULL) : NULL;
    file->path = behind_link != NULL ? behind_link : strdup(path);
    if (file->path == NULL)
        return oct_fail_memory(err, strlen(path), "file name");
    if (is_folder(file->path)) {
        oct_file_abandon(file);
        return oct_fail(err, OCT_E_SYSTEM, "%s: cannot create: it is a folder", path);
    }
    int descriptor =
        is_device(file->path) ? open(file->path, O_WRONLY | O_CLOEXEC) : create_beside(file);
    if (descriptor >= 0)
        file->stream = fdopen(descriptor, "wb");
    if (file->stream == NULL) {
        oct_status status =
            oct_fail(err, OCT_E_SYSTEM, "%s: cannot create: %s", path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        if (file->temporary != NULL)
            unlink(file->temporary);
        oct_file_abandon(file);
        return status;
    }
    return OCT_OK;
}

oct_status oct_file_write(oct_file *file, const void *bytes, size_t size, oct_error *err)
{
    if (size != 0 && fwrite(bytes, 1, size, file->stream) != size)
        return fail(file, "write", err);
    return OCT_OK;
}

oct_status oct_file_flush(oct_file *file, oct_error *err)
{
    return fflush(file->stream) == 0 ? OCT_OK : fail(file, "write", err);
}

/* Makes the new name last. Folders that cannot be synced (some network file systems) are left to
 * theirs. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char *folder = length == 0 ? strdup(".") : strndup(path, length);
    int descriptor = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
    free(folder);
}

oct_status oct_file_commit(oct_file *file, oct_error *err)
{
    oct_status status = OCT_OK;
    bool direct = file->temporary == NULL; /* devices cannot be synced */
    if (fflush(file->stream) != 0 || (!direct && fsync(fileno(file->stream)) != 0))
        status = fail(file, "write", err);
    if (fclose(file->stream) != 0 && status == OCT_OK)
        status = fail(file, "write", err);
    file->stream = NULL;
    if (!direct && status == OCT_OK && rename(file->temporary, file->path) != 0)
        status = fail(file, "put in place", err);
    if (!direct && status != OCT_OK)
        unlink(file->temporary);
    else if (!direct)
        sync_folder(file->path);
    oct_file_abandon(file);
    return status;
}

void oct_file_abandon(oct_file *file)
{
    if (file->stream != NULL) {
        fclose(file->stream);
        if (file->temporary != NULL)
            unlink(file->temporary);
    }
    free(file->path);
    free(file->temporary);
    *file = (oct_file){ 0 };
}

oct_status oct_file_save(const char *path, const void *bytes, size_t size, oct_error *err)
{
    oct_file file;
    OCT_TRY(oct_file_begin(&file, path, err));
    oct_status status = oct_file_write(&file, bytes, size, err);
    if (status != OCT_OK) {
        oct_file_abandon(&file);
        return status;
    }
    return oct_file_commit(&file, err);
}
