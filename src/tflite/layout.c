/*
 * Placing objects with as little padding as alignment allows.
 *
 * Two tricks. The 12 bytes between two 16-aligned constants take small leaves (vectors of one or
 * two numbers, of which a quantized model has hundreds). And before a leaf that must begin 4 bytes
 * off a multiple of 8 (a vector of 64-bit numbers) goes one whose length is an odd number of words.
 */
#include "tflite/layout.h"

#include <stdlib.h>

enum { HEADER_BYTES = 8, CONSTANT_ALIGN = 16, TAIL_BYTES = 16 };

/* Leaves waiting for a place, by what they are good for. */
typedef enum leaf_class {
    LEAF_4,    /* fills 4 bytes of a gap, */
    LEAF_8,
    LEAF_12,
    LEAF_WIDE, /* wants 8-byte alignment, */
    LEAF_ODD,  /* an odd number of words, */
    LEAF_EVEN,
    LEAF_CLASSES
} leaf_class;

typedef struct placer {
    oct_fb_pack *pack;
    uint32_t *order;  /* objects placed so far */
    uint32_t placed;
    uint64_t at;
    uint32_t *next;   /* by object: the next leaf of its class */
    uint32_t leaves[LEAF_CLASSES];
} placer;

static uint64_t aligned(uint64_t at, const oct_fb_object *object)
{
    uint64_t mask = object->align - 1u;
    return ((at + object->aligned_at + mask) & ~mask) - object->aligned_at;
}

static void place_at(placer *p, uint32_t id, uint64_t at)
{
    p->pack->objects[id].at = at;
    p->order[p->placed++] = id;
}

static void place(placer *p, uint32_t id)
{
    const oct_fb_object *object = &p->pack->objects[id];
    place_at(p, id, aligned(p->at, object));
    p->at = object->at + oct_fb_object_bytes(object);
}

static bool is_constant(const oct_fb_object *object)
{
    return object->align == CONSTANT_ALIGN;
}

static leaf_class class_of(const oct_fb_object *object)
{
    size_t words = (oct_fb_object_bytes(object) + 3) / 4;
    if (object->align == 8)
        return LEAF_WIDE;
    if (words <= 3)
        return (leaf_class)(LEAF_4 + words - 1);
    return words % 2 != 0 ? LEAF_ODD : LEAF_EVEN;
}

static uint32_t take(placer *p, leaf_class class)
{
    uint32_t id = p->leaves[class];
    if (id != OCT_FB_NONE)
        p->leaves[class] = p->next[id];
    return id;
}

/* Objects with offsets in reverse order of creation: parents first. Leaves go to their lists. */
static void place_parents(placer *p)
{
    for (int class = 0; class < LEAF_CLASSES; class ++)
        p->leaves[class] = OCT_FB_NONE;
    for (uint32_t id = p->pack->count; id-- != 0;) {
        const oct_fb_object *object = &p->pack->objects[id];
        if (object->ref_count != 0) {
            place(p, id);
        } else if (!is_constant(object)) {
            leaf_class class = class_of(object);
            p->next[id] = p->leaves[class];
            p->leaves[class] = id;
        }
    }
}

/* Fills [at, end) with the largest small leaves there are. */
static void fill_gap(placer *p, uint64_t end)
{
    for (int class = LEAF_12; class >= LEAF_4; class --) {
        uint64_t bytes = 4 * (uint64_t)(class - LEAF_4 + 1);
        uint64_t at = (p->at + 3) & ~(uint64_t)3;
        while (at + bytes <= end && p->leaves[class] != OCT_FB_NONE) {
            place_at(p, take(p, (leaf_class) class), at);
            p->at = at + bytes;
            at = p->at;
        }
    }
}

static void place_constants(placer *p)
{
    for (uint32_t id = 0; id < p->pack->count; id++) {
        const oct_fb_object *object = &p->pack->objects[id];
        if (object->ref_count != 0 || !is_constant(object))
            continue;
        fill_gap(p, aligned(p->at, object));
        place(p, id);
    }
}

static void place_leaves(placer *p)
{
    for (uint32_t id; (id = take(p, LEAF_WIDE)) != OCT_FB_NONE;) {
        if (((p->at + 3) & ~(uint64_t)3) % 8 == 0) {
            uint32_t odd = take(p, LEAF_ODD);
            odd = odd != OCT_FB_NONE ? odd : take(p, LEAF_12);
            odd = odd != OCT_FB_NONE ? odd : take(p, LEAF_4);
            if (odd != OCT_FB_NONE)
                place(p, odd);
        }
        place(p, id);
    }
    for (int class = LEAF_CLASSES - 1; class >= 0; class --)
        for (uint32_t id; (id = take(p, (leaf_class) class)) != OCT_FB_NONE;)
            place(p, id);
}

oct_status oct_fb_layout_create(oct_fb_pack *pack, oct_fb_layout *layout, oct_error *err)
{
    size_t bytes = ((size_t)pack->count + 1) * sizeof(uint32_t);
    placer p = { .pack = pack, .order = malloc(bytes), .at = HEADER_BYTES, .next = malloc(bytes) };
    *layout = (oct_fb_layout){ .order = p.order };
    if (p.order == NULL || p.next == NULL) {
        free(p.next);
        return oct_fail_memory(err, bytes, "file layout");
    }
    place_parents(&p);
    place_constants(&p);
    uint64_t constants_end = p.at;
    place_leaves(&p);
    free(p.next);
    uint64_t least = constants_end + TAIL_BYTES;
    layout->bytes = ((p.at < least ? least : p.at) + 3) & ~(uint64_t)3;
    return OCT_OK;
}

void oct_fb_layout_deinit(oct_fb_layout *layout)
{
    free(layout->order);
    layout->order = NULL;
}
