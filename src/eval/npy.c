/*
 * .npy: the header is a Python literal, read by a cursor that accepts exactly that dict.
 */
#include "eval/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

typedef struct element {
    oct_type type;
    char kind;
    int32_t bytes;
} element;

static const element elements[] = {
    { OCT_FLOAT16, 'f', 2 },
    { OCT_FLOAT32, 'f', 4 },
    { OCT_FLOAT64, 'f', 8 },
    { OCT_INT8, 'i', 1 },
    { OCT_INT16, 'i', 2 },
    { OCT_INT32, 'i', 4 },
    { OCT_INT64, 'i', 8 },
    { OCT_UINT8, 'u', 1 },
    { OCT_UINT16, 'u', 2 },
    { OCT_UINT32, 'u', 4 },
    { OCT_UINT64, 'u', 8 },
    { OCT_BOOL, 'b', 1 },
};
enum { ELEMENTS = sizeof elements / sizeof elements[0] };

typedef struct cursor {
    const char *begin, *at, *end;
    int64_t base; /* offset of begin in the file */
    const char *name;
    oct_error *err;
} cursor;

static oct_status bad(const cursor *c, const char *what)
{
    return oct_fail_at(
        c->err, OCT_E_INVALID, c->base + (c->at - c->begin), "%s: .npy header: %s", c->name, what);
}

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t'))
        c->at++;
}

static bool take(cursor *c, char what)
{
    skip_space(c);
    if (c->at == c->end || *c->at != what)
        return false;
    c->at++;
    return true;
}

static oct_status take_string(cursor *c, char *text, size_t size)
{
    skip_space(c);
    char quote = c->at < c->end ? *c->at : 0;
    if (quote != '\'' && quote != '"')
        return bad(c, "a string is expected");
    c->at++;
    size_t length = 0;
    while (c->at < c->end && *c->at != quote) {
        if (length + 1 >= size)
            return bad(c, "a string is too long (a structured type?)");
        text[length++] = *c->at++;
    }
    if (!take(c, quote))
        return bad(c, "a string does not end");
    text[length] = 0;
    return OCT_OK;
}

static oct_status take_bool(cursor *c, bool *value)
{
    skip_space(c);
    size_t left = (size_t)(c->end - c->at);
    if (left >= 4 && memcmp(c->at, "True", 4) == 0) {
        *value = true;
        c->at += 4;
    } else if (left >= 5 && memcmp(c->at, "False", 5) == 0) {
        *value = false;
        c->at += 5;
    } else {
        return bad(c, "True or False is expected");
    }
    return OCT_OK;
}

static oct_status take_shape(cursor *c, oct_array_view *out)
{
    if (!take(c, '('))
        return bad(c, "the shape is not a tuple");
    out->rank = 0;
    while (!take(c, ')')) {
        if (out->rank == OCT_ARRAY_MAX_RANK)
            return bad(c, "more than 8 dimensions");
        int64_t value = 0;
        const char *digits = c->at;
        for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
            if (value > (INT64_MAX - 9) / 10)
                return bad(c, "a dimension is too large");
            value = value * 10 + (*c->at - '0');
        }
        if (c->at == digits)
            return bad(c, "a dimension is not a number");
        out->dims[out->rank++] = value;
        if (!take(c, ',') && (skip_space(c), c->at == c->end || *c->at != ')'))
            return bad(c, "the shape does not end");
        skip_space(c);
    }
    return OCT_OK;
}

static oct_status set_type(const cursor *c, const char *descr, oct_array_view *out)
{
    for (int i = 0; i < ELEMENTS && strlen(descr) == 3; i++) {
        if (descr[1] != elements[i].kind || descr[2] - '0' != elements[i].bytes)
            continue;
        if (strchr("<>|=", descr[0]) == NULL)
            break;
        out->type = elements[i].type;
        out->big_endian = descr[0] == '>';
        return OCT_OK;
    }
    return oct_fail(c->err, OCT_E_UNSUPPORTED,
        "%s: elements of numpy type '%s'; numbers of 1 to 8 bytes are read", c->name, descr);
}

static oct_status take_dict(cursor *c, oct_array_view *out)
{
    char descr[24] = "";
    bool shape = false, order = false;
    if (!take(c, '{'))
        return bad(c, "it is not a dict");
    while (!take(c, '}')) {
        char key[24];
        OCT_TRY(take_string(c, key, sizeof key));
        if (!take(c, ':'))
            return bad(c, "':' is expected");
        if (strcmp(key, "descr") == 0) {
            OCT_TRY(take_string(c, descr, sizeof descr));
        } else if (strcmp(key, "fortran_order") == 0) {
            OCT_TRY(take_bool(c, &out->fortran));
            order = true;
        } else if (strcmp(key, "shape") == 0) {
            OCT_TRY(take_shape(c, out));
            shape = true;
        } else {
            return bad(c, "an unknown key");
        }
        if (!take(c, ',') && (skip_space(c), c->at == c->end || *c->at != '}'))
            return bad(c, "the dict does not end");
    }
    if (descr[0] == 0 || !shape || !order)
        return bad(c, "descr, fortran_order or shape is missing");
    return set_type(c, descr, out);
}

int64_t oct_array_bytes(oct_type type, int32_t rank, const int64_t *dims)
{
    int64_t bytes = oct_type_bits(type) / 8;
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(bytes, dims[i], &bytes))
            return -1;
    return bytes;
}

oct_status oct_npy_parse(
    const void *bytes, size_t size, const char *name, oct_array_view *out, oct_error *err)
{
    const unsigned char *b = bytes;
    *out = (oct_array_view){ 0 };
    if (size < 12 || memcmp(b, "\x93NUMPY", 6) != 0)
        return oct_fail_at(err, OCT_E_INVALID, 0, "%s: not a .npy file", name);
    if (b[6] < 1 || b[6] > 3)
        return oct_fail_at(
            err, OCT_E_UNSUPPORTED, 6, "%s: .npy version %d; 1 to 3 are known", name, b[6]);
    size_t begin = b[6] == 1 ? 10 : 12;
    size_t length = b[8] | (size_t)b[9] << 8;
    if (b[6] != 1)
        length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (length > size - begin)
        return oct_fail_at(err, OCT_E_INVALID, 8, "%s: .npy header of %zu bytes in a file of %zu",
            name, length, size);
    const char *text = (const char *)b + begin;
    cursor c = { text, text, text + length, (int64_t)begin, name, err };
    OCT_TRY(take_dict(&c, out));
    int64_t need = oct_array_bytes(out->type, out->rank, out->dims);
    size_t left = size - begin - length;
    if (need < 0 || (uint64_t)need > left)
        return oct_fail_at(err, OCT_E_INVALID, (int64_t)(begin + length),
            "%s: the shape asks for %lld bytes, %zu follow the header", name, (long long)need,
            left);
    out->bytes = b + begin + length;
    out->size = (size_t)need;
    return OCT_OK;
}

static void copy_element(unsigned char *to, const unsigned char *from, size_t bytes, bool swap)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = from[swap ? bytes - 1 - i : i];
}

/* Element i of the C order is at the Fortran offset of its multi-index. */
static void copy_elements(const oct_array_view *view, unsigned char *to)
{
    size_t bytes = (size_t)oct_type_bits(view->type) / 8;
    int64_t index[OCT_ARRAY_MAX_RANK] = { 0 };
    for (size_t i = 0; i < view->size / bytes; i++) {
        size_t from = i;
        if (view->fortran) {
            from = 0;
            for (int32_t d = view->rank - 1; d >= 0; d--)
                from = from * (size_t)view->dims[d] + (size_t)index[d];
            for (int32_t d = view->rank - 1; d >= 0 && ++index[d] == view->dims[d]; d--)
                index[d] = 0;
        }
        copy_element(to + i * bytes, view->bytes + from * bytes, bytes, view->big_endian);
    }
}

oct_status oct_array_own(const oct_array_view *view, oct_array *out, oct_error *err)
{
    *out = (oct_array){ .rank = view->rank, .size = view->size };
    snprintf(out->type, sizeof out->type, "%s", oct_type_name(view->type));
    memcpy(out->dims, view->dims, sizeof out->dims);
    out->bytes = malloc(view->size == 0 ? 1 : view->size);
    if (out->bytes == NULL)
        return oct_fail_memory(err, view->size, "array");
    if (view->big_endian || view->fortran)
        copy_elements(view, out->bytes);
    else
        memcpy(out->bytes, view->bytes, view->size);
    return OCT_OK;
}

void oct_array_free(oct_array *array)
{
    if (array == NULL)
        return;
    free(array->bytes);
    *array = (oct_array){ 0 };
}

oct_status oct_npy_type(const char *name, oct_type *type, oct_error *err)
{
    for (int i = 0; i < ELEMENTS; i++) {
        if (strcmp(name, oct_type_name(elements[i].type)) == 0) {
            *type = elements[i].type;
            return OCT_OK;
        }
    }
    return oct_fail(err, OCT_E_USAGE, "arrays of type %s cannot be written as .npy", name);
}

size_t oct_npy_header(oct_type type, int32_t rank, const int64_t *dims, char *text)
{
    char kind = 'f';
    for (int i = 0; i < ELEMENTS; i++)
        if (elements[i].type == type)
            kind = elements[i].kind;
    int bytes = oct_type_bits(type) / 8;
    char *at = text + 10;
    char *end = text + OCT_NPY_HEADER;
    at += snprintf(at, (size_t)(end - at), "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (",
        bytes == 1 ? '|' : '<', kind, bytes);
    for (int32_t i = 0; i < rank; i++)
        at += snprintf(at, (size_t)(end - at),
            rank == 1 ? "%lld,"
            : i == 0  ? "%lld"
                      : ", %lld",
            (long long)dims[i]);
    at += snprintf(at, (size_t)(end - at), "), }");
    size_t length = (size_t)(at - text) + 1;
    size_t padded = (length + 63) / 64 * 64;
    memset(at, ' ', padded - length);
    text[padded - 1] = '\n';
    memcpy(text, "\x93NUMPY\x01", 7);
    text[7] = 0;
    text[8] = (char)((padded - 10) & 255);
    text[9] = (char)((padded - 10) >> 8);
    return padded;
}

oct_status oct_npy_write(const char *path, const char *type_name, int32_t rank, const int64_t *dims,
    const void *bytes, oct_error *err)
{
    oct_type type;
    OCT_TRY(oct_npy_type(type_name, &type, err));
    int64_t size = rank > OCT_ARRAY_MAX_RANK ? -1 : oct_array_bytes(type, rank, dims);
    if (size < 0)
        return oct_fail(err, OCT_E_USAGE, "%s: an array of this shape cannot be written", path);
    char header[OCT_NPY_HEADER];
    size_t length = oct_npy_header(type, rank, dims, header);
    oct_file file;
    OCT_TRY(oct_file_begin(&file, path, err));
    oct_status status = oct_file_write(&file, header, length, err);
    if (status == OCT_OK)
        status = oct_file_write(&file, bytes, (size_t)size, err);
    if (status == OCT_OK)
        return oct_file_commit(&file, err);
    oct_file_abandon(&file);
    return status;
}
