/*
 * Results of a comparison: the JSON document that is saved, and the numbers the table and the
 * advice read out of it.
 *
 * The document is the one representation. A comparison builds it, results.json is its text, a load
 * keeps keys it does not know. Rows are a checked extract.
 */
#ifndef OCT_REPORT_RESULTS_H
#define OCT_REPORT_RESULTS_H

#include <jansson.h>
#include <octavo/compare.h>

enum { OCT_RESULTS_SCHEMA = 1, OCT_MAX_ROWS = 16 };

/* One form. Strings live in the document. */
typedef struct oct_row {
    const char *form;
    bool ok;
    const char *failure; /* why not; NULL when ok */
    double bytes;
    int64_t samples, top1; /* top1 only with labels */
    oct_interval top1_interval;
    int64_t agree, lost, won; /* against float32 */
    double difference;
    oct_interval difference_interval;
    bool has_latency; /* with a device these are what it measured */
    double median_ns, ratio;
    oct_interval median_interval, ratio_interval;
    bool has_host_latency; /* with a device: beside it */
    double host_median_ns, host_ratio;
    int64_t same_as_host; /* answers, of `samples`; -1: no accuracy of a device */
    char verdict[16]; /* "advised", or which rule it fell to; set by advising */
} oct_row;

struct oct_results {
    json_t *root; /* owned */
    bool labelled, random;
    const char *device;  /* name of the phone, NULL: none; lives in root */
    bool beside;         /* the phone's numbers stand beside the host's; else they are the only ones */
    const char *failure; /* why its measurements are incomplete, or NULL */
    bool device_latency, device_accuracy; /* the rows' numbers are its */
    oct_row rows[OCT_MAX_ROWS]; /* [0] is float32 */
    int32_t row_count;
    char *advice;        /* owned text */
    const char *advised; /* a row's form, or NULL */
};

/**
 * Takes over a document, also on failure, and reads the rows.
 * Errors: OCT_E_INVALID naming the key, OCT_E_UNSUPPORTED (schema of another version).
 */
oct_status oct_results_create(json_t *root, const char *name, oct_results **out, oct_error *err);

/** A JSON number, or null for infinities and NaN. */
json_t *oct_report_number(double value);

/** A JSON string; bytes beyond ASCII become '?' where the text is not UTF-8 (names come from
 * files). */
json_t *oct_report_text(const char *text);

/* Text for people, written into text[size]; returns text. */

/** "13.99 MB", "812.4 kB", "640 B": powers of ten. */
const char *oct_format_bytes(double bytes, char *text, size_t size);

/** "1.20 s", "5.90 ms", "812 µs", three digits. */
const char *oct_format_ns(double ns, char *text, size_t size);

/** A difference of rates in percentage points with a sign: "−0.12". */
const char *oct_format_points(double difference, char *text, size_t size);

#endif
