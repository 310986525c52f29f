/*
 * Records of all option tables, made from options.def.
 */
#include "graph/options.h"

#define F(owner, field_id, field_kind, field_name, field_default)                                  \
    { .name = #field_name,                                                                         \
        .id = field_id,                                                                            \
        .kind = OCT_KIND_##field_kind,                                                             \
        .offset = offsetof(oct_##owner##_options, field_name),                                     \
        .fallback = field_default },
#define OCT_OPTION(set, value, Name, name, ...)                                                    \
    static const oct_field name##_fields[] = { __VA_ARGS__ };                                      \
    static const oct_record name##_record = { #Name "Options", sizeof(oct_##name##_options),       \
        sizeof name##_fields / sizeof *name##_fields, name##_fields };
#define OCT_OPTION_EMPTY(set, value, Name, name)                                                   \
    static const oct_record name##_record = { #Name "Options", 0, 0, NULL };
#include "graph/options.def"
#undef OCT_OPTION
#undef OCT_OPTION_EMPTY
#undef F

#define OCT_OPTION(set, value, Name, name, ...) SELECT_##set(value, name)
#define OCT_OPTION_EMPTY(set, value, Name, name) SELECT_##set(value, name)

#define SELECT_1(value, name) [value] = &name##_record,
#define SELECT_2(value, name)
const oct_record *const oct_builtin_options_members[OCT_BUILTIN_OPTIONS_COUNT] = {
#include "graph/options.def"
};
#undef SELECT_1
#undef SELECT_2

#define SELECT_1(value, name)
#define SELECT_2(value, name) [value] = &name##_record,
const oct_record *const oct_builtin_options_2_members[OCT_BUILTIN_OPTIONS_2_COUNT] = {
#include "graph/options.def"
};
#undef SELECT_1
#undef SELECT_2
#undef OCT_OPTION
#undef OCT_OPTION_EMPTY

const oct_record *const *oct_options_members(int set, uint32_t *count)
{
    *count = set == 1 ? OCT_BUILTIN_OPTIONS_COUNT : OCT_BUILTIN_OPTIONS_2_COUNT;
    return set == 1 ? oct_builtin_options_members : oct_builtin_options_2_members;
}

const oct_record *oct_options_record(oct_options_type type)
{
    uint32_t count, value = (uint32_t)type % OCT_OPTIONS_SET_SIZE;
    const oct_record *const *members = oct_options_members((int)type / OCT_OPTIONS_SET_SIZE, &count);
    return value < count ? members[value] : NULL;
}
