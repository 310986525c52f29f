/*
 * Operator options as C structs: oct_conv2d_options and so on, one for each entry of options.def.
 */
#ifndef OCT_GRAPH_OPTIONS_H
#define OCT_GRAPH_OPTIONS_H

#include "graph/record.h"

#define F(owner, id, kind, field, fallback) OCT_CTYPE_##kind field;
#define OCT_OPTION(set, value, Name, name, ...)                                                    \
    typedef struct oct_##name##_options {                                                          \
        __VA_ARGS__                                                                                \
    } oct_##name##_options;
#define OCT_OPTION_EMPTY(set, value, Name, name)
#include "graph/options.def"
#undef OCT_OPTION
#undef OCT_OPTION_EMPTY
#undef F

/* A union's values are bytes. */
enum { OCT_OPTIONS_SET_SIZE = 256 };

/* OCT_OPTIONS_Conv2D and so on: the union (1 or 2) and the value in it, packed into one number. */
#define OCT_OPTIONS_PACK(set, value) ((set) * OCT_OPTIONS_SET_SIZE + (value))
typedef enum oct_options_type {
    OCT_OPTIONS_NONE = 0,
#define OCT_OPTION(set, value, Name, name, ...) OCT_OPTIONS_##Name = OCT_OPTIONS_PACK(set, value),
#define OCT_OPTION_EMPTY(set, value, Name, name) OCT_OPTIONS_##Name = OCT_OPTIONS_PACK(set, value),
#include "graph/options.def"
#undef OCT_OPTION
#undef OCT_OPTION_EMPTY
} oct_options_type;

/** Record of an options type; NULL when it is not in the schema. Empty tables have a record of size 0. */
const oct_record *oct_options_record(oct_options_type type);

/* The records of both unions by value, [0] being NONE, for tables of records that need constants. */
enum { OCT_BUILTIN_OPTIONS_COUNT = 127, OCT_BUILTIN_OPTIONS_2_COUNT = 24 };
extern const oct_record *const oct_builtin_options_members[OCT_BUILTIN_OPTIONS_COUNT];
extern const oct_record *const oct_builtin_options_2_members[OCT_BUILTIN_OPTIONS_2_COUNT];

/** Members of union 1 (BuiltinOptions) or 2 (BuiltinOptions2): records by value; *count with NONE. */
const oct_record *const *oct_options_members(int set, uint32_t *count);

#endif
