/*
 * What the parts of the HDF5 reader share: the file, checked access to its bytes, object headers.
 */
#ifndef OCT_KERAS_H5_FILE_H
#define OCT_KERAS_H5_FILE_H

#include "base/arena.h"
#include "keras/h5.h"

/* Header message types of the specification, chapter IV.A.2. */
enum {
    H5_MESSAGE_DATASPACE = 0x01,
    H5_MESSAGE_LINK_INFO = 0x02,
    H5_MESSAGE_DATATYPE = 0x03,
    H5_MESSAGE_LINK = 0x06,
    H5_MESSAGE_EXTERNAL_FILES = 0x07,
    H5_MESSAGE_LAYOUT = 0x08,
    H5_MESSAGE_FILTERS = 0x0b,
    H5_MESSAGE_ATTRIBUTE = 0x0c,
    H5_MESSAGE_CONTINUATION = 0x10,
    H5_MESSAGE_SYMBOL_TABLE = 0x11,
    H5_MESSAGE_ATTRIBUTE_INFO = 0x15,
};

#define H5_UNDEFINED UINT64_MAX /* the address of what was never allocated */

typedef struct h5_link {
    const char *name;
    uint64_t object;
    bool soft;
} h5_link;

typedef struct h5_group {
    uint64_t address;
    h5_link *links; /* [count], sorted by name */
    size_t count, capacity;
} h5_group;

struct oct_h5 {
    const uint8_t *bytes;
    size_t size;
    uint64_t root;
    uint64_t budget; /* steps left for walks; a file that costs more is not one that HDF5 wrote */
    oct_arena arena;
    h5_group **groups; /* groups read so far: hash table by address, [group_slots] */
    size_t group_count, group_slots;
};

/* A slice of the file: what is left of it shrinks as it is read. `bad` is set by the first overrun. */
typedef struct h5_cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
} h5_cursor;

/* A message of an object header; its body borrows the file. */
typedef struct h5_message {
    uint16_t type;
    uint8_t flags;
    h5_cursor body;
} h5_message;

/* Walks the messages of an object header, continuation blocks included. */
typedef struct h5_messages {
    oct_h5 *h5;
    h5_cursor block;
    uint32_t left;
    struct { uint64_t address, length; } pending[32];
    int pending_count;
} h5_messages;

typedef struct h5_datatype {
    uint8_t class_;
    bool big_endian, is_signed, vlen_string;
    uint32_t size;
} h5_datatype;

typedef struct h5_dataspace {
    int32_t rank;
    int64_t dims[OCT_H5_MAX_RANK];
    int64_t elements; /* 0 for a null space */
} h5_dataspace;

enum { H5_CLASS_INT = 0, H5_CLASS_FLOAT = 1, H5_CLASS_STRING = 3, H5_CLASS_OPAQUE = 5, H5_CLASS_VLEN = 9 };

/** Bytes [address, address + size) as a cursor; bad when they are not all in the file. */
h5_cursor h5_at(const oct_h5 *h5, uint64_t address, uint64_t size);

/** size bytes from the front of a cursor; NULL (and bad) when fewer are left. */
const uint8_t *h5_take(h5_cursor *cursor, uint64_t size);

/** An unsigned little-endian number of 1, 2, 4 or 8 bytes; 0 when bad. */
uint64_t h5_number(h5_cursor *cursor, int bytes);

/** Takes steps from the budget. Errors: OCT_E_INVALID when it is spent. */
oct_status h5_charge(oct_h5 *h5, uint64_t steps, oct_error *err);

oct_status h5_messages_begin(oct_h5 *h5, uint64_t object, h5_messages *walk, oct_error *err);

/** *more is false behind the last message. */
oct_status h5_messages_next(h5_messages *walk, h5_message *message, bool *more, oct_error *err);

/** Errors: OCT_E_INVALID, OCT_E_UNSUPPORTED for versions and classes h5py does not write. */
oct_status h5_datatype_read(h5_cursor body, h5_datatype *out, oct_error *err);
oct_status h5_dataspace_read(h5_cursor body, h5_dataspace *out, oct_error *err);

#endif
