/*
 * From file structs to the objects of a FlatBuffer: tables, vtables, strings and vectors, each
 * distinct one once.
 *
 * Offsets may share any object, so equal ones are one: packing goes from the leaves up and looks
 * every object up by its content and its children's identity. Two subgraphs stay two: nothing in a
 * file may be reached in many ways that is large. Where objects lie in the file is layout.h's
 * matter.
 */
#ifndef OCT_TFLITE_PACK_H
#define OCT_TFLITE_PACK_H

#include "base/arena.h"
#include "base/error.h"
#include "tflite/index.h"
#include "tflite/schema.h"

/* Why bytes are in the file; for the ledger. */
typedef enum oct_fb_cause {
    OCT_FB_STRUCTURE,
    OCT_FB_NAMES,
    OCT_FB_QUANTIZATION,
    OCT_FB_METADATA,
    OCT_FB_WEIGHTS,
    OCT_FB_BIASES,
    OCT_FB_OTHER_CONSTANTS,
    OCT_FB_CAUSE_COUNT
} oct_fb_cause;

typedef enum oct_fb_kind {
    OCT_FB_KIND_VTABLE,
    OCT_FB_KIND_TABLE,
    OCT_FB_KIND_STRING,  /* u32 count, bytes, NUL */
    OCT_FB_KIND_SCALARS, /* u32 count, elements */
    OCT_FB_KIND_OFFSETS, /* u32 count, offsets */
} oct_fb_kind;

/* An offset inside an object, filled in when both places are known. */
typedef struct oct_fb_ref {
    uint32_t at; /* byte in the object */
    uint32_t target;
} oct_fb_ref;

typedef struct oct_fb_object {
    uint8_t kind, cause;
    uint8_t align;       /* the byte at `aligned_at` lies at a multiple of this */
    uint8_t aligned_at;
    uint32_t vtable;     /* of a table: an object */
    uint32_t count;      /* of a string or vector */
    uint32_t ref_count;
    const oct_fb_ref *refs;
    const void *body;    /* bytes behind the count; NULL for offsets; strings, scalars: borrowed */
    size_t body_bytes;
    uint64_t at;         /* place in the file, set by oct_fb_layout() */
} oct_fb_object;

typedef struct oct_fb_pack {
    oct_arena arena;
    oct_fb_object *objects; /* children before parents; malloc() */
    uint32_t count, capacity;
    uint32_t root;
    oct_fb_index index;
} oct_fb_pack;

/**
 * Packs a model. Scalars at their default and absent fields are left out.
 *
 * buffer_causes  [model->buffers.count], what the buffers are for.
 * pack           filled; oct_fb_pack_deinit(), also after failure. Strings and vectors are borrowed
 *                from the model.
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_fb_pack_model(const oct_fb_model *model, const uint8_t *buffer_causes,
    oct_fb_pack *pack, oct_error *err);

void oct_fb_pack_deinit(oct_fb_pack *pack);

/** Bytes of an object in the file, without padding. */
size_t oct_fb_object_bytes(const oct_fb_object *object);

#endif
