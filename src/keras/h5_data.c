/*
 * Data sets and string attributes of an HDF5 file.
 *
 * h5py writes weights contiguous and unfiltered. Strings come in two kinds: fixed length, NUL padded, in
 * the attribute itself, and variable length, as (length, collection, index) into a global heap (GCOL).
 */
#include "keras/h5_file.h"

#include <stdio.h>
#include <string.h>

#include "numeric/half.h"

enum {
    VLEN_BYTES = 16,
    LAYOUT_COMPACT = 0,
    LAYOUT_CONTIGUOUS = 1,
    MAX_UNWRITTEN_BYTES = 1 << 20,
    MAX_ELEMENT_BYTES = 1024, /* a number or a name */
};

typedef struct attribute {
    const char *name; /* in the file; ends with NUL */
    h5_datatype type;
    h5_dataspace space;
    h5_cursor data;
} attribute;

/* A part of an attribute message: version 1 pads each to 8 bytes. */
static h5_cursor part(h5_cursor *body, uint64_t size, uint64_t version)
{
    const uint8_t *at = h5_take(body, version == 1 ? (size + 7) / 8 * 8 : size);
    return (h5_cursor){ .at = at, .left = (size_t)size, .bad = at == NULL };
}

static oct_status read_attribute(h5_cursor body, attribute *out, oct_error *err)
{
    uint64_t version = h5_number(&body, 1), flags = h5_number(&body, 1);
    uint64_t name_bytes = h5_number(&body, 2), type_bytes = h5_number(&body, 2);
    uint64_t space_bytes = h5_number(&body, 2);
    if (version == 3)
        h5_take(&body, 1);
    if (version < 1 || version > 3 || (version > 1 && flags != 0))
        return oct_fail(err, OCT_E_UNSUPPORTED, "HDF5 attribute of version %u with flags %u",
            (unsigned)version, (unsigned)flags);
    h5_cursor name = part(&body, name_bytes, version);
    h5_cursor type = part(&body, type_bytes, version);
    h5_cursor space = part(&body, space_bytes, version);
    if (body.bad || memchr(name.at, 0, name.left) == NULL)
        return oct_fail(err, OCT_E_INVALID, "damaged HDF5 attribute");
    out->name = (const char *)name.at;
    OCT_TRY(h5_datatype_read(type, &out->type, err));
    OCT_TRY(h5_dataspace_read(space, &out->space, err));
    out->data = body;
    return OCT_OK;
}

/* Only the name is looked at until it matches: attributes of other kinds may lie beside. */
static oct_status find_attribute(oct_h5 *h5, uint64_t object, const char *name, attribute *out,
    bool *found, oct_error *err)
{
    h5_messages walk;
    h5_message message;
    *found = false;
    OCT_TRY(h5_messages_begin(h5, object, &walk, err));
    for (;;) {
        bool more;
        OCT_TRY(h5_messages_next(&walk, &message, &more, err));
        if (!more)
            return OCT_OK;
        if (message.type == H5_MESSAGE_ATTRIBUTE_INFO)
            return oct_fail(err, OCT_E_UNSUPPORTED, "HDF5 attributes of the newer format");
        if (message.type != H5_MESSAGE_ATTRIBUTE)
            continue;
        size_t prefix = message.body.left > 0 && message.body.at[0] == 3 ? 9 : 8;
        size_t length = strlen(name) + 1;
        if (message.body.left >= prefix + length &&
            memcmp(message.body.at + prefix, name, length) == 0)
            break;
    }
    OCT_TRY(read_attribute(message.body, out, err));
    *found = true;
    return OCT_OK;
}

/* An object of a global heap collection. */
static oct_status heap_object(oct_h5 *h5, uint64_t address, uint64_t index, h5_cursor *out,
    oct_error *err)
{
    h5_cursor head = h5_at(h5, address, 16);
    const uint8_t *magic = h5_take(&head, 4);
    h5_take(&head, 4);
    uint64_t size = h5_number(&head, 8);
    h5_cursor body = h5_at(h5, address, size);
    if (head.bad || body.bad || memcmp(magic, "GCOL", 4) != 0)
        return oct_fail(err, OCT_E_INVALID, "damaged HDF5 global heap");
    h5_take(&body, 16);
    while (body.left >= 16) {
        OCT_TRY(h5_charge(h5, 1, err));
        uint64_t here = h5_number(&body, 2);
        h5_take(&body, 6);
        uint64_t bytes = h5_number(&body, 8);
        if (here == 0 || bytes > body.left)
            break;
        if (here == index) {
            *out = (h5_cursor){ .at = body.at, .left = (size_t)bytes };
            return OCT_OK;
        }
        h5_take(&body, (bytes + 7) / 8 * 8);
    }
    return oct_fail(err, OCT_E_INVALID, "HDF5 string %llu is missing from its heap",
        (unsigned long long)index);
}

static oct_status read_string(oct_h5 *h5, attribute *from, const char **out, oct_error *err)
{
    h5_cursor text;
    if (from->type.class_ == H5_CLASS_STRING) {
        text = (h5_cursor){ .at = h5_take(&from->data, from->type.size), .left = from->type.size };
        if (from->data.bad)
            return oct_fail(err, OCT_E_INVALID, "HDF5 attribute '%s' is cut short", from->name);
    } else {
        uint64_t length = h5_number(&from->data, 4), address = h5_number(&from->data, 8);
        uint64_t index = h5_number(&from->data, 4);
        if (from->data.bad)
            return oct_fail(err, OCT_E_INVALID, "HDF5 attribute '%s' is cut short", from->name);
        text = (h5_cursor){ .at = (const uint8_t *)"", .left = 0 };
        if (length > 0)
            OCT_TRY(heap_object(h5, address, index, &text, err));
        if (length < text.left)
            text.left = (size_t)length;
    }
    size_t length = strnlen((const char *)text.at, text.left);
    OCT_TRY(h5_charge(h5, 1 + length / 4, err));
    *out = oct_arena_text(&h5->arena, (const char *)text.at, length);
    return *out == NULL ? oct_fail_memory(err, length + 1, "an HDF5 string") : OCT_OK;
}

static oct_status append_strings(oct_h5 *h5, attribute *from, oct_h5_strings *list, oct_error *err)
{
    int64_t count = from->space.elements;
    if (count == 0)
        return OCT_OK;
    bool fixed = from->type.class_ == H5_CLASS_STRING;
    if (!fixed && !(from->type.class_ == H5_CLASS_VLEN && from->type.vlen_string))
        return oct_fail(err, OCT_E_INVALID, "HDF5 attribute '%s' does not hold strings", from->name);
    uint64_t each = fixed ? from->type.size : VLEN_BYTES;
    if ((uint64_t)count > from->data.left / each)
        return oct_fail(err, OCT_E_INVALID, "HDF5 attribute '%s' is cut short", from->name);
    size_t total = (size_t)(list->count + count);
    const char **text = oct_arena_array(&h5->arena, total, sizeof *text);
    if (text == NULL)
        return oct_fail_memory(err, total * sizeof *text, "HDF5 strings");
    if (list->count > 0)
        memcpy(text, list->text, (size_t)list->count * sizeof *text);
    list->text = text;
    for (int64_t i = 0; i < count; i++)
        OCT_TRY(read_string(h5, from, &list->text[list->count++], err));
    return OCT_OK;
}

oct_status oct_h5_strings_read(oct_h5 *h5, uint64_t object, const char *name, oct_h5_strings *out,
    bool *found, oct_error *err)
{
    attribute from;
    *out = (oct_h5_strings){ 0 };
    OCT_TRY(find_attribute(h5, object, name, &from, found, err));
    if (*found)
        return append_strings(h5, &from, out, err);
    bool more = true;
    for (int piece = 0; more; piece++) {
        char split[64];
        snprintf(split, sizeof split, "%s%d", name, piece);
        OCT_TRY(find_attribute(h5, object, split, &from, &more, err));
        *found = *found || more;
        if (more)
            OCT_TRY(append_strings(h5, &from, out, err));
    }
    return OCT_OK;
}

static oct_h5_type element_type(const h5_datatype *type)
{
    if (type->class_ == H5_CLASS_OPAQUE)
        return type->size == 2 ? OCT_H5_BFLOAT16 : OCT_H5_OTHER;
    if (type->big_endian)
        return OCT_H5_OTHER;
    if (type->class_ == H5_CLASS_FLOAT)
        return type->size == 4 ? OCT_H5_FLOAT32 : type->size == 2 ? OCT_H5_FLOAT16
                                              : type->size == 8   ? OCT_H5_FLOAT64
                                                                  : OCT_H5_OTHER;
    if (type->class_ == H5_CLASS_INT && type->size <= 8 && (type->size & (type->size - 1)) == 0)
        return type->is_signed ? OCT_H5_INT : OCT_H5_UINT;
    return OCT_H5_OTHER;
}

static oct_status read_layout(const oct_h5 *h5, h5_cursor body, uint64_t bytes, oct_h5_dataset *out,
    oct_error *err)
{
    uint64_t version = h5_number(&body, 1), layout = h5_number(&body, 1);
    if (version != 3 || layout > LAYOUT_CONTIGUOUS)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "data stored in chunks or by a newer format; only contiguous arrays are read");
    h5_cursor data = body;
    if (layout == LAYOUT_COMPACT) {
        h5_number(&data, 2);
    } else {
        uint64_t address = h5_number(&body, 8);
        if (address == H5_UNDEFINED && !body.bad) {
            if (bytes > MAX_UNWRITTEN_BYTES)
                return oct_fail(err, OCT_E_INVALID, "declares %llu bytes, but none were written",
                    (unsigned long long)bytes);
            out->bytes = NULL;
            return OCT_OK;
        }
        data = body.bad ? body : h5_at(h5, address, bytes);
    }
    out->bytes = h5_take(&data, bytes);
    return out->bytes == NULL ? oct_fail(err, OCT_E_INVALID, "data lies outside the file") : OCT_OK;
}

static oct_status describe(oct_h5 *h5, uint64_t object, oct_h5_dataset *out, oct_error *err)
{
    h5_messages walk;
    h5_message message;
    h5_cursor type_body = { .bad = true }, space_body = type_body, layout_body = type_body;
    OCT_TRY(h5_messages_begin(h5, object, &walk, err));
    for (;;) {
        bool more;
        OCT_TRY(h5_messages_next(&walk, &message, &more, err));
        if (!more)
            break;
        if (message.type == H5_MESSAGE_DATATYPE && (message.flags & 2) != 0)
            return oct_fail(err, OCT_E_UNSUPPORTED, "has a named data type");
        if (message.type == H5_MESSAGE_EXTERNAL_FILES)
            return oct_fail(err, OCT_E_UNSUPPORTED, "is stored in another file");
        if (message.type == H5_MESSAGE_FILTERS)
            return oct_fail(err, OCT_E_UNSUPPORTED, "is compressed; only plain arrays are read");
        if (message.type == H5_MESSAGE_DATATYPE)
            type_body = message.body;
        if (message.type == H5_MESSAGE_DATASPACE)
            space_body = message.body;
        if (message.type == H5_MESSAGE_LAYOUT)
            layout_body = message.body;
    }
    if (type_body.bad || space_body.bad || layout_body.bad)
        return oct_fail(err, OCT_E_INVALID, "is not an array");
    h5_datatype type;
    h5_dataspace space;
    OCT_TRY(h5_datatype_read(type_body, &type, err));
    OCT_TRY(h5_dataspace_read(space_body, &space, err));
    out->type = element_type(&type);
    out->element_bytes = (int32_t)type.size;
    out->rank = space.rank;
    memcpy(out->dims, space.dims, sizeof out->dims);
    out->elements = space.elements;
    int64_t bytes;
    if (type.size > MAX_ELEMENT_BYTES ||
        __builtin_mul_overflow(out->elements, (int64_t)type.size, &bytes))
        return oct_fail(err, OCT_E_INVALID, "is too large");
    OCT_TRY(h5_charge(h5, (uint64_t)bytes, err)); /* arrays that overlap are copied each */
    return read_layout(h5, layout_body, (uint64_t)bytes, out, err);
}

oct_status oct_h5_dataset_open(oct_h5 *h5, uint64_t object, const char *path, oct_h5_dataset *out,
    oct_error *err)
{
    *out = (oct_h5_dataset){ 0 };
    oct_status status = describe(h5, object, out, err);
    return oct_error_prefix(err, status, "%s", path);
}

static int64_t little_endian(const uint8_t *at, int32_t bytes, bool is_signed)
{
    uint64_t value = 0;
    for (int32_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    int spare = 64 - 8 * bytes;
    return is_signed ? (int64_t)(value << spare) >> spare : (int64_t)value;
}

static float element(const oct_h5_dataset *set, const uint8_t *at)
{
    double wide;
    uint32_t bits;
    float value;
    switch (set->type) {
    case OCT_H5_FLOAT16:
        return oct_half_to_float((uint16_t)(at[0] | at[1] << 8));
    case OCT_H5_BFLOAT16: /* the upper half of a float32 */
        bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 24;
        memcpy(&value, &bits, sizeof value);
        return value;
    case OCT_H5_FLOAT64:
        memcpy(&wide, at, sizeof wide);
        return (float)wide;
    case OCT_H5_INT:
        return (float)little_endian(at, set->element_bytes, true);
    case OCT_H5_UINT:
        return (float)(uint64_t)little_endian(at, set->element_bytes, false);
    case OCT_H5_FLOAT32:
    case OCT_H5_OTHER:
        break;
    }
    return 0;
}

void oct_h5_dataset_floats(const oct_h5_dataset *set, int64_t first, int64_t count, float *dst)
{
    if (set->bytes == NULL) {
        memset(dst, 0, (size_t)count * sizeof *dst);
        return;
    }
    const uint8_t *at = set->bytes + first * set->element_bytes;
    if (set->type == OCT_H5_FLOAT32) {
        memcpy(dst, at, (size_t)count * sizeof *dst);
        return;
    }
    for (int64_t i = 0; i < count; i++, at += set->element_bytes)
        dst[i] = element(set, at);
}
