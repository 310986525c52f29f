/*
 * Test support: files into backings, and .keras archives made in memory from parts.
 */
#ifndef TESTS_KERAS_ARCHIVE_H
#define TESTS_KERAS_ARCHIVE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/backing.h"

#ifdef OCT_TESTS_DIR /* fuzz targets have no folder of models */
#define MODELS OCT_TESTS_DIR "/keras/models/"

/* A writable copy of a file; the test stops when there is none. */
static inline oct_backing *load_copy(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, MODELS "%s", name);
    oct_backing *mapped, *copy;
    oct_error err = { 0 };
    if (oct_backing_map(path, &mapped, &err) != OCT_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    copy = oct_backing_create(oct_backing_size(mapped));
    memcpy(oct_backing_bytes(copy), oct_backing_bytes(mapped), oct_backing_size(mapped));
    oct_backing_release(mapped);
    return copy;
}
#endif

typedef struct part {
    const char *name;
    const void *bytes;
    size_t size;
} part;

static inline unsigned char *put_number(unsigned char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (unsigned char)(i < 4 ? value >> (8 * i) : 0);
    return at;
}

/* The 26 bytes that a local header and a directory entry share, from `version` to `extra length`. */
static inline unsigned char *put_member(unsigned char *at, const part *member)
{
    at = put_number(at, 20, 2);
    at = put_number(at, 0, 2); /* flags */
    at = put_number(at, 0, 2); /* stored */
    at = put_number(at, 0, 4); /* time */
    at = put_number(at, (uint32_t)crc32(0, member->bytes, (uInt)member->size), 4);
    at = put_number(at, (uint32_t)member->size, 4);
    at = put_number(at, (uint32_t)member->size, 4);
    at = put_number(at, (uint32_t)strlen(member->name), 2);
    return put_number(at, 0, 2);
}

/* A zip of stored members. */
static inline oct_backing *make_archive(const part *parts, int count)
{
    size_t size = 22;
    for (int i = 0; i < count; i++)
        size += 30 + 46 + 2 * strlen(parts[i].name) + parts[i].size;
    oct_backing *backing = oct_backing_create(size);
    unsigned char *start = oct_backing_bytes(backing), *at = start;
    uint32_t offsets[8];
    for (int i = 0; i < count; i++) {
        offsets[i] = (uint32_t)(at - start);
        at = put_member(put_number(at, 0x04034b50, 4), &parts[i]);
        memcpy(at, parts[i].name, strlen(parts[i].name));
        at += strlen(parts[i].name);
        memcpy(at, parts[i].bytes, parts[i].size);
        at += parts[i].size;
    }
    unsigned char *directory = at;
    for (int i = 0; i < count; i++) {
        at = put_member(put_number(put_number(at, 0x02014b50, 4), 20, 2), &parts[i]);
        at = put_number(at, 0, 10); /* comment length, disk, attributes */
        at = put_number(at, offsets[i], 4);
        memcpy(at, parts[i].name, strlen(parts[i].name));
        at += strlen(parts[i].name);
    }
    uint32_t directory_bytes = (uint32_t)(at - directory);
    at = put_number(put_number(at, 0x06054b50, 4), 0, 4);
    at = put_number(put_number(at, (uint32_t)count, 2), (uint32_t)count, 2);
    at = put_number(put_number(at, directory_bytes, 4), (uint32_t)(directory - start), 4);
    put_number(at, 0, 2);
    return backing;
}

/* Writes the true checksum of every member of the directory into it. */
static inline void repair_checksums(unsigned char *bytes, size_t size)
{
    for (size_t at = 0; at + 46 <= size; at++) {
        unsigned char *entry = bytes + at;
        if (memcmp(entry, "PK\1\2", 4) != 0)
            continue;
        uint32_t packed, local;
        memcpy(&packed, entry + 20, 4);
        memcpy(&local, entry + 42, 4);
        if (entry[10] != 0 || (uint64_t)local + 30 > size)
            continue;
        uint64_t data = (uint64_t)local + 30 + bytes[local + 26] + 256u * bytes[local + 27] +
                        bytes[local + 28] + 256u * bytes[local + 29];
        if (data + packed <= size)
            put_number(entry + 16, (uint32_t)crc32(0, bytes + data, packed), 4);
    }
}

#endif
