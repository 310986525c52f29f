/*
 * .npz: a zip archive whose entries are .npy files, stored (numpy.savez) or deflated
 * (savez_compressed).
 *
 * The directory at the archive's end is what counts; local headers only tell where the bytes begin.
 * Sizes are claims until checked: deflate cannot expand by more than 1032, so a small file cannot
 * ask for much memory. Format: PKWARE APPNOTE 6.3.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/backing.h"
#include "base/file.h"
#include "eval/npy.h"

enum { LOCAL_BYTES = 30, DIRECTORY_BYTES = 46, END_BYTES = 22, MAX_EXPANSION = 1032 };

static uint32_t u16(const unsigned char *b)
{
    return b[0] | (uint32_t)b[1] << 8;
}

static uint32_t u32(const unsigned char *b)
{
    return u16(b) | u16(b + 2) << 16;
}

/* The end record is the last one in the file; a comment of up to 64 KiB may follow it. */
static int64_t find_end(const unsigned char *bytes, size_t size)
{
    if (size < END_BYTES)
        return -1;
    size_t lowest = size > END_BYTES + UINT16_MAX ? size - END_BYTES - UINT16_MAX : 0;
    for (size_t at = size - END_BYTES + 1; at-- > lowest;)
        if (u32(bytes + at) == 0x06054b50 && at + END_BYTES + u16(bytes + at + 20) == size)
            return (int64_t)at;
    return -1;
}

static oct_status read_entry(const unsigned char *bytes, size_t size, size_t at, const char *name,
    oct_zip_entry *entry, oct_error *err)
{
    const unsigned char *d = bytes + at;
    uint32_t flags = u16(d + 8), method = u16(d + 10), local = u32(d + 42);
    *entry = (oct_zip_entry){ .name = (const char *)d + DIRECTORY_BYTES,
        .name_length = u16(d + 28),
        .stored_size = u32(d + 20),
        .size = u32(d + 24),
        .crc = u32(d + 16),
        .deflated = method == 8 };
    if ((flags & 1) != 0 || (method != 0 && method != 8))
        return oct_fail_at(err, OCT_E_UNSUPPORTED, (int64_t)at, "%s: zip entry of method %u", name,
            (unsigned)method);
    if (entry->size == UINT32_MAX || entry->stored_size == UINT32_MAX || local == UINT32_MAX)
        return oct_fail_at(err, OCT_E_UNSUPPORTED, (int64_t)at, "%s: zip entry over 4 GiB", name);
    if (size < LOCAL_BYTES || local > size - LOCAL_BYTES || u32(bytes + local) != 0x04034b50)
        return oct_fail_at(
            err, OCT_E_INVALID, (int64_t)at, "%s: zip entry without its header", name);
    size_t begin = (size_t)local + LOCAL_BYTES + u16(bytes + local + 26) + u16(bytes + local + 28);
    if (begin > size || entry->stored_size > size - begin)
        return oct_fail_at(err, OCT_E_INVALID, (int64_t)local, "%s: zip entry past the end", name);
    bool possible = entry->deflated ? entry->size / MAX_EXPANSION <= entry->stored_size
                                    : entry->size == entry->stored_size;
    if (!possible)
        return oct_fail_at(err, OCT_E_INVALID, (int64_t)at,
            "%s: zip entry of %zu bytes claims to hold %zu", name, entry->stored_size, entry->size);
    entry->stored = bytes + begin;
    return OCT_OK;
}

oct_status oct_zip_visit(const unsigned char *bytes, size_t size, const char *name,
    oct_status (*visit)(void *user, const oct_zip_entry *entry, oct_error *err), void *user,
    oct_error *err)
{
    int64_t end = find_end(bytes, size);
    if (end < 0)
        return oct_fail(err, OCT_E_INVALID, "%s: not a zip archive, or cut off", name);
    uint32_t count = u16(bytes + end + 10);
    size_t at = u32(bytes + end + 16);
    for (uint32_t i = 0; i < count; i++) {
        if (at > (size_t)end || (size_t)end - at < DIRECTORY_BYTES || u32(bytes + at) != 0x02014b50)
            return oct_fail_at(err, OCT_E_INVALID, (int64_t)at,
                "%s: zip directory entry %u is damaged", name, (unsigned)i);
        size_t length = (size_t)DIRECTORY_BYTES + u16(bytes + at + 28) + u16(bytes + at + 30) +
                        u16(bytes + at + 32);
        if (length > (size_t)end - at)
            return oct_fail_at(
                err, OCT_E_INVALID, (int64_t)at, "%s: zip directory is cut off", name);
        oct_zip_entry entry;
        OCT_TRY(read_entry(bytes, size, at, name, &entry, err));
        OCT_TRY(visit(user, &entry, err));
        at += length;
    }
    return OCT_OK;
}

static oct_status inflate_entry(
    const oct_zip_entry *entry, const char *name, void *to, oct_error *err)
{
    z_stream stream = { .next_in = entry->stored,
        .avail_in = (uInt)entry->stored_size,
        .next_out = to,
        .avail_out = (uInt)entry->size };
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return oct_fail_memory(err, sizeof stream, "inflate");
    int result = inflate(&stream, Z_FINISH);
    bool whole = result == Z_STREAM_END && stream.total_out == entry->size;
    inflateEnd(&stream);
    return whole ? OCT_OK
                 : oct_fail(err, OCT_E_INVALID, "%s: %.*s: damaged deflate data", name,
                       (int)entry->name_length, entry->name);
}

oct_status oct_zip_extract(const oct_zip_entry *entry, const char *name,
    const unsigned char **bytes, void **owned, oct_error *err)
{
    *owned = NULL;
    *bytes = entry->stored;
    if (entry->deflated) {
        *owned = malloc(entry->size + 1);
        if (*owned == NULL)
            return oct_fail_memory(err, entry->size, "zip entry");
        *bytes = *owned;
        oct_status status = inflate_entry(entry, name, *owned, err);
        if (status != OCT_OK) {
            free(*owned);
            *owned = NULL;
            return status;
        }
    }
    if (crc32_z(0, *bytes, entry->size) != entry->crc) {
        free(*owned);
        *owned = NULL;
        return oct_fail(err, OCT_E_INVALID, "%s: %.*s: the checksum does not fit", name,
            (int)entry->name_length, entry->name);
    }
    return OCT_OK;
}

/* Writing. */

static void put(unsigned char *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

typedef struct member {
    char header[OCT_NPY_HEADER];
    size_t header_bytes, size; /* size: array bytes */
    uint32_t crc, offset;
    size_t name_length; /* with ".npy" */
} member;

/* The fields that local and directory headers share, from "version needed" on. */
static void put_common(unsigned char *to, const member *m)
{
    put(to, 20, 2);
    put(to + 10, m->crc, 4);
    put(to + 14, (uint32_t)(m->header_bytes + m->size), 4);
    put(to + 18, (uint32_t)(m->header_bytes + m->size), 4);
    put(to + 22, (uint32_t)m->name_length, 2);
}

static oct_status write_name(oct_file *file, const oct_npz_entry *entry, oct_error *err)
{
    OCT_TRY(oct_file_write(file, entry->name, strlen(entry->name), err));
    return oct_file_write(file, ".npy", 4, err);
}

static oct_status prepare_member(
    const oct_npz_entry *entry, uint64_t *offset, member *m, oct_error *err)
{
    oct_type type;
    OCT_TRY(oct_npy_type(entry->type, &type, err));
    int64_t size =
        entry->rank > OCT_ARRAY_MAX_RANK ? -1 : oct_array_bytes(type, entry->rank, entry->dims);
    m->name_length = strlen(entry->name) + 4;
    if (size < 0 || m->name_length > UINT16_MAX)
        return oct_fail(err, OCT_E_USAGE, "%s: this array cannot be written", entry->name);
    m->size = (size_t)size;
    m->header_bytes = oct_npy_header(type, entry->rank, entry->dims, m->header);
    m->crc = (uint32_t)crc32_z(0, (const unsigned char *)m->header, m->header_bytes);
    if (size != 0)
        m->crc = (uint32_t)crc32_z(m->crc, entry->bytes, m->size);
    m->offset = (uint32_t)*offset;
    *offset += LOCAL_BYTES + m->name_length + m->header_bytes + m->size;
    if (*offset >= UINT32_MAX)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: an .npz of 4 GiB or more", entry->name);
    return OCT_OK;
}

static oct_status write_member(
    oct_file *file, const oct_npz_entry *entry, const member *m, oct_error *err)
{
    unsigned char local[LOCAL_BYTES] = "PK\3\4";
    put_common(local + 4, m);
    OCT_TRY(oct_file_write(file, local, sizeof local, err));
    OCT_TRY(write_name(file, entry, err));
    OCT_TRY(oct_file_write(file, m->header, m->header_bytes, err));
    return oct_file_write(file, entry->bytes, m->size, err);
}

static oct_status write_directory(oct_file *file, const oct_npz_entry *entries,
    const member *members, int32_t count, uint32_t offset, oct_error *err)
{
    uint32_t bytes = 0;
    for (int32_t i = 0; i < count; i++) {
        unsigned char directory[DIRECTORY_BYTES] = "PK\1\2\24";
        put_common(directory + 6, &members[i]);
        put(directory + 42, members[i].offset, 4);
        OCT_TRY(oct_file_write(file, directory, sizeof directory, err));
        OCT_TRY(write_name(file, &entries[i], err));
        bytes += (uint32_t)(DIRECTORY_BYTES + members[i].name_length);
    }
    unsigned char end[END_BYTES] = "PK\5\6";
    put(end + 8, (uint32_t)count, 2);
    put(end + 10, (uint32_t)count, 2);
    put(end + 12, bytes, 4);
    put(end + 16, offset, 4);
    return oct_file_write(file, end, sizeof end, err);
}

oct_status oct_npz_write(
    const char *path, const oct_npz_entry *entries, int32_t count, oct_error *err)
{
    if (count < 0 || count > UINT16_MAX)
        return oct_fail(err, OCT_E_USAGE, "%s: %d arrays in one .npz", path, (int)count);
    member *members = calloc((size_t)count + 1, sizeof *members);
    if (members == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *members, "archive");
    oct_file file = { 0 };
    uint64_t offset = 0;
    oct_status status = OCT_OK;
    for (int32_t i = 0; i < count && status == OCT_OK; i++)
        status = prepare_member(&entries[i], &offset, &members[i], err);
    if (status == OCT_OK)
        status = oct_file_begin(&file, path, err);
    for (int32_t i = 0; i < count && status == OCT_OK; i++)
        status = write_member(&file, &entries[i], &members[i], err);
    if (status == OCT_OK)
        status = write_directory(&file, entries, members, count, (uint32_t)offset, err);
    if (status == OCT_OK)
        status = oct_file_commit(&file, err);
    else
        oct_file_abandon(&file);
    free(members);
    return status;
}

/* Reading one array. */

typedef struct search {
    const char *path, *wanted;
    oct_zip_entry found;
    int32_t matches, entries;
} search;

static oct_status match_entry(void *user, const oct_zip_entry *entry, oct_error *err)
{
    (void)err;
    search *s = user;
    s->entries++;
    size_t length = entry->name_length;
    if (length >= 4 && memcmp(entry->name + length - 4, ".npy", 4) == 0)
        length -= 4;
    if (s->wanted == NULL ||
        (length == strlen(s->wanted) && memcmp(entry->name, s->wanted, length) == 0)) {
        s->found = *entry;
        s->matches++;
    }
    return OCT_OK;
}

static oct_status read_member(
    const unsigned char *bytes, size_t size, search *s, oct_array *out, oct_error *err)
{
    OCT_TRY(oct_zip_visit(bytes, size, s->path, match_entry, s, err));
    if (s->matches != 1 && s->wanted != NULL)
        return oct_fail(
            err, OCT_E_INVALID, "%s: %d arrays named '%s'", s->path, (int)s->matches, s->wanted);
    if (s->matches != 1)
        return oct_fail(err, OCT_E_INVALID, "%s: holds %d arrays; one has to be named", s->path,
            (int)s->entries);
    const unsigned char *data;
    void *owned;
    OCT_TRY(oct_zip_extract(&s->found, s->path, &data, &owned, err));
    oct_array_view view;
    oct_status status = oct_npy_parse(data, s->found.size, s->path, &view, err);
    if (status == OCT_OK)
        status = oct_array_own(&view, out, err);
    free(owned);
    return status;
}

oct_status oct_array_read(const char *path, const char *name, oct_array *out, oct_error *err)
{
    *out = (oct_array){ 0 };
    oct_backing *backing = NULL;
    OCT_TRY(oct_backing_map(path, &backing, err));
    const unsigned char *bytes = oct_backing_bytes(backing);
    size_t size = oct_backing_size(backing);
    oct_status status;
    if (size >= 4 && memcmp(bytes, "PK", 2) == 0) {
        search s = { .path = path, .wanted = name };
        status = read_member(bytes, size, &s, out, err);
    } else {
        oct_array_view view;
        status = oct_npy_parse(bytes, size, path, &view, err);
        if (status == OCT_OK)
            status = oct_array_own(&view, out, err);
    }
    oct_backing_release(backing);
    return status;
}
