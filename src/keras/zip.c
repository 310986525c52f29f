/*
 * A zip archive: members, then the central directory, then the end record, which is found from the back.
 *
 * Only the directory is trusted for sizes; a member's local header is read for the length of its own names.
 * Archives above 4 GiB give 0xffffffff there and the true values in the zip64 records.
 */
#include "keras/zip.h"

#include <string.h>
#include <zlib.h>

enum {
    LOCAL_BYTES = 30,
    ENTRY_BYTES = 46,
    END_BYTES = 22,
    END64_LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    MAX_COMMENT = 65535,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    FLAG_ENCRYPTED = 1,
    FIELD_ZIP64 = 1,
    FREE_EXPANSION = 16 << 20,
    SPOOLED_BYTES = 16 << 20,
    PIECE_BYTES = 4 << 20,
    MAX_EXPANSION = 1000
};

typedef struct archive {
    const uint8_t *bytes;
    size_t size;
    uint64_t directory, entries;
} archive;

typedef struct entry {
    uint64_t packed, size, local;
    uint32_t crc;
    uint16_t method, flags;
} entry;

static uint16_t u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const uint8_t *at)
{
    return u16(at) | (uint32_t)u16(at + 2) << 16;
}

static uint64_t u64(const uint8_t *at)
{
    return u32(at) | (uint64_t)u32(at + 4) << 32;
}

/* size bytes at an offset; NULL when they are not all there. */
static const uint8_t *slice(const archive *zip, uint64_t offset, uint64_t size)
{
    if (offset > zip->size || size > zip->size - offset)
        return NULL;
    return zip->bytes + offset;
}

bool oct_zip_is(const void *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

static oct_status open_directory(archive *zip, oct_error *err)
{
    size_t lowest = zip->size > MAX_COMMENT + END_BYTES ? zip->size - MAX_COMMENT - END_BYTES : 0;
    const uint8_t *end = NULL;
    for (size_t at = zip->size >= END_BYTES ? zip->size - END_BYTES + 1 : 0; at-- > lowest && !end;)
        if (memcmp(zip->bytes + at, "PK\5\6", 4) == 0)
            end = zip->bytes + at;
    if (end == NULL)
        return oct_fail_at(err, OCT_E_INVALID, (int64_t)zip->size,
            "the archive is truncated: it has no directory");
    zip->entries = u16(end + 10);
    zip->directory = u32(end + 16);
    if (zip->directory != UINT32_MAX && zip->entries != UINT16_MAX)
        return OCT_OK;
    size_t end_at = (size_t)(end - zip->bytes);
    if (end_at < END64_LOCATOR_BYTES || memcmp(end - END64_LOCATOR_BYTES, "PK\6\7", 4) != 0)
        return OCT_OK;
    const uint8_t *end64 = slice(zip, u64(end - END64_LOCATOR_BYTES + 8), END64_BYTES);
    if (end64 == NULL || memcmp(end64, "PK\6\6", 4) != 0)
        return oct_fail(err, OCT_E_INVALID, "damaged zip64 directory");
    zip->entries = u64(end64 + 32);
    zip->directory = u64(end64 + 48);
    return OCT_OK;
}

/* The zip64 extra field holds, in this order, just those values that did not fit. */
static void read_zip64(const uint8_t *extra, size_t length, entry *out)
{
    while (length >= 4) {
        size_t bytes = u16(extra + 2);
        if (bytes > length - 4)
            return;
        if (u16(extra) == FIELD_ZIP64) {
            uint64_t *values[] = { &out->size, &out->packed, &out->local };
            const uint8_t *at = extra + 4;
            for (int i = 0; i < 3; i++)
                if (*values[i] == UINT32_MAX && bytes >= 8) {
                    *values[i] = u64(at);
                    at += 8;
                    bytes -= 8;
                }
            return;
        }
        extra += 4 + bytes;
        length -= 4 + bytes;
    }
}

static oct_status find_entry(const archive *zip, const char *name, entry *out, bool *found,
    oct_error *err)
{
    uint64_t at = zip->directory;
    size_t length = strlen(name);
    *found = false;
    for (uint64_t i = 0; i < zip->entries; i++) {
        const uint8_t *head = slice(zip, at, ENTRY_BYTES);
        if (head == NULL || memcmp(head, "PK\1\2", 4) != 0)
            return oct_fail(err, OCT_E_INVALID, "damaged zip directory, entry %llu",
                (unsigned long long)i);
        size_t name_bytes = u16(head + 28), extra = u16(head + 30), comment = u16(head + 32);
        const uint8_t *text = slice(zip, at + ENTRY_BYTES, name_bytes + extra + comment);
        if (text == NULL)
            return oct_fail(err, OCT_E_INVALID, "damaged zip directory, entry %llu",
                (unsigned long long)i);
        if (name_bytes == length && memcmp(text, name, length) == 0) {
            *out = (entry){ .flags = u16(head + 8), .method = u16(head + 10), .crc = u32(head + 16),
                .packed = u32(head + 20), .size = u32(head + 24), .local = u32(head + 42) };
            read_zip64(text + name_bytes, extra, out);
            *found = true;
            return OCT_OK;
        }
        at += ENTRY_BYTES + name_bytes + extra + comment;
    }
    return OCT_OK;
}

/* Pieces are summed and put to rest as they are done. False when the data are damaged, or too long. */
static bool inflate_pieces(const uint8_t *packed, const entry *from, const oct_backing *backing,
    uint32_t *crc)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)packed, .avail_in = (uInt)from->packed };
    int result = inflateInit2(&stream, -MAX_WBITS);
    if (result != Z_OK)
        return false;
    for (size_t at = 0, piece; at < from->size && result == Z_OK; at += piece) {
        piece = from->size - at < PIECE_BYTES ? (size_t)from->size - at : PIECE_BYTES;
        stream.next_out = oct_backing_bytes(backing) + at;
        stream.avail_out = (uInt)piece;
        result = inflate(&stream, Z_NO_FLUSH);
        *crc = (uint32_t)crc32_z(*crc, oct_backing_bytes(backing) + at, piece);
        oct_backing_rest(backing, oct_backing_bytes(backing) + at, piece);
        if (stream.avail_out != 0)
            break;
    }
    uint8_t beyond; /* takes a byte only when the stream is longer */
    stream.next_out = &beyond;
    stream.avail_out = 1;
    if (result == Z_OK)
        result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return result == Z_STREAM_END && stream.total_out == from->size;
}

static oct_status inflate_member(const char *name, const uint8_t *packed, const entry *from,
    oct_zip_member *out, uint32_t *crc, oct_error *err)
{
    if (from->size > FREE_EXPANSION && from->size / MAX_EXPANSION > from->packed)
        return oct_fail(err, OCT_E_INVALID, "%s: expands to %llu bytes from %llu", name,
            (unsigned long long)from->size, (unsigned long long)from->packed);
    if (from->size > UINT32_MAX - 1 || from->packed > UINT32_MAX)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: compressed member above 4 GiB", name);
    oct_backing *backing = from->size < SPOOLED_BYTES
                               ? oct_backing_create((size_t)from->size)
                               : oct_backing_create_spooled((size_t)from->size);
    if (backing == NULL)
        return oct_fail_memory(err, (size_t)from->size, name);
    *crc = 0;
    if (!inflate_pieces(packed, from, backing, crc)) {
        oct_backing_release(backing);
        return oct_fail(err, OCT_E_INVALID, "%s: damaged compressed data", name);
    }
    *out = (oct_zip_member){ .bytes = oct_backing_bytes(backing), .size = (size_t)from->size,
        .owned = backing };
    return OCT_OK;
}

static oct_status open_member(const archive *zip, const char *name, const entry *from,
    oct_zip_member *out, uint32_t *crc, oct_error *err)
{
    const uint8_t *local = slice(zip, from->local, LOCAL_BYTES);
    if (local == NULL || memcmp(local, "PK\3\4", 4) != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: damaged zip member", name);
    uint64_t data_at = from->local + LOCAL_BYTES + u16(local + 26) + u16(local + 28);
    const uint8_t *packed = slice(zip, data_at, from->packed);
    if (packed == NULL)
        return oct_fail(err, OCT_E_INVALID, "%s: lies outside the archive", name);
    if (from->flags & FLAG_ENCRYPTED)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: is encrypted", name);
    if (from->method == METHOD_DEFLATED)
        return inflate_member(name, packed, from, out, crc, err);
    if (from->method != METHOD_STORED)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: zip compression method %u", name, from->method);
    if (from->size != from->packed)
        return oct_fail(err, OCT_E_INVALID, "%s: damaged zip member", name);
    *out = (oct_zip_member){ .bytes = packed, .size = (size_t)from->size };
    *crc = (uint32_t)crc32_z(0, out->bytes, out->size);
    return OCT_OK;
}

oct_status oct_zip_find(const void *bytes, size_t size, const char *name, oct_zip_member *out,
    bool *found, oct_error *err)
{
    archive zip = { .bytes = bytes, .size = size };
    entry from;
    uint32_t crc;
    *out = (oct_zip_member){ 0 };
    *found = false;
    OCT_TRY(open_directory(&zip, err));
    OCT_TRY(find_entry(&zip, name, &from, found, err));
    if (!*found)
        return OCT_OK;
    OCT_TRY(open_member(&zip, name, &from, out, &crc, err));
    if (crc != from.crc) {
        oct_zip_member_free(out);
        return oct_fail(err, OCT_E_INVALID, "%s: its checksum does not fit, the file is damaged",
            name);
    }
    return OCT_OK;
}

void oct_zip_member_free(oct_zip_member *member)
{
    oct_backing_release(member->owned);
    *member = (oct_zip_member){ 0 };
}
