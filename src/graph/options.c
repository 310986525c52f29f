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

enum { MEMBERS_1 = 127, MEMBERS_2 = 24 };

#define OCT_OPTION(set, value, Name, name, ...) SELECT_##set(value, name)
#define OCT_OPTION_EMPTY(set, value, Name, name) SELECT_##set(value, name)

#define SELECT_1(value, name) [value] = &name##_record,
#define SELECT_2(value, name)
static const oct_record *const members_1[MEMBERS_1] = {
#include "graph/options.def"
};
#undef SELECT_1
#undef SELECT_2

#define SELECT_1(value, name)
#define SELECT_2(value, name) [value] = &name##_record,
static const oct_record *const members_2[MEMBERS_2] = {
#include "graph/options.def"
};
#undef SELECT_1
#undef SELECT_2
#undef OCT_OPTION
#undef OCT_OPTION_EMPTY

const oct_record *const *oct_options_members(int set, uint32_t *count)
{
    *count = set == 1 ? MEMBERS_1 : MEMBERS_2;
    return set == 1 ? members_1 : members_2;
}

const oct_record *oct_options_record(oct_options_type type)
{
    uint32_t count, value = (uint32_t)type % 256;
    const oct_record *const *members = oct_options_members((int)type / 256, &count);
    return value < count ? members[value] : NULL;
}
