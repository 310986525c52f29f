/*
 * The report: one HTML file that opens offline, a view of results.json.
 */
#ifndef OCTAVO_REPORT_H
#define OCTAVO_REPORT_H

#include <stdint.h>
#include <octavo/compare.h>
#include <octavo/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * Writes a report of one or several runs, side by side, into one file (temporary name, synced,
 * renamed). Charts need Chart.js found at build time; without it the report has the tables and says
 * so.
 *
 * results  count of them, borrowed for the call.
 * Errors: OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_report_save(
    const oct_results *const *results, int32_t count, const char *path, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
