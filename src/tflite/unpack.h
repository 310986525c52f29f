/*
 * Verified FlatBuffers as C structs.
 */
#ifndef OCT_TFLITE_UNPACK_H
#define OCT_TFLITE_UNPACK_H

#include "base/arena.h"
#include "base/error.h"
#include "graph/record.h"

/**
 * The root table as a struct of its record, children included, in the arena.
 *
 * bytes  have passed oct_fb_verify() with the same record and outlive the arena's objects: strings
 *        and vectors are views into them (copies where an element would be misaligned).
 * Absent scalars get their default, absent unions with a type byte a struct of defaults.
 * NULL when memory is short.
 */
void *oct_fb_unpack(const void *bytes, const oct_record *root, oct_arena *arena);

/** Sets a scalar of a struct to the schema's default. */
void oct_fb_set_default(void *slot, const oct_field *field);

/** A struct of the record with every field absent or at its default; NULL when memory is short. */
void *oct_fb_new(const oct_record *record, oct_arena *arena);

#endif
