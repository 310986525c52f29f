/*
 * Heap blocks and file mappings behind one reference count.
 *
 * A spooled backing is a mapping of a file that has no name: its room on the disk is taken beforehand,
 * because a full disk would otherwise show as a signal in the middle of a store.
 */
#include "base/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { ALIGN = 64, TMPFS = 0x01021994 };

struct oct_backing {
    atomic_size_t references;
    unsigned char *bytes;
    size_t size;
    int mapped;
};

static oct_backing *backing_new(unsigned char *bytes, size_t size, int mapped)
{
    oct_backing *backing = malloc(sizeof *backing);
    if (backing == NULL)
        return NULL;
    atomic_init(&backing->references, 1);
    backing->bytes = bytes;
    backing->size = size;
    backing->mapped = mapped;
    return backing;
}

oct_backing *oct_backing_create(size_t size)
{
    if (size > SIZE_MAX - ALIGN)
        return NULL;
    size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;
    unsigned char *bytes = aligned_alloc(ALIGN, rounded == 0 ? ALIGN : rounded);
    if (bytes == NULL)
        return NULL;
    memset(bytes, 0, rounded);
    oct_backing *backing = backing_new(bytes, size, 0);
    if (backing == NULL)
        free(bytes);
    return backing;
}

/* A file in a folder that is on a disk, or -1. */
static int open_nameless(const char *folder, size_t size)
{
    struct statfs info;
    if (folder == NULL || statfs(folder, &info) != 0 || info.f_type == TMPFS)
        return -1;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 && fallocate(fd, 0, 0, (off_t)size) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

oct_backing *oct_backing_create_spooled(size_t size)
{
    const char *const folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
    int fd = -1;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && fd < 0 && size != 0; i++)
        fd = open_nameless(folders[i], size);
    if (fd < 0)
        return oct_backing_create(size);
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return oct_backing_create(size);
    oct_backing *backing = backing_new(bytes, size, 1);
    if (backing == NULL)
        munmap(bytes, size);
    return backing;
}

bool oct_backing_rest(const oct_backing *backing, const void *bytes, size_t size)
{
    uintptr_t start = (uintptr_t)backing->bytes, first = (uintptr_t)bytes;
    if (first < start || first - start > backing->size || size > backing->size - (first - start))
        return false;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = first / page * page;
    if (backing->mapped)
        madvise((void *)begin, first + size - begin, MADV_DONTNEED);
    return true;
}

static oct_status read_whole(int fd, size_t size, const char *path, oct_backing **out,
    oct_error *err)
{
    oct_backing *backing = oct_backing_create(size);
    if (backing == NULL)
        return oct_fail_memory(err, size, path);
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, backing->bytes + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            oct_backing_release(backing);
            return oct_fail(err, OCT_E_SYSTEM, "%s: cannot read: %s", path,
                got < 0 ? strerror(errno) : "the file became shorter");
        }
        done += (size_t)got;
    }
    *out = backing;
    return OCT_OK;
}

static oct_status map_descriptor(int fd, const char *path, oct_backing **out, oct_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return oct_fail(err, OCT_E_SYSTEM, "%s: cannot read: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return oct_fail(err, OCT_E_INVALID, "%s: is a %s, not a file", path,
            S_ISDIR(info.st_mode) ? "folder" : "device");
    if (info.st_size == 0)
        return oct_fail(err, OCT_E_INVALID, "%s: the file is empty", path);
    size_t size = (size_t)info.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return read_whole(fd, size, path, out, err);
    *out = backing_new(bytes, size, 1);
    if (*out == NULL) {
        munmap(bytes, size);
        return oct_fail_memory(err, sizeof **out, path);
    }
    return OCT_OK;
}

oct_status oct_backing_map(const char *path, oct_backing **out, oct_error *err)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return oct_fail(err, OCT_E_SYSTEM, "%s: cannot open: %s", path, strerror(errno));
    oct_status status = map_descriptor(fd, path, out, err);
    close(fd);
    return status;
}

oct_backing *oct_backing_retain(oct_backing *backing)
{
    atomic_fetch_add_explicit(&backing->references, 1, memory_order_relaxed);
    return backing;
}

void oct_backing_release(oct_backing *backing)
{
    if (backing == NULL ||
        atomic_fetch_sub_explicit(&backing->references, 1, memory_order_acq_rel) != 1)
        return;
    if (backing->mapped)
        munmap(backing->bytes, backing->size);
    else
        free(backing->bytes);
    free(backing);
}

unsigned char *oct_backing_bytes(const oct_backing *backing)
{
    return backing->bytes;
}

size_t oct_backing_size(const oct_backing *backing)
{
    return backing->size;
}
