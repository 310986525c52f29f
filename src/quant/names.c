/*
 * Names of modes, efforts and range methods.
 */
#include <string.h>

#include <octavo/quantize.h>

static const struct {
    const char *name;
    bool calibrated;
} modes[] = {
#define OCT_MODE_ROW(enumerator, name, calibrated, text) [enumerator] = { name, calibrated },
    OCT_MODE_LIST(OCT_MODE_ROW)
#undef OCT_MODE_ROW
};

const char *oct_mode_name(oct_mode mode)
{
    return (unsigned)mode < OCT_MODE_COUNT ? modes[mode].name : "unknown";
}

bool oct_mode_from_name(const char *name, oct_mode *mode)
{
    for (int i = 0; i < OCT_MODE_COUNT; i++)
        if (strcmp(modes[i].name, name) == 0) {
            *mode = (oct_mode)i;
            return true;
        }
    return false;
}

bool oct_mode_needs_calibration(oct_mode mode)
{
    return (unsigned)mode < OCT_MODE_COUNT && modes[mode].calibrated;
}

bool oct_mode_uses_calibration(oct_mode mode, oct_effort effort)
{
    bool has_biases = mode == OCT_MODE_DYNAMIC || mode == OCT_MODE_WEIGHT_ONLY;
    return oct_mode_needs_calibration(mode) || (effort != OCT_EFFORT_NONE && has_biases);
}

static const char *const efforts[] = {
#define OCT_EFFORT_ROW(enumerator, name, text) [enumerator] = name,
    OCT_EFFORT_LIST(OCT_EFFORT_ROW)
#undef OCT_EFFORT_ROW
};

const char *oct_effort_name(oct_effort effort)
{
    return (unsigned)effort < OCT_EFFORT_COUNT ? efforts[effort] : "unknown";
}

bool oct_effort_from_name(const char *name, oct_effort *effort)
{
    for (int i = 0; i < OCT_EFFORT_COUNT; i++)
        if (strcmp(efforts[i], name) == 0) {
            *effort = (oct_effort)i;
            return true;
        }
    return false;
}

static const char *const ranges[] = {
#define OCT_RANGE_ROW(enumerator, name, text) [enumerator] = name,
    OCT_RANGE_LIST(OCT_RANGE_ROW)
#undef OCT_RANGE_ROW
};

const char *oct_range_method_name(oct_range_method method)
{
    return (unsigned)method < OCT_RANGE_COUNT ? ranges[method] : "unknown";
}

bool oct_range_method_from_name(const char *name, oct_range_method *method)
{
    for (int i = 0; i < OCT_RANGE_COUNT; i++)
        if (strcmp(ranges[i], name) == 0) {
            *method = (oct_range_method)i;
            return true;
        }
    return false;
}
