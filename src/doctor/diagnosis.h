/*
 * The list of findings while it is made.
 */
#ifndef OCT_DOCTOR_DIAGNOSIS_H
#define OCT_DOCTOR_DIAGNOSIS_H

#include <octavo/doctor.h>
#include "base/arena.h"
#include "doctor/look.h"

enum { OCT_MOST_FINDINGS = 64 };

struct oct_diagnosis {
    oct_arena arena;
    oct_finding findings[OCT_MOST_FINDINGS];
    int32_t count;
    oct_growth growth;
    oct_preprocess_choice choice; /* reason "": not found */
    bool short_of_memory;         /* seen once at the end, so that findings need no checks */
};

/* All that the parts of the examination share. */
typedef struct oct_examination {
    const oct_model *model;
    const oct_data *data, *calib; /* calib NULL: none */
    const oct_doctor_options *options;
    oct_pool *pool;
    oct_look *looks, *calib_looks; /* NULL for random samples */
    oct_diagnosis *out;
} oct_examination;

/** Adds a finding about `count` things; text and advice are copied. NULL when memory is short. */
oct_finding *oct_diagnosis_add(oct_diagnosis *d, oct_finding_kind kind, oct_severity severity,
    int64_t count, const char *advice, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/** Adds a place while there is room for it; finding may be NULL. */
void oct_finding_place(oct_diagnosis *d, oct_finding *finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Parts of the examination; each adds its findings. */

/** Broken, damaged, not finite, constant and grey samples; of `data` or the calibration samples. */
void oct_examine_samples(oct_examination *e, const oct_data *data, const oct_look *looks);

/** Equal and nearly equal samples, within the data and across to the calibration samples. */
oct_status oct_examine_alike(oct_examination *e, oct_error *err);

/** Classes and labels. */
oct_status oct_examine_classes(oct_examination *e, oct_error *err);

/** Preprocessing and range; sets out->choice. */
oct_status oct_examine_fit(oct_examination *e, oct_error *err);

/** Whether more calibration samples would widen the ranges. */
oct_status oct_examine_growth(oct_examination *e, oct_error *err);

/**
 * Those samples of a data set that could be read, evenly spread, at most `most`.
 * out  owned by the caller; NULL when there is none.
 */
oct_status oct_readable(const oct_data *data, const oct_look *looks, int64_t most, oct_data **out,
    oct_error *err);

#endif
