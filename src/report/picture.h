/*
 * Small pictures of samples for the report.
 */
#ifndef OCT_REPORT_PICTURE_H
#define OCT_REPORT_PICTURE_H

#include <octavo/data.h>

/**
 * Sample `index` as a PNG of at most 64 x 64 pixels in a "data:image/png;base64,..." URI.
 *
 * out  owned by the caller, free(); NULL when the sample is no image of bytes, or memory is short:
 * a report does without.
 */
char *oct_picture(const oct_data *data, int64_t index);

#endif
