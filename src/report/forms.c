/*
 * The forms and targets by name.
 */
#include <octavo/compare.h>

#include <string.h>

static const oct_variant variants[OCT_VARIANTS] = {
    { OCT_MODE_FLOAT32, OCT_IO_INT8 },
    { OCT_MODE_DYNAMIC, OCT_IO_INT8 },
    { OCT_MODE_FLOAT16, OCT_IO_INT8 },
    { OCT_MODE_INT8, OCT_IO_INT8 },
    { OCT_MODE_INT8_FULL, OCT_IO_INT8 },
    { OCT_MODE_INT8_FULL, OCT_IO_UINT8 },
    { OCT_MODE_INT16X8, OCT_IO_INT8 },
};

const oct_variant *oct_compare_variants(void)
{
    return variants;
}

const char *oct_variant_name(oct_variant variant)
{
    if (variant.mode == OCT_MODE_INT8_FULL && variant.io == OCT_IO_UINT8)
        return "int8-full-uint8";
    return oct_mode_name(variant.mode);
}

bool oct_variant_from_name(const char *name, oct_variant *variant)
{
    for (int i = 0; i < OCT_VARIANTS; i++) {
        if (strcmp(name, oct_variant_name(variants[i])) == 0) {
            *variant = variants[i];
            return true;
        }
    }
    return false;
}

static const char *const targets[OCT_TARGET_COUNT] = {
#define OCT_TARGET_NAME(enumerator, name, text) [enumerator] = name,
    OCT_TARGET_LIST(OCT_TARGET_NAME)
#undef OCT_TARGET_NAME
};

const char *oct_target_name(oct_target target)
{
    return targets[target];
}

bool oct_target_from_name(const char *name, oct_target *target)
{
    for (int i = 0; i < OCT_TARGET_COUNT; i++) {
        if (strcmp(name, targets[i]) == 0) {
            *target = (oct_target)i;
            return true;
        }
    }
    return false;
}
