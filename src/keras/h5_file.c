/*
 * The HDF5 reader's ground: superblock, checked access, object headers, data types and spaces.
 *
 * A file: superblock at 0 -> root object header. An object header (version 1) is a list of messages,
 * continued in other blocks. Every multi-byte number is little-endian; addresses and lengths take 8 bytes.
 */
#include "keras/h5_file.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };

enum { SUPERBLOCK_BYTES = 96, HEADER_PREFIX_BYTES = 16, MESSAGE_PREFIX_BYTES = 8 };

h5_cursor h5_at(const oct_h5 *h5, uint64_t address, uint64_t size)
{
    if (address > h5->size || size > h5->size - address)
        return (h5_cursor){ .bad = true };
    return (h5_cursor){ .at = h5->bytes + address, .left = (size_t)size };
}

const uint8_t *h5_take(h5_cursor *cursor, uint64_t size)
{
    if (cursor->bad || size > cursor->left) {
        cursor->bad = true;
        return NULL;
    }
    const uint8_t *at = cursor->at;
    cursor->at += size;
    cursor->left -= (size_t)size;
    return at;
}

uint64_t h5_number(h5_cursor *cursor, int bytes)
{
    const uint8_t *at = h5_take(cursor, (uint64_t)bytes);
    uint64_t value = 0;
    for (int i = 0; at != NULL && i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

oct_status h5_charge(oct_h5 *h5, uint64_t steps, oct_error *err)
{
    if (steps > h5->budget)
        return oct_fail(err, OCT_E_INVALID, "the HDF5 file refers to the same places too often");
    h5->budget -= steps;
    return OCT_OK;
}

bool oct_h5_is(const void *bytes, size_t size)
{
    return size >= sizeof signature && memcmp(bytes, signature, sizeof signature) == 0;
}

static oct_status read_superblock(oct_h5 *h5, oct_error *err)
{
    if (!oct_h5_is(h5->bytes, h5->size))
        return oct_fail(err, OCT_E_INVALID, "not an HDF5 file");
    h5_cursor cursor = h5_at(h5, sizeof signature, h5->size - sizeof signature);
    uint64_t version = h5_number(&cursor, 1);
    if (version > 1)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "HDF5 superblock version %u: the file was written with libver='latest'; write it again "
            "with h5py's default libver='earliest'",
            (unsigned)version);
    h5_take(&cursor, 4);
    uint64_t offset_bytes = h5_number(&cursor, 1), length_bytes = h5_number(&cursor, 1);
    h5_take(&cursor, version == 0 ? 9 : 13); /* reserved, tree ranks, flags */
    uint64_t base = h5_number(&cursor, 8);
    h5_take(&cursor, 8);
    uint64_t end = h5_number(&cursor, 8);
    h5_take(&cursor, 16); /* driver information, root link name */
    h5->root = h5_number(&cursor, 8);
    if (cursor.bad)
        return oct_fail_at(err, OCT_E_INVALID, (int64_t)h5->size, "HDF5 superblock is cut short");
    if (offset_bytes != 8 || length_bytes != 8 || base != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "HDF5 file with %u-byte offsets and base address %llu; only 8 and 0 are read",
            (unsigned)offset_bytes, (unsigned long long)base);
    if (end > h5->size)
        return oct_fail_at(err, OCT_E_INVALID, (int64_t)h5->size,
            "the HDF5 file is truncated: %zu bytes of %llu", h5->size, (unsigned long long)end);
    return OCT_OK;
}

oct_status oct_h5_open(const void *bytes, size_t size, oct_h5 **out, oct_error *err)
{
    *out = NULL;
    oct_h5 *h5 = calloc(1, sizeof *h5);
    if (h5 == NULL)
        return oct_fail_memory(err, sizeof *h5, "an HDF5 file");
    h5->bytes = bytes;
    h5->size = size;
    h5->budget = (1u << 20) + 4 * (uint64_t)size;
    oct_status status = read_superblock(h5, err);
    if (status != OCT_OK) {
        oct_h5_close(h5);
        return status;
    }
    *out = h5;
    return OCT_OK;
}

void oct_h5_close(oct_h5 *h5)
{
    if (h5 == NULL)
        return;
    for (size_t i = 0; i < h5->group_slots; i++) {
        if (h5->groups[i] != NULL)
            free(h5->groups[i]->links);
        free(h5->groups[i]);
    }
    free(h5->groups);
    oct_arena_free(&h5->arena);
    free(h5);
}

uint64_t oct_h5_root(const oct_h5 *h5)
{
    return h5->root;
}

oct_status h5_messages_begin(oct_h5 *h5, uint64_t object, h5_messages *walk, oct_error *err)
{
    *walk = (h5_messages){ .h5 = h5 };
    h5_cursor prefix = h5_at(h5, object, HEADER_PREFIX_BYTES);
    uint64_t version = h5_number(&prefix, 1);
    h5_take(&prefix, 1);
    walk->left = (uint32_t)h5_number(&prefix, 2);
    h5_take(&prefix, 4);
    uint64_t size = h5_number(&prefix, 4);
    if (!prefix.bad && version == 'O')
        return oct_fail_at(err, OCT_E_UNSUPPORTED, (int64_t)object,
            "HDF5 object header of the newer format; write the file again with h5py's default "
            "libver='earliest'");
    if (!prefix.bad)
        walk->block = h5_at(h5, object + HEADER_PREFIX_BYTES, size);
    if (prefix.bad || version != 1 || walk->block.bad)
        return oct_fail_at(err, OCT_E_INVALID, (int64_t)object, "damaged HDF5 object header");
    return OCT_OK;
}

static oct_status remember_continuation(h5_messages *walk, h5_cursor body, oct_error *err)
{
    uint64_t address = h5_number(&body, 8), length = h5_number(&body, 8);
    const int capacity = sizeof walk->pending / sizeof walk->pending[0];
    if (body.bad || walk->pending_count == capacity)
        return oct_fail(err, OCT_E_INVALID, "damaged HDF5 object header continuation");
    walk->pending[walk->pending_count].address = address;
    walk->pending[walk->pending_count++].length = length;
    return OCT_OK;
}

oct_status h5_messages_next(h5_messages *walk, h5_message *message, bool *more, oct_error *err)
{
    *more = false;
    while (walk->left > 0) {
        OCT_TRY(h5_charge(walk->h5, 1, err));
        if (walk->block.left < MESSAGE_PREFIX_BYTES) {
            if (walk->pending_count == 0)
                return OCT_OK;
            walk->pending_count--;
            walk->block = h5_at(walk->h5, walk->pending[walk->pending_count].address,
                walk->pending[walk->pending_count].length);
            if (walk->block.bad)
                return oct_fail(err, OCT_E_INVALID, "HDF5 object header continues outside the file");
            continue;
        }
        message->type = (uint16_t)h5_number(&walk->block, 2);
        uint64_t size = h5_number(&walk->block, 2);
        message->flags = (uint8_t)h5_number(&walk->block, 1);
        h5_take(&walk->block, 3);
        message->body = (h5_cursor){ .at = h5_take(&walk->block, size), .left = (size_t)size };
        if (walk->block.bad)
            return oct_fail(err, OCT_E_INVALID, "HDF5 header message is longer than its block");
        walk->left--;
        if (message->type == H5_MESSAGE_CONTINUATION) {
            OCT_TRY(remember_continuation(walk, message->body, err));
            continue;
        }
        *more = true;
        return OCT_OK;
    }
    return OCT_OK;
}

oct_status h5_datatype_read(h5_cursor body, h5_datatype *out, oct_error *err)
{
    *out = (h5_datatype){ 0 };
    uint64_t head = h5_number(&body, 1), bits = h5_number(&body, 1);
    h5_take(&body, 2);
    out->size = (uint32_t)h5_number(&body, 4);
    out->class_ = head & 15;
    out->big_endian = bits & 1;
    out->is_signed = bits & 8;
    if (out->class_ == H5_CLASS_VLEN)
        out->vlen_string = (bits & 15) == 1;
    if (body.bad || out->size == 0 || (head >> 4) > 3)
        return oct_fail(err, OCT_E_INVALID, "damaged HDF5 data type");
    return OCT_OK;
}

oct_status h5_dataspace_read(h5_cursor body, h5_dataspace *out, oct_error *err)
{
    *out = (h5_dataspace){ .elements = 1 };
    uint64_t version = h5_number(&body, 1), rank = h5_number(&body, 1);
    h5_take(&body, 1);
    uint64_t kind = h5_number(&body, 1);
    if (version == 1)
        h5_take(&body, 4);
    if (body.bad || version < 1 || version > 2)
        return oct_fail(err, OCT_E_INVALID, "damaged HDF5 data space");
    if (version == 2 && kind == 2)
        out->elements = 0;
    if (rank > OCT_H5_MAX_RANK)
        return oct_fail(err, OCT_E_UNSUPPORTED, "HDF5 array of rank %u; at most %d are read",
            (unsigned)rank, OCT_H5_MAX_RANK);
    out->rank = (int32_t)rank;
    for (uint64_t i = 0; i < rank; i++) {
        uint64_t dim = h5_number(&body, 8);
        if (body.bad || dim > INT32_MAX ||
            __builtin_mul_overflow(out->elements, (int64_t)dim, &out->elements))
            return oct_fail(err, OCT_E_INVALID, "damaged or oversized HDF5 data space");
        out->dims[i] = (int64_t)dim;
    }
    return OCT_OK;
}
