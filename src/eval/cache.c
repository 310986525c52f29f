/*
 * DIR/3f/3f9a…: a magic word, the hash of the values, the values in float32.
 *
 * Nothing is synced: what a crash leaves half is seen by its hash.
 */
#include "eval/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/sha256.h"

/* Another word for another way to decode or resize. */
static const char magic[8] = { 'O', 'C', 'T', 'C', 'A', 'C', 'H', '1' };

struct oct_cache {
    char *folder;
};

typedef struct head {
    char magic[8];
    uint64_t count, hash;
} head;

/* Files that a killed process left behind. */
static void sweep(const char *folder)
{
    const time_t old = 3600;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat info;
        if (strncmp(entry->d_name, "part.", 5) == 0 &&
            fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && time(NULL) - info.st_mtime > old)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL)
        closedir(dir);
}

oct_status oct_cache_open(const char *folder, oct_cache **out, oct_error *err)
{
    struct stat info;
    *out = NULL;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return oct_fail(
            err, OCT_E_SYSTEM, "%s: cannot make the folder: %s", folder, strerror(errno));
    if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))
        return oct_fail(err, OCT_E_SYSTEM, "%s: not a folder", folder);
    oct_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL || (cache->folder = strdup(folder)) == NULL) {
        free(cache);
        return oct_fail_memory(err, strlen(folder), "cache");
    }
    sweep(folder);
    *out = cache;
    return OCT_OK;
}

void oct_cache_close(oct_cache *cache)
{
    if (cache != NULL)
        free(cache->folder);
    free(cache);
}

void oct_cache_name(const unsigned char *bytes, size_t size, const oct_preprocess *p, int32_t h,
    int32_t w, int32_t c, char name[65])
{
    char text[1024];
    oct_sha256(bytes, size, name);
    int at = snprintf(text, sizeof text, "%.8s %s %d %d %d %d %d %d %d %.9g %.9g", magic, name, (int)h,
        (int)w, (int)c, (int)p->filter, p->antialias, p->keep_aspect, p->bgr, (double)p->crop,
        (double)p->divisor);
    for (int k = 0; k < 4; k++)
        at += snprintf(text + at, sizeof text - (size_t)at, " %.9g %.9g", (double)p->mean[k],
            (double)p->std[k]);
    oct_sha256(text, (size_t)at, name);
}

/* Four sums side by side, so that hashing is not what reading waits for. */
static uint64_t hash_values(const float *values, size_t count)
{
    uint64_t sums[4] = { 1, 2, 3, 4 }, hash = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        sums[i % 4] = (sums[i % 4] ^ bits) * 0x9e3779b97f4a7c15u;
    }
    for (int k = 0; k < 4; k++)
        hash = (hash ^ sums[k] ^ sums[k] >> 31) * 0xd6e8feb86659fd93u;
    return hash ^ hash >> 32;
}

/* Path of an entry, or with name NULL of what becomes one; free(). NULL: no memory. */
static char *path_of(const oct_cache *cache, const char *name)
{
    size_t room = strlen(cache->folder) + 80;
    char *path = malloc(room);
    if (path != NULL && name != NULL)
        snprintf(path, room, "%s/%.2s/%s", cache->folder, name, name);
    else if (path != NULL)
        snprintf(path, room, "%s/part.XXXXXX", cache->folder);
    return path;
}

/* All of size bytes. */
static bool read_all(int file, void *to, size_t size)
{
    for (char *at = to; size > 0;) {
        ssize_t got = read(file, at, size);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return false;
        at += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool write_all(int file, const void *from, size_t size)
{
    for (const char *at = from; size > 0;) {
        ssize_t put = write(file, at, size);
        if (put <= 0 && !(put < 0 && errno == EINTR))
            return false;
        at += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

bool oct_cache_get(const oct_cache *cache, const char name[65], float *values, size_t count)
{
    head h;
    char *path = path_of(cache, name);
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (file < 0)
        return false;
    bool fine = read_all(file, &h, sizeof h) && memcmp(h.magic, magic, sizeof magic) == 0 &&
                h.count == count && read_all(file, values, count * sizeof *values) &&
                h.hash == hash_values(values, count);
    close(file);
    return fine;
}

/* Into its place, whose folder is made by the first that needs it. */
static bool move(const char *from, const char *to)
{
    if (rename(from, to) == 0)
        return true;
    char *slash = strrchr(to, '/');
    *slash = '\0';
    (void)mkdir(to, 0777);
    *slash = '/';
    return rename(from, to) == 0;
}

void oct_cache_put(const oct_cache *cache, const char name[65], const float *values, size_t count)
{
    head h = { .count = count, .hash = hash_values(values, count) };
    memcpy(h.magic, magic, sizeof magic);
    char *path = path_of(cache, name), *part = path_of(cache, NULL);
    int file = path == NULL || part == NULL ? -1 : mkstemp(part);
    if (file >= 0) {
        bool fine =
            write_all(file, &h, sizeof h) && write_all(file, values, count * sizeof *values);
        fine = close(file) == 0 && fine;
        if (!fine || !move(part, path))
            (void)unlink(part);
    }
    free(path);
    free(part);
}
