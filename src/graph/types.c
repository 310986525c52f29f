/*
 * Names and sizes of element types, names of operators.
 */
#include "graph/types.h"

#include <stddef.h>

const char *oct_type_name(oct_type type)
{
    static const char *const names[OCT_TYPE_COUNT] = {
#define OCT_TYPE_TEXT(enumerator, value, name, bits) [value] = name,
        OCT_TYPE_LIST(OCT_TYPE_TEXT)
#undef OCT_TYPE_TEXT
    };
    return (unsigned)type < OCT_TYPE_COUNT ? names[type] : NULL;
}

int32_t oct_type_bits(oct_type type)
{
    static const uint8_t sizes[OCT_TYPE_COUNT] = {
#define OCT_TYPE_SIZE(enumerator, value, name, bits) [value] = bits,
        OCT_TYPE_LIST(OCT_TYPE_SIZE)
#undef OCT_TYPE_SIZE
    };
    return (unsigned)type < OCT_TYPE_COUNT ? sizes[type] : 0;
}

const char *oct_builtin_name(oct_builtin op)
{
    static const char *const names[OCT_OP_COUNT] = {
#define OCT_BUILTIN(code, name) [code] = #name,
#include "graph/builtin.def"
#undef OCT_BUILTIN
    };
    return (unsigned)op < OCT_OP_COUNT ? names[op] : NULL;
}
