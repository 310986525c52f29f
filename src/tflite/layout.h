/*
 * Where the objects of a packed model lie in the file.
 */
#ifndef OCT_TFLITE_LAYOUT_H
#define OCT_TFLITE_LAYOUT_H

#include "tflite/pack.h"

typedef struct oct_fb_layout {
    uint32_t *order; /* [count of the pack] object ids by place in the file; malloc() */
    uint64_t bytes;  /* of the FlatBuffer */
} oct_fb_layout;

/**
 * Gives every object its place (object->at).
 *
 * Offsets point forward, so parents come first: [header][objects with offsets, parents before
 * children] [16-byte aligned constants, small leaves in the gaps between them][leaves]. The file
 * goes on for at least 16 bytes behind the last constant, since vector code may read that far.
 * layout  oct_fb_layout_deinit(), also after failure. Deterministic.
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_fb_layout_create(oct_fb_pack *pack, oct_fb_layout *layout, oct_error *err);

void oct_fb_layout_deinit(oct_fb_layout *layout);

#endif
