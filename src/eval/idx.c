/*
 * IDX through zlib, which passes plain files on. Memory grows with what was really read, so that a
 * header cannot ask for more than the file holds.
 */
#include "eval/idx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "eval/npy.h"

enum { FIRST_PIECE = 1 << 20 };

static bool element_type(int code, oct_type *type)
{
    switch (code) {
    case 0x08:
        *type = OCT_UINT8;
        return true;
    case 0x09:
        *type = OCT_INT8;
        return true;
    case 0x0b:
        *type = OCT_INT16;
        return true;
    case 0x0c:
        *type = OCT_INT32;
        return true;
    case 0x0d:
        *type = OCT_FLOAT32;
        return true;
    case 0x0e:
        *type = OCT_FLOAT64;
        return true;
    default:
        return false;
    }
}

static bool plausible(const unsigned char magic[4])
{
    oct_type type;
    return magic[0] == 0 && magic[1] == 0 && element_type(magic[2], &type) && magic[3] >= 1 &&
           magic[3] <= OCT_ARRAY_MAX_RANK;
}

bool oct_idx_detect(const char *path)
{
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return false;
    unsigned char magic[4];
    bool found = gzread(file, magic, 4) == 4 && plausible(magic);
    gzclose(file);
    return found;
}

static oct_status read_header(gzFile file, const char *path, oct_array_view *view, oct_error *err)
{
    unsigned char magic[4], dim[4];
    if (gzread(file, magic, 4) != 4 || !plausible(magic))
        return oct_fail_at(err, OCT_E_INVALID, 0, "%s: not an IDX file", path);
    element_type(magic[2], &view->type);
    view->rank = magic[3];
    view->big_endian = true;
    for (int32_t i = 0; i < view->rank; i++) {
        if (gzread(file, dim, 4) != 4)
            return oct_fail_at(err, OCT_E_INVALID, 4 + 4 * i, "%s: the header is cut off", path);
        view->dims[i] = (int64_t)dim[0] << 24 | dim[1] << 16 | dim[2] << 8 | dim[3];
    }
    int64_t bytes = oct_array_bytes(view->type, view->rank, view->dims);
    if (bytes < 0)
        return oct_fail_at(err, OCT_E_INVALID, 4, "%s: the dimensions overflow", path);
    view->size = (size_t)bytes;
    return OCT_OK;
}

static oct_status read_elements(
    gzFile file, const char *path, size_t size, unsigned char **out, oct_error *err)
{
    unsigned char *bytes = NULL;
    size_t have = 0;
    while (have < size || bytes == NULL) {
        size_t want = have == 0 ? FIRST_PIECE : have * 2;
        want = want < size ? want : size;
        unsigned char *grown = realloc(bytes, want + 1);
        if (grown == NULL) {
            free(bytes);
            return oct_fail_memory(err, want, "IDX file");
        }
        bytes = grown;
        while (have < want) {
            size_t piece = want - have < FIRST_PIECE ? want - have : FIRST_PIECE;
            int got = gzread(file, bytes + have, (unsigned)piece);
            if (got <= 0) {
                free(bytes);
                return oct_fail_at(err, OCT_E_INVALID, gztell(file),
                    "%s: %zu of %zu element bytes are there", path, have, size);
            }
            have += (size_t)got;
        }
    }
    int failure = Z_OK;
    bool more = gzgetc(file) != -1;
    const char *text = gzerror(file, &failure); /* a cut or damaged end shows only here */
    if (more || failure != Z_OK) {
        free(bytes);
        return oct_fail_at(err, OCT_E_INVALID, gztell(file), "%s: %s", path,
            more ? "more bytes than elements" : text);
    }
    *out = bytes;
    return OCT_OK;
}

oct_status oct_idx_read(const char *path, oct_array *out, oct_error *err)
{
    *out = (oct_array){ 0 };
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return oct_fail(err, OCT_E_SYSTEM, "%s: cannot open: %s", path, strerror(errno));
    oct_array_view view = { 0 };
    unsigned char *bytes = NULL;
    oct_status status = read_header(file, path, &view, err);
    if (status == OCT_OK)
        status = read_elements(file, path, view.size, &bytes, err);
    gzclose(file);
    if (status != OCT_OK)
        return status;
    view.bytes = bytes;
    if (oct_type_bits(view.type) > 8) {
        status = oct_array_own(&view, out, err);
        free(bytes);
        return status;
    }
    *out = (oct_array){ .rank = view.rank, .bytes = bytes, .size = view.size };
    snprintf(out->type, sizeof out->type, "%s", oct_type_name(view.type));
    memcpy(out->dims, view.dims, sizeof out->dims);
    return OCT_OK;
}
