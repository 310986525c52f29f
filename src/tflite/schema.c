/*
 * Records of the core tables, made from schema.def.
 */
#include "tflite/schema.h"

static const oct_record *const quantization_details_members[] = {
    NULL,
    &oct_fb_custom_quantization_record,
    &oct_fb_blockwise_quantization_record,
    &oct_fb_multi_axis_quantization_record,
};
static const oct_record *const sparse_index_vector_members[] = {
    NULL,
    &oct_fb_int32_vector_record,
    &oct_fb_uint16_vector_record,
    &oct_fb_uint8_vector_record,
};

#define builtin_options_members oct_builtin_options_members
#define builtin_options_2_members oct_builtin_options_2_members

/* The kind is pasted here and not in a nested macro, where `bool` would be expanded first. */
#define F(owner, field_id, field_kind, field_name, field_default)                                  \
    { .name = #field_name,                                                                         \
        .id = field_id,                                                                            \
        .kind = OCT_KIND_##field_kind,                                                             \
        .offset = offsetof(oct_fb_##owner, field_name),                                            \
        .fallback = field_default },
#define A(owner, field_id, field_kind, field_name, alignment)                                      \
    { .name = #field_name,                                                                         \
        .id = field_id,                                                                            \
        .kind = OCT_KIND_##field_kind,                                                             \
        .offset = offsetof(oct_fb_##owner, field_name),                                            \
        .force_align = alignment },
#define CHILD(owner, field_id, field_kind, field_name, child)                                      \
    { .name = #field_name,                                                                         \
        .id = field_id,                                                                            \
        .kind = field_kind,                                                                        \
        .offset = offsetof(oct_fb_##owner, field_name),                                            \
        .record = &oct_fb_##child##_record },
#define T(owner, id_, field_, Name, child) CHILD(owner, id_, OCT_KIND_table, field_, child)
#define V(owner, id_, field_, Name, child) CHILD(owner, id_, OCT_KIND_vec_table, field_, child)
#define U(owner, field_id, field_name, union_name)                                                 \
    { .name = #field_name,                                                                         \
        .id = field_id,                                                                            \
        .kind = OCT_KIND_union,                                                                    \
        .offset = offsetof(oct_fb_##owner, field_name),                                            \
        .members = union_name##_members,                                                           \
        .member_count = sizeof union_name##_members / sizeof *union_name##_members },
#define OCT_TABLE(Name, name_, ...)                                                                \
    static const oct_field name_##_fields[] = { __VA_ARGS__ };                                     \
    const oct_record oct_fb_##name_##_record = {                                                   \
        .name = #Name,                                                                             \
        .size = sizeof(oct_fb_##name_),                                                            \
        .field_count = sizeof name_##_fields / sizeof *name_##_fields,                             \
        .fields = name_##_fields,                                                                  \
    };
#include "graph/sparsity.def"
#include "tflite/schema.def"
