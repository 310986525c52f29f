/*
 * Files of src/report/html and Chart.js as strings, put in at build time by
 * cmake/OctavoAssets.cmake.
 */
#ifndef OCT_REPORT_ASSETS_H
#define OCT_REPORT_ASSETS_H

extern const char oct_asset_page[];   /* page.html */
extern const char oct_asset_style[];  /* style.css */
extern const char oct_asset_script[]; /* script.js */
extern const char oct_asset_chart[];  /* chart.min.js; empty when it was not found */

#endif
